"""The whole frame, from a server on this machine that can refuse, tire, cut and lie; never the network."""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pandas as pd
import pytest

from ptmreuse.analysis import by_people, population
from ptmreuse.coding import batch
from ptmreuse.errors import StudyError
from ptmreuse.evidence import fetch, fetch_frame, frame, plos, sources, study

LISTED = frame.read()
PILOT = LISTED.loc[LISTED["pilot"] == "yes", "doi"].tolist()
OTHERS = LISTED.loc[LISTED["pilot"] == "no", "doi"].tolist()[::60]
DOIS = PILOT + OTHERS
YEARS = frame.with_years(LISTED).set_index("doi")["year"].to_dict()
REUSE = "We fine-tuned a ResNet-50 pre-trained on ImageNet to classify our leaf images."
NONE = "We counted the leaves of every plant by hand in spring."


def article(doi, text, year=None):
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><article article-type="research-article"><front><article-meta>'
        f'<article-id pub-id-type="doi">{doi}</article-id><title-group><article-title>Leaves</article-title>'
        f'</title-group><pub-date pub-type="epub"><year>{year or YEARS[doi]}</year></pub-date></article-meta></front>'
        f"<body><sec><title>Methods</title><p>{text}</p></sec></body></article>\n"
    ).encode()


def record(doi, **change):
    topics = [{"field": {"display_name": "Neuroscience"}}, {"field": {"display_name": "Medicine"}}]
    return {"doi": f"https://doi.org/{doi}", "publication_year": YEARS[doi], "cited_by_count": 3, "is_retracted": False,
            "topics": topics} | change  # fmt: skip


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        server, query = self.server, parse_qs(urlsplit(self.path).query)
        server.seen.append(self.path)
        doi = query["id"][0] if "id" in query else ""
        if server.tired.get(doi, 0):
            server.tired[doi] -= 1
            self.send_response(429)
            self.send_header("Retry-After", str(server.asks))
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if doi:
            body = server.articles.get(doi)
        else:
            asked = query["filter"][0].removeprefix("doi:").split("|")
            body = json.dumps({"results": [r for d in asked for r in server.records.get(d, [])]}).encode()
        if body is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        cut = server.cut.pop(doi, None)
        self.wfile.write(body[: len(body) // 2] if cut else body)

    def log_message(self, *arguments):
        """Say nothing."""


@pytest.fixture
def server(monkeypatch):
    waits = []
    monkeypatch.setattr(fetch_frame.time, "sleep", waits.append)
    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running.handle_error = lambda request, address: None
    reusing = set(PILOT[::4])
    running.articles = {doi: article(doi, REUSE if doi in reusing else NONE) for doi in DOIS}
    running.records = {doi: [record(doi)] for doi in DOIS}
    running.seen, running.tired, running.cut, running.waits, running.asks = [], {}, {}, waits, 7
    running.url = f"http://127.0.0.1:{running.server_port}"
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield running
    running.shutdown()
    thread.join()
    running.server_close()


def fetched(server, folder):
    return fetch_frame.fetch_frame(DOIS, folder, server.url + "/{journal}/file", server.url + "/works")


@pytest.mark.slow
def test_from_the_server_to_corrected_shares(server, tmp_path, monkeypatch):
    gone, tired, cut = PILOT[1], PILOT[2], PILOT[5]
    del server.articles[gone]
    server.tired[tired], server.cut[cut] = 2, True
    server.records[OTHERS[0]] = [record(OTHERS[0], topics=None)]
    server.records[OTHERS[1]] = [record(OTHERS[1], is_retracted=True)]
    server.records[OTHERS[2]] *= 2  # merged works
    server.records[OTHERS[3]] = []
    server.articles[OTHERS[4]] = article(OTHERS[4], NONE, year=2013)
    server.articles[OTHERS[5]] = article(OTHERS[6], NONE).replace(b"10.1371", b"10.9999")  # another article's text
    server.records[OTHERS[6]] = [record(OTHERS[6], topics=[None, {"field": "x"}], cited_by_count=None)]
    assert fetched(server, tmp_path) == {"articles": len(DOIS) - 1, "records": len(DOIS) - 1, "missing": 2}
    assert server.waits.count(7) == 2  # as the server asked
    asked = len(server.seen)
    fetched(server, tmp_path)
    assert len(server.seen) == asked + 2  # what is there stays; what was not found is asked for again
    batch.code_files([tmp_path / "jats"], tmp_path / "plos")
    monkeypatch.setattr(fetch, "FOLDER", tmp_path)
    tables = sources.load_source("plos")
    reasons = tables["rejects"].set_index("row")["reason"].to_dict()
    assert reasons[gone] == "no text: not found"
    assert reasons[OTHERS[1]] == "retracted"
    assert reasons[OTHERS[4]] == "not of the years 2014 to 2024"
    assert reasons[f"{OTHERS[0]} record 1"] == "a record without topics"
    assert reasons[f"{OTHERS[2]} record 2"] == "a second record of one article"
    assert reasons[f"{OTHERS[3]} record 0"] == "no OpenAlex record"
    assert reasons[OTHERS[6].replace("10.1371", "10.9999")] == "a text that is of no article of the frame"
    assert reasons[f"{OTHERS[6]} record 1"] == "a record without topics"
    papers = tables["papers"]
    assert len(papers) + (tables["rejects"]["table"] == "papers").sum() == len(LISTED) + 1
    assert set(tables["fields"]["field"]) == {"Neuroscience", "Medicine"}
    evidence = study.of_coder(tables, "")
    people = by_people.people(tables, evidence)
    found = by_people.two_phase(evidence, people, conf=0.95).set_index("property")
    # The difference estimator in the sample's own sums: machine everywhere, plus weighted (people - machine).
    drawn, articles = population.sample(people)
    said = by_people.papers_with(evidence)["uses_ptm"]
    assert said and said <= set(PILOT)
    size = articles["year"].value_counts()
    by_hand = pd.Series(drawn["uses_ptm"].eq("yes").to_numpy() * 1 - drawn["doi"].isin(said).to_numpy() * 1)
    error = by_hand.groupby(drawn["year"].to_numpy()).mean()
    expected = articles["doi"].isin(said).mean() + (error * size / size.sum()).sum()
    assert found.loc["uses_ptm", "value"] == pytest.approx(expected)
    assert found.loc["uses_ptm", "low"] < expected < found.loc["uses_ptm", "high"]
    assert found.loc["uses_ptm", "naive"] == pytest.approx(len(said) / len(LISTED))


def test_a_perfect_machine_needs_no_correction_and_a_blind_one_gives_the_peoples_share():
    from ptmreuse.evidence.pilot import embedded

    drawn = population.sample(embedded())
    yes = by_people.papers_with(embedded())["uses_dl"]
    blind = by_people.corrected(drawn, set(), yes, conf=0.95)
    assert blind.value == pytest.approx(by_people.share(embedded(), "uses_dl", conf=0.95).value)
    perfect = by_people.corrected(drawn, yes, yes, conf=0.95)
    assert perfect.value == pytest.approx(len(yes) / len(LISTED))
    assert perfect.low < perfect.value < perfect.high  # errors never seen are not impossible


def test_files_that_changed_are_refused(server, tmp_path, monkeypatch):
    with pytest.raises(
        StudyError, match="expected the coded articles of the frame, found none; run make data FRAME=yes"
    ):
        plos.read_plos(tmp_path)
    fetched(server, tmp_path)
    batch.code_files([tmp_path / "jats"], tmp_path / "plos")
    changed = next((tmp_path / "jats").glob("*.xml"))
    changed.write_bytes(changed.read_bytes() + b" ")
    with pytest.raises(
        StudyError, match=f"{re.escape(changed.name)}: expected the file that was fetched .* another file"
    ):
        plos.read_plos(tmp_path)
    changed.unlink()
    with pytest.raises(StudyError, match="found no such file; remove it and run make data FRAME=yes"):
        plos.read_plos(tmp_path)


@pytest.mark.parametrize(
    ("asks", "found"), [(7, "found answer 429; run the same command"), (9999, "429, come back after 9999 seconds")]
)
def test_a_server_that_stays_tired_is_left_in_peace(server, tmp_path, asks, found):
    server.tired[DOIS[0]], server.asks = 99, asks
    with pytest.raises(StudyError, match=found):
        fetched(server, tmp_path)
    assert len(server.seen) <= 1 + fetch.RETRIES


def test_what_is_no_record_is_refused(server, tmp_path):
    server.records = {doi: [[1, 2]] for doi in DOIS}  # lists, not records
    assert fetched(server, tmp_path)["records"] == 0
    (tmp_path / "openalex").mkdir(exist_ok=True)
    path = fetch_frame._record_file(tmp_path / "openalex", DOIS[0])
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(StudyError, match="expected a list of OpenAlex records, found something else"):
        plos._json(path)
