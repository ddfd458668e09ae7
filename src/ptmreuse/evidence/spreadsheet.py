"""Spreadsheets as people save them, read cell by cell as text: nothing is guessed without a word, nothing is lost.

What a file is, its first bytes say, not its name: xlsx, ods, or text with commas, semicolons, tabs or bars between
the cells.
"""

import csv
import datetime
import io
import re
import unicodedata
import warnings
from collections import Counter
from pathlib import Path
from typing import NamedTuple
from zipfile import ZipFile

import openpyxl
from lxml import etree
from openpyxl.utils import get_column_letter

from ptmreuse import paths
from ptmreuse.errors import StudyError, refuse

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_WIDEST, _LONGEST = 16_384, 2**20  # columns and rows of the largest sheet that a spreadsheet program makes
_LARGEST = 1000  # MB that a workbook may unpack to
_UNSEEN = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\ufeff]|_x000D_")
_FORMULA_ERROR = re.compile(r"#(?:[^\s\d]\S*[!?]|N/?[AVD]|#+)|Err:\d{3}")


class Sheet(NamedTuple):
    """A sheet as text: its header, its rows by line number, and what was noticed while reading."""

    header: list
    rows: dict  # line -> cells, as many as the header
    notes: list


def read_sheet(path, sheet=""):
    """Read a spreadsheet.

    Parameters
    ----------
    path : path-like
    sheet : str
        Which sheet of a workbook; needed where several hold cells.

    Returns
    -------
    Sheet

    Raises
    ------
    StudyError
        With file and line: no table, several sheets or delimiters, a quotation mark that swallows rows, a row longer
        than the header, a column without a name or named twice.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "codes.csv"
    ...     _ = file.write_bytes("\\ufeffPaper;Jahr\\rA;2021\\r".encode())
    ...     read_sheet(file)
    Sheet(header=['Paper', 'Jahr'], rows={2: ['A', '2021']}, notes=['semicolons between the columns'])
    """
    path = Path(path)
    where = paths.shown(path)
    content = path.read_bytes()
    lines, notes = _workbook(path, sheet, where) if content.startswith(b"PK") else _text(content, where)
    unseen = sum(len(_UNSEEN.findall(cell)) > 0 for cells in lines.values() for cell in cells)
    notes += [f"{unseen} cells held signs that nobody sees; they were taken out"] if unseen else []
    filled = {line: plain for line, cells in lines.items() if any(plain := [_plain(cell) for cell in cells])}
    if len(filled) < 2:
        found = "a header alone" if filled else "no cell with text"
        refuse(where, "a header row and a row per thing", found, "check the file")
    first = min(filled)
    header = filled.pop(first)
    while not header[-1]:
        header.pop()
    _check_header(header, filled, f"{where}, line {first}")
    rows, short = {}, 0
    for line, cells in filled.items():
        for name, cell in zip(header, cells, strict=False):
            if _FORMULA_ERROR.fullmatch(cell):
                found = f"the formula error {cell[:40]!r}"
                refuse(f"{where}, line {line}, column {name}", "a value", found, "correct the formula")
        short += len(cells) < len(header)
        rows[line] = (cells + [""] * len(header))[: len(header)]
    blank = sum(line > first for line in set(lines) - set(filled))
    if short and not content.startswith(b"PK"):
        notes.append(f"{short} rows shorter than the header, read as ending in empty cells")
    return Sheet(header, rows, notes + ([f"{blank} blank rows left out"] if blank else []))


def _plain(cell):
    """A cell as people see it: no invisible sign, one kind of blank, one way to write an accent."""
    return re.sub(r"[^\S\n]+", " ", unicodedata.normalize("NFC", _UNSEEN.sub("", cell))).strip()


def _check_header(header, filled, where):
    """Every column has a name of its own, and no row has a cell beyond the last."""
    for name, times in Counter(header).items():
        if not name or times > 1:
            column = header.index(name) + 1
            found = f"column {column} without one" if not name else f"{name!r} {times} times"
            refuse(where, "a name of its own for every column", found, "correct the header row")
    for line, cells in filled.items():
        if not any(cells[len(header) :]):
            continue
        if len(header) == 1:
            found = f"one cell, {header[0][:40]!r}"
            refuse(where, "the names of the columns in the first row", found, "take out what stands above them")
        found = f"{next(filter(None, cells[len(header) :]))[:40]!r} beyond the last column"
        place = f"{where.rpartition(' ')[0]} {line}"
        refuse(place, f"at most {len(header)} cells", found, "give the column a name, or quote the cell")


def _text(content, where):
    """Lines of a text file: number -> cells."""
    notes = []
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        locked = "EncryptedPackage".encode("utf-16-le") in content
        old = ("an old .xls file", "save it as .xlsx")
        found = ("a workbook with a password", "save it without") if locked else old
        refuse(where, "xlsx, ods or csv", *found)
    encoding = "utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
        notes.append("not UTF-8: read as Western European (Windows-1252); check letters with accents")
    if re.search(r"[\x00-\x08\x0e-\x1f]", text):
        refuse(where, "a spreadsheet", "bytes that are no text", "save it as .xlsx or .csv")
    if re.match(r"\s*<(!doctype|html|table|\?xml)", text, re.I):
        refuse(where, "a spreadsheet", "a web page or XML", "open it in a spreadsheet program and save it as .xlsx")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    said = re.match(r"sep=(.)\n", text)
    skipped = 1 if said else 0
    text = text[said.end() :] if said else text
    delimiter = said.group(1) if said else _delimiter(text, where)
    if delimiter != ",":
        notes.append(f"{DELIMITERS.get(delimiter, repr(delimiter))} between the columns")
    lines = {}
    reader = csv.reader(io.StringIO(text), delimiter=delimiter, strict=True)
    try:
        start = 1
        for cells in reader:
            lines[start + skipped] = [cell.strip() for cell in cells]
            _swallowed(cells, lines, delimiter, f"{where}, line {start + skipped}")
            start = reader.line_num + 1
    except csv.Error as error:
        found = "a cell longer than 131,072 characters" if "field larger" in str(error) else f"{error}"
        found = "a quotation mark that is never closed" if "end of data" in found else found
        refuse(f"{where}, line {start + skipped}", "cells that can be told apart", found, "correct the quotation marks")
    return lines, notes


def _swallowed(cells, lines, delimiter, where):
    """Refuse a cell that holds whole rows: a stray quotation mark opened it."""
    width = len(next(iter(lines.values())))
    for cell in cells:
        if "\n" in cell and any(part.count(delimiter) >= max(1, width - 1) for part in cell.split("\n")):
            refuse(
                where, "one row", f"a cell that holds whole rows: {cell[:40]!r}", "take out the stray quotation mark"
            )


def _delimiter(text, where):
    lines = re.sub(r'"[^"]*"', "", text).split("\n")
    header = next((line for line in lines if any(d in line for d in DELIMITERS)), "")
    counts = {d: header.count(d) for d in DELIMITERS if d in header}
    if len(counts) > 1 and len(set(sorted(counts.values())[-2:])) == 1:
        found = " and ".join(DELIMITERS[d] for d in counts)
        refuse(f"{where}, line 1", "one sign between the columns", found, "save the file as .xlsx")
    return max(counts, key=counts.get) if counts else ","


def _workbook(path, sheet, where):
    """Lines and notes of the sheet that is asked for, or else of the one that holds cells."""
    try:
        with ZipFile(path) as archive, warnings.catch_warnings():
            # Styles and lists of choices that openpyxl does not know say nothing about the cells.
            warnings.filterwarnings("ignore", category=UserWarning, module="openpyxl")
            return _one_sheet(path, archive, sheet, where)
    except (StudyError, OSError, MemoryError):
        raise
    except Exception as error:  # what is broken in a workbook comes out as an error of nearly every kind
        found = f"a broken one ({type(error).__name__}: {error})"
        raise StudyError(expected="an xlsx or ods workbook", found=found, where=where, do="save it again") from error


def _one_sheet(path, archive, sheet, where):
    size = sum(entry.file_size for entry in archive.infolist()) // 10**6
    if size > _LARGEST:
        expected, found = f"a workbook of at most {_LARGEST:,} MB", f"one that unpacks to {size:,} MB"
        refuse(where, expected, found, "save the table as .csv")
    if "content.xml" in archive.namelist():
        sheets, read = _ods(archive.read("content.xml")), _read_ods
    elif "xl/workbook.xml" in archive.namelist():
        sheets, read = _xlsx(path), _read_xlsx
    else:
        refuse(where, "an xlsx or ods workbook", "another kind of archive", "save the table as .xlsx")
    filled = [name for name, (_, holds_cells) in sheets.items() if holds_cells]
    if sheet and sheet not in sheets:
        refuse(where, f"a sheet among {', '.join(map(repr, sheets))}", repr(sheet), "name one with --sheet")
    if not sheet and len(filled) > 1:
        found, do = " and ".join(map(repr, filled)), f"say which one holds the codes: --sheet {filled[0]!r}"
        refuse(where, "one sheet with cells", found, do)
    lines, notes = read(sheets[sheet or filled[0]][0], where) if sheet or filled else ({}, [])
    return lines, [f"sheet {sheet!r}"] * bool(sheet) + notes


def _xlsx(path):
    """The sheets of an xlsx workbook: name -> ((values, formulas), whether it holds cells)."""
    content = path.read_bytes()
    values, formulas = (
        openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=kept) for kept in (True, False)
    )
    for one in (*values.worksheets, *formulas.worksheets):
        one.reset_dimensions()  # some programs write a size that is not the sheet's
    return {
        s.title: ((s, formulas[s.title]), any(v is not None for row in formulas[s.title].values for v in row))
        for s in values.worksheets
    }


def _read_xlsx(sheet, where):
    """The rows of a sheet; a formula whose value the file does not hold would pass for an empty cell."""
    values, formulas = sheet
    with values._get_source() as source:  # what openpyxl leaves out where it reads row by row
        xml = source.read().decode("utf-8", errors="replace")
    for area, line in re.findall(r'<(?:\w+:)?mergeCell [^>]*?ref="([A-Z]+(\d+):\w+)"', xml):
        _refuse_merged(where, line, f"the merged cells {area}")
    computed = set(re.findall(r'<(?:\w+:)?c r="([A-Z]+\d+)"[^>]*\bt="str"', xml))  # also to an empty text
    lines, both = {}, zip(values.values, formulas.values, strict=True)
    for number, (row, written) in enumerate(both, start=1):
        for column, (value, formula) in enumerate(zip(row, written, strict=True), start=1):
            if value is None and formula is not None and f"{get_column_letter(column)}{number}" not in computed:
                do = "open the workbook in a spreadsheet program and save it"
                refuse(f"{where}, line {number}", "values", "a formula that was never computed", do)
        if any(v is not None for v in row):
            lines[number] = [_cell(v) for v in row]
    return lines, _hidden(xml, lines)


def _hidden(xml, lines):
    """A note on the rows and columns that are hidden in a workbook and hold cells."""
    hides = r'<(?:\w+:)?{} (?=[^>]*\bhidden="(?:1|true)")'
    rows = [int(n) for n in re.findall(hides.format("row") + r'[^>]*?\br="(\d+)"', xml)]
    spans = re.findall(hides.format("col") + r'(?=[^>]*\bmin="(\d+)")[^>]*?\bmax="(\d+)"', xml)
    width = max(map(len, lines.values()), default=0)
    said = [f"row {n}" for n in rows if n in lines]
    for first, last in spans:
        said += [f"column {get_column_letter(n)}" for n in range(int(first), min(int(last), width) + 1)]
    more = f" and {len(said) - 10} more" if len(said) > 10 else ""
    return [f"hidden in the workbook and read all the same: {', '.join(said[:10])}{more}"] if said else []


def _refuse_merged(where, line, found):
    do = "take the merging back and fill in every cell"
    refuse(f"{where}, line {line}", "one value in every cell", found, do)


def _cell(value):
    """A cell of a workbook as the text that it shows."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime.datetime):
        return value.date().isoformat()
    return str(value).strip()


def _ods(content):
    """The sheets of an OpenDocument spreadsheet: name -> (table, whether it holds cells)."""
    root = etree.fromstring(content, etree.XMLParser(resolve_entities=False, no_network=True))
    tables = {table.get(f"{_TABLE}name", ""): table for table in root.iter(f"{_TABLE}table")}
    return {name: (table, any(map(_ods_cell, table.iter(f"{_TABLE}table-cell")))) for name, table in tables.items()}


def _read_ods(table, where):
    lines, number = {}, 1
    for row in table.iter(f"{_TABLE}table-row"):
        cells = []
        for cell in row.iter(f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell"):
            if any(int(cell.get(f"{_TABLE}number-{way}-spanned", 1)) > 1 for way in ("rows", "columns")):
                _refuse_merged(where, number, "merged cells")
            cells += [_ods_cell(cell)] * min(int(cell.get(f"{_TABLE}number-columns-repeated", 1)), _WIDEST)
        repeated = min(int(row.get(f"{_TABLE}number-rows-repeated", 1)), _LONGEST)
        while cells and not cells[-1]:  # a program may fill a row with empty cells to its end
            cells.pop()
        if cells:
            lines |= {number + i: cells for i in range(repeated)}
        number += repeated
    return lines, []


def _ods_cell(cell):
    kind = cell.get(f"{_OFFICE}value-type")
    if kind == "boolean":
        return "yes" if cell.get(f"{_OFFICE}boolean-value") == "true" else "no"
    if kind == "float":
        return _cell(float(cell.get(f"{_OFFICE}value")))
    if kind == "date":
        return cell.get(f"{_OFFICE}date-value", "")[:10]
    return "\n".join("".join(p.itertext()) for p in cell if p.tag.endswith("}p")).strip()
