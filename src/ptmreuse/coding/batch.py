"""The rule coder over many files: a journal that can be resumed, processes, a cluster; the same rows either way."""

import concurrent.futures
import hashlib
import itertools
import json
import os
from collections import defaultdict
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from ptmreuse import paths
from ptmreuse.coding import rules
from ptmreuse.coding.articles import LARGEST, read_article
from ptmreuse.coding.codebook import default_codebook
from ptmreuse.errors import StudyError
from ptmreuse.evidence import study

# --- many articles ------------------------------------------------------------------------------------------

SUFFIXES = (".xml", ".nxml", ".txt")
PARTITION = 16  # articles that travel together to a process or a cluster


def code_articles(inputs, codebook=None):
    """Code articles one after the other.

    Parameters
    ----------
    inputs : iterable of path-like
        JATS (.xml, .nxml) and plain text (.txt) files, and folders of them.
    codebook : Codebook, optional
        Default: the project's own.

    Returns
    -------
    dict of str to DataFrame
        The study tables ``papers, fields, uses, reuse, stages, rejects, provenance``, and ``evidence``. A file
        that cannot be read, or the second file of one paper, is a row of ``rejects`` with the reason.

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
    files = _files(inputs)
    results = _code_partition([(f.name, _content(f.path)) for f in files if f.readable], codebook)
    return _tables(files, {r["file"]: r for r in results}, codebook)


def code_files(inputs, out, *, workers=1, resume=True, scheduler=None):
    """Code files and folders into study tables on disk; may be killed and run again.

    Parameters
    ----------
    inputs : sequence of path-like
        As in :func:`code_articles`.
    out : path-like
        Folder of the result: a CSV file per study table, ready for the source ``tables``, and under
        ``coding/`` the evidence and the journal from which an interrupted run goes on.
    workers : int
        Processes on this machine; 1 codes in this one.
    resume : bool
        Take articles from the journal that were coded with the same text, codebook and code.
    scheduler : str, optional
        Address of a Dask scheduler that does the coding instead (needs the extra ``dask``).

    Returns
    -------
    dict
        Counts: files, papers, rejects, and the answers to each question. The tables are the same whoever
        does the coding.

    Raises
    ------
    StudyError
        As :func:`code_articles`; also if the output folder holds tables that another hand made, or the
        processes or the scheduler fail.
    """
    codebook, out = default_codebook(), Path(out)
    journal = out / "coding" / "journal.jsonl"
    if workers < 1:
        raise StudyError(expected="1 or more", found=str(workers), where="workers", do="give a number of processes")
    if not journal.exists() and (theirs := sorted(out.glob("*.csv"))):
        raise StudyError(
            expected="an empty folder or one that this command made",
            found=theirs[0].name,
            where=paths.shown(out),
            do="choose another output folder",
        )
    files = _files(inputs)
    journal.parent.mkdir(parents=True, exist_ok=True)
    known = _journal(journal) if resume else {}
    done, todo = {}, []
    for file in (f for f in files if f.readable):
        key = _key(file.name, _content(file.path), codebook)
        if key in known:
            done[file.name] = known[key]
        else:
            todo.append(file)
    parts = (todo[i : i + PARTITION] for i in range(0, len(todo), PARTITION))
    work = ([(f.name, _content(f.path)) for f in part] for part in parts)
    if scheduler:
        results = _on_cluster(work, codebook, scheduler)
    elif workers > 1:
        results = _in_processes(work, codebook, workers)
    else:
        results = (result for part in work for item in part for result in _code_partition([item], codebook))
    with (
        journal.open("a" if resume else "w", encoding="utf-8", newline="\n") as log,
        tqdm(total=len(done) + len(todo), initial=len(done), desc="coding", unit="article") as bar,
    ):
        log.write("\n" if log.tell() else "")  # after a line that a kill has cut
        for result in results:
            log.write(json.dumps(result, ensure_ascii=False) + "\n")
            log.flush()
            done[result["file"]] = result
            bar.update()
    tables = _tables(files, done, codebook)
    _write(tables.pop("evidence"), out / "coding" / "evidence.csv")
    tables = _with_hand_made(tables, out)
    for name, table in tables.items():
        _write(table, out / f"{name}.csv")
    return _counts(files, tables)


def _with_hand_made(tables, out):
    """What a person added about the papers, in `out`, stays where the articles themselves do not say it."""
    papers = tables["papers"].set_index("paper")
    if (out / "papers.csv").exists():
        before = study.read_csv(out / "papers.csv")
        before = study.validate({"papers": before}, where=paths.shown(out))["papers"].set_index("paper")
        before = before.reindex(papers.index)
        for column in papers:
            unsaid = papers[column].isna() | papers[column].isin(["", "unknown"])
            papers[column] = papers[column].mask(unsaid & before[column].notna(), before[column])
    fields = tables["fields"]
    if (out / "fields.csv").exists():
        added = study.read_csv(out / "fields.csv")
        added = added[added["paper"].isin(papers.index) & ~added["paper"].isin(fields["paper"])]
        fields = pd.concat([fields, added], ignore_index=True)
    return study.validate({**tables, "papers": papers.reset_index(), "fields": fields}, where=paths.shown(out))


@dataclass(frozen=True)
class _File:
    """A file to code; its name is its path below the folder that all inputs share."""

    name: str
    path: Path
    source: str  # the input under which it was found
    readable: bool  # by its ending


def _files(inputs):
    given = [Path(path).resolve() for path in inputs]
    for path in given:
        if not path.exists():
            raise StudyError(
                expected="a file or folder to code",
                found="no such file or folder",
                where=path.name,
                do="correct the path",
            )
    top = os.path.commonpath([path.parent for path in given]) if given else ""
    files = {}
    for path in given:
        inside = sorted(path.rglob("*")) if path.is_dir() else [path]
        found = [
            _File(f.relative_to(top).as_posix(), f, path.relative_to(top).as_posix(), f.suffix.lower() in SUFFIXES)
            for f in inside
            if f.is_file() and (f == path or not any(p.startswith(".") for p in f.relative_to(path).parts))
        ]
        if not any(f.readable for f in found):
            raise StudyError(
                expected=f"articles ({', '.join(SUFFIXES)})",
                found=f"{len(found)} other files" if found else "no file",
                where=path.name,
                do="name files or folders of articles",
            )
        files = {f.path: f for f in found} | files
    if not files:
        raise StudyError(expected="a file or folder to code", found="none", where="input", do="name one")
    return sorted(files.values(), key=lambda f: f.name)


def _content(path):
    """The bytes of a file, or in words why there are none."""
    try:
        with path.open("rb") as file:
            return file.read(LARGEST + 1)
    except OSError as error:
        return f"cannot be read ({error.strerror})"


def _key(name, content, codebook):
    data = content if isinstance(content, bytes) else content.encode()
    return paths.text_sha256(f"{name} {hashlib.sha256(data).hexdigest()} {codebook.fingerprint}")


def _code_partition(items, codebook):
    """Code ``(name, content)`` pairs; the one function that runs here, in processes and on a cluster."""
    return [_code_one(name, content, codebook) for name, content in items]


def _code_one(name, content, codebook):
    result = {"file": name, "key": _key(name, content, codebook)}
    if isinstance(content, str):
        return {**result, "reason": content, "snippet": ""}
    snippet = content[:80].decode("utf-8", "replace")
    try:
        article = read_article(content, name)
        paper = article.doi or Path(name).stem
        return {**result, "paper": paper, "rows": rules.code_article(article, codebook, paper)}
    except StudyError as error:
        return {**result, "reason": f"expected {error.expected}, found {error.found}", "snippet": snippet}
    except Exception as error:  # noqa: BLE001 - a fault met in one article must not end a run; it is a reject
        return {**result, "reason": f"the coder failed: {type(error).__name__}: {error}", "snippet": snippet}


def _in_processes(work, codebook, workers):
    # spawn: the only way that works on every system, and beside the threads of a notebook
    pool = concurrent.futures.ProcessPoolExecutor(workers, get_context("spawn"))
    running = set()
    try:
        for part in itertools.chain(work, itertools.repeat(None)):
            if part is not None:
                running.add(pool.submit(_code_partition, part, codebook))
            if not running:
                return
            if part is None or len(running) > workers:
                done, running = concurrent.futures.wait(running, return_when="FIRST_COMPLETED")
                for future in done:
                    yield from future.result()
    except concurrent.futures.BrokenExecutor as error:
        raise StudyError(
            expected=f"{workers} processes that stay alive",
            found="one that was ended, often for want of memory",
            where="coding",
            do="run the same command again, with fewer workers; what was coded is kept",
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _on_cluster(work, codebook, scheduler):
    try:
        import distributed
    except ImportError as error:
        raise StudyError(
            expected="the package distributed",
            found="it is not installed",
            where="scheduler",
            do="install it with: pip install 'ptmreuse[dask]'",
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
        running = distributed.as_completed(with_results=True, loop=client.loop)
        for part in itertools.islice(work, 2 * max(threads, 1)):
            running.add(client.submit(_code_partition, part, book, pure=False))
        for _, results in running:
            for part in itertools.islice(work, 1):
                running.add(client.submit(_code_partition, part, book, pure=False))
            yield from results


def _journal(path):
    """Results of earlier runs by key; a line that a kill has cut is coded again."""
    known = {}
    if path.exists():
        for line in path.read_text(encoding="utf-8", errors="replace").split("\n"):
            try:
                result = json.loads(line)
            except ValueError:
                continue
            known[result["key"]] = result
    return known


def _tables(files, results, codebook):
    """Study tables and evidence from one result per readable file."""
    rows, rejects, first = defaultdict(list), [], {}

    def reject(file, reason, snippet=""):
        values = {"source": "coding", "table": "papers", "row": file.name, "reason": reason, "snippet": snippet}
        rejects.append((file.source, values))

    for file in files:
        result = results.get(file.name)
        if result is None:
            reject(file, f"not an article: its name does not end in {', '.join(SUFFIXES)}")
        elif "reason" in result:
            reject(file, result["reason"], result["snippet"])
        elif result["paper"] in first:
            reject(file, f"paper {result['paper']} again, first in {first[result['paper']]}")
        else:
            first[result["paper"]] = file.name
            for table, found in result["rows"].items():
                rows[table] += found
    books = []
    for source in dict.fromkeys(f.source for f in files):
        read = [f for f in files if f.source == source]
        rejected = sum(s == source for s, _ in rejects)
        keys = "\n".join(results[f.name]["key"] if f.name in results else f.name for f in read)
        books.append(
            {
                "source": "coding",
                "kind": "coded",
                "path": source,
                "sha256": paths.text_sha256(keys),
                "version": f"{rules.CODER} {codebook.fingerprint[:12]}",
                "rows_read": len(read),
                "rows_kept": len(read) - rejected,
                "rows_rejected": rejected,
            }
        )
    rows["rejects"] = [values for _, values in rejects]
    rows["provenance"] = books
    tables = {name: pd.DataFrame(rows[name], columns=list(columns)) for name, columns in study.SCHEMA.items()}
    tables = study.validate(tables, where="coding")
    study.accounting(tables)
    return {**tables, "evidence": pd.DataFrame(rows["evidence"], columns=list(rules.EVIDENCE))}


def _write(table, path):
    """Write a table whole or not at all."""
    part = path.with_suffix(".part")
    table.to_csv(part, index=False, lineterminator="\n")
    part.replace(path)


def _counts(files, tables):
    counted = {"files": len(files), "papers": len(tables["papers"]), "rejects": len(tables["rejects"])}
    for question in ("uses_dl", "uses_ptm"):
        answers = tables["uses"][question]
        counted[question] = {answer: int((answers == answer).sum()) for answer in study.ANSWERS}
    patterns = tables["reuse"]["pattern"]
    counted["reuse"] = {p: int((patterns == p).sum()) for p in (*study.PATTERNS, "unknown")}
    return counted
