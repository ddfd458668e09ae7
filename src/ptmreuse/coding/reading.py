"""Which sentences of an article speak of own use: sections, cues for and against, and a use score for each."""

import re
from dataclasses import dataclass, replace
from functools import lru_cache

from ptmreuse.coding.codebook import letters
from ptmreuse.evidence import names

REVIEW = 1.5  # what a sentence loses in a review, editorial or letter, which speak of others' work


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
        exact = row["letters"] is None or letters(written).rstrip("s") == row["letters"].rstrip("s")
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


def read(article, codebook):
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
