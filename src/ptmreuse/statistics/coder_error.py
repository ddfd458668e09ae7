"""How often a coder errs, and what the errors do to a share.

A coder is a person or a language model; accuracy needs a coding taken as right.
"""

import math

import numpy as np
from scipy import stats

from ptmreuse.errors import StudyError
from ptmreuse.statistics.estimate import NAN, Estimate, parts_of, same_length, undefined, whole_counts, within
from ptmreuse.statistics.shares import proportion, stratified_share, wilson_limits

# ---------------------------------------------------------------------------- how often a coder errs


def coder_accuracy(tp, fp, fn, tn, *, unit="papers", conf=0.95):
    """Accuracy of a coder on a yes/no question, against a coding taken as right.

    Parameters
    ----------
    tp, fp, fn, tn : int
        Units coded yes and right, yes and wrong, no and wrong, no and right. From a simple random sample:
        of an enriched one only ppv and npv stand, see `two_phase`.
    unit, conf
        As in `shares.proportion`.

    Returns
    -------
    dict of Estimate
        sensitivity, specificity, ppv, npv, accuracy and f1 (Wilson, each with its own denominator). What
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
    rates["f1"] = _f1(tp, fp + fn, unit, conf)
    return rates


def _f1(tp, wrong, unit, conf):
    """F1, which is 2j/(1 + j) for the share j of both among the units to which either said yes."""
    both = proportion(tp, tp + wrong, unit=unit, conf=conf)
    if math.isnan(both.value):
        return undefined(0, unit, "nobody said yes", conf=conf, label="F1", scale="number")
    value, low, high = (2 * x / (1 + x) for x in (both.value, both.low, both.high))
    detail = {"se": 2 * both.detail["se"] / (1 + both.value) ** 2}
    return Estimate(value, low, high, conf, "Wilson", tp + wrong, unit, None, "", detail, "F1", "number")


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
        As in `shares.stratified_share`.

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
        # Not share.low: strata checked whole have no interval there, and a width of 0 here.
        limits = (share.value, *share.detail["limits"]["mover"])
        parts.append(tuple(float(N[strata].sum()) * x for x in limits))
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
        As in `shares.proportion`.

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
        As in `shares.proportion`.

    Returns
    -------
    Estimate
        `detail` has tuning and se; for a stratified sample use `two_phase`. `reason` warns where no error was
        seen. Refused (NaN) where less than five of the coder's yes, or of its no, would be among the labelled units
        by chance: such a sample cannot correct the label.

    Notes
    -----
    Angelopoulos, Duchi and Zrnic (2023), PPI++: efficient prediction-powered inference. Interval: Wilson for the
    effective number of units, with half a missed yes and half a wrong one more than was seen. With 50 to 300 labelled
    units and 1 to 40 % of yes it covers 94 to 99 %; the normal interval covers 87 to 91 % where yes is rare.

    Examples
    --------
    >>> ppi_share([[18, 4], [3, 75]], (140, 860)).sentence
    'share 15.2 %, 95 % CI [10.3, 21.9] (PPI++), n = 100 papers'
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
    least = n * min(pooled, 1 - pooled)
    if least < 5:
        reason = f"refused: {least:.1f} of the rarer label expected among the labelled; draw a two-phase sample"
        return undefined(n, unit, reason, conf=conf, tuning=tuning)
    value = float(tuning * rest_share + y - tuning * f)
    if not 0 <= value <= 1:
        reason = f"the correction gives {100 * value:.0f} %: too few doubly coded units"
        return undefined(n, unit, reason, conf=conf, tuning=tuning)
    se, wide = (_ppi_error(x, tuning, rest_share, m, n) for x in (table, table + [[0, 0.5], [0.5, 0]]))
    share = min(max(value, 0.5 / n), 1 - 0.5 / n)  # at 0 or 1 the effective number is not defined
    quantile = float(stats.norm.ppf((1 + conf) / 2))
    low, high = wilson_limits(share, share * (1 - share) / max(se, wide) ** 2, quantile)
    reason = _blind_spot(table, conf) if tuning > 0 else ""
    detail = {"tuning": tuning, "se": se}
    return Estimate(value, min(low, value), max(high, value), conf, "PPI++", n, unit, None, reason, detail)


def _ppi_error(table, tuning, rest_share, m, n):
    """Standard error of y - tuning f + tuning f in the rest, y and f both 0 or 1."""
    size = table.sum()
    y, f, both = table[0].sum() / size, table[:, 0].sum() / size, table[0, 0] / size
    error = y * (1 - y) + tuning**2 * f * (1 - f) - 2 * tuning * (both - y * f)
    return math.sqrt(max(0.0, tuning**2 * rest_share * (1 - rest_share) / m + error / n))


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
        fpr_max (false positive rate at which it falls; 1 if at none) and sp_min = 1 - fpr_max. NaN if the
        share is below the threshold already.

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
    fpr = min(1.0, max(0.0, (share - threshold * sensitivity) / (1 - threshold)))
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
