"""Claims: one worker at a time, whoever dies, sleeps or comes twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connections

from pipeline import clock
from pipeline.models import Run, RunItem
from pipeline.services import claims
from pipeline.services.claims import LeaseLost
from tests.factories import MOMENT, make_item, make_operation, make_repository, make_run

State = RunItem.State


@pytest.fixture
def run(time: clock.VirtualClock) -> Run:
    return make_run(state=Run.State.WORKING)


def test_run_is_claimed_once(time: clock.VirtualClock) -> None:
    waiting = make_run()
    taken = claims.claim_run(waiting.pk)
    assert taken is not None
    assert (taken.state, taken.epoch, taken.started_at) == (Run.State.WORKING, 1, MOMENT)
    assert taken.deadline_at == MOMENT + timedelta(minutes=30)
    assert claims.claim_run(waiting.pk) is None


def test_run_of_a_dead_process_is_claimed_under_a_new_epoch_and_the_old_deadline(time: clock.VirtualClock) -> None:
    waiting = make_run()
    claims.claim_run(waiting.pk)
    time.advance(3 * claims.lease() + timedelta(seconds=1))
    again = claims.claim_run(waiting.pk)
    assert again is not None
    assert (again.epoch, again.started_at, again.deadline_at) == (2, MOMENT, MOMENT + timedelta(minutes=30))


@pytest.mark.parametrize("state", [Run.State.SUCCEEDED, Run.State.FAILED, Run.State.CANCELLED])
def test_closed_run_is_not_claimed(time: clock.VirtualClock, state: str) -> None:
    assert claims.claim_run(make_run(state=state).pk) is None


def test_run_with_chosen_items_or_none_at_all_is_not_claimed(run: Run) -> None:
    assert claims.claim_run(run.pk) is None
    assert claims.claim_run(run.pk + 1000) is None


def test_run_of_a_deleted_operation_has_a_deadline_of_an_hour(time: clock.VirtualClock) -> None:
    waiting = make_run()
    Run.objects.filter(pk=waiting.pk).update(operation=None)
    taken = claims.claim_run(waiting.pk)
    assert taken is not None
    assert taken.deadline_at == MOMENT + timedelta(hours=1)


def test_items_are_claimed_in_order_each_once(run: Run) -> None:
    made = [make_item(run=run).pk for _ in range(3)]
    taken = [claims.claim_item(run.pk) for _ in range(4)]
    assert [item.pk if item else None for item in taken] == [*made, None]


def test_claimed_item_is_held_under_a_new_epoch(run: Run) -> None:
    make_item(run=run)
    item = claims.claim_item(run.pk)
    assert item is not None
    assert (item.state, item.epoch, item.attempts) == (State.WORKING, 1, 1)
    assert (item.started_at, item.claimed_until) == (MOMENT, MOMENT + claims.lease())


def test_item_of_a_dead_worker_is_claimed_again_after_its_lease(run: Run, time: clock.VirtualClock) -> None:
    make_item(run=run)
    claims.claim_item(run.pk)
    time.advance(claims.lease())
    assert claims.claim_item(run.pk) is None
    time.advance(timedelta(seconds=1))
    item = claims.claim_item(run.pk)
    assert item is not None
    assert (item.epoch, item.attempts, item.started_at) == (2, 2, MOMENT)


def test_waiting_item_is_claimed_when_it_is_due(run: Run, time: clock.VirtualClock) -> None:
    make_item(run=run, state=State.WAITING, due_at=MOMENT + timedelta(minutes=5))
    assert claims.claim_item(run.pk) is None
    time.advance(timedelta(minutes=5))
    item = claims.claim_item(run.pk)
    assert item is not None
    assert item.due_at is None


ENDED = [state for state in State if state not in RunItem.ACTIVE]


@pytest.mark.parametrize("state", ENDED)
def test_ended_item_is_never_claimed(run: Run, state: str) -> None:
    make_item(run=run, state=state)
    assert claims.claim_item(run.pk) is None


def test_items_of_other_runs_are_left_alone(run: Run) -> None:
    make_item()
    assert claims.claim_item(run.pk) is None


def overtaken(run: Run, time: clock.VirtualClock) -> tuple[RunItem, RunItem]:
    """The same item in the hands of a slow worker and of the one that took it over."""
    make_item(run=run)
    slow = claims.claim_item(run.pk)
    time.advance(claims.lease() + timedelta(seconds=1))
    quick = claims.claim_item(run.pk)
    assert slow is not None
    assert quick is not None
    return slow, quick


def test_worker_that_was_overtaken_can_neither_renew_nor_release(run: Run, time: clock.VirtualClock) -> None:
    slow, quick = overtaken(run, time)
    with pytest.raises(LeaseLost, match="taken over by another worker"):
        claims.renew(slow)
    with pytest.raises(LeaseLost, match="taken over by another worker"):
        claims.release(slow, State.FAILED, reason="late")
    quick.refresh_from_db()
    assert (quick.state, quick.reason) == (State.WORKING, "")


def test_renewing_prolongs_the_hold(run: Run, time: clock.VirtualClock) -> None:
    make_item(run=run)
    item = claims.claim_item(run.pk)
    assert item is not None
    time.advance(timedelta(seconds=30))
    claims.renew(item)
    item.refresh_from_db()
    assert item.claimed_until == clock.now() + claims.lease()


@pytest.mark.parametrize("state", State)
def test_release_ends_the_hold_and_ended_items_get_their_end(run: Run, state: State) -> None:
    make_item(run=run)
    item = claims.claim_item(run.pk)
    assert item is not None
    claims.release(item, state, reason="because", outcome="seen")
    item.refresh_from_db()
    assert (item.state, item.reason, item.outcome, item.claimed_until) == (state, "because", "seen", None)
    assert (item.finished_at is not None) is (state not in RunItem.ACTIVE)


def test_item_is_released_once(run: Run) -> None:
    make_item(run=run)
    item = claims.claim_item(run.pk)
    assert item is not None
    claims.release(item, State.DONE)
    with pytest.raises(LeaseLost):
        claims.release(item, State.FAILED)


def _drain(run_id: int) -> list[int]:
    found = []
    try:
        while (item := claims.claim_item(run_id)) is not None:
            found.append(item.pk)
    finally:
        connections.close_all()
    return found


@pytest.mark.django_db(transaction=True)
def test_workers_at_once_never_hold_the_same_item() -> None:
    run = make_run(operation=make_operation(repository=make_repository()), state=Run.State.WORKING)
    made = [make_item(run=run).pk for _ in range(24)]
    with ThreadPoolExecutor(4) as pool:
        taken = [pk for part in pool.map(_drain, [run.pk] * 4) for pk in part]
    assert sorted(taken) == made


def _claim_run(run_id: int) -> int:
    try:
        return int(claims.claim_run(run_id) is not None)
    finally:
        connections.close_all()


@pytest.mark.django_db(transaction=True)
def test_run_is_claimed_by_one_of_many_at_once() -> None:
    run = make_run()
    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(_claim_run, [run.pk] * 8)) == 1
