"""What the recorded results are for the pages: the registry, tables and figures as HTML, inputs, pages of helpers."""

import ast
import html
import json
import re
from functools import cache
from pathlib import Path

import pandas as pd

from ptmreuse import paths
from ptmreuse.book import markup, record, steps, svg
from ptmreuse.errors import refuse
from ptmreuse.evidence import study


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
                refuse(
                    "results", "each result name in one notebook",
                    f"{item['name']} in {items[item['name']]['step']} and {item['step']}", "rename one of them",
                )  # fmt: skip
            items[item["name"]] = item
    return items


def exhibits():
    """Every recorded table and figure, with its file among the results."""
    return [
        (item, f"{item['step']}/{item['name']}.{'svg' if item['type'] == 'figure' else 'csv'}")
        for item in catalogue().values() if item["type"] in ("figure", "table")
    ]  # fmt: skip


@cache
def registry():
    """The recorded numbers, one row per key."""
    return record.numbers()


def simulated():
    """Whether the papers in use are simulated, so that every page must say so."""
    kinds = registry()["data_kind"]
    return bool(kinds.get("evidence_papers") == "simulated")


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
        refuse("result", "a recorded table or figure", repr(name), "record it in a notebook")
    item = catalogue()[name]
    if item["type"] == "sentences":
        rows = [registry().loc[key] for key in item["keys"]]
        return markup.sentences_html(rows, link=number_link)
    folder = paths.RESULTS / item["step"]
    if item["type"] == "figure":
        drawn = [(folder / f"{name}{layout}.svg").read_text(encoding="utf-8") for layout in ("", ".narrow")]
        body = svg.inline(*drawn, name, item["alt"])
    else:
        body = (folder / f"{name}.html").read_text(encoding="utf-8").strip()
    return markup.framed_html(item, body, more=provenance_html(item, helpers))


def placed():
    """The tables and figures that a page of the book asks for, with that page: nothing is shown twice."""
    found = {}
    for page in sorted(paths.STAGE.glob("*.md")):
        for name in re.findall(r"^```\{result\} (\S+)$", page.read_text(encoding="utf-8"), flags=re.M):
            found[name] = page.stem
    return found


def shown_once(name, code, placed):
    """A recorded item where its notebook made it, or a line that says on which page it stands.

    Parameters
    ----------
    name : str
    code : str
        The cell that made it.
    placed : dict of str to str, from `placed`

    Returns
    -------
    str
        HTML.
    """
    if name not in placed:
        return item_html(name, helpers_in(code))
    page = placed[name]
    title = (paths.STAGE / f"{page}.md").read_text(encoding="utf-8").split("\n# ", 1)[-1].split("\n")[0].lstrip("# ")
    caption = html.escape(catalogue()[name]["caption"].rstrip("."))
    return f'<p class="ptm-moved">{caption}: on the page <a href="{page}.html#{name}">{html.escape(title)}</a>.</p>'


def provenance_html(item, helpers=()):
    """The fold-away note under a table or figure: notebook, cell, helpers, inputs, downloads."""
    name, step = html.escape(item["name"]), html.escape(item["step"])
    links = [f'<a href="data/{step}/{name}.csv" download>CSV</a>']
    if item["type"] == "figure":
        links.insert(0, f'<a href="data/{step}/{name}.svg" download>SVG</a>')
    made = [f'<a href="{step}.html">{step}</a>, code cell {item["cell"]}']
    helpers = () if paths.STUDY else helpers  # a student's book has no pages about the package
    made += [f'<a href="{helper_page(h)}.html#ptmreuse.{h}"><code>{h.split(".", 1)[-1]}</code></a>' for h in helpers]
    files = inputs().loc[inputs()["notebook"] == item["step"], "file"]
    given = {f: f.removeprefix("data/") if f.startswith("data/") and not paths.STUDY else "" for f in files}
    given |= {f: Path(f).name for f in files if paths.STUDY and (paths.STUDY / Path(f).name).suffix == ".csv"
              and (paths.STUDY / Path(f).name).exists()}  # fmt: skip
    made += [
        f'<a href="data/inputs/{html.escape(name)}" download>{html.escape(f)}</a>' if name else html.escape(f)
        for f, name in given.items()
    ]
    return f"<details><summary>Made by</summary><p>{' · '.join(made)}</p></details>{''.join(links)}"


@cache
def inputs():
    """The input files of each notebook, those of the papers in use first, with their hashes.

    Returns
    -------
    DataFrame
        notebook, file, sha256; one row per notebook and file.
    """
    rows = []
    coded = study.read_csv(paths.TABLES / "evidence" / "provenance.csv")
    coded = coded[["path", "sha256"]].rename(columns={"path": "file"})
    for path in sorted(paths.RESULTS.glob("*/reads.json")):
        notebook = path.parent.name
        # The notebooks read the papers in use as study tables; what these were made from is their provenance.
        rows += [{"notebook": notebook, **row} for row in coded.to_dict("records")]
        for file in json.loads(path.read_text(encoding="utf-8")):
            rows.append({"notebook": notebook, "file": file, "sha256": paths.sha256(paths.ROOT / file)})
    return pd.DataFrame(rows, columns=["notebook", "file", "sha256"]).drop_duplicates(ignore_index=True)


def modules():
    """The modules that notebooks call, by their own name, which no two share; two rooms are for the command line.

    Returns
    -------
    dict of str to str
        Such as ``{"shares": "statistics.shares"}``.
    """
    apart = ("commands", "review")
    files = sorted(p for p in paths.SOURCE.rglob("*.py") if not p.stem.startswith("__") and p.parent.name not in apart)
    return {p.stem: ".".join(p.relative_to(paths.SOURCE).with_suffix("").parts) for p in files}


def helpers_in(code):
    """The helper functions that a cell calls, as ``room.module.function``.

    Examples
    --------
    >>> helpers_in("record.figure('x', figures.funnel(t))")
    ['book.figures.funnel']
    """
    tree = ast.parse(code)
    calls = [n.func for n in ast.walk(tree) if isinstance(n, ast.Call)]
    named = [(f.value.id, f.attr) for f in calls if isinstance(f, ast.Attribute) and isinstance(f.value, ast.Name)]
    helpers = _helpers()
    return sorted({helpers[name] for name in named if name in helpers})


@cache
def _helpers():
    # (module, function) -> full name; a notebook's variable may be called like a module.
    found = {}
    for module, full in modules().items():
        if module in ("record", "paths"):
            continue
        tree = ast.parse((paths.SOURCE / f"{full.replace('.', '/')}.py").read_text(encoding="utf-8"))
        for part in tree.body:
            if isinstance(part, ast.FunctionDef) and not part.name.startswith("_"):
                found[module, part.name] = f"{full}.{part.name}"
    return found


def helper_page(helper):
    """The page that documents a helper function: one for each room, one for the ground floor.

    Examples
    --------
    >>> helper_page("statistics.shares.proportion"), helper_page("paths.shown")
    ('api_statistics', 'api_ground')
    """
    parts = helper.split(".")
    return f"api_{parts[0]}" if len(parts) > 2 else "api_ground"


@cache
def documented():
    """The helpers that a notebook calls or imports by name, as ``room.module.name``, and what most of them return."""
    found = {"statistics.estimate.Estimate"}
    chapters = [paths.NOTEBOOKS / f"{name}.ipynb" for name in steps.NOTEBOOKS]  # not what else lies beside them
    for path in [*chapters, *paths.SCAFFOLD.glob("*.ipynb"), paths.SOLUTIONS]:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
        try:
            named = [n for n in ast.walk(ast.parse(code)) if isinstance(n, ast.ImportFrom) and n.module]
        except SyntaxError as error:
            line = f"{(error.text or '').strip()!r} ({error.msg})"
            refuse(paths.shown(path), "cells of plain Python", line, "correct this line")
        found.update(helpers_in(code))
        found.update(f"{n.module}.{alias.name}".removeprefix("ptmreuse.") for n in named for alias in n.names)
    return found


def api_pages():
    """The pages of helper functions: a room and its modules on each, from the docstrings.

    Only what a notebook meets is shown: all others would cost a third of the time that the pages take.

    Returns
    -------
    dict of str to str
        Name of the page -> its text.
    """
    pages = {}
    for full in modules().values():
        if not any(name.rpartition(".")[0] == full for name in documented()):
            continue
        page = helper_page(f"{full}.function")
        if page not in pages:
            room = page.removeprefix("api_")
            first = paths.SOURCE / room / "__init__.py" if room != "ground" else paths.SOURCE / "__init__.py"
            about = ast.get_docstring(ast.parse(first.read_text(encoding="utf-8")))
            pages[page] = f"# Helpers: {room}\n\n{about}\n"
        pages[page] += f"\n## {full.split('.')[-1]}\n\n```{{eval-rst}}\n.. helpers:: {full}\n```\n"
    return pages
