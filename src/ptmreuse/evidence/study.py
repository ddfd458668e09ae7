"""Study tables: the one small schema between every source and every notebook.

A *study* is a dictionary of tidy data frames. Whatever the evidence comes from (the embedded pilot, a
released database, a folder of coded papers, the simulator), it is brought into these tables first, is
checked once, and everything after reads nothing else.

========== ============================================================== =========================
table      one row is                                                     key
========== ============================================================== =========================
papers     a paper                                                        paper
fields     a paper in one of its scientific fields                        paper, field
uses       the answers of one coder to "deep learning?" and "PTM reuse?"  paper, coder
reuse      a model that a coder saw reused in a paper, by one pattern     paper, coder, model, pattern
stages     a model that a coder saw in one stage of the process           paper, coder, model, stage
answers    how one answer of a language model was read (release only)     question, row
rejects    an input row that could not be kept, and why                   source, table, row
provenance an input that the tables were made from                        source, path
codebook   a code that a pattern, stage or field may be                   question, code
========== ============================================================== =========================
"""

import pandas as pd

from ptmreuse import paths, wording
from ptmreuse.errors import StudyError
from ptmreuse.evidence.schema import (  # noqa: F401 - the schema's words are known by this name everywhere
    ANSWERS,
    CODED,
    CODES,
    FIELDS,
    KEYS,
    KINDS,
    MEGAJOURNALS,
    PATTERNS,
    QUESTIONS,
    SCHEMA,
    SIMULATED,
    STAGES,
    checked,
    clean_doi,
    empty,
)  # fmt: skip


def validate(tables, where="study tables", found=None) -> dict[str, pd.DataFrame]:
    """Check study tables against the schema and give them back with the schema's column order and types.

    Parameters
    ----------
    tables : dict of str to DataFrame
        Missing tables become empty; additional tables or columns are refused.
    where : str
        Where the tables come from (a folder or source), for the message.
    found : list, optional
        Receives every problem instead of the first being raised; what is returned then is not to be used.

    Raises
    ------
    StudyError
        On an unknown table, a missing or unknown column, a value outside its list or type, a repeated key,
        or a paper that is not among the papers. The message names table, row (counted from 1, without the
        header), column, value and what was expected.

    Examples
    --------
    >>> one = pd.DataFrame({"paper": ["a"], "doi": [""], "year": ["20x0"], "megajournal": ["PLOS"],
    ...                     "cited_by": ["1"], "natural_science": ["yes"], "full_text": ["yes"]})
    >>> validate({"papers": one}, where="my_tables")
    Traceback (most recent call last):
    ...
    ptmreuse.errors.StudyError: my_tables, table papers, row 1, column year: expected a year from 1900 to 2100, \
found '20x0'; correct this value.
    """
    refuse = _raise if found is None else found.append
    unknown = sorted(set(tables) - set(SCHEMA))
    if unknown:
        expected, do = f"tables among {', '.join(SCHEMA)}", "rename or remove it"
        refuse(StudyError(expected=expected, found=", ".join(unknown), where=where, do=do))
    book = complete_codebook(checked(tables.get("codebook", empty("codebook")), "codebook", where, refuse), where)
    coded = {"pattern": codes({"codebook": book}, "pattern"), "stage": codes({"codebook": book}, "stage")}
    rest = [name for name in SCHEMA if name != "codebook"]
    made = {name: checked(tables.get(name, empty(name)), name, where, refuse, coded) for name in rest}
    made["codebook"] = book
    papers = made["papers"]
    again = papers[(papers["doi"] != "") & papers["doi"].duplicated()]
    for row, doi in again["doi"].items():
        ids = " and ".join(map(repr, papers.loc[papers["doi"] == doi, "paper"].iloc[:2]))
        place = f"{where}, table papers, row {row + 1}, column doi"
        do = "keep one of the two papers, or correct a DOI"
        refuse(StudyError(expected="each DOI once", found=f"{doi} for {ids}", where=place, do=do))
    known = set(papers["paper"])
    for name in ("fields", "uses", "reuse", "stages", "answers") if known or found is None else ():
        for row, paper in enumerate(made[name]["paper"].tolist(), start=1):
            if paper not in known:
                expected, place = (
                    "a paper that is listed in table papers",
                    f"{where}, table {name}, row {row}, column paper",
                )
                do = "add the paper to table papers or correct its id"
                refuse(StudyError(expected=expected, found=repr(paper), where=place, do=do))
    return made


def _raise(error):
    raise error


def complete_codebook(book, where="codebook"):
    """A codebook in its order; a question that it leaves out has the codes of the study.

    Raises
    ------
    StudyError
        If a code is called unknown, or two codes of a question look the same but for capitals.

    Examples
    --------
    >>> book = pd.DataFrame({"question": "pattern", "code": ["b", "a"], "definition": "", "order": [2, 1]})
    >>> complete_codebook(book)["code"].tolist()[:3]
    ['a', 'b', 'Observation']
    """
    looks = list(zip(book["question"], book["code"].map(wording.look), strict=True))
    for row, (code, look) in enumerate(zip(book["code"], looks, strict=True), start=1):
        if code.casefold() == "unknown" or looks.count(look) > 1:
            raise StudyError(
                expected="codes that differ in more than capitals or look, none called unknown, which is always there",
                found=repr(code), where=f"{where}, table codebook, row {row}, column code", do="rename or remove it",
            )  # fmt: skip
    rows = []
    for question, own in CODES.items():
        part = book[book["question"] == question].sort_values("order", kind="stable", na_position="last")
        listed = list(zip(part["code"], part["definition"], strict=True)) or [(code, "") for code in own]
        rows += [(question, *one, order) for order, one in enumerate(listed, start=1)]
    types = {"question": "str", "code": "str", "definition": "str", "order": "Int64"}
    return pd.DataFrame(rows, columns=list(types)).astype(types)


def codes(tables, question):
    """The codes that a pattern, stage or field may be, in the order of the study's codebook.

    Examples
    --------
    >>> from ptmreuse.evidence.pilot import embedded
    >>> codes(embedded(), "pattern")
    ('conceptual', 'adaptation', 'deployment')
    """
    book = tables["codebook"]
    return tuple(book.loc[book["question"] == question, "code"])


def read_csv(path):
    """Read a CSV file as text, with every byte of every cell kept.

    Raises
    ------
    StudyError
        If the file is missing, empty, not UTF-8 or not a rectangular CSV.
    """
    try:
        frame = pd.read_csv(path, dtype="str", keep_default_na=False, na_filter=False, encoding="utf-8")
        if isinstance(frame.index, pd.RangeIndex):
            return frame
        problem, do = "more cells in the rows than in the header", "give every row as many cells as the header"
    except IsADirectoryError:
        problem, do = "a folder", "rename it or correct the path"
    except FileNotFoundError:
        problem, do = "no such file", "restore it or correct the path"
    except UnicodeDecodeError as error:
        problem, do = f"a byte that is not UTF-8 at position {error.start}", "save the file as CSV in UTF-8"
    except pd.errors.EmptyDataError:
        problem, do = "an empty file", "give it at least a header row"
    except pd.errors.ParserError as error:
        problem, do = str(error).strip(), "give every row as many cells as the header"
        if "inside string" in problem:
            problem, do = "a quotation mark that is never closed", f"close it ({problem.rpartition('starting ')[2]})"
    raise StudyError(expected="a CSV table in UTF-8", found=problem, where=paths.shown(path), do=do)


def write(tables, folder):
    """Write study tables as CSV files into a folder (made if needed)."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in tables.items():
        frame.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")


def read(folder):
    """Read and check study tables that `write` or a student made.

    Raises
    ------
    StudyError
        As `validate`, with the folder in the message.
    """
    files = {path.stem: path for path in sorted(folder.glob("*.csv"))}
    return validate({name: read_csv(path) for name, path in files.items()}, where=paths.shown(folder))


def accounting(tables):
    """Rows read, kept and rejected per input; the books must balance.

    Returns
    -------
    DataFrame
        Provenance with a row per input.

    Raises
    ------
    StudyError
        If for an input rows read differ from rows kept plus rows rejected, or if the reject list has another
        number of rows than the inputs report.
    """
    books = tables["provenance"]
    open_rows = books[books["rows_read"] != books["rows_kept"] + books["rows_rejected"]]
    if len(open_rows):
        first = open_rows.iloc[0]
        raise StudyError(
            expected=f"{first['rows_read']} rows read = kept + rejected",
            found=f"{first['rows_kept']} kept and {first['rows_rejected']} rejected",
            where=f"accounting of {first['path']}", do="look for rows that the reader dropped",
        )  # fmt: skip
    if books["rows_rejected"].sum() != len(tables["rejects"]):
        raise StudyError(
            expected=f"{books['rows_rejected'].sum()} rejects",
            found=f"{len(tables['rejects'])} rows in the reject list", where="accounting",
            do="make the reader list every rejected row",
        )  # fmt: skip
    return books


def published(path=None):
    """The published facts, one row each, with source and source kind.

    Returns
    -------
    DataFrame
        Indexed by fact id; `value` is a float.

    Raises
    ------
    StudyError
        If a value is not a number, an id is repeated, or a source or source kind is missing.
    """
    path = path or paths.DATA / "published.csv"
    facts = read_csv(path)
    where = paths.shown(path)
    kinds = ("paper", "secondary", "repository", "pilot")
    for row, fact in enumerate(facts.itertuples(), start=1):
        if fact.source_kind not in kinds or not fact.source:
            raise StudyError(
                expected=f"a source and a source kind among {', '.join(kinds)}",
                found=f"source {fact.source!r}, kind {fact.source_kind!r}", where=f"{where}, row {row} ({fact.id})",
                do="name where the number was read",
            )  # fmt: skip
    if facts["id"].duplicated().any():
        twice = facts["id"][facts["id"].duplicated()].iloc[0]
        raise StudyError(expected="each id once", found=f"{twice} twice", where=where, do="rename one of them")
    number = pd.to_numeric(facts["value"], errors="coerce")
    if number.isna().any():
        bad = facts[number.isna()].iloc[0]
        raise StudyError(
            expected="a number", found=repr(bad["value"]), where=f"{where}, {bad['id']}, column value",
            do="write digits, with a point for decimals",
        )  # fmt: skip
    return facts.assign(value=number).set_index("id")


def data_kind(tables):
    """The data kind of a study: *coded* or *simulated*; never both.

    Raises
    ------
    StudyError
        If the inputs are of several kinds.
    """
    kinds = sorted(set(tables["provenance"]["kind"]))
    if len(kinds) != 1:
        raise StudyError(
            expected="one data kind", found=" and ".join(kinds) or "none", where="provenance", do="keep kinds apart"
        )
    return kinds[0]


def coders(tables):
    """The coders of a study, in the order in which table uses, then table reuse, names them.

    Examples
    --------
    >>> from ptmreuse.evidence.pilot import embedded
    >>> coders(embedded())
    ['authors']
    """
    return list(dict.fromkeys([*tables["uses"]["coder"], *tables["reuse"]["coder"]]))


def of_coder(tables, coder=""):
    """The study as one coder saw it.

    Parameters
    ----------
    tables : dict of str to DataFrame
        Study tables.
    coder : str
        A coder's name; empty means the first that the study names.

    Returns
    -------
    dict of str to DataFrame
        The same tables; uses, reuse and stages hold this coder only.

    Raises
    ------
    StudyError
        If the study has no such coder.
    """
    known = coders(tables)
    if coder and coder not in known:
        raise StudyError(
            expected=f"a coder among {', '.join(known) or 'none'}", found=repr(coder), where="parameter coder",
            do="name one of them",
        )  # fmt: skip
    coder = coder or next(iter(known), "")
    kept = {name: tables[name][tables[name]["coder"] == coder] for name in ("uses", "reuse", "stages")}
    return tables | {name: frame.reset_index(drop=True) for name, frame in kept.items()}
