"""Figures: one style, one palette, every figure of the book as a plain function that returns a Figure.

Colours are colour-blind safe (Okabe and Ito 2008) and never the only carrier of meaning: shapes, direct
labels or positions say the same. Text and lines use two ink colours that the pages swap for the theme's, so
one SVG follows light and dark mode.
"""

import html
import io
import re

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

INK, SOFT, FAINT = "#1f2933", "#5b6672", "#c9d0d6"
BLUE, ORANGE, GREEN, PINK = "#0072b2", "#d55e00", "#009e73", "#cc79a7"
PATTERN_COLOURS = {"adaptation": BLUE, "conceptual": ORANGE, "deployment": GREEN, "unknown": SOFT}
KIND_NOTES = {
    "published": "Published facts",
    "coded": "Coded papers",
    "simulated": "SIMULATED \N{EM DASH} not evidence",
}
STYLE = {
    "font.family": "DejaVu Sans",  # ships with matplotlib, so figures do not depend on the machine's fonts
    "font.size": 10,
    "text.color": INK,
    "axes.edgecolor": SOFT,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.grid": False,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "svg.hashsalt": "ptmreuse",
    "svg.fonttype": "path",
}


def use_style():
    """Apply the book's style to matplotlib."""
    mpl.rcParams.update(mpl.rcParamsDefault)
    mpl.use("agg")
    mpl.rcParams.update(STYLE)


def canvas(width=7.2, height=3.0, columns=1, **options):
    """A figure and its axes, in inches, in the book's style."""
    fig = Figure(figsize=(width, height), layout="constrained")
    return fig, fig.subplots(1, columns, **options)


def to_svg(fig, kind):
    """The figure as SVG text, labelled with its data kind, the same bytes every time."""
    fig.text(
        0.995, 1.0, KIND_NOTES[kind], ha="right", va="bottom", fontsize=8, color=ORANGE if kind == "simulated" else SOFT,
        fontweight="bold" if kind == "simulated" else "normal",
    )  # fmt: skip
    buffer = io.StringIO()
    fig.savefig(buffer, format="svg", bbox_inches="tight", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def inline(svg, name, alt):
    """The SVG for a page: own ids, alternative text, ink that follows the theme."""
    svg = svg[svg.index("<svg") :]
    # Several figures share a page, so their ids must not meet.
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r'(href="#|url\(#)', rf"\g<1>{name}-", svg)
    for colour, variable in ((INK, "--ptm-ink"), (SOFT, "--ptm-soft"), (FAINT, "--ptm-faint")):
        svg = svg.replace(colour, f"var({variable}, {colour})")
    svg = re.sub(r'width="[\d.]+pt" height="[\d.]+pt"', "", svg, count=1)
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.S)
    label = html.escape(alt, quote=True)
    return svg.replace("<svg", f'<svg role="img" aria-label="{label}" class="ptm-svg"', 1).strip()


def _percent_axis(ax):
    ax.xaxis.set_major_formatter(mpl.ticker.PercentFormatter(1, decimals=0))


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
    fig, axes = canvas(7.2, 4.2, columns=len(releases), sharey=False)
    widest = table["papers"].max()
    for ax, release in zip(np.atleast_1d(axes), releases, strict=True):
        part = table[table["release"] == release].reset_index(drop=True)
        for row in part.itertuples():
            half = row.papers / widest / 2
            ax.fill_between([-half, half], row.Index - 0.3, row.Index + 0.3, color=BLUE, alpha=0.85, lw=0)
            if row.Index:
                before = part["papers"][row.Index - 1] / widest / 2
                ax.fill_betweenx([row.Index - 0.7, row.Index - 0.3], [-before, -half], [before, half],
                                 color=BLUE, alpha=0.25, lw=0)  # fmt: skip
            share = "" if np.isnan(row.share) else f"  ({100 * row.share:.0f} % of the line above)"
            ax.text(
                0, row.Index + 0.33, f"{row.papers:,} {row.filter}{share}", ha="center", va="top", fontsize=8
            )
        ax.set(title=release, xlim=(-0.62, 0.62), ylim=(len(part) - 0.35, -0.4))
        ax.axis("off")
    return fig


def intervals(table, *, reference=None, reference_label="", percent=True, xlabel=""):
    """Estimates with their intervals, one row each (a forest plot).

    Parameters
    ----------
    table : DataFrame
        label, value, low, high; optional group (rows of one group share colour and marker).
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
    groups = list(dict.fromkeys(table["group"])) if "group" in table else [""]
    look = dict(zip(groups, [(BLUE, "o"), (ORANGE, "s"), (GREEN, "D"), (PINK, "^")] * 9, strict=False))
    fig, ax = canvas(7.2, 0.85 + 0.34 * len(table))
    for group in groups:
        part = table[table["group"] == group] if "group" in table else table
        colour, marker = look[group]
        ax.hlines(part.index, part["low"], part["high"], color=colour, lw=2.2, alpha=0.55)
        ax.plot(part["value"], part.index, marker, color=colour, ms=7, label=group or None)
    for row in table.itertuples():
        if np.isnan(row.value):
            ax.text(0, row.Index, "n/a", va="center", color=SOFT)
    if reference is not None:
        ax.axvline(reference, color=INK, lw=1, ls=(0, (4, 3)))
        ax.text(reference, -0.75, reference_label, ha="center", va="bottom", fontsize=8.5)
    ax.set(ylim=(len(table) - 0.5, -0.7), xlabel=xlabel)
    ax.set_yticks(table.index, table["label"])
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.grid(axis="x", color=FAINT, lw=0.6)
    ax.set_axisbelow(True)
    if percent:
        _percent_axis(ax)
    if len(groups) > 1:
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.35 if xlabel else -0.2), ncols=len(groups))
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
    fig, axes = canvas(7.2, 2.9, columns=len(series), sharey=True)
    for ax, (name, title), colour in zip(
        np.atleast_1d(axes), series.items(), (BLUE, ORANGE, GREEN), strict=False
    ):
        part = table[table["series"] == name]
        ax.vlines(part["year"], part["low"], part["high"], color=colour, lw=2.2, alpha=0.5)
        ax.plot(part["year"], part["share"], "o-", color=colour, ms=5, lw=1)
        ax.set(title=title, ylim=(-0.02, 1.02))
        ax.yaxis.set_major_formatter(mpl.ticker.PercentFormatter(1, decimals=0))
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
    fig, (left, right) = canvas(7.2, 0.9 + 0.27 * len(part), columns=2, sharey=True)
    left.barh(part.index, part["count"], color=BLUE, height=0.62)
    for row in part.itertuples():
        left.text(row.count, row.Index, f" {row.count}", va="center", fontsize=8.5)
    left.set(title="papers that reuse it", ylim=(len(part) - 0.4, -0.6))
    left.set_yticks(part.index, part["name"])
    left.xaxis.set_visible(False)
    left.spines["bottom"].set_visible(False)
    right.hlines(part.index, part["rank_low"], part["rank_high"], color=ORANGE, lw=3, alpha=0.6)
    right.plot(part["rank"], part.index, "D", color=ORANGE, ms=5)
    right.set(title="rank, with interval")
    right.xaxis.set_major_locator(mpl.ticker.MaxNLocator(integer=True, nbins=6))
    right.grid(axis="x", color=FAINT, lw=0.6)
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
    counts = pd.crosstab(sample[row], sample[column])
    fig, ax = canvas(7.2, 0.9 + 0.3 * len(counts))
    # A ramp from clear to blue keeps the cells readable on light and dark pages.
    ramp = mpl.colors.LinearSegmentedColormap.from_list(
        "ramp", [(0, 0.447, 0.698, 0.06), (0, 0.447, 0.698, 0.75)]
    )
    sns.heatmap(counts, cmap=ramp, annot=True, fmt="d", cbar=False, linewidths=0, ax=ax,
                annot_kws={"color": INK, "fontsize": 8})  # fmt: skip
    ax.set(xlabel="", ylabel="")
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
    fig, ax = canvas(7.2, 0.9 + 0.42 * len(questions))
    order = {verdict: position for position, verdict in enumerate(VERDICT_LOOK)}
    for line, question in enumerate(questions):
        part = sorted(verdicts.loc[verdicts["question"] == question, "verdict"], key=order.get)
        for position, verdict in enumerate(part):
            colour, marker, fill = VERDICT_LOOK[verdict]
            ax.plot(position, line, marker, color=colour, fillstyle=fill, ms=11, markeredgewidth=1.4,
                    markerfacecoloralt="none")  # fmt: skip
    for verdict, (colour, marker, fill) in VERDICT_LOOK.items():
        count = int((verdicts["verdict"] == verdict).sum())
        ax.plot([], [], marker, color=colour, fillstyle=fill, ms=9, ls="", markerfacecoloralt="none",
                label=f"{verdict} ({count})")  # fmt: skip
    ax.set(
        ylim=(len(questions) - 0.4, -0.6),
        xlim=(-0.7, max(12, verdicts["question"].value_counts().max()) - 0.3),
    )
    ax.set_yticks(range(len(questions)), questions)
    ax.tick_params(axis="y", length=0)
    ax.xaxis.set_visible(False)
    for side in ("left", "bottom"):
        ax.spines[side].set_visible(False)
    ax.legend(loc="upper left", bbox_to_anchor=(0, -0.02), ncols=4, handletextpad=0.1, columnspacing=1.2)
    return fig
