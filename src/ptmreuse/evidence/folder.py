"""Where the evidence comes from: one way in for every source, and one way to count what came.

The source is a parameter; whatever it is, the same study tables come out and everything after is the same.
"""

import importlib.util
from pathlib import Path

import pandas as pd

from ptmreuse import paths
from ptmreuse.errors import StudyError
from ptmreuse.evidence import names, pilot, study

# A folder of tables ---------------------------------------------------------------------------------------


def read_folder(folder):
    """A student's own coded papers: one CSV or Parquet file per study table.

    In table reuse the columns canonical and family may be missing or empty; they are then looked up. Without
    a provenance table the files are taken as coded by people, which is data kind *coded*.

    Raises
    ------
    StudyError
        With file, row, column, value and what was expected; also if two files claim one table, if a Parquet
        file is met without pyarrow, or if there is no paper.
    """
    folder = Path(folder)
    where = paths.shown(folder)
    if not folder.is_dir():
        found = "a file" if folder.exists() else "no such folder"
        raise StudyError(
            expected="a folder of study tables", found=found, where=where, do="copy data/template and fill it in"
        )
    files = {}
    for file in sorted(folder.iterdir()):
        table = file.is_file() and file.suffix in (".csv", ".parquet")
        if not table and file.name.split(".")[0].lower() not in pilot.CODED:
            continue  # notes, the folder of a coding run
        if not table or file.stem not in study.SCHEMA:
            raise StudyError(
                expected=f"files named {', '.join(study.SCHEMA)} that end in .csv or .parquet",
                found=f"the folder {file.name}" if file.is_dir() else file.name,
                where=where,
                do="rename it or move it elsewhere",
            )
        if file.stem in files:
            raise StudyError(
                expected=f"one file for table {file.stem}",
                found=f"{files[file.stem].name} and {file.name}",
                where=where,
                do="keep the one that is right",
            )
        files[file.stem] = file
    if "papers" not in files:
        raise StudyError(
            expected="a file papers.csv", found="none", where=where, do="copy data/template and fill it in"
        )
    tables = {name: _read_table(file) for name, file in files.items()}
    if "reuse" in tables:
        tables["reuse"] = _with_names(tables["reuse"])
    if "provenance" not in tables:
        tables["provenance"] = pd.DataFrame(
            [
                pilot._input_sources("tables", files[name], f"{where}/{files[name].name}", len(tables[name]))
                for name in pilot.CODED
                if name in files
            ]
        )
    try:
        tables = study.validate(tables, where=where)
    except StudyError as error:
        place = error.where
        for name, file in files.items():
            place = place.replace(f"{where}, table {name}", f"{where}/{file.name}", 1)
        raise StudyError(expected=error.expected, found=error.found, where=place, do=error.do) from None
    if tables["papers"].empty:
        raise StudyError(
            expected="at least one paper",
            found="none",
            where=f"{where}/{files['papers'].name}",
            do="add a row per paper",
        )
    _agree(tables, where)
    return tables


def _agree(tables, where):
    """Refuse tables that contradict each other, and data that would be taken for what the study published."""
    if study.data_kind(tables) == "published":
        raise StudyError(
            expected="coded or simulated papers", found="kind published", where=f"{where}, table provenance",
            do="write coded: published are the study's own facts",
        )  # fmt: skip
    said = tables["reuse"].merge(tables["uses"], on=["paper", "coder"], how="left")
    for problem, rows in {
        "no answer about reuse": said["uses_ptm"].isna(),
        "the answer that it reuses none": said["uses_ptm"] == "no",
    }.items():
        if rows.any():
            first = said[rows].iloc[0]
            raise StudyError(
                expected="uses_ptm yes (or unknown) for a paper whose models are listed", found=problem,
                where=f"{where}, tables reuse and uses, paper {first['paper']}, coder {first['coder']}",
                do="correct one of the two tables",
            )  # fmt: skip


def _read_table(file):
    if file.suffix == ".csv":
        table = study.read_csv(file)
        for column in table:  # a quotation mark that is never closed swallows the rows after it
            broken = table[column].str.contains(r"[\r\n]")
            if broken.any():
                row = int(broken.to_numpy().argmax())
                raise StudyError(
                    expected="every cell in one line", found=repr(table[column].iloc[row])[:80],
                    where=f"{paths.shown(file)}, row {row + 1}, column {column}",
                    do="close the quotation mark, or take the line break out",
                )  # fmt: skip
        return table
    if importlib.util.find_spec("pyarrow") is None:
        raise StudyError(
            expected="pyarrow, which reads Parquet files",
            found="it is not installed",
            where=paths.shown(file),
            do="install pyarrow or save the table as CSV",
        )
    try:
        return pd.read_parquet(file)
    except (OSError, ValueError) as error:
        raise StudyError(
            expected="a Parquet table",
            found=f"a file that cannot be read as one ({error})",
            where=paths.shown(file),
            do="save it again or save it as CSV",
        ) from error


def _with_names(reuse):
    if "model" not in reuse:
        return reuse  # the check of the columns says so
    found = names.normalise(reuse["model"])
    given = reuse.reindex(columns=dict.fromkeys([*reuse.columns, "canonical", "family"]))
    for column in ("canonical", "family"):
        text = given[column].astype("str").str.strip().where(given[column].notna(), "")
        given[column] = text.where(text != "", found[column])
    return given


def validate_folder(folder):
    """Check a folder of study tables as `load_source` would.

    Returns
    -------
    DataFrame
        One row per table: table, rows, papers (different papers in it), note (fields that are not among the
        study's eight: other sciences, or misspelt).

    Raises
    ------
    StudyError
        As `read_folder`, and if the accounts do not balance.
    """
    tables = read_folder(folder)
    study.accounting(tables)
    fields = tables["fields"]["field"]
    others = fields[~fields.isin(study.FIELDS)].value_counts().sort_index()
    listed = ", ".join(f"{field} ({rows})" for field, rows in others.items())
    notes = {"fields": f"not among the study's eight: {listed}" if listed else ""}
    rows = [(name, len(tables[name]), tables[name]["paper"].nunique(), notes.get(name, "")) for name in pilot.CODED]
    return pd.DataFrame(rows, columns=["table", "rows", "papers", "note"])
