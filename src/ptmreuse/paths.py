"""Every path of the project, in one place."""

import hashlib
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# A student's own study: a folder with its own tables, notebooks, pages and outputs. Set by --study.
STUDY = Path(os.environ["PTMREUSE_STUDY"]) if os.environ.get("PTMREUSE_STUDY") else None

# Inputs: people write these.
DATA = ROOT / "data"
NOTEBOOKS = STUDY or ROOT / "notebooks"
BOOK = ROOT / "book"
SOLUTIONS = ROOT / "exercises" / "solutions.ipynb"
SCAFFOLD = DATA / "new"  # what a new study begins with
MEASURED = DATA / "measured"  # never edited: make calibrate and the command develop write it, each in minutes
SOURCE = ROOT / "src" / "ptmreuse"

# Outputs: only the pipeline writes these.
BUILD = (STUDY or ROOT) / "_build"
TABLES = BUILD / "tables"  # study tables of the source in use
EXECUTED = BUILD / "notebooks"  # executed, normalised notebooks
RESULTS = BUILD / "results"  # small tidy files, one folder per step
STAGE = BUILD / "stage"  # what Sphinx reads
HTML = BUILD / "html"  # the published book
STATE = BUILD / "state"  # what each step was made from


def shown(path: str | os.PathLike) -> str:
    """A path as people should read it: relative to the project where it lies inside, else its last part."""
    path = Path(os.path.realpath(path))  # Path.resolve ends at a circle of links
    if STUDY and path.is_relative_to(STUDY):
        return path.relative_to(STUDY).as_posix()
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.name


def sha256(path: str | os.PathLike) -> str:
    """SHA-256 of a file's bytes, as hex."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def text_sha256(text: str) -> str:
    """SHA-256 of a text, as hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def watch_reads() -> set[str]:
    """Record from now on which files under data/ this process opens.

    Returns
    -------
    set of str
        Absolute paths; grows as files are opened.
    """
    read: set[str] = set()
    inside = str(DATA) + os.sep

    def remember(event: str, arguments: tuple) -> None:
        if event == "open" and isinstance(arguments[0], str):
            name = os.path.abspath(arguments[0])  # noqa: PTH100 - Path.resolve opens files itself
            if name.startswith(inside):
                read.add(name)

    sys.addaudithook(remember)
    return read


# While the pipeline runs a notebook, every module's reads count, so watching starts with the first import.
READ = watch_reads() if "PTMREUSE_RESULTS" in os.environ else set[str]()
