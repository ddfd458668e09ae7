"""The words of answers: keys for a name or a class, spellings of the classes, and words for *no model*."""

import json
import re
from functools import lru_cache

NAME_KEYS = ("model", "method", "modelname", "name", "ptm", "ptmname", "pretrainedmodel")
CLASS_KEYS = {
    "pattern": ("classification", "class", "pattern", "reuse", "reusepattern", "reuseclassification", "category"),
    "stage": ("step", "stage", "steps", "stages", "scientificstep", "scientificstage", "phase"),
    "model": (),
}
_CLASSES = {
    "pattern": {
        "conceptual": "conceptual concept conceptually",
        "adaptation": "adaptation adaptations adaption adapt adapted adaptive",
        "deployment": "deployment deployments deploy deployed",
    },
    "stage": {
        "Observation": "observation observations observe",
        "Background": "background backgroundreview backgroundresearch",
        "Hypothesis": "hypothesis hypotheses",
        "Test": "test tests testing tested",
        "Analysis": "analysis analyses analyse analyze",
        "Conclusion": "conclusion conclusions conclude",
    },
    "model": {},
}
_SPELLINGS = {
    question: {spelling: name for name, spellings in known.items() for spelling in spellings.split()}
    for question, known in _CLASSES.items()
}
_NO_LETTER = re.compile(r"[^a-z]+")
_BETWEEN = re.compile(r"[,/|;&+]|\band\b")  # several classes in one text
# Words for "no model": alone, with a remark after them, or as a sentence about the paper.
_NONE = (
    r"none|null|nan?|n/a|nil|not applicable|unknown|unspecified|un-?named|undisclosed|unclear|tbd"
    r"|(?:not|none)(?: explicitly| clearly)? (?:specified|mentioned|reported|stated|given|provided|available|named"
    r"|disclosed|identified|found|described|clear|known|used|listed)"
    r"|(?:no|none|any)(?: (?:specific|particular|explicit|named|single|other|suitable|of the|such))*"
    r"(?: (?:pre-? ?trained|deep[ -]learning|dl))*(?: (?:models?|ptms?|names?|methods?|reuse))"
    r"(?: (?:specified|mentioned|reported|stated|given|named|identified|found|described|used|reused))?"
)
_NO_MODEL = re.compile(
    rf"[\W_]*(?:{_NONE})?[\W_]*|\W*(?:{_NONE})\s*(?:[(:;,.].*|\s[-–—]\s.*)"
    r"|(?:the|this) (?:paper|article|study|authors?|text|work)\b.*\b(?:not|no|none)\b.*",
    re.I | re.DOTALL,
)


def names_none(name):
    """Whether a text given as a model's name says that there is none.

    Examples
    --------
    >>> [names_none(name) for name in ("Not specified", "<UNKNOWN>", "None (trained from scratch)", "")]
    [True, True, True, True]
    >>> [names_none(name) for name in ("ResNet (version not specified)", "NASNet", "网络")]
    [False, False, False]
    """
    return bool(_NO_MODEL.fullmatch(name[:1000].strip()))


def name_in(entry):
    """What stands under the first key for a model's name; None if there is none."""
    return next((entry[k] for k in _known_keys(tuple(entry), NAME_KEYS)), None)


def class_in(entry, question):
    """What is written under the first key for a class; "contradiction" where another key says another class."""
    written = [entry[k] for k in _known_keys(tuple(entry), CLASS_KEYS[question])]
    if len(written) > 1 and len({tuple(found) for w in written if (found := classes(w, question))}) > 1:
        return "contradiction"
    return written[0] if written else None


@lru_cache(maxsize=64)
def _known_keys(keys, known):
    """Those of an object's keys that are known, in the order in which they are known."""
    by_word = {squeezed(k): k for k in keys}
    return [by_word[k] for k in known if k in by_word]


def classes(written, question):
    """Known categories of what was written, in order and once each; empty if a part is not known."""
    if written and isinstance(written, list) and all(isinstance(w, str) for w in written):
        parts = written
    elif isinstance(written, str):
        parts = [part for part in _BETWEEN.split(written) if part.strip()]
    else:
        return []
    known = [_class(part, question) for part in parts]
    return [] if None in known else list(dict.fromkeys(known))


def _class(written, question):
    """The class that a word names without its decoration: "2. Adaptation_Reuse", "Step 4: Test"; else None."""
    word = _NO_LETTER.sub("", written.lower())
    if question == "pattern":
        word = word.removesuffix("reuse")
    else:
        word = word.removeprefix("step").removeprefix("stage").removesuffix("step").removesuffix("stage")
    return _SPELLINGS[question].get(word)


@lru_cache(maxsize=256)  # the keys of thousands of answers are the same few
def squeezed(key):
    """A key as keys are compared: its small letters alone."""
    return _NO_LETTER.sub("", str(key).lower())


def clean(text):
    """A text without control characters or halves of characters, blanks joined.

    Examples
    --------
    >>> clean(" U-Net\\n++ \\ud800")
    'U-Net ++ ?'
    """
    if text.isprintable():
        return " ".join(text.split())
    text = text.encode("utf-8", "replace").decode("utf-8")
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def snippet(value):
    """The start of a refused part, for the rejects."""
    try:
        return clean((value if isinstance(value, str) else json.dumps(value))[:400])[:80]
    except RecursionError:
        return "nested too deep to show"
