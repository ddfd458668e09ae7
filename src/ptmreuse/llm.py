"""Model (LLM) coder: five questions about an article, put to any OpenAI-compatible endpoint.

The questions are those of the study: deep learning? pre-trained models? which? reused by which pattern? in
which stage? A later question is asked only where the one before it makes it one ("no deep learning" leaves
no pre-trained deep learning model), and what could not be answered is "unknown", never "no".

Every reply is written to a cache before anything looks at it, so that a run can be killed and resumed, and
a finished run replayed without endpoint, key or further package. The cache key is the SHA-256 of the whole
request (model, prompts, schema, article text, sampling) and of nothing else: not of the endpoint, and not of
the version of a library. That is why the schemas are written out below and not derived from classes.

The article is data: it stands between two lines that carry a mark made from its own text, what comes back
must fit the schema and the labels of the question, and every quote is looked up in the article.
"""

import hashlib
import json
import os
import re
import sqlite3
import sys
import threading
import time
from collections import Counter
from concurrent.futures import CancelledError, ThreadPoolExecutor, as_completed
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from ptmreuse import answers, jats, names, paths, replies, study
from ptmreuse.errors import StudyError

MODES = ("record", "replay", "refresh")
SAMPLING = {"temperature": 0, "seed": 1, "max_tokens": 4096}

# question -> the study table it fills, and the fields of an item: any text, or one label of a closed list.
# The quote comes before the label, so that the evidence is looked for before the decision is made.
QUESTIONS = {
    "uses_dl": ("uses", {"quote": None, "answer": study.ANSWERS}),
    "uses_ptm": ("uses", {"quote": None, "answer": study.ANSWERS}),
    "model": ("reuse", {"model": None, "quote": None}),
    "pattern": ("reuse", {"model": None, "quote": None, "pattern": (*study.PATTERNS, "unknown")}),
    "stage": ("stages", {"model": None, "quote": None, "stage": (*study.STAGES, "unknown")}),
}
EVIDENCE = ["paper", "coder", "question", "model", "value", "quote", "section", "quote_found", "model_found"]

# Tokenizers split before every word and every three digits, so that a prompt has at least as many tokens; in 128
# open articles one had 1.19 to 1.85 times as many. A server that drops what exceeds its context keeps at most half
# of it (Ollama, issue 17427) and thus falls below. A smaller cut can go unseen.
LEAST_TOKENS = re.compile(r"[^\W\d_]+|\d{1,3}")
QUOTE_LETTERS = 20  # a shorter quote is found anywhere and shows nothing


def _error(where, expected, found, do):
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
        for name, labels in QUESTIONS[question][1].items()
    }
    item = {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}
    if "model" not in fields:
        return item
    items = {"items": {"type": "array", "items": item}}
    return {"type": "object", "properties": items, "required": ["items"], "additionalProperties": False}


def read_prompts(version="v1"):
    """The texts of one version of the prompts: `system`, and one per question."""
    folder = paths.SOURCE / "prompts" / version
    if not (folder / "system.txt").is_file():
        known = ", ".join(sorted(path.name for path in folder.parent.iterdir()))
        raise _error("prompts", f"a version among {known}", repr(version), "name one of these")
    return {name: (folder / f"{name}.txt").read_text(encoding="utf-8") for name in ("system", *QUESTIONS)}


def article_text(article):
    """The article as the model sees it: each section path, then its texts."""
    lines, last = [], None
    for path, kind, text in article.sections:
        lines += [f"\n## {path} [{kind}]", text] if (path, kind) != last else [text]
        last = (path, kind)
    return "\n".join(lines)


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


def _open(cache, mode):
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
        raise _error(f"cache {cache.name}", "a cache of model answers", str(error), do) from None
    return db


def _sender(model, base_url, timeout, max_retries, http_client):
    """A function that sends a request and gives the raw reply, or {"failure": why there is none}; and its client."""
    if not re.fullmatch(r"https?://[^\s/@?#]+(/[^\s@?#]*)?", base_url or ""):  # not shown: it may hold a password
        expected = "an address like http://127.0.0.1:11434/v1, without user name, password or query"
        do = "correct it, and give the key in the environment variable OPENAI_API_KEY"
        raise _error("base URL", expected, "something else", do)
    key = os.environ.get("OPENAI_API_KEY", "").strip()
    if re.search(r"[^!-~]", key):  # a client would say it in its own error
        do = "set it anew, without blanks and special characters"
        raise _error("environment variable OPENAI_API_KEY", "a key of plain ASCII", "another one", do)
    try:
        import openai
    except ImportError:
        do = 'run pip install "ptmreuse[llm]" (replaying a cache needs no package)'
        raise _error("packages", "the package openai", "none", do) from None
    settings = {"timeout": timeout, "max_retries": max_retries, "http_client": http_client}
    client = openai.OpenAI(api_key=key or "none", base_url=base_url, **settings)

    def clean(text):  # a server may say the key back; placeholders such as "EMPTY" are no secret
        return text.replace(key, "[key]") if len(key) >= 8 else text

    def halt(found, do):  # what concerns every article; all else is a reject
        do += " and run the same command again: no answer so far is lost"
        return _error(base_url, f"answers of {model}", found, do)

    def send(asked):
        own = {name: asked[name] for name in ("model", "messages", "response_format")}
        rest = {name: value for name, value in asked.items() if name not in own}
        try:
            return clean(client.chat.completions.with_raw_response.create(**own, extra_body=rest).text)
        except openai.APIStatusError as error:
            failure = f"HTTP {error.status_code}"
            if error.status_code in (401, 403):  # such replies may hold parts of the key
                raise halt(f"no permission ({failure})", "set the environment variable OPENAI_API_KEY") from None
            if error.status_code == 404:
                raise halt(f"no such model or address ({failure})", "correct --model or --base-url") from None
            failure += f": {error.response.text[:200]}"
        except openai.APITimeoutError:
            failure = f"no reply within {timeout:g} seconds"
        except openai.APIConnectionError as error:
            if type(error.__cause__).__name__ == "ConnectError":
                raise halt("no server", "start the server or correct --base-url") from None
            failure = "the connection broke off"
        return json.dumps({"failure": clean(failure)})

    return send, client


def _asker(model, send, db, mode, prompts, sampling, spent, stop):
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
            raise _error(f"paper {paper}, question {question}", "a cached answer", found, do)
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


def read_items(content, question):
    """The items of an answer, one for yes or no; also where it is fenced, or follows a chain of thought.

    Returns
    -------
    items : list of dict
        With the fields of the question, all text.
    refused : list of (str, object)
        Reason and what stood there.
    problem : str
        Empty, or why nothing can be read.

    Examples
    --------
    >>> read_items('```json\\n{"quote": "We used a CNN.", "answer": "yes"}\\n```', "uses_dl")
    ([{'quote': 'We used a CNN.', 'answer': 'yes'}], [], '')
    >>> read_items('{"items": [{"model": "U-N', "model")[2]
    'the answer ends before its JSON does'
    """
    status, value, path = replies.decode(content)
    if isinstance(value, dict):
        value = value.get("items", [value])
    if status or replies.SEVERAL in path or not isinstance(value, list):
        return [], [], replies.STATUSES[status or ("several" if replies.SEVERAL in path else "no_answer")]
    fields, items, refused = QUESTIONS[question][1], [], []
    for item in value:
        if isinstance(item, dict) and all(isinstance(item.get(name), str) for name in fields):
            items.append({name: answers.clean(item[name]) for name in fields})
        else:
            refused.append((f"not an item with {', '.join(fields)}", item))
    return items, refused, ""


def _label(question, written):
    """The label that was meant ("Yes", "Adaptation reuse"), else what was written."""
    probe = {"model": "m", "result": written, question: written}
    answer = answers.read_answer(json.dumps(probe), question)
    meant = {answer.value} | {item.category for item in answer.items}
    meant -= {"", "unknown"}
    return meant.pop() if len(meant) == 1 else written


def sift(question, items, asked_models=()):
    """Separate the items of an answer that keep to the question from those that do not.

    Parameters
    ----------
    question : str
        One of `QUESTIONS`.
    items : list of dict
        The fields of the question, all text.
    asked_models : sequence of str
        The models that the question was about.

    Returns
    -------
    kept : list of dict
    rejected : list of (str, dict)
        Reason and item.

    Examples
    --------
    >>> kept, rejected = sift("pattern", [{"model": "unet", "quote": "", "pattern": "adaptation"},
    ...                                   {"model": "U-Net", "quote": "", "pattern": "theft"}], ["U-Net"])
    >>> kept, rejected[0][0]
    ([{'model': 'U-Net', 'quote': '', 'pattern': 'adaptation'}], "'theft' is no pattern")
    """
    fields = QUESTIONS[question][1]
    label = next((name for name, labels in fields.items() if labels), None)
    asked = {names.squeeze(model): model for model in asked_models}
    kept, rejected, seen = [], [], set()
    for item in items:
        key = names.squeeze(item.get("model", ""))
        item = {**item, "model": asked[key]} if key in asked else item
        if label and item[label] not in fields[label]:
            item = {**item, label: _label(question, item[label])}
        if "model" in fields and (answers.names_none(item["model"]) or len(item["model"]) > 100):
            rejected.append(("this is no name of a model", item))
        elif asked and key not in asked:
            rejected.append(("a model that was not asked about", item))
        elif label and item[label] not in fields[label]:
            rejected.append((f"{item[label]!r:.40} is no {label}", item))
        elif (key, item.get(label)) in seen:
            rejected.append(("the same item again", item))
        else:
            kept.append(item)
            seen.add((key, item.get(label)))
    if "model" not in fields and len(kept) > 1:  # yes and no: neither
        rejected += [("answers that contradict each other", item) for item in kept]
        kept = []
    return kept, rejected


def _code_article(number, source, ask, coder):
    """All rows that one article gives; what is wrong with it or with its answers becomes a reject."""
    out = {"read": Counter(), "kept": Counter(), "papers": [], "uses": [], "reuse": [], "stages": []}
    out |= {"evidence": [], "rejects": []}

    def reject(step, row, reason, snippet=""):
        table = QUESTIONS[step][0] if step in QUESTIONS else "papers"
        out["rejects"].append((step, coder, table, row, answers.clean(reason), answers.clean(snippet)[:200]))

    try:
        article = source if isinstance(source, jats.Article) else jats.read_article(source)
    except StudyError as error:
        reject("articles", f"article {number}, {Path(source).name}", str(error))
        return out
    paper = article.doi or ("" if article is source else Path(source).stem)
    if not paper or not article.sections:
        reject("articles", f"article {number}", f"it has no {'text' if paper else 'DOI'}", article.title)
        return out
    text = article_text(article)
    yes_no = ("no", "yes")
    places = [(path, names.squeeze(words)) for path, _, words in article.sections]

    def answers_to(question, models=()):
        content, problem = ask(paper, question, text, models)
        items, refused, problem = ([], [], problem) if problem else read_items(content, question)
        if problem or not (items or refused or question == "model"):
            reject(question, f"{paper} {question}", problem or "the answer is empty", content or "")
            out["read"][question] += 1
            return []
        kept, rejected = sift(question, items, models)
        rejected = refused + rejected
        out["read"][question] += len(items) + len(refused)
        out["kept"][question] += len(kept)
        for number, (reason, item) in enumerate(rejected, 1):
            reject(question, f"{paper} {question} {number}", reason, json.dumps(item, ensure_ascii=False))
        for item in kept:
            quote, model = names.squeeze(item["quote"]), names.squeeze(item.get("model", ""))
            section = [path for path, words in places if len(quote) >= QUOTE_LETTERS and quote in words]
            # a short name hides in other words ("SAM" in "samples"): it must stand there as written
            named = any(model in words for _, words in places) if len(model) > 5 else item.get("model", "") in text
            value = next((item[name] for name in ("answer", "pattern", "stage") if name in item), "")
            row = (paper, coder, question, item.get("model", ""), value, item["quote"])
            found = (section[0] if section else "", yes_no[bool(section)], yes_no[named] if model else "")
            out["evidence"].append(row + found)
        return kept

    def decide(question):
        return next((item["answer"] for item in answers_to(question)), "unknown")

    uses_dl = decide("uses_dl")
    uses_ptm = decide("uses_ptm") if uses_dl == "yes" else uses_dl  # a pre-trained model is deep learning
    models = [item["model"] for item in answers_to("model")] if uses_ptm == "yes" else []
    for question in ("pattern", "stage") if models else ():
        found = [(item["model"], item[question]) for item in answers_to(question, models)]
        found += [(model, "unknown") for model in models if model not in dict(found)]
        out[QUESTIONS[question][0]] += [(paper, coder, *pair) for pair in found]
    full_text = "yes" if article.full_text else "no"
    out["papers"].append((paper, article.doi, article.year or pd.NA, "", pd.NA, "unknown", full_text))
    out["uses"].append((paper, coder, uses_dl, uses_ptm))
    return out


def _tables(results, coder, version, texts):
    rows = {name: [] for name in ("papers", "uses", "reuse", "stages", "evidence", "rejects")}
    read, kept, known = Counter(), Counter(), set()
    for number, result in enumerate(results, 1):  # in the order of the articles, whichever was coded first
        paper = result["papers"][0][0] if result["papers"] else None
        if paper in known:
            again = ("articles", coder, "papers", f"article {number}, {paper}", "the same paper again", "")
            result = {**dict.fromkeys(rows, ()), "rejects": [again], "read": {}, "kept": {}}
        elif paper:
            known.add(paper)
        for name in rows:
            rows[name] += result[name]
        read.update({"articles": 1, **result["read"]})
        kept.update({"articles": len(result["papers"]), **result["kept"]})
    refused = Counter(step for step, *_ in rows["rejects"])
    rows["rejects"] = [row for _, *row in rows["rejects"]]
    rows["provenance"] = []
    for step in ("articles", *QUESTIONS):
        asked = json.dumps([texts["system"], texts[step], schema(step)]) if step in QUESTIONS else ""
        digest = hashlib.sha256(asked.encode()).hexdigest() if asked else ""
        rows["provenance"].append((coder, "coded", step, digest, version, read[step], kept[step], refused[step]))
    columns = {name: list(study.SCHEMA[name]) for name in study.SCHEMA}
    columns["reuse"] = ["paper", "coder", "model", "pattern"]
    evidence = pd.DataFrame(rows.pop("evidence"), columns=EVIDENCE, dtype="str")
    frames = {name: pd.DataFrame(rows[name], columns=columns[name]) for name in rows}
    models = names.normalise(frames["reuse"]["model"])
    frames["reuse"] = frames["reuse"].assign(canonical=models["canonical"], family=models["family"])
    tables = study.validate(frames, where=coder)
    study.accounting(tables)
    return {**tables, "evidence": evidence}


def code_with_model(
    articles,
    *,
    model,
    base_url=None,
    cache,
    mode="record",
    concurrency=4,
    timeout=600,
    max_retries=5,
    price_in=None,
    price_out=None,
    sampling=None,
    prompts="v1",
    http_client=None,
):
    """Code articles with a language model.

    Parameters
    ----------
    articles : iterable
        `jats.Article`, or files that `jats.read_article` reads. A paper's id is its DOI, else
        the file's stem.
    model : str
        The model's id at the endpoint; the coder's name in the tables is ``model:<id>``.
    base_url : str
        An OpenAI-compatible endpoint; not needed to replay. Its key comes from the environment variable
        OPENAI_API_KEY and from nowhere else.
    cache : path-like
        SQLite file with one row per reply.
    mode : {"record", "replay", "refresh"}
        record: use the cache, and ask for what it lacks or what failed or was cut. replay: the cache alone,
        with the failures that it holds; a missing reply is an error. refresh: ask everything anew.
    concurrency : int
        Articles coded at the same time.
    timeout : float
        Seconds to wait for a reply.
    max_retries : int
        Further tries after a timeout, a broken connection, HTTP 408, 409, 429 or 5xx; Retry-After is kept
        where it is two minutes or less, else the article is a reject.
    price_in, price_out : float, optional
        Price of a million prompt and answer tokens, to tell the cost.
    sampling : dict, optional
        What else the request says; default `SAMPLING`.
    prompts : str
        Version of the prompts.
    http_client : httpx2.Client, optional
        Another transport.

    Returns
    -------
    dict of str to DataFrame
        Checked study tables, and ``evidence`` (columns `EVIDENCE`): the quote behind each kept item, the
        section where it stands, and whether quote and model name were found in the article. Provenance
        counts articles, and per question the items answered (an answer that cannot be read counts as one).

    Raises
    ------
    StudyError
        For a wrong argument or cache, a missing package, a reply missing in replay, or an endpoint that is
        not there, refuses the key or lacks the model. A bad article or answer is a reject instead.
    """
    sampling, texts = SAMPLING if sampling is None else sampling, read_prompts(prompts)
    reserved = not isinstance(sampling, dict) or {"model", "messages", "response_format", "stream", "n"} & set(sampling)
    if mode not in MODES:
        raise _error("mode", f"one of {', '.join(MODES)}", repr(mode), "choose one")
    if reserved or concurrency < 1 or (price_in is None) != (price_out is None):
        expected = "one or more articles at a time, both prices or none, and settings of sampling alone"
        found = f"concurrency {concurrency}, prices {price_in} and {price_out}, sampling {sampling}"
        raise _error("settings", expected, found, "correct them")
    db, client = _open(cache, mode), None
    pool, spent, stop = ThreadPoolExecutor(concurrency), Counter(), threading.Event()
    try:
        send = None
        if mode != "replay":
            send, client = _sender(model, base_url, timeout, max_retries, http_client)
        ask = _asker(model, send, db, mode, texts, sampling, spent, stop)
        coder = f"model:{model}"
        futures = [pool.submit(_code_article, n, article, ask, coder) for n, article in enumerate(articles, 1)]
        with tqdm(total=len(futures), unit="article", desc=model, file=sys.stderr) as bar:
            for future in as_completed(futures):
                future.result()
                bar.update()
    except sqlite3.Error as error:
        do = "make room or end what else uses it, and run the same command again"
        raise _error(f"cache {Path(cache).name}", "to read and write it", str(error), do) from None
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)
        db.close()
        if client:
            client.close()
    bill = (
        f"{spent['asked']} answers asked and {spent['cached']} from the cache; "
        f"{spent['prompt']} prompt tokens, {spent['answer']} answer tokens"
    )
    if price_in is not None:
        cost = (spent["prompt"] * price_in + spent["answer"] * price_out) / 1e6
        bill += f"; cost {cost:.4f} at the prices given"
    print(bill, file=sys.stderr)
    version = f"prompts {prompts}, {json.dumps(sampling, sort_keys=True)}"
    return _tables([future.result() for future in futures], coder, version, texts)


def add_arguments(parser):
    """Give an argument parser the arguments of the command ``code-llm``."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="JATS (.xml) or text (.txt) files, or folders")
    parser.add_argument("--model", required=True, help="the model's id at the endpoint")
    parser.add_argument("--base-url", help="the endpoint, such as http://127.0.0.1:11434/v1")
    parser.add_argument("--cache", required=True, metavar="FILE", help="SQLite file that keeps every answer")
    parser.add_argument("--mode", choices=MODES, default="record", help="record (default), replay or refresh")
    parser.add_argument("--out", required=True, metavar="DIR", help="folder for the study tables")
    parser.add_argument("--concurrency", type=int, default=4, help="articles coded at the same time")
    parser.add_argument("--timeout", type=float, default=600, help="seconds to wait for an answer")
    parser.add_argument("--max-retries", type=int, default=5, help="further tries of a request")
    parser.add_argument("--price-in", type=float, help="price of a million prompt tokens")
    parser.add_argument("--price-out", type=float, help="price of a million answer tokens")
    parser.add_argument("--sampling", type=json.loads, metavar="JSON", help=f"default {json.dumps(SAMPLING)}")
    parser.add_argument("--prompts", default="v1", help="version of the prompts")


def main_code_llm(options):
    """The command ``code-llm``: code files and write the study tables and the evidence."""
    settings = dict(vars(options))
    files = []
    for name in map(Path, settings.pop("files")):
        inside = sorted(path for path in name.rglob("*") if path.suffix in (".xml", ".nxml", ".txt"))
        files += inside if name.is_dir() else [name]
    if not files:
        raise _error("files", "articles in .xml or .txt files", "none", "name files or a folder that holds some")
    out = Path(settings.pop("out"))
    settings.pop("command", None)
    tables = code_with_model(files, **settings)
    study.write({"evidence": tables.pop("evidence")}, out / "evidence")  # beside, not among, the study tables
    study.write(tables, out)
    coded, refused = len(tables["papers"]), len(tables["rejects"])
    print(f"{coded} of {len(files)} articles coded, {refused} rejects: {out}")
