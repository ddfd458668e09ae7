"""Every defensible combination of an analyst's choices, and what each claim comes to under it (a multiverse).

One choice at a time (`choices`) cannot show that two harmless choices together overturn a claim. So the few choices
that published analyses differ in are combined in full: which years, which unit, which names, and how an unknown answer
is read. A combination that leaves the same rows to count as an earlier one is listed and counted once.

Steegen et al. (2016), Perspectives on Psychological Science 11; Simonsohn et al. (2020), Nature Human Behaviour 4.
"""

import itertools

import pandas as pd

from ptmreuse import wording
from ptmreuse.analysis import choices

UNKNOWN = {"unknown left out": "", "unknown against it": "against", "unknown for it": "for"}
NAMES = {"by name": "canonical", "by family": "family"}
# Of what each claim is counted, and what that means for `choices.estimate_under`.
UNITS = {
    "pairs": {"unit": "pairs"}, "instances": {"unit": "instances"}, "reusing papers": {"unit": "papers"},
}  # fmt: skip
AMONG = {"all papers": False, "deep-learning papers": True}
FIELD_COUNTS = {"fields whole": {}, "fields in fractions": {"fractional": True}}
# claim -> the choices that it leaves open: name of the choice -> what can be chosen
GRID = {
    "adaptation leads": {"counted": UNITS, "names": NAMES, "unknown": UNKNOWN},
    "adaptation is the majority": {"counted": UNITS, "names": NAMES, "unknown": UNKNOWN},
    "reuse grew": {"among": AMONG, "unknown": UNKNOWN},
    "Biochemistry leads": {"fields": FIELD_COUNTS, "unknown": UNKNOWN},
}
CHOICES = ("period", "counted", "among", "fields", "names", "unknown")


def periods(tables):
    """The years that an analyst may look at, as study tables by name.

    All; those since a paper first used deep learning, before which nothing could be reused; without the last, which
    may be incomplete; and those whose papers had two years to be cited, as the study keeps cited papers alone.

    Examples
    --------
    >>> from ptmreuse.evidence.pilot import embedded
    >>> list(periods(choices.numbered(embedded())))
    ['all years', 'since 2017', 'without 2024', 'up to 2022']
    """
    papers, year, bounds = tables["papers"], tables["papers"]["year"], {}
    deep = tables["uses"].loc[tables["uses"]["uses_dl"] == "yes", "paper"]
    first = year[papers["paper"].isin(deep)].min()
    if year.nunique() > 1:
        last = int(year.max())
        bounds = {} if pd.isna(first) else {f"since {first}": year >= first}
        bounds |= {f"without {last}": year < last, f"up to {last - choices.MATURE}": year <= last - choices.MATURE}
    return {"all years": tables} | {name: choices.of_years(tables, inside) for name, inside in bounds.items()}


def specifications(evidence, *, conf, resamples, seed):
    """Every claim under every combination of choices.

    Parameters
    ----------
    evidence : dict of study tables, of one coder
    conf, resamples, seed
        Of every interval.

    Returns
    -------
    DataFrame
        One row per claim and combination, the main analysis of each claim first: specification (number), the
        choices (empty where the claim leaves none), the columns of `choices.outcome`, and same_as (the number of
        an earlier combination that has the same result from the same rows). Where a choice changes nothing, such as
        how unknown answers are read when there are none, value is NaN and reason says so.

    Examples
    --------
    >>> from ptmreuse.evidence.pilot import embedded
    >>> table = specifications(embedded(), conf=0.95, resamples=199, seed=1)
    >>> table.groupby("claim", sort=False).size().tolist()
    [72, 72, 24, 24]
    """
    tables = choices.numbered(evidence)
    again, rows, seen = {"conf": conf, "resamples": resamples, "seed": seed}, [], {}
    for claim, grid in GRID.items():
        for (period, kept), *chosen in itertools.product(periods(tables).items(), *(g.items() for g in grid.values())):
            named = {"period": period} | {name: label for name, (label, _) in zip(grid, chosen, strict=True)}
            meant = {name: value for name, (_, value) in zip(grid, chosen, strict=True)}
            row = choices.outcome(claim, _estimate(claim, kept, meant, again), conf)
            key = (claim, row["value"], row["low"], row["high"], row["n"])
            number = len(rows) + 1
            same = number if row["holds"] == "n/a" else seen.setdefault(key, number)
            row = {"claim": claim, "specification": number, **dict.fromkeys(CHOICES, ""), **named} | row
            rows.append(row | {"same_as": "" if same == number else str(same)})
    return pd.DataFrame(rows)


def _estimate(claim, tables, meant, again):
    how = {"unknown": meant["unknown"]}
    if meant.get("among"):
        tables = choices.keep(tables, tables["uses"].loc[tables["uses"]["uses_dl"] == "yes", "paper"])
    how |= meant.get("counted", {}) | meant.get("fields", {})
    if "names" in meant:
        how["by"] = meant["names"]
    return choices.estimate_under(claim, tables, **again, **how)


def curve(specifications, claim):
    """The combinations of one claim that differ, from the lowest to the highest estimate: its specification curve.

    Returns
    -------
    DataFrame
        Rows of `specifications`, with position (from 1) and main (whether it is the main analysis).
    """
    of = specifications[specifications["claim"] == claim]
    made = of[(of["holds"] != "n/a") & (of["same_as"] == "")]
    main = made["specification"] == of["specification"].min()
    made = made.assign(main=main).sort_values(["value", "specification"], ignore_index=True)
    return made.assign(position=range(1, len(made) + 1))


def summary(specifications):
    """How far each claim stands under all combinations of choices; `specifications` is from the function of that name.

    Returns
    -------
    DataFrame
        claim, statement, main, lowest, highest (estimates), combinations (that differ), holds (under so many the
        estimate is on the claim's side), beyond_chance (under so many the whole interval is), not_applicable, repeats,
        reason (why there is none).

    Examples
    --------
    >>> row = {"claim": "reuse grew", "specification": 1, "value": 1.2, "holds": "yes", "beyond_chance": "no",
    ...        "same_as": "", "reason": ""}
    >>> summary(pd.DataFrame([row])).loc[0, ["combinations", "holds", "beyond_chance"]].tolist()
    [1, 1, 0]
    """
    rows = []
    for claim, part in specifications.groupby("claim", sort=False):
        made = curve(specifications, claim)
        rows.append(
            {
                "claim": claim,
                "statement": choices.CLAIMS[claim],
                "main": part["value"].iloc[0],
                "lowest": made["value"].min(),
                "highest": made["value"].max(),
                "combinations": len(made),
                "holds": int((made["holds"] == "yes").sum()),
                "beyond_chance": int((made["beyond_chance"] == "yes").sum()),
                "not_applicable": int((part["holds"] == "n/a").sum()),
                "repeats": int((part["same_as"] != "").sum()),
                "reason": "" if len(made) else part["reason"].iloc[0],
            }
        )
    return pd.DataFrame(rows)


def said(row) -> str:
    """What a row of `summary` comes to, in a sentence.

    Examples
    --------
    >>> row = pd.Series({"claim": "reuse grew", "combinations": 5, "holds": 4, "beyond_chance": 3, "reason": ""})
    >>> said(row)
    'The claim that reuse grew holds under 4 of 5 combinations of choices, beyond chance under 3.'
    """
    if not row.combinations:
        return f"Nothing here tells whether {row.claim}: {row.reason}."
    among = f"{row.holds} of {wording.count(row.combinations, 'combinations')} of choices"
    return f"The claim that {row.claim} holds under {among}, beyond chance under {row.beyond_chance}."
