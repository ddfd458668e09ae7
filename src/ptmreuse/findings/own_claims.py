"""A student's own claims, judged by her own numbers: a small table of statements, keys and rules.

======== ================================ =============================================================
rule     expected                         holds if
======== ================================ =============================================================
equal    a number                         the recorded number is this one
at least a number                         its whole interval is not below
within   two numbers: 0.2 to 0.4          its whole interval lies between them
leads    nothing                          its rank is surely the first
trend    up or down                       its whole interval is on that side of no change
======== ================================ =============================================================
"""

import difflib
import re
from pathlib import Path

import pandas as pd

from ptmreuse import paths, wording
from ptmreuse.errors import StudyError, StudyErrors, refuse
from ptmreuse.evidence import study

COLUMNS = ("statement", "key", "rule", "expected")
RULES = ("equal", "at least", "within", "leads", "trend")
_NUMBER = r"-?\d+(?:\.\d+)?"
FORMS = {
    "equal": (rf"({_NUMBER}) ?(%?)", "a number such as 12 or 35 %"),
    "at least": (rf"({_NUMBER}) ?(%?)", "a number such as 0.5 or 50 %"),
    "within": (rf"({_NUMBER}) ?(%?) to ({_NUMBER}) ?(%?)", "two numbers such as 0.2 to 0.4"),
    "leads": (r"", "an empty cell"),
    "trend": (r"(up|down)", "up or down"),
}


def read_claims(path: Path) -> pd.DataFrame:
    """Read and check a table of claims.

    Parameters
    ----------
    path : Path
        A CSV file with the columns `COLUMNS`; a file that is missing holds no claim.

    Raises
    ------
    StudyError
        On other columns; and every row with a mistake, with its line.
    """
    if not path.exists():
        return pd.DataFrame(columns=list(COLUMNS), dtype="str")
    table, where = study.read_csv(path), paths.shown(path)
    if tuple(table.columns) != COLUMNS:
        found = ", ".join(table.columns)
        refuse(where, f"the columns {', '.join(COLUMNS)}", found, "correct the header row")
    table = table.apply(lambda column: column.str.strip())
    problems = []
    for row, claim in enumerate(table.to_dict("records"), start=1):
        place = f"{where}, row {row} (line {row + 1})"
        form, words = FORMS.get(claim["rule"], ("", ""))
        problem = None
        if not claim["statement"] or not claim["key"]:
            problem = ("a statement and a key", "an empty cell", "fill it in")
        elif claim["rule"] not in RULES:
            near = difflib.get_close_matches(claim["rule"], RULES, 1)
            do = f"did you mean {near[0]}?" if near else "choose one of them"
            problem = (f"one of the rules {', '.join(RULES)}", repr(claim["rule"]), do)
        elif not re.fullmatch(form, claim["expected"]):
            problem = (f"{words}, for the rule {claim['rule']}", repr(claim["expected"]), "correct column expected")
        elif claim["rule"] == "within" and (ends := limits(claim["expected"]))[0] > ends[1]:
            problem = ("the smaller number first", repr(claim["expected"]), "exchange the two")
        if problem:
            expected, what, do = problem
            problems.append(StudyError(expected=expected, found=what, where=place, do=do))
    if problems:
        raise StudyErrors(problems)
    return table


def limits(expected: str) -> list[float]:
    """The numbers of an expectation; percents as shares.

    Examples
    --------
    >>> limits("20 % to 0.4")
    [0.2, 0.4]
    """
    said = re.findall(rf"({_NUMBER}) ?(%?)", expected)
    return [float(number) / (100 if percent else 1) for number, percent in said]


def judge(claims: pd.DataFrame, registry: pd.DataFrame) -> pd.DataFrame:
    """Give every claim its verdict.

    Parameters
    ----------
    claims : DataFrame, from `read_claims`
    registry : DataFrame
        Recorded numbers by key, from `record.numbers`.

    Returns
    -------
    DataFrame
        statement, rule, expected, found, interval, verdict, reason, key.

    Raises
    ------
    StudyError
        If a key was not recorded, or its number cannot be judged by the rule; with the nearest key.
    """
    rows = []
    for line, claim in enumerate(claims.to_dict("records"), start=2):
        key, where = claim["key"], f"claims.csv, line {line}"
        if key not in registry.index:
            near = difflib.get_close_matches(key, registry.index, 1)
            do = f"did you mean {near[0]}?" if near else "take one from the page Registry of numbers"
            refuse(where, "the key of a recorded number", repr(key), do)
        number = registry.loc[key]
        begins = {"leads": "rank_", "trend": "trend_"}.get(claim["rule"], "")
        if not key.startswith(begins):
            expected = f"a key that begins with {begins}, for the rule {claim['rule']}"
            refuse(where, expected, repr(key), "take another key or rule")
        verdict, reason = _verdict(claim, number)
        ends = " to ".join(wording.limits(number)) + " %" * ("%" in number["text"] and number["low"] != "")
        rows.append((claim["statement"], claim["rule"], claim["expected"], number["text"], ends, verdict, reason, key))
    columns = ["statement", "rule", "expected", "found", "interval", "verdict", "reason", "key"]
    return pd.DataFrame(rows, columns=columns)


def _verdict(claim, number):
    value, low, high = (pd.to_numeric(number[c], errors="coerce") for c in ("value", "low", "high"))
    if pd.isna(value):
        return "not checkable", "the papers hold nothing to compute it from"
    if claim["rule"] == "equal":
        same = abs(value - limits(claim["expected"])[0]) < 1e-9
        return ("reproduced", "the same number") if same else ("differs", "another number")
    if pd.isna(low) or pd.isna(high):
        if number["method"] != "counted":
            return "not checkable", "too few papers for an interval"
        low = high = value
    inside, outside = {
        "at least": lambda least: (low >= least, high < least),
        "within": lambda least, most: (least <= low and high <= most, high < least or low > most),
        "leads": lambda: (high <= 1, low > 1),
        "trend": lambda: (low > 1, high < 1) if claim["expected"] == "up" else (high < 1, low > 1),
    }[claim["rule"]](*(limits(claim["expected"]) if claim["rule"] in ("at least", "within") else ()))
    if inside:
        return "agrees", "the whole interval is on the side of the claim"
    return ("differs", "the whole interval contradicts it") if outside else ("cannot tell", "the interval holds both")


def printed() -> list[str]:
    """The verdicts of the last run of a student's study, a line each."""
    files = sorted(paths.RESULTS.glob("*/my_claims.csv"))
    lines = [
        f"{claim['verdict']:<15} {claim['statement']}: found {claim['found']} ({claim['reason']})"
        for file in files
        for claim in study.read_csv(file).to_dict("records")
    ]
    return lines or ["claims.csv holds no claim."]
