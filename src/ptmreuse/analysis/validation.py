"""The validation sample to order, and what it would tell."""

import math

import numpy as np
import pandas as pd
from scipy import stats

from ptmreuse.analysis import choices
from ptmreuse.errors import StudyError
from ptmreuse.evidence.study import PATTERNS
from ptmreuse.statistics import estimate, shares
from ptmreuse.statistics.shares import proportion

# The validation sample to order ------------------------------------------------------------------------------

# Papers to code by hand: the coder's yes, and its no.
DESIGNS = ((100, 200), (100, 500), (150, 500), (150, 1000), (200, 2000))


def _frames(facts):
    """Strata of each published frame, the coder's yes first."""
    v = {key: int(facts.loc[key, "value"]) for key in facts.index if facts.loc[key, "unit"] == "papers"}
    v1, may = v["v1_reuse_papers"], v["may2026_reuse_papers"]
    return {
        "v1, all papers analysed": {"reuse": v1, "no reuse": v["v1_analysed"] - v1},
        "v1, natural science": {"reuse": v1, "no reuse": v["v1_natural_science"] - v1},
        "May 2026, full texts": {
            "reuse": may,
            "deep learning, no reuse": v["may2026_uses_dl"] - may,
            "no deep learning": v["may2026_full_text"] - v["may2026_uses_dl"],
        },
    }


def _allocate(total, sizes, spread):
    """Neyman's allocation: in proportion to size times spread, no more than there are, at least two."""
    share = np.asarray(sizes) * np.asarray(spread)
    return [int(n) for n in np.minimum(np.maximum(np.rint(total * share / share.sum()), 2), sizes)]


def to_draw(counts, yes, no, *, missed=0.01, missed_no_dl=0.1) -> dict[str, int]:
    """How many papers of each stratum to draw: as in `validation_plan`, from the coded papers at hand.

    Parameters
    ----------
    counts : dict of str to int
        Papers per stratum of `checked.strata`.
    yes, no : int
        Papers to check among those coded as reuse, and among all others.
    missed, missed_no_dl : float
        Assumed rates, as in `validation_plan`; half of the undecided papers might be either.

    Raises
    ------
    StudyError
        If fewer than two are to be checked of either.

    Examples
    --------
    >>> to_draw({"reuse": 1837, "deep learning, no reuse": 2825, "no deep learning": 2300}, 150, 500)
    {'deep learning, no reuse': 397, 'no deep learning': 103, 'reuse': 150}
    """
    if min(yes, no) < 2:
        raise StudyError(
            expected="two papers or more of each", found=f"{yes} and {no}", where="draw, --yes and --no",
            do="ask for more",
        )  # fmt: skip
    rates = {"no deep learning": missed * missed_no_dl, "undecided": 0.5}
    others = [name for name in sorted(counts) if name != "reuse"]
    spread = [math.sqrt(rate * (1 - rate)) for rate in (rates.get(name, missed) for name in others)]
    sizes = [counts[name] for name in others]
    found = dict(zip(others, _allocate(min(no, sum(sizes)), sizes, spread), strict=True)) if others else {}
    return found | ({"reuse": min(yes, counts["reuse"])} if counts.get("reuse") else {})


def validation_plan(facts, *, ppv=0.9, missed=(0.005, 0.01), missed_no_dl=0.1, designs=DESIGNS, target_cv=0.1,
                    smallest_yes=150, conf=0.95):  # fmt: skip
    """What validation sample to order, and what it would tell: two people, blind to the coder, per paper.

    Parameters
    ----------
    facts : DataFrame, from `study.published`
    ppv : float
        Assumed share of the coder's yes that is right.
    missed : sequence of float
        Assumed shares of its no that are wrong; the last one is the one that the design must serve.
    missed_no_dl : float
        Where the coder's *no* is split by deep learning: the share missed among papers without, as a fraction of
        that among papers with deep learning.
    designs : sequence of (int, int)
        Papers to check among the coder's yes and among its no. The no are divided by Neyman's allocation, as is
        one more design of the same cost as the recommended one.
    target_cv : float
        Coefficient of variation of the corrected prevalence that is good enough.
    smallest_yes : int
        Fewest papers among the coder's yes, for accuracy by pattern.
    conf : float
        Of the one-sided bound on missed papers, and of the interval of ppv.

    Returns
    -------
    DataFrame
        One row per frame, design and assumed miss rate: frame, strata (papers of each), design, checked (papers of
        each stratum), papers, ppv, missed, prevalence (expected), cv (expected, of the corrected prevalence), bound
        (missed papers that 0 misses found would still allow), lowest_sensitivity (with that bound, if all the
        coder's yes are right), ppv_low, ppv_high (expected Wilson interval of
        ppv), recommended (yes or no), why.

    Notes
    -----
    Variance of a stratified share, Cochran (1977), section 5.3: W^2 (1 - n/N) p(1-p)/(n-1) per stratum.

    Examples
    --------
    >>> from ptmreuse.evidence import study
    >>> plan = validation_plan(study.published())
    >>> plan.loc[plan["recommended"] == "yes", "checked"].unique().tolist()
    ['150 + 1,000', '150 + 500', '150 + 397 + 103']
    """
    where = "validation_plan"
    ppv = estimate.within(f"{where}, ppv", ppv, closed=False)
    missed = [estimate.within(f"{where}, missed", m, closed=False) for m in missed]
    estimate.within(f"{where}, missed_no_dl", missed_no_dl, closed=False)
    if not missed or not designs or any(min(d) < 2 for d in designs):
        raise StudyError(
            expected="a miss rate, and designs of two papers or more each",
            found=f"{missed} and {designs}",
            where=where,
            do="correct the call",
        )
    rows = []
    for frame, strata in _frames(facts).items():
        sizes = list(strata.values())
        rates = {
            m: [ppv, *(m * (missed_no_dl if "no deep" in name else 1) for name in list(strata)[1:])] for m in missed
        }
        plans = []
        for yes, no in designs:
            spread = np.sqrt([r * (1 - r) for r in rates[missed[-1]]])
            checked = [min(yes, sizes[0]), *_allocate(min(no, sum(sizes[1:])), sizes[1:], spread[1:])]
            plans.append((f"{yes} yes + {no} no", checked))
        good = [
            c for _, c in plans if _cv(sizes, c, rates[missed[-1]]) <= target_cv and c[0] >= min(smallest_yes, sizes[0])
        ]
        chosen = min(good, key=sum) if good else None
        if chosen:
            plans.append(("Neyman, same cost", _allocate(sum(chosen), sizes, spread)))
        for name, checked in plans:
            for m in missed:
                rows.append(_plan_row(frame, strata, name, checked, rates[m], m, conf)
                            | _advice(checked, chosen, name, target_cv, smallest_yes, missed[-1]))  # fmt: skip
    return pd.DataFrame(rows)


def _cv(sizes, checked, rates):
    """Expected coefficient of variation of the corrected prevalence."""
    N, n, p = np.array(sizes), np.array(checked), np.array(rates)
    W = N / N.sum()
    return float(np.sqrt((W**2 * (1 - n / N) * p * (1 - p) / (n - 1)).sum()) / (W * p).sum())


def _plan_row(frame, strata, design, checked, rates, missed, conf):
    sizes = list(strata.values())
    bound = _missed_at_most(sizes[1:], checked[1:], conf)
    right = shares.proportion(round(rates[0] * checked[0]), checked[0], conf=conf)
    return {
        "frame": frame,
        "strata": " + ".join(f"{N:,} {name}" for name, N in strata.items()),
        "design": design,
        "checked": " + ".join(f"{n:,}" for n in checked),
        "papers": sum(checked),
        "ppv": rates[0],
        "missed": missed,
        "prevalence": sum(N * r for N, r in zip(sizes, rates, strict=True)) / sum(sizes),
        "cv": _cv(sizes, checked, rates),
        "bound": bound,
        "lowest_sensitivity": sizes[0] / (sizes[0] + bound),
        "ppv_low": right.low,
        "ppv_high": right.high,
    }


def _missed_at_most(sizes, checked, conf):
    """Most missed papers in all strata together with which finding none is still as likely as 1 - conf."""
    # The price of one more missed paper, in log probability, rises within a stratum: take the cheapest first.
    prices = [
        -np.diff(stats.hypergeom.logpmf(0, N, np.arange(N - n + 1), n)) for N, n in zip(sizes, checked, strict=True)
    ]
    spent = np.cumsum(np.sort(np.concatenate(prices)))
    return int((spent <= -math.log(1 - conf) + 1e-12).sum())


def _advice(checked, chosen, name, target_cv, smallest_yes, missed):
    recommended = checked == chosen and not name.startswith("Neyman")
    if recommended:
        why = (
            f"the smallest design with a relative error of at most {100 * target_cv:g} % at {100 * missed:g} % missed, "
            f"and {smallest_yes} of the coder's yes for accuracy by pattern"
        )
    elif name.startswith("Neyman"):
        few = checked[0] < smallest_yes
        why = "the best for the prevalence alone" + (
            ", but too few of the coder's yes" if few else "; finds fewer misses"
        )
    elif chosen and sum(checked) > sum(chosen):
        why = "more papers than needed"
    elif checked[0] < smallest_yes:
        why = f"too few of the coder's yes for accuracy by pattern ({smallest_yes} wanted)"
    else:
        why = f"relative error above {100 * target_cv:g} % at {100 * missed:g} % missed"
    return {"recommended": "yes" if recommended else "no", "why": why}


def slope_error(sizes, checked, rates, spread) -> float:
    """Expected standard error of a corrected logit's slope (`corrected.corrected_logit`), before anything is checked.

    Parameters
    ----------
    sizes, checked : list of int
        Papers of each stratum, and those of them to check.
    rates : list of float
        Assumed shares with the property in each stratum.
    spread : float
        Variance of what is compared over the papers: of the year, or f (1 - f) for a field with the share f.

    Examples
    --------
    >>> round(slope_error([500, 4000], [150, 500], [0.9, 0.01], 10.0), 4)
    0.0207
    """
    N, n, p = (np.asarray(x, dtype=float) for x in (sizes, checked, rates))
    share = (N * p).sum() / N.sum()
    information = N.sum() * share * (1 - share) * spread
    drawing = spread * (N**2 * (1 - n / N) / n * p * (1 - p)).sum()
    return float(math.sqrt(information + drawing) / information)


def part_error(sizes, checked, rates, part, right) -> float:
    """Expected standard error of a corrected pattern share (`corrected.corrected_ratio`), before anything is checked.

    On the safe side: wrong patterns and papers without reuse are counted as if they never were the same papers.

    Parameters
    ----------
    sizes, checked, rates
        As in `slope_error`; the coder's yes first.
    part : float
        Assumed share of the reusing papers that have the pattern.
    right : float
        Assumed share of the coder's yes whose pattern is right.
    """
    N, n, p = (np.asarray(x, dtype=float) for x in (sizes, checked, rates))
    spread = p * part * (1 - part)  # a missed paper has the pattern or has it not
    spread[0] = right * (1 - right) * (1 + part**2)  # wrong pattern, or no reuse at all
    return float(math.sqrt((N**2 * (1 - n / N) / n * spread).sum()) / (N * p).sum())


def question_precision(facts, *, ppv=0.9, missed=0.01, missed_no_dl=0.1, kappa=0.8, conf=0.95):
    """What the recommended sample of each frame would tell on every question, if the assumed rates were true.

    Parameters
    ----------
    facts : DataFrame, from `study.published`
    ppv, missed, missed_no_dl, conf
        As in `validation_plan`.
    kappa : float
        Assumed agreement of the two people who check.

    Returns
    -------
    DataFrame
        frame, checked, question, expected, low, high: the interval to expect. Trend: odds ratio per year of eleven
        equal years without a trend. Field: odds ratio of a field with an eighth of the papers that does not differ.
        Stage: a share of one half, the widest case.

    Examples
    --------
    >>> from ptmreuse.evidence import study
    >>> table = question_precision(study.published())
    >>> table.loc[table["question"].str.startswith("trend"), ["low", "high"]].round(2).to_numpy().tolist()
    [[0.95, 1.05], [0.96, 1.04], [0.97, 1.03]]
    """
    plan = validation_plan(facts, ppv=ppv, missed=(missed,), missed_no_dl=missed_no_dl, conf=conf)
    adaptation = float(facts.loc["v1_adaptation_share", "value"]) / 100
    z, rows = float(stats.norm.ppf((1 + conf) / 2)), []
    for frame, strata in _frames(facts).items():
        best = plan[(plan["frame"] == frame) & (plan["recommended"] == "yes")]
        if best.empty:
            continue
        said = best["checked"].iloc[0]
        sizes, n = list(strata.values()), [int(part.replace(",", "")) for part in said.split(" + ")]
        rates = [ppv, *(missed * (missed_no_dl if "no deep" in name else 1) for name in list(strata)[1:])]
        share = sum(N * r for N, r in zip(sizes, rates, strict=True)) / sum(sizes)
        inside = sum(m * r for m, r in zip(n, rates, strict=True)) / sum(n)
        chance = inside**2 + (1 - inside) ** 2
        agreed = kappa * (1 - chance) + chance
        errors = {
            "reuse, share of papers": (share, _cv(sizes, n, rates) * share),
            "adaptation, share of reusing papers": (adaptation, part_error(sizes, n, rates, adaptation, ppv)),
            "a stage, share of reusing papers": (0.5, part_error(sizes, n, rates, 0.5, ppv)),
            "kappa of the two people": (kappa, math.sqrt(agreed * (1 - agreed) / sum(n)) / (1 - chance)),
        }
        found = [(q, value, value - z * se, value + z * se) for q, (value, se) in errors.items()]
        for question, spread in (
            ("trend, odds ratio per year", 10.0),
            ("a field against all others, odds ratio", 7 / 64),
        ):
            half = z * slope_error(sizes, n, rates, spread)
            found.append((question, 1.0, math.exp(-half), math.exp(half)))
        rows += [{"frame": frame, "checked": said, "question": q, "expected": v, "low": low, "high": high}
                 for q, v, low, high in found]  # fmt: skip
    return pd.DataFrame(rows)


def pattern_precision(facts, *, papers=150, each=50, ppv=0.9, conf=0.95):
    """How well the checked positives tell whether each pattern is coded right.

    Parameters
    ----------
    facts : DataFrame
        From `study.published`. The share of adaptation is the published one; the rest is divided as in the pilot.
    papers : int
        Papers of the coder's yes that are checked, one instance of each.
    each : int
        Instances per pattern if they are drawn by the coder's own pattern instead.
    ppv : float
        Assumed share of instances whose pattern is right.
    conf : float

    Returns
    -------
    DataFrame
        pattern, share (expected), at_random (instances expected), low, high (Wilson interval of ppv with so
        many), by_pattern (`each`), low_by_pattern, high_by_pattern.

    Examples
    --------
    >>> from ptmreuse.evidence import study
    >>> pattern_precision(study.published())[["pattern", "at_random", "by_pattern"]].to_numpy().tolist()
    [['conceptual', 27, 50], ['adaptation', 105, 50], ['deployment', 17, 50]]
    """
    where = "pattern_precision"
    ppv = estimate.within(f"{where}, ppv", ppv)
    papers, each = (int(estimate.whole_counts(where, n, 0, at_least=1)) for n in (papers, each))
    adaptation = float(facts.loc["v1_adaptation_share", "value"]) / 100
    pilot = {p: float(facts.loc[f"pilot_pairs_{p}", "value"]) for p in choices.OTHERS}
    shares = {p: (1 - adaptation) * k / sum(pilot.values()) for p, k in pilot.items()} | {"adaptation": adaptation}
    rows = []
    for pattern in PATTERNS:
        n = round(papers * shares[pattern])
        wide, narrow = (proportion(round(ppv * m), m, conf=conf) for m in (n, each))
        rows.append(
            {
                "pattern": pattern,
                "share": shares[pattern],
                "at_random": n,
                "low": wide.low,
                "high": wide.high,
                "by_pattern": each,
                "low_by_pattern": narrow.low,
                "high_by_pattern": narrow.high,
            }
        )
    return pd.DataFrame(rows)
