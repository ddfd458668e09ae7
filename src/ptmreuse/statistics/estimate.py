"""One estimate: a value with its interval, unit, method and a ready sentence; and the checks of what goes in.

Every function of this room takes counts, or one row per paper, and returns one `Estimate` (or a small table of them).
One policy for degenerate input: nothing to estimate from (no papers, one category, one cluster) gives NaN
and a reason, and the sentence reads "n/a (0 papers)"; impossible input (k > n, a negative or fractional
count, NaN) raises `StudyError`. Every sampled result takes a seed and does not depend on the order of the
rows.
"""

import math
from collections.abc import Iterable, Sized
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ptmreuse.errors import StudyError, refuse

NAN = float("nan")


@dataclass(frozen=True)
class Estimate:
    """One estimate with everything a report must say about it.

    Parameters
    ----------
    value, low, high : float
        Point estimate and interval limits; NaN where undefined.
    conf : float
        Confidence level of the interval.
    method : str
        Method of the interval.
    n : float
        Number of units (a fraction only under fractional counting).
    unit : str
        What is counted: papers, pairs, instances, rows.
    p : float or None
        p value; None when nothing was tested.
    reason : str
        Why `value` or its interval is missing, or what else a reader must know; '' otherwise.
    detail : dict
        Further numbers: statistic, df, se, deff and so on.
    label : str
        What is estimated.
    scale : {'percent', 'points', 'number', 'count', 'rank'}
        How the sentence prints it: a share, a difference of shares, a plain number, a number of units, or a rank.

    Examples
    --------
    >>> Estimate(0.3546, 0.2714, 0.4474, method="Wilson", n=110).sentence
    'share 35.5 %, 95 % CI [27.1, 44.7] (Wilson), n = 110 papers'
    >>> Estimate(NAN, n=0).sentence
    'n/a (0 papers)'
    """

    value: float
    low: float = NAN
    high: float = NAN
    conf: float = 0.95
    method: str = ""
    n: float = 0
    unit: str = "papers"
    p: float | None = None
    reason: str = ""
    detail: dict = field(default_factory=dict)
    label: str = "share"
    scale: str = "percent"

    @property
    def sentence(self) -> str:
        """The estimate as a report writes it: effect size, interval, unit, then p."""
        unit = self.unit.removesuffix("s") if self.n == 1 else self.unit
        counted = f"{self.n:,.10g} {unit}"
        if math.isnan(self.value):
            return f"{self.label} n/a ({counted}: {self.reason})" if self.n else f"n/a ({counted})"
        sign = {"percent": " %", "points": " percentage points", "number": "", "rank": "", "count": f" {self.unit}"}[
            self.scale
        ]
        text = f"{self.label} {self._print(self.value)}{sign}"
        if not (math.isnan(self.low) or math.isnan(self.high)):
            limits = f"[{self._print(self.low)}, {self._print(self.high)}]"
            text += f", {100 * self.conf:g} % CI {limits} ({self.method})"
        # A weighted share is not k/n; printing "k of n" beside it would mislead.
        k = self.detail.get("k", NAN)
        if abs(k - self.value * self.n) < 1e-6:
            text += f", {k:,.10g} of {counted}"
        elif not (self.scale == "count" and self.n == self.value):
            text += f", n = {counted}"
        if self.p is not None:
            text += f"; {self.detail.get('test', '')} {print_p(self.p)}".replace(";  ", "; ")
        return f"{text}; {self.reason}" if self.reason else text

    def _print(self, x: float) -> str:
        if self.scale in ("count", "rank"):
            return f"{x:,.0f}" if x == math.floor(x) else f"{x:,.1f}"
        return f"{x:.2f}" if self.scale == "number" else f"{100 * x:.1f}"


def print_p(p: float) -> str:
    """A p value as reports write it.

    Examples
    --------
    >>> print_p(0.0261), print_p(1e-9)
    ('p = .026', 'p < .001')
    """
    return "p < .001" if p < 0.001 else f"p = {p:.3f}".replace("= 0.", "= .")


def undefined(
    n: float, unit: str, reason: str, *, conf: float = 0.95, label: str = "share", scale: str = "percent",
    **detail: object,
) -> Estimate:  # fmt: skip
    """An `Estimate` of nothing: NaN with its reason.

    Examples
    --------
    >>> undefined(3, "papers", "all in one category").sentence
    'share n/a (3 papers: all in one category)'
    """
    return Estimate(
        NAN, conf=conf, n=n, unit=unit, reason=reason, detail={"se": NAN} | detail, label=label, scale=scale
    )


def whole_counts(where: str, values: ArrayLike, ndim: int = 1, at_least: int = 0) -> NDArray[np.int64]:
    """Counts as an integer array, or a `StudyError` naming the value that is no count.

    Parameters
    ----------
    where : str
        Function and argument, for the message.
    values : int or array-like
    ndim : int
        Dimensions asked for: 0 one count, 1 a list, 2 a table.
    at_least : int
        Smallest count that makes sense here.

    Examples
    --------
    >>> whole_counts("proportion, k", [3, 4.0])
    array([3, 4])
    >>> whole_counts("proportion, k", [3, 4.5])
    Traceback (most recent call last):
    ...
    ptmreuse.errors.StudyError: proportion, k: expected whole counts of at least 0, found 4.5; ...
    """
    array = numbers(where, values, ndim)
    wrong = array[(array < at_least) | (array != np.floor(array))]
    if wrong.size:
        refuse(
            where, f"whole counts of at least {at_least}",
            f"{wrong.flat[0]:g}", "count units; give weights as weights, never as counts",
        )  # fmt: skip
    if array.size and array.max() > 2**53:
        refuse(where, "counts of at most 2**53", f"{array.max():g}", "correct the count")
    return array.astype(np.int64)


def draws_of(where: str, resamples: int) -> int:
    """Number of resamples, at least one, or a `StudyError`."""
    return int(whole_counts(f"{where}, resamples", resamples, 0, at_least=1))


def numbers(where: str, values: ArrayLike, ndim: int = 1) -> NDArray[np.float64]:
    """Finite numbers as a float array with `ndim` dimensions, or a `StudyError`.

    Examples
    --------
    >>> numbers("trend, year", [2014, 2015])
    array([2014., 2015.])
    """
    shape = {0: "one number", 1: "a list of numbers", 2: "a table of numbers, rows of one length"}[ndim]
    try:
        given = np.asarray(values)
        if given.dtype.kind not in "biuf" and any(isinstance(x, str) for x in given.flat):
            raise TypeError
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise StudyError(
            expected=shape, found=repr(values)[:80], where=where, do="leave out text and missing values"
        ) from None
    if array.ndim == 1 and array.size == 0 and ndim == 2:
        array = array.reshape(0, 0)
    if array.ndim != ndim:
        refuse(where, shape, f"{array.ndim} dimensions", "change the shape of the input")
    if not np.isfinite(array).all():
        raise StudyError(
            expected="finite numbers",
            found=f"{array[~np.isfinite(array)].flat[0]} ({(~np.isfinite(array)).sum()} of {array.size})", where=where,
            do="count missing values apart and leave them out here",
        )  # fmt: skip
    return array


def within(where: str, value: float, closed: bool = True) -> float:
    """A number from 0 to 1, or a `StudyError`.

    Examples
    --------
    >>> within("proportion, conf", 0.95, closed=False)
    0.95
    """
    number = float(numbers(where, value, 0))
    if not (0 <= number <= 1) or (not closed and number in (0, 1)):
        limits = "from 0 to 1" if closed else "above 0 and below 1"
        refuse(where, f"a number {limits}", f"{number:g}", "correct the value")
    return number


def one_of(where: str, value: str, allowed: Iterable[str]) -> str:
    """`value` if it is allowed, or a `StudyError` listing what is.

    Examples
    --------
    >>> one_of("adjust, method", "holm", ("holm", "bh"))
    'holm'
    """
    if value not in list(allowed):
        refuse(where, "one of " + ", ".join(map(repr, allowed)), repr(value), "choose one")
    return value


def same_length(where: str, *arrays: Sized) -> None:
    """Nothing, or a `StudyError` if the arrays differ in length."""
    lengths = [len(a) for a in arrays]
    if len(set(lengths)) > 1:
        refuse(where, "inputs of one length", " and ".join(map(str, lengths)), "give one value per row in each")


def parts_of(where: str, k: ArrayLike, n: ArrayLike, ndim: int = 1) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Counts k out of n as integer arrays, or a `StudyError` where k > n."""
    k, n = whole_counts(f"{where}, k", k, ndim), whole_counts(f"{where}, n", n, ndim)
    if ndim:
        same_length(where, k, n)
    if (k > n).any():
        i = np.argmax(np.atleast_1d(k > n))
        found = f"{np.atleast_1d(k)[i]} of {np.atleast_1d(n)[i]}"
        refuse(where, "k of n with k <= n", found, "check numerator and denominator")
    return k, n
