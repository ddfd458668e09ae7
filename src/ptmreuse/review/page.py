"""The page about this run and the stamp at the foot of every page; a Sphinx extension of its own room.

Both are made from results alone and hold no clock, so that the same input gives the same bytes.
"""

import html
import json
from functools import cache

import pandas as pd

from ptmreuse import parameters, paths
from ptmreuse.book import directives, markup
from ptmreuse.errors import StudyError
from ptmreuse.review import against_authors, authors_run


def setup(app):
    """Register with Sphinx."""
    app.add_directive("this-run", ThisRun)
    app.add_directive("tolerances", Tolerances)
    app.connect("html-page-context", lambda app, pagename, templatename, context, doctree: context.update(
        run_stamp=stamp()))  # fmt: skip
    return {"parallel_read_safe": True, "parallel_write_safe": True}


@cache
def compared():
    """The comparison of the run that the pages show.

    Returns
    -------
    rows : DataFrame or None
        None if nothing can be compared.
    inputs : list of str
    said : str
        The verdict, or why there is none.
    """
    used = json.loads((paths.STAGE / "parameters.json").read_text(encoding="utf-8"))
    values = dict(parameters.DEFAULTS)
    values |= {row["name"]: row["value"] for row in used if row["differs"] == "yes"}
    try:
        rows, inputs = against_authors.compare(values)
    except StudyError as error:
        return None, [], f"Not compared with the authors' run. {error}"
    return rows, inputs, against_authors.verdict(rows, inputs)


def stamp():
    """The line at the foot of every page."""
    rows, inputs, _ = compared()
    if rows is None:
        return "Compared with no other run:"
    moved = int((~rows["result"].isin(against_authors.GOOD)).sum())
    day = authors_run.read()["started"][:10]
    if moved:
        return f"Of {len(rows)} results, {moved} differ from the authors' run of {day}:"
    agree = f"All {len(rows)} results agree with the authors' run of {day}"
    return f"{agree}, but come from other inputs:" if inputs else f"{agree}:"


class ThisRun(directives.Html):
    """How this run compares with the authors', kind by kind and output by output."""

    def html(self):
        rows, inputs, said = compared()
        parts = [f"<p><strong>{markup.escaped(said)}</strong></p>"]
        if rows is None:
            return parts[0]
        counts = pd.crosstab(rows["kind"], rows["result"], margins=True, margins_name="all").reset_index()
        counts["kind"] = counts["kind"].map(lambda kind: kind if kind == "all" else f"{kind}s")
        table = markup.table_html(counts)
        parts.append(directives.plain_table("run-counts", "Outputs of this run by what the comparison gave.", table))
        moved = rows[rows["result"] != "same bytes"]
        if len(moved):
            caption = f"The {len(moved)} outputs that are not the same byte for byte."
            parts.append(directives.plain_table("run-moved", caption, markup.table_html(moved)))
        if inputs:
            names = "".join(f"<li><code>{html.escape(name)}</code></li>" for name in inputs)
            parts.append(f"<p>Inputs that are not those of the authors' run:</p><ul>{names}</ul>")
        theirs = authors_run.read()
        seconds = sum(step["seconds"] or 0 for step in theirs["steps"].values())
        parts.append(
            f"<p>The authors' run began on {html.escape(theirs['started'])}: "
            f"{html.escape(against_authors.on_machine(theirs))}, {seconds:.0f} seconds in all steps, at most "
            f"{theirs['memory_peak_mb']} MB of memory.</p>"
        )
        return "\n".join(parts)


class Tolerances(directives.Html):
    """What each kind of number may differ by."""

    def html(self):
        table = markup.table_html(against_authors.TOLERANCES)
        return directives.plain_table("tolerances", "What may differ, and why.", table)
