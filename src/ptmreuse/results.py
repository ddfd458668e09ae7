"""What a notebook found: numbers, tables and figures, each written once and read by every page.

A notebook calls `start` in its first cell and then `number`, `table`, `figure` and `say`. Each writes into
the notebook's results folder and shows the same thing in the notebook. Pages never repeat a number: they
name its key.
"""

import html
import json
import math
import os
import re
import shutil

import pandas as pd
from IPython import get_ipython
from IPython.display import display

from ptmreuse import figures, paths
from ptmreuse.errors import StudyError
from ptmreuse.study import KINDS

LABELS = {
    "published": "Published facts",
    "coded": "Coded papers",
    "simulated": "Simulated, not evidence",
}
NUMBER_COLUMNS = (
    "key", "about", "text", "value", "low", "high", "confidence", "n", "unit", "method", "p", "sentence",
    "data_kind", "step", "cell",
)  # fmt: skip

_now = {"step": None, "folder": None, "numbers": {}, "items": {}}


def start(step):
    """Begin the results of a notebook: an empty folder, the book's figure style.

    Parameters
    ----------
    step : str
        The notebook's name without suffix; its results go to ``_build/results/<step>/``.
    """
    folder = paths.Path(os.environ.get("PTMREUSE_RESULTS", paths.RESULTS)) / step
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    _now.update(step=step, folder=folder, numbers={}, items={})
    figures.use_style()
    _write()


def _write():
    frame = pd.DataFrame(list(_now["numbers"].values()), columns=NUMBER_COLUMNS)
    frame.to_csv(_now["folder"] / "numbers.csv", index=False, lineterminator="\n")
    items = json.dumps(list(_now["items"].values()), indent=1, ensure_ascii=False)
    (_now["folder"] / "items.json").write_text(items + "\n", encoding="utf-8")
    reads = json.dumps(sorted(paths.shown(path) for path in paths.READ))
    (_now["folder"] / "reads.json").write_text(reads + "\n", encoding="utf-8")


def _check(name, kind, taken):
    if _now["folder"] is None:
        raise StudyError(
            expected="results.start(...) in the notebook's first cell",
            found="no call",
            where=name,
            do="call it before any result",
        )
    if kind not in KINDS:
        raise StudyError(expected=f"a data kind among {', '.join(KINDS)}", found=repr(kind), where=name, do="name it")
    if name in taken:
        raise StudyError(
            expected="each result once",
            found="it again",
            where=f"{_now['step']}, {name}",
            do="choose another name",
        )


def _cell():
    shell = get_ipython()
    return shell.execution_count if shell else 0


def percent(value, digits=1):
    r"""A share as people read it.

    Examples
    --------
    >>> percent(0.35454), percent(float("nan"))
    ('35.5\xa0%', 'n/a')
    """
    return "n/a" if _missing(value) else f"{100 * value:.{digits}f}\N{NO-BREAK SPACE}%"


def points(value, digits=1):
    """A difference of shares in percentage points.

    Examples
    --------
    >>> points(0.1199)
    '12.0 percentage points'
    """
    return "n/a" if _missing(value) else f"{100 * value:.{digits}f} percentage points"


def count(value, unit=""):
    """A count with thousands separators, and what is counted.

    Examples
    --------
    >>> count(17511), count(1, "papers")
    ('17,511', '1 paper')
    """
    if _missing(value):
        return "n/a"
    return f"{value:,.0f} {unit.removesuffix('s') if value == 1 else unit}".rstrip()


def decimal(value, digits=2):
    """A plain number with a fixed number of decimals.

    Examples
    --------
    >>> decimal(1.5571)
    '1.56'
    """
    return "n/a" if _missing(value) else f"{value:,.{digits}f}"


def p_value(value):
    r"""A p value, never zero.

    Examples
    --------
    >>> p_value(0.00001), p_value(0.0312)
    ('<\xa0.001', '.031')
    """
    if _missing(value):
        return "n/a"
    return "<\N{NO-BREAK SPACE}.001" if value < 0.001 else f"{value:.3f}".replace("0.", ".", 1)


# n/a never turns into 0 % or 100 %.
FORMS = {
    "percent": percent, "percent2": lambda share: percent(share, 2), "points": points, "count": count,
    "decimal": decimal, "p": p_value, "text": str,
}  # fmt: skip


def _missing(value):
    return value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value))


def number(key, value, *, about, kind, form=None, unit="", n=None, method=None):
    """Record one number for the pages, with everything needed to trace it.

    Parameters
    ----------
    key : str
        How pages call it: ``{num}`key```.
    value : Estimate, int, float or str
        An Estimate brings its own interval, unit, n, method and sentence.
    about : str
        What it is, for the registry.
    kind : {'published', 'coded', 'simulated'}
    form : {'count', 'percent', 'percent2', 'points', 'decimal', 'p', 'text'}, optional
        How prose shows it; by default whole numbers are counts, Estimates percent, texts as they are.

    Raises
    ------
    StudyError
        If the key was used before or the data kind is unknown.
    """
    from ptmreuse.statistics import Estimate  # slow to import, and the pages only read

    _check(key, kind, _now["numbers"])
    row = dict.fromkeys(NUMBER_COLUMNS, "")
    row.update(key=key, about=about, data_kind=kind, step=_now["step"], cell=_cell())
    if isinstance(value, Estimate):
        forms = {"number": "decimal", "points": "points", "count": "count", "rank": "count"}
        form = form or forms.get(value.scale, "percent")
        text = FORMS[form](value.value) if not _missing(value.value) else f"n/a ({count(value.n, value.unit)})"
        row.update(
            text=text, value=value.value, low=value.low, high=value.high, confidence=value.conf, n=value.n,
            unit=value.unit, method=value.method, p="" if value.p is None else value.p,
            sentence=f"{about}: {value.sentence}.",
        )  # fmt: skip
    else:
        form = form or ("text" if isinstance(value, str) else "count" if float(value).is_integer() else "decimal")
        text = FORMS[form](value)
        method = method or ("" if form == "text" else "counted")
        row.update(
            text=text, value="" if _missing(value) else value, unit=unit, n="" if n is None else n, method=method
        )
        named = count(value, unit) if form == "count" else f"{text} {unit}"
        words = f"{about}: {named if unit and unit != 'share' else text}"
        row["sentence"] = words if words.endswith(".") else f"{words}."
    _now["numbers"][key] = row
    _write()


def say(*keys):
    """Show recorded numbers as sentences, each marked with its data kind."""
    rows = []
    for key in keys:
        if key not in _now["numbers"]:
            raise StudyError(
                expected="a recorded number",
                found=repr(key),
                where=f"{_now['step']}, say",
                do="record it before",
            )
        rows.append(_now["numbers"][key])
    _add({"name": "say-" + keys[0], "type": "sentences", "keys": list(keys)}, sentences_html(rows))


def sentences_html(rows, link=None):
    """HTML list of the sentences of registry rows; `link` turns a key into an address."""
    items = []
    for row in rows:
        text = escaped(row["sentence"])
        if link:
            text = f'<a class="ptm-traced" href="{link(row["key"])}">{text}</a>'
        items.append(f"<li>{badge(row['data_kind'])} <span>{text}</span></li>")
    return '<ul class="ptm-say">' + "".join(items) + "</ul>"


def badge(kind):
    """HTML label of a data kind; the style sheet gives each kind its sign."""
    return f'<span class="ptm-kind ptm-{kind}">{LABELS[kind]}</span>'


def verdict_html(verdict):
    """HTML label of a claim's verdict; the style sheet gives each verdict its sign."""
    return f'<span class="ptm-verdict ptm-{escaped(verdict).replace(" ", "-")}">{escaped(verdict)}</span>'


# Code points that no HTML or SVG file may hold, and those that reorder the text around them.
UNSHOWABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff\u202a-\u202e\u2066-\u2069]")
LONGEST = 600  # characters of a cell that a page shows; the CSV has all


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


def table(name, frame, *, caption, kind, formats=None, labels=None, show=None):
    """Write a table as CSV and show it, captioned, with the data kind.

    Parameters
    ----------
    name : str
        File name and anchor.
    frame : DataFrame
        One row per line; the first column names the row.
    caption : str
        What the table shows, one sentence.
    kind : {'published', 'coded', 'simulated'}
    formats : dict, optional
        Column to one of `FORMS`; other numbers are shown as counts where whole, else with two decimals.
    labels : dict, optional
        Column to the heading shown; by default underscores become blanks.
    show : list of str, optional
        The columns that the page shows; the CSV always has all.
    """
    _check(name, kind, _now["items"])
    safe(frame).assign(data_kind=kind).to_csv(_now["folder"] / f"{name}.csv", index=False, lineterminator="\n")
    body = table_html(frame[show] if show else frame, formats=formats, labels=labels)
    (_now["folder"] / f"{name}.html").write_text(body + "\n", encoding="utf-8")
    item = {"name": name, "type": "table", "caption": caption, "kind": kind}
    _add(item, framed_html(item, body))


def table_html(frame, formats=None, labels=None):
    """An HTML table: scoped headers, escaped cells, numbers aligned.

    Rows of a table whose first column is called `id` can be linked to by it; a `verdict` column shows its signs.

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
    heads = " ".join(
        f'<th scope="col"{looks[c]}>{escaped(labels.get(c, str(c).replace("_", " ")))}</th>' for c in frame.columns
    )
    linked = len(frame.columns) > 0 and frame.columns[0] == "id" and frame["id"].is_unique
    rows = []
    for values in frame.itertuples(index=False):
        cells = []
        for position, (column, value) in enumerate(zip(frame.columns, values, strict=True)):
            shown = _cell_html(value, column, formats.get(column))
            tag, scope = ("th", ' scope="row"') if position == 0 else ("td", "")
            cells.append(f"<{tag}{scope}{looks[column]}>{shown}</{tag}>")
        mark = f' id="{escaped(values[0])}"' if linked and re.fullmatch(r"[A-Za-z][\w.-]*", str(values[0])) else ""
        rows.append(f"<tr{mark}>" + " ".join(cells) + "</tr>")  # the search reads words between blanks
    if not rows:
        rows = [f'<tr><td colspan="{len(frame.columns)}">none</td></tr>']
    # A table too long to overlook gets a filter where scripts run.
    long = ' class="ptm-long"' if len(frame) > 14 else ""
    return f"<table{long}><thead><tr>{heads}</tr></thead><tbody>{' '.join(rows)}</tbody></table>"


def _room(column):
    # Browsers squeeze texts to a word per line before they let a table scroll; long ones ask for their room.
    longest = int(column.astype("str").str.len().max()) if len(column) else 0
    return ' class="ptm-prose"' if longest > 90 else ' class="ptm-words"' if longest > 28 else ""


def _cell_html(value, column, form):
    if column == "verdict" and isinstance(value, str):
        return verdict_html(value)
    text = plain(_cell_text(value, column, form))
    if len(text) > LONGEST:
        text = f"{text[:LONGEST]}… ({len(text):,} characters; the CSV has all)"
    shown = html.escape(text)
    # Right-to-left text keeps to its cell.
    return shown if text.isascii() else f"<bdi>{shown}</bdi>"


def _cell_text(value, column, form):
    if form:
        return FORMS[form](value)
    if _missing(value):
        return ""
    if isinstance(value, str):
        return value
    if str(column).endswith("year"):
        return str(int(value))
    return count(value) if float(value).is_integer() else decimal(value)


FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def safe(frame):
    """The table with every text quoted that a spreadsheet would run as a formula, and nothing that it cannot hold.

    Examples
    --------
    >>> safe(pd.DataFrame({"model": ["=1+1", "", "U-Net"]}))["model"].tolist()
    ["'=1+1", '', 'U-Net']
    """

    def quote(value):
        value = plain(value) if isinstance(value, str) else value
        return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value

    text = frame.select_dtypes(include=["object", "string"]).columns
    return frame.rename(columns=quote).assign(**{quote(c): frame[c].map(quote) for c in text})


def figure(name, fig, *, caption, alt, kind, data):
    """Write a figure as SVG with the data it shows as CSV, and show it, captioned, with the data kind.

    Parameters
    ----------
    name : str
        File name and anchor.
    fig : matplotlib Figure
    caption : str
        What the reader should see, one or two sentences.
    alt : str
        The figure in words, for those who do not see it: what is drawn and the numbers that matter.
    kind : {'published', 'coded', 'simulated'}
    data : DataFrame
        What is drawn.

    Raises
    ------
    StudyError
        If caption or alt text is missing or too short to say anything.
    """
    _check(name, kind, _now["items"])
    for what, text in (("caption", caption), ("alt", alt)):
        if len(text.split()) < 4:
            raise StudyError(
                expected=f"a {what} of at least four words",
                found=repr(text),
                where=f"{_now['step']}, figure {name}",
                do="say what the figure shows, with its main numbers",
            )
    svg, narrow = figures.to_svg(fig, kind), figures.to_svg(fig, kind, narrow=True)
    (_now["folder"] / f"{name}.svg").write_text(svg, encoding="utf-8")
    (_now["folder"] / f"{name}.narrow.svg").write_text(narrow, encoding="utf-8")
    safe(data).assign(data_kind=kind).to_csv(_now["folder"] / f"{name}.csv", index=False, lineterminator="\n")
    item = {"name": name, "type": "figure", "caption": caption, "alt": plain(alt), "kind": kind}
    _add(item, framed_html(item, figures.inline(svg, narrow, name, item["alt"])))


def framed_html(item, body, more=""):
    """A table or figure with caption and data kind; `more` goes beneath."""
    name = html.escape(item["name"], quote=True)
    caption = f'<figcaption id="cap-{name}">{badge(item["kind"])} {escaped(item["caption"])}</figcaption>'
    more = f'<div class="ptm-meta">{more}</div>' if more else ""
    if item["type"] == "figure":
        return f'<figure class="ptm-figure" id="{name}">{body}{caption}{more}</figure>'
    place = '<div class="ptm-filter"></div>' if body.startswith('<table class="ptm-long"') else ""
    body = body.replace("<table", f'<table aria-labelledby="cap-{name}"', 1)
    return f'<figure class="ptm-table" id="{name}">{caption}{place}<div class="ptm-scroll">{body}</div>{more}</figure>'


def _add(item, body):
    item.update(step=_now["step"], cell=_cell())
    _now["items"][item["name"]] = item
    _write()
    # The staging step recognises our outputs by this mark and refuses every other rich output.
    display(
        {"text/html": body, "text/plain": f"<{item['type']} {item['name']}>"},
        metadata={"ptmreuse": {"item": item["name"]}},
        raw=True,
    )


def numbers(*steps):
    """The registry: the recorded numbers, indexed by key.

    Parameters
    ----------
    *steps : str
        Notebook names; none means all that have results.

    Raises
    ------
    StudyError
        If a notebook has no results yet or two notebooks recorded the same key.
    """
    if not steps:
        steps = sorted(path.parent.name for path in paths.RESULTS.glob("*/numbers.csv"))
    frames = []
    for step in steps:
        # The notebook that asks has not finished: its numbers are still in its own folder.
        path = (_now["folder"] if step == _now["step"] else paths.RESULTS / step) / "numbers.csv"
        if not path.exists():
            raise StudyError(
                expected=f"the results of {step}", found="none", where="registry", do="run make notebooks first"
            )
        frames.append(pd.read_csv(path, keep_default_na=False, dtype={"text": "str", "unit": "str"}))
    registry = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=NUMBER_COLUMNS)
    twice = registry[registry["key"].duplicated()]
    if len(twice):
        raise StudyError(
            expected="each key in one notebook",
            found=f"{twice['key'].iloc[0]} again in {twice['step'].iloc[0]}",
            where="registry",
            do="rename one of them",
        )
    return registry.set_index("key", drop=False)
