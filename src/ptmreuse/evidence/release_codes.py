"""What the released database says, as study tables: answers of one paper brought together, conflicts unknown."""

from collections import Counter, defaultdict

import pandas as pd

from ptmreuse.evidence import names, study
from ptmreuse.evidence.tables import account

CODER = "language model"
# The answer tables and what each one asked.
ANSWER_TABLES = {
    "uses_dl_analysis": "uses_dl",
    "uses_ptms_analysis": "uses_ptm",
    "identify_ptms_analysis": "model",
    "identify_ptm_reuse_analysis": "pattern",
    "identify_ptm_impact_analysis": "stage",
}


def tables(papers, read, books, kind, sha256) -> dict[str, pd.DataFrame]:
    """Study tables of one database.

    Parameters
    ----------
    papers : dict
        DOI to `release.Paper`.
    read : dict
        Answer table to its (row, DOI, Answer).
    books : release._Books
        Rows read and rejects.
    kind : {'coded', 'simulated'}
    sha256 : str
        Of the database.
    """
    listed = {model for table in ANSWER_TABLES for _, _, answer in read[table] for model, _ in answer.items}
    known = names.normalise(sorted(listed)).set_index("as_written")
    canonical = known["canonical"].to_dict()
    uses, how_read = _uses(read, papers)
    items = {}
    for table in ("identify_ptms_analysis", "identify_ptm_reuse_analysis", "identify_ptm_impact_analysis"):
        question = ANSWER_TABLES[table]
        items[question], flags = _agreed(read[table], canonical)
        how_read += [
            (question, str(row), doi, a.status, a.shape, _listing(a, question), flags.get(row, ""))
            for row, doi, a in read[table]
        ]
    reuse = pd.DataFrame(items["pattern"], columns=["paper", "model", "pattern"])
    stages = pd.DataFrame(items["stage"], columns=["paper", "model", "stage"])
    frame = pd.DataFrame(
        [(doi, doi, p.year, p.megajournal, p.cited_by, p.science, _full_text(p)) for doi, p in papers.items()],
        columns=["paper", "doi", "year", "megajournal", "cited_by", "natural_science", "full_text"],
    )
    made = {
        "papers": frame.astype({"year": "Int64", "cited_by": "Int64"}),
        "fields": pd.DataFrame(
            [(doi, field) for doi, p in papers.items() for field in p.fields], columns=["paper", "field"]
        ),
        "uses": pd.DataFrame(uses, columns=["paper", "uses_dl", "uses_ptm"]).assign(coder=CODER),
        "reuse": reuse.assign(
            coder=CODER,
            canonical=reuse["model"].map(canonical).astype("str"),
            family=reuse["model"].map(known["family"].to_dict()).astype("str"),
        ),
        "stages": stages.assign(coder=CODER),
        "answers": pd.DataFrame(how_read, columns=list(study.SCHEMA["answers"])),
        "rejects": pd.DataFrame(books.rejects, columns=list(study.SCHEMA["rejects"])),
        "provenance": _provenance(books, kind, sha256),
    }
    return study.validate(made, where=books.where)


def _full_text(paper):
    return "yes" if paper.has_text else "no" if paper.science == "yes" else "unknown"


def _listing(answer, question):
    if question == "model":
        return "|".join(item.model.replace("|", "/") for item in answer.items)
    return "|".join(item.category for item in answer.items)


def _provenance(books, kind, sha256):
    lost = Counter(reject[1] for reject in books.rejects)
    return pd.DataFrame(
        account("release", kind, f"{books.where}, {table}", count, lost[table], sha256=sha256)
        for table, count in books.read.items()
    )


def _uses(read, papers):
    """One row per paper that was asked, and how its answers were read."""
    said, how_read = {}, []
    for table in ("uses_dl_analysis", "uses_ptms_analysis"):
        question = ANSWER_TABLES[table]
        here = said[question] = defaultdict(set)
        for _, doi, answer in read[table]:
            here[doi].add(answer.value)
        seen = set()
        for row, doi, answer in read[table]:
            again = "repeat" if (doi, answer.value) in seen else ""
            flag = "" if answer.value == "unknown" else "conflict" if {"yes", "no"} <= here[doi] else again
            seen.add((doi, answer.value))
            how_read.append((question, str(row), doi, answer.status, answer.shape, answer.value, flag))
    dl, ptm = said["uses_dl"], said["uses_ptm"]
    rows = []
    for doi in papers:
        if doi in dl or doi in ptm:
            first = _one(dl[doi])
            # the study asks about reuse only after deep learning
            rows.append((doi, first, "no" if first == "no" and doi not in ptm else _one(ptm[doi])))
    return rows, how_read


def _one(values):
    known = values - {"unknown"}
    return known.pop() if len(known) == 1 else "unknown"


def _agreed(read, canonical):
    """Items (paper, model as written, category) and the flag of each answer row.

    Several answers about one paper agree on an item if every one of them has it; an answer that names the
    model without a readable category does not disagree. What they do not agree on becomes *unknown*.
    """
    by_paper = defaultdict(dict)
    for row, doi, answer in read:
        if answer.items:
            by_paper[doi][row] = answer.items
    items, flags = {}, {}
    for doi, rows in by_paper.items():
        views = []
        for found in rows.values():
            view = defaultdict(set)
            for model, category in found:
                view[canonical[model]].add(category)
            views.append(view)
        for row, view in list(zip(rows, views, strict=True))[1:]:
            flags[row] = "repeat" if view == views[0] else "conflict"
            if view != views[0]:
                flags[next(iter(rows))] = "conflict"
        for found in rows.values():
            for model, category in found:
                agreed = all(
                    category in view.get(canonical[model], ()) or view.get(canonical[model]) == {"unknown"}
                    for view in views
                )
                items[doi, model, category if agreed else "unknown"] = None
    return list(items), flags
