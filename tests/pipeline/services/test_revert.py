"""A run reverted: item by item, never over a later human edit, and once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from pipeline import clock
from pipeline.domain import changes
from pipeline.domain.plan import Plan, Planned, Verdict
from pipeline.domain.sections import read_section, splice
from pipeline.domain.states import State
from pipeline.models import AuditEntry, Effect, Issue, Kind, Mode, Operation, Repository, Run, RunItem
from pipeline.services import effects, execution, labels, revert, runs, work
from pipeline.services.claims import claim_item
from pipeline.services.operations import NotPossible
from tests.factories import BODY, MOMENT, make_effect, make_issue, make_item, make_operation, make_part, make_run
from tests.fake_github import FakeGitHub
from tests.sending import send_step

BY: dict[str, Any] = {"actor": "olga", "reason": "Wrong workflow."}
HEADING = "AI Assessment"


def assigned(github: FakeGitHub, operation: Operation | None = None, **run: Any) -> Run:
    """A finished live run that assigned one issue."""
    operation = operation or make_operation(mode=Mode.LIVE, live_until=MOMENT + timedelta(days=1))
    made = make_run(operation=operation, state=Run.State.WORKING, **{"purpose": Run.Purpose.MANUAL, **run})
    issue = make_issue(repository=made.repository)
    github.mirror(issue)
    github.names |= {name: f"LA_{name}" for name in ("workflow::osint", *labels.wanted(made.repository))}
    make_item(run=made, issue=issue)
    item = claim_item(made.pk)
    assert item is not None
    effects.store(item, plan(issue))
    send_step(item, 0, github, work._target(item))
    RunItem.objects.filter(pk=item.pk).update(state=RunItem.State.DONE)
    Run.objects.filter(pk=made.pk).update(state=Run.State.SUCCEEDED, finished_at=MOMENT)
    github.writes.clear()
    made.refresh_from_db()
    return made


def plan(issue: Issue) -> Plan:
    gone = ("monitor::triage", "state::discovery")
    rows = (
        Planned(changes.WriteSections(((HEADING, "- ours"),)), before={"sections": {HEADING: None}}),
        Planned(changes.AddLabels(("state::assigned", "workflow::osint")), before={"labels": []}),
        Planned(changes.RemoveLabels(gone), before={"labels": list(gone)}),
        Planned(changes.AddComment("Assigned.")),
    )
    return Plan(Verdict.CHANGE, "assigned", "Because.", rows, {0: State.ASSIGNED})


def carried_out(run: Run) -> Run:
    execution.execute(run.pk)
    execution.work_on(run.pk)
    run.refresh_from_db()
    return run


def seen(github: FakeGitHub) -> tuple[set[str], str | None]:
    (row,) = github.rows.values()
    return set(row.labels), read_section(row.body, HEADING)


def test_labels_section_and_state_are_as_before(github: FakeGitHub) -> None:
    undone = carried_out(revert.revert_run(assigned(github), **BY))
    assert undone.state == Run.State.SUCCEEDED
    assert [item.outcome for item in undone.items.all()] == ["reverted"]
    assert seen(github) == ({"site-monitor", "monitor::triage", "state::discovery"}, None)
    touched = Issue.objects.get(pk=undone.items.values_list("issue", flat=True)[0])
    assert (touched.state, touched.body) == ("discovery", BODY)
    assert touched.transitions.order_by("-sequence")[0].cause == "revert"


def test_undone_effects_are_marked_and_name_what_undid_them(github: FakeGitHub) -> None:
    run = assigned(github)
    undoing = carried_out(revert.revert_run(run, **BY))
    undone = Effect.objects.filter(item__run=run, reverted_at__isnull=False)
    assert sorted(undone.values_list("kind", flat=True)) == ["add_labels", "remove_labels", "write_sections"]
    assert set(Effect.objects.filter(item__run=undoing).values_list("reverts", flat=True)) == set(
        undone.values_list("pk", flat=True)
    )


def test_section_that_a_person_edited_since_stays_and_is_listed(github: FakeGitHub) -> None:
    run = assigned(github)
    (number,) = github.rows
    github.edit(number, body=splice(github.rows[number].body, [(HEADING, "- edited by rosa")]))
    undoing = carried_out(revert.revert_run(run, **BY))
    item = undoing.items.get()
    assert seen(github)[1] == "- edited by rosa"
    assert "state::discovery" in seen(github)[0]
    assert len(item.facts["refused"]) == 1
    assert "was edited after the run wrote it" in item.reason


def test_what_was_refused_can_be_reverted_later(github: FakeGitHub) -> None:
    run = assigned(github)
    (number,) = github.rows
    ours = github.rows[number].body
    github.edit(number, body=splice(ours, [(HEADING, "- edited by rosa")]))
    carried_out(revert.revert_run(run, **BY))
    github.edit(number, body=ours)
    carried_out(revert.revert_run(run, **BY))
    assert seen(github)[1] is None


def test_revert_in_dry_run_shows_the_undoing_and_writes_nothing(github: FakeGitHub) -> None:
    undoing = carried_out(revert.revert_run(assigned(github), **BY, dry_run=True))
    assert undoing.mode == Mode.DRY_RUN
    assert undoing.items.get().state == RunItem.State.PLANNED
    assert "- label state::assigned" in Effect.objects.get(item__run=undoing, kind="remove_labels").diff
    assert github.writes == []


def test_issue_that_moved_on_is_left_and_says_so(github: FakeGitHub) -> None:
    run = assigned(github)
    (number,) = github.rows
    github.edit(number, labels=("site-monitor", "state::copilot", "workflow::osint"))
    item = carried_out(revert.revert_run(run, **BY)).items.get()
    assert (item.state, item.outcome) == (RunItem.State.CONFLICT, "moved on")
    assert github.writes == []


def test_issue_that_is_away_is_skipped_with_the_reason(github: FakeGitHub) -> None:
    run = assigned(github)
    Issue.objects.update(presence=Issue.Presence.DELETED)
    item = carried_out(revert.revert_run(run, **BY)).items.get()
    assert (item.state, item.reason) == (RunItem.State.SKIPPED, "The issue is deleted on GitHub.")


def test_revert_goes_on_while_operation_and_repository_are_held(github: FakeGitHub) -> None:
    run = assigned(github)
    Operation.objects.update(mode=Mode.OFF, live_until=None)
    Repository.objects.update(standing="paused")
    carried_out(revert.revert_run(run, **BY))
    assert "state::discovery" in seen(github)[0]


def test_revert_of_a_daily_run_undoes_its_parts_and_starts_none(github: FakeGitHub) -> None:
    operation = make_operation(kind=Kind.DAILY, mode=Mode.LIVE, live_until=MOMENT + timedelta(days=1))
    make_part(operation=operation, kind=Kind.ASSIGN, mode=Mode.LIVE)
    parent = make_run(operation=operation, state=Run.State.SUCCEEDED)
    assigned(github, operation, kind=Kind.ASSIGN, parent=parent, purpose=Run.Purpose.PART)
    undoing = carried_out(revert.revert_run(parent, **BY))
    assert (undoing.state, undoing.children.count()) == (Run.State.SUCCEEDED, 0)
    assert "state::discovery" in seen(github)[0]


def test_daily_run_that_changed_an_issue_in_two_parts_is_undone_by_one_click(github: FakeGitHub) -> None:
    operation = make_operation(kind=Kind.DAILY, mode=Mode.LIVE, live_until=MOMENT + timedelta(days=1))
    parent = make_run(operation=operation, state=Run.State.SUCCEEDED)
    part: dict[str, Any] = {"parent": parent, "purpose": Run.Purpose.PART}
    assigned(github, operation, kind=Kind.ASSIGN, **part)
    issue = Issue.objects.get()
    later = make_run(operation=operation, kind=Kind.PROCESS, state=Run.State.WORKING, mode=Mode.LIVE, **part)
    make_item(run=later, issue=issue)
    item = claim_item(later.pk)
    assert item is not None
    moved = (
        Planned(changes.AddLabels(("state::copilot",)), before={"labels": []}),
        Planned(changes.RemoveLabels(("state::assigned",)), before={"labels": ["state::assigned"]}),
        Planned(changes.AddComment("Go.")),
    )
    effects.store(item, Plan(Verdict.CHANGE, "handed over", "Because.", moved, {0: State.COPILOT}))
    send_step(item, 0, github, work._target(item))
    RunItem.objects.filter(pk=item.pk).update(state=RunItem.State.DONE)
    Run.objects.filter(pk=later.pk).update(state=Run.State.SUCCEEDED, finished_at=MOMENT)

    undone = carried_out(revert.revert_run(parent, **BY)).items.get()
    assert (undone.state, undone.facts["refused"]) == (RunItem.State.DONE, [])
    assert seen(github) == ({"site-monitor", "monitor::triage", "state::discovery"}, None)
    moved_back = Issue.objects.get().transitions.filter(cause="revert").values_list("before", "after")
    assert list(moved_back) == [("copilot", "assigned"), ("assigned", "discovery")]
    with pytest.raises(NotPossible, match="nothing that is left to undo"):
        revert.revert_run(parent, **BY)


def test_shown_revert_of_a_daily_run_is_applied_and_starts_no_part(github: FakeGitHub) -> None:
    operation = make_operation(kind=Kind.DAILY, mode=Mode.LIVE, live_until=MOMENT + timedelta(days=1))
    make_part(operation=operation, kind=Kind.ASSIGN, mode=Mode.LIVE)
    parent = make_run(operation=operation, state=Run.State.SUCCEEDED)
    assigned(github, operation, kind=Kind.ASSIGN, parent=parent, purpose=Run.Purpose.PART)
    shown = carried_out(revert.revert_run(parent, **BY, dry_run=True))
    applied = carried_out(runs.apply_plan(shown, **BY))
    assert (applied.state, applied.children.count()) == (Run.State.SUCCEEDED, 0)
    assert "state::discovery" in seen(github)[0]


def test_revert_is_a_run_of_its_own_in_the_log(github: FakeGitHub) -> None:
    run = assigned(github)
    undoing = revert.revert_run(run, **BY)
    assert (undoing.purpose, undoing.mode, undoing.source_run) == ("revert", "live", run)
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor, entry.evidence["undoing"]) == ("run.reverted", "olga", undoing.pk)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"state": "working", "mode": "live"}, "Only a finished live run can be reverted"),
        ({"state": "succeeded", "mode": "dry_run"}, "Only a finished live run can be reverted"),
        ({"state": "succeeded", "mode": "live", "purpose": "revert"}, "is itself a revert"),
        ({"state": "succeeded", "mode": "live"}, "changed nothing that is left to undo"),
    ],
)
def test_run_that_cannot_be_reverted_is_refused_in_a_sentence(
    time: clock.VirtualClock, values: dict[str, Any], words: str
) -> None:
    with pytest.raises(NotPossible, match=words):
        revert.revert_run(make_run(**values), **BY)
    assert not AuditEntry.objects.exists()


def test_effects_that_were_never_applied_leave_nothing_to_undo(time: clock.VirtualClock) -> None:
    run = make_run(state=Run.State.SUCCEEDED, mode=Mode.LIVE)
    make_effect(item=make_item(run=run), live=True, state=Effect.State.REFUSED)
    with pytest.raises(NotPossible, match="nothing that is left"):
        revert.revert_run(run, **BY)
