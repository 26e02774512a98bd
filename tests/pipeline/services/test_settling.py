"""What an applied effect makes true in our own rows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from pipeline import clock
from pipeline.domain import changes
from pipeline.domain.changes import Change
from pipeline.models import Discovery, Effect, Handover, Issue, Mode, RepositoryLabel, Run, RunItem
from pipeline.services import settling
from tests.factories import (
    MOMENT,
    make_discovery,
    make_effect,
    make_handover,
    make_issue,
    make_item,
    make_operation,
    make_run,
    make_source,
    make_specialist,
    make_workflow,
)

pytestmark = pytest.mark.usefixtures("time")
PERSON, COPILOT = {"login": "rosa", "id": 42, "kind": "User"}, {"login": "Copilot", "id": 198982749, "kind": "Bot"}


def live_item(purpose: str = Run.Purpose.SCHEDULED, **values: Any) -> RunItem:
    run = make_run(operation=make_operation(mode=Mode.LIVE), state=Run.State.WORKING, purpose=purpose)
    if "discovery" in values:
        return make_item(run=run, issue=None, **values)
    values.setdefault("issue", make_issue(repository=run.repository, state="assigned"))
    return make_item(run=run, **values)


def applied(change: Change, facts: dict[str, Any] | None = None, item: RunItem | None = None, **values: Any) -> Effect:
    row = make_effect(item=item or live_item(), change=change, state=Effect.State.APPLIED, sent_at=MOMENT, **values)
    settling.took_place(row, facts or {})
    return row


def issue_of(effect: Effect) -> Issue:
    return Issue.objects.get(effects=effect)


def test_created_issue_belongs_to_its_effect_and_discovery() -> None:
    source = make_source()
    run = make_run(operation=make_operation(kind="monitor", mode=Mode.LIVE, repository=source.repository))
    item = make_item(run=run, issue=None, discovery=make_discovery(source=source))
    effect = applied(
        changes.CreateIssue("A convoy", "Body", ("state::discovery",)), {"number": 9, "node_id": "I_9"}, item
    )
    issue = Issue.objects.get(number=9)
    assert issue_of(effect) == issue
    found = Discovery.objects.get()
    assert (found.status, found.issue) == (Discovery.Status.OPENED, issue)


@pytest.mark.parametrize("facts", [{"labels": ["bug", "state::copilot"]}, {}])
def test_labels_are_as_github_says_or_else_as_we_asked(facts: dict[str, Any]) -> None:
    item = live_item()
    Issue.objects.update(labels=["bug"])
    effect = applied(changes.AddLabels(("state::copilot",)), facts, item)
    assert issue_of(effect).labels == ["bug", "state::copilot"]


def test_label_taken_off_is_taken_off_whatever_its_case() -> None:
    item = live_item()
    Issue.objects.update(labels=["Bug", "State::Assigned"])
    assert issue_of(applied(changes.RemoveLabels(("state::assigned",)), {}, item)).labels == ["Bug"]


def test_workflow_and_specialist_follow_the_labels() -> None:
    workflow, specialist = make_workflow(slug="osint"), make_specialist(slug="profiler")
    effect = applied(changes.AddLabels(("workflow::osint", "specialist::profiler")))
    assert (issue_of(effect).workflow, issue_of(effect).specialist) == (workflow, specialist)
    applied(changes.RemoveLabels(("workflow::osint", "specialist::profiler")), {}, effect.item)
    assert (issue_of(effect).workflow, issue_of(effect).specialist) == (None, None)


def test_body_is_as_github_answered_or_else_spliced() -> None:
    change = changes.WriteSections((("AI Assessment", "- ours"),))
    assert issue_of(applied(change, {"body": "As answered"})).body == "As answered"
    assert "- ours" in issue_of(applied(change)).body


def test_time_of_the_answer_is_kept_so_that_a_stale_list_is_known() -> None:
    effect = applied(changes.AddLabels(("bug",)), {"labels": ["bug"], "updated_at": "2026-11-02T09:00:00Z"})
    assert issue_of(effect).remote_updated_at == MOMENT + timedelta(hours=1)


def test_question_to_a_person_is_kept_with_its_reason_until_it_is_taken_back() -> None:
    item = live_item()
    item.reason = "Several workflows match equally well."
    item.save()
    asked = applied(changes.AddLabels(("needs clarification",)), {}, item)
    assert issue_of(asked).clarification_reason == "Several workflows match equally well."
    applied(changes.RemoveLabels(("needs clarification",)), {}, item)
    assert issue_of(asked).clarification_reason == ""


def test_hand_over_is_recorded_with_generation_branch_and_pull_request() -> None:
    item = live_item()
    make_effect(item=item, change=changes.OpenPull("work", "main", "t", "b"), state="applied", response={"number": 70})
    effect = applied(changes.AssignCopilot("work"), {}, item)
    row = Handover.objects.get()
    assert (row.generation, row.effect, row.scaffold_branch, row.scaffold_pull) == (1, effect, "work", 70)
    assert (row.requested_at, row.outcome) == (MOMENT, Handover.Outcome.PENDING)
    assert issue_of(effect).assignees == [COPILOT]
    assert issue_of(effect).due_at == MOMENT + timedelta(hours=48)


def test_second_hand_over_counts_on_and_keeps_due_time_and_scaffold() -> None:
    item = live_item()
    make_handover(issue=item.issue, outcome=Handover.Outcome.LOST, scaffold_pull=70)
    Issue.objects.update(due_at=MOMENT, handed_over_at=MOMENT - timedelta(days=1))
    effect = applied(changes.AssignCopilot("work"), {}, item)
    row = Handover.objects.get(generation=2)
    assert row.scaffold_pull == 70
    assert issue_of(effect).due_at == MOMENT
    assert issue_of(effect).handed_over_at == MOMENT - timedelta(days=1)


def test_new_hand_over_withdraws_the_one_that_a_person_took_back() -> None:
    item = live_item()
    make_handover(issue=item.issue, outcome=Handover.Outcome.WORKING)
    applied(changes.AssignCopilot("work"), {}, item)
    assert list(Handover.objects.values_list("generation", "outcome")) == [(1, "withdrawn"), (2, "pending")]


def test_due_time_is_the_one_that_processing_wrote_into_the_issue() -> None:
    item = live_item()
    Issue.objects.update(due_at=MOMENT)
    item.facts = {"due_at": (MOMENT + timedelta(hours=7)).isoformat()}
    item.save()
    assert issue_of(applied(changes.AssignCopilot("work"), {}, item)).due_at == MOMENT + timedelta(hours=7)


def test_due_time_is_the_workflows() -> None:
    item = live_item()
    Issue.objects.update(workflow=make_workflow(due_hours=5))
    assert issue_of(applied(changes.AssignCopilot("work"), {}, item)).due_at == MOMENT + timedelta(hours=5)


@pytest.mark.parametrize(
    ("outcome", "after"), [("pending", "withdrawn"), ("working", "withdrawn"), ("lost", "lost"), ("failed", "failed")]
)
def test_hand_over_that_is_taken_back_is_withdrawn_unless_it_had_ended(outcome: str, after: str) -> None:
    item = live_item()
    Issue.objects.update(assignees=[PERSON, COPILOT])
    make_handover(issue=item.issue, outcome=outcome)
    effect = applied(changes.UnassignCopilot(), {}, item)
    assert Handover.objects.get().outcome == after
    assert issue_of(effect).assignees == [PERSON]


def test_closing_and_reopening_are_copied() -> None:
    effect = applied(changes.CloseIssue("not_planned"))
    closed = issue_of(effect)
    assert (closed.is_open, closed.state_reason, closed.closed_at) == (False, "not_planned", MOMENT)
    applied(changes.ReopenIssue(), {}, effect.item)
    assert (issue_of(effect).is_open, issue_of(effect).closed_at) == (True, None)


def test_label_that_was_made_is_known_from_then_on() -> None:
    applied(changes.CreateLabel("osint", "ffffff", ""), {"node_id": "LA_1"})
    assert RepositoryLabel.objects.get().node_id == "LA_1"


def test_effect_that_undoes_another_marks_it_reverted() -> None:
    undone = make_effect(item=live_item(), state=Effect.State.APPLIED)
    applied(changes.RemoveLabels(("state::assigned",)), reverts=undone)
    undone.refresh_from_db()
    assert undone.reverted_at == MOMENT


def steps(item: RunItem, *states: str) -> None:
    for order, state in enumerate(states):
        make_effect(item=item, order=order, step=2, state=state)


@pytest.mark.parametrize(
    ("states", "moved"),
    [(("applied", "applied"), True), (("applied", "planned"), False), (("applied", "unknown"), False)],
)
def test_issue_moves_when_every_effect_of_the_step_is_applied(states: tuple[str, ...], moved: bool) -> None:
    item = live_item(facts={"moves": {"2": "copilot"}})
    steps(item, *states)
    settling.move_if_complete(item, {2})
    assert (Issue.objects.get().state == "copilot") is moved


def test_other_steps_move_nothing() -> None:
    item = live_item(facts={"moves": {"2": "copilot"}})
    settling.move_if_complete(item, {0, 1})
    assert Issue.objects.get().state == "assigned"


def test_issue_that_is_there_already_is_not_moved_again() -> None:
    item = live_item(facts={"moves": {"2": "assigned"}})
    steps(item, "applied")
    settling.move_if_complete(item, {2})
    assert not item.transitions.exists()


def test_revert_is_the_cause_of_its_moves(time: clock.VirtualClock) -> None:
    item = live_item(Run.Purpose.REVERT, facts={"moves": {"2": "discovery"}})
    steps(item, "applied")
    settling.move_if_complete(item, {2})
    assert item.transitions.get().cause == "revert"
