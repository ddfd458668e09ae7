"""This run against the authors': every number, claim, table and figure by itself.

Nothing is executed here. An output counts only if its step is up to date, so nothing is called the same that
was not made by the code at hand.
"""

import math

import pandas as pd

from ptmreuse import parameters, paths
from ptmreuse.errors import refuse
from ptmreuse.review import authors_run, run_record

CLOSED = 5e-7
RESAMPLED = 0.02
ZERO = 1e-12  # what the arithmetic of a machine leaves of a zero
GOOD = ("same bytes", "same to the digits shown", "within tolerance")
TOLERANCES = pd.DataFrame(
    [
        ("a count, a word, a verdict", "none", "nothing in it depends on a machine"),
        ("a closed form", "5 in 10 million of the number; 1e-12 of a zero", "processors order sums otherwise"),
        ("a resampled limit or p-value", "2 % of the number", "one resample more or less moves it to its neighbour"),
    ],
    columns=["kind of number", "tolerance", "reason"],
)
_PLACE = {"cell", "step", "notebook"}  # where a result was recorded is no result
_SHOWN = {"text", "sentence"}


def compare(values):
    """This run against the authors', one row per output.

    Parameters
    ----------
    values : dict
        The parameters of the run.

    Returns
    -------
    rows : DataFrame
        kind (number, claim, table, figure), output, result (same bytes, same to the digits shown, within
        tolerance, differs, missing, new), detail.
    inputs : list of str
        The inputs that are not the authors'.

    Raises
    ------
    StudyError
        If there is no authors' run or it was changed, or if this run had other parameters.
    """
    other = [n for n in parameters.NAMES if values[n] != parameters.DEFAULTS[n]]
    if other:
        found = ", ".join(f"{n} = {values[n]}" for n in other)
        refuse(
            "review", "the parameters of the authors' run",
            found, "compare a run of the default parameters; other results are compared with nothing",
        )  # fmt: skip
    kept, here, inputs = authors_run.read(), authors_run.outputs(), authors_run.inputs(values)
    changed = sorted(n for n in inputs.keys() | kept["inputs"].keys() if inputs.get(n) != kept["inputs"].get(n))
    names = sorted(n for n in here.keys() | kept["outputs"].keys() if n.endswith(".csv"))
    rows = []
    for name in [n for n in names if n.endswith("/numbers.csv")]:
        rows += _keyed("number", name, "key", grade_number)
    numbers = {row[1]: row[2] for row in rows}
    for name in [n for n in names if n.endswith("/claims.csv")]:
        rows += _keyed("claim", name, "id", lambda a, b: grade_claim(a, b, numbers))
    for name in [n for n in names if not n.endswith(("/numbers.csv", "/claims.csv"))]:
        rows.append(_file(name, kept, here))
    return pd.DataFrame(rows, columns=["kind", "output", "result", "detail"]), changed


def _keyed(kind, name, key, grade):
    theirs, ours = (
        {row[key]: row for row in authors_run.table(folder / name).to_dict("records")}
        for folder in (authors_run.EXPECTED, paths.RESULTS)
    )
    for one in sorted(theirs.keys() | ours.keys()):
        yield kind, one, *_presence(one in theirs, one in ours, lambda one=one: grade(theirs[one], ours[one]))


def _presence(theirs, ours, grade):
    if not ours:
        return "missing", "the authors' run has it"
    return grade() if theirs else ("new", "the authors' run lacks it")


def _file(name, kept, here):
    svg, html = (name.removesuffix(".csv") + ending for ending in (".svg", ".html"))
    kind = "figure" if svg in here or svg in kept["outputs"] else "table"
    shown = svg if kind == "figure" else html

    def grade():
        same = {n: n in here and paths.sha256(here[n]) == kept["outputs"].get(n) for n in (name, shown)}
        drawn = same[shown] or (kind == "figure" and shown in here and _drawn(here[shown], shown, kept))
        if same[name] and (same[shown] or kind == "table"):
            return "same bytes", ""
        if drawn:
            return "same to the digits shown", "" if not same[name] else "only names inside the drawing differ"
        if same[name]:
            return "differs", "the same data, drawn otherwise"
        return compare_tables(authors_run.table(authors_run.EXPECTED / name), authors_run.table(here[name]))

    return kind, name.removesuffix(".csv"), *_presence(name in kept["outputs"], name in here, grade)


def _drawn(path, name, kept):
    return authors_run.drawing(path) == kept["drawings"].get(name)


def grade_number(theirs, ours):
    """The result and detail of a recorded number: two rows of the registry, as dicts of strings.

    Examples
    --------
    >>> there = {"text": "44.7 %", "value": "0.447", "sentence": "", "method": ""}
    >>> grade_number(there, there | {"value": "0.4470001"})[0]
    'same to the digits shown'
    >>> grade_number(there, there | {"value": "0.46", "text": "46.0 %"})
    ('differs', 'value: 0.447 there, 0.46 here')
    """
    differ = [c for c in theirs if theirs[c] != ours.get(c)]
    if not differ:
        return "same bytes", ""
    real = [c for c in differ if c not in _PLACE | {"about", "unit", "method", "confidence"}]
    if not _SHOWN & set(real):
        return "same to the digits shown", _apart(real, theirs, ours)
    if is_number(theirs["value"]):
        real = [c for c in real if c not in _SHOWN] or real
    near = all(_near(theirs[c], ours.get(c, ""), _is_resampled(c, theirs["method"])) for c in real)
    return ("within tolerance" if near else "differs"), _apart(real, theirs, ours)


def grade_claim(theirs, ours, numbers):
    """The result and detail of a claim: two rows of the ledger; `numbers` has the results of the numbers by key.

    Examples
    --------
    >>> there = {"verdict": "differs", "found": "44.7 %", "key": "share"}
    >>> grade_claim(there, there | {"verdict": "agrees"}, {})
    ('differs', 'verdict: differs there, agrees here')
    """
    differ = [c for c in theirs if theirs[c] != ours.get(c)]
    if not differ:
        return "same bytes", ""
    real = [c for c in differ if c not in _PLACE]
    if not real:
        return "same to the digits shown", ""
    first = ["verdict"] if "verdict" in real else real
    carried = numbers.get(theirs["key"])  # the evidence is a recorded number; its own grade is the claim's
    if set(real) <= {"found", "interval", "reason"} and carried in GOOD:
        return carried, "the verdict is the same; " + _apart(first, theirs, ours)
    return "differs", _apart(first, theirs, ours)


def _apart(columns, theirs, ours):
    return "; ".join(f"{c}: {theirs[c]} there, {ours.get(c, 'none')} here" for c in columns[:2])


def compare_tables(theirs, ours):
    """The result and detail of a table of strings: the worst cell decides, and the detail names it.

    Examples
    --------
    >>> there = pd.DataFrame({"share": ["0.105430"], "method": ["Wilson"]})
    >>> compare_tables(there, there.assign(share="0.105403"))
    ('differs', 'row 1, share: 0.105430 there, 0.105403 here')
    """
    if list(theirs.columns) != list(ours.columns) or len(theirs) != len(ours):
        shapes = f"{len(theirs)} rows of {len(theirs.columns)} columns"
        return "differs", f"{shapes} there, {len(ours)} rows of {len(ours.columns)} columns here"
    methods, small = theirs.get("method", pd.Series("", index=theirs.index)), ""
    for column in theirs.columns:
        for row, (there, here, method) in enumerate(zip(theirs[column], ours[column], methods, strict=True), start=1):
            detail = f"row {row}, {column}: {there} there, {here} here"
            if not _near(there, here, _is_resampled(column, method)):
                return "differs", detail
            small = small or (detail if there != here else "")
    return "within tolerance", small


def _is_resampled(column, method):
    of_row = column in ("low", "high", "p") and any(w in method.lower() for w in ("bootstrap", "resampl", "permut"))
    return of_row or "resampled" in column or column.startswith("apart")


def is_number(text):
    """Whether a cell holds a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def _near(there, here, resampled):
    """Whether two cells are the same within the tolerance of their kind; words and counts have none."""
    if there == here:
        return True
    if not (is_number(there) and is_number(here)) or (there + here).isdecimal():
        return False
    return math.isclose(float(there), float(here), rel_tol=RESAMPLED if resampled else CLOSED, abs_tol=ZERO)


def review(values):
    """Print how this run, of the parameters `values`, compares with the authors'.

    Returns
    -------
    int
        0 if every output agrees and the inputs are the authors'; 3 if not.
    """
    rows, inputs = compare(values)
    authors_run.must_be_current(values)
    run, theirs = run_record.read(), authors_run.read()
    print(f"This run of {run['started']}: {on_machine(run)}; commit: {run['commit']}")
    print(f"The authors' run of {theirs['started']}: {on_machine(theirs)}")
    for step, made in run["steps"].items():
        print(f"  {step}: {'made anew' if step in run['ran'] else 'reused, run ' + made['run']}")
    versions, of_lock = run_record.drift(run, theirs), run_record.versions_apart(run)
    for name, apart in versions.items():
        print(f"another version: {name}, {apart}")
    if unlike := sorted(of_lock.keys() - versions.keys()):
        print(f"not as locked, here as in the authors' run: {', '.join(unlike)}")
    for name in inputs:
        print(f"another input: {name}")
    for row in rows[rows["result"] != "same bytes"].itertuples():
        print(f"{row.result}: {row.kind} {row.output}{f' ({row.detail})' if row.detail else ''}")
    print(counted(rows))
    print(verdict(rows, inputs, versions))
    return 0 if rows["result"].isin(GOOD).all() and not inputs else 3


def on_machine(run):
    """A run's machine in words."""
    return f"Python {run['python']}, {run['system']}, {run['processor']}, {run['cores']} cores"


def counted(rows):
    """How many outputs of each kind got which result."""
    said = []
    for kind, part in rows.groupby("kind", sort=False)["result"]:
        counts = part.value_counts()
        said.append(f"{kind}s: " + ", ".join(f"{counts[result]} {result}" for result in counts.index))
    return "; ".join(said)


def verdict(rows, inputs, versions=()):
    """The comparison in one sentence.

    Examples
    --------
    >>> rows = pd.DataFrame({"kind": ["number"], "output": ["a"], "result": ["same bytes"], "detail": [""]})
    >>> verdict(rows, [])
    'The results of this run are those of the authors.'
    >>> verdict(rows, ["data/cues.csv"])
    'The results agree, but they come from other inputs (data/cues.csv).'
    """
    moved = int((~rows["result"].isin(GOOD)).sum())
    others = f"{', '.join(inputs[:3])}{f' and {len(inputs) - 3} more' if len(inputs) > 3 else ''}"
    if not moved:
        agree = f"The results agree, but they come from other inputs ({others})."
        return agree if inputs else "The results of this run are those of the authors."
    if inputs:
        why = f"the inputs are not theirs ({others})"
    elif versions:
        why = f"the inputs are theirs, so it moved with the versions of {', '.join(list(versions)[:5])} or the machine"
    else:
        why = "inputs and versions are theirs, so it moved with the machine or the Python"
    return f"The results of this run are NOT those of the authors: {moved} of {len(rows)} differ; {why}."
