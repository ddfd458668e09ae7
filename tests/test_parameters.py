"""Every value that could silently become another one is refused before a kernel starts."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptmreuse import parameters, paths
from ptmreuse.errors import StudyError


def write(tmp_path, text):
    path = tmp_path / "my.yml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("seed: false", "line 1, seed: expected a whole number, found false"),
        ("seed: 007", "found 007"),
        ("seed: 1e5", "found 1e5"),
        ("seed: nan", "found nan"),
        ("seed: 4.0", "found 4.0"),
        ("seed: 1_000", "found 1_000"),
        ('seed: "5"', "found the text '5'"),
        ("seed:", "found nothing"),
        ("seed: [1]", "found a sequence"),
        ("seed: 1\nseed: 2", "line 2, seed: expected each name once"),
        ("seed: -1", "from 0 to 4294967295, found -1"),
        ("confidence: 2", "from 0.5 to 0.999, found 2.0"),
        ("confidence: .nan", "found .nan"),
        ("confidence: .inf", "found .inf"),
        ("confidance: 0.9", "found 'confidance'; did you mean confidence?"),
        ("source: embeded", "did you mean embedded?"),
        ("source: true", "found true"),
        ("- seed", "found a sequence"),
        ("seed: 1: 2", "mapping values are not allowed"),
        ("seed: *x", "undefined alias"),
    ],
)
def test_a_surprising_value_is_refused_in_one_sentence(tmp_path, text, says):
    with pytest.raises(StudyError) as refused:
        parameters.read(write(tmp_path, text))
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", ["missing.yml", "."])
def test_a_missing_file_is_said(tmp_path, name):
    with pytest.raises(StudyError, match="check PARAMS"):
        parameters.read(tmp_path / name)


def test_a_file_that_is_not_text_is_said(tmp_path):
    (tmp_path / "my.yml").write_bytes(b"seed: \xff\xfe")
    with pytest.raises(StudyError, match="UTF-8"):
        parameters.read(tmp_path / "my.yml")


def test_defaults_file_and_settings_replace_each_other_in_this_order(tmp_path):
    path = write(tmp_path, "seed: 5\nconfidence: 0.9\n")
    values = parameters.read(path, ["seed=6"])
    assert (values["seed"], values["confidence"], values["resamples"]) == (6, 0.9, parameters.DEFAULTS["resamples"])
    assert [row["name"] for row in parameters.table(values) if row["differs"] == "yes"] == ["seed", "confidence"]
    assert parameters.read(write(tmp_path, "# nothing\n")) == parameters.DEFAULTS


@given(st.text())
def test_any_text_gives_a_value_of_the_right_type_or_one_sentence(text):
    try:
        value = parameters.read(settings=[f"seed={text}"])["seed"]
    except StudyError:
        return
    assert type(value) is int
    assert str(value) == text.strip()


def test_defaults_obey_their_own_ranges():
    for parameter in parameters.SCHEMA:
        if parameter.type != "path":
            assert (
                parameters.read(settings=[f"{parameter.name}={parameter.default}"])[parameter.name] == parameter.default
            )


def notebook(tmp_path, *lines, tags=("parameters",)):
    cell = {"cell_type": "code", "metadata": {"tags": list(tags)}, "source": [line + "\n" for line in lines]}
    path = tmp_path / "n.ipynb"
    path.write_text(json.dumps({"cells": [cell]}), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (["sede = 20260313"], "did you mean seed?"),
        (["seed = 1"], "expected the schema's default 20260313, found 1"),
        (["seed = 20260313.0"], "found 20260313.0"),
        (["seed = int(20260313)"], "expected lines of the form name = value"),
    ],
)
def test_a_parameters_cell_that_differs_from_the_schema_is_refused(tmp_path, lines, says):
    with pytest.raises(StudyError) as refused:
        parameters.of_notebook(notebook(tmp_path, *lines))
    assert says in str(refused.value)


def test_a_notebook_without_parameters_cell_is_refused(tmp_path):
    with pytest.raises(StudyError, match="expected one cell tagged parameters, found 0"):
        parameters.of_notebook(notebook(tmp_path, "seed = 1", tags=()))


def test_the_books_notebooks_agree_with_the_schema_and_hold_no_outputs():
    for path in sorted(paths.NOTEBOOKS.glob("*.ipynb")):
        assert parameters.of_notebook(path)
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        assert not any(c.get("outputs") or c.get("execution_count") for c in cells), path.name
