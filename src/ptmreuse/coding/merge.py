"""Parts to study tables: the lines that runs wrote, joined in one order, each paper once.

The tables are written in chunks, so that memory does not grow with the number of articles; which papers were met
before is kept in a scratch database.
"""

import hashlib
import heapq
import itertools
import json
import re
import sqlite3
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ptmreuse import paths, wording
from ptmreuse.coding import rules
from ptmreuse.errors import StudyError, refuse
from ptmreuse.evidence import study
from ptmreuse.evidence.tables import account

CHUNK = 1000  # files whose rows are checked and written together
VERSIONED = re.compile(r"(10\.12688/.+)\.(\d+)")  # F1000 gives every version of an article a DOI of its own
TABLES = ("papers", "fields", "uses", "reuse", "stages", "rejects", "provenance")


@dataclass(frozen=True)
class Line:
    """A line of a part as it stands there, with where it belongs."""

    order: tuple
    key: str
    text: str


def lines(part):
    """The whole lines of a part; one that a kill has cut is left out."""
    if not part.exists():
        return
    with part.open(encoding="utf-8", errors="replace") as file:
        for text in file:
            try:
                line = json.loads(text)
            except ValueError:
                continue
            yield Line(tuple(line["file"].split("/")), line["key"], text.rstrip("\n"))


def merge(out, format="csv"):  # noqa: A002
    """Join the parts under ``out/coding`` to study tables in `out`.

    Parameters
    ----------
    out : path-like
        The output folder of one run or of all runs of a job array.
    format : {"csv", "parquet"}
        How the study tables are written.

    Returns
    -------
    dict
        Counts: files, papers, rejects, and the answers to each question.

    Raises
    ------
    StudyError
        If a part is missing or unfinished, parts belong to different runs or were coded with different rules, or the
        folder cannot be written.
    """
    out = Path(out)
    parts = _parts(out)
    in_order = heapq.merge(*(lines(part) for part in parts), key=lambda line: line.order)
    books = _Books(_latest(parts))
    writers = _writers(out, format)
    for chunk in _chunks((json.loads(line.text) for line in in_order), books):
        for name, table in _with_hand_made(chunk, out).items():
            writers[name](table)
    for name in TABLES:
        writers[name](None)
    writers["evidence"](None)
    return books.counts


def tables_of(results):
    """Study tables and evidence from the lines of a run, in memory."""
    results = list(results)
    latest = defaultdict(int)
    for line in results:
        _versions(line, latest)
    chunks = list(_chunks(iter(results), _Books(latest)))
    joined = {}
    for name in chunks[0]:
        frames = [chunk[name] for chunk in chunks]
        full = [frame for frame in frames if len(frame)] or frames[:1]
        joined[name] = pd.concat(full, ignore_index=True)
    study.accounting(joined)
    return joined


def _parts(out):
    found = sorted((out / "coding").glob("part-*-of-*.jsonl"))
    numbers = {p: tuple(map(int, re.findall(r"\d+", p.stem))) for p in found}
    of = {n for _, n in numbers.values()}
    if len(of) != 1:
        what = f"parts of runs in {' and '.join(map(str, sorted(of)))} shares" if of else "none"
        do = "remove the parts of the other run" if of else "run the command code first"
        refuse(f"{paths.shown(out)}/coding", "the parts of one run", what, do)
    missing = sorted(set(range(1, of.copy().pop() + 1)) - {i for i, _ in numbers.values()})
    missing += [i for p, (i, _) in numbers.items() if p.with_suffix(".new").exists()]
    if missing:
        raise StudyError(
            expected=f"{of.pop()} finished parts",
            found=f"none of number {', '.join(map(str, sorted(set(missing))[:10]))}",
            where=f"{paths.shown(out)}/coding",
            do="run code with that --shard again; it goes on where it stopped",
        )
    return found


def _latest(parts):
    """Of articles with versions, the latest one that any part holds."""
    latest = defaultdict(int)
    for part in parts:
        with part.open(encoding="utf-8") as file:
            for text in file:
                if '"10.12688/' in text:
                    _versions(json.loads(text), latest)
    return latest


def _versions(line, latest):
    for found in line["found"]:
        if match := VERSIONED.fullmatch(found.get("paper", "")):
            latest[match.group(1)] = max(latest[match.group(1)], int(match.group(2)))


class _Books:
    """What is counted over all chunks: papers met, rows per source, answers."""

    def __init__(self, latest):
        self.latest = latest
        self.first = sqlite3.connect("")  # on disk, but in nobody's way
        self.first.execute("CREATE TABLE met (thing TEXT PRIMARY KEY, row TEXT) WITHOUT ROWID")
        self.sources, self.codebook = {}, None
        self.counts = {"files": 0, "papers": 0, "rejects": 0}
        self.counts |= {q: dict.fromkeys(study.ANSWERS, 0) for q in ("uses_dl", "uses_ptm")}
        self.counts["reuse"] = dict.fromkeys((*study.PATTERNS, "unknown"), 0)

    def open_line(self, line):
        if self.codebook not in (None, line["codebook"]):
            refuse(
                line["file"], "parts that were coded with the same rules",
                f"{self.codebook} and {line['codebook']}", "run code again for all parts",
            )  # fmt: skip
        self.codebook = line["codebook"]
        self.counts["files"] += 1
        return self.sources.setdefault(line["source"], {"hash": hashlib.sha256(), "kept": 0, "rejected": 0})

    def refused(self, found):
        """Why an article is not counted, if it is not."""
        if "reason" in found:
            return found["reason"]
        match = VERSIONED.fullmatch(found["paper"])
        if match and int(match.group(2)) < self.latest[match.group(1)]:
            return f"an earlier version of {match.group(1)}.{self.latest[match.group(1)]}"
        for thing, what in (
            (found["paper"], f"paper {found['paper']} again"),
            (found.get("text"), "the same text again"),
        ):
            if thing is None:
                continue
            if self.first.execute("INSERT OR IGNORE INTO met VALUES (?, ?)", (thing, found["row"])).rowcount == 0:
                row = self.first.execute("SELECT row FROM met WHERE thing = ?", (thing,)).fetchone()[0]
                return f"{what}, first in {row}"
        return ""

    def provenance(self):
        version = f"{rules.CODER} {self.codebook}"
        return [
            account("coding", "coded", source, book["kept"] + book["rejected"], book["rejected"],
                    sha256=book["hash"].hexdigest(), version=version)
            for source, book in self.sources.items()
        ]  # fmt: skip


def _chunks(results, books):
    """Checked tables of `CHUNK` files after `CHUNK` files; the last has the provenance."""
    while True:
        rows, read = defaultdict(list), list(itertools.islice(results, CHUNK))
        for line in read:
            book = books.open_line(line)
            book["hash"].update(f"{line['file']} {line['key']}\n".encode())
            for found in line["found"]:
                reason = books.refused(found)
                if reason:
                    book["rejected"] += 1
                    values = {"source": "coding", "table": "papers", "row": found["row"], "reason": reason}
                    rows["rejects"].append({**values, "snippet": found.get("snippet", "")})
                    continue
                book["kept"] += 1
                for table, values in found["rows"].items():
                    rows[table] += values
        last = len(read) < CHUNK
        rows["provenance"] = books.provenance() if last else []
        frames = {name: pd.DataFrame(rows[name], columns=list(study.SCHEMA[name])) for name in TABLES}
        tables = study.validate(frames, where="coding")
        books.counts["papers"] += len(tables["papers"])
        books.counts["rejects"] += len(tables["rejects"])
        for table, column, counted in (
            ("uses", "uses_dl", "uses_dl"), ("uses", "uses_ptm", "uses_ptm"), ("reuse", "pattern", "reuse")
        ):  # fmt: skip
            for answer, count in tables[table][column].value_counts().items():
                books.counts[counted][answer] += int(count)
        evidence = pd.DataFrame(rows["evidence"], columns=list(rules.EVIDENCE))
        yield {**{name: tables[name] for name in TABLES}, "evidence": evidence}
        if last:
            return


def _with_hand_made(tables, out):
    """What a person added about the papers, in `out`, stays where the articles themselves do not say it."""
    before = {name: next((f for f in (out / f"{name}.csv", out / f"{name}.parquet") if f.exists()), None)
              for name in ("papers", "fields")}  # fmt: skip
    if before["papers"] is None or tables["papers"].empty:
        return tables
    papers = tables["papers"].set_index("paper")
    theirs = study.validate({"papers": _read(before["papers"])}, where=paths.shown(out))["papers"].set_index("paper")
    theirs = theirs.reindex(papers.index)
    for column in papers:
        unsaid = papers[column].isna() | papers[column].isin(["", "unknown"])
        papers[column] = papers[column].mask(unsaid & theirs[column].notna(), theirs[column])
    fields = tables["fields"]
    if before["fields"] is not None:
        added = _read(before["fields"])
        added = added[added["paper"].isin(papers.index) & ~added["paper"].isin(fields["paper"])]
        fields = pd.concat([fields, added], ignore_index=True)
    frames = {name: tables[name] for name in TABLES} | {"papers": papers.reset_index(), "fields": fields}
    checked = study.validate(frames, where=paths.shown(out))
    return {**{name: checked[name] for name in TABLES}, "evidence": tables["evidence"]}


def _read(file):
    return study.read_csv(file) if file.suffix == ".csv" else pd.read_parquet(file).astype("str")


# --- writing ------------------------------------------------------------------------------------------------


def _writers(out, format):  # noqa: A002
    """A function per table that appends a chunk, or with None puts the whole file in its place."""
    if format not in ("csv", "parquet"):
        refuse("format", "csv or parquet", repr(format), "choose one")
    made = {name: _appending(out / f"{name}.{format}", name) for name in TABLES}
    other = "csv" if format == "parquet" else "parquet"
    for name in TABLES:
        made[name] = _replacing(made[name], out / f"{name}.{other}")
    made["evidence"] = _appending(out / "coding" / "evidence.csv", "evidence")
    return made


def _replacing(append, other):
    def write(table):
        append(table)
        if table is None:
            other.unlink(missing_ok=True)  # the same table in the other format, of a run before

    return write


def _appending(path, name):
    unfinished, state = path.with_suffix(".part"), {}

    def write(table):
        if table is None:
            if "parquet" in state:
                state["parquet"].close()
            unfinished.replace(path)
        elif path.suffix == ".csv":
            table = _harmless(table) if name in ("evidence", "rejects") else table
            first = not state.get("begun")
            state["begun"] = True
            table.to_csv(
                unfinished, index=False, lineterminator="\n", mode="w" if first else "a", header=first, encoding="utf-8"
            )
        else:
            parquet, arrow = _arrow()
            schema = arrow.schema([(c, arrow.int64() if _whole(name, c) else arrow.string()) for c in table.columns])
            if "parquet" not in state:
                state["parquet"] = parquet.ParquetWriter(unfinished, schema)
            state["parquet"].write_table(arrow.Table.from_pandas(table, schema, preserve_index=False))

    return write


def _whole(table, column):
    kind = study.SCHEMA[table][column]
    return isinstance(kind, str) and kind.startswith(("year", "count"))


def _arrow():
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise StudyError(
            expected="the package pyarrow", found="it is not installed", where="format parquet",
            do="install it with: pip install pyarrow, or write CSV",
        ) from error  # fmt: skip
    return parquet, pyarrow


def _harmless(table):
    """Text that a spreadsheet would take for a formula gets an apostrophe before it."""
    table = table.copy()
    for column in ("model", "answer", "section", "sentence", "snippet", "row"):
        if column in table:
            text = table[column].astype("str")
            table[column] = text.mask(text.str.startswith(wording.FORMULA_STARTS), "'" + text)
    return table
