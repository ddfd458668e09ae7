"""How often a coder errs, and what the errors do to a share.

A coder is a person or a language model; accuracy needs a coding taken as right.
"""

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from ptmreuse.errors import StudyError
from ptmreuse.statistics.estimate import NAN, Estimate, parts_of, same_length, undefined, whole_counts, within
from ptmreuse.statistics.shares import proportion, stratified_share, wilson_limits

# ---------------------------------------------------------------------------- how often a coder errs


def coder_accuracy(tp: int, fp: int, fn: int, tn: int, *, conf: float = 0.95) -> dict[str, Estimate]:
    """Accuracy of a coder on a yes/no question, against a coding taken as right.

    Parameters
    ----------
    tp, fp, fn, tn : int
        Papers coded yes and right, yes and wrong, no and wrong, no and right. From a simple random sample:
        of an enriched one only ppv and npv stand, see `two_phase`.
    conf : float

    Returns
    -------
    dict of Estimate
        sensitivity, specificity, ppv, npv, accuracy and f1 (Wilson, each with its own denominator). What
        has no papers is NaN: without true yes there is no sensitivity.

    Examples
    --------
    >>> rates = coder_accuracy(21, 3, 2, 84)
    >>> print(rates["sensitivity"].sentence)
    sensitivity 91.3 %, 95 % CI [73.2, 97.6] (Wilson), 21 of 23 papers
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
    rates = {name: proportion(k, of, conf=conf, label=names.get(name, name)) for name, (k, of) in parts.items()}
    return rates | {"f1": _f1(tp, fp + fn, conf)}


def _f1(tp, wrong, conf):
    """F1, which is 2j/(1 + j) for the share j of both among the papers to which either said yes."""
    both = proportion(tp, tp + wrong, conf=conf)
    if math.isnan(both.value):
        return undefined(0, "papers", "nobody said yes", conf=conf, label="F1", scale="number")
    value, low, high = (2 * x / (1 + x) for x in (both.value, both.low, both.high))
    detail = {"se": 2 * both.detail["se"] / (1 + both.value) ** 2}
    return Estimate(value, low, high, conf, "Wilson", tp + wrong, detail=detail, label="F1", scale="number")


# --------------------------------------------------------------- shares corrected for coder error


def two_phase(
    N: ArrayLike, n: ArrayLike, k: ArrayLike, positive: ArrayLike, *, conf: float = 0.95
) -> dict[str, Estimate]:
    """Prevalence, and the errors of a coder, from human codes drawn at random within the coder's own labels.

    The preferred correction: it needs no sensitivity or specificity from elsewhere.

    Parameters
    ----------
    N, n, k : array-like of int, one value per stratum
        Papers of the stratum, papers drawn and coded by people, those of them that people coded yes.
    positive : array-like of bool
        Whether the coder said yes in this stratum.
    conf : float

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
        "prevalence": stratified_share(N, n, k, conf=conf, label="corrected prevalence"),
        "ppv": stratified_share(N[yes], n[yes], k[yes], conf=conf, label=names["ppv"]),
        "missed": stratified_share(N[~yes], n[~yes], k[~yes], conf=conf, label=names["missed"]),
    }
    for name, hits, right in (("sensitivity", k, yes), ("specificity", n - k, ~yes)):
        shares[name] = _share_found(N, n, hits, right, conf, name)
    return shares


def _share_found(N, n, k, right, conf, label):
    """Of the papers of one kind, the share in the strata where the coder is right about them."""
    parts, drawn = [], int(n.sum())
    for strata in (right, ~right):
        if N[strata].sum() == 0:
            parts.append((0.0, 0.0, 0.0))
            continue
        share = stratified_share(N[strata], n[strata], k[strata], conf=conf)
        if math.isnan(share.value):
            return undefined(drawn, "papers", share.reason, conf=conf, label=label)
        # Not share.low: strata checked whole have no interval there, and a width of 0 here.
        limits = (share.value, *share.detail["mover"])
        parts.append(tuple(float(N[strata].sum()) * x for x in limits))
    (found, *_), (lost, *_) = parts
    if found + lost == 0:
        return undefined(drawn, "papers", "people found none", conf=conf, label=label)
    if not N[right].sum() or not N[~right].sum():
        return undefined(drawn, "papers", "the coder gave one answer only", conf=conf, label=label)
    value = found / (found + lost)
    # The ratio of the smaller part to the larger one is finite.
    if found >= lost:
        low, high = (1 / (1 + x) for x in reversed(_ratio_limits(parts[1], parts[0])))
    else:
        low, high = (x / (1 + x) if x < math.inf else 1.0 for x in _ratio_limits(*parts))
    p = np.divide(k, n, out=np.zeros(len(n)), where=n > 0)
    open_share = 1 - n / np.maximum(N, 1)
    spread = np.where(open_share * p * (1 - p) == 0, 0, p * (1 - p) / np.where(n > 1, n - 1, np.nan))
    slope = np.where(right, 1 - value, value)
    se = float(np.sqrt((N**2 * open_share * spread * slope**2).sum()) / (found + lost))
    low, high, reason = min(low, value), max(high, value), ""  # rounding
    if high - low < 1e-12:
        low, high, reason = NAN, NAN, "no interval: a census of these strata has no sampling error"
    return Estimate(
        value, low, high, conf, "MOVER-Clopper-Pearson", drawn, reason=reason, detail={"se": se}, label=label
    )


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


def rogan_gladen(k: float, n: int, sensitivity: float, specificity: float, *, conf: float = 0.95) -> Estimate:
    """Prevalence corrected for a coder whose sensitivity and specificity are known without error.

    Parameters
    ----------
    k, n : int
        Papers the coder called yes, and all papers.
    sensitivity, specificity : float
        Of the coder, from elsewhere.
    conf : float

    Returns
    -------
    Estimate
        Rogan and Gladen's formula (1978) on the share and its Wilson limits, cut to 0 and 1; `detail` has the numbers
        before cutting as `uncut`. `reason` warns where half of the coder's yes (or no) would be errors, or the interval
        reaches 0 or 1. NaN where sensitivity + specificity <= 1.

    Examples
    --------
    >>> rogan_gladen(39, 110, 0.92, 0.95).sentence
    'corrected prevalence 35.0 %, 95 % CI [25.5, 45.7] (Rogan-Gladen on Wilson limits), n = 110 papers'
    >>> rogan_gladen(631, 17511, 0.9, 0.97).reason
    'unreliable: at specificity 0.97 more than half of the yes would be errors'
    """
    apparent, label = proportion(k, n, conf=conf), "corrected prevalence"
    se, sp = within("rogan_gladen, sensitivity", sensitivity), within("rogan_gladen, specificity", specificity)
    if math.isnan(apparent.value) or se + sp <= 1:
        reason = apparent.reason or f"refused: sensitivity + specificity is {se + sp:.3g}, no better than chance"
        return undefined(apparent.n, "papers", reason, conf=conf, label=label)
    uncut = tuple((x + sp - 1) / (se + sp - 1) for x in (apparent.value, apparent.low, apparent.high))
    reason = ""
    if (1 - sp) * (1 - uncut[0]) > apparent.value / 2:
        reason = f"unreliable: at specificity {sp:.3g} more than half of the yes would be errors"
    elif (1 - se) * uncut[0] > (1 - apparent.value) / 2:
        reason = f"unreliable: at sensitivity {se:.3g} more than half of the no would be errors"
    elif uncut[1] <= 0 or uncut[2] >= 1:
        reason = "unreliable: the interval reaches 0 or 1, the coder's errors alone could explain the share"
    value, low, high = (min(1.0, max(0.0, x)) for x in uncut)
    detail, method = {"uncut": uncut, "se": NAN}, "Rogan-Gladen on Wilson limits"
    return Estimate(value, low, high, conf, method, apparent.n, reason=reason, detail=detail, label=label)


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


def ppi_share(labelled: ArrayLike, unlabelled: ArrayLike, *, conf: float = 0.95) -> Estimate:
    """Prediction-powered share: a coder's labels everywhere, corrected by a random sample that people coded too.

    Parameters
    ----------
    labelled : array-like, 2 x 2, of int
        Doubly coded papers, a simple random sample: people in rows (yes, no), the coder in columns (yes, no).
    unlabelled : (int, int)
        The coder's yes and no among all other papers.
    conf : float

    Returns
    -------
    Estimate
        `detail` has se and tuning (the weight of the coder's labels, 0 to 1); for a stratified sample use `two_phase`.
        `reason` warns where no error was seen. Refused (NaN) where less than five of the coder's yes, or of its no,
        would be among the labelled papers by chance: such a sample cannot correct the label.

    Notes
    -----
    Angelopoulos, Duchi and Zrnic (2023), PPI++: efficient prediction-powered inference. Interval: Wilson for the
    effective number of papers, with half a missed yes and half a wrong one more than was seen. With 50 to 300 labelled
    papers and 1 to 40 % of yes it covers 94 to 99 %; the normal interval covers 87 to 91 % where yes is rare.

    Examples
    --------
    >>> ppi_share([[18, 4], [3, 75]], (140, 860)).sentence
    'share 15.2 %, 95 % CI [10.3, 21.9] (PPI++), n = 100 papers'
    """
    table = whole_counts("ppi_share, labelled", labelled, 2)
    rest = whole_counts("ppi_share, unlabelled", unlabelled)
    if table.shape != (2, 2) or rest.shape != (2,):
        raise StudyError(
            expected="a 2 x 2 table and two counts", found=f"{table.shape} and {rest.shape}", where="ppi_share",
            do="give people in rows (yes, no), the coder in columns (yes, no), then the coder's yes and no",
        )  # fmt: skip
    conf = within("ppi_share, conf", conf, closed=False)
    n, m = int(table.sum()), int(rest.sum())
    if n == 0 or m == 0:
        return undefined(n, "papers", "no doubly coded units" if n == 0 else "no further units", conf=conf)
    y, f, rest_share = table[0].sum() / n, table[:, 0].sum() / n, rest[0] / m
    both = table[0, 0] / n
    pooled = (table[:, 0].sum() + rest[0]) / (n + m)
    least = n * min(pooled, 1 - pooled)
    if least < 5:
        reason = f"refused: {least:.1f} of the rarer label expected among the labelled; draw a two-phase sample"
        return undefined(n, "papers", reason, conf=conf)
    spread = pooled * (1 - pooled) * (n + m) / (n + m - 1)
    tuning = float(np.clip((both - y * f) / ((1 + n / m) * spread), 0, 1))
    value = float(tuning * rest_share + y - tuning * f)
    if not 0 <= value <= 1:
        reason = f"the correction gives {100 * value:.0f} %: too few doubly coded units"
        return undefined(n, "papers", reason, conf=conf)
    se, wide = (_ppi_error(x, tuning, rest_share, m, n) for x in (table, table + [[0, 0.5], [0.5, 0]]))
    share = min(max(value, 0.5 / n), 1 - 0.5 / n)  # at 0 or 1 the effective number is not defined
    quantile = float(stats.norm.ppf((1 + conf) / 2))
    low, high = wilson_limits(share, share * (1 - share) / max(se, wide) ** 2, quantile)
    reason = _blind_spot(table, conf) if tuning > 0 else ""
    detail = {"tuning": tuning, "se": se}
    return Estimate(value, min(low, value), max(high, value), conf, "PPI++", n, reason=reason, detail=detail)


def _ppi_error(table, tuning, rest_share, m, n):
    """Standard error of y - tuning f + tuning f in the rest, y and f both 0 or 1."""
    size = table.sum()
    y, f, both = table[0].sum() / size, table[:, 0].sum() / size, table[0, 0] / size
    error = y * (1 - y) + tuning**2 * f * (1 - f) - 2 * tuning * (both - y * f)
    return math.sqrt(max(0.0, tuning**2 * rest_share * (1 - rest_share) / m + error / n))


# -------------------------------------------------------------------- how wrong must the coder be?


def tipping_point(share: float, *, sensitivity: float = 1.0) -> tuple[float, float]:
    """How wrong a coder must be to overturn "more than one half".

    Parameters
    ----------
    share : float
        Share found by the coder, at least one half.
    sensitivity : float
        Of the coder, for the false positive rate; 1 is the worst case for the claim.

    Returns
    -------
    ppv, fpr : float
        Lowest positive predictive value with which the claim stands, if nothing was missed; false positive rate at
        which it falls (Rogan-Gladen solved for one half; 1 if at none).

    Examples
    --------
    >>> [round(rate, 3) for rate in tipping_point(0.7029)]
    [0.711, 0.406]
    """
    return 0.5 / share, min(1.0, max(0.0, (share - 0.5 * sensitivity) / 0.5))


def codes_to_flip(first: int, second: int) -> int:
    """How many codes must move from the most frequent category to the next for the order to flip.

    Examples
    --------
    >>> codes_to_flip(422, 98)
    163
    """
    second, first = (int(x) for x in parts_of("codes_to_flip", second, first, 0))
    return (first - second) // 2 + 1
