"""What the pages can say beyond MyST: recorded numbers, tables and figures, input files, parameters.

- the role ``num``: a recorded number, linked to its row in the registry; ``key|interval`` adds its interval;
- the directive ``result``: a recorded table or figure;
- the directive ``datafile``: an input file under data/, as a table with a download;
- the directive ``registry``: every recorded number;
- the directive ``parameters``: the parameters of this run.

An unknown key or name is a Sphinx warning, and every warning stops the build.
"""

import difflib
import html
import json

import pandas as pd
from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective, SphinxRole

from ptmreuse import book, paths, results, study
from ptmreuse.errors import StudyError

logger = logging.getLogger(__name__)


def setup(app):
    """Register with Sphinx."""
    app.add_role("num", Number())
    for name, directive in {
        "result": Result, "datafile": DataFile, "registry": Registry, "parameters": Parameters,
    }.items():  # fmt: skip
        app.add_directive(name, directive)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


class Number(SphinxRole):
    """A recorded number in prose."""

    def run(self):
        key, _, form = self.text.partition("|")
        if key not in book.registry().index:
            near = difflib.get_close_matches(key, book.registry().index, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            message = f"expected a recorded number, found the unknown key {key!r}{hint}"
            logger.warning(message, location=self.get_location(), type="ptmreuse", subtype="number")
            return [nodes.problematic(self.rawtext, self.rawtext)], []
        row = book.registry().loc[key]
        text = row["text"]
        if form == "interval" and row["low"] != "":
            show = results.percent if "%" in text else results.points if "points" in text else results.decimal
            text += f" [{show(float(row['low']))} to {show(float(row['high']))}]"
        single = self.env.app.builder.name == "singlehtml"
        target = book.number_link(key).removeprefix("numbers.html") if single else book.number_link(key)
        link = nodes.reference("", text, refuri=target, internal=True, classes=["ptm-traced"])
        return [link], []


class _Html(SphinxDirective):
    """A directive that becomes HTML and turns a StudyError into a warning at its place."""

    def run(self):
        try:
            return [nodes.raw("", self.html(), format="html")]
        except StudyError as error:
            logger.warning(str(error), location=self.get_location(), type="ptmreuse")
            return []


class Result(_Html):
    """A recorded table or figure."""

    required_arguments = 1

    def html(self):
        return book.item_html(self.arguments[0])


class DataFile(_Html):
    """An input file as a table."""

    required_arguments = 1
    option_spec = {"caption": directives.unchanged_required, "kind": directives.unchanged_required}

    def html(self):
        name = self.arguments[0]
        frame = study.read_csv(paths.DATA / name)
        kind = self.options["kind"]
        item = {"name": name.replace(".", "-"), "type": "table", "caption": self.options["caption"], "kind": kind}
        link = f'<span class="ptm-links"><a href="data/inputs/{html.escape(name)}" download>CSV</a></span>'
        return results.framed_html(item, results.table_html(frame), more=link)


class Registry(_Html):
    """Every recorded number."""

    def html(self):
        rows = []
        for row in book.registry().to_dict("records"):
            step = html.escape(row["step"])
            limits = pd.to_numeric(pd.Series([row["low"], row["high"]]), errors="coerce")
            interval = "" if limits.isna().any() else f"{limits[0]:.4g} to {limits[1]:.4g}"
            count = "" if row["n"] == "" else results.count(float(row["n"]))
            cells = [row["about"], row["text"], interval, f"{count} {row['unit']}".strip(), row["method"]]
            rows.append(
                f'<tr id="n-{html.escape(row["key"])}"><th scope="row"><code>{html.escape(row["key"])}</code></th>'
                + "".join(f"<td>{html.escape(str(c))}</td>" for c in cells)
                + f'<td>{results.badge(row["data_kind"])}</td><td><a href="{step}.html">{step}</a>, cell {row["cell"]}</td></tr>'
            )
        heads = "".join(
            f'<th scope="col">{h}</th>'
            for h in ("key", "what", "value", "interval", "n and unit", "method", "data kind", "made by")
        )
        body = f"<table><thead><tr>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
        caption = f"The {len(rows)} numbers that the pages of this book name."
        return (
            f'<figure class="ptm-table"><div class="ptm-scroll">{body}</div><figcaption>{caption} '
            '<span class="ptm-links"><a href="data/numbers.csv" download>CSV</a></span></figcaption></figure>'
        )


class Parameters(_Html):
    """The parameters of this run."""

    def html(self):
        rows = pd.DataFrame(json.loads((paths.STAGE / "parameters.json").read_text(encoding="utf-8")))
        shown = rows.assign(range=rows["range"] + rows["unit"].map(lambda u: f" ({u})" if u else ""))
        shown = shown[["name", "value", "default", "differs", "range", "meaning"]].astype("str")
        differ = int((rows["differs"] == "yes").sum())
        caption = "All parameters have their defaults." if not differ else f"{differ} of the parameters differ from the defaults."
        table = results.table_html(shown, labels={"differs": "differs from default"})
        return (
            f'<figure class="ptm-table"><div class="ptm-scroll">{table}</div><figcaption>{caption} '
            '<span class="ptm-links"><a href="data/parameters.csv" download>CSV</a></span></figcaption></figure>'
        )
