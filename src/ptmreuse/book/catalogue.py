"""From results to pages: stage the book's sources, let Sphinx build them, accept only a sound site."""

import ast
import html
import json
import re
from functools import cache

import pandas as pd

from ptmreuse import paths
from ptmreuse.book import markup, record, svg
from ptmreuse.errors import StudyError
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
        raise StudyError(
            expected="a recorded table or figure", found=repr(name), where="result", do="record it in a notebook"
        )
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


def provenance_html(item, helpers=()):
    """The fold-away note under a table or figure: notebook, cell, helpers, inputs, downloads."""
    name, step = html.escape(item["name"]), html.escape(item["step"])
    links = [f'<a href="data/{step}/{name}.csv" download>CSV</a>']
    if item["type"] == "figure":
        links.insert(0, f'<a href="data/{step}/{name}.svg" download>SVG</a>')
    made = [f'<a href="{step}.html">{step}</a>, code cell {item["cell"]}']
    made += [f'<a href="{helper_page(h)}.html#ptmreuse.{h}"><code>{h}</code></a>' for h in helpers]
    files = inputs().loc[inputs()["notebook"] == item["step"], "file"]
    made += [
        f'<a href="data/inputs/{html.escape(f.removeprefix("data/"))}" download>{html.escape(f)}</a>'
        if f.startswith("data/")
        else html.escape(f)
        for f in files
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


def helper_page(helper):
    """The page that documents the module of a helper function.

    Raises
    ------
    StudyError
        If none does.

    Examples
    --------
    >>> helper_page("statistics.proportion")
    'api_statistics'
    """
    module = helper.split(".")[0]
    for page in sorted(paths.BOOK.glob("api_*.md")):
        if re.search(rf"^\.\. helpers:: {module}$", page.read_text(encoding="utf-8"), flags=re.M):
            return page.stem
    raise StudyError(
        expected="every module documented on a page of helpers", found=repr(module), where="book/api_*.md",
        do=f"add a section with '.. helpers:: {module}' to one of them",
    )  # fmt: skip
