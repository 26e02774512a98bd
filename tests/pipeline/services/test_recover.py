"""The sweeper: finds what is overdue, whoever died and whatever message was lost."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django_celery_beat.models import CrontabSchedule

from pipeline import clock
from pipeline.models import Effect, Kind, Mode, Repository, Run, RunItem, WebhookDelivery
from pipeline.services import bell, recover
from tests.factories import MOMENT, make_delivery, make_effect, make_item, make_operation, make_part, make_run

EXECUTE, WORK = "pipeline.tasks.execute_run", "pipeline.tasks.work_run"
SECOND = timedelta(seconds=1)


@pytest.fixture
def rung(time: clock.VirtualClock, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """What the workers were told."""
    calls: list[tuple[str, int]] = []

    def ring(task: str, *args: int, times: int = 1) -> None:
        calls.extend([(task, args[0])] * times)

    monkeypatch.setattr(bell, "ring", ring)
    return calls


def test_due_slots_of_every_operation_are_settled(time: clock.VirtualClock, rung: list[Any]) -> None:
    for _ in range(2):
        make_operation(cron="0 */2 * * *", slots_since=MOMENT)
    make_operation()
    time.advance(timedelta(hours=2))
    assert recover.tick().slots == 2
    assert recover.tick().slots == 0
    assert {run.pk for run in Run.objects.all()} == {pk for task, pk in rung if task == EXECUTE}


def test_lease_of_a_live_operation_is_renewed_before_its_slots_are_looked_at(
    time: clock.VirtualClock, rung: list[Any]
) -> None:
    operation = make_operation(cron="0 */2 * * *", slots_since=MOMENT, mode=Mode.LIVE, live_until=MOMENT)
    time.advance(timedelta(hours=2))
    recover.tick()
    assert operation.slots.get().status == "ran"


def test_run_whose_message_was_lost_is_rung_again_and_not_too_often(
    time: clock.VirtualClock, rung: list[tuple[str, int]]
) -> None:
    run = make_run(rung_at=MOMENT)
    recover.tick()
    assert rung == []
    time.advance(recover.RING_AGAIN + SECOND)
    recover.tick()
    recover.tick()
    assert rung == [(EXECUTE, run.pk)]


def test_run_that_is_held_is_not_rung(time: clock.VirtualClock, rung: list[Any]) -> None:
    make_run(state=Run.State.WORKING, selected=False, claimed_until=MOMENT + timedelta(hours=1))
    recover.tick()
    assert rung == []


@pytest.mark.parametrize(
    ("item", "found"),
    [
        ({"state": "pending"}, True),
        ({"state": "waiting", "due_at": MOMENT}, True),
        ({"state": "waiting", "due_at": MOMENT + SECOND}, False),
        ({"state": "working", "claimed_until": MOMENT - SECOND}, True),
        ({"state": "working", "claimed_until": MOMENT + SECOND}, False),
        ({"state": "done"}, False),
    ],
)
def test_workers_are_told_of_items_that_can_be_taken(
    time: clock.VirtualClock, rung: list[tuple[str, int]], item: dict[str, Any], found: bool
) -> None:
    run = make_run(state=Run.State.WORKING)
    make_item(run=run, **item)
    recover.tick()
    assert ((WORK, run.pk) in rung) is found


def test_unknown_effect_of_a_cancelled_run_is_still_looked_up(
    time: clock.VirtualClock, rung: list[tuple[str, int]]
) -> None:
    run = make_run(state=Run.State.CANCELLED)
    make_item(run=run, state=RunItem.State.WAITING, due_at=MOMENT)
    recover.tick()
    assert rung == [(WORK, run.pk)]


def test_run_whose_last_worker_died_before_closing_it_is_closed(time: clock.VirtualClock, rung: list[Any]) -> None:
    run = make_run(state=Run.State.WORKING)
    make_item(run=run, state=RunItem.State.DONE)
    recover.tick()
    run.refresh_from_db()
    assert run.state == Run.State.SUCCEEDED


def test_daily_run_whose_part_ended_unseen_goes_on(time: clock.VirtualClock, rung: list[tuple[str, int]]) -> None:
    run = make_run(operation=make_operation(kind=Kind.DAILY), state=Run.State.WORKING)
    make_part(operation=run.operation, kind=Kind.ASSIGN)
    recover.tick()
    (part,) = run.children.all()
    assert (part.kind, rung) == ("assign", [(EXECUTE, part.pk)])


def test_revert_of_a_daily_run_is_closed_like_any_other(time: clock.VirtualClock, rung: list[Any]) -> None:
    operation = make_operation(kind=Kind.DAILY, mode=Mode.LIVE)
    make_part(operation=operation, kind=Kind.ASSIGN, mode=Mode.LIVE)
    run = make_run(operation=operation, purpose=Run.Purpose.REVERT, state=Run.State.WORKING)
    recover.tick()
    run.refresh_from_db()
    assert (run.state, run.children.count()) == (Run.State.SUCCEEDED, 0)
    assert not [task for task, _ in rung if task in {EXECUTE, WORK}]


def test_run_that_never_started_is_ended_long_after_its_timeout(time: clock.VirtualClock, rung: list[Any]) -> None:
    run = make_run(deadline_at=MOMENT, rung_at=MOMENT)
    time.advance(recover.HARD_END)
    recover.tick()
    run.refresh_from_db()
    assert run.is_active
    time.advance(SECOND)
    recover.tick()
    run.refresh_from_db()
    assert (run.state, run.error) == (Run.State.FAILED, "The run never started within its timeout.")


def test_tick_after_a_long_outage_loses_no_operation(time: clock.VirtualClock, rung: list[Any]) -> None:
    operation = make_operation(cron="0 */2 * * *", slots_since=MOMENT)
    time.advance(timedelta(days=3))
    recover.tick()
    assert operation.slots.count() == 36
    assert operation.slots.filter(status="ran").count() == 1


def test_repository_on_hold_gets_its_slots_recorded(time: clock.VirtualClock, rung: list[Any]) -> None:
    operation = make_operation(cron="0 */2 * * *", slots_since=MOMENT)
    Repository.objects.update(standing="paused")
    time.advance(timedelta(hours=2))
    recover.tick()
    assert operation.slots.get().reason == "The repository is paused."


def test_schedule_that_cannot_be_read_stops_no_other_operation(time: clock.VirtualClock, rung: list[Any]) -> None:
    broken = make_operation(cron="0 */2 * * *", slots_since=MOMENT)
    whole = make_operation(cron="30 */2 * * *", slots_since=MOMENT)
    CrontabSchedule.objects.filter(periodictask__operation=broken).update(day_of_month="L", hour="junk")
    time.advance(timedelta(hours=2))
    recover.tick()
    assert broken.slots.count() == 0
    assert whole.slots.exists()


def test_run_long_past_its_timeout_frees_its_group_and_keeps_what_is_to_be_looked_up(
    time: clock.VirtualClock, rung: list[Any]
) -> None:
    run = make_run(state=Run.State.WORKING, mode=Mode.LIVE, selected=True, deadline_at=MOMENT, group="1:assign")
    later = {"state": RunItem.State.WAITING, "due_at": MOMENT + timedelta(days=1)}
    asked, other = make_item(run=run, **later), make_item(run=run, **later)
    make_effect(item=asked, state=Effect.State.UNKNOWN)
    time.advance(recover.HARD_END + SECOND)
    recover.tick()
    run.refresh_from_db()
    assert (run.state, run.error) == (Run.State.FAILED, "The run did not end within its timeout.")
    assert [RunItem.objects.get(pk=row.pk).state for row in (asked, other)] == ["waiting", "cancelled"]


def test_webhook_whose_message_was_lost_is_rung_again(time: clock.VirtualClock, rung: list[tuple[str, int]]) -> None:
    lost = make_delivery(received_at=MOMENT, status=WebhookDelivery.Status.STORED)
    make_delivery(received_at=MOMENT, status=WebhookDelivery.Status.DONE)
    time.advance(recover.RING_AGAIN + SECOND)
    recover.tick()
    assert rung == [("pipeline.tasks.take_delivery", lost.pk)]
    time.advance(recover.DELIVERY_HOLDS)
    recover.tick()
    assert len(rung) == 1
