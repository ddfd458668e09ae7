"""Coders against each other, on small invented codings whose counts are known by hand."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ptmreuse.coding import two_coders
from ptmreuse.errors import StudyError
from ptmreuse.evidence import study


def coding(coder, uses, reuse=()):
    """Study tables of one coder: {paper: (uses_dl, uses_ptm)} and (paper, model, pattern)."""
    return study.validate(
        {
            "papers": pd.DataFrame(
                [(p, "", 2020, "", pd.NA, "yes", "yes") for p in uses], columns=list(study.SCHEMA["papers"])
            ),
            "uses": pd.DataFrame(
                [(p, coder, *answers) for p, answers in uses.items()], columns=list(study.SCHEMA["uses"])
            ),
            "reuse": pd.DataFrame(
                [(p, coder, m, m, m.split("-")[0], pattern) for p, m, pattern in reuse],
                columns=list(study.SCHEMA["reuse"]),
            ),
        }
    )


HUMAN = coding(
    "human",
    {
        "a": ("yes", "yes"), "b": ("yes", "yes"), "c": ("yes", "no"), "d": ("no", "no"), "e": ("no", "no"),
        "f": ("unknown", "unknown"), "g": ("yes", "yes"), "only-human": ("yes", "no"),
    },
    [("a", "ResNet-50", "adaptation"), ("a", "U-Net", "conceptual"), ("a", "U-Net", "adaptation"),
     ("b", "AlphaFold-2", "deployment")],
)  # fmt: skip
RULES = coding(
    "rules",
    {
        "a": ("yes", "yes"), "b": ("yes", "unknown"), "c": ("no", "no"), "d": ("yes", "no"), "e": ("no", "no"),
        "f": ("yes", "no"), "g": ("yes", "yes"), "only-rules": ("yes", "no"),
    },
    [("a", "ResNet-18", "adaptation"), ("a", "U-Net", "conceptual"), ("g", "BERT", "unknown")],
)  # fmt: skip


def test_confusion_keeps_unknown_and_papers_of_one_coder_apart():
    table = two_coders.confusion(HUMAN, RULES, "uses_dl")
    assert table.to_numpy().tolist() == [[3, 1, 0, 1], [1, 1, 0, 0], [1, 0, 0, 0], [1, 0, 0, 0]]
    assert table.to_numpy().sum() == 9


def test_accuracy_counts_only_papers_that_both_decided():
    rates = two_coders.accuracy(HUMAN, RULES, "uses_ptm")
    # a, g right; c, d, e right no; b is unknown to the rules and leaves; f is unknown to the human
    assert (rates["sensitivity"].detail["k"], rates["sensitivity"].n) == (2, 2)
    assert (rates["specificity"].detail["k"], rates["specificity"].n) == (3, 3)
    assert (rates["decided"].detail["k"], rates["decided"].n) == (5, 6)
    rates = two_coders.accuracy(HUMAN, RULES, "uses_dl")
    assert rates["sensitivity"].value == pytest.approx(3 / 4)
    assert rates["specificity"].value == pytest.approx(1 / 2)
    assert rates["ppv"].value == pytest.approx(3 / 4)
    assert rates["npv"].value == pytest.approx(1 / 2)
    assert rates["f1"].value == pytest.approx(2 * 3 / (2 * 3 + 1 + 1))


def test_patterns_by_paper():
    human, rules = two_coders.answers(HUMAN, "adaptation"), two_coders.answers(RULES, "adaptation")
    assert human.to_dict() == {
        "a": "yes", "b": "no", "c": "no", "d": "no", "e": "no", "f": "unknown",
        "g": "unknown",  # reuse without a model named
        "only-human": "no",
    }  # fmt: skip
    assert rules["a"] == "yes"
    assert rules["b"] == "unknown"  # PTM reuse itself is unknown
    assert rules["g"] == "unknown"  # a model with an unknown pattern


def test_models_are_compared_by_name_and_by_family():
    table = two_coders.pairs(HUMAN, RULES).set_index(["paper", "model"])
    assert table.loc[("a", "U-Net")].tolist() == ["adaptation + conceptual", "conceptual"]
    assert table.loc[("a", "ResNet-18")].tolist() == ["not named", "adaptation"]
    rates = two_coders.model_accuracy(HUMAN, RULES)
    assert (rates["sensitivity"].detail["k"], rates["sensitivity"].n) == (1, 3)
    assert (rates["ppv"].detail["k"], rates["ppv"].n) == (1, 3)
    rates = two_coders.model_accuracy(HUMAN, RULES, by="family")
    assert (rates["sensitivity"].detail["k"], rates["sensitivity"].n) == (2, 3)


def test_everything_at_once_and_without_any_model():
    table = two_coders.evaluate(HUMAN, RULES)
    assert set(table.question) == {*two_coders.YES_NO, *study.PATTERNS, "models", "families"}
    assert {"sensitivity", "specificity", "ppv", "npv", "f1", "kappa", "decided"} <= set(table.measure)
    none = coding("nobody", {"a": ("no", "no"), "b": ("no", "no")})
    empty = two_coders.evaluate(none, none)
    assert empty.loc[empty.question == "models", "value"].isna().all()


def test_two_coders_in_one_table_are_refused():
    both = {name: pd.concat([HUMAN[name], RULES[name]]) for name in HUMAN}
    with pytest.raises(StudyError, match="one coder"):
        two_coders.answers(both, "uses_dl")
    with pytest.raises(StudyError):
        two_coders.answers(HUMAN, "colour")


EVIDENCE = pd.DataFrame(
    [
        ("c", "rules", "uses_dl", "", "no", "mention only", 0.8, "Introduction", "CNNs are popular."),
        ("a", "rules", "pattern", "U-Net", "conceptual", "conceptual.scratch", 0.7, "Methods", "U-Net, anew."),
        ("a", "rules", "pattern", "U-Net", "conceptual", "other", 0.2, "Methods", "weaker"),
    ],
    columns=["paper", "coder", "question", "model", "answer", "rule", "confidence", "section", "sentence"],
)


def test_disagreements_carry_their_evidence():
    table = two_coders.disagreements(HUMAN, RULES, EVIDENCE).set_index(["paper", "question", "model"])
    assert len(table) == 4 + 2 + 5 - 1
    assert table.loc[("c", "uses_dl", ""), ["first", "second", "sentence"]].tolist() == [
        "yes", "no", "CNNs are popular.",
    ]  # fmt: skip
    assert table.loc[("a", "pattern", "U-Net"), "sentence"] == "U-Net, anew."
    assert not table.index.get_level_values("paper").str.startswith("only").any()
    assert two_coders.disagreements(HUMAN, HUMAN).empty


def test_settling_by_hand_makes_a_third_coding(tmp_path):
    path = tmp_path / "disagreements.csv"
    table = two_coders.disagreements(HUMAN, RULES, EVIDENCE)
    two_coders.write_disagreements(table, path)
    decided = {
        ("c", "uses_dl", ""): "yes",
        ("a", "pattern", "U-Net"): "adaptation + conceptual",
        ("a", "pattern", "ResNet-18"): "not named",
    }
    filled = two_coders.read_decisions(path)
    filled["decision"] = [
        decided.get(key, "") for key in filled[["paper", "question", "model"]].itertuples(index=False, name=None)
    ]
    filled.to_csv(path, index=False)
    settled = two_coders.settle(HUMAN, RULES, two_coders.read_decisions(path))
    uses = settled["uses"].set_index("paper")
    assert set(uses.coder) == {"settled"}
    assert uses.uses_dl.to_dict() == {
        "a": "yes", "b": "yes", "c": "yes", "d": "unknown", "e": "no", "f": "unknown", "g": "yes",
    }  # fmt: skip
    reuse = settled["reuse"]
    found = set(reuse[["paper", "canonical", "pattern"]].itertuples(index=False, name=None))
    assert found == {
        ("a", "U-Net", "adaptation"), ("a", "U-Net", "conceptual"), ("a", "ResNet-50", "unknown"),
        ("b", "AlphaFold-2", "unknown"), ("g", "BERT", "unknown"),
    }  # fmt: skip
    study.validate({"papers": HUMAN["papers"], **settled})


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda t: t.assign(decision="maybe"), "row 1, column decision"),
        (lambda t: t.assign(decision="adaptation + not named"), "row 1, column decision"),
        (lambda t: t.drop(columns="decision"), "no column decision"),
        (lambda t: pd.concat([t, t.head(1)]), "once"),
    ],
)
def test_a_wrong_decision_is_refused_with_its_row(tmp_path, change, says):
    change(two_coders.disagreements(HUMAN, RULES)).to_csv(tmp_path / "d.csv", index=False)
    with pytest.raises(StudyError, match=says):
        two_coders.read_decisions(tmp_path / "d.csv")


def test_decisions_about_something_else_are_refused(tmp_path):
    table = two_coders.disagreements(HUMAN, RULES)
    with pytest.raises(StudyError, match="export the disagreements"):
        two_coders.settle(HUMAN, HUMAN, table)


ANSWERS = st.dictionaries(
    st.sampled_from("abcdefgh"), st.tuples(st.sampled_from(study.ANSWERS), st.sampled_from(study.ANSWERS)), min_size=1
)


@settings(max_examples=8)
@given(ANSWERS, ANSWERS)
@pytest.mark.slow
def test_every_paper_is_counted_once(first, second):
    a, b = coding("a", first), coding("b", second)
    table = two_coders.confusion(a, b, "uses_dl")
    assert table.to_numpy().sum() == len(first.keys() | second.keys())
    differ = [p for p in first.keys() & second.keys() for i in (0, 1) if first[p][i] != second[p][i]]
    assert len(two_coders.disagreements(a, b)) == len(differ)
    settled = two_coders.settle(a, b, two_coders.disagreements(a, b))
    assert sorted(settled["uses"].paper) == sorted(first.keys() & second.keys())
