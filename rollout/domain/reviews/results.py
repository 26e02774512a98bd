"""From reviews to figures: when an issue's score is final, what a handful of scores show, and by what they divide.

The interval of a mean score is `bounded_interval`: Student's, with one score at each end of the scale beside those that
were given. A week's ten ratings are mostly fours, and Student's own interval of them is far too short: ten equal ones
give it no width at all. This one holds the mean in at least 98 % of samples of ten, reckoned exactly for nine ways of
rating (docs/decisions/013-review-figures.md). Ten perfect scores show no more than 73 %: to meet 90 % takes more weeks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from statistics import fmean
from typing import TypeVar

from rollout.domain.reviews.scoring import Criterion, Ratings, disagreement, result, share
from rollout.domain.statistics import Interval, bounded_interval, wilson
from rollout.domain.wording import counted

ENOUGH = 10  # scores; below, nothing is said to be met
WEIGHTED = "weighted"  # the name of the whole beside the slugs of criteria
T = TypeVar("T")


class Standing(StrEnum):
    FINAL = "final"
    PENDING = "pending"
    LEFT_OUT = "left out"


@dataclass(frozen=True, slots=True)
class Seat:
    """One reviewer's part. `submitted_at` None: waiting or being scored. `clear` and `right` None: cannot say."""

    reviewer: str = ""
    submitted_at: datetime | None = None
    skipped: bool = False
    ratings: Ratings = field(default_factory=dict)
    weighted: float | None = None
    tags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    comments: Mapping[str, str] = field(default_factory=dict)
    clear: bool | None = None
    right: bool | None = None

    @property
    def counts(self) -> bool:
        return self.submitted_at is not None and not self.skipped

    def share(self, slug: str) -> float | None:
        """This reviewer's own rating of a criterion, 0 to 1; None: N/A, or not in this rubric."""
        return _share(self.ratings.get(slug))


@dataclass(frozen=True, slots=True)
class Ruling:
    """An adjudicator's decision; `settled_at` None: it is still open."""

    settled_at: datetime | None = None
    ratings: Ratings = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What counts of an issue. `shares` by criterion, 0 to 1; None: N/A. `reason` says how it counts, or why not."""

    standing: Standing
    reason: str
    at: datetime | None = None
    shares: Mapping[str, float | None] = field(default_factory=dict)
    weighted: float | None = None
    clear: bool | None = None
    right: bool | None = None

    def value(self, slug: str) -> float | None:
        return self.weighted if slug == WEIGHTED else self.shares.get(slug)


def outcome(criteria: Sequence[Criterion], seats: Sequence[Seat], ruling: Ruling | None = None) -> Outcome:
    """The settled ruling; else the mean of the submitted seats where they agree. Skipped seats are left out."""
    kept = [seat for seat in seats if not seat.skipped]
    if not kept:
        said = "Every reviewer skipped it." if seats else "Nobody has been asked to review it yet."
        return Outcome(Standing.LEFT_OUT if seats else Standing.PENDING, said)
    if ruling is not None and ruling.settled_at is not None:
        return _ruled(criteria, kept, ruling, ruling.settled_at)
    moments = [seat.submitted_at for seat in kept if seat.submitted_at is not None]
    if len(moments) < len(kept):
        return Outcome(Standing.PENDING, f"{counted(len(kept) - len(moments), 'review')} not submitted yet.")
    if ruling is not None or any(disagreement(criteria, kept[0].ratings, seat.ratings) for seat in kept[1:]):
        return Outcome(Standing.PENDING, "The reviewers disagree; an adjudicator has to decide.")
    return _agreed(criteria, kept, max(moments))


def _ruled(criteria: Sequence[Criterion], kept: Sequence[Seat], ruling: Ruling, at: datetime) -> Outcome:
    return Outcome(
        Standing.FINAL,
        "Settled by an adjudicator.",
        at,
        {each.slug: _share(ruling.ratings.get(each.slug)) for each in criteria},
        result(criteria, ruling.ratings).weighted,
        _nobody_says_no(seat.clear for seat in kept),
        _nobody_says_no(seat.right for seat in kept),
    )


def _agreed(criteria: Sequence[Criterion], kept: Sequence[Seat], at: datetime) -> Outcome:
    return Outcome(
        Standing.FINAL,
        "One review." if len(kept) == 1 else f"Mean of {len(kept)} reviews that agree.",
        at,
        {each.slug: _mean(_share(seat.ratings.get(each.slug)) for seat in kept) for each in criteria},
        _mean(seat.weighted for seat in kept),
        _nobody_says_no(seat.clear for seat in kept),
        _nobody_says_no(seat.right for seat in kept),
    )


def _share(rating: int | None) -> float | None:
    return None if rating is None else share(rating)


def _mean(values: Iterable[float | None]) -> float | None:
    """Of those that are there; N/A leaves the denominator."""
    given = [value for value in values if value is not None]
    return fmean(given) if given else None


def _nobody_says_no(answers: Iterable[bool | None]) -> bool | None:
    """What is unclear to one of two readers is unclear. None: nobody could say."""
    given = [answer for answer in answers if answer is not None]
    return all(given) if given else None


class Verdict(StrEnum):
    MET = "met"
    BELOW = "below target"
    OPEN = "not enough data"
    NOTHING = "nothing scored"


@dataclass(frozen=True, slots=True)
class Figure:
    """A mean of `n` scores with its 95 % interval; `target` is a share that it must exceed, None: there is none."""

    value: float | None
    n: int
    interval: Interval | None
    target: float | None = None

    @property
    def verdict(self) -> Verdict:
        """Met and below need the whole interval; met also needs `ENOUGH` scores."""
        if self.value is None or self.interval is None:
            return Verdict.NOTHING
        if self.target is None:
            return Verdict.OPEN
        if self.interval.high <= self.target:
            return Verdict.BELOW
        return Verdict.MET if self.interval.low > self.target and self.n >= ENOUGH else Verdict.OPEN

    @property
    def is_short(self) -> bool:
        """The mean itself is not above the target, whatever that shows."""
        return self.value is not None and self.target is not None and self.value <= self.target

    @property
    def sentence(self) -> str:
        if self.value is None or self.target is None:
            return "Nothing of it is final yet." if self.value is None else ""
        line = f"{100 * self.target:.4g} %"
        if self.verdict is Verdict.MET:
            return f"The whole interval is above {line}."
        if self.verdict is Verdict.BELOW:
            return f"The whole interval is at or below {line}."
        so_far = "at or below" if self.is_short else "above"
        lacks = f"it takes {ENOUGH} scores and" if self.n < ENOUGH else "it takes"
        return f"So far {so_far} {line}; {lacks} an interval that lies wholly on one side."


def figure(values: Iterable[float | None], target: float | None = None) -> Figure:
    """Of the scores that are there."""
    given = [value for value in values if value is not None]
    return Figure(fmean(given) if given else None, len(given), bounded_interval(given), target)


@dataclass(frozen=True, slots=True)
class Share:
    """How many of `n` are so, with Wilson's 95 % interval."""

    yes: int
    n: int
    interval: Interval | None

    @property
    def value(self) -> float | None:
        return self.yes / self.n if self.n else None


def share_of(answers: Iterable[bool | None]) -> Share:
    """Of those that could say."""
    given = [answer for answer in answers if answer is not None]
    return Share(sum(given), len(given), wilson(sum(given), len(given)))


def target_of(criteria: Sequence[Criterion], slug: str) -> float | None:
    """A criterion's target, or the weighted one of all; None for a criterion that the rubric does not have."""
    if slug == WEIGHTED:
        return result(criteria, {each.slug: 0 for each in criteria}).target
    return next((each.target for each in criteria if each.slug == slug), None)


def known(versions: Sequence[Sequence[Criterion]]) -> list[Criterion]:
    """The criteria of several versions, newest version last: each slug once, as it was in the newest that has it."""
    found: dict[str, Criterion] = {}
    for criteria in reversed(versions):
        for each in criteria:
            found.setdefault(each.slug, each)
    return list(found.values())


def grouped(rows: Iterable[T], key: Callable[[T], str]) -> dict[str, list[T]]:
    """By a name, in the order of names."""
    found: dict[str, list[T]] = {}
    for row in rows:
        found.setdefault(key(row), []).append(row)
    return dict(sorted(found.items()))
