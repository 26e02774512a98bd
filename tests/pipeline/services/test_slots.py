"""Slots: every nominal time is run at most once, or has a row that says why not."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connections
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from pipeline import clock
from pipeline.models import Mode, Operation, Repository, Run, Slot
from pipeline.services import operations, slots
from pipeline.services.slots import materialise
from tests.factories import MOMENT, make_operation, make_repository, make_run

RAN, SKIPPED, MISSED = Slot.Status.RAN, Slot.Status.SKIPPED, Slot.Status.MISSED
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def scheduled(**values: Any) -> Operation:
    """Every two hours, owed from MOMENT (08:00) on."""
    defaults = {"cron": "0 */2 * * *", "slots_since": MOMENT, "concurrency_group": "assign"}
    operation: Operation = make_operation(**{**defaults, **values})
    return operation


def settled(operation: Operation) -> list[tuple[int, str]]:
    """(hours past MOMENT, status), oldest first."""
    rows = operation.slots.order_by("nominal_at")
    return [(int((row.nominal_at - MOMENT) / HOUR), row.status) for row in rows]


def reason(operation: Operation) -> str:
    return str(operation.slots.order_by("-nominal_at")[0].reason)


def test_nothing_is_due_before_the_nominal_time(time: clock.VirtualClock) -> None:
    operation = scheduled()
    time.advance(2 * HOUR - timedelta(microseconds=1))
    assert materialise(operation) == []


def test_due_slot_is_run_once_in_mode_and_limit_of_the_operation(time: clock.VirtualClock) -> None:
    operation = scheduled(limit=7, limit_reason="ramp")
    time.advance(2 * HOUR)
    (slot,) = materialise(operation)
    assert materialise(operation) == []
    run = slot.run
    assert run is not None
    assert (run.purpose, run.mode, run.limit, run.limit_reason) == ("scheduled", Mode.DRY_RUN, 7, "ramp")
    assert (run.nominal_at, run.state, run.selected) == (MOMENT + 2 * HOUR, Run.State.OPEN, False)


def test_newest_is_caught_up_and_the_older_are_missed(time: clock.VirtualClock) -> None:
    operation = scheduled()
    time.advance(7 * HOUR)
    materialise(operation)
    assert settled(operation) == [(2, MISSED), (4, MISSED), (6, RAN)]
    assert (
        operation.slots.get(nominal_at=MOMENT + 2 * HOUR).reason
        == "Found 5 h 0 min late; only the newest is caught up."
    )


@pytest.mark.parametrize(("late", "status"), [(24 * HOUR, RAN), (24 * HOUR + MINUTE, MISSED)])
def test_slot_is_caught_up_within_the_window_only(time: clock.VirtualClock, late: timedelta, status: str) -> None:
    operation = scheduled(cron="0 10 1 * *", slots_since=datetime(2026, 10, 31, tzinfo=UTC))
    time.set(datetime(2026, 11, 1, 10, tzinfo=UTC) + late)
    materialise(operation)
    assert [row.status for row in operation.slots.all()] == [status]


@pytest.mark.parametrize(("late", "status"), [(5 * MINUTE, RAN), (6 * MINUTE, MISSED)])
def test_operation_that_catches_nothing_up_runs_only_on_time(
    time: clock.VirtualClock, late: timedelta, status: str
) -> None:
    operation = scheduled(catch_up=Operation.CatchUp.NONE)
    time.advance(2 * HOUR + late)
    materialise(operation)
    assert settled(operation) == [(2, status)]


LIVE = {"mode": Mode.LIVE}


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"mode": Mode.OFF}, "The operation is off."),
        ({"limit": 0}, "The limit is 0."),
        (LIVE, "No live lease."),
        ({**LIVE, "live_until": MOMENT + 2 * HOUR}, "No live lease."),
    ],
)
def test_slot_that_may_not_run_is_recorded_with_the_reason(
    time: clock.VirtualClock, values: dict[str, Any], words: str
) -> None:
    operation = scheduled(**values)
    time.advance(2 * HOUR)
    materialise(operation)
    assert settled(operation) == [(2, SKIPPED)]
    assert reason(operation) == words
    assert not Run.objects.exists()


@pytest.mark.parametrize("standing", [Repository.Standing.PAUSED, Repository.Standing.ARCHIVED])
def test_slot_of_a_repository_that_is_not_active_is_skipped(time: clock.VirtualClock, standing: str) -> None:
    operation = scheduled(repository=make_repository(standing=standing))
    time.advance(2 * HOUR)
    materialise(operation)
    assert reason(operation) == f"The repository is {standing}."


def test_slot_of_a_disabled_schedule_is_skipped(time: clock.VirtualClock) -> None:
    operation = scheduled()
    assert operation.periodic_task is not None
    operation.periodic_task.enabled = False
    time.advance(2 * HOUR)
    materialise(operation)
    assert reason(operation) == "The schedule is disabled."


def test_live_operation_with_a_lease_runs_live(time: clock.VirtualClock) -> None:
    operation = scheduled(mode=Mode.LIVE, live_until=MOMENT + 3 * HOUR)
    time.advance(2 * HOUR)
    (slot,) = materialise(operation)
    assert slot.run is not None
    assert slot.run.mode == Mode.LIVE


def test_overlap_is_skipped_and_names_the_run_in_the_way(time: clock.VirtualClock) -> None:
    operation = scheduled()
    active = make_run(operation=operation, group=slots.group_of(operation), state=Run.State.WORKING)
    time.advance(2 * HOUR)
    materialise(operation)
    assert settled(operation) == [(2, SKIPPED)]
    assert reason(operation) == f"Overlap: run {active.pk} of the group was still active."


def test_group_is_one_across_operations_of_a_repository_and_not_across_repositories(time: clock.VirtualClock) -> None:
    one = scheduled(concurrency_group="write")
    other = scheduled(concurrency_group="write", repository=one.repository)
    foreign = scheduled(concurrency_group="write")
    time.advance(2 * HOUR)
    for operation in (one, other, foreign):
        materialise(operation)
    assert [settled(operation) for operation in (one, other, foreign)] == [[(2, RAN)], [(2, SKIPPED)], [(2, RAN)]]


@pytest.mark.parametrize("values", [{"overlap": Operation.Overlap.ALLOW}, {"concurrency_group": ""}])
def test_overlap_that_is_allowed_runs(time: clock.VirtualClock, values: dict[str, Any]) -> None:
    operation = scheduled(**values)
    for _ in range(2):
        time.advance(2 * HOUR)
        materialise(operation)
    assert settled(operation) == [(2, RAN), (4, RAN)]


def test_slots_from_before_the_switch_are_not_owed(time: clock.VirtualClock) -> None:
    operation = scheduled(mode=Mode.OFF)
    time.advance(5 * HOUR)
    operations.set_mode(operation, Mode.DRY_RUN, actor="olga", reason="Week 1.")
    assert materialise(operation) == []
    time.advance(HOUR)
    materialise(operation)
    assert settled(operation) == [(6, RAN)]


def test_operation_that_never_fired_is_owed_from_the_first_look_on(time: clock.VirtualClock) -> None:
    operation = scheduled(slots_since=None)
    assert materialise(operation) == []
    time.advance(2 * HOUR)
    materialise(Operation.objects.get(pk=operation.pk))
    assert settled(operation) == [(2, RAN)]


def test_operation_without_a_schedule_has_no_slots(time: clock.VirtualClock) -> None:
    operation = make_operation(slots_since=MOMENT)
    time.advance(48 * HOUR)
    assert materialise(operation) == []


def test_clock_that_jumps_72_hours_ahead_and_back_loses_and_doubles_nothing(time: clock.VirtualClock) -> None:
    operation = scheduled(overlap=Operation.Overlap.ALLOW)
    time.advance(72 * HOUR)
    materialise(operation)
    assert settled(operation) == [*((hours, MISSED) for hours in range(2, 72, 2)), (72, RAN)]
    for hours in range(2, 76, 2):
        time.set(MOMENT + hours * HOUR)
        materialise(operation)
    assert settled(operation) == [(hours, RAN) for hours in range(2, 76, 2)]
    assert Run.objects.count() == 37


def test_operation_switched_while_the_clock_was_ahead_is_owed_from_the_right_time_on(
    time: clock.VirtualClock,
) -> None:
    operation = scheduled(slots_since=MOMENT + 72 * HOUR)
    materialise(operation)
    time.advance(2 * HOUR)
    assert len(materialise(Operation.objects.get(pk=operation.pk))) == 1
    assert settled(operation) == [(2, RAN)]


def test_clock_that_goes_back_by_seconds_takes_nothing_back(time: clock.VirtualClock) -> None:
    operation = scheduled(limit=0)
    time.advance(2 * HOUR)
    materialise(operation)
    time.advance(-5 * timedelta(seconds=1))
    assert (materialise(operation), settled(operation)) == ([], [(2, SKIPPED)])


def test_very_long_outage_is_summed_up_by_the_oldest_row(
    time: clock.VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slots, "MOST_OWED", 3)
    operation = scheduled()
    time.advance(12 * HOUR)
    materialise(operation)
    assert settled(operation) == [(8, MISSED), (10, MISSED), (12, RAN)]
    oldest = operation.slots.order_by("nominal_at")[0]
    assert "All older slots since 2026-11-02 08:00 UTC were missed as well." in oldest.reason


@pytest.mark.parametrize("day", [datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC)])
def test_day_on_which_clocks_change_has_its_24_slots(time: clock.VirtualClock, day: datetime) -> None:
    operation = scheduled(cron="30 * * * *", slots_since=day, overlap=Operation.Overlap.ALLOW)
    for hour in range(1, 25):
        time.set(day + hour * HOUR)
        materialise(operation)
    assert [row.status for row in operation.slots.all()] == [RAN] * 24


class AnyOrderOfLooks(TestCase):
    """Whenever somebody looks, however often, each slot up to then has one row, and each row at most one run."""

    @settings(max_examples=25, deadline=None, derandomize=True, database=None)
    @given(st.lists(st.integers(0, 30 * 60), min_size=1, max_size=8))
    def test_slots_are_settled_once_and_none_is_left_out(self, minutes: list[int]) -> None:
        operation = scheduled(overlap=Operation.Overlap.ALLOW)
        virtual = clock.VirtualClock(MOMENT)
        with clock.using(virtual):
            for minute in minutes:
                virtual.set(MOMENT + minute * MINUTE)
                materialise(operation)
        now = minutes[-1] // 60
        assert [hours for hours, _ in settled(operation) if hours <= now] == list(range(2, now + 1, 2))
        assert Run.objects.filter(operation=operation).count() == operation.slots.filter(status=RAN).count()


def _look(operation_id: int) -> int:
    try:
        operation = Operation.objects.select_related("repository", "periodic_task__crontab").get(pk=operation_id)
        return len(materialise(operation))
    finally:
        connections.close_all()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("overlap", Operation.Overlap.values)
def test_two_beats_and_a_tick_at_once_make_one_run(overlap: str) -> None:
    with clock.using(clock.VirtualClock(MOMENT + 5 * HOUR)):
        operation = scheduled(overlap=overlap)
        with ThreadPoolExecutor(3) as pool:
            found = sum(pool.map(_look, [operation.pk] * 6))
    assert settled(operation) == [(2, MISSED), (4, RAN)]
    assert Run.objects.count() == 1
    assert found == 2
