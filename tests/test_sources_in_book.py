"""The same book on other evidence: a released database and a student's tables."""

import json
import shutil

import pytest
from lxml import html as parser

import made_release
from conftest import run
from ptmreuse.evidence import folder, sources, study
from test_pages import HOSTILE
from test_signs import recorded, wrong_signs

# Models may have any name of 200 characters; the last two look like what a notebook shows by mistake.
NAMES = (*HOSTILE[:-1], "<Figure size 640x480 with 1 Axes>", "<at 0x7f0123456789ab>")


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    """A messy generated database with hostile names of models, and its truth."""
    path = tmp_path_factory.mktemp("release") / "messy.db"
    return path, made_release.write_release(path, seed=11, papers=600, messy=True, called=NAMES)


def settings(**values):
    return [part for name, value in values.items() for part in ("--set", f"{name}={value}")]


def test_a_messy_release_gives_a_book_whose_counts_are_the_truth(broken_project, release):
    path, truth = release
    config = broken_project / "book" / "_config.yml"
    published = config.read_text(encoding="utf-8").replace(
        'repository_url: ""', "repository_url: https://github.com/a/b"
    )
    config.write_text(published, encoding="utf-8")
    on_coded = recorded(broken_project)
    made = run(broken_project, "book", *settings(source="release", release=path, resamples=199))
    assert made.returncode == 0, made.stderr
    assert wrong_signs(on_coded, recorded(broken_project)) == []
    results = broken_project / "_build" / "results"
    numbers = study.read_csv(broken_project / "_build" / "html" / "data" / "numbers.csv").set_index("key")["value"]
    for key in ("papers", "cited", "natural_science", "full_text", "uses_dl", "uses_ptm"):
        assert float(numbers[f"evidence_{key}"]) == truth[key], key
    patterns = study.read_csv(results / "02_coding" / "patterns.csv").set_index("pattern")
    for pattern, items in truth["reuse_items"].items():
        assert int(patterns.loc[pattern, "pairs"]) == items
        assert int(patterns.loc[pattern, "papers"]) == truth["reuse_papers"][pattern]
    assert float(numbers["evidence_test_instances"]) == truth["stages"]["test"]
    fields = study.read_csv(results / "04_findings" / "fields.csv").set_index("field")["reusing"].astype("int64")
    assert fields.to_dict() == {field: counts["uses_ptm"] for field, counts in truth["fields"].items()}
    verdicts = study.read_csv(results / "04_findings" / "claims.csv").set_index("id")
    assert verdicts.loc["v1-analysed", "verdict"] == "differs"
    assert verdicts.loc["adaptation-leads", "verdict"] == "reproduced"
    for name in ("index", "02_coding", "numbers"):
        page = parser.parse(str(broken_project / "_build" / "html" / f"{name}.html"))
        assert page.xpath("//p[@class='ptm-banner']//text()")[0] == "Simulated, not evidence"
    assert "the study's released database" not in page.xpath("string(//body)")
    assert verdicts.loc["adaptation-leads", "reason"].startswith("SIMULATED")
    page = (broken_project / "_build" / "html" / "claims.html").read_text(encoding="utf-8")
    assert "SIMULATED papers, not evidence" in page
    notebook = parser.parse(str(broken_project / "_build" / "html" / "02_coding.html"))
    assert notebook.xpath("//a[@class='ptm-launch']/text()") == ["Notebook", "Binder", "Colab"]
    shown = {}
    for page in (broken_project / "_build" / "html").glob("*.html"):
        root = shown[page.stem] = parser.parse(str(page)).getroot()
        assert not root.xpath(
            "//script[contains(., 'document.title')] | //img[@onerror] | //@*[starts-with(name(), 'on')]"
        )
    assert HOSTILE[0] in shown["02_coding"].text_content()
    counted = run(broken_project, "counts", "--source", "release", "--release", str(path))
    assert json.loads(counted.stdout) == truth


def test_a_students_tables_give_the_same_counts_as_their_source(release, tmp_path):
    path, truth = release
    tables = sources.load_source("release", release=path)
    study.write({name: tables[name].drop_duplicates() for name in study.CODED}, tmp_path / "mine")
    folder.validate_folder(tmp_path / "mine")
    mine = sources.counts(sources.load_source("tables", tables=tmp_path / "mine"))
    assert {k: mine[k] for k in ("papers", "uses_dl", "reuse_items", "stages")} == {
        k: truth[k] for k in ("papers", "uses_dl", "reuse_items", "stages")
    }


def test_a_bad_cell_of_a_student_is_named_before_anything_runs(broken_project, tmp_path):
    mine = tmp_path / "mine"
    shutil.copytree(broken_project / "data" / "template", mine)
    (mine / "papers.csv").write_text(
        "paper,doi,year,megajournal,cited_by,natural_science,full_text\np1,,20twenty,,,yes,yes\n", encoding="utf-8"
    )
    refused = run(broken_project, "book", *settings(source="tables", tables=mine))
    assert refused.returncode == 1
    assert "mine/papers.csv, row 1, column year: expected a year" in refused.stderr
    assert "Executing" not in refused.stderr
