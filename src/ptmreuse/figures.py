"""Figures: one style, one palette, every figure of the book as a plain function that returns a Figure.

Colours are colour-blind safe (Okabe and Ito 2008) and never the only carrier of meaning: shapes, direct
labels or positions say the same. Each figure is saved twice, for a page and for a phone. The pages swap the
palette for variables of the theme, so one SVG follows light and dark mode, and draw the text themselves.
"""

import html
import io
import textwrap
import warnings

import matplotlib as mpl
import numpy as np
import pandas as pd
from lxml import etree
from matplotlib.figure import Figure

INK, SOFT, FAINT = "#1f2933", "#5b6672", "#c9d0d6"
BLUE, ORANGE, GREEN, PINK = "#0072b2", "#d55e00", "#009e73", "#cc79a7"
PUBLISHED, CODED, SIMULATED = "#40507d", "#00624a", "#a13a00"  # as the signs of the data kinds on the pages
# What the pages put in place of each colour.
VARIABLES = {
    INK: "--ptm-ink", SOFT: "--ptm-soft", FAINT: "--ptm-faint", BLUE: "--ptm-blue", ORANGE: "--ptm-orange",
    GREEN: "--ptm-green", PINK: "--ptm-pink", PUBLISHED: "--published", CODED: "--coded", SIMULATED: "--simulated",
}  # fmt: skip
KIND_NOTES = {
    "published": "Published facts",
    "coded": "Coded papers",
    "simulated": "Simulated, not evidence",
}
WIDE, NARROW = 7.2, 3.9  # inches; a page column and a phone
FONTS = "'Source Sans 3', 'DejaVu Sans', sans-serif"
STYLE = {
    "font.family": "DejaVu Sans",  # ships with matplotlib: the layout is the same on every machine
    "font.size": 10.5,
    "text.color": INK,
    "text.parse_math": False,  # a dollar sign in a model's name is a dollar sign
    "axes.edgecolor": SOFT,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.grid": False,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
    "legend.fontsize": 10.5,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "svg.hashsalt": "ptmreuse",
    "svg.fonttype": "none",
}


def use_style():
    """Apply the book's style to matplotlib."""
    mpl.rcParams.update(mpl.rcParamsDefault)
    mpl.use("agg")
    mpl.rcParams.update(STYLE)


def canvas(width=WIDE, height=3.0, columns=1, stack=False, **options):
    """A figure and its axes, in inches, in the book's style; `stack` sets the axes one below another on a phone."""
    fig = Figure(figsize=(width, height), layout="constrained")
    fig.set_label("stack" if stack else "")
    return fig, fig.subplots(1, columns, **options)


def label(text, longest=60):
    """Text from data as a figure shows it: one line, not too long, nothing that XML forbids.

    Examples
    --------
    >>> label("a\\n" + "b" * 100, longest=8)
    'a bbbbb…'
    """
    words = "".join(c if c.isprintable() else " " for c in str(text))
    return words if len(words) <= longest else words[: longest - 1] + "…"


def to_svg(fig, kind, narrow=False):
    """The figure as SVG text, labelled with its data kind, the same bytes every time.

    Parameters
    ----------
    fig : Figure
    kind : {'published', 'coded', 'simulated'}
    narrow : bool
        Lay it out for a phone; the figure stays so.
    """
    if narrow:
        _narrow(fig)
    note = fig.text(
        1.0, 1.0, KIND_NOTES[kind], ha="right", va="bottom", fontsize=9,
        color=SIMULATED if kind == "simulated" else SOFT,
        fontweight="bold" if kind == "simulated" else "normal",
    )  # fmt: skip
    buffer = io.StringIO()
    with warnings.catch_warnings():
        # The page draws the text: a glyph that the measuring font lacks is not missing there.
        warnings.filterwarnings("ignore", message=r"Glyph \d+ .* missing from font")
        fig.savefig(buffer, format="svg", bbox_inches="tight", metadata={"Date": None, "Creator": None})
    note.remove()
    return buffer.getvalue().replace("'DejaVu Sans'", FONTS)


def _narrow(fig):
    axes = fig.axes
    width, height = fig.get_size_inches()
    stacked = fig.get_label() == "stack" and len(axes) > 1
    rows = [len(ax.patches) or 1 for ax in axes]  # a funnel with fewer filters needs less height
    fig.set_size_inches(NARROW, height * 0.92 * sum(rows) / max(rows) if stacked else height * 1.08)
    if stacked:
        grid = fig.add_gridspec(len(axes), 1, height_ratios=rows)
        for ax, place in zip(axes, grid, strict=True):
            ax.set_subplotspec(place)
            ax.tick_params(labelleft=True)
            if not ax.axison:
                ax.set_ylim(len(ax.patches) - 0.7, ax.get_ylim()[1])
    for ax in axes:
        if ax.yaxis.get_visible() and isinstance(ax.yaxis.get_major_locator(), mpl.ticker.FixedLocator):
            names = [text.get_text() for text in ax.get_yticklabels()]
            if any(names):  # else the axes beside it show them
                _wrap_labels(fig, ax, names)
        if isinstance(ax.xaxis.get_major_locator(), mpl.ticker.MaxNLocator):
            ax.xaxis.get_major_locator().set_params(nbins=4)
    for legend in list(fig.legends):
        handles, texts = legend.legend_handles, [text.get_text() for text in legend.get_texts()]
        legend.remove()
        _legend(fig, handles, texts, columns=2)


def _wrap_labels(fig, ax, names):
    # One text per line: the page's font is narrower than the one that measures, so lines of one text do not align.
    lines = [textwrap.wrap(name, 20) for name in names]
    ax.set_yticks(ax.get_yticks(), [""] * len(names))
    for y, parts in zip(ax.get_yticks(), lines, strict=True):
        for position, part in enumerate(parts):
            ax.annotate(
                part, (0, y), (-6, 13 * ((len(parts) - 1) / 2 - position)), xycoords=ax.get_yaxis_transform(),
                textcoords="offset points", ha="right", va="center", annotation_clip=False,
            )  # fmt: skip
    fig.set_size_inches(NARROW, fig.get_figheight() * max(1, max(map(len, lines)) / 2.4))  # labels must not meet


def _legend(fig, handles, texts, columns):
    fig.legend(handles, texts, loc="outside lower left", ncols=columns, handletextpad=0.3, columnspacing=1.4)


def inline(svg, narrow, name, alt):
    """Both layouts of a figure for a page: own ids, alternative text, colours and fonts that follow the theme.

    Parameters
    ----------
    svg, narrow : str
        From `to_svg`.
    name, alt : str

    Returns
    -------
    str
        Two SVG elements; the style sheet shows one.
    """
    return _inlined(svg, name, alt, "ptm-wide") + _inlined(narrow, f"{name}-narrow", alt, "ptm-narrow")


def _inlined(svg, name, alt, layout):
    root = etree.fromstring(svg.encode())
    for element in root.iter("{*}metadata"):
        element.getparent().remove(element)
    for element in root.iter(etree.Element):
        for key, value in element.attrib.items():
            # Several figures share a page, so their ids must not meet.
            if key == "id":
                value = f"{name}-{value}"
            elif key.endswith("href"):
                value = value.replace("#", f"#{name}-", 1)
            elif "url(#" in value:
                value = value.replace("url(#", f"url(#{name}-")
            if key == "style":
                for colour, variable in VARIABLES.items():
                    value = value.replace(colour, f"var({variable}, {colour})")
            element.set(key, value)
    for key in ("width", "height", "version"):
        root.attrib.pop(key, None)
    root.set("class", f"ptm-svg {layout}")
    text = etree.tostring(root, encoding="unicode").strip()
    # The HTML parser needs neither namespace; the label is last because it may be long.
    text = text.replace(' xmlns="http://www.w3.org/2000/svg"', "").replace(
        "<svg", f'<svg role="img" aria-label="{html.escape(alt)}"', 1
    )
    return "\n".join(line for line in text.splitlines() if line.strip())


def _percent(axis):
    axis.set_major_formatter(mpl.ticker.PercentFormatter(1, decimals=0, symbol="\N{NO-BREAK SPACE}%"))


def funnel(table):
    """The papers left by each filter, one panel per release, drawn as a narrowing flow.

    Parameters
    ----------
    table : DataFrame
        From `sampling.funnels`.

    Returns
    -------
    Figure
    """
    releases = list(dict.fromkeys(table["release"]))
    most = int(table["release"].value_counts().max())
    fig, axes = canvas(height=0.5 + 0.62 * most, columns=len(releases), stack=True)
    widest = table["papers"].max()
    for ax, release in zip(np.atleast_1d(axes), releases, strict=True):
        part = table[table["release"] == release].reset_index(drop=True)
        for row in part.itertuples():
            share = row.papers / widest
            ax.barh(row.Index, share, 0.34, color=BLUE, align="center")
            if row.Index:
                before = part["papers"][row.Index - 1] / widest
                ax.fill_betweenx([row.Index - 0.83, row.Index - 0.17], 0, [before, share], color=BLUE, alpha=0.12, lw=0)
            ax.text(0, row.Index - 0.24, f"{row.papers:,}", va="bottom", fontweight="bold")
            ax.text(0.17, row.Index - 0.24, label(row.filter), va="bottom")
            if not np.isnan(row.share):
                ax.text(1.03, row.Index - 0.24, f"{100 * row.share:.0f} %", va="bottom", ha="right", color=SOFT)
        ax.set_title(release, pad=10)
        ax.set(xlim=(0, 1.1), ylim=(most - 0.7, -0.62))
        ax.axis("off")
    return fig


MARKS = ((BLUE, "o"), (ORANGE, "s"), (GREEN, "D"), (PINK, "^"))
# Groups that look alike in every figure.
GROUP_MARKS = {
    "published": (PUBLISHED, "s"), "coded papers": (CODED, "o"), "simulated": (SIMULATED, "^"),
    "holds": (GREEN, "o"), "does not hold": (ORANGE, "X"), "avoided by this book": (BLUE, "^"),
}  # fmt: skip


def intervals(table, *, reference=None, reference_label="", percent=True, xlabel=""):
    """Estimates with their intervals, one row per label (a forest plot).

    Parameters
    ----------
    table : DataFrame
        label, value, low, high; optional group (rows of one group share colour and marker). A row with an
        empty label belongs to the label above it and is drawn in its line.
    reference : float, optional
        A published value to compare with, drawn as a dashed line.
    reference_label, xlabel : str
    percent : bool
        Whether values are shares.

    Returns
    -------
    Figure
    """
    table = table.reset_index(drop=True)
    starts = table["label"].ne("")
    labels, line = table.loc[starts, "label"].tolist(), starts.cumsum() - 1
    groups = list(dict.fromkeys(table["group"])) if "group" in table else [""]
    # Two intervals in one line stand beside each other; a mark without interval stays on the line.
    crowded = (table["low"] < table["high"]) & line.duplicated(keep=False)
    beside = table.loc[crowded, "group"].nunique() > 1 if "group" in table else False
    fig, ax = canvas(height=0.95 + (0.56 if beside else 0.44) * len(labels))
    for position, group in enumerate(groups):
        part = table[table["group"] == group] if "group" in table else table
        colour, marker = GROUP_MARKS.get(group, MARKS[position % len(MARKS)])
        shift = 0.26 * (position - (len(groups) - 1) / 2) if beside else 0
        y = line[part.index] + shift * crowded[part.index]
        ax.hlines(y, part["low"], part["high"], color=colour, lw=3, alpha=0.45)
        inside = "none" if group == "published" else colour
        ax.plot(part["value"], y, marker, color=colour, markerfacecolor=inside, mew=1.8, ms=8, label=group or None)
    for row in table.itertuples():
        if np.isnan(row.value):
            # At the edge of the axes: a mark at zero could lie far outside of what the others span.
            ax.text(0.01, line[row.Index], "n/a", va="center", color=SOFT, transform=ax.get_yaxis_transform())
    if reference is not None:
        ax.axvline(reference, color=INK, lw=1, ls=(0, (4, 3)))
        ax.text(reference, -0.62, reference_label, ha="center", va="bottom", fontsize=9.5)
    ax.set(ylim=(len(labels) - 0.5, -0.55), xlabel=xlabel)
    ax.set_yticks(range(len(labels)), [label(text) for text in labels])
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.grid(axis="x", color=FAINT, lw=0.6)
    ax.set_axisbelow(True)
    ax.xaxis.set_major_locator(mpl.ticker.MaxNLocator(nbins=7))
    if percent:
        _percent(ax.xaxis)
    if len(groups) > 1:
        _legend(fig, *ax.get_legend_handles_labels(), columns=len(groups))
    return fig


def over_years(table, series):
    """Shares per year with intervals, one panel per series.

    Parameters
    ----------
    table : DataFrame
        year, series, share, low, high, papers.
    series : dict of str to str
        Series name to panel title.

    Returns
    -------
    Figure
    """
    fig, axes = canvas(height=2.9, columns=len(series), stack=True, sharey=True)
    for ax, (name, title), (colour, marker) in zip(np.atleast_1d(axes), series.items(), MARKS, strict=False):
        part = table[table["series"] == name]
        ax.vlines(part["year"], part["low"], part["high"], color=colour, lw=3, alpha=0.4)
        ax.plot(part["year"], part["share"], marker + "-", color=colour, ms=5.5, lw=1)
        ax.set(title=title, ylim=(-0.02, 1.02))
        _percent(ax.yaxis)
        ax.xaxis.set_major_locator(mpl.ticker.MaxNLocator(integer=True, nbins=6))
        ax.grid(axis="y", color=FAINT, lw=0.6)
        ax.set_axisbelow(True)
    return fig


def ranking(table, top=12):
    """The most reused models: how often, and between which ranks each could be.

    Parameters
    ----------
    table : DataFrame
        From `reuse.most_reused`.
    top : int
        How many of them to draw.

    Returns
    -------
    Figure
    """
    part = table.head(top).reset_index(drop=True)
    fig, (left, right) = canvas(height=1.0 + 0.31 * len(part), columns=2, sharey=True)
    left.barh(part.index, part["count"], color=BLUE, height=0.6)
    for row in part.itertuples():
        left.annotate(f"{row.count}", (row.count, row.Index), (4, 0), textcoords="offset points", va="center")
    left.set(ylim=(len(part) - 0.4, -0.6))
    left.set_title("papers", fontweight="normal")
    left.set_yticks(part.index, [label(name, 30) for name in part["name"]])
    left.xaxis.set_visible(False)
    left.spines["bottom"].set_visible(False)
    right.hlines(part.index, part["rank_low"], part["rank_high"], color=ORANGE, lw=3.5, alpha=0.45)
    right.plot(part["rank"], part.index, "D", color=ORANGE, ms=5.5)
    right.set_title("rank, with interval", fontweight="normal")
    right.set_xlim(left=0.4)  # there is no rank 0
    right.xaxis.set_major_locator(mpl.ticker.MaxNLocator(integer=True, nbins=6))
    right.grid(axis="x", color=FAINT, lw=0.6)
    right.set_axisbelow(True)
    for ax in (left, right):
        ax.tick_params(axis="y", length=0)
        ax.spines["left"].set_visible(False)
    return fig


def strata(sample, row, column):
    """How many papers were drawn from each stratum.

    Parameters
    ----------
    sample : DataFrame
        From `sampling.draw`.
    row, column : str
        The two strata columns.

    Returns
    -------
    Figure
    """
    import seaborn as sns  # slow to import, and the pages only place figures

    counts = pd.crosstab(sample[row], sample[column])
    fig, ax = canvas(height=0.6 + 0.29 * len(counts))
    # A ramp from clear to half blue keeps the numbers readable on light and dark pages.
    ramp = mpl.colors.LinearSegmentedColormap.from_list("ramp", [(0, 0.447, 0.698, 0.04), (0, 0.447, 0.698, 0.5)])
    sns.heatmap(counts, cmap=ramp, annot=True, fmt="d", cbar=False, linewidths=0, ax=ax, annot_kws={"color": INK})
    ax.set(xlabel="", ylabel="")
    ax.xaxis.tick_top()
    ax.tick_params(axis="both", length=0)
    ax.tick_params(axis="y", rotation=0)
    return fig


VERDICT_LOOK = {
    "reproduced": (GREEN, "o", "full"),
    "consistent": (BLUE, "o", "left"),
    "not consistent": (ORANGE, "X", "full"),
    "not checkable": (SOFT, "o", "none"),
}


def claims_board(verdicts):
    """Every claim as one mark: shape and colour say the verdict, the row the question.

    Parameters
    ----------
    verdicts : DataFrame
        From `claims.evaluate`.

    Returns
    -------
    Figure
    """
    questions = list(dict.fromkeys(verdicts["question"]))
    fig, ax = canvas(height=0.75 + 0.4 * len(questions))
    order = {verdict: position for position, verdict in enumerate(VERDICT_LOOK)}
    for line, question in enumerate(questions):
        part = sorted(verdicts.loc[verdicts["question"] == question, "verdict"], key=order.get)
        for position, verdict in enumerate(part):
            colour, marker, fill = VERDICT_LOOK[verdict]
            ax.plot(position, line, marker, color=colour, fillstyle=fill, ms=10, markeredgewidth=1.6,
                    markerfacecoloralt="none")  # fmt: skip
    for verdict, (colour, marker, fill) in VERDICT_LOOK.items():
        count = int((verdicts["verdict"] == verdict).sum())
        ax.plot([], [], marker, color=colour, fillstyle=fill, ms=9, ls="", markerfacecoloralt="none",
                markeredgewidth=1.6, label=f"{verdict} ({count})")  # fmt: skip
    ax.set(
        ylim=(len(questions) - 0.4, -0.6),
        xlim=(-0.7, max(12, verdicts["question"].value_counts().max()) - 0.3),
    )
    ax.set_yticks(range(len(questions)), [label(question) for question in questions])
    ax.tick_params(axis="y", length=0)
    ax.xaxis.set_visible(False)
    for side in ("left", "bottom"):
        ax.spines[side].set_visible(False)
    _legend(fig, *ax.get_legend_handles_labels(), columns=4)
    return fig
