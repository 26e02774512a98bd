"""Runs carried out: filled once, worked by anybody, closed once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections

from pipeline import clock
from pipeline.domain.plan import skip
from pipeline.github.port import BadCredentials, QuotaExhausted, Transient
from pipeline.models import Issue, Kind, Mode, Repository, Run, RunItem
from pipeline.services import bell, claims, connect, execution, kinds, labels, runs, slots
from pipeline.services.kinds.base import Candidate, Unfinished
from tests.factories import MOMENT, make_issue, make_item, make_operation, make_part, make_repository, make_run
from tests.fake_github import FakeGitHub, refused
from tests.pipeline.services.planner import Planner

ITEM = RunItem.State
BY: dict[str, Any] = {"actor": "olga", "reason": "To see it."}


@pytest.fixture
def planner(monkeypatch: pytest.MonkeyPatch) -> Planner:
    made = Planner()
    monkeypatch.setattr(kinds, "of", lambda run: made)
    return made


@pytest.fixture
def run(github: FakeGitHub, planner: Planner) -> Run:
    """Live, by hand, over three issues."""
    return opened(github)


def opened(github: FakeGitHub, *, issues: int = 3, **values: Any) -> Run:
    repository = make_repository()
    defaults: dict[str, Any] = {
        "mode": Mode.LIVE,
        "live_until": MOMENT + timedelta(days=1),
        "limit": 10,
        "repository": repository,
    }
    operation = make_operation(**{**defaults, **values})
    for _ in range(issues):
        github.mirror(make_issue(repository=repository))
    github.names |= {name: f"LA_{name}" for name in ("bug", *labels.wanted(repository))}
    return runs.open_by_hand(operation, **BY)


def finished(run: Run) -> Run:
    """Executed and worked as one worker does it."""
    execution.execute(run.pk)
    execution.work_on(run.pk)
    run.refresh_from_db()
    return run


def item_states(run: Run) -> list[str]:
    return list(run.items.order_by("position").values_list("state", flat=True))


def test_run_is_filled_worked_and_closed(run: Run, github: FakeGitHub) -> None:
    done = finished(run)
    assert (done.state, done.error, done.finished_at) == (Run.State.SUCCEEDED, "", MOMENT)
    assert item_states(done) == [ITEM.DONE] * 3
    assert len(github.writes) == 3
    assert done.statistics["by_state"] == {"done": 3}


def test_executing_again_changes_nothing(run: Run, github: FakeGitHub) -> None:
    finished(run)
    finished(run)
    assert (run.items.count(), len(github.writes)) == (3, 3)


def test_dry_run_writes_nothing(github: FakeGitHub, planner: Planner) -> None:
    done = finished(opened(github, mode=Mode.DRY_RUN))
    assert (item_states(done), github.writes) == ([ITEM.PLANNED] * 3, [])
    assert done.state == Run.State.SUCCEEDED


def test_run_without_candidates_is_closed_at_once(github: FakeGitHub, planner: Planner) -> None:
    run = opened(github, issues=0)
    execution.execute(run.pk)
    run.refresh_from_db()
    assert (run.state, run.selected) == (Run.State.SUCCEEDED, True)


def test_candidate_that_is_passed_over_is_recorded_and_worked_by_nobody(github: FakeGitHub, planner: Planner) -> None:
    planner.candidates = lambda run: [
        Candidate(issue=issue, skipped="Labelled `feature`.", outcome="skipped") for issue in Issue.objects.all()
    ]
    done = finished(opened(github))
    assert item_states(done) == [ITEM.SKIPPED] * 3
    assert (done.state, planner.asked) == (Run.State.SUCCEEDED, 0)


def test_issue_that_another_live_run_holds_is_skipped_with_the_reason(run: Run, github: FakeGitHub) -> None:
    other = make_run(operation=make_operation(repository=run.repository, mode=Mode.LIVE), state=Run.State.WORKING)
    make_item(run=other, issue=Issue.objects.order_by("number")[0], state=ITEM.WORKING)
    done = finished(run)
    assert item_states(done) == [ITEM.SKIPPED, ITEM.DONE, ITEM.DONE]
    assert done.items.order_by("position")[0].reason == "Another live run is working on it."


def test_run_that_was_stopped_before_it_did_anything_is_no_success(run: Run, github: FakeGitHub) -> None:
    execution.execute(run.pk)
    Repository.objects.update(standing="paused")
    execution.work_on(run.pk)
    run.refresh_from_db()
    assert (run.state, run.error, github.writes) == (Run.State.CANCELLED, "The repository is paused.", [])


# --- faults while choosing ---


def test_passing_fault_while_choosing_postpones_the_run(
    run: Run, github: FakeGitHub, planner: Planner, time: clock.VirtualClock
) -> None:
    planner.problem = Transient("GitHub answered 502.")
    execution.execute(run.pk)
    run.refresh_from_db()
    assert (run.state, run.selected, run.error) == (Run.State.WORKING, False, "GitHub answered 502.")
    assert run.claimed_until == MOMENT + timedelta(seconds=20)
    execution.execute(run.pk)  # rung too early
    planner.problem = None
    time.advance(timedelta(seconds=21))
    assert finished(run).state == Run.State.SUCCEEDED


def test_choosing_that_takes_several_tasks_is_taken_up_at_once(
    run: Run, planner: Planner, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[str] = []
    monkeypatch.setattr(bell, "ring", lambda task, *_args, **_values: rung.append(task))
    planner.problem = Unfinished()
    execution.execute(run.pk)
    run.refresh_from_db()
    assert (run.state, run.selected, run.error, rung) == (Run.State.WORKING, False, "", [slots.EXECUTE_TASK])
    planner.problem = None
    assert finished(run).state == Run.State.SUCCEEDED


def test_choosing_that_outlasts_the_timeout_ends_well_and_the_next_run_goes_on(
    run: Run, planner: Planner, time: clock.VirtualClock
) -> None:
    claims.claim_run(run.pk)
    planner.problem = Unfinished()
    time.advance(timedelta(hours=1))
    execution.execute(run.pk)
    run.refresh_from_db()
    assert (run.state, run.error) == (Run.State.SUCCEEDED, "")


def test_fault_that_does_not_pass_fails_the_run_at_its_timeout(
    run: Run, planner: Planner, time: clock.VirtualClock
) -> None:
    planner.problem = Transient("GitHub answered 502.")
    execution.execute(run.pk)
    time.advance(timedelta(minutes=30))
    execution.execute(run.pk)
    run.refresh_from_db()
    assert (run.state, run.error_type, run.error) == (Run.State.FAILED, "transient", "GitHub answered 502.")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (BadCredentials("GitHub answered 401."), "permanent"),
        (refused("GitHub answered 403."), "permanent"),
        (QuotaExhausted("Wait.", until=MOMENT), "quota"),
    ],
)
def test_fault_for_good_while_choosing_fails_the_run_with_its_sentence(
    run: Run, planner: Planner, error: Any, kind: str
) -> None:
    planner.problem = error
    execution.execute(run.pk)
    run.refresh_from_db()
    assert (run.state, run.error, run.error_type) == (Run.State.FAILED, str(error), kind)


def test_repository_without_a_token_fails_the_run(github: FakeGitHub, planner: Planner) -> None:
    run = opened(github)

    def missing(_: Any) -> Any:
        raise BadCredentials("The credential env:NONE is empty.")

    with connect.using(missing):
        execution.execute(run.pk)
    run.refresh_from_db()
    assert (run.state, run.error) == (Run.State.FAILED, "The credential env:NONE is empty.")


def test_missing_labels_are_made_before_the_first_item(run: Run, github: FakeGitHub) -> None:
    github.names = {"bug": "LA_bug"}
    done = finished(run)
    kinds_written = [change.kind for change in github.writes]
    made = kinds_written.count("create_label")
    assert made == len(labels.wanted(run.repository))
    assert kinds_written == ["create_label"] * made + ["add_labels"] * 3
    assert done.state == Run.State.SUCCEEDED


# --- failed items ---


def test_failed_item_does_not_stop_the_others(run: Run, planner: Planner) -> None:
    planner.answers[Issue.objects.order_by("number")[0].number] = refused()
    done = finished(run)
    assert item_states(done) == [ITEM.FAILED, ITEM.DONE, ITEM.DONE]
    assert done.state == Run.State.SUCCEEDED


def test_run_whose_items_all_failed_has_failed(run: Run, planner: Planner) -> None:
    planner.answer = refused()
    done = finished(run)
    assert (done.state, done.error, done.error_type) == (Run.State.FAILED, "Every item failed.", "permanent")


def test_skipped_items_do_not_make_a_failed_run_a_success(run: Run, planner: Planner) -> None:
    first, *_ = Issue.objects.order_by("number")
    planner.answer, planner.answers[first.number] = skip("skipped", "Closed."), refused()
    assert finished(run).state == Run.State.FAILED


@pytest.mark.parametrize(
    ("operation", "options"), [({"continue_on_error": False}, {}), ({}, {"continue_on_error": False})]
)
def test_first_failure_ends_a_run_that_does_not_continue_on_errors(
    github: FakeGitHub, planner: Planner, operation: dict[str, Any], options: dict[str, Any]
) -> None:
    run = opened(github, **operation)
    Run.objects.update(options=options)
    planner.answers[Issue.objects.order_by("number")[0].number] = refused()
    done = finished(run)
    assert item_states(done) == [ITEM.FAILED, ITEM.CANCELLED, ITEM.CANCELLED]
    assert "does not continue on errors" in done.items.order_by("position")[1].reason


def test_wish_to_continue_goes_before_the_operations_switch(github: FakeGitHub, planner: Planner) -> None:
    run = opened(github, continue_on_error=False)
    Run.objects.update(options={"continue_on_error": True})
    planner.answers[Issue.objects.order_by("number")[0].number] = refused()
    assert item_states(finished(run)) == [ITEM.FAILED, ITEM.DONE, ITEM.DONE]


# --- closing ---


def test_run_with_waiting_items_stays_open(run: Run, planner: Planner) -> None:
    planner.answer = Transient("GitHub answered 502.")
    done = finished(run)
    assert (done.state, item_states(done)) == (Run.State.WORKING, [ITEM.WAITING] * 3)


def test_run_is_closed_once_and_told_once(run: Run, told: Callable[[], list[dict[str, Any]]]) -> None:
    finished(run)
    execution.close_if_done(run.pk)
    assert [line["event"] for line in told()].count("run.finished") == 1


@pytest.mark.django_db
def test_unknown_run_is_passed_over() -> None:
    execution.execute(99)
    execution.work_on(99)
    assert not Run.objects.exists()


def test_cancelled_run_is_not_filled(run: Run, github: FakeGitHub) -> None:
    runs.cancel(run, **BY)
    done = finished(run)
    assert (done.state, done.items.count(), github.writes) == (Run.State.CANCELLED, 0, [])


def test_run_that_is_cancelled_while_its_items_are_chosen_stays_empty(run: Run, planner: Planner) -> None:
    def cancelling(one: Run) -> list[Candidate]:
        runs.cancel(one, **BY)
        return [Candidate(issue=issue) for issue in Issue.objects.all()]

    planner.candidates = cancelling
    execution.execute(run.pk)
    assert not run.items.exists()


# --- daily ---


def daily(github: FakeGitHub, modes: Mapping[str, str], mode: str = Mode.LIVE, **asked: Any) -> Run:
    run = opened(github, kind=Kind.DAILY, mode=mode)
    Run.objects.filter(pk=run.pk).update(**asked)
    assert run.operation is not None
    for order, (kind, part_mode) in enumerate(modes.items()):
        make_part(operation=run.operation, kind=kind, mode=part_mode, order=order, limit=2)
    execution.execute(run.pk)
    return run


def work_parts(run: Run) -> None:
    for _ in range(5):
        child = run.children.filter(state__in=Run.ACTIVE).first()
        if child is not None:
            finished(child)
    run.refresh_from_db()


PARTS = {"monitor": Mode.LIVE, "assign": Mode.DRY_RUN, "process": Mode.LIVE}


def test_parts_run_one_after_the_other_each_in_its_own_mode(github: FakeGitHub, planner: Planner) -> None:
    run = daily(github, PARTS)
    assert [part.kind for part in run.children.all()] == ["monitor"]
    work_parts(run)
    found = run.children.order_by("pk").values_list("kind", "mode", "limit", "purpose", "state")
    assert list(found) == [
        ("monitor", "live", 2, "part", "succeeded"),
        ("assign", "dry_run", 2, "part", "succeeded"),
        ("process", "live", 2, "part", "succeeded"),
    ]
    assert run.state == Run.State.SUCCEEDED
    assert run.statistics["within_15_minutes"] is True
    assert run.statistics["items"] == 6


def test_dry_daily_run_has_only_dry_parts(github: FakeGitHub, planner: Planner) -> None:
    run = daily(github, PARTS, mode=Mode.DRY_RUN)
    work_parts(run)
    assert set(run.children.values_list("mode", flat=True)) == {Mode.DRY_RUN}
    assert github.writes == []


def test_part_that_is_off_is_left_out(github: FakeGitHub, planner: Planner) -> None:
    run = daily(github, {"monitor": Mode.OFF, "assign": Mode.LIVE})
    work_parts(run)
    assert [part.kind for part in run.children.all()] == ["assign"]


def test_failed_part_does_not_stop_the_next_and_fails_the_day(github: FakeGitHub, planner: Planner) -> None:
    planner.answer = refused()
    run = daily(github, {"monitor": Mode.LIVE, "assign": Mode.DRY_RUN})
    work_parts(run)
    assert (run.state, run.error) == (Run.State.FAILED, "Parts failed: assign, monitor.")
    assert run.children.count() == 2


@pytest.mark.parametrize(
    ("states", "ended"),
    [
        (["cancelled", "cancelled"], "cancelled"),
        (["cancelled", "succeeded"], "succeeded"),
        (["cancelled", "failed"], "failed"),
    ],
)
def test_day_whose_parts_were_all_stopped_is_no_success(
    github: FakeGitHub, planner: Planner, states: list[str], ended: str
) -> None:
    run = daily(github, {"monitor": Mode.LIVE, "assign": Mode.LIVE})
    for state in states:
        run.children.filter(state__in=Run.ACTIVE).update(state=state, finished_at=MOMENT, error="The lease ran out.")
        execution.advance_daily(run)
    run.refresh_from_db()
    assert run.state == ended
    assert (run.error == "The lease ran out.") is (ended == "cancelled")


def test_parts_obey_what_a_person_asked_of_the_daily_run(github: FakeGitHub, planner: Planner) -> None:
    run = daily(github, {"assign": Mode.LIVE}, options={"issues": [7], "continue_on_error": False}, limit=1)
    part = run.children.get()
    assert (part.options, part.limit) == ({"issues": [7], "continue_on_error": False}, 1)


@pytest.mark.parametrize(
    ("own", "whole", "named"), [("work in progress", 50, "work in progress"), ("plan 1.3", 1, "set by a person")]
)
def test_part_names_the_term_that_binds_it(
    github: FakeGitHub, planner: Planner, own: str, whole: int, named: str
) -> None:
    run = daily(github, {}, limit=whole, limit_reason="set by a person")
    assert run.operation is not None
    make_part(operation=run.operation, kind="assign", mode=Mode.LIVE, limit=2, limit_reason=own)
    Run.objects.filter(pk=run.pk).update(state=Run.State.WORKING, finished_at=None)
    run.refresh_from_db()
    execution.advance_daily(run)
    assert run.children.get().limit_reason == f"{named}; part of the daily run {run.pk}"


def test_daily_run_without_parts_is_closed_at_once(github: FakeGitHub, planner: Planner) -> None:
    run = daily(github, {})
    run.refresh_from_db()
    assert run.state == Run.State.SUCCEEDED


def test_advancing_twice_starts_one_part(github: FakeGitHub, planner: Planner) -> None:
    run = daily(github, PARTS)
    execution.advance_daily(run)
    execution.advance_daily(run)
    assert run.children.count() == 1


# --- many workers ---


def _work(run_id: int, fake: FakeGitHub) -> None:
    try:
        execution.work_on(run_id)
    finally:
        connections.close_all()


@pytest.mark.django_db(transaction=True)
def test_many_workers_do_each_item_once(planner: Planner) -> None:
    fake = FakeGitHub()
    with clock.using(clock.VirtualClock(MOMENT)), connect.using(lambda _: fake):
        run = opened(fake, issues=10)
        execution.execute(run.pk)
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(_work, [run.pk] * 3, [fake] * 3))
    run.refresh_from_db()
    assert (run.state, item_states(run)) == (Run.State.SUCCEEDED, [ITEM.DONE] * 10)
    assert len(fake.writes) == planner.asked == 10
