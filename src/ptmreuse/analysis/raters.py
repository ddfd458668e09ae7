"""Two people who really disagreed: how far they agree on ten variables, by coefficient and by answer.

The codes are those of `evidence.ratings`.
"""

from functools import partial

import numpy as np
import pandas as pd

from ptmreuse import wording
from ptmreuse.evidence import ratings
from ptmreuse.statistics import agreement, coder_error

COEFFICIENTS = ("raw", "kappa", "alpha", "ac1")
YES = ("yes_first", "yes_second", "yes_agreed")


def people(codes, *, conf):
    """Agreement of the two people, variable by variable in the order of `ratings.VARIABLES`.

    Parameters
    ----------
    codes : DataFrame
        The people's codes, from `ratings.read`. *Partly* is an answer of its own; a paper without a single code of both
        is left out of that variable.
    conf : float

    Returns
    -------
    dict of str to Agreement

    Examples
    --------
    >>> found = people(ratings.read().people, conf=0.95)
    >>> found["V6"].raw.value, found["V6"].kappa.value, found["V1"].raw.n
    (0.99, 0.0, 99)
    """
    first, second = ratings.PEOPLE
    return {
        variable: agreement.agreement(part[first], part[second], conf=conf)
        for variable in ratings.VARIABLES
        for part in [codes[codes["variable"] == variable]]
    }


def people_table(found, codes):
    """The agreement of `people` as a table, each coefficient with its limits; `codes` is what it was made from.

    Returns
    -------
    DataFrame
        variable, name, n, differ (papers coded differently), then value, low and high of each coefficient, chance
        (the agreement that kappa expects by chance from the two people's own shares), and the share of *yes* by
        the first person, by the second and as agreed (yes_first, yes_second, yes_agreed).

    Examples
    --------
    >>> codes = ratings.read().people
    >>> table = people_table(people(codes, conf=0.95), codes).set_index("variable")
    >>> table.loc[["V6", "R"], ["differ", "chance"]].round(3).to_numpy().tolist()
    [[1.0, 0.99], [2.0, 0.961]]
    """
    rows = []
    for variable, a in found.items():
        table = a.table.to_numpy()
        n = int(table.sum())
        row = {"variable": variable, "name": ratings.VARIABLES[variable], "n": n, "differ": n - int(np.trace(table))}
        for name in COEFFICIENTS:
            e = getattr(a, name)
            row |= {name: e.value, f"{name}_low": e.low, f"{name}_high": e.high}
        row["chance"] = float(table.sum(axis=1) @ table.sum(axis=0)) / n**2
        own = codes[codes["variable"] == variable]
        for rater, column in zip((*ratings.PEOPLE, ratings.AGREED), YES, strict=True):
            row[column] = float(own[rater].dropna().eq("yes").mean())
        rows.append(row)
    return pd.DataFrame(rows)


def by_class(found, *, conf):
    """Where the two people agree: agreement on each answer; `found` is from `people`.

    Returns
    -------
    DataFrame
        One row per variable and answer: variable, name, answer, first and second (papers with this answer by each
        person), both, and agreement (2 both / (first + second), the specific agreement) with low and high.

    Examples
    --------
    >>> table = by_class(people(ratings.read().people, conf=0.95), conf=0.95).set_index(["variable", "answer"])
    >>> table.loc[("R", "yes"), ["first", "second", "both", "agreement"]].tolist()
    [2.0, 2.0, 1.0, 0.5]
    """
    rows = []
    for variable, a in found.items():
        for answer in a.table.index:
            both = int(a.table.loc[answer, answer])
            first, second = int(a.table.loc[answer].sum()), int(a.table[answer].sum())
            rest = int(a.table.to_numpy().sum()) - first - second + both
            # The specific agreement is the F1 of one person judged by the other, whoever is the judge.
            e = coder_error.coder_accuracy(both, second - both, first - both, rest, conf=conf)["f1"]
            rows.append([variable, ratings.VARIABLES[variable], answer, first, second, both, e.value, e.low, e.high])
    columns = ["variable", "name", "answer", "first", "second", "both", "agreement", "low", "high"]
    return pd.DataFrame(rows, columns=columns)


def people_sentence(table) -> str:
    """How far the two people agree, in two sentences; `table` is from `people_table`.

    Examples
    --------
    >>> codes = ratings.read().people
    >>> said = people_sentence(people_table(people(codes, conf=0.95), codes)).replace("\\N{NO-BREAK SPACE}", " ")
    >>> said[:80]
    'Two people agree on 75 % (software and hardware) to 99 % (methods) of the papers'
    """
    low, high = table.loc[table["raw"].idxmin()], table.loc[table["raw"].idxmax()]
    far = table.loc[(table["yes_first"] - table["yes_second"]).abs().idxmax()]
    share = partial(wording.percent, digits=0)
    return (
        f"Two people agree on {share(low['raw'])} ({low['name']}) to {share(high['raw'])} ({high['name']}) of "
        f"the papers. A share can hang on who codes: {far['name']} is found in {share(far['yes_first'])} by one and in "
        f"{share(far['yes_second'])} by the other."
    )


def one_code_changed(codes, variable, *, conf):
    """What one code more or less does to each coefficient of a variable that nearly all papers share.

    Returns
    -------
    DataFrame
        As coded; with the first person's code changed on a paper that they see differently; and on one that both
        code alike: case, then the number of each pair of codes that occurs, raw, kappa and ac1.

    Examples
    --------
    >>> table = one_code_changed(ratings.read().people, "V6", conf=0.95)
    >>> table["kappa"].round(3).tolist(), table["raw"].tolist()
    ([0.0, 1.0, -0.01], [0.99, 1.0, 0.98])
    """
    first, second = (codes.loc[codes["variable"] == variable, p].reset_index(drop=True) for p in ratings.PEOPLE)
    rare, common = second.value_counts().index[[-1, 0]]
    cases = {"as coded": None, "the first person agrees there": first.ne(second).idxmax()}
    cases["the first person sees it in another paper"] = ((first == common) & (second == common)).idxmax()
    rows = []
    for case, place in cases.items():
        changed = first.copy()
        if place is not None:
            changed.loc[place] = rare
        a = agreement.agreement(changed, second, conf=conf)
        pairs = {f"{x}, {y}": int(a.table.loc[x, y]) for x in (common, rare) for y in (common, rare)}
        rows.append({"case": case} | pairs | {c: getattr(a, c).value for c in ("raw", "kappa", "ac1")})
    return pd.DataFrame(rows)
