"""Our copy of an issue: taken from GitHub, moved by the table, faults written down."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from pipeline import clock
from pipeline.domain.snapshot import IssueSnapshot
from pipeline.domain.states import Cause, State
from pipeline.models import Effect, Finding, Issue, Repository, RunItem, Transition
from pipeline.services import issues
from pipeline.services.findings import settle_states
from pipeline.services.issues import MoveRefused, absorb
from tests import values
from tests.factories import (
    MOMENT,
    make_effect,
    make_handover,
    make_issue,
    make_item,
    make_operation,
    make_repository,
    make_run,
    make_specialist,
    make_transition,
    make_workflow,
)

pytestmark = pytest.mark.usefixtures("time")


@pytest.fixture
def repository(time: clock.VirtualClock) -> Repository:
    return make_repository()


def known(repository: Repository, state: str = "assigned") -> Issue:
    issue = make_issue(repository=repository, number=7, state=state)
    make_transition(issue=issue)
    return issue


def seen(minutes: float = 5, **changed: Any) -> IssueSnapshot:
    """What GitHub shows of #7, changed so many minutes after our copy was read."""
    return values.snapshot(updated_at=MOMENT + timedelta(minutes=minutes), **changed)


def findings(issue: Issue) -> dict[str, str]:
    rows = Finding.objects.filter(issue=issue, resolved_at__isnull=True)
    return {row.check_id: row.message for row in rows}


def history(issue: Issue) -> list[tuple[str, str, str]]:
    return list(issue.transitions.order_by("sequence").values_list("before", "after", "cause"))


# --- taken over ---


def test_label_that_asks_for_a_person_is_noted_for_as_long_as_it_is_there(repository: Repository) -> None:
    issue = known(repository)
    absorb(repository, seen(labels=("state::assigned", "Needs Clarification")))
    issue.refresh_from_db()
    assert issue.clarification_reason == issues.UNEXPLAINED
    absorb(repository, seen(6, labels=("state::assigned",)))
    issue.refresh_from_db()
    assert issue.clarification_reason == ""


def test_reason_that_is_known_is_kept_while_the_label_stands(repository: Repository) -> None:
    issue = known(repository)
    Issue.objects.update(clarification_reason="No workflow matches.")
    absorb(repository, seen(labels=("state::assigned", "needs clarification")))
    issue.refresh_from_db()
    assert issue.clarification_reason == "No workflow matches."


def test_issue_without_our_labels_is_not_ours(repository: Repository) -> None:
    assert absorb(repository, values.snapshot(labels=("bug",))) is None
    assert not Issue.objects.exists()


@pytest.mark.parametrize("state", State)
def test_issue_first_seen_is_imported_in_the_state_that_it_has(repository: Repository, state: State) -> None:
    issue = absorb(repository, values.snapshot(labels=("site-monitor", f"State::{state.value}"), is_open=False))
    assert issue is not None
    assert (issue.state, history(issue)) == (state.value, [("", state.value, "imported")])
    stamps = (issue.assigned_at is not None, issue.handed_over_at is not None, issue.done_at is not None)
    assert stamps == (state is not State.DISCOVERY, state in (State.COPILOT, State.DONE), state is State.DONE)


def test_issue_found_by_monitoring_without_a_state_is_in_discovery(repository: Repository) -> None:
    issue = absorb(repository, values.snapshot(labels=("site-monitor",)))
    assert issue is not None
    assert issue.state == "discovery"
    assert findings(issue) == {}


def test_everything_that_github_shows_is_copied(repository: Repository) -> None:
    make_workflow(slug="osint")
    make_specialist(slug="analyst")
    shown = seen(
        title="Nul\x00",
        body="😀\x00\r\n",
        labels=("state::assigned", "workflow::OSINT", "specialist::analyst"),
        assignees=(values.COPILOT,),
        locked=True,
    )
    known(repository)
    issue = absorb(repository, shown)
    assert issue is not None
    issue.refresh_from_db()
    assert (issue.title, issue.body, issue.locked) == ("Nul", "😀\r\n", True)
    assert issue.workflow is not None
    assert issue.specialist is not None
    assert (issue.workflow.slug, issue.specialist.slug) == ("osint", "analyst")
    assert issue.snapshot().assignees == (values.COPILOT,)


def test_workflow_of_the_repository_goes_before_the_shared_one(repository: Repository) -> None:
    make_workflow(slug="osint")
    own = make_workflow(slug="osint", repository=repository)
    make_workflow(slug="osint", repository=make_repository())
    issue = absorb(repository, values.snapshot(labels=("state::assigned", "workflow::osint")))
    assert issue is not None
    assert issue.workflow == own


def test_snapshot_older_than_ours_changes_nothing(repository: Repository) -> None:
    issue = known(repository)
    absorb(repository, seen(-1, title="Old", labels=("state::discovery",), is_open=False))
    issue.refresh_from_db()
    assert (issue.title, issue.is_open, issue.state) != ("Old", False, "discovery")
    assert issue.state == "assigned"
    assert len(history(issue)) == 1


def test_issue_that_is_seen_again_is_present_again(repository: Repository) -> None:
    issue = known(repository)
    issues.set_presence(issue, Issue.Presence.UNREACHABLE, "GitHub answered 404.")
    assert findings(issue) == {"state.unreachable": "GitHub answered 404."}
    absorb(repository, seen(labels=("state::assigned",)))
    issue.refresh_from_db()
    assert (issue.presence, issue.presence_note, findings(issue)) == ("present", "", {})


def test_issue_whose_labels_were_all_taken_off_stays_ours(repository: Repository) -> None:
    issue = known(repository)
    absorb(repository, seen(labels=()))
    assert findings(issue) == {"state.missing": "The label state::assigned is gone from GitHub. Set it again."}


def test_same_number_in_two_repositories_is_two_issues(repository: Repository) -> None:
    first, second = absorb(repository, values.snapshot()), absorb(make_repository(), values.snapshot())
    assert first != second


# --- what a person changed ---

LEGAL = [
    ("discovery", "assigned"),
    ("discovery", "done"),
    ("assigned", "copilot"),
    ("assigned", "discovery"),
    ("copilot", "done"),
    ("copilot", "assigned"),
    ("done", "discovery"),
]


@pytest.mark.parametrize(("before", "after"), LEGAL)
def test_state_label_that_a_person_changed_is_taken_over(repository: Repository, before: str, after: str) -> None:
    issue = known(repository, before)
    absorb(repository, seen(labels=("site-monitor", f"state::{after}")))
    issue.refresh_from_db()
    assert issue.state == after
    assert history(issue)[-1] == (before, after, "human")
    assert findings(issue) == {}


def test_hand_over_ends_where_a_person_sends_its_issue_back(repository: Repository) -> None:
    issue = known(repository, "copilot")
    handover = make_handover(issue=issue)
    absorb(repository, seen(labels=("site-monitor", "state::assigned")))
    handover.refresh_from_db()
    assert (handover.outcome, handover.ended_at) == ("withdrawn", clock.now())


def test_move_that_the_table_forbids_is_a_finding_and_no_move(repository: Repository) -> None:
    issue = known(repository, "discovery")
    absorb(repository, seen(labels=("site-monitor", "state::copilot")))
    issue.refresh_from_db()
    assert issue.state == "discovery"
    assert "no move from state::discovery to state::copilot by human" in findings(issue)["state.move"]


FAULTS = [
    (("state::assigned", "state::copilot"), "state.conflict", "state::assigned, state::copilot"),
    (("state::assigned", "state::limbo"), "state.unknown", "Unknown state label: limbo"),
    (("site-monitor",), "state.missing", "state::assigned is gone"),
]


@pytest.mark.parametrize(("labels", "check", "words"), FAULTS)
def test_label_fault_is_found_once_counted_and_resolved(
    repository: Repository, labels: tuple[str, ...], check: str, words: str
) -> None:
    issue = known(repository)
    for minutes in (1, 2, 3):
        absorb(repository, seen(minutes, labels=labels))
    finding = Finding.objects.get(issue=issue)
    assert (finding.check_id, finding.occurrences) == (check, 3)
    assert words in finding.message
    absorb(repository, seen(4, labels=("state::assigned",)))
    assert findings(issue) == {}
    assert Issue.objects.get(pk=issue.pk).state == "assigned"


def test_conflicting_states_are_critical(repository: Repository) -> None:
    known(repository)
    absorb(repository, seen(labels=("state::assigned", "state::done")))
    assert Finding.objects.get().severity == Finding.Severity.CRITICAL


def test_finding_that_comes_back_is_a_new_one(repository: Repository) -> None:
    issue = known(repository)
    for minutes, labels in ((1, ("state::limbo",)), (2, ("state::assigned",)), (3, ("state::limbo",))):
        absorb(repository, seen(minutes, labels=labels))
    assert Finding.objects.filter(issue=issue, check_id="state.unknown").count() == 2


def test_findings_of_other_checks_are_left_alone(repository: Repository) -> None:
    issue = known(repository)
    settle_states(issue, {})
    Finding.objects.create(
        repository=repository,
        issue=issue,
        check_id="guidance.words",
        fingerprint="x",
        message="Too short.",
        first_seen=MOMENT,
        last_seen=MOMENT,
    )
    absorb(repository, seen(labels=("state::assigned",)))
    assert findings(issue) == {"guidance.words": "Too short."}


# --- what we are writing ourselves ---


@pytest.mark.parametrize("state", [Effect.State.SENDING, Effect.State.UNKNOWN])
def test_half_of_our_own_change_is_not_taken_for_a_persons(repository: Repository, state: str) -> None:
    issue = known(repository)
    run = make_run(operation=make_operation(repository=repository, mode="live"), state="working")
    item = make_item(run=run, issue=issue, state=RunItem.State.FAILED)
    make_effect(item=item, live=True, state=state)
    absorb(repository, seen(labels=("state::copilot",)))
    issue.refresh_from_db()
    assert issue.state == "assigned"
    assert findings(issue) == {}


@pytest.mark.parametrize(("live", "taken_over"), [(True, False), (False, True)])
def test_label_change_during_a_live_item_waits_and_during_a_dry_one_does_not(
    repository: Repository, live: bool, taken_over: bool
) -> None:
    issue = known(repository)
    run = make_run(operation=make_operation(repository=repository, mode="live"), state="working")
    make_item(run=run, issue=issue, live=live, state=RunItem.State.WORKING)
    absorb(repository, seen(labels=("state::discovery",)))
    issue.refresh_from_db()
    assert (issue.state == "discovery") is taken_over


def test_stale_list_does_not_undo_what_we_wrote(repository: Repository) -> None:
    issue = known(repository)
    issues.remember(issue, updated_at="2026-11-02T08:10:00Z", labels=["site-monitor", "state::copilot"])
    absorb(repository, seen(9, labels=("site-monitor", "state::assigned")))
    issue.refresh_from_db()
    assert issue.labels == ["site-monitor", "state::copilot"]


def test_remembering_never_sets_our_copy_back(repository: Repository) -> None:
    issue = known(repository)
    issues.remember(issue, updated_at="2026-11-01T00:00:00Z", body="new")
    assert (issue.remote_updated_at, issue.body) == (MOMENT, "new")


# --- moves ---


@pytest.mark.parametrize(
    ("before", "after", "stamps"),
    [
        ("discovery", State.ASSIGNED, {"assigned_at"}),
        ("assigned", State.COPILOT, {"handed_over_at"}),
        ("copilot", State.DONE, {"done_at"}),
    ],
)
def test_move_forward_is_stamped(repository: Repository, before: str, after: State, stamps: set[str]) -> None:
    issue = known(repository, before)
    issues.move(issue, after, Cause.PIPELINE, "Because.")
    issue.refresh_from_db()
    names = ("assigned_at", "handed_over_at", "done_at")
    assert {name for name in names if getattr(issue, name) == MOMENT} == stamps


def test_move_back_clears_what_is_no_longer_true(repository: Repository) -> None:
    issue = known(repository, "done")
    Issue.objects.update(assigned_at=MOMENT, handed_over_at=MOMENT, done_at=MOMENT)
    issues.move(issue, State.DISCOVERY, Cause.REVERT, "Reverted.")
    issue.refresh_from_db()
    assert (issue.assigned_at, issue.handed_over_at, issue.done_at) == (None, None, None)


def test_move_that_the_table_forbids_is_refused(repository: Repository) -> None:
    issue = known(repository, "done")
    with pytest.raises(MoveRefused, match="no move from state::done to state::assigned by pipeline"):
        issues.move(issue, State.ASSIGNED, Cause.PIPELINE, "Because.")
    assert len(history(issue)) == 1


def test_move_from_where_the_issue_no_longer_is_changes_nothing(repository: Repository) -> None:
    issue = known(repository, "assigned")
    Issue.objects.update(state="copilot")
    with pytest.raises(MoveRefused, match="moved by somebody else"):
        issues.move(issue, State.DISCOVERY, Cause.REVERT, "Reverted.")
    assert Issue.objects.get().state == "copilot"
    assert len(history(issue)) == 1


def test_history_counts_up_from_one(repository: Repository) -> None:
    issue = known(repository, "discovery")
    for after in (State.ASSIGNED, State.COPILOT, State.DONE):
        issues.move(issue, after, Cause.PIPELINE, "On.")
    assert list(Transition.objects.order_by("sequence").values_list("sequence", flat=True)) == [1, 2, 3, 4]


# --- opened by us ---


def test_issue_that_we_opened_is_in_discovery_by_the_pipeline(repository: Repository) -> None:
    run = make_run(operation=make_operation(repository=repository, kind="monitor"))
    item = make_item(run=run, issue=None)
    facts = {"number": 12, "node_id": "I_12", "html_url": "https://x.example/12"}
    issue = issues.opened(item, facts, "A convoy", "Body", ["state::discovery"])
    assert (issue.number, issue.state, history(issue)) == (12, "discovery", [("", "discovery", "pipeline")])


def test_issue_that_a_sync_saw_before_its_answer_came_is_the_same_row(repository: Repository) -> None:
    seen_first = absorb(repository, values.snapshot(number=12))
    item = make_item(run=make_run(operation=make_operation(repository=repository)), issue=None)
    assert issues.opened(item, {"number": 12, "node_id": "I_12"}, "t", "b", []) == seen_first
