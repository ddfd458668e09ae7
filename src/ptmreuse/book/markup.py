"""Recorded results as HTML: a table, a sentence, a framed figure, each with the sign of its data kind."""

import html
import json
import re
from urllib.parse import quote

import pandas as pd

from ptmreuse import wording


def sentences_html(rows, link=None):
    """HTML list of the sentences of registry rows; `link` turns a key into an address."""
    items = []
    for row in rows:
        text = escaped(row["sentence"])
        if link:
            about = html.escape(f"Origin of: {plain(row['about'])}")
            text += f'<a class="ptm-origin" href="{link(row["key"])}" aria-label="{about}">\N{DEGREE SIGN}</a>'
        items.append(f"<li>{badge(row['data_kind'])} <span>{text}</span></li>")
    return '<ul class="ptm-say">' + "".join(items) + "</ul>"


def badge(kind):
    """HTML label of a data kind; the style sheet gives each kind its sign."""
    return f'<span class="ptm-kind ptm-{kind}">{wording.LABELS[kind]}</span>'


def verdict_html(verdict):
    """HTML label of a claim's verdict; the style sheet gives each verdict its sign."""
    return f'<span class="ptm-verdict ptm-{escaped(verdict).replace(" ", "-")}">{escaped(verdict)}</span>'


# Code points that no HTML or SVG file may hold, and those that reorder the text around them.
UNSHOWABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff\u202a-\u202e\u2066-\u2069]")
LONGEST = 600  # characters of a cell that a page shows; the CSV has all
LONG = 14  # rows that can be overlooked


def plain(text):
    r"""Text as a page or figure may show it: no control characters, nothing that turns the text around it.

    Examples
    --------
    >>> plain("a\x00b \u202ec")
    'a\ufffdb \ufffdc'
    """
    return UNSHOWABLE.sub("\ufffd", str(text))


def escaped(text):
    """Text from data as HTML that shows it and never runs it.

    Examples
    --------
    >>> escaped("<script>alert(1)</script> & more")
    '&lt;script&gt;alert(1)&lt;/script&gt; &amp; more'
    """
    return html.escape(plain(text))


def table_html(frame, formats=None, labels=None):
    """An HTML table: scoped headers, escaped cells, numbers aligned.

    Rows of a table whose first column is called `id` can be linked to by it; a `verdict` column shows its signs; a cell
    that is a DOI is a link. A table too wide for a phone is marked: its rows become cards there, each cell under the
    name of its column.

    Examples
    --------
    >>> table_html(pd.DataFrame({"model": ["<b>"], "papers": [1200]}))[-51:]
    '<td class="ptm-num">1,200</td></tr></tbody></table>'
    """
    formats, labels = formats or {}, labels or {}
    numeric = {c for c in frame.columns if pd.api.types.is_numeric_dtype(frame[c])} | {
        c for c, form in formats.items() if form != "text"
    }
    looks = {c: ' class="ptm-num"' if c in numeric else _room(frame[c]) for c in frame.columns}
    names = {c: escaped(labels.get(c, str(c).replace("_", " "))) for c in frame.columns}
    heads = " ".join(f'<th scope="col"{looks[c]}>{names[c]}</th>' for c in frame.columns)
    stacked = _too_wide(frame, names)
    linked = len(frame.columns) > 0 and frame.columns[0] == "id" and frame["id"].is_unique
    rows = []
    for values in frame.itertuples(index=False):
        cells = []
        for position, (column, value) in enumerate(zip(frame.columns, values, strict=True)):
            shown = _cell_html(value, column, formats.get(column))
            tag, scope = ("th", ' scope="row"') if position == 0 else ("td", "")
            if position and stacked:
                scope = f' data-label="{names[column]}"'
                shown = f"<span>{shown}</span>" if shown else ""
            cells.append(f"<{tag}{scope}{looks[column]}>{shown}</{tag}>")
        mark = f' id="{escaped(values[0])}"' if linked and re.fullmatch(r"[A-Za-z][\w.-]*", str(values[0])) else ""
        rows.append(f"<tr{mark}>" + " ".join(cells) + "</tr>")  # the search reads words between blanks
    if not rows:
        rows = [f'<tr><td colspan="{len(frame.columns)}">none</td></tr>']
    # A table too long to overlook gets a filter where scripts run.
    looks = " ".join(["ptm-long"] * (len(frame) > LONG) + ["ptm-stack"] * stacked)
    classes = f' class="{looks}"' if looks else ""
    return f"<table{classes}><thead><tr>{heads}</tr></thead><tbody>{' '.join(rows)}</tbody></table>"


def _too_wide(frame, names):
    # A phone shows about forty characters; a cell of words can wrap to two lines, a word cannot.
    heads = {c: max(len(word) for word in names[c].split() or [""]) for c in frame.columns}
    return len(frame.columns) > 2 and sum(max(min(_longest(frame[c]), 24), heads[c], 5) + 2 for c in frame.columns) > 55


def _longest(column):
    return max((len(str(value)) for value in column), default=0)


def _room(column):
    # Browsers squeeze texts to a word per line before they let a table scroll; long ones ask for their room.
    longest = _longest(column)
    return ' class="ptm-prose"' if longest > 90 else ' class="ptm-words"' if longest > 28 else ""


def _cell_html(value, column, form):
    if column == "verdict" and isinstance(value, str):
        return verdict_html(value)
    text = plain(_cell_text(value, column, form))
    if len(text) > LONGEST:
        text = f"{text[:LONGEST]}… ({len(text):,} characters; the CSV has all)"
    shown = html.escape(text)
    if DOI.fullmatch(text):  # a paper that a page names can be read
        return f'<a href="https://doi.org/{quote(text)}">{shown}</a>'
    # Right-to-left text keeps to its cell.
    return shown if text.isascii() else f"<bdi>{shown}</bdi>"


def _cell_text(value, column, form):
    if form:
        return wording.FORMS[form](value)
    if wording.missing(value):
        return ""
    if isinstance(value, str):
        return value
    if str(column).endswith("year"):
        return str(int(value))
    return wording.count(value) if float(value).is_integer() else wording.decimal(value)


DOI = re.compile(r"10\.\d{4,9}/[\x21-\x7e]+")


def safe(frame):
    """The table with every text quoted that a spreadsheet would run as a formula, and nothing that it cannot hold.

    Examples
    --------
    >>> safe(pd.DataFrame({"model": ["=1+1", "", "U-Net"]}))["model"].tolist()
    ["'=1+1", '', 'U-Net']
    """

    def tamed(value):
        value = plain(value) if isinstance(value, str) else value
        return f"'{value}" if isinstance(value, str) and value.startswith(wording.FORMULA_STARTS) else value

    text = frame.select_dtypes(include=["object", "string"]).columns
    return frame.rename(columns=tamed).assign(**{tamed(c): frame[c].map(tamed) for c in text})


def framed_html(item, body, more=""):
    """A table or figure with caption and data kind; `more` goes beneath."""
    name = html.escape(item["name"], quote=True)
    signs = " ".join(map(badge, [item["kind"], *item.get("beside", ())]))
    caption = f'<figcaption id="cap-{name}">{signs} {escaped(item["caption"])}</figcaption>'
    more = f'<div class="ptm-meta">{more}</div>' if more else ""
    if item["type"] == "figure":
        title = f'<p class="ptm-title">{escaped(item["title"])}</p>' if item.get("title") else ""
        picked = f' data-choices="{html.escape(json.dumps(item["choices"]))}"' if "choices" in item else ""
        return f'<figure class="ptm-figure" id="{name}"{picked}>{title}{body}{caption}{more}</figure>'
    place = '<div class="ptm-filter"></div>' if re.match(r"<table[^>]*ptm-long", body) else ""
    body = body.replace("<table", f'<table aria-labelledby="cap-{name}"', 1)
    shown = f'<figure class="ptm-table" id="{name}">{caption}{place}<div class="ptm-scroll">{body}</div>{more}</figure>'
    if not item.get("fold"):
        return shown
    return f'<details class="ptm-fold"><summary>As a table: {escaped(item["caption"])}</summary>{shown}</details>'
