"""Calibration: do the book's intervals hold the truth, and do its tests reject, as often as they say?

Every function that a chapter prints an interval or a p value of is tried on data of known truth, at the size at which
the chapter uses it and on shapes that hurt: rare answers, few papers, papers that hold most of the pairs, years that
differ by more than chance. *Traps* are calculations that the book avoids, in the same table.
"""

import zlib
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats
from tqdm import tqdm

from ptmreuse import paths
from ptmreuse.analysis import known_truth
from ptmreuse.errors import refuse
from ptmreuse.evidence import study
from ptmreuse.statistics import agreement, shares

TABLE = paths.MEASURED / "calibration.csv"
SEED, REPETITIONS = 20260313, 2000
FIRST = 5  # the table also keeps the hits of so many first repetitions, which a test makes again
LEVEL = 0.05
ACCEPTED = 0.99  # central probability of the counts with which a row holds: a true 92 % does not pass


# Checks ------------------------------------------------------------------------------------------------


class Check(NamedTuple):
    """One row of the table: what is checked, where the book uses it, on what."""

    label: str
    function: str
    chapter: str
    sample: str
    draw: partial
    measure: str = "coverage"  # or rejection, power
    trap: bool = False  # what the book does not do


PILOT = (1,) * 16 + (2, 3, 3, 5, 5, 5, 8)  # pairs of the 23 reusing papers of the pilot
GIANT = (1,) * 39 + (25,)
REUSE = -1.6 + 0.45 * (known_truth.YEARS - 2019)  # as in the pilot: from few to half of the papers
SINCE = -1.2 + 0.1 * np.arange(8)
FLAT, RARE = np.full(11, -1.4), np.full(11, -3.3)
FRAME = np.array([60, 70, 80, 90, 110, 130, 150, 180, 220, 200, 100])
LABELS = (631, 4000, 12880)  # the coder's yes, deep learning only, no

_A = "shares.proportion"
_S = "shares.standardised_share"
_P = "shares.clustered_share"
_T = "trend.trend"
_K = "agreement.agreement"
_E = "coder_error.two_phase"
_TEN = "10 papers a year, 11 years"
_23 = "23 papers, pairs as in the pilot"

CHECKS = (
    Check("Share of papers", _A, "1, 3", "110 papers, 21 %", partial(known_truth.share, n=110, p=0.209)),
    Check("Share of few papers", _A, "1, 3", "39 papers, 59 %", partial(known_truth.share, n=39, p=0.59)),
    Check("Share of the papers of a year", _A, "3", "10 papers, 20 %", partial(known_truth.share, n=10, p=0.2)),
    Check("Share of a release", _A, "3", "17,511 papers, 3.6 %", partial(known_truth.share, n=17511, p=0.036)),
    Check("Difference of two releases", "shares.difference", "3", "17,511 and 4,384 papers, 3.6 % and 14 %",
          partial(known_truth.difference, n1=17511, p1=0.036, n2=4384, p2=0.144)),
    Check("Difference of two shares", "shares.difference", "2", "100 and 100 papers, 9 % and 28 %",
          partial(known_truth.difference, n1=100, p1=0.09, n2=100, p2=0.28)),
    Check("Year-standardised share", _S, "1", f"{_TEN}, rising as in the pilot",
          partial(known_truth.standardised, n=10, p=known_truth.logistic(REUSE), weights=np.ones(11))),
    Check("Year-standardised share, rare", _S, "1", f"{_TEN}, .2 to 4 %",
          partial(known_truth.standardised, n=10, p=np.linspace(0.002, 0.04, 11), weights=np.ones(11))),
    Check("Year-standardised share, growing frame", _S, "1", f"{_TEN}, weights 1 to 11",
          partial(known_truth.standardised, n=10, p=known_truth.logistic(REUSE), weights=np.arange(1, 12))),
    Check("Raw share for a growing frame", _A, "none", f"{_TEN}, weights 1 to 11",
          partial(known_truth.standardised, n=10, p=known_truth.logistic(REUSE), weights=np.arange(1, 12), raw=True),
                  trap=True),
    Check("Share of the pilot's frame", "shares.stratified_share", "3", "11 strata of 60 to 220, 10 of each, rising",
          partial(known_truth.stratified, sizes=FRAME, drawn=np.full(11, 10), p=known_truth.logistic(REUSE))),
    Check("Share of the pilot's frame, rare", "shares.stratified_share", "3", "11 strata of 60 to 220, 10 of each, 3 %",
          partial(known_truth.stratified, sizes=FRAME, drawn=np.full(11, 10), p=np.full(11, 0.03))),
    Check("Share from many strata, rare", "shares.stratified_share", "1", "44 strata of 40, 10 of each, 5 %",
          partial(known_truth.stratified, sizes=np.full(44, 40), drawn=np.full(44, 10), p=np.full(44, 0.05))),
    Check("Share of pairs", _P, "2, 3, 4", f"{_23}, alike .3",
          partial(known_truth.pairs, sizes=PILOT, p=0.45, alike=0.3)),
    Check("Share of pairs, rare", _P, "2", f"{_23}, alike .3",
          partial(known_truth.pairs, sizes=PILOT, p=0.15, alike=0.3)),
    Check("Share of pairs, few papers hold most", _P, "2, 3, 4", "23 papers, sizes by a power law, alike .5",
          partial(known_truth.pairs, sizes=partial(known_truth.zipf, 23), p=0.45, alike=0.5)),
    Check("Share of pairs, a release", _P, "2, 3, 4", "631 papers, sizes by a power law, alike .5",
          partial(known_truth.pairs, sizes=partial(known_truth.zipf, 631), p=0.7, alike=0.5)),
    Check("Share of pairs, one giant paper", _P, "2, 3, 4", "40 papers, one with 25 of 64 pairs, alike .5",
          partial(known_truth.pairs, sizes=GIANT, p=0.45, alike=0.5)),
    Check("Share of pairs as if independent", _A, "none", f"{_23}, alike .3",
          partial(known_truth.pairs, sizes=PILOT, p=0.45, alike=0.3, naive=True), trap=True),
    Check("Trend, all years", _T, "3", f"{_TEN}, rising as in the pilot",
          partial(known_truth.years, n=10, shape=REUSE)),
    Check("Trend, since deep learning", _T, "3", "10 papers a year, 8 years",
          partial(known_truth.years, n=10, shape=SINCE)),
    Check("Trend given deep learning", _T, "3", "5 papers a year, 8 years",
          partial(known_truth.years, n=5, shape=SINCE + 1.4)),
    Check("Trend, few papers, years that differ", _T, "3", "10 papers a year, 8 years, year effect .5",
          partial(known_truth.years, n=10, shape=SINCE, apart=0.5)),
    Check("Trend, 100 papers a year that differ", _T, "3", "100 papers a year, year effect .3",
          partial(known_truth.years, n=100, shape=FLAT, apart=0.3)),
    Check("Trend of a release, years that differ", _T, "3", "1,600 papers a year, 3.5 %, year effect .3",
          partial(known_truth.years, n=1600, shape=RARE, apart=0.3)),
    Check("Trend as if years differed by chance alone", _T, "none", "100 papers a year, year effect .3",
          partial(known_truth.years, n=100, shape=FLAT, apart=0.3, wald=True), trap=True),
    Check("A trend over years", _T, "3", f"{_TEN}, none, year effect .3",
          partial(known_truth.years, n=10, shape=FLAT, apart=0.3, test=True), "rejection"),
    Check("A trend over the years of a release", _T, "3", "400 papers a year, none, year effect .2",
          partial(known_truth.years, n=400, shape=FLAT, apart=0.2, test=True), "rejection"),
    Check("The trend is not linear", _T, "3", "100 papers a year, linear, year effect .3",
          partial(known_truth.years, n=100, shape=FLAT + 0.1 * np.arange(11), apart=0.3, bent=True), "rejection"),
    Check("Raw agreement", _K, "2", "100 papers, prevalence 20 %",
          partial(known_truth.raters, n=100, prevalence=0.2, sensitivity=0.9, specificity=0.95, measure="raw")),
    *(
        Check(f"{agreement.LABELS[m]}{word}", _K, "2", f"{n} papers, prevalence {100 * prevalence:g} %",
              partial(known_truth.raters, n=n, prevalence=prevalence, sensitivity=sens, specificity=spec, measure=m))
        for n, prevalence, sens, spec, word in (
            (40, 0.4, 0.95, 0.95, ", 40 papers"), (100, 0.2, 0.9, 0.95, ""), (100, 0.09, 0.7, 0.98, ", rare"),
            (110, 0.05, 0.08, 0.95, ", rare, guessed"),
        )
        for m in ("kappa", "alpha", "ac1")
    ),
    Check("Cohen's kappa, Wald", _K, "none", "100 papers, prevalence 9 %",
          partial(known_truth.raters, n=100, prevalence=0.09, sensitivity=0.7, specificity=0.98, measure="wald"),
                  trap=True),
    Check("F1 and specific agreement", "coder_error.coder_accuracy", "2", "110 papers, prevalence 21 %",
          partial(known_truth.f1, n=110, prevalence=0.21, sensitivity=0.9, specificity=0.95)),
    Check("F1 and specific agreement, rare", "coder_error.coder_accuracy", "2", "100 papers, prevalence 5 %",
          partial(known_truth.f1, n=100, prevalence=0.05, sensitivity=0.7, specificity=0.98)),
    *(
        Check(f"Corrected {m}" if m == "prevalence" else f"{m.capitalize()}, weighted", _E, "3",
              "150, 200 and 300 papers checked of 631, 4,000 and 12,880",
              partial(known_truth.phases, sizes=LABELS, drawn=(150, 200, 300), p=(0.9, 0.02, 0.002), measure=m))
        for m in ("prevalence", "sensitivity", "specificity")
    ),
    *(
        Check(f"{m.capitalize()}, every yes checked", _E, "3", "631 of 631 and 1,000 of 16,880 papers checked",
              partial(known_truth.phases, sizes=(631, 16880), drawn=(631, 1000), p=(0.89, 0.009), measure=m))
        for m in ("sensitivity", "specificity")
    ),
    *(
        Check(f"Prediction-powered share, {100 * prevalence:g} %", "coder_error.ppi_share", "3",
              f"{n} labelled, {rest:,} more", partial(known_truth.powered, labelled=n, rest=rest, prevalence=prevalence,
                                                      sensitivity=0.85, specificity=0.97))
        for n, rest, prevalence in ((50, 50, 0.4), (300, 4000, 0.2), (300, 17000, 0.036))
    ),
    *(
        Check(f"Rank of model {place} of 30", "ranks.rank_intervals", "2", "900 instances",
              partial(known_truth.rank_of_model, models=30, n=900, steep=1.0, place=place))
        for place in (1, 5, 15, 30)
    ),
    *(
        Check(f"Rank of the {word} pattern", "patterns.rank", "2, 4", f"{_23}, 48, 33 and 19 %",
              partial(known_truth.rank_of_pattern, sizes=PILOT, mix=(0.48, 0.33, 0.19), place=place))
        for place, word in ((1, "first"), (2, "second"))
    ),
    Check("A pattern leads", "patterns.lead_over", "3", f"{_23}, 40, 40 and 20 %",
          partial(known_truth.lead, sizes=PILOT, mix=(0.4, 0.4, 0.2)), "rejection"),
    Check("Fields differ in patterns", "overlap.multi_select", "4", "200 papers, no effect",
          partial(known_truth.fields, n=200), "rejection"),
    Check("Fields differ in patterns, Rao-Scott", "overlap.multi_select", "4", "200 papers, no effect",
          partial(known_truth.fields, n=200, measure="rao_scott"), "rejection"),
    Check("Fields that differ are found", "overlap.multi_select", "4", "200 papers, one field 25 points apart",
          partial(known_truth.fields, n=200, bound=0.25), "power"),
)  # fmt: skip


def calibrate(seed, repetitions, *, checks=None, workers=1):
    """Measured coverage and false-positive rates of the functions that the book uses (data kind: simulated).

    Parameters
    ----------
    seed, repetitions : int
        The first repetitions are the same however many follow.
    checks : sequence of str, optional
        Labels of the checks to make; all by default.
    workers : int
        Processes; the result does not depend on it.

    Returns
    -------
    DataFrame
        One row per check: the first five columns of `Check` (chapter: where the book prints it), nominal, repetitions
        (with a result), undefined (without), hits, first_hits (in the first five), value (hits/repetitions), low, high
        (Clopper-Pearson), too_low, too_high (intervals that lie below or above the truth), least, most (the central 99
        % of rates if the nominal one is true), holds (yes: coverage not below `least`, or rejection not above `most`;
        no; trap; not judged) and remark.

    Raises
    ------
    StudyError
        On an unknown check, or less than one repetition.

    Examples
    --------
    >>> table = calibrate(1, 4, checks=["Raw agreement"])
    >>> table["function"].tolist(), int(table["repetitions"].iloc[0])
    (['agreement.agreement'], 4)
    """
    known = {check.label: check for check in CHECKS}
    labels = list(known) if checks is None else list(checks)
    unknown = [label for label in labels if label not in known]
    if unknown or repetitions < 1:
        found = f"{repetitions} of {', '.join(unknown or labels[:3])}"
        refuse("calibrate", "one repetition or more of checks in CHECKS", found, "correct the call")
    once = partial(_outcomes, seed=seed, repetitions=repetitions)
    bar = {"desc": "calibrate", "unit": "check", "total": len(labels)}
    if workers == 1:
        made = list(tqdm(map(once, labels), **bar))
    else:
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            made = list(tqdm(pool.map(once, labels), **bar))
    return pd.DataFrame([_row(known[label], outcomes) for label, outcomes in zip(labels, made, strict=True)])


def _outcomes(label, seed, repetitions):
    """Of each repetition: 0 a hit, -1 an interval below the truth, 1 one above (or no rejection), NaN undefined."""
    check = next(c for c in CHECKS if c.label == label)
    key = zlib.crc32(label.encode())
    return [_outcome(check, np.random.default_rng((seed, key, number))) for number in range(repetitions)]


def _outcome(check, rng):
    if check.measure != "coverage":
        p = check.draw(rng)
        return np.nan if p is None else float(p > LEVEL)
    found, truth = check.draw(rng)
    if np.isnan([found.value, found.low, found.high]).any():
        return np.nan
    # A hair of tolerance: a limit computed to be the truth itself holds it.
    return float(found.low > truth + 1e-12) - float(found.high < truth - 1e-12)


def _row(check, outcomes):
    outcomes = np.array(outcomes)
    made = outcomes[~np.isnan(outcomes)]
    n, hits = len(made), int((made == 0).sum())
    rate = shares.proportion(hits, n, unit="repetitions", method="beta")
    nominal = {"coverage": known_truth.CONF, "rejection": LEVEL, "power": np.nan}[check.measure]
    covers = check.measure == "coverage"
    least = most = np.nan
    holds, remark = "not judged", ""
    if n and check.measure != "power":
        few, many = (int(stats.binom.ppf(q, n, nominal)) for q in ((1 - ACCEPTED) / 2, (1 + ACCEPTED) / 2))
        least, most = few / n, many / n
        wrong, careful = (hits < few, hits > many) if covers else (hits > many, hits < few)
        holds = "trap" if check.trap else "no" if wrong else "yes"
        if careful:
            remark = "wider than need be" if covers else "rejects less often than it may"
    return {
        **{name: getattr(check, name) for name in ("label", "function", "chapter", "sample", "measure")},
        "nominal": nominal,
        "repetitions": n,
        "undefined": len(outcomes) - n,
        "hits": hits,
        "first_hits": int((outcomes[:FIRST] == 0).sum()),
        "value": rate.value,
        "low": rate.low,
        "high": rate.high,
        "too_low": (made == -1).mean() if covers and n else np.nan,
        "too_high": (made == 1).mean() if covers and n else np.nan,
        "least": least,
        "most": most,
        "holds": holds,
        "remark": remark,
    }


# The table ---------------------------------------------------------------------------------------------


def write_table(path=TABLE, *, seed=SEED, repetitions=REPETITIONS, workers=2, checks=None) -> pd.DataFrame:
    """Calibrate and write the table; the same seed writes the same bytes."""
    table = calibrate(seed, repetitions, checks=checks, workers=workers)
    # Six digits: more would be noise of the machine's arithmetic.
    table.to_csv(path, index=False, lineterminator="\n", float_format="%.6g")
    return table


def read_table(path=TABLE) -> pd.DataFrame:
    """The committed table: as `calibrate`, to six digits."""
    table = study.read_csv(path)
    texts = ("label", "function", "chapter", "sample", "measure", "holds", "remark")
    return table.assign(**{c: pd.to_numeric(table[c]) for c in table.columns if c not in texts})


def judged(table) -> pd.DataFrame:
    """The rows that had to hold: neither power nor methods shown for contrast."""
    return table[table["holds"].isin(["yes", "no"])]


def contrast(table, measure):
    """The rows of one measure for a figure: of those that hold the lowest and the highest, of the others all.

    Examples
    --------
    >>> contrast(read_table(), "rejection")["label"].str.partition(":")[0].tolist()
    ['lowest that holds', 'highest that holds']
    """
    part = table[table["measure"] == measure].sort_values(["value", "label"])
    hold = part[part["holds"] == "yes"]
    ends = hold.iloc[[0, -1]].assign(group="holds")
    ends["label"] = ["lowest that holds: ", "highest that holds: "] + ends["label"]
    groups = {"trap": "avoided by this book", "no": "does not hold"}
    others = part[part["holds"].isin(groups)]
    shown = pd.concat([ends, others.assign(group=others["holds"].map(groups))], ignore_index=True)
    return shown[["label", "group", "value", "low", "high"]]
