"""How far coders agree: two or many, on one class or several, each coefficient with its interval."""

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
from ptmreuse.statistics.estimate import NAN, Estimate, one_of, same_length, undefined, whole_counts, within
from ptmreuse.statistics.shares import proportion

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
    if (rows * columns).sum() == 0:
        reason = "no interval: the coders share no category, so kappa is 0 by construction"
    elif (rows > 0).sum() > 1 and (columns > 0).sum() > 1:
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
    counts = square(f"{where}, table", table)
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


def square(where, table):
    """Check that a table of two coders has one row and one column per class; as whole counts."""
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
