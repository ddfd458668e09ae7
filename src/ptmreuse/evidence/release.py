"""The released database: read once, in one pass, and kept with checksums."""

import hashlib
import json
import shutil
import sqlite3
import tempfile
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path

import pandas as pd

from ptmreuse import paths
from ptmreuse.errors import StudyError
from ptmreuse.evidence import answer_words, answers, items, names, release_codes, study
from ptmreuse.evidence.release_codes import ANSWER_TABLES

# The released database ----------------------------------------------------------------------------------


def read_release(path):
    """As `extract`, but a database that was read before is not read again.

    The extracted tables are kept in the build folder under the fingerprint of the database (size, time and
    header, in which SQLite counts changes) and of the code and names that read it, with their checksums: kept
    tables that were changed since are not used.
    """
    path = Path(path)
    if not path.is_file() or path.stat().st_size == 0:
        return extract(path)  # says what is wrong
    kept = paths.BUILD / "release" / _fingerprint(path)
    if (kept / SUMS).is_file() and (kept / SUMS).read_text(encoding="utf-8") == _sums(kept):
        return study.read(kept)
    shutil.rmtree(kept, ignore_errors=True)  # changed since, or half removed
    tables = extract(path)
    kept.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=kept.parent))
    try:
        study.write(tables, scratch / "tables")
        (scratch / "tables" / SUMS).write_text(_sums(scratch / "tables"), encoding="utf-8")
        if not kept.exists():
            (scratch / "tables").rename(kept)  # whole or not at all
    finally:
        shutil.rmtree(scratch)
    return tables


def _sums(folder):
    return "".join(f"{paths.sha256(file)}  {file.name}\n" for file in sorted(folder.glob("*.csv")))


def _fingerprint(path):
    digest = hashlib.sha256()
    for file in (path, Path(f"{path}-wal")):  # the second holds writes that are not yet in the first
        if file.exists():
            stat = file.stat()
            with file.open("rb") as head:
                digest.update(f"{path.name} {stat.st_size} {stat.st_mtime_ns} ".encode() + head.read(100))
    for reader in (*sorted(Path(__file__).parent.glob("*.py")), names.MODELS):
        digest.update(reader.read_bytes())
    return digest.hexdigest()[:32]


COLUMNS = {
    "searches": ("_id", "year"),
    "articles": ("search_id", "doi", "megajournal"),
    "openalex": ("doi", "cited_by_count", "topic_0", "topic_1", "topic_2", "json_data"),
    "jats": ("doi", "jats_xml"),
    **dict.fromkeys(ANSWER_TABLES, ("doi", "model_response")),
}
RULES = {
    "per_item": "every item of every answer counts, repeats too",
    "flat_only": "only answers that are one flat object count: papers with several models drop out",
    "per_paper_and_class": "a paper counts once per class, however many models it has",
    "per_model": "one per (paper, canonical model, class); conflicting answers do not count (ours)",
}
SUMS = "sha256.txt"  # beside kept tables: what they were when they were written
_PATIENCE = 2.0  # seconds to wait for a lock
_MAGIC = b"SQLite format 3\0"


def extract(path):
    """Read a released database into study tables; it is not changed and nothing is written beside it.

    The data kind is *coded* (by a language model), or *simulated* for a database that marks itself so.

    Returns
    -------
    dict of str to DataFrame
        Study tables of all papers found, of any year. Papers: one per DOI (lower case, without
        ``https://doi.org/``); year from OpenAlex, else from the search that found the paper, else missing;
        the largest citation count and all fields where a paper has several records. Only answers about
        natural-science papers are kept, as in the authors' own view; the others are listed as rejects.
        Where deep learning was answered *no* and reuse was never asked, reuse is *no*; everything else that
        was not asked or could not be read is *unknown*. Answers of the same paper that differ are kept in
        table answers with flag *conflict*; what they do not agree on is *unknown*.

    Raises
    ------
    StudyError
        If the file is missing, a folder, empty, cut, locked, no SQLite database, or lacks a table or column.
    """
    path = Path(path)
    where = paths.shown(path)
    address = _address(path, where)
    books = _Books(where)
    try:
        with (
            ThreadPoolExecutor(1) as beside,
            closing(sqlite3.connect(address, uri=True, timeout=_PATIENCE, isolation_level=None)) as database,
        ):
            sha256 = beside.submit(paths.sha256, path)  # as long as all the rest, and waits for no interpreter
            database.text_factory = partial(str, encoding="utf-8", errors="replace")
            _check_tables(database, where)
            simulated = database.execute("PRAGMA application_id").fetchone()[0] == study.SIMULATED
            database.execute("BEGIN")  # one state of the database, whoever writes meanwhile
            papers = _read_papers(database, books)
            read = {table: _read_answers(database, table, papers, books) for table in ANSWER_TABLES}
            _doi.cache_clear()  # room for the tables
    except sqlite3.Error as error:
        raise _translated(error, where) from error
    return release_codes.tables(papers, read, books, "simulated" if simulated else "coded", sha256.result())


# Opening ----------------------------------------------------------------------------------------------


def _address(path, where):
    """The URI for a read-only connection, after what can be told from the file itself."""
    expected = "a released SQLite database"
    again = "download it again or correct the path"
    if not path.exists():
        raise StudyError(expected=expected, found="no such file", where=where, do="correct the path")
    if path.is_dir():
        raise StudyError(expected=expected, found="a folder", where=where, do="name the file inside it")
    size = path.stat().st_size
    try:
        with path.open("rb") as file:
            head = file.read(100)
    except OSError as error:
        raise StudyError(expected=expected, found=error.strerror, where=where, do="make it readable") from error
    if size == 0:
        raise StudyError(expected=expected, found="an empty file (0 bytes)", where=where, do=again)
    if not head.startswith(_MAGIC):
        raise StudyError(expected=expected, found="a file of another kind", where=where, do=again)
    page = int.from_bytes(head[16:18], "big")
    pages = int.from_bytes(head[28:32], "big")
    whole = (65536 if page == 1 else page) * pages
    # The page count holds where the file was last written by an SQLite that keeps it (since 2010).
    if len(head) < 100 or (head[24:28] == head[92:96] and size < whole):
        raise StudyError(expected=f"{expected} of {whole:,} bytes", found=f"{size:,} bytes", where=where, do=again)
    log = Path(f"{path}-wal")
    pending = log.exists() and log.stat().st_size > 0
    # Without pending writes a database in WAL mode is opened as immutable: otherwise SQLite makes files beside it.
    return path.resolve().as_uri() + ("?mode=ro&immutable=1" if head[18] == 2 and not pending else "?mode=ro")


def _check_tables(database, where):
    missing = []
    views = {name for (name,) in database.execute("SELECT lower(name) FROM sqlite_master WHERE type = 'view'")}
    for table, columns in COLUMNS.items():
        present = {row[1] for row in database.execute(f"PRAGMA table_info({table})")}
        if table in views:
            missing.append(f"a view {table}")  # it has no rows of its own, which a reject could name
        elif not present:
            missing.append(f"no table {table}")
        elif lacking := [c for c in columns if c not in present]:
            missing.append(f"no column {', '.join(lacking)} in {table}")
    if missing:
        raise StudyError(
            expected=f"the tables {', '.join(COLUMNS)}", found="; ".join(missing), where=where,
            do="use the database of doi:10.5281/zenodo.21874098",
        )  # fmt: skip


def _translated(error, where):
    message = str(error)
    if "locked" in message or "readonly" in message:
        found, do = f"a database that another program is using ({message})", "close that program and try again"
    else:
        found, do = f"a damaged or foreign file ({message})", "download it again or correct the path"
    return StudyError(expected="a released SQLite database", found=found, where=where, do=do)


class _Books:
    """The accounts of one database: rows read per table, and the rejects."""

    def __init__(self, where):
        self.where, self.read, self.rejects = where, defaultdict(int), []

    def reject(self, table, row, reason, snippet=""):
        self.rejects.append(("release", table, str(row), reason, answer_words.clean(str(snippet)[:400])[:80]))


def _rows(database, table, books, columns=None):
    books.read[table] += 0
    columns = ", ".join(columns or COLUMNS[table])
    # In the order of storage: any other would make SQLite sort gigabytes.
    for row in database.execute(f"SELECT rowid, {columns} FROM {table} ORDER BY rowid"):
        books.read[table] += 1
        yield row


def _length(database, table, column, row):
    """Bytes of a text, which is not read for it."""
    with database.blobopen(table, column, row, readonly=True) as text:
        return len(text)


# Papers -----------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Paper:
    """What the tables of a database say of one paper."""

    megajournal: str = ""
    searched: int | None = None  # the year of the search that found it
    year: int | None = None  # of publication by OpenAlex, else of the search
    cited_by: int | None = None  # None where OpenAlex does not know the paper
    fields: dict[str, None] = field(default_factory=dict)  # in the order met
    has_text: bool = False

    @property
    def science(self):
        """Whether it is in the frame of the study: cited, in one of the eight fields."""
        if self.cited_by is None:
            return "unknown"
        return "yes" if self.cited_by and not self.fields.keys().isdisjoint(study.FIELDS) else "no"


def _read_papers(database, books):
    """DOI -> Paper."""
    searched = dict(database.execute("SELECT _id, year FROM searches"))
    papers = defaultdict(Paper)
    for row, search, doi, megajournal in _rows(database, "articles", books):
        doi = _doi(doi)
        if not doi:
            books.reject("articles", row, "no DOI")
            continue
        paper = papers[doi]
        paper.megajournal = paper.megajournal or _word(megajournal)
        paper.searched = paper.searched or _whole(searched.get(search), 1900, 2100)
    papers.default_factory = None
    for row, doi, cited, *topics, data in _rows(database, "openalex", books):
        paper = _known(papers, doi, "openalex", row, books)
        if paper is None:
            continue
        cited = _whole(cited, 0, 2**53)
        if cited is None:
            books.reject("openalex", row, "cited_by_count is not a whole number", doi)
            continue
        paper.cited_by = max(cited, paper.cited_by or 0)
        paper.fields |= dict.fromkeys(filter(None, map(_word, topics)))
        paper.year = paper.year or _publication_year(data)
    for row, doi, kind in _rows(database, "jats", books, ("doi", "typeof(jats_xml)")):
        paper = _known(papers, doi, "jats", row, books)
        if paper is not None and (kind not in ("text", "blob") or not _length(database, "jats", "jats_xml", row)):
            books.reject("jats", row, "no text", doi)
        elif paper is not None:
            paper.has_text = True
    for paper in papers.values():
        paper.year = paper.year or paper.searched
    return papers


def _known(papers, doi, table, row, books):
    doi = _doi(doi)
    if doi in papers:
        return papers[doi]
    books.reject(table, row, "the paper is not among the articles" if doi else "no DOI", doi)
    return None


@lru_cache(maxsize=64, typed=True)  # journals and topics are the same few
def _word(written):
    return answer_words.clean(str(written or ""))


@lru_cache(maxsize=1 << 16, typed=True)  # one paper stands in many tables
def _doi(written):
    if isinstance(written, bytes):
        written = written.decode("utf-8", "replace")
    text = answer_words.clean(str(written or "")).lower()
    return study.clean_doi(text.removeprefix("doi:").removeprefix("https://").removeprefix("http://").strip())


def _whole(value, low, high):
    try:
        number = int(value) if isinstance(value, str) else value
    except ValueError:
        return None
    whole = isinstance(number, int | float) and number == number and low <= number <= high
    return int(number) if whole and number % 1 == 0 else None


def _publication_year(data):
    try:
        record = json.loads(data) if isinstance(data, str | bytes) else None
    except (ValueError, RecursionError):
        return None  # the search's year stands in; the rest of the row is good
    return _whole(record.get("publication_year"), 1900, 2100) if isinstance(record, dict) else None


# Answers ----------------------------------------------------------------------------------------------


def _read_answers(database, table, papers, books):
    """What one answer table says about papers in the frame: (row, DOI, Answer) each."""
    question, read = ANSWER_TABLES[table], []
    listing = f"items of {table}"
    for row, doi, text in _rows(database, table, books):
        paper = _known(papers, doi, table, row, books)
        if paper is None:
            continue
        if paper.science != "yes":
            books.reject(table, row, "the paper is not a cited natural-science paper", doi)
            continue
        answer = answers.read_answer(text, question)
        read.append((row, _doi(doi), answer))
        if answer.status in answers.UNREADABLE:
            books.reject(table, row, answer.status, "" if text is None else text)
            continue
        if answer.items or answer.refused:
            books.read[listing] += len(answer.items) + len(answer.refused)
        for refusal in answer.refused:
            books.reject(listing, f"{row}.{refusal.place}", refusal.reason, refusal.snippet)
    return read


# The counting rules of the authors' scripts ------------------------------------------------------------


def counting_rules(tables):
    """How often each pattern and stage of a released database is counted under each rule of `RULES`.

    The first three are the rules of the authors' own scripts, which give different totals of one database;
    they are applied to the answers that could be read, of the papers in the tables. The last is the rule of
    this book.

    Returns
    -------
    DataFrame
        rule, question (pattern, stage), category, n, share (of the rule's total for that question; missing if the total
        is 0).
    """
    read = tables["answers"]
    rows = []
    for question, categories in (("pattern", study.PATTERNS), ("stage", study.STAGES)):
        here = read[(read["question"] == question) & (read["said"] != "")]
        listed = here.assign(category=here["said"].str.split("|")).explode("category")
        counts = {
            "per_item": listed,
            "flat_only": listed[listed["shape"] == "object"],
            "per_paper_and_class": listed.drop_duplicates(["paper", "category"]),
            "per_model": items.items(tables, question),
        }
        for rule, counted in counts.items():
            column = "category" if "category" in counted else question
            n = counted[column].value_counts().reindex(categories, fill_value=0)
            for category in categories:
                share = n[category] / n.sum() if n.sum() else pd.NA
                rows.append((rule, question, category, int(n[category]), share))
    table = pd.DataFrame(rows, columns=["rule", "question", "category", "n", "share"])
    return table.astype({"share": "Float64"})
