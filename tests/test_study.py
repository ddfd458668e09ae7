"""Nothing enters the study tables unseen, nothing leaves them uncounted."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ptmreuse import paths
from ptmreuse.analysis import patterns
from ptmreuse.errors import StudyError
from ptmreuse.evidence import items, pilot, study
from ptmreuse.statistics.estimate import Estimate

PILOT = pilot.embedded()
FACTS = study.published()["value"]
FIRST = PILOT["papers"]["paper"].iloc[0]


def test_the_embedded_pilot_is_the_published_pilot():
    uses, codes = PILOT["uses"], PILOT["reuse"]
    assert len(PILOT["papers"]) == FACTS["pilot_papers"]
    assert (uses["uses_dl"] == "yes").sum() == FACTS["pilot_uses_dl"]
    assert (uses["uses_ptm"] == "yes").sum() == FACTS["pilot_reuse_papers"]
    assert not ((uses["uses_ptm"] == "yes") & (uses["uses_dl"] != "yes")).any()
    for pattern in study.PATTERNS:
        with_it = codes[codes["pattern"] == pattern]
        assert len(with_it) == FACTS[f"pilot_pairs_{pattern}"]
        assert with_it["paper"].nunique() == FACTS[f"pilot_papers_{pattern}"]
    assert set(codes["paper"]) == set(uses.loc[uses["uses_ptm"] == "yes", "paper"])
    assert PILOT["papers"].groupby("year").size().to_dict() == dict.fromkeys(range(2014, 2025), 10)
    assert PILOT["provenance"]["version"].iloc[-1].endswith("year 2022 as written, corrected to 2024")


def test_written_tables_read_back_the_same(tmp_path):
    study.write(PILOT, tmp_path)
    for name, frame in study.read(tmp_path).items():
        pd.testing.assert_frame_equal(frame, PILOT[name])


def broken(table, row=0, **cells):
    frame = PILOT[table].copy()
    for column, value in cells.items():
        frame[column] = frame[column].astype("object")
        frame.loc[row, column] = value
    return PILOT | {table: frame}


@pytest.mark.parametrize(
    ("tables", "says"),
    [
        (broken("uses", uses_dl="maybe"), "table uses, row 1, column uses_dl: expected one of yes, no, unknown"),
        (broken("uses", row=4, paper="P999"), "table uses, row 5, column paper: expected a paper that is listed"),
        (broken("papers", row=1, paper=FIRST), f"table papers, row 2: expected each paper once, found '{FIRST}' again"),
        (broken("papers", year="MMXX"), "expected a year from 1900 to 2100, found 'MMXX'"),
        (broken("papers", cited_by="-1"), "expected a whole number, 0 or more, found '-1'"),
        (broken("reuse", pattern="Adaptation"), "column pattern: expected one of conceptual"),
        (broken("reuse", model=""), "column model: expected some text, found ''"),
        ({"paper": PILOT["papers"]}, "expected tables among papers"),
        ({"uses": PILOT["uses"].drop(columns="coder")}, "found no coder"),
        ({"papers": PILOT["papers"].assign(mine=1)}, "found also mine"),
    ],
)
def test_a_bad_table_is_named_with_row_column_and_value(tables, says):
    with pytest.raises(StudyError) as refused:
        study.validate(tables, where="my")
    assert says in str(refused.value)


@settings(max_examples=25)
@given(st.sampled_from(sorted(study.SCHEMA)), st.data())
@pytest.mark.slow
def test_any_cell_is_kept_or_refused_never_changed(table, data):
    column = data.draw(st.sampled_from(sorted(study.SCHEMA[table])))
    value = data.draw(st.text(max_size=8))
    row = {c: "1" for c in study.SCHEMA[table]} | {column: value}
    frame = pd.DataFrame([row])
    papers = PILOT["papers"].head(1).assign(paper=row.get("paper", "1").strip() or "1")
    try:
        kept = study.validate({"papers": papers} | {table: frame})[table]
    except StudyError:
        return
    text = "" if pd.isna(kept.loc[0, column]) else str(kept.loc[0, column])
    assert text == value.strip() or float(text) == float(value)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "an empty file"),
        (b"a,b\n1,2\n1,2,3\n", "give every row as many cells"),
        (b"a\n\xff\n", "not UTF-8"),
        (None, "no such file"),
    ],
)
def test_a_file_that_is_no_table_is_said(tmp_path, content, says):
    path = tmp_path / "x.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(StudyError) as refused:
        study.read_csv(path)
    assert says in str(refused.value)


def test_books_that_do_not_balance_are_refused():
    books = PILOT["provenance"].copy()
    books.loc[0, "rows_kept"] = 109
    with pytest.raises(StudyError, match="110 rows read = kept"):
        study.accounting(PILOT | {"provenance": books})
    with pytest.raises(StudyError, match="expected 0 rejects, found 1"):
        reject = pd.DataFrame([dict.fromkeys(study.SCHEMA["rejects"], "x")])
        study.accounting(PILOT | {"rejects": reject})


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("17511", "17k", "expected a number, found '17k'"),
        (",paper,arXiv", ",hearsay,arXiv", "found source 'arXiv 2603.13584v1', kind 'hearsay'"),
        ("v1_cited", "v1_analysed", "v1_analysed twice"),
    ],
)
def test_a_fact_without_number_or_source_is_refused(tmp_path, old, new, says):
    path = tmp_path / "published.csv"
    path.write_text((paths.DATA / "published.csv").read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    with pytest.raises(StudyError) as refused:
        study.published(path)
    assert says in str(refused.value)


def test_shares_of_pairs_and_of_papers_differ_and_both_are_clustered():
    shares, estimates = patterns.pattern_shares(PILOT["reuse"], conf=0.95)
    assert shares.set_index("pattern").loc["adaptation", ["pairs", "papers"]].tolist() == [21, 9]
    clustered = estimates["adaptation", "pairs"]
    naive_low, naive_high = clustered.detail["naive"]
    assert clustered.high - clustered.low > naive_high - naive_low


def test_the_leader_of_few_papers_is_uncertain_and_the_seed_decides_nothing_twice():
    ranks = [patterns.rank(PILOT["reuse"], "pattern", "adaptation", conf=0.95, resamples=499, seed=3) for _ in range(2)]
    assert ranks[0] == ranks[1]
    assert (ranks[0].low, ranks[0].value, ranks[0].high) == (1, 1, 3)
    none = patterns.rank(PILOT["stages"], "stage", "Test", conf=0.95, resamples=499, seed=3)
    assert none.sentence == "n/a (0 pairs)"


def test_what_is_tied_has_the_best_rank_and_the_worst_group_ranks_all():
    tie = pd.DataFrame({"paper": list("abcd"), "pattern": list("xxyy")})
    assert [patterns.rank(tie, "pattern", p, conf=0.9, resamples=99, seed=1).value for p in "xy"] == [1, 1]
    worst = patterns.worst_rank([Estimate(1, 1, 2), Estimate(2, 2, 3)])
    assert (worst.value, worst.low, worst.high) == (2, 2, 3)


def test_a_stage_counts_once_however_its_model_is_written():
    stages = pd.DataFrame({"paper": "a", "coder": "x", "model": ["unet", "U-Net"], "stage": "Test"})
    assert len(items.items(PILOT | {"stages": stages}, "stage")) == 1


def test_text_is_kept_as_a_reader_keeps_it_also_beside_pyarrow():
    assert study.empty("papers")["paper"].dtype.storage == "python"
