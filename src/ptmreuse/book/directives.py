"""What the pages can say beyond MyST: recorded numbers, tables and figures, input files, parameters.

- the role ``num``: a recorded number, linked to its row in the registry; ``key|interval`` adds its interval;
- the role ``kind``: the sign of a data kind, by its name or by the key of a recorded number;
- the directive ``result``: a recorded table or figure;
- the directive ``datafile``: an input file under data/, as a table with a download;
- the directive ``registry``: every recorded number;
- the directive ``parameters``: the parameters of this run;
- the directive ``helpers``: the functions of a module that notebooks call, from its docstrings, without importing it.

An unknown key or name is a Sphinx warning, and every warning stops the build.
"""

import ast
import difflib
import html
import json

import pandas as pd
from docutils import nodes
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from sphinx.ext.napoleon import NumpyDocstring
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective, SphinxRole

from ptmreuse import paths, wording
from ptmreuse.book import catalogue, markup
from ptmreuse.errors import StudyError, refuse
from ptmreuse.evidence import study

logger = logging.getLogger(__name__)


def recorded(key):
    """The registry's row of a key.

    Raises
    ------
    StudyError
        If no notebook recorded it; with the nearest key.
    """
    if key not in catalogue.registry().index:
        near = difflib.get_close_matches(key, catalogue.registry().index, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        refuse("num", "a recorded number", f"the unknown key {key!r}{hint}", "record it in a notebook")
    return catalogue.registry().loc[key]


def with_interval(row):
    """A recorded number with its interval, as prose shows it."""
    ends = wording.limits(row)
    return f"{row['text']} [{', '.join(ends)}]" if ends else row["text"]


SIGN = "\N{DEGREE SIGN}"  # behind a recorded sentence


class Number(SphinxRole):
    """A recorded number in prose."""

    def run(self):
        key, _, form = self.text.partition("|")
        try:
            if form not in ("", "interval"):
                refuse("num", "key or key|interval", repr(self.text), "correct what follows |")
            row = recorded(key)
        except StudyError as error:
            logger.warning(str(error), location=self.get_location(), type="ptmreuse", subtype="number")
            return [nodes.problematic(self.rawtext, self.rawtext)], []
        text = with_interval(row) if form == "interval" else row["text"]
        single = self.env.app.builder.name == "singlehtml"
        target = catalogue.number_link(key).removeprefix("numbers.html") if single else catalogue.number_link(key)
        kind, origin = f"ptm-of-{row['data_kind']}", f"Origin of: {row['about']}"
        if len(text.split()) <= 4:
            classes = ["ptm-traced", kind]
            return [nodes.reference("", text, refuri=target, internal=True, reftitle=origin, classes=classes)], []
        # A whole sentence is no good link: a sign behind it leads to its origin.
        said = nodes.inline("", text, classes=[kind])
        if single:
            return [said], []
        sign = nodes.reference("", SIGN, refuri=target, internal=True, reftitle=origin, classes=["ptm-origin"])
        return [said, sign], []


class Kind(SphinxRole):
    """The sign of a data kind in prose: named, or that of a recorded number, so that it follows the source in use."""

    def run(self):
        try:
            kind = self.text if self.text in wording.LABELS else recorded(self.text)["data_kind"]
        except StudyError as error:
            logger.warning(str(error), location=self.get_location(), type="ptmreuse", subtype="kind")
            return [nodes.problematic(self.rawtext, self.rawtext)], []
        return [nodes.raw("", markup.badge(kind), format="html")], []


class Html(SphinxDirective):
    """A directive that becomes HTML and turns a StudyError into a warning at its place."""

    def run(self):
        try:
            return [nodes.raw("", self.html(), format="html")]
        except StudyError as error:
            logger.warning(str(error), location=self.get_location(), type="ptmreuse")
            return []


class Result(Html):
    """A recorded table or figure."""

    required_arguments = 1

    def html(self):
        return catalogue.item_html(self.arguments[0])


class DataFile(Html):
    """An input file as a table: all columns or those named, the download always has all."""

    required_arguments = 1
    option_spec = {
        "caption": directives.unchanged_required, "kind": directives.unchanged_required,
        "columns": directives.unchanged, "percent": directives.unchanged, "choose": directives.unchanged,
    }  # fmt: skip

    def html(self):
        name = self.arguments[0]
        frame = study.read_csv(paths.DATA / name)
        kind = self.options["kind"]
        item = {
            "name": name.rpartition("/")[2].replace(".", "-"),
            "type": "table",
            "caption": self.options["caption"],
            "kind": kind,
        }
        link = f'<a href="data/inputs/{html.escape(name)}" download>CSV</a>'
        shown = self.options.get("columns", " ".join(frame.columns)).split()
        shares = self.options.get("percent", "").split()
        missing = [column for column in [*shown, *shares] if column not in frame.columns]
        if missing:
            refuse("datafile", f"columns of {name}: {', '.join(frame.columns)}", missing[0], "correct the name")
        frame[shares] = frame[shares].apply(pd.to_numeric)
        for column in set(shown) - set(shares):  # a file holds texts; a column of numbers is shown as numbers
            numbers, empty = pd.to_numeric(frame[column], errors="coerce"), frame[column] == ""
            if not empty.all() and (numbers.notna() | empty).all():
                frame[column] = numbers
        body = markup.table_html(frame[shown], formats=dict.fromkeys(shares, "percent"))
        if "choose" in self.options:  # columns that the page's script lets a reader choose from
            body = body.replace("<table", f'<table data-choose="{html.escape(self.options["choose"])}"', 1)
        return markup.framed_html(item, body, more=link)


class Registry(Html):
    """Every recorded number, and the inputs of the notebooks that recorded them."""

    def html(self):
        rows = []
        for row in catalogue.registry().to_dict("records"):
            step = html.escape(row["step"])
            count = "" if row["n"] == "" else wording.count(float(row["n"]))
            cells = {
                "what": row["about"], "value": row["text"], "interval": " to ".join(wording.limits(row)),
                "n and unit": f"{count} {row['unit']}".strip(), "method": row["method"],
            }  # fmt: skip
            wide, beside = "", [*cells.values()][2:]
            if not any(beside):  # a sentence takes the columns that it leaves empty, not a tower of words
                cells, wide = {"what": cells["what"], "value": cells["value"]}, ' colspan="4"'
            rows.append(
                f'<tr id="n-{html.escape(row["key"])}"><th scope="row"><code>{html.escape(row["key"])}</code></th>'
                + "".join(
                    f' <td data-label="{h}"{wide if h == "value" else ""}>'
                    + (f"<span>{markup.escaped(c)}</span>" if c else "")
                    + "</td>"
                    for h, c in cells.items()
                )
                + f' <td data-label="data kind">{markup.badge(row["data_kind"])}</td>'
                + f' <td data-label="made by"><span><a href="{step}.html">{step}</a>, cell {row["cell"]}</span></td>'
                + "</tr>"
            )
        heads = "".join(
            f'<th scope="col">{h}</th>'
            for h in ("key", "what", "value", "interval", "n and unit", "method", "data kind", "made by")
        )
        body = (
            f'<table class="ptm-long ptm-stack"><thead><tr>{heads}</tr></thead><tbody>{" ".join(rows)}</tbody></table>'
        )
        inputs = markup.table_html(catalogue.inputs()[["notebook", "file", "sha256"]])
        return plain_table("registry", f"The {len(rows)} recorded numbers.", body, "numbers.csv") + (
            plain_table(
                "inputs", "The input files of each notebook, those of the papers in use first.", inputs, "inputs.csv"
            )
        )


def plain_table(name, caption, body, file=None):
    """A table of several data kinds, or of none, which has no badge; `file` under data/ is its download."""
    place = '<div class="ptm-filter"></div>' if body.startswith('<table class="ptm-long') else ""
    body = body.replace("<table", f'<table aria-labelledby="cap-{name}"', 1)
    return (
        f'<figure class="ptm-table" id="{name}"><figcaption id="cap-{name}">{caption}</figcaption>{place}'
        f'<div class="ptm-scroll">{body}</div>'
        + (f'<div class="ptm-meta"><a href="data/{file}" download>CSV</a></div>' if file else "")
        + "</figure>"
    )


class Parameters(Html):
    """The parameters of this run."""

    def html(self):
        rows = pd.DataFrame(json.loads((paths.STAGE / "parameters.json").read_text(encoding="utf-8")))
        shown = rows.assign(range=rows["range"] + rows["unit"].map(lambda u: f" ({u})" if u else ""))
        shown = shown[["name", "value", "default", "differs", "range", "meaning"]].astype("str")
        differ = int((rows["differs"] == "yes").sum())
        caption = (
            "All parameters have their defaults."
            if not differ
            else f"{differ} of the parameters differ from the defaults."
        )
        table = markup.table_html(shown, labels={"differs": "differs from default"})
        return plain_table("parameters-table", caption, table, "parameters.csv")


class Helpers(SphinxDirective):
    """What notebooks meet of a helper module; for reStructuredText, in which docstrings are written."""

    required_arguments = 1

    def run(self):
        source = paths.SOURCE / f"{self.arguments[0].replace('.', '/')}.py"
        self.env.note_dependency(str(source))
        lines = described(ast.parse(source.read_text(encoding="utf-8")), f"ptmreuse.{self.arguments[0]}", self.config)
        node = nodes.Element()
        self.state.nested_parse(StringList(lines, source=str(source)), 0, node)
        return node.children


def described(module, name, config) -> list[str]:
    """What a module's docstrings say, as reStructuredText for Sphinx.

    Parameters
    ----------
    module : ast.Module
    name : str
        Its full name.
    config : sphinx.config.Config
        How napoleon reads NumPy-style docstrings.
    """
    lines = [f".. py:module:: {name}", "", *(ast.get_docstring(module) or "").splitlines(), ""]
    for part in module.body:
        if f"{name.removeprefix('ptmreuse.')}.{getattr(part, 'name', '')}" in catalogue.documented():
            lines += _described(part, name, config, "py:function")
    return lines


def _described(part, name, config, kind, owner=""):
    is_class = isinstance(part, ast.ClassDef)
    text = ast.get_docstring(part) if is_class or isinstance(part, ast.FunctionDef) else None
    if not text or part.name.startswith("_"):
        return []
    signature = "" if is_class else f"({ast.unparse(part.args)})"
    if not is_class and part.returns:
        signature += f" -> {ast.unparse(part.returns)}"
    body = NumpyDocstring(text, config).lines()
    if is_class:
        for inner in part.body:
            body += ["", *_described(inner, name, config, "py:method", f"{part.name}.")]
    # The book has no general index; the search finds functions by their names all the same.
    options = [f"   :module: {name}", "   :no-index-entry:", ""]
    head = [f".. {'py:class' if is_class else kind}:: {owner}{part.name}{signature}", *options]
    return head + [f"   {line}" for line in body] + [""]
