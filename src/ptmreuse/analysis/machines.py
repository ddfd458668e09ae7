"""Five language models against two people, on papers that all of them coded.

A model "errs" where it differs from what the people agreed on; part of that is the wording, because the people had
code, figures and supplements at hand and the models the text alone.
"""

import numpy as np
import pandas as pd

from ptmreuse.evidence import ratings
from ptmreuse.statistics import agreement, coder_error
from ptmreuse.statistics.shares import clustered_share

MAJORITY = "majority of five"


def side_by_side(found):
    """Per checked paper and comparable variable: what the people agreed on, each model's answer, the majority's.

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


def accuracy(both, *, conf):
    """Sensitivity and specificity of every model against the agreed codes, with the share that each would report.

    Returns
    -------
    DataFrame
        One row per variable and model (the majority last): variable, name, model, n, agreed_share (of the papers
        with the thing, by the people), said_share (by the model), then sensitivity and specificity with low, high
        and n, and accuracy (share of papers coded as the people agreed).

    Examples
    --------
    >>> table = accuracy(side_by_side(ratings.read()), conf=0.95)
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
            rates = coder_error.coder_accuracy(*cells, len(part) - sum(cells), conf=conf)
            row = {"variable": variable, "name": ratings.VARIABLES[variable], "model": model, "n": len(part)}
            row |= {"agreed_share": float(truth.mean()), "said_share": float(said.mean())}
            for rate in ("sensitivity", "specificity"):
                e = rates[rate]
                row |= {rate: e.value, f"{rate}_low": e.low, f"{rate}_high": e.high, f"{rate}_n": e.n}
            rows.append(row | {"accuracy": rates["accuracy"].value})
    return pd.DataFrame(rows)


def kappas(both, people, *, conf):
    """Kappa of the models' vote with what people agreed on, beside kappa of the two people with each other.

    Parameters
    ----------
    both : DataFrame, from `side_by_side`
    people : dict of str to Agreement, from `raters.people`
    conf : float

    Returns
    -------
    DataFrame
        Two rows per variable: label (empty in the second), thing, group, value, low, high.

    Examples
    --------
    >>> from ptmreuse.analysis.raters import people
    >>> read = ratings.read()
    >>> table = kappas(side_by_side(read), people(read.people, conf=0.95), conf=0.95)
    >>> table.groupby("group")["value"].max().round(2).to_dict()
    {'two people': 0.87, 'vote and people': 0.32}
    """
    rows = []
    for variable, part in by_variable(both):
        voted = agreement.agreement(part["agreed"], part[MAJORITY], conf=conf)
        name = ratings.VARIABLES[variable]
        for label, group, e in ((name, "two people", people[variable].kappa), ("", "vote and people", voted.kappa)):
            rows.append([label, name, group, e.value, e.low, e.high])
    return pd.DataFrame(rows, columns=["label", "thing", "group", "value", "low", "high"])


def kappa_sentence(table) -> str:
    """How much less the vote agrees with people than people with each other, in one sentence; `table` is from `kappas`.

    Examples
    --------
    >>> groups = ["two people", "vote and people"]
    >>> kappa_sentence(pd.DataFrame({"group": groups * 2, "value": [0.87, 0.32, 0.46, 0.05]}))
    'On 2 things, five models together agree less with people (kappa 0.05 to 0.32) than two people do (0.46 to 0.87).'
    """
    ends = table.groupby("group")["value"].agg(["min", "max", "size"])
    vote, people = ("{:.2f} to {:.2f}".format(*ends.loc[group]) for group in ("vote and people", "two people"))
    things = f"On {ends.loc['two people', 'size']:.0f} things"
    less = ends.loc["vote and people", "max"] < ends.loc["two people", "min"]
    how = "agree less" if less else "do not always agree less"
    return f"{things}, five models together {how} with people (kappa {vote}) than two people do ({people})."


def shares_by_model(judged):
    """The share of papers with each thing, as people agreed and as each model would report it; one row per thing.

    Examples
    --------
    >>> judged = accuracy(side_by_side(ratings.read()), conf=0.95)
    >>> shares_by_model(judged).set_index("name").loc["dataset", ["agreed", MAJORITY]].to_dict()
    {'agreed': 0.5, 'majority of five': 0.09}
    """
    said = judged.pivot(index=["name", "agreed_share"], columns="model", values="said_share")
    said = said.reindex(index=judged["name"].unique(), level="name", columns=judged["model"].unique())
    return said.reset_index().rename(columns={"agreed_share": "agreed"}).rename_axis(columns=None)


def by_variable(both):
    """The rows of `side_by_side` variable by variable, in the order of the people's variables."""
    return [(v, both[both["variable"] == v]) for v in ratings.VARIABLES if (both["variable"] == v).any()]


def majority_agreement(both, *, conf):
    """Share of all comparisons in which the majority of the models agrees with the people; papers are the clusters.

    Examples
    --------
    >>> majority_agreement(side_by_side(ratings.read()), conf=0.95).value
    0.705
    """
    right = both[MAJORITY].eq(both["agreed"]).groupby(both["doi"]).agg(["sum", "size"])
    return clustered_share(right["sum"], right["size"], unit="comparisons", label="agreement", conf=conf)


def shared_errors(both, *, conf, resamples, seed):
    """Do the models err on the same papers, and what does their majority gain?

    Parameters
    ----------
    both : DataFrame, from `side_by_side`
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


def error_sentence(shared) -> str:
    """What the models' errors have in common, in two sentences.

    Examples
    --------
    >>> table = shared_errors(side_by_side(ratings.read()), conf=0.95, resamples=199, seed=1)
    >>> error_sentence(table)[:78]
    'Models err together: in 160 of 800 comparisons all five are wrong, where indep'
    >>> error_sentence(table)[-44:]
    'Their majority never beats the best of them.'
    """
    better = int((shared["majority_accuracy"] > shared["best_accuracy"]).sum())
    beats = "never beats the best of them" if not better else f"beats the best of them on {better} of {len(shared)}"
    wrong, expected = shared["all_wrong"].sum(), shared["expected"].sum()
    return (
        f"Models err together: in {wrong} of {shared['n'].sum()} comparisons all five are wrong, where independent "
        f"errors would give {expected:.0f}. Their majority {beats}."
    )
