"""The parameters of a run: one schema for command line, notebooks, tests and book.

papermill runs a mistyped parameter with its default value and no complaint, and YAML reads ``seed: false``,
``007`` or ``1e5`` as something a reader would not expect. So every value is checked here, from the raw text
of the file, before any kernel starts.
"""

import ast
import difflib
import json
import math
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import yaml

from ptmreuse import paths
from ptmreuse.errors import StudyError, refuse

Value = str | int | float


class Parameter(NamedTuple):
    """One parameter: a whole number, a number, a choice among words, a path or a text."""

    name: str
    type: str  # "whole number", "number", "choice", "path" or "text"
    default: Value
    allowed: tuple  # (lowest, highest), the choices, or ()
    unit: str
    meaning: str

    @property
    def range(self) -> str:
        """The allowed values, in words."""
        if self.type in ("path", "text"):
            return f"a {self.type}, or empty"
        if self.type == "choice":
            return ", ".join(self.allowed)
        return f"{self.allowed[0]} to {self.allowed[1]}"


SCHEMA = (
    Parameter("source", "choice", "embedded", ("embedded", "pilot", "release", "plos", "tables", "simulated"), "",
              "the coded papers that the notebooks analyse"),
    Parameter("release", "path", "", (), "", "the authors' SQLite database, for source: release"),
    Parameter("tables", "path", "", (), "", "a folder of study tables, for source: tables"),
    Parameter("pilot", "path", "", (), "",
              "the authors' pilot workbook, for source: pilot (empty: where make data put it)"),
    Parameter("coder", "text", "", (), "",
              "whose codes are analysed, where a study has several coders (empty: the first)"),
    Parameter("title", "text", "", (), "", "the title of a book about papers of your own (empty: the book's own)"),
    Parameter("authors", "text", "", (), "", "who made that book"),
    Parameter("validation", "path", "", (), "",
              "a folder of papers that people checked, made by the command draw (empty: none)"),
    Parameter("last_year", "whole number", 2025, (2000, 2100), "year", "the last publication year analysed"),
    Parameter("seed", "whole number", 20260313, (0, 4294967295), "", "the seed of everything random"),
    Parameter("confidence", "number", 0.95, (0.5, 0.999), "share", "the confidence level of every interval"),
    Parameter("resamples", "whole number", 9999, (199, 99999), "resamples", "bootstrap and permutation resamples"),
    Parameter("simulated_papers", "whole number", 18091, (500, 200000), "papers", "the size of the simulated frame"),
    Parameter("sampling_fraction", "number", 0.1, (0.005, 1.0), "share",
              "the share of each stratum (year and megajournal) drawn for checking"),
    Parameter("half_width", "number", 0.05, (0.005, 0.25), "share",
              "the interval half-width that the sample-size plan aims at"),
    Parameter("multiplicity", "choice", "holm", ("holm", "bh"), "",
              "the adjustment of the primary tests: family-wise (holm) or false discovery rate (bh)"),
)  # fmt: skip
NAMES = tuple(p.name for p in SCHEMA)
DEFAULTS = {p.name: p.default for p in SCHEMA}

_WHOLE = re.compile(r"-?(0|[1-9][0-9]*)")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")


def read(path: str | os.PathLike | None = None, settings: Iterable[str] = ()) -> dict[str, Value]:
    """Read the parameters of a run: the defaults, a YAML file over them, single settings over both.

    Parameters
    ----------
    path : path-like, optional
        A YAML file with one ``name: value`` per line.
    settings : iterable of str
        ``name=value`` texts, as typed on the command line.

    Returns
    -------
    dict
        Every parameter of the schema, in its order.

    Raises
    ------
    StudyError
        On a file that is missing or no flat YAML mapping, an unknown or repeated name, a value of the wrong
        type or out of range. The message says which line.

    Examples
    --------
    >>> read(settings=["confidence=0.9"])["confidence"]
    0.9
    >>> read(settings=["confidance=0.9"])
    Traceback (most recent call last):
    ...
    ptmreuse.errors.StudyError: --set confidance=0.9: expected a parameter name, found 'confidance'; \
did you mean confidence? (python -m ptmreuse parameters lists all)
    """
    values = dict(DEFAULTS)
    if path:
        values.update(_from_yaml(path))
    for setting in settings:
        name, equals, text = setting.partition("=")
        where = f"--set {setting[:60]}"
        if not equals:
            refuse("--set", "name=value", repr(setting), "write --set seed=1")
        values[name.strip()] = _value(name.strip(), text.strip(), where, quoted=False)
    for name in ("release", "tables"):
        if values[name] and values["source"] != name:
            refuse(
                "parameters", f"source: {name}, as {name} is set",
                f"source: {values['source']}", f"add source: {name}, or take {name} out",
            )  # fmt: skip
    return values


def _from_yaml(path: str | os.PathLike) -> dict[str, Value]:
    where = paths.shown(path)
    try:
        text = paths.Path(path).read_text(encoding="utf-8")
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except FileNotFoundError:
        raise StudyError(
            expected="a parameter file", found="no such file", where=where, do="check PARAMS or --params"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        found = "other bytes" if isinstance(error, UnicodeDecodeError) else str(error.strerror)
        do = "check PARAMS or --params"
        raise StudyError(expected="a YAML file in UTF-8", found=found, where=where, do=do) from None
    except RecursionError:
        do = "write one name: value per line"
        raise StudyError(expected="name: value lines", found="deep nesting", where=where, do=do) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise StudyError(
            expected="YAML with one name: value per line",
            found=getattr(error, "problem", None) or "text that is not YAML", where=where + line,
            do="correct that line",
        ) from None  # fmt: skip
    if root is None:
        return {}
    if not isinstance(root, yaml.MappingNode):
        refuse(where, "one name: value per line", f"a {root.id}", "write for example seed: 1")
    values = {}
    for key, node in root.value:
        place = f"{where}, line {key.start_mark.line + 1}, {key.value if key.id == 'scalar' else key.id}"
        if key.id == "scalar" and key.value in values:
            refuse(place, "each name once", "it again", "remove one of the lines")
        if node.id != "scalar":
            refuse(place, "one value", f"a {node.id}", "write name: value")
        name = key.value if key.id == "scalar" else ""
        values[name] = _value(name, node.value, place, quoted=bool(node.style))
    return values


def _value(name: str, text: str, where: str, *, quoted: bool) -> Value:
    if name not in NAMES:
        near = difflib.get_close_matches(name, NAMES, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}? (" if near else "use one of the schema ("
        refuse(where, "a parameter name", repr(name), f"{hint}python -m ptmreuse parameters lists all)")
    parameter = SCHEMA[NAMES.index(name)]
    found = f"the text {text[:60]!r}" if quoted else text[:60] or "nothing"
    if parameter.type in ("path", "text"):
        if any(not c.isprintable() for c in text):
            do = "in YAML write a path with backslashes without quotation marks, or with /"
            refuse(where, f"a {parameter.type} in one line", repr(text), do)
        if not quoted and text in ("~", "null", "Null", "NULL"):
            do = "leave it empty, or take the line out"
            refuse(where, f"a {parameter.type}, or nothing", text, do)
        if parameter.type != "path" or not text.startswith("~"):
            return text
        try:
            return str(paths.Path(text).expanduser())
        except RuntimeError:
            do = "write the folder in full"
            raise StudyError(expected="a path", found=f"{text!r}, no home", where=where, do=do) from None
    if parameter.type == "choice":
        if text not in parameter.allowed:
            near = difflib.get_close_matches(text, parameter.allowed, n=1)
            refuse(
                where, f"one of {parameter.range}", found, f"did you mean {near[0]}?" if near else "choose one of them"
            )
        return text
    whole = parameter.type == "whole number"
    if quoted or not (_WHOLE if whole else _NUMBER).fullmatch(text):
        example = f"write it in plain digits, for example {name}: {parameter.default}"
        refuse(where, f"a {parameter.type}", found, example)
    value = int(text) if whole and len(text) < 99 else float(text)
    return _in_range(parameter, value, where)


def _in_range(parameter: Parameter, value: float, where: str) -> float:
    low, high = parameter.allowed
    if not (math.isfinite(value) and low <= value <= high):
        refuse(where, f"a {parameter.type} from {low} to {high}", str(value), "choose a value in this range")
    return value


def of_notebook(path: Path) -> list[str]:
    """The parameters that a notebook declares, checked against the schema.

    Parameters
    ----------
    path : Path
        A notebook with exactly one cell tagged ``parameters``, whose lines are ``name = default``.

    Raises
    ------
    StudyError
        If the cell is missing, is not made of plain assignments, names an unknown parameter, or gives another
        default than the schema.
    """
    where = paths.shown(path)
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise StudyError(
            expected="a Jupyter notebook", found=f"a file that is not one ({error})", where=where, do="restore it"
        ) from None
    tagged = [c for c in cells if "parameters" in c.get("metadata", {}).get("tags", [])]
    if len(tagged) != 1:
        refuse(where, "one cell tagged parameters", str(len(tagged)), "tag the cell that lists the parameters")
    declared = {}
    try:
        lines = ast.parse("".join(tagged[0]["source"])).body
    except (SyntaxError, ValueError) as error:
        shown = (getattr(error, "text", "") or "").strip()
        raise StudyError(
            expected="plain Python", found=f"{shown!r} ({getattr(error, 'msg', error)})",
            where=f"{where}, parameters cell, line {getattr(error, 'lineno', 1)}", do="correct this line",
        ) from None  # fmt: skip
    for line in lines:
        try:
            if not isinstance(line, ast.Assign) or not isinstance(line.targets[0], ast.Name):
                raise ValueError
            declared[line.targets[0].id] = ast.literal_eval(line.value)
        except ValueError:
            raise StudyError(
                expected="lines of the form name = value", found=ast.unparse(line), where=f"{where}, parameters cell",
                do="move other code to the next cell",
            ) from None  # fmt: skip
    for name, default in declared.items():
        place = f"{where}, parameters cell, {name}"
        if name not in NAMES:
            _value(name, "", place, quoted=False)
        if default != DEFAULTS[name] or type(default) is not type(DEFAULTS[name]):
            refuse(
                place, f"the schema's default {DEFAULTS[name]!r}",
                repr(default), "correct the cell, or the schema in src/ptmreuse/parameters.py",
            )  # fmt: skip
    return list(declared)


def table(values: Mapping[str, Value]) -> list[dict[str, Value]]:
    """The parameters of a run as rows: name, value, default, differs, range, unit, meaning.

    Examples
    --------
    >>> [(row["name"], row["value"]) for row in table(read(settings=["seed=7"])) if row["differs"] == "yes"]
    [('seed', 7)]
    """
    return [
        {
            "name": p.name,
            "value": values[p.name],
            "default": p.default,
            "differs": "yes" if values[p.name] != p.default else "no",
            "type": p.type,
            "range": p.range,
            "unit": p.unit,
            "meaning": p.meaning,
        }
        for p in SCHEMA
    ]
