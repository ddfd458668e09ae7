"""The simulated corpus: published totals, and planted effects that can be recovered."""

import hashlib

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

import made_release
from ptmreuse import paths
from ptmreuse.errors import StudyError
from ptmreuse.evidence import simulated, study


@pytest.fixture(scope="module")
def corpus():
    return simulated.simulate_corpus(seed=7)


def digest(tables, hits):
    text = "".join(f.to_csv() for f in tables.values()) + hits.to_csv()
    return hashlib.sha256(text.encode()).hexdigest()


def test_totals_are_the_published_funnel(corpus):
    tables, _ = corpus
    papers = tables["papers"]
    uses = tables["uses"].query("coder == 'truth'")
    counted = [
        len(papers),
        int((papers["cited_by"] > 0).sum()),
        int((papers["natural_science"] == "yes").sum()),
        int((papers["full_text"] == "yes").sum()),
        int((uses["uses_dl"] == "yes").sum()),
        int((uses["uses_ptm"] == "yes").sum()),
    ]
    assert counted == [18091, 14998, 7218, 6962, 4662, 1837]
    assert study.data_kind(tables) == "simulated"


def test_frame_follows_the_study_design(corpus):
    tables, hits = corpus
    papers, fields = tables["papers"], tables["fields"]
    design = study.read_csv(paths.DATA / "design.csv")
    named = {topic: set(rows["item"]) for topic, rows in design.groupby("topic")}
    assert set(papers["megajournal"]) == named["megajournal"] == set(hits["megajournal"])
    assert set(hits["keyword"]) == named["keyword"]
    assert set(hits["paper"]) == set(papers["paper"]) and not hits.duplicated(["paper", "keyword"]).any()
    assert fields.groupby("paper").size().between(1, 3).all()
    # natural science = cited at least once and a topic among the eight
    in_eight = papers["paper"].isin(fields.loc[fields["field"].isin(study.FIELDS), "paper"])
    assert ((papers["natural_science"] == "yes") == (in_eight & (papers["cited_by"] > 0))).all()
    per_year = papers.groupby("year").size()
    assert list(per_year.index) == list(range(2000, 2026))
    assert per_year.loc[2020:].min() > per_year.loc[:2010].max()


def test_same_seed_same_bytes_and_another_seed_others():
    assert digest(*simulated.simulate_corpus(3, 400)) == digest(*simulated.simulate_corpus(3, 400))
    assert digest(*simulated.simulate_corpus(3, 400)) != digest(*simulated.simulate_corpus(4, 400))


def slopes(tables, question, given):
    """Logistic log odds of the true code per year and per field, by statsmodels."""
    uses = tables["uses"].query("coder == 'truth'")
    if given:
        uses = uses[uses[given] == "yes"]
    coded = uses.merge(tables["papers"], on="paper")
    member = pd.crosstab(tables["fields"]["paper"], tables["fields"]["field"])[list(study.FIELDS)]
    x = member.reindex(coded["paper"]).reset_index(drop=True).assign(year=coded["year"].astype("float") - 2015)
    fit = sm.Logit((coded[question] == "yes").astype("float"), sm.add_constant(x.astype("float"))).fit(disp=0)
    return fit.params, fit.bse


@pytest.mark.parametrize(("question", "given"), [("uses_dl", None), ("uses_ptm", "uses_dl")])
def test_planted_effects_are_recovered(corpus, question, given):
    trend = simulated.TREND_PTM if given else simulated.TREND_DL
    found, error = slopes(corpus[0], question, given)
    field = simulated.FIELD_EFFECTS if given else dict.fromkeys(study.FIELDS, 0.0)
    expected = pd.Series({**field, "year": trend})
    z = (found - expected)[expected.index] / error[expected.index]
    assert z.abs().max() < 3.5  # nine estimates, seeded


def test_patterns_follow_the_planted_mix_and_are_alike_within_papers(corpus):
    tables, _ = corpus
    reuse = tables["reuse"].query("coder == 'truth'")
    tilted = {field for field, _ in simulated.PATTERN_EFFECTS}
    plain = ~reuse["paper"].isin(tables["fields"].loc[tables["fields"]["field"].isin(tilted), "paper"])
    share = reuse.loc[plain, "pattern"].value_counts(normalize=True)
    for pattern, expected in simulated.PATTERN_MIX.items():
        assert share[pattern] == pytest.approx(expected, abs=0.05)
    share = reuse["pattern"].value_counts(normalize=True)
    assert share["deployment"] > simulated.PATTERN_MIX["deployment"]  # biochemistry deploys more
    several = reuse[reuse.groupby("paper")["model"].transform("size") > 1]
    pairs = several.groupby("paper")["pattern"].agg(lambda p: p.iloc[0] == p.iloc[1])
    # two items share the paper's own pattern with chance ALIKE squared, else agree by chance
    expected = simulated.ALIKE**2 + (1 - simulated.ALIKE**2) * (share**2).sum()
    assert pairs.mean() == pytest.approx(expected, abs=0.05)


def test_coder_has_the_planted_sensitivity_and_specificity(corpus):
    tables, _ = corpus
    planted = {"sensitivity": simulated.SENSITIVITY, "specificity": simulated.SPECIFICITY}
    uses = tables["uses"].pivot(index="paper", columns="coder", values=["uses_dl", "uses_ptm"])
    for question in ("uses_dl", "uses_ptm"):
        true, seen = uses[question]["truth"], uses[question]["simulated coder"]
        if question == "uses_ptm":  # asked of papers that the coder said use deep learning
            asked = uses["uses_dl"]["simulated coder"] == "yes"
            true, seen = true[asked], seen[asked]
        known = seen != "unknown"
        assert (~known).mean() == pytest.approx(simulated.UNKNOWN, abs=0.005)
        right = (true == seen)[known].groupby(true[known]).agg(["mean", "size"])
        for answer, which in (("yes", "sensitivity"), ("no", "specificity")):
            p = planted[which][question]
            assert right.loc[answer, "mean"] == pytest.approx(
                p, abs=4 * np.sqrt(p * (1 - p) / right.loc[answer, "size"])
            )
    for table, column, name in (("reuse", "pattern", "pattern"), ("stages", "stage", "stage")):
        codes = tables[table].pivot(index=["paper", "model"], columns="coder", values=column).dropna()
        right = (codes["truth"] == codes["simulated coder"]).mean()
        assert right == pytest.approx(planted["sensitivity"][name], abs=0.03)


def test_other_sizes_are_in_proportion_and_too_small_is_refused():
    papers = simulated.simulate_corpus(1, papers=1809)[0]["papers"]
    yes = [int((papers[column] == "yes").sum()) for column in ("natural_science", "full_text")]
    assert [len(papers), int((papers["cited_by"] > 0).sum()), *yes] == [1809, 1500, 722, 696]
    with pytest.raises(StudyError, match="expected 100 papers or more, found 99"):
        simulated.simulate_corpus(1, papers=99)


def test_a_generated_release_is_the_same_twice(tmp_path):
    import sqlite3

    dumps = []
    for name in ("a.db", "b.db"):
        truth = made_release.write_release(tmp_path / name, seed=5, papers=150)
        with sqlite3.connect(tmp_path / name) as database:
            dumps.append((list(database.iterdump()), truth))
        database.close()
    assert dumps[0] == dumps[1]
