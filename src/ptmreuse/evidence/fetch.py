"""Fetch the public inputs that are not shipped with the book: ``make data``.

Each download has a timeout, retries, a progress bar and, where it is known, a checksum; what was fetched is
recorded with its SHA-256. Nothing here runs while the book is built.
"""

import csv
from pathlib import Path
from urllib.parse import quote, urlencode

from ptmreuse import paths
from ptmreuse.errors import StudyError, refuse

FOLDER = paths.ROOT / "downloads"
PILOT = FOLDER / "author_agreement_flat.xlsx"
PILOT_NAME = "_[FLAT] Author Agreement Sheet.xlsx"
PILOT_SHA256 = "9c74eba6e9386cf4fcea370089c9aa4b25ea49408e7a9fe4a7ca510cdd3dbc4a"
PILOT_URL = (
    "https://raw.githubusercontent.com/NicholasSynovic/research_ai-usage-in-science/"
    "3dd3a7f95719e66c73acf30f187b7e439eb40c6f/" + quote(PILOT_NAME)
)
RECORD = "21874098"
RECORD_URL = f"https://zenodo.org/api/records/{RECORD}"
RECORD_PAGE = f"https://zenodo.org/records/{RECORD}"
PLOS_URL = "https://journals.plos.org/{journal}/article/file"
# The part of a PLOS DOI that names the journal, and the journal's address.
PLOS_JOURNALS = {
    "pbio": "plosbiology", "pclm": "climate", "pcbi": "ploscompbiol", "pcsy": "complexsystems",
    "pdig": "digitalhealth", "pgen": "plosgenetics", "pgph": "globalpublichealth", "pmed": "plosmedicine",
    "pmen": "mentalhealth", "pntd": "plosntds", "pone": "plosone", "ppat": "plospathogens",
    "pstr": "sustainabilitytransformation", "pwat": "water",
}  # fmt: skip
BY_HAND = f"or put {PILOT_NAME!r} from {PILOT_URL} at {paths.shown(PILOT)} by hand"
TIMEOUT = 30  # seconds without an answer
RETRIES = 3
_PIECE = 1 << 16  # bytes; what is left of a cut download is whole pieces


def fetch_pilot(url=PILOT_URL, folder=FOLDER, sha256=PILOT_SHA256) -> Path:
    """Fetch the pilot workbook.

    Raises
    ------
    StudyError
        If it cannot be fetched or is another file than the one the pilot facts were read from.
    """
    return _fetch(url, folder / PILOT.name, f"sha256:{sha256}")


def list_release(url=RECORD_URL):
    """The files of the released record, in its order: name, size (bytes), checksum (as ``md5:...``), url.

    Raises
    ------
    StudyError
        If the record cannot be read.
    """
    import requests  # here and below: loaded only where something is fetched

    try:
        answer = requests.get(url, timeout=TIMEOUT, headers={"Accept": "application/json"})
        answer.raise_for_status()
    except requests.RequestException as error:
        raise _offline(url, error, f"download the database from {RECORD_PAGE} by hand") from error
    try:
        listed = [(f["key"], int(f["size"]), f["checksum"], f["links"]["self"]) for f in answer.json()["files"]]
    except (KeyError, TypeError, ValueError) as error:
        raise StudyError(
            expected="a record that lists its files", found=f"another answer ({type(error).__name__}: {error})",
            where=url, do=f"look at {RECORD_PAGE} and download the database by hand",
        ) from error  # fmt: skip
    return [dict(zip(("name", "size", "checksum", "url"), file, strict=True)) for file in listed]


def fetch_release(name, folder=FOLDER, url=RECORD_URL) -> Path:
    """Fetch one file of the released record, by a name of `list_release`; an interrupted download is resumed.

    Raises
    ------
    StudyError
        If the record has no such file, it cannot be fetched, or its checksum differs from the record's.
    """
    files = {file["name"]: file for file in list_release(url)}
    if name not in files or Path(name).name != name:
        refuse(f"record {RECORD}", f"one of {', '.join(files)}", repr(name), "name one of them")
    file = files[name]
    return _fetch(file["url"], folder / name, file["checksum"])


def fetch_articles(dois, folder=FOLDER / "jats", url=PLOS_URL) -> list[Path]:
    """Fetch the open JATS texts of PLOS articles, one file per DOI; what is there already is kept.

    Raises
    ------
    StudyError
        After all were tried, if some could not be fetched (with the first reason), or if a DOI is not one of
        a known PLOS journal.
    """
    from tqdm import tqdm

    addresses = {folder / (doi.replace("/", "_") + ".xml"): article_address(doi, url) for doi in dois}
    failed = []
    for target, address in tqdm(addresses.items(), desc="articles", unit="article"):
        try:
            _fetch(address, target, None, holds=b"<article")
        except StudyError as error:
            failed.append(error)
    if failed:
        found = f"{len(addresses) - len(failed)}; the first failure: {failed[0].found}"
        do = "run make data again; what was fetched stays"
        refuse(failed[0].where, f"{len(addresses)} articles", found, do)
    return list(addresses)


def article_address(doi, url=PLOS_URL):
    """Where PLOS gives the text of an article.

    Raises
    ------
    StudyError
        If the DOI is not one of a known PLOS journal.
    """
    journal = PLOS_JOURNALS.get(doi.partition("/journal.")[2].partition(".")[0])
    if journal is None:
        refuse("articles to fetch", "the DOI of a PLOS article", repr(doi), "leave it out")
    return f"{url.format(journal=journal)}?{urlencode({'id': doi, 'type': 'manuscript'})}"


def _fetch(url, target, known_hash, holds=b""):
    """Fetch a file whole or not at all, and record its SHA-256 beside it."""
    import pooch
    import requests

    if known_hash is None and target.exists():
        return target
    registry, urls = {target.name: known_hash}, {target.name: url}
    library = pooch.create(target.parent, base_url="", registry=registry, urls=urls, retry_if_failed=RETRIES)
    by_hand = f"put that file at {paths.shown(target)} by hand"
    pooch.get_logger().setLevel("WARNING")  # its notes name folders of this machine; the bar says the rest
    try:
        library.fetch(target.name, downloader=_resuming(target, holds))
    except requests.RequestException as error:
        raise _offline(url, error, by_hand) from error
    except ValueError as error:
        expected = f"a file with {known_hash or holds.decode()}"
        do = f"try again later or {by_hand}"
        raise StudyError(expected=expected, found="another file", where=url, do=do) from error
    record(target, url)
    return target


def _resuming(target, holds):
    """A downloader for pooch that goes on where an earlier attempt was cut."""
    part = target.with_name(target.name + ".part")

    def download(url, output, pooch):
        import requests
        from tqdm import tqdm

        have = part.stat().st_size if part.exists() else 0
        headers = {"Range": f"bytes={have}-"} if have else {}
        with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as answer:
            if answer.status_code == 416:  # nothing is left of it, or it is not the same file any more
                part.unlink()
                raise ValueError(f"{url} has no byte {have}")
            answer.raise_for_status()
            resumed = answer.status_code == 206
            size = int(answer.headers.get("Content-Length", 0)) + (have if resumed else 0)
            bar = tqdm(total=size or None, initial=have if resumed else 0, unit="B", unit_scale=True, desc=target.name)
            with bar, part.open("ab" if resumed else "wb") as file:
                for piece in answer.iter_content(_PIECE):
                    file.write(piece)
                    bar.update(len(piece))
        with part.open("rb") as file:
            if holds not in file.read(5000):
                part.unlink()
                raise ValueError(f"{url} is not what was asked for")
        part.replace(output)

    return download


def listing_of(folder):
    """Where it is listed what was fetched into a folder; beside a folder of articles, which holds nothing else."""
    among = folder.name in ("jats", "openalex")
    return folder.parent / f"fetched_{folder.name}.csv" if among else folder / "fetched.csv"


def record(target, url):
    """Keep the list of what was fetched: file, bytes, SHA-256, address."""
    listing, rows = listing_of(target.parent), {}
    if listing.exists():
        with listing.open(encoding="utf-8", newline="") as file:
            rows = {row[0]: row for row in list(csv.reader(file))[1:]}
    rows[target.name] = [target.name, target.stat().st_size, paths.sha256(target), url]
    with listing.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["file", "bytes", "sha256", "url"])
        table.writerows(rows[name] for name in sorted(rows))


def _offline(url, error, by_hand):
    found, do = f"none ({type(error).__name__}: {error})"[:300], f"check the connection and try again, or {by_hand}"
    return StudyError(expected="an answer from the server", found=found, where=url, do=do)
