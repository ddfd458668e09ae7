"""What a notebook found: numbers, tables and figures, each written once and read by every page.

A notebook calls `start` in its first cell and then `number`, `table`, `figure` and `say`. Each writes into
the notebook's results folder and shows the same thing in the notebook. Pages never repeat a number: they
name its key.
"""

import json
import os
import shutil
import sys

import pandas as pd
from IPython import get_ipython
from IPython.display import display

from ptmreuse import paths, wording
from ptmreuse.book import markup, svg
from ptmreuse.book.svg import CARD, inline, save_card, to_svg
from ptmreuse.errors import StudyError
from ptmreuse.evidence.study import KINDS

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
    svg.use_style()
    shell = get_ipython()
    if shell and _refuse_open_figures not in shell.events.callbacks["post_run_cell"]:
        shell.events.register("post_run_cell", _refuse_open_figures)
    _write()


def _refuse_open_figures(result=None):
    """Say on stderr, which stops the build, that a cell drew a figure that no page would show."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot and pyplot.get_fignums():
        pyplot.close("all")
        print("a matplotlib figure that no page shows: give it to record.figure", file=sys.stderr)


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
            expected="record.start(...) in the notebook's first cell",
            found="no call",
            where=name,
            do="call it before any result",
        )
    if kind not in wording.LABELS:
        raise StudyError(
            expected=f"a data kind among {', '.join(KINDS)}",
            found=repr(kind),
            where=name,
            do="name it; assumed is for what rests on assumed rates",
        )
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
    kind : {'published', 'coded', 'assumed', 'simulated'}
    form : {'count', 'percent', 'percent2', 'points', 'decimal', 'p', 'text'}, optional
        How prose shows it; by default whole numbers are counts, Estimates percent, texts as they are.

    Raises
    ------
    StudyError
        If the key was used before or the data kind is unknown.
    """
    from ptmreuse.statistics.estimate import Estimate  # slow to import, and the pages only read

    _check(key, kind, _now["numbers"])
    row = dict.fromkeys(NUMBER_COLUMNS, "")
    row.update(key=key, about=about, data_kind=kind, step=_now["step"], cell=_cell())
    if isinstance(value, Estimate):
        forms = {"number": "decimal", "points": "points", "count": "count", "rank": "count"}
        form = form or forms.get(value.scale, "percent")
        text = (
            wording.FORMS[form](value.value)
            if not wording.missing(value.value)
            else f"n/a ({wording.count(value.n, value.unit)})"
        )
        row.update(
            text=text, value=value.value, low=value.low, high=value.high, confidence=value.conf, n=value.n,
            unit=value.unit, method=value.method, p="" if value.p is None else value.p,
            sentence=f"{about}: {value.sentence}.",
        )  # fmt: skip
    else:
        form = form or ("text" if isinstance(value, str) else "count" if float(value).is_integer() else "decimal")
        text = wording.FORMS[form](value)
        method = method or ("" if form == "text" else "counted")
        row.update(
            text=text, value="" if wording.missing(value) else value, unit=unit, n="" if n is None else n, method=method
        )
        named = wording.count(value, unit) if form == "count" else f"{text} {unit}"
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
    _add({"name": "say-" + keys[0], "type": "sentences", "keys": list(keys)}, markup.sentences_html(rows))


def table(name, frame, *, caption, kind, formats=None, labels=None, show=None, fold=False):
    """Write a table as CSV and show it, captioned, with the data kind.

    Parameters
    ----------
    name : str
        File name and anchor.
    frame : DataFrame
        One row per line; the first column names the row.
    caption : str
        What the table shows, one sentence.
    kind : {'published', 'coded', 'assumed', 'simulated'}
    formats : dict, optional
        Column to one of `FORMS`; other numbers are shown as counts where whole, else with two decimals.
    labels : dict, optional
        Column to the heading shown; by default underscores become blanks.
    show : list of str, optional
        The columns that the page shows; the CSV always has all.
    fold : bool
        Whether the page folds it away, because a figure already says it.
    """
    _check(name, kind, _now["items"])
    markup.safe(frame).assign(data_kind=kind).to_csv(_now["folder"] / f"{name}.csv", index=False, lineterminator="\n")
    body = markup.table_html(frame[show] if show else frame, formats=formats, labels=labels)
    (_now["folder"] / f"{name}.html").write_text(body + "\n", encoding="utf-8")
    item = {"name": name, "type": "table", "caption": caption, "kind": kind} | ({"fold": True} if fold else {})
    _add(item, markup.framed_html(item, body))


def figure(name, fig, *, caption, alt, kind, data, title="", card=False, choices=None):
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
    kind : {'published', 'coded', 'assumed', 'simulated'}
    data : DataFrame
        What is drawn.
    title : str, optional
        What the figure says, in one sentence made from its data.
    card : bool
        Whether this is the picture that is seen where a page of the book is shared.
    choices : DataFrame, optional
        Columns of choices, then value, low, high (as in the figure) and reason (why there is no value): where scripts
        run, a reader picks one of each and sees that estimate.

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
    if card:
        save_card(fig, title, kind, _now["folder"] / CARD)
    svg, narrow = to_svg(fig, kind), to_svg(fig, kind, narrow=True)
    (_now["folder"] / f"{name}.svg").write_text(svg, encoding="utf-8")
    (_now["folder"] / f"{name}.narrow.svg").write_text(narrow, encoding="utf-8")
    markup.safe(data).assign(data_kind=kind).to_csv(_now["folder"] / f"{name}.csv", index=False, lineterminator="\n")
    item = {"name": name, "type": "figure", "title": title, "caption": caption, "alt": markup.plain(alt), "kind": kind}
    if choices is not None:
        shown = choices.astype("object").where(choices.notna(), None)
        item["choices"] = {"columns": list(shown.columns), "rows": shown.to_numpy().tolist()}
    _add(item, markup.framed_html(item, inline(svg, narrow, name, item["alt"])))


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
