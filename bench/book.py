"""A cold book against its floor, in one run: ``python bench/book.py``.

The floor is what nobody can save: four kernels that import what the notebooks import, and Sphinx on the same
pages without our extensions. Prints processor seconds and their ratio; other programs of the machine do not count.
"""

import ast
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat
import papermill
import yaml

from ptmreuse import paths

NOT_COPIED = shutil.ignore_patterns(".venv", ".git", "_build", "__pycache__", ".*_cache", ".hypothesis", "downloads")


def used():
    """Processor seconds of this process and of all its children that have ended."""
    both = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(part.ru_utime + part.ru_stime for part in both)


def seconds(command, cwd, check=True, env=None):
    """Processor seconds of a command."""
    start = used()
    subprocess.run(command, cwd=cwd, check=check, capture_output=True, env=env)
    return used() - start


def kernels(project, scratch):
    """Seconds of four kernels that only import what the notebooks import."""
    total = 0.0
    for path in sorted((project / "notebooks").glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
        imports = [n for n in ast.walk(ast.parse(code)) if isinstance(n, (ast.Import, ast.ImportFrom))]
        notebook.cells = [nbformat.v4.new_code_cell("\n".join(map(ast.unparse, imports)))]
        bare = scratch / path.name
        nbformat.write(notebook, bare)
        start = used()
        quiet = ["--IPKernelApp.log_level=CRITICAL"]  # as the book's own kernels
        papermill.execute_notebook(
            str(bare), str(bare), kernel_name="python3", progress_bar=False, extra_arguments=quiet
        )
        total += used() - start
    return total


def pages(project, scratch):
    """Seconds of Sphinx on the staged pages, our extensions off and warnings let through."""
    stage = scratch / "stage"
    shutil.copytree(project / "_build" / "stage", stage)
    config = yaml.safe_load((stage / "_config.yml").read_text(encoding="utf-8"))
    listed = config["sphinx"]["config"]["extensions"]
    config["sphinx"]["config"]["extensions"] = [name for name in listed if not name.startswith("ptmreuse")]
    (stage / "_config.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    start = "from jupyter_book.cli.main import main; main()"
    # It complains of every role and directive of ours and still writes all pages.
    return seconds([sys.executable, "-c", start, "build", str(stage), "--path-output", str(scratch)], scratch, False)


def main():
    """Print the three times and the ratio."""
    with tempfile.TemporaryDirectory() as folder:
        project, scratch = Path(folder) / "project", Path(folder) / "scratch"
        shutil.copytree(paths.ROOT, project, ignore=NOT_COPIED)
        scratch.mkdir()
        ours = {"PYTHONPATH": str(project / "src")}
        cold = seconds([sys.executable, "-m", "ptmreuse", "book"], project, env=os.environ | ours)
        floor = kernels(project, scratch), pages(project, scratch)
    print(f"Cold book {cold:.1f} s; floor {sum(floor):.1f} s (kernels {floor[0]:.1f}, Sphinx {floor[1]:.1f}); "
          f"ratio {cold / sum(floor):.2f}")  # fmt: skip


if __name__ == "__main__":
    main()
