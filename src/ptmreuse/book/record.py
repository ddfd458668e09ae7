"""What a notebook found: numbers, tables and figures, each written once and read by every page.

A notebook makes one `Recorder` in its first cell and then calls its `number`, `table`, `figure` and `say`. Each writes
into the notebook's results folder and shows the same thing in the notebook. Pages never repeat a number: they name its
key.
"""

import copy
import json
import os
import shutil
import sys
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pandas as pd
from IPython import get_ipython
from IPython.display import display

from ptmreuse import paths, wording
from ptmreuse.book import markup, svg
from ptmreuse.book.svg import CARD, inline, save_card, to_svg
from ptmreuse.errors import refuse
from ptmreuse.evidence.study import KINDS

if TYPE_CHECKING:  # slow to import, and the pages only read
    from matplotlib.figure import Figure

    from ptmreuse.statistics.estimate import Estimate

NUMBER_COLUMNS = (
    "key", "about", "text", "value", "low", "high", "confidence", "n", "unit", "method", "p", "sentence",
    "data_kind", "step", "cell",
)  # fmt: skip


class Recorder:
    """What one notebook records: it knows the step, the sign and the level of what it is given.

    Making one begins the results of the notebook: an empty folder ``_build/results/<step>/`` and the style of figures.

    Parameters
    ----------
    step : str
        The notebook's name without suffix.
    kind : {'coded', 'simulated', 'published', 'assumed'}
        The data kind of the papers in use: the sign of whatever does not say otherwise.
    conf : float, optional
        The level that the reader asked for; an estimate with an interval at another level is refused.

    Raises
    ------
    StudyError
        If the data kind is unknown.
    """

    def __init__(self, step: str, *, kind: str, conf: float | None = None) -> None:
        self.step, self.kind, self.conf = step, _known(kind, step), conf
        self.folder = paths.Path(os.environ.get("PTMREUSE_RESULTS", paths.RESULTS)) / step
        self._numbers: dict[str, dict[str, Any]] = {}
        self._items: dict[str, dict[str, Any]] = {}
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        svg.use_style()
        shell = get_ipython()
        if shell and _refuse_open_figures not in shell.events.callbacks["post_run_cell"]:
            shell.events.register("post_run_cell", _refuse_open_figures)
        if shell:  # also what is read after the last record
            shell.events.register("post_run_cell", self._write_reads)
        self._write_numbers()
        self._write_items()

    def of(self, kind: str) -> Self:
        """The same recorder with another sign, for what does not come from the papers in use.

        Parameters
        ----------
        kind : {'published', 'coded', 'assumed', 'simulated'}
        """
        other = copy.copy(self)
        other.kind = _known(kind, self.step)
        return other

    def number(
        self, key: str, value: "Estimate | float | str | None", *, about: str, form: str | None = None, unit: str = "",
        n: int | None = None, method: str | None = None,
    ) -> None:  # fmt: skip
        """Record one number for the pages, with everything needed to trace it.

        Parameters
        ----------
        key : str
            How pages call it: ``{num}`key```.
        value : Estimate, int, float or str
            An Estimate brings its own interval, unit, n, method and sentence.
        about : str
            What it is, for the registry.
        form : {'count', 'percent', 'percent2', 'points', 'decimal', 'p', 'text'}, optional
            How prose shows it; by default whole numbers are counts, Estimates percent, texts as they are.

        Raises
        ------
        StudyError
            If the key was used before or the interval has another level than the notebook's.
        """
        from ptmreuse.statistics.estimate import Estimate  # slow to import, and the pages only read

        self._once(key, self._numbers)
        row: dict[str, Any] = dict.fromkeys(NUMBER_COLUMNS, "")
        row.update(key=key, about=about, data_kind=self.kind, step=self.step, cell=_cell())
        if isinstance(value, Estimate):
            self._same_level(key, value)
            row.update(_of_estimate(value, about, form))
        else:
            row.update(_of_plain(value, about, form, unit, n, method))
        self._numbers[key] = row
        self._write_numbers()

    def say(self, *keys: str) -> None:
        """Show recorded numbers as sentences, each marked with its data kind."""
        for key in keys:
            if key not in self._numbers:
                refuse(f"{self.step}, say", "a recorded number", repr(key), "record it before")
        rows = [self._numbers[key] for key in keys]
        self._add({"name": "say-" + keys[0], "type": "sentences", "keys": list(keys)}, markup.sentences_html(rows))

    def table(
        self, name: str, frame: pd.DataFrame, *, caption: str, formats: dict[str, str] | None = None,
        labels: dict[str, str] | None = None, show: list[str] | None = None, fold: bool = False,
    ) -> None:  # fmt: skip
        """Write a table as CSV and show it, captioned, with the data kind.

        Parameters
        ----------
        name : str
            File name and anchor.
        frame : DataFrame
            One row per line; the first column names the row. A column ``data_kind`` is its sign, the same in every row.
        caption : str
            What the table shows, one sentence.
        formats : dict, optional
            Column to one of `wording.FORMS`; other numbers are shown as counts where whole, else with two decimals.
        labels : dict, optional
            Column to the heading shown; by default underscores become blanks.
        show : list of str, optional
            The columns that the page shows; the CSV always has all.
        fold : bool
            Whether the page folds it away, because a figure already says it.

        Raises
        ------
        StudyError
            If the name was used before or the rows are of several kinds.
        """
        self._once(name, self._items)
        kind, *others = self._signs(name, frame)
        if others:
            refuse(
                f"{self.step}, {name}", "rows of one data kind", f"{kind} and {' and '.join(others)}",
                "record those of each kind apart",
            )  # fmt: skip
        self._csv(name, frame)
        frame = frame.drop(columns="data_kind", errors="ignore")
        body = markup.table_html(frame[show] if show else frame, formats=formats, labels=labels)
        (self.folder / f"{name}.html").write_text(body + "\n", encoding="utf-8")
        item = {"name": name, "type": "table", "caption": caption, "kind": kind} | ({"fold": True} if fold else {})
        self._add(item, markup.framed_html(item, body))

    def figure(
        self, name: str, fig: "Figure", *, caption: str, alt: str, data: pd.DataFrame, title: str = "",
        card: bool = False, choices: pd.DataFrame | None = None,
    ) -> None:  # fmt: skip
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
        data : DataFrame
            What is drawn. A column ``data_kind`` is the sign of each row: the figure bears the signs of all.
        title : str, optional
            What the figure says, in one sentence made from its data.
        card : bool
            Whether this is the picture that is seen where a page of the book is shared.
        choices : DataFrame, optional
            Columns of choices, then value, low, high (as in the figure) and reason (why there is no value): where
            scripts run, a reader picks one of each and sees that estimate.

        Raises
        ------
        StudyError
            If caption or alt text is missing or too short to say anything.
        """
        self._once(name, self._items)
        for what, text in (("a caption", caption), ("an alt", alt)):
            if len(text.split()) < 4:
                refuse(
                    f"{self.step}, figure {name}", f"{what} of at least four words",
                    repr(text), "say what the figure shows, with its main numbers",
                )  # fmt: skip
        kind, *beside = kinds = self._signs(name, data)
        if {"coded", "simulated"} <= set(kinds):
            refuse(
                f"{self.step}, figure {name}", "coded papers or simulated ones", "both",
                "draw those of each kind apart: no mark says which it is",
            )  # fmt: skip
        if card:
            save_card(fig, title, kinds, self.folder / CARD)
        wide, narrow = to_svg(fig, kinds), to_svg(fig, kinds, narrow=True)
        (self.folder / f"{name}.svg").write_text(wide, encoding="utf-8")
        (self.folder / f"{name}.narrow.svg").write_text(narrow, encoding="utf-8")
        self._csv(name, data)
        item = {
            "name": name, "type": "figure", "title": title, "caption": caption, "alt": markup.plain(alt), "kind": kind
        } | ({"beside": beside} if beside else {})  # fmt: skip
        if choices is not None:
            shown = choices.astype("object").where(choices.notna(), None)
            item["choices"] = {"columns": list(shown.columns), "rows": shown.to_numpy().tolist()}
        self._add(item, markup.framed_html(item, inline(wide, narrow, name, item["alt"])))

    def registry(self, *steps: str) -> pd.DataFrame:
        """The numbers of other notebooks and this one's so far, indexed by key, as :func:`numbers` gives them."""
        return numbers(*steps, own=self.folder)

    def _once(self, name: str, taken: Collection[str]) -> None:
        if name in taken:
            refuse(f"{self.step}, {name}", "each result once", "it again", "choose another name")

    def _same_level(self, key: str, estimate: "Estimate") -> None:
        bounds_or_none = wording.missing(estimate.conf) or wording.missing(estimate.low)
        if self.conf is not None and not bounds_or_none and estimate.conf != self.conf:
            refuse(
                f"{self.step}, {key}", f"an interval at the notebook's level, {self.conf}",
                str(estimate.conf), "give conf=confidence to the function that estimates it",
            )  # fmt: skip

    def _signs(self, name: str, frame: pd.DataFrame) -> list[str]:
        """The data kinds of rows: what they say of themselves, else this recorder's."""
        if "data_kind" not in frame:
            return [self.kind]
        kinds = [_known(kind, f"{self.step}, {name}") for kind in frame["data_kind"].unique()]
        return kinds or [self.kind]

    def _csv(self, name: str, frame: pd.DataFrame) -> None:
        kinds = frame.get("data_kind", self.kind)
        rows = markup.safe(frame.drop(columns="data_kind", errors="ignore")).assign(data_kind=kinds)
        rows.to_csv(self.folder / f"{name}.csv", index=False, lineterminator="\n")

    def _add(self, item: dict[str, Any], body: str) -> None:
        item.update(step=self.step, cell=_cell())
        self._items[item["name"]] = item
        self._write_items()
        # The staging step recognises our outputs by this mark and refuses every other rich output.
        display(
            {"text/html": body, "text/plain": f"<{item['type']} {item['name']}>"},
            metadata={"ptmreuse": {"item": item["name"]}},
            raw=True,
        )

    def _write_numbers(self) -> None:
        frame = pd.DataFrame(list(self._numbers.values()), columns=NUMBER_COLUMNS)
        frame.to_csv(self.folder / "numbers.csv", index=False, lineterminator="\n")

    def _write_items(self) -> None:
        items = json.dumps(list(self._items.values()), indent=1, ensure_ascii=False)
        (self.folder / "items.json").write_text(items + "\n", encoding="utf-8")

    def _write_reads(self, result: object = None) -> None:
        reads = json.dumps(sorted(paths.shown(path) for path in paths.READ))
        (self.folder / "reads.json").write_text(reads + "\n", encoding="utf-8")


def _known(kind: str, where: str) -> str:
    if kind not in wording.LABELS:
        refuse(
            where, f"a data kind among {', '.join(KINDS)}",
            repr(kind), "name it; assumed is for what rests on assumed rates",
        )  # fmt: skip
    return kind


def _refuse_open_figures(result: object = None) -> None:
    """Say on stderr, which stops the build, that a cell drew a figure that no page would show."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot and pyplot.get_fignums():
        pyplot.close("all")
        print("a matplotlib figure that no page shows: give it to record.figure", file=sys.stderr)


def _cell() -> int:
    """The code cell that runs, counted from 1 as in the notebook's file; a run adds a cell of parameters."""
    shell = get_ipython()
    return len(shell.user_ns["In"]) - 1 - ("PTMREUSE_RESULTS" in os.environ) if shell else 0


def _of_estimate(value: "Estimate", about: str, form: str | None) -> dict[str, Any]:
    """The columns that an Estimate fills."""
    forms = {"number": "decimal", "points": "points", "count": "count", "rank": "count"}
    text = (
        f"n/a ({wording.count(value.n, value.unit)})"
        if wording.missing(value.value)
        else wording.FORMS[form or forms.get(value.scale, "percent")](value.value)
    )
    return {
        "text": text, "value": value.value, "low": value.low, "high": value.high, "confidence": value.conf,
        "n": value.n, "unit": value.unit, "method": value.method, "p": "" if value.p is None else value.p,
        "sentence": f"{about}: {value.sentence}.",
    }  # fmt: skip


def _of_plain(
    value: float | str | None, about: str, form: str | None, unit: str, n: int | None, method: str | None
) -> dict[str, Any]:
    """The columns that a number or a text fills."""
    form = form or (
        "text" if isinstance(value, str) else "count" if value is None or float(value).is_integer() else "decimal"
    )
    text = wording.FORMS[form](value)
    named = wording.count(value, unit) if form == "count" else f"{text} {unit}"
    words = f"{about}: {named if unit and unit != 'share' else text}"
    return {
        "text": text, "value": "" if wording.missing(value) else value, "unit": unit, "n": "" if n is None else n,
        "method": method or ("" if form == "text" else "counted"),
        "sentence": words if words.endswith(".") else f"{words}.",
    }  # fmt: skip


def numbers(*steps: str, own: Path | None = None) -> pd.DataFrame:
    """The registry: the recorded numbers, indexed by key.

    Parameters
    ----------
    *steps : str
        Notebook names; none means all that have results.
    own : Path, optional
        The results of the notebook that asks, which has not finished.

    Raises
    ------
    StudyError
        If a notebook has no results yet or two notebooks recorded the same key.
    """
    if not steps and own is None:
        steps = tuple(sorted(path.parent.name for path in paths.RESULTS.glob("*/numbers.csv")))
    frames = []
    for folder in [paths.RESULTS / step for step in steps] + ([own] if own else []):
        path = folder / "numbers.csv"
        if not path.exists():
            refuse("registry", f"the results of {folder.name}", "none", "run make notebooks first")
        frames.append(pd.read_csv(path, keep_default_na=False, dtype={"text": "str", "unit": "str"}))
    registry = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=NUMBER_COLUMNS)
    twice = registry[registry["key"].duplicated()]
    if len(twice):
        refuse(
            "registry", "each key in one notebook",
            f"{twice['key'].iloc[0]} again in {twice['step'].iloc[0]}", "rename one of them",
        )  # fmt: skip
    return registry.set_index("key", drop=False)
