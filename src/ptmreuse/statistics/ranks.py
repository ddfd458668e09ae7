"""Adjusted p values and rank intervals."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from ptmreuse.statistics import estimate


def adjust(p: Iterable[float | None], method: str = "holm") -> NDArray[np.float64]:
    """p values adjusted for their number.

    Parameters
    ----------
    p : sequence of float or None
        None stands for a test that could not be made; it gives NaN and is not counted.
    method : {'holm', 'bh'}
        Holm for the primary family, Benjamini-Hochberg (false discovery rate) for exploratory tests.

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
    made = np.array([x is not None for x in p], dtype=bool)
    values = np.array([estimate.within("adjust, p", x) for x in p if x is not None])
    adjusted = np.full(len(made), np.nan)
    if method == "bh" and made.any():
        adjusted[made] = stats.false_discovery_control(values)
    elif made.any():
        # statsmodels' multipletests has Holm, but collects all garbage at every call: 0.1 s in a notebook.
        order = np.argsort(values, kind="stable")
        steps = np.minimum(1, np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1)))
        adjusted[made] = steps[np.argsort(order, kind="stable")]
    return adjusted


def rank_intervals(counts: ArrayLike, names: Sequence[Any], *, conf: float = 0.95) -> pd.DataFrame:
    """How far the order of counted things, such as the most reused models, could be chance.

    Parameters
    ----------
    counts : array-like of int
        Instances of each model, at most one per paper.
    names : sequence of str
        Name of each model: use model names and, apart, model families.
    conf : float
        Confidence level of each rank interval.

    Returns
    -------
    pandas.DataFrame
        One row per model, most frequent first: name, count, share, rank, rank_low, rank_high. The best rank is one
        more than the models with significantly more, the worst leaves below it those with significantly less: two
        counts differ if the exact test of equal chances says so. A model that was not counted has no rank. No rows
        when nothing was counted.

    Notes
    -----
    Tries with 3 to 40 models and 45 to 900 instances: the interval holds the true rank in 94 to 100 of 100, of the
    rare models too; resampled counts do in 62 to 80 for the rarest.

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
    frame = frame[frame["count"] > 0].sort_values(["count", "name"], ascending=[False, True], ignore_index=True)
    k = frame["count"].to_numpy()
    p = 2 * stats.binom.cdf(np.minimum.outer(k, k), np.add.outer(k, k), 0.5)
    apart = (p <= 1 - conf) & (k[:, None] != k[None, :])
    more = k[None, :] > k[:, None]
    return frame.assign(
        share=k / max(int(k.sum()), 1),
        rank=frame["count"].rank(method="min", ascending=False).astype(int),
        rank_low=1 + (apart & more).sum(axis=1),
        rank_high=len(k) - (apart & ~more).sum(axis=1),
    )
