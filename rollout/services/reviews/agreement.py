"""How far reviewers agree, from the reviews as they were submitted: rulings of adjudicators do not enter here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

from rollout.domain.reviews.agreement import Agreement, Deviation, agreement, deviations, nominal
from rollout.domain.reviews.results import Seat
from rollout.domain.reviews.scoring import Criterion
from rollout.models import ReviewBatch
from rollout.services.reviews.results import Scored, criteria_of

WINDOW = 8  # weeks
CHECKS = {"clear": "Assignment clear", "right": "AI assessment right"}


@dataclass(frozen=True, slots=True)
class Line:
    """The agreement on one criterion, or on one of the two questions beside the rubric."""

    slug: str
    text: str
    agreement: Agreement


@dataclass(frozen=True, slots=True)
class Member:
    """One member of a calibration round: the deviation on each criterion of the round, None where none can be told."""

    name: str
    by_criterion: tuple[Deviation | None, ...]


@dataclass(frozen=True, slots=True)
class Round:
    """A calibration round: everybody scored the same issues."""

    batch: ReviewBatch
    criteria: tuple[Criterion, ...]
    lines: tuple[Line, ...]
    members: tuple[Member, ...]


def lines(rows: Sequence[Scored]) -> list[Line]:
    """For each criterion, ordinal; then for the two questions, where the answers are yes and no."""
    of_criteria = [
        Line(each.slug, each.text, agreement([_given(row, _rating_on(each.slug)) for row in rows]))
        for each in criteria_of(rows)
    ]
    asked = [
        Line(name, text, agreement([_given(row, _answer_to(name)) for row in rows], nominal))
        for name, text in CHECKS.items()
    ]
    return [*of_criteria, *asked] if rows else []


def rounds(rows: Sequence[Scored]) -> list[Round]:
    """The calibration rounds among `rows`, the newest first."""
    found = [_round(list(group)) for _, group in groupby(rows, key=lambda row: row.sample.batch_id)]
    return sorted(found, key=lambda each: (each.batch.week, each.batch.pk), reverse=True)


def _round(rows: list[Scored]) -> Round:
    criteria = tuple(criteria_of(rows))
    told = [deviations([_by_member(row, each.slug) for row in rows]) for each in criteria]
    names = sorted({seat.reviewer for row in rows for seat in row.seats if seat.counts})
    members = tuple(Member(name, tuple(of_one.get(name) for of_one in told)) for name in names)
    return Round(rows[0].sample.batch, criteria, tuple(lines(rows)), members)


def _given(row: Scored, answer: Callable[[Seat], int | None]) -> list[int | None]:
    return [answer(seat) for seat in row.seats if seat.counts]


def _rating_on(slug: str) -> Callable[[Seat], int | None]:
    return lambda seat: seat.ratings.get(slug)


def _answer_to(name: str) -> Callable[[Seat], int | None]:
    def answer(seat: Seat) -> int | None:
        given: bool | None = getattr(seat, name)
        return None if given is None else int(given)

    return answer


def _by_member(row: Scored, slug: str) -> dict[str, int | None]:
    return {seat.reviewer: seat.ratings.get(slug) for seat in row.seats if seat.counts}
