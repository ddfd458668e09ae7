"""The record of a run: what was made anew, when, on what machine, with which versions.

``_build/run.json`` is written only when a step ran, so that it changes only when a run does. No page reads it:
the pages keep the same bytes for the same input, whatever the clock says. It holds no name of a user or a
machine and no absolute path, and ends with a seal over the rest, so that an edit by hand is seen.
"""

import datetime
import importlib.metadata
import json
import os
import platform
import re
import subprocess
import time
from pathlib import Path

from ptmreuse import paths, pins
from ptmreuse.book import steps
from ptmreuse.errors import StudyError, refuse

RECORD = paths.BUILD / "run.json"
FIELDS = {
    "started", "ran", "steps", "parameters", "inputs", "commit", "python", "system", "processor", "cores",
    "memory_peak_mb", "lock", "other_versions",
}  # fmt: skip
AGAIN = "run make clean, then make book"


def recorded(upto, values):
    """Bring the steps up to date, as `steps.run` does, record the run if anything ran, and name the steps that ran."""
    started, begun = datetime.datetime.now(datetime.UTC), []

    def say(line):
        begun.append(time.monotonic())
        print(line)

    ran = steps.run(upto, values, say)
    if ran:
        ends = [*begun[1:], time.monotonic()]
        seconds = [round(end - start, 1) for start, end in zip(begun, ends, strict=True)]
        _write(started.isoformat(timespec="seconds"), dict(zip(ran, seconds, strict=True)), values)
    return ran


def _write(started, seconds, values):
    here, made = machine(), {}
    try:
        before = read()["steps"]
    except StudyError:
        before = {}
    of_step = {"run": started, "python": here["python"], "other_versions": here["other_versions"]}
    unknown = {"run": "not recorded", "python": "not recorded", "other_versions": {}, "seconds": None}
    for step in steps.STEPS:
        if step.name in seconds:
            made[step.name] = of_step | {"seconds": seconds[step.name]}
        elif (paths.STATE / f"{step.name}.json").exists():
            made[step.name] = before.get(step.name, unknown)
    places = ("release", "tables", "pilot", "validation")  # of this machine
    shown = {name: str(value) for name, value in values.items() if name not in places}
    record = {"started": started, "ran": list(seconds), "steps": made, "parameters": shown, "inputs": _inputs()}
    record |= {"commit": _commit(), **here}
    unfinished = RECORD.with_suffix(".unfinished")
    unfinished.write_text(json.dumps(record | {"seal": seal(record)}, indent=1) + "\n", encoding="utf-8")
    unfinished.replace(RECORD)


def seal(record):
    """A hash over a record, to see an edit by hand."""
    return paths.text_sha256(json.dumps(record, sort_keys=True))


def unsealed(path, what, do) -> dict:
    """What a sealed file says, without its seal.

    Raises
    ------
    StudyError
        If there is no such file, or it was changed by hand.
    """
    if not path.exists():
        refuse(paths.shown(path), what, "none", do)
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        whole = record.pop("seal") == seal(record)
    except (ValueError, KeyError, AttributeError, TypeError):
        whole = False
    if not whole:
        refuse(paths.shown(path), what, "one that was changed afterwards", do)
    return record


def machine():
    """What of this machine may move a number; nothing that names it or its user.

    Memory is None where the system does not tell; other_versions is what is installed otherwise than locked.

    Examples
    --------
    >>> sorted(machine())
    ['cores', 'lock', 'memory_peak_mb', 'other_versions', 'processor', 'python', 'system']
    """
    return {
        "python": platform.python_version(),
        # Without what follows the version's first two numbers: builds of a kernel name the place they were made for.
        "system": f"{platform.system()} {'.'.join(platform.release().split('.')[:2])}",
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_peak_mb": _peak(),
        "lock": paths.sha256(paths.ROOT / "requirements.lock"),
        "other_versions": other_versions(),
    }


def _processor():
    try:
        told = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")  # Linux; elsewhere the family is all
    except OSError:
        told = ""
    name = re.search(r"^model name\s*:\s*(.+)$", told, flags=re.M)
    return f"{platform.machine()}, {' '.join(name[1].split())}" if name else platform.machine()


def _inputs():
    """One hash over everything that the steps were made from: data, notebooks, code, parameters."""
    made_from = {}
    for state in sorted(paths.STATE.glob("*.json")):
        made_from |= json.loads(state.read_text(encoding="utf-8"))["made_from"]
    return paths.text_sha256(json.dumps(made_from, sort_keys=True))


def _peak():
    try:
        import resource
    except ImportError:  # Windows
        return None
    unit = 1024**2 if platform.system() == "Darwin" else 1024
    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return round(max(resource.getrusage(w).ru_maxrss for w in who) / unit)


def other_versions() -> dict[str, str]:
    """The installed packages whose version is not that of requirements.lock, as name -> "locked, installed"."""
    locked: dict[str, set[str]] = {}
    for pin in pins.read_pins((paths.ROOT / "requirements.lock").read_text(encoding="utf-8")):
        name, version = pin.split(";")[0].strip().split("==")
        locked.setdefault(name, set()).add(version)
    found = {}
    for name, versions in sorted(locked.items()):
        try:
            installed = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # for another system, or an extra that this environment does without
        if installed not in versions:
            found[name] = f"{' or '.join(sorted(versions))} locked, {installed} installed"
    return found


def _commit():
    try:
        top, commit = _git("rev-parse", "--show-toplevel"), _git("rev-parse", "--verify", "--quiet", "HEAD")
    except OSError:
        return "no git"
    # An archive unpacked inside somebody else's repository has no commit of its own.
    if not commit or Path(top).resolve() != paths.ROOT:
        return "no git"
    return f"{commit}, with changes" if _git("status", "--porcelain") else commit


def _git(*words):
    done = subprocess.run(["git", "-C", str(paths.ROOT), *words], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def versions_apart(record) -> dict[str, str]:
    """What was installed otherwise than locked when any step of a run was made.

    Examples
    --------
    >>> of_step = {"python": "3.11.9", "other_versions": {"numpy": "2.5.5 locked, 2.4.6 installed"}}
    >>> versions_apart({"python": "3.12.1", "steps": {"tables": of_step}, "other_versions": {}})
    {'numpy': '2.5.5 locked, 2.4.6 installed', 'Python': '3.11.9 for step tables, 3.12.1 for the last'}
    """
    found: dict[str, str] = {}
    for name, step in record["steps"].items():
        found |= step["other_versions"]
        if step["python"] not in (record["python"], "not recorded"):
            found["Python"] = f"{step['python']} for step {name}, {record['python']} for the last"
    return found | record["other_versions"]


def drift(run, theirs) -> dict[str, str]:
    """The versions that differ between the records of two runs.

    Examples
    --------
    >>> run = {"python": "3.12.1", "steps": {}, "other_versions": {}}
    >>> drift(run, run | {"python": "3.11.9"})
    {'Python': "3.12.1, the authors' 3.11.9"}
    """
    here, there = versions_apart(run), versions_apart(theirs)
    found = {
        name: here.get(name, f"as locked, the authors' run: {there.get(name)}")
        for name in sorted(here.keys() | there.keys())
        if here.get(name) != there.get(name)
    }
    if run["python"] != theirs["python"]:
        found["Python"] = f"{run['python']}, the authors' {theirs['python']}"
    return found


def read() -> dict:
    """The record of the last run.

    Raises
    ------
    StudyError
        If there is none, or it is not what a run of this version wrote.
    """
    record = unsealed(RECORD, "the record of a run", AGAIN)
    if record.keys() != FIELDS:
        where = paths.shown(RECORD)
        refuse(where, "a record of this version", "one of another", AGAIN)
    return record
