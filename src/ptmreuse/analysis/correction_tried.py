"""Correction at work: what people's codes of some papers make of a machine's share, where the right answer is known.

On the papers that people coded, a drawn part stands for the checked sample and the rest is predicted from it. On papers
of another search the same correction is refused: the machine's errors there are not known.
"""

import math

import numpy as np
import pandas as pd

from ptmreuse import wording
from ptmreuse.analysis.machines import MAJORITY, by_variable
from ptmreuse.errors import refuse
from ptmreuse.evidence import ratings
from ptmreuse.statistics import coder_error
from ptmreuse.statistics.estimate import whole_counts
from ptmreuse.statistics.shares import difference, stratified_share

# Checked papers drawn at random; within the machine's yes and no; at random, with the machine's answers to the rest.
METHODS = ("people alone", "two-phase", "prediction-powered")
ELSEWHERE = "refused: the checked papers were not drawn from these papers, so how a machine errs on these is not known"


def splits(both, *, labelled=40, repetitions=1000, conf, seed):
    """Draw the checked papers again and again where people coded all, and count how often each interval is right.

    Parameters
    ----------
    both : DataFrame, from `machines.side_by_side`
        The answers of the models' majority are corrected.
    labelled : int
        Papers that people check in each draw.
    repetitions : int
    conf, seed

    Returns
    -------
    DataFrame
        One row per variable and method of `METHODS`: variable, name, n, agreed (the share by the people, which is the
        right answer), naive (by the machine), method, mean, low and high (means over the draws), covers (of the draws
        with an interval, the share that holds the right answer), width (mean), without (share of draws without one).

    Notes
    -----
    Two-phase and people alone take into account that much of this small population is drawn; PPI++ does not, so its
    intervals are wider than they need to be.

    Examples
    --------
    >>> from ptmreuse.analysis.machines import side_by_side
    >>> table = splits(side_by_side(ratings.read()), repetitions=50, conf=0.95, seed=1)
    >>> table[["name", "agreed", "naive", "method"]].head(2).to_numpy().tolist()
    [['dataset', 0.5, 0.09, 'people alone'], ['dataset', 0.5, 0.09, 'two-phase']]
    """
    labelled, repetitions = (int(whole_counts("splits", x, 0, at_least=1)) for x in (labelled, repetitions))
    rng, rows = np.random.default_rng(seed), []
    for variable, part in by_variable(both):
        truth, said = (part["agreed"] == "yes").to_numpy(), (part[MAJORITY] == "yes").to_numpy()
        if labelled >= len(part):
            refuse(
                "splits, labelled", f"fewer checked papers than the {len(part)} of {ratings.VARIABLES[variable]}",
                str(labelled), "leave some papers to be predicted",
            )  # fmt: skip
        cells = np.array([[(truth == t) & (said == s) for s in (True, False)] for t in (True, False)]).sum(axis=2)
        same = {"variable": variable, "name": ratings.VARIABLES[variable], "n": len(part)}
        same |= {"agreed": float(truth.mean()), "naive": float(said.mean())}
        for method, found in _estimates(cells, labelled, repetitions, conf, rng).items():
            rows.append(same | {"method": method} | _score(found, same["agreed"]))
    return pd.DataFrame(rows)


def _estimates(cells, labelled, repetitions, conf, rng):
    """Per method the estimates of all draws, as (estimate, how often); equal draws are computed once."""
    total, said = int(cells.sum()), cells.sum(axis=0)
    random = rng.multivariate_hypergeometric(cells.ravel(), labelled, size=repetitions)
    strata = said > 0
    yes = int(np.clip(labelled // 2, labelled - said[1], said[0]))
    n = np.array([yes, labelled - yes])[strata]
    within = np.stack([rng.hypergeometric(*cells[:, j], m, size=repetitions) if m else np.zeros(repetitions, int)
                       for j, m in zip(np.flatnonzero(strata), n, strict=True)], axis=1)  # fmt: skip

    def alone(k):
        return stratified_share([total], [labelled], [int(k)], conf=conf)

    def two_phase(k):
        return stratified_share(said[strata], n, k, conf=conf)  # the prevalence of `coder_error.two_phase`

    def powered(table):
        rest = (cells.ravel() - table).reshape(2, 2).sum(axis=0)
        return coder_error.ppi_share(table.reshape(2, 2), rest, conf=conf)

    drawn = (random[:, :2].sum(axis=1, keepdims=True), within, random)
    found = {}
    for method, of_draw, draws in zip(METHODS, (alone, two_phase, powered), drawn, strict=True):
        kinds, times = np.unique(draws, axis=0, return_counts=True)
        found[method] = [(of_draw(kind if len(kind) > 1 else kind[0]), t) for kind, t in zip(kinds, times, strict=True)]
    return found


def _score(found, truth):
    value, low, high, times = np.array([(e.value, e.low, e.high, t) for e, t in found]).T
    told = ~np.isnan(low) & ~np.isnan(high)
    weight = times * told
    if not told.any():
        return dict.fromkeys(("mean", "low", "high", "covers", "width"), math.nan) | {"without": 1.0}
    within = (low - 1e-12 <= truth) & (truth <= high + 1e-12)
    middle, lower, upper = (float(np.average(x[told], weights=times[told])) for x in (value, low, high))
    covers, without = float((weight * within).sum() / weight.sum()), float(1 - weight.sum() / times.sum())
    row = {"mean": middle, "low": lower, "high": upper, "covers": covers, "width": upper - lower}
    return row | {"without": without}


def elsewhere(found, both, *, conf):
    """What the models say of papers from another search, and why no correction of it can be trusted.

    Parameters
    ----------
    found : Ratings
    both : DataFrame, from `machines.side_by_side`
    conf : float

    Returns
    -------
    DataFrame
        One row per variable and model: name, model, here and there (share of yes among the papers that people coded
        and among the others), shift with low and high (there less here), formula (what Rogan-Gladen would print if the
        errors were the same), possible (whether that is a share at all).

    Examples
    --------
    >>> from ptmreuse.analysis.machines import side_by_side
    >>> read = ratings.read()
    >>> table = elsewhere(read, side_by_side(read), conf=0.95)
    >>> len(table), int((table["possible"] == "no").sum())
    (40, 19)
    """
    rows, others = [], found.machines[~found.machines["checked"]]
    for variable, part in by_variable(both):
        rest, truth = others[others["variable"] == variable], part["agreed"] == "yes"
        for model in found.models:
            said, there = part[model] == "yes", rest[model] == "yes"
            shift = difference(int(there.sum()), len(there), int(said.sum()), len(said), conf=conf)
            formula = _formula(float(there.mean()), (truth & said).sum() / truth.sum(),
                               1 - (~truth & said).sum() / (~truth).sum())  # fmt: skip
            shares = (float(said.mean()), float(there.mean()), shift.value, shift.low, shift.high, formula)
            rows.append((ratings.VARIABLES[variable], model, *shares, "yes" if 0 <= formula <= 1 else "no"))
    return pd.DataFrame(rows, columns=["name", "model", "here", "there", "shift", "low", "high", "formula", "possible"])


def _formula(share, sensitivity, specificity):
    """Rogan and Gladen's formula as it is; NaN for a coder no better than chance."""
    better = sensitivity + specificity - 1
    return (share + specificity - 1) / better if better > 0 else math.nan


def study_range(judged, facts):
    """What the published shares could be if the study's coder erred as one of these models does on one of these things.

    Parameters
    ----------
    judged : DataFrame, from `machines.accuracy`
    facts : DataFrame, from `study.published`

    Returns
    -------
    DataFrame
        One row per published share: share (what it is), published, pairs (of sensitivity and specificity), possible
        (pairs under which some true share gives the published one), lowest, middle (median) and highest true share.

    Examples
    --------
    >>> from ptmreuse.analysis.machines import accuracy, side_by_side
    >>> from ptmreuse.evidence import study
    >>> judged = accuracy(side_by_side(ratings.read()), conf=0.95)
    >>> study_range(judged, study.published())[["pairs", "possible"]].to_numpy().tolist()
    [[40, 6], [40, 15], [40, 15]]
    """
    v = facts["value"]
    shares = {
        "uses deep learning, May 2026": v["may2026_uses_dl"] / v["may2026_full_text"],
        "reuses a model, May 2026": v["may2026_reuse_papers"] / v["may2026_full_text"],
        "reuses a model, v1": v["v1_reuse_papers"] / v["v1_natural_science"],
    }
    pairs = judged.loc[judged["model"] != MAJORITY, ["sensitivity", "specificity"]].to_numpy()
    rows = []
    for share, published in shares.items():
        true = np.array([_formula(published, *pair) for pair in pairs])
        true = true[(true >= 0) & (true <= 1)]
        low, middle, high = np.quantile(true, [0, 0.5, 1]) if len(true) else (math.nan,) * 3
        rows.append(
            {"share": share, "published": float(published), "pairs": len(pairs), "possible": len(true),
             "lowest": float(low), "middle": float(middle), "highest": float(high)}
        )  # fmt: skip
    return pd.DataFrame(rows)


# For the page ------------------------------------------------------------------------------------------------


def splits_wide(table):
    """One row per thing of `splits`: the shares, then how often each method's interval is right and how wide it is.

    Examples
    --------
    >>> from ptmreuse.analysis.machines import side_by_side
    >>> splits_wide(splits(side_by_side(ratings.read()), repetitions=20, conf=0.95, seed=1)).shape
    (8, 9)
    """
    wide = table[table["method"] == "two-phase"][["name", "agreed", "naive"]].reset_index(drop=True)
    for column, word, times in (("covers", "right", 1), ("width", "points wide", 100)):
        for method in METHODS:
            wide[f"{word}, {method}"] = times * table.loc[table["method"] == method, column].to_numpy()
    return wide


def splits_forest(table):
    """The rows of `splits` as a figure shows them: both shares, and corrected ones that are given, with mean limits.

    Examples
    --------
    >>> from ptmreuse.analysis.machines import side_by_side
    >>> table = splits_forest(splits(side_by_side(ratings.read()), repetitions=20, conf=0.95, seed=1))
    >>> table["group"].unique().tolist()
    ['people', 'machine', 'two-phase', 'prediction-powered']
    """
    rows = []
    for name, part in table.groupby("name", sort=False):
        first = part.iloc[0]
        rows += [(name, name, "people", first["agreed"], first["agreed"], first["agreed"])]
        rows += [("", name, "machine", first["naive"], first["naive"], first["naive"])]
        corrected = part[(part["method"] != "people alone") & part["mean"].notna()]
        rows += [("", name, *row) for row in corrected[["method", "mean", "low", "high"]].itertuples(index=False)]
    return pd.DataFrame(rows, columns=["label", "thing", "group", "value", "low", "high"])


def splits_sentence(table) -> str:
    """What the checked papers repair, and what they cost, in two sentences; `table` is from `splits`."""
    wide = splits_wide(table)
    off = (wide["naive"] - wide["agreed"]).abs()
    covers = table.loc[table["method"] != "people alone", "covers"]
    ratio = wide["points wide, two-phase"] / wide["points wide, people alone"]
    share = wording.percent
    return (
        f"Uncorrected, the machine's share is off by {100 * off.min():.0f} to {100 * off.max():.0f} points; corrected, "
        f"the interval holds the right answer in {share(covers.min(), 0)} to {share(covers.max(), 0)} of the draws. "
        f"These machines err so often that the two-phase interval is {ratio.min():.2f} to {ratio.max():.2f} times as "
        "wide as that of the checked papers without any machine."
    )


def elsewhere_by_thing(table):
    """One row per thing of `elsewhere`: the ranges over the models.

    Returns
    -------
    DataFrame
        name, here_low, here_high, there_low, there_high, moved (models whose share of yes differs beyond chance),
        impossible (models for which the formula gives no share), corrected (why there is no corrected share).

    Examples
    --------
    >>> from ptmreuse.analysis.machines import side_by_side
    >>> read = ratings.read()
    >>> elsewhere_by_thing(elsewhere(read, side_by_side(read), conf=0.95))["moved"].tolist()
    [2, 4, 5, 5, 5, 5, 3, 5]
    """
    beyond = table.assign(moved=(table["low"] > 0) | (table["high"] < 0), impossible=table["possible"] == "no")
    ranges = beyond.groupby("name", sort=False, as_index=False).agg(
        here_low=("here", "min"), here_high=("here", "max"), there_low=("there", "min"), there_high=("there", "max"),
        moved=("moved", "sum"), impossible=("impossible", "sum"),
    )  # fmt: skip
    return ranges.assign(corrected=ELSEWHERE)


def elsewhere_sentence(table) -> str:
    """Why nothing is corrected on papers of another search, in one sentence; `table` is from `elsewhere`.

    Examples
    --------
    >>> from ptmreuse.analysis.machines import side_by_side
    >>> read = ratings.read()
    >>> elsewhere_sentence(elsewhere(read, side_by_side(read), conf=0.95))
    'Carried over to the papers of another search, the errors measured here give no possible share in 19 of 40 cases.'
    """
    impossible = int((table["possible"] == "no").sum())
    return (
        "Carried over to the papers of another search, the errors measured here give no possible share in "
        f"{impossible} of {len(table)} cases."
    )


def range_sentence(table) -> str:
    """What the study's reuse could be under errors as large as those seen here; `table` is from `study_range`."""
    row = table.loc[table["share"] == "reuses a model, May 2026"].iloc[0]
    share = wording.percent
    return (
        "If the study's machine erred as other models do on other papers, the "
        f"{share(row['published'])} of papers that it says reuse a model could be anything from "
        f"{wording.whole_percents((row['lowest'], row['highest']))} in truth."
    )
