"""Runs that a person asks for: started, applied as shown, cancelled."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import pytest
from django.db import connections

from pipeline import clock
from pipeline.domain import changes
from pipeline.models import AuditEntry, Effect, Mode, Operation, Repository, Run, RunItem
from pipeline.services import revert, runs, slots
from pipeline.services.operations import NotPossible
from tests.factories import make_effect, make_issue, make_item, make_operation, make_repository, make_run

pytestmark = pytest.mark.usefixtures("time")
BY: dict[str, Any] = {"actor": "olga", "reason": "To see it."}
ITEM = RunItem.State


@pytest.fixture
def operation(time: clock.VirtualClock) -> Operation:
    return make_operation(mode=Mode.DRY_RUN, limit=10, concurrency_group="assign")


def test_run_by_hand_has_mode_limit_and_group_of_its_operation(operation: Operation) -> None:
    run = runs.open_by_hand(operation, **BY)
    assert (run.purpose, run.mode, run.limit, run.state) == ("manual", "dry_run", 10, "open")
    assert (run.group, run.nominal_at, run.requested_by) == (slots.group_of(operation), None, "olga")
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor, entry.reason) == ("run.started", "olga", "To see it.")


def test_wishes_of_the_person_go_before_the_operations(operation: Operation) -> None:
    run = runs.open_by_hand(operation, **BY, mode=Mode.LIVE, limit=3, issues=[4, 5], continue_on_error=False)
    assert (run.mode, run.limit, run.limit_reason) == ("live", 3, "asked for")
    assert run.options == {"issues": [4, 5], "continue_on_error": False}


@pytest.mark.parametrize("standing", [Repository.Standing.PAUSED, Repository.Standing.ARCHIVED])
def test_run_of_a_repository_on_hold_is_refused(standing: str) -> None:
    operation = make_operation(repository=make_repository(standing=standing))
    with pytest.raises(NotPossible, match="resume it first"):
        runs.open_by_hand(operation, **BY)


@pytest.mark.parametrize("mode", [Mode.OFF, "loud"])
def test_run_in_no_mode_is_refused(operation: Operation, mode: str) -> None:
    with pytest.raises(NotPossible, match="choose dry run or live"):
        runs.open_by_hand(operation, **BY, mode=mode)
    assert not Run.objects.exists()


def test_operation_that_is_off_can_be_run_by_hand_when_asked_for() -> None:
    operation = make_operation(mode=Mode.OFF)
    with pytest.raises(NotPossible, match="is off"):
        runs.open_by_hand(operation, **BY)
    assert runs.open_by_hand(operation, **BY, mode=Mode.DRY_RUN).mode == Mode.DRY_RUN


def test_second_run_of_a_group_is_refused_and_nothing_is_logged(operation: Operation) -> None:
    runs.open_by_hand(operation, **BY)
    with pytest.raises(NotPossible, match="still active; wait for it or cancel it"):
        runs.open_by_hand(operation, **BY)
    assert (Run.objects.count(), AuditEntry.objects.count()) == (1, 1)


# --- apply ---


def shown(**values: Any) -> Run:
    """A finished dry run with one planned item and one that was skipped."""
    run = make_run(state=Run.State.SUCCEEDED, mode=Mode.DRY_RUN, **values)
    item = make_item(run=run, state=ITEM.PLANNED, fingerprint="f", snapshot={"number": 1}, facts={"moves": {}})
    make_effect(item=item, change=changes.AddComment("Hello"))
    make_item(run=run, state=ITEM.SKIPPED)
    return run


def test_shown_plan_becomes_a_live_run_over_what_was_planned() -> None:
    run = shown()
    applied = runs.apply_plan(run, **BY)
    assert (applied.purpose, applied.mode, applied.source_run, applied.limit) == ("apply", "live", run, 1)
    assert AuditEntry.objects.get().evidence == {"source": run.pk}


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"state": "working"}, "Only a finished dry run can be applied"),
        ({"state": "open"}, "Only a finished dry run can be applied"),
        ({"state": "succeeded", "mode": Mode.LIVE}, "Only a finished dry run can be applied"),
        ({"state": "succeeded"}, "planned nothing that could be applied"),
    ],
)
def test_run_that_shows_no_plan_cannot_be_applied(values: dict[str, Any], words: str) -> None:
    with pytest.raises(NotPossible, match=words):
        runs.apply_plan(make_run(**values), **BY)


def test_plan_is_applied_once_unless_the_first_try_was_cancelled() -> None:
    run = shown()
    first = runs.apply_plan(run, **BY)
    with pytest.raises(NotPossible, match="applied already; make a new dry run"):
        runs.apply_plan(run, **BY)
    runs.cancel(first, **BY)
    assert runs.apply_plan(run, **BY).pk != first.pk


def test_dry_daily_run_names_the_parts_whose_plans_can_be_applied() -> None:
    daily = make_run(state=Run.State.SUCCEEDED, mode=Mode.DRY_RUN)
    part = shown(operation=daily.operation, parent=daily, purpose=Run.Purpose.PART)
    with pytest.raises(NotPossible, match=rf"apply the plans of its parts: run {part.pk} \(assign\)"):
        runs.apply_plan(daily, **BY)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("click", ["apply", "revert"])
def test_two_quick_clicks_make_one_run(click: str, monkeypatch: pytest.MonkeyPatch) -> None:
    run = shown() if click == "apply" else changed()
    ask = {"apply": runs.apply_plan, "revert": revert.revert_run}[click]
    monkeypatch.setattr(clock, "now", _together(clock.now()))

    def clicked(_: int) -> str:
        try:
            return str(ask(run, **BY).state)
        except NotPossible as refused:
            return str(refused)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        refused, made = sorted(pool.map(clicked, range(2)), key="open".__eq__)
    assert Run.objects.filter(source_run=run).count() == 1
    assert (made, "already" in refused) == ("open", True)


def changed() -> Run:
    """A finished live run that changed one issue."""
    run = make_run(state=Run.State.SUCCEEDED, mode=Mode.LIVE)
    make_effect(item=make_item(run=run, state=ITEM.DONE), live=True, state=Effect.State.APPLIED)
    return run


def _together(moment: datetime) -> Callable[[], datetime]:
    """A clock at whose first reading in each thread both threads wait for each other."""
    both, seen = threading.Barrier(2, timeout=10), threading.local()

    def now() -> datetime:
        if not hasattr(seen, "met"):
            seen.met = True
            both.wait()
        return moment

    return now


# --- cancel ---


def test_cancelling_ends_what_was_not_begun() -> None:
    run = make_run(state=Run.State.WORKING)
    waiting, done = make_item(run=run), make_item(run=run, state=ITEM.DONE)
    make_effect(item=waiting)
    runs.cancel(run, **BY)
    run.refresh_from_db()
    waiting.refresh_from_db()
    done.refresh_from_db()
    assert (run.state, run.error) == (Run.State.CANCELLED, "To see it.")
    assert (waiting.state, waiting.reason, done.state) == (ITEM.CANCELLED, "To see it.", ITEM.DONE)
    assert Effect.objects.get().state == Effect.State.CANCELLED


@pytest.mark.parametrize("state", [Effect.State.SENDING, Effect.State.UNKNOWN])
def test_cancelling_leaves_an_effect_of_unknown_fate_to_be_looked_up(state: str) -> None:
    run = make_run(operation=make_operation(mode=Mode.LIVE), state=Run.State.WORKING)
    item = make_item(run=run, state=ITEM.WAITING)
    make_effect(item=item, live=True, state=state)
    make_effect(item=item, live=True)
    runs.cancel(run, **BY)
    item.refresh_from_db()
    assert item.state == ITEM.WAITING
    assert sorted(Effect.objects.values_list("state", flat=True)) == sorted([Effect.State.PLANNED, state])


def test_item_in_hand_is_left_to_its_worker_who_asks_the_guard() -> None:
    run = make_run(state=Run.State.WORKING)
    item = make_item(run=run, state=ITEM.WORKING)
    runs.cancel(run, **BY)
    item.refresh_from_db()
    assert item.state == ITEM.WORKING


def test_cancelling_a_daily_run_cancels_its_part() -> None:
    run = make_run(state=Run.State.WORKING)
    part = make_run(operation=run.operation, parent=run, purpose=Run.Purpose.PART)
    runs.cancel(run, **BY)
    part.refresh_from_db()
    assert part.state == Run.State.CANCELLED


@pytest.mark.parametrize("state", [Run.State.SUCCEEDED, Run.State.FAILED, Run.State.CANCELLED])
def test_run_that_is_over_cannot_be_cancelled(state: str) -> None:
    with pytest.raises(NotPossible, match="is over already"):
        runs.cancel(make_run(state=state), **BY)
    assert not AuditEntry.objects.exists()


def test_cancelled_run_frees_its_group(operation: Operation) -> None:
    runs.cancel(runs.open_by_hand(operation, **BY), **BY)
    assert runs.open_by_hand(operation, **BY).is_active


def test_items_of_other_runs_are_not_cancelled() -> None:
    run, other = make_run(state=Run.State.WORKING), make_run(state=Run.State.WORKING)
    item = make_item(run=other, issue=make_issue())
    runs.cancel(run, **BY)
    item.refresh_from_db()
    assert item.state == ITEM.PENDING
