"""A recorded number can be traced, is recorded once, and never says 0 % or 100 % about nothing."""

import json

import pandas as pd
import pytest

from ptmreuse import parameters, paths, wording
from ptmreuse.book import figures, record, svg
from ptmreuse.errors import StudyError
from ptmreuse.evidence import items, study
from ptmreuse.evidence.pilot import embedded
from ptmreuse.findings import sentences
from ptmreuse.statistics import shares
from ptmreuse.statistics.estimate import Estimate


@pytest.fixture
def notebook(tmp_path, monkeypatch):
    """The recorder of a notebook about coded papers."""
    monkeypatch.setenv("PTMREUSE_RESULTS", str(tmp_path))
    return record.Recorder("01_test", kind="coded", conf=0.95)


def recorded(notebook):
    return study.read_csv(notebook.folder / "numbers.csv").set_index("key")


def test_an_estimate_brings_everything_that_a_reader_may_ask(notebook):
    notebook.number("share", shares.proportion(39, 110), about="Coded papers")
    row = recorded(notebook).loc["share"]
    assert row[["text", "n", "unit", "method", "data_kind", "step"]].tolist() == [
        "35.5\N{NO-BREAK SPACE}%", "110", "papers", "Wilson", "coded", "01_test",
    ]  # fmt: skip
    assert row["sentence"] == "Coded papers: share 35.5 %, 95 % CI [27.1, 44.7] (Wilson), 39 of 110 papers."


def test_nothing_counted_is_not_zero_percent(notebook):
    notebook.number("none", shares.proportion(0, 0), about="Papers")
    assert recorded(notebook).loc["none", "text"] == "n/a (0 papers)"
    assert "%" not in recorded(notebook).loc["none", "sentence"]


def test_a_key_is_recorded_once_with_a_known_data_kind(notebook):
    notebook.number("n", 3, about="Papers", unit="papers")
    with pytest.raises(StudyError, match="expected each result once, found it again"):
        notebook.number("n", 4, about="Papers")
    with pytest.raises(StudyError, match="expected a data kind among published, coded, simulated, found 'real'"):
        notebook.of("real")
    with pytest.raises(StudyError, match="expected a recorded number, found 'm'"):
        notebook.say("m")
    assert recorded(notebook).index.tolist() == ["n"]


def test_a_figure_without_words_for_those_who_cannot_see_it_is_refused(notebook):
    frame = pd.DataFrame({"label": ["a"], "value": [0.5], "low": [0.4], "high": [0.6]})
    with pytest.raises(StudyError, match="figure f: expected an alt of at least four words, found 'plot'"):
        notebook.figure("f", figures.intervals(frame), caption="A share with its interval", alt="plot", data=frame)
    assert not (notebook.folder / "f.svg").exists()


def test_an_interval_at_another_level_than_the_readers_is_refused(notebook):
    with pytest.raises(
        StudyError, match="01_test, share: expected an interval at the notebook's level, 0.95, found 0.9"
    ):
        notebook.number("share", shares.proportion(39, 110, conf=0.9), about="Coded papers")
    notebook.number("none", shares.proportion(0, 0, conf=0.9), about="No interval, so no level")


def test_rows_carry_their_own_sign(notebook):
    frame = pd.DataFrame({"a": [1, 2], "data_kind": ["published", "simulated"]})
    with pytest.raises(
        StudyError, match="01_test, both: expected rows of one data kind, found published and simulated"
    ):
        notebook.table("both", frame, caption="Rows of two kinds")
    both = {"caption": "Two kinds side by side", "alt": "A figure of two kinds"}
    notebook.figure("beside", svg.canvas()[0], data=frame, **both)  # each row bears its own sign, the figure both
    assert (notebook.folder / "beside.csv").read_text().split() == ["a,data_kind", "1,published", "2,simulated"]
    item = json.loads((notebook.folder / "items.json").read_text())[-1]
    assert (item["kind"], item["beside"]) == ("published", ["simulated"])
    assert "Published facts, simulated, not evidence" in (notebook.folder / "beside.svg").read_text()
    with pytest.raises(StudyError, match="01_test, figure mixed: expected coded papers or simulated ones, found both"):
        notebook.figure("mixed", svg.canvas()[0], data=frame.replace("published", "coded"), **both)
    for kind, part in frame.groupby("data_kind"):
        notebook.table(kind, part, caption="Rows of one kind")
    notebook.of("assumed").table("what_if", frame[["a"]], caption="Rows that say nothing")
    notebook.table("own", frame[["a"]], caption="Rows of the papers in use")
    notebook.of("simulated").number("invented", 1, about="Papers")
    notebook.number("real", 1, about="Papers")
    assert recorded(notebook)["data_kind"].to_dict() == {"invented": "simulated", "real": "coded"}
    items = json.loads((notebook.folder / "items.json").read_text(encoding="utf-8"))
    assert [item["kind"] for item in items[1:]] == ["published", "simulated", "assumed", "coded"]
    assert set(study.read_csv(notebook.folder / "published.csv")["data_kind"]) == {"published"}


def test_a_simulated_figure_says_so_in_its_file_and_its_data(notebook):
    frame = pd.DataFrame({"label": ["a"], "value": [0.5], "low": [0.4], "high": [0.6]})
    words = "one interval from 0.4 to 0.6"
    notebook.of("simulated").figure("f", figures.intervals(frame), caption=words, alt=words, data=frame)
    plain = figures.intervals(frame)
    assert (notebook.folder / "f.svg").read_text(encoding="utf-8") != svg.to_svg(plain, ["coded"])
    assert study.read_csv(notebook.folder / "f.csv")["data_kind"].tolist() == ["simulated"]
    assert json.loads((notebook.folder / "items.json").read_text(encoding="utf-8"))[0]["kind"] == "simulated"


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
    assert said == "Which pattern is the most common, 23 papers whose pattern is known cannot tell."
    led = pilot["reuse"].replace({"pattern": {"adaptation": "deployment"}})
    said = sentences.answer_patterns(items.items(pilot | {"reuse": led}), **again)
    assert said == "Deployment is the most common: it occurs in 18 of 23 papers whose pattern is known."
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
    notebook.number("n", value, about="Count", unit=unit)
    assert recorded(notebook).loc["n", ["text", "sentence"]].tolist() == [text, sentence]


def test_a_difference_is_points_and_a_rank_is_whole(notebook):
    notebook.number("gap", shares.difference(22, 30, 17, 80), about="Gap")
    notebook.number("rank", Estimate(2.0, 1.0, 3.0, n=9, unit="pairs", scale="rank"), about="Rank")
    assert recorded(notebook)["text"].tolist() == [wording.points(22 / 30 - 17 / 80), "2"]
    assert "percentage points" in recorded(notebook).loc["gap", "sentence"]


def test_four_words_are_a_caption_and_three_are_not(notebook):
    frame = pd.DataFrame({"label": ["a"], "value": [0.5], "low": [0.4], "high": [0.6]})
    four = "one share, its interval"
    notebook.figure("f", figures.intervals(frame), caption=four, alt=four, data=frame)
    with pytest.raises(StudyError, match="caption of at least four words"):
        notebook.figure("g", figures.intervals(frame), caption="only three words", alt=four, data=frame)


def test_the_pages_have_words_for_every_source():
    assert set(sentences.SOURCES) == set(parameters.SCHEMA[0].allowed)
