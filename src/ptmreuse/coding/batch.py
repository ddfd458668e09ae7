"""Coding many articles: on one machine, in processes, as job arrays, or on a cluster; killed and gone on with.

A run walks its inputs in one fixed order and writes a *part*: JSON lines, one per file, in that order. With
``shard=(i, n)`` a worker reads and writes its own share of the files and nothing else, so that any number of machines
that see the same folder can work side by side. :func:`ptmreuse.coding.merge.merge` joins the parts to study tables.
What is kept in memory does not grow with the number of articles.
"""

import concurrent.futures
import hashlib
import itertools
import json
import os
import zlib
from collections import Counter, deque
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from tqdm import tqdm

from ptmreuse import paths
from ptmreuse.coding import formats, merge, rules
from ptmreuse.coding.codebook import default_codebook
from ptmreuse.errors import StudyError
from ptmreuse.evidence.answer_words import clean

PARTITION = 16  # files that travel together to a process or a cluster
NOTICES = {"correction", "retraction", "partial-retraction", "expression-of-concern", "addendum"}


def code_articles(inputs, codebook=None):
    """Code articles one after the other.

    Parameters
    ----------
    inputs : iterable of path-like
        Files (JATS, TEI, BioC, plain text; packed by gzip or not; of one article or many), and folders of them.
    codebook : Codebook, optional
        Default: the project's own.

    Returns
    -------
    dict of str to DataFrame
        The study tables ``papers, fields, uses, reuse, stages, rejects, provenance``, and ``evidence``. A file
        that cannot be read, or the second one of a paper, is a row of ``rejects`` with the reason. A paper's id
        is its DOI, else its path below the folder.

    Raises
    ------
    StudyError
        If an input does not exist or holds no article.

    Examples
    --------
    >>> from ptmreuse.coding.control import negative_control_files
    >>> tables = code_articles(negative_control_files()[:2])
    >>> list(tables["uses"]["uses_dl"])
    ['no', 'no']
    """
    codebook = codebook or default_codebook()
    return merge.tables_of(_code_file(file, "", codebook) for file in walk(inputs))


def code_files(inputs, out, *, workers=1, resume=True, scheduler=None, shard=None, format="csv"):  # noqa: A002
    """Code files and folders into study tables on disk; may be killed and run again.

    Parameters
    ----------
    inputs : sequence of path-like
        As in :func:`code_articles`.
    out : path-like
        Folder of the result: a file per study table, ready for the source ``tables``, and under ``coding/`` the
        evidence and the part from which an interrupted run goes on.
    workers : int
        Processes on this machine; 1 codes in this one.
    resume : bool
        Take articles from the part that were coded with the same text, codebook and code.
    scheduler : str, optional
        Address of a Dask scheduler that does the coding instead (needs the extra ``dask``).
    shard : (int, int), optional
        Share i of n: code these files alone and write no tables; ``merge`` joins the parts.
    format : {"csv", "parquet"}
        How the study tables are written.

    Returns
    -------
    dict
        Counts: files, papers, rejects, and the answers to each question; of a shard the files alone. The tables
        are the same whoever does the coding.

    Raises
    ------
    StudyError
        As :func:`code_articles`; also if the output folder is a file or holds tables that another hand made, or the
        processes or the scheduler fail.
    """
    codebook, out = default_codebook(), Path(out)
    number, of = shard or (1, 1)
    if workers < 1:
        raise StudyError(expected="1 or more", found=str(workers), where="workers", do="give a number of processes")
    if not 1 <= number <= of:
        raise StudyError(
            expected="i/n with i from 1 to n", found=f"{number}/{of}", where="shard", do="give for example 2/8"
        )
    if out.exists() and not out.is_dir():
        raise StudyError(
            expected="a folder", found="a file of that name", where=paths.shown(out), do="choose another output folder"
        )
    part = out / "coding" / f"part-{number}-of-{of}.jsonl"
    theirs = [f for f in sorted(out.glob("*")) if f.suffix in (".csv", ".parquet")] if out.is_dir() else []
    if theirs and not any((out / "coding").glob("part-*")):
        raise StudyError(
            expected="an empty folder or one that this command made",
            found=theirs[0].name,
            where=paths.shown(out),
            do="choose another output folder",
        )
    files = walk(inputs)  # complains at once about inputs that are not there
    files = (f for f in files if zlib.crc32(f.name.encode()) % of == number - 1)
    part.parent.mkdir(parents=True, exist_ok=True)
    count = _write_part(part, files, codebook, workers, scheduler, resume)
    return {"files": count} if of > 1 else merge.merge(out, format)


# --- which files --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class File:
    """A file to code; its name is its path below the folder that all inputs share."""

    name: str
    path: Path
    source: str  # the input under which it was found
    paper: str  # the id of its paper, if that has no DOI

    @property
    def order(self):
        """What the walk sorts by."""
        return tuple(self.name.split("/"))


def walk(inputs):
    """The files below the inputs in one fixed order, one folder at a time.

    Raises
    ------
    StudyError
        If an input does not exist, or none of its files may hold an article.
    """
    named = {Path(path).resolve() for path in inputs}
    given = sorted(named, key=lambda p: p.parts)
    for path in given:
        if not path.exists():
            raise StudyError(
                expected="a file or folder to code",
                found="no such file or folder",
                where=path.name,
                do="correct the path",
            )
    given = [p for p in given if named.isdisjoint(p.parents)]
    if not given:
        raise StudyError(expected="a file or folder to code", found="none", where="input", do="name one")
    lone = given[0] if len(given) == 1 and given[0].is_dir() else None
    top = lone or Path(os.path.commonpath([path.parent for path in given]))
    for path in given:
        if not any(formats.readable(found.name) for found, _ in _below(path)):
            raise StudyError(
                expected=f"articles ({', '.join(formats.SUFFIXES)}, packed by gzip or not)",
                found="other files, or none",
                where=path.name,
                do=formats.PDF if path.suffix.lower() == ".pdf" else "name files or folders of articles",
            )

    def found():
        for path in given:
            source = lone.name if lone else path.relative_to(top).as_posix()
            for file, alone in _below(path):
                name = file.relative_to(top).as_posix()
                yield File(name, file, source, formats.stem(name) if alone else name)

    return found()


def _below(path):
    """``(file, whether no other file beside it differs in the ending alone)``, a folder at a time."""
    if not path.is_dir():
        yield path, True
        return
    with os.scandir(path) as entries:
        names = sorted(e.name for e in entries if not e.name.startswith("."))
    stems = Counter(formats.stem(name) for name in names if formats.readable(name))
    for name in names:
        inner = path / name
        if inner.is_dir() and not inner.is_symlink():
            yield from _below(inner)
        else:
            yield inner, stems[formats.stem(name)] < 2


# --- one file -----------------------------------------------------------------------------------------------


def _code_file(file, known, codebook, data=None):
    """The line of a file, or None if it was coded before with the same text, codebook and code."""
    line = {"file": file.name, "key": "", "source": file.source, "codebook": codebook.fingerprint[:12]}
    data = content(file) if data is None else data
    digest = hashlib.sha256(data.encode() if isinstance(data, str) else data).hexdigest()
    line["key"] = paths.text_sha256(f"{file.name} {digest} {codebook.fingerprint}")
    if line["key"] == known:
        return None
    found = [_code_one(file.name, paper, digest, codebook) for paper in papers_in(file, data)]
    return {**line, "found": found}


def content(file):
    """The bytes of a file, or in words why it cannot be coded."""
    if not formats.readable(file.name):
        return formats.PDF if file.name.lower().endswith(".pdf") else "not an article by its name"
    try:
        with file.path.open("rb") as opened:
            return opened.read(formats.LARGEST_FILE + 1)
    except OSError as error:
        return f"cannot be read ({error.strerror or error})"


def papers_in(file, data):
    """``(place in the file, id, article, how it begins)`` of its papers.

    The id is the DOI, else the path below the folder. Where an article cannot be coded, the reason stands in its
    place, without an id.
    """
    if isinstance(data, str):
        yield "", "", data, ""
        return
    begins = clean(data[:80].decode("utf-8", "replace"))
    for place, article in formats.members(data, file.name):
        if isinstance(article, StudyError):
            yield place, "", f"expected {article.expected}, found {article.found}", begins
        elif article.article_type in NOTICES:
            yield place, "", f"a notice ({article.article_type}) about another article", clean(article.title or "")[:80]
        else:
            yield place, article.doi or file.paper + place, article, begins


def _reject(row, reason, snippet=""):
    return {"row": row, "reason": reason, "snippet": snippet}


def _code_one(name, found, digest, codebook):
    place, paper, article, snippet = found
    if not paper:
        return _reject(name + place, article, snippet)
    try:
        coded = {"row": name + place, "paper": paper, "rows": rules.code_article(article, codebook, paper)}
    except Exception as error:  # noqa: BLE001 - a fault met in one article must not end a run; it is a reject
        return _reject(name + place, f"the coder failed: {type(error).__name__}: {error}", snippet)
    return coded if article.doi else {**coded, "text": digest + place}


def _code_batch(items, codebook):
    """Code ``(file, key of before, content or None)``; the one function that runs here, in processes, on a cluster."""
    return [_code_file(file, known, codebook, data) for file, known, data in items]


# --- a part -------------------------------------------------------------------------------------------------


def _write_part(part, files, codebook, workers, scheduler, resume):
    """Write a part anew, taking the lines of before that still hold; the number of its files."""
    new = part.with_suffix(".new")
    _recover(part, new, resume)
    count, before = 0, deque()

    def batches():
        pairs = _paired(files, merge.lines(part))
        while batch := list(itertools.islice(pairs, PARTITION)):
            before.extend(old.text if old else "" for _, old in batch)
            yield [(f, old.key if old else "", content(f) if scheduler else None) for f, old in batch]

    if scheduler:
        results = _on_cluster(batches(), codebook, scheduler)
    elif workers > 1:
        results = _in_processes(batches(), codebook, workers)
    else:
        results = (_code_batch([item], codebook) for batch in batches() for item in batch)
    with new.open("w", encoding="utf-8", newline="\n") as log, tqdm(desc="coding", unit="file") as bar:
        for line in itertools.chain.from_iterable(results):
            text = before.popleft()
            log.write((text if line is None else json.dumps(line, ensure_ascii=False)) + "\n")
            log.flush()
            count += 1
            bar.update()
    new.replace(part)
    return count


def _recover(part, new, resume):
    """What a killed run left: its new lines, then those of the run before from there on."""
    if not resume:
        part.unlink(missing_ok=True)
    elif new.exists():
        joined = part.with_suffix(".joined")
        with joined.open("w", encoding="utf-8", newline="\n") as log:
            last = ()
            for line in merge.lines(new):
                log.write(line.text + "\n")
                last = line.order
            for line in merge.lines(part):
                if line.order > last:
                    log.write(line.text + "\n")
        joined.replace(part)
    new.unlink(missing_ok=True)


def _paired(files, lines):
    """Each file with its line of before, both being in the same order."""
    line = next(lines, None)
    for file in files:
        while line is not None and line.order < file.order:  # of a file that is gone
            line = next(lines, None)
        yield file, line if line is not None and line.order == file.order else None


def _in_order(submit, batches, ahead):
    """Results in the order of the batches, with no more than `ahead` of them under way."""
    running = deque()
    for batch in batches:
        running.append(submit(batch))
        if len(running) > ahead:
            yield running.popleft().result()
    while running:
        yield running.popleft().result()


def _in_processes(batches, codebook, workers):
    # spawn: the only way that works on every system, and beside the threads of a notebook
    pool = concurrent.futures.ProcessPoolExecutor(workers, get_context("spawn"))
    try:
        yield from _in_order(lambda batch: pool.submit(_code_batch, batch, codebook), batches, 2 * workers)
    except concurrent.futures.BrokenExecutor as error:
        raise StudyError(
            expected=f"{workers} processes that stay alive",
            found="one that was ended, often for want of memory",
            where="coding",
            do="run the same command again, with fewer workers; what was coded is kept",
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _on_cluster(batches, codebook, scheduler):
    try:
        import distributed
    except ImportError as error:
        raise StudyError(
            expected="the package distributed",
            found="it is not installed",
            where="scheduler",
            do="run make tools, or pip install distributed",
        ) from error
    try:
        client = distributed.Client(scheduler, timeout="10s", set_as_default=False)
    except (OSError, ValueError) as error:
        raise StudyError(
            expected="the address of a running Dask scheduler",
            found=f"no answer ({error})",
            where=f"scheduler {scheduler}",
            do="start the scheduler or correct its address",
        ) from error
    with client:
        book = client.scatter(codebook, broadcast=True)
        threads = sum(worker["nthreads"] for worker in client.scheduler_info(n_workers=-1)["workers"].values())
        submit = lambda batch: client.submit(_code_batch, batch, book, pure=False)  # noqa: E731
        yield from _in_order(submit, batches, 2 * max(threads, 1))
