"""Association of a property with the year, the field or another property: tables, trends, regression.

Tables hold one row per independent unit. Codes of which a paper can have several (fields, patterns), and rows
that share a paper, have functions of their own: `multi_select`, `rao_scott`, `clustered_logit`.
"""

import math
import warnings

import numpy as np
import statsmodels.api as sm
from firthmodels import FirthLogisticRegression
from scipy import stats
from statsmodels.tools.sm_exceptions import PerfectSeparationWarning

from ptmreuse.statistics import NAN, Estimate, numbers, parts_of, print_p, same_length, undefined, within


def _design(x, degree=1):
    """Intercept and powers of x."""
    return np.column_stack([x**d for d in range(degree + 1)])


def _logit(k, n, x, degree=1):
    """Binomial fit by maximum likelihood; the caller has made sure that it exists."""
    model = sm.GLM(np.column_stack([k, n - k]), _design(x, degree), family=sm.families.Binomial())
    # Both messages mean a perfect fit (two years, a straight line), which is no separation.
    with np.errstate(divide="ignore", invalid="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", PerfectSeparationWarning)
        return model.fit(tol=1e-13, maxiter=200)


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
    """Firth's penalised logit: estimates, profile limits and p of the slope."""
    rows = np.concatenate([x, x])[:, None]
    outcome, weight = np.repeat([1, 0], len(x)), np.concatenate([k, n - k]).astype(float)
    used = weight > 0
    model = FirthLogisticRegression(backend="numpy", gtol=1e-8, xtol=1e-8, max_iter=500)
    model.fit(rows[used], outcome[used], sample_weight=weight[used])
    model.lrt(features=0, warm_start=False)
    b0, b1 = float(model.intercept_), float(model.coef_[0])
    low, high = model.conf_int(1 - conf, method="pl", features=0, max_iter=500)[0]
    fitted = 1 / (1 + np.exp(-b0 - b1 * x))
    design = _design(x)
    covariance = np.linalg.inv(design.T @ (design * (n * fitted * (1 - fitted))[:, None]))
    return b0, b1, float(low), float(high), math.sqrt(covariance[1, 1]), float(model.lrt_pvalues_[0])


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
        apart = not few or not total
        return undefined(
            total, unit, reason, conf=conf, label=label, scale="number", z=NAN, separated=apart or bool(total)
        )
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
    return Estimate(
        value, low, high, conf, method, total, unit, p, "; ".join(warned), detail, label, "number"
    )


def _overdispersion(fit, b, se, conf):
    """Pearson dispersion, and the quasi-likelihood limits of a ratio (t with the residual df, as in R)."""
    if not fit.df_resid:
        return {"dispersion": NAN, "se_quasi": NAN, "quasi": (NAN, NAN)}
    # fit(scale='X2') forgets the number of trials for two-column counts (statsmodels 0.15).
    dispersion = float(fit.pearson_chi2 / fit.df_resid)
    wide = se * math.sqrt(dispersion)
    q = stats.t.ppf((1 + conf) / 2, fit.df_resid)
    limits = (float(np.exp(b - q * wide)), float(np.exp(b + q * wide)))
    return {"dispersion": dispersion, "se_quasi": wide, "quasi": limits}


def _curvature(k, n, x):
    """Likelihood ratio test of a quadratic against a linear logit; None below four different years."""
    if len(set(x.tolist())) < 4:
        return None
    # Only the deviances are used, and they converge even where the coefficients run away.
    statistic = max(0.0, float(_logit(k, n, x).deviance - _logit(k, n, x, 2).deviance))
    return {"statistic": statistic, "df": 1, "p": float(stats.chi2.sf(statistic, 1))}


def _odds_ratio_only(k, n, year, conf):
    """Odds ratio per year, by Firth where separated, NaN where there is none."""
    if len(set(year.tolist())) < 2 or not 0 < k.sum() < n.sum():
        return NAN
    x = year - year.mean()
    if separated(k, n, x):
        return math.exp(_firth(k, n, x, conf)[1])
    return math.exp(_logit(k, n, x).params[1])
