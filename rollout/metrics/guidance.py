"""What people say of the guidance and of the rollout: review scores, survey answers.

The scores come through a port, because reviews and surveys are rooms of their own; without them nothing can be judged.
Both are registered by the app (`rollout.services.surveys.Scores`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from rollout.domain.measures import Row, Unit
from rollout.metrics import reducing
from rollout.metrics.base import Collect, Measured, Question, Sample


@dataclass(frozen=True, slots=True)
class Score:
    """One final score. Reviews: the weighted score of one issue, 0…1; a survey: one answer, 1…5."""

    row: Row
    value: float
    at: datetime


class Scores(Protocol):
    def reviews(self, repository_id: int, start: datetime, end: datetime, workflow: str) -> Sequence[Score]: ...

    def survey(self, repository_id: int, start: datetime, end: datetime) -> Sequence[Score]: ...


class NoScores:
    """Nobody has scored anything."""

    def reviews(self, repository_id: int, start: datetime, end: datetime, workflow: str) -> Sequence[Score]:
        del repository_id, start, end, workflow
        return ()

    def survey(self, repository_id: int, start: datetime, end: datetime) -> Sequence[Score]:
        del repository_id, start, end
        return ()


_sources: list[Scores] = [NoScores()]


def scores() -> Scores:
    """Where scores are read from now."""
    return _sources[-1]


def register(source: Scores) -> None:
    """Called once by the app that keeps the scores."""
    _sources.append(source)


@contextmanager
def using(source: Scores) -> Iterator[None]:
    """For a while, as tests and rehearsals do."""
    _sources.append(source)
    try:
        yield
    finally:
        _sources.remove(source)


def _reviews(question: Question) -> Sample:
    scope = question.scope
    return _sample(question, scores().reviews(scope.repository_id, question.start, question.now, scope.workflow))


def _survey(question: Question) -> Sample:
    return _sample(question, scores().survey(question.scope.repository_id, question.start, question.now))


def _sample(question: Question, found: Sequence[Score]) -> Sample:
    wanted = None if question.rows is None else set(question.rows)
    kept = sorted((one for one in found if wanted is None or one.row in wanted), key=lambda one: (one.at, one.row.id))
    moments = [one.at for one in kept]
    return Sample(
        facts=[one.value for one in kept],
        rows=tuple(one.row for one in kept),
        newest=max(moments, default=None),
        start=min(moments, default=None),
        end=max(moments, default=None),
    )


def _measured(slug: str, title: str, definition: str, unit: Unit, collect: Collect) -> Measured:
    return Measured(slug, title, definition, unit, collect, reducing.estimate)


FAMILY = (
    _measured(
        "guidance_quality",
        "Guidance quality",
        "Mean weighted score of the reviewed sample of specialist guidance, with its 95 % interval; the whole interval "
        "has to clear a target.",
        Unit.SHARE,
        _reviews,
    ),
    Measured(
        "survey_score",
        "Stakeholder satisfaction",
        "Mean answer of the newest closed round of the stakeholder survey, on a scale of 1 to 5; each person counts "
        "once.",
        Unit.SCORE,
        _survey,
        reducing.average,
    ),
)
