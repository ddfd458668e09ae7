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

import json
import sqlite3
import sys
import tempfile
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from functools import partial
from itertools import chain
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from ptmreuse import one_run, paths
from ptmreuse.coding import articles, batch, endpoint
from ptmreuse.coding.endpoint import SHAPES
from ptmreuse.evidence import answer_words, answers, names, replies, study

ROWS = ("papers", "uses", "reuse", "stages", "evidence", "rejects")  # the tables that articles fill
EVIDENCE = ["paper", "coder", "question", "model", "value", "quote", "section", "quote_found", "model_found"]

QUOTE_LETTERS = 20  # a shorter quote is found anywhere and shows nothing


def read_prompts(version="v1"):
    """The texts of one version of the prompts: `system`, and one per question."""
    folder = paths.SOURCE / "prompts" / version
    if not (folder / "system.txt").is_file():
        known = ", ".join(sorted(path.name for path in folder.parent.iterdir()))
        raise endpoint.endpoint_error("prompts", f"a version among {known}", repr(version), "name one of these")
    return {name: (folder / f"{name}.txt").read_text(encoding="utf-8") for name in ("system", *SHAPES)}


def article_text(article):
    """The article as the model sees it: each section path, then its texts."""
    lines, last = [], None
    for path, kind, text in article.sections:
        lines += [f"\n## {path} [{kind}]", text] if (path, kind) != last else [text]
        last = (path, kind)
    return "\n".join(lines)


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
    fields, items, refused = SHAPES[question][1], [], []
    for item in value:
        if isinstance(item, dict) and all(isinstance(item.get(name), str) for name in fields):
            items.append({name: answer_words.clean(item[name]) for name in fields})
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
        One of `SHAPES`.
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
    fields = SHAPES[question][1]
    label = next((name for name, labels in fields.items() if labels), None)
    asked = {names.squeeze(model): model for model in asked_models}
    kept, rejected, seen = [], [], set()
    for item in items:
        key = names.squeeze(item.get("model", ""))
        item = {**item, "model": asked[key]} if key in asked else item
        if label and item[label] not in fields[label]:
            item = {**item, label: _label(question, item[label])}
        if "model" in fields and (answer_words.names_none(item["model"]) or len(item["model"]) > 100):
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


def _code_file(file, ask, coder):
    """What each paper of a file gives."""
    if isinstance(file, articles.Article):
        return [_code_article(file.title, file.doi, file if file.doi else "it has no DOI", ask, coder)]
    found = batch.papers_in(file, batch.content(file))
    return [_code_article(file.name + place, paper, article, ask, coder) for place, paper, article, _ in found]


def _code_article(row, paper, article, ask, coder):
    """All rows that one article gives; what is wrong with it or with its answers becomes a reject."""
    out = {name: [] for name in ROWS} | {"row": row, "read": Counter(), "kept": Counter()}

    def reject(step, row, reason, snippet=""):
        table = SHAPES[step][0] if step in SHAPES else "papers"
        out["rejects"].append((step, coder, table, row, answer_words.clean(reason), answer_words.clean(snippet)[:200]))

    if isinstance(article, str):
        reject("articles", row, article)
        return out
    text, yes_no = article_text(article), ("no", "yes")
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
            value = item.get("answer", item.get("pattern", item.get("stage", "")))
            found = (section[0] if section else "", yes_no[bool(section)], yes_no[named] if model else "")
            out["evidence"].append((paper, coder, question, item.get("model", ""), value, item["quote"], *found))
        return kept

    def decide(question):
        return next((item["answer"] for item in answers_to(question)), "unknown")

    uses_dl = decide("uses_dl")
    uses_ptm = decide("uses_ptm") if uses_dl == "yes" else uses_dl  # a pre-trained model is deep learning
    models = [item["model"] for item in answers_to("model")] if uses_ptm == "yes" else []
    for question in ("pattern", "stage") if models else ():
        found = [(item["model"], item[question]) for item in answers_to(question, models)]
        found += [(model, "unknown") for model in models if model not in dict(found)]
        out[SHAPES[question][0]] += [(paper, coder, *pair) for pair in found]
    full_text = "yes" if article.full_text else "no"
    out["papers"].append((paper, article.doi, article.year or pd.NA, "", pd.NA, "unknown", full_text))
    out["uses"].append((paper, coder, uses_dl, uses_ptm))
    return out


def _tables(results, coder, version, texts):
    rows = {name: [] for name in ROWS}
    read, kept, known = Counter(), Counter(), set()
    for result in results:  # in the order of the articles, whichever was coded first
        paper = result["papers"][0][0] if result["papers"] else None
        if paper in known:
            again = ("articles", coder, "papers", f"{result['row']}, {paper}", "the same paper again", "")
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
    for step in ("articles", *SHAPES):
        asked = [texts["system"], texts[step], endpoint.schema(step)] if step in SHAPES else None
        digest = paths.text_sha256(json.dumps(asked)) if asked else ""
        rows["provenance"].append((coder, "coded", step, digest, version, read[step], kept[step], refused[step]))
    columns = {**study.SCHEMA, "reuse": ("paper", "coder", "model", "pattern")}
    evidence = pd.DataFrame(rows.pop("evidence"), columns=EVIDENCE, dtype="str")
    frames = {name: pd.DataFrame(rows[name], columns=list(columns[name])) for name in rows}
    models = names.normalise(frames["reuse"]["model"])
    frames["reuse"] = frames["reuse"].assign(canonical=models["canonical"], family=models["family"])
    tables = study.validate(frames, where=coder)
    study.accounting(tables)
    return {**tables, "evidence": evidence}


def _checked(mode, concurrency, timeout, max_retries, prices, sampling):
    """The settings as text for the accounts, if they can be sent."""
    if mode not in endpoint.MODES:
        raise endpoint.endpoint_error("mode", f"one of {', '.join(endpoint.MODES)}", repr(mode), "choose one")
    try:
        said = json.dumps(sampling, sort_keys=True, allow_nan=False)  # JSON has no NaN and no infinity
    except (TypeError, ValueError):
        said = None
    ours = {"model", "messages", "response_format", "stream", "n"}
    reserved = said is None or not isinstance(sampling, dict) or ours & set(sampling)
    waits = 0 < timeout < 1e6 and 0 <= max_retries <= 1000
    if reserved or concurrency < 1 or not waits or prices.count(None) == 1:
        expected = "one or more articles at a time, a timeout above 0, 0 or more retries, both prices or none, and "
        expected += "settings of sampling alone, in JSON"
        found = f"concurrency {concurrency}, timeout {timeout}, retries {max_retries}, "
        found += f"prices {prices[0]} and {prices[1]}, sampling {sampling}"
        raise endpoint.endpoint_error("settings", expected, found, "correct them")
    return said


def code_with_model(
    inputs,
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
    inputs : iterable
        Articles with a DOI, or files and folders as :func:`ptmreuse.coding.batch.code_articles` reads them: a paper
        has the id that it has there.
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
        What else the request says; default `endpoint.SAMPLING`.
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
    sampling, texts = endpoint.SAMPLING if sampling is None else sampling, read_prompts(prompts)
    said = _checked(mode, concurrency, timeout, max_retries, (price_in, price_out), sampling)
    given = list(inputs)
    files = given if given and isinstance(given[0], articles.Article) else list(batch.walk(given))
    spent, stop, coder, send = Counter(), threading.Event(), f"model:{model}", None
    with ExitStack() as held:
        db = held.enter_context(closing(endpoint.open(cache, mode)))
        if mode != "replay":  # two runs would ask, and pay, twice
            held.enter_context(one_run.only_run(f"{cache}.lock", f"cache {Path(cache).name}"))
            send, client = endpoint.sender(model, base_url, timeout, max_retries, http_client, stop)
            held.enter_context(closing(client))
        ask = endpoint.asker(model, send, db, mode, texts, sampling, spent, stop)
        pool = ThreadPoolExecutor(concurrency)
        held.callback(pool.shutdown, cancel_futures=True)
        held.callback(stop.set)
        try:
            coded = pool.map(partial(_code_file, ask=ask, coder=coder), files)
            results = list(chain(*tqdm(coded, total=len(files), unit="file", desc=model, file=sys.stderr)))
        except sqlite3.Error as error:
            do = "make room or end what else uses it, and run the same command again"
            raise endpoint.endpoint_error(f"cache {Path(cache).name}", "to read and write it", str(error), do) from None
    bill = (
        f"{spent['asked']} answers asked and {spent['cached']} from the cache; "
        f"{spent['prompt']} prompt tokens, {spent['answer']} answer tokens"
    )
    if price_in is not None:
        cost = (spent["prompt"] * price_in + spent["answer"] * price_out) / 1e6
        bill += f"; cost {cost:.4f} at the prices given"
    print(bill, file=sys.stderr)
    return _tables(results, coder, f"prompts {prompts}, {said}", texts)


def add_arguments(parser):
    """Give an argument parser the arguments of the command ``code-llm``."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="articles as the command code reads them, or folders")
    parser.add_argument("--model", required=True, help="the model's id at the endpoint")
    parser.add_argument("--base-url", help="the endpoint, such as http://127.0.0.1:11434/v1")
    parser.add_argument("--cache", required=True, metavar="FILE", help="SQLite file that keeps every answer")
    parser.add_argument("--mode", choices=endpoint.MODES, default="record", help="record (default), replay or refresh")
    parser.add_argument("--out", required=True, metavar="DIR", help="folder for the study tables")
    parser.add_argument("--concurrency", type=int, default=4, help="articles coded at the same time")
    parser.add_argument("--timeout", type=float, default=600, help="seconds to wait for an answer")
    parser.add_argument("--max-retries", type=int, default=5, help="further tries of a request")
    parser.add_argument("--price-in", type=float, help="price of a million prompt tokens")
    parser.add_argument("--price-out", type=float, help="price of a million answer tokens")
    parser.add_argument("--sampling", type=json.loads, metavar="JSON", help=f"default {json.dumps(endpoint.SAMPLING)}")
    parser.add_argument("--prompts", default="v1", help="version of the prompts")


def main_code_llm(options):
    """The command ``code-llm``: code files and write the study tables and the evidence."""
    settings = dict(vars(options))
    out = Path(settings.pop("out"))
    settings.pop("command", None)
    (out / "evidence").mkdir(parents=True, exist_ok=True)  # before anything is asked and paid for
    with tempfile.TemporaryFile(dir=out):
        pass
    tables = code_with_model(settings.pop("files"), **settings)
    study.write({"evidence": tables.pop("evidence")}, out / "evidence")  # beside, not among, the study tables
    study.write(tables, out)
    print(f"{len(tables['papers'])} articles coded, {len(tables['rejects'])} rejects: {out}")
