"""Runs of reminders: one comment each, only while hand-overs are followed live, never two for one case."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import QuerySet

from pipeline.clock import VirtualClock
from pipeline.models import Effect, Issue, Kind, Mode, Operation, Repository, Run, RunItem
from pipeline.services import execution, runs
from tests.factories import MOMENT, labels_of, make_handover, make_issue, make_operation, make_workflow
from tests.fake_github import FakeGitHub, lost, refused

LEASED: dict[str, Any] = {"mode": Mode.LIVE, "live_until": MOMENT + timedelta(hours=1)}


@pytest.fixture
def issue(github: FakeGitHub) -> Issue:
    """Handed over and followed by a live, leased track."""
    labels = [*labels_of("copilot"), "workflow::osint"]
    made = make_issue(state="copilot", workflow=make_workflow(slug="osint"), labels=labels)
    make_handover(issue=made, blocker="quota", blocker_message="Premium requests are used up, @olga.")
    make_operation(repository=made.repository, kind=Kind.TRACK, **LEASED)
    github.mirror(made)
    return made


def reminded(repository: Repository, *issues: Issue, mode: str = Mode.LIVE, limit: int = 9) -> Run:
    options: dict[str, object] = {
        "reminders": {
            str(row.number): {
                "subject": f"remind:{row.pk}",
                "due_at": MOMENT.isoformat(),
                "overdue": timedelta(days=3).total_seconds(),
                "paused": 0,
            }
            for row in issues
        }
    }
    run = runs.open_by_request(
        repository,
        Kind.REMIND,
        options=options,
        limit=limit,
        actor="rule:escalation",
        reason="Overdue.",
        mode=mode,
        ring=False,
    )
    execution.execute(run.pk)
    execution.work_on(run.pk)
    run.refresh_from_db()
    return run


def of_issue(run: Run) -> QuerySet[RunItem]:
    """Without those that make labels."""
    return run.items.filter(issue__isnull=False)


def outcomes(run: Run) -> list[tuple[Any, ...]]:
    return list(of_issue(run).values_list("state", "outcome", "error_type"))


def test_overdue_issue_is_reminded_once_with_what_is_missing(github: FakeGitHub, issue: Issue) -> None:
    run = reminded(issue.repository, issue)
    said = [comment.body for comment in github.said[issue.number]]
    assert run.state == Run.State.SUCCEEDED
    assert len(said) == 1
    assert "overdue by 3 days" in said[0]
    assert "Report" in said[0]
    assert "What holds it up: **quota**" in said[0]
    again = reminded(issue.repository, issue)
    assert len(github.said[issue.number]) == 1
    assert outcomes(again) == [("conflict", "", "conflict")]


def test_deliverable_that_is_on_the_default_branch_is_not_missing(github: FakeGitHub, issue: Issue) -> None:
    assert issue.workflow is not None
    name = issue.workflow.deliverables.get().name
    github.files[f"workflows/osint/issue-{issue.number}/{name}.md"] = b"# Done\n"
    reminded(issue.repository, issue)
    assert "Every deliverable is on `main`" in github.said[issue.number][0].body


def test_dry_run_shows_the_comment_and_writes_nothing(github: FakeGitHub, issue: Issue) -> None:
    run = reminded(issue.repository, issue, mode=Mode.DRY_RUN)
    assert outcomes(run) == [("planned", "reminded", "")]
    assert "overdue by 3 days" in Effect.objects.get().payload["body"]
    assert github.writes == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"mode": Mode.DRY_RUN}, "track is off or in dry run"),
        ({"mode": Mode.OFF}, "track is off or in dry run"),
        ({"live_until": MOMENT}, "lease of track ran out"),
    ],
)
def test_nothing_is_written_unless_track_is_live_and_leased(
    github: FakeGitHub, issue: Issue, change: dict[str, Any], words: str
) -> None:
    Operation.objects.update(**change)
    run = reminded(issue.repository, issue)
    assert words in of_issue(run).get().reason
    assert of_issue(run).get().state == RunItem.State.CANCELLED
    assert github.writes == []


def test_answer_that_was_lost_is_looked_up_and_not_sent_twice(
    github: FakeGitHub, issue: Issue, time: VirtualClock
) -> None:
    github.spoil("add_comment", lost())
    run = reminded(issue.repository, issue)
    assert of_issue(run).get().state == RunItem.State.WAITING
    time.advance(timedelta(minutes=11))
    Operation.objects.update(live_until=time.now() + timedelta(hours=1))
    execution.work_on(run.pk)
    assert of_issue(run).get().state == RunItem.State.DONE
    assert len(github.said[issue.number]) == 1


def test_refused_comment_leaves_the_case_free_for_another_try(github: FakeGitHub, issue: Issue) -> None:
    github.spoil("add_comment", refused())
    assert outcomes(reminded(issue.repository, issue)) == [("failed", "reminded", "permanent")]
    assert outcomes(reminded(issue.repository, issue)) == [("done", "reminded", "")]


def test_run_takes_on_no_more_than_its_limit(github: FakeGitHub, issue: Issue) -> None:
    other = make_issue(repository=issue.repository, state="copilot")
    github.mirror(other)
    run = reminded(issue.repository, issue, other, limit=1)
    assert of_issue(run).count() == 1
    assert len(github.writes) - len([row for row in github.writes if row.kind == "create_label"]) == 1


def test_issue_that_is_gone_is_skipped_with_a_reason(github: FakeGitHub, issue: Issue) -> None:
    Issue.objects.update(presence=Issue.Presence.DELETED)
    assert of_issue(reminded(issue.repository, issue)).get().reason == "The issue is deleted on GitHub."


def test_workflow_that_needs_mending_still_names_its_deliverables(github: FakeGitHub, issue: Issue) -> None:
    assert issue.workflow is not None
    issue.workflow.deliverables.update(path="../outside.md", title="The report")
    reminded(issue.repository, issue)
    assert "- The report\n" in github.said[issue.number][0].body
