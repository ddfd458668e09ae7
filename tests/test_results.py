"""A recorded number can be traced, is recorded once, and never says 0 % or 100 % about nothing."""

import json

import pandas as pd
import pytest

from ptmreuse import paths
from ptmreuse.book import figures, record, svg
from ptmreuse.errors import StudyError
from ptmreuse.evidence import items, study
from ptmreuse.evidence.pilot import embedded
from ptmreuse.findings import sentences
from ptmreuse.statistics import shares


@pytest.fixture
def notebook(tmp_path, monkeypatch):
    """A notebook that has begun; gives its results folder."""
    monkeypatch.setenv("PTMREUSE_RESULTS", str(tmp_path))
    record.start("01_test")
    yield tmp_path / "01_test"
    record._now.update(step=None, folder=None, numbers={}, items={})


def recorded(folder):
    return study.read_csv(folder / "numbers.csv").set_index("key")


def test_an_estimate_brings_everything_that_a_reader_may_ask(notebook):
    record.number("share", shares.proportion(39, 110), about="Coded papers", kind="coded")
    row = recorded(notebook).loc["share"]
    assert row[["text", "n", "unit", "method", "data_kind", "step"]].tolist() == [
        "35.5\N{NO-BREAK SPACE}%", "110", "papers", "Wilson", "coded", "01_test",
    ]  # fmt: skip
    assert row["sentence"] == "Coded papers: share 35.5 %, 95 % CI [27.1, 44.7] (Wilson), 39 of 110 papers."


def test_nothing_counted_is_not_zero_percent(notebook):
    record.number("none", shares.proportion(0, 0), about="Papers", kind="coded")
    assert recorded(notebook).loc["none", "text"] == "n/a (0 papers)"
    assert "%" not in recorded(notebook).loc["none", "sentence"]


def test_a_key_is_recorded_once_with_a_known_data_kind(notebook):
    record.number("n", 3, about="Papers", kind="coded", unit="papers")
    with pytest.raises(StudyError, match="expected each result once, found it again"):
        record.number("n", 4, about="Papers", kind="coded")
    with pytest.raises(StudyError, match="expected a data kind among published, coded, simulated, found 'real'"):
        record.number("m", 4, about="Papers", kind="real")
    with pytest.raises(StudyError, match="expected a recorded number, found 'm'"):
        record.say("m")
    assert recorded(notebook).index.tolist() == ["n"]


def test_a_figure_without_words_for_those_who_cannot_see_it_is_refused(notebook):
    frame = pd.DataFrame({"label": ["a"], "value": [0.5], "low": [0.4], "high": [0.6]})
    with pytest.raises(StudyError, match="figure f: expected a alt of at least four words, found 'plot'"):
        record.figure(
            "f", figures.intervals(frame), caption="A share with its interval", alt="plot", kind="coded", data=frame
        )
    assert not (notebook / "f.svg").exists()


def test_results_before_start_are_refused():
    with pytest.raises(StudyError, match=r"expected record.start\(...\) in the notebook's first cell"):
        record.number("n", 1, about="Papers", kind="coded")


def test_a_simulated_figure_says_so_in_its_file_and_its_data(notebook):
    frame = pd.DataFrame({"label": ["a"], "value": [0.5], "low": [0.4], "high": [0.6]})
    words = "one interval from 0.4 to 0.6"
    record.figure("f", figures.intervals(frame), caption=words, alt=words, kind="simulated", data=frame)
    plain = figures.intervals(frame)
    assert (notebook / "f.svg").read_text(encoding="utf-8") != svg.to_svg(plain, "coded")
    assert study.read_csv(notebook / "f.csv")["data_kind"].tolist() == ["simulated"]
    assert json.loads((notebook / "items.json").read_text(encoding="utf-8"))[0]["kind"] == "simulated"


def test_two_notebooks_cannot_claim_one_key(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "RESULTS", tmp_path)
    for step in ("01_a", "02_b"):
        (tmp_path / step).mkdir()
        row = dict.fromkeys(record.NUMBER_COLUMNS, "x") | {"step": step}
        pd.DataFrame([row]).to_csv(tmp_path / step / "numbers.csv", index=False)
    with pytest.raises(StudyError, match="x again in 02_b"):
        record.numbers("01_a", "02_b")
    with pytest.raises(StudyError, match="the results of 03_c"):
        record.numbers("03_c")


def test_answers_follow_the_data():
    pilot = embedded()
    again = {"conf": 0.95, "resamples": 999, "seed": 1}
    said = sentences.answer_patterns(items.items(pilot), **again)
    assert said.replace("\N{NO-BREAK SPACE}", " ") == (
        "By pairs, adaptation comes first with 44.7 % (in other papers like these its rank could be 1 to 3); by "
        "papers, adaptation and deployment come first together with 39.1 % each (in other papers like these its "
        "rank could be 1 to 3). These papers cannot tell which pattern leads."
    )
    swapped = pilot["reuse"].replace({"pattern": {"adaptation": "deployment", "deployment": "adaptation"}})
    said = sentences.answer_patterns(items.items(pilot | {"reuse": swapped}), **again)
    assert said.startswith("By pairs, deployment comes first")
    assert (
        sentences.answer_fields(sentences.reuse_by_field(pilot["uses"], pilot["fields"], conf=0.95))
        == sentences.NO_FIELDS
    )
    assert sentences.answer_stages(items.items(pilot, "stage"), conf=0.95, resamples=199, seed=1) == sentences.NO_STAGES


def test_an_unknown_pattern_is_no_pair_and_is_counted_apart():
    rows = [("a", "x", "adaptation"), ("a", "y", "unknown"), ("b", "x", "unknown")]
    reuse = pd.DataFrame(rows, columns=["paper", "canonical", "pattern"])
    coded = items.items({"reuse": reuse.assign(coder="me", model="m", family="f")})
    assert coded[["paper", "canonical", "pattern"]].to_numpy().tolist() == [["a", "x", "adaptation"]]
    assert items.units(reuse)["unknown_patterns"] == 2


@pytest.mark.parametrize(
    ("value", "unit", "text", "sentence"),
    [
        (1234, "papers", "1,234", "Count: 1,234 papers."),
        (1, "papers", "1", "Count: 1 paper."),
        (0.5, "share", "0.50", "Count: 0.50."),
        ("Said in full.", "", "Said in full.", "Count: Said in full."),
    ],
)
def test_a_plain_value_is_shown_in_its_own_form(notebook, value, unit, text, sentence):
    record.number("n", value, about="Count", kind="coded", unit=unit)
    assert recorded(notebook).loc["n", ["text", "sentence"]].tolist() == [text, sentence]
