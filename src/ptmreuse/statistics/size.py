"""How many papers an interval of a wanted width needs."""

import math

import statsmodels.stats.proportion as sp

from ptmreuse.statistics import estimate


def sample_size(
    half_width: float, p: float = 0.5, *, conf: float = 0.95, population: int | None = None
) -> estimate.Estimate:
    """Papers needed to know a share to within a half width (Cochran 1977, section 4.4).

    Parameters
    ----------
    half_width : float
        Half the length of the interval wanted, as a share: 0.05 is 5 percentage points.
    p : float
        Expected share; 0.5 is the worst case.
    conf : float
    population : int, optional
        Papers in the population; None for an unlimited one.

    Returns
    -------
    Estimate
        `value` is the number of papers, rounded up; `detail['exact']` before rounding.

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
    exact = sp.samplesize_confint_proportion(p, half_width, alpha=1 - conf, method="normal")
    if population is not None:
        population = int(estimate.whole_counts("sample_size, population", population, 0, at_least=1))
        exact /= 1 + (exact - 1) / population
    needed = math.ceil(round(exact, 9))
    label = f"for a half width of {100 * half_width:g} percentage points:"
    return estimate.Estimate(needed, conf=conf, n=needed, detail={"exact": float(exact)}, label=label, scale="count")
