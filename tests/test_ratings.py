"""Raters who really disagreed: what the files hold, agreement by hand, and everything that a file may get wrong."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ptmreuse import paths
from ptmreuse.analysis import choices, correction_tried, machines, other_studies, raters
from ptmreuse.errors import StudyError
from ptmreuse.evidence import pilot, ratings, study
from ptmreuse.statistics import coder_error

FOUND = ratings.read()
BOTH = machines.side_by_side(FOUND)


def test_every_row_of_the_ratings_is_used_or_set_aside_with_a_reason():
    accounts = FOUND.accounts.set_index("file")
    assert accounts["rows_read"].tolist() == [3000, 12992]
    assert (accounts["rows_read"] == accounts["rows_kept"] + accounts["rows_rejected"]).all()
    assert len(FOUND.rejects) == accounts["rows_rejected"].sum() and (FOUND.rejects["reason"] != "").all()
    assert len(FOUND.machines) == 464 * len(ratings.SAME_THING)
    assert FOUND.machines.loc[FOUND.machines["checked"], "doi"].nunique() == 100


def test_agreement_of_the_two_people_by_hand():
    """Closed forms on the tables counted by hand: (97, 1, 1, 1) for randomness, (99, 1, 0, 0) for methods."""
    found = raters.people(FOUND.people, conf=0.95)
    randomness, methods = found["R"], found["V6"]
    chance = 0.98**2 + 0.02**2
    assert randomness.kappa.value == pytest.approx((0.98 - chance) / (1 - chance))
    assert randomness.ac1.value == pytest.approx((0.98 - 2 * 0.02 * 0.98) / (1 - 2 * 0.02 * 0.98))
    assert methods.raw.value == 0.99 and methods.kappa.value == 0 and "by construction" in methods.kappa.reason
    assert methods.ac1.value == pytest.approx((0.99 - 2 * 0.005 * 0.995) / (1 - 2 * 0.005 * 0.995))
    table = raters.people_table(found, FOUND.people).set_index("variable")
    assert table.loc["V1", ["n", "differ"]].tolist() == [99, 8]  # one cell reads "n or y"
    # The authors' paper (PeerJ Computer Science 11:e2618): a dataset is shared in 50 % of the publications.
    assert table.loc["V1", "yes_agreed"] == 0.5


def test_shared_errors_against_independent_ones():
    """Expected papers that all five get wrong, from the models' error rates by the agreed code: a closed form."""
    table = machines.shared_errors(BOTH, conf=0.95, resamples=4999, seed=3).set_index("variable")
    for variable, part in BOTH.groupby("variable"):
        wrong = part[FOUND.models].ne(part["agreed"], axis=0)
        kinds = wrong.groupby(part["agreed"])
        expected = (kinds.mean().prod(axis=1) * kinds.size()).sum()
        assert table.loc[variable, "expected"] == pytest.approx(expected, abs=0.12)
        assert table.loc[variable, "all_wrong"] == (wrong.sum(axis=1) == 5).sum()
    pooled = stats.binomtest(int(table["all_wrong"].sum()), 800, table["expected"].sum() / 800)
    assert pooled.pvalue < 1e-10


def test_models_that_do_err_independently_are_not_said_to_err_together():
    draws = pd.Series(range(4000)) % 32
    truth = pd.Series(["yes", "no"] * 2000)
    both = pd.DataFrame({"doi": range(4000), "variable": "V1", "agreed": truth})
    for bit in range(5):  # every combination of errors equally often: independent by construction
        wrong = (draws // 2**bit) % 2 == 1
        both[f"m{bit}"] = truth.where(~wrong, truth.map({"yes": "no", "no": "yes"}))
    both[machines.MAJORITY] = machines.majority(both[[f"m{b}" for b in range(5)]])
    # The agreed code alternates, so it is independent of bits 1 to 4 alone; use those.
    row = machines.shared_errors(both.drop(columns="m0"), conf=0.95, resamples=199, seed=1).iloc[0]
    assert row["low"] <= row["all_wrong"] <= row["high"]


def changed(tmp_path, name, change):
    for file in (ratings.HUMANS, ratings.MODELS):
        table = pd.read_csv(paths.DATA / file, dtype="str", keep_default_na=False)
        (change(table) if file == name else table).to_csv(tmp_path / file, index=False)
    return tmp_path


BAD = {
    "a rater nobody knows": (ratings.HUMANS, lambda t: t.assign(rater=t["rater"].replace("human 2", "human 3"))),
    "a variable nobody knows": (ratings.HUMANS, lambda t: t.assign(variable=t["variable"].replace("V6", "V9"))),
    "a code twice": (ratings.HUMANS, lambda t: pd.concat([t, t.tail(1)])),
    "an answer twice": (ratings.MODELS, lambda t: pd.concat([t, t.tail(1)])),
    "a paper of two DOIs": (ratings.HUMANS, lambda t: t.assign(doi=t["doi"].where(t.index != 5, "10.1/x"))),
    "a DOI of two papers": (ratings.HUMANS, lambda t: t.assign(paper=t["paper"].where(t.index != 5, "999"))),
    "no column answer": (ratings.HUMANS, lambda t: t.drop(columns="answer")),
    "another paper under a number": (ratings.MODELS, lambda t: t.assign(doi=t["doi"].where(t["paper"] != "1", "x"))),
    "no model": (ratings.MODELS, lambda t: t[["paper", "doi", "question"]]),
}


@pytest.mark.parametrize("case", BAD)
def test_a_changed_file_of_ratings_is_one_sentence(tmp_path, case):
    with pytest.raises(StudyError) as failure:
        ratings.read(changed(tmp_path, *BAD[case]))
    assert "ratings_" in str(failure.value) and "\n" not in str(failure.value)


def test_answers_that_are_no_code_are_set_aside_and_counted(tmp_path):
    def change(table):
        table.loc[0, "answer"], table.loc[1, "answer"] = "", "maybe"
        return table

    found = ratings.read(changed(tmp_path, ratings.HUMANS, change))
    assert found.accounts["rows_rejected"].iloc[0] == 3
    assert {"", "maybe", "n or y"} <= set(found.rejects["found"])
    table = raters.people_table(raters.people(found.people, conf=0.95), found.people)
    assert table["n"].sum() == 997


def test_coverage_of_two_phase_by_repeated_splits_is_the_exact_one():
    """The exact coverage: every outcome of the two draws, weighted by its hypergeometric probability."""
    table = correction_tried.splits(BOTH, labelled=40, repetitions=4000, conf=0.95, seed=5)
    row = table[(table["variable"] == "V5") & (table["method"] == "two-phase")].iloc[0]
    part = BOTH[BOTH["variable"] == "V5"]
    said, truth = part[machines.MAJORITY] == "yes", part["agreed"] == "yes"
    N, K, n = [said.sum(), (~said).sum()], [(said & truth).sum(), (~said & truth).sum()], [20, 20]
    covered = 0.0
    for k in np.ndindex(21, 21):
        chance = np.prod([stats.hypergeom.pmf(k[j], N[j], K[j], n[j]) for j in (0, 1)])
        if chance > 1e-9:
            e = coder_error.two_phase(N, n, k, [True, False])["prevalence"]
            covered += chance * (e.low <= truth.mean() <= e.high)
    assert row["covers"] == pytest.approx(covered, abs=0.015)
    assert row["mean"] == pytest.approx(truth.mean(), abs=0.01)  # unbiased whatever the machine's errors


def test_a_good_machine_narrows_the_interval_and_a_bad_one_does_not():
    good = BOTH.assign(**{machines.MAJORITY: BOTH["agreed"]})
    good.loc[::25, machines.MAJORITY] = good.loc[::25, machines.MAJORITY].map({"yes": "no", "no": "yes"})  # 4 % errors
    for both, helps in ((good, True), (BOTH, False)):
        wide = correction_tried.splits_wide(
            correction_tried.splits(both, repetitions=200, conf=0.95, seed=2)
        ).set_index("name")
        narrower = wide["points wide, prediction-powered"] < wide["points wide, people alone"]
        assert narrower["dataset"] == helps and narrower["software and hardware"] == helps


def test_papers_from_elsewhere_get_no_corrected_share():
    away = correction_tried.elsewhere(FOUND, BOTH, conf=0.95)
    assert len(away) == 40
    told = correction_tried.elsewhere_by_thing(away)["corrected"]
    assert told.str.startswith("refused").all() and told.str.contains("not drawn from these papers").all()


def test_the_range_for_the_study_is_rogan_and_gladens_formula():
    judged = machines.accuracy(BOTH, conf=0.95)
    table = correction_tried.study_range(judged, study.published()).set_index("share")
    share, row = 1837 / 6962, table.loc["reuses a model, May 2026"]
    single = judged[judged["model"] != machines.MAJORITY]
    true = (share - (1 - single["specificity"])) / (single["sensitivity"] - (1 - single["specificity"]))
    true = true[(single["sensitivity"] + single["specificity"] > 1) & true.between(0, 1)]
    assert row[["lowest", "highest"]].tolist() == pytest.approx([true.min(), true.max()]) and row["possible"] == len(
        true
    )


def test_more_checked_papers_than_there_are_is_one_sentence():
    with pytest.raises(StudyError, match="fewer checked papers than the 100"):
        correction_tried.splits(BOTH, labelled=100, conf=0.95, seed=1)


# What other studies report ------------------------------------------------------------------------------------


def test_the_definition_decides_between_all_and_two_fifths():
    table = other_studies.definition(other_studies.read(), 0.7029, conf=0.95).set_index("reading")
    assert table["adaptation"].tolist() == [75, 37, 30] and set(table["papers"]) == {38 + 27 + 7 + 3}
    assert table.loc["feature extraction is deployment", "of_published"] == pytest.approx(0.7029 * 30 / 75)


def test_the_panel_has_the_definition_as_a_choice():
    """By hand: 31 of the pilot's 47 pairs are adaptation or deployment; two pairs of one paper become one."""
    panel = choices.panel(pilot.embedded(), conf=0.95, resamples=199, seed=1)
    rows = panel[panel["claim"] == "adaptation is the majority"].set_index("choice")
    row, other = rows.loc["feature extraction is adaptation"], rows.loc["feature extraction is deployment"]
    assert row["value"] * row["n"] == pytest.approx(row["n"] - 16) and row["n"] <= 47
    assert other["holds"] == "n/a" and "do not say which adaptations" in other["reason"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda t: t.assign(source=""), "a source for every fact"),
        (lambda t: pd.concat([t, t.head(1)]), "each id once"),
        (lambda t: t.assign(value="many"), "a number, or nothing"),
        (lambda t: t.assign(unit=""), "a unit beside every number"),
        (lambda t: t.drop(columns="source"), "no column source"),
    ],
)
def test_a_fact_without_number_source_or_unit_is_one_sentence(tmp_path, change, expected):
    table = pd.read_csv(paths.DATA / "comparators.csv", dtype="str", keep_default_na=False)
    change(table).to_csv(tmp_path / "facts.csv", index=False)
    with pytest.raises(StudyError, match=expected):
        other_studies.read(tmp_path / "facts.csv")
