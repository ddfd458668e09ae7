"""Patterns, stages and models: shares, ranks and who leads."""

from dataclasses import replace

import numpy as np
import pandas as pd
from scipy import stats

from ptmreuse.evidence import items
from ptmreuse.evidence.study import PATTERNS, STAGES
from ptmreuse.statistics import estimate, overlap, ranks, shares


def pattern_shares(reuse, *, conf, categories=PATTERNS):
    """Each pattern's share of pairs (the papers were sampled) and of papers (Wilson).

    Returns
    -------
    table : DataFrame
        One row per pattern: pattern, pairs, pair_share, pair_low, pair_high, papers, paper_share, paper_low,
        paper_high. Paper shares add up to more than 1 where papers reuse by several patterns.
    estimates : dict
        (pattern, "pairs" or "papers") to Estimate.

    Examples
    --------
    >>> said = ["adaptation", "adaptation", "deployment", "unknown"]  # paper c has no known pattern
    >>> codes = pd.DataFrame({"paper": list("aabc"), "pattern": said})
    >>> _, found = pattern_shares(codes, conf=0.95)
    >>> [(found["adaptation", unit].detail["k"], found["adaptation", unit].n) for unit in ("pairs", "papers")]
    [(2.0, 3.0), (1, 2)]
    """
    rows, estimates = [], {}
    for pattern in categories:
        clusters = items.per_paper(reuse, pattern)
        pairs = shares.clustered_share(
            clusters["of_category"], clusters["items"], conf=conf, label=f"{pattern}, share of pairs"
        )
        having = int((clusters["of_category"] > 0).sum())
        papers = shares.proportion(having, len(clusters), conf=conf, label=f"{pattern}, share of reusing papers")
        estimates[pattern, "pairs"], estimates[pattern, "papers"] = pairs, papers
        counted = int(clusters["of_category"].sum())
        rows.append(
            (pattern, counted, pairs.value, pairs.low, pairs.high, having, papers.value, papers.low, papers.high)
        )
    columns = [f"{unit}{c}" for unit in ("pair", "paper") for c in ("s", "_share", "_low", "_high")]
    return pd.DataFrame(rows, columns=["pattern", *columns]), estimates


def stage_shares(stages, *, conf, categories=STAGES):
    """Each stage's share of the instances with a known stage, in the order of the scientific process.

    Parameters
    ----------
    stages : DataFrame
        From `items` with question *stage*.
    conf : float

    Returns
    -------
    DataFrame
        stage, instances, share, low, high.

    Examples
    --------
    >>> stages = pd.DataFrame({"paper": list("aabc"), "stage": ["Test", "Analysis", "Test", "Test"]})
    >>> stage_shares(stages, conf=0.95).set_index("stage").loc[["Test", "Analysis"], "share"].tolist()
    [0.75, 0.25]
    """
    rows = []
    for stage in categories:
        clusters = items.per_paper(stages, stage, "stage")
        share = shares.clustered_share(clusters["of_category"], clusters["items"], conf=conf)
        count = int(clusters["of_category"].sum())
        rows.append({"stage": stage, "instances": count, "share": share.value, "low": share.low, "high": share.high})
    return pd.DataFrame(rows)


def most_reused(reuse, by, *, conf):
    """The most reused models by *canonical* name or by *family*, as `rank_counts`; a model counts once per paper.

    Examples
    --------
    >>> codes = pd.DataFrame({"paper": list("aabb"), "family": ["U-Net", "U-Net", "U-Net", "BERT"]})
    >>> most_reused(codes, "family", conf=0.95)[["name", "count"]].to_numpy().tolist()
    [['U-Net', 2], ['BERT', 1]]
    """
    counts = reuse.drop_duplicates(["paper", by])[by].value_counts()
    return rank_counts(counts, conf=conf)


def rank_counts(counts, *, conf):
    """Rank intervals (`ranks.rank_intervals`) of counts by model or family; the order of the counts does not matter."""
    counts = counts.sort_index()
    return ranks.rank_intervals(counts.to_numpy(), counts.index.tolist(), conf=conf)


def rank(codes, column, category, *, conf, resamples, seed, unit="pairs"):
    """The rank of one category by frequency, with a percentile bootstrap over papers.

    Parameters
    ----------
    codes : DataFrame
        One row per counted thing (a pair, a stage, a paper in a field), with columns paper and `column`.
    column : str
        Holds the categories; rows with *unknown* are left out.
    category : str
        Whose rank is asked for. In a tie every tied category has the best of their ranks. A category that never occurs
        has the last rank; a model has none, because how many other models were not seen either is unknown.
    conf, resamples, seed
    unit : str
        What a row is.

    Returns
    -------
    Estimate
        Rank 1 is the most frequent; `detail["leads"]` is the share of resamples in which it is first.
        NaN with less than two papers.

    Examples
    --------
    >>> codes = pd.DataFrame({"paper": list("aabc"), "pattern": ["x", "x", "x", "y"]})
    >>> rank(codes, "pattern", "x", conf=0.95, resamples=199, seed=1).value
    1.0
    >>> [rank(codes[codes["paper"] < end], "pattern", "x", conf=0.5, resamples=9, seed=1).high for end in "bc"]
    [nan, 1.0]
    >>> again = [rank(codes, "pattern", "x", conf=0.8, resamples=6, seed=seed) for seed in range(9)]
    >>> {(e.low, e.high) for e in again} <= {(1, 1), (1, 2)}  # a limit is a rank, never between two
    True
    """
    resamples = estimate.draws_of("rank", resamples)
    known = codes[codes[column] != "unknown"]
    papers = known["paper"].nunique()
    if papers < 2:
        reason = "no spread between papers, there is only one" if papers else "nothing coded"
        return estimate.undefined(len(known), unit, reason, conf=conf, label="rank", scale="rank")
    table = known.groupby(["paper", column]).size().unstack(fill_value=0)
    if category not in table and column in ("canonical", "family"):
        reason = f"none of these papers reuses {category}"
        return estimate.undefined(len(known), unit, reason, conf=conf, label=f"rank of {category}", scale="rank")
    if category not in table:
        table[category] = 0
    counts = table.to_numpy()
    own = table.columns.get_loc(category)
    rng = np.random.default_rng(seed)
    drawn_ranks, block = [], max(1, 5_000_000 // papers)  # blocks keep the resamples of a large corpus within memory
    for start in range(0, resamples, block):
        drawn = rng.multinomial(papers, np.full(papers, 1 / papers), size=min(block, resamples - start))
        totals = drawn.astype("float64") @ counts
        drawn_ranks.append(1 + (totals > totals[:, [own]]).sum(axis=1))
    resampled = np.concatenate(drawn_ranks)
    low, high = np.quantile(resampled, [(1 - conf) / 2, (1 + conf) / 2], method="inverted_cdf")
    observed = counts.sum(axis=0)
    return estimate.Estimate(
        float(1 + (observed > observed[own]).sum()), float(low), float(high), conf,
        f"percentile bootstrap of {papers:,} papers", int(observed.sum()), unit,
        detail={"leads": float((resampled == 1).mean()), "categories": table.shape[1]},
        label=f"rank of {category}", scale="rank",
    )  # fmt: skip


def fields_differ(codes, fields, *, resamples, seed):
    """Whether fields differ in their patterns; a paper can have several of both.

    Parameters
    ----------
    codes : DataFrame
        One row per pair: paper, pattern.
    fields : DataFrame
        One row per paper and field.
    resamples, seed : int

    Returns
    -------
    Estimate
        From `overlap.multi_select`, of the papers that reuse and have a field.

    Examples
    --------
    >>> fields = pd.DataFrame({"paper": list("abcd"), "field": ["x", "x", "y", "y"]})
    >>> codes = pd.DataFrame({"paper": list("abcd"), "pattern": ["p", "p", "q", "q"]})
    >>> fields_differ(codes, fields, resamples=199, seed=1).value
    1.0
    """
    papers = sorted(set(codes["paper"]) & set(fields["paper"]))
    tables = [
        pd.crosstab(part["paper"], part[column]).clip(upper=1).reindex(papers)
        for part, column in ((fields[fields["paper"].isin(papers)], "field"), (codes, "pattern"))
    ]
    if not papers:
        return estimate.undefined(0, "papers", "no reusing paper has a field", label="root-mean-square phi")
    return overlap.multi_select(*tables, resamples=resamples, seed=seed)


def runner_up(counted, category, column="pattern") -> str:
    """The most frequent pattern, stage or field but `category`, by papers; in a tie the first by name.

    Examples
    --------
    >>> codes = pd.DataFrame({"paper": list("aaabc"), "pattern": ["deployment"] * 3 + ["conceptual"] * 2})
    >>> runner_up(codes, "adaptation"), runner_up(codes[codes["paper"] < "c"], "adaptation")
    ('conceptual', 'conceptual')
    """
    others = sorted(set(items.CATEGORIES[column]) - {category})
    papers = counted.drop_duplicates(["paper", column])[column].value_counts()
    return papers.reindex(others, fill_value=0).idxmax()


def lead_over(counted, category, other, column="pattern", *, conf):
    """Do more papers have one pattern, stage or field than another? A sign test over papers.

    Returns
    -------
    Estimate
        Among the papers with exactly one of the two, the share that has `category`; `p` is the exact test of one
        half (McNemar's exact test). NaN if no paper has exactly one of them.

    Examples
    --------
    >>> codes = pd.DataFrame({"paper": list("abccd"), "pattern": ["x", "x", "x", "y", "y"]})
    >>> print(lead_over(codes, "x", "y", conf=0.95).sentence)
    x rather than y 66.7 %, 95 % CI [20.8, 93.9] (Wilson), 2 of 3 papers; exact sign test p = 1.000
    """
    has, rival = (set(counted.loc[counted[column] == c, "paper"]) for c in (category, other))
    only, papers = len(has - rival), len(has ^ rival)
    share = shares.proportion(only, papers, conf=conf, label=f"{category} rather than {other}")
    if not papers:
        return share
    p = stats.binomtest(only, papers).pvalue
    return replace(share, p=float(p), detail=share.detail | {"test": "exact sign test"})


def worst_rank(groups):
    """The rank that a category surely has everywhere; `groups` holds one Estimate of `rank` per group, such as a field.

    Returns
    -------
    Estimate
        The lowest rank; its interval goes from the best rank that holds in every group to the worst possible one. A
        group too small for a rank leaves every rank open.

    Examples
    --------
    >>> sure = pd.DataFrame({"paper": range(9), "pattern": "x"})
    >>> one = sure.iloc[:1]  # a field with one paper
    >>> found = worst_rank([rank(part, "pattern", "x", conf=0.95, resamples=99, seed=1) for part in (sure, one)])
    >>> found.value, found.low, found.high
    (1.0, 1.0, 3.0)
    """
    told = [r for r in groups if not np.isnan(r.low)]
    if not told:
        return groups[0]
    worst = max(told, key=lambda r: (r.value, r.high))
    high = max(r.high for r in told) if len(told) == len(groups) else float(len(PATTERNS))
    return replace(worst, low=max(r.low for r in told), high=max(high, worst.high))
