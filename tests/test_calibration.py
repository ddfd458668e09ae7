"""The committed calibration recomputes, holds where it says so, and would notice a statistic that does not."""

import importlib.util
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ptmreuse.analysis import calibration, known_truth
from ptmreuse.errors import StudyError
from ptmreuse.statistics import agreement, shares

TABLE = calibration.read_table()
KNOWN = set()  # rows that do not hold; data/calibration.md would say why


def test_the_first_repetitions_of_every_committed_row_recompute():
    again = calibration.calibrate(calibration.SEED, calibration.FIRST)
    assert again["label"].tolist() == TABLE["label"].tolist() == [c.label for c in calibration.CHECKS]
    assert again["label"].is_unique
    assert again["first_hits"].tolist() == again["hits"].tolist() == TABLE["first_hits"].tolist()
    texts = ["function", "chapter", "sample", "measure"]
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


def test_what_the_book_avoids_is_worth_avoiding():
    traps = TABLE[TABLE["holds"] == "trap"]
    assert len(traps) == 4 and (traps["value"] < traps["least"]).all()


def test_a_true_92_percent_does_not_hold():
    for hits, holds in ((0.92, "no"), (0.95, "yes")):
        outcomes = np.r_[np.zeros(round(2000 * hits)), np.ones(2000 - round(2000 * hits))]
        assert calibration._row(calibration.CHECKS[0], outcomes)["holds"] == holds


def test_an_interval_that_is_too_narrow_does_not_hold(monkeypatch):
    honest = shares.proportion

    def overconfident(*counts, **options):
        e = honest(*counts, **options)
        return replace(e, low=(e.value + e.low) / 2, high=(e.value + e.high) / 2)

    check = calibration.CHECKS[0]
    assert calibration.calibrate(3, 200, checks=[check.label])["holds"].item() == "yes"
    monkeypatch.setattr(shares, "proportion", overconfident)
    outcomes = [calibration._outcome(check, np.random.default_rng((3, i))) for i in range(200)]
    monkeypatch.undo()
    assert calibration._row(check, outcomes)["holds"] == "no"


def test_the_result_depends_on_the_seed_alone():
    labels = ["Share of pairs", "Cohen's kappa"]
    one = calibration.calibrate(7, 5, checks=labels)
    pd.testing.assert_frame_equal(one, calibration.calibrate(7, 5, checks=labels, workers=2))
    pd.testing.assert_frame_equal(one.iloc[1:].reset_index(drop=True), calibration.calibrate(7, 5, checks=labels[1:]))


def test_the_table_is_the_same_bytes_twice_and_reads_back(tmp_path):
    for name in ("a.csv", "b.csv"):
        table = calibration.write_table(tmp_path / name, seed=2, repetitions=3, workers=1,
                                        checks=["Share of pairs", "Raw agreement"])  # fmt: skip
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    pd.testing.assert_frame_equal(calibration.read_table(tmp_path / "a.csv"), table, rtol=1e-5, check_dtype=False)


@pytest.mark.parametrize(("prevalence", "sensitivity", "specificity"), [(0.2, 0.85, 0.95), (0.5, 0.7, 0.6)])
def test_the_truth_about_raters_is_what_many_raters_tend_to(prevalence, sensitivity, specificity):
    rng = np.random.default_rng(4)
    true = rng.random(200_000) < prevalence
    first, second = rng.random((2, len(true))) < np.where(true, sensitivity, 1 - specificity)
    found = agreement.agreement(np.where(first, "yes", "no"), np.where(second, "yes", "no"))
    truth = known_truth.agreement_of_raters(prevalence, sensitivity, specificity)
    for name, value in truth.items():
        assert getattr(found, name).value == pytest.approx(value, abs=0.008)


@pytest.mark.parametrize(("repetitions", "checks"), [(0, ["Share of papers"]), (1, ["mars"])])
def test_a_check_that_does_not_exist_is_refused(repetitions, checks):
    with pytest.raises(StudyError, match="calibrate: expected one repetition or more"):
        calibration.calibrate(1, repetitions, checks=checks)
