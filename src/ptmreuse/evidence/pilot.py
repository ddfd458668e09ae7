"""The study's hand-coded pilot: as embedded in data/, or from the authors' workbook."""

import datetime
import re
import warnings
from pathlib import Path
from zipfile import BadZipFile

import pandas as pd

from ptmreuse import paths
from ptmreuse.errors import StudyError, refuse
from ptmreuse.evidence import fetch, names, study, tables

CORRECTIONS = "pilot_corrections.csv"


def embedded() -> dict[str, pd.DataFrame]:
    """The pilot that the study's authors coded by hand, as study tables (data kind: coded).

    Papers go by their DOI. Publication years are those of data/pilot_papers.csv, where a year that the workbook
    has wrong is corrected and the date as written stands beside it.

    Raises
    ------
    StudyError
        If a year, a correction, or the papers with pairs contradict the workbook's dates and answers.
    """
    papers_path, pairs_path = paths.DATA / "pilot_papers.csv", paths.DATA / "pilot_pairs.csv"
    coded, pairs = study.read_csv(papers_path), study.read_csv(pairs_path)
    corrected = _corrections()
    for row, paper in enumerate(coded.itertuples(), start=1):
        written = paper.date_as_written[-4:]
        if paper.year != corrected["year"].get(paper.doi, written):
            raise StudyError(
                expected=f"the year {written} as written, or a correction in data/{CORRECTIONS}",
                found=repr(paper.year), where=f"{paths.shown(papers_path)}, row {row}, column year",
                do="correct the year, or name the correction with its source",
            )  # fmt: skip
    stray = sorted(set(pairs["doi"]) ^ set(coded.loc[coded["reuses_ptm"] == "yes", "doi"]))
    if stray:
        raise StudyError(
            expected="pairs for every paper that reuses a model, and for no other",
            found=f"{stray[0]} in one of them only",
            where=f"{paths.shown(papers_path)} against {paths.shown(pairs_path)}",
            do="correct the file that differs from the authors' workbook",
        )  # fmt: skip
    accounts = [
        tables.of_file("embedded", path, len(rows)) for path, rows in ((papers_path, coded), (pairs_path, pairs))
    ]
    coded = coded.rename(columns={"doi": "paper", "reuses_ptm": "uses_ptm"})
    pairs = pairs.rename(columns={"doi": "paper"})
    accounts += _correction_entries("embedded", coded["paper"])
    return _tables(coded, coded, pairs, accounts, "embedded pilot")


def _tables(papers, uses, pairs, accounts, where):
    """The pilot's papers, answers and pairs as study tables."""
    found = names.normalise(pairs["model"])
    made = {
        "papers": papers[["paper", "year"]].assign(
            doi=papers["paper"], megajournal="PLOS", cited_by=pd.NA, natural_science="yes", full_text="unknown"
        ),
        "uses": uses[["paper", "uses_dl", "uses_ptm"]].assign(coder="authors"),
        "reuse": pairs.assign(coder="authors", canonical=found["canonical"], family=found["family"]),
        "provenance": pd.DataFrame(accounts),
    }
    return study.validate(made, where=where)


def _corrections():
    """The corrections of the pilot workbook, by DOI: year_as_written, year, reason, source."""
    return study.read_csv(paths.DATA / CORRECTIONS).set_index("doi")


def _correction_entries(source, dois):
    """The entry in the accounts that names the corrections that were applied to these papers, if any was."""
    applied = _corrections().loc[lambda table: table.index.isin(dois)]
    said = [
        f"{doi}: year {row['year_as_written']} as written, corrected to {row['year']}"
        for doi, row in applied.iterrows()
    ]
    return [tables.of_file(source, paths.DATA / CORRECTIONS, len(said), version="; ".join(said))] if said else []


PILOT_COLUMNS = ("DOI", "Review Date", "Uses DL?", "Are PTMs Used?", "PTM and PTM Reuse Method Pairings")


def read_pilot(path):
    """The authors' hand-coding workbook as study tables (data kind: coded).

    One sheet, one paper per row: DOI, date, two yes/no answers, and ``[model, pattern]`` pairs separated by
    semicolons. A year that data/pilot_corrections.csv corrects is taken from there and the accounts say so; a
    workbook that has another year by now is taken as it is.

    Raises
    ------
    StudyError
        If the workbook is missing, is none, or a cell is not what its column asks for (with the cell).
    """
    path = Path(path)
    where = paths.shown(path)
    if not path.exists():
        refuse(where, "the pilot workbook", "no such file", f"run make data; {fetch.BY_HAND}")
    rows = _sheet(path, where)
    header = [str(cell or "").strip() for cell in next(rows, ())][: len(PILOT_COLUMNS)]
    if tuple(header) != PILOT_COLUMNS:
        refuse(
            where, f"the columns {', '.join(PILOT_COLUMNS)}",
            ", ".join(header) or "an empty sheet", "use the workbook as the authors published it",
        )  # fmt: skip
    papers, uses, pairs = [], [], []
    corrected, applied = _corrections(), []
    for number, row in enumerate(rows, start=2):
        cells = list(row[: len(PILOT_COLUMNS)])
        if not any(cell not in (None, "") for cell in cells):
            continue
        doi, date, dl, ptm, listed = cells
        doi = str(doi or "").strip().lower()
        if not doi:
            _refuse(where, f"A{number}", "a DOI", doi)
        year = _year(date, where, number)
        if doi in corrected.index and str(year) == corrected.loc[doi, "year_as_written"]:
            applied.append(doi)  # named in the accounts
            year = int(corrected.loc[doi, "year"])
        papers.append((doi, year))
        uses.append((doi, _yes_no(dl, where, f"C{number}"), _yes_no(ptm, where, f"D{number}")))
        pairs += [(doi, *pair) for pair in _pairs(listed, where, number)]
    accounts = [tables.of_file("pilot", path, len(papers)), *_correction_entries("pilot", applied)]
    return _tables(
        pd.DataFrame(papers, columns=["paper", "year"]), pd.DataFrame(uses, columns=["paper", "uses_dl", "uses_ptm"]),
        pd.DataFrame(pairs, columns=["paper", "model", "pattern"]), accounts, where,
    )  # fmt: skip


def _sheet(path, where):
    import openpyxl  # loads slowly and only this source needs it
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        with warnings.catch_warnings():
            # Styles that openpyxl does not know say nothing about the cells.
            warnings.filterwarnings("ignore", category=UserWarning, module="openpyxl")
            book = openpyxl.load_workbook(path, read_only=True, data_only=True)
            values = list(book.worksheets[0].iter_rows(values_only=True))
            book.close()
    except (OSError, KeyError, ValueError, BadZipFile, InvalidFileException) as error:
        found, do = f"a file that cannot be read as one ({error})", f"run make data again; {fetch.BY_HAND}"
        raise StudyError(expected="an Excel workbook (.xlsx)", found=found, where=where, do=do) from error
    return iter(values)


def _refuse(where, cell, expected, found):
    refuse(f"{where}, cell {cell}", expected, repr(found)[:80], "correct this cell")


def _year(date, where, number):
    if isinstance(date, datetime.date | datetime.datetime):
        return date.year
    found = re.fullmatch(r"\s*\d{1,2}/\d{1,2}/(\d{4})\s*", str(date))
    if not found:
        _refuse(where, f"B{number}", "a date as month/day/year", date)
    return int(found.group(1))


def _yes_no(value, where, cell):
    said = {"true": "yes", "false": "no"}.get(str(value).strip().lower())
    if said is None:
        _refuse(where, cell, "True or False", value)
    return said


def _pairs(listed, where, number):
    pairs = []
    for part in str(listed or "").split(";"):
        if not part.strip():
            continue
        found = re.fullmatch(r"\s*\[(.+),\s*(\w+)\s*\]\s*", part)
        if not found or found.group(2).lower() not in study.PATTERNS:
            _refuse(where, f"E{number}", f"[model, pattern] with a pattern of {', '.join(study.PATTERNS)}", part)
        pairs.append((found.group(1).strip(), found.group(2).lower()))
    return pairs
