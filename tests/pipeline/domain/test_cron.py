"""Crons of five fields, in UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from celery.schedules import crontab
from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.cron import BadCron, check, fires_after, fires_between, next_fires

START = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
CRONS = ["0 */2 * * *", "5 */4 * * *", "30 6 * * *", "*/15 * * * *", "* * * * *", "0 0 1 * *", "0 9 * * 1-5"]
MOMENTS = st.integers(0, 5 * 366 * 24 * 3600).map(lambda seconds: START + timedelta(seconds=seconds))


@pytest.mark.parametrize("expression", CRONS)
@pytest.mark.parametrize("spacing", [" ", "  ", "\t"])
def test_check_writes_single_spaces(expression: str, spacing: str) -> None:
    assert check(f" {expression.replace(' ', spacing)} ") == expression


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("", "has 0 fields"),
        ("* * * *", "has 4 fields"),
        ("0 0 * * * *", "has 6 fields"),
        ("@daily", "has 1 fields"),
        ("61 * * * *", "cannot be read"),
        ("a b c * *", "cannot be read"),
        ("0 0 L * *", "cannot be read by every scheduler"),
        ("0 0 * * 1#2", "cannot be read by every scheduler"),
        ("5/10 * * * *", "cannot be read by every scheduler"),
        ("٣ * * * *", "cannot be read by every scheduler"),
        ("0 8 * * 5-7", "write 0 for Sunday"),
        ("*/0 * * * *", "cannot be read"),
        ("0 0 30 2 *", "cannot be read"),
        ("0 0 1 * 1", "sets both day of month and day of week"),
        ("0 0 * * \x00", "cannot be read"),
        ("9" * 5000, "has 1 fields"),
    ],
)
def test_bad_cron_is_refused_in_one_short_sentence(expression: str, words: str) -> None:
    with pytest.raises(BadCron, match=words) as caught:
        check(expression)
    assert len(str(caught.value)) < 300
    assert ";" in str(caught.value)  # what was seen; what to do


@given(st.text(max_size=30))
def test_any_text_is_a_cron_or_a_bad_cron(text: str) -> None:
    try:
        cleaned = check(text)
    except BadCron:
        return
    assert check(cleaned) == cleaned


FIELD = st.sampled_from(
    ["*", "0", "1", "3,5", "1-4", "*/2", "1-9/3", "12", "mon", "SUN", "jan-mar", "mon-fri", "59", "7", "6-2", "00"]
)


@given(st.lists(FIELD, min_size=5, max_size=5).map(" ".join))
def test_cron_that_is_accepted_means_the_same_to_beat(expression: str) -> None:
    try:
        fires = next_fires(check(expression), START, 3)
    except BadCron:
        return
    minute, hour, day, month, weekday = expression.split()
    beat = crontab(minute, hour=hour, day_of_month=day, month_of_year=month, day_of_week=weekday)
    for fire in fires:
        assert fire.minute in beat.minute
        assert fire.hour in beat.hour
        assert fire.day in beat.day_of_month
        assert fire.month in beat.month_of_year
        assert fire.isoweekday() % 7 in beat.day_of_week


@given(st.sampled_from(CRONS), MOMENTS)
def test_fires_ascend_strictly_after_the_moment_in_utc(expression: str, moment: datetime) -> None:
    fires = next_fires(expression, moment, 6)
    assert fires[0] > moment
    assert all(one < other for one, other in pairwise(fires))
    assert all(fire.utcoffset() == timedelta(0) for fire in fires)


@given(st.sampled_from(CRONS), MOMENTS, st.integers(0, 900), st.integers(0, 900))
def test_two_windows_in_a_row_hold_each_fire_once(expression: str, moment: datetime, first: int, second: int) -> None:
    middle = moment + timedelta(minutes=first)
    end = middle + timedelta(minutes=second)
    parts = fires_between(expression, moment, middle) + fires_between(expression, middle, end)
    assert parts == fires_between(expression, moment, end, most=10_000)


def test_window_includes_its_end_and_not_its_beginning() -> None:
    end = START + timedelta(hours=2)
    assert fires_between("0 */2 * * *", START, end) == (end,)


def test_window_keeps_the_newest_when_there_are_too_many() -> None:
    fires = fires_between("* * * * *", START, START + timedelta(days=1), most=3)
    assert fires == tuple(START + timedelta(days=1, minutes=-n) for n in (2, 1, 0))


def test_empty_or_backward_window_has_no_fires() -> None:
    assert fires_between("* * * * *", START, START) == ()
    assert fires_between("* * * * *", START, START - timedelta(hours=5)) == ()


def test_moment_of_another_zone_is_read_in_utc() -> None:
    elsewhere = START.astimezone(timezone(timedelta(hours=-7)))
    assert next(fires_after("30 6 * * *", elsewhere)) == datetime(2026, 11, 3, 6, 30, tzinfo=UTC)


@pytest.mark.parametrize("day", [datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC)])
def test_day_of_a_clock_change_has_24_hours(day: datetime) -> None:
    assert len(fires_between("30 * * * *", day, day + timedelta(days=1))) == 24
