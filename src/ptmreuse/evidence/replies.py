"""Get the JSON out of a language model's reply, whatever stands around it.

A reply may be bare JSON, or JSON after thinking, between fences, in prose, in a string, in an endpoint's
envelope. What is not whole is said by a status, never mended: a piece that does not decode makes the reply
*not_json*, an open bracket *truncated*. Time and memory grow with the length of the reply, not faster.
"""

import json
import re

STATUSES = {
    "ok": "everything asked for was read",
    "partial": "some items were read, others lack a model or a known class",
    "wrong_class": "an answer or class outside the allowed ones; kept as unknown",
    "conflict": "yes and no in one answer; kept as unknown",
    "several": "several answers with words between them; which one counts is not said",
    "empty": "no answer, an empty answer or an answer that names no model",
    "error": "the model or its endpoint reported an error or refused",
    "truncated": "the answer ends before its JSON does",
    "not_json": "text without readable JSON",
    "no_answer": "JSON without what was asked for",
}
SEVERAL = "sequence in prose"  # the step of a path that says so
DEEPEST = 8  # wrappers in wrappers

_WORDS = r"think|thinking|thoughts?|thought_process|reason|reasoning|analysis|reflection|scratchpad|chain_of_thought"
_OPENED = re.compile(
    rf"<(?:\w+:)?(?:{_WORDS})\b[^<>]{{0,99}}>|\[THINK\]|<\|(?:begin_of_thought|start_thinking|channel)\|>|◁think▷", re.I
)
_CLOSED = re.compile(
    rf"</(?:\w+:)?(?:{_WORDS})\s*>|\[/THINK\]|<\|(?:end_of_thought|end_thinking)\|>|◁/think▷"
    r"|<\|channel\|>final(?:[^<]{0,99})<\|message\|>|\bassistantfinal\b",
    re.I,
)
_FENCE = re.compile(r"(?:```+|~~~+)[ \t]*(?:json\w*\b)?", re.I)
_STARTS = re.compile(r"""[{\[](?=\s*(?:["'{\[}\]]|\Z))""")  # not "[12]" or "{x}"
_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\]"]', re.DOTALL)
_ENDS = {  # how whole JSON ends, by its first bracket
    "{": re.compile(r"""(?:["\]}\d]|true|false|null)\s*}\s*\Z"""),
    "[": re.compile(r"""["\]}]\s*\]\s*\Z"""),
}


def split_repeats(pairs, key=str):
    """An object whose keys repeat, as the list of objects that it was written as.

    Examples
    --------
    >>> split_repeats([("model", "AlexNet"), ("class", "a"), ("model", "U-Net"), ("class", "b")])
    [{'model': 'AlexNet', 'class': 'a'}, {'model': 'U-Net', 'class': 'b'}]
    >>> split_repeats([("model", "AlexNet"), ("class", "a")])
    {'model': 'AlexNet', 'class': 'a'}
    """
    whole = dict(pairs)
    if len(set(map(key, whole))) == len(pairs):
        return whole
    parts, seen = [{}], set()
    for name, value in pairs:
        if key(name) in seen:
            parts.append({})
            seen.clear()
        seen.add(key(name))
        parts[-1][name] = value
    return parts


# A line feed or tab inside a quoted passage is what quoting an article gives.
_DECODER = json.JSONDecoder(object_pairs_hook=split_repeats, strict=False)


def decode(text):
    r"""The JSON of a text, with what stood around it.

    Parameters
    ----------
    text : str, bytes or None

    Returns
    -------
    status : str or None
        None where JSON was found, else a key of `STATUSES`.
    value : object
        The JSON; several values that follow each other as one list.
    path : list of str
        What stood around it, outermost first; `SEVERAL` if there are words between different values.

    Examples
    --------
    >>> decode('I think [..] <think>maybe [{"a": 1}]</think>[{"a": 2}]')
    (None, [{'a': 2}], ['after thinking'])
    >>> decode('```json\n{"a": 1}\n```\n```json\n{"a": 2}\n```')
    (None, [{'a': 1}, {'a': 2}], ['fenced', 'sequence'])
    >>> decode('[{"a": 1},]')[0], decode('[{"a": 1}, {"a"')[0]
    ('not_json', 'truncated')
    """
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
    status, text, path = _after_thinking(text)
    if status:
        return status, None, path
    fenced = bool(_FENCE.search(text)) and not _STARTS.match(text)
    path += ["fenced"] if fenced else []
    values, words, status = _scan(text)
    if not status and not values:
        status = "not_json" if words[0].strip() else "empty"
    if status:
        return status, None, path
    if len(values) > 1 and any(map(_is_word, words[1:-1])):
        if any(value != values[0] for value in values):
            return None, values, [*path, SEVERAL]
        values = values[:1]
    if len(values) > 1:
        return None, values, [*path, "sequence"]
    return None, values[0], path if fenced or not any(word.strip() for word in words) else [*path, "in prose"]


def _is_word(text):
    return any(c.isalpha() for c in text)


def _after_thinking(text):
    """``(status, what follows the last closing mark, path)``."""
    closed = max(_CLOSED.finditer(text), key=re.Match.end, default=None)
    rest = text[closed.end() :].strip() if closed else text
    opened = _OPENED.search(rest)
    if opened:
        return "truncated", "", ["after thinking"]
    if closed and not rest:
        first = _OPENED.search(text)
        return ("empty" if first and not first.start() else "no_answer"), "", ["after thinking"]
    return None, rest, ["after thinking"] if closed else []


def _loads(text):
    try:
        return _DECODER.decode(text), True
    except (ValueError, RecursionError):  # ValueError: also a number of too many digits
        return None, False


def _scan(text):
    """``(JSON objects and lists of a text, the words before, between and after them, status)``."""
    values, words, at = [], [], 0
    while start := _STARTS.search(text, at):
        end, cut = _end(text, start.start())
        if cut:
            return [], [], "truncated"
        value, found = _loads(text[start.start() : end])
        if not found:  # broken inside: what still decodes is not the whole answer
            return [], [], "not_json"
        values.append(value)
        words.append(_FENCE.sub("", text[at : start.start()]))
        at = end
    return values, [*words, _FENCE.sub("", text[at:])], None


def _end(text, start):
    """``(where the bracket at `start` closes, whether it is cut instead)``."""
    depth = 0
    for token in _TOKEN.finditer(text, start):
        sign = token.group()
        if sign in ("{", "["):
            depth += 1
        elif sign in ("}", "]"):
            depth -= 1
            if depth == 0:
                return token.end(), False
        elif sign == '"':  # opened and never closed: cut, or a stray quotation mark
            tail = text[-99:].rstrip("`~ \t\r\n")
            return len(text), not _ENDS[text[start]].search(tail)
    return len(text), True


# Envelopes: what an endpoint puts around the model's text ------------------------------------------------


def unwrap(value, path, depth):
    """Peel endpoint envelopes and JSON kept in strings; ``(status, value, path)`` as `decode`."""
    if depth > DEEPEST:
        return "no_answer", None, path
    if isinstance(value, str):
        if not value.strip():
            return "empty", None, path
        if "{" not in value and "[" not in value:
            return None, value, path
        status, inner, further = decode(value)
        path = [*path, "string", *further]
        return (status, None, path) if status is not None else unwrap(inner, path, depth + 1)
    if not isinstance(value, dict):
        return None, value, path
    found = next((read for recognise in ENVELOPES if (read := recognise(value))), None)
    if found is None:
        return ("error", None, path) if value.get("error") else (None, value, path)
    status, content = found
    path = [*path, "envelope"]
    if status is not None:
        return status, None, path
    status, content, further = decode(content)
    return (status, None, path) if status is not None else unwrap(content, [*path, *further], depth + 1)


def _ollama(value):
    """Ollama: {"done": true, "response": "[]"}."""
    if not (value.keys() & {"done", "done_reason", "created_at"} and value.keys() & {"response", "message"}):
        return None
    message = value.get("message")
    text = message.get("content") if isinstance(message, dict) else value.get("response")
    cut = value.get("done_reason") == "length" or value.get("done") is False
    return ("error" if value.get("error") else "truncated" if cut else None), text


def _chat(value):
    """A chat completion: {"choices": [{"message": {"content": "[]"}, "finish_reason": "stop"}]}."""
    choices = value.get("choices")
    if not (isinstance(choices, list) and choices and isinstance(choices[0], dict)):
        return None
    message = choices[0].get("message")
    message = message if isinstance(message, dict) else {}
    reason = choices[0].get("finish_reason")
    if message.get("refusal") or reason == "content_filter":
        return "error", None
    cut = "truncated" if reason == "length" else "several" if len(choices) > 1 else None
    return cut, message.get("content")


def _responses(value):
    """Responses API: {"output": [{"type": "message", "content": [{"text": "[]"}]}]}."""
    output = value.get("output")
    if not (isinstance(output, list) and any(isinstance(part, dict) and "type" in part for part in output)):
        return None
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


ENVELOPES = (_ollama, _chat, _responses)  # each gives (status, text), or None for what is none of its kind
