"""Where the evidence comes from: one way in for every source, and one way to count what came.

The source is a parameter; whatever it is, the same study tables come out and everything after is the same.
"""

import datetime
import hashlib
import importlib.util
import re
import shutil
import tempfile
import warnings
from pathlib import Path
from zipfile import BadZipFile

import pandas as pd

from ptmreuse import answers, fetch, names, paths, release, replies, reuse, simulation, study
from ptmreuse.errors import StudyError
from ptmreuse.parameters import DEFAULTS

SOURCES = ("embedded", "pilot", "release", "tables", "simulated")
# Tables of a folder; provenance and rejects are written by the pipeline.
CODED = ("papers", "fields", "uses", "reuse", "stages")
LATE = "published after"  # begins the reason of the papers that `until` sets aside
PILOT_COLUMNS = ("DOI", "Review Date", "Uses DL?", "Are PTMs Used?", "PTM and PTM Reuse Method Pairings")


def load_source(source, *, release=None, tables=None, pilot=None, last_year=2025, seed=42, simulated_papers=18091):
    """The study tables of one source.

    Parameters
    ----------
    source : {'embedded', 'pilot', 'release', 'tables', 'simulated'}
    release, tables, pilot : path-like, optional
        The SQLite file, the folder, or the workbook of the source of that name. An empty workbook path means
        where ``make data`` puts it.
    last_year : int
        Papers published later are set aside and listed as rejects; a paper without a year stays.
    seed, simulated_papers : int
        Of the simulated corpus.

    Returns
    -------
    dict of str to DataFrame
        Checked study tables whose accounts balance.

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
    if source == "embedded":
        loaded = study.embedded()
    elif source == "pilot":
        loaded = read_pilot(pilot or fetch.PILOT)
    elif source == "release":
        loaded = read_release(_given(release, source, "the authors' SQLite database"))
    elif source == "tables":
        loaded = read_folder(_given(tables, source, "a folder of study tables"))
    elif source == "simulated":
        loaded = simulation.simulate_corpus(seed, papers=simulated_papers)[0]
    else:
        raise StudyError(
            expected=f"one of {', '.join(SOURCES)}", found=repr(source), where="source", do="choose one of them"
        )
    loaded = until(loaded, last_year, source)
    study.accounting(loaded)
    return loaded


def write_evidence(step, values, scratch):
    """The step *tables*: write the study tables of the source in use.

    Parameters
    ----------
    step : steps.Step
    values : dict
        The parameters of the run.
    scratch : Path
        Receives the folder ``tables``.
    """
    tables = load_source(**{name: values[name] for name in step.parameters if name != "coder"})
    study.of_coder(tables, values["coder"])  # a mistyped coder stops here, before any notebook
    study.write(tables, scratch / "tables")


def _given(path, source, what):
    if not path:
        raise StudyError(
            expected=f"the path of {what}", found="none", where=f"source {source}", do=f"set {source}: PATH"
        )
    return Path(path)


def until(tables, last_year, source):
    """Set aside the papers published after a year, with all their rows; nothing else changes.

    The papers are listed as rejects, with an entry of their own in the accounts.

    Examples
    --------
    >>> tables = until(study.embedded(), 2022, "embedded")
    >>> len(tables["papers"]), len(tables["rejects"])
    (91, 19)
    """
    papers = tables["papers"]
    late = papers[(papers["year"] > last_year).fillna(False)]
    if late.empty:
        return tables
    kept = {
        name: frame[~frame["paper"].isin(late["paper"])].reset_index(drop=True) if "paper" in frame else frame
        for name, frame in tables.items()
    }
    rejects = pd.DataFrame(
        {
            "source": source,
            "table": "papers",
            "row": late["paper"],
            "reason": f"{LATE} {last_year}",
            "snippet": late["year"].astype("str"),
        }
    )
    entry = {
        "source": source,
        "kind": study.data_kind(tables),
        "path": f"papers published up to {last_year}",
        "sha256": "",
        "version": "",
        "rows_read": len(papers),
        "rows_kept": len(papers) - len(late),
        "rows_rejected": len(late),
    }
    if len(late) == len(papers):
        raise StudyError(
            expected=f"papers published up to {last_year}", found="none", where=f"source {source}",
            do="choose a later last_year",
        )  # fmt: skip
    kept["rejects"] = pd.concat([tables["rejects"], rejects], ignore_index=True)
    kept["provenance"] = pd.concat([tables["provenance"], pd.DataFrame([entry])], ignore_index=True)
    return study.validate(kept, where=source)


def whole(tables):
    """Whether no paper was set aside that the study itself counted (it ends with the default of `last_year`).

    Examples
    --------
    >>> whole(study.embedded()), whole(until(study.embedded(), 2022, "embedded"))
    (True, False)
    """
    late = tables["rejects"][tables["rejects"]["reason"].str.startswith(LATE)]
    return not (late["snippet"].astype("int64") <= DEFAULTS["last_year"]).any()


# The released database ----------------------------------------------------------------------------------


def read_release(path):
    """As `release.extract`, but a database that was read before is not read again.

    The extracted tables are kept in the build folder under the fingerprint of the database (size, time and
    header, in which SQLite counts changes) and of the code and names that read it.

    Raises
    ------
    StudyError
        As `release.extract`.
    """
    path = Path(path)
    if not path.is_file() or path.stat().st_size == 0:
        return release.extract(path)  # says what is wrong
    kept = paths.BUILD / "release" / _fingerprint(path)
    if kept.is_dir():
        return study.read(kept)
    tables = release.extract(path)
    kept.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=kept.parent))
    try:
        study.write(tables, scratch / "tables")
        if not kept.exists():
            (scratch / "tables").rename(kept)  # whole or not at all
    finally:
        shutil.rmtree(scratch)
    return tables


def _fingerprint(path):
    digest = hashlib.sha256()
    for file in (path, Path(f"{path}-wal")):  # the second holds writes that are not yet in the first
        if file.exists():
            stat = file.stat()
            with file.open("rb") as head:
                digest.update(f"{path.name} {stat.st_size} {stat.st_mtime_ns} ".encode() + head.read(100))
    for reader in (release.__file__, answers.__file__, replies.__file__, names.__file__, study.__file__, names.MODELS):
        digest.update(Path(reader).read_bytes())
    return digest.hexdigest()[:32]


# The pilot workbook -------------------------------------------------------------------------------------


def read_pilot(path):
    """The authors' hand-coding workbook as study tables (data kind: coded).

    One sheet, one paper per row: DOI, date, two yes/no answers, and ``[model, pattern]`` pairs separated by
    semicolons.

    Raises
    ------
    StudyError
        If the workbook is missing, is none, or a cell is not what its column asks for (with the cell).
    """
    path = Path(path)
    where = paths.shown(path)
    if not path.exists():
        raise StudyError(
            expected="the pilot workbook", found="no such file", where=where, do=f"run make data; {fetch.BY_HAND}"
        )
    rows = _sheet(path, where)
    header = [str(cell or "").strip() for cell in next(rows, ())][: len(PILOT_COLUMNS)]
    if tuple(header) != PILOT_COLUMNS:
        raise StudyError(
            expected=f"the columns {', '.join(PILOT_COLUMNS)}",
            found=", ".join(header) or "an empty sheet",
            where=where,
            do="use the workbook as the authors published it",
        )
    papers, uses, pairs = [], [], []
    for number, row in enumerate(rows, start=2):
        cells = list(row[: len(PILOT_COLUMNS)])
        if not any(cell not in (None, "") for cell in cells):
            continue
        doi, date, dl, ptm, listed = cells
        doi = str(doi or "").strip().lower()
        if not doi:
            _refuse(where, f"A{number}", "a DOI", doi)
        papers.append((doi, _year(date, where, number)))
        uses.append((doi, _yes_no(dl, where, f"C{number}"), _yes_no(ptm, where, f"D{number}")))
        pairs += [(doi, *pair) for pair in _pairs(listed, where, number)]
    reuse = pd.DataFrame(pairs, columns=["paper", "model", "pattern"])
    found = names.normalise(reuse["model"])
    tables = {
        "papers": pd.DataFrame(papers, columns=["paper", "year"]).assign(
            doi=[doi for doi, _ in papers],
            megajournal="PLOS",
            cited_by=pd.NA,
            natural_science="yes",
            full_text="unknown",
        ),
        "uses": pd.DataFrame(uses, columns=["paper", "uses_dl", "uses_ptm"]).assign(coder="authors"),
        "reuse": reuse.assign(coder="authors", canonical=found["canonical"], family=found["family"]),
        "provenance": pd.DataFrame([_input("pilot", path, where, len(papers))]),
    }
    return study.validate(tables, where=where)


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
        raise StudyError(
            expected="an Excel workbook (.xlsx)",
            found=f"a file that cannot be read as one ({error})",
            where=where,
            do=f"run make data again; {fetch.BY_HAND}",
        ) from error
    return iter(values)


def _refuse(where, cell, expected, found):
    raise StudyError(expected=expected, found=repr(found)[:80], where=f"{where}, cell {cell}", do="correct this cell")


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


def _input(source, path, where, rows):
    return {
        "source": source,
        "kind": "coded",
        "path": where,
        "sha256": paths.sha256(path),
        "version": "",
        "rows_read": rows,
        "rows_kept": rows,
        "rows_rejected": 0,
    }


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
        if not table and file.name.split(".")[0].lower() not in CODED:
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
                _input("tables", files[name], f"{where}/{files[name].name}", len(tables[name]))
                for name in CODED
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
            broken = table[column].str.contains("\n", regex=False)
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
    rows = [(name, len(tables[name]), tables[name]["paper"].nunique(), notes.get(name, "")) for name in CODED]
    return pd.DataFrame(rows, columns=["table", "rows", "papers", "note"])


# Counting ---------------------------------------------------------------------------------------------


def counts(tables, coder=None):
    """What a study comes to, in one object that can be printed as JSON; the same for every source.

    Parameters
    ----------
    tables : dict of str to DataFrame
        Study tables.
    coder : str, optional
        Whose codes are counted; default the first coder in table uses.

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
    >>> result = counts(study.embedded())
    >>> result["uses_dl"], result["uses_ptm"], result["reuse_items"]["adaptation"]
    (39, 23, 21)
    """
    coders = list(dict.fromkeys([*tables["uses"]["coder"], *tables["reuse"]["coder"]]))
    if coder is not None and coder not in coders:
        raise StudyError(
            expected=f"a coder among {', '.join(coders) or 'none'}", found=repr(coder), where="counts", do="name one"
        )
    coder = coder or next(iter(coders), "")
    papers, rejects = tables["papers"], tables["rejects"]
    uses = tables["uses"][tables["uses"]["coder"] == coder]
    science = papers["natural_science"]
    dl, ptm = uses["uses_dl"], uses["uses_ptm"]
    # Of an answer table we know who was asked; a person who says "no deep learning" need not answer the second.
    asked = tables["answers"].loc[tables["answers"]["question"] == "uses_ptm", "paper"]
    asked = uses["paper"].isin(asked) if len(tables["answers"]) else (dl != "no") | (ptm == "yes")
    users = {q: set(uses.loc[uses[q] == "yes", "paper"]) for q in ("uses_dl", "uses_ptm")}
    patterns, stages = (reuse.items(tables, q) for q in ("pattern", "stage"))
    patterns, stages = patterns[patterns["coder"] == coder], stages[stages["coder"] == coder]
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
        "reuse_items": {p: int((patterns["pattern"] == p).sum()) for p in sorted(study.PATTERNS)},
        "reuse_papers": {p: patterns.loc[patterns["pattern"] == p, "paper"].nunique() for p in sorted(study.PATTERNS)},
        "stages": {s.lower(): int((stages["stage"] == s).sum()) for s in study.STAGES},
        "fields": {
            field: {q: len(users[q] & set(group["paper"])) for q in users}
            for field, group in tables["fields"].groupby("field")
            if field in study.FIELDS
        },
        "years": {
            year: {"papers": len(group), **{q: int(group["paper"].isin(users[q]).sum()) for q in users}}
            for year, group in by_year.groupby("year")
        },
        "rejects": {
            table: {reason: int(n) for reason, n in sorted(group["reason"].value_counts().items())}
            for table, group in rejects.groupby("table")
        },
    }
