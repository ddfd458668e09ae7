"""The authors' run, kept in expected/, and how this run compares with it.

`release` keeps the results of a run; `review` executes nothing: it judges what the last run left. An output
counts only if its step is up to date, so nothing is called the same that was not executed.
"""

import json
import re
import shutil

import pandas as pd

from ptmreuse import parameters, paths
from ptmreuse.book import steps
from ptmreuse.errors import StudyError
from ptmreuse.review import run_record

EXPECTED = paths.ROOT / "expected"
RUN = EXPECTED / "run.json"
SIX_DIGITS = 5e-7  # closed forms: another processor or library orders sums otherwise
RESAMPLED = 0.02  # seeded resampling: a limit between two resamples moves by a small part
GOOD = ("same bytes", "same to six digits", "within tolerance", "same drawing")


def release(values):
    """Keep the results of the last run in expected/ as the authors' run.

    Parameters
    ----------
    values : dict
        The parameters of the run.

    Raises
    ------
    StudyError
        If the results are not those of the default parameters, or are out of date.
    """
    if values != parameters.DEFAULTS:
        raise StudyError(expected="the default parameters", found="others", where="release", do="leave --set away")
    _must_be_current(values)
    record = run_record.read()
    shutil.rmtree(EXPECTED, ignore_errors=True)
    hashes, drawings = {}, {}
    for name, path in _outputs().items():
        hashes[name] = paths.sha256(path)
        if path.suffix == ".svg":
            drawings[name] = _drawing(path)
        if path.suffix == ".csv":
            (EXPECTED / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, EXPECTED / name)
    kept = {"python": record["python"], "system": record["system"], "processor": record["processor"]}
    text = json.dumps(
        kept | {"inputs": _inputs(values), "outputs": hashes, "drawings": drawings}, indent=1, sort_keys=True
    )
    RUN.write_text(text + "\n", encoding="utf-8")


def _must_be_current(values):
    for name in steps.needed(steps.NOTEBOOKS[-1]):
        step = steps.STEPS[steps.NAMES.index(name)]
        reasons = steps.why(step, steps.fingerprint(step, values))
        if reasons:
            raise StudyError(
                expected="results of a finished run", found="; ".join(reasons[:3]), where=f"step {name}",
                do="run make book with the same parameters, then this again",
            )  # fmt: skip


def _outputs():
    found = sorted(p for p in paths.RESULTS.rglob("*") if p.is_file() and p.name != "reads.json")
    return {p.relative_to(paths.RESULTS).as_posix(): p for p in found}


def _drawing(path):
    # The names of clipping frames are made from the last bits of their size; nothing drawn depends on them.
    return paths.text_sha256(re.sub(r"(?<=[\"#])p[0-9a-f]{10}(?=[\")])", "frame", path.read_text(encoding="utf-8")))


def _inputs(values):
    """Data, notebooks and parameters by content; code is left to the commit."""
    found = {}
    for name in steps.needed(steps.NOTEBOOKS[-1]):
        found |= steps.fingerprint(steps.STEPS[steps.NAMES.index(name)], values)
    kept = ("data/", "notebooks/", "parameter ", "requirements.lock")
    return {name: value for name, value in found.items() if name.startswith(kept)}


def compare(values):
    """This run against the authors', one row per output.

    Parameters
    ----------
    values : dict
        The parameters of the run.

    Returns
    -------
    rows : DataFrame
        output, result (same bytes, same to six digits, within tolerance, same drawing, differs, missing, new), detail.
    inputs : list of str
        The inputs that are not the authors'.

    Raises
    ------
    StudyError
        If there is no authors' run or it was changed, if this run is unfinished, or if it had other parameters.
    """
    kept = _read_expected()
    other = [n for n in parameters.NAMES if values[n] != parameters.DEFAULTS[n]]
    if other:
        found = ", ".join(f"{n} = {values[n]}" for n in other)
        raise StudyError(
            expected="the parameters of the authors' run", found=found, where="review",
            do="compare a run of the default parameters; other results are compared with nothing",
        )  # fmt: skip
    _must_be_current(values)
    run_record.read()
    here, inputs = _outputs(), _inputs(values)
    changed = sorted(n for n in inputs.keys() | kept["inputs"].keys() if inputs.get(n) != kept["inputs"].get(n))
    rows = []
    for name in sorted(here.keys() | kept["outputs"].keys()):
        if name not in here:
            result = ("missing", "the authors' run has it")
        elif name not in kept["outputs"]:
            result = ("new", "the authors' run lacks it")
        elif paths.sha256(here[name]) == kept["outputs"][name]:
            result = ("same bytes", "")
        elif here[name].suffix == ".csv":
            result = compare_tables(_read(EXPECTED / name), _read(here[name]))
        elif here[name].suffix == ".svg" and _drawing(here[name]) == kept["drawings"][name]:
            result = ("same drawing", "only names inside the file differ")
        else:
            result = ("differs", "a drawing or page of numbers; see the CSV of the same name")
        rows.append((name, *result))
    return pd.DataFrame(rows, columns=["output", "result", "detail"]), changed


def _read(path):
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def _read_expected():
    try:
        kept = json.loads(RUN.read_text(encoding="utf-8"))
        tables = {name: kept["outputs"][name] for name in kept["outputs"] if name.endswith(".csv")}
        _ = kept["inputs"], kept["drawings"]
    except FileNotFoundError:
        raise StudyError(
            expected="the authors' run", found="none", where=paths.shown(EXPECTED), do="restore the folder expected"
        ) from None
    except (ValueError, KeyError, TypeError):
        raise StudyError(
            expected="the list of the authors' results", found="one that was changed", where=paths.shown(RUN),
            do="restore it from the release",
        ) from None  # fmt: skip
    for name, sha in tables.items():
        path = EXPECTED / name
        if not path.exists() or paths.sha256(path) != sha:
            raise StudyError(
                expected="the authors' result as released", where=paths.shown(path), do="restore it from the release",
                found="a changed one" if path.exists() else "none",
            )  # fmt: skip
    return kept


def compare_tables(theirs, ours):
    """How one table of strings differs from the authors'.

    Parameters
    ----------
    theirs, ours : DataFrame
        Both read as text.

    Returns
    -------
    (str, str)
        The result and the worst cell.

    Notes
    -----
    Text and whole numbers must be equal. A decimal may differ by 5e-7 of its size; one that seeded resampling
    made (its column or the row's method says so) by 2 %, which is said as "within tolerance".

    Examples
    --------
    >>> table = pd.DataFrame({"n": ["47"], "low_resampled": ["0.105403"]})
    >>> compare_tables(table, table.assign(low_resampled="0.105430"))
    ('within tolerance', 'row 1, low_resampled: 0.105403 there, 0.105430 here')
    >>> compare_tables(table, table.assign(n="48"))
    ('differs', 'row 1, n: 47 there, 48 here')
    """
    if list(theirs.columns) != list(ours.columns) or len(theirs) != len(ours):
        return "differs", f"{len(theirs)} rows there, {len(ours)} here, or other columns"
    worst = (1, "")
    for column in theirs.columns:
        for row in range(len(theirs)):
            there, here = theirs[column].iloc[row], ours[column].iloc[row]
            if there == here:
                continue
            method = theirs["method"].iloc[row] if "method" in theirs else ""
            grade = _grade(there, here, _is_resampled(column, method))
            if grade > worst[0] or not worst[1]:
                worst = (grade, f"row {row + 1}, {column}: {there} there, {here} here")
    return (*GOOD[:3], "differs")[worst[0]], worst[1]


def _is_resampled(column, method):
    of_row = column in ("low", "high", "p") and any(w in method.lower() for w in ("bootstrap", "resampl", "permut"))
    return of_row or "resampled" in column or column.startswith("apart")


def _grade(there, here, resampled):
    """1 same to six digits, 2 within tolerance, 3 differs."""
    try:
        a, b = float(there), float(here)
    except ValueError:
        return 3
    if "." not in there + here and "e" not in (there + here).lower():
        return 3  # a whole number is a count
    apart = abs(a - b) / max(abs(a), abs(b)) if a != b else 0.0
    if apart <= SIX_DIGITS:
        return 1
    return 2 if resampled and apart <= RESAMPLED else 3


def review(values):
    """Print how this run compares with the authors'.

    Parameters
    ----------
    values : dict
        The parameters of the run.

    Returns
    -------
    int
        0 if every output agrees and the inputs are the authors'; 3 if not.
    """
    rows, inputs = compare(values)
    run, theirs = run_record.read(), json.loads(RUN.read_text(encoding="utf-8"))
    print(f"This run of {run['started']}: Python {run['python']}, {run['system']}, {run['processor']}, {run['commit']}")
    print(f"The authors' run: Python {theirs['python']}, {theirs['system']}, {theirs['processor']}")
    for name, versions in run["other_versions"].items():
        print(f"another version: {name}, {versions}")
    for name in inputs:
        print(f"another input: {name}")
    for row in rows[rows["result"] != "same bytes"].itertuples():
        print(f"{row.result}: {row.output} ({row.detail})")
    counted = rows["result"].value_counts()
    print("; ".join(f"{result}: {count}" for result, count in counted.items()))
    good = bool(rows["result"].isin(GOOD).all())
    if good and not inputs:
        print("The results of this run are those of the authors.")
        return 0
    print(
        "The results agree, but from other inputs." if good else "The results of this run are NOT those of the authors."
    )
    return 3
