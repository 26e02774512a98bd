"""Statistics of a run, counted from its rows (plan 1.1)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pipeline import clock
from pipeline.domain import changes
from pipeline.models import Effect, Issue, Kind, Mode, Run, RunItem
from pipeline.services import statistics
from tests.factories import (
    MOMENT,
    make_ai_call,
    make_api_call,
    make_effect,
    make_issue,
    make_item,
    make_operation,
    make_run,
    make_workflow,
)

pytestmark = pytest.mark.usefixtures("time")


def run_of_three() -> Run:
    run = make_run(operation=make_operation(mode=Mode.LIVE), state=Run.State.WORKING)
    issue = make_issue(repository=run.repository, workflow=make_workflow(slug="osint"))
    ended = {"started_at": MOMENT, "finished_at": MOMENT + timedelta(seconds=4)}
    first = make_item(run=run, issue=issue, state=RunItem.State.DONE, outcome="assigned", **ended)
    make_item(run=run, state=RunItem.State.FAILED, error_type="permanent")
    make_item(run=run, state=RunItem.State.SKIPPED, outcome="skipped")
    make_effect(item=first, change=changes.AddLabels(("a", "b")), state=Effect.State.APPLIED)
    make_effect(item=first, change=changes.AddLabels(("a",)), state=Effect.State.APPLIED)
    make_effect(item=first, change=changes.AddLabels(("a",)), state=Effect.State.REFUSED)
    make_api_call(run=run, route="/issues")
    make_api_call(run=run, route="/issues", limited="primary")
    make_api_call(run=run, route="/graphql", write=True)
    make_ai_call(run=run, calls=2, tokens_in=100, tokens_out=10)
    make_ai_call(run=run, fell_back="Quota.")
    return run


def test_outcomes_workflows_labels_and_calls_are_counted(time: clock.VirtualClock) -> None:
    run = run_of_three()
    time.advance(timedelta(seconds=90))
    found = statistics.of(run)
    assert found["items"] == 3
    assert found["by_state"] == {"done": 1, "failed": 1, "skipped": 1}
    assert found["by_outcome"] == {"assigned": 1, "skipped": 1}
    assert found["by_error"] == {"permanent": 1}
    assert found["workflows"] == {"osint": 1}
    assert found["labels"] == {"a": 2, "b": 1}
    assert found["effects"] == {"applied": 2, "refused": 1}
    assert found["duration_seconds"] == 90.0
    assert found["seconds_per_item"] == 4.0


def test_calls_to_github_and_the_model_are_counted() -> None:
    found = statistics.of(run_of_three())
    assert found["api_calls"] == {"/graphql": 1, "/issues": 2}
    assert (found["api_writes"], found["api_limited"]) == (1, 1)
    assert found["ai"] == {"assessments": 2, "fell_back": 1, "calls": 2, "tokens_in": 100, "tokens_out": 10}


def test_run_without_items_has_no_mean_and_not_zero() -> None:
    found = statistics.of(make_run(state=Run.State.WORKING))
    assert (found["items"], found["seconds_per_item"]) == (0, None)
    assert found["ai"] == {"assessments": 0, "fell_back": 0, "calls": 0, "tokens_in": 0, "tokens_out": 0}


def test_other_runs_are_not_counted() -> None:
    run_of_three()
    assert statistics.of(make_run(state=Run.State.WORKING))["api_calls"] == {}


@pytest.mark.parametrize(("minutes", "within"), [(15, (True, True)), (16, (False, True)), (31, (False, False))])
def test_daily_run_is_held_against_its_two_lines(
    time: clock.VirtualClock, minutes: int, within: tuple[bool, bool]
) -> None:
    run = make_run(operation=make_operation(kind=Kind.DAILY), state=Run.State.WORKING)
    part = make_run(operation=run.operation, parent=run, purpose=Run.Purpose.PART, state=Run.State.SUCCEEDED)
    make_item(run=part, state=RunItem.State.DONE)
    time.advance(timedelta(minutes=minutes))
    found = statistics.of(run)
    assert (found["within_15_minutes"], found["within_30_minutes"]) == within
    assert found["items"] == 1


def test_daily_run_sums_up_the_state_of_the_system() -> None:
    run = make_run(operation=make_operation(kind=Kind.DAILY), state=Run.State.WORKING)
    make_run(operation=run.operation, parent=run, purpose=Run.Purpose.PART)
    make_issue(repository=run.repository, state="copilot")
    make_issue(repository=run.repository, presence=Issue.Presence.DELETED)
    make_issue(state="done")
    assert statistics.of(run)["system"] == {"discovery": 0, "assigned": 0, "copilot": 1, "done": 0}
