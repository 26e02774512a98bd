"""When a reminder is owed: by the newest moment that has come, never by those that were missed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.reviews.reminding import Step, goes_to_the_lead, is_owed, step_at

DUE = datetime(2026, 11, 9, 9, tzinfo=UTC)
DRAWN = DUE - timedelta(days=7)
HOURS = st.integers(-24 * 10, 24 * 40)


def hours(count: float) -> datetime:
    return DUE + timedelta(hours=count)


@pytest.mark.parametrize(
    ("now", "kind", "number", "since"),
    [
        (-48, "before", -1, -48),
        (-0.5, "before", -1, -48),
        (0, "due", 0, 0),
        (47.9, "due", 0, 0),
        (48, "overdue", 1, 48),
        (96, "overdue", 2, 96),
        (24 * 30 + 1, "overdue", 15, 24 * 30),
    ],
)
def test_moments_are_two_days_apart(now: float, kind: str, number: int, since: float) -> None:
    step = step_at(DUE, hours(now))

    assert step == Step(number, hours(since))
    assert step is not None
    assert step.kind == kind


def test_more_than_two_days_ahead_nobody_is_reminded() -> None:
    assert step_at(DUE, hours(-48.1)) is None


@given(HOURS, HOURS)
def test_each_moment_is_owed_once(first: int, second: int) -> None:
    one, other = hours(min(first, second)), hours(max(first, second))
    step, later = step_at(DUE, one), step_at(DUE, other)

    if step is not None and later is not None:
        assert is_owed(later, DRAWN, one) is (later.since > step.since)
        assert is_owed(later, DRAWN, None)


def test_batch_drawn_after_the_moment_is_not_reminded_of_it() -> None:
    step = Step(-1, hours(-48))

    assert not is_owed(step, hours(-47), None)


@pytest.mark.parametrize(
    ("number", "sent", "silent", "goes"),
    [(2, 2, False, False), (3, 2, False, True), (3, 1, False, False), (3, 0, True, True), (2, 0, True, False)],
)
def test_lead_hears_after_two_reminders_in_vain(number: int, sent: int, silent: bool, goes: bool) -> None:
    assert goes_to_the_lead(Step(number, hours(48 * number)), sent, silent=silent) is goes
