"""Data of known truth, and what each method makes of them: an estimate beside its truth, or a p value."""

import numpy as np
import pandas as pd
from scipy import stats

from ptmreuse.analysis import patterns
from ptmreuse.evidence import study
from ptmreuse.statistics import agreement, coder_error, overlap, ranks, shares, trend
from ptmreuse.statistics.estimate import Estimate

CONF, RESAMPLES = 0.95, 299
YEARS = np.arange(2014, 2025)


# Draws -------------------------------------------------------------------------------------------------
# By inverse distribution functions of uniform draws: those are the same under every version of numpy.


def _binomial(rng, n, p):
    return stats.binom.ppf(rng.random(np.broadcast(n, p).shape), n, p).astype("int64")


def _counts(rng, n, p):
    """Multinomial counts."""
    drawn = np.searchsorted(np.cumsum(p), rng.random(n) * np.sum(p), side="right")
    return np.bincount(drawn, minlength=len(p))


def _checked(rng, sizes, true, drawn):
    """How many of the drawn units of each stratum are true, drawn without replacement."""
    return np.array([
        int((np.argsort(rng.random(size))[:n] < yes).sum()) for size, yes, n in zip(sizes, true, drawn, strict=True)
    ])  # fmt: skip


def logistic(x):
    """Shares from logits."""
    return 1 / (1 + np.exp(-np.asarray(x, dtype=float)))


# What is tried -----------------------------------------------------------------------------------------
# Each function makes one data set and returns an Estimate (or limits) with its truth, or a p value.


def share(rng, n, p):
    """A share of papers."""
    return shares.proportion(_binomial(rng, n, p), n), p


def difference(rng, n1, p1, n2, p2):
    """A difference of two shares."""
    return shares.difference(_binomial(rng, n1, p1), n1, _binomial(rng, n2, p2), n2), p1 - p2


def standardised(rng, n, p, weights, raw=False):
    """A share standardised to a number of papers per year."""
    k, size = _binomial(rng, n, np.asarray(p)), np.full(len(p), n)
    truth = float(np.average(p, weights=weights))
    if raw:
        return shares.proportion(k.sum(), size.sum()), truth
    return shares.standardised_share(k, size, weights), truth


def stratified(rng, sizes, drawn, p):
    """A share of a finite population from a stratified sample."""
    true = _binomial(rng, np.asarray(sizes), np.asarray(p))
    k = _checked(rng, sizes, true, drawn)
    return shares.stratified_share(sizes, drawn, k), true.sum() / np.sum(sizes)


def pairs(rng, sizes, p, alike, naive=False):
    """A share of pairs that lie within papers; `alike` is the correlation of the pairs of a paper."""
    m = sizes(rng) if callable(sizes) else np.asarray(sizes)
    own = stats.beta.ppf(rng.random(len(m)), p * (1 / alike - 1), (1 - p) * (1 / alike - 1))
    a = _binomial(rng, m, own)
    return (shares.proportion(a.sum(), m.sum()) if naive else shares.clustered_share(a, m)), p


def zipf(papers, rng):
    """Papers of which few hold most pairs."""
    size = np.arange(1, 61)
    return 1 + np.searchsorted(np.cumsum(size**-2.2) / (size**-2.2).sum(), rng.random(papers))


def years(rng, n, shape, apart=0.0, test=False, wald=False, bent=False):
    """A trend over years; `shape` is the logit of each year's share, `apart` the spread of years about it."""
    shape = np.asarray(shape, dtype=float)
    x = YEARS[-len(shape) :]
    k = _binomial(rng, n, logistic(shape + apart * stats.norm.ppf(rng.random(len(shape)))))
    found = trend.trend(k, np.full(len(x), n), x)
    if bent:
        return (found.detail.get("curvature") or {}).get("p")
    if test:
        return found.p
    low, high = found.detail.get("wald", (found.low, found.high)) if wald else (found.low, found.high)
    return Estimate(found.value, low, high), float(np.exp((shape[-1] - shape[0]) / (len(shape) - 1)))


def raters(rng, n, prevalence, sensitivity, specificity, measure):
    """A coefficient of agreement of two raters who err independently given the truth."""
    yes = prevalence * sensitivity**2 + (1 - prevalence) * (1 - specificity) ** 2
    one = prevalence * sensitivity * (1 - sensitivity) + (1 - prevalence) * specificity * (1 - specificity)
    (a, b), (c, d) = table = np.reshape(_counts(rng, n, [yes, one, one, 1 - yes - 2 * one]), (2, 2))
    found = getattr(agreement.agreement(table), "kappa" if measure == "wald" else measure)
    if measure == "wald":
        half = stats.norm.ppf((1 + CONF) / 2) * found.detail.get("se", np.nan)
        found = Estimate(found.value, found.value - half, found.value + half)
    return found, agreement_of_raters(prevalence, sensitivity, specificity)["kappa" if measure == "wald" else measure]


def agreement_of_raters(prevalence, sensitivity, specificity):
    """The coefficients of agreement that two raters of known accuracy, who err independently, tend to.

    Alpha is equal to kappa, as both raters use the categories alike.

    Examples
    --------
    >>> {name: round(x, 3) for name, x in agreement_of_raters(0.2, 0.85, 0.95).items()}
    {'raw': 0.873, 'kappa': 0.617, 'alpha': 0.617, 'ac1': 0.81}
    """
    yes = prevalence * sensitivity + (1 - prevalence) * (1 - specificity)
    raw = prevalence * (sensitivity**2 + (1 - sensitivity) ** 2)
    raw += (1 - prevalence) * (specificity**2 + (1 - specificity) ** 2)
    chance, split = yes**2 + (1 - yes) ** 2, 2 * yes * (1 - yes)
    kappa = (raw - chance) / (1 - chance)
    return {"raw": raw, "kappa": kappa, "alpha": kappa, "ac1": (raw - split) / (1 - split)}


def f1(rng, n, prevalence, sensitivity, specificity):
    """F1 of a coder, which is also the specific agreement of two people."""
    tp, fn = prevalence * sensitivity, prevalence * (1 - sensitivity)
    fp = (1 - prevalence) * (1 - specificity)
    counts = _counts(rng, n, [tp, fp, fn, 1 - tp - fp - fn])
    return coder_error.coder_accuracy(*map(int, counts))["f1"], 2 * tp / (2 * tp + fp + fn)


def phases(rng, sizes, drawn, p, measure):
    """The corrected prevalence, or an error of the coder, from papers checked within its yes (first) and its no."""
    yes = np.arange(len(sizes)) == 0
    true = _binomial(rng, np.asarray(sizes), np.asarray(p))
    k = _checked(rng, sizes, true, drawn)
    found, no = np.where(yes, true, 0).sum(), np.asarray(sizes) - true
    truth = {
        "prevalence": true.sum() / np.sum(sizes),
        "sensitivity": found / true.sum(),
        "specificity": no[~yes].sum() / no.sum(),
    }
    return coder_error.two_phase(sizes, drawn, k, yes)[measure], truth[measure]


def powered(rng, labelled, rest, prevalence, sensitivity, specificity):
    """A prediction-powered share."""
    tp, fn = prevalence * sensitivity, prevalence * (1 - sensitivity)
    fp = (1 - prevalence) * (1 - specificity)
    table = np.reshape(_counts(rng, labelled, [tp, fn, fp, 1 - tp - fp - fn]), (2, 2))
    said = int(_binomial(rng, rest, tp + fp))
    return coder_error.ppi_share(table, (said, rest - said)), prevalence


def rank_of_model(rng, models, n, steep, place):
    """The rank of a model by its count; its popularity falls with its place."""
    popular = np.arange(1, models + 1.0) ** -steep
    table = ranks.rank_intervals(_counts(rng, n, popular), range(models)).set_index("name")
    if place - 1 not in table.index:
        return Estimate(np.nan), place
    found = table.loc[place - 1]
    return Estimate(float(found["rank"]), float(found["rank_low"]), float(found["rank_high"])), place


def _codes(rng, sizes, mix):
    """Pairs of a paper: in half of the papers all by one pattern."""
    rows, names = [], np.array(study.PATTERNS)
    cumulated = np.cumsum(mix)
    for paper, m in enumerate(sizes):
        one = rng.random() < 0.5
        drawn = np.repeat(rng.random(), m) if one else rng.random(m)
        rows += [(paper, name) for name in names[np.searchsorted(cumulated, drawn * cumulated[-1], side="right")]]
    return pd.DataFrame(rows, columns=["paper", "pattern"])


def rank_of_pattern(rng, sizes, mix, place):
    """The rank of a pattern in few papers."""
    codes = _codes(rng, sizes, mix)
    order = np.argsort(mix)[::-1]
    name = study.PATTERNS[order[place - 1]]
    return patterns.rank(codes, "pattern", name, conf=CONF, resamples=RESAMPLES, seed=_seed(rng)), place


def lead(rng, sizes, mix):
    """Whether one pattern leads another that is as frequent."""
    return patterns.lead_over(_codes(rng, sizes, mix), study.PATTERNS[0], study.PATTERNS[1], conf=CONF).p


def fields(rng, n, bound=0.0, measure="p"):
    """Whether fields, of which a paper has up to three, differ in patterns; `bound` binds the first ones."""
    w = (rng.random((n, 8)).argsort(axis=1) < (1 + np.searchsorted([0.5, 0.8], rng.random(n)))[:, None]).astype(int)
    chance = np.array([0.3, 0.65, 0.25]) + bound * w[:, :1] * np.array([1, -1, 0])
    found = overlap.multi_select(w, (rng.random((n, 3)) < chance).astype(int), resamples=RESAMPLES, seed=_seed(rng))
    return found.detail["rao_scott"]["p"] if measure == "rao_scott" else found.p


def _seed(rng):
    return int(rng.integers(2**31))
