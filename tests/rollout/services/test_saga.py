"""A rollback leaves nothing running, nothing forgotten, and may be killed wherever it stands."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from pipeline.clock import VirtualClock
from pipeline.domain.changes import AddLabels
from pipeline.github.port import ActionsWorkflow, Transient
from pipeline.models import AuditEntry, Effect, Finding, Mode, Run
from pipeline.services import audit, operations, runs
from pipeline.services.operations import NotPossible
from rollout.domain.saga import MOST_ATTEMPTS, STEPS
from rollout.models import Announcement, Incident, ProgressEntry, Rollback, RollbackStep, Rollout, StepProgress
from rollout.services import exports, saga, stop
from rollout.services.saga_steps import CARRY_OUT, reverting
from rollout.services.saga_steps.base import NotYet, StepFailed
from rollout.services.saga_steps.telling import SHORT, message_of
from tests.factories import make_effect, make_handover, make_item, make_run
from tests.fake_github import FakeGitHub
from tests.rollout.factories import make_plan
from tests.rollout.services.rolling_back import (
    live_run,
    make_lead,
    make_rollout,
    minutes,
    modes,
    operation,
    rolled_back,
    states,
    to_its_end,
    waiting,
)

PATH = ".github/workflows/ops-workflow-assignment.yml"
WORKFLOW = b"name: Assign\non:\n  schedule:\n    - cron: '0 */2 * * *'\n"


@pytest.fixture
def rollout(github: FakeGitHub) -> Rollout:
    made = make_rollout()
    make_lead(made)
    return made


# --- stop ---


def test_schedules_are_off_when_start_returns(rollout: Rollout) -> None:
    rollback = rolled_back(rollout)
    assert set(modes(rollout).values()) == {"off", "live"}
    assert [name for name, mode in modes(rollout).items() if mode == "live"] == ["sync"]
    assert rollback.schedules_off_at == rollback.started_at
    assert not rollout.repository.operations.exclude(kind="sync").filter(live_until__isnull=False).exists()


def test_step_takes_only_its_own_operation_down(rollout: Rollout) -> None:
    rolled_back(rollout, "1.1")
    found = modes(rollout)
    assert (found["assign"], found["process"]) == ("off", "live")


def test_run_by_hand_stays_possible(rollout: Rollout, time: VirtualClock) -> None:
    rollback = minutes(time, rolled_back(rollout), 2)
    run = runs.open_by_hand(
        operation(rollout, "assign"), actor="olga", reason="By hand.", mode=Mode.DRY_RUN, ring=False
    )
    minutes(time, rollback, 2)
    run.refresh_from_db()
    assert run.state == "succeeded"


def test_what_is_in_flight_is_cancelled_and_undoing_goes_on(rollout: Rollout, time: VirtualClock) -> None:
    row = operation(rollout, "assign")
    scheduled = make_run(operation=row, mode="live", purpose="scheduled", state="working")
    make_item(run=scheduled)
    undoing = make_run(operation=row, mode="live", purpose="revert", state="working", selected=False)
    shown = make_run(operation=row, mode="dry_run", purpose="revert", state="succeeded")
    applied = make_run(operation=row, mode="live", purpose="apply", source_run=shown, state="working", selected=False)
    rollback = saga.advance(rolled_back(rollout), time.now())
    for run in (scheduled, undoing, applied):
        run.refresh_from_db()
    assert (scheduled.state, undoing.state, applied.state) == ("cancelled", "working", "working")
    assert rollback.steps.get(name="runs_cancelled").evidence == {"runs": [scheduled.pk]}


def test_worker_that_still_holds_an_item_is_waited_for(rollout: Rollout, time: VirtualClock) -> None:
    run = make_run(operation=operation(rollout, "assign"), mode="live", purpose="scheduled", state="working")
    make_item(run=run, state="working", claimed_until=time.now() + timedelta(seconds=90))
    rollback = saga.advance(rolled_back(rollout), time.now())
    assert states(rollback)["drained"] == "waiting"
    assert states(minutes(time, rollback, 3))["drained"] == "done"


def test_write_of_unknown_fate_is_listed(rollout: Rollout, time: VirtualClock) -> None:
    run = live_run(rollout, "assign")
    item = make_item(run=run, state="waiting")
    effect = make_effect(item=item, state="unknown", sent_at=time.now())
    rollback = saga.advance(rolled_back(rollout), time.now())
    (listed,) = rollback.steps.get(name="drained").evidence["unknown"]
    assert listed["effect"] == effect.key


# --- after the stop ---


def test_rollback_comes_to_its_end_with_everything_done(rollout: Rollout, time: VirtualClock) -> None:
    rollback = minutes(time, rolled_back(rollout), 15)
    assert rollback.state == "done"
    skipped = {name for name, state in states(rollback).items() if state == "skipped"}
    assert skipped == {"workflows_disabled", "effects_reverted"}
    assert rollback.finished_at is not None
    assert rollback.finished_at - rollback.started_at < timedelta(minutes=13)
    assert audit.verify().fault == ""


def test_incident_is_the_lead_s_with_a_post_mortem_in_two_days(
    rollout: Rollout, github: FakeGitHub, time: VirtualClock
) -> None:
    issue = waiting(rollout, github, "assigned")
    live_run(rollout, "assign", issue)
    rollback = saga.advance(rolled_back(rollout), time.now())
    incident = Incident.objects.get()
    assert rollback.incident == incident
    assert (incident.owner, incident.affected_issues) == ("lena", [issue.number])
    assert incident.postmortem_due_at == time.now() + timedelta(hours=48)


def test_issue_states_are_exported_and_the_files_are_intact(
    rollout: Rollout, github: FakeGitHub, time: VirtualClock
) -> None:
    issue = waiting(rollout, github, "copilot", title='=HYPERLINK("evil")')
    rollback = saga.advance(rolled_back(rollout), time.now())
    files = [exports.Written(**row) for row in rollback.steps.get(name="states_exported").evidence["files"]]
    assert all(exports.intact(one) for one in files)
    sheet, document = (exports.folder() / one.path for one in files)
    assert "\"'=HYPERLINK" in sheet.read_text()
    assert json.loads(document.read_text())["issues"][0]["number"] == issue.number


def test_chat_and_mail_are_told_once_and_the_step_waits_for_both(rollout: Rollout, time: VirtualClock) -> None:
    rollback = saga.advance(rolled_back(rollout, "1.1"), time.now())
    assert states(rollback)["announced"] == "waiting"
    minutes(time, rollback, 3)
    assert states(rollback)["announced"] == "done"
    assert sorted(Announcement.objects.values_list("channel", "state")) == [("email", "sent"), ("slack", "sent")]
    mail = Announcement.objects.get(channel="email")
    assert mail.recipients == ["lena@example.com"]
    assert "step 1.1" in mail.body
    assert "/stop/" in mail.body
    assert "Too many failures." in mail.body


def test_channel_that_is_not_set_up_is_said_to_be_so(rollout: Rollout, time: VirtualClock) -> None:
    rollback = saga.advance(rolled_back(rollout), time.now())
    Announcement.objects.filter(channel="slack").update(state="failed", error="Slack is not set up.")
    Announcement.objects.filter(channel="email").update(state="sent")
    time.advance(timedelta(minutes=1))
    saga.advance(rollback, time.now())
    assert rollback.steps.get(name="announced").detail == "Told by e-mail. Not by Slack: Slack is not set up."


def test_channel_that_refuses_fails_the_step_until_it_has_taken_the_message(
    rollout: Rollout, time: VirtualClock
) -> None:
    rollback = saga.advance(rolled_back(rollout), time.now())
    Announcement.objects.filter(channel="slack").update(state="sent")
    Announcement.objects.filter(channel="email").update(state="failed", error="The mail server refused the message.")
    time.advance(timedelta(minutes=1))
    saga.advance(rollback, time.now())
    step = rollback.steps.get(name="announced")
    assert (step.state, step.detail) == ("failed", "Told by Slack. Not by e-mail: The mail server refused the message.")

    saga.retry(step, by="olga")
    minutes(time, rollback, 3)

    assert states(rollback)["announced"] == "done"
    assert Announcement.objects.get(channel="email").state == "sent"


def test_issues_between_two_states_get_proposals(rollout: Rollout, github: FakeGitHub, time: VirtualClock) -> None:
    waiting(rollout, github, "assigned")
    handed_over = waiting(rollout, github, "copilot")
    make_handover(issue=handed_over, outcome="lost")
    waiting(rollout, github, "done")
    rollback = saga.advance(rolled_back(rollout), time.now())
    assert sorted(rollback.triage.values_list("state", "proposal")) == [("assigned", "leave"), ("copilot", "reassign")]


def test_workflow_of_the_same_job_is_switched_off_on_github(
    rollout: Rollout, github: FakeGitHub, time: VirtualClock
) -> None:
    github.workflows = [ActionsWorkflow(7, "Assign", PATH, "active")]
    github.files[PATH] = WORKFLOW
    rollback = minutes(time, rolled_back(rollout, "1.1"), 4)
    step = rollback.steps.get(name="workflows_disabled")
    assert (step.state, step.evidence["paths"]) == ("done", [PATH])
    assert github.workflows[0].state == "disabled_manually"
    assert Effect.objects.get(kind="disable_workflow").state == "applied"
    assert not Finding.objects.filter(check_id="schedule.double", resolved_at__isnull=True).exists()


def test_github_that_cannot_be_reached_holds_up_only_its_own_step(
    rollout: Rollout, github: FakeGitHub, time: VirtualClock
) -> None:
    github.unreadable = Transient("GitHub did not answer.")
    rollback = minutes(time, rolled_back(rollout), 3)
    assert states(rollback)["workflows_disabled"] == "failed"
    assert states(rollback)["announced"] == states(rollback)["triage_listed"] == "done"
    github.unreadable = None
    assert to_its_end(time, rollback).state == "done"


def test_effects_are_reverted_newest_run_first_by_choice(
    rollout: Rollout, github: FakeGitHub, time: VirtualClock
) -> None:
    issue = waiting(rollout, github, "assigned")
    older, newer = (live_run(rollout, "assign", issue) for _run in range(2))
    rollback = rolled_back(rollout, "1.1", revert=True)
    assert [one.run for one in reverting.preview(rollback)] == [newer, older]
    minutes(time, rollback, 8)
    undoing = Run.objects.filter(purpose="revert").order_by("pk")
    assert [run.source_run for run in undoing] == [newer, older]
    assert states(rollback)["effects_reverted"] == "done"


def undoing_ended(rollout: Rollout, github: FakeGitHub, time: VirtualClock, state: str) -> RollbackStep:
    live_run(rollout, "assign", waiting(rollout, github, "assigned"))
    rollback = saga.advance(rolled_back(rollout, "1.1", revert=True), time.now())
    Run.objects.filter(purpose="revert").update(state=state, error="GitHub was away.", finished_at=time.now())
    time.advance(timedelta(minutes=1))
    return saga.advance(rollback, time.now()).steps.get(name="effects_reverted")


def test_undoing_that_failed_as_a_whole_is_a_failure_and_is_tried_again(
    rollout: Rollout, github: FakeGitHub, time: VirtualClock
) -> None:
    step = undoing_ended(rollout, github, time, "failed")
    assert (step.state, "GitHub was away." in step.detail) == ("failed", True)
    minutes(time, step.rollback, 3)
    assert states(step.rollback)["effects_reverted"] == "done"
    assert Run.objects.filter(purpose="revert", state="succeeded").count() == 1


def test_undoing_that_was_cancelled_is_not_begun_again_and_told(
    rollout: Rollout, github: FakeGitHub, time: VirtualClock
) -> None:
    step = undoing_ended(rollout, github, time, "cancelled")
    assert (step.state, step.detail) == ("done", "0 runs undone: 0 issues are as they were; 1 undoing was cancelled.")


def test_undoing_may_be_chosen_after_the_rollback_is_over(
    rollout: Rollout, github: FakeGitHub, time: VirtualClock
) -> None:
    issue = waiting(rollout, github, "assigned")
    run = live_run(rollout, "assign", issue)
    rollback = to_its_end(time, stop.roll_back(rollout, step="1.1", by="olga", reason="Odd.", confirmation="1.1"))
    assert rollback.state == "done"
    saga.revert_too(rollback, by="olga", reason="They are wrong.")
    assert to_its_end(time, rollback).state == "done"
    assert Run.objects.get(purpose="revert").source_run == run
    with pytest.raises(NotPossible, match="already"):
        saga.revert_too(rollback, by="olga", reason="Again.")


def test_undoing_what_was_started_again_since_is_refused(rollout: Rollout, time: VirtualClock) -> None:
    rollback = to_its_end(time, stop.roll_back(rollout, step="1.1", by="olga", reason="Odd.", confirmation="1.1"))
    rollout.steps.filter(number="1.1").update(state="live")
    with pytest.raises(NotPossible, match="started again since"):
        saga.revert_too(rollback, by="olga", reason="They are wrong.")


def test_daily_run_is_undone_until_every_part_of_it_is(
    rollout: Rollout, github: FakeGitHub, time: VirtualClock
) -> None:
    StepProgress.objects.create(rollout=rollout, number="1.3", state="live", live_since=rollout.created_at)
    issue = waiting(rollout, github, "assigned", labels=["site-monitor", "state::assigned", "seen", "sorted"])
    daily = live_run(rollout, "daily", kind="daily")
    for label, kind in (("seen", "monitor"), ("sorted", "assign")):
        part = make_run(
            operation=daily.operation, kind=kind, mode="live", purpose="part", state="succeeded", parent=daily
        )
        item = make_item(run=part, issue=issue, state="done")
        make_effect(item=item, change=AddLabels((label,)), state="applied", before={"labels": []})
    rollback = minutes(time, rolled_back(rollout, "1.3", revert=True), 10)
    assert not {"seen", "sorted"} & set(github.issue(issue.number).labels)
    assert states(rollback)["effects_reverted"] == "done"


# --- watching ---


def test_operation_that_comes_on_again_is_switched_off_and_watched_anew(rollout: Rollout, time: VirtualClock) -> None:
    rollback = minutes(time, rolled_back(rollout), 5)
    operations.set_mode(operation(rollout, "assign"), Mode.LIVE, actor="olga", reason="I want it on.")
    minutes(time, rollback, 6)
    assert modes(rollout)["assign"] == "off"
    assert states(rollback)["stayed_off"] == "waiting"
    assert "assign is live" in rollback.steps.get(name="stayed_off").evidence["again"][0]["seen"][0]
    assert to_its_end(time, rollback).state == "done"


def test_scheduled_run_after_the_stop_is_seen_and_cancelled(rollout: Rollout, time: VirtualClock) -> None:
    rollback = minutes(time, rolled_back(rollout), 2)
    late = make_run(operation=operation(rollout, "assign"), mode="live", purpose="scheduled", created_at=time.now())
    time.advance(timedelta(seconds=1))
    saga.advance(rollback, time.now())
    late.refresh_from_db()
    assert late.state == "cancelled"
    assert rollback.steps.get(name="stayed_off").evidence["again"]


# --- crashes, repetition, failures ---


class Crash(BaseException):
    """What a killed process is to its caller."""


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("name", [step.name for step in STEPS if not step.drill_only])
def test_rollback_is_taken_up_again_after_a_crash_in_any_step(
    rollout: Rollout, github: FakeGitHub, time: VirtualClock, monkeypatch: pytest.MonkeyPatch, name: str, when: str
) -> None:
    waiting(rollout, github, "assigned")
    github.workflows = [ActionsWorkflow(7, "Assign", PATH, "active")]
    github.files[PATH] = WORKFLOW
    real, crashes = CARRY_OUT[name], [1]

    def crashing(*args: Any) -> Any:
        outcome = real(*args) if when == "after" or not crashes else None
        if crashes:
            crashes.pop()
            raise Crash
        return outcome

    monkeypatch.setitem(CARRY_OUT, name, crashing)
    try:
        rollback = rolled_back(rollout)
        to_its_end(time, rollback)
    except Crash:
        rollback = Rollback.objects.get()
        time.advance(timedelta(minutes=1))
    assert to_its_end(time, rollback).state == "done"
    assert (Incident.objects.count(), Announcement.objects.count(), rollback.triage.count()) == (1, 2, 1)
    assert ProgressEntry.objects.filter(sentence__startswith="Rollback ").count() == 1
    assert Effect.objects.filter(kind="disable_workflow", state="applied").count() == 1


def test_advancing_a_finished_rollback_changes_nothing(rollout: Rollout, time: VirtualClock) -> None:
    rollback = to_its_end(time, rolled_back(rollout))
    before = (AuditEntry.objects.count(), list(rollback.steps.values()), ProgressEntry.objects.count())
    minutes(time, rollback, 3)
    assert (AuditEntry.objects.count(), list(rollback.steps.values()), ProgressEntry.objects.count()) == before


def test_step_that_another_tick_carries_out_is_left_to_it(rollout: Rollout, time: VirtualClock) -> None:
    rollback = rolled_back(rollout)
    RollbackStep.objects.filter(name="incident_opened").update(due_at=time.now() + saga.CLAIM)
    saga.advance(rollback, time.now())
    assert not Incident.objects.exists()


def test_step_does_not_wait_for_a_time_that_a_wrong_clock_set(rollout: Rollout, time: VirtualClock) -> None:
    rollback = rolled_back(rollout)
    RollbackStep.objects.filter(name="incident_opened").update(due_at=time.now() + timedelta(days=1))
    saga.advance(rollback, time.now())
    assert states(rollback)["incident_opened"] == "done"


def test_second_request_for_the_same_scope_is_the_first_rollback(rollout: Rollout) -> None:
    first = rolled_back(rollout)
    assert rolled_back(rollout, by="rule:quota-exhausted") == first
    assert rolled_back(rollout, "1.1") == first


def test_step_that_keeps_failing_waits_for_a_person_and_is_tried_again(
    rollout: Rollout, time: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: Any, **values: Any) -> Any:
        raise OSError("The disk is full.")

    monkeypatch.setattr(exports, "issue_states", full)
    rollback = to_its_end(time, rolled_back(rollout), 40)
    step = rollback.steps.get(name="states_exported")
    assert (rollback.state, step.state, step.detail) == ("stuck", "failed", "The disk is full.")
    monkeypatch.undo()
    saga.retry(step, by="olga")
    assert to_its_end(time, rollback).state == "done"


def test_step_that_begins_anew_and_fails_each_time_is_given_up_as_well(
    rollout: Rollout, time: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[int] = []

    def failing(_rollback: Rollback, _step: RollbackStep, now: Any) -> Any:
        tries.append(1)
        if len(tries) % 2:
            return NotYet("A run has begun.", now)
        raise StepFailed("It did not end well.")

    monkeypatch.setitem(CARRY_OUT, "workflows_disabled", failing)
    assert to_its_end(time, rolled_back(rollout), 40).state == "stuck"
    assert len(tries) == 2 * MOST_ATTEMPTS


def test_step_that_is_given_up_leaves_those_that_do_not_need_it_going(rollout: Rollout, time: VirtualClock) -> None:
    rollback = minutes(time, rolled_back(rollout), 1)
    rollback.steps.filter(name="workflows_disabled").update(state="failed", attempts=MOST_ATTEMPTS)
    rollback = to_its_end(time, rollback)
    assert (rollback.state, states(rollback)["stayed_off"]) == ("stuck", "done")


def test_failed_step_is_skipped_by_a_person_with_a_reason(
    rollout: Rollout, github: FakeGitHub, time: VirtualClock
) -> None:
    github.unreadable = Transient("GitHub did not answer.")
    rollback = minutes(time, rolled_back(rollout), 2)
    saga.skip(rollback.steps.get(name="workflows_disabled"), by="olga", reason="There are none.")
    assert to_its_end(time, rollback).state == "done"
    assert rollback.steps.get(name="workflows_disabled").detail == "Skipped by olga: There are none."


def test_switching_off_is_never_skipped_and_what_has_not_failed_is_not_tried_again(rollout: Rollout) -> None:
    rollback = rolled_back(rollout)
    with pytest.raises(NotPossible, match="cannot be skipped"):
        saga.skip(rollback.steps.get(name="schedules_off"), by="olga", reason="No.")
    with pytest.raises(NotPossible, match="has not failed"):
        saga.retry(rollback.steps.get(name="schedules_off"), by="olga")


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"reason": " "}, "needs a reason"),
        ({"step": "9.9"}, "has no step '9.9'"),
        ({"drill": True}, "demonstration repository only"),
    ],
)
def test_impossible_rollback_is_refused_and_changes_nothing(
    rollout: Rollout, values: dict[str, Any], sentence: str
) -> None:
    before = modes(rollout)
    with pytest.raises(NotPossible, match=sentence):
        rolled_back(rollout, **values)
    assert (Rollback.objects.count(), modes(rollout)) == (0, before)


# --- drills ---


@pytest.fixture
def demonstration(github: FakeGitHub) -> Rollout:
    return make_rollout(demonstration=True)


def test_drill_runs_all_of_it_is_marked_and_puts_everything_back(demonstration: Rollout, time: VirtualClock) -> None:
    make_lead(demonstration)
    before = modes(demonstration)
    rollback = minutes(time, rolled_back(demonstration, drill=True), 5)
    assert rollback.state == "done"
    assert modes(demonstration) == before
    assert states(rollback)["put_back"] == "done"
    assert Incident.objects.get().is_drill
    assert all(row.subject.startswith("[DRILL] ") for row in Announcement.objects.all())


def test_drill_tells_how_long_it_took(demonstration: Rollout, time: VirtualClock) -> None:
    assert saga.last_drill(demonstration) is None
    minutes(time, rolled_back(demonstration, drill=True), 5)
    found = saga.last_drill(demonstration)
    assert found is not None
    assert timedelta(minutes=1) <= found[1] <= timedelta(minutes=4)


def test_real_rollback_breaks_a_drill_off_and_its_operations_stay_off(
    demonstration: Rollout, time: VirtualClock
) -> None:
    drill = rolled_back(demonstration, drill=True)
    real = rolled_back(demonstration)
    drill.refresh_from_db()
    assert (drill.state, real.is_drill) == ("done", False)
    assert "live" not in {mode for name, mode in modes(demonstration).items() if name != "sync"}


def test_drill_gives_way_to_a_hold(demonstration: Rollout, time: VirtualClock) -> None:
    rollback = rolled_back(demonstration, drill=True)
    demonstration.holds.create(by="olga", reason="Stop.", at=time.now())
    minutes(time, rollback, 5)
    assert states(rollback)["put_back"] == "skipped"
    assert "live" not in {mode for name, mode in modes(demonstration).items() if name != "sync"}


def test_message_of_a_plan_without_a_template_has_our_own_words(rollout: Rollout) -> None:
    rollout.plan = make_plan(text=rollout.plan.text.replace(f"slug: {SHORT}", "slug: another"))
    rollout.save(update_fields=["plan"])
    rollback = rolled_back(rollout)
    assert message_of(rollback, SHORT).subject == "Rolled back: everything"


def test_run_of_another_repository_goes_on(rollout: Rollout) -> None:
    run = make_run(mode="live", purpose="scheduled", state="working")
    rollback = rolled_back(rollout)
    saga.advance(rollback, rollback.started_at)
    run.refresh_from_db()
    assert run.state == "working"
