"""What is out of date runs again and says why; what failed or was interrupted never counts as done."""

import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from ptmreuse import parameters, paths
from ptmreuse.book import notebooks, steps
from ptmreuse.errors import StudyError
from ptmreuse.evidence import study


@pytest.fixture
def one_step(tmp_path, monkeypatch):
    """A step that upper-cases one input file, in a project of its own."""
    for name in ("DATA", "BUILD", "STATE", "RESULTS", "EXECUTED"):
        monkeypatch.setattr(paths, name, tmp_path / name.lower())
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    (tmp_path / "requirements.lock").write_text("", encoding="utf-8")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "in.csv").write_text("a", encoding="utf-8")
    output = tmp_path / "build" / "out.csv"
    step = steps.Step("shout", "write it large", "test_steps:shout", {"out.csv": output}, files=("data/in.csv",),
                      parameters=("seed",))  # fmt: skip
    monkeypatch.setattr(steps, "STEPS", (step,))
    monkeypatch.setattr(steps, "NAMES", ("shout",))
    monkeypatch.setattr(steps, "NOTEBOOKS", ())
    return tmp_path, output


def shout(step, values, scratch):
    text = (paths.DATA / "in.csv").read_text(encoding="utf-8")
    (scratch / "out.csv").write_text(text.upper(), encoding="utf-8")
    if text == "stop":
        raise KeyboardInterrupt


def ran(seed=1):
    said = []
    return steps.run("shout", parameters.DEFAULTS | {"seed": seed}, say=said.append), said


def test_nothing_changed_runs_nothing_and_a_change_says_why(one_step):
    project, output = one_step
    assert ran()[0] == ["shout"]
    assert ran() == ([], [])
    (project / "data" / "in.csv").write_text("b", encoding="utf-8")
    assert "data/in.csv changed" in ran()[1][0]
    assert "parameter seed was 1, is 2" in ran(seed=2)[1][0]
    assert "\nseed,2,20260313,yes," in (project / "results" / "parameters.csv").read_text(encoding="utf-8")
    output.write_text("mine", encoding="utf-8")
    assert "build/out.csv was changed by hand" in ran(seed=2)[1][0]
    output.unlink()
    assert "build/out.csv is missing" in ran(seed=2)[1][0]
    assert output.read_text(encoding="utf-8") == "B"
    (project / "data" / "in.csv").unlink()
    with pytest.raises(StudyError, match=r"expected data/in.csv, found no such file"):
        ran(seed=2)


def test_an_interrupted_step_keeps_nothing_and_runs_again(one_step):
    project, output = one_step
    ran()
    (project / "data" / "in.csv").write_text("stop", encoding="utf-8")
    with pytest.raises(KeyboardInterrupt):
        ran()
    assert output.read_text(encoding="utf-8") == "A"
    assert not list((project / "state").glob("*.json"))
    (project / "data" / "in.csv").write_text("a", encoding="utf-8")
    assert "not finished last time" in ran()[1][0]


def test_what_a_removed_notebook_left_goes_with_it(one_step):
    left = [paths.RESULTS / "05_gone" / "items.json", paths.EXECUTED / "05_gone.ipynb"]
    for path in left:
        path.parent.mkdir(parents=True)
        path.write_text("{}", encoding="utf-8")
    ran()
    assert not [path for path in left if path.exists()]
    assert (paths.RESULTS / "parameters.csv").exists()


def test_the_order_of_the_steps_never_asks_for_a_later_one():
    for position, step in enumerate(steps.STEPS):
        assert set(step.after) <= set(steps.NAMES[:position]), step.name


@pytest.fixture
def one_notebook(one_step, monkeypatch):
    """After that step a notebook that reads its output; gives the project and a function that writes the last cell."""
    project, output = one_step
    monkeypatch.setattr(paths, "NOTEBOOKS", project)
    outputs = {"notebook.ipynb": paths.EXECUTED / "01_tiny.ipynb", "results": paths.RESULTS / "01_tiny"}
    step = steps.Step("01_tiny", "read it", "ptmreuse.book.notebooks:run_notebook", outputs, after=("shout",),
                      files=(project / "01_tiny.ipynb",), parameters=("01_tiny",))  # fmt: skip
    monkeypatch.setattr(steps, "STEPS", (*steps.STEPS, step))
    monkeypatch.setattr(steps, "NAMES", ("shout", "01_tiny"))
    monkeypatch.setattr(steps, "NOTEBOOKS", ("01_tiny",))

    def write(last):
        first = "from ptmreuse import paths\nfrom ptmreuse.book.record import Recorder"
        first += "\nrecord = Recorder('01_tiny', kind='coded')"
        cells = [nbformat.v4.new_code_cell(code) for code in ("seed = 20260313", first, last)]
        cells[0].metadata["tags"] = ["parameters"]
        about = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}}
        nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=about), project / "01_tiny.ipynb")

    return project, write


@pytest.mark.slow
def test_a_failing_or_undeclared_cell_stops_and_only_what_follows_it_is_stale(one_notebook):
    project, write = one_notebook
    said = []

    def bring():
        said.clear()
        steps.run("01_tiny", parameters.DEFAULTS | {"seed": 1}, say=lambda line: said.append(line.split(":")[0]))
        return said

    write("1 / 0")
    with pytest.raises(StudyError, match=r"01_tiny.ipynb, code cell 3: .* ZeroDivisionError: division by zero"):
        bring()
    assert said == ["[1/2] shout", "[2/2] 01_tiny"]
    # The second run of a broken book must be as red as the first, and runs the notebook alone.
    reasons = [steps.why(step, steps.fingerprint(step, parameters.DEFAULTS | {"seed": 1})) for step in steps.STEPS]
    assert reasons == [[], ["not made yet"]]
    write("record.number('n', 1, about='Read')\n(paths.DATA / 'models.csv').read_text()")
    with pytest.raises(StudyError, match="add data/models.csv to the files of 01_tiny"):
        bring()
    write("record.number('n', 1, about='Read')\nprint(seed)")
    assert bring() == ["[2/2] 01_tiny"] and bring() == []
    assert study.read_csv(paths.RESULTS / "01_tiny" / "numbers.csv")["cell"].tolist() == ["3"]  # as in the file
    text = paths.EXECUTED.joinpath("01_tiny.ipynb").read_text(encoding="utf-8")
    assert '"1\\n"' in text and str(project) not in text


def executed(**output):
    cell = nbformat.v4.new_code_cell("x", execution_count=1, outputs=[nbformat.v4.new_output(**output)])
    return nbformat.v4.new_notebook(cells=[cell])


@pytest.mark.parametrize(
    ("output", "says"),
    [
        ({"output_type": "stream", "name": "stderr", "text": "FutureWarning: x\n"}, "FutureWarning: x"),
        ({"output_type": "error", "ename": "ValueError", "evalue": "no", "traceback": []}, "ValueError: no"),
        ({"output_type": "display_data", "data": {"image/png": "AAAA"}}, "image/png"),
        ({"output_type": "display_data", "data": {"application/x-unknown": "?"}}, "application/x-unknown"),
        ({"output_type": "execute_result", "execution_count": 1, "data": {"text/html": "<table>"}}, "text/html"),
    ],
)
def test_an_output_that_a_page_would_lose_or_show_bare_is_refused(output, says):
    with pytest.raises(StudyError) as refused:
        notebooks.refuse_unclean(executed(**output), "n.ipynb")
    assert says in str(refused.value)
    assert "n.ipynb, code cell 1" in str(refused.value)


def test_a_skipped_cell_and_a_glue_role_are_refused():
    skipped = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x")])
    with pytest.raises(StudyError, match="a skipped cell"):
        notebooks.refuse_unclean(skipped, "n.ipynb")
    glue = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("{glue}`x`")])
    with pytest.raises(StudyError, match="a glue role"):
        notebooks.refuse_unclean(glue, "n.ipynb")
    plain = executed(output_type="stream", name="stdout", text="1\n")
    notebooks.refuse_unclean(plain, "n.ipynb")


def test_addresses_and_times_are_normalised():
    notebook = executed(output_type="execute_result", execution_count=9, data={"text/plain": "<x at 0x7f00aa11bb22>"})
    notebook.metadata["papermill"] = {"duration": 1.5}
    notebook.cells[0].metadata["execution"] = {"iopub.status.idle": "now"}
    notebook.cells[0].execution_count = 9
    notebooks.normalise(notebook, "01")
    text = nbformat.writes(notebook)
    assert "0x7f00" not in text
    assert "duration" not in text
    assert "iopub" not in text
    assert notebook.cells[0].execution_count == notebook.cells[0].outputs[0].execution_count == 1


TRACE = """
import json, os, sys, tempfile
from pathlib import Path
opened = set()
sys.addaudithook(lambda event, a: event == "open" and isinstance(a[0], str) and opened.add(os.path.abspath(a[0])))
from ptmreuse import parameters, paths
from ptmreuse.book import steps
import importlib
step, before = steps.STEPS[steps.NAMES.index(sys.argv[1])], set(sys.modules)
module, function = step.run.split(":")
getattr(importlib.import_module(module), function)(step, parameters.DEFAULTS, Path(tempfile.mkdtemp()))
print(json.dumps([sorted(opened), sorted(m for m in sys.modules if m.startswith("ptmreuse") and m not in before)]))
"""


def test_the_frame_s_articles_are_stale_when_the_frame_changes():
    of_frame = steps.fingerprint(steps.STEPS[0], parameters.DEFAULTS | {"source": "plos"})
    assert set(steps.FRAME) <= of_frame.keys() - steps.fingerprint(steps.STEPS[0], parameters.DEFAULTS).keys() | {
        "data/pilot_papers.csv"
    }


@pytest.mark.parametrize("name", [n for n in steps.NAMES if n not in steps.NOTEBOOKS and n != "book"])
@pytest.mark.slow
def test_a_step_opens_only_what_it_declares(name):
    """Notebooks are watched in every run (`check_reads`); this watches the steps before them."""
    said = subprocess.run(
        [sys.executable, "-c", TRACE, name], capture_output=True, text=True, check=True, cwd=paths.ROOT,
        env=os.environ | {"PYTHONPATH": str(paths.SOURCE.parent), "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    step = steps.STEPS[steps.NAMES.index(name)]
    declared = {str(p) for pattern in step.files for p in paths.ROOT.glob(pattern)}
    outside = (str(paths.ROOT / ".venv"), str(paths.BUILD))
    opened, imported = json.loads(said.stdout)
    opened = {p for p in opened if p.startswith(str(paths.ROOT)) and not p.startswith(outside)}
    opened = {p for p in opened if Path(p).suffix not in (".py", ".pyc")}
    assert set(imported) <= set(steps.modules_of(step))
    assert opened - declared == set()
    assert {p for p in declared if p.startswith(str(paths.DATA))} <= opened, "declared, but not read"
