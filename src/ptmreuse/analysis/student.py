"""A student's own study: her papers in a list, her numbers beside the study's, and which papers to code next."""

import pandas as pd

from ptmreuse import paths, wording
from ptmreuse.analysis import sampling
from ptmreuse.errors import refuse
from ptmreuse.evidence import items, pilot, study
from ptmreuse.statistics import shares

SHARES = {
    "uses_dl": "papers that use deep learning",
    "uses_ptm": "papers that reuse a pre-trained model",
    "uses_ptm_given_dl": "deep-learning papers that reuse a pre-trained model",
}
MORE = 20  # papers to code next
PUBLISHED = {  # of the full texts of May 2026: counted, of all
    "uses_dl": ("may2026_uses_dl", "may2026_full_text"),
    "uses_ptm": ("may2026_reuse_papers", "may2026_full_text"),
    "uses_ptm_given_dl": ("may2026_reuse_papers", "may2026_uses_dl"),
}


def my_papers(tables):
    """Every paper with what its first coder saw, one row per paper.

    Parameters
    ----------
    tables : dict of study tables, of all coders

    Returns
    -------
    DataFrame
        paper, year, journal, fields, coders, deep_learning, reuse, models.

    Examples
    --------
    >>> my_papers(pilot.embedded())["reuse"].value_counts().to_dict()
    {'no': 87, 'yes': 23}
    """
    first, papers = study.of_coder(tables), tables["papers"]

    def joined(frame, column):
        said = frame.groupby("paper")[column].agg(lambda values: "; ".join(dict.fromkeys(values))).to_dict()
        return [said.get(paper, "") for paper in papers["paper"]]

    models = first["reuse"].assign(said=first["reuse"]["model"] + " (" + first["reuse"]["pattern"] + ")")
    return pd.DataFrame(
        {
            "paper": papers["paper"],
            "year": papers["year"].astype("str").where(papers["year"].notna(), ""),
            "journal": papers["megajournal"],
            "fields": joined(tables["fields"], "field"),
            "coders": joined(tables["uses"], "coder"),
            "deep_learning": joined(first["uses"], "uses_dl"),
            "reuse": joined(first["uses"], "uses_ptm"),
            "models": joined(models, "said"),
        }
    ).astype("str")


def codebook(tables):
    """The codes of the questions that these papers answer at all.

    Examples
    --------
    >>> codebook(pilot.embedded())["question"].unique().tolist()
    ['pattern']
    """
    book, held = tables["codebook"], {"pattern": "reuse", "stage": "stages", "field": "fields"}
    return book[[len(tables[held[question]]) > 0 for question in book["question"]]]


def beside_the_study(tables, facts, *, conf):
    """The numbers of these papers beside those of the study, with the difference to its hand-coded papers.

    Patterns are compared only where the codebook has the study's own codes.

    Parameters
    ----------
    tables : dict of study tables, of one coder
    facts : DataFrame, from `study.published`
    conf : float

    Returns
    -------
    DataFrame
        what, yours, of (your papers), pilot, of_pilot, difference, low, high (yours minus the pilot's), points (the
        same in words), published.
    """
    theirs = pilot.embedded()
    mine, other = items.answered(tables["uses"]), items.answered(theirs["uses"])
    rows = []
    for name, what in SHARES.items():
        counted, of = (facts.loc[fact, "value"] for fact in PUBLISHED[name])
        rows.append(_beside(what, mine[name], other[name], counted / of, conf))
    for pattern in study.codes(tables, "pattern"):
        if pattern in study.PATTERNS:
            both = [_papers_with(items.items(t), pattern) for t in (tables, theirs)]
            rows.append(_beside(f"reusing papers, {pattern}", *both, float("nan"), conf))
    return pd.DataFrame(rows)


def _papers_with(codes, pattern):
    clusters = items.per_paper(codes, pattern)
    return int((clusters["of_category"] > 0).sum()), len(clusters)


def _beside(what, mine, theirs, published, conf):
    own, pilots = (shares.proportion(*counts, conf=conf) for counts in (mine, theirs))
    gap = shares.difference(*mine, *theirs, conf=conf) if mine[1] and theirs[1] else None
    shown = "n/a"
    if gap and pd.notna(gap.low):
        shown = f"{100 * gap.value:+.1f} [{100 * gap.low:.1f}, {100 * gap.high:.1f}]"
    return {
        "what": what, "yours": own.value, "of": mine[1], "pilot": pilots.value, "of_pilot": theirs[1],
        "difference": gap.value if gap else None, "low": gap.low if gap else None, "high": gap.high if gap else None,
        "points": shown, "published": published,
    }  # fmt: skip


def not_compared(tables):
    """Which codes of a codebook are not the study's, in a sentence.

    Examples
    --------
    >>> not_compared(pilot.embedded())
    "The codebook is the study's own."
    """
    other = {q: [c for c in study.codes(tables, q) if c not in own] for q, own in study.CODES.items()}
    listed = "; ".join(f"{q}: {', '.join(codes)}" for q, codes in other.items() if codes)
    if not listed:
        return "The codebook is the study's own."
    return f"These codes are not the study's, so nothing published is compared with them: {listed}."


def with_more(counted, *, conf):
    """How wide each interval is now, and with 20 more papers that divide in the same way.

    Parameters
    ----------
    counted : dict of str to (int, int)
        Papers with a yes, and of how many, from `items.answered`.
    conf : float

    Returns
    -------
    DataFrame
        what, papers, share, half_width (now), half_width_then.

    Examples
    --------
    >>> with_more({"uses_ptm": (10, 40)}, conf=0.95)[["half_width", "half_width_then"]].round(3).to_numpy().tolist()
    [[0.13, 0.107]]
    """
    rows = []
    for name, (yes, known) in counted.items():
        then = round(yes / known * (known + MORE)) if known else 0
        now, later = (shares.proportion(*pair, conf=conf) for pair in ((yes, known), (then, known + MORE)))
        widths = [(e.high - e.low) / 2 for e in (now, later)]
        rows.append((SHARES[name], known, now.value, widths[0], widths[1] if known else float("nan")))
    return pd.DataFrame(rows, columns=["what", "papers", "share", "half_width", "half_width_then"])


def uncoded(folder=None):
    """The papers not coded yet: ``uncoded.csv`` of a student's folder, columns paper and, optional, stratum.

    Raises
    ------
    StudyError
        On other columns, an empty id, or a paper twice.
    """
    path = (folder or paths.STUDY or paths.ROOT) / "uncoded.csv"
    if not path.exists():
        return pd.DataFrame(columns=["paper", "stratum"], dtype="str")
    table = study.read_csv(path)
    if not {"paper"} <= set(table) <= {"paper", "stratum"}:
        found = ", ".join(table.columns)
        refuse(paths.shown(path), "the columns paper and stratum", found, "correct the header row")
    table = table.assign(paper=table["paper"].str.strip().map(study.clean_doi), stratum=table.get("stratum", "all"))
    wrong = table[(table["paper"] == "") | table["paper"].duplicated()]
    if len(wrong):
        place = f"{paths.shown(path)}, line {wrong.index[0] + 2}"
        refuse(place, "each paper once", repr(wrong["paper"].iloc[0]), "correct this row")
    return table


def next_papers(tables, waiting, *, seed):
    """Whom to code next and whom to code twice, drawn at random within strata, with the chance that each had.

    Parameters
    ----------
    tables : dict of study tables, of all coders
    waiting : DataFrame
        From `uncoded`; papers that are coded already are left out.
    seed : int

    Returns
    -------
    DataFrame
        About 20 of each task, every stratum at least one: paper, task, stratum, of (papers in the stratum),
        inclusion_probability. A share of the papers drawn, each weighted with the inverse of its probability, is an
        estimate for all that were waiting.
    """
    first = study.of_coder(tables)["uses"]
    coders = tables["uses"].groupby("paper")["coder"].nunique()
    once = first[first["paper"].map(coders) == 1].rename(columns={"uses_ptm": "stratum"})
    drawn = []
    for task, frame in {"code": waiting[~waiting["paper"].isin(first["paper"])], "code twice": once}.items():
        if len(frame):
            some = sampling.draw(frame[["paper", "stratum"]], ["stratum"], min(1.0, MORE / len(frame)), seed)
            drawn.append(some.assign(task=task).rename(columns={"stratum_size": "of"}))
    columns = ["paper", "task", "stratum", "of", "inclusion_probability"]
    return pd.concat(drawn, ignore_index=True)[columns] if drawn else pd.DataFrame(columns=columns)


def codes_by_year(codes, papers, categories, column) -> pd.DataFrame:
    """Items (from `items.items`) per publication year and code; a year that is not known is a row of its own."""
    dated = codes.merge(papers[["paper", "year"]], on="paper")
    years = dated["year"].astype("str").where(dated["year"].notna(), "unknown")
    return pd.crosstab(years, dated[column]).reindex(columns=list(categories), fill_value=0).reset_index()


def intervals_in_words(table):
    """The rows of an interval figure in words, for its alternative text.

    Examples
    --------
    >>> intervals_in_words(pd.DataFrame({"label": ["a"], "value": [0.5], "low": [0.4], "high": [0.6]}))
    'a 50.0\\xa0% (40.0\\xa0% to 60.0\\xa0%)'
    """
    p = wording.percent
    return "; ".join(f"{r.label} {p(r.value)} ({p(r.low)} to {p(r.high)})" for r in table.itertuples())
