"""From results to pages: stage the book's sources, let Sphinx build them, accept only a sound site."""

import gzip
import json
import os
import re
import shutil
import subprocess
import sys

import nbformat
import pandas as pd
import yaml
from lxml import html as parser

from ptmreuse import parameters, paths
from ptmreuse.book import catalogue, check, markup, svg
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
    drop_unused_rules(built)
    check.check(built)
    built.replace(scratch / "html")


def stage(values):
    """Put together what Sphinx reads: the pages and the executed notebooks as they are to be shown."""
    shutil.rmtree(paths.STAGE, ignore_errors=True)
    shutil.copytree(paths.BOOK, paths.STAGE, ignore=_not_hers if paths.STUDY else None)
    if paths.STUDY:
        _stage_own()
    _name(values)
    placed = catalogue.placed()
    for path in sorted(paths.EXECUTED.glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        for cell in notebook.cells:
            for output in cell.get("outputs", []):
                item = output.get("metadata", {}).get("ptmreuse")
                if item:
                    output.data = {"text/html": catalogue.shown_once(item["item"], cell.source, placed)}
        nbformat.write(notebook, paths.STAGE / path.name)
    for card in paths.RESULTS.glob(f"*/{svg.CARD}"):
        shutil.copy(card, paths.STAGE / "static")
    if not paths.STUDY:
        (paths.STAGE / "exercises.ipynb").write_text(exercises(), encoding="utf-8")
    for name, text in ({} if paths.STUDY else catalogue.api_pages()).items():
        (paths.STAGE / f"{name}.md").write_text(text, encoding="utf-8")
    listed = parameters.table(values)
    if paths.STUDY:  # what her notebooks take, and what she set
        taken = {"title", "authors"}.union(*map(parameters.of_notebook, sorted(paths.STUDY.glob("*.ipynb"))))
        listed = [row for row in listed if row["name"] in taken or (row["differs"] == "yes" and row["unit"])]
    (paths.STAGE / "parameters.json").write_text(json.dumps(listed), encoding="utf-8")


def exercises():
    """The exercise notebook: the solutions with every solution taken out, so that the two cannot drift apart.

    Returns
    -------
    str
        A notebook, as text.

    Examples
    --------
    >>> exercises().count("# your answer"), "true_share = (300" in exercises()
    (8, False)
    """
    notebook = nbformat.read(paths.SOLUTIONS, as_version=4)
    for cell in notebook.cells:
        if "solution" in cell.metadata.get("tags", []):
            cell.source = "# your answer"
    return nbformat.writes(notebook) + "\n"


SHARED = ("numbers", "parameters", "references")  # pages of every book


def _not_hers(folder, names):
    """Of the pages of this book, all that speak of the study alone."""
    return [name for name in names if name.endswith(".md") and name.removesuffix(".md") not in SHARED]


def _stage_own():
    """The pages of a student's own study and its table of contents: her start page, her chapters, the registry."""
    own = sorted(path.stem for path in paths.STUDY.glob("*.md") if path.stem not in ("README", "index", "reproduce"))
    for name in ("index", "reproduce", *own):
        place = next(f for f in (paths.STUDY, paths.SCAFFOLD) if (f / f"{name}.md").exists())
        shutil.copy(place / f"{name}.md", paths.STAGE)
    chapters = [path.stem for path in sorted(paths.EXECUTED.glob("*.ipynb"))]
    parts = {"The study": [*chapters, *own], "Look it up": [*SHARED[:2], "reproduce", SHARED[2]]}
    listed = [{"caption": part, "chapters": [{"file": name} for name in names]} for part, names in parts.items()]
    toc = json.dumps({"format": "jb-book", "root": "index", "parts": listed}, indent=1)
    (paths.STAGE / "_toc.yml").write_text(toc + "\n", encoding="utf-8")  # JSON is YAML


def _name(values):
    """Give the book the title and the authors of the parameters, if they name any."""
    file = paths.STAGE / "_config.yml"
    config = yaml.safe_load(file.read_text(encoding="utf-8"))
    for name, key in {"title": "title", "authors": "author"}.items():
        if values[name]:
            config[key] = markup.plain(values[name])
    if values["title"]:
        config["sphinx"]["config"]["project"] = config["title"]
    if values["title"] or values["authors"]:
        file.write_text(json.dumps(config, indent=1, ensure_ascii=False), encoding="utf-8")


def sphinx(scratch, builder="html"):
    """Run jupyter-book on the staged sources, from nothing, with every warning an error.

    Raises
    ------
    StudyError
        With the first warnings, one per line.
    """
    # On a second run of a broken book jupyter-book reports success; an old build folder must never be reused.
    # The package has no __main__. A quarter of the time went into looking for garbage among millions of nodes.
    # It ends with this process, however that ends: the other end of its input then closes.
    start = (
        "import gc, os, sys, threading; gc.disable()\n"
        "threading.Thread(target=lambda: (os.read(0, 1), os._exit(9)), daemon=True).start()\n"
        "from jupyter_book.cli.main import main; main()"
    )
    build = [sys.executable, "-c", start, "build", str(paths.STAGE), "--path-output", str(scratch)]
    theirs, ours = os.pipe()
    try:
        run = subprocess.run(
            [*build, "--builder", builder, "-W", "--keep-going", "-n"],
            stdin=theirs,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            env=os.environ | {"PYTHONHASHSEED": "0", "NO_COLOR": "1", "COLUMNS": "1000", "PYTHONUTF8": "1"},
            check=False,
        )
    finally:
        os.close(theirs)
        os.close(ours)
    log = re.sub(r"\x1b\[[0-9;]*m", "", run.stdout + run.stderr)
    problems = re.findall(r"^.*(?:WARNING|ERROR|CRITICAL|Error):.*$", log, flags=re.M)
    if run.returncode or problems:
        shown = [line.replace(str(paths.STAGE) + os.sep, "") for line in dict.fromkeys(problems)][:5]
        raise StudyError(
            expected="pages without a single warning", found=" | ".join(shown) if shown else log.strip()[-400:],
            where="the book", do="correct the page named first (notebooks are named without folder)",
        )  # fmt: skip


def publish_data(folder):
    """Put results, input facts and clean notebooks under ``/data/``, where they can be cited and downloaded."""
    hidden = shutil.ignore_patterns("*.html", "*.narrow.svg", "items.json", "reads.json", "numbers.csv")
    shutil.copytree(paths.RESULTS, folder, ignore=hidden, dirs_exist_ok=True)
    places = {"inputs": paths.STUDY or paths.DATA, "notebooks": paths.NOTEBOOKS}
    if not paths.STUDY:
        places["inputs/measured"] = paths.MEASURED
    for name, place in places.items():
        (folder / name).mkdir()
        for path in sorted(place.glob("*.ipynb" if name == "notebooks" else "*.csv")):
            shutil.copy(path, folder / name)
    if not paths.STUDY:
        shutil.copy(paths.SOLUTIONS, folder / "notebooks")
        (folder / "notebooks" / "exercises.ipynb").write_text(exercises(), encoding="utf-8")
    used = pd.DataFrame(json.loads((paths.STAGE / "parameters.json").read_text(encoding="utf-8")))
    for name, frame in {"numbers": catalogue.registry(), "inputs": catalogue.inputs(), "parameters": used}.items():
        markup.safe(frame).to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")


def drop_unused_rules(folder):
    """Take out of the theme's style sheet what no page and no script names (half of its weight, icons among it).

    Parameters
    ----------
    folder : Path
        The built site.
    """
    sheet = folder / "_static" / "styles" / "pydata-sphinx-theme.css"
    texts = [path.read_text(encoding="utf-8") for path in sorted([*folder.rglob("*.html"), *folder.rglob("*.js")])]
    used = {word for text in texts for word in re.findall(r"[\w-]+", text)}

    def needed(selector):
        plain = re.sub(r":not\([^()]*\)", "", selector)  # what is not there makes these match
        return re.search(r":is\(|:where\(|\\", plain) or set(re.findall(r"\.(-?[A-Za-z_][\w-]*)", plain)) <= used

    def kept(rule):
        selectors = [part for part in re.split(r",(?![^()]*\))", rule[1]) if needed(part)]
        return f"{','.join(selectors)}{{{rule[2]}}}" if selectors else ""

    text = sheet.read_text(encoding="utf-8")
    sheet.write_text(re.sub(r"([^{}@;/]+)\{([^{}]*)\}", kept, text), encoding="utf-8")


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
        for tag, a in check.LOADED
        for e in root.iter(tag)
        if e.get("rel") not in (*check.NOT_LOADED, "next", "prev", "search")
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
