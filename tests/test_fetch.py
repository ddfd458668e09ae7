"""Fetching, against a server on this machine that can cut, fail, stall and lie; never the network."""

import csv
import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pytest

from ptmreuse.commands import own_papers
from ptmreuse.errors import StudyError
from ptmreuse.evidence import fetch, study

BIG = bytes(range(256)) * 2000
ARTICLE = b"<?xml version='1.0'?><article><body/></article>"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        server, path = self.server, urlsplit(self.path).path
        server.seen.append((self.path, self.headers.get("Range")))
        body = server.files.get(path)
        if server.fail.get(path, 0) > 0:
            server.fail[path] -= 1
            body = None if path not in server.cut else body
        else:
            server.cut.discard(path)
        if callable(body):
            body = body(parse_qs(urlsplit(self.path).query))
        if body is None:
            self.send_error(404 if path not in server.files else 503)
            return
        start = int(self.headers["Range"].removeprefix("bytes=").rstrip("-")) if "Range" in self.headers else 0
        if start >= len(body) and start:
            self.send_error(416)
            return
        self.send_response(206 if start and server.ranges else 200)
        body = body[start:] if server.ranges else body
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if path in server.cut else body)

    def log_message(self, *arguments):
        """Say nothing."""


@pytest.fixture
def server(monkeypatch):
    waits = []
    monkeypatch.setattr("pooch.core.time.sleep", waits.append)  # retries without the waiting
    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running.files, running.fail, running.cut, running.seen, running.ranges = {}, {}, set(), [], True
    running.handle_error = lambda request, address: None  # a client that hangs up is part of the test
    running.waits, running.url = waits, f"http://127.0.0.1:{running.server_port}"
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield running
    running.shutdown()
    thread.join()
    running.server_close()


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def listed(folder):
    with (folder / "fetched.csv").open(encoding="utf-8", newline="") as file:
        return {row["file"]: row for row in csv.DictReader(file)}


def test_the_public_addresses_are_pinned():
    assert fetch.PILOT_URL.endswith(
        "3dd3a7f95719e66c73acf30f187b7e439eb40c6f/_%5BFLAT%5D%20Author%20Agreement%20Sheet.xlsx"
    )
    assert fetch.RECORD_URL.endswith("/21874098")
    assert study.published().loc["pilot_papers", "note"] == f"sha256 {fetch.PILOT_SHA256}"


def test_a_file_is_fetched_once_and_recorded(server, tmp_path):
    server.files["/p.xlsx"] = BIG
    for _ in range(2):
        path = fetch.fetch_pilot(f"{server.url}/p.xlsx", tmp_path, sha256(BIG))
    assert path.read_bytes() == BIG and len(server.seen) == 1
    assert listed(tmp_path)[path.name] == {
        "file": path.name,
        "bytes": str(len(BIG)),
        "sha256": sha256(BIG),
        "url": f"{server.url}/p.xlsx",
    }


def test_a_failing_server_is_asked_again(server, tmp_path):
    server.files["/p.xlsx"], server.fail["/p.xlsx"] = BIG, fetch.RETRIES
    assert fetch.fetch_pilot(f"{server.url}/p.xlsx", tmp_path, sha256(BIG)).read_bytes() == BIG
    assert len(server.waits) == fetch.RETRIES


@pytest.mark.parametrize("ranges", [True, False])
def test_a_cut_download_is_resumed_or_started_again(server, tmp_path, ranges):
    server.files["/p.xlsx"], server.fail["/p.xlsx"], server.ranges = BIG, 1, ranges
    server.cut.add("/p.xlsx")
    path = fetch.fetch_pilot(f"{server.url}/p.xlsx", tmp_path, sha256(BIG))
    assert path.read_bytes() == BIG
    (_, first), (_, second) = server.seen
    assert first is None and 0 < int(second.removeprefix("bytes=").rstrip("-")) <= len(BIG) // 2
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([path.name, "fetched.csv"])


def test_what_was_fetched_before_an_interruption_is_not_fetched_again(server, tmp_path):
    server.files["/p.xlsx"] = BIG
    (tmp_path / f"{fetch.PILOT.name}.part").write_bytes(BIG[:1000])
    assert fetch.fetch_pilot(f"{server.url}/p.xlsx", tmp_path, sha256(BIG)).read_bytes() == BIG
    assert server.seen == [("/p.xlsx", "bytes=1000-")]


def test_a_remainder_of_another_file_is_started_again(server, tmp_path):
    server.files["/p.xlsx"] = BIG
    (tmp_path / f"{fetch.PILOT.name}.part").write_bytes(BIG + b"longer")
    assert fetch.fetch_pilot(f"{server.url}/p.xlsx", tmp_path, sha256(BIG)).read_bytes() == BIG


def test_another_file_than_expected_is_refused_and_not_kept(server, tmp_path):
    server.files["/p.xlsx"] = b"something else"
    with pytest.raises(StudyError, match="expected a file with sha256:.*, found another file; .* by hand"):
        fetch.fetch_pilot(f"{server.url}/p.xlsx", tmp_path, sha256(BIG))
    assert not list(tmp_path.iterdir())


def test_offline_says_what_to_put_where(server, tmp_path):
    server.shutdown()
    server.server_close()
    with pytest.raises(StudyError) as error:
        fetch.fetch_pilot(f"{server.url}/p.xlsx", tmp_path, sha256(BIG))
    assert error.value.where == f"{server.url}/p.xlsx"
    assert error.value.do == f"check the connection and try again, or put that file at {fetch.PILOT.name} by hand"
    assert len(server.waits) == fetch.RETRIES


def test_a_server_that_stalls_is_given_up(server, tmp_path, monkeypatch):
    gate = threading.Event()
    server.files["/p.xlsx"] = lambda query: gate.wait(5) and None
    monkeypatch.setattr(fetch, "TIMEOUT", 0.05)
    with pytest.raises(StudyError, match="Timeout"):
        fetch.fetch_pilot(f"{server.url}/p.xlsx", tmp_path, sha256(BIG))
    gate.set()


def record(server, **change):
    md5 = hashlib.md5(BIG, usedforsecurity=False).hexdigest()
    file = {
        "key": "study.db",
        "size": len(BIG),
        "checksum": f"md5:{md5}",
        "links": {"self": f"{server.url}/files/study.db"},
    }
    server.files["/record"] = json.dumps({"files": [file | change]}).encode()
    server.files["/files/study.db"] = BIG
    return f"{server.url}/record"


def test_the_record_is_listed_and_one_file_fetched(server, tmp_path):
    url = record(server)
    (file,) = fetch.list_release(url)
    assert (file["name"], file["size"]) == ("study.db", len(BIG))
    path = fetch.fetch_release("study.db", tmp_path, url)
    assert path == tmp_path / "study.db" and path.read_bytes() == BIG
    assert listed(tmp_path)["study.db"]["sha256"] == sha256(BIG)


@pytest.mark.parametrize(
    ("change", "name", "message"),
    [
        ({}, "other.db", "record 21874098: expected one of study.db, found 'other.db'"),
        ({"key": "../study.db"}, "../study.db", r"found '../study.db'"),
        ({"checksum": "md5:" + "0" * 32}, "study.db", "found another file"),
        ({"size": "big"}, "study.db", "expected a record that lists its files, found another answer"),
    ],
)
def test_a_record_that_does_not_fit_is_refused(server, tmp_path, change, name, message):
    url = record(server, **change)
    with pytest.raises(StudyError, match=message):
        fetch.fetch_release(name, tmp_path, url)
    assert not [p for p in tmp_path.iterdir() if p.suffix != ".part"]


def test_a_record_that_is_no_json_or_not_there(server):
    server.files["/record"] = b"<html>"
    for url, message in ((f"{server.url}/record", "look at https://zenodo.org/records/21874098"), (server.url, "404")):
        with pytest.raises(StudyError, match=message):
            fetch.list_release(url)


DOIS = ["10.1371/journal.pone.0000001", "10.1371/journal.pcbi.1000002"]


def test_articles_come_from_their_journals(server, tmp_path):
    for journal in ("plosone", "ploscompbiol"):
        server.files[f"/{journal}/file"] = lambda query: ARTICLE if query["type"] == ["manuscript"] else None
    url = server.url + "/{journal}/file"
    found = fetch.fetch_articles(DOIS, tmp_path, url)
    assert [p.name for p in found] == ["10.1371_journal.pone.0000001.xml", "10.1371_journal.pcbi.1000002.xml"]
    assert [parse_qs(urlsplit(path).query)["id"][0] for path, _ in server.seen] == DOIS
    assert {p.read_bytes() for p in found} == {ARTICLE}
    fetch.fetch_articles(DOIS, tmp_path, url)
    assert len(server.seen) == 2  # what is there is kept


def test_an_article_that_fails_does_not_stop_the_others(server, tmp_path):
    server.files["/plosone/file"] = b"<html>are you a robot?</html>"
    server.files["/ploscompbiol/file"] = ARTICLE
    with pytest.raises(
        StudyError, match="expected 2 articles, found 1; the first failure: another file; run make data"
    ):
        fetch.fetch_articles(DOIS, tmp_path, server.url + "/{journal}/file")
    assert [p.name for p in tmp_path.glob("*.xml")] == ["10.1371_journal.pcbi.1000002.xml"]
    with pytest.raises(StudyError, match="expected the DOI of a PLOS article, found '10.3389/x'"):
        fetch.fetch_articles(["10.3389/x"], tmp_path)


def test_all_in_order(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(fetch, "fetch_pilot", lambda: tmp_path / "pilot.xlsx")
    tables = {"papers": {"doi": DOIS}}
    monkeypatch.setattr("ptmreuse.evidence.pilot.read_pilot", lambda path: tables)
    monkeypatch.setattr(fetch, "fetch_articles", lambda dois: [tmp_path / "jats" / "a.xml"] * len(dois))
    monkeypatch.setattr(fetch, "list_release", lambda: [{"name": "study.db", "size": 2_500_000_000}])
    monkeypatch.setattr(fetch, "fetch_release", lambda name: tmp_path / name)
    for release in (None, "study.db"):
        own_papers.data(SimpleNamespace(frame=False, release=release))
    lines = capsys.readouterr().out.splitlines()
    assert lines[:4] == [
        "pilot workbook: pilot.xlsx",
        "articles of the pilot: 2 in jats",
        "files of the released record (https://zenodo.org/records/21874098):",
        "     2,500.0 MB  study.db",
    ]
    assert lines[4] == "none of these was fetched; name one to fetch it"
    assert lines[-2] == "released file: study.db"
