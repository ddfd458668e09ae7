"""Change of a share over years."""

import math
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import statsmodels.api as sm
from firthmodels import FirthLogisticRegression
from scipy import optimize, stats
from sklearn.exceptions import ConvergenceWarning
from statsmodels.tools.sm_exceptions import IterationLimitWarning, PerfectSeparationWarning

from ptmreuse.errors import StudyError
from ptmreuse.statistics import overlap
from ptmreuse.statistics.estimate import (
    NAN,
    Estimate,
    numbers,
    one_of,
    parts_of,
    print_p,
    same_length,
    undefined,
    whole_counts,
    within,
)

# ---------------------------------------------------------------------------------------- trends over years


def _design(x, degree=1):
    """Intercept and powers of x."""
    return np.column_stack([x**d for d in range(degree + 1)])


def _fit(model):
    """Maximum likelihood of a model of which the caller has made sure that it exists."""
    # The messages mean a perfect fit (two years, a straight line), which is no separation, or a quadratic that
    # runs to 0 or 1, of which only the deviance is used.
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", PerfectSeparationWarning)
        fit = model.fit(tol=1e-13, maxiter=500)
        _ = fit.deviance  # computed and kept while its overflow is expected
        return fit


def _logit(k, n, x, degree=1):
    """Binomial fit on a polynomial in x."""
    return _fit(sm.GLM(np.column_stack([k, n - k]), _design(x, degree), family=sm.families.Binomial()))


def separated(k, n, x):
    """Whether a logit in x has no finite estimate: all yes lie on one side of all no (Albert, Anderson 1984).

    statsmodels then stops somewhere with a huge standard error; R warns of fitted probabilities of 0 or 1.

    Examples
    --------
    >>> separated([0, 0, 5], [5, 5, 5], [1, 2, 3]), separated([0, 1, 5], [5, 5, 6], [1, 2, 3])
    (True, False)
    """
    k, n = parts_of("separated", k, n)
    x = numbers("separated, x", x)
    same_length("separated", k, x)
    yes, no = x[k > 0], x[k < n]
    if not yes.size or not no.size:
        return True
    return bool(yes.min() >= no.max() or yes.max() <= no.min())


def _firth(k, n, x, conf):
    """Firth's penalised logit: intercept, slope and, given `conf`, profile limits, standard error, LR p value."""
    scale = x.std()
    x = x / scale
    rows = np.concatenate([x, x])[:, None]
    outcome, weight = np.repeat([1, 0], len(x)), np.concatenate([k, n - k]).astype(float)
    used = weight > 0
    model = FirthLogisticRegression(backend="numpy", gtol=1e-6, xtol=1e-6, max_iter=500)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # its steps end a little early; what follows goes on
        model.fit(rows[used], outcome[used], sample_weight=weight[used])
    squares = np.subtract.outer(x, x) ** 2

    def deviance(intercept, slope):
        """Twice the negative penalised log likelihood, for one or many intercepts."""
        linear = np.add.outer(np.atleast_1d(intercept), slope * x)
        size = np.exp(-np.abs(linear))
        weight = n * size / (1 + size) ** 2
        with np.errstate(divide="ignore"):  # far from all years no information is left: an endless deviance
            penalty = np.log(np.einsum("bi,ij,bj->b", weight, squares, weight) / 2)
        return -2 * (k * linear - n * np.logaddexp(0, linear)).sum(axis=1) - penalty

    def lowest(slope):
        """The least deviance for a slope: the best of a grid that spans all years, then refined."""
        grid = np.linspace(-(slope * x).max() - 20, -(slope * x).min() + 20, 201)
        best = grid[np.argmin(deviance(grid, slope))]
        around = (best - grid[1] + grid[0], best + grid[1] - grid[0])
        found = optimize.minimize_scalar(
            lambda b: deviance(b, slope)[0], bounds=around, method="bounded", options={"xatol": 1e-9}
        )
        return found.fun

    start = (float(model.intercept_), float(model.coef_[0]))
    if not math.isfinite(deviance(*start)[0]):
        start = (0.0, 0.0)
    precise = {"xatol": 1e-9, "fatol": 1e-12, "maxiter": 4000}
    b0, b1 = optimize.minimize(lambda b: deviance(*b)[0], start, method="Nelder-Mead", options=precise).x
    if conf is None:
        return b0, b1 / scale, NAN, NAN, NAN, NAN
    best = deviance(b0, b1)[0]
    # firthmodels 0.8.2 has profile limits too, but puts both on one side of the estimate in one series of a hundred.
    allowed, ends = stats.chi2.ppf(conf, 1) + best, []
    for sign in (-1, 1):
        step = 1.0
        while lowest(b1 + sign * step) < allowed:
            step *= 2
        ends.append(optimize.brentq(lambda b: lowest(b) - allowed, b1, b1 + sign * step, xtol=1e-9))
    size = np.exp(-np.abs(b0 + b1 * x))
    weight = n * size / (1 + size) ** 2
    determinant = float(weight @ squares @ weight) / 2
    se = math.sqrt(weight.sum() / determinant)
    p = float(stats.chi2.sf(max(0.0, lowest(0.0) - best), 1))
    return b0, b1 / scale, ends[0] / scale, ends[1] / scale, se / scale, p


def cochran_armitage(k, n, year):
    """z of a linear trend in shares, in the convention of R's `prop.trend.test` (z^2 is its X-squared).

    Examples
    --------
    >>> round(cochran_armitage([0, 2, 5], [10, 10, 10], [1, 2, 3]), 2)
    2.64
    """
    k, n = parts_of("cochran_armitage", k, n)
    x = numbers("cochran_armitage, year", year)
    same_length("cochran_armitage", k, x)
    if not 0 < k.sum() < n.sum():
        return NAN
    share, centred = k.sum() / n.sum(), x - (n * x).sum() / n.sum()
    variance = share * (1 - share) * (n * centred**2).sum()
    return float((k * centred).sum() / math.sqrt(variance)) if variance > 0 else NAN


def trend(k, n, year, *, unit="papers", conf=0.95, firth=False):
    """Linear trend of a share over years, as an odds ratio per year.

    Parameters
    ----------
    k, n : array-like of int, one value per year
        Papers with the property, and papers of that year.
    year : array-like
        The years; any distances.
    unit, conf
        As in `statistics.proportion`.
    firth : bool
        Use Firth's penalised likelihood always; it is used anyway where the logit is separated.

    Returns
    -------
    Estimate
        Odds ratio per year with Wald limits (Firth: profile limits). `p` is the Cochran-Armitage test.
        `detail` has z, chi2, df; b0 (at year 0), b1, se1, p_wald, deviance, df_resid; dispersion (Pearson)
        with se_quasi and the limits `quasi`; curvature (statistic, df, p of the quadratic likelihood ratio
        test, None below four years); leave_one_out {year: odds ratio} with its range; separated. `reason`
        warns of curvature at the 5 % level, of separation and of years without papers. NaN for less than
        two years, or if no paper or every paper has the property.

    Examples
    --------
    >>> e = trend([0, 0, 0, 2, 4, 3, 5, 3, 9, 9, 4], [10] * 8 + [11, 10, 9], range(2014, 2025))
    >>> print(e.sentence.split(";")[0])
    odds ratio per year 1.56, 95 % CI [1.30, 1.86] (logit), n = 110 papers
    >>> print(e.sentence.split("; ", 1)[1])
    Cochran-Armitage z = 5.51, p < .001; the trend is not linear (quadratic LR test, p = .026)
    """
    k, n = parts_of("trend", k, n)
    year = numbers("trend, year", year)
    same_length("trend", k, year)
    conf = within("trend, conf", conf, closed=False)
    label, total = "odds ratio per year", int(n.sum())
    empty = sorted(year[n == 0].tolist())
    k, n, year = k[n > 0], n[n > 0], year[n > 0]
    if len(set(year.tolist())) < 2 or not 0 < k.sum() < total:
        few = len(set(year.tolist())) < 2
        reason = "less than two years with papers" if few else "all alike: no year differs"
        detail = {"z": NAN, "separated": not few}
        return undefined(total, unit, reason, conf=conf, label=label, scale="number", **detail)
    centre = float((n * year).sum() / total)
    x = year - centre
    apart = separated(k, n, x)
    detail = {"separated": apart, "empty_years": empty}
    if apart or firth:
        b0, b1, low, high, se, p_coefficient = _firth(k, n, x, conf)
        method, detail["p_lr"] = "Firth's logit, profile", p_coefficient
    else:
        fit = _logit(k, n, x)
        (b0, b1), se = fit.params, float(fit.bse[1])
        low, high = fit.conf_int(1 - conf)[1]
        method = "logit"
        detail |= {"p_wald": float(fit.pvalues[1]), "deviance": float(fit.deviance)}
        detail |= {"df_resid": int(fit.df_resid)} | _overdispersion(fit, b1, se, conf)
    z = cochran_armitage(k, n, x)
    detail |= {"b0": float(b0 - b1 * centre), "b1": float(b1), "se1": se, "se": se}
    detail |= {"z": z, "chi2": z**2, "df": 1, "test": f"Cochran-Armitage z = {z:.2f},"}
    detail["curvature"] = _curvature(k, n, x)
    detail["leave_one_out"] = {
        (int(y) if y == int(y) else y): _odds_ratio_only(k[year != y], n[year != y], year[year != y], conf)
        for y in sorted(set(year.tolist()))
    }
    ratios = [r for r in detail["leave_one_out"].values() if not math.isnan(r)]
    detail["leave_one_out_range"] = (min(ratios), max(ratios)) if ratios else (NAN, NAN)
    warned = [f"no papers in {', '.join(f'{y:g}' for y in empty)}"] if empty else []
    if apart:
        warned.append("separated: papers with and without the property lie in different years")
    curvature = detail["curvature"]
    if curvature and curvature["p"] < 0.05:
        warned.append(f"the trend is not linear (quadratic LR test, {print_p(curvature['p'])})")
    p = float(2 * stats.norm.sf(abs(z)))
    low, high, value = math.exp(low), math.exp(high), math.exp(b1)
    return Estimate(value, low, high, conf, method, total, unit, p, "; ".join(warned), detail, label, "number")


def _overdispersion(fit, b, se, conf):
    """Pearson dispersion, and the quasi-likelihood limits of a ratio (t with the residual df, as in R)."""
    # fit(scale='X2') forgets the number of trials for two-column counts (statsmodels 0.15).
    dispersion = float(fit.pearson_chi2 / fit.df_resid) if fit.df_resid else NAN
    if not dispersion > 1e-12:
        return {"dispersion": dispersion, "se_quasi": NAN, "quasi": (NAN, NAN)}
    wide = se * math.sqrt(dispersion)
    q = stats.t.ppf((1 + conf) / 2, fit.df_resid)
    limits = (float(np.exp(b - q * wide)), float(np.exp(b + q * wide)))
    return {"dispersion": dispersion, "se_quasi": wide, "quasi": limits}


def _curvature(k, n, x):
    """Likelihood ratio test of a quadratic against a linear logit; None below four different years."""
    if len(set(x.tolist())) < 4:
        return None
    statistic = max(0.0, float(_logit(k, n, x).deviance - _logit(k, n, x, 2).deviance))
    return {"statistic": statistic, "df": 1, "p": float(stats.chi2.sf(statistic, 1))}


def _odds_ratio_only(k, n, year, conf):
    """Odds ratio per year, by Firth where separated, NaN where there is none."""
    if len(set(year.tolist())) < 2 or not 0 < k.sum() < n.sum():
        return NAN
    x = year - year.mean()
    if separated(k, n, x):
        return float(np.exp(_firth(k, n, x, None)[1]))
    return math.exp(_logit(k, n, x).params[1])


def rate_trend(k, year, exposure=None, *, family="quasipoisson", unit="papers", conf=0.95):
    """Trend of a count, or of a rate per exposure, as a ratio per year.

    Parameters
    ----------
    k : array-like of int, one value per year
        Papers counted.
    year : array-like
        The years.
    exposure : array-like, optional
        Papers of the frame (or days) in each year. Without it the count is followed, and most growth of a
        count is growth of the frame.
    family : {'quasipoisson', 'poisson', 'negbin'}
        Quasi-Poisson widens the interval by the dispersion found; the negative binomial weighs years more
        evenly and moves the estimate too.
    unit, conf
        As in `statistics.proportion`.

    Returns
    -------
    Estimate
        Rate ratio per year; `p` is the Wald test. `detail` has b1, se1, dispersion (Pearson, of the Poisson
        fit), deviance and, for 'negbin', alpha and loglik (se1 takes alpha as known, as R's `glm.nb`).
        Without more spread than Poisson 'negbin' falls back to Poisson, and `reason` says so.

    Examples
    --------
    >>> papers, frame = [0, 3, 0, 7, 13, 17, 38, 105, 116], [210, 260, 330, 450, 640, 910, 1350, 1900, 2300]
    >>> print(rate_trend(papers, range(2012, 2021), frame).sentence)
    rate ratio per year 1.36, 95 % CI [1.17, 1.56] (quasipoisson), n = 299 papers; Wald p = .002
    """
    where, label = "rate_trend", "rate ratio per year"
    one_of(f"{where}, family", family, ("quasipoisson", "poisson", "negbin"))
    k, year = whole_counts(f"{where}, k", k), numbers(f"{where}, year", year)
    exposed = np.ones(len(k)) if exposure is None else numbers(f"{where}, exposure", exposure)
    same_length(where, k, year, exposed)
    conf = within(f"{where}, conf", conf, closed=False)
    if (exposed < 0).any() or ((exposed == 0) & (k > 0)).any():
        raise StudyError(
            expected="an exposure above 0 wherever something was counted",
            found=f"{exposed[(exposed <= 0)][0]:g}",
            where=f"{where}, exposure",
            do="check the denominators",
        )
    k, year, exposed = k[exposed > 0], year[exposed > 0], exposed[exposed > 0]
    n, years = int(k.sum()), len(set(year.tolist()))
    if years < 2 or n == 0:
        reason = "nothing counted" if n == 0 else "less than two years"
        return undefined(n, unit, reason, conf=conf, label=label, scale="number")
    x = year - year.mean()
    outside = x[k > 0]
    if len(set(outside.tolist())) == 1 and outside[0] in (x.min(), x.max()):
        reason = "counted in the first or last year only: the ratio has no finite estimate"
        return undefined(n, unit, reason, conf=conf, label=label, scale="number")
    design, offset = _design(x), np.log(exposed)
    fit = _fit(sm.GLM(k, design, family=sm.families.Poisson(), offset=offset))
    b, se, reason = float(fit.params[1]), float(fit.bse[1]), ""
    detail = {"deviance": float(fit.deviance)} | _overdispersion(fit, b, se, conf)
    q, p = stats.norm.ppf((1 + conf) / 2), float(fit.pvalues[1])
    if family == "quasipoisson":
        if math.isnan(detail["se_quasi"]):
            reason = "no interval: the years leave no residual to measure the dispersion by"
            se, p = NAN, None
        else:
            se, q = detail["se_quasi"], stats.t.ppf((1 + conf) / 2, fit.df_resid)
            p = float(2 * stats.t.sf(abs(b / se), fit.df_resid))
    elif family == "negbin":
        alpha, spread = _negative_binomial(k, design, offset)
        if spread is None:
            family, reason = "poisson", "no more spread than Poisson: the negative binomial falls back to it"
        else:
            b, se, p = float(spread.params[1]), float(spread.bse[1]), float(spread.pvalues[1])
            detail |= {"alpha": alpha, "loglik": float(spread.llf)}
    detail |= {"b1": b, "se1": se, "se": se, "test": "Wald"}
    low, high = (float(np.exp(b + s * q * se)) for s in (-1, 1))
    return Estimate(math.exp(b), low, high, conf, family, n, unit, p, reason, detail, label, "number")


def _negative_binomial(k, design, offset):
    """Maximum likelihood alpha and the fit given alpha; None where alpha is 0.

    sm.NegativeBinomial maximises all at once and fails on one short series in five; this profile does not.
    """

    def fit(log_alpha):
        family = sm.families.NegativeBinomial(alpha=math.exp(log_alpha))
        return _fit(sm.GLM(k, design, family=family, offset=offset))

    best = optimize.minimize_scalar(lambda x: -fit(x).llf, bounds=(-14, 7), method="bounded", options={"xatol": 1e-9})
    return (math.exp(best.x), fit(best.x)) if best.x > -11 else (0.0, None)


def growth(k, year, exposure=None, *, family="quasipoisson", unit="papers", conf=0.95):
    """Growth per year in percent, and the years it takes to double.

    Parameters
    ----------
    k, year, exposure, family, unit, conf
        As in `rate_trend`. Two end points never make a growth rate: all years are used.

    Returns
    -------
    Estimate
        Growth per year as a share (0.1 is 10 %). `detail` has that of `rate_trend` and `doubling`, an
        Estimate in years: undefined where nothing grows, with an infinite upper limit where the interval
        includes no growth.

    Examples
    --------
    >>> e = growth([3, 5, 4, 9, 12, 20], range(2015, 2021))
    >>> print(e.sentence)
    growth per year 48.0 %, 95 % CI [30.1, 68.3] (quasipoisson), n = 53 papers; Wald p = .001
    >>> print(e.detail["doubling"].sentence)
    years to double 1.77, 95 % CI [1.33, 2.64] (quasipoisson), n = 53 papers
    """
    ratio = rate_trend(k, year, exposure, family=family, unit=unit, conf=conf)
    label, name = "growth per year", "years to double"
    value, low, high = ratio.value - 1, ratio.low - 1, ratio.high - 1
    if math.isnan(value) or value <= 0:
        reason = ratio.reason if math.isnan(value) else "no growth"
        doubling = undefined(ratio.n, unit, reason, conf=conf, label=name, scale="number")
    else:
        fast = math.log(2) / math.log(ratio.high)
        slow = math.inf if ratio.low <= 1 else math.log(2) / math.log(ratio.low)
        slow = NAN if math.isnan(ratio.low) else slow
        doubling = replace(
            ratio, value=math.log(2) / math.log(ratio.value), low=fast, high=slow, p=None, detail={}, label=name
        )
    detail = ratio.detail | {"doubling": doubling}
    return replace(ratio, value=value, low=low, high=high, detail=detail, label=label, scale="percent")


# -------------------------------------------------------------------- regression on rows that share a paper


def clustered_logit(outcome, predictor, cluster, *, structure="exchangeable", reference=None, unit="rows", conf=0.95):
    """Logistic regression on rows that share papers: odds ratios with standard errors robust to the sharing.

    Parameters
    ----------
    outcome : array-like of 0 and 1, one value per row
    predictor : array-like, or pandas.DataFrame of numbers
        Exclusive categories (compared with `reference`), or columns taken as they are: one 0/1 column per
        field where a paper is one row and may have several fields.
    cluster : array-like
        Paper of each row. With one row per paper the standard errors are robust (HC).
    structure : {'exchangeable', 'independence', 'glm'}
        Working correlation of generalised estimating equations, with bias-reduced standard errors below 40
        papers; 'glm' is a plain logit with cluster-robust ones (Stata's and R's HC1 correction).
    reference : optional
        Category to compare with; the first in order by default.
    unit, conf
        As in `statistics.proportion`.

    Returns
    -------
    dict of Estimate
        'intercept' (odds) and each category or column (odds ratio). `p` is the Wald test; `detail` has b, se,
        n_clusters, the working correlation, and p_all: the Wald test of all categories together. Undefined,
        with the reason, where a category has only 0 or only 1: give the share instead.

    Examples
    --------
    >>> fit = clustered_logit([1, 0, 1, 1, 0, 0, 1, 0] * 6, list("aabb") * 12, np.repeat(range(24), 2))
    >>> effect, test = fit["b"].sentence.split("; ")
    >>> print(effect)
    odds ratio of b to a 9.00, 95 % CI [2.81, 28.82] (bias-reduced GEE of 24 clusters), n = 48 rows
    """
    where = "clustered_logit"
    one_of(f"{where}, structure", structure, ("exchangeable", "independence", "glm"))
    conf = within(f"{where}, conf", conf, closed=False)
    same_length(where, outcome, predictor, cluster)
    y = overlap.zero_one(f"{where}, outcome", np.asarray(outcome)[:, None] if len(outcome) else [])[0].ravel()
    papers = pd.Series(list(cluster), dtype=object)
    n, groups = len(y), papers.nunique()
    if isinstance(predictor, pd.DataFrame):
        columns = pd.DataFrame(numbers(f"{where}, predictor", predictor, 2), columns=predictor.columns)
        labels = {c: f"odds ratio of {c}" for c in columns}
    else:
        category = pd.Series(list(predictor), dtype=object)
        levels = sorted(category.dropna().unique(), key=str)
        reference = levels[0] if reference is None and levels else reference
        if n:
            one_of(f"{where}, reference", reference, levels)
        levels = [c for c in levels if c != reference]
        columns = pd.DataFrame({c: (category == c).astype(float) for c in levels}, index=range(n))
        labels = {c: f"odds ratio of {c} to {reference}" for c in levels}
        papers = papers.where(category.notna())
    if papers.isna().any():
        raise StudyError(
            expected="a category and a paper in every row",
            found=f"{int(papers.isna().sum())} rows without",
            where=where,
            do="count missing values apart and leave them out here",
        )
    labels = {"intercept": "odds"} | labels
    design = np.column_stack([np.ones(n), columns.to_numpy()])
    reason = _no_logit(y, design, groups)
    if reason:
        return {name: undefined(n, unit, reason, conf=conf, label=labels[name], scale="number") for name in labels}
    try:
        fit, method, correlation = _fit_clustered(y, design, pd.factorize(papers)[0], structure)
    except (IterationLimitWarning, FloatingPointError, np.linalg.LinAlgError):
        reason = "the estimating equations did not converge: too few papers"
        return {name: undefined(n, unit, reason, conf=conf, label=labels[name], scale="number") for name in labels}
    q, b, covariance = stats.norm.ppf((1 + conf) / 2), fit.params, np.asarray(fit.cov_params())
    se = np.sqrt(np.maximum(0, np.diag(covariance)))
    together, p_all = covariance[1:, 1:], None
    if len(together) and np.linalg.matrix_rank(together) == len(together):
        p_all = float(stats.chi2.sf(b[1:] @ np.linalg.solve(together, b[1:]), len(together)))
    estimates = {}
    for i, name in enumerate(labels):
        detail = {"b": float(b[i]), "se": float(se[i]), "n_clusters": groups, "correlation": correlation}
        detail |= {"p_all": p_all, "test": "Wald"}
        low, high, p, reason = NAN, NAN, None, "no interval: no spread between papers"
        if se[i] > 1e-8:
            with np.errstate(over="ignore"):  # a limit beyond all numbers is infinite
                low, high = (float(np.exp(b[i] + s * q * se[i])) for s in (-1, 1))
            p, reason = float(2 * stats.norm.sf(abs(b[i] / se[i]))), ""
        value, label = float(np.exp(b[i])), labels[name]
        estimates[name] = Estimate(value, low, high, conf, method, n, unit, p, reason, detail, label, "number")
    return estimates


def _fit_clustered(y, design, groups, structure):
    """Fit, its name, and the working correlation."""
    family, count = sm.families.Binomial(), groups.max() + 1
    if structure == "glm":
        robust = {"groups": groups, "use_correction": True}
        fit = sm.GLM(y, design, family=family).fit(tol=1e-12, cov_type="cluster", cov_kwds=robust)
        return fit, f"cluster-robust logit of {count:,} clusters", 0.0
    exchangeable = structure == "exchangeable" and count < len(y)  # single rows have no correlation to estimate
    working = sm.cov_struct.Exchangeable() if exchangeable else sm.cov_struct.Independence()
    few = count < 40
    with warnings.catch_warnings(), np.errstate(over="raise", divide="raise", invalid="raise"):
        warnings.simplefilter("error", IterationLimitWarning)
        fit = sm.GEE(y, design, groups, family=family, cov_struct=working).fit(
            cov_type="bias_reduced" if few else "robust"
        )
    if not 1e-8 < fit.fittedvalues.min() <= fit.fittedvalues.max() < 1 - 1e-8:
        raise FloatingPointError("the working correlation drove fitted values to 0 or 1")
    name = f"{'bias-reduced ' if few else ''}GEE of {count:,} clusters"
    return fit, name, float(working.dep_params) if exchangeable else 0.0


def _no_logit(y, design, groups):
    """Why a logit has no finite estimate; '' where it has one."""
    if not len(y) or groups < 2:
        return "all rows from one cluster" if len(y) else "no rows"
    if y.min() == y.max():
        return "the outcome is the same in every row"
    if np.linalg.matrix_rank(design) < design.shape[1]:
        return "the columns are linearly dependent"
    # Separated if some direction classifies every row right (Konis 2007): a linear programme, solved exactly.
    signed = np.unique((2 * y - 1)[:, None] * design, axis=0)
    best = optimize.linprog(-signed.sum(axis=0), A_ub=-signed, b_ub=np.zeros(len(signed)), bounds=(-1, 1))
    return "separated: a category has only 0 or only 1" if -best.fun > 1e-9 else ""
