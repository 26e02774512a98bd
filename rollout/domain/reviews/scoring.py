"""What a review's ratings are worth: weighted score, verdict, what is missing, when two reviews disagree (plan 3.3).

A rating is 0 to 4 and worth a quarter each; None is N/A and leaves the denominator. Targets count in hundredths of a
percent, so that a score equal to its target is seen to be equal, here and in the browser.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

SCALE = 4
TAGS = ("template", "edge-case", "model", "data")
APART = 2
_POINTS = 10_000  # of a share


@dataclass(frozen=True, slots=True)
class Criterion:
    """`weight` in percent; `target` is the share that a score must exceed."""

    slug: str
    text: str
    weight: int
    target: float

    @property
    def target_points(self) -> int:
        """In hundredths of a percent."""
        return round(self.target * _POINTS)


@dataclass(frozen=True, slots=True)
class Result:
    """`weighted` and `target` are shares over the rated criteria; all three are None where nothing could be rated."""

    weighted: float | None
    target: float | None
    met: bool | None


Ratings = Mapping[str, int | None]  # by criterion; None: N/A


def share(rating: int) -> float:
    """0, 0.25, 0.5, 0.75 or 1."""
    if not 0 <= rating <= SCALE:
        raise ValueError(f"A rating is 0 to {SCALE}; {rating} is not.")
    return rating / SCALE


def result(criteria: Iterable[Criterion], ratings: Ratings) -> Result:
    """Weighted score and verdict over what is rated; strictly above the weighted target is met."""
    rated = [(each, rating) for each in criteria if (rating := ratings.get(each.slug)) is not None]
    weight = sum(each.weight for each, _ in rated)
    if not weight:
        return Result(None, None, None)
    reached = sum(each.weight * round(share(rating) * _POINTS) for each, rating in rated)
    wanted = sum(each.weight * each.target_points for each, _ in rated)
    return Result(reached / (weight * _POINTS), wanted / (weight * _POINTS), reached > wanted)


def above_target(criterion: Criterion, rating: int | None) -> bool:
    """Whether one rating exceeds its criterion's target; N/A never does."""
    return rating is not None and round(share(rating) * _POINTS) > criterion.target_points


def needs_comment(criterion: Criterion, rating: int | None) -> bool:
    """N/A, or not above the target: somebody has to be able to mend it."""
    return not above_target(criterion, rating)


def disagreement(criteria: Sequence[Criterion], one: Ratings, other: Ratings) -> str:
    """How two reviews differ so that a third has to decide, in sentences; empty where they do not.

    Two points apart on a criterion; N/A against a rating that is not above target; another verdict, which includes
    one that could not be given.
    """
    found = [sentence for each in criteria if (sentence := _apart(each, one.get(each.slug), other.get(each.slug)))]
    first, second = result(criteria, one).met, result(criteria, other).met
    if first is not second:
        found.append(f"The verdicts differ: {_verdict(first)} and {_verdict(second)}.")
    return " ".join(found)


def _apart(criterion: Criterion, one: int | None, other: int | None) -> str:
    if one is None and other is None:
        return ""
    if one is None or other is None:
        rated = one if one is not None else other
        if above_target(criterion, rated):
            return ""
        return f"{criterion.text}: N/A and {rated}, which is below target."
    gap = abs(one - other)
    return f"{criterion.text}: {gap} points apart." if gap >= APART else ""


def _verdict(met: bool | None) -> str:
    return "nothing rated" if met is None else "met" if met else "not met"
