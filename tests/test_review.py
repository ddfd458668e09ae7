"""A run is called the authors' only if it was executed, from their inputs, with their results."""

import json

import pytest

from conftest import run


@pytest.fixture
def released(broken_project):
    made = run(broken_project, "release")
    assert made.returncode == 0, made.stderr
    return broken_project


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
    assert str(released) not in (released / "_build" / "run.json").read_text(encoding="utf-8")

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
    assert code == 3 and "another input: data/pilot_pairs.csv" in text and "differs: " in text
    assert text.splitlines()[-1] == "The results of this run are NOT those of the authors."
    steps = json.loads((released / "_build" / "run.json").read_text(encoding="utf-8"))["steps"]
    assert steps["tables"]["seconds"] is not None  # made anew here
