"""When an operation fires: in words, and the next times."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from cron_descriptor import Options, get_description

from pipeline.domain import cron
from pipeline.models import Mode, Operation
from pipeline.services.operations import cron_of

SHOWN = 10
DENSE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Schedule:
    """`fires` are aware UTC, ascending; empty with a `problem`, which says why."""

    expression: str
    words: str
    fires: tuple[datetime, ...]
    problem: str = ""

    @property
    def next(self) -> datetime | None:
        return self.fires[0] if self.fires else None


def schedule_of(operation: Operation, now: datetime, count: int = SHOWN) -> Schedule:
    """The schedule that stands in the database; `operation.periodic_task.crontab` should be selected with it."""
    expression = cron_of(operation)
    if expression is None:
        return Schedule("", "", (), "It has no cron, so nothing fires it; write one below.")
    if operation.periodic_task is not None and not operation.periodic_task.enabled:
        return Schedule(expression, words_for(expression), (), "Its schedule is disabled; save a cron to enable it.")
    try:
        fires = cron.next_fires(expression, now, count)
    except cron.BadCron as bad:
        return Schedule(expression, "", (), str(bad))
    return Schedule(expression, words_for(expression), fires)


def words_for(expression: str) -> str:
    """The cron as a sentence, in UTC."""
    options = Options()
    options.use_24hour_time_format = True
    options.verbose = False
    return f"{get_description(expression, options=options)}, UTC"


def next_fire(operation: Operation, now: datetime) -> datetime | None:
    """None when it is off or nothing fires it."""
    return None if operation.mode == Mode.OFF else schedule_of(operation, now, 1).next
