"""How far reviewers agree: Krippendorff's alpha, and how far each stands from the others in a calibration round.

Alpha after Krippendorff (2011), "Computing Krippendorff's Alpha-Reliability": any number of raters, missing ratings.
Reckoned in fractions, so that the order of units and of raters cannot change it. None means that it is undefined:
nothing was rated twice, or everybody always gave the same rating, which is no agreement that could have failed.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from statistics import fmean, median

ENOUGH = 10  # pairs; below, chance decides what the figure is
RELIABLE, TENTATIVE = 0.8, 0.667  # Krippendorff's own customary lines (Content Analysis, 2004, page 241)
APART = 2

Units = Sequence[Sequence[int | None]]  # for each unit the ratings of its raters; None: missing, or N/A
Marginals = Mapping[int, int]  # how often each rating was given, among those that can be paired
Difference = Callable[[int, int, Marginals], Fraction]  # squared


def ordinal(one: int, other: int, marginals: Marginals) -> Fraction:
    """Ranks apart, squared: what was given between the two counts, half of what was given of each."""
    low, high = sorted((one, other))
    between = sum(count for rating, count in marginals.items() if low <= rating <= high)
    return (between - Fraction(marginals[low] + marginals[high], 2)) ** 2


def nominal(one: int, other: int, marginals: Marginals) -> Fraction:
    """The same or not; for a yes and a no."""
    del marginals
    return Fraction(one != other)


def alpha(units: Units, difference: Difference = ordinal) -> float | None:
    """1: perfect; 0: as if by chance; below: worse than chance. None: undefined."""
    coincidences: defaultdict[tuple[int, int], Fraction] = defaultdict(Fraction)
    for ratings in _pairable(units):
        share = Fraction(1, len(ratings) - 1)
        for one, other in combinations(ratings, 2):
            coincidences[one, other] += share
            coincidences[other, one] += share
    marginals = Counter(rating for ratings in _pairable(units) for rating in ratings)
    given = sum(marginals.values())
    observed = sum((difference(*pair, marginals) * count for pair, count in coincidences.items()), Fraction(0))
    expected = sum(
        (
            difference(one, other, marginals) * marginals[one] * marginals[other]
            for one in marginals
            for other in marginals
        ),
        Fraction(0),
    )
    return float(1 - (given - 1) * observed / expected) if expected else None


def _pairable(units: Units) -> list[list[int]]:
    """The ratings of units that were rated at least twice."""
    rated = ([rating for rating in ratings if rating is not None] for ratings in units)
    return [ratings for ratings in rated if len(ratings) > 1]


@dataclass(frozen=True, slots=True)
class Agreement:
    """`units` were rated at least twice, which makes `pairs`; `same` of them equal, `apart` by two points or more.

    `apart` is None for answers that are no points.
    """

    alpha: float | None
    units: int
    pairs: int
    same: int
    apart: int | None

    @property
    def is_enough(self) -> bool:
        return self.pairs >= ENOUGH

    @property
    def word(self) -> str:
        if not self.is_enough:
            return "not enough data"
        if self.alpha is None:
            return "undefined"
        if self.alpha >= RELIABLE:
            return "reliable"
        return "tentative" if self.alpha >= TENTATIVE else "not reliable"

    @property
    def sentence(self) -> str:
        if not self.pairs:
            return "No issue was rated twice in this time."
        given = f"{self.same} of {_pairs(self.pairs)} gave the same {'answer' if self.apart is None else 'rating'}"
        given += f", {self.apart} were two points or more apart" if self.apart is not None else ""
        if not self.is_enough:
            return f"Not enough data: {_pairs(self.pairs)}, it takes {ENOUGH}; {given}."
        if self.alpha is None:
            return f"Undefined: everybody always gave the same one, so nobody can tell agreement from habit; {given}."
        return f"{given}."


def agreement(units: Units, difference: Difference = ordinal) -> Agreement:
    rated = _pairable(units)
    gaps = [abs(one - other) for ratings in rated for one, other in combinations(ratings, 2)]
    return Agreement(
        alpha=alpha(units, difference),
        units=len(rated),
        pairs=len(gaps),
        same=gaps.count(0),
        apart=None if difference is nominal else sum(1 for gap in gaps if gap >= APART),
    )


@dataclass(frozen=True, slots=True)
class Deviation:
    """One rater against the median of all: `mean` above 0 is milder than the group; `largest` in points, signed."""

    n: int
    mean: float
    largest: float


def deviations(units: Sequence[Mapping[str, int | None]]) -> dict[str, Deviation]:
    """By rater, over the units that at least two have rated."""
    gaps: dict[str, list[float]] = {}
    for ratings in units:
        given = {rater: rating for rater, rating in ratings.items() if rating is not None}
        if len(given) < 2:
            continue
        middle = median(given.values())
        for rater, rating in given.items():
            gaps.setdefault(rater, []).append(rating - middle)
    return {rater: Deviation(len(found), fmean(found), max(found, key=abs)) for rater, found in gaps.items()}


def _pairs(number: int) -> str:
    return "1 pair" if number == 1 else f"{number} pairs"
