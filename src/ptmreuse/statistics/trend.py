"""The trend of a share over years."""

import math
import warnings
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, stats
from statsmodels.genmod.families import Binomial
from statsmodels.genmod.generalized_linear_model import GLM
from statsmodels.tools.sm_exceptions import PerfectSeparationWarning

from ptmreuse.statistics.estimate import NAN, Estimate, numbers, parts_of, print_p, same_length, undefined, within

SPARSE = 1  # yes, or no, per year, below which the dispersion does not narrow an interval


def _design(x, degree=1):
    """Intercept and powers of x."""
    return np.column_stack([x**d for d in range(degree + 1)])


def _fit(model):
    """Maximum likelihood of a model of which the caller has made sure that it exists."""
    # The messages mean a perfect fit (two years, a straight line), which is no separation, or a quadratic that
    # runs to 0 or 1, of which only the deviance is used.
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", PerfectSeparationWarning)
        fit = model.fit(tol=1e-13, rtol=1e-13, maxiter=500)
        _ = fit.deviance  # computed and kept while its overflow is expected
        return fit


def _logit(k, n, x, degree=1):
    """Binomial fit on a polynomial in x."""
    return _fit(GLM(np.column_stack([k, n - k]), _design(x, degree), family=Binomial()))


def _series(where, k, n, x):
    """Counts and years as arrays of one length."""
    k, n = parts_of(where, k, n)
    x = numbers(f"{where}, year", x)
    same_length(where, k, x)
    return k, n, x


def separated(k: ArrayLike, n: ArrayLike, x: ArrayLike) -> bool:
    """Whether a logit in x has no finite estimate: all yes lie on one side of all no (Albert, Anderson 1984).

    statsmodels then stops somewhere with a huge standard error; R warns of fitted probabilities of 0 or 1.

    Examples
    --------
    >>> separated([0, 0, 5], [5, 5, 5], [1, 2, 3]), separated([0, 1, 5], [5, 5, 6], [1, 2, 3])
    (True, False)
    """
    k, n, x = _series("separated", k, n, x)
    yes, no = x[k > 0], x[k < n]
    if not yes.size or not no.size:
        return True
    return bool(yes.min() >= no.max() or yes.max() <= no.min())


def _firth(k, n, x, conf):
    """Firth's penalised logit: intercept, slope and, given `conf`, profile limits, standard error, LR p value."""
    # Long, as its two functions share the data: one likelihood, fitted and then followed down both sides.
    from firthmodels import FirthLogisticRegression  # slow to import, and most trends are not separated
    from sklearn.exceptions import ConvergenceWarning

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


def trend(k: ArrayLike, n: ArrayLike, year: ArrayLike, *, conf: float = 0.95) -> Estimate:
    """Linear trend of a share of papers over years, as an odds ratio per year.

    Parameters
    ----------
    k, n : array-like of int, one value per year
        Papers with the property, and papers of that year.
    year : array-like
        The years; any distances.
    conf : float

    Returns
    -------
    Estimate
        Odds ratio per year with quasi-binomial limits: the dispersion of the years about the line widens them, and
        t with the residual degrees of freedom keeps them honest for few years. `p` is the test that belongs to the
        limits. Two years leave no dispersion: Wald; Wald too where there are fewer yes (or no) than years and it is
        wider. Separated: Firth's penalised likelihood, profile limits. `detail` has b0 (at year 0), b1, se1
        (binomial), p_wald, wald (limits), deviance, df_resid; dispersion (Pearson) with se_quasi; curvature
        (statistic, df, p_lr of the quadratic likelihood ratio test, p of the same given the dispersion, None below
        four years); separated.
        `reason` warns of curvature at the 5 % level, of separation and of years without papers. NaN for less than
        two years, or if no paper or every paper has the property.

    Examples
    --------
    >>> e = trend([0, 0, 0, 2, 4, 3, 5, 3, 9, 9, 4], [10] * 8 + [11, 10, 9], range(2014, 2025))
    >>> print(e.sentence.split(";")[0])
    odds ratio per year 1.56, 95 % CI [1.17, 2.07] (quasi-binomial logit), n = 110 papers
    >>> print(e.sentence.split("; ", 1)[1])
    dispersion 1.91, t(9) = 3.52, p = .006
    """
    k, n, year = _series("trend", k, n, year)
    conf = within("trend, conf", conf, closed=False)
    label, total = "odds ratio per year", int(n.sum())
    empty = sorted(year[n == 0].tolist())
    k, n, year = k[n > 0], n[n > 0], year[n > 0]
    if len(set(year.tolist())) < 2 or not 0 < k.sum() < total:
        few = len(set(year.tolist())) < 2
        reason = "less than two years with papers" if few else "all alike: no year differs"
        return undefined(total, "papers", reason, conf=conf, label=label, scale="number", separated=not few)
    centre = float((n * year).sum() / total)
    x = year - centre
    apart = separated(k, n, x)
    detail: dict[str, Any] = {"separated": apart}
    if apart:
        b0, b1, low, high, se, p = _firth(k, n, x, conf)
        method, detail["test"] = "Firth's logit, profile", "likelihood ratio test"
    else:
        fit = _logit(k, n, x)
        (b0, b1), se = fit.params, float(fit.bse[1])
        low, high = fit.conf_int(1 - conf)[1]
        method, p, df, detail["test"] = "logit", float(fit.pvalues[1]), int(fit.df_resid), "Wald"
        detail |= {"p_wald": p, "wald": (float(np.exp(low)), float(np.exp(high))), "deviance": _deviance(fit)}
        detail |= {"df_resid": df} | _overdispersion(fit, se)
        if not math.isnan(detail["se_quasi"]):
            t, wald = b1 / detail["se_quasi"], (high - low) / 2
            half = float(stats.t.ppf((1 + conf) / 2, df)) * detail["se_quasi"]
            # From so few papers the dispersion is too small by chance, and must not narrow the interval.
            if min(k.sum(), (n - k).sum()) < SPARSE * len(k) and half < wald:
                detail["test"] = f"dispersion {detail['dispersion']:.2f} (no narrower for it), z = {b1 / se:.2f},"
                p = max(p, float(2 * stats.t.sf(abs(t), df)))
            else:
                method, low, high = "quasi-binomial logit", b1 - half, b1 + half
                p = float(2 * stats.t.sf(abs(t), df))
                detail["test"] = f"dispersion {detail['dispersion']:.2f}, t({df}) = {t:.2f},"
    detail |= {"b0": float(b0 - b1 * centre), "b1": float(b1), "se1": se, "se": se}
    detail["curvature"] = _curvature(k, n, x)
    warned = [f"no papers in {', '.join(f'{y:g}' for y in empty)}"] if empty else []
    if apart:
        warned.append("separated: papers with and without the property lie in different years")
    curvature = detail["curvature"]
    if curvature and curvature["p"] < 0.05:
        warned.append(f"the trend is not linear (quadratic F test, {print_p(curvature['p'])})")
    with np.errstate(over="ignore", under="ignore"):  # a limit beyond all numbers is infinite
        low, high, value = (float(np.exp(x)) for x in (low, high, b1))
    return Estimate(value, low, high, conf, method, total, "papers", p, "; ".join(warned), detail, label, "number")


def _overdispersion(fit, se):
    """Pearson dispersion, and the standard error of quasi-likelihood (NaN where there is no dispersion)."""
    # fit(scale='X2') forgets the number of trials for two-column counts (statsmodels 0.15).
    dispersion = float(fit.pearson_chi2 / fit.df_resid) if fit.df_resid else NAN
    return {"dispersion": dispersion, "se_quasi": se * math.sqrt(dispersion) if dispersion > 1e-12 else NAN}


def _curvature(k, n, x):
    """Likelihood ratio test of a quadratic against a linear logit; None below four different years."""
    if len(set(x.tolist())) < 4:
        return None
    bent = _logit(k, n, x, 2)
    statistic = max(0.0, _deviance(_logit(k, n, x)) - _deviance(bent))
    p = p_lr = float(stats.chi2.sf(statistic, 1))
    if bent.df_resid > 0:
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # fitted shares of 0 or 1
            dispersion = float(bent.pearson_chi2 / bent.df_resid)
        if 1e-12 < dispersion < math.inf:
            p = float(stats.f.sf(statistic / dispersion, 1, bent.df_resid))
        if dispersion < 1 and min(k.sum(), (n - k).sum()) < SPARSE * len(k):
            p = max(p, p_lr)
    return {"statistic": statistic, "df": 1, "p_lr": p_lr, "p": p}


def _deviance(fit):
    """Deviance of a fit that may run to 0 or 1."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return float(fit.deviance)


def without_each_year(k: ArrayLike, n: ArrayLike, year: ArrayLike) -> tuple[float, float]:
    """The least and the largest odds ratio per year if each year is left out once; NaN where there is none.

    Examples
    --------
    >>> [round(x, 2) for x in without_each_year([1, 2, 4, 5], [10] * 4, [2020, 2021, 2022, 2023])]
    [1.96, 2.49]
    """
    k, n, year = _series("without_each_year", k, n, year)
    ratios = []
    for left_out in sorted(set(year.tolist())):
        kept = year != left_out
        yes, of, x = k[kept], n[kept], year[kept] - year.mean()
        if len(set(x.tolist())) < 2 or not 0 < yes.sum() < of.sum():
            continue
        apart = separated(yes, of, x)
        ratios.append(float(np.exp(_firth(yes, of, x, None)[1] if apart else _logit(yes, of, x).params[1])))
    return (min(ratios), max(ratios)) if ratios else (NAN, NAN)
