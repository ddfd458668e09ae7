"""Spreadsheets as people really hand them in: refused in one sentence with the place, or read in full with a word."""
# ruff: noqa: E501, RUF001 - a case is a line; look-alike letters are the point

import datetime
import re
import zipfile

import openpyxl
import pytest
from openpyxl.worksheet.formula import ArrayFormula

from ptmreuse.__main__ import main
from ptmreuse.errors import StudyError
from ptmreuse.evidence import importing, pilot, spreadsheet, study

ROWS = [
    ["Paper", "Year", "Reuse", "Model", "Pattern", "Field"],
    ["A", "2021", "yes", "ResNet50", "frozen head", "Ecology"],
    ["B", "2022", "yes", "BERT", "tuned", "Ecology"],
    ["C", "2023", "no", "", "", "Ecology"],
]
CODES = [["A", "ResNet50", "frozen head"], ["B", "BERT", "tuned"]]


def table(*changes, more=()):
    """The rows with some cells changed, as text with semicolons; a change is (row, column, value)."""
    rows = [list(row) for row in (*ROWS, *more)]
    for row, column, value in changes:
        rows[row][column] = value
    return "\n".join(";".join(row) for row in rows)


def workbook(change=lambda book, sheet: None):
    """The rows as an xlsx workbook that a function of book and sheet has changed."""

    def write(path):
        book = openpyxl.Workbook()
        book.active.title = "Codes"
        for row in ROWS:
            book.active.append([int(cell) if cell.isdigit() else cell for cell in row])
        change(book, book.active)
        book.save(path)

    return write


def cell(place, value, form=""):
    def change(book, sheet):
        sheet[place].value = value
        sheet[place].number_format = form or sheet[place].number_format

    return workbook(change)


def other(value):
    return workbook(lambda book, sheet: book.create_sheet("Notes").append(["sum", value]))


def merged(area):
    return workbook(lambda book, sheet: sheet.merge_cells(area))


def hidden(book, sheet):
    sheet.row_dimensions[3].hidden = sheet.column_dimensions["E"].hidden = True


def sheet_xml(change):
    """The rows as an xlsx workbook of which the text of its sheet was changed."""

    def write(path):
        workbook()(path)
        with zipfile.ZipFile(path) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        parts["xl/worksheets/sheet1.xml"] = change(parts["xl/worksheets/sheet1.xml"])
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in parts.items():
                archive.writestr(name, content)

    return write


def ods(rows):
    names = " ".join(f'xmlns:{n}="urn:oasis:names:tc:opendocument:xmlns:{n}:1.0"' for n in ("office", "table", "text"))

    def write(path):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("content.xml", f'<d {names}><table:table table:name="S">{rows}</table:table></d>')

    return write


def ods_row(cells, repeated=1):
    texts = "".join(
        c if c.startswith("<") else f"<table:table-cell><text:p>{c}</text:p></table:table-cell>" for c in cells
    )
    return f'<table:table-row table:number-rows-repeated="{repeated}">{texts}</table:table-row>'


def bomb(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/sharedStrings.xml", b" " * 2_000_000)


def locked(path):
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"))


def circle(path):
    path.symlink_to(path.name)


REFUSED = {
    "two rows of merged cells": (merged("A2:A3"), "codes, line 2: expected one value in every cell, found the merged cells A2:A3; "),
    "merged patterns": (merged("E2:E3"), "line 2: .*found the merged cells E2:E3"),
    "a merged title": (merged("A1:F1"), "line 1: .*found the merged cells A1:F1"),
    "merged cells of an ods": (ods(ods_row(ROWS[0]) + ods_row(['<table:table-cell table:number-rows-spanned="2"/>'])), "line 2: .*found merged cells"),
    "two header rows": (table(more=()).replace("\n", "\npaper id;publication year;reused?;name;type;area\n", 1), "line 2, year: expected a year .*found 'publication year'"),
    "a title above the header": ("My codes of 2024\n\n" + table(), "line 1: expected the names of the columns in the first row, found one cell, 'My codes of 2024'; take out"),
    "a title above the header, xlsx": (workbook(lambda book, sheet: (sheet.insert_rows(1, 2), sheet.cell(1, 1, "My codes"))), "line 1: expected the names .*'My codes'"),
    "a date as pattern": (cell("E2", datetime.datetime(2021, 3, 5)), "line 2, pattern: expected a code, found '2021-03-05', as dates"),
    "a date as pattern, csv": (table((1, 4, "05.03.2021")), "line 2, pattern: expected a code, found '05.03.2021'"),
    "a time as field": (cell("F2", datetime.time(3, 5)), "line 2, field: expected a code, found '03:05:00'"),
    "a percent as answer": (cell("C2", 0.5, "0%"), "line 2, uses_ptm: expected yes, no or unknown .*found '0.5'"),
    "a percent as year": (table((1, 1, "20 %")), "line 2, year: expected a year .*found '20 %'"),
    "an apostrophe before a number": (table((1, 1, "'2021")), "line 2, year: .*found \"'2021\""),
    "a row of sums": (table(more=[["Total", "", "2", "", "", ""]]), "line 5: expected a paper, found 'Total'; take out"),
    "a row of sums, silent": (table(more=[["Summe:", "", "", "", "", ""]]), "line 5: expected a paper, found 'Summe:'"),
    "thousands in a year": (table((1, 1, "2.021")), "line 2, year: .*found '2.021'"),
    "thousands in a count": (table((0, 5, "Citations"), (1, 5, "1.000"), (2, 5, "2"), (3, 5, "3")), "line 2, cited_by: expected a whole number, found .1.000."),
    "a column twice, in capitals": (table((0, 5, "YEAR")), "expected one column for year, found 'Year' and 'YEAR'"),
    "look-alike letters in a code": (table((1, 4, "tunеd")), "line 3, pattern: expected one way to write 'tunеd' .line 2., found 'tuned' with LATIN SMALL LETTER E"),
    "look-alike letters in an id": (table((2, 0, "А"), (3, 0, "B")), "line 3, paper: expected one way to write 'A' .line 2., found 'А' with CYRILLIC CAPITAL LETTER A"),
    "ids that differ in case": (table((3, 0, "a")), "line 4, paper: expected one way to write 'A' .line 2., found 'a' in other capitals"),
    "coders that differ in case": (table((0, 5, "Coder"), (1, 5, "Ana"), (2, 5, "ana"), (3, 5, "Ana")), "line 3, coder: expected one way to write 'Ana' .line 2., found 'ana'"),
    "several models with a comma": (table((1, 3, "BERT, ResNet50"), more=[["D", "2020", "yes", "ResNet50", "tuned", ""]]), "line 2, model: expected semicolons between several values, found 'BERT, ResNet50'"),
    "several patterns with a slash": (table((3, 2, "yes"), (3, 3, "BERT"), (3, 4, "tuned / frozen head")), "line 4, pattern: expected semicolons .*'tuned / frozen head'"),
    "an array formula that was never computed": (cell("F2", ArrayFormula("F2", "=B2:B2")), "line 2: expected values, found a formula that was never computed"),
    "a formula error": (cell("E2", "#REF!"), "line 2, column Pattern: expected a value, found the formula error '#REF!'"),
    "a formula error in German": (table((1, 3, "#BEZUG!")), "line 2, column Model: .*'#BEZUG!'"),
    "a formula error of LibreOffice": (table((1, 4, "Err:502")), "line 2, column Pattern: .*'Err:502'"),
    "a number too wide for its column": (table((1, 4, "#####")), "line 2, column Pattern: .*'#####'"),
    "an answer in a language that nobody knows": (table((1, 2, "kyllä")), "line 2, uses_ptm: .*found 'kyllä'"),
    "NUL bytes": (table().encode() + b"\n\0\0", "found bytes that are no text"),
    "a packed file": (b"\x1f\x8b\x08\x00 packed", "found bytes that are no text"),
    "UTF-16 cut in a letter": (table().encode("utf-16")[:-1], "found bytes that are no text"),
    "an old xls": (b"\xd0\xcf\x11\xe0 old", "found an old .xls file"),
    "a password": (locked, "expected xlsx, ods or csv, found a workbook with a password; save it without"),
    "a bomb": (bomb, "expected a workbook of at most .* found one that unpacks to 2 MB"),
    "a sheet cut short": (sheet_xml(lambda xml: xml[:700]), "found a broken one .ParseError"),
    "a month as pattern": (table((1, 4, "05. Mrz")), "line 2, pattern: expected a code, found '05. Mrz'"),
    "another archive": (lambda path: zipfile.ZipFile(path, "w").close(), "found (another kind of archive|a broken one)"),
    "blanks only": (b" ;;\n;\n", "found no cell with text"),
    "only a header": (table().partition("\n")[0], "expected a header row and a row per thing, found a header alone"),
    "several sheets": (other("=1+1"), r"expected one sheet with cells, found 'Codes' and 'Notes'; say which one holds the codes: --sheet 'Codes'"),
    "blanks between the columns": (table().replace(";", " "), "expected a column that tells papers apart"),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_read_is_one_sentence_with_its_place(kind, tmp_path, monkeypatch):
    content, says = REFUSED[kind]
    monkeypatch.setattr(spreadsheet, "_LARGEST", 1)
    write(tmp_path / "codes", content)
    with pytest.raises(StudyError, match=says) as refused:
        importing.import_codes(tmp_path / "codes")
    assert "codes" in str(refused.value) and len(str(refused.value)) < 400


def write(path, content):
    if callable(content):
        content(path)
    else:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


READ = {
    "hidden rows and columns": (workbook(hidden), "hidden in the workbook and read all the same: row 3, column E"),
    "numbers kept as text": (cell("B2", "2021"), ""),
    "a date as year": (cell("B2", datetime.datetime(2021, 3, 5)), ""),
    "blank rows between": (table().replace("\nB", "\n;;\n\n\nB"), "3 blank rows left out"),
    "blanks that do not break": (table((1, 4, "frozen\u00a0head")), ""),
    "signs that nobody sees": (table((1, 0, "\u200bA\ufeff"), (1, 4, "fro\u00adzen head")), "2 cells held signs that nobody sees; they were taken out"),
    "true and false in other languages": (table((1, 2, "VERDADERO"), (2, 2, "vrai"), (3, 2, "FALSCH")), ""),
    "a boolean": (cell("C2", True), ""),
    "no last line end": (table(), ""),
    "UTF-16": (table().encode("utf-16"), ""),
    "Windows-1252": (table((0, 0, "Paper"), (0, 1, "année")).encode("cp1252"), "not UTF-8: read as Western European"),
    "a line break in an id": (cell("A2", "A\n"), ""),
    "a carriage return as Excel keeps it": (cell("D2", "ResNet50_x000D_"), ""),
    "a formula that gives an empty text": (sheet_xml(lambda xml: re.sub(b'<c r="F4".*?</c>', b'<c r="F4" t="str"><f>IF(1,"",1)</f><v></v></c>', xml)), ""),
    "a size that is not the sheet's": (sheet_xml(lambda xml: xml.replace(b'ref="A1:F4"', b'ref="A1"')), ""),
    "a dash for no model": (table((3, 3, "-"), (3, 4, "n/a")), ""),
    "repeated cells of an ods": (ods("".join(ods_row(row) for row in ROWS[:3]) + ods_row(["C", "2023", "no", "", "", "Ecology"], 2) + ods_row(['<table:table-cell table:number-columns-repeated="16000"/>'], 10**6)), "papers are told apart"),
    "rows of an ods filled to their end": (ods("".join(ods_row([*row, '<table:table-cell table:number-columns-repeated="16000"/>']) for row in ROWS)), ""),
    "a formula never computed on another sheet": (other("=1+1"), "sheet 'Codes'"),
}  # fmt: skip


@pytest.mark.parametrize("kind", READ)
def test_what_is_odd_is_read_in_full_and_said(kind, tmp_path):
    content, says = READ[kind]
    write(tmp_path / "codes", content)
    tables, report = importing.import_codes(tmp_path / "codes", sheet="Codes" if "sheet" in kind else "")
    assert all(
        len(cells) <= 6
        for cells in spreadsheet.read_sheet(tmp_path / "codes", "Codes" if "sheet" in kind else "").rows.values()
    )
    assert tables["papers"][["paper", "year"]].to_numpy().tolist() == [["A", "2021"], ["B", "2022"], ["C", "2023"]]
    assert tables["uses"]["uses_ptm"].tolist() == ["yes", "yes", "no"]
    assert tables["reuse"][["paper", "model", "pattern"]].to_numpy().tolist() == CODES
    assert any(re.search(says, line) for line in report)


@pytest.mark.parametrize("paper", ["../x", "x" * 300, "/etc/passwd", "C:\\a", "a/b?c#d", "=1+1", "None", "nan"])
def test_any_text_can_be_an_id(paper, tmp_path):
    (tmp_path / "codes").write_text(table((1, 0, paper)), encoding="utf-8")
    assert importing.import_codes(tmp_path / "codes")[0]["papers"]["paper"].tolist() == [paper, "B", "C"]


@pytest.mark.parametrize("code", ["1", "2.1", "1.2.3", "3-step", "may", "A/B", "on and off", "Decision 1", "Marked 4"])
def test_a_code_may_be_nearly_anything(code, tmp_path):
    (tmp_path / "codes").write_text(table((1, 4, code)), encoding="utf-8")
    assert importing.import_codes(tmp_path / "codes")[0]["reuse"]["pattern"].tolist() == [code, "tuned"]


def test_a_corrected_sheet_is_read_again_and_a_listed_code_may_look_like_a_date(tmp_path):
    """The codebook that the first import wrote is no rule for the second; one with definitions is."""
    sheet, folder = tmp_path / "codes", tmp_path / "mine"
    for code in ("reskin", "repaint"):
        sheet.write_text(table((1, 4, code)), encoding="utf-8")
        assert main(["import", str(sheet), "--out", str(folder), "--replace"]) == 0
        assert code in study.read_csv(folder / "codebook.csv")["code"].tolist()
    listed = "question,code,definition,order\npattern,3-5,layers tuned,1\npattern,tuned,,2\n"
    (folder / "codebook.csv").write_text(listed, encoding="utf-8")
    sheet.write_text(table((1, 4, "3-5")), encoding="utf-8")
    assert main(["import", str(sheet), "--out", str(folder), "--replace"]) == 0
    sheet.write_text(table(), encoding="utf-8")
    assert main(["import", str(sheet), "--out", str(folder), "--replace"]) == 1  # 'frozen head' is not listed


@pytest.mark.parametrize(("make", "says"), [(circle, "links that lead in a circle"), (lambda path: path.mkdir(), "found a folder"), (lambda path: None, "found nothing there")])  # fmt: skip
def test_what_is_no_file_is_one_sentence(make, says, tmp_path, capfd):
    make(tmp_path / "codes")
    assert main(["import", str(tmp_path / "codes")]) == 4
    assert says in capfd.readouterr().err


def in_file(name, old, new):
    def change(folder):
        (folder / name).write_bytes((folder / name).read_bytes().replace(old, new, 1))

    return change


def appended(line):
    return lambda folder: (folder / "papers.csv").write_bytes((folder / "papers.csv").read_bytes() + line)


def book_of(code):
    text = f"question,code,definition,order\npattern,adaptation,,1\npattern,{code},,2\n"
    return lambda folder: (folder / "codebook.csv").write_text(text, encoding="utf-8")


FOLDERS = {
    "a link in a circle": (lambda folder: ((folder / "papers.csv").unlink(), (folder / "papers.csv").symlink_to("papers.csv")), "found papers.csv, a link that leads nowhere"),
    "a NUL byte": (in_file("papers.csv", b"PLOS", b"PL\0S"), r"papers.csv, row 1, column megajournal: .* found 'PL\\x00S'"),
    "UTF-16": (lambda folder: (folder / "papers.csv").write_text("paper", encoding="utf-16"), "papers.csv: expected a CSV table in UTF-8"),
    "a sign in an id that nobody sees": (in_file("uses.csv", b",", "\u200b,".encode()), r"uses.csv: expected the columns"),
    "an id with a sign that nobody sees": (in_file("uses.csv", b",authors", "\u200b,authors".encode()), r"uses.csv, row 1, column paper: .*\\u200b'"),
    "a row of sums": (appended(b"Total,,,,,unknown,unknown\n"), "papers.csv, row .*found the row of sums 'Total'"),
    "two header rows": (in_file("papers.csv", b"\n", b"\npaper,doi,year,megajournal,cited_by,natural_science,full_text\n"), "row 1, column year: .*found 'year'"),
    "a title above the header": (in_file("papers.csv", b"paper", b"My papers\npaper"), "more cells in the rows than in the header"),
    "a short row": (appended(b"X,,2021\n"), "column natural_science: .*found ''"),
    "thousands in a year": (appended(b'X,,"2,021",,,yes,yes\n'), "column year: .*found '2,021'"),
    "true in German": (in_file("uses.csv", b",no", b",FALSCH"), "column uses_dl: .*found 'FALSCH'"),
    "a formula error": (in_file("reuse.csv", b",adaptation", b",#REF!"), "reuse.csv, row .*found '#REF!'"),
    "look-alike letters in a codebook": (book_of("аdaptation"), "codes that differ in more than capitals or look"),
    "claims in UTF-16": (lambda folder: (folder / "claims.csv").write_bytes(b"\xff\xfe"), "claims.csv: expected a CSV table in UTF-8"),
    "a paper twice among those to code": (lambda folder: (folder / "uncoded.csv").write_text("paper\nX\nX\n"), "uncoded.csv, line 3: expected each paper once"),
}  # fmt: skip


def pilots(folder):
    embedded = pilot.embedded()
    study.write({name: embedded[name] for name in study.CODED}, folder)


@pytest.mark.parametrize("kind", FOLDERS)
def test_a_folder_that_cannot_be_read_is_one_sentence_with_its_place(kind, tmp_path, capsys):
    change, says = FOLDERS[kind]
    pilots(tmp_path / "mine")
    change(tmp_path / "mine")
    assert main(["validate", str(tmp_path / "mine")]) == 1
    assert re.search(says, capsys.readouterr().err)


def test_papers_that_look_alike_are_told(tmp_path, capsys):
    pilots(tmp_path / "mine")
    appended(b"x1,,2021,,,yes,yes\nX1,,2021,,,yes,yes\n")(tmp_path / "mine")
    assert main(["validate", str(tmp_path / "mine")]) == 0
    assert "papers that look alike: 'x1' and 'X1'" in capsys.readouterr().out
