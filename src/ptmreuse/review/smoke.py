"""The shortest run that says whether this machine can make the book: one notebook, few resamples, one verdict."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from ptmreuse import paths
from ptmreuse.review import against_authors, authors_run

NOTEBOOK = "03_tests"
NEEDED = ("src", "data", "notebooks", "pyproject.toml", "requirements.lock")


def smoke():
    """Execute one notebook in a copy and judge its numbers that are not resampled; `_build` stays as it is.

    Returns
    -------
    int
        0 if they are the authors', 3 if one is not, 1 if the notebook could not be executed.
    """
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "book"
        for name in NEEDED:
            source = paths.ROOT / name
            if source.is_dir():
                shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, copy / name)
        command = [sys.executable, "-m", "ptmreuse", "notebooks", "--upto", NOTEBOOK, "--set", "resamples=199"]
        # The notebook's own process must meet the copy too, not the package as installed.
        env = os.environ | {"PYTHONPATH": str(copy / "src")}
        done = subprocess.run(command, cwd=copy, env=env, check=False)
        if done.returncode:
            return 1
        ours = authors_run.table(copy / "_build" / "results" / NOTEBOOK / "numbers.csv")
    return judged(authors_run.table(authors_run.EXPECTED / NOTEBOOK / "numbers.csv"), ours)


def judged(theirs, ours) -> int:
    """Print the verdict on the numbers of a notebook that was run with fewer resamples.

    Parameters
    ----------
    theirs, ours : DataFrame
        Rows of the registry.

    Examples
    --------
    >>> import pandas as pd
    >>> there = pd.DataFrame({"key": ["a", "b"], "text": ["1", "2"], "value": ["1", "2"], "sentence": ["", ""],
    ...                       "method": ["count", "bootstrap"]})
    >>> judged(there, there.assign(value=["1", "3"]))
    This machine makes the book: 1 number of 03_tests is the authors'. Now run make book and make review.
    0
    """
    exact = ~theirs["method"].str.contains("bootstrap|resampl|permut", case=False)
    exact &= theirs["value"].map(against_authors.is_number)  # a sentence may speak of resampling
    here = {row["key"]: row for row in ours.to_dict("records")}
    moved, same = [], 0
    for row in theirs[exact].to_dict("records"):
        result, detail = against_authors.grade_number(row, here[row["key"]]) if row["key"] in here else ("missing", "")
        if result in against_authors.GOOD:
            same += 1
        else:
            moved.append(f"{result}: number {row['key']} {f'({detail})' if detail else ''}".rstrip())
    if moved:
        print("\n".join([*moved, f"The notebook runs, but {len(moved)} of its numbers are NOT those of the authors."]))
        return 3
    are = "number of {} is" if same == 1 else "numbers of {} are"
    print(
        f"This machine makes the book: {same} {are.format(NOTEBOOK)} the authors'. Now run make book and make review."
    )
    return 0
