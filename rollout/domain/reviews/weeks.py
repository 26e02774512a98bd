"""The weeks of guidance review, in UTC: drawn on Monday at nine, due on a Monday at nine."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta

WEEK = timedelta(days=7)
AT = time(9, 0, tzinfo=UTC)
SHORTEST = timedelta(days=4)  # from a late draw to its due time
WORKING_DAYS = 5  # Monday to Friday


def monday_of(moment: datetime) -> date:
    """The Monday of the week in which a moment lies."""
    day = moment.astimezone(UTC).date()
    return day - timedelta(days=day.weekday())


def bounds(monday: date) -> tuple[datetime, datetime]:
    """From Monday 00:00, included, to the next Monday 00:00, excluded."""
    start = datetime.combine(monday, time(0, tzinfo=UTC))
    return start, start + WEEK


def to_draw(now: datetime) -> date:
    """The newest week that is over and may be drawn: last week, from Monday at nine on."""
    return turn_of(now) - WEEK


def turn_of(now: datetime) -> date:
    """The Monday of the week whose team is on duty: a turn goes from Monday at nine to the next Monday at nine."""
    return monday_of(now - timedelta(hours=AT.hour))


def turn_ends(now: datetime) -> datetime:
    return datetime.combine(turn_of(now) + WEEK, AT)


def due_of(drawn_at: datetime) -> datetime:
    """Monday at nine of the week after; after a late draw the first one that leaves at least four days."""
    monday = datetime.combine(monday_of(drawn_at) + WEEK, AT)
    return monday if monday - drawn_at >= SHORTEST else monday + WEEK


def days_present(first: date, last: date, absences: Iterable[tuple[date, date]]) -> int:
    """Working days from `first` to `last`, both counted, without those of any absence (both ends counted)."""
    away = list(absences)
    days = (first + timedelta(days=step) for step in range((last - first).days + 1))
    return sum(day.weekday() < WORKING_DAYS and not any(a <= day <= b for a, b in away) for day in days)
