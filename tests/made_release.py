"""Simulated evidence with a known truth, for steps and tests that need data where none is at hand.

Everything made here is labelled *simulated* and no finding about the world rests on it. A corpus is drawn
paper by paper from planted effects; the totals of the funnel are those of the May 2026 release, scaled to the
number of papers asked for.
"""

import itertools
import json
import re
import sqlite3
import zlib
from collections import Counter, defaultdict
from contextlib import closing
from pathlib import Path

import numpy as np

from ptmreuse.evidence import simulated, study

# A released database with its truth ----------------------------------------------------------------------

_SCHEMA = """
CREATE TABLE searches (_id INTEGER PRIMARY KEY, timestamp TEXT, megajournal TEXT, search_keyword TEXT,
    year INTEGER, url TEXT, page INTEGER, status_code INTEGER, json_data TEXT);
CREATE TABLE articles (_id INTEGER PRIMARY KEY, search_id INTEGER, doi TEXT, title TEXT, megajournal TEXT,
    journal TEXT);
CREATE TABLE openalex (_id INTEGER PRIMARY KEY, timestamp TEXT, doi TEXT, cited_by_count INTEGER,
    open_access INTEGER, topic_0 TEXT, topic_1 TEXT, topic_2 TEXT, json_data TEXT);
CREATE TABLE jats (_id INTEGER PRIMARY KEY, doi TEXT, jats_xml TEXT);
CREATE TABLE markdown (_id INTEGER PRIMARY KEY, doi TEXT, markdown TEXT);
CREATE TABLE _openalex_natural_science_fields (_id INTEGER PRIMARY KEY, openalex_id INTEGER, field TEXT);
CREATE TABLE _search_keywords (_id INTEGER PRIMARY KEY, keyword TEXT);
CREATE TABLE _years (_id INTEGER PRIMARY KEY, year INTEGER);
CREATE TABLE _llm_prompts (_id INTEGER PRIMARY KEY, tag TEXT, prompt TEXT, json_string TEXT);
CREATE VIEW natural_science_article_dois AS SELECT DISTINCT doi FROM openalex WHERE cited_by_count > 0 AND (
    topic_0 IN (SELECT field FROM _openalex_natural_science_fields)
    OR topic_1 IN (SELECT field FROM _openalex_natural_science_fields)
    OR topic_2 IN (SELECT field FROM _openalex_natural_science_fields));
"""
_ANSWER_TABLE = """CREATE TABLE {} (_id INTEGER PRIMARY KEY, doi TEXT, system_prompt TEXT, user_prompt TEXT,
    model_response TEXT, model_reasoning TEXT, compute_time_seconds REAL);"""
_ANSWER_TABLES = {
    "uses_dl": "uses_dl_analysis",
    "uses_ptm": "uses_ptms_analysis",
    "model": "identify_ptms_analysis",
    "pattern": "identify_ptm_reuse_analysis",
    "stage": "identify_ptm_impact_analysis",
}
_OPENALEX_IDS = (11, 13, 16, 19, 23, 24, 28, 31)
_LATE = (2026, 2027)
# What can happen to the answers about one paper in a messy database, and how often.
_FATES_YES_NO = {"plain": 0.80, "repeat": 0.06, "conflict": 0.04, "lost": 0.05, "rescued": 0.03, "vague": 0.02}
_FATES_LIST = {
    "plain": 0.70,
    "repeat": 0.06,
    "item twice": 0.06,
    "conflict": 0.04,
    "lost": 0.05,
    "rescued": 0.03,
    "unknown item": 0.03,
    "no item": 0.03,
}


def write_release(path, seed, papers, messy=True, text_kb=2, called=()):
    """Write a database in the shape of the authors' release, and return its truth (data kind: simulated).

    The truth is kept by hand while writing; nothing of the code that reads a release takes part in it.

    Parameters
    ----------
    path : path-like
        The SQLite file; an existing one is replaced.
    seed : int
        The same seed writes the same rows.
    papers : int
        Papers found, 100 or more; codes are those of coder *truth* of `simulate_corpus`.
    messy : bool
        With all that was met in real answers: every shape and spelling, repeats, conflicts, answers cut, empty
        or in error, papers coded twice, records without DOI, year or number, the same field twice, and about
        1 % more papers published after 2025.
    text_kb : float
        Length of an article text, kB. At 45 and 18,091 papers the file has about 1.8 GB.
    called : sequence of str
        Names that the most reused models get.

    Returns
    -------
    dict
        In the form of `sources.counts` with the papers published up to 2025.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_release(pathlib.Path(folder) / "r.db", seed=1, papers=200, messy=False)["natural_science"]
    80
    """
    path = Path(path)
    path.unlink(missing_ok=True)
    rng = np.random.default_rng([seed, 1])
    corpus = _as_records(*simulated.simulate_corpus(seed, papers), called)
    if messy:
        _disturb(rng, corpus)
    rejects = defaultdict(Counter)
    text = _filler(rng, text_kb)
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;" + _SCHEMA)
        database.execute(f"PRAGMA application_id = {study.SIMULATED}")  # readers label it by this
        database.execute("BEGIN")
        _write_constants(database)
        _write_searches(database, rng, corpus, rejects, messy)
        _write_metadata(database, rng, corpus, rejects, messy, _filler(rng, 0.45 * text_kb))
        _write_texts(database, rng, corpus, rejects, messy, text)
        said = {
            name: _write_answers(database, rng, name, asked, corpus, rejects, messy, text)
            for name, asked in (
                ("uses_dl", [p for p in corpus if p["full_text"]]),
                ("uses_ptm", [p for p in corpus if p["dl"]]),
                ("model", [p for p in corpus if p["items"]]),
                ("pattern", [p for p in corpus if p["items"]]),
                ("stage", [p for p in corpus if p["items"]]),
            )
        }
        database.execute("COMMIT")
    return _truth_counts(corpus, said, rejects)


def _as_records(tables, hits, called):
    """The corpus as one dict per paper, with what coder *truth* says."""
    truth = {name: frame[frame["coder"] == "truth"] for name, frame in tables.items() if "coder" in frame}
    fields = tables["fields"].groupby("paper")["field"].agg(list)
    keywords = hits.groupby("paper")["keyword"].agg(list)
    uses = truth["uses"].set_index("paper")
    items = defaultdict(list)
    renamed = dict(zip(truth["reuse"]["model"].value_counts().index, called, strict=False))
    for reuse, stage in zip(truth["reuse"].itertuples(), truth["stages"].itertuples(), strict=True):
        items[reuse.paper].append((renamed.get(reuse.model, reuse.model), reuse.pattern, stage.stage))
    users = {q: set(uses.index[uses[q] == "yes"]) for q in ("uses_dl", "uses_ptm")}
    return [
        {
            "doi": f"10.5555/sim.{p.paper[1:]}",
            "year": int(p.year),
            "late": False,
            "searched": int(p.year),
            "record": True,
            "megajournal": p.megajournal,
            "keywords": keywords[p.paper],
            "cited": int(p.cited_by),
            "science": p.natural_science == "yes",
            "full_text": p.full_text == "yes",
            "fields": fields[p.paper],
            "dl": p.paper in users["uses_dl"],
            "ptm": p.paper in users["uses_ptm"],
            "items": items[p.paper],
        }
        for p in tables["papers"].itertuples()
    ]


def _disturb(rng, corpus):
    """Late papers, and papers that OpenAlex does not know or whose year nobody knows."""
    texts = [p for p in corpus if p["full_text"]]
    uncited = [p for p in corpus if not p["cited"]]
    few = max(2, len(corpus) // 100)
    for number in range(few):
        model, year = texts[rng.integers(len(texts))], int(rng.choice(_LATE))
        doi = f"10.5555/sim.late.{number:05d}"
        corpus.append({**model, "doi": doi, "year": year, "searched": year, "late": True})
    for number, at in enumerate(rng.choice(len(uncited), size=few, replace=False)):
        uncited[at]["record"] = False
        if number % 2:
            uncited[at]["year"] = uncited[at]["searched"] = None


def _filler(rng, kb):
    """A function of a DOI that gives an article text of so many kB, different for each."""
    words = np.array(["deep", "model", "data", "cells", "protein", "image", "learning", "network", "species"])
    size = max(int(kb * 1000), 1)
    block = " ".join(rng.choice(words, size=size // 3 + 50))
    block = (block * (2 * size // len(block) + 1))[: 2 * size]

    def text(doi):
        start = zlib.crc32(doi.encode()) % size
        return f"{doi} {block[start : start + size]}"

    return text


def _spelled(rng, doi, messy):
    if not messy:
        return doi
    return [doi, doi.upper(), f"https://doi.org/{doi}", f" {doi}"][rng.choice(4, p=(0.85, 0.05, 0.05, 0.05))]


def _insert(database, table, rows):
    rows = iter(rows)
    first = next(rows, None)
    if first is not None:
        statement = f"INSERT INTO {table} VALUES (NULL{', ?' * len(first)})"
        database.executemany(statement, itertools.chain([first], rows))


def _write_constants(database):
    _insert(database, "_search_keywords", [(k,) for k in simulated.KEYWORDS])
    _insert(database, "_years", [(y,) for y in simulated.YEARS])
    _insert(database, "_openalex_natural_science_fields", zip(_OPENALEX_IDS, study.FIELDS, strict=True))
    _insert(database, "_llm_prompts", [(tag, f"simulated prompt {tag}", "{}") for tag in study.QUESTIONS])


def _write_searches(database, rng, corpus, rejects, messy):
    searches, articles = {}, []
    for paper in corpus:
        for keyword in paper["keywords"]:
            key = (paper["megajournal"], keyword, paper["searched"])
            number = searches.setdefault(key, len(searches) + 1)
            doi = _spelled(rng, paper["doi"], messy)
            articles.append((number, doi, f"Simulated article {paper['doi']}", paper["megajournal"], "simulated"))
    if messy:
        for doi in (None, "", "  "):
            articles.append((1, doi, "no DOI", "PLOS", "simulated"))
        rejects["articles"]["no DOI"] += 3
    _insert(
        database,
        "searches",
        (("2026-05-06", journal, word, year, "", 1, 200, "{}") for journal, word, year in searches),
    )
    _insert(database, "articles", (articles[i] for i in rng.permutation(len(articles))))


def _write_metadata(database, rng, corpus, rejects, messy, text):
    def row(doi, cited, fields, data):
        topics = [*fields, None, None, None][:3]
        return ("2026-05-06", _spelled(rng, doi, messy), cited, 1, *topics, data)

    def rows():
        for paper in corpus:
            if not paper["record"]:
                continue
            doi, fields, chance = paper["doi"], list(paper["fields"]), rng.random()
            data = json.dumps({"publication_year": paper["year"], "abstract": text(doi)})
            if messy and len(fields) < 3 and chance < 0.1:
                fields = [*fields, fields[0]]
            if messy and 0.1 < chance < 0.12:
                data = [None, "", data[:22], "[]", '{"publication_year": null}'][rng.integers(5)]
            yield row(doi, paper["cited"], fields, data)
            if messy and 0.12 < chance < 0.14:
                yield row(doi, paper["cited"] // 2, fields, data)
        if messy:
            yield row("10.5555/sim.orphan", 5, study.FIELDS, "{}")
            yield row("", 5, study.FIELDS, "{}")
            yield row(corpus[0]["doi"], "many", study.FIELDS, "{}")
            yield row(corpus[1]["doi"], None, study.FIELDS, "{}")
            yield row(corpus[2]["doi"], -1, study.FIELDS, "{}")

    _insert(database, "openalex", rows())
    if messy:
        rejects["openalex"]["the paper is not among the articles"] += 1
        rejects["openalex"]["no DOI"] += 1
        rejects["openalex"]["cited_by_count is not a whole number"] += 3


def _write_texts(database, rng, corpus, rejects, messy, text):
    def rows():
        for paper in corpus:
            doi = paper["doi"]
            if paper["full_text"]:
                yield _spelled(rng, doi, messy), f"<article><body><p>{text(doi)}</p></body></article>"
                if messy and rng.random() < 0.01:
                    yield doi, "<article/>"
            elif messy and paper["science"]:
                rejects["jats"]["no text"] += 1
                yield doi, [None, ""][rng.integers(2)]
        if messy:
            rejects["jats"]["the paper is not among the articles"] += 1
            yield "10.5555/sim.orphan", "<article/>"

    _insert(database, "jats", rows())
    _insert(database, "markdown", ((p["doi"], text(p["doi"])) for p in corpus if p["full_text"]))


def _write_answers(database, rng, question, asked, corpus, rejects, messy, text):
    """Write one answer table; what a careful reader may take from it: DOI -> yes/no, or set of codes."""
    table = _ANSWER_TABLES[question]
    database.execute(_ANSWER_TABLE.format(table))
    answer = _yes_no_answers if question in ("uses_dl", "uses_ptm") else _list_answers
    said, rows = {}, []
    for paper in asked:
        texts, said[paper["doi"]] = answer(rng, question, paper, table, rejects, messy)
        rows += [(paper["doi"], t) for t in texts]
    if messy:
        outside = next(p["doi"] for p in corpus if p["record"] and not p["cited"])
        rows += [("10.5555/sim.orphan", "{}"), (None, "{}"), (outside, '{"result": true}')]
        for reason in ("not among the articles", "not a cited natural-science paper"):
            rejects[table][f"the paper is {reason}"] += 1
        rejects[table]["no DOI"] += 1
    order = rng.permutation(len(rows)) if messy else range(len(rows))
    _insert(
        database,
        table,
        (
            (_spelled(rng, doi, messy and bool(doi)), question, text(doi or ""), said_text, "thinking " * 50, 1.5)
            for doi, said_text in (rows[i] for i in order)
        ),
    )
    return said


def _yes_no_answers(rng, question, paper, table, rejects, messy):
    true = paper["dl" if question == "uses_dl" else "ptm"]
    answer = "yes" if true else "no"
    if not messy:
        return [json.dumps({"result": true, "prose": "a sentence"})], answer
    fate = rng.choice(list(_FATES_YES_NO), p=list(_FATES_YES_NO.values()))
    texts = [_yes_no_text(rng, true)]
    if fate == "repeat":
        texts.append(_yes_no_text(rng, true))
    elif fate == "conflict":
        texts.append(_yes_no_text(rng, not true))
        answer = "unknown"
    elif fate == "vague":
        texts = [json.dumps({"result": str(rng.choice(["maybe", "unclear", "partly"]))})]
        answer = "unknown"
    elif fate in ("lost", "rescued"):
        bad, status = _lost_text(rng, json.dumps({"result": bool(true), "prose": "a sentence"}))
        rejects[table][status] += 1
        texts = [bad] if fate == "lost" else [bad, *texts]
        answer = "unknown" if fate == "lost" else answer
    return texts, answer


def _yes_no_text(rng, true):
    word = "yes" if true else "no"
    plain = {"result": bool(true), "prose": 'a sentence with "quotes", {brackets} and [12]'}
    return [
        json.dumps(plain),
        json.dumps(plain, indent=4),
        json.dumps({**plain, "result": str(bool(true)).lower()}),
        json.dumps({**plain, "result": word.title()}),
        json.dumps({"Result": int(true), "prose": None}),
        json.dumps([plain]),
        json.dumps({"response": plain}),
        *_wrapped(json.dumps(plain)),
    ][rng.integers(7 + 6)]


def _wrapped(text):
    """The six ways in which the text of an answer was packed."""
    return [
        f"```json\n{text}\n```",
        f"Here is my answer [1]:\n{text}\nI hope this helps.",
        json.dumps(text),
        json.dumps({"response": text}),
        json.dumps({"model": "a coding model", "created_at": "2026-05-13", "response": text, "done": True}),
        json.dumps(
            {
                "status": "completed",
                "output": [
                    {"type": "reasoning", "summary": []},
                    {"type": "message", "content": [{"type": "output_text", "text": text}]},
                ],
            }
        ),
    ]


def _lost_text(rng, good):
    return [
        (None, "empty"),
        ("", "empty"),
        ("{}", "empty"),
        ('{"error": "context length exceeded"}', "error"),
        (good[: len(good) * 2 // 3], "truncated"),
        (f"```json\n{good[: len(good) // 2]}", "truncated"),
        ("I cannot tell from this text.", "not_json"),
        ('{"unrelated": 3, "other": 4}', "no_answer"),
    ][rng.integers(8)]


def _list_answers(rng, question, paper, table, rejects, messy):
    column = {"model": None, "pattern": 1, "stage": 2}[question]
    codes = [(item[0], item[column] if column else "") for item in paper["items"]]
    kept = set(codes)
    if not messy:
        return [json.dumps([_item(*code, question) for code in codes])], kept
    fate = rng.choice(list(_FATES_LIST), p=list(_FATES_LIST.values()))
    entries = [_item(*code, question, rng) for code in codes]
    first, category = codes[0]
    texts = []
    if fate == "repeat":
        texts.append(_list_text(rng, [_item(*code, question, rng) for code in reversed(codes)]))
    elif fate == "item twice":
        entries.append(_item(first, category, question, rng))
    elif fate == "conflict" and question != "model":
        others = [c for c in (study.PATTERNS if question == "pattern" else study.STAGES) if c != category]
        changed = (first, str(rng.choice(others)))
        texts.append(_list_text(rng, [_item(*c, question, rng) for c in [changed, *codes[1:]]]))
        kept.discard((first, category))
    elif fate == "unknown item" and question != "model":
        odd = _item("FooNet-7", category, question)
        odd.pop("classification" if question == "pattern" else "step")
        entries.append(odd if rng.random() < 0.5 else {**odd, "classification": "hybrid_reuse", "step": "none"})
    elif fate == "no item":
        odd, reason = [
            (None, "not an object with a model"),
            (7, "not an object with a model"),
            ({"model": "None", "classification": None, "step": None}, "names no model"),
            ({"model": True}, "the model is not a text"),
        ][rng.integers(4)]
        entries.append(odd)
        rejects[f"items of {table}"][reason] += 1
    elif fate in ("lost", "rescued"):
        bad, status = _lost_text(rng, json.dumps(entries))
        rejects[table][status] += 1
        if fate == "lost":
            return [bad], set()
        texts.append(bad)
    return [_list_text(rng, entries), *texts], kept


def _item(model, category, question, rng=None):
    """One item; with a generator, in any of the spellings met."""
    word, key = f"{category}_reuse", "classification"
    others = [f"{category.title()} Reuse", word.upper(), category, f"1. {category} reuse"]
    if question == "stage":
        word, key = category, "step"
        others = [category.lower(), category.upper(), f"Step 3: {category}", f"{category} stage"]
    if rng is not None:
        spelling = rng.integers(4)
        if re.fullmatch(r"[\w. -]+", model):  # of any other name nobody knows a second spelling
            model = [model, model.lower(), model.upper(), model.replace("-", " ")][spelling]
        word = word if rng.random() < 0.7 else others[rng.integers(len(others))]
    item = {"model": model, "form": "a form", "prose": "a sentence [12]"}
    return item if question == "model" else {**item, key: word}


def _list_text(rng, entries):
    shapes = [
        entries,
        {"response": entries},
        {"result": entries},
        {"models": entries},
        {"any other key": entries},
        [entries],
        [{"models": entries}],
        {"response": {"items": entries}},
    ]
    if len(entries) == 1 and rng.random() < 0.5:
        return json.dumps(entries[0], indent=4)
    shape = rng.integers(len(shapes) + 6)
    return json.dumps(shapes[shape]) if shape < len(shapes) else _wrapped(json.dumps(entries))[shape - len(shapes)]


def _truth_counts(corpus, said, rejects):
    """What counting must give, from the records of the generator."""
    kept = [p for p in corpus if not p["late"]]
    late = len(corpus) - len(kept)
    if late:
        rejects["papers"]["published after 2025"] += late
    here = {p["doi"] for p in kept}
    definite = {q: {d for d, a in said[q].items() if d in here and a != "unknown"} for q in ("uses_dl", "uses_ptm")}
    yes = {q: {d for d in definite[q] if said[q][d] == "yes"} for q in definite}
    codes = {
        q: Counter((code, doi) for doi in here & said[q].keys() for _, code in said[q][doi])
        for q in ("pattern", "stage")
    }

    def items(question, category):
        return sum(n for (code, _), n in codes[question].items() if code == category)

    years = Counter("unknown" if p["year"] is None else str(p["year"]) for p in kept)
    year_of = {p["doi"]: str(p["year"]) for p in kept}
    return {
        "papers": len(kept),
        "cited": sum(p["cited"] > 0 for p in kept),
        "natural_science": sum(p["science"] for p in kept),
        "full_text": sum(p["full_text"] for p in kept),
        "dl_coded": len(definite["uses_dl"]),
        "uses_dl": len(yes["uses_dl"]),
        "ptm_coded": len(definite["uses_ptm"]),
        "uses_ptm": len(yes["uses_ptm"]),
        "reuse_items": {p: items("pattern", p) for p in sorted(study.PATTERNS)},
        "reuse_papers": {p: sum(code == p for code, _ in codes["pattern"]) for p in sorted(study.PATTERNS)},
        "stages": {s.lower(): items("stage", s) for s in study.STAGES},
        "fields": {
            f: {q: sum(f in p["fields"] and p["doi"] in yes[q] for p in kept) for q in yes} for f in study.FIELDS
        },
        "years": {
            year: {"papers": n, **{q: sum(year_of[d] == year for d in yes[q]) for q in yes}}
            for year, n in sorted(years.items())
        },
        "rejects": {table: dict(sorted(reasons.items())) for table, reasons in sorted(rejects.items())},
    }
