"""The authors' run, kept in expected/: their tables, the hashes of all results and inputs, and the machine."""

import json
import re
import shutil

import pandas as pd

from ptmreuse import parameters, paths
from ptmreuse.book import steps
from ptmreuse.errors import refuse
from ptmreuse.review import run_record

EXPECTED = paths.ROOT / "expected"
RUN = EXPECTED / "run.json"
OF_MACHINE = ("started", "steps", "python", "system", "processor", "cores", "memory_peak_mb", "other_versions")


def release(values):
    """Keep the results of the last run, of the parameters `values`, in expected/ as the authors' run.

    Raises
    ------
    StudyError
        If the results are not those of the default parameters, or are out of date.
    """
    if values != parameters.DEFAULTS:
        refuse("release", "the default parameters", "others", "leave --set away")
    must_be_current(values)
    record = run_record.read()
    shutil.rmtree(EXPECTED, ignore_errors=True)
    hashes, drawings = {}, {}
    for name, path in outputs().items():
        hashes[name] = paths.sha256(path)
        if path.suffix == ".svg":
            drawings[name] = drawing(path)
        if path.suffix == ".csv":
            (EXPECTED / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, EXPECTED / name)
    kept = {name: record[name] for name in OF_MACHINE}
    kept |= {"inputs": inputs(values), "outputs": hashes, "drawings": drawings}
    text = json.dumps(kept | {"seal": run_record.seal(kept)}, indent=1, sort_keys=True)
    RUN.write_text(text + "\n", encoding="utf-8")


def must_be_current(values):
    """Refuse results that a run of these parameters did not make.

    Raises
    ------
    StudyError
        With the first step that is out of date, unfinished or changed by hand.
    """
    for name in steps.needed(steps.NOTEBOOKS[-1]):
        step = steps.STEPS[steps.NAMES.index(name)]
        reasons = steps.why(step, steps.fingerprint(step, values))
        if reasons:
            refuse(
                f"step {name}", "results of a finished run",
                "; ".join(reasons[:3]), "run make book with the same parameters, then this again",
            )  # fmt: skip


def outputs():
    """The results of the last run that are compared, by name: tables, their displays and drawings."""
    found = sorted(p for p in paths.RESULTS.glob("*/*") if p.suffix in (".csv", ".svg", ".html"))
    return {p.relative_to(paths.RESULTS).as_posix(): p for p in found if not p.name.endswith(".narrow.svg")}


def drawing(path):
    """Hash of what an SVG file draws."""
    # The names of clipping frames are made from the last bits of their size; nothing drawn depends on them.
    return paths.text_sha256(re.sub(r"(?<=[\"#])p[0-9a-f]{10}(?=[\")])", "frame", path.read_text(encoding="utf-8")))


def inputs(values):
    """Everything that decides the results, by name: data, notebooks, code and lock by hash, parameters by value."""
    found = {}
    for name in steps.needed(steps.NOTEBOOKS[-1]):
        found |= steps.fingerprint(steps.STEPS[steps.NAMES.index(name)], values)
    return {name: value for name, value in found.items() if not name.startswith("the result of ")}


def read() -> dict:
    """The authors' run as released.

    Raises
    ------
    StudyError
        If there is none, or a file of it was changed.
    """
    kept = run_record.unsealed(RUN, "the authors' run as released", "restore the folder expected from the release")
    for name, sha in kept["outputs"].items():
        path = EXPECTED / name
        if path.suffix == ".csv" and (not path.exists() or paths.sha256(path) != sha):
            refuse(
                paths.shown(path), "the authors' result as released",
                "a changed one" if path.exists() else "none", "restore it from the release",
            )  # fmt: skip
    return kept


def table(path):
    """A result's table as strings; empty if there is none."""
    return pd.read_csv(path, dtype=str, keep_default_na=False) if path.exists() else pd.DataFrame()
