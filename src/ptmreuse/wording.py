"""Numbers as people read them, and the words of the data kinds: one place, so that no sign differs from its key."""

import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pandas as pd

LABELS = {
    "published": "Published facts",
    "coded": "Coded papers",
    "assumed": "Assumed, what if",
    "simulated": "Simulated, not evidence",
}

# What a spreadsheet takes for the beginning of a formula.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
# Letters of other alphabets that look like Latin ones, folded, and dashes.
_LOOK_ALIKE = str.maketrans("авекмнорстухіјѕԁԛԝαβεζηικμνορτυχ‐‑‒–—−’", "abekmhopctyxijsdqwabezhikmnoptyx------'")


def look(text: str) -> str:
    """A text as the eye takes it: what differs in nothing but capitals, invisible signs or alphabets looks the same.

    Examples
    --------
    >>> look("Tun\u0435d\u200b") == look("tuned"), look("tuned") == look("turned")
    (True, False)
    """
    if text.isascii():
        return text.casefold()
    plain = "".join(c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c) != "Cf")
    return plain.casefold().translate(_LOOK_ALIKE)


def percent(value: Any, digits: int = 1) -> str:
    r"""A share as people read it.

    Examples
    --------
    >>> percent(0.35454), percent(float("nan"))
    ('35.5\xa0%', 'n/a')
    """
    return "n/a" if missing(value) else f"{100 * value:.{digits}f}\N{NO-BREAK SPACE}%"


def whole_percents(ends: Iterable[float]) -> str:
    r"""An interval of shares in whole percents.

    Examples
    --------
    >>> whole_percents((0.434, 0.729))
    '43 to 73\xa0%'
    """
    low, high = (f"{100 * end:.0f}" for end in ends)
    return f"{low} to {high}\N{NO-BREAK SPACE}%"


def points(value: Any, digits: int = 1) -> str:
    """A difference of shares in percentage points.

    Examples
    --------
    >>> points(0.1199)
    '12.0 percentage points'
    """
    return "n/a" if missing(value) else f"{100 * value:.{digits}f} percentage points"


def limits(row: Mapping[str, Any]) -> list[str]:
    """The ends of a recorded number's interval in the number's own unit; none if it has none.

    Examples
    --------
    >>> limits({"text": "42.5 %", "low": "0.285", "high": "0.578"}), limits({"text": "3", "low": "1", "high": "4"})
    (['28.5', '57.8'], ['1', '4'])
    """
    ends = [pd.to_numeric(row[end], errors="coerce") for end in ("low", "high")]
    if any(pd.isna(ends)):
        return []
    share = "%" in row["text"] or "points" in row["text"]
    show = count if row["text"].isdecimal() else decimal
    return [f"{100 * end:.1f}" if share else show(end) for end in ends]


def count(value: Any, unit: str = "") -> str:
    """A count with thousands separators, and what is counted.

    Examples
    --------
    >>> count(17511), count(1, "papers")
    ('17,511', '1 paper')
    """
    if missing(value):
        return "n/a"
    return f"{value:,.0f} {unit.removesuffix('s') if value == 1 else unit}".rstrip()


def decimal(value: Any, digits: int = 2) -> str:
    """A plain number with a fixed number of decimals.

    Examples
    --------
    >>> decimal(1.5571), decimal(-0.001)
    ('1.56', '0.00')
    """
    return "n/a" if missing(value) else f"{value:z,.{digits}f}"


def p_value(value: Any) -> str:
    r"""A p value, never zero.

    Examples
    --------
    >>> p_value(0.00001), p_value(0.0312)
    ('<\xa0.001', '.031')
    """
    if missing(value):
        return "n/a"
    return "<\N{NO-BREAK SPACE}.001" if value < 0.001 else f"{value:.3f}".replace("0.", ".", 1)


# n/a never turns into 0 % or 100 %.
FORMS: dict[str, Callable[[Any], str]] = {
    "percent": percent, "percent2": lambda share: percent(share, 2), "points": points, "count": count,
    "decimal": decimal, "p": p_value, "text": str,
}  # fmt: skip


def slug(text: object) -> str:
    """A text as part of a key.

    Examples
    --------
    >>> slug("Fine-tune (all layers)")
    'fine_tune_all_layers'
    """
    return "_".join(re.findall(r"[^\W_]+", str(text).casefold())) or "code"


def slugs(texts: Iterable[str]) -> dict[str, str]:
    """Texts as parts of keys, each of its own.

    Examples
    --------
    >>> slugs(["a b", "a-b", "c"])
    {'a b': 'a_b', 'a-b': 'a_b_2', 'c': 'c'}
    """
    made: dict[str, str] = {}
    for text in texts:
        base, again = slug(text), 1
        while (key := base if again == 1 else f"{base}_{again}") in made.values():
            again += 1
        made[text] = key
    return made


def missing(value: object) -> bool:
    """Whether a value is none: None, NA or NaN."""
    return value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value))
