"""Design-based supervised learning: what a coder's codes say once people have checked a random part of them.

Each checked paper tells how wrong the coder's guess was, and with the known probability of being checked these errors
add up to the error of the whole frame, whatever the coder gets wrong and where: also if it errs more in some years or
fields, which is what fakes a trend or a difference.

Egami, Hinck, Stewart and Wei (2023), Using imperfect surrogates for downstream inference: design-based supervised
learning for social science applications of large language models, NeurIPS 36.
"""

import math
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from ptmreuse.errors import refuse
from ptmreuse.statistics.estimate import NAN, Estimate, numbers, same_length, undefined, within

FEWEST = 20  # checked papers with the property, and without it, below which no corrected regression is given


class Sample(NamedTuple):
    """A frame of papers, some of them drawn at random within strata and checked by people.

    Parameters
    ----------
    coded : array of str
        The coder's answer to one question, per paper of the frame.
    truth : array of float
        What people found: 1, 0, or NaN where the paper was not checked.
    stratum : array of int
        Number of the paper's stratum, from 0.
    """

    coded: np.ndarray
    truth: np.ndarray
    stratum: np.ndarray

    @property
    def taken(self):
        """Which papers were checked."""
        return ~np.isnan(self.truth)

    @property
    def weight(self):
        """Papers of the frame that a checked paper stands for; 0 where it was not checked."""
        size, n = np.bincount(self.stratum), np.bincount(self.stratum[self.taken])
        return np.where(self.taken, size[self.stratum] / np.maximum(n, 1)[self.stratum], 0.0)


def sample(coded: ArrayLike, truth: ArrayLike, stratum: ArrayLike) -> Sample:
    """A checked frame, with its parts compared; the arguments are those of `Sample`, and strata may have any names.

    Raises
    ------
    StudyError
        If the parts differ in length, or a finding is no 0 or 1.

    Examples
    --------
    >>> found = sample(["yes", "yes", "no", "no"], [1, np.nan, 0, np.nan], ["a", "a", "b", "b"])
    >>> found.weight.tolist()
    [2.0, 0.0, 2.0, 0.0]
    """
    where = "checked papers"
    coded, truth = np.asarray(coded, dtype=object), np.asarray(truth, dtype=float)
    same_length(where, coded, truth, stratum)
    wrong = truth[~np.isnan(truth) & (truth != 0) & (truth != 1)]
    if len(wrong):
        refuse(where, "1, 0 or nothing", f"{wrong[0]:g}", "write yes as 1, no as 0")
    return Sample(coded, truth, pd.factorize(np.asarray(stratum, dtype=object), sort=True)[0])


def _trouble(checked):
    """Why nothing can be corrected, in words; '' if it can."""
    unseen = set(checked.stratum) - set(checked.stratum[checked.taken])
    return "people decided no paper of a stratum" if unseen else ""


def _guess(checked):
    """Per paper the share of yes among the checked papers with the same code: the best guess without checking it."""
    guess, weight = np.empty(len(checked.truth)), checked.weight
    truth = np.nan_to_num(checked.truth)
    overall = (weight * truth).sum() / weight.sum()
    for code in set(checked.coded):
        same = checked.coded == code
        total = weight[same].sum()
        guess[same] = (weight * truth)[same].sum() / total if total else overall
    return guess


def _between(checked, design, error):
    """Covariance of the weighted sum of the checked papers' errors, over repeated drawings within the strata.

    A stratum in which no error was seen has some nevertheless: as many as one in all its checked papers and two more.
    """
    found = np.zeros((design.shape[1],) * 2)
    for number, papers in enumerate(np.bincount(checked.stratum)):
        own = checked.taken & (checked.stratum == number)
        n = int(own.sum())
        if n == papers:
            continue
        rate = 1 / (n + 2)
        spread = rate * (1 - rate) * design[own].T @ design[own] / n
        if np.abs(error[own]).max() > 1e-12 and n > 1:
            spread = np.cov(design[own] * error[own, None], rowvar=False).reshape(found.shape)
        found += papers**2 * (1 - n / papers) / n * spread
    return found


def corrected_logit(
    checked: Sample, x: ArrayLike, *, conf: float = 0.95, groups: ArrayLike | None = None, label: str = "odds ratio"
) -> Estimate:
    """Odds ratio per unit of x, from a coder's codes and a random sample checked by people.

    Parameters
    ----------
    checked : Sample
    x : array-like
        One number per paper of the frame: its year, or 1 if it lies in a field and 0 otherwise.
    conf : float
    groups : array-like, optional
        Years: variation between them beyond chance then widens the interval (quasi-likelihood, Student's t).
    label : str

    Returns
    -------
    Estimate
        `detail` has b1, se, dispersion and checked (papers). NaN with its reason where fewer than `FEWEST` checked
        papers have the property, or lack it, or where the logit has no finite solution.

    Notes
    -----
    Solves sum of x (y - expected) = 0 with y the guess from the code, plus, for a checked paper, its error times the
    inverse of its probability. Variance: that of papers like these, plus that of drawing the checked ones (two-phase).

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> year, truth = np.repeat(np.arange(10), 200), rng.random(2000) < 0.3
    >>> coded = np.where(truth | (rng.random(2000) < 0.03 * year), "yes", "no")  # ever more wrong yes
    >>> found = sample(coded, np.where(rng.random(2000) < 0.3, truth, np.nan), coded)
    >>> corrected_logit(found, year).sentence[:37]
    'odds ratio 1.00, 95 % CI [0.96, 1.05]'
    """
    where = "corrected_logit"
    conf = within(f"{where}, conf", conf, closed=False)
    x = numbers(f"{where}, x", x)
    same_length(where, checked.truth, x)
    n, yes = int(checked.taken.sum()), int(np.nansum(checked.truth))
    nothing: dict[str, Any] = {"conf": conf, "label": label, "scale": "number"}
    if _trouble(checked):
        return undefined(n, "papers", _trouble(checked), **nothing)
    if min(yes, n - yes) < FEWEST:
        few = "have it" if yes < FEWEST else "lack it"
        return undefined(n, "papers", f"fewer than {FEWEST} checked papers {few}", **nothing)
    if len(set(x.tolist())) < 2:
        return undefined(n, "papers", "all papers are alike in what is compared", **nothing)
    weight, guess, truth = checked.weight, _guess(checked), np.nan_to_num(checked.truth)
    outcome = guess + weight * (truth - guess)
    centre = x.mean()
    design = np.column_stack([np.ones(len(x)), x - centre])
    slopes = _solved(design, outcome)
    if slopes is None:
        return undefined(n, "papers", "no finite odds ratio: the property lies on one side", **nothing)
    expected = 1 / (1 + np.exp(-(design @ slopes)))
    bread = np.linalg.inv(design.T @ (design * (expected * (1 - expected))[:, None]))
    error = truth - guess
    meat = np.linalg.inv(bread) + _between(checked, design, error)
    se = math.sqrt((bread @ meat @ bread)[1, 1])
    dispersion, quantile = 1.0, float(stats.norm.ppf((1 + conf) / 2))
    if groups is not None:
        dispersion, df = _dispersion(checked, np.asarray(groups), outcome, expected, error)
        se *= math.sqrt(dispersion)
        quantile = float(stats.t.ppf((1 + conf) / 2, df)) if df else NAN
    b1 = float(slopes[1])
    low, high = (float(np.exp(b1 + sign * quantile * se)) for sign in (-1, 1))
    detail = {"b1": b1, "se": se, "dispersion": dispersion, "checked": n}
    method = "design-based supervised learning"
    return Estimate(float(np.exp(b1)), low, high, conf, method, n, detail=detail, label=label, scale="number")


def _solved(design, outcome):
    """Newton's solution of the logit's score equation, None if it runs away."""
    slopes = np.zeros(2)
    for _ in range(50):
        expected = 1 / (1 + np.exp(-np.clip(design @ slopes, -30, 30)))
        information = design.T @ (design * (expected * (1 - expected))[:, None])
        if np.linalg.cond(information) > 1e12:
            return None
        step = np.linalg.solve(information, design.T @ (outcome - expected))
        slopes = slopes + np.clip(step, -5, 5)
        if np.abs(step).max() < 1e-10:
            return slopes
    return None


def _dispersion(checked, groups, outcome, expected, error):
    """How much more the groups differ than chance explains (at least 1), and the degrees of freedom."""
    names = sorted(set(groups.tolist()))
    inside = np.column_stack([groups == name for name in names]).astype(float)
    apart = inside.T @ (outcome - expected)
    variance = inside.T @ (expected * (1 - expected)) + np.diag(_between(checked, inside, error))
    df = len(names) - 2
    return (max(1.0, float((apart**2 / variance).sum() / df)), df) if df > 0 else (1.0, 0)


def corrected_ratio(part: Sample, whole: Sample, *, conf: float = 0.95, label: str = "share") -> Estimate:
    """Share of the papers with one property that have another, such as reusing papers that adapt a model.

    Parameters
    ----------
    part, whole : Sample
        The two questions on the same frame and drawing; who has `part` has `whole`.
    conf, label
        As in `shares.proportion`.

    Returns
    -------
    Estimate
        Limits of a logit with Student's t. NaN where fewer than `FEWEST` checked papers have `whole`, or where none or
        all of them have `part`.

    Examples
    --------
    >>> coded, one, rest = ["yes"] * 90, ["all"] * 90, [np.nan] * 30
    >>> whole, part = (sample(coded, [1.0] * k + [0.0] * (60 - k) + rest, one) for k in (30, 12))
    >>> corrected_ratio(part, whole).sentence
    'share 40.0 %, 95 % CI [30.2, 50.7] (design-based supervised learning), 12 of 30 papers'
    """
    conf = within("corrected_ratio, conf", conf, closed=False)
    n, k = int(np.nansum(whole.truth)), int(np.nansum(part.truth))
    trouble = _trouble(whole) or _trouble(part)
    if n < FEWEST:
        trouble = trouble or f"fewer than {FEWEST} checked papers have it"
    if not 0 < k < n:
        trouble = trouble or "the checked papers are all alike"
    if trouble:
        return undefined(n, "papers", trouble, conf=conf, label=label)
    totals, errors = [], []
    for question in (part, whole):
        guess, weight, truth = _guess(question), question.weight, np.nan_to_num(question.truth)
        totals.append(float((guess + weight * (truth - guess)).sum()))
        errors.append(truth - guess)
    value = totals[0] / totals[1]
    if not 0 < value < 1:
        return undefined(n, "papers", "the correction leaves 0 to 1: too few checked papers", conf=conf, label=label)
    apart = errors[0] - value * errors[1]
    se = math.sqrt(float(_between(whole, np.ones((len(apart), 1)), apart)[0, 0])) / totals[1]
    df = int(whole.taken.sum()) - len(np.bincount(whole.stratum))
    if se < 1e-12:
        reason = "no interval: every paper was checked"
        return Estimate(value, conf=conf, n=n, reason=reason, detail={"se": 0.0}, label=label)
    half = float(stats.t.ppf((1 + conf) / 2, df)) * se / (value * (1 - value))
    low, high = (1 / (1 + math.exp(-(math.log(value / (1 - value)) + sign * half))) for sign in (-1, 1))
    detail = {"se": se, "k": k if abs(k - value * n) < 1e-9 else NAN}
    return Estimate(value, low, high, conf, "design-based supervised learning", n, detail=detail, label=label)


def cells(checked: Sample, inside: ArrayLike | None = None) -> pd.DataFrame:
    """Papers, checked papers and yes among them, per stratum and code: what `coder_error.two_phase` asks for.

    A paper's code is known for the whole frame, so a stratum is divided by it (post-stratification).

    Parameters
    ----------
    checked : Sample
    inside : array of bool, optional
        The papers that are asked about, such as those of one field.

    Returns
    -------
    DataFrame
        N, n, k, positive (the coder said yes).
    """
    frame = pd.DataFrame({"stratum": checked.stratum, "coded": checked.coded, "yes": checked.truth, "n": checked.taken})
    frame = frame if inside is None else frame[np.asarray(inside)]
    table = frame.groupby(["stratum", "coded"]).agg(N=("n", "size"), n=("n", "sum"), k=("yes", "sum")).reset_index()
    table = table.assign(positive=table["coded"] == "yes").astype({"n": "int64", "k": "int64"})
    return table[["N", "n", "k", "positive"]]
