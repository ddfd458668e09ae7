"""Every figure of the book as a plain function of a data frame; style and palette stand in `svg`."""

import matplotlib as mpl
import numpy as np
import pandas as pd

from ptmreuse import wording
from ptmreuse.book import svg


def funnel(table, colours=()):
    """The papers left by each filter, one panel per release, drawn as a narrowing flow.

    Parameters
    ----------
    table : DataFrame, from `sampling.funnels`
    colours : iterable of str, optional
        One per release.

    Returns
    -------
    Figure
    """
    releases = list(dict.fromkeys(table["release"]))
    colours = dict.fromkeys(releases, svg.BLUE) | dict(zip(releases, colours, strict=False))
    most = int(table["release"].value_counts().max())
    fig, axes = svg.canvas(height=0.5 + 0.62 * most, columns=len(releases), stack=True)
    for ax, release in zip(np.atleast_1d(axes), releases, strict=True):
        part = table[table["release"] == release].reset_index(drop=True)
        widest = max(part["papers"].iloc[0], 1)
        for row in part.itertuples():
            share = row.papers / widest
            colour = colours[release]
            ax.barh(row.Index, share, 0.34, color=colour, align="center")
            if row.Index:
                before = part["papers"][row.Index - 1] / widest
                ax.fill_betweenx(
                    [row.Index - 0.83, row.Index - 0.17], 0, [before, share], color=colour, alpha=0.12, lw=0
                )
            ax.text(0, row.Index - 0.24, f"{row.papers:,}", va="bottom", fontweight="bold")
            ax.text(0.17, row.Index - 0.24, svg.label(row.filter), va="bottom")
            if not np.isnan(row.share):
                ax.text(1.03, row.Index - 0.24, f"{100 * row.share:.0f} %", va="bottom", ha="right", color=svg.SOFT)
        ax.set_title(release, pad=10)
        ax.set(xlim=(0, 1.1), ylim=(most - 0.7, -0.62))
        ax.axis("off")
    return fig


MARKS = ((svg.BLUE, "o"), (svg.ORANGE, "s"), (svg.GREEN, "D"), (svg.PINK, "^"))
# Data kinds and groups that look alike in every figure.
SIGN_MARKS = {
    "published": (svg.PUBLISHED, "s"), "coded": (svg.CODED, "o"), "assumed": (svg.ASSUMED, "D"),
    "simulated": (svg.SIMULATED, "^"),
}  # fmt: skip
GROUP_MARKS = {
    "published": SIGN_MARKS["published"], "coded papers": SIGN_MARKS["coded"], "simulated": SIGN_MARKS["simulated"],
    "holds": (svg.GREEN, "o"), "does not hold": (svg.ORANGE, "X"), "avoided by this book": (svg.BLUE, "^"),
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
    fig, ax = svg.canvas(height=0.95 + (max(0.56, 0.17 * len(groups)) if beside else 0.44) * len(labels))
    for position, group in enumerate(groups):
        part = table[table["group"] == group] if "group" in table else table
        colour, marker = GROUP_MARKS.get(group, MARKS[position % len(MARKS)])
        shift = min(0.26, 0.8 / len(groups)) * (position - (len(groups) - 1) / 2) if beside else 0
        y = line[part.index] + shift * crowded[part.index]
        ax.hlines(y, part["low"], part["high"], color=colour, lw=3, alpha=0.45)
        inside = "none" if group == "published" else colour
        ax.plot(part["value"], y, marker, color=colour, markerfacecolor=inside, mew=1.8, ms=8, label=group or None)
    for row in table.itertuples():
        if np.isnan(row.value):
            # At the edge of the axes: a mark at zero could lie far outside of what the others span.
            ax.text(0.01, line[row.Index], "n/a", va="center", color=svg.SOFT, transform=ax.get_yaxis_transform())
    if reference is not None:
        ax.axvline(reference, color=svg.INK, lw=1, ls=(0, (4, 3)))
        ax.text(reference, -0.62, reference_label, ha="center", va="bottom", fontsize=9.5)
    ax.set(ylim=(len(labels) - 0.5, -0.55), xlabel=xlabel)
    ax.set_yticks(range(len(labels)), [svg.label(text) for text in labels])
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.grid(axis="x", color=svg.FAINT, lw=0.6)
    ax.set_axisbelow(True)
    ax.xaxis.set_major_locator(mpl.ticker.MaxNLocator(nbins=7))
    if percent:
        svg.percent(ax.xaxis)
    if len(groups) > 1:
        svg.move_legend(fig, *ax.get_legend_handles_labels(), columns=len(groups))
    return fig


def strip(table):
    """A few shares from 0 to 100 %, a line each with its interval, small enough for a card.

    Parameters
    ----------
    table : DataFrame, from `story.strip`

    Returns
    -------
    Figure
    """
    line = table["label"].ne("").cumsum() - 1
    lines = int(line.max()) + 1
    fig, ax = svg.canvas(width=3.4, height=0.2 + 0.52 * lines)
    for row, y in zip(table.itertuples(), line, strict=True):
        colour, marker = SIGN_MARKS[row.data_kind]
        if row.label:
            ax.hlines(y, 0, 1, color=svg.FAINT, lw=1.5)
            ax.text(0, y - 0.24, row.label, va="bottom")
            ax.text(1, y - 0.24, row.text, va="bottom", ha="right", fontweight="bold")
            ax.hlines(y, row.low, row.high, color=colour, lw=5, alpha=0.5)
            ax.plot(row.value, y, marker, color=colour, ms=9, clip_on=False)
        else:
            ax.plot(row.value, y, marker, color=colour, markerfacecolor="none", mew=1.8, ms=9, clip_on=False)
            ax.text(row.value, y + 0.2, row.text, va="top", ha="center", color=colour, fontsize=9.5)
    for end in (0, 1):
        side = ("left", "right")[end]
        ax.text(end, lines - 0.8, wording.percent(end, 0), va="top", ha=side, color=svg.SOFT, fontsize=9.5)
    ax.set(xlim=(-0.01, 1.01), ylim=(lines - 0.45, -0.6))
    ax.axis("off")
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
    fig, axes = svg.canvas(height=2.9, columns=len(series), stack=True, sharey=True)
    for ax, (name, title), (colour, marker) in zip(np.atleast_1d(axes), series.items(), MARKS, strict=False):
        part = table[table["series"] == name]
        ax.vlines(part["year"], part["low"], part["high"], color=colour, lw=3, alpha=0.4)
        ax.plot(part["year"], part["share"], marker + "-", color=colour, ms=5.5, lw=1)
        ax.set(title=title, ylim=(-0.02, 1.02))
        svg.percent(ax.yaxis)
        ax.xaxis.set_major_locator(mpl.ticker.MaxNLocator(integer=True, nbins=6))
        ax.grid(axis="y", color=svg.FAINT, lw=0.6)
        ax.set_axisbelow(True)
    return fig


def ranking(table):
    """The most reused models: how often, and between which ranks each could be.

    Parameters
    ----------
    table : DataFrame, from `patterns.most_reused`

    Returns
    -------
    Figure
    """
    part = table.head(12).reset_index(drop=True)
    fig, (left, right) = svg.canvas(height=1.0 + 0.31 * len(part), columns=2, sharey=True)
    left.barh(part.index, part["count"], color=svg.BLUE, height=0.6)
    for row in part.itertuples():
        left.annotate(f"{row.count}", (row.count, row.Index), (4, 0), textcoords="offset points", va="center")
    left.set(ylim=(len(part) - 0.4, -0.6))
    left.set_title("papers", fontweight="normal")
    left.set_yticks(part.index, [svg.label(name, 30) for name in part["name"]])
    left.xaxis.set_visible(False)
    left.spines["bottom"].set_visible(False)
    right.hlines(part.index, part["rank_low"], part["rank_high"], color=svg.ORANGE, lw=3.5, alpha=0.45)
    right.plot(part["rank"], part.index, "D", color=svg.ORANGE, ms=5.5, clip_on=False)
    right.set_title("rank, with interval", fontweight="normal")
    right.set_xlim(left=0.4)  # there is no rank 0
    right.xaxis.set_major_locator(mpl.ticker.MaxNLocator(integer=True, nbins=6))
    right.grid(axis="x", color=svg.FAINT, lw=0.6)
    right.set_axisbelow(True)
    for ax in (left, right):
        ax.tick_params(axis="y", length=0)
        ax.spines["left"].set_visible(False)
    return fig


def over_the_years(counts):
    """How often each category occurs in each year.

    Parameters
    ----------
    counts : DataFrame
        A row per category, a column per year.

    Returns
    -------
    Figure
    """
    years = range(min(counts.columns), max(counts.columns) + 1)
    return heat(
        counts.reindex(columns=years, fill_value=0).rename(
            columns=lambda year: f"\N{RIGHT SINGLE QUOTATION MARK}{year % 100:02d}"
        )
    )


def strata(sample, row, column):
    """How many papers were drawn from each stratum.

    Parameters
    ----------
    sample : DataFrame, from `sampling.draw`
    row, column : str
        The two strata columns.

    Returns
    -------
    Figure
    """
    return heat(pd.crosstab(sample[row], sample[column]))


def heat(counts):
    """Counts in two directions, darker where there are more.

    Parameters
    ----------
    counts : DataFrame

    Returns
    -------
    Figure
    """
    import seaborn as sns  # slow to import, and the pages only place figures

    fig, ax = svg.canvas(height=0.6 + 0.29 * len(counts))
    # A ramp from clear to half blue keeps the numbers readable on light and dark pages.
    ramp = mpl.colors.LinearSegmentedColormap.from_list("ramp", [(0, 0.447, 0.698, 0.04), (0, 0.447, 0.698, 0.5)])
    sns.heatmap(counts, cmap=ramp, annot=True, fmt="d", cbar=False, linewidths=0, ax=ax, annot_kws={"color": svg.INK})
    ax.set(xlabel="", ylabel="")
    ax.xaxis.tick_top()
    ax.tick_params(axis="both", length=0)
    ax.tick_params(axis="y", rotation=0)
    return fig


def specification_curve(curve, columns, *, reference, reference_label, percent=True):
    """A specification curve: every estimate with its interval in order of size, and below it the choices behind it.

    Parameters
    ----------
    curve : DataFrame, from `multiverse.curve`
    columns : list of str
        Its columns that name choices; one with a single value for all is not drawn.
    reference : float
        Where the claim begins to hold.
    reference_label : str
    percent : bool
        Whether the estimates are shares.

    Returns
    -------
    Figure
    """
    listed = curve.sort_values("specification")
    drawn = [(column, value) for column in columns if listed[column].nunique() > 1 for value in listed[column].unique()]
    fig, (top, below) = svg.canvas(
        height=2.6 + 0.27 * len(drawn), rows=2, sharex=True, height_ratios=[2.3, 0.27 * len(drawn) + 0.1]
    )
    looks = {"does not hold": (svg.ORANGE, "X"), "holds": (svg.BLUE, "o"), "holds beyond chance": (svg.GREEN, "D")}
    found = np.select([curve["beyond_chance"] == "yes", curve["holds"] == "yes"], list(looks)[:0:-1], "does not hold")
    for name, (colour, marker) in looks.items():
        part = curve[found == name]
        if len(part):
            top.vlines(part["position"], part["low"], part["high"], color=colour, lw=3, alpha=0.4)
            top.plot(part["position"], part["value"], marker, color=colour, ms=7, label=name)
    top.axhline(reference, color=svg.INK, lw=1, ls=(0, (4, 3)))
    top.set_title(f"dashed: {reference_label}", fontweight="normal", fontsize=9.5)
    for row in curve[curve["main"]].itertuples():
        for ax in (top, below):
            ax.axvspan(row.position - 0.45, row.position + 0.45, color=svg.FAINT, alpha=0.35, lw=0)
    top.grid(axis="y", color=svg.FAINT, lw=0.6)
    top.set_axisbelow(True)
    if percent:
        svg.percent(top.yaxis)
    for line, (column, value) in enumerate(drawn):
        chosen = curve[curve[column] == value]
        below.plot(chosen["position"], [line] * len(chosen), "s", color=svg.INK, ms=5)
    below.set(ylim=(len(drawn) - 0.5, -0.5), xlim=(0.3, len(curve) + 0.7))
    below.set_yticks(range(len(drawn)), [svg.label(value, 34) for _, value in drawn])
    for ax in (top, below):
        ax.xaxis.set_visible(False)
        ax.spines["bottom"].set_visible(False)
    below.spines["left"].set_visible(False)
    below.tick_params(axis="y", length=0)
    svg.move_legend(fig, *top.get_legend_handles_labels(), columns=3)
    return fig
