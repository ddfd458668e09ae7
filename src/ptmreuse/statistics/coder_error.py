"""What a coder's errors do to a share: accuracy from a checked sample, and shares corrected for it."""

import math

import numpy as np
import pandas as pd
from scipy import stats

from ptmreuse.errors import StudyError
from ptmreuse.statistics import agreement
from ptmreuse.statistics.estimate import NAN, Estimate, parts_of, same_length, undefined, whole_counts, within
from ptmreuse.statistics.shares import proportion, stratified_share

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
        low, high, reason = NAN, NAN, agreement.ZERO_WIDTH
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
    counts = agreement.square("accuracy_by_class, table", table)
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
