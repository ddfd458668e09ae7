"""Asking a language model: one question at a time to an OpenAI-compatible endpoint, kept in a cache, with retries."""

import hashlib
import json
import math
import os
import queue
import re
import sqlite3
import threading
import time
from concurrent.futures import CancelledError
from pathlib import Path

from ptmreuse.errors import StudyError
from ptmreuse.evidence import study

# question -> the study table it fills, and the fields of an item: any text, or one label of a closed list.
# The quote comes before the label, so that the evidence is looked for before the decision is made.
SHAPES = {
    "uses_dl": ("uses", {"quote": None, "answer": study.ANSWERS}),
    "uses_ptm": ("uses", {"quote": None, "answer": study.ANSWERS}),
    "model": ("reuse", {"model": None, "quote": None}),
    "pattern": ("reuse", {"model": None, "quote": None, "pattern": (*study.PATTERNS, "unknown")}),
    "stage": ("stages", {"model": None, "quote": None, "stage": (*study.STAGES, "unknown")}),
}
# Tokenizers split before every word and every three digits, so that a prompt has at least as many tokens; in 128
# open articles one had 1.19 to 1.85 times as many. A server that drops what exceeds its context keeps at most half
# of it (Ollama, issue 17427) and thus falls below. A smaller cut can go unseen.
LEAST_TOKENS = re.compile(r"[^\W\d_]+|\d{1,3}")
MODES = ("record", "replay", "refresh")
SAMPLING = {"temperature": 0, "seed": 1, "max_tokens": 4096}


def endpoint_error(where, expected, found, do):
    """An error of the language-model coder, to be raised."""
    return StudyError(expected=expected, found=found, where=f"model coder, {where}", do=do)


def schema(question):
    """The JSON schema of an answer: one object for yes or no, an object with one array for a list of models.

    Examples
    --------
    >>> schema("uses_dl")["properties"]["answer"]
    {'type': 'string', 'enum': ['yes', 'no', 'unknown']}
    >>> list(schema("pattern")["properties"]["items"]["items"]["properties"])
    ['model', 'quote', 'pattern']
    """
    fields = {
        name: {"type": "string", "enum": list(labels)} if labels else {"type": "string"}
        for name, labels in SHAPES[question][1].items()
    }
    item = {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}
    if "model" not in fields:
        return item
    items = {"items": {"type": "array", "items": item}}
    return {"type": "object", "properties": items, "required": ["items"], "additionalProperties": False}


def request(model, question, text, models, prompts, sampling):
    """The whole request, as it is sent and as the cache knows it."""
    mark = hashlib.sha256(text.encode()).hexdigest()[:16]
    task = prompts[question].replace("{models}", json.dumps(list(models), ensure_ascii=False))
    # The article comes first: what several questions share, a server reads once.
    user = f"BEGIN ARTICLE {mark}\n{text}\nEND ARTICLE {mark}\n\n{task}"
    shape = {"name": question, "strict": True, "schema": schema(question)}
    return {
        "model": model,
        "messages": [{"role": "system", "content": prompts["system"]}, {"role": "user", "content": user}],
        "response_format": {"type": "json_schema", "json_schema": shape},
        **sampling,
    }


def read_reply(raw, asked):
    """Take the answer out of a server's reply, if it is a whole answer to the whole prompt.

    Returns
    -------
    content : str or None
    tokens : (int, int)
        Prompt and answer tokens as the server reports them.
    problem : str
        Empty, or why this is no answer.
    """
    try:
        body = json.loads(raw)
        if "failure" in body:
            return None, (0, 0), str(body["failure"])
        message, finish = body["choices"][0]["message"], body["choices"][0]["finish_reason"]
        content, refusal, usage = message["content"], message.get("refusal"), body.get("usage") or {}
        tokens = (usage.get("prompt_tokens"), usage.get("completion_tokens") or 0)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None, (0, 0), "the reply is no chat completion"
    if not all(isinstance(number, int) for number in tokens):
        return None, (0, 0), "the reply reports no tokens: a cut prompt would go unseen"
    least = sum(len(LEAST_TOKENS.findall(part["content"])) for part in asked["messages"])
    if tokens[0] < least:
        return None, tokens, f"the prompt was cut: {tokens[0]} tokens reported, it has at least {least}"
    if finish == "length":
        return None, tokens, f"the answer was cut after {tokens[1]} tokens (finish_reason length)"
    if finish != "stop" or refusal or not isinstance(content, str):
        return None, tokens, f"the model gave no answer (finish_reason {finish!r:.40})"
    return content, tokens, ""


def open(cache, mode):
    """Open the file of answered questions: read-only to replay, else made where it is missing."""
    cache = Path(cache)
    try:
        if mode == "replay":
            uri = f"{cache.resolve().as_uri()}?mode=ro"
            db = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
        else:
            cache.parent.mkdir(parents=True, exist_ok=True)
            db = sqlite3.connect(cache, isolation_level=None, check_same_thread=False)
            columns = "key TEXT PRIMARY KEY, model TEXT, question TEXT, paper TEXT, asked TEXT, raw TEXT"
            db.execute(f"CREATE TABLE IF NOT EXISTS answers ({columns})")
        db.execute("SELECT key, model, question, paper, asked, raw FROM answers LIMIT 1")
    except (sqlite3.Error, OSError) as error:
        do = "give the file that a run with --mode record wrote" if mode == "replay" else "choose another file"
        raise endpoint_error(f"cache {cache.name}", "a cache of model answers", str(error), do) from None
    return db


def apart(work, stop, seconds=math.inf):
    """The result of `work`, done in a thread that is left behind when `stop` is set or the seconds are over.

    Raises
    ------
    CancelledError
        If `stop` was set.
    TimeoutError
        If it took longer.
    """
    done, end = queue.SimpleQueue(), time.monotonic() + seconds

    def run():
        try:
            done.put((work(), None))
        except Exception as error:  # noqa: BLE001 - raised where the result is awaited
            done.put((None, error))

    threading.Thread(target=run, daemon=True).start()
    while True:
        try:
            result, error = done.get(timeout=max(0.0, min(0.2, end - time.monotonic())))
        except queue.Empty:
            if stop.is_set():
                raise CancelledError from None
            if time.monotonic() >= end:
                raise TimeoutError from None
            continue
        if error is not None:
            raise error
        return result


def _text(response):
    """A reply as text; JSON says its encoding itself, whatever the header says."""
    return response.content.decode(json.detect_encoding(response.content), "replace")


def sender(model, base_url, timeout, max_retries, http_client, stop):
    """A function that sends a request and gives the raw reply, or {"failure": why there is none}; and its client."""
    if not re.fullmatch(r"https?://[^\s/@?#]+(/[^\s@?#]*)?", base_url or ""):  # not shown: it may hold a password
        expected = "an address like http://127.0.0.1:11434/v1, without user name, password or query"
        do = "correct it, and give the key in the environment variable OPENAI_API_KEY"
        raise endpoint_error("base URL", expected, "something else", do)
    key = os.environ.get("OPENAI_API_KEY", "").strip()
    if re.search(r"[^!-~]", key):  # a client would say it in its own error
        do = "set it anew, without blanks and special characters"
        raise endpoint_error("environment variable OPENAI_API_KEY", "a key of plain ASCII", "another one", do)
    try:
        import openai
    except ImportError:
        do = "run make tools, or pip install openai (replaying a cache needs no package)"
        raise endpoint_error("packages", "the package openai", "none", do) from None
    import httpx2  # what openai sends with

    web = http_client or openai.DefaultHttpxClient(timeout=timeout)
    send_whole = web.send

    def within(request, **more):  # the client's own timeout begins anew with every byte
        try:
            return apart(lambda: send_whole(request, **more), threading.Event(), timeout)
        except TimeoutError:
            raise httpx2.ReadTimeout("no whole reply", request=request) from None

    web.send = within
    settings = {"timeout": timeout, "max_retries": max_retries, "http_client": web}
    client = openai.OpenAI(api_key=key or "none", base_url=base_url, **settings)

    def clean(text):  # a server may say the key back; placeholders such as "EMPTY" are no secret
        return text.replace(key, "[key]") if len(key) >= 8 else text

    def halt(found, do):  # what concerns every article; all else is a reject
        do += " and run the same command again: no answer so far is lost"
        return endpoint_error(base_url, f"answers of {model}", found, do)

    def send(asked):
        own = {name: asked[name] for name in ("model", "messages", "response_format")}
        rest = {name: value for name, value in asked.items() if name not in own}
        try:
            create = client.chat.completions.with_raw_response.create
            return clean(_text(apart(lambda: create(**own, extra_body=rest).http_response, stop)))
        except openai.APIStatusError as error:
            failure = f"HTTP {error.status_code}"
            if error.status_code in (401, 403):  # such replies may hold parts of the key
                raise halt(f"no permission ({failure})", "set the environment variable OPENAI_API_KEY") from None
            if error.status_code == 404:
                raise halt(f"no such model or address ({failure})", "correct --model or --base-url") from None
            failure += f": {_text(error.response)[:200]}"
        except (LookupError, UnicodeError):
            failure = "the reply is in an encoding that cannot be read"
        except openai.APITimeoutError:
            failure = f"no reply within {timeout:g} seconds"
        except openai.APIConnectionError as error:
            if type(error.__cause__).__name__ == "ConnectError":
                raise halt("no server", "start the server or correct --base-url") from None
            failure = "the connection broke off"
        return json.dumps({"failure": clean(failure)})

    return send, client


def asker(model, send, db, mode, prompts, sampling, spent, stop):
    """A function that answers a question from the cache or by asking: (content, why there is none)."""
    lock = threading.Lock()

    def ask(paper, question, text, models=()):
        if stop.is_set():
            raise CancelledError
        asked = request(model, question, text, models, prompts, sampling)
        key = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
        with lock:
            row = db.execute("SELECT raw FROM answers WHERE key = ?", (key,)).fetchone()
        if row and mode != "refresh":
            content, _, problem = read_reply(row[0], asked)
            if mode == "replay" or not problem:
                with lock:
                    spent["cached"] += 1
                return content, problem
        elif mode == "replay":
            found, do = "none for this model, prompt, sampling and text", "run once with --mode record"
            raise endpoint_error(f"paper {paper}, question {question}", "a cached answer", found, do)
        raw = send(asked)
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        with lock:  # before anything looks at it
            row = (key, model, question, paper, now, raw)
            db.execute("INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?, ?)", row)
        content, tokens, problem = read_reply(raw, asked)
        with lock:
            spent.update({"asked": 1, "prompt": tokens[0], "answer": tokens[1]})
        return content, problem

    return ask
