"""The validation sample to order, and what it would tell if the assumed rates were true."""

import math

import numpy as np
import pandas as pd
from scipy import stats

from ptmreuse.analysis import choices
from ptmreuse.errors import refuse
from ptmreuse.evidence.study import PATTERNS
from ptmreuse.statistics.shares import proportion

# Assumed, not measured.
PPV = 0.9  # share of the coder's yes that is right; of its patterns too
MISSED = (0.005, 0.01)  # shares of its no that are wrong; the design must serve the last one
MISSED_NO_DL = 0.1  # share missed among papers without deep learning, as a fraction of that among papers with it
KAPPA = 0.8  # agreement of the two people who check
# Wanted.
DESIGNS = ((100, 200), (100, 500), (150, 500), (150, 1000), (200, 2000))  # papers to code by hand: coder's yes, its no
TARGET_CV = 0.1  # relative error of the corrected prevalence that is good enough
SMALLEST_YES = 150  # fewest papers among the coder's yes, for accuracy by pattern
BY_PATTERN = 50  # instances per pattern if they are drawn by the coder's own pattern


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


def _rates(strata, missed):
    """Assumed share of papers that really reuse a model, in each stratum."""
    return [PPV, *(missed * (MISSED_NO_DL if "no deep" in name else 1) for name in list(strata)[1:])]


def _allocate(total, sizes, rates):
    """Neyman's allocation: in proportion to size times spread, no more than there are, at least two."""
    share = np.asarray(sizes) * np.sqrt([rate * (1 - rate) for rate in rates])
    return [int(n) for n in np.minimum(np.maximum(np.rint(total * share / share.sum()), 2), sizes)]


def to_draw(counts, yes, no) -> dict[str, int]:
    """How many papers of each stratum to draw: as in `validation_plan`, from the coded papers at hand.

    Parameters
    ----------
    counts : dict of str to int
        Papers per stratum of `checked.strata`; half of the undecided ones might be either.
    yes, no : int
        Papers to check among those coded as reuse, and among all others.

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
        refuse("draw, --yes and --no", "two papers or more of each", f"{yes} and {no}", "ask for more")
    assumed = {"no deep learning": MISSED[-1] * MISSED_NO_DL, "undecided": 0.5}
    others = {name: counts[name] for name in sorted(counts) if name != "reuse"}
    rates, sizes = [assumed.get(name, MISSED[-1]) for name in others], list(others.values())
    found = dict(zip(others, _allocate(min(no, sum(sizes)), sizes, rates), strict=True)) if others else {}
    return found | ({"reuse": min(yes, counts["reuse"])} if counts.get("reuse") else {})


def validation_plan(facts, *, conf):
    """What validation sample to order, and what it would tell: two people, blind to the coder, per paper.

    Parameters
    ----------
    facts : DataFrame, from `study.published`
    conf : float
        Of the one-sided bound on missed papers, and of the interval of ppv.

    Returns
    -------
    DataFrame
        One row per frame, design of `DESIGNS` and miss rate of `MISSED`: frame, strata (papers of each), design,
        checked (papers of each stratum: the no are divided by Neyman's allocation, as is one more design of the same
        cost as the recommended one), papers, ppv, missed, prevalence (expected), cv (expected, of the corrected
        prevalence: Cochran 1977, section 5.3), bound (missed papers that 0 misses found would still allow),
        lowest_sensitivity (with that bound, if all the coder's yes are right), ppv_low, ppv_high (expected Wilson
        interval), recommended (yes or no), why.

    Examples
    --------
    >>> from ptmreuse.evidence import study
    >>> plan = validation_plan(study.published(), conf=0.95)
    >>> plan.loc[plan["recommended"] == "yes", "checked"].unique().tolist()
    ['150 + 1,000', '150 + 500', '150 + 397 + 103']
    """
    rows = []
    for frame, strata in _frames(facts).items():
        sizes, rates = list(strata.values()), _rates(strata, MISSED[-1])
        plans = {
            f"{yes} yes + {no} no": [min(yes, sizes[0]), *_allocate(min(no, sum(sizes[1:])), sizes[1:], rates[1:])]
            for yes, no in DESIGNS
        }
        enough = min(SMALLEST_YES, sizes[0])
        good = [c for c in plans.values() if _cv(sizes, c, rates) <= TARGET_CV and c[0] >= enough]
        chosen = min(good, key=sum)
        plans["Neyman, same cost"] = _allocate(sum(chosen), sizes, rates)
        for design, checked in plans.items():
            for missed in MISSED:
                row = _plan_row(frame, strata, design, checked, missed, conf)
                rows.append(row | _advice(checked, chosen, design))
    return pd.DataFrame(rows)


def _cv(sizes, checked, rates):
    """Expected coefficient of variation of the corrected prevalence."""
    N, n, p = np.array(sizes), np.array(checked), np.array(rates)
    W = N / N.sum()
    return float(np.sqrt((W**2 * (1 - n / N) * p * (1 - p) / (n - 1)).sum()) / (W * p).sum())


def _plan_row(frame, strata, design, checked, missed, conf):
    sizes, rates = list(strata.values()), _rates(strata, missed)
    bound = _missed_at_most(sizes[1:], checked[1:], conf)
    right = proportion(round(PPV * checked[0]), checked[0], conf=conf)
    return {
        "frame": frame,
        "strata": " + ".join(f"{N:,} {name}" for name, N in strata.items()),
        "design": design,
        "checked": " + ".join(f"{n:,}" for n in checked),
        "papers": sum(checked),
        "ppv": PPV,
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


def _advice(checked, chosen, design):
    precise = f"{100 * TARGET_CV:g} % at {100 * MISSED[-1]:g} % missed"
    recommended = checked == chosen and not design.startswith("Neyman")
    if recommended:
        why = f"the smallest design with a relative error of at most {precise}, "
        why += f"and {SMALLEST_YES} of the coder's yes for accuracy by pattern"
    elif design.startswith("Neyman"):
        few = checked[0] < SMALLEST_YES
        why = "the best for the prevalence alone"
        why += ", but too few of the coder's yes" if few else "; finds fewer misses"
    elif sum(checked) > sum(chosen):
        why = "more papers than needed"
    elif checked[0] < SMALLEST_YES:
        why = f"too few of the coder's yes for accuracy by pattern ({SMALLEST_YES} wanted)"
    else:
        why = f"relative error above {precise}"
    return {"recommended": "yes" if recommended else "no", "why": why}


def slope_error(sizes, checked, rates, spread):
    """Expected standard error of a corrected logit's slope (`design_based.corrected_logit`), before any check.

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


def part_error(sizes, checked, rates, part, right):
    """Expected standard error of a corrected pattern share (`design_based.corrected_ratio`), before any check.

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


def question_precision(facts, *, conf):
    """What the recommended sample of each frame would tell on every question; `facts` is from `study.published`.

    Returns
    -------
    DataFrame
        frame, checked, question, expected, low, high: the interval to expect. Trend: odds ratio per year of eleven
        equal years without a trend. Field: odds ratio of a field with an eighth of the papers that does not differ.
        Stage: a share of one half, the widest case.

    Examples
    --------
    >>> from ptmreuse.evidence import study
    >>> table = question_precision(study.published(), conf=0.95)
    >>> table.loc[table["question"].str.startswith("trend"), ["low", "high"]].round(2).to_numpy().tolist()
    [[0.95, 1.05], [0.96, 1.04], [0.97, 1.03]]
    """
    plan = validation_plan(facts, conf=conf)
    best = plan[plan["recommended"] == "yes"].drop_duplicates("frame").set_index("frame")["checked"]
    adaptation = float(facts.loc["v1_adaptation_share", "value"]) / 100
    z, rows = float(stats.norm.ppf((1 + conf) / 2)), []
    for frame, strata in _frames(facts).items():
        sizes, n = list(strata.values()), [int(part.replace(",", "")) for part in best[frame].split(" + ")]
        rates = _rates(strata, MISSED[-1])
        share = sum(N * r for N, r in zip(sizes, rates, strict=True)) / sum(sizes)
        inside = sum(m * r for m, r in zip(n, rates, strict=True)) / sum(n)
        chance = inside**2 + (1 - inside) ** 2
        agreed = KAPPA * (1 - chance) + chance
        errors = {
            "reuse, share of papers": (share, _cv(sizes, n, rates) * share),
            "adaptation, share of reusing papers": (adaptation, part_error(sizes, n, rates, adaptation, PPV)),
            "a stage, share of reusing papers": (0.5, part_error(sizes, n, rates, 0.5, PPV)),
            "kappa of the two people": (KAPPA, math.sqrt(agreed * (1 - agreed) / sum(n)) / (1 - chance)),
        }
        found = [(q, value, value - z * se, value + z * se) for q, (value, se) in errors.items()]
        for question, spread in {
            "trend, odds ratio per year": 10.0, "a field against all others, odds ratio": 7 / 64
        }.items():  # fmt: skip
            half = z * slope_error(sizes, n, rates, spread)
            found.append((question, 1.0, math.exp(-half), math.exp(half)))
        rows += [(frame, best[frame], *row) for row in found]
    return pd.DataFrame(rows, columns=["frame", "checked", "question", "expected", "low", "high"])


def pattern_precision(facts, *, conf):
    """How well `SMALLEST_YES` checked positives, one instance of each, tell whether each pattern is coded right.

    Parameters
    ----------
    facts : DataFrame
        From `study.published`. The share of adaptation is the published one; the rest is divided as in the pilot.
    conf : float

    Returns
    -------
    DataFrame
        pattern, share (expected), at_random (instances expected), low, high (Wilson interval of `PPV` with so
        many), by_pattern (`BY_PATTERN`), low_by_pattern, high_by_pattern.

    Examples
    --------
    >>> from ptmreuse.evidence import study
    >>> pattern_precision(study.published(), conf=0.95)[["pattern", "at_random"]].to_numpy().tolist()
    [['conceptual', 27], ['adaptation', 105], ['deployment', 17]]
    """
    adaptation = float(facts.loc["v1_adaptation_share", "value"]) / 100
    pilot = {p: float(facts.loc[f"pilot_pairs_{p}", "value"]) for p in choices.OTHERS}
    share = {p: (1 - adaptation) * k / sum(pilot.values()) for p, k in pilot.items()} | {"adaptation": adaptation}
    narrow = proportion(round(PPV * BY_PATTERN), BY_PATTERN, conf=conf)
    rows = []
    for pattern in PATTERNS:
        n = round(SMALLEST_YES * share[pattern])
        wide = proportion(round(PPV * n), n, conf=conf)
        rows.append((pattern, share[pattern], n, wide.low, wide.high, BY_PATTERN, narrow.low, narrow.high))
    columns = ["pattern", "share", "at_random", "low", "high", "by_pattern", "low_by_pattern", "high_by_pattern"]
    return pd.DataFrame(rows, columns=columns)
