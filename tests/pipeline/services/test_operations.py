"""The knobs of an operation: each turn has an author, a reason and an entry in the log."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django_celery_beat.models import CrontabSchedule, PeriodicTask, PeriodicTasks

from pipeline import clock
from pipeline.domain.cron import BadCron
from pipeline.models import AuditEntry, Kind, Mode, Operation
from pipeline.services import operations
from pipeline.services.operations import LEASE, NotPossible, cron_of, ship_operations
from tests.factories import make_operation, make_part, make_repository

BY: dict[str, Any] = {"actor": "olga", "reason": "Week 1 begins."}


@pytest.fixture
def operation(time: clock.VirtualClock) -> Operation:
    return make_operation(cron="0 */2 * * *", mode=Mode.DRY_RUN, limit=10)


def last() -> AuditEntry:
    return AuditEntry.objects.order_by("-sequence")[0]


def test_plan_is_shipped_in_dry_run_with_its_crons_and_limits(time: clock.VirtualClock) -> None:
    made = {operation.kind: operation for operation in ship_operations(make_repository(), **BY)}
    assert {
        kind: (row.mode, row.limit, cron_of(row)) for kind, row in made.items() if kind in {"assign", "process"}
    } == {
        "assign": (Mode.DRY_RUN, 10, "0 */2 * * *"),
        "process": (Mode.DRY_RUN, 5, "5 */4 * * *"),
    }
    assert (cron_of(made["daily"]), made["daily"].timeout) == ("30 6 * * *", timedelta(minutes=30))
    assert {kind for kind, row in made.items() if row.mode == Mode.LIVE} == {Kind.SYNC}
    assert AuditEntry.objects.count() == len(made)


def test_daily_ships_its_parts_in_order_and_dry(time: clock.VirtualClock) -> None:
    ship_operations(make_repository(), **BY)
    parts = Operation.objects.get(kind=Kind.DAILY).parts.values_list("kind", "limit", "mode")
    assert list(parts) == [("monitor", 20, "dry_run"), ("assign", 20, "dry_run"), ("process", 10, "dry_run")]


def test_shipping_again_keeps_what_a_person_changed(time: clock.VirtualClock) -> None:
    repository = make_repository()
    ship_operations(repository, **BY)
    assign = Operation.objects.get(kind=Kind.ASSIGN)
    operations.set_cron(assign, "7 * * * *", **BY)
    operations.set_limit(assign, 3, **BY)
    assert ship_operations(repository, **BY) == []
    assign.refresh_from_db()
    assert (assign.limit, cron_of(assign)) == (3, "7 * * * *")


def test_two_repositories_have_operations_of_their_own(time: clock.VirtualClock) -> None:
    first, second = ship_operations(make_repository(), **BY), ship_operations(make_repository(), **BY)
    assert len(first) == len(second)
    assert PeriodicTask.objects.filter(task=operations.RING_TASK).count() == len(first) + len(second)


def test_repositories_of_one_name_on_two_servers_have_operations_of_their_own(time: clock.VirtualClock) -> None:
    servers = ("https://api.github.com", "https://git.example/api/v3")
    rows = [make_repository(full_name="acme/watch", api_url=server) for server in servers]
    first, second = (ship_operations(row, **BY) for row in rows)
    assert {row.periodic_task_id for row in first}.isdisjoint(row.periodic_task_id for row in second)


def test_beat_entry_names_its_operation_and_its_task(time: clock.VirtualClock) -> None:
    for operation in ship_operations(make_repository(), **BY):
        task = operation.periodic_task
        assert task is not None
        assert (task.task, json.loads(task.kwargs)) == ("pipeline.tasks.ring", {"operation_id": operation.pk})


@pytest.mark.parametrize("mode", Mode.values)
@pytest.mark.parametrize("before", Mode.values)
def test_mode_is_switched_and_written_down(time: clock.VirtualClock, before: str, mode: str) -> None:
    operation = make_operation(mode=before)
    time.advance(timedelta(hours=1))
    operations.set_mode(operation, mode, **BY)
    operation.refresh_from_db()
    assert operation.mode == mode
    if mode == before:
        assert not AuditEntry.objects.exists()
        return
    assert (last().before, last().after) == ({"mode": before}, {"mode": mode})
    assert operation.slots_since == clock.now()
    assert operation.live_until == (clock.now() + LEASE if mode == Mode.LIVE else None)


@pytest.mark.parametrize("mode", ["", "LIVE", "on"])
def test_unknown_mode_is_refused(operation: Operation, mode: str) -> None:
    with pytest.raises(NotPossible, match="choose one of off, dry_run, live"):
        operations.set_mode(operation, mode, **BY)
    assert not AuditEntry.objects.exists()


def test_change_without_a_reason_changes_nothing(operation: Operation) -> None:
    with pytest.raises(ValueError, match="needs a reason"):
        operations.set_mode(operation, Mode.LIVE, actor="olga", reason=" ")
    operation.refresh_from_db()
    assert operation.mode == Mode.DRY_RUN


@pytest.mark.parametrize("limit", [0, 1, 1000])
def test_limit_is_set_with_the_term_that_binds_it(operation: Operation, limit: int) -> None:
    operations.set_limit(operation, limit, **BY, binding="ramp, day 3")
    operation.refresh_from_db()
    assert (operation.limit, operation.limit_reason) == (limit, "ramp, day 3")
    assert last().after == {"limit": limit, "binding": "ramp, day 3"}


@pytest.mark.parametrize("limit", [-1, 1001])
def test_limit_out_of_range_is_refused(operation: Operation, limit: int) -> None:
    with pytest.raises(NotPossible, match="choose 0 to 1000"):
        operations.set_limit(operation, limit, **BY)


def test_same_limit_again_is_no_change(operation: Operation) -> None:
    operations.set_limit(operation, 5, **BY)
    operations.set_limit(operation, 5, **BY)
    assert AuditEntry.objects.count() == 1


def test_cron_is_changed_in_place_and_beat_is_told(operation: Operation, time: clock.VirtualClock) -> None:
    task, told = operation.periodic_task_id, PeriodicTasks.last_change()
    time.advance(timedelta(hours=1))
    operations.set_cron(operation, " 5  */4 * * * ", **BY)
    operation.refresh_from_db()
    assert (cron_of(operation), operation.periodic_task_id) == ("5 */4 * * *", task)
    assert operation.slots_since == clock.now()
    assert (last().before, last().after) == ({"cron": "0 */2 * * *"}, {"cron": "5 */4 * * *"})
    assert PeriodicTasks.last_change() != told


def test_cron_of_one_operation_is_not_the_others(time: clock.VirtualClock) -> None:
    one, other = make_operation(cron="0 6 * * *"), make_operation(cron="0 6 * * *")
    operations.set_cron(one, "0 7 * * *", **BY)
    other.refresh_from_db()
    assert cron_of(other) == "0 6 * * *"


def test_cron_that_beats_own_screens_hold_twice_can_be_set(operation: Operation) -> None:
    make_operation(cron="0 6 * * *")
    CrontabSchedule.objects.create(minute="0", hour="6")  # typed in by a person, in the time zone UTC
    operations.set_cron(operation, "0 6 * * *", **BY)
    operation.refresh_from_db()
    assert cron_of(operation) == "0 6 * * *"


def test_bad_cron_changes_nothing(operation: Operation) -> None:
    with pytest.raises(BadCron, match="has 4 fields"):
        operations.set_cron(operation, "* * * *", **BY)
    operation.refresh_from_db()
    assert cron_of(operation) == "0 */2 * * *"
    assert not AuditEntry.objects.exists()


def test_operation_without_a_schedule_gets_one(time: clock.VirtualClock) -> None:
    operation = make_operation()
    assert cron_of(operation) is None
    operations.set_cron(operation, "0 6 * * *", **BY)
    operation.refresh_from_db()
    assert cron_of(operation) == "0 6 * * *"
    assert operation.periodic_task is not None
    assert operation.periodic_task.enabled


def test_part_is_switched_and_written_down(time: clock.VirtualClock) -> None:
    part = make_part(mode=Mode.DRY_RUN)
    operations.set_part_mode(part, Mode.LIVE, **BY)
    part.refresh_from_db()
    assert part.mode == Mode.LIVE
    assert last().action == "part.mode"
    with pytest.raises(NotPossible, match="no mode"):
        operations.set_part_mode(part, "loud", **BY)


@pytest.mark.parametrize(
    ("values", "renewed"),
    [
        ({"mode": Mode.LIVE}, True),
        ({"mode": Mode.LIVE, "lease_owner": Operation.LeaseOwner.ROLLOUT}, False),
        ({"mode": Mode.DRY_RUN}, False),
        ({"mode": Mode.OFF}, False),
    ],
)
def test_tick_renews_only_the_leases_that_are_its_own(
    time: clock.VirtualClock, values: dict[str, Any], renewed: bool
) -> None:
    operation = make_operation(**values)
    assert operations.renew_leases(clock.now()) == int(renewed)
    operation.refresh_from_db()
    assert (operation.live_until == clock.now() + LEASE) is renewed
