"""Messages that are lost, repeated or late, and processes that do the same at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connections

from pipeline.models import Kind, Run, Slot
from pipeline.services import execution
from tests.scenarios.world import ON_TASK, World

MINUTE = timedelta(minutes=1)


def at_once(*work: Callable[[], object]) -> None:
    """Run all of them at the same moment, each in a thread with its own connection."""
    barrier = threading.Barrier(len(work))
    faults: list[BaseException] = []

    def one(job: Callable[[], object]) -> None:
        try:
            barrier.wait(10)
            job()
        except BaseException as fault:  # noqa: BLE001 - carried over to the test
            faults.append(fault)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=one, args=(job,)) for job in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not faults, faults


def test_two_ticks_at_once_make_each_slot_and_run_once(graphql: World) -> None:
    graphql.live()
    graphql.advance(timedelta(minutes=3))
    at_once(*[graphql.tick] * 3)
    scheduled = Run.objects.filter(purpose="scheduled")
    assert scheduled.count() == Slot.objects.filter(status="ran").count() == 4
    graphql.settle()
    graphql.verify()


def test_three_workers_on_one_run_open_each_issue_once(graphql: World) -> None:
    graphql.live(Kind.MONITOR)
    graphql.feed.publish(5)
    graphql.advance(MINUTE)
    graphql.tick()
    run = Run.objects.get(kind="monitor")
    execution.execute(run.pk)
    at_once(*[lambda: execution.work_on(run.pk)] * 3)
    run.refresh_from_db()
    assert (run.state, len(graphql.remotes())) == ("succeeded", 5)
    graphql.queue.clear()
    graphql.settle()
    graphql.verify()


def test_every_message_lost_is_made_good_by_the_tick(graphql: World) -> None:
    graphql.live(Kind.MONITOR)
    graphql.feed.publish(1)
    graphql.advance(MINUTE)
    graphql.tick()
    graphql.queue.clear()
    graphql.until(graphql.all_in("discovery", 1))
    graphql.settle()
    graphql.verify()


def test_every_message_repeated_and_again_when_all_is_over_changes_nothing(graphql: World) -> None:
    graphql.live()
    graphql.feed.publish(2)
    seen: list[tuple[str, tuple[int, ...]]] = []

    def twice() -> bool:
        seen.extend(graphql.queue)
        graphql.queue.extend(list(graphql.queue))
        return graphql.all_in("done", 2)()

    graphql.until(twice, by=MINUTE)
    graphql.settle()
    writes = graphql.writes()
    for task, args in seen:
        ON_TASK[task](*args)
    assert graphql.writes() == writes
    graphql.verify()


def test_outage_of_three_hours_runs_the_newest_slot_and_names_the_missed(graphql: World) -> None:
    graphql.live(Kind.MONITOR)
    graphql.advance(timedelta(hours=3))
    graphql.tick()
    rows = Slot.objects.filter(operation__kind="monitor")
    assert rows.filter(status="ran").count() == 1
    assert rows.filter(status="missed").count() == 179
    graphql.drain()
    graphql.settle()
    graphql.verify()


@pytest.mark.parametrize("back", [timedelta(minutes=-65)])
def test_clock_that_jumps_back_repeats_no_slot(graphql: World, back: timedelta) -> None:
    graphql.live(Kind.MONITOR)
    graphql.advance(MINUTE)
    graphql.tick()
    graphql.drain()
    graphql.clock.advance(back)
    graphql.tick()
    assert Slot.objects.filter(operation__kind="monitor").count() == 1
    graphql.clock.advance(-back)
    graphql.settle()
    graphql.verify()
