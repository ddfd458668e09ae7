"""Fetch the texts and OpenAlex records of the pilot's frame: ``make data FRAME=yes``.

One request after the other, with a pause; a server that asks for patience gets it. What was fetched stays, with its
checksum, so a run that was cut goes on where it stopped. What a server does not have is listed with the reason.
"""

import csv
import json
import time
from urllib.parse import quote, urlencode

from ptmreuse.errors import StudyError
from ptmreuse.evidence import fetch, study

OPENALEX_URL = "https://api.openalex.org/works"
FIELDS = "doi,publication_year,cited_by_count,is_retracted,topics"
PAUSE = 1.0  # seconds before every request
PATIENCE = 600  # seconds; a server that asks for more is left for another day
BATCH = 50  # records asked for at once
MISSING = "missing.csv"


def fetch_frame(dois, folder=fetch.FOLDER, plos=fetch.PLOS_URL, openalex=OPENALEX_URL):
    """Fetch the article and the OpenAlex record of every PLOS DOI not there yet; count what is there and missing.

    The folder receives ``jats/DOI.xml``, ``openalex/DOI.json`` (a list of records) and ``missing.csv``.

    Raises
    ------
    StudyError
        If a server cannot be reached, refuses, or stays busy; what was fetched stays.
    """
    missing = _articles(dois, folder / "jats", plos) + _records(dois, folder / "openalex", openalex)
    with (folder / MISSING).open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["doi", "what", "reason"])
        table.writerows(missing)
    lost = {what: sum(row[1] == what for row in missing) for what in ("article", "record")}
    return {"articles": len(dois) - lost["article"], "records": len(dois) - lost["record"], "missing": len(missing)}


def _articles(dois, folder, plos):
    from tqdm import tqdm  # costs every kernel a moment, and only this command needs it

    missing = []
    for doi in tqdm(dois, desc="articles", unit="article"):
        target = folder / (doi.replace("/", "_") + ".xml")
        if target.exists():
            continue
        url = fetch.article_address(doi, plos)
        content = _get(url)
        if content and b"<article" in content[:5000] and content.rstrip().endswith(b"</article>"):
            _keep(target, content, url)
        else:
            missing.append((doi, "article", "not found" if content is None else "a file that is no whole article"))
    return missing


def _records(dois, folder, openalex):
    from tqdm import tqdm

    todo = [doi for doi in dois if not _record_file(folder, doi).exists()]
    missing = []
    for start in tqdm(range(0, len(todo), BATCH), desc="records", unit="batch"):
        batch = todo[start : start + BATCH]
        query = {"filter": "doi:" + "|".join(batch), "per-page": 2 * BATCH, "select": FIELDS}
        url = f"{openalex}?{urlencode(query, quote_via=quote, safe=':|,/')}"
        by_doi = {doi: [] for doi in batch}
        for record in _results(_get(url), url):
            doi = study.clean_doi(str(record.get("doi") or "").lower())
            if doi in by_doi:
                by_doi[doi].append(record)
        for doi, records in by_doi.items():
            if records:
                text = json.dumps(records, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
                _keep(_record_file(folder, doi), text.encode(), url)
            else:
                missing.append((doi, "record", "not found"))
    return missing


def _record_file(folder, doi):
    return folder / (doi.replace("/", "_") + ".json")


def _results(content, url):
    try:
        results = json.loads(content or b"{}")["results"]
        return [record for record in results if isinstance(record, dict)]
    except (ValueError, KeyError, TypeError) as error:
        raise StudyError(
            expected="a list of OpenAlex records", found=f"another answer ({type(error).__name__})", where=url,
            do="run the same command again later; what was fetched stays",
        ) from error  # fmt: skip


def _get(url):
    """The content behind an address; None where the server has nothing there."""
    import requests

    again = "run the same command again later; what was fetched stays"
    trouble = "no answer"
    for attempt in range(1 + fetch.RETRIES):
        time.sleep(PAUSE * 2**attempt)
        try:
            answer = requests.get(url, timeout=fetch.TIMEOUT, headers={"User-Agent": "ptmreuse (a replication book)"})
        except requests.RequestException as error:  # also an answer that was cut
            trouble = type(error).__name__
            continue
        if answer.status_code in (404, 410):
            return None
        if answer.status_code == 200:
            return answer.content
        trouble = f"answer {answer.status_code}"
        if answer.status_code not in (429, 500, 502, 503, 504):
            break
        asked = answer.headers.get("Retry-After", "0")
        wait = int(asked) if asked.isdigit() else 0  # a date is answered by the pause of the next attempt
        if wait > PATIENCE:
            trouble += f", come back after {wait} seconds"
            break
        time.sleep(wait)
    raise StudyError(expected="an answer from the server", found=trouble, where=url, do=again)


def _keep(target, content, url):
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(".part")
    part.write_bytes(content)
    part.replace(target)
    fetch.record(target, url)
