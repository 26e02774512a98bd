"""Cron expressions of five fields, read in UTC.

Celery joins day-of-month and day-of-week with AND, cron and GitHub Actions with OR; an expression that sets both means
different things to different readers, so it is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice

from cronsim import CronSim, CronSimError

FIELDS = ("minute", "hour", "day of month", "month", "day of week")
# What cron and beat read alike; "L", "1#2" and "1/2" would be taken here and stop beat.
_VALUE = r"([0-9]{1,2}|[a-z]{3})"
_PART = re.compile(rf"(\*|{_VALUE}-{_VALUE})(/[0-9]{{1,2}})?|{_VALUE}", re.IGNORECASE)
_SUNDAY_AS_7 = re.compile(r"(?<!/)\b0?7\b")


class BadCron(ValueError):
    """`str()` is one sentence: what was seen and what to write instead."""


def check(expression: str) -> str:
    """The expression with single spaces; BadCron when it cannot be used."""
    fields = expression.split()
    if len(fields) != len(FIELDS):
        raise BadCron(
            f"The cron {expression[:60]!r} has {len(fields)} fields; write five ({', '.join(FIELDS)}), "
            "for example '0 */2 * * *'."
        )
    if fields[2] != "*" and fields[4] != "*":
        raise BadCron(
            f"The cron {expression[:60]!r} sets both day of month and day of week, which different schedulers read "
            "differently; leave one of them '*'."
        )
    text = " ".join(fields)
    if not all(_PART.fullmatch(part) for field in fields for part in field.split(",")):
        raise BadCron(
            f"The cron {expression[:60]!r} cannot be read by every scheduler; use numbers, names, '*', ranges, lists "
            "and steps, for example '0 */2 * * *'."
        )
    if _SUNDAY_AS_7.search(fields[4]):
        raise BadCron(f"The cron {expression[:60]!r} says 7 for a day of the week; write 0 for Sunday: '0 8 * * 0'.")
    try:
        next(CronSim(text, datetime(2026, 1, 1, tzinfo=UTC)))
    except (CronSimError, StopIteration) as error:
        raise BadCron(
            f"The cron {expression[:60]!r} cannot be read ({error}); write for example '0 */2 * * *'."
        ) from error
    return text


def fires_after(expression: str, after: datetime) -> Iterator[datetime]:
    """Nominal times strictly after `after`, ascending, aware UTC; endless for all practical crons."""
    return iter(CronSim(check(expression), after.astimezone(UTC)))


def next_fires(expression: str, after: datetime, count: int) -> tuple[datetime, ...]:
    return tuple(islice(fires_after(expression, after), count))


def fires_between(expression: str, after: datetime, until: datetime, most: int = 2000) -> tuple[datetime, ...]:
    """Nominal times in (after, until], at most the newest `most` of them."""
    found: list[datetime] = []
    for moment in fires_after(expression, after):
        if moment > until:
            break
        found.append(moment)
        if len(found) > most:
            found.pop(0)
    return tuple(found)
