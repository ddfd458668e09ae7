"""Raters who really disagreed: two people, five language models, and what a correction makes of the models' shares.

The codes are those of `evidence.ratings`. A model "errs" where it differs from what the people agreed on; part of
that is the wording, because the people had code, figures and supplements at hand and the models the text alone.
"""

from functools import partial

import numpy as np
import pandas as pd

from ptmreuse import wording
from ptmreuse.evidence import ratings
from ptmreuse.statistics import agreement, coder_error
from ptmreuse.statistics.shares import clustered_share

COEFFICIENTS = ("raw", "kappa", "alpha", "ac1")
YES = ("yes_first", "yes_second", "yes_agreed")
MAJORITY = "majority of five"


def people(codes, *, conf, resamples, seed):
    """Agreement of the two people, variable by variable.

    Parameters
    ----------
    codes : DataFrame
        The people's codes, from `ratings.read`.
    conf, resamples, seed
        As in `agreement.agreement`. *Partly* is an answer of its own; a paper without a single code of both is left
        out of that variable.

    Returns
    -------
    dict of str to Agreement
        By variable, in the order of `ratings.VARIABLES`.

    Examples
    --------
    >>> found = people(ratings.read().people, conf=0.95, resamples=199, seed=1)
    >>> found["V6"].raw.value, found["V6"].kappa.value, found["V1"].raw.n
    (0.99, 0.0, 99)
    """
    first, second = ratings.PEOPLE
    return {
        variable: agreement.agreement(part[first], part[second], conf=conf, resamples=resamples, seed=seed)
        for variable in ratings.VARIABLES
        for part in [codes[codes["variable"] == variable]]
    }


def people_table(found, codes):
    """The agreement of `people` as a table: one row per variable, each coefficient with its limits.

    Parameters
    ----------
    found : dict of str to Agreement
        From `people`.
    codes : DataFrame
        The codes that it was made from.

    Returns
    -------
    DataFrame
        variable, name, n, differ (papers coded differently), then value, low and high of each coefficient, chance
        (the agreement that kappa expects by chance from the two people's own shares), and the share of *yes* by
        the first person, by the second and as agreed (yes_first, yes_second, yes_agreed).

    Examples
    --------
    >>> codes = ratings.read().people
    >>> table = people_table(people(codes, conf=0.95, resamples=199, seed=1), codes).set_index("variable")
    >>> table.loc[["V6", "R"], ["differ", "chance"]].round(3).to_numpy().tolist()
    [[1.0, 0.99], [2.0, 0.961]]
    >>> table.loc["V5", ["yes_first", "yes_second", "yes_agreed"]].tolist()
    [0.09, 0.28, 0.21]
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


def by_class(found, *, conf, resamples, seed):
    """Where the two people agree: agreement on each answer.

    Parameters
    ----------
    found : dict of str to Agreement
        From `people`.
    conf, resamples, seed
        Of the bootstrap over papers.

    Returns
    -------
    DataFrame
        One row per variable and answer: variable, name, answer, first and second (papers with this answer by each
        person), both, and agreement (2 both / (first + second), the specific agreement) with low and high.

    Examples
    --------
    >>> found = people(ratings.read().people, conf=0.95, resamples=199, seed=1)
    >>> table = by_class(found, conf=0.95, resamples=199, seed=1).set_index(["variable", "answer"])
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
            e = coder_error.coder_accuracy(
                both, second - both, first - both, rest, conf=conf, resamples=resamples, seed=seed
            )["f1"]
            rows.append([variable, ratings.VARIABLES[variable], answer, first, second, both, e.value, e.low, e.high])
    columns = ["variable", "name", "answer", "first", "second", "both", "agreement", "low", "high"]
    return pd.DataFrame(rows, columns=columns)


def people_sentence(table):
    """How far the two people agree, in two sentences.

    Parameters
    ----------
    table : DataFrame
        From `people_table`.

    Returns
    -------
    str

    Examples
    --------
    >>> codes = ratings.read().people
    >>> table = people_table(people(codes, conf=0.95, resamples=199, seed=1), codes)
    >>> print(people_sentence(table).replace("\\N{NO-BREAK SPACE}", " "))
    Two people agree on 75 % (software and hardware) to 99 % (methods) of the papers, with kappa from 0.00 (methods) \
to 0.87 (source code). In 3 of 10 variables the share of papers with the thing differs by more than 5 points with the \
person who codes: most for software and hardware, 9 % by one, 28 % by the other and 21 % as agreed.
    """
    ends = {c: (table.loc[table[c].idxmin()], table.loc[table[c].idxmax()]) for c in ("raw", "kappa")}
    (low, high), (least, most) = ends["raw"], ends["kappa"]
    gap = (table["yes_first"] - table["yes_second"]).abs()
    far = table.loc[gap.idxmax()]
    share = partial(wording.percent, digits=0)
    return (
        f"Two people agree on {share(low['raw'])} ({low['name']}) to {share(high['raw'])} ({high['name']}) of "
        f"the papers, with kappa from {least['kappa']:.2f} ({least['name']}) to {most['kappa']:.2f} ({most['name']}). "
        f"In {int((gap > 0.05 + 1e-9).sum())} of {len(table)} variables the share of papers with the thing differs by "
        f"more than 5 points with the person who codes: most for {far['name']}, {share(far['yes_first'])} by one, "
        f"{share(far['yes_second'])} by the other and {share(far['yes_agreed'])} as agreed."
    )


def one_code_changed(codes, variable, *, conf, resamples, seed):
    """What one code more or less does to each coefficient of a variable that nearly all papers share.

    Parameters
    ----------
    codes : DataFrame
        The people's codes, from `ratings.read`.
    variable : str
    conf, resamples, seed
        As in `people`.

    Returns
    -------
    DataFrame
        As coded; with the first person's code changed on a paper that they see differently; and on one that both
        code alike: case, then the number of each pair of codes that occurs, raw, kappa and ac1.

    Examples
    --------
    >>> table = one_code_changed(ratings.read().people, "V6", conf=0.95, resamples=199, seed=1)
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
        a = agreement.agreement(changed, second, conf=conf, resamples=resamples, seed=seed)
        pairs = {f"{x}, {y}": int(a.table.loc[x, y]) for x in (common, rare) for y in (common, rare)}
        rows.append({"case": case} | pairs | {c: getattr(a, c).value for c in ("raw", "kappa", "ac1")})
    return pd.DataFrame(rows)


# Machines against people -------------------------------------------------------------------------------------


def side_by_side(found):
    """Per checked paper and comparable variable: what the people agreed on, each model's answer, the majority's.

    Parameters
    ----------
    found : Ratings

    Returns
    -------
    DataFrame
        doi, variable, agreed, a column per model, and `MAJORITY`.
    """
    checked = found.machines[found.machines["checked"]].drop(columns="checked")
    agreed = found.people[["doi", "variable", ratings.AGREED]].rename(columns={ratings.AGREED: "agreed"})
    both = agreed.dropna().merge(checked, on=["doi", "variable"], validate="one_to_one")
    return both.assign(**{MAJORITY: majority(both[found.models])})


def majority(answers):
    """The answer of more than half of the models.

    Examples
    --------
    >>> majority(pd.DataFrame({"a": ["yes", "no"], "b": ["no", "no"], "c": ["yes", "yes"]})).tolist()
    ['yes', 'no']
    """
    return (answers.eq("yes").mean(axis=1) > 0.5).map({True: "yes", False: "no"})


def accuracy(both, *, conf, resamples, seed):
    """Sensitivity and specificity of every model against the agreed codes, with the share that each would report.

    Parameters
    ----------
    both : DataFrame
        From `side_by_side`.
    conf, resamples, seed
        As in `coder_error.coder_accuracy`.

    Returns
    -------
    DataFrame
        One row per variable and model (the majority last): variable, name, model, n, agreed_share (of the papers
        with the thing, by the people), said_share (by the model), then sensitivity and specificity with low, high
        and n, and accuracy (share of papers coded as the people agreed).

    Examples
    --------
    >>> table = accuracy(side_by_side(ratings.read()), conf=0.95, resamples=199, seed=1)
    >>> row = table[(table["variable"] == "V1") & (table["model"] == MAJORITY)].iloc[0]
    >>> [round(float(row[c]), 2) for c in ("agreed_share", "said_share", "sensitivity", "specificity")]
    [0.5, 0.09, 0.16, 0.98]
    """
    rows = []
    for variable, part in by_variable(both):
        truth = part["agreed"] == "yes"
        for model in part.columns[3:]:
            said = part[model] == "yes"
            cells = [int((said & truth).sum()), int((said & ~truth).sum()), int((~said & truth).sum())]
            rates = coder_error.coder_accuracy(
                *cells, len(part) - sum(cells), conf=conf, resamples=resamples, seed=seed
            )
            row = {"variable": variable, "name": ratings.VARIABLES[variable], "model": model, "n": len(part)}
            row |= {"agreed_share": float(truth.mean()), "said_share": float(said.mean())}
            for rate in ("sensitivity", "specificity"):
                e = rates[rate]
                row |= {rate: e.value, f"{rate}_low": e.low, f"{rate}_high": e.high, f"{rate}_n": e.n}
            rows.append(row | {"accuracy": rates["accuracy"].value})
    return pd.DataFrame(rows)


def shares_by_model(judged):
    """The share of papers with each thing, as people agreed and as each model would report it.

    Parameters
    ----------
    judged : DataFrame
        From `accuracy`.

    Returns
    -------
    DataFrame
        One row per variable: name, agreed, a column per model.

    Examples
    --------
    >>> judged = accuracy(side_by_side(ratings.read()), conf=0.95, resamples=199, seed=1)
    >>> shares_by_model(judged).set_index("name").loc["dataset", ["agreed", MAJORITY]].to_dict()
    {'agreed': 0.5, 'majority of five': 0.09}
    """
    said = judged.pivot(index=["variable", "name", "agreed_share"], columns="model", values="said_share")
    said = said[judged["model"].unique()].reset_index().rename(columns={"agreed_share": "agreed"})
    order = list(ratings.VARIABLES)
    said = said.sort_values("variable", key=lambda column: column.map(order.index))
    return said.drop(columns="variable").reset_index(drop=True).rename_axis(columns=None)


def by_variable(both):
    """The rows of `side_by_side` variable by variable, in the order of the people's variables."""
    return [(v, both[both["variable"] == v]) for v in ratings.VARIABLES if (both["variable"] == v).any()]


def majority_agreement(both, *, conf, resamples, seed):
    """Share of all comparisons in which the majority of the models agrees with the people; papers are the clusters.

    Parameters
    ----------
    both : DataFrame
        From `side_by_side`.
    conf, resamples, seed
        As in `shares.clustered_share`.

    Returns
    -------
    Estimate

    Examples
    --------
    >>> majority_agreement(side_by_side(ratings.read()), conf=0.95, resamples=199, seed=1).value
    0.705
    """
    right = both[MAJORITY].eq(both["agreed"]).groupby(both["doi"]).agg(["sum", "size"])
    return clustered_share(
        right["sum"], right["size"], unit="comparisons", label="agreement", conf=conf, resamples=resamples, seed=seed
    )


def shared_errors(both, *, conf, resamples, seed):
    """Do the models err on the same papers, and what does their majority gain?

    Parameters
    ----------
    both : DataFrame
        From `side_by_side`.
    conf, resamples, seed
        Level and draws: each model's errors are shuffled among the papers with the same agreed code.

    Returns
    -------
    DataFrame
        One row per variable: variable, name, n, papers that all models get wrong (all_wrong), as many as would be if
        the models erred independently given the agreed code (expected; low and high are the middle `conf` of the
        shuffles), the accuracy of the mean model, of the best, of the majority, and of a majority of models that err
        independently (independent), and gain (majority less mean model).

    Examples
    --------
    >>> table = shared_errors(side_by_side(ratings.read()), conf=0.95, resamples=199, seed=1).set_index("variable")
    >>> int(table.loc["V1", "all_wrong"]), round(float(table.loc["V1", "gain"]), 3)
    (39, 0.01)
    """
    rows, rng = [], np.random.default_rng(seed)
    for variable, part in by_variable(both):
        models = [c for c in part.columns[3:] if c != MAJORITY]
        wrong = part[models].ne(part["agreed"], axis=0).to_numpy()
        truth = (part["agreed"] == "yes").to_numpy()
        drawn = sum(_shuffled(wrong[truth == answer], resamples, rng) for answer in (True, False))
        low, high = np.quantile(drawn[:, 1], [(1 - conf) / 2, (1 + conf) / 2])
        right = 1 - wrong.mean(axis=0)
        voted = float((part[MAJORITY] == part["agreed"]).mean())
        rows.append(
            {
                "variable": variable,
                "name": ratings.VARIABLES[variable],
                "n": len(part),
                "all_wrong": int(wrong.all(axis=1).sum()),
                "expected": float(drawn[:, 1].mean()),
                "low": float(low),
                "high": float(high),
                "mean_accuracy": float(right.mean()),
                "best_accuracy": float(right.max()),
                "majority_accuracy": voted,
                "independent": 1 - float(drawn[:, 0].mean()) / len(part),
                "gain": voted - float(right.mean()),
            }
        )
    return pd.DataFrame(rows)


def _shuffled(wrong, draws, rng):
    """Papers that most and that all models get wrong when each model's errors are shuffled among the papers."""
    errors = rng.permuted(np.broadcast_to(wrong, (draws, *wrong.shape)), axis=1).sum(axis=2)
    return np.stack([(errors > wrong.shape[1] / 2).sum(axis=1), (errors == wrong.shape[1]).sum(axis=1)], axis=1)


def error_sentence(shared):
    """What the models' errors have in common, in one sentence.

    Parameters
    ----------
    shared : DataFrame
        From `shared_errors`.

    Returns
    -------
    str

    Examples
    --------
    >>> table = shared_errors(side_by_side(ratings.read()), conf=0.95, resamples=199, seed=1)
    >>> print(error_sentence(table))
    The models err together: in 8 of 8 variables all five are wrong on more papers than independent errors would give. \
Their majority vote gains -2.0 to 8.4 points of accuracy on the mean model, and never beats the best one.
    """
    beyond = int((shared["all_wrong"] > shared["high"]).sum())
    better = int((shared["majority_accuracy"] > shared["best_accuracy"]).sum())
    beats = "never beats the best one" if not better else f"beats the best one in {better}"
    return (
        f"The models err together: in {beyond} of {len(shared)} variables all five are wrong on more papers than "
        f"independent errors would give. Their majority vote gains {100 * shared['gain'].min():.1f} to "
        f"{100 * shared['gain'].max():.1f} points of accuracy on the mean model, and {beats}."
    )
