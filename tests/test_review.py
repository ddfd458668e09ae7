"""A run is called the authors' only if it was executed, from their inputs, with their results."""

import json
import shutil

import pandas as pd
import pytest

from conftest import run
from ptmreuse.review import comparison, run_record


@pytest.fixture(scope="module")
def release(built_project, tmp_path_factory):
    project = tmp_path_factory.mktemp("release") / "project"
    shutil.copytree(built_project, project)
    made = run(project, "release")
    assert made.returncode == 0, made.stderr
    return project


@pytest.fixture
def released(release, tmp_path):
    """A released copy that a test may break."""
    return shutil.copytree(release, tmp_path / "project")


def said(project, *arguments):
    done = run(project, "review", *arguments)
    return done.returncode, done.stdout + done.stderr


def edit(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_the_same_run_is_the_authors_and_each_touch_is_named(released):
    code, text = said(released)
    assert (code, text.splitlines()[-1]) == (0, "The results of this run are those of the authors.")
    assert "numbers: " in text and "book: made anew" in text and "tables: reused, run 2" in text
    assert str(released) not in (released / "_build" / "run.json").read_text(encoding="utf-8")
    for page in (released / "_build" / "html").glob("[!4]*.html"):
        assert "results agree with the authors" in page.read_text(encoding="utf-8"), page.name

    code, text = said(released, "--set", "seed=5")
    assert code == 1 and "found seed = 5; compare a run of the default parameters" in text

    record = released / "_build" / "run.json"
    kept = record.read_text(encoding="utf-8")
    record.write_text(kept.replace('"ran"', '"did"'), encoding="utf-8")
    code, text = said(released)
    assert code == 1 and "one that was changed afterwards" in text
    record.write_text(kept, encoding="utf-8")

    theirs = released / "expected" / "03_tests" / "numbers.csv"
    before = theirs.read_bytes()
    theirs.write_bytes(before + b"\n")
    code, text = said(released)
    assert code == 1 and "expected/03_tests/numbers.csv: expected the authors' result as released" in text
    theirs.write_bytes(before)

    (released / "_build" / "results" / "03_tests" / "years.csv").unlink()
    code, text = said(released)
    assert code == 1 and "step 03_tests" in text and "are those of the authors" not in text


def test_a_changed_data_row_is_named_before_and_after_the_run(released):
    edit(released / "data" / "pilot_pairs.csv", "deployment", "adaptation")
    code, text = said(released)
    assert code == 1 and "data/pilot_pairs.csv changed" in text
    assert run(released, "notebooks").returncode == 0
    code, text = said(released)
    assert (
        code == 3 and "another input: data/pilot_pairs.csv" in text and "the inputs are not theirs (data/pilot_" in text
    )
    for kind in ("number evidence_adaptation_pairs_share", "table patterns", "figure patterns_forest", "claim "):
        assert f"differs: {kind}" in text.replace("02_coding/", ""), text
    steps = json.loads((released / "_build" / "run.json").read_text(encoding="utf-8"))["steps"]
    assert steps["tables"]["seconds"] is not None  # made anew here


def test_another_version_is_named_with_what_moved(released):
    record = released / "_build" / "run.json"
    run = json.loads(record.read_text(encoding="utf-8"))
    del run["seal"]
    run["steps"]["03_tests"]["other_versions"]["scipy"] = "1.17.2 locked, 1.17.0 installed"
    record.write_text(json.dumps(run | {"seal": run_record.seal(run)}), encoding="utf-8")
    code, text = said(released)
    assert code == 0 and "another version: scipy, 1.17.2 locked, 1.17.0 installed" in text
    rows = pd.DataFrame({"kind": ["number"], "output": ["a"], "result": ["differs"], "detail": [""]})
    assert "it moved with the versions of scipy" in comparison.verdict(rows, [], ["scipy"])


def test_a_table_may_differ_by_what_its_numbers_are():
    there = pd.DataFrame({"n": ["110"], "low": ["0.105430"], "method": ["percentile bootstrap"]})
    for low, result in (("0.105403", "within tolerance"), ("0.108", "differs"), ("n/a", "differs")):
        assert comparison.compare_tables(there, there.assign(low=low))[0] == result
    assert comparison.compare_tables(there, there.assign(n="111"))[0] == "differs"
    exact = there.assign(method="Wilson")
    assert comparison.compare_tables(exact, exact.assign(low="0.10543002"))[0] == "within tolerance"
    assert comparison.compare_tables(exact, exact.assign(low="0.105431"))[0] == "differs"
    assert comparison.compare_tables(there, there.iloc[:0])[0] == "differs"
