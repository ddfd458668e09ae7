"""Association of two codings of which a paper can have several, such as fields and patterns."""

import math

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from ptmreuse.errors import refuse
from ptmreuse.statistics.estimate import NAN, Estimate, draws_of, same_length, undefined, whole_counts


def _zero_one(where, table):
    """A 0/1 table as a float array with its column names."""
    frame = pd.DataFrame(table)
    values = whole_counts(where, frame.to_numpy(), 2)
    if (values > 1).any():
        refuse(
            where, "0 or 1 in every cell",
            str(values.max()), "give one row per paper, one column per category, 1 where the paper has it",
        )  # fmt: skip
    return values.astype(float), list(frame.columns)


def multi_select(fields: ArrayLike, patterns: ArrayLike, *, resamples: int = 9999, seed: int = 0) -> Estimate:
    """Association of two codings of which a paper can have several: fields and patterns.

    Parameters
    ----------
    fields, patterns : array-like or pandas.DataFrame of 0 and 1
        One row per paper, one column per category.
    resamples, seed : int
        Of the permutation of field sets among papers.

    Returns
    -------
    Estimate
        Root-mean-square phi over all pairs of a field and a pattern, between 0 and 1, without interval. `p` is the
        permutation test of simultaneous pairwise marginal independence (Bilder and Loughin 2004). `detail` has the
        statistic (sum of the pairwise chi-squares) and rao_scott (second order: statistic, df, p). Categories of all
        or no papers are left out, and `reason` says so.

    Notes
    -----
    Permuting whole sets keeps the overlap of the fields, and the test exact.

    Examples
    --------
    >>> fields = [[1, 0], [1, 0], [1, 1], [0, 1], [0, 1], [1, 0]]
    >>> e = multi_select(fields, [[1, 0], [1, 0], [1, 0], [0, 1], [1, 1], [1, 1]])
    >>> print(e.sentence)
    root-mean-square phi 0.55, n = 6 papers; sum of 4 chi-squares = 7.27, permutation (9,999 draws) p = .206
    """
    where, label = "multi_select", "root-mean-square phi"
    resamples = draws_of(where, resamples)
    w, w_names = _zero_one(f"{where}, fields", fields)
    y, y_names = _zero_one(f"{where}, patterns", patterns)
    same_length(where, w, y)
    n = len(w)
    w_used, y_used = np.ptp(w, axis=0) > 0 if n else [], np.ptp(y, axis=0) > 0 if n else []
    if not any(w_used) or not any(y_used):
        return undefined(n, "papers", "every category has all or none", label=label, scale="number")
    left_out = [f"{name}" for name, used in zip(w_names + y_names, [*w_used, *y_used], strict=True) if not used]
    w, y = w[:, w_used], y[:, y_used]
    w_score, y_score = stats.zscore(w), stats.zscore(y)
    phi = w_score.T @ y_score / n
    statistic = n * float((phi**2).sum())
    # Rows are sorted first, so that the same seed gives the same p whatever the order of the papers.
    w_sorted, y_sorted = w[np.lexsort(w.T)], y[np.lexsort(y.T)]
    w_fixed, y_fixed = stats.zscore(w_sorted).T / n, stats.zscore(y_sorted)
    rng, block = np.random.default_rng(seed), max(1, 2_000_000 // w.size)
    sums = []
    for start in range(0, resamples, block):
        shuffled = rng.permuted(np.tile(np.arange(n), (min(block, resamples - start), 1)), axis=1)
        sums.append(n * ((w_fixed @ y_fixed[shuffled]) ** 2).sum(axis=(1, 2)))
    beyond = (np.concatenate(sums) >= statistic - 1e-9 * max(1.0, statistic)).sum()
    p = float((1 + beyond) / (resamples + 1))
    detail = {
        "statistic": statistic,
        "rao_scott": _rao_scott_pairs(w_score, y_score, phi, statistic),
        "test": f"sum of {phi.size} chi-squares = {round(statistic, 9):.2f}, permutation ({resamples:,} draws)",
        "se": NAN,
    }
    reason = f"left out, all or none have it: {', '.join(left_out)}" if left_out else ""
    value = math.sqrt(statistic / n / phi.size)
    return Estimate(value, n=n, p=p, reason=reason, detail=detail, label=label, scale="number")


def _rao_scott_pairs(w_score, y_score, phi, statistic):
    """Second-order Rao-Scott correction of the sum of pairwise chi-squares (Bilder and Loughin 2004), as R's MRCV.

    The weights add up to the number of pairs if nothing is associated, and this null sum is what the paper uses.
    """
    products = (w_score[:, :, None] * y_score[:, None, :]).reshape(len(w_score), -1) - phi.ravel()
    weights = np.linalg.eigvalsh(products.T @ products / len(products))
    if (weights**2).sum() < 1e-12:
        return {"statistic": NAN, "df": NAN, "p": None}
    scale, df = float((weights**2).sum() / phi.size), float(phi.size**2 / (weights**2).sum())
    return {"statistic": statistic / scale, "df": df, "p": float(stats.chi2.sf(statistic / scale, df))}
