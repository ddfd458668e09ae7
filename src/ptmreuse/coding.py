"""The rule coder: five questions per article, answered by an editable codebook of cues.

Deterministic and offline. The codebook ``data/cues.csv`` holds every cue, the alias table ``data/models.csv``
every model name; this module only says how they combine:

1. Sentences that name deep learning or a model get a *use score*: the weight of their section (methods
   for, related work against) plus the two strongest cues of own use ("we trained") less the two strongest
   cues of others' use, possibility or generality ("et al. proposed", "could", "widely used").
2. Own use is one sentence with a score of `ONE`, or two of `TWO`. Terms that are only mentioned are "no".
3. The pattern and the stage of a model are those with the heaviest cues in its sentences of use (counted
   in full) and in those beside them or, about pre-training, elsewhere (half); the two heaviest cues count.

What the rules cannot decide is "unknown", never "no".
"""

import concurrent.futures
import hashlib
import itertools
import json
import os
import re
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from importlib import metadata
from multiprocessing import get_context
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from . import names, paths, study
from .errors import StudyError
from .jats import LARGEST, read_article

CUES = paths.DATA / "cues.csv"
CODER = "rules"
ONE, TWO, NEAR = 2.0, 1.5, 1.0  # use scores: one such sentence is use, two are use, one is doubt
BESIDE = 0.5  # the share of a cue that stands in a neighbouring sentence, or speaks of pre-training elsewhere
REVIEW = 1.5  # what a sentence loses in a review, editorial or letter, which speak of others' work
EVIDENCE = ("paper", "coder", "question", "model", "answer", "rule", "confidence", "section", "sentence")
MEGAJOURNALS = {"10.1371/": "PLOS", "10.3389/": "Frontiers", "10.12688/": "F1000", "10.1136/": "BMJ"}
DOMAINS = (
    "protein", "genomics", "chemistry", "imaging", "vision", "language", "audio", "ecology", "geoscience",
    "neuroscience", "astronomy", "general",
)  # fmt: skip
_CUE_COLUMNS = ("rule", "group", "weight", "case", "regex", "example", "note")
_GROUPS = (
    ["section", "stem", "dl", "shallow", "framework", "own", "other", "review", "ptm", "name"]
    + list(study.PATTERNS)
    + [f"stage.{stage}" for stage in study.STAGES]
    + [f"context.{domain}" for domain in DOMAINS]
)


# --- the codebook -------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Codebook:
    """Cues and model names as the coder uses them; made by :func:`load_codebook`.

    Attributes
    ----------
    cues : dict of str to tuple
        Group to its ``(rule, weight, compiled pattern)`` in the file's order.
    models : dict of str to dict
        Squeezed alias to its row of the alias table.
    fingerprint : str
        SHA-256 of both files and of the code that applies them.
    """

    cues: dict
    models: dict
    fingerprint: str

    def hits(self, group, text):
        """``(rule, weight)`` of every cue of a group that matches."""
        return [(rule, weight) for rule, weight, regex in self.cues[group] if regex.search(text)]

    @cached_property
    def starts(self):
        """Every beginning of an alias key: what a name in a text may still become."""
        return {key[:end] for key in self.models for end in range(1, len(key) + 1)}

    @cached_property
    def firsts(self):
        """Every first word of an alias, also without the number that ends it: where a name may start."""
        words = {names.squeeze(re.split(r"[^\w+]|_", row["alias"])[0]) for row in self.models.values()}
        words |= set(self.models) | {w for word in words if (w := word.rstrip("0123456789"))}
        return words | {word + "s" for word in words}

    @cached_property
    def stems(self):
        """Substrings of which a text about networks has one: ``(in any case, as written)``."""
        words = [w for _, _, regex in self.cues["stem"] for w in regex.pattern.split("|")]
        return tuple(w for w in words if w.islower()), tuple(w for w in words if not w.islower())

    def has_stem(self, text):
        """Whether it is worth while to look for terms in a text."""
        lower, capital = self.stems
        small = text.lower()
        return any(w in small for w in lower) or any(w in text for w in capital)

    @cached_property
    def deep_from(self):
        """Family to the first year in which one of its models was deep."""
        years = defaultdict(list)
        for row in self.models.values():
            if row["deep"] == "yes":
                years[row["family"]].append(row["first_year"])
        return {family: min(found) for family, found in years.items()}


def load_codebook(path=CUES, aliases=None):
    """Read and check the cues, and join them with the model names.

    Parameters
    ----------
    path : path-like
        A CSV file with the columns ``rule, group, weight, case, regex, example, note`` (see
        ``data/cues.md``); each example must be matched by its own cue.
    aliases : DataFrame, optional
        As from :func:`ptmreuse.names.load_aliases`; default the project's own table.

    Returns
    -------
    Codebook

    Raises
    ------
    StudyError
        With file and row: a missing column, an unknown group, a rule named twice, a weight that is no
        number, a pattern that is no regular expression or does not match its own example.

    Examples
    --------
    >>> book = load_codebook()
    >>> book.hits("own", "We then trained a network.")
    [('own.we', 2.0)]
    """
    cues = study.read_csv(path)
    where = paths.shown(path)
    missing = [c for c in _CUE_COLUMNS if c not in cues.columns]
    if missing:
        raise StudyError(
            expected=f"the columns {', '.join(_CUE_COLUMNS)}",
            found=f"no column {', '.join(missing)}",
            where=where,
            do="add the column; data/cues.md says what each one holds",
        )
    groups, rules = {group: [] for group in _GROUPS}, set()
    for row, cue in enumerate(cues.itertuples(index=False), start=2):
        problem = _problem(cue, rules)
        if problem:
            raise StudyError(expected=problem[0], found=problem[1], where=f"{where}, row {row}", do="correct this cue")
        rules.add(cue.rule)
        flag = re.NOFLAG if cue.case == "1" else re.IGNORECASE
        groups[cue.group].append((cue.rule, float(cue.weight), re.compile(cue.regex, flag)))
    table = names.load_aliases() if aliases is None else aliases
    models = {}
    for row in table.to_dict("records"):
        row["first_year"] = int(row["first_year"])
        exact = row["needs_context"] or len(names.squeeze(row["alias"])) <= 4
        row["letters"] = _letters(row["alias"]) if exact else None
        models.setdefault(names.squeeze(row["alias"]), row)
    code = [paths.sha256(paths.SOURCE / name) for name in ("coding.py", "jats.py", "names.py")]
    content = [cues.to_csv(index=False), table.to_csv(index=False), *code]
    return Codebook({g: tuple(c) for g, c in groups.items()}, models, paths.text_sha256("\n".join(content)))


def _problem(cue, rules):
    if cue.group not in _GROUPS:
        return f"a group among {', '.join(_GROUPS)}", repr(cue.group)
    if not cue.rule or cue.rule in rules:
        return "a rule name of its own", repr(cue.rule)
    if cue.case not in ("0", "1"):
        return "case 0 or 1", repr(cue.case)
    try:
        float(cue.weight)
    except ValueError:
        return "a number as weight", repr(cue.weight)
    try:
        regex = re.compile(cue.regex, re.NOFLAG if cue.case == "1" else re.IGNORECASE)
    except re.error as error:
        return "a regular expression", f"{cue.regex!r} ({error})"
    if not regex.search(cue.example):
        return "a pattern that matches its own example", f"{cue.example!r} for {cue.rule}"
    return None


def _letters(text):
    """Letters, digits and plus as written: what a bare token must look like."""
    return "".join(c for c in text if c.isalnum() or c == "+")


@lru_cache(maxsize=1)
def _default_codebook():
    return load_codebook()


# --- sentences ----------------------------------------------------------------------------------------------

_BREAK = re.compile(r"(?<=[.!?])[\"”’)\]]*\s+(?=[\"“(\[]?[A-Z0-9])")
_ABBREVIATION = re.compile(
    r"(?:\b(?:al|Figs?|Eqs?|Refs?|Tabs?|Nos?|vs|cf|ca|approx|resp|Dr|Prof|St|spp?|subsp|var|e\.g|i\.e|etc|Inc|Ltd|Suppl|Sect|[A-Z])\.)$"
)
_PIECES = re.compile(r"[^\W_]+\+*|[\W_]+")
_JOINT = re.compile(r"[ \-‐‑–./@_·]{1,2}")  # what may stand inside a name


def _sentences(text):
    """Spans of the sentences of a paragraph."""
    spans, start = [], 0
    for match in _BREAK.finditer(text):
        if not _ABBREVIATION.search(text[start : match.start()]):
            spans.append((start, match.start()))
            start = match.end()
    spans.append((start, len(text)))
    return spans


@dataclass(frozen=True)
class Sentence:
    """A sentence that names a network or a model, with what the cues say of it."""

    section: str
    place: str
    text: str
    around: tuple  # the sentences before and after it
    terms: tuple  # (group, rule) of deep learning, shallow and framework terms
    ptm: tuple  # (rule, weight) of pre-training in general
    models: tuple  # (as written, alias row)
    score: float
    rules: tuple  # the cues of own and others' use


@lru_cache(maxsize=4096)
def _section(path, kind, codebook):
    """``(rule, weight)`` of the kind of section that a path names."""
    rules = {rule: (rule, weight, regex) for rule, weight, regex in codebook.cues["section"]}
    if kind in ("title", "abstract", "back"):
        return rules[f"section.{kind}"][:2]
    parts = path.split(" > ")
    order = [r for r in rules.values() if r[0] not in ("section.title", "section.body")]
    if any(rules["section.related"][2].search(part) for part in parts):
        return rules["section.related"][:2]
    for rule in ("section.back", "section.intro", "section.discussion", "section.conclusion"):
        first = next((r[0] for r in order if r[2].search(parts[0])), None)
        if first == rule:  # a part of the introduction stays introduction, whatever its heading
            return rules[rule][:2]
    for part in reversed(parts):
        for rule, weight, regex in order:
            if part and regex.search(part):
                return rule, weight
    return rules["section.body"][:2]


def _models_in(text, codebook, year):
    """``(start, end, as written, alias row)`` of every model name in a text; the longest name wins."""
    small = text.lower()
    if len(small) != len(text):  # a letter whose small form is longer would shift every position
        small = "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
    pieces = _PIECES.findall(small)  # words and what stands between them, without a gap
    found, after = [], 0
    for i, piece in enumerate(pieces):
        if piece not in codebook.firsts or i < after:
            continue
        best = _longest(pieces, i, codebook)
        if best is None:
            continue
        last, row = best
        start = sum(map(len, pieces[:i]))
        end = start + sum(map(len, pieces[i : last + 1]))
        written = text[start:end]
        version = re.match(r"-\d", text[end:])  # ResNet-110 is not just any ResNet
        exact = row["letters"] is None or _letters(written).rstrip("s") == row["letters"].rstrip("s")
        if exact and not version and (year is None or row["first_year"] <= year + 1):
            found.append((start, end, written, row))
            after = last + 1
    return found


def _longest(pieces, i, codebook):
    """The longest alias that starts with piece `i`: ``(its last piece, its row)``."""
    best, key = None, ""
    for j in range(i, len(pieces), 2):
        if j > i and not _JOINT.fullmatch(pieces[j - 1]):
            break
        key += pieces[j] if pieces[j].isascii() else names.squeeze(pieces[j])
        if key in codebook.models:
            best = (j, codebook.models[key])
        if key not in codebook.starts:
            if key.endswith("s") and key[:-1] in codebook.models:  # "AlexNets"
                best = (j, codebook.models[key[:-1]])
            break
    return best


def _read(article, codebook):
    """The sentences of an article that matter, and whether it is a review or an opinion."""
    sentences, long_names = [], set()
    opinion = bool(codebook.hits("review", article.article_type) or codebook.hits("review", article.title or ""))
    for path, kind, text in article.sections:
        if kind in ("back", "keywords", "table"):
            continue
        place, weight = _section(path, kind, codebook)
        if place == "section.back":
            continue
        models = _models_in(text, codebook, article.year)
        long_names.update(row["canonical"] for *_, row in models if not row["needs_context"])
        if models or codebook.has_stem(text):
            sentences += _paragraph(path, place, weight - REVIEW * opinion, text, models, codebook)
    tokens = {written for s in sentences for written, row in s.models if row["needs_context"]}
    if tokens:
        texts = [text for *_, text in article.sections]
        defined = {token for token in tokens if _defined(token, texts)}
        sentences = [_in_context(s, long_names, defined, codebook) for s in sentences]
        sentences = [s for s in sentences if s.models or s.terms or s.ptm]
    return sentences, opinion


def _paragraph(path, place, weight, text, models, codebook):
    spans = _sentences(text)
    out = []
    for n, (start, end) in enumerate(spans):
        sentence = text[start:end]
        named = tuple((written, row) for a, b, written, row in models if start <= a and b <= end)
        terms, ptm = (), ()
        if codebook.has_stem(sentence):
            groups = ("dl", "shallow", "framework")
            terms = tuple((g, rule) for g in groups for rule, _ in codebook.hits(g, sentence))
            ptm = tuple(codebook.hits("ptm", sentence))
        if not (named or terms or ptm):
            continue
        own = sorted(codebook.hits("own", sentence), key=lambda h: -h[1])[:2]
        other = sorted(codebook.hits("other", sentence), key=lambda h: -h[1])[:2]
        score = weight + sum(w for _, w in own) - sum(w for _, w in other)
        around = tuple(text[a:b] for a, b in spans[max(n - 1, 0) : n] + spans[n + 1 : n + 3])
        rules = tuple(rule for rule, _ in own + other)
        out.append(Sentence(path, place, sentence, around, terms, ptm, named, score, rules))
    return out


def _in_context(sentence, long_names, defined, codebook):
    """Without the bare tokens that mean something else here."""
    text = " ".join((sentence.text, *sentence.around))

    def meant(written, row):
        if not row["needs_context"] or row["canonical"] in long_names:
            return True
        return written not in defined and bool(codebook.hits(f"context.{row['domain']}", text))

    kept = tuple(m for m in sentence.models if meant(*m))
    return sentence if len(kept) == len(sentence.models) else replace(sentence, models=kept)


def _defined(token, texts):
    """Whether the texts introduce a token as another abbreviation: "general linear model (GLM)"."""
    for text in texts:
        for match in re.finditer(rf"[\[(]{re.escape(token)}s?[\]);,]", text):
            words = re.split(r"[\s/-]+", text[max(match.start() - 120, 0) : match.start()].lower().strip())
            if "".join(w[0] for w in words if w).endswith(token.lower()):
                return True
    return False


# --- the five questions -------------------------------------------------------------------------------------


def code_article(article, codebook=None, paper=None):
    """Answer the five questions for one article.

    Parameters
    ----------
    article : ptmreuse.jats.Article
    codebook : Codebook, optional
        Default: the project's own.
    paper : str, optional
        The paper's id; default its DOI.

    Returns
    -------
    dict of str to list of dict
        Rows of the study tables ``papers, uses, reuse, stages`` and of ``evidence`` (`EVIDENCE`): for
        every answer the sentence, its section, the rules that fired and a confidence between 0 and 1. The
        confidence orders answers by strength of evidence; it is no probability.

    Raises
    ------
    StudyError
        If the article has no DOI and no id is given.

    Examples
    --------
    >>> from ptmreuse.jats import read_article
    >>> rows = code_article(read_article(b"Methods\\nWe fine-tuned ResNet-50 pretrained on ImageNet."), paper="x")
    >>> rows["uses"][0]["uses_dl"], rows["reuse"][0]["canonical"], rows["reuse"][0]["pattern"]
    ('yes', 'ResNet-50', 'adaptation')
    """
    codebook = codebook or _default_codebook()
    paper = paper or article.doi
    if not paper:
        raise StudyError(
            expected="a paper id", found="an article without DOI", where="code_article", do="give it as paper="
        )
    sentences, opinion = _read(article, codebook)
    evidence = []

    def say(question, answer, rule, confidence, sentence=None, model=""):
        section, text = (sentence.section, sentence.text) if sentence else ("", "")
        values = (paper, CODER, question, model, answer, rule, round(confidence, 2), section, text)
        evidence.append(dict(zip(EVIDENCE, values, strict=True)))

    used = _used_models(sentences)
    deep = [m for m in used if _deep(m, article, codebook) != "no"]
    uses_dl = _uses_dl(article, sentences, opinion, deep, codebook, say)
    uses_ptm = _uses_ptm(sentences, deep, uses_dl, say)
    reuse, stages = [], []
    if uses_ptm == "yes":
        for model in deep:
            written, canonical = model["written"], model["row"]["canonical"]
            say("model", canonical, _rule(model["best"]), _confidence(model["score"]), model["best"], written)
            pattern = _pattern(model, sentences, codebook, say)
            stage = _stage(model, pattern, codebook, say)
            named = {"paper": paper, "coder": CODER, "model": written}
            reuse.append({**named, "canonical": canonical, "family": model["row"]["family"], "pattern": pattern})
            stages.append({**named, "stage": stage})
        for name, sentence in _unlisted(sentences, codebook).items():
            say("unlisted name", name, "name.netlike", 0.5, sentence, name)
    journal = next((j for prefix, j in MEGAJOURNALS.items() if article.doi.startswith(prefix)), article.journal)
    row = {
        "paper": paper,
        "doi": article.doi,
        "year": article.year,
        "megajournal": journal,
        "cited_by": None,
        "natural_science": "unknown",
        "full_text": "yes" if article.full_text else "no",
    }
    uses = {"paper": paper, "coder": CODER, "uses_dl": uses_dl, "uses_ptm": uses_ptm}
    return {"papers": [row], "uses": [uses], "reuse": reuse, "stages": stages, "evidence": evidence}


def _confidence(score):
    return 1 - 0.5 ** max(score - NEAR + 1, 0.5)


def _rule(sentence):
    return "+".join([*sentence.rules, sentence.place])


def _used_models(sentences):
    """The models with a sentence of own use, by canonical name, in order of appearance."""
    seen = defaultdict(list)
    for sentence in sentences:
        for written, row in sentence.models:
            seen[row["canonical"]].append((sentence, written, row))
    used = []
    for found in seen.values():
        best = max(found, key=lambda f: f[0].score)
        good = {id(s): s for s, _, _ in found if s.score >= TWO}
        if best[0].score >= ONE or len(good) >= 2:
            own = {id(s): s for s, _, _ in found if s.score >= NEAR}
            written = Counter(w for s, w, _ in found if id(s) in own).most_common(1)[0][0]
            used.append(
                {
                    "written": written,
                    "row": best[2],
                    "best": best[0],
                    "score": best[0].score + 0.25 * (len(good) - 1),
                    "sentences": list(own.values()),
                }
            )
    versions = {m["row"]["family"] for m in used if m["row"]["canonical"] != m["row"]["family"]}
    return [m for m in used if m["row"]["canonical"] != m["row"]["family"] or m["row"]["family"] not in versions]


def _deep(model, article, codebook):
    """Whether a model is deep; a name whose version decides is not before its family's first deep year."""
    row = model["row"]
    if row["deep"] == "unclear" and article.year and article.year < codebook.deep_from.get(row["family"], 0):
        return "no"
    return row["deep"]


def _uses_dl(article, sentences, opinion, used, codebook, say):
    deep = [s for s in sentences if any(g in ("dl", "framework") for g, _ in s.terms)]
    known = {id(s) for s in deep}
    named = [s for m in used if _deep(m, article, codebook) == "yes" for s in m["sentences"]]
    deep += [s for s in named if id(s) not in known]
    deep.sort(key=lambda s: -s.score)
    good = [s for s in deep if s.score >= TWO]
    if deep and (deep[0].score >= ONE or len(good) >= 2):
        for sentence in good[:3]:
            terms = [rule for group, rule in sentence.terms if group != "shallow"][:2]
            say("uses_dl", "yes", "+".join([*terms, _rule(sentence)]), _confidence(sentence.score), sentence)
        return "yes"
    doubts = [s for s in deep if s.score >= NEAR and s.place != "section.intro" and not opinion]
    doubts += [s for s in sentences if s.score >= ONE and any(g == "shallow" for g, _ in s.terms)]
    doubts += [s for m in used for s in m["sentences"]]
    if doubts:
        best = max(doubts, key=lambda s: s.score)
        terms = [rule for _, rule in best.terms][:2]
        say("uses_dl", "unknown", "+".join([*terms, _rule(best)]), 0.5, best)
        return "unknown"
    if not article.full_text:
        say("uses_dl", "unknown", "no full text", 0.5)
        return "unknown"
    if deep:
        say("uses_dl", "no", "mention only+" + _rule(deep[0]), 0.8, deep[0])
    else:
        say("uses_dl", "no", "no term", 0.95)
    return "no"


def _uses_ptm(sentences, used, uses_dl, say):
    general = sorted((s for s in sentences if s.ptm), key=lambda s: -s.score)
    public = [s for s in general if s.score >= ONE and any(r == "ptm.public" for r, _ in s.ptm)]
    if used or (public and uses_dl == "yes"):
        best = max(used, key=lambda m: m["score"]) if used else None
        sentence = best["best"] if used else public[0]
        rule = "named model" if used else "ptm.public"
        score = best["score"] if used else sentence.score
        say("uses_ptm", "yes", f"{rule}+{_rule(sentence)}", _confidence(score), sentence)
        return "yes"
    if uses_dl == "unknown":
        say("uses_ptm", "unknown", "deep learning unknown", 0.5)
        return "unknown"
    if uses_dl == "yes" and general and general[0].score >= TWO:
        rules = [rule for rule, _ in general[0].ptm]
        say("uses_ptm", "unknown", "+".join([*rules, _rule(general[0])]), 0.5, general[0])
        return "unknown"
    say("uses_ptm", "no", "no deep learning" if uses_dl == "no" else "no model named in use", 0.8)
    return "no"


def _weigh(groups, model, sentences, codebook):
    """Per group of cues its weight, and its heaviest cue ``(weight, rule, sentence)``.

    A cue counts once, where it stands nearest to the model.
    """
    best = {}
    for sentence in model["sentences"]:
        near = [(1.0, sentence.text), *((BESIDE, text) for text in sentence.around)]
        for share, text in near:
            for group in groups:
                for rule, weight in codebook.hits(group, text):
                    value = share * weight
                    if abs(value) > abs(best.get((group, rule), (0.0,))[0]):
                        best[group, rule] = (value, rule, sentence)
    for sentence in sentences:
        for group in groups:
            for rule, weight in codebook.hits(group, sentence.text) if sentence.ptm else ():
                if (group, rule) not in best:
                    best[group, rule] = (BESIDE * weight, rule, sentence)
    found = {g: sorted((b for (group, _), b in best.items() if group == g), key=lambda b: -b[0]) for g in groups}
    against = {g: sum(min(value, 0.0) for value, _, _ in hits) for g, hits in found.items()}
    weights = {g: against[g] + sum(max(value, 0.0) for value, _, _ in hits[:2]) for g, hits in found.items()}
    heaviest = {g: hits[0] if hits else None for g, hits in found.items()}
    return weights, heaviest


_KIND_PRIOR = {"tool": {"deployment": 1.5}, "weights": {"deployment": 1.0}, "architecture": {"conceptual": 0.5}}


def _pattern(model, sentences, codebook, say):
    own = [s for s in sentences if s.score >= TWO]
    weights, heaviest = _weigh(study.PATTERNS, model, own, codebook)
    for pattern, prior in _KIND_PRIOR[model["row"]["kind"]].items():
        weights[pattern] += prior
    return _heaviest(weights, heaviest, "pattern", 1.5, model, say)


def _stage(model, pattern, codebook, say):
    groups = [f"stage.{stage}" for stage in study.STAGES]
    weights, heaviest = _weigh(groups, model, [], codebook)
    weights["stage.Test"] += {"adaptation": 3.0, "conceptual": 1.5}.get(pattern, 0.0)
    return _heaviest(weights, heaviest, "stage", 1.0, model, say)


def _heaviest(weights, heaviest, question, least, model, say):
    """The answer with the largest weight; unknown when there is little evidence or a tie."""
    first, second = sorted(weights, key=lambda g: -weights[g])[:2]
    answer, rule, sentence = "unknown", "too little evidence", model["best"]
    if weights[first] >= least and weights[first] > weights[second]:
        answer = first.removeprefix("stage.")
        rule = "kind of model" if heaviest[first] is None else heaviest[first][1]
        sentence = model["best"] if heaviest[first] is None else heaviest[first][2]
    share = weights[first] / (sum(weights.values()) or 1)
    say(question, answer, rule, share if answer != "unknown" else 0.5, sentence, model["written"])
    return answer


def _unlisted(sentences, codebook):
    """Names that look like models, stand with pre-training in a sentence of own use, and are in no table."""
    found = {}
    for sentence in sentences:
        if sentence.score >= ONE and sentence.ptm:
            for _, _, regex in codebook.cues["name"]:
                for match in regex.finditer(sentence.text):
                    known = any(match.group() in written or written in match.group() for written, _ in sentence.models)
                    if not known and names.squeeze(match.group()) not in codebook.models:
                        found.setdefault(match.group(), sentence)
    return found


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
    >>> tables = code_articles(negative_control_files()[:2])
    >>> list(tables["uses"]["uses_dl"])
    ['no', 'no']
    """
    codebook = codebook or _default_codebook()
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
    codebook, out = _default_codebook(), Path(out)
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
    for name, table in tables.items():
        _write(table, out / f"{name}.csv")
    return _counts(files, tables)


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
        return {**result, "paper": paper, "rows": code_article(article, codebook, paper)}
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
                "version": f"{CODER} {codebook.fingerprint[:12]}",
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
    return {**tables, "evidence": pd.DataFrame(rows["evidence"], columns=list(EVIDENCE))}


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


def negative_control_files():
    """The 122 PLOS articles of 2003-2016 in the installed package allofplos 0.11.1.

    They were published before this technology spread, so nearly every "yes" is a false positive. Only the
    package's files are read; the package itself is not imported, for its dependencies are not installed.

    Returns
    -------
    list of pathlib.Path

    Raises
    ------
    StudyError
        If the package is missing or is a later version, which has no articles.

    Examples
    --------
    >>> len(negative_control_files())
    122
    """
    try:
        listed = metadata.distribution("allofplos").files or []
    except metadata.PackageNotFoundError:
        listed = []
    found = sorted(Path(f.locate()) for f in listed if f.parent.name == "starter_corpus" and f.suffix == ".xml")
    if not found:
        raise StudyError(
            expected="the articles in the package allofplos 0.11.1",
            found="no such package or no article in it",
            where="negative control",
            do="install it with: pip install --no-deps allofplos==0.11.1",
        )
    return found


def write_control(step, values, scratch):
    """The step *control*: code the negative control by rules.

    Parameters
    ----------
    step : steps.Step
    values : dict
        The parameters of the run.
    scratch : Path
        Receives the folder ``tables`` and the file ``evidence.csv``.
    """
    tables = code_articles(negative_control_files())
    evidence = tables.pop("evidence")
    study.accounting(tables)
    study.write(tables, scratch / "tables")
    evidence.to_csv(scratch / "evidence.csv", index=False, lineterminator="\n")
