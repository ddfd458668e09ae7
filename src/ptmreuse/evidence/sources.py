"""Where the evidence comes from: one way in for every source, and one way to count what came.

The source is a parameter; whatever it is, the same study tables come out and everything after is the same.
"""

from pathlib import Path

import pandas as pd

from ptmreuse import paths
from ptmreuse.errors import StudyError, refuse
from ptmreuse.evidence import checked, fetch, folder, items, plos, simulated, study
from ptmreuse.evidence.pilot import embedded, read_pilot
from ptmreuse.evidence.release import read_release
from ptmreuse.evidence.tables import account
from ptmreuse.parameters import DEFAULTS

LATE = "published after"  # begins the reason of the papers that `until` sets aside

# How the study tables of each source are read, given the parameters of the run.
READERS = {
    "embedded": lambda values: embedded(),
    "pilot": lambda values: read_pilot(values["pilot"] or fetch.PILOT),
    "release": lambda values: read_release(_path(values, "release", "the authors' SQLite database")),
    "plos": lambda values: plos.read_plos(fetch.FOLDER),
    "tables": lambda values: folder.read_folder(_path(values, "tables", "a folder of study tables")),
    "simulated": lambda values: simulated.simulate_corpus(values["seed"], papers=values["simulated_papers"])[0],
}


def load_source(source, **values):
    """The study tables of one source; their accounts balance.

    Parameters
    ----------
    source : str
        Of `READERS`.
    **values
        Parameters of the run; one that is not given has its default. Papers published after `last_year` are set
        aside and listed as rejects; a paper without a year stays.

    Raises
    ------
    StudyError
        On an unknown source, a missing path, or bad input of the source.

    Examples
    --------
    >>> tables = load_source("embedded")
    >>> len(tables["papers"]), study.data_kind(tables)
    (110, 'coded')
    """
    if source not in READERS:
        refuse("source", f"one of {', '.join(READERS)}", repr(source), "choose one of them")
    values = DEFAULTS | values
    loaded = until(READERS[source](values), values["last_year"], source)
    study.accounting(loaded)
    return loaded


def write_evidence(step, values, scratch):
    """The step *tables*: write the study tables of the source in use into the folder ``tables``.

    Beside it ``checked.csv``: what people checked, empty without a validation folder.
    """
    tables = load_source(**values)
    if not paths.STUDY:
        refuse_other_codes(tables)
    chosen = study.of_coder(tables, values["coder"])  # a mistyped coder stops here, before any notebook
    rows = checked.read(values["validation"], chosen) if values["validation"] else pd.DataFrame(columns=checked.COLUMNS)
    rows.to_csv(scratch / "checked.csv", index=False, lineterminator="\n")
    study.write(tables, scratch / "tables")


def refuse_other_codes(tables):
    """Refuse papers with codes that the chapters of the study do not know.

    Raises
    ------
    StudyError

    Examples
    --------
    >>> refuse_other_codes(embedded())
    """
    for question in ("pattern", "stage"):
        other = [code for code in study.codes(tables, question) if code not in study.CODES[question]]
        if other:
            raise StudyError(
                expected=f"a {question} among the study's own", found=", ".join(other), where="source tables, codebook",
                do="make a book of its own for it: python -m ptmreuse new FOLDER, then book --study FOLDER",
            )  # fmt: skip


def _path(values, source, what):
    if not values[source]:
        refuse(f"source {source}", f"the path of {what}", "none", f"set {source}: PATH")
    return Path(values[source])


def until(tables, last_year, source):
    """Set aside the papers published after a year, with all their rows; nothing else changes.

    The papers are listed as rejects, with an entry of their own in the accounts.

    Examples
    --------
    >>> from ptmreuse.evidence.pilot import embedded
    >>> tables = until(embedded(), 2022, "embedded")
    >>> len(tables["papers"]), len(tables["rejects"])
    (90, 20)
    """
    papers = tables["papers"]
    late = papers[(papers["year"] > last_year).fillna(False)]
    if late.empty:
        return tables
    kept = {
        name: frame[~frame["paper"].isin(late["paper"])].reset_index(drop=True) if "paper" in frame else frame
        for name, frame in tables.items()
    }
    what = f"papers published up to {last_year}"
    if len(late) == len(papers):
        refuse(f"source {source}", what, "none", "choose a later last_year")
    rejects = late[["paper"]].rename(columns={"paper": "row"}).assign(
        source=source, table="papers", reason=f"{LATE} {last_year}", snippet=late["year"].astype("str")
    )  # fmt: skip
    entry = account(source, study.data_kind(tables), what, len(papers), len(late))
    kept["rejects"] = pd.concat([tables["rejects"], rejects], ignore_index=True)
    kept["provenance"] = pd.concat([tables["provenance"], pd.DataFrame([entry])], ignore_index=True)
    # What is left of a checked table is as it was checked; two have a new row.
    longer = study.validate({name: kept[name] for name in ("rejects", "provenance")}, where=source)
    return kept | {name: longer[name] for name in ("rejects", "provenance")}


def whole(tables):
    """Whether no paper was set aside that the study itself counted (it ends with the default of `last_year`).

    Examples
    --------
    >>> from ptmreuse.evidence.pilot import embedded
    >>> whole(embedded()), whole(until(embedded(), 2022, "embedded"))
    (True, False)
    """
    late = tables["rejects"][tables["rejects"]["reason"].str.startswith(LATE)]
    return not (late["snippet"].astype("int64") <= DEFAULTS["last_year"]).any()


# Counting ---------------------------------------------------------------------------------------------


def counts(tables, coder=""):
    """What a study comes to, in one object that can be printed as JSON; the same for every source.

    Parameters
    ----------
    tables : dict of str to DataFrame
        Study tables.
    coder : str
        Whose codes are counted; empty means the first coder that the study names.

    Returns
    -------
    dict
        ``papers, cited, natural_science, full_text``: papers after each filter, each within the one before
        (a paper of the natural-science frame is cited by its definition). ``dl_coded, ptm_coded``: papers
        with a *yes* or *no* to the question, the second among papers that were asked it; ``uses_dl,
        uses_ptm``: those with *yes*. ``reuse_items, stages``: one per (paper, canonical model, pattern or
        stage), known ones only; ``reuse_papers``: papers with at least one. ``fields``: papers per
        natural-science field, each paper whole in each of its fields; a field without papers is left out.
        ``years``: papers per publication year. ``rejects``: rows per table and reason.

    Raises
    ------
    StudyError
        If the coder has no codes here.

    Examples
    --------
    >>> from ptmreuse.evidence.pilot import embedded
    >>> result = counts(embedded())
    >>> result["uses_dl"], result["uses_ptm"], result["reuse_items"]["adaptation"]
    (39, 23, 21)
    """
    own = study.of_coder(tables, coder)
    papers, rejects, uses = tables["papers"], tables["rejects"], own["uses"]
    science = papers["natural_science"]
    dl, ptm = uses["uses_dl"], uses["uses_ptm"]
    # Of an answer table we know who was asked; a person who says "no deep learning" need not answer the second.
    asked = tables["answers"].loc[tables["answers"]["question"] == "uses_ptm", "paper"]
    asked = uses["paper"].isin(asked) if len(tables["answers"]) else (dl != "no") | (ptm == "yes")
    users = {q: set(uses.loc[uses[q] == "yes", "paper"]) for q in ("uses_dl", "uses_ptm")}
    patterns, stages = (items.items(own, q) for q in ("pattern", "stage"))
    codes = study.codes(tables, "pattern")
    by_year = papers.assign(year=papers["year"].astype("str").where(papers["year"].notna(), "unknown"))
    return {
        "papers": len(papers),
        "cited": int(((papers["cited_by"] > 0).fillna(False) | (science == "yes")).sum()),
        "natural_science": int((science == "yes").sum()),
        "full_text": int(((science != "no") & (papers["full_text"] == "yes")).sum()),
        "dl_coded": int((dl != "unknown").sum()),
        "uses_dl": len(users["uses_dl"]),
        "ptm_coded": int((asked & (ptm != "unknown")).sum()),
        "uses_ptm": len(users["uses_ptm"]),
        "reuse_items": {p: int((patterns["pattern"] == p).sum()) for p in sorted(codes)},
        "reuse_papers": {p: patterns.loc[patterns["pattern"] == p, "paper"].nunique() for p in sorted(codes)},
        "stages": {s.lower(): int((stages["stage"] == s).sum()) for s in study.codes(tables, "stage")},
        "fields": {
            field: {q: len(users[q] & set(group["paper"])) for q in users}
            for field, group in tables["fields"].groupby("field")
            if field in study.codes(tables, "field")
        },
        "years": {
            year: {"papers": len(group), **{q: len(users[q] & set(group["paper"])) for q in users}}
            for year, group in by_year.groupby("year")
        },
        "rejects": {
            table: {reason: int(n) for reason, n in sorted(group["reason"].value_counts().items())}
            for table, group in rejects.groupby("table")
        },
    }
