"""What is measured: scope, window, reading. The registry of metrics answers these, everything else only reads them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol


class Unit(StrEnum):
    SHARE = "share"  # 0…1, shown as percent
    COUNT = "count"
    SECONDS = "seconds"
    SCORE = "score"  # 1…5


@dataclass(frozen=True, slots=True)
class Scope:
    """On which repository, and of it which operation (its name) or workflow (its slug); empty: all."""

    repository_id: int
    operation: str = ""
    workflow: str = ""


@dataclass(frozen=True, slots=True)
class Window:
    """Either the last `runs` completed, non-empty, scheduled live runs, or the last `hours`; never both.

    With neither, everything since the evidence floor.
    """

    runs: int | None = None
    hours: float | None = None

    def span(self) -> timedelta | None:
        return timedelta(hours=self.hours) if self.hours is not None else None


@dataclass(frozen=True, slots=True)
class Row:
    """One row that a value was computed from: model label ("pipeline.run") and primary key."""

    model: str
    id: int


@dataclass(frozen=True, slots=True)
class Reading:
    """A measured value. `value` None means it cannot be judged, never zero; `error` says why it could not be measured.

    `n` counts what the value was computed from; `newest` is the newest of it; `parts` are named numbers for people
    (numerator, denominator, low, high).
    """

    value: float | None
    n: int
    rows: tuple[Row, ...] = ()
    newest: datetime | None = None
    start: datetime | None = None
    end: datetime | None = None
    error: str = ""
    parts: dict[str, Any] = field(default_factory=dict)


class Metric(Protocol):
    """A named function. `definition` is one sentence that a stakeholder can read."""

    slug: str
    title: str
    definition: str
    unit: Unit

    def read(self, scope: Scope, window: Window, floor: datetime, now: datetime) -> Reading:
        """Only rows at or after `floor` count. Raises nothing: a fault comes back as `error`."""
        ...
