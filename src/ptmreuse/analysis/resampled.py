"""The headline numbers twice: by a closed form, and by resampling papers."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy import stats

from ptmreuse.analysis import choices
from ptmreuse.evidence import items
from ptmreuse.evidence.study import data_kind
from ptmreuse.statistics import shares, trend

# The coder's yes, and the papers among which it was said.
RELEASES = {
    "v1, all papers analysed": ("v1_reuse_papers", "v1_analysed"),
    "v1, natural science": ("v1_reuse_papers", "v1_natural_science"),
    "May 2026, full texts": ("may2026_reuse_papers", "may2026_full_text"),
}


def two_ways(evidence, facts, *, conf, resamples, seed):
    """The headline numbers twice: closed form and resampling.

    Parameters
    ----------
    evidence : dict of study tables, of one coder
    facts : DataFrame, from `study.published`
    conf, resamples, seed
        Of every interval.

    Returns
    -------
    DataFrame
        One row per number: label, value, low, high, method (closed form), low_resampled, high_resampled,
        method_resampled, apart_low, apart_high (differences of the limits), apart (the larger one as a share of
        the width of the closed form's interval), p, p_resampled (tests only), n, unit, scale, data_kind, reason.

    Notes
    -----
    Resampling 0/1 answers of n independent papers is drawing binomial counts; permuting them among years is
    drawing hypergeometric ones. Both let years differ by chance alone; the closed form of a trend measures how much
    they do.

    Examples
    --------
    >>> from ptmreuse.evidence import pilot, study
    >>> table = two_ways(pilot.embedded(), study.published(), conf=0.95, resamples=999, seed=1)
    >>> bool(table["apart"].max() < 0.3)
    True
    """
    uses, kind = evidence["uses"], data_kind(evidence)
    counts = items.answered(uses)
    again = {"conf": conf, "resamples": resamples, "seed": seed}
    rows = [
        _share_twice("share that uses deep learning", *counts["uses_dl"], **again),
        _share_twice("share that reuses a model", *counts["uses_ptm"], **again),
        _share_twice("reuse among deep learning", *counts["uses_ptm_given_dl"], **again),
        _pairs_twice(evidence, **again),
    ]
    counts, _, _ = choices.pattern_counts(evidence, "papers", "canonical", "")
    rows.append(
        _share_twice("adaptation, share of reusing papers", int(counts["adaptation"].sum()), len(counts), **again)
    )
    for question, about in (("uses_dl", "deep learning"), ("uses_ptm", "reuse")):
        coded = evidence["papers"][["paper", "year"]].merge(uses, on="paper").dropna(subset="year")
        coded = coded[coded[question] != "unknown"]
        years = (coded[question] == "yes").groupby(coded["year"]).agg(["sum", "size"]).reset_index()
        rows.append(_trend_twice(f"odds ratio of {about} per year", years, **again))
    rows = [row | {"data_kind": kind} for row in rows]
    keys = (*RELEASES["May 2026, full texts"], *RELEASES["v1, natural science"])
    release = [int(facts.loc[key, "value"]) for key in keys]
    rows.append(_difference_twice("May 2026 less v1, share of reuse", *release, **again) | {"data_kind": "published"})
    return pd.DataFrame(rows)


def _twice(closed, limits, method, p=None):
    """A row of `two_ways` from an Estimate and resampled limits."""
    low, high = map(float, limits)
    apart = [low - closed.low, high - closed.high]
    width = closed.high - closed.low
    row = {name: getattr(closed, name) for name in ("label", "value", "low", "high", "method")}
    row |= {"low_resampled": low, "high_resampled": high, "method_resampled": method}
    row |= {"apart_low": apart[0], "apart_high": apart[1]}
    row["apart"] = max(map(abs, apart)) / width if width > 0 else math.nan
    row |= {"p": math.nan if closed.p is None else closed.p, "p_resampled": math.nan if p is None else p}
    return row | {name: getattr(closed, name) for name in ("n", "unit", "scale", "reason")}


_NO_LIMITS = (math.nan, math.nan)


def _quantiles(values, conf):
    return np.quantile(values, [(1 - conf) / 2, (1 + conf) / 2])


def _binomial(rng, k, n, size):
    # numpy's own binomial draws differ between 2.4 and 2.5 for one seed, its uniform ones do not.
    return stats.binom.ppf(rng.random(size), n, k / n)


def _share_twice(label, k, n, *, conf, resamples, seed):
    closed = shares.proportion(k, n, conf=conf, label=label)
    if not 0 < k < n:
        return _twice(closed, _NO_LIMITS, "n/a: nothing to resample, all papers alike" if n else "n/a")
    draws = _binomial(np.random.default_rng(seed), k, n, resamples) / n
    return _twice(closed, _quantiles(draws, conf), "percentile bootstrap of papers")


def _pairs_twice(evidence, *, conf, resamples, seed):
    counts, total, _ = choices.pattern_counts(evidence, "pairs", "canonical", "")
    part, whole = counts["adaptation"].to_numpy(), total.to_numpy()
    closed = shares.clustered_share(part, whole, conf=conf, label="adaptation, share of pairs")
    if not closed.detail.get("se", 0.0) > 0:
        return _twice(closed, _NO_LIMITS, "n/a: nothing to resample")
    drawn = np.random.default_rng(seed).multinomial(len(whole), np.full(len(whole), 1 / len(whole)), size=resamples)
    return _twice(closed, _quantiles(drawn @ part / (drawn @ whole), conf), "percentile bootstrap of papers")


def _trend_twice(label, years, *, conf, resamples, seed):
    k, n, year = (years[c].to_numpy(dtype=float) for c in ("sum", "size", "year"))
    closed = replace(trend.trend(k, n, year, conf=conf), label=label)
    if math.isnan(closed.value):
        return _twice(closed, _NO_LIMITS, "n/a")
    rng = np.random.default_rng(seed)
    x, papers = year - (n * year).sum() / n.sum(), int(n.sum())
    cells = rng.multinomial(papers, np.r_[k, n - k] / papers, size=resamples)
    slopes = _slopes(cells[:, : len(k)], cells[:, len(k) :], x)
    method, limits = "percentile bootstrap of papers", _NO_LIMITS
    if np.isfinite(slopes).mean() >= 0.99:
        limits = np.exp(_quantiles(slopes[np.isfinite(slopes)], conf))
    else:
        method = "n/a: too many resamples are separated"
    permuted = rng.multivariate_hypergeometric(n.astype("int64"), int(k.sum()), size=resamples) @ x
    beyond = np.abs(permuted - k.sum() * (n @ x) / papers) >= abs(k @ x) - 1e-9
    return _twice(closed, limits, method, float((1 + beyond.sum()) / (resamples + 1)))


def _slopes(yes, no, x):
    """Logit slopes of many resamples (rows) over years x by Newton's method; NaN where separated."""
    first_yes, last_yes = (np.where(yes > 0, x, s * np.inf) for s in (1, -1))
    first_no, last_no = (np.where(no > 0, x, s * np.inf) for s in (1, -1))
    apart = (first_yes.min(axis=1) >= last_no.max(axis=1)) | (last_yes.max(axis=1) <= first_no.min(axis=1))
    yes, n = yes[~apart], (yes + no)[~apart]
    b = np.zeros((len(yes), 2))
    b[:, 0] = np.log((yes.sum(axis=1) + 0.5) / (n.sum(axis=1) - yes.sum(axis=1) + 0.5))
    for _ in range(50):
        fitted = 1 / (1 + np.exp(-np.clip(b[:, :1] + b[:, 1:] * x, -30, 30)))
        rest, weight = yes - n * fitted, n * fitted * (1 - fitted)
        g0, g1 = rest.sum(axis=1), rest @ x
        w0, w1, w2 = weight.sum(axis=1), weight @ x, weight @ x**2
        step = np.column_stack([w2 * g0 - w1 * g1, w0 * g1 - w1 * g0]) / (w0 * w2 - w1**2)[:, None]
        b += np.clip(step, -1, 1)  # a long step may overshoot
        if np.abs(step).max(initial=0) < 1e-10:
            break
    slopes = np.full(len(apart), np.nan)
    slopes[~apart] = b[:, 1]
    return slopes


def _difference_twice(label, k1, n1, k2, n2, *, conf, resamples, seed):
    # The releases share papers: they are not two samples, and a p value would pretend that they are.
    closed = replace(shares.difference(k1, n1, k2, n2, conf=conf, label=label), p=None)
    rng = np.random.default_rng(seed)
    draws = _binomial(rng, k1, n1, resamples) / n1 - _binomial(rng, k2, n2, resamples) / n2
    return _twice(closed, _quantiles(draws, conf), "percentile bootstrap of papers")


def largest(table) -> str:
    """The largest difference between the two ways, in words; `table` is from `two_ways`.

    Examples
    --------
    >>> from ptmreuse.evidence import pilot, study
    >>> largest(two_ways(pilot.embedded(), study.published(), conf=0.95, resamples=999, seed=1))[:39]
    'The two ways differ most for odds ratio'
    """
    made = table.dropna(subset="apart")
    if made.empty:
        return "No number could be computed in both ways."
    row = made.loc[made["apart"].idxmax()]
    side = "lower" if abs(row["apart_low"]) >= abs(row["apart_high"]) else "upper"
    by = row[f"apart_{'low' if side == 'lower' else 'high'}"]
    share = row["scale"] in ("percent", "points")
    size = f"{100 * abs(by):.1f} percentage points" if share else f"{abs(by):.2f}"
    return (
        f"The two ways differ most for {row['label']}: the resampled {side} limit is {size} "
        f"{'higher' if by > 0 else 'lower'}, {100 * row['apart']:.0f} % of the interval's width."
    )


def side_by_side(table):
    """Shares of the evidence in `two_ways` as `figures.intervals` draws them: two intervals in one line."""
    rows = []
    drawn = (table["scale"] == "percent") & (table["data_kind"] != "published") & table["value"].notna()
    for row in table[drawn].itertuples():
        rows.append({"label": row.label, "group": "closed form", "value": row.value, "low": row.low, "high": row.high})
        rows.append({"label": "", "group": "resampling", "value": row.value, "low": row.low_resampled,
                     "high": row.high_resampled})  # fmt: skip
    return pd.DataFrame(rows, columns=["label", "group", "value", "low", "high"])
