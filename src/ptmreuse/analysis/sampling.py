"""Sampling: the funnel of papers, strata, a reproducible sample, how many papers to check."""

import math

import numpy as np
import pandas as pd

from ptmreuse.errors import StudyError, refuse
from ptmreuse.statistics import estimate, shares, size

# Each release's funnel, from published fact ids; what one filter leaves is what the next one starts from.
FUNNELS = {
    "v1": {
        "papers analysed": "v1_analysed",
        "cited at least once": "v1_cited",
        "natural science": "v1_natural_science",
        "reuse a pre-trained model": "v1_reuse_papers",
    },
    "May 2026": {
        "papers found": "may2026_found",
        "cited at least once": "may2026_cited",
        "natural science": "may2026_natural_science",
        "with full text": "may2026_full_text",
        "use deep learning": "may2026_uses_dl",
        "reuse a pre-trained model": "may2026_reuse_papers",
    },
}


def flow(found, facts, who, kind):
    """Of a hundred papers, how many use deep learning and how many reuse a model: by the coders in use, by the machine.

    Parameters
    ----------
    found : list of Estimate
        Shares that use deep learning and that reuse a model.
    facts : DataFrame, from `study.published`
    who : str
        Whose codes these are.
    kind : str
        Data kind of the papers in use.

    Returns
    -------
    DataFrame
        release (whose codes), filter, papers (of a hundred), share (of the line above), data_kind. Who found nothing is
        left out.

    Examples
    --------
    >>> from ptmreuse.evidence import study
    >>> table = flow([shares.proportion(39, 110), shares.proportion(23, 110)], study.published(), "people", "coded")
    >>> table["papers"].tolist()
    [100, 35, 21, 100, 67, 26]
    """
    texts, dl, reuse = (int(facts.loc[f"may2026_{name}", "value"]) for name in ("full_text", "uses_dl", "reuse_papers"))
    lines = {
        (who, kind): [1, *(share.value for share in found)],
        ("A language model, May 2026", "published"): [1, dl / texts, reuse / texts],
    }
    steps = ("papers", "use deep learning", "reuse a trained model")
    rows = [
        (name, step, round(100 * part), part / before if before else math.nan, sign)
        for (name, sign), parts in lines.items()
        if not any(map(math.isnan, parts))
        for step, part, before in zip(steps, parts, [0, *parts], strict=False)
    ]
    return pd.DataFrame(rows, columns=["release", "filter", "papers", "share", "data_kind"])


def funnels(facts, *, conf):
    """The published funnels: papers left by each filter and the share of the filter before; `facts` is from
    `study.published`.

    Returns
    -------
    DataFrame
        One row per release and filter: release, filter, papers, share, low, high (Wilson), source_kind, source.

    Raises
    ------
    StudyError
        If a filter leaves more papers than it was given.

    Examples
    --------
    >>> from ptmreuse.evidence import study
    >>> table = funnels(study.published(), conf=0.95)
    >>> table.loc[table["release"] == "v1", "papers"].tolist()
    [17511, 13815, 4384, 631]
    """
    rows = []
    for release, filters in FUNNELS.items():
        before = None
        for name, fact in filters.items():
            papers = int(facts.loc[fact, "value"])
            if before is not None and papers > before:
                where, do = f"published fact {fact}", "compare it with its source"
                refuse(where, f"at most {before} papers", str(papers), do)
            share = estimate.undefined(0, "papers", "nothing to be a share of")
            if before is not None:
                share = shares.proportion(papers, before, conf=conf)
            source = facts.loc[fact, ["source_kind", "source"]]
            rows.append((release, name, papers, share.value, share.low, share.high, *source))
            before = papers
    columns = ["release", "filter", "papers", "share", "low", "high", "source_kind", "source"]
    return pd.DataFrame(rows, columns=columns)


# Shares that both releases allow to compute, though not of the same kind of papers: part, whole in v1, in May 2026.
# That the reusing papers of v1 lie among its natural-science papers is assumed.
COMPARED = {
    "cited, of papers analysed (v1) or found": ("v1_cited", "v1_analysed", "may2026_cited", "may2026_found"),
    "natural science, of the cited": ("v1_natural_science", "v1_cited", "may2026_natural_science", "may2026_cited"),
    "reuse, of natural science (v1) or full texts": (
        "v1_reuse_papers", "v1_natural_science", "may2026_reuse_papers", "may2026_full_text",
    ),
}  # fmt: skip


def releases(facts, *, conf):
    """The shares that both releases allow to compute, side by side; `facts` is from `study.published`.

    Returns
    -------
    DataFrame
        Two rows per share, v1 and May 2026: label (empty in the second), share, group, papers, of, value, low, high.

    Examples
    --------
    >>> from ptmreuse.evidence import study
    >>> table = releases(study.published(), conf=0.95)
    >>> table.loc[table["share"].str.startswith("reuse"), "value"].round(3).tolist()
    [0.144, 0.264]
    """
    rows = []
    for label, ids in COMPARED.items():
        counts = [int(facts.loc[name, "value"]) for name in ids]
        for group, (part, whole) in {"v1": counts[:2], "May 2026": counts[2:]}.items():
            share = shares.proportion(part, whole, conf=conf)
            first = label if group == "v1" else ""
            rows.append((first, label, group, part, whole, share.value, share.low, share.high))
    return pd.DataFrame(rows, columns=["label", "share", "group", "papers", "of", "value", "low", "high"])


def by_year(papers, uses):
    """Papers per year, with how many answered each question and how many with yes.

    Parameters
    ----------
    papers, uses : DataFrame
        Study tables; `uses` of one coder.

    Returns
    -------
    DataFrame
        One row per year from the first to the last: year, papers, dl_coded (papers with a known answer), uses_dl,
        ptm_coded, uses_ptm. An unknown answer is in papers only: it is never a no. Papers without a year are in
        no row.

    Examples
    --------
    >>> papers = pd.DataFrame({"paper": ["a", "b"], "year": [2020, 2022]})
    >>> uses = pd.DataFrame({"paper": ["a", "b"], "uses_dl": ["yes", "no"], "uses_ptm": ["unknown", "no"]})
    >>> by_year(papers, uses).to_numpy().tolist()
    [[2020, 1, 1, 1, 0, 0], [2021, 0, 0, 0, 0, 0], [2022, 1, 1, 0, 1, 0]]
    """
    coded = papers.merge(uses, on="paper", validate="one_to_one")
    counts = {"papers": coded.groupby("year").size()}
    for question in ("dl", "ptm"):
        answers = coded[f"uses_{question}"]
        counts[f"{question}_coded"] = (answers != "unknown").groupby(coded["year"]).sum()
        counts[f"uses_{question}"] = (answers == "yes").groupby(coded["year"]).sum()
    table = pd.DataFrame(counts)
    years = range(int(table.index.min()), int(table.index.max()) + 1) if len(table) else []
    return table.reindex(years, fill_value=0).astype("int64").rename_axis("year").reset_index()


def yearly_shares(years, answers, conf):
    """Share of the papers of each year, with Wilson intervals, for several answers.

    Parameters
    ----------
    years : DataFrame
        From `by_year`; years without a known answer are left out.
    answers : iterable of str
        uses_dl, uses_ptm.
    conf : float

    Returns
    -------
    DataFrame
        year, series (the answer), share, low, high, papers (with a known answer).

    Examples
    --------
    >>> years = pd.DataFrame({"year": [2020], "dl_coded": [4], "uses_dl": [1]})
    >>> yearly_shares(years, ["uses_dl"], 0.95)[["series", "share", "papers"]].to_numpy().tolist()
    [['uses_dl', 0.25, 4]]
    """
    rows = []
    for answer in answers:
        asked = answer.removeprefix("uses_") + "_coded"
        for year, papers, yes in years.loc[years[asked] > 0, ["year", asked, answer]].itertuples(index=False):
            share = shares.proportion(yes, papers, conf=conf)
            rows.append((year, answer, share.value, share.low, share.high, papers))
    return pd.DataFrame(rows, columns=["year", "series", "share", "low", "high", "papers"])


def merge_hits(hits):
    """One paper found by several keywords is one paper.

    Parameters
    ----------
    hits : DataFrame
        paper, megajournal, keyword; one row per search hit.

    Returns
    -------
    DataFrame
        paper, megajournal, hits, keywords (joined by "; "), sorted by paper.

    Examples
    --------
    >>> hits = pd.DataFrame({"paper": ["a", "a", "b"], "megajournal": "PLOS", "keyword": ["x", "y", "x"]})
    >>> merge_hits(hits)["hits"].tolist()
    [2, 1]
    """
    keywords = hits.groupby(["paper", "megajournal"])["keyword"]
    return keywords.agg(hits="size", keywords=lambda found: "; ".join(sorted(set(found)))).reset_index()


def draw(frame, strata, fraction, seed):
    """Draw a stratified simple random sample, without replacement, the same for the same seed.

    From a stratum of N papers, round(fraction N) papers are drawn, at least one.

    Parameters
    ----------
    frame : DataFrame
        One row per paper, with column paper and the strata columns.
    strata : list of str
        Columns that define the strata, such as year and megajournal.
    fraction : float
        Sampling fraction, above 0 and at most 1.
    seed : int

    Returns
    -------
    DataFrame
        The drawn rows, sorted by paper, with stratum_size, stratum_sample, inclusion_probability
        (stratum_sample / stratum_size) and weight (its inverse). Weights add up to the frame.

    Raises
    ------
    StudyError
        If the fraction is not in (0, 1], a paper stands twice, or a stratum value is missing.

    Examples
    --------
    >>> frame = pd.DataFrame({"paper": list("abcdefgh"), "year": [2020] * 5 + [2021] * 3})
    >>> sample = draw(frame, ["year"], 0.4, seed=1)
    >>> len(sample), float(sample["weight"].sum())
    (3, 8.0)
    """
    fraction = estimate.numbers("sampling, fraction", fraction, 0).item()
    if not 0 < fraction <= 1:
        refuse("sampling", "a sampling fraction above 0 and at most 1", str(fraction), "give a share such as 0.1")
    if frame["paper"].duplicated().any():
        twice = frame.loc[frame["paper"].duplicated(), "paper"].iloc[0]
        refuse("sampling", "each paper once in the frame", f"{twice} twice", "merge its hits")
    if frame[strata].isna().any().any():
        raise StudyError(
            expected=f"a value of {' and '.join(strata)} for every paper",
            found=f"{int(frame[strata].isna().any(axis=1).sum())} papers without", where="sampling",
            do="complete the frame; a paper without stratum can never be drawn",
        )  # fmt: skip
    # The order of the input must not decide who is drawn.
    frame = frame.sort_values("paper", ignore_index=True)
    rng = np.random.default_rng(seed)
    shuffled = frame.iloc[rng.permutation(len(frame))]
    papers = shuffled.groupby(strata)["paper"].transform("size")
    wanted = np.maximum(1, np.rint(fraction * papers)).astype("int64")
    place = shuffled.groupby(strata).cumcount()
    sample = shuffled.assign(
        stratum_size=papers, stratum_sample=wanted, inclusion_probability=wanted / papers, weight=papers / wanted
    )
    return sample[place < wanted].sort_values("paper", ignore_index=True)


def reconcile(frame, sample, by):
    """Does the sample stand for the frame? Papers, drawn papers and sum of weights per group, and a last row "all".

    Raises
    ------
    StudyError
        If weights do not add up to the papers of a group.
    """
    table = pd.DataFrame(
        {
            "papers": frame.groupby(by).size(),
            "drawn": sample.groupby(by).size(),
            "sum_of_weights": sample.groupby(by)["weight"].sum(),
        }
    ).reset_index()
    if not np.allclose(table["papers"], table["sum_of_weights"]):
        raise StudyError(
            expected="weights that add up to the frame",
            found=f"{table['sum_of_weights'].sum():.1f} for {table['papers'].sum()} papers", where="stratified sample",
            do="draw by the same strata as the frame was counted by",
        )  # fmt: skip
    total = {by: "all", **table[["papers", "drawn", "sum_of_weights"]].sum().to_dict()}
    table[by] = table[by].astype("str")
    return pd.concat([table, pd.DataFrame([total])], ignore_index=True).astype({"papers": "int64", "drawn": "int64"})


def plan(populations, half_width, conf):
    """How many papers to check, with finite-population correction, for several populations.

    Parameters
    ----------
    populations : dict of str to int
        Name to number of papers.
    half_width : float
        Half the interval length wanted, as a share.
    conf : float

    Returns
    -------
    DataFrame
        population, papers, without_correction, with_correction, share_checked.

    Examples
    --------
    >>> plan({"reusing": 631}, 0.05, 0.95)["with_correction"].tolist()
    [240]
    """
    rows = []
    for name, papers in populations.items():
        free = int(size.sample_size(half_width, conf=conf).value)
        corrected = int(size.sample_size(half_width, conf=conf, population=papers).value)
        rows.append((name, papers, free, corrected, corrected / papers))
    columns = ["population", "papers", "without_correction", "with_correction", "share_checked"]
    return pd.DataFrame(rows, columns=columns)
