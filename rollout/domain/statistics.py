"""Small-sample arithmetic: shares, means and quantiles with what they are worth. None means "cannot be judged"."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean

# Two-sided 95 % quantiles of Student's t for 1 to 30 degrees of freedom; beyond, the series below has 4 digits.
_T95 = (
    12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281, 2.2010, 2.1788, 2.1604, 2.1448,
    2.1314, 2.1199, 2.1098, 2.1009, 2.0930, 2.0860, 2.0796, 2.0739, 2.0687, 2.0639, 2.0595, 2.0555, 2.0518, 2.0484,
    2.0452, 2.0423,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Interval:
    low: float
    high: float


def wilson(hits: int, n: int, confidence: float = 0.95) -> Interval | None:
    """Wilson's score interval of a share (Wilson 1927); two-sided at `confidence`. None without a sample."""
    if n <= 0:
        return None
    if not 0 <= hits <= n:
        raise ValueError(f"{hits} of {n} is not a share; count the hits among the {n}.")
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    share, z2 = hits / n, z * z
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = z / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    # The formula gives exactly 0 and 1 at the ends; floating point leaves a speck.
    return Interval(0.0 if hits == 0 else middle - half, 1.0 if hits == n else middle + half)


def mean_interval(values: Sequence[float]) -> Interval | None:
    """Student's 95 % interval of a mean; None for fewer than two values, which show no spread."""
    if len(values) < 2:
        return None
    middle, freedom = fmean(values), len(values) - 1
    # `statistics.stdev` reckons in fractions, eight times as long; a page shows some hundred intervals.
    spread = math.sqrt(math.fsum((value - middle) ** 2 for value in values) / freedom)
    half = _t95(freedom) * spread / math.sqrt(len(values))
    return Interval(middle - half, middle + half)


def bounded_interval(values: Sequence[float]) -> Interval | None:
    """95 % interval of a mean of values between 0 and 1; None without a value. The mean lies in it.

    Student's interval of the values and, beside them, one 0 and one 1, clipped (as Agresti and Coull do for shares).
    Ratings crowd at the upper end: most samples of ten show no bad one, or no spread at all, and Student's interval
    then claims to know what it has not seen (docs/decisions/013-review-figures.md has the figures).
    """
    if not values:
        return None
    if not all(0 <= value <= 1 for value in values):
        raise ValueError("Only values from 0 to 1 are bounded by 0 and 1; divide by the scale first.")
    found = mean_interval([*values, 0.0, 1.0])
    return Interval(max(found.low, 0.0), min(found.high, 1.0)) if found else None


def quantile(values: Sequence[float], share: float) -> float | None:
    """The value below which `share` (0…1) of the values lie, interpolated between neighbours; None without values."""
    if not values:
        return None
    if not 0 <= share <= 1:
        raise ValueError(f"A quantile lies between 0 and 1, not at {share}.")
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def mean(values: Sequence[float]) -> float | None:
    return fmean(values) if values else None


def _t95(freedom: int) -> float:
    if freedom <= len(_T95):
        return _T95[freedom - 1]
    z = NormalDist().inv_cdf(0.975)
    return z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
