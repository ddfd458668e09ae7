"""What the rule coder reads in an article: sentences that name a network or a model, and how they speak of it.

A name counts at a true left boundary, in its own spelling, not inside a longer name that means something else
("VGG Image Annotator"), and, where it is ambiguous, beside a word of its domain and without one of another ("MAE"
beside "RMSE"). Time is linear in the length of a text and in the number of names in it.
"""

import re
from bisect import bisect_left
from dataclasses import dataclass, replace
from functools import lru_cache

from ptmreuse.coding.codebook import letters
from ptmreuse.evidence import names

REVIEW = 1.5  # what a sentence loses in a review, editorial or letter, which speak of others' work
LONGEST = 1500  # characters of a sentence; a longer one is a list or a broken text and is cut at a blank
NAME = "NAME"  # stands for every model's name where cues look at the grammar around it

_BREAK = re.compile(r"(?<=[.!?])[\"”’)\]]*\s+(?=[\"“(\[]?[A-Z0-9])")
_ABBREVIATION = re.compile(
    r"(?:\b(?:al|Figs?|Eqs?|Refs?|Tabs?|Nos?|vs|cf|ca|approx|resp|Dr|Prof|St|spp?|subsp|var|e\.g|i\.e|etc|Inc|Ltd|Suppl|Sect|[A-Z])\.)$"
)
# A prefix in capitals makes another name ("CMCC-ESM2"), but for these, which join networks ("CNN-ResNet").
_PREFIX = re.compile(r"([A-Z][A-Z0-9]+)[-_]$")
_NETWORKS = re.compile(
    r"[A-Z]?CNN|DNN|FCN|B?I?LSTM|GRU|GAN|VAE|SVM|RF|KNN|PCA|FPN|CRF|TL|DL|AI|SE|[1-4]D|MS|RGB|OPENAI"
)
# What says how a name is used in general, not here: "StarDist, a widely used tool, delineated the nuclei".
_GENERAL = "used|known|popular|common|recent|standard|published|developed|available"
_GENERAL += "|tools?|networks?|models?|software|packages?|algorithms?|architectures?|methods?"
_APPOSITION = re.compile(
    r", (?:an?|one of (?:the|several)|the|which (?:is|are)|known as)(?: [\w'-]+){0,9}? "
    rf"(?:{_GENERAL})\b[^,;.:]*(?=[,;.:]|$)"
)
_BRACKETS = re.compile(r" ?\([^()]*\)")


@dataclass(frozen=True)
class Sentence:
    """A sentence that names a network or a model, with what the cues say of it."""

    section: str
    place: str
    text: str
    around: tuple  # (text, canonical names in it) of the sentences before and after it
    terms: tuple  # (group, rule) of deep learning, shallow and framework terms
    ptm: tuple  # (rule, weight) of pre-training in general
    models: tuple  # (as written, alias row)
    unlisted: tuple  # names that look like models and are in no table
    score: float
    rules: tuple  # the cues of own and others' use
    others: bool  # whether it speaks of others' use, of possibility or in general
    denied: bool  # whether it says that nothing was used, speaks of the future or of writing


@dataclass(frozen=True)
class Reading:
    """The sentences of an article that matter, and what holds for all of it."""

    sentences: list
    opinion: bool  # a review, editorial or letter
    trouble: str  # why no absence can be read from it: a foreign language, unreadable signs


def _sentences(text):
    """Spans of the sentences of a paragraph, none longer than `LONGEST`."""
    spans, start = [], 0
    for match in _BREAK.finditer(text):
        if not _ABBREVIATION.search(text[max(start, match.start() - 12) : match.start()]):
            spans.append((start, match.start()))
            start = match.end()
    spans.append((start, len(text)))
    out = []
    for first, last in spans:
        while last - first > LONGEST:
            cut = text.rfind(" ", first, first + LONGEST)
            cut = first + LONGEST if cut <= first else cut
            out.append((first, cut))
            first = cut
        out.append((first, last))
    return out


@lru_cache(maxsize=4096)
def _section(path, kind, codebook):
    """``(rule, weight)`` of the kind of section that a path names."""
    cues = {rule: (weight, regex) for rule, weight, regex in codebook.cues["section"]}

    def kind_of(part):
        aside = ("section.title", "section.body")
        return next((r for r, (_, regex) in cues.items() if part and r not in aside and regex.search(part)), "")

    parts = path.split(" > ")
    if kind in ("title", "abstract", "back"):
        rule = f"section.{kind}"
    elif any(cues["section.related"][1].search(part) for part in parts):
        rule = "section.related"
    else:
        kinds = [kind_of(part) for part in parts]
        rule = next(filter(None, reversed(kinds)), "section.body")
        if kinds[0] in ("section.back", "section.intro", "section.discussion", "section.conclusion"):
            rule = kinds[0]  # a part of the introduction stays introduction, whatever its heading
    return rule, cues[rule][0]


# --- names --------------------------------------------------------------------------------------------------


def _models_in(text, codebook, year):
    """``(start, end, as written, alias row)`` of every model name in a text; the longest name wins."""
    small = text.lower()
    if len(small) != len(text):  # a letter whose small form is longer would shift every position
        small = "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
    found, after = [], 0
    while match := codebook.name.search(small, after):
        (start, end), key = match.span(), names.squeeze(match.group())
        row = codebook.models.get(key) or codebook.models[key[:-1]]  # "AlexNets"
        meant = _spelt(text, start, end, row) and (year is None or row["first_year"] <= year + 1)
        if meant:
            found.append((start, end, text[start:end], row))
        after = end if meant else start + 1
    if found:
        other = [m.span() for _, _, regex in codebook.cues["collision"] for m in regex.finditer(text)]
        found = [f for f in found if not any(a < f[1] and f[0] < b for a, b in other)] if other else found
    return found


def _spelt(text, start, end, row):
    """Whether a name is written as that model's is, from a true beginning to a true end."""
    written = text[start:end]
    if row["letters"] is not None and letters(written).rstrip("s") != row["letters"].rstrip("s"):
        return False
    if row["kind"] != "tool" and re.match(r"-\d", text[end : end + 2]):  # ResNet-110 is not just any ResNet
        return False
    if re.search(r"\d \d", written) and not re.search(r"\d[\W_]\d", row["alias"]):
        return False
    if row["joined"] and re.search(r" [a-z]", written):  # "deep face" is no DeepFace
        return False
    prefix = _PREFIX.search(text[max(start - 16, 0) : start])
    return prefix is None or _NETWORKS.fullmatch(prefix.group(1)) is not None


def _unlisted_in(text, models, codebook):
    """Names that look like models, with their spans, and are neither in the table nor words of another kind."""
    found, firsts = [], [a for a, *_ in models]
    for _, _, regex in codebook.cues["name"]:
        for match in regex.finditer(text):
            word, before = match.group(), bisect_left(firsts, match.end())
            known = before and models[before - 1][1] > match.start()
            if not known and names.squeeze(word) not in codebook.models and not codebook.hits("noname", word):
                found.append((match.start(), match.end(), word))
    return found


# --- an article ---------------------------------------------------------------------------------------------


def read(article, codebook):
    """Read an article.

    Parameters
    ----------
    article : ptmreuse.coding.articles.Article
    codebook : ptmreuse.coding.codebook.Codebook

    Returns
    -------
    Reading
    """
    read_kinds = [s for s in article.sections if s[1] not in ("back", "keywords", "table")]
    whole = "\n".join(text for *_, text in read_kinds)
    sentences, long_names = [], set()
    opinion = bool(codebook.hits("review", article.article_type) or codebook.hits("review", article.title or ""))
    for path, kind, text in read_kinds:
        place, weight = _section(path, kind, codebook)
        if place == "section.back":
            continue
        models = _models_in(text, codebook, article.year)
        stem = codebook.has_stem(text)
        unlisted = _unlisted_in(text, models, codebook) if stem else []
        long_names.update(row["canonical"] for _, _, w, row in models if not codebook.ambiguous(w, row))
        if models or stem:
            sentences += _paragraph(path, place, weight - REVIEW * opinion, text, models, unlisted, codebook)
    tokens = {written for s in sentences for written, row in s.models if codebook.ambiguous(written, row)}
    defined = {token for token in tokens if _defined(token, whole)}
    sentences = [_in_context(s, long_names, defined, codebook) for s in sentences]
    strong = any(s.models or s.unlisted or any(g in ("dl", "framework") for g, _ in s.terms) for s in sentences)
    sentences = [replace(s, terms=_of_strength(s.terms, strong)) for s in sentences]
    sentences = [s for s in sentences if s.models or s.terms or s.ptm or s.unlisted]
    return Reading(sentences, opinion, "" if len(sentences) > 20 else _trouble(article, whole))


def _of_strength(terms, strong):
    """Weak terms (attention, DBN) count as deep learning where the article names it otherwise too."""
    return tuple(("dl" if g == "weak" else g, rule) for g, rule in terms if strong or g != "weak")


def _paragraph(path, place, weight, text, models, unlisted, codebook):
    spans, out = _sentences(text), []
    firsts, others = [a for a, *_ in models], [a for a, *_ in unlisted]
    named = [models[bisect_left(firsts, a) : bisect_left(firsts, b)] for a, b in spans]
    unknown = [unlisted[bisect_left(others, a) : bisect_left(others, b)] for a, b in spans]
    canonical = [frozenset(row["canonical"] for *_, row in found) for found in named]
    for n, (start, end) in enumerate(spans):
        sentence, terms, ptm = text[start:end], (), ()
        if codebook.has_stem(sentence):
            groups = ("dl", "weak", "shallow", "framework")
            terms = tuple((g, rule) for g in groups for rule, _ in codebook.hits(g, sentence))
            ptm = tuple(codebook.hits("ptm", sentence))
        if not (named[n] or terms or ptm or unknown[n]):
            continue
        beside = [m for m in (n - 1, n + 1, n + 2) if 0 <= m < len(spans)]
        around = tuple((text[slice(*spans[m])], canonical[m]) for m in beside)
        bare = _masked(sentence, start, sorted([f[:2] for f in named[n]] + [f[:2] for f in unknown[n]]))
        own = sorted(codebook.hits("own", bare), key=lambda h: -h[1])[:2]
        denied = codebook.hits("denied", bare)
        general = _APPOSITION.sub("", _BRACKETS.sub("", bare)) if named[n] or unknown[n] else bare
        other = sorted(
            {*codebook.hits("other", general), *codebook.hits("cited", bare), *denied}, key=lambda h: (-h[1], h[0])
        )
        score = weight + sum(w for _, w in own) - sum(w for _, w in other[:2])
        pairs = tuple((written, row) for _, _, written, row in named[n])
        rules = tuple(rule for rule, _ in own + other[:2])
        out.append(
            Sentence(
                path, place, sentence, around, terms, ptm, pairs, tuple(w for *_, w in unknown[n]), score, rules,
                bool(other), bool(denied),
            )
        )  # fmt: skip
    return out


def _masked(sentence, start, spans):
    """A sentence with `NAME` for every model, so that cues see the grammar and not the name."""
    parts, last = [], 0
    for a, b in spans:
        if a - start >= last:
            parts += [sentence[last : a - start], NAME]
            last = b - start
    return "".join([*parts, sentence[last:]])


def _in_context(sentence, long_names, defined, codebook):
    """Without the names that mean something else here, and without unlisted ones that are no networks."""
    if not (sentence.models or sentence.unlisted):
        return sentence
    text = " ".join((sentence.text, *(t for t, _ in sentence.around)))

    def is_meant(written, row):
        if not codebook.ambiguous(written, row):
            return True
        if row["canonical"] in long_names:
            return True
        if written in defined or codebook.means_another(written, row, text):
            return False
        return bool(codebook.hits(f"context.{row['domain']}", text))

    meant = {written: is_meant(written, row) for written, row in dict(sentence.models).items()}
    kept = tuple(m for m in sentence.models if meant[m[0]])
    unlisted = sentence.unlisted if sentence.unlisted and codebook.hits("netword", text) else ()
    return replace(sentence, models=kept, unlisted=unlisted)


def _defined(token, whole):
    """Whether the text introduces a token as another abbreviation: "general linear model (GLM)"."""
    for match in re.finditer(rf"[\[(]{re.escape(token)}s?[\]);,]", whole):
        words = re.split(r"[\s/-]+", whole[max(match.start() - 120, 0) : match.start()].lower().strip())
        if "".join(w[0] for w in words if w).endswith(token.lower()):
            return True
    return False


_SIGNS = re.compile(r"[\ufffd\ue000-\uf8ff\x01-\x08\x0e-\x1f]|\(cid:\d+\)|/g\d{1,3}(?=/)")
_ENGLISH = "the of and in to a was were is with for by on that as we from are at this be or an"
_FOREIGN = (
    "der die das und mit von den dem ein eine ist wurde wurden nicht auf im zu el la los las y en con del que por para"
    " una se les des et le du dans pour avec est sont sur il che di per della dei sono nel o da dos uma com não em foi"
    " van het een zijn og av som til med och att är"
)
_COMMON = [frozenset(words.split()) for words in (_ENGLISH, _FOREIGN)]


def _trouble(article, whole):
    """Why the absence of a word says nothing: the text is in another language, or its signs cannot be read."""
    signs = _SIGNS.findall(whole)
    if len(signs) >= 5 and sum(map(len, signs)) > 0.02 * len(whole):
        return "unreadable signs"
    if whole.count(" the ") > len(whole) / 200:
        return ""
    total = foreign = 0
    for _, kind, text in article.sections:
        if kind in ("paragraph", "abstract"):
            words = re.findall(r"[^\W\d_]+", text.lower())
            alien = 0 if text.isascii() else sum(ord(w[0]) > 0x36F for w in words)
            if len(words) < 15 and alien < 3:
                continue
            total += len(words)
            english, others = (sum(map(known.__contains__, words)) for known in _COMMON)
            if alien > 0.3 * len(words) or (others > english and others > 0.08 * len(words)):
                foreign += len(words)
    return "not in English" if foreign > 0.5 * total else ""
