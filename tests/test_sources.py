"""Every source gives the same tables; a student's folder and the workbook get errors that name the cell."""

import datetime
import os
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

import made_release
from ptmreuse import parameters, paths
from ptmreuse.errors import StudyError
from ptmreuse.evidence import fetch, pilot, simulated, sources, study
from ptmreuse.evidence.folder import read_folder, validate_folder
from ptmreuse.evidence.pilot import embedded, read_pilot

PILOT = Path(os.environ.get("PTMREUSE_PILOT", fetch.PILOT))
KEYS = [
    "papers",
    "cited",
    "natural_science",
    "full_text",
    "dl_coded",
    "uses_dl",
    "ptm_coded",
    "uses_ptm",
    "reuse_items",
    "reuse_papers",
    "stages",
    "fields",
    "years",
    "rejects",
]


def workbook(path, rows, header=pilot.PILOT_COLUMNS):
    book = openpyxl.Workbook()
    for row in [header, *rows]:
        book.active.append(list(row))
    book.save(path)
    return path


ROWS = [
    ("10.1371/JOURNAL.pone.1 ", "9/8/2016", "False", "False", None),
    (
        "10.1371/journal.pone.2",
        datetime.datetime(2019, 4, 1),
        True,
        "True",
        "[U-Net, Adaptation]; [A, B (v2), Conceptual]",
    ),
    (None, None, None, None, None),
    ("10.1371/journal.pone.3", "12/31/2026", "True", "False", ""),
]


def test_pilot_workbook(tmp_path):
    tables = sources.load_source("pilot", pilot=workbook(tmp_path / "p.xlsx", ROWS))
    assert tables["papers"]["paper"].tolist() == ["10.1371/journal.pone.1", "10.1371/journal.pone.2"]
    assert tables["papers"]["year"].tolist() == [2016, 2019]
    assert tables["uses"][["uses_dl", "uses_ptm"]].to_numpy().tolist() == [["no", "no"], ["yes", "yes"]]
    assert tables["reuse"][["model", "pattern"]].to_numpy().tolist() == [
        ["U-Net", "adaptation"],
        ["A, B (v2)", "conceptual"],
    ]
    assert sources.counts(tables)["rejects"] == {"papers": {"published after 2025": 1}}
    assert study.data_kind(tables) == "coded"


@pytest.mark.parametrize(
    ("written", "year", "named"), [("4/22/2022", 2024, 1), ("4/22/2024", 2024, 0), ("4/22/2021", 2021, 0)]
)
def test_the_year_that_the_workbook_has_wrong_is_corrected_by_name(tmp_path, written, year, named):
    row = ("10.1371/journal.ppat.1012163", written, "True", "True", "[SignalP 5.0, Deployment]")
    tables = pilot.read_pilot(workbook(tmp_path / "p.xlsx", [row, ROWS[0]]))
    assert tables["papers"]["year"].tolist() == [year, 2016]
    notes = tables["provenance"]["version"].tolist()[1:]
    assert notes == ["10.1371/journal.ppat.1012163: year 2022 as written, corrected to 2024"] * named


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        (0, " ", "p.xlsx, cell A2: expected a DOI, found ''"),
        (1, "2016", "p.xlsx, cell B2: expected a date as month/day/year, found '2016'"),
        (2, "perhaps", "p.xlsx, cell C2: expected True or False, found 'perhaps'"),
        (3, None, "p.xlsx, cell D2: expected True or False, found None"),
        (4, "[U-Net, Reuse]", r"p.xlsx, cell E2: expected \[model, pattern\] with a pattern of"),
        (4, "U-Net, Adaptation", "p.xlsx, cell E2"),
    ],
)
def test_a_bad_cell_of_the_workbook_is_named(tmp_path, column, value, message):
    row = list(ROWS[0])
    row[column] = value
    with pytest.raises(StudyError, match=message):
        pilot.read_pilot(workbook(tmp_path / "p.xlsx", [row]))


def test_a_workbook_that_is_none_or_missing(tmp_path):
    (tmp_path / "p.xlsx").write_text("<html>", encoding="utf-8")
    with pytest.raises(StudyError, match="expected an Excel workbook .*, found a file that cannot be read as one"):
        pilot.read_pilot(tmp_path / "p.xlsx")
    with pytest.raises(StudyError, match="found no such file; run make data; or put .* by hand"):
        pilot.read_pilot(tmp_path / "none.xlsx")
    with pytest.raises(StudyError, match="p.xlsx: expected the columns DOI, .*, found id, DOI"):
        pilot.read_pilot(workbook(tmp_path / "p.xlsx", [], header=("id", "DOI")))


@pytest.mark.fetched
@pytest.mark.skipif(not PILOT.exists(), reason="needs the authors' workbook, which is not shipped: make data")
def test_the_real_workbook_agrees_with_the_embedded_facts():
    assert paths.sha256(PILOT) == fetch.PILOT_SHA256
    assert sources.counts(read_pilot(PILOT)) == sources.counts(embedded())


# A student's folder --------------------------------------------------------------------------------------

PAPERS = "paper,doi,year,megajournal,cited_by,natural_science,full_text\n"
GOOD = {
    "papers": PAPERS + "a,,2020,PLOS,3,yes,yes\nb,,,BMJ,,unknown,no\nc,,2030,PLOS,1,yes,yes\n",
    "uses": "paper,coder,uses_dl,uses_ptm\na,ada,yes,yes\na,ben,yes,unknown\nb,ada,no,no\nc,ada,yes,yes\n",
    "reuse": "paper,coder,model,pattern\na,ada,ResNet50,adaptation\na,ada,resnet-50,adaptation\n",
    "fields": "paper,field\na,Chemistry\na,Medicine\n",
    "stages": "paper,coder,model,stage\na,ada,ResNet50,Test\n",
}


def folder(path, **changed):
    for name, text in (GOOD | changed).items():
        if text is not None:
            (path / f"{name}.csv").write_text(text, encoding="utf-8")
    return path


def test_a_students_folder_is_counted(tmp_path):
    result = sources.counts(sources.load_source("tables", tables=folder(tmp_path)))
    assert list(result) == KEYS
    assert (result["papers"], result["dl_coded"], result["uses_dl"], result["ptm_coded"]) == (2, 2, 1, 1)
    assert result["reuse_items"] == {"adaptation": 1, "conceptual": 0, "deployment": 0}
    assert result["stages"]["test"] == 1
    assert result["fields"] == {"Chemistry": {"uses_dl": 1, "uses_ptm": 1}}
    assert set(result["years"]) == {"2020", "unknown"}
    assert result["rejects"] == {"papers": {"published after 2025": 1}}
    checked = validate_folder(tmp_path).set_index("table")
    assert checked.loc["fields", ["rows", "note"]].tolist() == [2, "not among the study's eight: Medicine (1)"]
    ben = sources.counts(read_folder(tmp_path), coder="ben")
    assert (ben["uses_dl"], ben["uses_ptm"], ben["ptm_coded"]) == (1, 0, 0)
    with pytest.raises(StudyError, match="expected a coder among ada, ben, found 'eve'"):
        sources.counts(read_folder(tmp_path), coder="eve")


def test_names_are_looked_up_where_the_student_left_them_empty(tmp_path):
    reuse = "paper,coder,model,canonical,family,pattern\na,ada,ResNet50,,,adaptation\na,ada,X,My net,Mine,unknown\n"
    tables = read_folder(folder(tmp_path, reuse=reuse))
    assert tables["reuse"][["canonical", "family"]].to_numpy().tolist() == [
        ["ResNet-50", "ResNet"],
        ["My net", "Mine"],
    ]


@pytest.mark.parametrize(
    ("table", "text", "message"),
    [
        ("papers", PAPERS + "a,,20x0,PLOS,3,yes,yes\n", "/papers.csv, row 1, column year: expected a year"),
        (
            "papers",
            PAPERS + "a,,2020,PLOS,-3,yes,yes\n",
            "column cited_by: expected a whole number, 0 or more, found '-3'",
        ),
        (
            "uses",
            "paper,coder,uses_dl,uses_ptm\na,ada,Yes,no\n",
            "/uses.csv, row 1, column uses_dl: expected one of yes, no",
        ),
        (
            "uses",
            "paper,coder,uses_dl,uses_ptm\nz,ada,yes,no\n",
            "/uses.csv, row 1, column paper: expected a paper that",
        ),
        (
            "uses",
            "paper,coder,uses_dl,uses_ptm\n" + "a,ada,yes,no\n" * 2,
            r"/uses.csv, row 2: expected each paper \+ coder",
        ),
        ("stages", "paper,coder,model,stage\na,ada,X,test\n", "/stages.csv, row 1, column stage: expected one of Obs"),
        ("reuse", "paper,coder,pattern\n", "/reuse.csv: expected the columns .*, found no model"),
        ("reuse", "paper,coder,model,pattern\na,ada,,unknown\n", "/reuse.csv, row 1, column model: expected some text"),
        ("fields", "paper\n", "/fields.csv: expected the columns paper, field, found no field"),
        ("fields", "paper,field\na\nb,c,d\n", "fields.csv: expected a CSV table in UTF-8"),
        ("fields", "", "fields.csv: expected a CSV table in UTF-8, found an empty file"),
        ("notes", "a,b\n", "expected files named papers, .*, found notes.csv; rename it"),
        ("papers", None, "expected a file papers.csv, found none; copy data/template"),
        ("uses", "paper,coder,uses_dl,uses_ptm\nx,a,ada,yes,yes\n", "uses.csv: .* found more cells in the rows than"),
        (
            "reuse",
            'paper,coder,model,pattern\na,ada,"VGG,adaptation\na,ada,X,adaptation\na,ada,Y",conceptual\n',
            "reuse.csv, row 1, column model: expected every cell in one line, of visible signs, found 'VGG,adaptation",
        ),
        (
            "reuse",
            "paper,coder,model,pattern\nb,ada,X,adaptation\n",
            "tables reuse and uses, paper b, coder ada: .* found the answer that it reuses none",
        ),
        (
            "reuse",
            "paper,coder,model,pattern\na,eve,X,adaptation\n",
            "paper a, coder eve: .* found no answer about reuse",
        ),
        (
            "provenance",
            "source,kind,path,sha256,version,rows_read,rows_kept,rows_rejected\ntables,published,x,,,1,1,0\n",
            "table provenance: expected coded or simulated papers, found kind published",
        ),
    ],
)
def test_a_students_mistake_is_named_with_file_row_column_and_value(tmp_path, table, text, message):
    with pytest.raises(StudyError, match=message) as error:
        validate_folder(folder(tmp_path, **{table: text}))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["reuse.CSV", "reuse.xlsx", "Reuse.tsv", "reuse"])
def test_a_table_that_would_not_be_read_is_refused(tmp_path, name):
    path = folder(tmp_path, reuse=None)
    (path / name).mkdir() if name == "reuse" else (path / name).write_text("x", encoding="utf-8")
    (path / "notes.txt").write_text("a text of the student's own", encoding="utf-8")
    with pytest.raises(StudyError, match=f"that end in .csv or .parquet, found (the folder )?{name}; rename it"):
        read_folder(path)


def test_a_folder_without_papers_or_that_is_none(tmp_path):
    with pytest.raises(StudyError, match="papers.csv: expected at least one paper, found none"):
        read_folder(folder(tmp_path, **(dict.fromkeys(GOOD) | {"papers": PAPERS})))
    with pytest.raises(StudyError, match="expected a folder of study tables, found a file"):
        read_folder(tmp_path / "papers.csv")
    with pytest.raises(StudyError, match="found no such folder; copy data/template"):
        read_folder(tmp_path / "nowhere")


def test_parquet_needs_pyarrow_and_says_so(tmp_path, monkeypatch):
    path = folder(tmp_path, fields=None)
    (path / "fields.parquet").write_bytes(b"PAR1")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(StudyError, match="fields.parquet: expected pyarrow, .* not installed; install pyarrow or save"):
        read_folder(path)
    (path / "fields.csv").write_text(GOOD["fields"], encoding="utf-8")
    with pytest.raises(StudyError, match="expected one file for table fields, found fields.csv and fields.parquet"):
        read_folder(path)


def test_parquet_is_read_like_csv(tmp_path):
    path = folder(tmp_path)
    wanted = sources.counts(read_folder(path))
    pd.read_csv(path / "papers.csv").to_parquet(path / "papers.parquet")
    (path / "papers.csv").unlink()
    assert sources.counts(read_folder(path)) == wanted
    (path / "papers.parquet").write_bytes(b"no")
    with pytest.raises(StudyError, match="papers.parquet: expected a Parquet table"):
        read_folder(path)


def test_the_template_has_the_schema_and_asks_for_a_paper():
    template = paths.DATA / "template"
    assert {f.stem for f in template.glob("*.csv")} == set(study.CODED)
    for name in study.CODED:
        assert list(study.read_csv(template / f"{name}.csv").columns) == list(study.SCHEMA[name])
    described = (template / "README.md").read_text(encoding="utf-8")
    assert all(column in described for name in study.CODED for column in study.SCHEMA[name])
    with pytest.raises(StudyError, match="template/papers.csv: expected at least one paper"):
        validate_folder(template)


# One way in ----------------------------------------------------------------------------------------------


def test_counts_have_one_form_for_every_source(tmp_path):
    release = tmp_path / "r.db"
    made_release.write_release(release, seed=1, papers=100, text_kb=0.01)
    given = {
        "embedded": {},
        "pilot": {"pilot": workbook(tmp_path / "p.xlsx", ROWS)},
        "release": {"release": release},
        "tables": {"tables": folder(tmp_path)},
        "simulated": {"seed": 1, "simulated_papers": 100},
    }
    assert {*given, "plos"} == set(sources.READERS) == set(parameters.SCHEMA[0].allowed)  # that one in test_plos.py
    for source, arguments in given.items():
        result = sources.counts(sources.load_source(source, **arguments))
        assert list(result) == KEYS, source
        assert result["papers"] >= result["cited"] >= result["natural_science"] >= result["full_text"]


def test_simulated_source_has_the_published_totals():
    result = sources.counts(sources.load_source("simulated"))
    assert [result[k] for k in KEYS[:8]] == [18091, 14998, 7218, 6962, 6962, 4662, 4662, 1837]


def test_tables_written_by_one_run_are_a_source_of_another(tmp_path):
    tables = simulated.simulate_corpus(1, 200)[0]
    study.write(tables, tmp_path / "tables")
    again = sources.load_source("tables", tables=tmp_path / "tables")
    assert study.data_kind(again) == "simulated"  # the label goes with the tables
    assert sources.counts(again) == sources.counts(tables)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("relase", "source: expected one of embedded, .*, found 'relase'"),
        ("release", "source release: expected the path of the authors' SQLite database, found none; set release: PATH"),
        ("tables", "source tables: expected the path of a folder"),
    ],
)
def test_a_source_without_its_path_is_refused(source, message):
    with pytest.raises(StudyError, match=message):
        sources.load_source(source, release="", tables="")
