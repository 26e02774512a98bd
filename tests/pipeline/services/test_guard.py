"""May this item still write? Every reason why not, each by itself."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from pipeline import clock
from pipeline.models import Kind, Mode, Operation, OperationPart, Repository, Run, RunItem
from pipeline.services import guard
from tests.factories import MOMENT, make_item, make_operation, make_part, make_run

pytestmark = pytest.mark.usefixtures("time")
HOUR = timedelta(hours=1)
SCHEDULED, BY_HAND = Run.Purpose.SCHEDULED, [Run.Purpose.MANUAL, Run.Purpose.APPLY, Run.Purpose.REVERT]


def live_item(purpose: str = SCHEDULED, **values: Any) -> RunItem:
    """An item of a working live run of a live operation under a lease."""
    operation = make_operation(mode=Mode.LIVE, live_until=MOMENT + HOUR)
    defaults: dict[str, Any] = {
        "operation": operation,
        "purpose": purpose,
        "state": Run.State.WORKING,
        "deadline_at": MOMENT + HOUR,
    }
    return make_item(run=make_run(**{**defaults, **values}))


def change_operation(item: RunItem, **values: Any) -> None:
    Operation.objects.filter(runs=item.run).update(**values)


@pytest.mark.parametrize("purpose", [SCHEDULED, *BY_HAND])
def test_live_item_under_a_lease_may_write(purpose: str) -> None:
    assert guard.why_not(live_item(purpose)) == ""


@pytest.mark.parametrize("purpose", [SCHEDULED, *BY_HAND])
@pytest.mark.parametrize(
    ("run", "words"),
    [
        ({"state": Run.State.CANCELLED}, "The run was cancelled."),
        ({"state": Run.State.SUCCEEDED}, "The run was succeeded."),
        ({"state": Run.State.OPEN}, "The run was waiting to start."),
        ({"mode": Mode.DRY_RUN}, "The run is not live."),
        ({"mode": Mode.OFF}, "The run is not live."),
        ({"deadline_at": MOMENT}, "The run is past its timeout."),
    ],
)
def test_run_that_is_over_or_dry_or_late_stops_every_item(purpose: str, run: dict[str, Any], words: str) -> None:
    item = live_item(purpose)
    Run.objects.filter(pk=item.run_id).update(finished_at=MOMENT, **run)
    assert guard.why_not(item) == words


@pytest.mark.parametrize("purpose", [SCHEDULED, *BY_HAND])
@pytest.mark.parametrize("standing", [Repository.Standing.PAUSED, Repository.Standing.ARCHIVED])
def test_repository_on_hold_stops_all_but_the_undoing(purpose: str, standing: str) -> None:
    item = live_item(purpose)
    Repository.objects.filter(pk=item.run.repository_id).update(standing=standing)
    assert (guard.why_not(item) == "") is (purpose == Run.Purpose.REVERT)


@pytest.mark.parametrize("purpose", [SCHEDULED, *BY_HAND])
@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"mode": Mode.OFF}, "The operation was switched to off."),
        ({"mode": Mode.DRY_RUN}, "The operation was switched to dry run."),
        ({"live_until": MOMENT}, "The live lease ran out."),
        ({"live_until": None}, "The live lease ran out."),
    ],
)
def test_operation_that_was_stopped_stops_what_was_scheduled(purpose: str, values: dict[str, Any], words: str) -> None:
    item = live_item(purpose)
    change_operation(item, **values)
    assert guard.why_not(item) == (words if purpose == SCHEDULED else "")


def test_scheduled_run_of_a_deleted_operation_writes_nothing() -> None:
    item = live_item()
    Run.objects.filter(pk=item.run_id).update(operation=None)
    assert guard.why_not(item) == "The operation was deleted."


def test_lease_that_ran_out_meanwhile_is_seen(time: clock.VirtualClock) -> None:
    item = live_item(deadline_at=MOMENT + 5 * HOUR)
    time.advance(HOUR - timedelta(seconds=1))
    assert guard.why_not(item) == ""
    time.advance(timedelta(seconds=1))
    assert guard.why_not(item) == "The live lease ran out."


def part_of_a_daily_run(parent_purpose: str = SCHEDULED) -> RunItem:
    operation = make_operation(kind=Kind.DAILY, mode=Mode.LIVE, live_until=MOMENT + HOUR)
    make_part(operation=operation, kind=Kind.ASSIGN, mode=Mode.LIVE)
    parent = make_run(operation=operation, purpose=parent_purpose, state=Run.State.WORKING)
    return live_item(Run.Purpose.PART, operation=operation, kind=Kind.ASSIGN, parent=parent)


def test_part_writes_while_its_own_switch_is_live() -> None:
    item = part_of_a_daily_run()
    assert guard.why_not(item) == ""
    OperationPart.objects.update(mode=Mode.DRY_RUN)
    assert guard.why_not(item) == "The part assign was switched off or to dry run."


def test_part_that_was_removed_writes_nothing() -> None:
    item = part_of_a_daily_run()
    OperationPart.objects.all().delete()
    assert "switched off" in guard.why_not(item)


def test_part_of_a_daily_run_by_hand_needs_no_lease() -> None:
    item = part_of_a_daily_run(Run.Purpose.MANUAL)
    change_operation(item, live_until=None)
    assert guard.why_not(item) == ""


@pytest.mark.parametrize("purpose", [SCHEDULED, Run.Purpose.MANUAL])
def test_part_writes_nothing_after_its_daily_run_was_cancelled(purpose: str) -> None:
    item = part_of_a_daily_run(purpose)
    assert guard.why_not(item) == ""
    Run.objects.filter(children=item.run).update(state=Run.State.CANCELLED, finished_at=MOMENT)
    assert guard.why_not(item) == "The daily run was cancelled."
