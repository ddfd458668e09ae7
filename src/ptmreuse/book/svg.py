"""One style and one palette for every figure, and a figure as SVG for a page and for a phone.

Colours are colour-blind safe (Okabe and Ito 2008) and never the only carrier of meaning: shapes, direct
labels or positions say the same. Each figure is saved twice, for a page and for a phone. The pages swap the
palette for variables of the theme, so one SVG follows light and dark mode, and draw the text themselves.
"""

import html
import io
import textwrap
import warnings

import matplotlib as mpl
from lxml import etree
from matplotlib.figure import Figure

from ptmreuse import wording

INK, SOFT, FAINT = "#1f2933", "#5b6672", "#c9d0d6"
BLUE, ORANGE, GREEN, PINK = "#0072b2", "#d55e00", "#009e73", "#cc79a7"
# As the signs of the data kinds on the pages.
PUBLISHED, CODED, ASSUMED, SIMULATED = "#40507d", "#00624a", "#7a4a8c", "#a13a00"
# What the pages put in place of each colour.
VARIABLES = {
    INK: "--ptm-ink", SOFT: "--ptm-soft", FAINT: "--ptm-faint", BLUE: "--ptm-blue", ORANGE: "--ptm-orange",
    GREEN: "--ptm-green", PINK: "--ptm-pink", PUBLISHED: "--published", CODED: "--coded", ASSUMED: "--assumed",
    SIMULATED: "--simulated",
}  # fmt: skip
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


def canvas(width=WIDE, height=3.0, columns=1, stack=False, rows=1, **options):
    """A figure and its axes, in inches, in the book's style; `stack` sets the axes one below another on a phone."""
    fig = Figure(figsize=(width, height), layout="constrained")
    fig.set_label("stack" if stack else "")
    return fig, fig.subplots(rows, columns, **options)


def label(text, longest=60):
    """Text from data as a figure shows it: one line, not too long, nothing that XML forbids.

    Examples
    --------
    >>> label("a\\n" + "b" * 100, longest=8)
    'a bbbbb…'
    """
    words = "".join(c if c.isprintable() else " " for c in str(text))
    return words if len(words) <= longest else words[: longest - 1] + "…"


def to_svg(fig, kinds, narrow=False):
    """The figure as SVG text, labelled with its data kinds, the same bytes every time.

    Parameters
    ----------
    fig : Figure
    kinds : list of {'published', 'coded', 'assumed', 'simulated'}
    narrow : bool
        Lay it out for a phone; the figure stays so.
    """
    if narrow:
        _narrow(fig)
    note = fig.text(
        1.0, 1.0, signs(kinds), ha="right", va="bottom", fontsize=9,
        color=SIMULATED if "simulated" in kinds else SOFT,
        fontweight="bold" if "simulated" in kinds else "normal",
    )  # fmt: skip
    buffer = io.StringIO()
    with warnings.catch_warnings():
        # The page draws the text: a glyph that the measuring font lacks is not missing there.
        warnings.filterwarnings("ignore", message=r"Glyph \d+ .* missing from font")
        fig.savefig(buffer, format="svg", bbox_inches="tight", metadata={"Date": None, "Creator": None})
    note.remove()
    return buffer.getvalue().replace("'DejaVu Sans'", FONTS)


def signs(kinds):
    """The words of data kinds, as a figure shows them.

    Examples
    --------
    >>> signs(["coded", "published"])
    'Coded papers, published facts'
    """
    first, *others = (wording.LABELS[kind] for kind in kinds)
    return ", ".join([first, *(f"{label[0].lower()}{label[1:]}" for label in others)])


CARD = "card.png"  # at most one notebook makes it


def save_card(fig, title, kinds, path):
    """The figure as a picture of 1200 by 630 points, with its title, for places where a page is shared.

    Parameters
    ----------
    fig : Figure
        Left as it was.
    title : str
    kinds : list of str
        Data kinds, which the picture names.
    path : Path
    """
    size, head = fig.get_size_inches(), fig.suptitle(textwrap.fill(title, 58), x=0.02, ha="left", fontweight="bold")
    foot = fig.supxlabel(signs(kinds), x=0.98, ha="right", color=SOFT, fontsize=9)
    fig.set_size_inches(WIDE, WIDE * 630 / 1200)
    fig.get_layout_engine().set(rect=(0.03, 0.03, 0.94, 0.94))
    fig.savefig(path, dpi=1200 / WIDE, facecolor="#fdfcfa", metadata={"Software": None})
    head.remove()
    foot.remove()
    fig.get_layout_engine().set(rect=(0, 0, 1, 1))
    fig.set_size_inches(size)


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
        move_legend(fig, handles, texts, columns=2)


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


def move_legend(fig, handles, texts, columns):
    """Put the legend below the axes, where neither layout covers a mark."""
    fig.legend(handles, texts, loc="outside lower left", ncols=columns, handletextpad=0.3, columnspacing=1.4)


def inline(svg, narrow, name, alt):
    """Both layouts of a figure for a page: own ids, alternative text, colours and fonts that follow the theme.

    Parameters
    ----------
    svg, narrow : str, from `to_svg`
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


def percent(axis):
    """Label an axis of shares in percent."""
    axis.set_major_formatter(mpl.ticker.PercentFormatter(1, decimals=0, symbol="\N{NO-BREAK SPACE}%"))
