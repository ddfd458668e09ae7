"""From results to pages: stage the book's sources, let Sphinx build them, accept only a sound site."""

import ast
import html
import json
import os
import re
import shutil
import subprocess
import sys
from functools import cache

import nbformat
import pandas as pd
from lxml import html as parser

from ptmreuse import figures, parameters, paths, results
from ptmreuse.errors import StudyError


def build(step, values, scratch):
    """Build the static book into ``scratch/html``.

    Parameters
    ----------
    step : steps.Step
    values : dict
        The parameters of the run; a page shows them.
    scratch : Path

    Raises
    ------
    StudyError
        If Sphinx warns of anything or the finished pages hold a broken reference, a request to another host, or
        an image without alternative text.
    """
    stage(values)
    sphinx(scratch)
    built = scratch / "_build" / "html"
    publish_data(built / "data")
    for leftover in (built / ".buildinfo", *(built / "_static").rglob("*.html")):  # the theme's templates
        leftover.unlink(missing_ok=True)
    check(built)
    os.replace(built, scratch / "html")


def stage(values):
    """Put together what Sphinx reads: the pages and the executed notebooks as they are to be shown."""
    shutil.rmtree(paths.STAGE, ignore_errors=True)
    shutil.copytree(paths.BOOK, paths.STAGE)
    for path in sorted(paths.EXECUTED.glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        for cell in notebook.cells:
            for output in cell.get("outputs", []):
                item = output.get("metadata", {}).get("ptmreuse")
                if item:
                    shown = item_html(item["item"], helpers_in(cell.source))
                    output.data = {"text/html": shown}
        nbformat.write(notebook, paths.STAGE / path.name)
    (paths.STAGE / "parameters.json").write_text(json.dumps(parameters.table(values)), encoding="utf-8")


def sphinx(scratch):
    """Run jupyter-book on the staged sources, from nothing, with every warning an error.

    Raises
    ------
    StudyError
        With the first warnings, one per line.
    """
    # On a second run of a broken book jupyter-book reports success; an old build folder must never be reused.
    start = "from jupyter_book.cli.main import main; main()"  # the package has no __main__
    command = [sys.executable, "-c", start, "build", str(paths.STAGE), "--path-output", str(scratch)]
    run = subprocess.run(
        [*command, "-W", "--keep-going", "-n"],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONHASHSEED": "0", "NO_COLOR": "1", "COLUMNS": "1000"},
        check=False,
    )
    log = re.sub(r"\x1b\[[0-9;]*m", "", run.stdout + run.stderr)
    problems = re.findall(r"^.*(?:WARNING|ERROR|CRITICAL|Error):.*$", log, flags=re.M)
    if run.returncode or problems:
        shown = [line.replace(str(paths.STAGE) + os.sep, "") for line in dict.fromkeys(problems)][:5]
        raise StudyError(
            expected="pages without a single warning",
            found=" | ".join(shown) if shown else log.strip()[-400:],
            where="the book",
            do="correct the page named first (notebooks are named without folder)",
        )


@cache
def catalogue():
    """All tables, figures and sentences that the notebooks recorded, by name.

    Raises
    ------
    StudyError
        If two notebooks use one name.
    """
    items = {}
    for path in sorted(paths.RESULTS.glob("*/items.json")):
        for item in json.loads(path.read_text(encoding="utf-8")):
            if item["name"] in items:
                raise StudyError(
                    expected="each result name in one notebook",
                    found=f"{item['name']} in {items[item['name']]['step']} and {item['step']}",
                    where="results",
                    do="rename one of them",
                )
            items[item["name"]] = item
    return items


@cache
def registry():
    """The recorded numbers, as `results.numbers`."""
    return results.numbers()


def number_link(key):
    """Where the registry page shows a number."""
    return f"numbers.html#n-{key}"


def item_html(name, helpers=()):
    """A recorded table, figure or list of sentences as HTML, with what it was made from and its downloads.

    Parameters
    ----------
    name : str
        As recorded by a notebook.
    helpers : iterable of str
        The helper functions in the cell that made it, for the provenance note.

    Raises
    ------
    StudyError
        If no notebook recorded that name.
    """
    if name not in catalogue():
        raise StudyError(
            expected="a recorded table or figure", found=repr(name), where="result", do="record it in a notebook"
        )
    item = catalogue()[name]
    if item["type"] == "sentences":
        rows = [registry().loc[key] for key in item["keys"]]
        return results.sentences_html(rows, link=number_link)
    folder = paths.RESULTS / item["step"]
    if item["type"] == "figure":
        body = figures.inline((folder / f"{name}.svg").read_text(encoding="utf-8"), name, item["alt"])
    else:
        body = (folder / f"{name}.html").read_text(encoding="utf-8").strip()
    return results.framed_html(item, body, more=provenance_html(item, helpers))


def provenance_html(item, helpers=()):
    """The fold-away note under a table or figure: notebook, cell, helpers, inputs, downloads."""
    name, step = html.escape(item["name"]), html.escape(item["step"])
    links = [f'<a href="data/{step}/{name}.csv" download>CSV</a>']
    if item["type"] == "figure":
        links.insert(0, f'<a href="data/{step}/{name}.svg" download>SVG</a>')
    made = [f'<a href="{step}.html">{step}</a>, code cell {item["cell"]}']
    made += [f'<a href="api.html#ptmreuse.{h}"><code>{h}</code></a>' for h in helpers]
    inputs = json.loads((paths.RESULTS / item["step"] / "reads.json").read_text(encoding="utf-8"))
    made += [f"<code>{html.escape(path)}</code>" for path in inputs]
    return (
        f'<details class="ptm-trace"><summary>Made by</summary><p>{" · ".join(made)}</p></details>'
        f'<span class="ptm-links">{" ".join(links)}</span>'
    )


def helpers_in(code):
    """The helper functions that a cell calls, as ``module.function``.

    Examples
    --------
    >>> helpers_in("results.figure('x', figures.funnel(t))")
    ['figures.funnel']
    """
    tree = ast.parse(code)
    calls = [n.func for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute)]
    named = [f"{f.value.id}.{f.attr}" for f in calls if isinstance(f.value, ast.Name)]
    modules = {p.stem for p in paths.SOURCE.glob("*.py")} - {"results", "paths"}
    return sorted({name for name in named if name.split(".")[0] in modules})


def publish_data(folder):
    """Put the results and the input facts under ``/data/``, where they can be cited and downloaded."""
    shutil.copytree(
        paths.RESULTS, folder, ignore=shutil.ignore_patterns("*.html", "items.json", "reads.json"), dirs_exist_ok=True
    )
    inputs = folder / "inputs"
    inputs.mkdir()
    for path in sorted(paths.DATA.glob("*.csv")):
        shutil.copy(path, inputs)
    registry().to_csv(folder / "numbers.csv", index=False, lineterminator="\n")
    used = pd.DataFrame(json.loads((paths.STAGE / "parameters.json").read_text(encoding="utf-8")))
    used.to_csv(folder / "parameters.csv", index=False, lineterminator="\n")


def check(folder):
    """Refuse pages with a broken reference, a request to another host or an image without alternative text.

    Parameters
    ----------
    folder : Path
        The built site.

    Raises
    ------
    StudyError
        With the page and the first problem.
    """
    pages = {path: parser.parse(str(path)).getroot() for path in sorted(folder.rglob("*.html"))}
    anchors = {p: set(root.xpath("//@id")) | set(root.xpath("//a/@name")) for p, root in pages.items()}
    for page, root in pages.items():
        for problem in _page_problems(page, root, anchors, folder):
            raise StudyError(
                expected=problem[0], found=problem[1], where=f"page {page.name}", do="correct the page or notebook"
            )


def _page_problems(page, root, anchors, folder):
    for tag, attribute in (("script", "src"), ("link", "href"), ("img", "src"), ("iframe", "src"), ("source", "src")):
        for element in root.iter(tag):
            target = element.get(attribute) or ""
            external = re.match(r"(https?:)?//", target)
            if external and not (tag == "link" and element.get("rel") in ("canonical", "author", "license")):
                yield "nothing loaded from another host", target
            elif target and not external and not target.startswith("data:"):
                yield from _missing_target(page, target, anchors, folder)
    for image in root.iter("img"):
        alt = image.get("alt")
        if alt is None or re.search(r"\.(svg|png|jpe?g)$|/", alt.strip()):
            yield "an alternative text in words", f"{image.get('src')} with alt {alt!r}"
    for link in root.iter("a"):
        target = link.get("href") or ""
        if not re.match(r"[a-z]+:|//", target):
            yield from _missing_target(page, target, anchors, folder)


def _missing_target(page, target, anchors, folder):
    name, _, anchor = target.partition("#")
    file = (page.parent / name.split("?")[0]).resolve() if name else page
    if name and not file.exists():
        yield "a link to an existing file", target
    elif anchor and file in anchors and anchor not in anchors[file]:
        yield "a link to an existing place", target
