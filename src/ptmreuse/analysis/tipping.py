"""How wrong the codes would have to be, in number or in rates, to overturn each claim."""

import math

import numpy as np
import pandas as pd

from ptmreuse.analysis import choices, resampled
from ptmreuse.evidence import names
from ptmreuse.evidence.study import data_kind
from ptmreuse.statistics import coder_error, shares, trend

SENSITIVITY, SPECIFICITIES = 0.9, (1.0, 0.999, 0.99, 0.98, 0.97)  # assumed of the study's coder


def tipping(evidence, facts, *, conf, resamples, seed):
    """How wrong the codes would have to be to overturn each claim; the arguments are those of `resampled.two_ways`.

    Codes move to the worst place: an adaptation becomes the runner-up; for the trend see `fewest_to_end_growth`.

    Returns
    -------
    DataFrame
        One row per claim: claim, data_kind, share (NaN for an order or a trend), low (its lower limit), n, unit,
        lowest_ppv (the positive predictive value that the claim needs, if nothing was missed), lowest_ppv_low
        (the same for the lower limit), highest_fpr (the false positive rate at which it falls, at sensitivity 1,
        the worst case), highest_fpr_80 (at sensitivity 0.8), codes (number that must move to overturn it), of_100
        (the same per 100 codes), reason.

    Examples
    --------
    >>> from ptmreuse.evidence import pilot, study
    >>> table = tipping(pilot.embedded(), study.published(), conf=0.95, resamples=199, seed=1)
    >>> table.set_index("claim").loc["adaptation leads by pairs", "codes"].item()
    3.0
    """
    q = float(facts.loc["v1_adaptation_share", "value"]) / 100
    rows = [_majority("adaptation is the majority of instances, v1", "published", q, math.nan, math.nan, "instances")]
    models = facts[facts.index.str.startswith("v1_model_")]
    known = names.normalise(models["quantity"].str.removeprefix("reuse of "))
    for by, word in (("canonical", "versions apart"), ("family", "versions together")):
        # A paper that reuses two models of a family counts once: the family has at least its most used model.
        counts = models["value"].groupby(known[by].to_numpy()).agg(["max", "sum"]).sort_index()
        first = counts["sum"].idxmax()
        rival = counts["sum"].drop(first).idxmax()
        rows.append(_order(f"{first} leads the published counts, {word}, v1", "published", counts.loc[first, "max"],
                           counts.loc[rival, "sum"], math.nan, "instances", f"runner-up {rival}"))  # fmt: skip
    reason = f"{facts.loc['v1_test_instances', 'value']:g} in Test; the counts of the other stages are not published"
    rows.append(_row("Test is the most affected stage, v1", "published", "instances", reason=reason))

    kind, again = data_kind(evidence), {"conf": conf, "resamples": resamples, "seed": seed}
    for unit in ("pairs", "papers"):
        counts, total, _ = choices.pattern_counts(evidence, unit, "canonical", "")
        n = float(total.sum())
        share = choices.estimate_under("adaptation is the majority", evidence, unit=unit, **again)
        claim = f"adaptation is the majority of {unit}"
        if math.isnan(share.value):
            rows.append(_row(claim, kind, unit, n=n, reason=share.reason))
            rows.append(_row(f"adaptation leads by {unit}", kind, unit, n=n, reason=share.reason))
            continue
        rows.append(_majority(claim, kind, share.value, share.low, n, unit))
        rival = counts[choices.OTHERS].sum().idxmax()
        first, second = counts["adaptation"].sum(), counts[rival].sum()
        rows.append(_order(f"adaptation leads by {unit}", kind, first, second, n, unit, f"runner-up {rival}"))
    return pd.DataFrame([*rows, *_growth(evidence, kind, conf)])


def _row(claim, kind, unit, **values):
    columns = ("share", "low", "n", "lowest_ppv", "lowest_ppv_low", "highest_fpr", "highest_fpr_80", "codes", "of_100")
    empty = {"claim": claim, "data_kind": kind} | dict.fromkeys(columns, math.nan) | {"unit": unit, "reason": ""}
    return empty | {key: float(v) if key in columns else v for key, v in values.items()}


def _majority(claim, kind, share, low, n, unit):
    if share <= 0.5:
        return _row(claim, kind, unit, share=share, low=low, n=n, reason="not more than one half")
    ppv, fpr = coder_error.tipping_point(share)
    _, fpr_80 = coder_error.tipping_point(share, sensitivity=0.8)
    reason, needed = "the number of instances is not stated", math.nan
    if not math.isnan(n):
        # The smallest number that leaves half or less.
        reason, needed = "", math.ceil(round(share * n - n / 2, 9))
    below = not math.isnan(low) and low < 0.5
    return _row(
        claim, kind, unit, share=share, low=low, n=n, lowest_ppv=ppv,
        lowest_ppv_low=math.nan if math.isnan(low) or below else 0.5 / low, highest_fpr=fpr,
        highest_fpr_80=fpr_80, codes=needed, of_100=100 * (share - 0.5),
        reason="its lower limit is below one half" if below else reason,
    )  # fmt: skip


def _order(claim, kind, first, second, n, unit, about):
    if first <= second:
        return _row(claim, kind, unit, n=n, reason=f"it does not lead: {first:g} against {second:g}, {about}")
    needed = coder_error.codes_to_flip(int(first), int(second))
    return _row(
        claim, kind, unit, n=n, codes=needed, of_100=100 * needed / n, reason=f"{first:g} against {second:g}, {about}"
    )


def _growth(tables, kind, conf):
    """Codes that must be wrong for the trend to vanish, in size or beyond chance: a wrong yes or a missed one."""
    years = choices.yearly(tables, "")
    now = trend.trend(years["sum"], years["size"], years["year"], conf=conf)
    papers, rows = int(years["size"].sum()), []
    for claim, read in (("reuse grew", "value"), ("reuse grew beyond chance", "low")):
        if math.isnan(now.value) or not getattr(now, read) > 1:
            reason = now.reason if math.isnan(now.value) else "it does not hold"
            rows.append(_row(claim, kind, "papers", n=papers, reason=reason))
            continue
        codes = fewest_to_end_growth(years, read, conf)
        known = "the fewest" if read == "value" else "so few suffice"
        rows.append(_row(claim, kind, "papers", n=papers, codes=codes, of_100=100 * codes / papers,
                         reason=f"{known}: a late yes that is a no, or an early yes that was missed"))  # fmt: skip
    return rows


def fewest_to_end_growth(years, read, conf) -> int:
    """The codes that must change until the trend is no longer above 1, one by one, each the one that moves it most.

    The slope of a logit has the sign of the sum of (year - mean year) over the reusing papers, the mean taken over all
    papers. One code moves this sum by the distance of its year from the mean, whatever the others do, so taking the
    farthest first gives the true minimum for the estimate itself, and for its lower limit a number that suffices.

    Parameters
    ----------
    years : DataFrame
        year, size (papers), sum (reusing papers).
    read : {'value', 'low'}
        What must fall to 1: the odds ratio or its lower limit.
    conf : float

    Examples
    --------
    >>> import pandas as pd
    >>> grew = pd.DataFrame({"year": [2020, 2021, 2022], "size": [9, 9, 9], "sum": [1, 2, 3]})
    >>> fewest_to_end_growth(grew, "value", 0.95)  # one early yes that was missed, and one late yes that is a no
    2
    """
    year, size = years["year"].to_numpy(dtype=float), years["size"].to_numpy(dtype="int64")
    yes = years["sum"].to_numpy(dtype="int64").copy()
    away = year - (year * size).sum() / size.sum()
    codes = 0
    while (yes * away).sum() > 1e-9:
        if read == "low" and codes and not trend.trend(yes, size, years["year"], conf=conf).low > 1:
            return codes
        moves = np.where(away > 0, yes > 0, yes < size) * np.abs(away)
        place = int(moves.argmax())
        yes[place] += 1 if away[place] < 0 else -1
        codes += 1
    return codes


def if_coder_erred(facts, *, conf):
    """How many papers really reuse a model, were the coder's specificity this: measurement beats sampling error.

    Parameters
    ----------
    facts : DataFrame, from `study.published`
    conf : float
        Of the Wilson interval of the share as coded, which covers none of this.

    Returns
    -------
    DataFrame
        release, coded_yes, papers, share, low, high (as coded), sensitivity, specificity, true_papers,
        true_share, wrong_yes (share of the coder's yes), remark.

    Examples
    --------
    >>> from ptmreuse.evidence import study
    >>> if_coder_erred(study.published(), conf=0.95)["true_papers"].round().astype(int).tolist()[:5]
    [701, 682, 512, 319, 121]
    """
    rows = []
    for release, (yes, of) in resampled.RELEASES.items():
        k, n = (int(facts.loc[key, "value"]) for key in (yes, of))
        coded = shares.proportion(k, n, conf=conf)
        for specificity in SPECIFICITIES:
            found = coder_error.rogan_gladen(k, n, SENSITIVITY, specificity, conf=conf)
            wrong = min(1.0, (1 - specificity) * (1 - found.value) * n / k)
            rows.append((release, k, n, coded.value, coded.low, coded.high, SENSITIVITY, specificity,
                         found.value * n, found.value, wrong, found.reason))  # fmt: skip
    columns = ["release", "coded_yes", "papers", "share", "low", "high", "sensitivity", "specificity", "true_papers",
               "true_share", "wrong_yes", "remark"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)
