"""Spreadsheets as people save them, read cell by cell as text: nothing is guessed without a word, nothing is lost.

What a file is, its first bytes say, not its name: xlsx, ods, or text with commas, semicolons, tabs or bars between
the cells.
"""

import csv
import datetime
import io
import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple
from zipfile import BadZipFile, ZipFile

import openpyxl
from lxml import etree

from ptmreuse import paths
from ptmreuse.errors import StudyError

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_WIDEST = 1000  # columns; spreadsheets pad their rows with thousands of empty ones


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
    if content.startswith(b"PK"):
        lines, notes = _workbook(path, sheet, where)
    else:
        lines, notes = _text(content, where)
    filled = {line: cells for line, cells in lines.items() if any(cells)}
    if not filled:
        _refuse(where, "a header row and a row per thing", "no cell with text", "check the file")
    first = min(filled)
    header = filled.pop(first)
    while header and not header[-1]:
        header.pop()
    for name, times in Counter(header).items():
        if not name or times > 1:
            column = header.index(name) + 1
            found = f"column {column} without one" if not name else f"{name!r} {times} times"
            _refuse(f"{where}, line {first}", "a name of its own for every column", found, "correct the header row")
    rows, short = {}, 0
    for line, cells in filled.items():
        if any(cells[len(header) :]):
            found = f"{cells[len(header) :][0][:40]!r} beyond the last column"
            do = "give the column a name, or quote the cell"
            _refuse(f"{where}, line {line}", f"at most {len(header)} cells", found, do)
        short += len(cells) < len(header)
        rows[line] = (cells + [""] * len(header))[: len(header)]
    blank = sum(line > first for line in set(lines) - set(filled))
    if short and not content.startswith(b"PK"):
        notes.append(f"{short} rows shorter than the header, read as ending in empty cells")
    return Sheet(header, rows, notes + ([f"{blank} blank rows left out"] if blank else []))


def _refuse(where, expected, found, do):
    raise StudyError(expected=expected, found=found, where=where, do=do)


def _text(content, where):
    """Lines of a text file: number -> cells."""
    notes = []
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        _refuse(where, "xlsx, ods or csv", "an old .xls file", "save it as .xlsx")
    encoding = "utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
        notes.append("not UTF-8: read as Western European (Windows-1252); check letters with accents")
    if "\0" in text:
        _refuse(where, "a spreadsheet", "bytes that are no text", "save it as .xlsx or .csv")
    if re.match(r"\s*<(!doctype|html|table|\?xml)", text, re.I):
        _refuse(where, "a spreadsheet", "a web page or XML", "open it in a spreadsheet program and save it as .xlsx")
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
        _refuse(
            f"{where}, line {start + skipped}", "cells that can be told apart", found, "correct the quotation marks"
        )
    return lines, notes


def _swallowed(cells, lines, delimiter, where):
    """Refuse a cell that holds whole rows: a stray quotation mark opened it."""
    width = len(next(iter(lines.values())))
    for cell in cells:
        if "\n" in cell and any(part.count(delimiter) >= max(1, width - 1) for part in cell.split("\n")):
            _refuse(
                where, "one row", f"a cell that holds whole rows: {cell[:40]!r}", "take out the stray quotation mark"
            )


def _delimiter(text, where):
    header = re.sub(r'"[^"]*"', "", text.lstrip("\n").partition("\n")[0])
    counts = {d: header.count(d) for d in DELIMITERS if d in header}
    if len(counts) > 1 and len(set(sorted(counts.values())[-2:])) == 1:
        found = " and ".join(DELIMITERS[d] for d in counts)
        _refuse(f"{where}, line 1", "one sign between the columns", found, "save the file as .xlsx")
    return max(counts, key=counts.get) if counts else ","


def _workbook(path, sheet, where):
    try:
        with ZipFile(path) as archive:
            names = archive.namelist()
            if "content.xml" in names:
                sheets = _ods(archive.read("content.xml"))
            elif "xl/workbook.xml" in names:
                sheets = None
            else:
                _refuse(where, "an xlsx or ods workbook", "another kind of archive", "save the table as .xlsx")
        if sheets is None:
            content = path.read_bytes()
            values, formulas = (
                openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=kept) for kept in (True, False)
            )
            sheets = {s.title: _xlsx(s, formulas[s.title], where) for s in values.worksheets}
    except (BadZipFile, KeyError, ValueError, etree.XMLSyntaxError) as error:
        if isinstance(error, StudyError):
            raise
        _refuse(where, "an xlsx or ods workbook", f"a broken one ({error})", "save it again")
    filled = {name: lines for name, lines in sheets.items() if any(any(cells) for cells in lines.values())}
    if sheet:
        if sheet not in sheets:
            _refuse(where, f"a sheet among {', '.join(map(repr, sheets))}", repr(sheet), "name one with --sheet")
        return sheets[sheet], [f"sheet {sheet!r}"]
    if len(filled) > 1:
        found = " and ".join(map(repr, filled))
        _refuse(where, "one sheet with cells", found, "say which one holds the codes: --sheet NAME")
    for lines in filled.values():
        for number, cells in lines.items():
            for cell in cells:
                if re.match(r"#(REF|N/A|VALUE|NAME|DIV)", cell):
                    _refuse(f"{where}, line {number}", "values", f"the formula error {cell}", "correct the formula")
    return (next(iter(filled.values())) if filled else {}), []


def _xlsx(sheet, formulas, where):
    """The rows of a sheet; a formula whose value the file does not hold would pass for an empty cell."""
    lines, both = {}, zip(sheet.iter_rows(values_only=True), formulas.iter_rows(values_only=True), strict=True)
    for number, (row, written) in enumerate(both, start=1):
        if any(v is None and isinstance(f, str) and f.startswith("=") for v, f in zip(row, written, strict=True)):
            do = "open the workbook in a spreadsheet program and save it"
            _refuse(f"{where}, line {number}", "values", "a formula that was never computed", do)
        if any(v is not None for v in row):
            lines[number] = [_cell(v) for v in row[:_WIDEST]]
    return lines


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
    """The sheets of an OpenDocument spreadsheet."""
    root = etree.fromstring(content, etree.XMLParser(resolve_entities=False, no_network=True))
    sheets = {}
    for table in root.iter(f"{_TABLE}table"):
        lines, number = {}, 1
        for row in table.iter(f"{_TABLE}table-row"):
            cells = []
            for cell in row.iter(f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell"):
                text = _ods_cell(cell)
                cells += [text] * min(int(cell.get(f"{_TABLE}number-columns-repeated", 1)), _WIDEST - len(cells))
            repeated = int(row.get(f"{_TABLE}number-rows-repeated", 1))
            if any(cells):
                lines |= {number + i: cells for i in range(repeated)}
            number += repeated
        sheets[table.get(f"{_TABLE}name", "")] = lines
    return sheets


def _ods_cell(cell):
    kind = cell.get(f"{_OFFICE}value-type")
    if kind == "boolean":
        return "yes" if cell.get(f"{_OFFICE}boolean-value") == "true" else "no"
    if kind == "float":
        return _cell(float(cell.get(f"{_OFFICE}value")))
    if kind == "date":
        return cell.get(f"{_OFFICE}date-value", "")[:10]
    return "\n".join("".join(p.itertext()) for p in cell if p.tag.endswith("}p")).strip()
