"""How many papers a question needs: the size of a sample for a wanted interval or power."""

import math
from dataclasses import replace

import statsmodels.stats.proportion as sp
from scipy import optimize
from statsmodels.stats.power import GofChisquarePower, NormalIndPower

from ptmreuse.statistics import estimate

# ------------------------------------------------------------------------------------------------- planning


def sample_size(half_width, p=0.5, *, conf=0.95, population=None, deff=1.0, unit="papers"):
    """Units needed to know a share to within a half width.

    Parameters
    ----------
    half_width : float
        Half the length of the interval wanted, as a share: 0.05 is 5 percentage points.
    p : float
        Expected share; 0.5 is the worst case.
    conf : float
        Confidence level.
    population : int, optional
        Units in the population; None for an unlimited one.
    deff : float
        Design effect, if pairs within papers are counted.
    unit : str
        What is sampled.

    Returns
    -------
    Estimate
        `value` is the number of units, rounded up; `detail['exact']` before rounding.

    Notes
    -----
    Cochran (1977), section 4.4: n0 = z^2 p(1-p)/d^2, then n0/(1 + (n0-1)/N).

    Examples
    --------
    >>> sample_size(0.05, population=631).sentence
    'for a half width of 5 percentage points: 240 papers'
    >>> round(sample_size(0.05).detail["exact"], 2)
    384.15
    """
    half_width = estimate.within("sample_size, half_width", half_width, closed=False)
    p = estimate.within("sample_size, p", p, closed=False)
    conf = estimate.within("sample_size, conf", conf, closed=False)
    deff = estimate.within("sample_size, deff", deff, 0.0, math.inf, closed=False)
    exact = deff * sp.samplesize_confint_proportion(p, half_width, alpha=1 - conf, method="normal")
    if population is not None:
        population = int(estimate.whole_counts("sample_size, population", population, 0, at_least=1))
        exact /= 1 + (exact - 1) / population
    needed = math.ceil(round(exact, 9))
    detail = {"exact": float(exact), "half_width": half_width, "population": population, "p": p}
    label = f"for a half width of {100 * half_width:g} percentage points:"
    return estimate.Estimate(needed, conf=conf, n=needed, unit=unit, detail=detail, label=label, scale="count")


def power_one_share(p1, p0, n, *, alpha=0.05, deff=1.0, unit="papers"):
    """Power to tell a share p1 from p0 with n units.

    Parameters
    ----------
    p1, p0 : float
        The true share and the one tested.
    n : float
        Units; divided by the design effect.
    alpha : float
        Level of the two-sided test.
    deff : float
        Design effect, if pairs within papers are counted.
    unit : str
        What is counted.

    Returns
    -------
    Estimate
        Power before the study. After it, power is a function of p and says nothing new.

    Notes
    -----
    Cohen (1988), arcsine effect size h.

    Examples
    --------
    >>> power_one_share(0.6, 0.5, 110).sentence
    'power 56.0 %, n = 110 papers'
    """
    effect = _arcsine("power_one_share", p1, p0)
    return _power("power_one_share", NormalIndPower(ddof=0), effect, n, alpha, deff, unit, ratio=0)


def power_two_shares(p1, p2, n1, n2, *, alpha=0.05, deff=1.0, unit="papers"):
    """Power to tell two independent shares apart.

    Parameters
    ----------
    p1, p2 : float
        The true shares.
    n1, n2 : float
        Units of the groups.
    alpha, deff, unit
        As in `power_one_share`.

    Returns
    -------
    Estimate

    Examples
    --------
    >>> power_two_shares(0.36, 0.21, 100, 100).sentence
    'power 65.9 %, n = 200 papers'
    """
    effect = _arcsine("power_two_shares", p1, p2)
    n2 = estimate.within("power_two_shares, n2", n2, 0, math.inf, closed=False)
    first = estimate.within("power_two_shares, n1", n1, 0, math.inf, closed=False)
    power = _power("power_two_shares", NormalIndPower(), effect, first, alpha, deff, unit, ratio=n2 / first)
    return replace(power, n=first + n2)


def power_chi2(w, n, df, *, alpha=0.05, deff=1.0, unit="papers"):
    """Power of a chi-square test with effect size w.

    Parameters
    ----------
    w : float
        Cohen's w: sqrt(chi2/n), or V sqrt(min(r, c) - 1).
    n : float
        Units.
    df : int
        Degrees of freedom: (r-1)(c-1), or categories less 1.
    alpha, deff, unit
        As in `power_one_share`.

    Returns
    -------
    Estimate

    Examples
    --------
    >>> power_chi2(0.2, 110, 5).sentence
    'power 32.0 %, n = 110 papers'
    """
    w = estimate.within("power_chi2, w", w, 0, math.inf, closed=False)
    df = int(estimate.whole_counts("power_chi2, df", df, 0, at_least=1))
    return _power("power_chi2", GofChisquarePower(), w, n, alpha, deff, unit, n_bins=df + 1)


def _arcsine(where, p1, p2):
    return float(
        sp.proportion_effectsize(estimate.within(f"{where}, p1", p1), estimate.within(f"{where}, second share", p2))
    )


def _power(where, test, effect, n, alpha, deff, unit, **more):
    n = estimate.within(f"{where}, n", n, 0, math.inf, closed=False)
    alpha = estimate.within(f"{where}, alpha", alpha, closed=False)
    deff = estimate.within(f"{where}, deff", deff, 0, math.inf, closed=False)
    value = float(test.power(effect, n / deff, alpha, **more))
    return estimate.Estimate(
        value, n=n, unit=unit, detail={"effect": effect, "alpha": alpha, "deff": deff}, label="power"
    )


def detectable_effect(n, df, *, power=0.8, alpha=0.05, deff=1.0, unit="papers"):
    """Smallest effect size w that a chi-square test finds with the given power.

    Parameters
    ----------
    n, df, alpha, deff, unit
        As in `power_chi2`.
    power : float
        Power wanted.

    Returns
    -------
    Estimate
        Cohen's w: 0.1 is small, 0.3 medium, 0.5 large.

    Examples
    --------
    >>> detectable_effect(900, 14, unit="instances").sentence
    'smallest detectable w 0.14, n = 900 instances'
    """
    where = "detectable_effect"
    n = estimate.within(f"{where}, n", n, 0, math.inf, closed=False)
    df = int(estimate.whole_counts(f"{where}, df", df, 0, at_least=1))
    power = estimate.within(f"{where}, power", power, closed=False)
    alpha = estimate.within(f"{where}, alpha", alpha, closed=False)
    deff = estimate.within(f"{where}, deff", deff, 0, math.inf, closed=False)
    if power <= alpha:
        return estimate.undefined(
            n, unit, "power not above the level of the test", label="smallest detectable w", scale="number"
        )
    w = optimize.brentq(lambda x: GofChisquarePower().power(x, n / deff, alpha, n_bins=df + 1) - power, 1e-9, 1e3)
    return estimate.Estimate(
        float(w), n=n, unit=unit, detail={"power": power}, label="smallest detectable w", scale="number"
    )


def detectable_share(p2, n1, n2, *, side="lower", power=0.8, alpha=0.05, deff=1.0, unit="papers"):
    """Share of a small group that would be told apart from the share p2 of a large one.

    Parameters
    ----------
    p2 : float
        Share in the group compared with.
    n1, n2 : float
        Units of the group in question, and of the one compared with.
    side : {'lower', 'upper'}
        The largest share below p2, or the smallest above it, that is found with the given power.
    power, alpha, deff, unit
        As in `detectable_effect`.

    Returns
    -------
    Estimate
        NaN where no share on that side would be found.

    Examples
    --------
    >>> [round(100 * detectable_share(0.7, n, 600).value) for n in (15, 30, 60)]
    [34, 44, 52]
    """
    where, label = "detectable_share", f"{side} detectable share"
    estimate.one_of(f"{where}, side", side, ("lower", "upper"))
    p2 = estimate.within(f"{where}, p2", p2, closed=False)
    n1, n2 = (estimate.within(f"{where}, n", n, 0, math.inf, closed=False) for n in (n1, n2))
    power = estimate.within(f"{where}, power", power, closed=False)
    edge = 0.0 if side == "lower" else 1.0

    def lacking(share):
        return power_two_shares(share, p2, n1, n2, alpha=alpha, deff=deff).value - power

    if lacking(edge) < 0 or lacking(p2) > 0:
        return estimate.undefined(n1 + n2, unit, "no share on that side reaches the power", label=label)
    value = float(optimize.brentq(lacking, edge, p2))
    return estimate.Estimate(value, n=n1 + n2, unit=unit, detail={"power": power, "n1": n1}, label=label)
