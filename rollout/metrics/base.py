"""What a metric is made of: `collect` reads rows into facts, `reduce` turns facts into a value.

The facts are stored with an evaluation, so that it can be computed again from exactly what was seen, and compared with
what the rows say today. A metric raises nothing: a fault comes back as the reading's `error`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from django.db import DatabaseError
from django.db.models import Model, QuerySet

from rollout.domain import windows
from rollout.domain.measures import Reading, Row, Scope, Unit, Window

MOST_ROWS = 1000  # of the newest; what one evaluation may keep
SHOWN = 12  # names in a sentence

M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True)
class Question:
    """What a metric is asked. `rows`: answer for exactly these, as they were at `now`."""

    scope: Scope
    window: Window
    floor: datetime
    now: datetime
    rows: tuple[Row, ...] | None = None

    @property
    def start(self) -> datetime:
        """From when rows that are no runs count."""
        return windows.start(self.window, self.floor, self.now)

    def only(self, queryset: QuerySet[M]) -> QuerySet[M]:
        """Restricted to the rows asked for, where some are."""
        if self.rows is None:
            return queryset
        label = queryset.model._meta.label_lower
        return queryset.filter(pk__in=[row.id for row in self.rows if row.model == label])

    def of_operation(self, queryset: QuerySet[M], path: str = "operation__name") -> QuerySet[M]:
        return queryset.filter(**{path: self.scope.operation}) if self.scope.operation else queryset


@dataclass(frozen=True, slots=True)
class Sample:
    """What was read. `n` None: one per fact. `parts` are for people."""

    facts: Sequence[Any] = ()
    rows: Sequence[Row] = ()
    n: int | None = None
    newest: datetime | None = None
    start: datetime | None = None
    end: datetime | None = None
    parts: dict[str, Any] = field(default_factory=dict)
    error: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """A value from facts. `n` None: as the sample says."""

    value: float | None
    n: int | None = None
    parts: dict[str, Any] = field(default_factory=dict)


Collect = Callable[[Question], Sample]
Reduce = Callable[[Sequence[Any]], Figure]


@dataclass(frozen=True, slots=True)
class Measured:
    """A metric: `rollout.domain.measures.Metric`, and able to compute again from stored facts."""

    slug: str
    title: str
    definition: str
    unit: Unit
    collect: Collect
    reduce: Reduce

    def read(self, scope: Scope, window: Window, floor: datetime, now: datetime) -> Reading:
        return self.ask(Question(scope, window, floor, now))

    def ask(self, question: Question) -> Reading:
        try:
            sample = self.collect(question)
            if sample.error:
                return Reading(value=None, n=0, error=sample.error)
            figure = self.reduce(sample.facts)
        except (DatabaseError, ArithmeticError, LookupError, TypeError, ValueError, OSError) as error:
            return Reading(value=None, n=0, error=f"{self.title}: {error}"[:400])
        return _reading(sample, figure)

    def again(self, facts: Sequence[Any]) -> Figure:
        """The value of stored facts."""
        return self.reduce(facts)


def _reading(sample: Sample, figure: Figure) -> Reading:
    counted = figure.n if figure.n is not None else sample.n
    return Reading(
        value=figure.value,
        n=len(sample.facts) if counted is None else counted,
        rows=tuple(sample.rows),
        newest=sample.newest,
        start=sample.start,
        end=sample.end,
        parts={**sample.parts, **figure.parts, "facts": list(sample.facts)},
    )


def rows_of(model: type[Model], keys: Iterable[int]) -> tuple[Row, ...]:
    label = model._meta.label_lower
    return tuple(Row(label, key) for key in keys)


def names(found: Sequence[str]) -> dict[str, str]:
    """The first of the names, for the sentence; empty where there are none."""
    if not found:
        return {}
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return {"named": ", ".join(found[:SHOWN]) + more}
