"""Simulated evidence with a known truth, for steps and tests that need data where none is at hand.

Everything made here is labelled *simulated* and no finding about the world rests on it. A corpus is drawn
paper by paper from planted effects; the totals of the funnel are those of the May 2026 release, scaled to the
number of papers asked for. The null twin has the same frame and the same totals without any effect.
"""

import itertools
import json
import sqlite3
import zlib
from collections import Counter, defaultdict
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd

from ptmreuse import names, study
from ptmreuse.errors import StudyError

YEARS = tuple(range(2000, 2026))
MEGAJOURNALS = {"PLOS": 0.42, "Frontiers": 0.43, "BMJ": 0.12, "F1000": 0.03}
# Share of the papers that each search term finds; a paper that none finds is given the first.
KEYWORDS = {
    "Deep Learning": 0.78,
    "Deep Neural Network": 0.34,
    "Pre-Trained Model": 0.22,
    "Model Weights": 0.10,
    "Hugging Face": 0.05,
    "Model Checkpoint": 0.02,
}
OTHER_FIELDS = {
    "Medicine": 0.36,
    "Computer Science": 0.30,
    "Engineering": 0.14,
    "Psychology": 0.10,
    "Health Professions": 0.06,
    "Social Sciences": 0.04,
}
FIELD_SHARES = dict(zip(study.FIELDS, (0.15, 0.27, 0.06, 0.06, 0.12, 0.09, 0.18, 0.07), strict=True))
# Log odds of PTM reuse that each field of a deep-learning paper adds.
FIELD_EFFECTS = dict(zip(study.FIELDS, (0.25, 0.40, -0.30, -0.10, 0.00, -0.25, 0.10, -0.30), strict=True))
# Log odds of deep learning per publication year, and of reuse per year among deep-learning papers.
TREND_DL, TREND_PTM = 0.15, 0.10
PATTERN_MIX = {"conceptual": 0.20, "adaptation": 0.65, "deployment": 0.15}
# Log weights that a field adds to a pattern.
PATTERN_EFFECTS = {
    ("Biochemistry, Genetics and Molecular Biology", "deployment"): 0.9,
    ("Physics and Astronomy", "conceptual"): 0.6,
}
STAGE_MIX = dict(zip(study.STAGES, (0.11, 0.07, 0.04, 0.58, 0.16, 0.04), strict=True))
ALIKE = 0.6  # chance that a model of a paper follows the paper's own pattern (and stage) instead of a new draw
MODELS = (
    "AlexNet",
    "ResNet-50",
    "VGG-16",
    "AlphaFold 2",
    "U-Net",
    "AlphaFold",
    "BERT",
    "Inception v3",
    "DeepLabCut",
    "ResNet-18",
    "Cellpose",
    "GoogLeNet",
    "DenseNet-121",
    "VGG-19",
    "SignalP 5.0",
    "ResNet-101",
    "ESM-2",
    "YOLOv5",
    "MobileNetV2",
    "Xception",
    "BioBERT",
    "EfficientNet-B0",
    "GPT-2",
    "StarDist",
    "Faster R-CNN",
    "Mask R-CNN",
    "DeepLoc",
    "wav2vec 2.0",
    "ProtBERT",
    "SqueezeNet",
    "LeNet-5",
    "YOLOv3",
    "RoseTTAFold",
    "Vision Transformer",
    "PubMedBERT",
    "DeepVariant",
)
# What the fallible coder does, per question.
SENSITIVITY = {"uses_dl": 0.97, "uses_ptm": 0.90, "model": 0.92, "pattern": 0.90, "stage": 0.85}
SPECIFICITY = {"uses_dl": 0.93, "uses_ptm": 0.95, "pattern": 0.95, "stage": 0.97}
UNKNOWN = 0.01  # share of the fallible coder's yes/no answers that are unknown instead
CODERS = ("truth", "simulated coder")


def simulate_corpus(seed, papers=18091, null=False):
    """A seeded corpus of papers, coded by an infallible and by a fallible coder (data kind: simulated).

    Parameters
    ----------
    seed : int
        The same seed gives the same bytes.
    papers : int
        Papers that the searches find, 100 or more. At 18,091 the totals of coder *truth* equal the May 2026
        funnel exactly (cited, natural science, full text, deep learning, reuse); otherwise in proportion.
    null : bool
        The null twin: the same frame and totals, but neither year nor field bears on deep learning, reuse or
        pattern. Models of one paper stay alike in both.

    Returns
    -------
    tables : dict of str to DataFrame
        Study tables. Coder *truth* holds the true code of every full text, *simulated coder* what a coder
        with the planted sensitivity and specificity would have written. Where a coder says *no* to deep
        learning, reuse of a deep-learning model is *no* too, as in the study's own sequence of questions.
    hits : DataFrame
        Columns paper, megajournal, keyword: one row per paper and search that found it.
    truth : dict
        What was planted and what was realised; can be written as JSON.

    Raises
    ------
    StudyError
        If the corpus is too small to hold the funnel.

    Notes
    -----
    A yes/no quality with planted log odds and an exact total k is drawn as the k largest values of log odds
    plus standard logistic noise, i.e. a logistic model whose intercept is set by the total. Field effects add
    up over the fields of a paper. Given that the coder lists a model, its pattern is right with the
    sensitivity and otherwise one of the others, each as likely; so is its stage.

    Examples
    --------
    >>> tables, hits, truth = simulate_corpus(seed=1, papers=500)
    >>> len(tables["papers"]), truth["realised"]["natural_science"]
    (500, 199)
    """
    if papers < 100:
        raise StudyError(
            expected="100 papers or more",
            found=str(papers),
            where="simulated corpus",
            do="ask for more papers",
        )
    totals = _funnel(papers)
    frame_rng, code_rng, coder_rng = np.random.default_rng(seed).spawn(3)
    frame, member, hits = _frame(frame_rng, papers, totals)
    coded = _true_codes(code_rng, frame, member, totals, null)
    tables = _tables(frame, member, coded, coder_rng)
    tables["provenance"] = pd.DataFrame(
        [
            {
                "source": "simulated",
                "kind": "simulated",
                "path": f"simulated corpus, seed {seed}" + (", null twin" if null else ""),
                "sha256": "",
                "version": "",
                "rows_read": papers,
                "rows_kept": papers,
                "rows_rejected": 0,
            }
        ]
    )
    tables = study.validate(tables, where="simulated corpus")
    truth = {
        "data_kind": "simulated",
        "seed": int(seed),
        "null": bool(null),
        "planted": _planted(totals, coded, null),
        "realised": _realised(tables),
    }
    return tables, hits, truth


def _funnel(papers):
    fact = study.published()["value"]
    steps = ("found", "cited", "natural_science", "full_text", "uses_dl", "reuse_papers")
    return {s: round(papers * fact[f"may2026_{s}"] / fact["may2026_found"]) for s in steps}


def _exactly(rng, log_odds, total, among):
    """Choose exactly `total` rows among those allowed, by the logistic model of the log odds."""
    score = np.where(among, log_odds + rng.logistic(size=len(among)), -np.inf)
    chosen = np.zeros(len(among), dtype=bool)
    chosen[np.argsort(-score, kind="stable")[:total]] = True
    return chosen


def _draw(rng, weights, count):
    """Per row, draw `count` different columns in proportion to the weights; a 0/1 matrix."""
    with np.errstate(divide="ignore"):
        score = np.log(weights) + rng.gumbel(size=weights.shape)
    rank = np.argsort(np.argsort(-score, axis=1, kind="stable"), axis=1, kind="stable")
    return (rank < np.asarray(count)[:, None]) & (weights > 0)


def _frame(rng, papers, totals):
    growth = np.exp(0.22 * (np.array(YEARS) - YEARS[0]))
    year = rng.choice(YEARS, size=papers, p=growth / growth.sum())
    journal = rng.choice(list(MEGAJOURNALS), size=papers, p=list(MEGAJOURNALS.values()))
    cited = _exactly(rng, 0.35 * np.minimum(2025 - year, 8), totals["cited"], np.full(papers, True))
    citations = np.where(cited, 1 + rng.negative_binomial(1, 1 / (1 + 3.0 * (2026 - year))), 0)
    science = _exactly(rng, np.zeros(papers), totals["natural_science"], cited)
    # A paper without citations can have natural-science topics too; it is outside the frame all the same.
    in_fields = science | (~cited & (rng.random(papers) < totals["natural_science"] / totals["cited"]))
    full_text = _exactly(rng, 0.05 * (year - 2015), totals["full_text"], science)

    shares = np.array([*FIELD_SHARES.values(), *OTHER_FIELDS.values()])
    natural = np.arange(len(shares)) < len(FIELD_SHARES)
    first = _draw(rng, np.where(natural == in_fields[:, None], shares, 0), np.ones(papers, dtype=int))
    further = np.where(first | (~in_fields[:, None] & natural), 0, shares)
    member = first | _draw(rng, further, rng.choice(3, size=papers, p=(0.4, 0.4, 0.2)))

    frame = pd.DataFrame(
        {
            "paper": [f"S{i:05d}" for i in range(1, papers + 1)],
            "doi": "",
            "year": year,
            "megajournal": journal,
            "cited_by": citations,
            "natural_science": np.where(science, "yes", "no"),
            "full_text": np.where(full_text, "yes", np.where(science, "no", "unknown")),
        }
    )
    found = rng.random((papers, len(KEYWORDS))) < np.array(list(KEYWORDS.values()))
    found[~found.any(axis=1), 0] = True
    row, keyword = np.nonzero(found)
    hits = pd.DataFrame(
        {
            "paper": frame["paper"].to_numpy()[row],
            "megajournal": journal[row],
            "keyword": np.array(list(KEYWORDS))[keyword],
        }
    )
    return frame, member, hits


def _true_codes(rng, frame, member, totals, null):
    """True answers of all papers; true items (paper row, model, pattern, stage) of the reusing ones."""
    effect = 0.0 if null else 1.0
    since = frame["year"].to_numpy() - 2015
    natural = member[:, : len(study.FIELDS)]
    full_text = (frame["full_text"] == "yes").to_numpy()
    dl = _exactly(rng, effect * TREND_DL * since, totals["uses_dl"], full_text)
    log_odds = TREND_PTM * since + natural @ np.array(list(FIELD_EFFECTS.values()))
    ptm = _exactly(rng, effect * log_odds, totals["reuse_papers"], dl)

    paper = np.flatnonzero(ptm)
    many = np.minimum(rng.geometric(0.5, size=len(paper)), 8)
    popularity = np.tile(1 / np.arange(1, len(MODELS) + 1) ** 0.8, (len(paper), 1))
    which, model = np.nonzero(_draw(rng, popularity, many))
    tilt = np.zeros((len(study.FIELDS), len(study.PATTERNS)))
    for (field, pattern), weight in PATTERN_EFFECTS.items():
        tilt[study.FIELDS.index(field), study.PATTERNS.index(pattern)] = effect * weight
    weights = np.array(list(PATTERN_MIX.values())) * np.exp(natural[paper] @ tilt)
    mix = weights / weights.sum(axis=1, keepdims=True)
    return {
        "dl": dl,
        "ptm": ptm,
        "paper": paper[which],
        "model": model,
        "pattern": _alike(rng, mix, which),
        "stage": _alike(rng, np.tile(list(STAGE_MIX.values()), (len(paper), 1)), which),
        "expected_patterns": mix[which].mean(axis=0),
    }


def _alike(rng, mix, which):
    """One category per item; items of one paper share the paper's own category with chance ALIKE."""
    own = _category(rng, mix)
    return np.where(rng.random(len(which)) < ALIKE, own[which], _category(rng, mix[which]))


def _category(rng, mix):
    return (rng.random(len(mix))[:, None] > np.cumsum(mix, axis=1)[:, :-1]).sum(axis=1)


def _tables(frame, member, coded, rng):
    paper = frame["paper"].to_numpy()
    row, field = np.nonzero(member)
    every_field = np.array([*FIELD_SHARES, *OTHER_FIELDS])
    read = np.flatnonzero(frame["full_text"] == "yes")
    seen = _fallible(rng, coded, read)
    model = names.normalise(pd.Series(MODELS))
    uses, reuse, stages = [], [], []
    for coder, codes in zip(CODERS, (_infallible(coded, read), seen), strict=True):
        item = {"paper": paper[codes["paper"]], "coder": coder, "model": np.array(MODELS)[codes["model"]]}
        uses.append(pd.DataFrame({"paper": paper[read], "coder": coder, **codes["uses"]}))
        reuse.append(
            pd.DataFrame(
                {
                    **item,
                    "canonical": model["canonical"].to_numpy()[codes["model"]],
                    "family": model["family"].to_numpy()[codes["model"]],
                    "pattern": np.array(study.PATTERNS)[codes["pattern"]],
                }
            )
        )
        stages.append(pd.DataFrame({**item, "stage": np.array(study.STAGES)[codes["stage"]]}))
    return {
        "papers": frame,
        "fields": pd.DataFrame({"paper": paper[row], "field": every_field[field]}),
        "uses": pd.concat(uses, ignore_index=True),
        "reuse": pd.concat(reuse, ignore_index=True),
        "stages": pd.concat(stages, ignore_index=True),
    }


def _infallible(coded, read):
    answers = {
        "uses_dl": np.where(coded["dl"][read], "yes", "no"),
        "uses_ptm": np.where(coded["ptm"][read], "yes", "no"),
    }
    return {"uses": answers, **{k: coded[k] for k in ("paper", "model", "pattern", "stage")}}


def _fallible(rng, coded, read):
    dl = _answer(rng, coded["dl"][read], "uses_dl")
    asked = _answer(rng, coded["ptm"][read], "uses_ptm")
    ptm = np.where(dl == "yes", asked, dl)  # no deep learning: no reuse; not known: not known
    says_reuse = np.zeros(len(coded["ptm"]), dtype=bool)
    says_reuse[read[ptm == "yes"]] = True
    kept = says_reuse[coded["paper"]] & (rng.random(len(coded["paper"])) < SENSITIVITY["model"])
    invented = np.flatnonzero(says_reuse & ~coded["ptm"])  # one model per paper that reuses none
    true_pattern = np.r_[coded["pattern"][kept], rng.integers(len(study.PATTERNS), size=len(invented))]
    true_stage = np.r_[coded["stage"][kept], rng.integers(len(study.STAGES), size=len(invented))]
    return {
        "uses": {"uses_dl": dl, "uses_ptm": ptm},
        "paper": np.r_[coded["paper"][kept], invented],
        "model": np.r_[coded["model"][kept], rng.integers(len(MODELS), size=len(invented))],
        "pattern": _confused(rng, true_pattern, len(study.PATTERNS), SENSITIVITY["pattern"]),
        "stage": _confused(rng, true_stage, len(study.STAGES), SENSITIVITY["stage"]),
    }


def _answer(rng, true, question):
    chance = np.where(true, SENSITIVITY[question], 1 - SPECIFICITY[question])
    said = np.where(rng.random(len(true)) < chance, "yes", "no")
    return np.where(rng.random(len(true)) < UNKNOWN, "unknown", said)


def _confused(rng, true, categories, right):
    other = (true + rng.integers(1, categories, size=len(true))) % categories
    return np.where(rng.random(len(true)) < right, true, other)


def _planted(totals, coded, null):
    effect = 0.0 if null else 1.0
    return {
        "funnel": totals,
        "trend_log_odds_per_year": {"uses_dl": effect * TREND_DL, "uses_ptm_given_dl": effect * TREND_PTM},
        "field_log_odds": {f: effect * e for f, e in FIELD_EFFECTS.items()},
        "pattern_mix": dict(PATTERN_MIX),
        "pattern_log_weights": {} if null else {f"{f} | {p}": w for (f, p), w in PATTERN_EFFECTS.items()},
        # the mix expected for the items drawn, given the fields of their papers
        "pattern_mix_expected": dict(zip(study.PATTERNS, map(float, coded["expected_patterns"]), strict=True)),
        "stage_mix": dict(STAGE_MIX),
        "alike_within_paper": ALIKE,
        "model_popularity": {m: 1 / rank**0.8 for rank, m in enumerate(MODELS, start=1)},
        "coder": {
            "sensitivity": dict(SENSITIVITY),
            "specificity": dict(SPECIFICITY),
            "unknown_share": UNKNOWN,
        },
    }


def _realised(tables):
    papers, reuse, stages = (tables[t] for t in ("papers", "reuse", "stages"))
    result = {
        "found": len(papers),
        "cited": int((papers["cited_by"] > 0).sum()),
        "natural_science": int((papers["natural_science"] == "yes").sum()),
        "full_text": int((papers["full_text"] == "yes").sum()),
    }
    for coder in CODERS:
        uses = tables["uses"][tables["uses"]["coder"] == coder]
        mine = reuse[reuse["coder"] == coder]
        by_field = tables["fields"].merge(uses[uses["uses_ptm"] == "yes"], on="paper")["field"]
        result[coder] = {
            "uses_dl": int((uses["uses_dl"] == "yes").sum()),
            "uses_ptm": int((uses["uses_ptm"] == "yes").sum()),
            "items": len(mine),
            "patterns": {p: int((mine["pattern"] == p).sum()) for p in study.PATTERNS},
            "pattern_papers": {p: int(mine.loc[mine["pattern"] == p, "paper"].nunique()) for p in study.PATTERNS},
            "stages": {s: int(((stages["coder"] == coder) & (stages["stage"] == s)).sum()) for s in study.STAGES},
            "fields_uses_ptm": {f: int((by_field == f).sum()) for f in study.FIELDS},
        }
    return result


def simulate_raters(seed, n, prevalence, sensitivity, specificity):
    """Codes of two imperfect raters of the same papers (data kind: simulated).

    The raters err independently given the truth, each with the same sensitivity and specificity.

    Parameters
    ----------
    seed, n : int
        n papers, 1 or more.
    prevalence, sensitivity, specificity : float
        Proportions from 0 to 1.

    Returns
    -------
    DataFrame
        Columns paper, rater (*rater 1*, *rater 2*), code (*yes*, *no*): two rows per paper.

    Raises
    ------
    StudyError
        If a proportion lies outside 0 to 1 or n is below 1.

    Examples
    --------
    >>> simulate_raters(seed=1, n=3, prevalence=1, sensitivity=1, specificity=1)["code"].tolist()
    ['yes', 'yes', 'yes', 'yes', 'yes', 'yes']
    """
    if n < 1:
        raise StudyError(expected="1 paper or more", found=str(n), where="simulated raters", do="ask for more papers")
    for name, value in {
        "prevalence": prevalence,
        "sensitivity": sensitivity,
        "specificity": specificity,
    }.items():
        if not 0 <= value <= 1:
            raise StudyError(
                expected="a proportion from 0 to 1",
                found=str(value),
                where=f"simulated raters, {name}",
                do="correct it",
            )
    rng = np.random.default_rng(seed)
    true = rng.random(n) < prevalence
    said = rng.random((2, n)) < np.where(true, sensitivity, 1 - specificity)
    return pd.DataFrame(
        {
            "paper": np.tile([f"S{i:05d}" for i in range(1, n + 1)], 2),
            "rater": np.repeat(["rater 1", "rater 2"], n),
            "code": np.where(said.ravel(), "yes", "no"),
        }
    )


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


def write_release(path, seed, papers, messy=True, text_kb=2):
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
    corpus = _as_records(*simulate_corpus(seed, papers)[:2])
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


def _as_records(tables, hits):
    """The corpus as one dict per paper, with what coder *truth* says."""
    truth = {name: frame[frame["coder"] == "truth"] for name, frame in tables.items() if "coder" in frame}
    fields = tables["fields"].groupby("paper")["field"].agg(list)
    keywords = hits.groupby("paper")["keyword"].agg(list)
    uses = truth["uses"].set_index("paper")
    items = defaultdict(list)
    for reuse, stage in zip(truth["reuse"].itertuples(), truth["stages"].itertuples(), strict=True):
        items[reuse.paper].append((reuse.model, reuse.pattern, stage.stage))
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
    _insert(database, "_search_keywords", [(k,) for k in KEYWORDS])
    _insert(database, "_years", [(y,) for y in YEARS])
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
        model = [model, model.lower(), model.upper(), model.replace("-", " ")][rng.integers(4)]
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


def write_simulated(step, values, scratch):
    """The step *simulate*: write the simulated corpus, its search hits and its truth, side by side.

    Parameters
    ----------
    step : steps.Step
    values : dict
        The parameters of the run.
    scratch : Path
        Receives the folder ``tables`` and the files ``hits.csv`` and ``truth.json``.
    """
    tables, hits, truth = simulate_corpus(values["seed"], papers=values["simulated_papers"])
    study.accounting(tables)
    study.write(tables, scratch / "tables")
    hits.to_csv(scratch / "hits.csv", index=False, lineterminator="\n")
    (scratch / "truth.json").write_text(json.dumps(truth, indent=1, sort_keys=True) + "\n", encoding="utf-8")
