"""Analyst choices, tipping points, two ways and the validation plan: hand-made answers, every source, no crash."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ptmreuse.analysis import choices, multiverse, patterns, resampled, tipping, validation
from ptmreuse.evidence import items, study
from ptmreuse.evidence.pilot import embedded
from ptmreuse.evidence.simulated import simulate_corpus
from ptmreuse.statistics import trend
from ptmreuse.statistics.estimate import Estimate

FACTS = study.published()
PILOT = embedded()
AGAIN = {"conf": 0.95, "resamples": 499, "seed": 1}


@pytest.fixture(scope="module")
def pilot():
    return choices.panel(PILOT, **AGAIN)


@pytest.fixture(scope="module")
def simulated():
    tables = study.of_coder(simulate_corpus(4, papers=1500)[0], "simulated coder")
    return tables, choices.panel(tables, **AGAIN)


@pytest.fixture(scope="module")
def specifications():
    return multiverse.specifications(PILOT, **AGAIN)


def row(panel, claim, label):
    found = panel[(panel["claim"] == claim) & (panel["label"] == label)]
    assert len(found) == 1
    return found.iloc[0]


@pytest.mark.parametrize(
    ("claim", "label", "value", "n", "holds"),
    [
        ("adaptation leads", "main analysis", 5 / 47, 47, "yes"),
        ("adaptation leads", "papers instead of pairs", 0, 23, "no"),
        ("adaptation leads", "without papers of more than 3 models", 0, 24, "no"),
        # U-Net, HED and BDCN of pone.0298217 are two patterns each: 44 instances in 47 pairs
        ("adaptation is the majority", "instances instead of pairs", 21 / 44, 44, "no"),
        ("adaptation is the majority", "papers instead of pairs", 9 / 23, 23, "no"),
        ("reuse grew", "papers up to 2022 only", None, 90, "yes"),
        ("reuse grew", "since the first deep learning, 2017", None, 80, "yes"),
        ("reuse grew", "among deep-learning papers", None, 39, "no"),
    ],
)
def test_the_pilot_under_each_choice(pilot, claim, label, value, n, holds):
    found = row(pilot, claim, label)
    assert found["n"] == n and found["holds"] == holds
    if value is not None:
        assert found["value"] == pytest.approx(value)


def test_the_main_analysis_is_that_of_the_notebooks(pilot, simulated):
    for tables, panel in ((PILOT, pilot), simulated):
        _, estimates = patterns.pattern_shares(items.items(tables), conf=AGAIN["conf"])
        for unit, label in (("pairs", "main analysis"), ("papers", "papers instead of pairs")):
            found, there = row(panel, "adaptation is the majority", label), estimates["adaptation", unit]
            assert (found["value"], found["low"], found["high"]) == pytest.approx((there.value, there.low, there.high))


def test_what_does_not_apply_says_why(pilot, simulated):
    for panel in (pilot, simulated[1]):
        na = panel[panel["holds"] == "n/a"]
        assert (na["reason"] != "").all() and na["value"].isna().all()
        assert panel.groupby("claim", sort=False).size().nunique() == 1  # every claim under every choice
        assert list(panel["claim"].unique()) == list(choices.CLAIMS)
        assert set(panel["group"]) == set(choices.GROUPS)
    assert row(pilot, "reuse grew", "leave one field out")["reason"] == "the source in use has no fields"
    assert row(pilot, "reuse grew", "without the biggest journal")["reason"].startswith("all papers are from one")
    made = simulated[1].loc[simulated[1]["value"].notna(), "choice"]
    assert set(simulated[1]["choice"]) - set(made) == {"feature extraction is deployment"}  # no source has that code


def test_every_combination_of_choices_is_listed_and_counted_once(specifications, simulated):
    table = specifications
    assert table.groupby("claim", sort=False).size().to_dict() == {
        "adaptation leads": 4 * 3 * 2 * 3,  # periods x units x names x readings of unknown
        "adaptation is the majority": 4 * 3 * 2 * 3,
        "reuse grew": 4 * 2 * 3,
        "Biochemistry leads": 4 * 2 * 3,
    }
    na = table[table["holds"] == "n/a"]
    assert (na["reason"] != "").all() and not table["specification"].duplicated().any()
    stands = multiverse.summary(table).set_index("claim")
    assert (stands["combinations"] + stands["not_applicable"] + stands["repeats"]).tolist() == [72, 72, 24, 24]
    assert stands.loc["adaptation leads", ["holds", "beyond_chance"]].tolist() == [6, 0]
    assert stands.loc["adaptation is the majority", "holds"] == 0
    # since 2017 and by papers by family, two harmless choices together: nothing says that adaptation leads
    pair = table[
        (table["claim"] == "adaptation leads") & (table["period"] == "since 2017") & (table["names"] == "by family")
    ]
    assert pair.loc[(pair["counted"] == "reusing papers") & pair["value"].notna(), "value"].tolist() == [0]
    grew = table[(table["claim"] == "reuse grew") & (table["unknown"] == "unknown left out")]
    papers = grew.groupby(["among", "period"])["n"].first()
    assert papers["all papers"].to_dict() == {"all years": 110, "since 2017": 80, "up to 2022": 90, "without 2024": 100}
    assert papers["deep-learning papers", "all years"] == 39
    planted = multiverse.summary(multiverse.specifications(simulated[0], **AGAIN)).set_index("claim")
    assert planted.loc["adaptation leads", "beyond_chance"] == planted.loc["adaptation leads", "combinations"]  # 65 %


def test_the_main_analysis_is_the_first_combination_and_the_curve_rises(pilot, specifications):
    for claim in ("adaptation leads", "reuse grew"):
        curve = multiverse.curve(specifications, claim)
        main = row(pilot, claim, "main analysis")
        assert curve.loc[curve["main"], ["value", "low", "high"]].to_numpy().tolist() == [
            main[["value", "low", "high"]].tolist()
        ]
        assert curve["value"].is_monotonic_increasing and curve["position"].tolist() == list(range(1, len(curve) + 1))


def test_a_claim_at_its_threshold_does_not_hold():
    for value, low, holds, beyond in ((0.5, 0.4, "no", "no"), (0.51, 0.5, "yes", "no"), (0.6, 0.501, "yes", "yes")):
        found = choices.outcome("adaptation is the majority", Estimate(value, low, 0.9), 0.95)
        assert (found["holds"], found["beyond_chance"]) == (holds, beyond)


def test_the_forest_keeps_the_extremes_of_many_left_out_years(pilot):
    shown = choices.forest(pilot, "adaptation leads")
    years = pilot[(pilot["claim"] == "adaptation leads") & (pilot["choice"] == "leave one year out")]
    ends = shown.loc[shown["choice"] == "leave one year out", "value"].tolist()
    assert ends == [years["value"].min(), years["value"].max()]
    assert shown["value"].notna().all() and shown["label"].is_unique


def by_hand(answers, patterns=()):
    """Papers of 2020 and later, one per answer; reuse rows (paper number, model, pattern)."""
    ids = [f"p{i}" for i in range(len(answers))]
    years = [2020 + i for i in range(len(answers))]
    tables = {
        "papers": pd.DataFrame({"paper": ids, "year": years, "doi": "", "megajournal": "PLOS", "cited_by": pd.NA,
                                "natural_science": "yes", "full_text": "yes"}),
        "uses": pd.DataFrame({"paper": ids, "coder": "me", "uses_dl": "yes", "uses_ptm": answers}),
        "reuse": pd.DataFrame([{"paper": f"p{i}", "coder": "me", "model": m, "canonical": m, "family": m, "pattern": p}
                               for i, m, p in patterns], columns=list(study.SCHEMA["reuse"])),
        "provenance": PILOT["provenance"],
    }  # fmt: skip
    return study.validate(tables)


def test_unknown_counts_as_the_worst_and_as_the_best():
    a, c, u = "adaptation", "conceptual", "unknown"
    # one unknown has a known pattern beside it and is none; two are open
    tables = by_hand(
        ["yes", "no", u, "yes", "yes", "no"],
        [(0, "x", a), (0, "y", a), (3, "x", c), (3, "z", u), (4, "x", u), (4, "y", a), (0, "x", u)],
    )
    panel = choices.panel(tables, **AGAIN)

    def values(claim):
        labels = ("unknown against the claim", "main analysis", "unknown for the claim")
        return [row(panel, claim, label)["value"] for label in labels]

    assert values("adaptation leads") == pytest.approx([0, 2 / 4, 4 / 6])
    assert values("adaptation is the majority") == pytest.approx([3 / 6, 3 / 4, 5 / 6])
    low, middle, high = values("reuse grew")
    assert low < middle < high


def test_the_order_of_rows_changes_nothing(simulated):
    tables, panel = simulated
    mixed = {name: frame.sample(frac=1, random_state=3) for name, frame in tables.items() if name != "fields"}
    again = choices.panel(mixed | {"fields": tables["fields"]}, **AGAIN)
    pd.testing.assert_frame_equal(panel, again)


def test_the_lead_and_its_interval_are_those_of_a_plain_bootstrap():
    counts, total, _ = choices.pattern_counts(PILOT, "pairs", "canonical", "")
    found = choices._lead(counts, total, "adaptation", unit="pairs", conf=0.95, resamples=9999, seed=1)
    a, c, d = counts[["adaptation", "conceptual", "deployment"]].to_numpy().T

    def lead(a, c, d, axis=-1):
        a, c, d = (x.sum(axis=axis) for x in (a, c, d))
        return (a - np.maximum(c, d)) / (a + c + d)

    plain = stats.bootstrap((a, c, d), lead, paired=True, method="percentile", rng=np.random.default_rng(2))
    assert (found.low, found.high) == pytest.approx(tuple(plain.confidence_interval), abs=0.02)


def test_how_wrong_the_coder_would_have_to_be():
    table = tipping.tipping(PILOT, FACTS, **AGAIN).set_index("claim")
    published = table.loc["adaptation is the majority of instances, v1"]
    assert published["lowest_ppv"] == pytest.approx(0.5 / 0.7029)
    assert published["highest_fpr"] == pytest.approx(0.4058)  # (q - Se/2) / (1/2)
    assert published["highest_fpr_80"] == pytest.approx(0.6058)
    assert published["of_100"] == pytest.approx(20.29)  # of a hundred codes, so many more than half
    assert table.loc["AlexNet leads the published counts, versions apart, v1", "codes"] == 2  # 25 and 23
    together = table.loc["AlphaFold leads the published counts, versions together, v1"]  # 23 to 41 papers, and 25
    assert together["reason"].startswith("it does not lead: 23 against 25")
    assert table.loc["adaptation leads by pairs", "codes"] == 3  # 21 and 16
    assert table.loc["adaptation leads by papers", "reason"].startswith("it does not lead: 9 against 9")
    assert set(table["data_kind"]) == {"published", "coded"}
    assert table.loc["reuse grew", "reason"].startswith("the fewest")
    assert table.loc["reuse grew beyond chance", "codes"] < table.loc["reuse grew", "codes"] < 14  # late yes alone: 14


@pytest.mark.parametrize("yes", [(0, 1, 2), (1, 0, 3), (0, 0, 2), (2, 1, 3)])
def test_no_fewer_codes_end_a_growth(yes):
    """Against every way to recode three years of three papers each."""
    size = np.array([3, 3, 3])
    years = pd.DataFrame({"year": [2020, 2021, 2022], "size": size, "sum": yes})
    ended = [
        abs(np.array(other) - yes).sum()
        for other in itertools.product(range(4), repeat=3)
        if (np.array(other) * [-1, 0, 1]).sum() <= 0
    ]
    assert tipping.fewest_to_end_growth(years, "value", 0.95) == min(ended)


def test_the_codes_that_end_a_majority():
    for n, k in itertools.product(range(1, 12), range(12)):
        if k <= n and 2 * k > n:
            needed = tipping._majority("c", "coded", k / n, float("nan"), float(n), "pairs")["codes"]
            assert 2 * (k - needed) <= n < 2 * (k - needed + 1)


def test_measurement_error_against_sampling_error():
    table = tipping.if_coder_erred(FACTS, conf=0.95)
    v1 = table[table["release"] == "v1, all papers analysed"].set_index("specificity")["true_papers"]
    # R: N*(p+sp-1)/(se+sp-1) at p=631/17511, se=.9
    assert v1.round().to_dict() == {1.0: 701, 0.999: 682, 0.99: 512, 0.98: 319, 0.97: 121}


def test_resampled_slopes_are_those_of_the_logit_and_nothing_where_separated():
    rng = np.random.default_rng(5)
    x = np.arange(6) - 2.5
    n = np.full((40, 6), 9)
    yes = rng.binomial(9, 1 / (1 + np.exp(-0.5 * x)), size=(40, 6))
    yes[0], yes[1] = [0, 0, 0, 9, 9, 9], 0
    slopes = resampled._slopes(yes, n - yes, x)
    assert np.isnan(slopes[:2]).all()
    for k, slope in zip(yes[2:], slopes[2:], strict=True):
        assert slope == pytest.approx(trend.trend(k, n[0], x).detail["b1"], abs=1e-7)


def test_two_ways_agree_with_scipy_resampling_of_papers():
    table = resampled.two_ways(PILOT, FACTS, conf=0.95, resamples=4999, seed=1).set_index("label")
    answers = np.repeat([1.0, 0.0], [39, 71])
    plain = stats.bootstrap((answers,), np.mean, method="percentile", rng=np.random.default_rng(3)).confidence_interval
    found = table.loc["share that uses deep learning"]
    assert (found["low_resampled"], found["high_resampled"]) == pytest.approx(tuple(plain), abs=0.011)
    coded = PILOT["papers"].merge(PILOT["uses"])
    yes, year = (coded["uses_ptm"] == "yes").to_numpy(float), coded["year"].to_numpy(float)
    shuffled = stats.permutation_test((yes,), lambda y: y @ (year - year.mean()), permutation_type="pairings",
                                      n_resamples=4999, rng=np.random.default_rng(4))  # fmt: skip
    found = table.loc["odds ratio of reuse per year"]
    assert found["p_resampled"] == pytest.approx(shuffled.pvalue, abs=0.002)
    assert table["apart"].notna().all() and table["apart"].max() < 0.25
    assert table.loc["May 2026 less v1, share of reuse", ["p", "p_resampled"]].isna().all()  # not two samples
    assert table["apart"].idxmax() in resampled.largest(table.reset_index())
    drawn = resampled.side_by_side(table.reset_index())
    assert len(drawn) == 10 and drawn["label"].iloc[::2].is_unique  # five shares of the pilot


def test_the_plan_gives_the_precision_that_the_formula_gives():
    plan = validation.validation_plan(FACTS, conf=0.95)
    v1 = plan[(plan["frame"] == "v1, all papers analysed") & (plan["design"] != "Neyman, same cost")]
    cv = v1.set_index(["checked", "missed"])["cv"].round(2)
    # Independent: the design's standard error by R's survey package, for 631 and 16,880 papers
    expected = {(100, 200): (0.13, 0.16), (100, 500): (0.08, 0.10), (150, 1000): (0.06, 0.07)}
    for (yes, no), (rare, often) in expected.items():
        assert cv[f"{yes} + {no:,}", 0.005] == rare and cv[f"{yes} + {no:,}", 0.01] == often
    assert plan[plan["recommended"] == "yes"].groupby("frame").size().to_dict() == dict.fromkeys(plan["frame"], 2)
    best = plan[plan["design"] == "Neyman, same cost"].set_index(["frame", "missed"])["cv"]
    chosen = plan[plan["recommended"] == "yes"].set_index(["frame", "missed"])["cv"]
    worst_case = [(frame, 0.01) for frame in plan["frame"].unique()]
    assert (best[worst_case] <= chosen[worst_case] + 5e-4).all()  # rounding to whole papers
    may = plan.loc[plan["frame"] == "May 2026, full texts", "strata"].iloc[0]
    assert may == "1,837 reuse + 2,825 deep learning, no reuse + 2,300 no deep learning"


def test_the_bound_on_missed_papers_is_exact():
    assert validation._missed_at_most([16880], [300], 0.95) == 166  # hypergeometric, as in R
    assert validation._missed_at_most([16880], [1000], 0.95) == 48
    sizes, drawn = (30, 22), (9, 4)

    def chance(missed):
        return np.prod([stats.hypergeom.pmf(0, N, m, n) for N, m, n in zip(sizes, missed, drawn, strict=True)])

    possible = itertools.product(*(range(N - n + 1) for N, n in zip(sizes, drawn, strict=True)))
    most = max(sum(m) for m in possible if chance(m) >= 0.05)
    assert validation._missed_at_most(sizes, drawn, 0.95) == most


EMPTY = study.validate({"papers": PILOT["papers"].head(3), "provenance": PILOT["provenance"]})
ONE = {
    n: f[f["paper"] == "10.1371/journal.pone.0298217"].reset_index(drop=True) if "paper" in f else f
    for n, f in PILOT.items()
}


@pytest.mark.parametrize(
    "tables",
    [
        EMPTY,
        study.validate({"provenance": PILOT["provenance"]}),
        ONE,
        by_hand(["yes", "yes"], [(0, "x", "adaptation"), (1, "x", "adaptation")]),
        by_hand(["unknown", "unknown"], [(0, "x", "unknown")]),
        PILOT | {"papers": PILOT["papers"].assign(year=pd.array([pd.NA] * 110, dtype="Int64"))},
    ],
    ids=["codes missing", "nothing", "one paper", "all alike", "all unknown", "no years"],
)
def test_poor_evidence_gives_reasons_and_never_a_crash(tables):
    panel = choices.panel(tables, **AGAIN)
    assert (panel.loc[panel["value"].isna(), "reason"] != "").all()
    assert not ((panel["holds"] != "n/a") & panel["value"].isna()).any()
    stands = multiverse.summary(multiverse.specifications(tables, **AGAIN))
    assert set(stands["claim"]) == set(choices.CLAIMS)
    assert ((stands["reason"] != "") == (stands["combinations"] == 0)).all()
    for claim in choices.CLAIMS:
        choices.forest(panel, claim)
    table = tipping.tipping(tables, FACTS, **AGAIN)
    assert (table.loc[table["codes"].isna(), "reason"] != "").all()
    twice = resampled.two_ways(tables, FACTS, **AGAIN)
    assert twice.loc[twice["low"].isna(), "apart"].isna().all()
    assert resampled.largest(twice)
