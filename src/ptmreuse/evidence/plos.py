"""The source ``plos``: all articles of the pilot's frame, coded by rules, the pilot's papers by people too.

Read from what ``make data FRAME=yes`` fetched and coded: texts, OpenAlex records, the rule coder's tables.
"""

import json

import pandas as pd

from ptmreuse import paths
from ptmreuse.errors import StudyError, refuse
from ptmreuse.evidence import fetch, frame, pilot, study
from ptmreuse.evidence.fetch_frame import MISSING, _record_file
from ptmreuse.evidence.tables import account, of_file

AGAIN = "run make data FRAME=yes"


def read_plos(place=fetch.FOLDER):
    """The frame's articles as study tables: the rule coder first, then the authors' codes of the pilot papers.

    An article without text, that was retracted, or of a year outside the design is a row of rejects; so is a
    second record of one article, and a missing record or one without topics (the article stays, without fields).

    Raises
    ------
    StudyError
        If nothing was fetched or coded, or a fetched file is not what it was.
    """
    listed, where = frame.read(), paths.shown(place)
    if not (place / "plos" / "papers.csv").exists():
        refuse(where, "the coded articles of the frame", "none", AGAIN)
    for part in ("jats", "openalex"):
        _unchanged(place / part)
    coded = study.read(place / "plos")
    records, books = _openalex(listed["doi"], place / "openalex", where)
    papers, rejects = _papers(listed, coded["papers"], records, _missing(place))
    kept = set(papers["paper"])
    people = pilot.embedded()
    tables = {"papers": papers}
    for name in ("uses", "reuse", "stages"):
        both = pd.concat([coded[name], people[name]], ignore_index=True)
        tables[name] = both[both["paper"].isin(kept)]
    tables["fields"] = pd.DataFrame(
        [(doi, field) for doi, record in records.items() if doi in kept for field in record["fields"]],
        columns=["paper", "field"],
    )
    books["rejects"] += rejects
    listing = paths.DATA / frame.FRAME
    entry = of_file("plos", listing, len(papers) + len(rejects), len(rejects))
    ours = pd.DataFrame(books["rejects"], columns=list(study.SCHEMA["rejects"]))
    tables["rejects"] = pd.concat([coded["rejects"], ours], ignore_index=True)
    tables["provenance"] = pd.concat(
        [coded["provenance"], pd.DataFrame([entry, books["entry"]]), people["provenance"]], ignore_index=True
    )
    return study.validate(tables, where="source plos")


def _unchanged(place):
    """Every file that was fetched is still what it was."""
    listing = fetch.listing_of(place)
    if not listing.exists():
        refuse(paths.shown(place), "fetched files", "none", AGAIN)
    for row in study.read_csv(listing).itertuples():
        target = place / row.file
        if not target.exists() or paths.sha256(target) != row.sha256:
            refuse(
                paths.shown(target), f"the file that was fetched from {row.url}",
                "another file" if target.exists() else "no such file", f"remove it and {AGAIN}",
            )  # fmt: skip


def _missing(place):
    if not (place / MISSING).exists():
        return {}
    table = study.read_csv(place / MISSING)
    table = table[table["what"] == "article"]
    return dict(zip(table["doi"], table["reason"], strict=True))


def _openalex(dois, place, where):
    """What OpenAlex says of each DOI, and the account of its records."""
    found, rejects, read = {}, [], 0

    def reject(doi, number, reason, snippet=""):
        rejects.append(_reject("openalex", f"{doi} record {number}", reason, snippet))

    for doi in dois:
        path = _record_file(place, doi)
        if not path.exists():
            read += 1
            reject(doi, 0, "no OpenAlex record")
            continue
        for number, record in enumerate(_json(path), start=1):
            read += 1
            if doi in found:
                reject(doi, number, "a second record of one article")
                continue
            found[doi] = {
                "fields": _fields(record.get("topics")),
                "year": _whole(record.get("publication_year")),
                "cited_by": _whole(record.get("cited_by_count")),
                "retracted": record.get("is_retracted") is True,
            }
            if not found[doi]["fields"]:
                reject(doi, number, "a record without topics")
    return found, {"rejects": rejects, "entry": account("plos", "coded", f"{where}/openalex", read, len(rejects))}


def _fields(topics):
    """The fields of a record's topics; what is no topic with a field has none."""
    topics = [t.get("field") for t in topics if isinstance(t, dict)] if isinstance(topics, list) else []
    names = [field.get("display_name") for field in topics if isinstance(field, dict)]
    return list(dict.fromkeys(name for name in names if isinstance(name, str) and name.strip()))


def _json(path):
    try:
        records = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(records, list) and all(isinstance(record, dict) for record in records):
            return records
        found = "something else"
    except (ValueError, RecursionError) as error:
        found = f"no JSON ({type(error).__name__})"
    raise StudyError(
        expected="a list of OpenAlex records", found=found, where=paths.shown(path), do=f"remove it and {AGAIN}"
    )


def _whole(value):
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53 else None


def _papers(listed, coded, records, missing):
    """Of every frame article a row of papers or of rejects."""
    coded, papers, rejects = coded.set_index("paper"), [], []
    for doi in listed["doi"]:
        record = records.get(doi, {"year": None, "cited_by": None, "retracted": False})
        if doi not in coded.index:
            rejects.append(_reject("papers", doi, f"no text: {missing.get(doi, 'not coded')}"))
            continue
        year = coded.loc[doi, "year"]
        year = record["year"] if pd.isna(year) else int(year)
        if record["retracted"]:
            rejects.append(_reject("papers", doi, "retracted"))
        elif year is not None and not frame.FIRST <= year <= frame.LAST:
            rejects.append(_reject("papers", doi, f"not of the years {frame.FIRST} to {frame.LAST}", str(year)))
        else:
            papers.append((doi, doi, year, "PLOS", record["cited_by"], "yes", coded.loc[doi, "full_text"]))
    strangers = coded.index.difference(listed["doi"])
    rejects += [_reject("papers", doi, "a text that is of no article of the frame") for doi in strangers]
    columns = list(study.SCHEMA["papers"])
    return pd.DataFrame(papers, columns=columns).astype({"year": "Int64", "cited_by": "Int64"}), rejects


def _reject(table, row, reason, snippet=""):
    return {"source": "plos", "table": table, "row": row, "reason": reason, "snippet": snippet}
