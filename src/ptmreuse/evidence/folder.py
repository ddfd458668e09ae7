"""A student's own folder of tables, read into study tables or refused in one sentence."""

import difflib
import importlib.util
import re
from pathlib import Path

import pandas as pd

from ptmreuse import paths, wording
from ptmreuse.errors import StudyError, StudyErrors, refuse
from ptmreuse.evidence import names, study
from ptmreuse.evidence.tables import of_file

BESIDE = ("claims", "uncoded")  # tables of a student's folder that are no study tables
EXAMPLE = "EXAMPLE"  # how the ids of the rows begin that a new folder has for show
SUMS = re.compile(r"((grand )?total|sum|summe|gesamt|somme|suma|totale|average|mean|mittelwert|count)s?\W*", re.I)

# A folder of tables ---------------------------------------------------------------------------------------


def read_folder(folder):
    """A student's own coded papers: one CSV or Parquet file per study table, and a codebook of her own if she has one.

    In table reuse the columns canonical and family may be missing or empty; they are then looked up. Without
    a provenance table the files are taken as coded by people, which is data kind *coded*.

    Raises
    ------
    StudyError
        With file, line, column, value and what was expected, all mistakes at once; also if two files claim one
        table, if a Parquet file is met without pyarrow, or if there is no paper.
    """
    folder = Path(folder)
    where = paths.shown(folder)
    files = _files(folder, where)
    tables = {name: _read_table(file) for name, file in files.items()}
    if "reuse" in tables:
        tables["reuse"] = _with_names(tables["reuse"])
    if "provenance" not in tables:
        coded = [name for name in study.CODED if name in files]
        inputs = [of_file("tables", files[name], len(tables[name])) for name in coded]
        inputs = [row | {"path": f"{where}/{files[name].name}"} for name, row in zip(coded, inputs, strict=True)]
        tables["provenance"] = pd.DataFrame(inputs)
    found = []
    tables = study.validate(tables, where=where, found=found)
    for row, paper in tables["papers"]["paper"].items():
        what, do = "", "take it out"
        if paper.startswith(EXAMPLE):
            what, do = f"the example {paper}", "remove the example rows from every table"
        elif SUMS.fullmatch(paper):
            what = f"the row of sums {paper!r}"
        if what:
            place = f"{where}, table papers, row {row + 1}"
            found.append(StudyError(expected="your own papers", found=what, where=place, do=do))
    found = found or _contradictions(tables, where)
    if found:
        raise StudyErrors([_in_file(error, files, where) for error in found])
    if tables["papers"].empty:
        refuse(f"{where}/{files['papers'].name}", "at least one paper", "none", "add a row per paper")
    return tables


def _files(folder, where):
    """The file of each table in a folder."""
    start = "copy data/template, or python -m ptmreuse new FOLDER"
    if not folder.is_dir():
        refuse(where, "a folder of study tables", "a file" if folder.exists() else "no such folder", start)
    files = {}
    for file in sorted(folder.iterdir()):
        table = file.is_file() and file.suffix in (".csv", ".parquet")
        if file.stem in BESIDE or file.name.startswith(("._", ".~", "~$")):
            continue  # also what an operating system or a spreadsheet program leaves behind
        if not table and file.name.split(".")[0].lower() not in study.CODED:
            continue  # notes, the folder of a coding run
        if not table or file.stem not in study.SCHEMA:
            expected = f"files named {', '.join(study.SCHEMA)} that end in .csv or .parquet"
            nowhere = "" if file.exists() else ", a link that leads nowhere"
            found = f"the folder {file.name}" if file.is_dir() else file.name + nowhere
            do = "rename it or move it elsewhere; python -m ptmreuse import reads other tables"
            refuse(where, expected, found, do)
        if file.stem in files:
            both = f"{files[file.stem].name} and {file.name}"
            refuse(where, f"one file for table {file.stem}", both, "keep the one that is right")
        files[file.stem] = file
    if "papers" not in files:
        refuse(where, "a file papers.csv", "none", start)
    return files


def _in_file(error, files, where):
    """The same problem with the file's name and, of a text file, the line of the row."""
    place, do = error.where, error.do
    for name, file in files.items():
        if place.startswith(f"{where}, table {name}"):
            place = place.replace(f"{where}, table {name}", f"{where}/{file.name}", 1)
            row = re.search(r"\brow (\d+)", place) if file.suffix == ".csv" else None
            do += f" (line {int(row[1]) + 1} of the file)" if row else ""
    return StudyError(expected=error.expected, found=error.found, where=place, do=do)


def own_codebook(folder, again=False):
    """What the codebook of a folder lists, if it is not the one that a new study begins with; else None.

    Where a spreadsheet is read `again`, a question without any definition was listed by the import before.
    """
    file = Path(folder) / "codebook.csv"
    if not file.exists() or file.read_bytes() == (paths.SCAFFOLD / "codebook.csv").read_bytes():
        return None
    written = study.read_csv(file)
    book = study.validate({"codebook": written}, where=paths.shown(file))["codebook"]
    book = book[book["question"].isin(written["question"].str.strip())]
    return book[book.groupby("question")["definition"].transform(any)] if again else book


def refuse_overwriting(folder):
    """Refuse a folder whose tables hold more than the examples that a new study begins with.

    Raises
    ------
    StudyError
    """
    for name in study.CODED:
        file, example = Path(folder) / f"{name}.csv", paths.SCAFFOLD / f"{name}.csv"
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        if len(lines) > 1 and lines != example.read_text(encoding="utf-8").splitlines():
            do = "add --replace to write over them, or import into another folder"
            refuse(paths.shown(folder), "no codes yet", f"{name}.csv with rows", do)


def _contradictions(tables, where):
    """Where tables contradict each other; and data that would be taken for what the study published are refused."""
    if study.data_kind(tables) == "published":
        do = "write coded: published are the study's own facts"
        refuse(f"{where}, table provenance", "coded or simulated papers", "kind published", do)
    found = []
    said = tables["reuse"].merge(tables["uses"], on=["paper", "coder"], how="left")
    coders = dict.fromkeys(tables["uses"]["coder"])
    for row, answer in said["uses_ptm"].items():
        if answer in ("yes", "unknown"):
            continue
        coder, paper = said.loc[row, "coder"], said.loc[row, "paper"]
        near = [c for c in coders if c.casefold() == coder.casefold() and c != coder]
        problem = "the answer that it reuses none" if answer == "no" else "no answer about reuse"
        found.append(
            StudyError(
                expected="uses_ptm yes (or unknown) for a paper whose models are listed", found=problem,
                where=f"{where}, tables reuse and uses, paper {paper}, coder {coder}",
                do=f"did you mean the coder {near[0]}?" if near else "correct one of the two tables",
            )
        )  # fmt: skip
    return found


def _read_table(file):
    if file.suffix == ".csv":
        table = study.read_csv(file)
        for column in table:  # a quotation mark that is never closed swallows the rows after it
            broken = table[column].str.contains(r"[\x00-\x08\x0a-\x1f]")
            if broken.any():
                row = int(broken.to_numpy().argmax())
                place = f"{paths.shown(file)}, row {row + 1}, column {column}"
                found = repr(table[column].iloc[row])[:80]
                do = "close the quotation mark, or take the sign out"
                refuse(place, "every cell in one line, of visible signs", found, do)
        return table
    if importlib.util.find_spec("pyarrow") is None:
        do = "install pyarrow or save the table as CSV"
        refuse(paths.shown(file), "pyarrow, which reads Parquet files", "it is not installed", do)
    try:
        return pd.read_parquet(file)
    except (OSError, ValueError) as error:
        found = f"a file that cannot be read as one ({error})"
        refuse(paths.shown(file), "a Parquet table", found, "save it again or save it as CSV")


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
        One row per table: table, rows, papers (different papers in it), note (fields that the codebook does not list:
        other sciences, or misspelt).

    Raises
    ------
    StudyError
        As `read_folder`, and if the accounts do not balance.
    """
    tables = read_folder(folder)
    study.accounting(tables)
    fields = tables["fields"]["field"]
    others = fields[~fields.isin(study.codes(tables, "field"))].value_counts().sort_index()
    listed = ", ".join(f"{field} ({rows})" for field, rows in others.items())
    eight = "the study's eight" if set(study.codes(tables, "field")) == set(study.FIELDS) else "the codebook's fields"
    notes = {"fields": f"not among {eight}: {listed}" if listed else ""}
    rows = [(name, len(tables[name]), tables[name]["paper"].nunique(), notes.get(name, "")) for name in study.CODED]
    return pd.DataFrame(rows, columns=["table", "rows", "papers", "note"])


def remarks(tables):
    """What is allowed and more often a slip; then what a book about these papers can say, and what not.

    Parameters
    ----------
    tables : dict of str to DataFrame
        From `read_folder`.

    Returns
    -------
    list of str

    Examples
    --------
    >>> from ptmreuse.evidence import pilot
    >>> remarks(pilot.embedded())[-3:]
    ['no stages: 0 papers with a known stage', 'no fields: no coded paper has a field', 'no agreement: one coder']
    """
    notes, uses = [], tables["uses"]
    odd = uses.loc[(uses["uses_dl"] == "no") & (uses["uses_ptm"] == "yes"), "paper"]
    notes += [f"{len(odd)} papers reuse a model but use no deep learning, such as {odd.iloc[0]}"] if len(odd) else []
    for what, column in {"papers": tables["papers"]["paper"], "coders": pd.Series(study.coders(tables))}.items():
        alike = column.groupby(column.map(wording.look)).agg(list)
        notes += [f"{what} that look alike: {' and '.join(map(repr, group))}" for group in alike if len(group) > 1]
    known = names.load_aliases()["canonical"].unique()
    written = names.normalise(tables["reuse"]["model"].drop_duplicates())
    for model in sorted(written.loc[written["how"] == "unmatched", "as_written"]):
        near = difflib.get_close_matches(model, known, n=1, cutoff=0.85)
        notes += [f"model {model!r} is in no list; did you mean {near[0]}?"] if near else []
    return notes + _can_say(tables)


def _can_say(tables):
    """What a book about these papers will be able to say, question by question, and why not."""
    first = study.of_coder(tables)
    answered = first["uses"][first["uses"]["uses_ptm"] != "unknown"]
    yes = answered[answered["uses_ptm"] == "yes"]
    years = first["papers"].loc[first["papers"]["paper"].isin(answered["paper"]), "year"].nunique()
    pairs = first["reuse"].loc[first["reuse"]["pattern"] != "unknown", "paper"].nunique()
    stages = first["stages"].loc[first["stages"]["stage"] != "unknown", "paper"].nunique()
    fields = first["fields"]["paper"].isin(answered["paper"]).any()
    raters = study.coders(tables)
    both = 0
    if len(raters) > 1:
        coded = [set(tables["uses"].loc[tables["uses"]["coder"] == c, "paper"]) for c in raters[:2]]
        both = len(coded[0] & coded[1])
    varied = 0 < len(yes) < len(answered)
    told = {
        "share of reuse": (len(answered) > 0, "no answer is known"),
        "trend": (varied and years >= 2, f"{years} years" if varied else "all answers are alike"),
        "patterns": (pairs > 1, f"{pairs} papers with a known pattern"),
        "stages": (stages > 1, f"{stages} papers with a known stage"),
        "fields": (fields, "no coded paper has a field"),
        "agreement": (both > 0, "one coder" if len(raters) < 2 else "no paper was coded by both"),
    }
    can = [name for name, (able, _) in told.items() if able]
    return [f"the book can speak of: {', '.join(can) or 'nothing yet'}"] + [
        f"no {name}: {why}" for name, (able, why) in told.items() if not able
    ]
