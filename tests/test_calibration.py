"""The committed calibration recomputes, holds where it says so, and would notice a statistic that does not."""

import importlib.util
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest

from ptmreuse.analysis import calibration
from ptmreuse.errors import StudyError
from ptmreuse.evidence import simulated
from ptmreuse.statistics import agreement

TABLE = calibration.read_table()
# Rows that do not hold; data/calibration.md says why.
KNOWN = {
    "Cohen's kappa of guessing raters, rare category",
    "Krippendorff's alpha of guessing raters, rare category",
}


def test_the_first_repetitions_of_every_committed_row_recompute():
    again = calibration.calibrate(calibration.SEED, calibration.FIRST)
    assert again["label"].tolist() == TABLE["label"].tolist() == [c.label for c in calibration.CHECKS]
    assert again["first_hits"].tolist() == again["hits"].tolist() == TABLE["first_hits"].tolist()
    texts = ["function", "sample", "truth_is", "world", "measure"]
    pd.testing.assert_frame_equal(again[texts], TABLE[texts])


def test_every_row_names_functions_that_exist():
    rooms = [f"ptmreuse.{room}" for room in ("statistics", "analysis")]
    for name in sorted({name for check in calibration.CHECKS for name in check.function.split(", ")}):
        module, function = name.split(".")
        found = [importlib.import_module(f"{room}.{module}") for room in rooms
                 if importlib.util.find_spec(f"{room}.{module}")]  # fmt: skip
        assert len(found) == 1 and callable(getattr(found[0], function, None)), name


def test_the_committed_rows_hold_or_are_explained():
    assert set(TABLE.loc[TABLE["holds"] == "no", "label"]) == KNOWN
    judged = TABLE[TABLE["holds"].isin(["yes", "no"])]
    coverage = judged["measure"] == "coverage"
    inside = np.where(coverage, judged["value"] >= judged["least"], judged["value"] <= judged["most"])
    assert (inside == (judged["holds"] == "yes")).all()
    assert (TABLE["repetitions"] + TABLE["undefined"] == calibration.REPETITIONS).all()
    sheet = calibration.TABLE.with_suffix(".md").read_text(encoding="utf-8")
    assert all(label in " ".join(sheet.split()) for label in KNOWN)


def test_what_the_book_avoids_is_worth_avoiding():
    traps = TABLE[TABLE["holds"] == "trap"]
    coverage = traps["measure"] == "coverage"
    assert len(traps) == 4
    assert np.where(coverage, traps["value"] < traps["least"], traps["value"] > traps["most"]).all()


def test_an_interval_that_is_too_narrow_does_not_hold(monkeypatch):
    honest = agreement.agreement

    def overconfident(*codes, **options):
        found = honest(*codes, **options)
        e = found.raw
        return replace(found, raw=replace(e, low=(e.value + e.low) / 2, high=(e.value + e.high) / 2))

    monkeypatch.setattr(agreement, "agreement", overconfident)
    rows = calibration.calibrate(3, 80, worlds=["raters"], resamples=99).set_index("label")["holds"]
    assert rows["Raw agreement"] == "no" and rows["Cohen's kappa"] == "yes"


def test_the_result_depends_on_the_seed_alone():
    short = {"worlds": ["raters"], "resamples": 99}
    one = calibration.calibrate(7, 3, **short)
    pd.testing.assert_frame_equal(one, calibration.calibrate(7, 3, workers=2, **short))
    assert not one.equals(calibration.calibrate(8, 3, **short))


def test_the_table_is_the_same_bytes_twice_and_reads_back(tmp_path, monkeypatch):
    monkeypatch.setattr(calibration, "calibrate", partial(calibration.calibrate, worlds=["raters"]))
    for name in ("a.csv", "b.csv"):
        table = calibration.write_table(tmp_path / name, seed=2, repetitions=3, workers=1, progress=False)
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    pd.testing.assert_frame_equal(calibration.read_table(tmp_path / "a.csv"), table, rtol=1e-5, check_dtype=False)


@pytest.mark.parametrize(("prevalence", "sensitivity", "specificity"), [(0.2, 0.85, 0.95), (0.5, 0.7, 0.6)])
def test_the_truth_about_raters_is_what_many_raters_tend_to(prevalence, sensitivity, specificity):
    codes = simulated.simulate_raters(4, 200_000, prevalence, sensitivity, specificity)
    wide = codes.pivot(index="paper", columns="rater", values="code").to_numpy()
    found = agreement.agreement(*wide.T, resamples=9)
    truth = calibration.agreement_of_raters(prevalence, sensitivity, specificity)
    for name, value in truth.items():
        assert getattr(found, name).value == pytest.approx(value, abs=0.008)


@pytest.mark.parametrize(("repetitions", "worlds"), [(0, ["raters"]), (1, ["mars"])])
def test_a_world_that_does_not_exist_is_refused(repetitions, worlds):
    with pytest.raises(StudyError, match="calibrate: expected one repetition or more of the worlds planted"):
        calibration.calibrate(1, repetitions, worlds=worlds)
