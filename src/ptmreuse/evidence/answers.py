"""What a model's answer says, whatever shape it arrived in.

The study's prompts ask for an array while the endpoints force an object, so that one question is answered
in many shapes. One list of recognisers brings every answer to strict records and a status. An answer is *ok*
only if every piece of it was read and none was assumed; what is not understood stays *unknown* and is counted.
Nothing here raises: one odd answer must not stop a run.
"""

import re
from typing import NamedTuple

from ptmreuse.evidence.answer_words import (
    CLASS_KEYS,
    NAME_KEYS,
    class_in,
    classes,
    clean,
    name_in,
    names_none,
    snippet,
    squeezed,
)
from ptmreuse.evidence.replies import DEEPEST, SEVERAL, STATUSES, decode, split_repeats, unwrap

# An answer with one of these gives no record.
UNREADABLE = ("several", "empty", "error", "truncated", "not_json", "no_answer")

_YES, _NO = ("true", "yes", "y", "1"), ("false", "no", "n", "0")
LONGEST_NAME = 200  # characters; a longer "name" is a sentence or a whole answer
# Keys of remarks, which are no part of what was asked.
_NOTES = {
    "prose", "reasoning", "explanation", "evidence", "note", "notes", "comment", "comments", "quote",
    "quotes", "confidence", "justification", "rationale", "summary", "form", "thinking", "thought", "thoughts",
    "title", "doi", "paper", "metadata", "usage", "limitations", "reference", "references", "source",
    "sources",
}  # fmt: skip
_ANSWER_KEYS = ("result", "answer", "response", "output", "value")
_DEEP, _PTM = "deeplearning|dl|deeplearningmodels?|dlmodels?|neuralnetworks?", "ptms?|pretrainedmodels?"
_PTM += "|pretraineddeeplearningmodels?|pretrained|ptmreuse|modelreuse"
_ASKED = {
    question: re.compile(
        rf"(?:it|paper|thepaper|article|study)?(?:does|do|is|are|has)?(?:use|uses|used|using|reuse|reuses|reused)?"
        rf"(?:{words})(?:use|used|reuse|reused|usage|present|ptm)?"
    )
    for question, words in (("uses_dl", _DEEP), ("uses_ptm", _PTM))
}
_WRAPPERS = {
    "response", "result", "results", "answer", "answers", "output", "data", "model", "models",
    "ptm", "ptms", "item", "items", "list",
}  # fmt: skip
_ITEM_KEYS = {*NAME_KEYS, *CLASS_KEYS["pattern"], *CLASS_KEYS["stage"]}
_MODEL_LIST = re.compile(
    r"\w*(?:models?|ptms?|methods?|networks?|architectures?|names?)(?:used|reused|found|identified)?"
)
_NEGATED = re.compile(
    r"(?<![a-z])(?:not?|non|never|without|un[a-z]+|ex(?:cluded?|amples?)|rejected|ignored|dismissed"
    r"|others?(?=[\W_]*(?:models?|ptms?|methods?)?$)"
    r"|drafts?|cited|candidates?|dont|doesnt|isnt)(?![a-z])",
    re.I,
)


class Item(NamedTuple):
    """One model of an answer: its name as written and its pattern or stage (*unknown* if not readable)."""

    model: str
    category: str


class Refusal(NamedTuple):
    """One part of an answer that holds no model: its place (from 1), why, and what stood there."""

    place: int
    reason: str
    snippet: str


class Answer(NamedTuple):
    """What was read from one answer."""

    status: str  # a key of STATUSES
    shape: str  # the wrappers met, outermost first, joined by " > "
    value: str = ""  # yes, no or unknown, for the yes/no questions
    items: tuple = ()  # of Item, in order and with repeats
    refused: tuple = ()  # of Refusal


def read_answer(text, question):
    """Read one raw answer.

    Parameters
    ----------
    text : str, bytes or None
        The answer as it was stored.
    question : {'uses_dl', 'uses_ptm', 'model', 'pattern', 'stage'}
        What was asked: yes or no, or a list of models, alone or with pattern or stage.

    Returns
    -------
    Answer
        Never raises for any text. An item without a known pattern or stage is kept as *unknown*. An answer
        that was cut gives no record, even where its beginning could be read: what is missing is not known.

    Examples
    --------
    >>> read_answer('{"result": "Yes", "prose": "we trained a CNN"}', "uses_dl")[:3]
    ('ok', 'object', 'yes')
    >>> text = '{"models": [{"model": "U-Net", "classification": "Adaptation Reuse"}]}'
    >>> answer = read_answer(text, "pattern")
    >>> answer.shape, answer.items
    ('wrapped list', (Item(model='U-Net', category='adaptation'),))
    >>> read_answer('[{"model": "U-Net", "classif', "pattern").status
    'truncated'
    """
    status, value, path = decode(text)
    if status is None:
        status, value, path = unwrap(value, path, 0)
    yes_or_no = question in _ASKED
    if status is not None:
        return Answer(status, " > ".join(path), "unknown" if yes_or_no else "")
    if yes_or_no:
        status, said, path = _yes_or_no(value, path, question, 0)
        return Answer(status, " > ".join(path), said)
    if SEVERAL in path:
        return Answer("several", " > ".join(path))
    return _list(value, path, question)


# Yes or no --------------------------------------------------------------------------------------------


def _yes_or_no(value, path, question, depth):
    """``(status, yes or no or unknown, path)``."""
    said = _said(value)
    if said:
        return "ok", said, path or ["bare value"]
    if value is None or value in ({}, []):
        return "empty", "unknown", path
    if depth > DEEPEST:
        return "no_answer", "unknown", path
    if isinstance(value, list):
        return _agree(value, [*path, "list"], question, depth)
    if not isinstance(value, dict):
        return "wrong_class", "unknown", path or ["bare value"]
    inner = [v for k, v in value.items() if squeezed(k) in _ANSWER_KEYS or _ASKED[question].fullmatch(squeezed(k))]
    if not inner and len(value) == 1:
        inner = [v for k, v in value.items() if squeezed(k) in _WRAPPERS and isinstance(v, dict | list)]
    if not inner:
        return "no_answer", "unknown", [*path, "object"]
    if len(inner) > 1:
        return _agree(inner, [*path, "object"], question, depth)
    if not isinstance(inner[0], dict | list | str) or _said(inner[0]):
        return _yes_or_no(inner[0], [*path, "object"], question, depth + 1)
    status, inner, further = unwrap(inner[0], [], depth)
    wrapped = isinstance(inner, dict | list) or further
    path = [*path, "wrapped object" if wrapped else "object", *further]
    return (status, "unknown", path) if status is not None else _yes_or_no(inner, path, question, depth + 1)


def _agree(values, path, question, depth):
    """What several answers say together: *ok* only if each was read and all say the same."""
    read = [_yes_or_no(value, path, question, depth + 1) for value in values]
    said = {value for _, value, _ in read} - {"unknown"}
    if len(said) > 1:
        return "conflict", "unknown", path
    return next((r for r in read if r[0] != "ok"), read[0])


def _said(value):
    """*yes*, *no*, or "" for anything else."""
    if isinstance(value, int | float):  # a bool is an int
        return {0: "no", 1: "yes"}.get(value, "")
    word = value.strip().strip(".\"'").lower() if isinstance(value, str) and len(value) < 99 else ""
    return "yes" if word in _YES else "no" if word in _NO else ""


# Lists of models ----------------------------------------------------------------------------------------


class _Piece(NamedTuple):
    """One part of an answer that should hold a model."""

    value: object
    problem: str = ""  # why it cannot; "nothing" for an empty list


def _list(value, path, question):
    pieces = []
    shape = " > ".join([*path, *_read(value, question, pieces, 0)])
    whole = [piece for piece in pieces if piece.problem != "nothing"]
    if any(piece.problem == "truncated" for piece in whole):
        return Answer("truncated", shape)
    items, refused = [], []
    for place, piece in enumerate(whole, start=1):
        read, reason = ([], piece.problem) if piece.problem else _item(piece.value, question)
        items += read
        if reason:
            refused.append(Refusal(place, reason, snippet(piece.value)))
    known = len(items) if question == "model" else sum(item.category != "unknown" for item in items)
    if items and known == len(items) and not refused:
        status = "ok"
    elif items:
        status = "partial" if known else "wrong_class"
    else:
        reasons = {refusal.reason for refusal in refused} or {"names no model" if pieces else ""}
        only = reasons.pop() if len(reasons) == 1 else ""
        status = "empty" if only == "names no model" else only if only in STATUSES else "no_answer"
    return Answer(status, shape, "", tuple(items), tuple(refused))


def _read(value, question, pieces, depth):
    """Take a value apart into pieces; gives its shape."""
    if depth > DEEPEST:
        pieces.append(_Piece(value, "nested too deep"))
        return []
    if isinstance(value, str) and depth:
        status, inner, further = unwrap(value, [], depth)
        if isinstance(inner, str) or status or SEVERAL in further:
            status = status or ("several" if SEVERAL in further else "a text where a list of models belongs")
            pieces.append(_Piece(None, "nothing") if names_none(value) else _Piece(value, status))
            return further
        return [*further, *_read(inner, question, pieces, depth + 1)]
    if value is None or value in ({}, []):
        pieces.append(_Piece(None, "nothing"))
        return ["list"] if value == [] and not depth else []
    if isinstance(value, list):
        nested = [isinstance(e, list) or (isinstance(e, dict) and _shape(e, question)[0] != "object") for e in value]
        for entry, deeper in zip(value, nested, strict=True):
            _read(entry, question, pieces, depth + 1) if deeper else pieces.append(_Piece(entry))
        return ["list", "nested"] if any(nested) else ["list"]
    if not isinstance(value, dict):
        pieces.append(_Piece(value, "not an object with a model"))
        return ["bare value"]
    name, leaves, deeper = _shape(value, question)
    pieces += leaves
    shapes = [_read(inner, question, pieces, depth + 1) for inner in deeper]
    if name != "wrapped" or len(deeper) != 1:
        return [name]
    if isinstance(deeper[0], list):
        return ["wrapped list", *shapes[0][1:]]
    return ["wrapped object" if isinstance(deeper[0], dict) else "wrapped", *shapes[0]]


def _shape(value, question):
    """``(shape, pieces, values to take apart further)`` of an object, by the first recogniser that knows it."""
    for name, _, recognise in SHAPES:
        found = recognise(value, question)
        if found is not None:
            return name, *found
    return "object", [], []


def _failed(value, question):
    return ([_Piece(value, "error")], []) if value.get("error") else None


def _by_model(value, question):
    if question == "model":
        return None
    if any((word := squeezed(k)) in _ITEM_KEYS or word in _WRAPPERS or classes(k, question) for k in value):
        return None
    rest = {k: v for k, v in value.items() if squeezed(k) not in _NOTES}
    if not rest:
        return None
    if all(isinstance(v, dict) and class_in(v, question) is not None and name_in(v) is None for v in rest.values()):
        return [_Piece({"model": k, **v}) for k, v in rest.items()], []
    if all(classes(v, question) for v in rest.values()):
        return [_Piece({"model": k, CLASS_KEYS[question][0]: v}) for k, v in rest.items()], []
    return None


def _repeated(value, question):
    parts = split_repeats(value.items(), key=squeezed)
    return ([], parts) if isinstance(parts, list) else None


def _is_item(value, question):
    name = name_in(value)
    named = isinstance(name, str | int | float) or (isinstance(name, list) and _all_text(name))
    named = named or (name is None and any(squeezed(k) in NAME_KEYS for k in value))
    classed = isinstance(class_in(value, question), str) and not isinstance(name, list | dict)
    return ([_Piece(value)], []) if named or classed else None


def _by_class(value, question):
    classed = {k: found for k in value if squeezed(k) not in _NOTES and (found := classes(k, question))}
    if not any(value[k] is None or isinstance(value[k], dict | list) for k in classed):
        return None
    leaves, key = [], CLASS_KEYS[question][0]
    for k, held in value.items():
        if k not in classed:
            leaves += [_Piece({k: held}, "a part that is not understood")] if _holds(k, held) else []
        elif held is None or held in ([], {}) or (isinstance(held, str) and names_none(held)):
            leaves.append(_Piece(None, "nothing"))
        else:
            for entry in held if isinstance(held, list) else [held]:
                entry = {"model": entry} if isinstance(entry, str) and isinstance(held, list) else entry
                if not isinstance(entry, dict) or not _is_item({**entry, key: k}, question):
                    leaves.append(_Piece(entry, "not an object with a model"))
                    continue
                own = classes(class_in(entry, question), question)
                leaves.append(_Piece({**entry, key: k if not own or own == classed[k] else "contradiction"}))
    return leaves, []


def _wrapped(value, question):
    held = {k: v for k, v in value.items() if squeezed(k) not in _NOTES}
    texts = [k for k, v in held.items() if isinstance(v, str) and ("{" in v or "[" in v)]
    within = [k for k, v in held.items() if isinstance(v, dict | list)]
    clear = [
        k for k in held if (squeezed(k) in _WRAPPERS or _MODEL_LIST.fullmatch(squeezed(k))) and not _NEGATED.search(k)
    ]
    deeper = [k for k in clear if k in within or k in texts or held[k] is None]
    lone = within or texts
    if not deeper and len(lone) == 1 and not _NEGATED.search(lone[0]):
        inner = held[lone[0]]
        deeper = (
            [] if isinstance(inner, list) and inner and not any(isinstance(e, dict | list) for e in inner) else lone
        )
    if not deeper and not any(held[k] for k in within):
        return None
    lost = [k for k in within if k not in deeper and _holds(k, held[k])]
    return [_Piece({k: held[k]}, "a part that is not understood") for k in lost], [held[k] for k in deeper]


# shape, example, function -> (pieces, values to take apart further) or None; the first that knows an object reads it
SHAPES = (
    ("error", '{"error": "out of memory"}', _failed),
    ("keyed by model", '{"U-Net": {"classification": "adaptation"}, "VGG": {"classification": "unknown"}}', _by_model),
    ("repeated keys", '{"model_1": "U-Net", "model_2": "VGG"}', _repeated),
    ("object", '{"model": "U-Net", "classification": "adaptation", "prose": "a remark"}', _is_item),
    ("keyed by class", '{"adaptation": ["U-Net"], "deployment": null, "notes": "a remark"}', _by_class),
    ("wrapped", '{"models": [{"model": "U-Net", "classification": "adaptation"}]}', _wrapped),
)


def _holds(key, value):
    return isinstance(value, dict | list) and bool(value) and squeezed(key) not in _NOTES


def _all_text(values):
    return bool(values) and all(isinstance(v, str) for v in values)


def _item(entry, question):
    """``(items, reason why something in it was refused)`` of one part of an answer."""
    if isinstance(entry, str):
        if classes(entry, question):
            return [], "a class without a model"
        entry = {"model": entry}
    if not isinstance(entry, dict):
        return [], "not an object with a model"
    if not any(squeezed(k) in NAME_KEYS for k in entry):
        return [], "has no model"
    name = name_in(entry)
    written = name if isinstance(name, list) else [name or ""]
    if not all(isinstance(n, str) for n in written):
        return [], "the model is not a text"
    named = [n for n in map(clean, written) if not names_none(n)]
    if not named:
        return [], "names no model"
    if any(len(n) > LONGEST_NAME for n in named):
        return [], f"a model name of more than {LONGEST_NAME} characters"
    categories = [""] if question == "model" else classes(class_in(entry, question), question)
    lost = [k for k, v in entry.items() if _holds(k, v) and squeezed(k) not in _ITEM_KEYS]
    reason = f"a part that is not understood: {clean(lost[0])[:40]}" if lost else ""
    reason = "one of its names is none" if not reason and len(named) < len(written) else reason
    return [Item(n, c) for n in named for c in categories or ["unknown"]], reason
