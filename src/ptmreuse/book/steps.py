"""The steps of the book, in order, what each depends on, and which of them are out of date.

A step is out of date when a file it reads, a helper module it imports, a parameter it uses or the result of
an earlier step differs from what it was made from, or when its own output was changed or removed. The state
of a step is written last and removed first, so an interrupted step never counts as done.
"""

import ast
import csv
import importlib
import io
import itertools
import json
import shutil
import tempfile
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from ptmreuse import one_run, parameters, paths
from ptmreuse.errors import StudyError, refuse
from ptmreuse.evidence import fetch
from ptmreuse.parameters import Value


class Step(NamedTuple):
    """One step: the function that makes its outputs, and everything that decides what comes out."""

    name: str
    about: str
    run: str  # "module:function"; called with the parameters and a folder to write into
    outputs: dict[str, Path]  # name inside that folder -> final place
    files: tuple[str | Path, ...] = ()  # input files: paths, and glob patterns from the project's root
    after: tuple[str, ...] = ()  # steps whose outputs this one reads
    parameters: tuple[str, ...] = ()


def _notebook(name: str, about: str, files: tuple[str | Path, ...] = (), after: tuple[str, ...] = ()) -> Step:
    return Step(
        name,
        about,
        "ptmreuse.book.notebooks:run_notebook",
        {"notebook.ipynb": paths.EXECUTED / f"{name}.ipynb", "results": paths.RESULTS / name},
        files=(paths.NOTEBOOKS / f"{name}.ipynb", *files),
        after=after,
        parameters=(name,),  # stands for the notebook's own parameters cell
    )


FRAME = tuple(f"data/{name}.csv" for name in ("plos_frame", "plos_dates", "plos_journals", "pilot_papers"))
SOURCE_PARAMETERS = ("source", "release", "tables", "pilot", "coder", "last_year")
STEPS: tuple[Step, ...] = (
    Step(
        "tables", "bring the coded papers in use into study tables", "ptmreuse.evidence.sources:write_evidence",
        {"tables": paths.TABLES / "evidence", "checked.csv": paths.TABLES / "checked.csv"},
        files=("data/pilot_papers.csv", "data/pilot_pairs.csv", "data/pilot_corrections.csv", "data/models.csv"),
        parameters=(*SOURCE_PARAMETERS, "validation", "seed", "simulated_papers"),
    ),
    Step(
        "simulate", "simulate a corpus with known truth", "ptmreuse.evidence.simulated:write_simulated",
        {"tables": paths.TABLES / "simulated", "hits.csv": paths.TABLES / "hits.csv"},
        files=("data/published.csv", "data/models.csv"), parameters=("seed", "simulated_papers"),
    ),
    Step(
        "control", "code the negative control by rules", "ptmreuse.coding.control:write_control",
        {"tables": paths.TABLES / "control", "evidence.csv": paths.TABLES / "control_evidence.csv"},
        files=("data/cues.csv", "data/models.csv", "data/measured/coder_development.csv"),
    ),
    _notebook("01_sampling", "sampling: funnels, the pilot's design, a stratified sample",
              files=("data/published.csv", "data/design.csv", "data/models.csv"), after=("tables", "simulate")),
    _notebook("02_coding", "coding: codebook, codes, names, agreement",
              files=("data/published.csv", "data/design.csv", "data/models.csv", "data/ratings_humans.csv",
                     "data/ratings_models.csv", "data/cues.csv", "data/measured/coder_development.csv"),
              after=("tables", "control")),
    _notebook("03_tests", "tests: releases, pilot against published, trend",
              files=("data/published.csv", "data/releases.csv", "data/models.csv", "data/measured/calibration.csv",
                     "data/comparators.csv", "data/ratings_humans.csv", "data/ratings_models.csv", *FRAME),
              after=("tables",)),
    _notebook("04_findings", "findings: claims and answers",
              files=("data/published.csv", "data/claims.csv", "data/models.csv", *FRAME),
              after=("tables", "01_sampling", "02_coding", "03_tests")),
    Step(
        "book", "write the pages", "ptmreuse.book.site:build", {"html": paths.HTML},
        files=("book/**/*", "data/*", "data/measured/*", "src/ptmreuse/**/*.py", "CITATION.cff", "exercises/*",
               "expected/**/*"),
        after=("01_sampling", "02_coding", "03_tests", "04_findings"), parameters=parameters.NAMES,
    ),
)  # fmt: skip

if paths.STUDY:  # a student's own book: her tables, her notebooks one after the other, her pages
    OWN = tuple(path.stem for path in sorted(paths.STUDY.glob("*.ipynb")))
    _HERS = (paths.STUDY / f"{name}.csv" for name in ("claims", "uncoded"))
    _READ: tuple[str | Path, ...] = (*_HERS, "data/*.csv", "data/measured/*")
    _CHAPTERS = (
        _notebook(name, "your own chapter", files=_READ, after=("tables", *OWN[:position]))
        for position, name in enumerate(OWN)
    )
    _PAGES = (*STEPS[-1].files, *sorted(paths.STUDY.glob("*.md")), *sorted(paths.STUDY.glob("*.csv")))
    STEPS = (STEPS[0], *_CHAPTERS, STEPS[-1]._replace(files=_PAGES, after=("tables", *OWN)))
NAMES = tuple(step.name for step in STEPS)
NOTEBOOKS = tuple(step.name for step in STEPS if step.run.endswith(":run_notebook"))


def run(upto: str, values: dict[str, Value], say: Callable[[str], object] = print) -> list[str]:
    """Bring all steps up to one of them up to date.

    Parameters
    ----------
    upto : str
        The last step wanted; it and everything it needs are run if out of date.
    values : dict
        The parameters of the run, from `parameters.read`.
    say : callable
        Receives one line per step that runs, with the reasons.

    Returns
    -------
    list of str
        The steps that ran.

    Raises
    ------
    StudyError
        If a step fails; nothing of it is kept, earlier steps stay. Also if another run is at work.
    """
    with one_run.only_run(paths.BUILD / "lock", paths.shown(paths.BUILD)):
        return _run(upto, values, say)


def _run(upto: str, values: dict[str, Value], say: Callable[[str], object]) -> list[str]:
    for notebook in NOTEBOOKS:
        parameters.of_notebook(paths.NOTEBOOKS / f"{notebook}.ipynb")
    _prune()
    _record(values)
    wanted = needed(upto)
    ran = []
    for position, name in enumerate(wanted, start=1):
        step = STEPS[NAMES.index(name)]
        made_from = fingerprint(step, values)
        reasons = why(step, made_from)
        if not reasons:
            continue
        say(f"[{position}/{len(wanted)}] {name}: {step.about} ({'; '.join(reasons[:3])}{_more(reasons)})")
        _make(step, values, made_from)
        ran.append(name)
    return ran


def _prune() -> None:
    """Remove the results of notebooks that are no longer steps, so that no page shows them."""
    for place in [*paths.RESULTS.glob("*/"), *paths.EXECUTED.glob("*.ipynb")]:
        if place.stem not in NOTEBOOKS:
            _discard(place)


def _record(values: dict[str, Value]) -> None:
    """Write the parameters of this run beside its results."""
    text = io.StringIO()
    rows = parameters.table(values)
    writer = csv.DictWriter(text, rows[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    paths.RESULTS.mkdir(parents=True, exist_ok=True)
    (paths.RESULTS / "parameters.csv").write_text(text.getvalue(), encoding="utf-8")


def _more(reasons: Sequence[str]) -> str:
    return f"; and {len(reasons) - 3} more" if len(reasons) > 3 else ""


def needed(upto: str) -> list[str]:
    """The steps that one step needs, itself included, in order.

    Examples
    --------
    >>> needed("02_coding")
    ['tables', 'control', '02_coding']
    """
    wanted = {upto}
    for step in reversed(STEPS):
        if step.name in wanted:
            wanted.update(step.after)
    return [step.name for step in STEPS if step.name in wanted]


def _make(step: Step, values: dict[str, Value], made_from: dict[str, str]) -> None:
    state = paths.STATE / f"{step.name}.json"
    state.unlink(missing_ok=True)
    unfinished = paths.BUILD / "unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(exist_ok=True)
    # A place of its own: the kernel of a run that was killed may still write into the last one.
    scratch = Path(tempfile.mkdtemp(prefix=f"{step.name}-", dir=unfinished))
    module, function = step.run.split(":")
    getattr(importlib.import_module(module), function)(step, values, scratch)
    for inside, place in step.outputs.items():
        _discard(place)
        place.parent.mkdir(parents=True, exist_ok=True)
        (scratch / inside).replace(place)
    shutil.rmtree(unfinished, ignore_errors=True)
    outputs = {paths.shown(place): tree_hash(place) for place in step.outputs.values()}
    state.parent.mkdir(parents=True, exist_ok=True)
    new = state.with_suffix(".unfinished")
    text = json.dumps({"made_from": made_from, "outputs": outputs}, indent=1)
    new.write_text(text + "\n", encoding="utf-8")
    new.replace(state)


def _discard(place: Path) -> None:
    if place.is_dir():
        shutil.rmtree(place)
    else:
        place.unlink(missing_ok=True)


def fingerprint(step: Step, values: dict[str, Value]) -> dict[str, str]:
    """Everything a step depends on, as name -> content.

    Returns
    -------
    dict of str to str
        Files and modules by sha256, parameters by value, earlier steps by the hash of their outputs.
    """
    made_from: dict[str, str] = {}
    files = ("requirements.lock", *step.files)
    if "source" in step.parameters and values["source"] == "plos":
        made_from["the input plos"] = _input_stamp(fetch.FOLDER / "plos")
        files += FRAME
    for pattern in files:
        if isinstance(pattern, Path):
            found = [pattern] if pattern.is_file() else []
        else:
            found = [p for p in sorted(paths.ROOT.glob(pattern)) if p.is_file() and "__pycache__" not in p.parts]
        if not found and not (paths.STUDY and isinstance(pattern, Path)):  # a student may do without a claim
            file = pattern if isinstance(pattern, str) else paths.shown(pattern)
            refuse(f"step {step.name}", file, "no such file", "restore it")
        made_from.update({paths.shown(p): paths.sha256(p) for p in found})
    for module in modules_of(step):
        place = file_of(module)
        made_from[paths.shown(place)] = paths.sha256(place)
    for name in parameters_of(step):
        made_from[f"parameter {name}"] = str(values[name])
        if parameters.SCHEMA[parameters.NAMES.index(name)].type == "path":
            given = values[name] or (fetch.PILOT if name == values["source"] == "pilot" else "")
            if given:
                made_from[f"the input {name}"] = _input_stamp(Path(str(given)))
    for earlier in step.after:
        for place in STEPS[NAMES.index(earlier)].outputs.values():
            # Notebooks read the results of earlier notebooks; only the pages read the notebooks themselves.
            if step.name in NOTEBOOKS and place.suffix == ".ipynb":
                continue
            made_from[f"the result of {earlier} ({place.name})"] = tree_hash(place)
    return made_from


def _input_stamp(path: Path) -> str:
    # Released databases are gigabytes: size and time instead of a hash.
    files = sorted(p for p in path.glob("*.*") if p.suffix in (".csv", ".parquet")) if path.is_dir() else [path]
    return " ".join(f"{p.name}:{p.stat().st_size}:{p.stat().st_mtime_ns}" for p in files if p.exists())


def why(step: Step, made_from: dict[str, str]) -> list[str]:
    """Why a step is out of date; empty if it is not."""
    state = paths.STATE / f"{step.name}.json"
    if not state.exists():
        return ["not made yet" if not any(p.exists() for p in step.outputs.values()) else "not finished last time"]
    try:
        before = json.loads(state.read_text(encoding="utf-8"))
    except json.JSONDecodeError:
        return ["not finished last time"]
    reasons = []
    for name in sorted(before["made_from"].keys() | made_from.keys()):
        old, new = before["made_from"].get(name), made_from.get(name)
        if old == new:
            continue
        if name.startswith("parameter "):
            reasons.append(f"{name} was {old or 'empty'}, is {new or 'empty'}")
        else:
            reasons.append(f"{name} {'changed' if old and new else 'is new' if new else 'was removed'}")
    for place in step.outputs.values():
        if tree_hash(place) != before["outputs"].get(paths.shown(place)):
            reasons.append(f"{paths.shown(place)} {'was changed by hand' if place.exists() else 'is missing'}")
    return reasons


def tree_hash(place: Path) -> str:
    """Hash of a file, or of the names and contents of all files in a folder; empty if there is none."""
    if place.is_file():
        return paths.sha256(place)
    if not place.is_dir():
        return ""
    files = sorted(p for p in place.rglob("*") if p.is_file())
    return paths.text_sha256("".join(f"{p.relative_to(place).as_posix()} {paths.sha256(p)}\n" for p in files))


def parameters_of(step: Step) -> list[str]:
    """The parameters a step uses; a notebook's are those of its parameters cell."""
    if step.name in NOTEBOOKS:
        return parameters.of_notebook(paths.NOTEBOOKS / f"{step.name}.ipynb")
    return list(step.parameters)


def modules_of(step: Step) -> list[str]:
    """The helper modules a step uses, with all that they import, from the true import graph.

    Returns
    -------
    list of str
        Full names.

    Raises
    ------
    StudyError
        If a cell of the step's notebook is no Python.

    Examples
    --------
    >>> {"ptmreuse.evidence", "ptmreuse.evidence.names"} <= set(modules_of(STEPS[0]))
    True
    """
    used = {step.run.split(":")[0]}
    if step.name in NOTEBOOKS:
        used |= _imported_by(paths.NOTEBOOKS / f"{step.name}.ipynb")
    for module in sorted(used & _graph().modules):
        used |= _graph().find_upstream_modules(module)
    used |= {package for module in used for package in itertools.accumulate(module.split("."), "{}.{}".format)}
    return sorted(used & _graph().modules)  # a package runs before its modules


@cache
def _graph() -> Any:
    import grimp  # takes a while to import; a notebook does without

    return grimp.build_graph("ptmreuse", cache_dir=None)


def file_of(module: str) -> Path:
    """The file of a module of this package.

    Examples
    --------
    >>> file_of("ptmreuse.book.steps").name
    'steps.py'
    """
    place = paths.SOURCE.parent / module.replace(".", "/")
    return place / "__init__.py" if place.is_dir() else place.with_suffix(".py")


def _imported_by(notebook: Path) -> set[str]:
    modules = set()
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    for position, cell in enumerate((c for c in cells if c["cell_type"] == "code"), start=1):
        try:
            tree = ast.parse("".join(cell["source"]))
        except SyntaxError as error:
            raise StudyError(
                expected="plain Python", found=f"{(error.text or '').strip()!r} ({error.msg})",
                where=f"{paths.shown(notebook)}, code cell {position}, line {error.lineno}", do="correct this line",
            ) from None  # fmt: skip
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                modules |= {node.module, *(f"{node.module}.{a.name}" for a in node.names)}
            elif isinstance(node, ast.Import):
                modules |= {a.name for a in node.names}
    return modules & _graph().modules
