"""What a study table is: its columns, what a value may be, and the check of one table."""

import difflib
import re
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from ptmreuse.errors import StudyError

# Text is kept the same way with and without pyarrow, which only testers have: they test what readers run.
pd.set_option("mode.string_storage", "python")

FIELDS = (
    "Agricultural and Biological Sciences",
    "Biochemistry, Genetics and Molecular Biology",
    "Chemistry",
    "Earth and Planetary Sciences",
    "Environmental Science",
    "Immunology and Microbiology",
    "Neuroscience",
    "Physics and Astronomy",
)
PATTERNS = ("conceptual", "adaptation", "deployment")
STAGES = ("Observation", "Background", "Hypothesis", "Test", "Analysis", "Conclusion")
ANSWERS = ("yes", "no", "unknown")
QUESTIONS = ("uses_dl", "uses_ptm", "model", "pattern", "stage")
CODES = {"pattern": PATTERNS, "stage": STAGES, "field": FIELDS}  # of the study; a codebook may have others
MEGAJOURNALS = ("PLOS", "Frontiers", "F1000", "BMJ")
CODED = ("papers", "fields", "uses", "reuse", "stages")  # the tables that people write; the pipeline adds the others
KINDS = ("published", "coded", "simulated")
SIMULATED = 0x53494D55  # SQLite application id ("SIMU") of a generated database, so that none passes for a release

# column -> what a value may be: a type, or the closed list of its values. "text?" may be empty.
SCHEMA: dict[str, dict[str, Any]] = {
    "papers": {
        "paper": "text",
        "doi": "text?",
        "year": "year?",
        "megajournal": "text?",
        "cited_by": "count?",
        "natural_science": ANSWERS,
        "full_text": ANSWERS,
    },
    "fields": {"paper": "text", "field": "text"},
    "uses": {"paper": "text", "coder": "text", "uses_dl": ANSWERS, "uses_ptm": ANSWERS},
    "reuse": {
        "paper": "text",
        "coder": "text",
        "model": "text",
        "canonical": "text",
        "family": "text",
        "pattern": (*PATTERNS, "unknown"),
    },
    "stages": {"paper": "text", "coder": "text", "model": "text", "stage": (*STAGES, "unknown")},
    "answers": {
        "question": QUESTIONS,
        "row": "text",
        "paper": "text",
        "status": "text",
        "shape": "text?",
        "said": "text?",  # yes, no, unknown; or the items' patterns or stages in their order, joined by |
        "flag": ("", "repeat", "conflict"),
    },
    "rejects": {"source": "text", "table": "text", "row": "text", "reason": "text", "snippet": "text?"},
    "provenance": {
        "source": "text",
        "kind": KINDS,
        "path": "text",
        "sha256": "text?",
        "version": "text?",
        "rows_read": "count",
        "rows_kept": "count",
        "rows_rejected": "count",
    },
    "codebook": {"question": tuple(CODES), "code": "text", "definition": "text?", "order": "count?"},
}
KEYS = {
    "papers": ["paper"],
    "fields": ["paper", "field"],
    "uses": ["paper", "coder"],
    "reuse": ["paper", "coder", "model", "pattern"],
    "stages": ["paper", "coder", "model", "stage"],
    "answers": ["question", "row"],
    "rejects": ["source", "table", "row"],
    "provenance": ["source", "path"],
    "codebook": ["question", "code"],
}


def empty(table):
    """An empty table of the schema.

    Examples
    --------
    >>> list(empty("fields").columns)
    ['paper', 'field']
    """
    return _empty(table).copy()


@lru_cache
def _empty(table):
    return pd.DataFrame({column: pd.Series(dtype=_dtype(kind)) for column, kind in SCHEMA[table].items()})


def _dtype(kind):
    return "Int64" if kind in ("year?", "count", "count?") else "str"


_DOI = re.compile(r"(?:(?:https?://)?(?:(?:dx|www)\.)?doi\.org/|doi:?\s*)?(10\.\d{4,9}(?:/|%2f)\S+)", re.I)


@lru_cache(maxsize=1 << 16)
def clean_doi(text):
    """A DOI in one spelling: lower case, nothing before it; any other text as it is.

    Examples
    --------
    >>> [clean_doi(t) for t in ("https://doi.org/10.1371/A.1", "doi:10.1371/a.1", "10.1371%2Fa.1", "Paper 7")]
    ['10.1371/a.1', '10.1371/a.1', '10.1371/a.1', 'Paper 7']
    """
    found = _DOI.fullmatch(text)
    return found.group(1).lower().replace("%2f", "/") if found else text


def checked(frame, name, where, refuse, coded=None) -> pd.DataFrame:
    """One table in the schema's order and types.

    Parameters
    ----------
    frame : DataFrame
    name : str
        Which table it is.
    where : str
        Where it comes from, for the message.
    refuse : callable
        Receives a `StudyError` for every problem.
    coded : dict, optional
        Column to the codes that a codebook gives it, instead of the study's own.
    """
    wanted = SCHEMA[name]
    missing = [c for c in wanted if c not in frame.columns]
    surplus = [c for c in frame.columns if c not in wanted]
    if missing or surplus:
        only = str(frame.columns[0]) if len(frame.columns) == 1 else ""
        split = next((sign for sign in (";", "\t") if sign in only), None)
        told = "no " + ", ".join(missing) if missing else "also " + ", ".join(map(str, surplus))
        do = "correct the header row"
        if split:
            told, do = f"{'semicolons' if split == ';' else 'tabs'} between them", "save the file as CSV with commas"
        expected = f"the columns {', '.join(wanted)}"
        refuse(StudyError(expected=expected, found=told, where=f"{where}, table {name}", do=do))
        return empty(name)
    if frame.empty:
        return empty(name)
    frame = frame[list(wanted)].reset_index(drop=True)
    wanted = {c: (*coded[c], "unknown") if coded and c in coded else kind for c, kind in wanted.items()}
    out = {column: _column(frame[column], kind, f"{where}, table {name}", refuse) for column, kind in wanted.items()}
    result = pd.DataFrame(out)
    for column in {"paper", "doi"} & set(wanted):
        result[column] = result[column].map(clean_doi).astype("str")
    repeated = result.duplicated(KEYS[name])
    for row in np.flatnonzero(repeated):
        told = " + ".join(map(repr, result.loc[row, KEYS[name]])) + " again"
        expected, place = f"each {' + '.join(KEYS[name])} once", f"{where}, table {name}, row {row + 1}"
        refuse(StudyError(expected=expected, found=told, where=place, do="remove or merge the repeated row"))
    return result


def _column(values, kind, where, refuse):
    text = values.astype("str").where(values.notna(), "") if values.hasnans else values.astype("str")
    text = text.str.strip()
    if isinstance(kind, tuple):
        bad, expected = ~text.isin(kind), "one of " + ", ".join(kind)
    elif kind == "text":
        bad, expected = text == "", "some text"
    elif kind == "text?":
        bad, expected = pd.Series(False, index=text.index), ""
    else:
        number = pd.to_numeric(text.where(text != ""), errors="coerce")
        allowed_empty = (text == "") & kind.endswith("?")
        low, high = (1900, 2100) if kind == "year?" else (0, 2**53)
        bad = ~(number.between(low, high) & (number % 1 == 0)) & ~allowed_empty
        expected = "a year from 1900 to 2100" if kind == "year?" else "a whole number, 0 or more"
    words = {word.lower(): word for word in kind} if isinstance(kind, tuple) else {}
    for row in np.flatnonzero(bad):
        told, place = repr(text.iloc[row])[:80], f"{where}, row {row + 1}, column {values.name}"
        near = difflib.get_close_matches(text.iloc[row].lower()[:80], words, 1)
        do = f"did you mean {words[near[0]]}?" if near else "correct this value"
        refuse(StudyError(expected=expected, found=told, where=place, do=do))
    if _dtype(kind) != "str" and bad.any():
        number = number.where(~bad)
    return text if _dtype(kind) == "str" else number.astype("Int64")
