"""A verdict says exactly what the data at hand can say."""

import numpy as np
import pandas as pd
import pytest

from ptmreuse import paths
from ptmreuse.analysis import by_people, patterns
from ptmreuse.errors import StudyError
from ptmreuse.evidence import study
from ptmreuse.evidence.pilot import embedded
from ptmreuse.evidence.study import FIELDS
from ptmreuse.findings import claims, judged
from ptmreuse.parameters import DEFAULTS
from ptmreuse.statistics.estimate import Estimate

FACTS = study.published()
LEDGER = claims.ledger(FACTS).set_index("id", drop=False)


def judge(claim, source, kind="coded", journals=study.MEGAJOURNALS, ledger=LEDGER, **found):
    ends = {end: float(found.pop(end)) for end in ("low", "high") if end in found}
    key = LEDGER.loc[claim, "key"]
    row = {"key": key, "text": "x", "value": "", "n": "47", "unit": LEDGER.loc[claim, "unit"], "step": "02_coding"}
    registry = pd.DataFrame([row | {"cell": 7} | found]).set_index("key", drop=False)
    judging = {key: Estimate(found["value"], **ends)} if ends else {}
    return claims.evaluate(
        ledger.loc[[claim]], registry if found else registry.iloc[:0], source, kind, judging=judging, journals=journals
    ).iloc[0]


def test_a_sample_from_one_megajournal_decides_no_claim_about_four():
    outside = {"value": 0.447, "low": 0.233, "high": 0.6528}
    assert judge("adaptation-share", "embedded", **outside)["verdict"] == "differs"
    for journals in (["PLOS"], ["PLOS", "BMJ", "F1000"], []):
        part = judge("adaptation-share", "embedded", journals=journals, **outside)
        assert part["verdict"] == "cannot tell"
        assert f"from {', '.join(j for j in study.MEGAJOURNALS if j in journals) or 'no megajournal'}" in part["reason"]
    assert judge("adaptation-share", "release", journals=["PLOS"], value=0.70291)["verdict"] == "reproduced"


def test_a_caution_about_another_sample_stands_only_where_one_judges():
    caution = LEDGER.loc["may-reuse-share", "caution"]
    own = judge("may-reuse-share", "release", value=LEDGER.loc["may-reuse-share", "target"])
    other = judge("may-reuse-share", "embedded", value=0.25, low=0.1, high=0.4)
    clerical = judge("full-text-label", "embedded", value=6962)  # two digits swapped: true of the numbers themselves
    assert caution not in own["reason"] and caution in other["reason"]
    assert LEDGER.loc["full-text-label", "caution"] in clerical["reason"]


@pytest.mark.parametrize(
    ("claim", "source", "found", "verdict"),
    [
        ("v1-analysed", "release", {"value": 17511}, "reproduced"),
        ("v1-analysed", "release", {"value": 17512}, "differs"),
        ("v1-analysed", "embedded", {"value": 110}, "not checkable"),
        ("v1-analysed", "release", {}, "not checkable"),
        ("adaptation-share", "release", {"value": 0.70291}, "reproduced"),
        ("adaptation-share", "release", {"value": 0.7031}, "differs"),
        ("adaptation-share", "embedded", {"value": 0.447, "low": 0.233, "high": 0.6528}, "differs"),
        ("adaptation-share", "embedded", {"value": 0.447, "low": 0.233, "high": 0.653}, "cannot tell"),
        ("adaptation-share", "embedded", {"value": 0.7, "low": 0.653, "high": 0.7528}, "agrees"),
        ("adaptation-share", "embedded", {"value": 0.7, "low": 0.653, "high": 0.753}, "cannot tell"),
        ("adaptation-share", "embedded", {"value": 0.7, "low": 0.5, "high": 0.9}, "cannot tell"),
        ("adaptation-share", "embedded", {"value": "nan", "low": "nan", "high": "nan"}, "not checkable"),
        ("adaptation-leads", "release", {"value": 1}, "reproduced"),
        ("adaptation-leads", "release", {"value": 2, "low": 1, "high": 3}, "differs"),
        ("adaptation-leads", "embedded", {"value": 1, "low": 1, "high": 1}, "agrees"),
        ("adaptation-leads", "embedded", {"value": 1, "low": 1, "high": 3}, "cannot tell"),
        ("adaptation-leads", "embedded", {"value": 1, "low": 1, "high": 2}, "cannot tell"),
        ("adaptation-leads", "embedded", {"value": 2, "low": 1, "high": 2}, "cannot tell"),
        ("adaptation-leads", "embedded", {"value": 2, "low": 2, "high": 2}, "differs"),
        ("adaptation-share", "release", {"value": 0.70294}, "reproduced"),
        ("adaptation-share", "release", {"value": 0.70296}, "differs"),
        ("adaptation-share", "embedded", {"value": 0.8, "low": 0.753, "high": 0.9}, "differs"),
        ("adaptation-share", "embedded", {"value": 0.8, "low": 0.7528, "high": 0.9}, "cannot tell"),
        ("adaptation-share", "embedded", {"value": 0.7, "low": 0.6528, "high": 0.7528}, "cannot tell"),
        ("adaptation-leads", "tables", {"value": 3, "low": 2, "high": 3}, "differs"),
        ("full-text-agree", "release", {"value": 6962}, "reproduced"),
        ("full-text-label", "embedded", {"value": 6962}, "differs"),
    ],
)
def test_verdicts(claim, source, found, verdict):
    judged = judge(claim, source, **found)
    assert judged["verdict"] == verdict
    assert judged["reason"]


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.25, 0.75, "agrees"),  # the limits of the margin belong to it
        (0.2499, 0.75, "cannot tell"),
        (0.25, 0.7501, "cannot tell"),
        (0.1, 0.25, "cannot tell"),
        (0.1, 0.2499, "differs"),
        (0.75, 0.9, "cannot tell"),
        (0.7501, 0.9, "differs"),
    ],
)
def test_an_interval_that_ends_at_the_margin(low, high, verdict):
    exact = LEDGER.assign(target=0.5, margin="0.25")  # 0.25, 0.5 and 0.75 have no rounding
    found = judge("adaptation-share", "embedded", ledger=exact, value=0.5, low=low, high=high)
    assert found["verdict"] == verdict


def test_a_claim_without_a_tolerance_is_exact():
    exact = LEDGER.assign(target=0.5, tolerance="")
    for value, verdict in ((0.5, "reproduced"), (0.5001, "differs")):
        assert judge("adaptation-share", "release", ledger=exact, value=value)["verdict"] == verdict


def test_what_is_expected_is_shown_as_it_was_published():
    assert LEDGER.loc["adaptation-share", "target_text"] == "70.29\N{NO-BREAK SPACE}%"
    ratio = LEDGER[(LEDGER["check"] == "share") & LEDGER["fact"].str.contains("/")].iloc[0]
    top, bottom = (FACTS.loc[part, "value"] for part in ratio["fact"].split("/"))
    assert ratio["target_text"] == f"{100 * top / bottom:.1f}\N{NO-BREAK SPACE}%"


def test_verify_falls_back_only_from_a_whole_embedded_run(tmp_path, capsys):
    row = {"id": "x", "board": "study", "verdict": "differs", "baseline": "reproduced", "expected": "1", "found": "2"}
    pd.DataFrame([row | {"reason": "", "data_kind": "coded"}]).to_csv(tmp_path / "claims.csv", index=False)
    pd.DataFrame(columns=[*row, "reason", "data_kind"]).to_csv(tmp_path / "clerical.csv", index=False)
    last = DEFAULTS["last_year"]
    for source, year, code in (("embedded", last, 3), ("embedded", last - 1, 0), ("tables", last, 0)):
        assert claims.verify({"source": source, "last_year": year}, tmp_path) == code
        assert ("NO LONGER REPRODUCED x" in capsys.readouterr().out) == (code == 3)


def test_a_caution_stands_where_it_bears_on_the_verdict():
    caution = "the denominator of the published share is not stated"
    sampled = judge("adaptation-share", "embedded", value=0.7, low=0.5, high=0.9)
    assert caution in sampled["reason"] and sampled["interval"] == "50.0\N{NO-BREAK SPACE}% to 90.0\N{NO-BREAK SPACE}%"
    # About another sample: neither the caution nor an interval bears on what is recomputed.
    recomputed = judge("adaptation-share", "release", value=0.7029, low=0.5, high=0.9)
    assert caution not in recomputed["reason"] and recomputed["interval"] == ""
    assert "two digits appear to be swapped" in judge("full-text-label", "embedded", value=6962)["reason"]


def test_what_no_data_speak_to_shows_no_number_and_what_is_missing():
    for claim, source, why in (
        ("v1-analysed", "embedded", "a sample gives no total; needs the released database"),
        ("pilot-papers", "release", "a count of the authors' pilot; needs source: embedded"),
    ):
        judged_ = judge(claim, source, value=110)
        assert judged_[["verdict", "found", "interval", "notebook", "key", "reason"]].tolist() == [
            "not checkable", "", "", "", "", why,
        ]  # fmt: skip


def test_a_model_of_two_patterns_is_one_instance_and_every_field_is_judged_at_its_own_level():
    def study_of(rows, fields=()):
        reuse = pd.DataFrame(rows, columns=["paper", "canonical", "pattern"]).astype({"paper": "str"})
        reuse = reuse.assign(coder="me", model=reuse["canonical"], family=reuse["canonical"])
        about = pd.DataFrame({"paper": reuse["paper"].unique(), "year": 2020, "megajournal": "PLOS", "doi": "",
                              "cited_by": 1, "natural_science": "yes", "full_text": "yes"})  # fmt: skip
        uses = about[["paper"]].assign(coder="me", uses_dl="yes", uses_ptm="yes")
        made = dict.fromkeys(("rows_read", "rows_kept", "rows_rejected"), [0]) | {"sha256": "", "version": ""}
        return study.validate({
            "papers": about, "uses": uses, "reuse": reuse,
            "fields": pd.DataFrame(list(fields), columns=["paper", "field"]).astype("str"),
            "provenance": pd.DataFrame({"source": ["tables"], "kind": "coded", "path": "here"} | made),
        })  # fmt: skip

    again = {"conf": 0.95, "resamples": 999, "seed": 1}
    twice = study_of([(p, "AlexNet", pattern) for p in "ab" for pattern in ("adaptation", "conceptual")]
                     + [(p, "BERT", "adaptation") for p in "abc"])  # fmt: skip
    assert judged.estimates(twice, **again)["evidence_rank_alexnet"].value == 2  # 2 instances against 3
    rng = np.random.default_rng(2)
    rows = [(i, "m", "adaptation" if rng.random() < 0.62 else "conceptual") for i in range(80)]
    wide, narrow = (
        judged.estimates(study_of(rows, [(i, name) for i in range(80) for name in FIELDS[:n]]), **again)[
            "evidence_worst_rank_adaptation"
        ]
        for n in (8, 1)
    )
    assert (narrow.high, wide.high) == (1, 2)  # the same papers in every field: only the level differs


def test_a_claim_is_never_judged_in_another_unit():
    with pytest.raises(StudyError, match=r"expected a number of instances, found evidence_adaptation_instances_share"):
        judge("adaptation-share", "embedded", value=0.7, low=0.66, high=0.74, unit="pairs")


def test_unit_and_population_of_a_claim_are_those_of_the_number_that_judges_it():
    sampled = LEDGER[LEDGER["sample"] == "yes"]
    assert set(sampled["key"]) == set(judged.COUNTED)
    for claim in sampled.itertuples():
        unit, populations = judged.COUNTED[claim.key]
        assert (claim.unit, claim.population.partition(" of four")[0] in populations) == (unit, True), claim.id
    found = judged.estimates(embedded(), conf=0.95, resamples=199, seed=1)
    for key, (unit, _) in judged.COUNTED.items():
        assert found[key].unit == unit, key


def test_no_verdict_moves_with_the_readers_confidence_and_all_intervals_hold_together():
    assert judged.level(LEDGER) == pytest.approx(1 - 0.05 / 9)
    found = judged.estimates(embedded(), conf=judged.level(LEDGER), resamples=199, seed=1)["evidence_dl_share"]
    wide = by_people.share(embedded(), "uses_dl", conf=0.95)
    assert found.value == wide.value
    assert found.low < wide.low < wide.high < found.high


def test_the_page_prints_the_rules_that_decide():
    table = claims.rules()
    assert table["order"].tolist() == list(range(1, len(claims.RULES) + 1))
    assert set(table["verdict"]) == set(claims.VERDICTS)
    last = table.groupby("claim")["when"].last()
    assert last[[claims.SHARE, claims.TOP]].tolist() == ["otherwise", "otherwise"]


def test_one_field_that_leads_does_not_speak_for_all():
    sure, open_ = (
        pd.DataFrame({"paper": range(30), "pattern": "adaptation"}),
        pd.DataFrame({"paper": range(4), "pattern": ["adaptation", "adaptation", "deployment", "conceptual"]}),
    )
    second = pd.DataFrame({"paper": range(30), "pattern": ["deployment"] * 29 + ["adaptation"]})
    again = {"conf": 0.95, "resamples": 199, "seed": 1}
    for parts, low, high in (([sure, open_], 1, 3), ([sure.iloc[:1], second, sure], 2, 3), ([sure, sure], 1, 1)):
        worst = patterns.worst_rank([patterns.rank(part, "pattern", "adaptation", **again) for part in parts])
        assert (worst.low, worst.high) == (low, high)


def test_a_database_is_judged_by_the_release_that_it_holds():
    total = dict.fromkeys(("text", "n", "step", "cell"), "")
    total |= {"key": "evidence_papers", "value": 18091, "unit": "papers"}
    registry = pd.DataFrame([total, total | {"key": "evidence_cited", "value": 13815}]).set_index("key", drop=False)
    judged = claims.evaluate(LEDGER, registry, "release", "coded").set_index("id")
    assert judged.loc[["may-found", "may-cited"], "verdict"].tolist() == ["reproduced", "differs"]
    assert judged.loc["v1-cited", ["verdict", "reason"]].tolist() == [
        "not checkable", "the database in use holds the papers of May 2026, not of v1",
    ]  # fmt: skip
    registry.loc["evidence_papers", "value"] = 18090
    judged = claims.evaluate(LEDGER, registry, "release", "coded").set_index("id")
    assert judged.loc[["may-found", "v1-cited"], "verdict"].tolist() == ["differs", "reproduced"]


def test_papers_that_were_set_aside_make_no_number_wrong():
    registry = pd.DataFrame([{"key": "evidence_papers", "text": "91", "value": 91, "unit": "papers"} | dict.fromkeys(
        ("n", "step", "cell"), "")]).set_index("key", drop=False)  # fmt: skip
    for whole, verdict in ((True, "differs"), (False, "not checkable")):
        judged = claims.evaluate(LEDGER.loc[["pilot-papers"]], registry, "embedded", "coded", whole=whole)
        assert judged["verdict"].tolist() == [verdict]


def test_simulated_papers_give_no_verdict_about_the_world():
    judged = judge("adaptation-share", "simulated", "simulated", value=0.7029)
    assert (judged["verdict"], judged["found"]) == ("not checkable", "")
    assert "say nothing about the world" in judged["reason"]


def test_a_generated_release_is_judged_and_marked():
    judged = judge("adaptation-share", "release", "simulated", value=0.7029)
    assert judged["verdict"] == "reproduced"
    assert judged["reason"].startswith("SIMULATED papers, not evidence")
    words = judge("full-text-agree", "release", "simulated", value=6962)  # two published numbers: no papers in it
    assert words["verdict"] == "reproduced" and "SIMULATED" not in words["reason"]


def test_the_ledger_repeats_no_number():
    for claim in LEDGER.itertuples():
        if claim.check != "top":
            assert str(FACTS.loc[claim.fact.split("/")[0], "value"]).removesuffix(".0") not in claim.statement


def test_every_published_quantity_is_claimed_or_belongs_to_a_claim():
    used = {part for fact in LEDGER["fact"] for part in fact.split("/")}
    context = ("pilot_term_", "plos_published_")  # how the pilot was drawn; no claim of the study
    left = {fact for fact in FACTS.index if not fact.startswith(context)}
    assert left - used <= {"may2026_full_text_analysed"}


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("v1_analysed,", "v1_analyzed,", "expected an id of data/published.csv, found 'v1_analyzed'"),
        (",equal,v1_cited", ",equals,v1_cited", "column check: expected one of equal, share, top, found 'equals'"),
        ("v1-cited,", "v1-analysed,", "v1-analysed twice"),
        ("id,question", "name,question", "expected the columns id"),
        ("study,papers", "world,papers", "column board: expected one of study, clerical, found 'world'"),
        (",0.05,", ",,", "expected the difference that would matter, fixed before the result is seen"),
        (",,0.0005,", ",,half,", "column tolerance: expected a number or nothing, found 'half'"),
    ],
)
def test_a_mistake_in_the_ledger_is_named(tmp_path, old, new, says):
    path = tmp_path / "claims.csv"
    path.write_text((paths.DATA / "claims.csv").read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    with pytest.raises(StudyError) as refused:
        claims.ledger(FACTS, path)
    assert says in str(refused.value)
