"""Shares, differences and tests of this study, each with its unit, its interval and a ready sentence.

Every function takes counts, or one row per paper, and returns one `Estimate` (or a small table of them).
Three modules share the work: `statistics` (shares, differences, strata, ranks, sample size), `association`
(tables, several fields and patterns per paper, trends over years, regression) and `coders` (agreement,
coder accuracy, shares corrected for coder error).

One policy for degenerate input: nothing to estimate from (no papers, one category, one cluster) gives NaN
and a reason, and the sentence reads "n/a (0 papers)"; impossible input (k > n, a negative or fractional
count, NaN) raises `StudyError`. Every sampled result takes a seed and does not depend on the order of the
rows.
"""

import math
import warnings
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
import statsmodels.stats.proportion as sp
from scipy import optimize, stats
from statsmodels.stats.power import GofChisquarePower, NormalIndPower
from statsmodels.stats.rates import confint_poisson

from ptmreuse.errors import StudyError

NAN = float("nan")
PROPORTION_METHODS = {"wilson": "Wilson", "beta": "Clopper-Pearson", "agresti_coull": "Agresti-Coull"}


@dataclass(frozen=True)
class Estimate:
    """One estimate with everything a report must say about it.

    Parameters
    ----------
    value, low, high : float
        Point estimate and interval limits; NaN where undefined.
    conf : float
        Confidence level of the interval; NaN where the limits are bounds without one.
    method : str
        Method of the interval.
    n : float
        Number of units (a fraction only under fractional counting).
    unit : str
        What is counted: papers, pairs, instances, rows; '' where nothing is.
    p : float or None
        p value; None when nothing was tested.
    reason : str
        Why `value` or its interval is missing, or what else a reader must know; '' otherwise.
    detail : dict
        Further numbers: statistic, df, se, deff and so on.
    label : str
        What is estimated.
    scale : {'percent', 'points', 'number', 'count', 'rank'}
        How the sentence prints it: a share, a difference of shares, a plain number, a number of units, or a rank.

    Examples
    --------
    >>> Estimate(0.3546, 0.2714, 0.4474, method="Wilson", n=110).sentence
    'share 35.5 %, 95 % CI [27.1, 44.7] (Wilson), n = 110 papers'
    >>> Estimate(NAN, n=0).sentence
    'n/a (0 papers)'
    """

    value: float
    low: float = NAN
    high: float = NAN
    conf: float = 0.95
    method: str = ""
    n: float = 0
    unit: str = "papers"
    p: float | None = None
    reason: str = ""
    detail: dict = field(default_factory=dict)
    label: str = "share"
    scale: str = "percent"

    @property
    def sentence(self):
        """The estimate as a report writes it: effect size, interval, unit, then p."""
        unit = self.unit.removesuffix("s") if self.n == 1 else self.unit
        counted = f"{self.n:,.10g} {unit}"
        if math.isnan(self.value):
            if unit and self.n == 0:
                return f"n/a ({counted})"
            return f"{self.label} n/a ({f'{counted}: ' if unit else ''}{self.reason})"
        sign = {"percent": " %", "points": " percentage points", "number": "", "rank": "", "count": f" {self.unit}"}[
            self.scale
        ]
        text = f"{self.label} {self._print(self.value)}{sign}"
        if not (math.isnan(self.low) or math.isnan(self.high)):
            limits = f"[{self._print(self.low)}, {self._print(self.high)}]"
            kind = "bounds" if math.isnan(self.conf) else f"{100 * self.conf:g} % CI"
            text += f", {kind} {limits} ({self.method})"
        # A weighted share is not k/n; printing "k of n" beside it would mislead.
        k = self.detail.get("k", NAN)
        if abs(k - self.value * self.n) < 1e-6:
            text += f", {k:,.10g} of {counted}"
        elif unit and not (self.scale == "count" and self.n == self.value):
            text += f", n = {counted}"
        if self.p is not None:
            text += f"; {self.detail.get('test', '')} {print_p(self.p)}".replace(";  ", "; ")
        return f"{text}; {self.reason}" if self.reason else text

    def _print(self, x):
        if self.scale in ("count", "rank"):
            return f"{x:,.0f}" if x == math.floor(x) else f"{x:,.1f}"
        return f"{x:.2f}" if self.scale == "number" else f"{100 * x:.1f}"


def print_p(p):
    """A p value as reports write it.

    Examples
    --------
    >>> print_p(0.0261), print_p(1e-9)
    ('p = .026', 'p < .001')
    """
    return "p < .001" if p < 0.001 else f"p = {p:.3f}".replace("= 0.", "= .")


def undefined(n, unit, reason, *, conf=0.95, label="share", scale="percent", **detail):
    """An `Estimate` of nothing: NaN with its reason.

    Examples
    --------
    >>> undefined(3, "papers", "all in one category").sentence
    'share n/a (3 papers: all in one category)'
    """
    return Estimate(
        NAN, conf=conf, n=n, unit=unit, reason=reason, detail={"se": NAN} | detail, label=label, scale=scale
    )


def whole_counts(where, values, ndim=1, at_least=0):
    """Counts as an integer array, or a `StudyError` naming the value that is no count.

    Parameters
    ----------
    where : str
        Function and argument, for the message.
    values : int or array-like
    ndim : int
        Dimensions asked for: 0 one count, 1 a list, 2 a table.
    at_least : int
        Smallest count that makes sense here.

    Examples
    --------
    >>> whole_counts("proportion, k", [3, 4.0])
    array([3, 4])
    >>> whole_counts("proportion, k", [3, 4.5])
    Traceback (most recent call last):
    ...
    ptmreuse.errors.StudyError: proportion, k: expected whole counts of at least 0, found 4.5; ...
    """
    array = numbers(where, values, ndim)
    wrong = array[(array < at_least) | (array != np.floor(array))]
    if wrong.size:
        raise StudyError(
            expected=f"whole counts of at least {at_least}",
            found=f"{wrong.flat[0]:g}",
            where=where,
            do="count units; give weights as weights, never as counts",
        )
    return array.astype(np.int64)


def numbers(where, values, ndim=1):
    """Finite numbers as a float array with `ndim` dimensions, or a `StudyError`.

    Examples
    --------
    >>> numbers("trend, year", [2014, 2015])
    array([2014., 2015.])
    """
    shape = {0: "one number", 1: "a list of numbers", 2: "a table of numbers, rows of one length"}[ndim]
    try:
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise StudyError(
            expected=shape, found=repr(values)[:80], where=where, do="leave out text and missing values"
        ) from None
    if array.ndim == 1 and array.size == 0 and ndim == 2:
        array = array.reshape(0, 0)
    if array.ndim != ndim:
        raise StudyError(
            expected=shape, found=f"{array.ndim} dimensions", where=where, do="change the shape of the input"
        )
    if not np.isfinite(array).all():
        raise StudyError(
            expected="finite numbers",
            found=f"{array[~np.isfinite(array)].flat[0]} ({(~np.isfinite(array)).sum()} of {array.size})",
            where=where,
            do="count missing values apart and leave them out here",
        )
    return array


def within(where, value, low=0.0, high=1.0, closed=True):
    """A number between two limits, or a `StudyError`.

    Examples
    --------
    >>> within("proportion, conf", 0.95, closed=False)
    0.95
    """
    number = float(numbers(where, value, 0))
    if not (low <= number <= high) or (not closed and number in (low, high)):
        limits = f"from {low:g} to {high:g}" if closed else f"above {low:g} and below {high:g}"
        raise StudyError(
            expected=f"a number {limits}",
            found=f"{number:g}",
            where=where,
            do="correct the value",
        )
    return number


def one_of(where, value, allowed):
    """`value` if it is allowed, or a `StudyError` listing what is.

    Examples
    --------
    >>> one_of("adjust, method", "holm", ("holm", "bh"))
    'holm'
    """
    if value not in allowed:
        raise StudyError(
            expected="one of " + ", ".join(map(repr, allowed)),
            found=repr(value),
            where=where,
            do="choose one",
        )
    return value


def same_length(where, *arrays):
    """Nothing, or a `StudyError` if the arrays differ in length."""
    lengths = [len(a) for a in arrays]
    if len(set(lengths)) > 1:
        raise StudyError(
            expected="inputs of one length",
            found=" and ".join(map(str, lengths)),
            where=where,
            do="give one value per row in each",
        )


def parts_of(where, k, n, ndim=1):
    """Counts k out of n as integer arrays, or a `StudyError` where k > n."""
    k, n = whole_counts(f"{where}, k", k, ndim), whole_counts(f"{where}, n", n, ndim)
    if ndim:
        same_length(where, k, n)
    if (k > n).any():
        i = np.argmax(np.atleast_1d(k > n))
        found = f"{np.atleast_1d(k)[i]} of {np.atleast_1d(n)[i]}"
        raise StudyError(expected="k of n with k <= n", found=found, where=where, do="check numerator and denominator")
    return k, n


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
    k, n = (int(x) for x in parts_of("proportion", k, n, 0))
    conf = within("proportion, conf", conf, closed=False)
    one_of("proportion, method", method, PROPORTION_METHODS)
    if n == 0:
        return undefined(0, unit, "no units", conf=conf, label=label, k=k)
    share = k / n
    low, high = sp.proportion_confint(k, n, alpha=1 - conf, method=method)
    low, high = min(float(low), share), max(float(high), share)  # rounding, at 0 and 1
    se = math.sqrt(share * (1 - share) / n)
    return Estimate(share, low, high, conf, PROPORTION_METHODS[method], n, unit, detail={"k": k, "se": se}, label=label)


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
    counts = whole_counts(f"{where}, counts", counts)
    conf = within(f"{where}, conf", conf, closed=False)
    one_of(f"{where}, method", method, ("goodman", "sison-glaz"))
    names = [f"category {i + 1}" for i in range(len(counts))] if names is None else list(names)
    same_length(where, counts, names)
    n = int(counts.sum())
    if n == 0:
        return [undefined(0, unit, "no units", conf=conf, label=str(name), k=0) for name in names]
    limits = sp.multinomial_proportions_confint(counts, 1 - conf, method=method)
    shares = counts / n
    low, high = np.clip(limits, 0, 1).T
    low, high = np.minimum(low, shares), np.maximum(high, shares)  # rounding, at 0 and 1
    sparse = method == "sison-glaz" and ((counts >= 5).sum() < 7 or counts.min() < 5)
    reason = "too sparse for Sison-Glaz: use Goodman" if sparse else ""
    if sparse and (high - low < 1e-12).any():
        low, high = np.full((2, len(counts)), NAN)
    title = {"goodman": "Goodman", "sison-glaz": "Sison-Glaz"}[method] + ", simultaneous"
    return [
        Estimate(
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
    k = int(whole_counts("exact_count, k", k, 0))
    conf = within("exact_count, conf", conf, closed=False)
    low, high = confint_poisson(k, 1, method="exact-c", alpha=1 - conf)
    low = 0.0 if k == 0 else float(low)  # scipy's chi-square quantile with 0 degrees of freedom is NaN
    return Estimate(float(k), low, float(high), conf, "exact Poisson", k, unit, label=label, scale="count")


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
    counts = whole_counts("goodness_of_fit, counts", counts)
    one_of("goodness_of_fit, test", test, ("auto", "chi2", "monte-carlo"))
    n, k, label = int(counts.sum()), len(counts), "Cohen's w"
    if n == 0 or k < 2:
        reason = "no units" if n == 0 else "one category only"
        return undefined(n, unit, reason, label=label, scale="number", chi2=0.0 if n else NAN, df=max(k - 1, 0))
    fit = stats.chisquare(counts)
    expected = n / k
    z = (counts - expected) / math.sqrt(expected * (1 - 1 / k))
    statistic, p = f"chi-square({k - 1}) = {fit.statistic:.2f},", float(fit.pvalue)
    detail = {"chi2": float(fit.statistic), "df": k - 1, "p_chi2": p, "z": z, "test": statistic, "se": NAN}
    detail["p_holm"] = adjust(2 * stats.norm.sf(np.abs(z)), "holm")
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
    return Estimate(w, n=n, unit=unit, p=p, detail=detail, label=label, scale="number")


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
    margin = within("equivalence, margin", margin, closed=False)
    conf = within("equivalence, conf", conf, low=0.5, closed=False)
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
    yes, no, unknown = (int(x) for x in whole_counts("manski_bounds", [yes, no, unknown]))
    n, known = yes + no + unknown, yes + no
    low, high = (yes / n, (yes + unknown) / n) if n else (NAN, NAN)
    value, reason = (yes / known, "") if known else (NAN, "all unknown" if n else "no units")
    detail = {"yes": yes, "no": no, "unknown": unknown, "se": NAN}
    return Estimate(value, low, high, NAN, "unknown as no, as yes", n, unit, None, reason, detail, label)


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
    counts = whole_counts("concentration, counts", counts)
    top = int(whole_counts("concentration, top", top, 0, at_least=1))
    n, label = int(counts.sum()), "Herfindahl index"
    if n == 0:
        return undefined(0, unit, "nothing counted", label=label, scale="number")
    share = np.sort(counts / n)[::-1]
    detail = {
        "effective": float(np.exp(stats.entropy(share))),
        "top_share": float(share[:top].sum()),
        "models": int((share > 0).sum()),
        "se": NAN,
    }
    return Estimate(float((share**2).sum()), n=n, unit=unit, detail=detail, label=label, scale="number")


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
    (k1, k2), (n1, n2) = parts_of("difference", [k1, k2], [n1, n2])
    conf = within("difference, conf", conf, closed=False)
    n, k = int(n1 + n2), int(k1 + k2)
    if min(n1, n2) == 0:
        return undefined(n, unit, "one group is empty", conf=conf, label=label, scale="points")
    low, high = sp.confint_proportions_2indep(k1, n1, k2, n2, method="newcomb", compare="diff", alpha=1 - conf)
    detail = {"share1": k1 / n1, "share2": k2 / n2, "chi2": NAN, "p_chi2": None, "p_exact": None}
    p, reason = None, "no test: all units alike in both groups"
    if 0 < k < n:
        table = [[k1, n1 - k1], [k2, n2 - k2]]
        chi2 = stats.chi2_contingency(table, correction=False)
        exact = float(stats.fisher_exact(table).pvalue)
        large = chi2.expected_freq.min() >= 5
        detail |= {"chi2": float(chi2.statistic), "p_chi2": float(chi2.pvalue), "p_exact": exact}
        detail |= {"test": "chi-square" if large else "Fisher's exact test"}
        p, reason = (detail["p_chi2"] if large else exact), ""
    return Estimate(k1 / n1 - k2 / n2, low, high, conf, "Newcombe", n, unit, p, reason, detail, label, "points")


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
    >>> print(f"{e.value:.2f} [{e.low:.2f}, {e.high:.2f}], {print_p(e.p)}")
    15.47 [1.01, 1059.64], p = .035
    """
    table = whole_counts("odds_ratio, table", table, 2)
    conf = within("odds_ratio, conf", conf, closed=False)
    one_of("odds_ratio, kind", kind, ("conditional", "sample"))
    if table.shape != (2, 2):
        raise StudyError(
            expected="2 rows and 2 columns",
            found=f"{table.shape[0]} x {table.shape[1]}",
            where="odds_ratio, table",
            do="use independence() for larger tables",
        )
    n = int(table.sum())
    if not table.sum(axis=0).all() or not table.sum(axis=1).all():
        return undefined(n, unit, "a row or column is empty", conf=conf, label="odds ratio", scale="number")
    result = stats.contingency.odds_ratio(table, kind=kind)
    (a, b), (c, d) = table
    low, high, reason = NAN, NAN, "no interval: a cell is empty, use kind='conditional'"
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
    return Estimate(
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
    a, m = numbers(f"{where}, numerator", numerator), numbers(f"{where}, denominator", denominator)
    w = np.ones(len(m)) if weights is None else numbers(f"{where}, weights", weights)
    same_length(where, a, m, w)
    conf = within(f"{where}, conf", conf, closed=False)
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
        return undefined(n, unit, reason, conf=conf, label=label, **detail)
    share = float((w * a).sum() / (w * m).sum())
    residual = w * (a - share * m)
    se = math.sqrt(papers / (papers - 1) * (residual**2).sum()) / float((w * m).sum())
    naive_se = math.sqrt(share * (1 - share) / n)
    agree = bool(np.allclose(a, share * m, rtol=0, atol=1e-12 * m.max()))
    detail |= {
        "se": 0.0 if agree else se,
        "deff": NAN if agree else (se / naive_se) ** 2,
        "naive": tuple(float(x) for x in sp.proportion_confint(share * n, n, 1 - conf, "wilson")),
        "mean_within": float((w * a / m).sum() / w.sum()),
        "any": float((w * (a > 0)).sum() / w.sum()),
        "weighted": bool((w != w[0]).any()),
    }
    low, high = (NAN, NAN) if agree else _bca_ratio(w * a, w * m, conf, resamples, seed)
    method, reason = f"BCa bootstrap of {papers:,} {cluster}", ""
    if not low <= share <= high:
        low, high = sp.proportion_confint(share * papers, papers, 1 - conf, "beta")
        method = f"Clopper-Pearson on {papers:,} {cluster}"
        reason = f"all {cluster} agree" if agree else f"too few different {cluster} for a bootstrap"
    return Estimate(share, float(low), float(high), conf, method, n, unit, None, reason, detail, label)


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
    k, n = parts_of(where, k, n)
    w = numbers(f"{where}, weights", weights)
    same_length(where, k, w)
    conf = within(f"{where}, conf", conf, closed=False)
    if (w < 0).any():
        raise StudyError(
            expected="weights of at least 0", found=f"{w.min():g}", where=f"{where}, weights", do="correct it"
        )
    units, hits = int(n.sum()), int(k.sum())
    empty = np.flatnonzero((n == 0) & (w > 0))
    if units == 0 or w.sum() == 0 or len(empty):
        reason = f"stratum {empty[0] + 1} has no units" if len(empty) and units else "no units with weight"
        return undefined(units, unit, reason, conf=conf, label=label, k=hits)
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
    return Estimate(float((w * shares).sum()), low, high, conf, method, int(n.sum()), unit, None, "", detail, label)


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
    one_of(f"{where}, method", method, ("mover", "logit", "korn-graubard"))
    conf = within(f"{where}, conf", conf, closed=False)
    k, n = parts_of(where, k, n)
    n, N = parts_of(f"{where}, N", n, N)
    drawn = int(n.sum())
    missed = np.flatnonzero((n == 0) & (N > 0))
    if drawn == 0 or len(missed):
        reason = f"stratum {missed[0] + 1} was not sampled" if drawn else "nothing was sampled"
        return undefined(drawn, unit, reason, conf=conf, label=label, total=NAN, total_se=NAN)
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
        low, high, reason = NAN, NAN, "no interval: a census of these strata has no sampling error"
    return Estimate(share, low, high, conf, names[method], drawn, unit, None, reason, detail, label)


def _survey_limits(share, se, n, df, conf):
    """Logit and capped Korn-Graubard limits from a design-based standard error; NaN without one."""
    if not se > 0 or df < 1:
        return {"logit": (NAN, NAN), "korn-graubard": (NAN, NAN)}
    q = stats.t.ppf((1 + conf) / 2, df)
    centre, half = math.log(share / (1 - share)), q * se / (share * (1 - share))
    logit = tuple(1 / (1 + math.exp(-x)) for x in (centre - half, centre + half))
    effective = min(n, share * (1 - share) / se**2 * (stats.t.ppf((1 + conf) / 2, n - 1) / q) ** 2)
    low, high = sp.proportion_confint(share * effective, effective, 1 - conf, "beta")
    return {"logit": logit, "korn-graubard": (float(low), float(high))}


# ------------------------------------------------------------------------------------- several tests, ranks


def adjust(p, method="holm"):
    """p values adjusted for their number.

    Parameters
    ----------
    p : array-like
        p values in any shape. None stands for a test that could not be made; it is passed through and not
        counted.
    method : {'holm', 'bh'}
        Holm for the primary family, Benjamini-Hochberg (false discovery rate) for exploratory tests.

    Returns
    -------
    numpy.ndarray
        Same shape, NaN where p is None.

    Raises
    ------
    StudyError
        If a p value is NaN or outside 0 to 1.

    Examples
    --------
    >>> adjust([0.01, None, 0.03, 0.04])
    array([0.03,  nan, 0.06, 0.06])
    """
    one_of("adjust, method", method, ("holm", "bh"))
    raw = np.asarray(p, dtype=object)
    made = np.array([x is not None for x in raw.flat], dtype=bool).reshape(raw.shape)
    adjusted = np.full(raw.shape, np.nan)
    if not made.any():
        return adjusted
    values = numbers("adjust, p", raw[made])
    for value in values:
        within("adjust, p", value)
    if method == "bh":
        adjusted[made] = stats.false_discovery_control(values)
        return adjusted
    # statsmodels' multipletests has Holm, but collects all garbage at every call: 0.1 s in a notebook.
    order = np.argsort(values, kind="stable")
    steps = np.minimum(1, np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1)))
    adjusted[made] = steps[np.argsort(order, kind="stable")]
    return adjusted


def rank_intervals(counts, names, *, conf=0.95, resamples=9999, seed=0):
    """How far the order of counted things, such as the most reused models, could be chance.

    Parameters
    ----------
    counts : array-like of int
        Instances of each model, at most one per paper.
    names : sequence of str
        Name of each model: use model names and, apart, model families.
    conf : float
        Confidence level of each rank interval.
    resamples, seed : int
        Of the Poisson bootstrap.

    Returns
    -------
    pandas.DataFrame
        One row per model, most frequent first: name, count, share, rank, rank_low, rank_high, p_first
        (probability to lead in a repeated study; a tie is shared). Ties take the best rank for rank_low,
        the worst for rank_high. No rows when nothing was counted.

    Examples
    --------
    >>> rank_intervals([25, 23, 5], ["AlexNet", "AlphaFold 2", "ResNet"])[["name", "rank_low", "rank_high"]]
              name  rank_low  rank_high
    0      AlexNet         1          2
    1  AlphaFold 2         1          2
    2       ResNet         3          3
    """
    counts = whole_counts("rank_intervals, counts", counts)
    same_length("rank_intervals", counts, names)
    conf = within("rank_intervals, conf", conf, closed=False)
    frame = pd.DataFrame({"name": list(names), "count": counts})
    # The order of the input must not matter, neither to the draws nor to ties.
    frame = frame.sort_values(["count", "name"], ascending=[False, True], ignore_index=True)
    total = int(counts.sum())
    if total == 0:
        frame = frame.iloc[:0]
    draws = np.random.default_rng(seed).poisson(frame["count"], size=(resamples, len(frame)))
    best = stats.rankdata(-draws, method="min", axis=1) if len(frame) else draws
    worst = stats.rankdata(-draws, method="max", axis=1) if len(frame) else draws
    first = (best == 1) / (best == 1).sum(axis=1, keepdims=True) if len(frame) else draws
    tail = (1 - conf) / 2
    return frame.assign(
        share=frame["count"] / max(total, 1),
        rank=frame["count"].rank(method="min", ascending=False).astype(int),
        rank_low=np.quantile(best, tail, axis=0, method="lower").astype(int) if len(frame) else [],
        rank_high=np.quantile(worst, 1 - tail, axis=0, method="higher").astype(int) if len(frame) else [],
        p_first=first.mean(axis=0) if len(frame) else [],
    )


# ------------------------------------------------------------------------------------------------- planning


def sample_size(half_width, p=0.5, *, conf=0.95, population=None, deff=1.0, unit="papers"):
    """Units needed to know a share to within a half width.

    Parameters
    ----------
    half_width : float
        Half the length of the interval wanted, as a share: 0.05 is 5 percentage points.
    p : float
        Expected share; 0.5 is the worst case.
    conf : float
        Confidence level.
    population : int, optional
        Units in the population; None for an unlimited one.
    deff : float
        Design effect, if pairs within papers are counted.
    unit : str
        What is sampled.

    Returns
    -------
    Estimate
        `value` is the number of units, rounded up; `detail['exact']` before rounding.

    Notes
    -----
    Cochran (1977), section 4.4: n0 = z^2 p(1-p)/d^2, then n0/(1 + (n0-1)/N).

    Examples
    --------
    >>> sample_size(0.05, population=631).sentence
    'for a half width of 5 percentage points: 240 papers'
    >>> round(sample_size(0.05).detail["exact"], 2)
    384.15
    """
    half_width = within("sample_size, half_width", half_width, closed=False)
    p = within("sample_size, p", p, closed=False)
    conf = within("sample_size, conf", conf, closed=False)
    deff = within("sample_size, deff", deff, 0.0, math.inf, closed=False)
    exact = deff * sp.samplesize_confint_proportion(p, half_width, alpha=1 - conf, method="normal")
    if population is not None:
        population = int(whole_counts("sample_size, population", population, 0, at_least=1))
        exact /= 1 + (exact - 1) / population
    needed = math.ceil(round(exact, 9))
    detail = {"exact": float(exact), "half_width": half_width, "population": population, "p": p}
    label = f"for a half width of {100 * half_width:g} percentage points:"
    return Estimate(needed, conf=conf, n=needed, unit=unit, detail=detail, label=label, scale="count")


def power_one_share(p1, p0, n, *, alpha=0.05, deff=1.0, unit="papers"):
    """Power to tell a share p1 from p0 with n units.

    Parameters
    ----------
    p1, p0 : float
        The true share and the one tested.
    n : float
        Units; divided by the design effect.
    alpha : float
        Level of the two-sided test.
    deff : float
        Design effect, if pairs within papers are counted.
    unit : str
        What is counted.

    Returns
    -------
    Estimate
        Power before the study. After it, power is a function of p and says nothing new.

    Notes
    -----
    Cohen (1988), arcsine effect size h.

    Examples
    --------
    >>> power_one_share(0.6, 0.5, 110).sentence
    'power 56.0 %, n = 110 papers'
    """
    effect = _arcsine("power_one_share", p1, p0)
    return _power("power_one_share", NormalIndPower(ddof=0), effect, n, alpha, deff, unit, ratio=0)


def power_two_shares(p1, p2, n1, n2, *, alpha=0.05, deff=1.0, unit="papers"):
    """Power to tell two independent shares apart.

    Parameters
    ----------
    p1, p2 : float
        The true shares.
    n1, n2 : float
        Units of the groups.
    alpha, deff, unit
        As in `power_one_share`.

    Returns
    -------
    Estimate

    Examples
    --------
    >>> power_two_shares(0.36, 0.21, 100, 100).sentence
    'power 65.9 %, n = 200 papers'
    """
    effect = _arcsine("power_two_shares", p1, p2)
    n2 = within("power_two_shares, n2", n2, 0, math.inf, closed=False)
    first = within("power_two_shares, n1", n1, 0, math.inf, closed=False)
    power = _power("power_two_shares", NormalIndPower(), effect, first, alpha, deff, unit, ratio=n2 / first)
    return replace(power, n=first + n2)


def power_chi2(w, n, df, *, alpha=0.05, deff=1.0, unit="papers"):
    """Power of a chi-square test with effect size w.

    Parameters
    ----------
    w : float
        Cohen's w: sqrt(chi2/n), or V sqrt(min(r, c) - 1).
    n : float
        Units.
    df : int
        Degrees of freedom: (r-1)(c-1), or categories less 1.
    alpha, deff, unit
        As in `power_one_share`.

    Returns
    -------
    Estimate

    Examples
    --------
    >>> power_chi2(0.2, 110, 5).sentence
    'power 32.0 %, n = 110 papers'
    """
    w = within("power_chi2, w", w, 0, math.inf, closed=False)
    df = int(whole_counts("power_chi2, df", df, 0, at_least=1))
    return _power("power_chi2", GofChisquarePower(), w, n, alpha, deff, unit, n_bins=df + 1)


def _arcsine(where, p1, p2):
    return float(sp.proportion_effectsize(within(f"{where}, p1", p1), within(f"{where}, second share", p2)))


def _power(where, test, effect, n, alpha, deff, unit, **more):
    n = within(f"{where}, n", n, 0, math.inf, closed=False)
    alpha = within(f"{where}, alpha", alpha, closed=False)
    deff = within(f"{where}, deff", deff, 0, math.inf, closed=False)
    value = float(test.power(effect, n / deff, alpha, **more))
    return Estimate(value, n=n, unit=unit, detail={"effect": effect, "alpha": alpha, "deff": deff}, label="power")


def detectable_effect(n, df, *, power=0.8, alpha=0.05, deff=1.0, unit="papers"):
    """Smallest effect size w that a chi-square test finds with the given power.

    Parameters
    ----------
    n, df, alpha, deff, unit
        As in `power_chi2`.
    power : float
        Power wanted.

    Returns
    -------
    Estimate
        Cohen's w: 0.1 is small, 0.3 medium, 0.5 large.

    Examples
    --------
    >>> detectable_effect(900, 14, unit="instances").sentence
    'smallest detectable w 0.14, n = 900 instances'
    """
    where = "detectable_effect"
    n = within(f"{where}, n", n, 0, math.inf, closed=False)
    df = int(whole_counts(f"{where}, df", df, 0, at_least=1))
    power = within(f"{where}, power", power, closed=False)
    alpha = within(f"{where}, alpha", alpha, closed=False)
    deff = within(f"{where}, deff", deff, 0, math.inf, closed=False)
    if power <= alpha:
        return undefined(
            n, unit, "power not above the level of the test", label="smallest detectable w", scale="number"
        )
    w = optimize.brentq(lambda x: GofChisquarePower().power(x, n / deff, alpha, n_bins=df + 1) - power, 1e-9, 1e3)
    return Estimate(float(w), n=n, unit=unit, detail={"power": power}, label="smallest detectable w", scale="number")


def detectable_share(p2, n1, n2, *, side="lower", power=0.8, alpha=0.05, deff=1.0, unit="papers"):
    """Share of a small group that would be told apart from the share p2 of a large one.

    Parameters
    ----------
    p2 : float
        Share in the group compared with.
    n1, n2 : float
        Units of the group in question, and of the one compared with.
    side : {'lower', 'upper'}
        The largest share below p2, or the smallest above it, that is found with the given power.
    power, alpha, deff, unit
        As in `detectable_effect`.

    Returns
    -------
    Estimate
        NaN where no share on that side would be found.

    Examples
    --------
    >>> [round(100 * detectable_share(0.7, n, 600).value) for n in (15, 30, 60)]
    [34, 44, 52]
    """
    where, label = "detectable_share", f"{side} detectable share"
    one_of(f"{where}, side", side, ("lower", "upper"))
    p2 = within(f"{where}, p2", p2, closed=False)
    n1, n2 = (within(f"{where}, n", n, 0, math.inf, closed=False) for n in (n1, n2))
    power = within(f"{where}, power", power, closed=False)
    edge = 0.0 if side == "lower" else 1.0

    def lacking(share):
        return power_two_shares(share, p2, n1, n2, alpha=alpha, deff=deff).value - power

    if lacking(edge) < 0 or lacking(p2) > 0:
        return undefined(n1 + n2, unit, "no share on that side reaches the power", label=label)
    value = float(optimize.brentq(lacking, edge, p2))
    return Estimate(value, n=n1 + n2, unit=unit, detail={"power": power, "n1": n1}, label=label)
