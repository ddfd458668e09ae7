"""Read a language model's answer, whatever shape it arrived in.

The study's prompts ask for an array while the endpoints force an object, so that one question is answered
in many shapes. One tolerant reader brings every answer to strict records and a status. It never guesses: what
is not understood stays *unknown* and is counted, and it never raises: one odd answer must not stop a run.
"""

import json
import re
from typing import NamedTuple

STATUSES = {
    "ok": "everything asked for was read",
    "partial": "some items were read, others lack a model or a known class",
    "wrong_class": "an answer or class outside the allowed ones; kept as unknown",
    "conflict": "yes and no in one answer; kept as unknown",
    "empty": "no answer, an empty answer or an answer that names no model",
    "error": "the model or its endpoint reported an error or refused",
    "truncated": "the answer ends before its JSON does",
    "not_json": "text without readable JSON",
    "no_answer": "JSON without what was asked for",
}
# An answer with one of these gives no record.
UNREADABLE = ("empty", "error", "truncated", "not_json", "no_answer")

_NAME_KEYS = ("model", "method", "modelname", "name", "ptm", "ptmname", "pretrainedmodel")
_CATEGORY_KEYS = {
    "pattern": (
        "classification",
        "class",
        "pattern",
        "reuse",
        "reusepattern",
        "reuseclassification",
        "category",
    ),
    "stage": ("step", "stage", "steps", "stages", "scientificstep", "scientificstage", "phase"),
    "model": (),
}
_PATTERNS = {
    "conceptual": ("conceptual", "concept", "conceptually"),
    "adaptation": ("adaptation", "adaptations", "adaption", "adapt", "adapted", "adaptive"),
    "deployment": ("deployment", "deployments", "deploy", "deployed"),
}
_STAGES = {
    "Observation": ("observation", "observations", "observe"),
    "Background": ("background", "backgroundreview", "backgroundresearch"),
    "Hypothesis": ("hypothesis", "hypotheses"),
    "Test": ("test", "tests", "testing", "tested"),
    "Analysis": ("analysis", "analyses", "analyse", "analyze"),
    "Conclusion": ("conclusion", "conclusions", "conclude"),
}
_SPELLINGS = {
    "pattern": {spelling: name for name, spellings in _PATTERNS.items() for spelling in spellings},
    "stage": {spelling: name for name, spellings in _STAGES.items() for spelling in spellings},
    "model": {},
}
_YES, _NO = ("true", "yes", "y", "1"), ("false", "no", "n", "0")
_NO_MODEL = ("", "none", "null", "na", "nan", "nil", "nomodel", "notapplicable")
LONGEST_NAME = 200  # characters; a longer "name" is a sentence or a whole answer
_DEEPEST = 8  # wrappers in wrappers
_WRAPPERS = (
    "response",
    "result",
    "results",
    "answer",
    "output",
    "data",
    "model",
    "models",
    "ptm",
    "ptms",
    "item",
)
_BRACKET = re.compile(r"[{\[]")
_ENDS = {  # how whole JSON ends, by its first bracket
    "{": re.compile(r"""(?:["\]}\d]|true|false|null)\s*}\s*\Z"""),
    "[": re.compile(r"""["\]}]\s*\]\s*\Z"""),
}
_MEANT_AS_JSON = re.compile(r"""[{\[]\s*["'{\[}\]]""")


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
        status, value, path = _unwrap(value, path, 0)
    if status is not None:
        return Answer(status, " > ".join(path), "unknown" if question in ("uses_dl", "uses_ptm") else "")
    if question in ("uses_dl", "uses_ptm"):
        return _yes_or_no(value, path)
    return _list(value, path, question)


# From text to JSON ------------------------------------------------------------------------------------


def decode(text):
    """``(status, value, path)``; status is None where JSON was found."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    if not isinstance(text, str):
        return ("empty", None, []) if text is None else (None, text, [])
    text = text.strip("\ufeff \t\r\n\0")
    if not text:
        return "empty", None, []
    value, found = _loads(text)
    if found:
        return None, value, []
    path = []
    thought = re.match(r"<think>.*?(</think>|\Z)", text, re.DOTALL | re.IGNORECASE)
    if thought:
        text, path = text[thought.end() :].strip(), ["after thinking"]
        if not text:
            return ("empty" if thought.group(1) else "truncated"), None, path
    fence = not _MEANT_AS_JSON.match(text) and re.search(r"```[A-Za-z0-9]*\s*(.*?)\s*(?:```|\Z)", text, re.DOTALL)
    if fence:
        text, path = fence.group(1), [*path, "fenced"]
        if not text:
            return "empty", None, path
    values, cut = _scan(text)
    if cut:
        return "truncated", None, path
    if not values:
        return "not_json", None, path
    if len(values) > 1:
        return None, values, [*path, "sequence"]
    return None, values[0], path if _loads(text)[1] else [*path, "in prose"]


def _loads(text):
    try:
        return json.loads(text), True
    except (ValueError, RecursionError):  # ValueError: also a number of too many digits
        return None, False


def _scan(text):
    """JSON objects and lists that stand in a text, and whether one of them is cut."""
    decoder, values, at, checked = json.JSONDecoder(), [], 0, False
    while start := _BRACKET.search(text, at):
        try:
            value, at = decoder.raw_decode(text, start.start())
        except RecursionError:
            return [], False
        except ValueError:
            if not checked and _unclosed(text, start.start()):
                return [], True
            if _MEANT_AS_JSON.match(text):  # broken inside: what still decodes is not the whole answer
                return [], False
            checked, at = True, start.end()
            continue
        if isinstance(value, dict) or any(isinstance(v, dict | list) for v in value):  # not "[12]", a citation
            values.append(value)
    return values, False


def _unclosed(text, start):
    """Whether the bracket at `start` is still open where the text ends."""
    depth, quoted, i = 0, False, start
    while i < len(text):
        c = text[i]
        if quoted:
            if c == "\\":
                i += 1
            elif c == '"':
                quoted = False
        elif c == '"':
            quoted = True
        elif c in "{[":
            depth += 1
        elif c in "}]":
            depth -= 1
            if depth == 0:
                return False
        i += 1
    return not (quoted and _ENDS[text[start]].search(text))  # else: a stray quotation mark, not a cut


# Envelopes: what an endpoint puts around the model's text ------------------------------------------------


def _unwrap(value, path, depth):
    """Peel endpoint envelopes and JSON kept in strings; ``(status, value, path)`` as `decode`."""
    if depth > _DEEPEST:
        return "no_answer", None, path
    if isinstance(value, str):
        if not value.strip():
            return "empty", None, path
        if "{" not in value and "[" not in value:
            return None, value, path
        status, inner, further = decode(value)
        path = [*path, "string", *further]
        return (status, None, path) if status is not None else _unwrap(inner, path, depth + 1)
    if not isinstance(value, dict):
        return None, value, path
    inner = _envelope(value)
    if inner is None:
        if value.get("error"):
            return "error", None, path
        return None, value, path
    status, content = inner
    path = [*path, "envelope"]
    if status is not None:
        return status, None, path
    status, content, further = decode(content)
    return (status, None, path) if status is not None else _unwrap(content, [*path, *further], depth + 1)


def _envelope(value):
    """``(status, text)`` of an endpoint's envelope, None if it is none."""
    if value.keys() & {"done", "done_reason", "created_at"} and value.keys() & {"response", "message"}:
        message = value.get("message")
        text = message.get("content") if isinstance(message, dict) else value.get("response")
        cut = value.get("done_reason") == "length" or value.get("done") is False
        return ("error" if value.get("error") else "truncated" if cut else None), text
    choices = value.get("choices")
    if isinstance(choices, list) and choices and isinstance(choices[0], dict):
        message = choices[0].get("message")
        message = message if isinstance(message, dict) else {}
        reason = choices[0].get("finish_reason")
        bad = message.get("refusal") or reason == "content_filter"
        return ("error" if bad else "truncated" if reason == "length" else None), message.get("content")
    output = value.get("output")
    if isinstance(output, list) and any(isinstance(part, dict) and "type" in part for part in output):
        parts = [
            piece
            for part in output
            if isinstance(part, dict) and isinstance(part.get("content"), list)
            for piece in part["content"]
            if isinstance(piece, dict)
        ]
        texts = [piece["text"] for piece in parts if isinstance(piece.get("text"), str)]
        bad = value.get("error") or value.get("status") == "failed"
        bad = bad or (not texts and any(piece.get("type") == "refusal" for piece in parts))
        cut = value.get("status") == "incomplete"
        return ("error" if bad else "truncated" if cut else None), "".join(texts)
    return None


# Yes or no --------------------------------------------------------------------------------------------


def _yes_or_no(value, path, depth=0):
    said = _said(value)
    if said:
        return Answer("ok", " > ".join(path or ["bare value"]), said)
    if depth > _DEEPEST:
        return Answer("no_answer", " > ".join(path), "unknown")
    if isinstance(value, list) and value:
        answers = [_yes_or_no(v, [*path, "list"], depth + 1) for v in value]
        read = {a.value for a in answers} - {"unknown"}
        if len(read) > 1:
            return Answer("conflict", " > ".join([*path, "list"]), "unknown")
        return next((a for a in answers if a.value in read), answers[0])
    if isinstance(value, dict) and value:
        keys = {_key(k): k for k in value}
        if "result" in keys:
            inner = value[keys["result"]]
        else:
            rest = [k for k in value if _key(k) not in ("prose", "reasoning", "explanation", "evidence")]
            if len(rest) != 1:
                return Answer("no_answer", " > ".join([*path, "object"]), "unknown")
            inner = value[rest[0]]
        shape = [*path, "object"]
        if _said(inner):
            return Answer("ok", " > ".join(shape), _said(inner))
        status, inner, path = _unwrap(inner, [*path, "wrapped object"], depth)
        if status is not None:
            return Answer(status, " > ".join(path), "unknown")
        if isinstance(inner, dict | list):
            return _yes_or_no(inner, path, depth + 1)
        return Answer("empty" if inner is None else "wrong_class", " > ".join(shape), "unknown")
    if value is None or isinstance(value, dict | list):
        return Answer("empty", " > ".join(path), "unknown")
    return Answer("wrong_class", " > ".join(path or ["bare value"]), "unknown")


def _said(value):
    """*yes*, *no*, or "" for anything else."""
    if isinstance(value, int | float):  # a bool is an int
        return {0: "no", 1: "yes"}.get(value, "")
    word = value.strip().strip(".\"'").lower() if isinstance(value, str) else ""
    return "yes" if word in _YES else "no" if word in _NO else ""


# Lists of models ----------------------------------------------------------------------------------------


def _list(value, path, question):
    status, entries, path = _entries(value, path, question, 0)
    shape = " > ".join(path)
    if status is not None:
        return Answer(status, shape)
    items, refused = [], []
    for place, entry in enumerate(entries, start=1):
        read, reason = _item(entry, question)
        items += read
        if reason:
            refused.append(Refusal(place, reason, _snippet(entry)))
    known = sum(item.category != "unknown" for item in items) if question != "model" else len(items)
    if items and known == len(items) and not refused:
        status = "ok"
    elif items:
        status = "partial" if known else "wrong_class"
    else:
        status = "empty" if all(r.reason == "names no model" for r in refused) else "no_answer"
    return Answer(status, shape, "", tuple(items), tuple(refused))


def _entries(value, path, question, depth):
    """The parts of an answer that should each hold a model: ``(status, list, path)``."""
    if depth > _DEEPEST:
        return "no_answer", None, path
    if isinstance(value, str) and depth:
        status, value, path = _unwrap(value, path, depth)
        if status is not None:
            return status, None, path
    if isinstance(value, list):
        return _from_list(value, path, question, depth)
    if not isinstance(value, dict):
        return ("empty" if value is None else "no_answer"), None, path or ["bare value"]
    if not value:
        return "empty", None, [*path, "object"]
    if value.get("error"):
        return "error", None, path
    if _is_item(value, question):
        return None, [value], [*path, "object"]
    by_class = _by_class(value, question)
    if by_class is not None:
        return (None if by_class else "empty"), by_class, [*path, "keyed by class"]
    lists = {k: v for k, v in value.items() if isinstance(v, list)}
    full = [v for v in lists.values() if any(isinstance(e, dict | list) for e in v)]
    full = full or [v for k, v in lists.items() if v and _key(k).rstrip("s") in _NAME_KEYS]
    if not full and len(lists) == 1:
        full = [v for v in lists.values() if v]
    if full:
        return _from_list([e for v in full for e in v], [*path, "wrapped list"], question, depth, top=False)
    if lists and len(lists) == len(value):
        return "empty", None, [*path, "wrapped list"]
    nested = [v for v in value.values() if isinstance(v, dict) and v]
    if nested and len(nested) == len(value) and all(_category(v, question) is not None for v in nested):
        if not any(_name(v) is not None or _key(k) in _WRAPPERS for k, v in value.items()):
            named = [{"model": k, **v} for k, v in value.items()]
            return None, named, [*path, "keyed by model"]
        return None, nested, [*path, "wrapped objects"]
    texts = [v for v in value.values() if isinstance(v, str) and ("{" in v or "[" in v)]
    for inner in nested[:1] if len(nested) == 1 else texts[:1] if len(texts) == 1 else []:
        return _entries(inner, [*path, "wrapped object" if nested else "wrapped"], question, depth + 1)
    return ("empty" if lists and not nested else "no_answer"), None, [*path, "object"]


def _from_list(entries, path, question, depth, top=True):
    path = [*path, "list"] if top else path
    if not entries:
        return "empty", None, path
    flat = []
    for entry in entries:
        wrapped = isinstance(entry, list) or (isinstance(entry, dict) and entry and not _is_item(entry, question))
        if not wrapped:
            flat.append(entry)
            continue
        status, inner, _ = _entries(entry, [], question, depth + 1)
        if status is None:
            flat += inner
            path = path if path[-1] == "nested" else [*path, "nested"]
        elif status != "empty":
            flat.append(entry)
    return ("empty", None, path) if not flat else (None, flat, path)


def _is_item(value, question):
    name = _name(value)
    if name is None and any(_key(k) in _NAME_KEYS for k in value):
        return True
    if isinstance(name, str | int | float) or (isinstance(name, list) and _all_text(name)):
        return True
    category = _category(value, question)
    return isinstance(category, str) and (name is None or not isinstance(name, list | dict))


def _all_text(values):
    return bool(values) and all(isinstance(v, str) for v in values)


def _by_class(value, question):
    """Items of ``{"adaptation_reuse": ["U-Net"], "conceptual_reuse": []}``; None if of another form."""
    spelled = {k: _categories(k, question) for k in value}
    if not all(spelled.values()) or not all(isinstance(v, list) for v in value.values()):
        return None
    key = "classification" if question == "pattern" else "step"
    return [{**(e if isinstance(e, dict) else {"model": e}), key: k} for k, entries in value.items() for e in entries]


def _item(entry, question):
    """``(items, reason for refusal)`` of one part of an answer; one of the two is empty."""
    if isinstance(entry, str):
        if _categories(entry, question):
            return [], "a class without a model"
        entry = {"model": entry}
    if not isinstance(entry, dict):
        return [], "not an object with a model"
    if not any(_key(k) in _NAME_KEYS for k in entry):
        return [], "has no model"
    name = _name(entry)
    written = name if isinstance(name, list) else [name or ""]
    if not all(isinstance(n, str) for n in written):
        return [], "the model is not a text"
    named = [n for n in map(clean, written) if re.sub(r"[^a-z0-9]", "", n.lower()) not in _NO_MODEL or _odd(n)]
    if not named:
        return [], "names no model"
    if any(len(n) > LONGEST_NAME for n in named):
        return [], f"a model name of more than {LONGEST_NAME} characters"
    categories = [""] if question == "model" else _categories(_category(entry, question), question)
    return [Item(n, c) for n in named for c in categories or ["unknown"]], ""


def _odd(name):
    """A name in another script has no a-z or 0-9 and is a name all the same."""
    return any(c.isalnum() and not c.isascii() for c in name)


def _name(entry):
    keys = {_key(k): k for k in entry}
    return next((entry[keys[k]] for k in _NAME_KEYS if k in keys), None)


def _category(entry, question):
    keys = {_key(k): k for k in entry}
    return next((entry[keys[k]] for k in _CATEGORY_KEYS[question] if k in keys), None)


def _categories(written, question):
    """Known categories of what was written, in order and once each; empty if a part is not known."""
    if isinstance(written, list) and _all_text(written):
        parts = written
    elif isinstance(written, str):
        parts = [part for part in re.split(r"[,/|;&+]|\band\b", written) if part.strip()]
    else:
        return []
    known = [_SPELLINGS[question].get(_squeeze(part, question)) for part in parts]
    return [] if None in known else list(dict.fromkeys(known))


def _squeeze(written, question):
    """ "2. Adaptation_Reuse" -> "adaptation"; "Step 4: Test" -> "test"."""
    word = re.sub(r"[^a-z]", "", written.lower())
    if question == "pattern":
        return word.removesuffix("reuse")
    return word.removeprefix("step").removeprefix("stage").removesuffix("step").removesuffix("stage")


def _key(key):
    return re.sub(r"[^a-z]", "", str(key).lower())


def clean(text):
    """A text without control characters or halves of characters, blanks joined.

    Examples
    --------
    >>> clean(" U-Net\\n++ \\ud800")
    'U-Net ++ ?'
    """
    text = text.encode("utf-8", "replace").decode("utf-8")
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _snippet(value):
    try:
        return clean(value if isinstance(value, str) else json.dumps(value))[:80]
    except RecursionError:
        return "nested too deep to show"
