"""A student's own study: her spreadsheet, her codes, her claims, her book."""
# ruff: noqa: E501 - a case is a line

import ast
import builtins
import json
import os
import re
import shutil
import zipfile

import numpy as np
import openpyxl
import pandas as pd
import pytest
from lxml import html as parser

import made_study
from conftest import run
from ptmreuse import paths
from ptmreuse.__main__ import main
from ptmreuse.analysis import choices
from ptmreuse.book import record, site, steps
from ptmreuse.errors import StudyError
from ptmreuse.evidence import folder, importing, pilot, spreadsheet, study
from ptmreuse.findings import own_claims
from ptmreuse.statistics import trend

STUDIES = range(int(os.environ.get("PTMREUSE_STUDIES", "6")))  # more: PTMREUSE_STUDIES=1000
SCAFFOLD = [paths.SCAFFOLD / f"{name}.ipynb" for name in ("1_papers", "2_answers", "3_comparison")]


# Any valid folder gives a book -----------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("seed", STUDIES)
def test_any_study_with_codes_of_its_own_runs_through_its_notebooks(seed, tmp_path, monkeypatch):
    mine = made_study.write(seed, tmp_path / "mine", own_codes=seed % 3 > 0)
    shutil.copy(paths.SCAFFOLD / "claims.csv", mine)
    monkeypatch.setattr(paths, "STUDY", mine)
    made_study.run_study(SCAFFOLD, mine, tmp_path, monkeypatch)
    listed = study.read_csv(tmp_path / "results" / "1_papers" / "my_papers.csv")
    assert len(listed) == min(300, len(study.read_csv(mine / "papers.csv")))


@pytest.mark.parametrize("seed", STUDIES[3::20])
def test_any_study_with_the_study_s_codes_runs_through_the_study_s_notebooks(
    seed, built_project, tmp_path, monkeypatch
):
    mine = made_study.write(seed, tmp_path / "mine")
    besides = shutil.ignore_patterns("evidence")  # simulated tables and the control, which need no student
    shutil.copytree(built_project / "_build" / "tables", tmp_path / "tables", ignore=besides)
    made_study.run_study([paths.NOTEBOOKS / f"{name}.ipynb" for name in steps.NOTEBOOKS], mine, tmp_path, monkeypatch)


@pytest.mark.parametrize(
    ("k", "n"),
    [
        ([0, 0, 0, 1, 0], [9, 9, 9, 9, 9]),
        ([0, 0, 5, 5], [5, 5, 5, 5]),
        ([0, 1], [900, 1]),
        ([1, 1, 1, 0], [1] * 4),
        ([0] * 9 + [1, 0], [7, 2, 4, 6, 3, 2, 4, 1, 2, 6, 5]),
    ],
)
def test_a_separated_trend_has_finite_limits_around_it(k, n):
    _, slope, low, high, *_ = trend._firth(np.array(k), np.array(n), np.arange(len(k), dtype=float), 0.95)
    assert -np.inf < low < slope < high < np.inf


def test_a_study_of_her_own_gives_a_book_about_her_papers_alone(built_project, tmp_path):
    """From a sheet with patterns of her own to her pages; the one whole book of this file."""
    sheet = tmp_path / "codes.csv"
    tuned = made_study.HOSTILE[0]
    lines = [f"Paper {i};{2015 + i % 9};Oikos;Ecology;yes;{'yes' if i % 3 else 'no'};" for i in range(30)]
    ends = [f"U-Net;{('frozen', tuned, 'tuned')[i % 3]}" if i % 3 else ";" for i in range(30)]
    head = "Paper;Year;Journal;Field;Deep learning;Reuse;Model;Pattern"
    sheet.write_text("\n".join([head, *map("".join, zip(lines, ends, strict=True))]), encoding="utf-8")
    mine = tmp_path / "mine"
    for arguments in (("new", mine), ("import", sheet, "--out", mine), ("validate", mine)):
        done = run(built_project, *map(str, arguments))
        assert done.returncode == 0, done.stderr
    settings = (mine / "study.yml").read_text(encoding="utf-8").replace("My study of model reuse", "Reuse in ecology")
    (mine / "study.yml").write_text(settings + "resamples: 199\n", encoding="utf-8")
    before = (built_project / "_build" / "html" / "index.html").read_bytes()
    made = run(built_project, "book", "--study", str(mine))
    assert made.returncode == 0, made.stderr
    assert (built_project / "_build" / "html" / "index.html").read_bytes() == before
    pages = {path.stem: parser.parse(str(path)).getroot() for path in (mine / "_build" / "html").glob("*.html")}
    for name, page in pages.items():
        assert not page.xpath("//script[contains(., 'alert(1)')]")
        if name not in ("404", "search"):
            assert "Reuse in ecology: a study of its own. 30 papers, coded by coder 1." in page.xpath("string(//body)")
        assert not made_study.speaks_of_the_study(page, name), name
    assert tuned in pages["2_answers"].text_content()
    assert len(made_study.speaks_of_the_study(pages["3_comparison"], "any other")) > 2
    again = run(built_project, "book", "--study", str(mine))
    assert again.stdout.startswith("Nothing changed")


def test_an_unknown_pattern_beside_a_known_one_is_still_one_paper():
    reuse = pd.DataFrame(
        {"paper": list("aab"), "canonical": list("XYX"), "pattern": ["adaptation", "unknown", "deployment"]}
    )
    for unknown in ("for", "against"):
        counts, total, _ = choices.pattern_counts({"reuse": reuse}, "papers", "canonical", unknown)
        assert counts["adaptation"].tolist() == [1, 0]
        assert total.tolist() == [1, 1]


# Spreadsheets ----------------------------------------------------------------------------------------------

ROWS = [
    ("Paper", "Year", "Deep learning", "Reuse", "Model", "Pattern"),
    ("A", "2021", "yes", "yes", "ResNet50; BERT", "adaptation; conceptual"),
    ("B", "2022", "no", "no", "", ""),
]


def text(delimiter=",", end="\n", rows=ROWS):
    quoted = [[f'"{c}"' if delimiter in c else c for c in row] for row in rows]
    return end.join(delimiter.join(row) for row in (*quoted, ()))


def ods(path):
    cells = "".join(
        "<table:table-row>" + "".join(f"<table:table-cell><text:p>{c}</text:p></table:table-cell>" for c in row)
        + "</table:table-row>" for row in ROWS
    )  # fmt: skip
    names = " ".join(f'xmlns:{n}="urn:oasis:names:tc:opendocument:xmlns:{n}:1.0"' for n in ("office", "table", "text"))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(
            "content.xml",
            f'<office:document {names}><table:table table:name="S">{cells}</table:table></office:document>',
        )


def xlsx(path):
    book = openpyxl.Workbook()
    for row in ROWS:
        book.active.append([int(c) if c.isdigit() else {"yes": True, "no": False}.get(c, c) for c in row])
    book.save(path)


@pytest.mark.parametrize(
    "content",
    [
        text().encode(), text(";").encode("utf-8-sig"), text("\t", "\r").encode(), text(";", "\r\n").encode("utf-16"),
        b"sep=;\n" + text(";").encode(), text().replace("2021", '"2021,0"').encode(),
        text().replace("2021", "2021-05-31").replace("yes", "TRUE").replace("no,", "0,").encode(),
        text().replace("\nB", "\n,,,,,\nB").encode(), ods, xlsx,
    ],
)  # fmt: skip
def test_a_spreadsheet_gives_the_same_tables_in_every_form(tmp_path, content):
    path = tmp_path / "codes.csv"
    content(path) if callable(content) else path.write_bytes(content)
    tables, _ = importing.import_codes(path)
    assert tables["papers"][["paper", "year"]].to_numpy().tolist() == [["A", "2021"], ["B", "2022"]]
    assert tables["uses"]["uses_ptm"].tolist() == ["yes", "no"]
    assert tables["reuse"][["model", "pattern"]].to_numpy().tolist() == [
        ["ResNet50", "adaptation"],
        ["BERT", "conceptual"],
    ]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (text().replace("2021", "03/05/21"), r"codes.csv, line 2, year: expected a year .*, found '03/05/21'"),
        (text().replace("yes,yes", "yes,ja?"), r"line 2, uses_ptm: expected yes, no or unknown .*, found 'ja\?'"),
        (text().replace("adaptation; ", "a; b; "), "line 2, pattern: expected one pattern per model, or one for all, found 3"),
        (text().replace("adaptation", "adaptaion"), "codes.csv, pattern: expected codes among conceptual, .*'adaptaion'"),
        (text().replace("Model", "Pattern type,Model").replace("Pattern\n", "Reuse type\n"), None),
        (text().replace("Deep learning", "Reuses"), "expected one column for uses_ptm, found 'Reuses' and 'Reuse'; say"),
        (text().replace("Reuse", "Anything"), "expected a column uses_ptm: .*--column uses_ptm=NAME"),
        (text().replace("Paper", "Number"), "expected a column that tells papers apart"),
        (text() + "A,2020,yes,yes,,\n", "line 4, year: expected the same year in every row of A, found '2020', but '2021' in line 2"),
        (text() + "C,2020,yes,no,VGG,\n", "line 4: expected uses_ptm yes where a model is named, found the answer no"),
        (text() + ",2020,yes,no,,\n", "line 4: expected who or what: a paper, found an empty cell"),
        (text() + "C,2020,yes,no,,,surplus\n", "line 4: expected at most 6 cells, found 'surplus' beyond"),
        (text(end="\r") + 'C,2020,"yes,no,,\rD,2021,yes,no,,\rE,2021,yes",no,,\r', "line 4: .*found a cell that holds whole rows"),
        (text() + 'C,2020,"yes,no,,\n', "line 4: expected cells that can be told apart, found a quotation mark"),
        (text().replace("Year", "Paper"), "line 1: expected a name of its own for every column, found 'Paper' 2 times"),
        ("a;b,c\n1;2,3\n", "line 1: expected one sign between the columns, found commas and semicolons"),
        ("<html><table>", "found a web page or XML"), ("", "found no cell with text"), ("PK\x03\x04", "found a broken one"),
        (text() + "C," + "x" * 200_000 + "\n", "line 4: .*found a cell longer than 131,072 characters"),
    ],
)  # fmt: skip
def test_a_bad_spreadsheet_is_one_sentence_with_its_line(tmp_path, content, says):
    (tmp_path / "codes.csv").write_text(content, encoding="utf-8", newline="")
    if says is None:
        assert importing.import_codes(tmp_path / "codes.csv")  # a column of a name that nobody knows is not used
        return
    with pytest.raises(StudyError, match=says):
        importing.import_codes(tmp_path / "codes.csv")


def test_a_formula_that_was_never_computed_is_no_empty_cell(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["Paper", "Reuse"])
    book.active.append(["A", "=B1"])
    book.save(tmp_path / "codes.xlsx")
    with pytest.raises(
        StudyError, match="codes.xlsx, line 2: expected values, found a formula that was never computed"
    ):
        importing.import_codes(tmp_path / "codes.xlsx")


def test_patterns_of_her_own_make_a_codebook_of_her_own(tmp_path):
    (tmp_path / "codes.csv").write_text(
        text().replace("adaptation", "tuned").replace("conceptual", "frozen"), encoding="utf-8"
    )
    tables, report = importing.import_codes(tmp_path / "codes.csv")
    assert tables["codebook"].query("question == 'pattern'")["code"].tolist() == ["tuned", "frozen"]
    assert "none of these is a pattern of the study: codebook.csv lists them, for you to define" in report
    study.write(tables, tmp_path / "mine")
    assert study.codes(folder.read_folder(tmp_path / "mine"), "pattern") == ("tuned", "frozen")


def test_a_sheet_is_read_again_without_losing_the_codebook(tmp_path, capsys):
    sheet, mine = tmp_path / "codes.csv", tmp_path / "mine"
    own = text().replace("adaptation", "tuned").replace("conceptual", "frozen")
    sheet.write_text(own, encoding="utf-8")
    arguments = ["import", str(sheet), "--out", str(mine)]
    assert main(arguments) == 0
    book = study.read_csv(mine / "codebook.csv")
    book.assign(definition="mine").to_csv(mine / "codebook.csv", index=False)
    with_field = [f"{line},{cell}" for line, cell in zip(own.splitlines(), ("Topic", "Law", "Art"), strict=True)]
    sheet.write_text("\n".join(with_field).replace("frozen", "tuned"), encoding="utf-8")
    again = [*arguments, "--column", "field=Topic"]
    assert main(again) == 1
    assert "add --replace to write over them" in capsys.readouterr().err
    assert main([*again, "--replace"]) == 0
    assert "pattern: codebook.csv lists what no row holds: 'frozen'" in capsys.readouterr().out
    book = study.read_csv(mine / "codebook.csv")
    assert book[["question", "code", "definition"]].to_numpy().tolist() == [
        ["pattern", "tuned", "mine"], ["pattern", "frozen", "mine"], ["field", "Law", ""], ["field", "Art", ""],
    ]  # fmt: skip
    assert study.codes(folder.read_folder(mine), "field") == ("Law", "Art")


def test_no_row_of_a_large_sheet_is_lost(tmp_path):
    path = tmp_path / "codes.csv"
    path.write_text(text(rows=ROWS[:1]) + "".join(f"P{i},2020,yes,no,,\n" for i in range(20_000)), encoding="utf-8")
    assert len(spreadsheet.read_sheet(path).rows) == len(importing.import_codes(path)[0]["papers"]) == 20_000


# Her folder ------------------------------------------------------------------------------------------------


def test_all_mistakes_of_a_folder_are_told_at_once_with_their_lines(tmp_path):
    shutil.copytree(paths.SCAFFOLD, tmp_path / "my")
    with pytest.raises(StudyError) as examples:
        folder.read_folder(tmp_path / "my")
    assert len(examples.value.errors) == 3
    assert "found the example EXAMPLE-2; remove the example rows from every table (line 3 of the file)" in str(
        examples.value.errors[1]
    )
    for name in ("papers", "uses", "fields", "stages"):
        file = tmp_path / "my" / f"{name}.csv"
        changed = file.read_text(encoding="utf-8").replace("EXAMPLE", "mine").replace("Test", "test")
        file.write_text(changed, encoding="utf-8")
    (tmp_path / "my" / "reuse.csv").write_text(
        "paper,coder,model,pattern\nmine-1,Ada,X,adaptation\nmine-9,ada,X,unknown\n", encoding="utf-8"
    )
    with pytest.raises(StudyError) as slips:
        folder.read_folder(tmp_path / "my")
    told = [str(error) for error in slips.value.errors]
    assert len(told) == 2
    assert "stages.csv, row 1, column stage" in told[0]
    assert "did you mean Test? (line 2 of the file)" in told[0]
    assert "'mine-9'" in told[1]


@pytest.mark.parametrize(
    ("code", "says"),
    [("unknown", "none called unknown"), ("Adaptation", "differ in more than capitals"), ("", "expected some text")],
)
def test_a_codebook_that_cannot_be_used_is_refused(code, says):
    book = pd.DataFrame({"question": "pattern", "code": ["adaptation", code], "definition": "", "order": ["1", "2"]})
    with pytest.raises(StudyError, match=says):
        study.validate({"codebook": book})


# Her claims ------------------------------------------------------------------------------------------------

NUMBERS = pd.DataFrame(
    [
        ("share", 0.5, 0.4, 0.6, "", "50 %"), ("rank_a", 1, 1, 1, "", "1"), ("rank_b", 2, 1, 3, "", "2"),
        ("trend_x", 1.2, 1.1, 1.3, "", "1.2"), ("count", 12, "", "", "counted", "12"), ("none", "", "", "", "", "n/a"),
    ],
    columns=["key", "value", "low", "high", "method", "text"],
).set_index("key", drop=False)  # fmt: skip


@pytest.mark.parametrize(
    ("key", "rule", "expected", "verdict"),
    [
        ("share", "at least", "40 %", "agrees"), ("share", "at least", "0.5", "cannot tell"), ("share", "at least", "0.7", "differs"),
        ("share", "within", "0.3 to 60 %", "agrees"), ("share", "within", "0.7 to 0.8", "differs"),
        ("rank_a", "leads", "", "agrees"), ("rank_b", "leads", "", "cannot tell"), ("trend_x", "trend", "down", "differs"),
        ("count", "equal", "12", "reproduced"), ("count", "equal", "13", "differs"), ("count", "at least", "12", "agrees"),
        ("none", "at least", "1", "not checkable"),
    ],
)  # fmt: skip
def test_a_claim_is_judged_by_its_rule(tmp_path, key, rule, expected, verdict):
    (tmp_path / "claims.csv").write_text(
        f"statement,key,rule,expected\nA claim,{key},{rule},{expected}\n", encoding="utf-8"
    )
    assert own_claims.judge(own_claims.read_claims(tmp_path / "claims.csv"), NUMBERS)["verdict"].tolist() == [verdict]


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("x,share,atleast,1", "line 2.*expected one of the rules equal, at least, within, leads, trend, found 'atleast'; did you mean at least?"),
        ("x,share,within,0.4 to 0.2", "expected the smaller number first"), ("x,share,equal,many", "expected a number such as 12"),
        (",share,equal,1", "expected a statement and a key"), ("x,shar,equal,1", "found 'shar'; did you mean share?"),
        ("x,share,leads,", "expected a key that begins with rank_"), ("x,share,trend,up", "expected a key that begins with trend_"),
    ],
)  # fmt: skip
def test_a_claim_that_cannot_be_judged_is_refused(tmp_path, row, says):
    (tmp_path / "claims.csv").write_text(f"statement,key,rule,expected\n{row}\n", encoding="utf-8")
    with pytest.raises(StudyError, match=says):
        own_claims.judge(own_claims.read_claims(tmp_path / "claims.csv"), NUMBERS)


# What she learns -------------------------------------------------------------------------------------------


def test_every_exercise_is_solved_by_its_solution_and_not_without(capsys):
    cells = [c for c in json.loads(paths.SOLUTIONS.read_text(encoding="utf-8"))["cells"] if c["cell_type"] == "code"]
    space = {}
    for cell in cells:
        exec("".join(cell["source"]), space)
    said = capsys.readouterr().out
    assert "Not yet" not in said
    assert said.count("Right.") >= sum("check" in c["metadata"].get("tags", []) for c in cells) == 8
    asked = [c for c in json.loads(site.exercises())["cells"] if "solution" in c["metadata"].get("tags", [])]
    assert {"".join(c["source"]) for c in asked} == {"# your answer"}
    # A check needs nothing that only the solution names, but for what the exercise asks for by name.
    every = json.loads(paths.SOLUTIONS.read_text(encoding="utf-8"))["cells"]
    wanted = set(re.findall(r"`(\w+)`", " ".join("".join(c["source"]) for c in every if c["cell_type"] == "markdown")))
    trees = [ast.parse("".join(c["source"])) for c in cells if "solution" not in c["metadata"].get("tags", [])]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    given = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    given |= {a.asname or a.name for n in nodes if isinstance(n, ast.Import | ast.ImportFrom) for a in n.names}
    given |= {n.name for n in nodes if isinstance(n, ast.FunctionDef)} | {
        n.arg for n in nodes if isinstance(n, ast.arg)
    }
    used = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    assert used - given - set(dir(builtins)) <= wanted


@pytest.mark.slow
def test_the_figure_on_the_page_how_to_adapt_can_be_made(tmp_path, monkeypatch):
    study.write({name: pilot.embedded()[name] for name in study.CODED}, tmp_path / "mine")
    monkeypatch.setattr(paths, "STUDY", tmp_path / "mine")
    space = made_study.run_study(SCAFFOLD[:2], tmp_path / "mine", tmp_path, monkeypatch)
    page = (paths.BOOK / "adapt.md").read_text(encoding="utf-8")
    exec(re.search(r"```python\n(.*?)```", page, re.S)[1], space)
    assert record.numbers("2_answers").loc["journals", "text"] == "1"
    assert (tmp_path / "results" / "2_answers" / "journals_figure.svg").exists()
