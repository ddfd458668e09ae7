"""A sample that stands for its frame and can be drawn again."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ptmreuse.analysis import sampling
from ptmreuse.errors import StudyError
from ptmreuse.evidence import study


def frame(sizes):
    years = np.repeat(np.arange(2000, 2000 + len(sizes)), sizes)
    return pd.DataFrame({"paper": [f"p{i:04d}" for i in range(len(years))], "year": years, "journal": "PLOS"})


@settings(max_examples=25)
@given(
    st.lists(st.integers(1, 60), min_size=1, max_size=8),
    st.floats(0.01, 1),
    st.integers(0, 2**32 - 1),
)
def test_weights_add_up_every_stratum_is_drawn_and_row_order_does_not_matter(sizes, fraction, seed):
    papers = frame(sizes)
    sample = sampling.draw(papers, ["year", "journal"], fraction, seed)
    assert sample["weight"].groupby(sample["year"]).sum().to_numpy() == pytest.approx(sizes)
    assert sample["paper"].is_unique
    assert sample["inclusion_probability"].between(0, 1, inclusive="right").all()
    again = sampling.draw(papers.sample(frac=1, random_state=1), ["year", "journal"], fraction, seed)
    pd.testing.assert_frame_equal(sample, again)


def test_every_paper_of_a_stratum_has_the_same_chance():
    # 2 of 5 from each of 2,000 strata: each place is drawn 800 times, standard deviation 21.9.
    drawn = sampling.draw(frame([5] * 2000), ["year"], 0.4, seed=1)["paper"]
    places = drawn.str[1:].astype("int64") % 5
    assert places.value_counts().between(800 - 88, 800 + 88).all()


@pytest.mark.parametrize(
    ("change", "fraction", "says"),
    [
        (lambda f: f, 0, "above 0 and at most 1, found 0"),
        (lambda f: f, 1.5, "found 1.5"),
        (lambda f: pd.concat([f, f.head(1)]), 0.1, "p0000 twice"),
        (lambda f: f.assign(journal=[None] + ["PLOS"] * 9), 0.1, "1 papers without"),
    ],
)
def test_an_impossible_frame_is_refused(change, fraction, says):
    with pytest.raises(StudyError) as refused:
        sampling.draw(change(frame([10])), ["year", "journal"], fraction, seed=1)
    assert says in str(refused.value)


def test_weights_of_other_strata_do_not_pass():
    papers = frame([10, 30]).assign(journal=["PLOS", "BMJ"] * 20)
    sample = sampling.draw(papers, ["year"], 0.1, seed=1)
    with pytest.raises(StudyError, match="draw by the same strata"):
        sampling.reconcile(papers, sample, "journal")


def test_the_published_funnels_narrow():
    facts = study.published()
    table = sampling.funnels(facts, conf=0.95)
    assert table.groupby("release")["papers"].apply(lambda p: p.is_monotonic_decreasing).all()
    facts.loc["v1_cited", "value"] = 20000
    with pytest.raises(StudyError, match="at most 17511 papers, found 20000"):
        sampling.funnels(facts, conf=0.95)


def test_sizes_follow_cochran():
    # Cochran (1977), section 4.4: 384.15/(1 + 383.15/N), rounded up.
    plan = sampling.plan({"v1": 17511, "reuse": 631}, 0.05, 0.95)
    assert plan["with_correction"].tolist() == [376, 240]
