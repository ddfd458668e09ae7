"""Execute the notebooks with papermill and accept only clean, normalised ones.

papermill stops at a failing cell; what it lets pass is refused here: warnings on stderr, a cell that did not
run, and rich outputs that a page would drop or show without a caption or alternative text. What differs from
run to run (times, ids, addresses) is normalised, so that the same input gives the same bytes.
"""

import json
import logging
import os
import re
import sys

import nbformat
import papermill
from nbclient.exceptions import DeadKernelError

from ptmreuse import parameters, paths
from ptmreuse.errors import StudyError

ENVIRONMENT = {
    "PYTHONHASHSEED": "0",
    "MPLBACKEND": "agg",
    "OMP_NUM_THREADS": "1",  # sums over threads differ in the last digit
    "OPENBLAS_NUM_THREADS": "1",
    "JUPYTER_PREFER_ENV_PATH": "1",  # a kernel of the same name in the user's home must not win
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    "TZ": "UTC",
}


def run_notebook(step, values, scratch):
    """Execute one notebook into `scratch`: ``notebook.ipynb`` and the folder ``results``.

    Parameters
    ----------
    step : steps.Step
    values : dict
        The parameters of the run; the notebook gets those it declares.
    scratch : Path

    Raises
    ------
    StudyError
        If a cell fails, warns, does not run, or shows an output that a page could not show properly.
    """
    source = paths.NOTEBOOKS / f"{step.name}.ipynb"
    target = scratch / "notebook.ipynb"
    passed = {name: values[name] for name in parameters.of_notebook(source)}
    _execute(source, target, passed)
    notebook = nbformat.read(target, as_version=4)
    refuse_unclean(notebook, paths.shown(source))
    normalise(notebook, prefix=step.name[:2])
    text = json.dumps(notebook, indent=1, sort_keys=True, ensure_ascii=False)
    target.write_text(text + "\n", encoding="utf-8")
    results = scratch / step.name
    if not (results / "reads.json").exists():
        raise StudyError(
            expected=f'record = Recorder("{step.name}", ...) in the first code cell after the parameters',
            found="no results folder of that name", where=paths.shown(source), do="add it or correct the name",
        )  # fmt: skip
    check_reads(step, json.loads((results / "reads.json").read_text(encoding="utf-8")))
    results.replace(scratch / "results")


def _execute(source, target, passed):
    home = target.parent / "home"
    environment = ENVIRONMENT | {
        "PTMREUSE_RESULTS": str(target.parent),
        "IPYTHONDIR": str(home),  # no start-up files of the user
        "MPLCONFIGDIR": str(paths.BUILD / "matplotlib"),
    }
    before = {name: os.environ.get(name) for name in environment}
    os.environ.update(environment)
    logging.getLogger("papermill").setLevel(logging.ERROR)
    try:
        papermill.execute_notebook(
            str(source),
            str(target),
            parameters=passed,
            kernel_name="python3",
            cwd=str(paths.ROOT),
            request_save_on_cell_execute=False,  # it would write the whole notebook twice a cell
            progress_bar=sys.stderr.isatty(),
            # The kernel's own log, not the notebook's: it warns that loopback is not encrypted, and calls it an
            # error that it is interrupted when all cells have run and it is told to end.
            extra_arguments=["--IPKernelApp.log_level=CRITICAL"],
        )
    except papermill.PapermillExecutionError as error:
        kept = paths.BUILD / "failed" / source.name
        kept.parent.mkdir(parents=True, exist_ok=True)
        target.replace(kept)
        raise StudyError(
            expected="every cell to run", found=f"{error.ename}: {error.evalue}".strip().rstrip("."),
            where=f"{paths.shown(source)}, code cell {error.exec_count - 1}", do=f"see {paths.shown(kept)}",
        ) from None  # fmt: skip
    except DeadKernelError:
        raise StudyError(
            expected="the notebook's Python to run to its end", found="it was killed (often: too little memory)",
            where=paths.shown(source), do="close other programs or use a larger machine, then run it again",
        ) from None  # fmt: skip
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def refuse_unclean(notebook, where):
    """Refuse an executed notebook that a page could not show completely.

    Raises
    ------
    StudyError
        On an error output, text on stderr, a code cell that did not run, or a rich output that does not come
        from `record`.
    """
    position = 0
    for cell in notebook.cells:
        if cell.cell_type != "code":
            if re.search(r"\{glue", cell.source):
                raise StudyError(
                    expected="numbers by {num}`key`", found="a glue role, which shows nothing when its key is unknown",
                    where=f"{where}, a text cell", do="record the number with record.number and write {num}`key`",
                )  # fmt: skip
            continue
        position += "injected-parameters" not in cell.metadata.get("tags", [])
        place = f"{where}, code cell {position}"
        if cell.source.strip() and cell.execution_count is None:
            raise StudyError(
                expected="every code cell to be executed", found="a skipped cell", where=place, do="run it again"
            )
        for output in cell.outputs:
            problem = _problem(output)
            if problem:
                found, do = problem
                raise StudyError(expected="a clean output", found=found, where=place, do=do)


def _problem(output):
    if output.output_type == "error":
        return f"{output.ename}: {output.evalue}", "correct the cell"
    if output.output_type == "stream":
        if output.name == "stderr":
            first = next((line for line in output.text.splitlines() if line.strip()), "")
            return f"text on stderr: {first.strip()!r}", "mend the cause of the warning; do not hide it"
        return None
    rich = set(output.data) - {"text/plain"}
    if rich and "ptmreuse" not in output.get("metadata", {}):
        kind = ", ".join(sorted(rich))
        return (
            f"an output of type {kind} without caption, data kind and alternative text",
            "show it with record.table or record.figure",
        )
    return None


def normalise(notebook, prefix):
    """Remove from an executed notebook, in place, what differs between two runs.

    Parameters
    ----------
    notebook : NotebookNode
    prefix : str
        Begins every cell id.
    """
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook.metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    count = 0
    for position, cell in enumerate(notebook.cells):
        cell.id = f"{prefix}-{position:03d}"
        tags = [tag for tag in cell.metadata.get("tags", [])]
        cell.metadata = {key: value for key, value in cell.metadata.items() if key not in ("papermill", "execution")}
        if "injected-parameters" in tags or "parameters" in tags:
            cell.metadata["tags"] = sorted({*tags, "remove-cell"})
        if cell.cell_type != "code":
            continue
        count += 1
        cell.execution_count = count
        for output in cell.outputs:
            if "execution_count" in output:
                output.execution_count = count
            if "text/plain" in output.get("data", {}):
                output.data["text/plain"] = re.sub(r"\b0x[0-9a-fA-F]{6,}", "0x…", output.data["text/plain"])


def check_reads(step, read):
    """Refuse a step that read an input which its entry in `STEPS` does not list.

    Raises
    ------
    StudyError
        Otherwise a change of that file would not re-run the step.
    """
    listed = {p.resolve() for pattern in step.files if isinstance(pattern, str) for p in paths.ROOT.glob(pattern)}
    for path in sorted((paths.ROOT / p).resolve() for p in read):
        if path.is_relative_to(paths.DATA) and path not in listed:
            raise StudyError(
                expected=f"only input files listed for {step.name}", found=paths.shown(path),
                where="src/ptmreuse/book/steps.py", do=f"add {paths.shown(path)} to the files of {step.name}",
            )  # fmt: skip
