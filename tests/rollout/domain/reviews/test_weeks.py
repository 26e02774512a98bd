"""Weeks in UTC: when one may be drawn, when its reviews are due, who is there."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.reviews import weeks

MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """November 2026; the 2nd is a Monday."""
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "week"),
    [
        (at(9, 9), date(2026, 11, 2)),
        (at(9, 8, 59), date(2026, 10, 26)),
        (at(15, 23, 59), date(2026, 11, 2)),
        (at(16, 9), date(2026, 11, 9)),
    ],
)
def test_last_week_may_be_drawn_from_monday_at_nine(now: datetime, week: date) -> None:
    assert weeks.to_draw(now) == week


@pytest.mark.parametrize(
    ("drawn", "due"),
    [
        (at(2, 9), at(9, 9)),
        (at(2, 9, 7), at(9, 9)),
        (at(5, 9), at(9, 9)),
        (at(5, 10), at(16, 9)),
        (at(8, 12), at(16, 9)),
    ],
)
def test_due_is_monday_at_nine_with_four_days_at_least(drawn: datetime, due: datetime) -> None:
    assert weeks.due_of(drawn) == due


@given(MOMENTS)
def test_week_to_draw_is_over_and_the_newest_such(now: datetime) -> None:
    week = weeks.to_draw(now)
    start, end = weeks.bounds(week)

    assert week.weekday() == 0
    assert (end - start, start.hour) == (timedelta(days=7), 0)
    assert end + timedelta(hours=9) <= now < end + timedelta(days=7, hours=9)


@given(MOMENTS)
def test_due_time_leaves_four_to_eleven_days(now: datetime) -> None:
    due = weeks.due_of(now)

    assert (due.weekday(), due.hour) == (0, 9)
    assert timedelta(days=4) <= due - now < timedelta(days=11, hours=1)


@pytest.mark.parametrize(
    ("now", "monday"),
    [(at(2, 8, 59), date(2026, 10, 26)), (at(2, 9), date(2026, 11, 2)), (at(8, 23), date(2026, 11, 2))],
)
def test_turn_goes_from_monday_at_nine_to_monday_at_nine(now: datetime, monday: date) -> None:
    assert weeks.turn_of(now) == monday
    assert weeks.turn_ends(now) == datetime.combine(monday, weeks.AT) + weeks.WEEK


def test_monday_is_asked_in_utc() -> None:
    late = datetime.fromisoformat("2026-11-02T00:30:00+01:00")

    assert weeks.monday_of(late) == date(2026, 10, 26)


@pytest.mark.parametrize(
    ("absences", "days"),
    [
        ([], 6),
        ([(2, 6)], 1),
        ([(7, 8)], 6),
        ([(2, 3), (3, 4)], 3),
        ([(1, 30)], 0),
        ([(9, 9)], 5),
    ],
)
def test_working_days_without_absences(absences: list[tuple[int, int]], days: int) -> None:
    away = [(date(2026, 11, first), date(2026, 11, last)) for first, last in absences]

    assert weeks.days_present(date(2026, 11, 2), date(2026, 11, 9), away) == days
