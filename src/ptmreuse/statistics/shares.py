"""Shares of papers, of pairs within papers and of strata, and differences of shares, each with its interval."""

import math
import warnings
from dataclasses import replace

import numpy as np
import statsmodels.stats.proportion as sp
from scipy import stats
from statsmodels.stats.rates import confint_poisson

from ptmreuse.errors import StudyError
from ptmreuse.statistics import estimate, ranks
from ptmreuse.statistics.estimate import within

PROPORTION_METHODS = {"wilson": "Wilson", "beta": "Clopper-Pearson", "agresti_coull": "Agresti-Coull"}


# ------------------------------------------------------------------------------------------- one proportion


def proportion(k, n, *, unit="papers", conf=0.95, method="wilson", label="share"):
    """Share k/n of independent units with an interval.

    Parameters
    ----------
    k, n : int
        Units with the property, and all units. Use papers; for pairs within papers see `clustered_share`.
    unit : str
        What is counted.
    conf : float
        Confidence level.
    method : {'wilson', 'beta', 'agresti_coull'}
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

    Notes
    -----
    Brown, Cai and DasGupta (2001), Interval estimation for a binomial proportion.

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


def several_shares(counts, names=None, *, method="goodman", unit="papers", conf=0.95):
    """Shares of exclusive categories with intervals that hold all at once.

    Parameters
    ----------
    counts : array-like of int
        Units in each category, categories never used included. For codes of which a unit can have several
        use `proportion` per category.
    names : sequence of str, optional
        Names of the categories.
    method : {'goodman', 'sison-glaz'}
        Sison-Glaz needs about seven categories of five or more; `reason` warns where it has not.
    unit, conf
        As in `proportion`.

    Returns
    -------
    list of Estimate
        One per category, in the order given.

    Notes
    -----
    Goodman (1965), Technometrics 7; Sison and Glaz (1995), JASA 90.

    Examples
    --------
    >>> for e in several_shares([60, 422, 118], ["conceptual", "adaptation", "deployment"]):
    ...     print(e.sentence)
    conceptual 10.0 %, 95 % CI [7.4, 13.3] (Goodman, simultaneous), 60 of 600 papers
    adaptation 70.3 %, 95 % CI [65.7, 74.6] (Goodman, simultaneous), 422 of 600 papers
    deployment 19.7 %, 95 % CI [16.1, 23.8] (Goodman, simultaneous), 118 of 600 papers
    """
    where = "several_shares"
    counts = estimate.whole_counts(f"{where}, counts", counts)
    conf = estimate.within(f"{where}, conf", conf, closed=False)
    estimate.one_of(f"{where}, method", method, ("goodman", "sison-glaz"))
    names = [f"category {i + 1}" for i in range(len(counts))] if names is None else list(names)
    estimate.same_length(where, counts, names)
    n = int(counts.sum())
    if n == 0:
        return [estimate.undefined(0, unit, "no units", conf=conf, label=str(name), k=0) for name in names]
    limits = sp.multinomial_proportions_confint(counts, 1 - conf, method=method)
    shares = counts / n
    low, high = np.clip(limits, 0, 1).T
    low, high = np.minimum(low, shares), np.maximum(high, shares)  # rounding, at 0 and 1
    sparse = method == "sison-glaz" and ((counts >= 5).sum() < 7 or counts.min() < 5)
    reason = "too sparse for Sison-Glaz: use Goodman" if sparse else ""
    if sparse and (high - low < 1e-12).any():
        low, high = np.full((2, len(counts)), estimate.NAN)
    title = {"goodman": "Goodman", "sison-glaz": "Sison-Glaz"}[method] + ", simultaneous"
    return [
        estimate.Estimate(
            float(shares[i]),
            float(low[i]),
            float(high[i]),
            conf,
            title,
            n,
            unit,
            None,
            reason,
            {"k": int(k), "se": math.sqrt(k * (n - k) / n**3)},
            str(name),
        )
        for i, (k, name) in enumerate(zip(counts, names, strict=True))
    ]


def binomial_test(k, n, share, *, unit="papers", conf=0.95, label="share"):
    """Exact test of a share against a given one, with the Clopper-Pearson interval that belongs to it.

    Parameters
    ----------
    k, n : int
        Units with the property, and all units.
    share : float
        The share under test.
    unit, conf, label
        As in `proportion`.

    Returns
    -------
    Estimate

    Examples
    --------
    >>> binomial_test(39, 110, 0.5).sentence
    'share 35.5 %, 95 % CI [26.6, 45.1] (Clopper-Pearson), 39 of 110 papers; exact test of 50 % p = .003'
    """
    estimate = proportion(k, n, unit=unit, conf=conf, method="beta", label=label)
    share = within("binomial_test, share", share)
    if math.isnan(estimate.value):
        return estimate
    p = float(stats.binomtest(int(k), int(n), share).pvalue)
    detail = estimate.detail | {"test": f"exact test of {100 * share:g} %"}
    return replace(estimate, p=p, detail=detail)


def exact_count(k, *, unit="papers", conf=0.95, label="count"):
    """A count with the exact Poisson interval of what a repeated study would expect.

    Parameters
    ----------
    k : int
        The count.
    unit, conf, label
        As in `proportion`.

    Returns
    -------
    Estimate

    Notes
    -----
    Garwood (1936). A census of a fixed frame has no such interval: it speaks about studies like this one.

    Examples
    --------
    >>> exact_count(25).sentence
    'count 25 papers, 95 % CI [16.2, 36.9] (exact Poisson)'
    """
    k = int(estimate.whole_counts("exact_count, k", k, 0))
    conf = estimate.within("exact_count, conf", conf, closed=False)
    low, high = confint_poisson(k, 1, method="exact-c", alpha=1 - conf)
    low = 0.0 if k == 0 else float(low)  # scipy's chi-square quantile with 0 degrees of freedom is NaN
    return estimate.Estimate(float(k), low, float(high), conf, "exact Poisson", k, unit, label=label, scale="count")


def goodness_of_fit(counts, *, test="auto", unit="papers", resamples=99_999, seed=0):
    """Test of equal shares of exclusive categories.

    Uniform is a straw man for stages and patterns: rejecting it is no finding. For the order of the most
    reused models it is the question.

    Parameters
    ----------
    counts : array-like of int
        Units in each category, categories never used included.
    test : {'auto', 'chi2', 'monte-carlo'}
        'auto' is Monte-Carlo where the expected count is below 5.
    unit : str
        What is counted.
    resamples, seed : int
        Of the Monte-Carlo test.

    Returns
    -------
    Estimate
        Cohen's w without interval. `detail` has chi2, df, p_chi2, the standardised residuals z (R's
        `$stdres`) and p_holm of each. With one category there is nothing to test: NaN.

    Examples
    --------
    >>> goodness_of_fit([25, 23, 19, 18, 18]).sentence
    "Cohen's w 0.14, n = 103 papers; chi-square(4) = 2.00, p = .736"
    """
    counts = estimate.whole_counts("goodness_of_fit, counts", counts)
    estimate.one_of("goodness_of_fit, test", test, ("auto", "chi2", "monte-carlo"))
    n, k, label = int(counts.sum()), len(counts), "Cohen's w"
    if n == 0 or k < 2:
        reason = "no units" if n == 0 else "one category only"
        return estimate.undefined(
            n, unit, reason, label=label, scale="number", chi2=0.0 if n else estimate.NAN, df=max(k - 1, 0)
        )
    fit = stats.chisquare(counts)
    expected = n / k
    z = (counts - expected) / math.sqrt(expected * (1 - 1 / k))
    statistic, p = f"chi-square({k - 1}) = {fit.statistic:.2f},", float(fit.pvalue)
    detail = {"chi2": float(fit.statistic), "df": k - 1, "p_chi2": p, "z": z, "test": statistic, "se": estimate.NAN}
    detail["p_holm"] = ranks.adjust(2 * stats.norm.sf(np.abs(z)), "holm")
    if test == "monte-carlo" or (test == "auto" and expected < 5):
        rng = np.random.default_rng(seed)
        p = stats.monte_carlo_test(
            counts,
            lambda size: rng.multinomial(n, np.full(k, 1 / k), size=size[0]),
            lambda x, axis=-1: ((x - expected) ** 2).sum(axis=axis) / expected,
            vectorized=True,
            n_resamples=resamples,
            alternative="greater",
        ).pvalue
        p, detail["test"] = float(p), f"{statistic} Monte-Carlo ({resamples:,} draws)"
    w = math.sqrt(fit.statistic / n)
    return estimate.Estimate(w, n=n, unit=unit, p=p, detail=detail, label=label, scale="number")


def equivalence(k1, n1, k2, n2, margin, *, unit="papers", conf=0.95):
    """Test that two independent shares differ by less than a margin set in advance (two one-sided tests).

    Parameters
    ----------
    k1, n1, k2, n2 : int
        As in `difference`.
    margin : float
        Largest difference of shares that does not matter.
    unit : str
        What is counted.
    conf : float
        The test has level 1 - conf, so the interval shown has confidence 2 conf - 1.

    Returns
    -------
    Estimate
        The difference; p below 1 - conf shows equivalence.

    Examples
    --------
    >>> equivalence(70, 100, 72, 100, 0.2).p < 0.05
    True
    """
    margin = estimate.within("equivalence, margin", margin, closed=False)
    conf = estimate.within("equivalence, conf", conf, low=0.5, closed=False)
    shown = difference(k1, n1, k2, n2, unit=unit, conf=2 * conf - 1)
    if math.isnan(shown.value):
        return shown
    # Wald's standard error is 0 where both groups are all alike; Agresti and Caffo's is not.
    with np.errstate(divide="ignore", invalid="ignore"):  # of the odds ratio, which is not used
        tost = sp.tost_proportions_2indep(k1, n1, k2, n2, -margin, margin, method="agresti-caffo")
    test = f"equivalence within {100 * margin:g} percentage points"
    p, detail = float(tost.pvalue), shown.detail | {"margin": margin, "test": test}
    return replace(shown, p=p, reason="", detail=detail)


def manski_bounds(yes, no, unknown, *, unit="papers", label="share"):
    """Share with unknowns: bounds with every unknown a no, or every unknown a yes.

    Parameters
    ----------
    yes, no, unknown : int
        Units of each kind.
    unit, label
        As in `proportion`.

    Returns
    -------
    Estimate
        `value` is the share among the known (right if unknown is a matter of chance); low and high are
        bounds, not a confidence interval, hence conf is NaN.

    Notes
    -----
    Manski (1989), Anatomy of the selection problem.

    Examples
    --------
    >>> manski_bounds(30, 50, 20).sentence
    'share 37.5 %, bounds [30.0, 50.0] (unknown as no, as yes), n = 100 papers'
    """
    yes, no, unknown = (int(x) for x in estimate.whole_counts("manski_bounds", [yes, no, unknown]))
    n, known = yes + no + unknown, yes + no
    low, high = (yes / n, (yes + unknown) / n) if n else (estimate.NAN, estimate.NAN)
    value, reason = (yes / known, "") if known else (estimate.NAN, "all unknown" if n else "no units")
    detail = {"yes": yes, "no": no, "unknown": unknown, "se": estimate.NAN}
    return estimate.Estimate(
        value, low, high, estimate.NAN, "unknown as no, as yes", n, unit, None, reason, detail, label
    )


def concentration(counts, *, top=5, unit="instances"):
    """How far few models hold most of the reuse.

    Parameters
    ----------
    counts : array-like of int
        Instances of each model.
    top : int
        How many models the top share adds up.
    unit : str
        What is counted.

    Returns
    -------
    Estimate
        Herfindahl index (1/models to 1), without interval. `detail` has effective (exp of Shannon's
        entropy: so many equally used models would be as diverse), top_share and models (used at least
        once).

    Examples
    --------
    >>> e = concentration([25, 23, 19, 18, 18, 2, 1])
    >>> round(e.value, 3), round(e.detail["effective"], 2), round(e.detail["top_share"], 3)
    (0.193, 5.48, 0.972)
    """
    counts = estimate.whole_counts("concentration, counts", counts)
    top = int(estimate.whole_counts("concentration, top", top, 0, at_least=1))
    n, label = int(counts.sum()), "Herfindahl index"
    if n == 0:
        return estimate.undefined(0, unit, "nothing counted", label=label, scale="number")
    share = np.sort(counts / n)[::-1]
    detail = {
        "effective": float(np.exp(stats.entropy(share))),
        "top_share": float(share[:top].sum()),
        "models": int((share > 0).sum()),
        "se": estimate.NAN,
    }
    return estimate.Estimate(float((share**2).sum()), n=n, unit=unit, detail=detail, label=label, scale="number")


def difference(k1, n1, k2, n2, *, unit="papers", conf=0.95, label="difference"):
    """Difference of two independent shares, k1/n1 - k2/n2, with Newcombe's interval.

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
        count is below 5; `detail` has share1, share2, chi2, p_chi2, p_exact and the test used.

    Raises
    ------
    StudyError
        If k > n or a count is impossible.

    Notes
    -----
    Newcombe (1998), method 10: Wilson limits of the two shares, squared and added.

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
    detail = {"share1": k1 / n1, "share2": k2 / n2, "chi2": estimate.NAN, "p_chi2": None, "p_exact": None}
    p, reason = None, "no test: all units alike in both groups"
    if 0 < k < n:
        table = [[k1, n1 - k1], [k2, n2 - k2]]
        chi2 = stats.chi2_contingency(table, correction=False)
        exact = float(stats.fisher_exact(table).pvalue)
        large = chi2.expected_freq.min() >= 5
        detail |= {"chi2": float(chi2.statistic), "p_chi2": float(chi2.pvalue), "p_exact": exact}
        detail |= {"test": "chi-square" if large else "Fisher's exact test"}
        p, reason = (detail["p_chi2"] if large else exact), ""
    return estimate.Estimate(
        k1 / n1 - k2 / n2, low, high, conf, "Newcombe", n, unit, p, reason, detail, label, "points"
    )


def odds_ratio(table, *, unit="papers", conf=0.95, kind="conditional"):
    """Odds ratio of a 2 x 2 table of independent units.

    Parameters
    ----------
    table : array-like, 2 x 2
        Rows are the groups, columns yes and no.
    unit, conf
        As in `proportion`.
    kind : {'conditional', 'sample'}
        Conditional maximum likelihood with exact limits (R's `fisher.test`), or ad/bc with Woolf's limits.

    Returns
    -------
    Estimate
        `p` is Fisher's exact test; `detail` has both odds ratios and the risk difference. The value is 0 or
        infinite when one cell is 0; it is undefined when a whole row or column is.

    Examples
    --------
    >>> e = odds_ratio([[8, 2], [1, 5]])
    >>> print(f"{e.value:.2f} [{e.low:.2f}, {e.high:.2f}], {estimate.print_p(e.p)}")
    15.47 [1.01, 1059.64], p = .035
    """
    table = estimate.whole_counts("odds_ratio, table", table, 2)
    conf = estimate.within("odds_ratio, conf", conf, closed=False)
    estimate.one_of("odds_ratio, kind", kind, ("conditional", "sample"))
    if table.shape != (2, 2):
        raise StudyError(
            expected="2 rows and 2 columns",
            found=f"{table.shape[0]} x {table.shape[1]}",
            where="odds_ratio, table",
            do="use independence() for larger tables",
        )
    n = int(table.sum())
    if not table.sum(axis=0).all() or not table.sum(axis=1).all():
        return estimate.undefined(n, unit, "a row or column is empty", conf=conf, label="odds ratio", scale="number")
    result = stats.contingency.odds_ratio(table, kind=kind)
    (a, b), (c, d) = table
    low, high, reason = estimate.NAN, estimate.NAN, "no interval: a cell is empty, use kind='conditional'"
    if kind == "conditional" or a * b * c * d:
        (low, high), reason = result.confidence_interval(conf), ""
    risk = difference(a, a + b, c, c + d, unit=unit, conf=conf)
    detail = {
        "conditional": float(stats.contingency.odds_ratio(table).statistic),
        "sample": float(a * d / (b * c)) if b * c else math.inf,
        "difference": risk,
        "test": "Fisher's exact test",
    }
    method = {"conditional": "exact conditional", "sample": "Woolf"}[kind]
    p = float(stats.fisher_exact(table).pvalue)
    return estimate.Estimate(
        float(result.statistic),
        float(low),
        float(high),
        conf,
        method,
        n,
        unit,
        p,
        reason,
        detail,
        "odds ratio",
        "number",
    )


# -------------------------------------------------------------------------------------- strata and clusters


def clustered_share(
    numerator,
    denominator,
    *,
    weights=None,
    unit="pairs",
    cluster="papers",
    conf=0.95,
    resamples=9999,
    seed=0,
    label="share",
):
    """Share of pairs (or instances) that lie within papers; papers are resampled, not pairs.

    Parameters
    ----------
    numerator, denominator : array-like, one value per paper
        Pairs with the property and all pairs of each paper, such as its adaptation pairs and its pairs.
        Fractional values are allowed: under fractional counting a paper in two fields counts 1/2 in each.
    weights : array-like, optional
        Weight of each paper, such as its inverse sampling fraction.
    unit, cluster : str
        What is counted, and what was sampled.
    conf, label
        As in `proportion`.
    resamples, seed : int
        Of the BCa bootstrap over papers.

    Returns
    -------
    Estimate
        sum(numerator)/sum(denominator). `detail` has n_clusters, the linearised standard error `se` (survey
        package's ratio estimator), deff = (se/naive se)^2, the naive Wilson interval, the mean share within
        papers, the share of papers with at least one, and the papers without any unit. Where all papers
        agree the bootstrap has no width: the interval is then Clopper-Pearson on papers, and `reason` says
        so. Less than two papers are no sample: NaN.

    Examples
    --------
    >>> e = clustered_share([1, 0, 2, 1, 3, 0, 1], [1, 2, 2, 1, 4, 1, 2])
    >>> print(e.sentence)
    share 61.5 %, 95 % CI [25.0, 83.3] (BCa bootstrap of 7 papers), 8 of 13 pairs
    >>> clustered_share([1, 2], [1, 2]).sentence
    'share 100.0 %, 95 % CI [15.8, 100.0] (Clopper-Pearson on 2 papers), 3 of 3 pairs; all papers agree'
    """
    where = "clustered_share"
    a, m = estimate.numbers(f"{where}, numerator", numerator), estimate.numbers(f"{where}, denominator", denominator)
    w = np.ones(len(m)) if weights is None else estimate.numbers(f"{where}, weights", weights)
    estimate.same_length(where, a, m, w)
    conf = estimate.within(f"{where}, conf", conf, closed=False)
    if (a < 0).any() or (a > m + 1e-9).any() or (w < 0).any():
        raise StudyError(
            expected="0 <= numerator <= denominator and weights >= 0 for every paper",
            found=f"row {int(np.argmax((a < 0) | (a > m + 1e-9) | (w < 0)))} without",
            where=where,
            do="check how the pairs of this paper were counted",
        )
    counted = (m > 0) & (w > 0)
    # Sorted, so that the same seed gives the same interval whatever the order of the rows.
    order = np.lexsort((m[counted], a[counted], w[counted]))
    a, m, w = a[counted][order], m[counted][order], w[counted][order]
    k, n, papers = float(a.sum()), float(m.sum()), len(m)
    detail = {"k": k, "n_clusters": papers, "empty_clusters": int((~counted).sum())}
    if papers < 2:
        reason = f"no spread between {cluster}, there is only one" if papers else f"no {cluster}"
        return estimate.undefined(n, unit, reason, conf=conf, label=label, **detail)
    share = float((w * a).sum() / (w * m).sum())
    residual = w * (a - share * m)
    se = math.sqrt(papers / (papers - 1) * (residual**2).sum()) / float((w * m).sum())
    naive_se = math.sqrt(share * (1 - share) / n)
    agree = bool(np.allclose(a, share * m, rtol=0, atol=1e-12 * m.max()))
    detail |= {
        "se": 0.0 if agree else se,
        "deff": estimate.NAN if agree else (se / naive_se) ** 2,
        "naive": tuple(float(x) for x in sp.proportion_confint(share * n, n, 1 - conf, "wilson")),
        "mean_within": float((w * a / m).sum() / w.sum()),
        "any": float((w * (a > 0)).sum() / w.sum()),
        "weighted": bool((w != w[0]).any()),
    }
    low, high = (estimate.NAN, estimate.NAN) if agree else _bca_ratio(w * a, w * m, conf, resamples, seed)
    method, reason = f"BCa bootstrap of {papers:,} {cluster}", ""
    if not low <= share <= high:
        low, high = sp.proportion_confint(share * papers, papers, 1 - conf, "beta")
        method = f"Clopper-Pearson on {papers:,} {cluster}"
        reason = f"all {cluster} agree" if agree else f"too few different {cluster} for a bootstrap"
    return estimate.Estimate(share, float(low), float(high), conf, method, n, unit, None, reason, detail, label)


def _bca_ratio(a, m, conf, resamples, seed):
    """BCa limits of sum(a)/sum(m); NaN where the bootstrap distribution is degenerate."""
    with warnings.catch_warnings():
        # Not hidden: the NaN limits it announces are replaced and named by the caller.
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)
        return stats.bootstrap(
            (a, m),
            lambda a, m, axis=-1: a.sum(axis) / m.sum(axis),
            paired=True,
            vectorized=True,
            n_resamples=resamples,
            batch=max(1, 1_000_000 // len(a)),
            confidence_level=conf,
            method="BCa",
            rng=np.random.default_rng(seed),
        ).confidence_interval


def _mover(k, n, weight, conf, method, shrink=1.0):
    """Limits of sum(weight k/n) from the limits of each stratum (MOVER, Zou and Donner 2008).

    Unlike a normal interval it keeps its width where a stratum has no or only hits. `shrink` is the finite
    population factor sqrt(1 - n/N) of each stratum.
    """
    share = k / n
    low, high = sp.proportion_confint(k, n, 1 - conf, method)
    total = float((weight * share).sum())
    down = math.sqrt((((share - low) * weight * shrink) ** 2).sum())
    up = math.sqrt((((high - share) * weight * shrink) ** 2).sum())
    return max(0.0, total - down), min(1.0, total + up)


def standardised_share(k, n, weights, *, unit="papers", conf=0.95, label="standardised share"):
    """Directly standardised share: the share had the strata (years) had the given weights.

    Parameters
    ----------
    k, n : array-like of int, one value per stratum
        Units with the property and all units of each year.
    weights : array-like
        Standard population, such as the papers of each year in the frame; scaled to sum to 1.
    unit, conf, label
        As in `proportion`.

    Returns
    -------
    Estimate
        sum(w k/n). `detail` has the raw share, se and the shares per stratum. NaN where a stratum with
        weight has no units: it cannot be standardised.

    Notes
    -----
    Interval: Zou and Donner (2008), recovered from the Wilson limits of the strata.

    Examples
    --------
    >>> standardised_share([2, 9], [10, 12], [1, 1]).sentence
    'standardised share 47.5 %, 95 % CI [31.7, 65.0] (MOVER-Wilson over 2 strata), n = 22 papers'
    """
    where = "standardised_share"
    k, n = estimate.parts_of(where, k, n)
    w = estimate.numbers(f"{where}, weights", weights)
    estimate.same_length(where, k, w)
    conf = estimate.within(f"{where}, conf", conf, closed=False)
    if (w < 0).any():
        raise StudyError(
            expected="weights of at least 0", found=f"{w.min():g}", where=f"{where}, weights", do="correct it"
        )
    units, hits = int(n.sum()), int(k.sum())
    empty = np.flatnonzero((n == 0) & (w > 0))
    if units == 0 or w.sum() == 0 or len(empty):
        reason = f"stratum {empty[0] + 1} has no units" if len(empty) and units else "no units with weight"
        return estimate.undefined(units, unit, reason, conf=conf, label=label, k=hits)
    used = w > 0
    k, n, w = k[used], n[used], w[used] / w.sum()
    shares = k / n
    low, high = _mover(k, n, w, conf, "wilson")
    detail = {
        "k": int(k.sum()),
        "raw": float(k.sum() / n.sum()),
        "se": float(np.sqrt((w**2 * shares * (1 - shares) / n).sum())),
        "shares": shares.tolist(),
        "strata": len(k),
    }
    method = f"MOVER-Wilson over {len(k)} strata"
    return estimate.Estimate(
        float((w * shares).sum()), low, high, conf, method, int(n.sum()), unit, None, "", detail, label
    )


def stratified_share(N, n, k, *, fpc=True, unit="papers", conf=0.95, method="mover", label="stratified share"):
    """Share in a population from a stratified random sample, such as papers hand-coded within model labels.

    Parameters
    ----------
    N, n, k : array-like of int, one value per stratum
        Papers in the population, papers drawn at random, drawn papers with the property.
    fpc : bool
        Finite population correction: True speaks about these N papers, False about papers like these.
    unit, conf, label
        As in `proportion`.
    method : {'mover', 'logit', 'korn-graubard'}
        'mover' adds up the exact limits of the strata and stays honest where a stratum has no hits (coverage at
        least nominal where few of many thousand papers are hits, against 89 % of 'logit'); 'logit' and
        'korn-graubard' (effective n capped at n) use the standard error, which ignores such a stratum,
        and are undefined where the standard error is 0.

    Returns
    -------
    Estimate
        `detail` has se, total, total_se, the share and exact limits of each stratum, the raw share (a trap:
        the design is ignored) and the limits by all three methods. NaN where a stratum was not sampled.

    Notes
    -----
    Cochran (1977), section 5.3; variance of a stratum (1 - n/N) p(1-p)/(n-1), as R's survey package.

    Examples
    --------
    >>> stratified_share([631, 4000, 12880], [80, 120, 100], [66, 6, 0]).sentence
    'stratified share 4.1 %, 95 % CI [3.3, 7.1] (MOVER-Clopper-Pearson over 3 strata), n = 300 papers'
    """
    where = "stratified_share"
    estimate.one_of(f"{where}, method", method, ("mover", "logit", "korn-graubard"))
    conf = estimate.within(f"{where}, conf", conf, closed=False)
    k, n = estimate.parts_of(where, k, n)
    n, N = estimate.parts_of(f"{where}, N", n, N)
    drawn = int(n.sum())
    missed = np.flatnonzero((n == 0) & (N > 0))
    if drawn == 0 or len(missed):
        reason = f"stratum {missed[0] + 1} was not sampled" if drawn else "nothing was sampled"
        return estimate.undefined(
            drawn, unit, reason, conf=conf, label=label, total=estimate.NAN, total_se=estimate.NAN
        )
    N, n, k = N[N > 0], n[N > 0], k[N > 0]
    W, p = N / N.sum(), k / n
    open_share = 1 - n / N if fpc else np.ones(len(n))
    share = float((W * p).sum())
    # A stratum taken whole has no sampling error; one paper out of many has an unknown one.
    spread = np.where(open_share == 0, 0.0, p * (1 - p) / np.where(n > 1, n - 1, np.nan))
    se = float(np.sqrt((W**2 * open_share * spread).sum()))
    df = drawn - len(n)
    limits = {"mover": _mover(k, n, W, conf, "beta", np.sqrt(open_share))}
    limits |= _survey_limits(share, se, drawn, df, conf)
    exact = [tuple(float(x) for x in sp.proportion_confint(*kn, 1 - conf, "beta")) for kn in zip(k, n, strict=True)]
    detail = {
        "se": se,
        "df": df,
        "k": int(k.sum()),
        "total": share * int(N.sum()),
        "total_se": se * int(N.sum()),
        "raw": float(k.sum() / drawn),
        "shares": p.tolist(),
        "exact": exact,
        "limits": limits,
    }
    low, high = limits[method]
    names = {
        "mover": f"MOVER-Clopper-Pearson over {len(n)} strata" if len(n) > 1 else "Clopper-Pearson",
        "logit": "logit",
        "korn-graubard": "Korn-Graubard",
    }
    reason = "no interval: standard error 0 or unknown, use method='mover'" if math.isnan(low) else ""
    if not open_share.any():
        low, high, reason = estimate.NAN, estimate.NAN, "no interval: a census of these strata has no sampling error"
    return estimate.Estimate(share, low, high, conf, names[method], drawn, unit, None, reason, detail, label)


def _survey_limits(share, se, n, df, conf):
    """Logit and capped Korn-Graubard limits from a design-based standard error; NaN without one."""
    if not se > 0 or df < 1:
        return {"logit": (estimate.NAN, estimate.NAN), "korn-graubard": (estimate.NAN, estimate.NAN)}
    q = stats.t.ppf((1 + conf) / 2, df)
    centre, half = math.log(share / (1 - share)), q * se / (share * (1 - share))
    logit = tuple(1 / (1 + math.exp(-x)) for x in (centre - half, centre + half))
    effective = min(n, share * (1 - share) / se**2 * (stats.t.ppf((1 + conf) / 2, n - 1) / q) ** 2)
    low, high = sp.proportion_confint(share * effective, effective, 1 - conf, "beta")
    return {"logit": logit, "korn-graubard": (float(low), float(high))}
