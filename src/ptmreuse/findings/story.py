"""What a reader takes home, in plain sentences made from the registry: they follow the data in use."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from ptmreuse import wording
from ptmreuse.statistics.estimate import Estimate

Row = Mapping[str, Any]  # of the registry

UNKNOWN = "The data in use cannot tell."
ONE_JOURNAL = ("embedded", "pilot", "plos")  # whose papers are all from PLOS: no sentence speaks of science at large
READERS = {"embedded": "people", "pilot": "people", "release": "a language model"}


def answers(registry: pd.DataFrame, source: str, kind: str) -> dict[str, str]:
    """The sentences of the first page, by key.

    Parameters
    ----------
    registry : DataFrame
        Recorded numbers by key, from `record.numbers`.
    source : str
    kind : str
        Data kind of the papers in use.
    """
    who = "a program that invents papers" if kind == "simulated" else READERS.get(source, "coders")
    given_dl, growth = registry.loc["evidence_ptm_given_dl"], registry.loc["trend_uses_ptm_given_dl"]
    dl, published = registry.loc["trend_uses_dl"], registry.loc["published_ptm_given_dl"]
    adaptation, said = registry.loc["evidence_adaptation_instances_share"], registry.loc["published_adaptation_share"]
    return {
        "headline": " ".join([common(given_dl, who, source), grew(growth, dl)]),
        "answer_common": against(given_dl, published, who),
        "answer_growth": grew(growth, dl),
        "sure_common": spread(given_dl),
        "sure_growth": odds(growth),
        "sure_patterns": within(adaptation, said),
    }  # fmt: skip


def often(share: float) -> str:
    """A share in a word.

    Examples
    --------
    >>> [often(share) for share in (0.09, 0.1, 0.33, 0.34, 0.66, 0.67)]
    ['rarely', 'sometimes', 'sometimes', 'often', 'often', 'mostly']
    """
    return "rarely" if share < 0.1 else "sometimes" if share < 1 / 3 else "often" if share < 2 / 3 else "mostly"


def common(row: Row, who: str, source: str = "") -> str:
    r"""How many deep-learning papers build on somebody else's model, as the first sentence of the book.

    Examples
    --------
    >>> print(common({"value": 0.58, "text": "57.9 %", "low": 0.4, "high": 0.74}, "people").partition(":")[2])
     57.9 % of the papers that use it do, as people coded them (chance leaves room from 40 to 74\xa0%).
    """
    if row["value"] == "" or wording.missing(float(row["value"])):
        return "The data in use hold no deep-learning paper, so they cannot say how trained models are reused."
    limits = ends(row)
    room = f" (chance leaves room from {wording.whole_percents(limits)})" if limits else ""
    who_reuses = "In PLOS, scientists" if source in ONE_JOURNAL else "Scientists"
    return (
        f"{who_reuses} who use deep learning {often(float(row['value']))} build on a model that somebody else trained: "
        f"{row['text']} of the papers that use it do, as {who} coded them{room}."
    )


def ends(row: Row) -> list[float]:
    """The limits of an interval, or none."""
    return [] if row["low"] == "" or wording.missing(float(row["low"])) else [float(row["low"]), float(row["high"])]


def direction(row: Row) -> str:
    """Whether odds rise, fall or cannot be told to do either.

    Examples
    --------
    >>> direction({"low": 1.1, "high": 1.6}), direction({"low": 0.7, "high": 1.2})
    ('rises', 'neither')
    """
    limits = ends(row)
    if not limits:
        return "unknown"
    return "rises" if limits[0] > 1 else "falls" if limits[1] < 1 else "neither"


def grew(reuse: Row, dl: Row) -> str:
    """Whether reuse grew, beyond the growth of deep learning itself.

    Examples
    --------
    >>> grew({"low": 0.7, "high": 1.2}, {"low": 1.3, "high": 1.9})
    'What grows is deep learning: among the papers that use it, reuse has neither risen nor fallen measurably.'
    """
    found, around = direction(reuse), direction(dl)
    if "unknown" in (found, around):
        return "Whether reuse grows, these papers cannot tell."
    if found == "neither":
        first = "What grows is deep learning: among" if around == "rises" else "Among"
        used = "the papers that use it" if around == "rises" else "deep-learning papers"
        return f"{first} {used}, reuse has neither risen nor fallen measurably."
    return f"Among deep-learning papers, reuse {found} from year to year."


def against(row: Row, published: Row, who: str) -> str:
    r"""The share that was found beside the published one.

    Examples
    --------
    >>> coded = {"value": 0.59, "low": 0.43, "high": 0.73, "text": "59.0 %"}
    >>> against(coded, {"value": 0.394, "text": "39.4 %"}, "people").partition(". ")[2]
    'The study says 39.4 % of its own papers; chance alone does not explain the gap, and the papers are not the same.'
    """
    limits = ends(row)
    if not limits:
        return UNKNOWN
    value = float(published["value"])
    told = f"Of the deep-learning papers that {who} coded, {row['text']} reuse a trained model"
    chance = "can" if limits[0] <= value <= limits[1] else "does not"
    gap = f"chance alone {chance} explain the gap, and the papers are not the same"
    return f"{told}. The study says {published['text']} of its own papers; {gap}."


def beside(coded: Sequence[Estimate], machine: Sequence[float], source: str) -> str:
    """What people and machine find differently, as the title of their flows side by side.

    Parameters
    ----------
    coded : list of Estimate
        Shares that use deep learning, and that reuse a model.
    machine : list of float
        The same, as published.
    source : str

    Examples
    --------
    >>> from ptmreuse.statistics.shares import proportion
    >>> beside([proportion(39, 110), proportion(23, 110)], [0.67, 0.26], "embedded")
    'People find less deep learning than the machine; for reuse among all papers no difference is sure'
    """
    who = "People" if READERS.get(source) == "people" else "These coders"
    if any(wording.missing(row.value) for row in coded):
        return f"{who} cannot be compared with the machine: nothing is known"
    words = [
        "more" if row.low > value else "less" if row.high < value else ""
        for row, value in zip(coded, machine, strict=True)
    ]
    if words[0] == words[1]:
        both = "deep learning and reuse"
        return f"{who} find {words[0]} {both} than the machine" if words[0] else f"For {both} no difference is sure"
    if all(words):
        return f"{who} find {words[0]} deep learning and {words[1]} reuse than the machine"
    sure, what, other = (
        (words[0], "deep learning", "reuse among all papers") if words[0] else (words[1], "reuse", "deep learning")
    )
    return f"{who} find {sure} {what} than the machine; for {other} no difference is sure"


def spread(row: Row) -> str:
    r"""How far chance could move a share.

    Examples
    --------
    >>> spread({"low": 0.43, "high": 0.73, "confidence": 0.95, "n": 39})
    'Chance alone, with 39 papers, leaves room from 43 to 73\xa0%.'
    """
    limits = ends(row)
    if not limits:
        return "There is nothing to go by."
    papers = wording.count(float(row["n"]), "papers")
    return f"Chance alone, with {papers}, leaves room from {wording.whole_percents(limits)}."


def odds(row: Row) -> str:
    r"""How far chance could move a trend, in words.

    Examples
    --------
    >>> odds({"low": 0.67, "high": 1.24})
    'A yearly change of the odds of reuse from −33\xa0% to +24\xa0% fits these papers.'
    """
    limits = ends(row)
    if not limits:
        return "There is nothing to go by."
    shown = " to ".join(f"{100 * (end - 1):+.0f}\N{NO-BREAK SPACE}%".replace("-", "\N{MINUS SIGN}") for end in limits)
    return f"A yearly change of the odds of reuse from {shown} fits these papers."


def within(row: Row, published: Row) -> str:
    r"""Whether a published share lies within what chance allows.

    Examples
    --------
    >>> within({"low": 0.24, "high": 0.73}, {"value": 0.7029, "text": "70.29 %"})
    'Not at all: anything from 24 to 73\xa0% fits these papers, the published 70.29 % too.'
    """
    limits = ends(row)
    if not limits:
        return "There is nothing to go by."
    inside = limits[0] <= float(published["value"]) <= limits[1]
    also = f"the published {published['text']} too" if inside else f"but not the published {published['text']}"
    wide = "Not at all: anything" if limits[1] - limits[0] > 0.3 else "Anything"
    return f"{wide} from {wording.whole_percents(limits)} fits these papers, {also}."


def strip(registry: pd.DataFrame, words: Mapping[str | tuple[str, str], str], published: str = "") -> pd.DataFrame:
    """Recorded shares as `figures.strip` draws them, with a published one in the last line.

    Parameters
    ----------
    registry : DataFrame
        Recorded numbers by key, from `record.numbers`.
    words : dict
        Key to the words before it; a pair of keys is the span between two numbers, with no estimate in it.
    published : str, optional
        The key of the published share.

    Returns
    -------
    DataFrame
        label, value, low, high, text, data_kind; without a label a row stands in the line above.

    Examples
    --------
    >>> numbers = {"value": ["0.1", "0.9"], "low": "", "high": "", "text": ["10 %", "90 %"], "data_kind": "assumed"}
    >>> span = strip(pd.DataFrame(numbers, index=["a", "b"]), {("a", "b"): "reuse"})
    >>> span[["low", "high", "text"]].to_numpy().tolist()
    [[0.1, 0.9, '10 % to 90 %']]
    """
    rows = []
    for keys, label in [*words.items(), *([(published, "")] if published else [])]:
        found = registry.loc[[keys] if isinstance(keys, str) else list(keys)]
        row = {"label": label} | found.iloc[0][["value", "low", "high", "text", "data_kind"]].to_dict()
        if len(found) > 1:
            low, high = found["value"]
            row |= {"value": "", "low": low, "high": high, "text": " to ".join(found["text"])}
        rows.append(row | ({} if label else {"text": f"published {row['text']}"}))
    table = pd.DataFrame(rows)
    ends = ["value", "low", "high"]
    return table.assign(**{end: pd.to_numeric(table[end], errors="coerce") for end in ends})


def strip_in_words(table: pd.DataFrame) -> str:
    r"""The rows of `strip` as text.

    Examples
    --------
    >>> row = {"label": "reuse", "value": 0.5, "low": 0.4, "high": 0.6, "text": "50.0\xa0%", "data_kind": "coded"}
    >>> strip_in_words(pd.DataFrame([row, row | {"label": "", "text": "published 40\xa0%"}]))
    'reuse 50.0\xa0%, interval 40 to 60\xa0%; published 40\xa0%.'
    """
    said = []
    for row in table.itertuples():
        interval = f", interval {wording.whole_percents((row.low, row.high))}"
        told = row.label and not wording.missing(row.value) and not wording.missing(row.low)
        said.append(f"{row.label} {row.text}".strip() + (interval if told else ""))
    return "; ".join(said) + "."
