"""Ranks of counted things with intervals, and p values adjusted for their number."""

import numpy as np
import pandas as pd
from scipy import stats

from ptmreuse.statistics import estimate

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
    estimate.one_of("adjust, method", method, ("holm", "bh"))
    raw = np.asarray(p, dtype=object)
    made = np.array([x is not None for x in raw.flat], dtype=bool).reshape(raw.shape)
    adjusted = np.full(raw.shape, np.nan)
    if not made.any():
        return adjusted
    values = estimate.numbers("adjust, p", raw[made])
    for value in values:
        estimate.within("adjust, p", value)
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
    counts = estimate.whole_counts("rank_intervals, counts", counts)
    estimate.same_length("rank_intervals", counts, names)
    conf = estimate.within("rank_intervals, conf", conf, closed=False)
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
