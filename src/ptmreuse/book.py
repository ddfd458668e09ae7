"""From results to pages: stage the book's sources, let Sphinx build them, accept only a sound site."""

import ast
import gzip
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

from ptmreuse import figures, parameters, paths, results, study
from ptmreuse.errors import StudyError

# What Sphinx and the theme leave behind and no page uses.
LEFTOVERS = (
    ".buildinfo", "_static/**/*.html", "_static/**/*.map", "_static/**/*.ttf", "_static/images/logo_*",
    "_static/scripts/fontawesome.js*", "_static/scripts/bootstrap.js*", "_static/locales/**/*.*",
)  # fmt: skip


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
    for leftover in LEFTOVERS:
        for path in sorted(built.glob(leftover)):
            path.unlink()
    drop_unused_icons(built)
    check(built)
    built.replace(scratch / "html")


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


def sphinx(scratch, builder="html"):
    """Run jupyter-book on the staged sources, from nothing, with every warning an error.

    Raises
    ------
    StudyError
        With the first warnings, one per line.
    """
    # On a second run of a broken book jupyter-book reports success; an old build folder must never be reused.
    # The package has no __main__. A quarter of the time went into looking for garbage among millions of nodes.
    start = "import gc; gc.disable(); from jupyter_book.cli.main import main; main()"
    build = [sys.executable, "-c", start, "build", str(paths.STAGE), "--path-output", str(scratch)]
    run = subprocess.run(
        [*build, "--builder", builder, "-W", "--keep-going", "-n"],
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
        return results.sentences_html(rows, link=number_link)
    folder = paths.RESULTS / item["step"]
    if item["type"] == "figure":
        drawn = [(folder / f"{name}{layout}.svg").read_text(encoding="utf-8") for layout in ("", ".narrow")]
        body = figures.inline(*drawn, name, item["alt"])
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


def publish_data(folder):
    """Put results, input facts and clean notebooks under ``/data/``, where they can be cited and downloaded."""
    hidden = shutil.ignore_patterns("*.html", "*.narrow.svg", "items.json", "reads.json", "numbers.csv")
    shutil.copytree(paths.RESULTS, folder, ignore=hidden, dirs_exist_ok=True)
    for name, sources in {"inputs": paths.DATA.glob("*.csv"), "notebooks": paths.NOTEBOOKS.glob("*.ipynb")}.items():
        (folder / name).mkdir()
        for path in sorted(sources):
            shutil.copy(path, folder / name)
    used = pd.DataFrame(json.loads((paths.STAGE / "parameters.json").read_text(encoding="utf-8")))
    for name, frame in {"numbers": registry(), "inputs": inputs(), "parameters": used}.items():
        results.safe(frame).to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")


def drop_unused_icons(folder):
    """Take the two thousand icons that no page shows out of the theme's style sheet (a third of its weight).

    Parameters
    ----------
    folder : Path
        The built site.
    """
    sheet = folder / "_static" / "styles" / "pydata-sphinx-theme.css"
    pages = "".join(path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.html")))
    used = set(re.findall(r"\bfa-[a-z0-9-]+", pages))

    def kept(rule):
        return rule[0] if used & set(re.findall(r"\.(fa-[a-z0-9-]+):", rule[0])) else ""

    rules = r'(?:\.fa-[a-z0-9-]+:{1,2}(?:before|after),?)+\{content:"[^"]*"\}'
    sheet.write_text(re.sub(rules, kept, sheet.read_text(encoding="utf-8")), encoding="utf-8")


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
    problems = [(page, p) for page, root in pages.items() for p in _page_problems(page, root, anchors)]
    for sheet in sorted(folder.rglob("*.css")):
        problems += [(sheet, p) for p in _style_problems(sheet.read_text(encoding="utf-8"))]
    for page, (expected, found) in problems:
        raise StudyError(expected=expected, found=found, where=f"page {page.name}", do="correct the page or notebook")


LOADED = (
    ("script", "src"), ("link", "href"), ("img", "src"), ("img", "srcset"), ("iframe", "src"), ("source", "src"),
    ("video", "src"), ("audio", "src"), ("embed", "src"), ("object", "data"), ("image", "href"), ("use", "href"),
)  # fmt: skip
NOT_LOADED = ("canonical", "author", "license")  # links of a page's head that a browser does not follow
LOST = re.compile(r"<Figure size |<IPython\.|<matplotlib\.|\b0x[0-9a-f]{9,}")


def _page_problems(page, root, anchors):
    for tag, attribute in LOADED:
        for element in root.iter(tag):
            target = element.get(attribute) or ""
            external = re.match(r"(https?:)?//", target)
            if external and not (tag == "link" and element.get("rel") in NOT_LOADED):
                yield "nothing loaded from another host", target
            elif target and not external and not target.startswith("data:"):
                yield from _missing_target(page, target, anchors)
    for style in [*root.xpath("//@style"), *root.xpath("//style/text()")]:
        yield from _style_problems(style)
    for image in root.iter("img"):
        alt = image.get("alt")
        if alt is None or re.search(r"\.(svg|png|jpe?g)$|/", alt.strip()):
            yield "an alternative text in words", f"{image.get('src')} with alt {alt!r}"
    for figure in root.xpath("//svg[@role='img']"):
        if not (figure.get("aria-label") or "").strip():
            yield "an alternative text in words", "a drawing without a label"
    for link in root.iter("a"):
        target = link.get("href") or ""
        if not re.match(r"[a-z]+:|//", target):
            yield from _missing_target(page, target, anchors)
    # In what results.py writes the same words are somebody's data: a model may be called so.
    ours = "ancestor::figure or ancestor::*[contains(@class, 'ptm-')]"
    for text in root.xpath(f"//body//text()[not(ancestor::pre or ancestor::code or ancestor::script or {ours})]"):
        if LOST.search(text):
            yield "a table or figure", text.strip()[:80]


def _style_problems(style):
    for target in re.findall(r"""(?:url\(|@import)\s*["']?((?:https?:)?//[^"')\s]*)""", style):
        yield "nothing loaded from another host", target


def _missing_target(page, target, anchors):
    name, _, anchor = target.partition("#")
    file = (page.parent / name.split("?")[0]).resolve() if name else page
    if name and not file.exists():
        yield "a link to an existing file", target
    elif anchor and file in anchors and anchor not in anchors[file]:
        yield "a link to an existing place", target


def weight(page):
    """What a page makes a reader load, as a server compresses it.

    Parameters
    ----------
    page : Path

    Returns
    -------
    dict of str to int
        Address inside the book to bytes: the page, its scripts, styles and images, and all fonts for text,
        although only pages with italics load the italic one.
    """
    root = parser.parse(str(page)).getroot()
    targets = [
        e.get(a)
        for tag, a in LOADED
        for e in root.iter(tag)
        if e.get("rel") not in (*NOT_LOADED, "next", "prev", "search")
    ]
    files = {page} | {(page.parent / t.split("?")[0]).resolve() for t in targets if t and not t.startswith("data:")}
    if any(f.name == "book.css" for f in files):
        files |= set((page.parent / "_static" / "fonts").glob("*.woff2"))
    packed = (".woff2", ".png")
    return {
        f.relative_to(page.parent.resolve()).as_posix(): len(
            f.read_bytes() if f.suffix in packed else gzip.compress(f.read_bytes(), mtime=0)
        )
        for f in sorted(p.resolve() for p in files)
    }
