"""From drawn papers to corrected numbers: the folder that people fill in, the estimators, and a planted truth."""

import math

import numpy as np
import pandas as pd
import pytest

from ptmreuse.analysis import after_checking, validation
from ptmreuse.errors import StudyError
from ptmreuse.evidence import checked, simulated, study
from ptmreuse.evidence.pilot import embedded
from ptmreuse.statistics import design_based

PILOT = embedded()
SIZES = {"reuse": 15, "deep learning, no reuse": 10, "no deep learning": 20}


@pytest.fixture
def folder(tmp_path):
    checked.write(tmp_path / "check", PILOT, SIZES, seed=5)
    return tmp_path / "check"


def fill(folder, tables, name="first", rows=None, change=()):
    """Fill in what the tables say, for the first rows; `change` is (row, column, value)."""
    sheet = study.read_csv(folder / "codes_first.csv")
    said = checked.coded(tables).set_index("paper")
    for row, paper in enumerate(sheet["paper"]):
        if rows is None or row < rows:
            sheet.loc[row, list(checked.ASKED[:5])] = said.loc[paper, list(checked.ASKED[:5])].to_numpy()
    for row, column, value in change:
        sheet.loc[row, column] = value
    sheet.to_csv(folder / f"codes_{name}.csv", index=False)


def test_the_folder_is_a_random_sample_that_hides_the_coder(folder, tmp_path):
    counts = study.read_csv(folder / "strata.csv").set_index("stratum")
    assert counts["N"].to_dict() == {"deep learning, no reuse": "16", "no deep learning": "71", "reuse": "23"}
    assert counts["sampled"].astype(int).to_dict() == SIZES
    sheet = study.read_csv(folder / "codes_first.csv")
    assert len(sheet) == 45 and (sheet[list(checked.ASKED)] == "").all().all()
    assert not {"stratum", "place"} & set(sheet.columns)
    reuse = sheet["paper"].isin(PILOT["uses"].loc[PILOT["uses"]["uses_ptm"] == "yes", "paper"])
    assert not reuse.is_monotonic_decreasing and not reuse.is_monotonic_increasing  # the order gives nothing away
    mixed = PILOT | {"uses": PILOT["uses"].sample(frac=1, random_state=1)}
    checked.write(tmp_path / "again", mixed, SIZES, seed=5)
    for name in ("codes_first.csv", "frame.csv", "strata.csv"):
        assert (tmp_path / "again" / name).read_bytes() == (folder / name).read_bytes()
    with pytest.raises(StudyError, match="expected a new folder, found one that holds something"):
        checked.write(folder, PILOT, SIZES, seed=5)


def test_one_open_answer_is_enough_to_be_undecided():
    said = {
        "paper": list("abcd"),
        "uses_dl": ["yes", "unknown", "no", "yes"],
        "uses_ptm": ["unknown", "no", "no", "yes"],
    }
    named = ["undecided", "undecided", "no deep learning", "reuse"]
    assert checked.strata({"uses": pd.DataFrame(said)})["stratum"].tolist() == named


def test_every_paper_of_a_stratum_has_the_same_chance():
    drawn = pd.Series(0, index=PILOT["uses"]["paper"])
    for seed in range(300):
        _, order = checked.draw(PILOT, SIZES, seed)
        drawn[order] += 1
    inside = checked.strata(PILOT).set_index("paper")["stratum"]
    for name, n in SIZES.items():
        chance, papers = n / (inside == name).sum(), drawn[inside[inside == name].index]
        assert papers.sum() == 300 * n
        assert ((papers - 300 * chance).abs() < 5 * np.sqrt(300 * chance * (1 - chance))).all()


def test_people_who_agree_with_the_coder_leave_every_share_as_it_is(folder):
    fill(folder, PILOT)
    rows = checked.read(folder, PILOT)
    table = after_checking.side_by_side(rows, PILOT, conf=0.95).set_index("quantity")
    for quantity in ("papers that use deep learning", "papers that reuse a pre-trained model"):
        assert table.loc[quantity, "corrected"] == pytest.approx(table.loc[quantity, "naive"])
        assert table.loc[quantity, "low"] < table.loc[quantity, "corrected"] < table.loc[quantity, "high"]
    errors = after_checking.errors(rows, PILOT, "uses_ptm", conf=0.95).set_index("group")
    assert errors.loc["all papers", ["ppv", "missed"]].tolist() == [1, 0]
    assert errors.loc["all papers", ["ppv_n", "missed_n"]].tolist() == [15, 30]


def test_who_stops_early_stops_and_who_skips_is_told(folder):
    fill(folder, PILOT, rows=30)
    assert (checked.read(folder, PILOT)["coder"] == "first").sum() == 30
    sheet = study.read_csv(folder / "codes_first.csv")
    sheet.iloc[::-1].to_csv(folder / "codes_first.csv", index=False)  # sorted in a spreadsheet: nothing is skipped
    assert (checked.read(folder, PILOT)["coder"] == "first").sum() == 30
    fill(folder, PILOT, rows=30, change=[(3, "uses_dl", ""), (3, "uses_ptm", "")])
    with pytest.raises(StudyError, match="row 4, column uses_dl: expected an answer, as a paper drawn later has one"):
        checked.read(folder, PILOT)
    sheet.iloc[1:].to_csv(folder / "codes_first.csv", index=False)
    with pytest.raises(StudyError, match="expected the 45 drawn papers, found no 10.1371"):
        checked.read(folder, PILOT)


def test_two_people_their_agreement_and_what_they_settle(folder):
    fill(folder, PILOT)
    other = {"yes": "no", "no": "yes"}
    sheet = study.read_csv(folder / "codes_first.csv")
    flips = [(row, "uses_dl", other[sheet.loc[row, "uses_dl"]]) for row in (0, 1)]
    fill(folder, PILOT, name="second", change=flips)
    rows = checked.read(folder, PILOT)
    settled = rows[rows["coder"] == "settled"].set_index("paper")["uses_dl"]
    assert (settled == "unknown").sum() == 2
    told = after_checking.people(rows, conf=0.95).set_index("question")
    assert told.loc["uses_dl", ["papers", "agreement"]].tolist() == [45, 43 / 45]
    sheet.loc[[0], ["paper", "uses_dl", "uses_ptm"]].to_csv(folder / "settled.csv", index=False)
    rows = checked.read(folder, PILOT)
    settled = rows[rows["coder"] == "settled"].set_index("paper")["uses_dl"]
    assert settled[sheet.loc[0, "paper"]] == sheet.loc[0, "uses_dl"] and (settled == "unknown").sum() == 1


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        (
            "codes_first.csv",
            "uses_ptm",
            "reuse",
            "expected the columns paper, uses_dl, uses_ptm, found no column uses_",
        ),
        ("strata.csv", "16,10", "17,10", "stratum deep learning, no reuse: expected N and sampled as in frame.csv: 16"),
        ("frame.csv", "10.1371", "10.9999", "expected the 110 coded papers in use, found 110, 1 of them others"),
        ("frame.csv", ",1\n", ",46\n", "column place: expected the places 1 to 45, found others"),
    ],
)
def test_a_folder_that_was_damaged_is_refused(folder, file, old, new, says):
    path = folder / file
    path.write_text(path.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    with pytest.raises(StudyError) as refused:
        checked.read(folder, PILOT)
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ((2, "uses_dl", "maybe"), "row 3, column uses_dl: expected yes, no, unknown or nothing, found 'maybe'"),
        ((2, "paper", "10.1/other"), "row 3, column paper: expected a paper that was drawn"),
        ((44, "paper", None), "expected each paper once"),
        ((2, "both", None), "column adaptation: expected no or nothing, as uses_ptm is no"),
    ],
)
def test_a_wrong_cell_is_named(folder, change, says):
    row, column, value = change
    sheet = study.read_csv(folder / "codes_first.csv")
    changes = [(row, column, value or sheet.loc[0, "paper"])]
    if column == "both":
        changes = [(row, "uses_ptm", "no"), (row, "adaptation", "yes")]
    fill(folder, PILOT, change=changes)
    with pytest.raises(StudyError) as refused:
        checked.read(folder, PILOT)
    assert says in str(refused.value)


def test_nothing_filled_in_is_said(folder):
    with pytest.raises(StudyError, match="expected answers in column uses_ptm, found none"):
        checked.read(folder, PILOT)


# --- the estimators ------------------------------------------------------------------------------------------


def test_the_ratio_has_the_standard_error_of_a_sampling_textbook():
    """Cochran (1977), section 6.4: 12 of 30 in 60 of 90 papers drawn; by hand, not by this package."""
    coded, one, rest = ["yes"] * 90, ["all"] * 90, [np.nan] * 30
    whole, part = (design_based.sample(coded, [1.0] * k + [0.0] * (60 - k) + rest, one) for k in (30, 12))
    deviation = np.array([1 - 0.4] * 12 + [-0.4] * 18 + [0] * 30)
    total = 90 * np.sqrt((1 - 60 / 90) * (deviation**2).sum() / 59 / 60)
    assert design_based.corrected_ratio(part, whole).detail["se"] == pytest.approx(total / 45)


def test_with_every_paper_checked_the_corrected_trend_is_that_of_the_truth():
    from statsmodels.api import GLM, add_constant, families

    rng = np.random.default_rng(3)
    year = np.repeat(np.arange(8.0), 40)
    truth = (rng.random(320) < 1 / (1 + np.exp(-0.2 * (year - 4)))).astype(float)
    coded = np.where(rng.random(320) < 0.5, "yes", "no")  # a coder that knows nothing
    found = design_based.corrected_logit(design_based.sample(coded, truth, coded), year)
    plain = GLM(truth, add_constant(year), family=families.Binomial()).fit()
    assert found.detail["b1"] == pytest.approx(plain.params[1], abs=1e-8)
    assert found.detail["se"] == pytest.approx(plain.bse[1], rel=1e-6)


def corpus(rng, prevalence=0.1, papers=400):
    """Eleven years without a trend; the coder's false yes rise from 0.5 to 5 %. 150 yes and 500 no are checked."""
    year = np.repeat(np.arange(11), papers)
    truth = rng.random(len(year)) < prevalence
    wrong = np.linspace(0.005, 0.05, 11)[year]
    coded = np.where(np.where(truth, rng.random(len(year)) < 0.9, rng.random(len(year)) < wrong), "yes", "no")
    found = np.full(len(year), np.nan)
    for said, n in (("yes", 150), ("no", 500)):
        chosen = rng.choice(np.flatnonzero(coded == said), n, replace=False)
        found[chosen] = truth[chosen]
    return year, coded, found


def test_a_coder_that_errs_more_every_year_fakes_a_trend_and_the_correction_takes_it_out():
    rng, held, faked = np.random.default_rng(11), 0, 0
    for _ in range(60):
        year, coded, found = corpus(rng)
        right = design_based.corrected_logit(design_based.sample(coded, found, coded), year, groups=year)
        held += right.low <= 1 <= right.high
        as_coded = design_based.sample(coded, (coded == "yes").astype(float), coded)
        naive = design_based.corrected_logit(as_coded, year)
        faked += naive.low > 1
    assert faked >= 30  # the naive trend is believed in most corpora
    assert held >= 53  # of 60: fewer has a probability below 1 in 100 if the interval holds


def test_few_checked_papers_give_a_reason_instead_of_a_number():
    coded = np.array(["yes"] * 50 + ["no"] * 50)
    for yes, says in ((19, "have it"), (81, "lack it")):
        truth = np.array([1.0] * yes + [0.0] * (100 - yes))
        found = design_based.corrected_logit(design_based.sample(coded, truth, ["all"] * 100), np.arange(100))
        assert np.isnan(found.value) and found.reason == f"fewer than 20 checked papers {says}"
    enough = np.array([1.0, 0.0] * 20 + [0.0] * 60)
    assert not np.isnan(
        design_based.corrected_logit(design_based.sample(coded, enough, ["all"] * 100), np.arange(100)).value
    )
    unseen = np.where(coded == "yes", enough, np.nan)
    assert design_based.corrected_logit(design_based.sample(coded, unseen, coded), np.arange(100)).reason == (
        "people decided no paper of a stratum"
    )


def test_a_planted_error_is_found_and_taken_out_of_shares_patterns_and_fields(tmp_path):
    """Simulated papers: the coder of the corpus is checked by its truth."""
    tables = simulated.simulate_corpus(8, papers=3000)[0]
    coder, right = (study.of_coder(tables, name) for name in ("simulated coder", "truth"))
    sizes = {"reuse": 150, "deep learning, no reuse": 300, "no deep learning": 200, "undecided": 60}
    checked.write(tmp_path / "check", coder, sizes, seed=2)
    fill(tmp_path / "check", right)
    rows = checked.read(tmp_path / "check", coder)
    table = after_checking.side_by_side(rows, coder, conf=0.999).set_index("quantity")
    real = checked.coded(right)
    for question, words in after_checking.NAMES.items():
        found = table.loc[f"papers that {words}"]
        assert found["low"] <= (real[question] == "yes").mean() <= found["high"]
    reusing = real[real["uses_ptm"] == "yes"]
    found = table.loc["reusing papers: adaptation"]
    assert found["low"] <= (reusing["adaptation"] == "yes").mean() <= found["high"]
    assert "odds ratio per year: reuse a pre-trained model" in table.index
    assert table.index.str.startswith("odds ratio of reuse: ").sum() == 8
    assert (table.loc[table["low"].isna(), "reason"] != "").all()


def test_no_error_seen_is_not_no_error():
    """A coder without a fault in the sample keeps an interval as wide as one fault more would make it."""
    coded = np.array(["yes"] * 200 + ["no"] * 800)
    truth = (coded == "yes").astype(float)
    truth[100:200] = truth[300:] = np.nan
    part = np.where(np.arange(1000) % 2, truth, np.minimum(truth, 0))
    both = np.where(np.arange(1000) % 2, coded, "no")
    found = design_based.corrected_ratio(
        design_based.sample(both, part, coded), design_based.sample(coded, truth, coded)
    )
    assert found.value == pytest.approx(0.5)
    rate = 1 / 102
    se = np.sqrt((200**2 * 0.5 + 800**2 * (1 - 1 / 8)) * rate * (1 - rate) / 100) / 200
    assert found.detail["se"] == pytest.approx(se)
    assert found.low < 0.5 < found.high


def test_the_plan_promises_the_precision_that_the_estimators_deliver():
    """Corpora of the assumed rates: the expected standard errors are those that the corrections then have."""
    rng, slopes, parts = np.random.default_rng(4), [], []
    sizes, checks, rates, part, right = [450, 3950], [150, 500], [0.9, 0.01], 0.7, 0.9
    year = rng.permutation(np.arange(4400) % 11)
    coded = np.repeat(["yes", "no"], sizes)
    for _ in range(30):
        truth = rng.random(4400) < np.repeat(rates, sizes)
        has = truth & (rng.random(4400) < part)
        said = np.where((coded == "yes") & (has == (rng.random(4400) < right)), "yes", "no")
        chosen = np.concatenate([rng.choice(np.flatnonzero(coded == c), n, replace=False)
                                 for c, n in zip(("yes", "no"), checks, strict=True)])  # fmt: skip
        seen, has_seen = np.full(4400, np.nan), np.full(4400, np.nan)
        seen[chosen], has_seen[chosen] = truth[chosen], has[chosen]
        slopes.append(design_based.corrected_logit(design_based.sample(coded, seen, coded), year).detail["se"])
        whole, half = design_based.sample(coded, seen, coded), design_based.sample(said, has_seen, coded)
        parts.append(design_based.corrected_ratio(half, whole).detail["se"])
    assert np.mean(slopes) == pytest.approx(validation.slope_error(sizes, checks, rates, 10.0), rel=0.05)
    promised = validation.part_error(sizes, checks, rates, part, right)
    assert 0.8 * promised < np.mean(parts) < promised


def test_a_checked_paper_counts_for_as_many_as_it_stands_for():
    """Two strata with one code: 1,000 papers with 5 of 50 yes, 100 papers with 25 of 50, so 150 yes; by hand."""
    stratum = np.repeat(["large", "small"], [1000, 100])
    found, adapt = np.full(1100, np.nan), np.full(1100, np.nan)
    found[:50] = adapt[:50] = np.arange(50) < 5
    found[1000:1050], adapt[1000:1050] = np.arange(50) < 25, 0
    whole, part = (design_based.sample(["no"] * 1100, truth, stratum) for truth in (found, adapt))
    assert design_based.corrected_ratio(part, whole).value == pytest.approx(100 / 150)
    inside = np.repeat([0.0, 1.0], [1000, 100])  # odds of yes: 0.1 / 0.9 in one, 0.5 / 0.5 in the other
    assert design_based.corrected_logit(whole, inside).value == pytest.approx(9)


def test_twenty_checked_papers_are_enough_for_a_corrected_share():
    one = [["yes"] * 60, ["all"] * 60]
    for n in (20, 19):
        whole, part = (
            design_based.sample(one[0], [1.0] * k + [0.0] * (40 - k) + [np.nan] * 20, one[1]) for k in (n, 8)
        )
        e = design_based.corrected_ratio(part, whole)
        assert math.isnan(e.value) == (n < 20)
