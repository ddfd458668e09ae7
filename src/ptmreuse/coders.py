"""Coders: how far they agree, how often one of them errs, and what the errors do to a share.

A coder is a person or a language model. Agreement needs two codings made blind to each other; accuracy
needs a coding taken as right.
"""

import math
import warnings
from dataclasses import dataclass, replace

import krippendorff
import numpy as np
import pandas as pd
from scipy import stats
from scipy.sparse import csgraph
from statsmodels.stats import inter_rater
from statsmodels.stats.contingency_tables import SquareTable, mcnemar
from statsmodels.tools.sm_exceptions import SingularMatrixWarning

from ptmreuse.errors import StudyError
from ptmreuse.statistics import (
    NAN,
    Estimate,
    one_of,
    parts_of,
    proportion,
    same_length,
    stratified_share,
    undefined,
    whole_counts,
    within,
)

ZERO_WIDTH = "no interval: all units alike, so the standard error is 0"


@dataclass(frozen=True)
class Agreement:
    """Agreement of coders: four coefficients, never one alone.

    Parameters
    ----------
    raw, kappa, alpha, ac1, pabak : Estimate
        Raw agreement; Cohen's kappa (more than two coders: Fleiss'); Krippendorff's alpha, nominal; Gwet's
        AC1; prevalence- and bias-adjusted kappa.
    marginals : pandas.DataFrame
        Share of each category by each coder: category, coder, k, n, share, low, high (Wilson).
    table : pandas.DataFrame
        Two coders: the cross table, first coder in rows. More coders: votes per unit and category.
    """

    raw: Estimate
    kappa: Estimate
    alpha: Estimate
    ac1: Estimate
    pabak: Estimate
    marginals: pd.DataFrame
    table: pd.DataFrame

    @property
    def sentence(self):
        """The four coefficients as a report writes them."""
        if self.raw.n == 0:
            return self.raw.sentence
        return "; ".join(e.sentence for e in (self.raw, self.kappa, self.alpha, self.ac1))


def agreement(first, second=None, *, categories=None, unit="papers", conf=0.95, resamples=9999, seed=0):
    """Agreement of two coders on exclusive categories.

    Parameters
    ----------
    first, second : array-like
        The codes of the two coders, unit by unit; or, without `second`, the k x k table of counts with the
        first coder in rows. A unit that one coder left out (None or NaN) is left out and counted in
        `detail`.
    categories : sequence of str, optional
        Names of the rows of a table.
    unit, conf
        As in `statistics.proportion`.
    resamples, seed : int
        Of the bootstrap over units behind the interval of alpha.

    Returns
    -------
    Agreement
        A coefficient is NaN where it is 0/0: both coders used one category only. An interval is missing,
        with the reason, where its standard error is 0 by construction.

    Notes
    -----
    Kappa: Fleiss, Cohen and Everitt (1969) standard error. AC1: Gwet (2008). Alpha: Krippendorff (2019),
    percentile bootstrap over units. On an enriched sample every coefficient describes the enrichment.

    Examples
    --------
    >>> a = agreement([[85, 5], [7, 3]])
    >>> print(a.raw.sentence)
    raw agreement 88.0 %, 95 % CI [80.2, 93.0] (Wilson), 88 of 100 papers
    >>> print(a.kappa.sentence)
    Cohen's kappa 0.27, 95 % CI [-0.03, 0.57] (Wald), n = 100 papers
    >>> print(agreement(["yes", "yes"], ["yes", "yes"]).kappa.sentence)
    Cohen's kappa n/a (2 papers: both coders used one category only)
    """
    conf = within("agreement, conf", conf, closed=False)
    missing = 0
    if second is None:
        counts = whole_counts("agreement, table", first, 2)
        names = list(range(1, len(counts) + 1)) if categories is None else list(categories)
        if counts.shape != (len(names), len(names)):
            raise StudyError(
                expected=f"a square table with {len(names)} categories",
                found=" x ".join(map(str, counts.shape)),
                where="agreement, table",
                do="give each category a row and a column, used or not",
            )
        table = pd.DataFrame(counts, index=names, columns=names)
    else:
        same_length("agreement", first, second)
        pairs = pd.DataFrame({"first": list(first), "second": list(second)}, dtype=object)
        missing = int(pairs.isna().any(axis=1).sum())
        pairs = pairs.dropna()
        names = sorted(set(pairs["first"]) | set(pairs["second"]), key=str)
        table = pd.crosstab(pairs["first"], pairs["second"]).reindex(index=names, columns=names, fill_value=0)
    counts = table.to_numpy()
    q = len(counts)
    # Each cell of the table is one kind of unit: its votes per category, and how many units are of this kind.
    votes = (np.eye(q, dtype=int)[:, None, :] + np.eye(q, dtype=int)[None, :, :]).reshape(q * q, q)
    marginals = _marginals({"first": table.sum(axis=1), "second": table.sum(axis=0)}, unit, conf)
    n = int(counts.sum())
    raw = proportion(int(np.trace(counts)), n, unit=unit, conf=conf, label="raw agreement")
    raw = replace(raw, detail=raw.detail | {"n_missing": missing})
    kappa = _cohen(counts, unit, conf)
    coefficients = _coefficients(votes, counts.ravel(), unit, conf, resamples, seed)
    return Agreement(raw, kappa, *coefficients, _pabak(raw, coefficients[0], q), marginals, table)


def agreement_of_many(ratings, *, unit="papers", conf=0.95, resamples=9999, seed=0):
    """Agreement of two or more coders, of whom each may have left out some units.

    Parameters
    ----------
    ratings : pandas.DataFrame
        One row per unit, one column per coder, None or NaN where the coder left the unit out.
    unit, conf, resamples, seed
        As in `agreement`.

    Returns
    -------
    Agreement
        `raw` is the mean agreement of pairs of coders; kappa is Fleiss', defined only if every coder coded
        every unit. Units coded by less than two coders are counted in `raw.detail`.

    Notes
    -----
    Gwet (2014), Handbook of Inter-Rater Reliability, chapter 5: AC1 and its variance with missing ratings.

    Examples
    --------
    >>> a = agreement_of_many(pd.DataFrame({"a": list("xyx"), "b": list("xyy"), "c": ["x", "y", None]}))
    >>> round(a.alpha.value, 3), round(a.ac1.value, 3), a.kappa.reason
    (0.562, 0.333, "some units were not coded by every coder: Fleiss' kappa is not defined")
    """
    conf = within("agreement_of_many, conf", conf, closed=False)
    ratings = pd.DataFrame(ratings).astype(object)
    seen = ratings.stack().dropna()
    names = sorted(seen.unique(), key=str)
    votes = np.zeros((len(ratings), len(names)), dtype=int)
    for j, category in enumerate(names):
        votes[:, j] = (ratings == category).sum(axis=1)
    per_unit = votes.sum(axis=1)
    paired = votes[per_unit >= 2]
    n, q = len(paired), len(names)
    single = int((per_unit < 2).sum())
    if n == 0:
        nothing = undefined(0, unit, "no unit coded twice", conf=conf, n_missing=single)
        raw = kappa = replace(nothing, label="raw agreement")
    else:
        m = paired.sum(axis=1)
        each = (paired * (paired - 1)).sum(axis=1) / (m * (m - 1))
        raw = _from_units(each, "raw agreement of pairs of coders", unit, conf, {"n_missing": single}, "percent")
        kappa = _fleiss(votes, ratings.shape[1], unit, conf)
    if len(votes):
        kinds, counts = np.unique(votes, axis=0, return_counts=True)
    else:
        kinds, counts = votes, np.zeros(0, dtype=int)
    coefficients = _coefficients(kinds, counts, unit, conf, resamples, seed)
    marginals = _marginals({c: ratings[c].value_counts() for c in ratings}, unit, conf)
    table = pd.DataFrame(votes, index=ratings.index, columns=names)
    return Agreement(raw, kappa, *coefficients, _pabak(raw, coefficients[0], q), marginals, table)


def _from_units(each, label, unit, conf, detail, scale="number"):
    """Mean of one number per unit with a t interval; none where all units are alike."""
    n, value = len(each), float(np.mean(each))
    se = float(np.std(each, ddof=1) / math.sqrt(n)) if n > 1 else NAN
    low, high, reason = NAN, NAN, ZERO_WIDTH
    if se > 1e-12:
        half = float(stats.t.ppf((1 + conf) / 2, n - 1)) * se
        low, high, reason = max(-1.0, value - half), min(1.0, value + half), ""
        low = max(0.0, low) if scale == "percent" else low
    return Estimate(value, low, high, conf, "t over units", n, unit, None, reason, {"se": se} | detail, label, scale)


def _cohen(counts, unit, conf):
    """Cohen's kappa with the standard error that does not assume it to be 0."""
    n, label = int(counts.sum()), "Cohen's kappa"
    rows, columns = counts.sum(axis=1), counts.sum(axis=0)
    if (rows * columns).sum() == n * n:
        reason = "both coders used one category only"
        return undefined(n, unit, reason, conf=conf, label=label, scale="number")
    value, se = 0.0, 0.0
    reason = "no interval: one coder used one category only, so kappa is 0 by construction"
    if (rows > 0).sum() > 1 and (columns > 0).sum() > 1:
        result = inter_rater.cohens_kappa(counts)
        value, se, reason = float(result.kappa), float(result.std_kappa), ZERO_WIDTH
    low, high = NAN, NAN
    if se > 1e-12:
        half = stats.norm.ppf((1 + conf) / 2) * se
        low, high, reason = max(-1.0, value - half), min(1.0, value + half), ""
    return Estimate(value, low, high, conf, "Wald", n, unit, None, reason, {"se": se}, label, "number")


def _fleiss(votes, coders, unit, conf):
    """Fleiss' kappa of units coded by every coder."""
    label = "Fleiss' kappa"
    if (votes.sum(axis=1) != coders).any():
        reason = "some units were not coded by every coder: Fleiss' kappa is not defined"
    elif (votes.sum(axis=0) > 0).sum() < 2:
        reason = "all coders used one category only"
    else:
        value = float(inter_rater.fleiss_kappa(votes))
        reason = "no interval: see alpha, which equals Fleiss' kappa but for a small-sample term"
        return Estimate(value, conf=conf, n=len(votes), unit=unit, reason=reason, label=label, scale="number")
    return undefined(len(votes), unit, reason, conf=conf, label=label, scale="number")


def _pabak(raw, alpha, q):
    """Prevalence- and bias-adjusted kappa, (q agreement - 1)/(q - 1), with limits of raw agreement."""
    if q < 2 or math.isnan(alpha.value):
        return undefined(raw.n, raw.unit, alpha.reason, conf=raw.conf, label="PABAK", scale="number")
    value, low, high = ((q * x - 1) / (q - 1) for x in (raw.value, raw.low, raw.high))
    detail = {"se": raw.detail["se"] * q / (q - 1)}
    return replace(raw, value=value, low=low, high=high, detail=detail, label="PABAK", scale="number")


def _marginals(coders, unit, conf):
    """Share of each category by each coder; `coders` maps a coder to its counts per category."""
    columns = ["category", "coder", "k", "n", "share", "low", "high"]
    rows = []
    for coder, counts in coders.items():
        for category, k in counts.items():
            e = proportion(int(k), int(counts.sum()), unit=unit, conf=conf)
            rows.append([category, coder, int(k), e.n, e.value, e.low, e.high])
    return pd.DataFrame(rows, columns=columns)


def _coefficients(votes, counts, unit, conf, resamples, seed):
    """Krippendorff's alpha and Gwet's AC1 from kinds of units: votes per category, and units of this kind."""
    twice = votes.sum(axis=1) >= 2
    n = int(counts[twice].sum())
    alpha, ac1 = "Krippendorff's alpha", "Gwet's AC1"
    if ((votes * counts[:, None]).sum(axis=0) > 0).sum() < 2 or n == 0:
        reason = "both coders used one category only" if n else "no unit coded twice"
        return tuple(undefined(n, unit, reason, conf=conf, label=label, scale="number") for label in (alpha, ac1))
    return (
        _alpha(votes[twice], counts[twice], alpha, unit, conf, resamples, seed),
        _ac1(np.repeat(votes, counts, axis=0), ac1, unit, conf),
    )


def _alpha(votes, counts, label, unit, conf, resamples, seed):
    """Krippendorff's nominal alpha; percentile bootstrap over units."""
    n = int(counts.sum())
    if ((votes * counts[:, None]).sum(axis=0) > 0).sum() < 2:
        reason = "one category only among the units coded twice"
        return undefined(n, unit, reason, conf=conf, label=label, scale="number")
    value = float(krippendorff.alpha(value_counts=np.repeat(votes, counts, axis=0), level_of_measurement="nominal"))
    votes, counts = votes[counts > 0], counts[counts > 0]
    m = votes.sum(axis=1)
    same = (votes * (votes - 1)).sum(axis=1) / (m - 1)
    # Drawing units with replacement is drawing kinds of units from a multinomial. Kinds are ordered by what
    # does not depend on the names of the categories.
    order = np.lexsort((same, m, counts))
    draws = np.random.default_rng(seed).multinomial(n, counts[order] / n, size=resamples)
    total, agreeing, per_category = draws @ m[order], draws @ same[order], draws @ votes[order]
    expected = total**2 - (per_category**2).sum(axis=1)
    usable = expected > 0
    resampled = 1 - (total - 1)[usable] * (total - agreeing)[usable] / expected[usable]
    detail = {"se": NAN, "resamples": resamples, "undefined_resamples": int((~usable).sum())}
    low, high, reason = NAN, NAN, "no interval: too many resamples have one category only"
    if usable.mean() >= 0.95:
        low, high = np.quantile(resampled, [(1 - conf) / 2, (1 + conf) / 2])
        # Of very few units most resamples lie on one side; the limits must include the estimate.
        low, high = min(float(low), value), max(float(high), value)
        reason, detail["se"] = "", float(resampled.std(ddof=1))
    if high - low < 1e-12 or (same == m).all():
        low, high, reason, detail["se"] = NAN, NAN, ZERO_WIDTH, 0.0
    method = "bootstrap over units"
    return Estimate(value, low, high, conf, method, n, unit, None, reason, detail, label, "number")


def _ac1(votes, label, unit, conf):
    """Gwet's AC1 with any number of coders and missing ratings; irrCAC pins pandas < 3, hence written out."""
    votes = votes[:, votes.sum(axis=0) > 0]
    votes = votes[votes.sum(axis=1) > 0]
    n, q = votes.shape
    m = votes.sum(axis=1)
    twice = m >= 2
    agree = np.where(twice, (votes * (votes - 1)).sum(axis=1) / np.where(twice, m * (m - 1), 1), 0.0)
    share = (votes / m[:, None]).mean(axis=0)
    chance = float((share * (1 - share)).sum() / (q - 1))
    value = float((agree[twice].mean() - chance) / (1 - chance))
    each = n / twice.sum() * (agree - chance * twice) / (1 - chance)
    chance_each = (votes @ (1 - share)) / m / (q - 1)
    each = each - 2 * (1 - value) * (chance_each - chance) / (1 - chance)
    return replace(_from_units(each, label, unit, conf, {"chance": chance}), value=value)


# ------------------------------------------------------------------- do two coders shift the same way?


def marginal_homogeneity(table, *, test="bhapkar", unit="papers", conf=0.95):
    """Test whether two coders use the categories equally often, on the same units.

    Parameters
    ----------
    table : array-like, k x k, of int
        First coder in rows, second in columns. Categories neither used are left out.
    test : {'mcnemar', 'bhapkar', 'stuart-maxwell', 'bowker'}
        'mcnemar' is exact, for 2 x 2; 'bowker' tests symmetry, which is more than equal marginals.
    unit, conf
        As in `statistics.proportion`.

    Returns
    -------
    Estimate
        The largest difference of a category's shares, second coder less first, in points (no interval for
        more than two categories); 2 x 2: with the limits of the paired difference from the exact limits of
        the discordant units. `detail` has statistic, df, the number of discordant units and the differences
        of all categories. Where the coders never disagree there is nothing to test: p is None.

    Examples
    --------
    >>> print(marginal_homogeneity([[60, 12, 1], [9, 180, 14], [2, 6, 40]]).sentence)
    largest shift 2.2 percentage points, n = 324 papers; Bhapkar chi-square(2) = 2.20, p = .334
    >>> effect, test = marginal_homogeneity([[20, 5], [10, 15]], test="mcnemar").sentence.split("; ")
    >>> print(effect)
    largest shift 10.0 percentage points, 95 % CI [-7.0, 22.9] (exact, given the discordant), n = 50 papers
    >>> print(test)
    McNemar's exact test p = .302
    """
    where, label = "marginal_homogeneity", "largest shift"
    one_of(f"{where}, test", test, ("mcnemar", "bhapkar", "stuart-maxwell", "bowker"))
    conf = within(f"{where}, conf", conf, closed=False)
    counts = _square(f"{where}, table", table)
    if test == "mcnemar" and counts.shape != (2, 2):
        found = f"{len(counts)} categories"
        raise StudyError(expected="2 x 2 counts", found=found, where=f"{where}, table", do="use test='bhapkar'")
    n = int(counts.sum())
    used = counts.sum(axis=0) + counts.sum(axis=1) > 0
    if n == 0 or used.sum() < 2:
        reason = "both coders used one category only"
        return undefined(n, unit, reason, conf=conf, label=label, scale="points", df=NAN, statistic=NAN)
    full = counts[np.ix_(used, used)]
    shift = np.zeros(len(counts))
    shift[used] = (full.sum(axis=0) - full.sum(axis=1)) / n
    discordant = n - int(np.trace(full))
    detail = {"shift": shift.tolist(), "discordant": discordant, "se": NAN}
    value, p, reason = float(shift[np.argmax(np.abs(shift))]), None, ""
    if discordant == 0:
        reason = "no test: the coders never disagree"
    elif test == "mcnemar":
        p = float(mcnemar(counts, exact=True).pvalue)
        detail["test"] = "McNemar's exact test"
    else:
        statistic, df, p = _square_test(full, test)
        name = {"bhapkar": "Bhapkar", "stuart-maxwell": "Stuart-Maxwell", "bowker": "Bowker"}[test]
        detail |= {"statistic": statistic, "df": df, "test": f"{name} chi-square({df}) = {statistic:.2f},"}
        if p is None:
            reason = "no test: the differences of the categories have no spread"
    low, high, method = NAN, NAN, ""
    if full.shape == (2, 2) and discordant:
        towards = proportion(int(full[1, 0]), discordant, method="beta", conf=conf)
        low, high = ((2 * x - 1) * discordant / n for x in (towards.low, towards.high))
        method = "exact, given the discordant"
    return Estimate(value, low, high, conf, method, n, unit, p, reason, detail, label, "points")


def _square(where, table):
    counts = whole_counts(where, table, 2)
    if counts.shape[0] != counts.shape[1]:
        raise StudyError(
            expected="a square table",
            found=" x ".join(map(str, counts.shape)),
            where=where,
            do="give each category a row and a column, used or not",
        )
    return counts


def _square_test(counts, test):
    """Statistic, degrees of freedom and p of a test on a square table; p is None where it does not exist."""
    confused = counts + counts.T
    np.fill_diagonal(confused, 0)
    if test == "bowker":
        # A pair of categories that was never confused has no symmetry to test.
        statistic, df = (
            float(SquareTable(counts, shift_zeros=False).symmetry().statistic),
            int((confused > 0).sum() // 2),
        )
        return statistic, df, float(stats.chi2.sf(statistic, df))
    moved = confused.any(axis=0)
    df = int(moved.sum()) - 1
    if csgraph.connected_components(confused[np.ix_(moved, moved)])[0] > 1:
        return NAN, df, None
    square = SquareTable(counts[np.ix_(moved, moved)], shift_zeros=False)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", SingularMatrixWarning)
            statistic = float(square.homogeneity(test.replace("-", "_")).statistic)
    except SingularMatrixWarning:
        return NAN, df, None
    return statistic, df, float(stats.chi2.sf(statistic, df))


# ---------------------------------------------------------------------------- how often a coder errs


def coder_accuracy(tp, fp, fn, tn, *, unit="papers", conf=0.95, resamples=9999, seed=0):
    """Accuracy of a coder on a yes/no question, against a coding taken as right.

    Parameters
    ----------
    tp, fp, fn, tn : int
        Units coded yes and right, yes and wrong, no and wrong, no and right. From a simple random sample:
        of an enriched one only ppv and npv stand, see `two_phase`.
    unit, conf
        As in `statistics.proportion`.
    resamples, seed : int
        Of the bootstrap behind the interval of F1.

    Returns
    -------
    dict of Estimate
        sensitivity, specificity, ppv, npv, accuracy (Wilson, each with its own denominator) and f1. What
        has no units is NaN: without true yes there is no sensitivity.

    Examples
    --------
    >>> rates = coder_accuracy(21, 3, 2, 84)
    >>> print(rates["sensitivity"].sentence)
    sensitivity 91.3 %, 95 % CI [73.2, 97.6] (Wilson), 21 of 23 papers
    >>> print(coder_accuracy(0, 2, 0, 58)["sensitivity"].sentence)
    n/a (0 papers)
    """
    tp, fp, fn, tn = (int(x) for x in whole_counts("coder_accuracy", [tp, fp, fn, tn]))
    n = tp + fp + fn + tn
    parts = {
        "sensitivity": (tp, tp + fn),
        "specificity": (tn, tn + fp),
        "ppv": (tp, tp + fp),
        "npv": (tn, tn + fn),
        "accuracy": (tp + tn, n),
    }
    names = {"ppv": "positive predictive value", "npv": "negative predictive value"}
    rates = {
        name: proportion(k, of, unit=unit, conf=conf, label=names.get(name, name)) for name, (k, of) in parts.items()
    }
    rates["f1"] = _f1(np.array([tp, fp, fn, tn]), unit, conf, resamples, seed)
    return rates


def _f1(counts, unit, conf, resamples, seed):
    """F1 = 2 tp/(2 tp + fp + fn) with a percentile bootstrap over units."""
    n, (tp, fp, fn, _) = int(counts.sum()), counts
    if tp + fp + fn == 0:
        return undefined(n, unit, "nobody said yes", conf=conf, label="F1", scale="number")
    draws = np.random.default_rng(seed).multinomial(n, counts / n, size=resamples)
    whole = 2 * draws[:, 0] + draws[:, 1] + draws[:, 2]
    values = 2 * draws[whole > 0, 0] / whole[whole > 0]
    low, high = (float(x) for x in np.quantile(values, [(1 - conf) / 2, (1 + conf) / 2]))
    value, reason, detail = float(2 * tp / (2 * tp + fp + fn)), "", {"se": float(values.std(ddof=1))}
    if high - low < 1e-12:
        low, high, reason = NAN, NAN, ZERO_WIDTH
    return Estimate(value, low, high, conf, "bootstrap over units", n, unit, None, reason, detail, "F1", "number")


def accuracy_by_class(table, *, categories=None, unit="papers", conf=0.95):
    """Accuracy of a coder in each of several categories, against a coding taken as right.

    Parameters
    ----------
    table : array-like, k x k, of int
        The right category in rows, the coder's in columns.
    categories : sequence of str, optional
        Names of the categories.
    unit, conf
        As in `statistics.proportion`.

    Returns
    -------
    pandas.DataFrame
        One row per category and measure (recall of the right ones, ppv of the coder's): category, measure,
        k, n, share, low, high (Wilson), unit. NaN where n is 0.

    Examples
    --------
    >>> accuracy_by_class([[8, 2], [1, 0]], categories=["a", "b"])[["category", "measure", "k", "n", "share"]]
      category measure  k   n     share
    0        a  recall  8  10  0.800000
    1        a     ppv  8   9  0.888889
    2        b  recall  0   1  0.000000
    3        b     ppv  0   2  0.000000
    """
    counts = _square("accuracy_by_class, table", table)
    names = list(range(1, len(counts) + 1)) if categories is None else list(categories)
    same_length("accuracy_by_class, categories", counts, names)
    rows = []
    for i, name in enumerate(names):
        for measure, of in (("recall", counts[i].sum()), ("ppv", counts[:, i].sum())):
            e = proportion(int(counts[i, i]), int(of), unit=unit, conf=conf)
            rows.append([name, measure, int(counts[i, i]), e.n, e.value, e.low, e.high, unit])
    return pd.DataFrame(rows, columns=["category", "measure", "k", "n", "share", "low", "high", "unit"])


# --------------------------------------------------------------- shares corrected for coder error


def two_phase(N, n, k, positive, *, fpc=True, unit="papers", conf=0.95):
    """Prevalence, and the errors of a coder, from human codes drawn at random within the coder's own labels.

    The preferred correction: it needs no sensitivity or specificity from elsewhere.

    Parameters
    ----------
    N, n, k : array-like of int, one value per stratum
        Papers of the stratum, papers drawn and coded by people, those of them that people coded yes.
    positive : array-like of bool
        Whether the coder said yes in this stratum.
    fpc, unit, conf
        As in `statistics.stratified_share`.

    Returns
    -------
    dict of Estimate
        prevalence; ppv (right among the coder's yes), missed (yes among the coder's no), sensitivity,
        specificity. Sensitivity and specificity are weighted to the population: shares of the drawn papers
        would describe the design. `detail['se']` is the linearised standard error of R's survey package.
        NaN where a stratum was not sampled.

    Notes
    -----
    Limits of the ratios: MOVER for a ratio (Donner and Zou 2012) on exact limits per stratum, so that no
    miss found is not the same as no miss.

    Examples
    --------
    >>> found = two_phase([631, 4000, 12880], [80, 120, 100], [66, 6, 0], [True, False, False])
    >>> print(found["ppv"].sentence)
    positive predictive value 82.5 %, 95 % CI [73.0, 89.6] (Clopper-Pearson), 66 of 80 papers
    >>> print(found["sensitivity"].sentence)
    sensitivity 72.2 %, 95 % CI [41.9, 87.3] (MOVER-Clopper-Pearson), n = 300 papers
    """
    where = "two_phase"
    conf = within(f"{where}, conf", conf, closed=False)
    k, n = parts_of(where, k, n)
    n, N = parts_of(f"{where}, N", n, N)
    yes = whole_counts(f"{where}, positive", positive).astype(bool)
    same_length(where, N, yes)
    names = {"ppv": "positive predictive value", "missed": "missed among the coder's no"}
    shares = {
        "prevalence": stratified_share(N, n, k, fpc=fpc, unit=unit, conf=conf, label="corrected prevalence"),
        "ppv": stratified_share(N[yes], n[yes], k[yes], fpc=fpc, unit=unit, conf=conf, label=names["ppv"]),
        "missed": stratified_share(N[~yes], n[~yes], k[~yes], fpc=fpc, unit=unit, conf=conf, label=names["missed"]),
    }
    for name, hits, right in (("sensitivity", k, yes), ("specificity", n - k, ~yes)):
        shares[name] = _share_found(N, n, hits, right, fpc, unit, conf, name)
    return shares


def _share_found(N, n, k, right, fpc, unit, conf, label):
    """Of the papers of one kind, the share in the strata where the coder is right about them."""
    parts, drawn = [], int(n.sum())
    for strata in (right, ~right):
        if N[strata].sum() == 0:
            parts.append((0.0, 0.0, 0.0))
            continue
        share = stratified_share(N[strata], n[strata], k[strata], fpc=fpc, conf=conf)
        if math.isnan(share.value):
            return undefined(drawn, unit, share.reason, conf=conf, label=label)
        parts.append(tuple(float(N[strata].sum()) * x for x in (share.value, share.low, share.high)))
    (found, *_), (lost, *_) = parts
    if found + lost == 0:
        return undefined(drawn, unit, "people found none", conf=conf, label=label)
    if not N[right].sum() or not N[~right].sum():
        return undefined(drawn, unit, "the coder gave one answer only", conf=conf, label=label)
    value = found / (found + lost)
    # The ratio of the smaller part to the larger one is finite.
    if found >= lost:
        low, high = (1 / (1 + x) for x in reversed(_ratio_limits(parts[1], parts[0])))
    else:
        low, high = (x / (1 + x) if x < math.inf else 1.0 for x in _ratio_limits(*parts))
    p = np.divide(k, n, out=np.zeros(len(n)), where=n > 0)
    open_share = 1 - n / np.maximum(N, 1) if fpc else np.ones(len(n))
    spread = np.where(open_share * p * (1 - p) == 0, 0, p * (1 - p) / np.where(n > 1, n - 1, np.nan))
    slope = np.where(right, 1 - value, value)
    se = float(np.sqrt((N**2 * open_share * spread * slope**2).sum()) / (found + lost))
    low, high, reason = min(low, value), max(high, value), ""  # rounding
    if high - low < 1e-12:
        low, high, reason = NAN, NAN, "no interval: a census of these strata has no sampling error"
    return Estimate(value, low, high, conf, "MOVER-Clopper-Pearson", drawn, unit, None, reason, {"se": se}, label)


def _ratio_limits(top, bottom):
    """Limits of top/bottom, each given as (estimate, low, high), by Donner and Zou's MOVER."""
    (a, a_low, a_high), (b, b_low, b_high) = top, bottom
    limits = []
    for edge, other, sign in ((a_low, b_high, -1), (a_high, b_low, 1)):
        whole = other * (2 * b - other)
        root = math.sqrt(max(0.0, (a * b) ** 2 - edge * (2 * a - edge) * whole))
        if whole:
            limits.append((a * b + sign * root) / whole)
        else:
            limits.append(math.inf if sign > 0 else edge * (2 * a - edge) / (2 * a * b or 1))
    ratio = a / b
    return min(max(0.0, limits[0]), ratio), max(limits[1], ratio)


def missed_bound(N, n, k=0, *, found=None, unit="papers", conf=0.95):
    """How many papers the coder may have missed, when n of its N negatives were checked and k were misses.

    Parameters
    ----------
    N, n, k : int
        Negatives of the coder, checked ones, misses among them.
    found : int, optional
        Papers the coder found, all taken as right: gives the lowest sensitivity compatible with the check.
    unit : str
        What is counted.
    conf : float
        One-sided confidence of the upper bound.

    Returns
    -------
    Estimate
        N k/n missed papers; `high` is the exact (hypergeometric) upper bound, `low` what was seen. `detail`
        has lowest_sensitivity.

    Examples
    --------
    >>> e = missed_bound(16880, 300, found=631)
    >>> print(e.sentence)
    missed 0 papers, 95 % CI [0, 166] (one-sided, hypergeometric), n = 300 papers
    >>> round(e.detail["lowest_sensitivity"], 2)
    0.79
    """
    where, label = "missed_bound", "missed"
    k, n = (int(x) for x in parts_of(where, k, n, 0))
    n, N = (int(x) for x in parts_of(f"{where}, N", n, N, 0))
    conf = within(f"{where}, conf", conf, closed=False)
    if n == 0:
        return undefined(0, unit, "nothing was checked", conf=conf, label=label, scale="count")
    # The probability of k misses or fewer falls with the number missed: bisect for the last one above 1 - conf.
    low, high = k, N - n + k
    while low < high:
        middle = (low + high + 1) // 2
        if stats.hypergeom.cdf(k, N, middle, n) > 1 - conf:
            low = middle
        else:
            high = middle - 1
    detail = {"misses": k, "se": NAN, "lowest_sensitivity": NAN}
    if found is not None:
        found = int(whole_counts(f"{where}, found", found, 0))
        detail["lowest_sensitivity"] = found / (found + low) if found + low else NAN
    method = "one-sided, hypergeometric"
    return Estimate(N * k / n, float(k), float(low), conf, method, n, unit, None, "", detail, label, "count")


def rogan_gladen(k, n, sensitivity, specificity, *, refuse=True, unit="papers", conf=0.95):
    """Prevalence corrected for a coder whose sensitivity and specificity are known without error.

    Parameters
    ----------
    k, n : int
        Units the coder called yes, and all units.
    sensitivity, specificity : float
        Of the coder, from elsewhere.
    refuse : bool
        Return NaN where the correction makes no sense: where half of the coder's yes (or no) would be
        errors, or the interval reaches 0 or 1. With False the formula's numbers are returned, cut to 0 and
        1, and `reason` warns.
    unit, conf
        As in `statistics.proportion`.

    Returns
    -------
    Estimate
        NaN, whatever `refuse` says, where sensitivity + specificity <= 1. `detail` has the apparent share
        and the formula's (value, low, high) before cutting as `uncut`.

    Notes
    -----
    Rogan and Gladen (1978), American Journal of Epidemiology 107; Wilson limits transformed.

    Examples
    --------
    >>> rogan_gladen(39, 110, 0.92, 0.95).sentence
    'corrected prevalence 35.0 %, 95 % CI [25.5, 45.7] (Rogan-Gladen on Wilson limits), n = 110 papers'
    >>> rogan_gladen(631, 17511, 0.9, 0.97).reason
    'refused: at specificity 0.97 more than half of the yes would be errors; draw a two-phase sample'
    """
    where = "rogan_gladen"
    apparent = proportion(k, n, unit=unit, conf=conf)
    se, sp = within(f"{where}, sensitivity", sensitivity), within(f"{where}, specificity", specificity)
    if math.isnan(apparent.value) or se + sp <= 1:
        return _no_correction(apparent, se, sp)
    uncut = tuple((x + sp - 1) / (se + sp - 1) for x in (apparent.value, apparent.low, apparent.high))
    return _corrected(apparent, se, sp, uncut, "Rogan-Gladen on Wilson limits", refuse)


def lang_reiczigel(k, n, tp, n_pos, tn, n_neg, *, refuse=True, unit="papers", conf=0.95):
    """Prevalence corrected for a coder whose sensitivity and specificity were estimated on samples of their own.

    For prevalences of 20 to 80 %; at a few percent use `two_phase`.

    Parameters
    ----------
    k, n : int
        Units the coder called yes, and all units.
    tp, n_pos : int
        Of units that are yes, those the coder called yes, and all.
    tn, n_neg : int
        Of units that are no, those the coder called no, and all.
    refuse, unit, conf
        As in `rogan_gladen`.

    Returns
    -------
    Estimate
        As `rogan_gladen`.

    Notes
    -----
    Lang and Reiczigel (2014), Confidence limits for prevalence of disease adjusted for estimated
    sensitivity and specificity, Preventive Veterinary Medicine 113; the same as R's `asht::prevSeSp`.

    Examples
    --------
    >>> lang_reiczigel(39, 110, 21, 23, 84, 87).sentence
    'corrected prevalence 36.4 %, 95 % CI [26.2, 51.1] (Lang-Reiczigel), n = 110 papers'
    """
    where = "lang_reiczigel"
    apparent = proportion(k, n, unit=unit, conf=conf)
    (tp, tn), (n_pos, n_neg) = parts_of(where, [tp, tn], [n_pos, n_neg])
    if min(n_pos, n_neg) == 0 or math.isnan(apparent.value):
        reason = "no units" if math.isnan(apparent.value) else "sensitivity or specificity was not measured"
        return undefined(apparent.n, unit, reason, conf=conf, label="corrected prevalence")
    se, sp = tp / n_pos, tn / n_neg
    z2 = stats.norm.ppf((1 + conf) / 2) ** 2
    n_, p_ = apparent.n + z2, (apparent.n * apparent.value + z2 / 2) / (apparent.n + z2)
    se_, sp_ = (tp + 1) / (n_pos + 2), (tn + 1) / (n_neg + 2)
    if se + sp <= 1 or se_ + sp_ <= 1:
        return _no_correction(apparent, se, sp)
    middle = (p_ + sp_ - 1) / (se_ + sp_ - 1)
    v_se, v_sp = se_ * (1 - se_) / (n_pos + 2), sp_ * (1 - sp_) / (n_neg + 2)
    shift = 2 * z2 * (middle * v_se - (1 - middle) * v_sp)
    spread = math.sqrt(p_ * (1 - p_) / n_ + (1 - middle) ** 2 * v_sp + middle**2 * v_se) / (se_ + sp_ - 1)
    half = math.sqrt(z2) * spread
    uncut = ((apparent.value + sp - 1) / (se + sp - 1), middle + shift - half, middle + shift + half)
    return _corrected(apparent, se, sp, tuple(map(float, uncut)), "Lang-Reiczigel", refuse)


def _no_correction(apparent, se, sp):
    """No corrected prevalence from no units, or from a coder no better than chance."""
    reason = apparent.reason or f"refused: sensitivity + specificity is {se + sp:.3g}, no better than chance"
    label = "corrected prevalence"
    return undefined(apparent.n, apparent.unit, reason, conf=apparent.conf, label=label, apparent=apparent.value)


def _corrected(apparent, se, sp, uncut, method, refuse):
    """A corrected prevalence, or the reason why it says nothing."""
    value, low, high = uncut
    q, label = apparent.value, "corrected prevalence"
    trouble = ""
    if (1 - sp) * (1 - value) > q / 2:
        trouble = f"at specificity {sp:.3g} more than half of the yes would be errors"
    elif (1 - se) * value > (1 - q) / 2:
        trouble = f"at sensitivity {se:.3g} more than half of the no would be errors"
    elif low <= 0 or high >= 1:
        trouble = "the interval reaches 0 or 1, the coder's errors alone could explain the share"
    detail = {"apparent": q, "uncut": uncut, "se": NAN}
    if trouble and refuse:
        reason = f"refused: {trouble}; draw a two-phase sample"
        return undefined(apparent.n, apparent.unit, reason, conf=apparent.conf, label=label, **detail)
    value, low, high = (min(1.0, max(0.0, x)) for x in uncut)
    reason = f"unreliable: {trouble}" if trouble else ""
    return Estimate(value, low, high, apparent.conf, method, apparent.n, apparent.unit, None, reason, detail, label)


def _labelled(where, labelled, unlabelled):
    """The doubly coded 2 x 2 table and the coder's yes and no among the rest."""
    table = whole_counts(f"{where}, labelled", labelled, 2)
    rest = whole_counts(f"{where}, unlabelled", unlabelled)
    if table.shape != (2, 2) or rest.shape != (2,):
        raise StudyError(
            expected="a 2 x 2 table and two counts",
            found=f"{table.shape} and {rest.shape}",
            where=where,
            do="give people in rows (yes, no), the coder in columns (yes, no), then the coder's yes and no",
        )
    return table, rest


def _blind_spot(table, conf):
    """Upper bounds on errors never seen, in words; '' if each kind of error was seen."""
    (right_yes, missed), (wrong_yes, right_no) = table
    if missed or wrong_yes:
        return ""
    bounds = [proportion(0, int(n), method="beta", conf=conf).high if n else 1.0 for n in (right_yes, right_no)]
    return (
        "no disagreement was seen, so the interval ignores coder error: up to "
        f"{100 * bounds[0]:.1f} % of the yes and {100 * bounds[1]:.1f} % of the no may be wrong"
    )


def ppi_share(labelled, unlabelled, *, tuning=None, unit="papers", conf=0.95):
    """Prediction-powered share: a coder's labels everywhere, corrected by a random sample that people coded too.

    Parameters
    ----------
    labelled : array-like, 2 x 2, of int
        Doubly coded units, a simple random sample: people in rows (yes, no), the coder in columns (yes,
        no).
    unlabelled : (int, int)
        The coder's yes and no among all other units.
    tuning : float, optional
        Weight of the coder's labels, 0 to 1; estimated (PPI++) by default. 1 is plain PPI.
    unit, conf
        As in `statistics.proportion`.

    Returns
    -------
    Estimate
        `detail` has tuning and se. With a binary label this is nearly `tenenbein`; for a stratified sample
        use `two_phase`. `reason` warns where no error was seen.

    Notes
    -----
    Angelopoulos, Duchi and Zrnic (2023), PPI++: efficient prediction-powered inference.

    Examples
    --------
    >>> ppi_share([[18, 4], [3, 75]], (140, 860)).sentence
    'share 15.2 %, 95 % CI [9.7, 20.7] (PPI++), n = 100 papers'
    """
    table, rest = _labelled("ppi_share", labelled, unlabelled)
    conf = within("ppi_share, conf", conf, closed=False)
    n, m = int(table.sum()), int(rest.sum())
    if n == 0 or m == 0:
        return undefined(n, unit, "no doubly coded units" if n == 0 else "no further units", conf=conf)
    y, f, rest_share = table[0].sum() / n, table[:, 0].sum() / n, rest[0] / m
    both = table[0, 0] / n
    pooled = (table[:, 0].sum() + rest[0]) / (n + m)
    if tuning is None:
        spread = pooled * (1 - pooled) * (n + m) / (n + m - 1)
        tuning = float(np.clip((both - y * f) / ((1 + n / m) * spread), 0, 1)) if spread > 0 else 0.0
    else:
        tuning = within("ppi_share, tuning", tuning)
    # Variance of y - tuning f, both 0 or 1.
    error = y * (1 - y) + tuning**2 * f * (1 - f) - 2 * tuning * (both - y * f)
    se = math.sqrt(max(0.0, tuning**2 * rest_share * (1 - rest_share) / m + error / n))
    value = float(tuning * rest_share + y - tuning * f)
    detail = {"tuning": tuning, "se": se}
    if se < 1e-12:
        return undefined(n, unit, "all labels are alike", conf=conf, tuning=tuning)
    if not 0 <= value <= 1:
        reason = f"the correction gives {100 * value:.0f} %: too few doubly coded units"
        return undefined(n, unit, reason, conf=conf, tuning=tuning)
    half = float(stats.norm.ppf((1 + conf) / 2)) * se
    low, high = max(0.0, value - half), min(1.0, value + half)
    reason = _blind_spot(table, conf) if tuning > 0 else ""
    return Estimate(value, low, high, conf, "PPI++", n, unit, None, reason, detail)


def tenenbein(labelled, unlabelled, *, unit="papers", conf=0.95):
    """Share from double sampling: the coder's yes and no everywhere, each corrected by the doubly coded ones.

    Parameters
    ----------
    labelled, unlabelled, unit, conf
        As in `ppi_share`.

    Returns
    -------
    Estimate
        NaN where the coder's yes or its no were never coded by people. `reason` warns where no error was
        seen.

    Notes
    -----
    Tenenbein (1970), A double sampling scheme for estimating from binomial data with misclassifications,
    JASA 65.

    Examples
    --------
    >>> tenenbein([[18, 4], [3, 75]], (140, 860)).sentence
    'share 16.9 %, 95 % CI [11.9, 21.8] (Tenenbein), n = 100 papers'
    """
    table, rest = _labelled("tenenbein", labelled, unlabelled)
    conf = within("tenenbein, conf", conf, closed=False)
    n, total = int(table.sum()), int(table.sum() + rest.sum())
    checked = table.sum(axis=0)
    if not checked.all():
        reason = "no doubly coded units" if n == 0 else "people coded none of the coder's yes, or none of its no"
        return undefined(n, unit, reason, conf=conf)
    ppv, missed = table[0] / checked
    q = (checked[0] + rest[0]) / total
    value = float(q * ppv + (1 - q) * missed)
    variance = (q**2 * ppv * (1 - ppv) / checked[0]) + (1 - q) ** 2 * missed * (1 - missed) / checked[1]
    se = math.sqrt(variance + (ppv - missed) ** 2 * q * (1 - q) / total)
    if se < 1e-12:
        return undefined(n, unit, "all labels are alike", conf=conf)
    half = float(stats.norm.ppf((1 + conf) / 2)) * se
    detail = {"se": se, "ppv": float(ppv), "missed": float(missed)}
    low, high, reason = max(0.0, value - half), min(1.0, value + half), _blind_spot(table, conf)
    return Estimate(value, low, high, conf, "Tenenbein", n, unit, None, reason, detail)


# -------------------------------------------------------------------- how wrong must the coder be?


def tipping_point(share, threshold=0.5, *, sensitivity=1.0):
    """How wrong a coder must be to overturn "more than the threshold".

    Parameters
    ----------
    share : float
        Share found by the coder; use the lower limit of its interval for a claim that is to be robust.
    threshold : float
        The claim is that the share is above it.
    sensitivity : float
        Of the coder, for the false positive rate; 1 is the worst case for the claim.

    Returns
    -------
    Estimate
        Lowest positive predictive value with which the claim stands, if nothing was missed. `detail` has
        fpr_max (false positive rate at which it falls) and sp_min = 1 - fpr_max. NaN if the share is below
        the threshold already.

    Notes
    -----
    Rogan-Gladen solved for the threshold: fpr = (share - threshold sensitivity)/(1 - threshold).

    Examples
    --------
    >>> e = tipping_point(0.7029)
    >>> round(e.value, 3), round(e.detail["fpr_max"], 3)
    (0.711, 0.406)
    """
    share = within("tipping_point, share", share)
    threshold = within("tipping_point, threshold", threshold, closed=False)
    sensitivity = within("tipping_point, sensitivity", sensitivity)
    label = "lowest positive predictive value"
    if share < threshold:
        reason = "the share is below the threshold already"
        return undefined(0, "", reason, label=label, fpr_max=NAN, sp_min=NAN)
    fpr = (share - threshold * sensitivity) / (1 - threshold)
    detail = {"fpr_max": fpr, "sp_min": 1 - fpr, "se": NAN}
    return Estimate(threshold / share, unit="", detail=detail, label=label)


def codes_to_flip(first, second):
    """How many codes must move from the most frequent category to the next for the order to flip.

    Parameters
    ----------
    first, second : int
        Counts of the leading category and of the runner-up.

    Returns
    -------
    int

    Examples
    --------
    >>> codes_to_flip(422, 98)
    163
    """
    second, first = (int(x) for x in parts_of("codes_to_flip", second, first, 0))
    return (first - second) // 2 + 1
