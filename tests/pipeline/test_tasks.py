"""Celery tasks: ids in, one call, and gone or finished rows passed over."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from pipeline import clock, tasks
from pipeline.models import Heartbeat, Run, WebhookDelivery
from pipeline.services import connect
from tests.factories import MOMENT, make_delivery, make_issue, make_operation, make_run
from tests.fake_github import FakeGitHub
from tests.values import snapshot


@pytest.fixture
def time(db: None) -> Iterator[clock.VirtualClock]:
    virtual = clock.VirtualClock(MOMENT)
    with clock.using(virtual):
        yield virtual


def test_tick_settles_what_is_due_and_beats(time: clock.VirtualClock) -> None:
    operation = make_operation(cron="0 */2 * * *", slots_since=MOMENT)
    time.advance(timedelta(hours=2))
    tasks.tick()
    tasks.tick()
    assert operation.slots.count() == 1
    assert Heartbeat.objects.get(name="tick").beaten_at == clock.now()


def test_ring_settles_the_slots_of_its_operation_only(time: clock.VirtualClock) -> None:
    one, other = (make_operation(cron="0 */2 * * *", slots_since=MOMENT) for _ in range(2))
    time.advance(timedelta(hours=2))
    tasks.ring(one.pk)
    tasks.ring(one.pk)
    assert (one.slots.count(), other.slots.count()) == (1, 0)


def test_message_that_comes_much_too_late_runs_nothing_twice(time: clock.VirtualClock) -> None:
    operation = make_operation(cron="0 */2 * * *", slots_since=MOMENT)
    time.advance(timedelta(hours=2))
    tasks.tick()
    time.advance(timedelta(minutes=50))
    tasks.ring(operation.pk)
    assert Run.objects.count() == 1


def test_delivery_is_taken_once(time: clock.VirtualClock) -> None:
    fake = FakeGitHub()
    row = make_delivery(issue_number=7)
    fake.put(snapshot())
    with connect.using(lambda _: fake):
        tasks.take_delivery(row.pk)
        tasks.take_delivery(row.pk)
    row.refresh_from_db()
    assert (row.status, fake.calls["issue"]) == (WebhookDelivery.Status.DONE, 1)


@pytest.mark.parametrize("task", [tasks.ring, tasks.execute_run, tasks.work_run, tasks.take_delivery])
def test_row_that_is_gone_is_passed_over(time: clock.VirtualClock, task: object) -> None:
    assert callable(task)
    task(10**6)


@pytest.mark.parametrize("task", [tasks.execute_run, tasks.work_run])
def test_run_that_is_over_is_passed_over(time: clock.VirtualClock, task: object) -> None:
    run = make_run(state=Run.State.CANCELLED)
    make_issue(repository=run.repository)
    assert callable(task)
    task(run.pk)
    run.refresh_from_db()
    assert (run.state, run.items.count()) == (Run.State.CANCELLED, 0)


def test_names_are_those_that_beat_and_bell_use() -> None:
    names = {task.name for task in (tasks.tick, tasks.ring, tasks.execute_run, tasks.work_run, tasks.take_delivery)}
    assert names == {f"pipeline.tasks.{name}" for name in ("tick", "ring", "execute_run", "work_run", "take_delivery")}
