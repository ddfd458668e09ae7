"""Simulated evidence with a known truth, for steps and tests that need data where none is at hand.

Everything made here is labelled *simulated* and no finding about the world rests on it. A corpus is drawn
paper by paper from planted effects; the totals of the funnel are those of the May 2026 release, scaled to the
number of papers asked for.
"""

import numpy as np
import pandas as pd

from ptmreuse.errors import refuse
from ptmreuse.evidence import names, study
from ptmreuse.evidence.tables import account

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
    "AlexNet", "ResNet-50", "VGG-16", "AlphaFold 2", "U-Net", "AlphaFold", "BERT", "Inception v3", "DeepLabCut",
    "ResNet-18", "Cellpose", "GoogLeNet", "DenseNet-121", "VGG-19", "SignalP 5.0", "ResNet-101", "ESM-2", "YOLOv5",
    "MobileNetV2", "Xception", "BioBERT", "EfficientNet-B0", "GPT-2", "StarDist", "Faster R-CNN", "Mask R-CNN",
    "DeepLoc", "wav2vec 2.0", "ProtBERT", "SqueezeNet", "LeNet-5", "YOLOv3", "RoseTTAFold", "Vision Transformer",
    "PubMedBERT", "DeepVariant",
)  # fmt: skip
# What the fallible coder does, per question.
SENSITIVITY = {"uses_dl": 0.97, "uses_ptm": 0.90, "model": 0.92, "pattern": 0.90, "stage": 0.85}
SPECIFICITY = {"uses_dl": 0.93, "uses_ptm": 0.95, "pattern": 0.95, "stage": 0.97}
UNKNOWN = 0.01  # share of the fallible coder's yes/no answers that are unknown instead
CODERS = ("truth", "simulated coder")


def simulate_corpus(seed, papers=18091):
    """A seeded corpus of papers, coded by an infallible and by a fallible coder (data kind: simulated).

    Parameters
    ----------
    seed : int
        The same seed gives the same bytes.
    papers : int
        Papers that the searches find, 100 or more. At 18,091 the totals of coder *truth* equal the May 2026
        funnel exactly (cited, natural science, full text, deep learning, reuse); otherwise in proportion.

    Returns
    -------
    tables : dict of str to DataFrame
        Study tables. Coder *truth* holds the true code of every full text, *simulated coder* what a coder
        with the planted sensitivity and specificity would have written. Where a coder says *no* to deep
        learning, reuse of a deep-learning model is *no* too, as in the study's own sequence of questions.
    hits : DataFrame
        Columns paper, megajournal, keyword: one row per paper and search that found it.

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
    >>> tables, hits = simulate_corpus(seed=1, papers=500)
    >>> len(tables["papers"]), int((tables["papers"]["natural_science"] == "yes").sum())
    (500, 199)
    """
    if papers < 100:
        refuse("simulated corpus", "100 papers or more", str(papers), "ask for more papers")
    totals = _funnel(papers)
    frame_rng, code_rng, coder_rng = np.random.default_rng(seed).spawn(3)
    frame, member, hits = _frame(frame_rng, papers, totals)
    coded = _true_codes(code_rng, frame, member, totals)
    tables = _tables(frame, member, coded, coder_rng)
    entry = account("simulated", "simulated", f"simulated corpus, seed {seed}", papers)
    tables["provenance"] = pd.DataFrame([entry])
    return study.validate(tables, where="simulated corpus"), hits


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


def _true_codes(rng, frame, member, totals):
    """True answers of all papers; true items (paper row, model, pattern, stage) of the reusing ones."""
    since = frame["year"].to_numpy() - 2015
    natural = member[:, : len(study.FIELDS)]
    full_text = (frame["full_text"] == "yes").to_numpy()
    dl = _exactly(rng, TREND_DL * since, totals["uses_dl"], full_text)
    log_odds = TREND_PTM * since + natural @ np.array(list(FIELD_EFFECTS.values()))
    ptm = _exactly(rng, log_odds, totals["reuse_papers"], dl)

    paper = np.flatnonzero(ptm)
    many = np.minimum(rng.geometric(0.5, size=len(paper)), 8)
    popularity = np.tile(1 / np.arange(1, len(MODELS) + 1) ** 0.8, (len(paper), 1))
    which, model = np.nonzero(_draw(rng, popularity, many))
    tilt = np.zeros((len(study.FIELDS), len(study.PATTERNS)))
    for (field, pattern), weight in PATTERN_EFFECTS.items():
        tilt[study.FIELDS.index(field), study.PATTERNS.index(pattern)] = weight
    weights = np.array(list(PATTERN_MIX.values())) * np.exp(natural[paper] @ tilt)
    mix = weights / weights.sum(axis=1, keepdims=True)
    return {
        "dl": dl,
        "ptm": ptm,
        "paper": paper[which],
        "model": model,
        "pattern": _alike(rng, mix, which),
        "stage": _alike(rng, np.tile(list(STAGE_MIX.values()), (len(paper), 1)), which),
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


def write_simulated(step, values, scratch):
    """The step *simulate*: write the simulated corpus into the folder ``tables``, and its search hits."""
    tables, hits = simulate_corpus(values["seed"], papers=values["simulated_papers"])
    study.accounting(tables)
    study.write(tables, scratch / "tables")
    hits.to_csv(scratch / "hits.csv", index=False, lineterminator="\n")
