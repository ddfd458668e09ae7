"""Kill the build at random moments, run it once more, and compare with an undisturbed book.

    python bench/killed.py [times] [seed]

Works on a copy of the project. Half of the kills take the parent alone, half its whole process group.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ptmreuse.book.steps import tree_hash
from ptmreuse.paths import ROOT


def main(times=4, seed=1):
    """Print one line per kill; the exit code is 1 if a book differs."""
    moments = random.Random(seed)  # noqa: S311 - no secret
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".git", ".venv", "_build", "__pycache__"))
        command = [sys.executable, "-m", "ptmreuse", "book"]
        more = {"cwd": copy, "env": os.environ | {"PYTHONPATH": str(copy / "src")}, "stdout": subprocess.DEVNULL}
        started = time.monotonic()
        subprocess.run(command, check=True, **more)
        seconds = time.monotonic() - started
        whole = tree_hash(copy / "_build" / "html"), tree_hash(copy / "_build" / "results")
        print(f"undisturbed: {seconds:.0f} s", flush=True)
        same = True
        for number in range(times):
            shutil.rmtree(copy / "_build")
            moment, group = moments.uniform(0.5, seconds), number % 2
            run = subprocess.Popen(command, start_new_session=True, **more)
            time.sleep(moment)
            (os.killpg if group else os.kill)(run.pid, signal.SIGKILL)
            run.wait()
            again = subprocess.run(command, check=False, stderr=subprocess.PIPE, text=True, **more)
            found = tree_hash(copy / "_build" / "html"), tree_hash(copy / "_build" / "results")
            same &= found == whole and not again.returncode
            verdict = "same bytes" if found == whole else f"DIFFERS {again.stderr[-300:]}"
            print(f"killed {'group' if group else 'parent'} after {moment:.1f} s: {verdict}", flush=True)
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
