"""The released database: counts equal the truth, nothing vanishes, and a bad file gets one sentence."""

import json
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import made_release
from ptmreuse import paths
from ptmreuse.errors import StudyError
from ptmreuse.evidence import answers, release, sources, study


@pytest.fixture(scope="module")
def messy(tmp_path_factory):
    path = tmp_path_factory.mktemp("release") / "messy.db"
    return path, made_release.write_release(path, seed=11, papers=2000, text_kb=0.2)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    path = tmp_path_factory.mktemp("small") / "small.db"
    made_release.write_release(path, seed=1, papers=120, messy=False, text_kb=0.1)
    return path


@pytest.fixture
def database(small, tmp_path):
    """A small clean database that a test may spoil: path and a function that runs SQL in it."""
    path = tmp_path / "small.db"
    shutil.copy(small, path)

    def run(*statements):
        with closing(sqlite3.connect(path)) as connection, connection:
            for statement in statements:
                connection.execute(*statement) if isinstance(statement, tuple) else connection.execute(statement)

    return path, run


def counted(path, last_year=2025):
    return sources.counts(sources.until(release.extract(path), last_year, "release"))


@pytest.mark.parametrize(("seed", "papers", "messy"), [(1, 300, False), (2, 300, True), (3, 150, True)])
def test_counts_equal_the_truth(tmp_path, seed, papers, messy):
    truth = made_release.write_release(tmp_path / "r.db", seed, papers, messy=messy, text_kb=0.1)
    assert counted(tmp_path / "r.db") == truth


def test_a_messy_database_of_2000_papers_equals_the_truth(messy):
    assert counted(messy[0]) == messy[1]


def test_nothing_vanishes(messy):
    path, _ = messy
    tables = release.extract(path)
    books = study.accounting(tables).set_index("path")
    with closing(sqlite3.connect(path)) as connection:
        for table in ("articles", "openalex", "jats", *release.ANSWER_TABLES):
            rows = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            assert books.loc[f"messy.db, {table}", "rows_read"] == rows
    rejected = tables["rejects"].groupby("table").size()
    read = tables["answers"].groupby("question").size()
    for table, question in release.ANSWER_TABLES.items():
        # an answer row is in table answers, or rejected because its paper is not in the frame
        outside = tables["rejects"].query("table == @table and reason not in @answers.STATUSES")
        assert read[question] + len(outside) == books.loc[f"messy.db, {table}", "rows_read"]
    assert rejected.sum() == books["rows_rejected"].sum() > 0
    assert set(tables["answers"]["status"]) == set(answers.STATUSES) - {"conflict", "several"}
    assert study.data_kind(tables) == "simulated"  # it carries the generator's mark


def test_years_after_the_cut_are_reported(messy):
    tables = release.extract(messy[0])
    late = tables["papers"]["year"] > 2020
    cut = sources.until(tables, 2020, "release")
    study.accounting(cut)
    result = sources.counts(cut)
    assert result["rejects"]["papers"] == {"published after 2020": int(late.sum())}
    assert result["papers"] == int((~late.fillna(False)).sum())
    assert "2020" in result["years"] and "2021" not in result["years"]
    assert result["years"]["unknown"]["papers"] > 0  # a paper without a year is not after the cut
    everything = sources.until(tables, 2100, "release")
    assert len(everything["papers"]) == len(tables["papers"])


def answer(run, table, doi, said):
    text = said if said is None or isinstance(said, str) else json.dumps(said)
    row = (f"INSERT INTO {table} (doi, user_prompt, model_response) VALUES (?, ?, ?)", (doi, "text", text))
    run(row)


@pytest.fixture
def one_paper(database):
    """A natural-science paper whose answers a test writes: path, its DOI, and a function that adds one."""
    path, run = database
    for table in release.ANSWER_TABLES:
        run(f"DELETE FROM {table}")
    with closing(sqlite3.connect(path)) as connection:
        doi = connection.execute("SELECT min(doi) FROM natural_science_article_dois").fetchone()[0]

    def say(table, said):
        answer(run, table, doi, said)

    return path, doi, say


def model(name, pattern):
    return {"model": name, "form": "x", "classification": f"{pattern}_reuse", "prose": "y"}


@pytest.mark.parametrize(
    ("said", "uses_dl"),
    [
        ([], None),
        (["yes"], "yes"),
        (["no"], "no"),
        (["yes", "yes"], "yes"),
        (["yes", "no"], "unknown"),
        (["maybe"], "unknown"),
        (["maybe", "no"], "no"),
        ([None], "unknown"),
        ([None, "yes"], "yes"),
    ],
)
def test_unknown_is_never_no(one_paper, said, uses_dl):
    path, doi, say = one_paper
    for word in said:
        say("uses_dl_analysis", None if word is None else {"result": word})
    tables = release.extract(path)
    found = tables["uses"].set_index("paper")["uses_dl"].to_dict()
    assert found == ({} if uses_dl is None else {doi: uses_dl})
    result = sources.counts(tables)
    assert (result["dl_coded"], result["uses_dl"]) == (uses_dl in ("yes", "no"), uses_dl == "yes")
    assert (tables["answers"]["flag"] == "conflict").sum() == (2 if said == ["yes", "no"] else 0)
    # reuse was not asked: no only where deep learning is ruled out, and never counted as coded
    assert set(tables["uses"]["uses_ptm"]) <= {"no" if uses_dl == "no" else "unknown"}
    assert result["ptm_coded"] == 0


@pytest.mark.parametrize(
    ("said", "items"),
    [
        ([[model("U-Net", "adaptation")] * 2], {"adaptation": 1}),
        ([[model("U-Net", "adaptation"), model("unet", "adaptation")]], {"adaptation": 1}),
        ([[model("U-Net", "adaptation"), model("U-Net", "conceptual")]], {"adaptation": 1, "conceptual": 1}),
        ([[model("U-Net", "adaptation")], [model("u-net", "adaptation")]], {"adaptation": 1}),
        ([[model("U-Net", "adaptation")], [model("U-Net", "conceptual")]], {}),
        (
            [[model("U-Net", "adaptation"), model("BERT", "deployment")], [model("BERT", "deployment")]],
            {"deployment": 1},
        ),
        ([[model("U-Net", "adaptation")], ""], {"adaptation": 1}),
        ([[model("U-Net", "adaptation")], [model("U-Net", "hybrid")]], {"adaptation": 1}),
        ([[model("U-Net", "hybrid")]], {}),
    ],
)
def test_one_item_per_paper_model_and_pattern(one_paper, said, items):
    path, doi, say = one_paper
    for text in said:
        say("identify_ptm_reuse_analysis", text)
    tables = release.extract(path)
    result = sources.counts(tables)
    wanted = dict.fromkeys(("adaptation", "conceptual", "deployment"), 0) | items
    assert result["reuse_items"] == wanted
    assert result["reuse_papers"] == wanted  # one paper
    kept = {i["model"] for text in said if text for i in text}
    assert set(tables["reuse"]["model"]) == kept  # also what is unknown stays


def test_counting_rules_differ_as_in_the_authors_scripts(one_paper):
    path, doi, say = one_paper
    say("identify_ptm_reuse_analysis", {"x": [model("U-Net", "adaptation"), model("BERT", "adaptation")] * 2})
    say("identify_ptm_impact_analysis", {"model": "U-Net", "step": "Test"})
    rules = release.counting_rules(release.extract(path)).set_index(["rule", "question", "category"])["n"]
    assert [rules[rule, "pattern", "adaptation"] for rule in release.RULES] == [4, 0, 1, 2]
    assert [rules[rule, "stage", "Test"] for rule in release.RULES] == [1, 1, 1, 1]
    assert rules.sum() == 7 + 4


@settings(max_examples=15)
@given(
    st.lists(
        st.sampled_from([*release.ANSWER_TABLES]).flatmap(
            lambda table: st.tuples(
                st.just(table),
                st.sampled_from(["10.5555/a", "10.5555/B", "", None, "10.5555/elsewhere"]),
                st.none()
                | st.text(max_size=20)
                | st.sampled_from(['{"result": true}', '{"result": false}', '{"a": [{"model": "U-Net"}]}'])
                | st.lists(
                    st.fixed_dictionaries(
                        {"model": st.sampled_from(["U-Net", "unet", "BERT", "none", None])},
                        optional={"classification": st.sampled_from(["adaptation_reuse", "conceptual", "x"])},
                    )
                ).map(json.dumps),
            )
        ),
        max_size=12,
    )
)
def test_accounts_balance_for_any_answers(small, rows):
    path = small.with_name("any.db")
    shutil.copy(small, path)
    with closing(sqlite3.connect(path)) as connection, connection:
        for table in ("articles", "openalex", "jats", *release.ANSWER_TABLES):
            connection.execute(f"DELETE FROM {table}")
        for doi in ("10.5555/a", "10.5555/b"):
            connection.execute("INSERT INTO articles (search_id, doi, megajournal) VALUES (1, ?, 'PLOS')", (doi,))
            connection.execute("INSERT INTO openalex (doi, cited_by_count, topic_0) VALUES (?, 3, 'Chemistry')", (doi,))
        for table, doi, text in rows:
            connection.execute(f"INSERT INTO {table} (doi, model_response) VALUES (?, ?)", (doi, text))
    tables = release.extract(path)
    study.accounting(tables)
    result = sources.counts(tables)
    assert result["uses_dl"] <= result["dl_coded"] <= result["full_text"] + 2
    assert result["uses_ptm"] <= result["ptm_coded"] <= 2
    assert all(n <= 4 for n in result["reuse_items"].values())


# Files that are not what they should be ----------------------------------------------------------------


def cut_in_half(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def destroy_pages(path):
    data = bytearray(path.read_bytes())
    data[4096:] = b"\x07" * (len(data) - 4096)
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda p: p.unlink(), "found no such file; correct the path"),
        (lambda p: p.unlink() or p.mkdir(), "found a folder"),
        (lambda p: p.write_bytes(b""), r"found an empty file \(0 bytes\)"),
        (lambda p: p.write_text("doi,year\n"), "found a file of another kind"),
        (lambda p: p.write_bytes(b"SQLite format 3\0"), "expected a released SQLite database"),
        (cut_in_half, r"expected a released SQLite database of [\d,]+ bytes, found [\d,]+ bytes"),
        (destroy_pages, "found a damaged or foreign file"),
    ],
)
def test_a_bad_file_gets_one_sentence(database, spoil, message):
    path, _ = database
    spoil(path)
    with pytest.raises(StudyError, match=message) as error:
        release.extract(path)
    assert str(error.value).startswith("small.db: expected") and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("DROP TABLE uses_dl_analysis", "found no table uses_dl_analysis; use the database of doi"),
        ("ALTER TABLE openalex RENAME COLUMN topic_1 TO theme", "found no column topic_1 in openalex; use"),
        ("DROP TABLE jats; CREATE VIEW Jats AS SELECT doi, title AS jats_xml FROM articles", "found a view jats; use"),
    ],
)
def test_what_is_missing_is_named(database, statement, message):
    path, run = database
    run("DROP VIEW natural_science_article_dois", *statement.split("; "))
    with pytest.raises(StudyError, match=message):
        release.extract(path)


def test_all_that_is_missing_is_named_at_once(database):
    path, run = database
    run("DROP TABLE jats", "DROP TABLE searches")
    with pytest.raises(StudyError, match="no table searches; no table jats"):
        release.extract(path)


def test_a_locked_database_is_not_waited_for(database, monkeypatch):
    path, _ = database
    monkeypatch.setattr(release, "_PATIENCE", 0.05)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StudyError, match="another program is using .*close that program and try again"):
            release.extract(path)


@pytest.mark.parametrize("journal", ["DELETE", "WAL"])
def test_the_database_is_left_as_it_was(database, journal):
    path, run = database
    run(f"PRAGMA journal_mode = {journal}")
    before = path.read_bytes(), sorted(p.name for p in path.parent.iterdir())
    assert len(release.extract(path)["papers"]) == 120
    assert (path.read_bytes(), sorted(p.name for p in path.parent.iterdir())) == before


def test_writes_that_wait_in_a_log_are_read(database):
    path, run = database
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA journal_mode = WAL")
        other.execute("INSERT INTO articles (search_id, doi) VALUES (1, '10.5555/new')")
        other.commit()
        assert len(release.extract(path)["papers"]) == 121


def test_text_that_is_not_utf8_and_blobs_are_read(one_paper):
    path, doi, _ = one_paper
    with closing(sqlite3.connect(path)) as connection, connection:
        for text in ("CAST(x'7b22726573756c74223a747275652c2270223a22ff227d' AS TEXT)", "x'7b22726573756c74223a317d'"):
            connection.execute(f"INSERT INTO uses_dl_analysis (doi, model_response) VALUES ('{doi}', {text})")
    assert release.extract(path)["uses"]["uses_dl"].tolist() == ["yes"]


def test_a_second_reading_comes_from_the_cache_until_the_file_changes(database, monkeypatch, tmp_path):
    path, run = database
    monkeypatch.setattr(paths, "BUILD", tmp_path / "build")
    first = release.read_release(path)
    extract, read = release.extract, []
    monkeypatch.setattr(release, "extract", lambda p: read.append(p) or extract(p))
    second = release.read_release(path)
    assert not read
    for name in study.SCHEMA:
        pd.testing.assert_frame_equal(first[name], second[name])
    run("UPDATE openalex SET cited_by_count = 0")
    assert sources.counts(release.read_release(path))["natural_science"] == 0
    assert read == [path]
    assert not [p for p in (tmp_path / "build" / "release").iterdir() if p.name.startswith("tmp")]


def test_the_benchmark_finds_the_truth():
    pytest.importorskip("resource", reason="a process is measured on POSIX systems only")
    script = [sys.executable, paths.ROOT / "bench" / "release.py", "150", "0.1", "1"]
    run = subprocess.run(script, capture_output=True, encoding="utf-8", check=True)
    assert run.stdout.splitlines()[-1] == "counts equal the truth: True"
