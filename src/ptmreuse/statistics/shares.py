"""Shares and their differences, each with its unit, its interval and a ready sentence."""

import math
from typing import Any

import numpy as np
import statsmodels.stats.proportion as sp
from numpy.typing import ArrayLike
from scipy import stats

from ptmreuse.errors import refuse
from ptmreuse.statistics import estimate

PROPORTION_METHODS = {"wilson": "Wilson", "beta": "Clopper-Pearson"}


def proportion(
    k: float, n: int, *, unit: str = "papers", conf: float = 0.95, method: str = "wilson", label: str = "share"
) -> estimate.Estimate:
    """Share k/n of independent units with an interval.

    Parameters
    ----------
    k, n : int
        Units with the property, and all units. Use papers; for pairs within papers see `clustered_share`.
    unit : str
        What is counted.
    conf : float
        Confidence level.
    method : {'wilson', 'beta'}
        'beta' is Clopper-Pearson: at least the nominal coverage, for safety or n < 40.
    label : str
        What the share is of, for the sentence.

    Returns
    -------
    Estimate
        NaN when n is 0; `detail` has k and the standard error sqrt(p(1-p)/n).

    Raises
    ------
    StudyError
        If k > n, or a count is negative, fractional or missing.

    Examples
    --------
    >>> proportion(39, 110).sentence
    'share 35.5 %, 95 % CI [27.1, 44.7] (Wilson), 39 of 110 papers'
    >>> proportion(0, 0).sentence
    'n/a (0 papers)'
    """
    k, n = (int(x) for x in estimate.parts_of("proportion", k, n, 0))
    conf = estimate.within("proportion, conf", conf, closed=False)
    estimate.one_of("proportion, method", method, PROPORTION_METHODS)
    if n == 0:
        return estimate.undefined(0, unit, "no units", conf=conf, label=label, k=k)
    share = k / n
    low, high = sp.proportion_confint(k, n, alpha=1 - conf, method=method)
    low, high = min(float(low), share), max(float(high), share)  # rounding, at 0 and 1
    se = math.sqrt(share * (1 - share) / n)
    return estimate.Estimate(
        share, low, high, conf, PROPORTION_METHODS[method], n, unit, detail={"k": k, "se": se}, label=label
    )


def difference(
    k1: int, n1: int, k2: int, n2: int, *, unit: str = "papers", conf: float = 0.95, label: str = "difference"
) -> estimate.Estimate:
    """Difference of two independent shares, k1/n1 - k2/n2, with Newcombe's interval (1998, method 10).

    Parameters
    ----------
    k1, n1, k2, n2 : int
        Units with the property and all units, in two groups without a common unit.
    unit, conf, label
        As in `proportion`.

    Returns
    -------
    Estimate
        `p` is Pearson's chi-square without continuity correction, or Fisher's exact test where an expected
        count is below 5; `detail` has chi2, p_chi2 and the test used.

    Examples
    --------
    >>> difference(22, 30, 17, 80).sentence
    'difference 52.1 percentage points, 95 % CI [31.6, 66.7] (Newcombe), n = 110 papers; chi-square p < .001'
    """
    (k1, k2), (n1, n2) = estimate.parts_of("difference", [k1, k2], [n1, n2])
    conf = estimate.within("difference, conf", conf, closed=False)
    n, k = int(n1 + n2), int(k1 + k2)
    if min(n1, n2) == 0:
        return estimate.undefined(n, unit, "one group is empty", conf=conf, label=label, scale="points")
    low, high = sp.confint_proportions_2indep(k1, n1, k2, n2, method="newcomb", compare="diff", alpha=1 - conf)
    p, reason, detail = None, "no test: all units alike in both groups", {}
    if 0 < k < n:
        table = [[k1, n1 - k1], [k2, n2 - k2]]
        chi2 = stats.chi2_contingency(table, correction=False)
        large = chi2.expected_freq.min() >= 5
        p, reason = float(chi2.pvalue if large else stats.fisher_exact(table).pvalue), ""
        test = "chi-square" if large else "Fisher's exact test"
        detail = {"chi2": float(chi2.statistic), "p_chi2": float(chi2.pvalue), "test": test}
    return estimate.Estimate(
        k1 / n1 - k2 / n2, low, high, conf, "Newcombe", n, unit, p, reason, detail, label, "points"
    )


def clustered_share(
    numerator: ArrayLike, denominator: ArrayLike, *, unit: str = "pairs", conf: float = 0.95, label: str = "share"
) -> estimate.Estimate:
    """Share of pairs (or instances) that lie within papers: papers were sampled, not pairs.

    Parameters
    ----------
    numerator, denominator : array-like, one value per paper
        Pairs with the property and all pairs of each paper, such as its adaptation pairs and its pairs.
        Fractional values are allowed: under fractional counting a paper in two fields counts 1/2 in each.
    unit, conf, label
        As in `proportion`.

    Returns
    -------
    Estimate
        sum(numerator)/sum(denominator). `detail` has the linearised standard error `se` (survey
        package's ratio estimator), deff = (se/naive se)^2, the naive Wilson interval, the papers without any unit
        (empty_clusters), and `effective` (see Notes).
        Where all papers agree the interval is Clopper-Pearson on papers, and `reason` says so. Less than two
        papers are no sample: NaN.

    Notes
    -----
    Interval: Wilson's with t, for the number of independent pairs that would give the jackknife variance (each paper
    left out once). t has the degrees of freedom of as many papers of one size as would weigh like these: one less
    than (sum m)^2 / sum m^2. So one paper with half of all pairs widens it. It covers 93 to 99 % where a bootstrap of
    papers covers 80 to 90 % (heavy-tailed papers).

    Examples
    --------
    >>> e = clustered_share([1, 0, 2, 1, 3, 0, 1], [1, 2, 2, 1, 4, 1, 2])
    >>> print(e.sentence)
    share 61.5 %, 95 % CI [23.8, 89.1] (Wilson on 9 effective, 7 papers), 8 of 13 pairs
    >>> clustered_share([1, 2], [1, 2]).sentence
    'share 100.0 %, 95 % CI [15.8, 100.0] (Clopper-Pearson on 2 papers), 3 of 3 pairs; all papers agree'
    """
    where = "clustered_share"
    a, m = estimate.numbers(f"{where}, numerator", numerator), estimate.numbers(f"{where}, denominator", denominator)
    estimate.same_length(where, a, m)
    conf = estimate.within(f"{where}, conf", conf, closed=False)
    wrong = (a < 0) | (a > m + 1e-9)
    if wrong.any():
        refuse(
            where, "0 <= numerator <= denominator for every paper",
            f"row {int(np.argmax(wrong))} without", "check how the pairs of this paper were counted",
        )  # fmt: skip
    counted = m > 0
    order = np.lexsort((m[counted], a[counted]))  # so that sums do not depend on the order of the rows
    a, m = a[counted][order], m[counted][order]
    k, n, papers = float(a.sum()), float(m.sum()), len(m)
    detail: dict[str, Any] = {"k": k, "empty_clusters": int((~counted).sum())}
    if papers < 2:
        reason = "no spread between papers, there is only one" if papers else "no papers"
        return estimate.undefined(n, unit, reason, conf=conf, label=label, **detail)
    share = k / n
    residual = a - share * m
    se = math.sqrt(papers / (papers - 1) * (residual**2).sum()) / n
    agree = bool(np.allclose(a, share * m, rtol=0, atol=1e-12 * m.max()))
    detail |= {
        "se": 0.0 if agree else se,
        "deff": estimate.NAN if agree else (se / math.sqrt(share * (1 - share) / n)) ** 2,
        "naive": tuple(float(x) for x in sp.proportion_confint(share * n, n, 1 - conf, "wilson")),
    }
    if agree:
        low, high = sp.proportion_confint(share * papers, papers, 1 - conf, "beta")
        method, reason = f"Clopper-Pearson on {papers:,} papers", "all papers agree"
    else:
        part = m / n
        jackknife = float(((residual / n / (1 - part)) ** 2).sum())
        detail["effective"] = share * (1 - share) / jackknife
        q = float(stats.t.ppf((1 + conf) / 2, max(1.0, 1 / float((part**2).sum()) - 1)))
        low, high = wilson_limits(share, detail["effective"], q)
        method, reason = f"Wilson on {detail['effective']:.0f} effective, {papers:,} papers", ""
    return estimate.Estimate(share, float(low), float(high), conf, method, n, unit, None, reason, detail, label)


def wilson_limits(share: float, n: float, q: float) -> tuple[float, float]:
    """Wilson's limits of a share for an effective number of units n and a quantile q."""
    centre, half = share + q**2 / (2 * n), q * math.sqrt(share * (1 - share) / n + q**2 / (4 * n**2))
    low, high = (centre - half) / (1 + q**2 / n), (centre + half) / (1 + q**2 / n)
    return max(0.0, min(low, share)), min(1.0, max(high, share))  # rounding, at 0 and 1


def _weighted(weight, share):
    """Weighted mean of shares; rounding must not push it beyond them (weights that add up to 1.0000000000000002)."""
    return float(np.clip((weight * share).sum(), share.min(), share.max()))


def _mover(k, n, weight, conf, shrink):
    """Limits of sum(weight k/n) from the limits of each stratum (MOVER, Zou and Donner 2008).

    Unlike a normal interval it keeps its width where a stratum has no or only hits. `shrink` is the finite
    population factor sqrt(1 - n/N) of each stratum.
    """
    share = k / n
    low, high = sp.proportion_confint(k, n, 1 - conf, "beta")
    total = _weighted(weight, share)
    down = math.sqrt((((share - low) * weight * shrink) ** 2).sum())
    up = math.sqrt((((high - share) * weight * shrink) ** 2).sum())
    return max(0.0, total - down), min(1.0, total + up)


def standardised_share(k: ArrayLike, n: ArrayLike, weights: ArrayLike, *, conf: float = 0.95) -> estimate.Estimate:
    """Directly standardised share: the share had the strata (years) had the given weights.

    Parameters
    ----------
    k, n : array-like of int, one value per stratum
        Papers with the property and all papers of each year.
    weights : array-like
        Standard population, such as the papers of each year in the frame; scaled to sum to 1.
    conf : float

    Returns
    -------
    Estimate
        sum(w k/n). NaN where a stratum with weight has no papers: it cannot be standardised.

    Notes
    -----
    Interval: Wilson for the effective number of papers, of which a simple random sample would have the same
    variance (with n - 1, or it would be too small). With 3, 10 and 40 papers a year it covers 93 to 98 % (92 % at
    shares of 1 % with unequal weights); limits put together from those of the years (MOVER) cover 87 to 93 %.

    Examples
    --------
    >>> standardised_share([2, 9], [10, 12], [1, 1]).sentence
    'standardised share 47.5 %, 95 % CI [30.6, 65.0] (Wilson on 29 effective), n = 22 papers'
    """
    where = "standardised_share"
    k, n = estimate.parts_of(where, k, n)
    w = estimate.numbers(f"{where}, weights", weights)
    estimate.same_length(where, k, w)
    conf = estimate.within(f"{where}, conf", conf, closed=False)
    if (w < 0).any():
        refuse(f"{where}, weights", "weights of at least 0", f"{w.min():g}", "correct it")
    papers, label = int(n.sum()), "standardised share"
    empty = np.flatnonzero((n == 0) & (w > 0))
    if papers == 0 or w.sum() == 0 or len(empty):
        reason = f"stratum {empty[0] + 1} has no units" if len(empty) and papers else "no units with weight"
        return estimate.undefined(papers, "papers", reason, conf=conf, label=label, k=int(k.sum()))
    used = w > 0
    k, n, w = k[used], n[used], w[used] / w.sum()
    shares = k / n
    total = _weighted(w, shares)
    variance, effective = _effective(total, w, shares, n)
    low, high = wilson_limits(total, effective, float(stats.norm.ppf((1 + conf) / 2)))
    detail = {"k": int(k.sum()), "se": math.sqrt(variance)}
    method = f"Wilson on {effective:.0f} effective" if len(k) > 1 else "Wilson"
    return estimate.Estimate(total, low, high, conf, method, int(n.sum()), detail=detail, label=label)


def _effective(total, weight, p, n):
    """Variance of sum(weight p), and the units of a simple random sample that would have it.

    A stratum with one unit has no spread of its own. Without spread in any the design alone says how many units.
    """
    less = n - (len(n) > 1)
    spread = np.where(less > 0, p * (1 - p) / np.maximum(less, 1), total * (1 - total))
    variance = float((weight**2 * spread).sum())
    return variance, total * (1 - total) / variance if variance > 0 else 1 / float((weight**2 / n).sum())


def stratified_share(
    N: ArrayLike, n: ArrayLike, k: ArrayLike, *, conf: float = 0.95, label: str = "stratified share"
) -> estimate.Estimate:
    """Share in a population from a stratified random sample, such as papers hand-coded within model labels.

    Parameters
    ----------
    N, n, k : array-like of int, one value per stratum
        Papers in the population, papers drawn at random, drawn papers with the property.
    conf, label
        As in `proportion`.

    Returns
    -------
    Estimate
        `detail` has the standard error of R's survey package with finite population correction (Cochran 1977, section
        5.3), and the limits from the exact ones of the strata, `mover`. NaN where a stratum was not sampled.

    Notes
    -----
    Interval: the wider of two, the exact limits of the strata added up (MOVER), which stay honest where a stratum has
    no hits, and Wilson's for the effective number of papers, which stay honest for many small strata. It covers 96 to
    99 % with 2 to 44 strata and 1 to 50 % of hits; either alone covers 89 to 92 % somewhere.

    Examples
    --------
    >>> stratified_share([631, 4000, 12880], [80, 120, 100], [66, 6, 0]).sentence
    'stratified share 4.1 %, 95 % CI [3.3, 7.1] (exact or Wilson, 3 strata), n = 300 papers'
    """
    where = "stratified_share"
    conf = estimate.within(f"{where}, conf", conf, closed=False)
    k, n = estimate.parts_of(where, k, n)
    n, N = estimate.parts_of(f"{where}, N", n, N)
    drawn = int(n.sum())
    missed = np.flatnonzero((n == 0) & (N > 0))
    if drawn == 0 or len(missed):
        reason = f"stratum {missed[0] + 1} was not sampled" if drawn else "nothing was sampled"
        return estimate.undefined(drawn, "papers", reason, conf=conf, label=label)
    N, n, k = N[N > 0], n[N > 0], k[N > 0]
    W, p = N / N.sum(), k / n
    open_share = 1 - n / N
    share = _weighted(W, p)
    # A stratum taken whole has no sampling error; one paper out of many has an unknown one.
    spread = np.where(open_share == 0, 0.0, p * (1 - p) / np.where(n > 1, n - 1, np.nan))
    se = float(np.sqrt((W**2 * open_share * spread).sum()))
    low, high = mover = _mover(k, n, W, conf, np.sqrt(open_share))
    method, reason = "Clopper-Pearson", ""
    if len(n) > 1 and open_share.any():
        method = f"exact or Wilson, {len(n)} strata"
        _, effective = _effective(share, W * np.sqrt(open_share), p, n)
        ends = wilson_limits(share, effective, float(stats.norm.ppf((1 + conf) / 2)))
        low, high = min(low, ends[0]), max(high, ends[1])
    if not open_share.any():
        low, high, reason = estimate.NAN, estimate.NAN, "no interval: a census of these strata has no sampling error"
    detail = {"se": se, "k": int(k.sum()), "mover": mover}
    return estimate.Estimate(share, low, high, conf, method, drawn, reason=reason, detail=detail, label=label)


def korn_graubard(share: float, se: float, n: float, df: float, conf: float) -> tuple[float, float]:
    """Korn and Graubard's limits from a design-based standard error, for at most n units; NaN without one."""
    if not se > 0 or df < 1:
        return estimate.NAN, estimate.NAN
    q = stats.t.ppf((1 + conf) / 2, df)
    effective = min(n, share * (1 - share) / se**2 * (stats.t.ppf((1 + conf) / 2, n - 1) / q) ** 2)
    low, high = sp.proportion_confint(share * effective, effective, 1 - conf, "beta")
    return float(low), float(high)
