"""What validation found, as figures: muted ones left out, and nothing to be said where nobody looked."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from pipeline.domain.checks import BY_ID
from pipeline.models import Finding, Kind, Operation, Repository, Run
from rollout.metrics import validation
from tests.factories import make_finding, make_issue, make_operation, make_repository, make_run, make_workflow
from tests.rollout.evidence_rows import HOUR, START
from tests.rollout.metrics.conftest import Ask

LATER = START + HOUR
COUNTS = {
    "label_drift": "labels.triage",
    "orphaned_assignments": "copilot.no_guidance",
    "stale_assignments": "copilot.stale",
    "template_remnants": "remnant.todo",
    "broken_references": "reference.branch",
}


@pytest.fixture
def operation(repository: Repository) -> Operation:
    return make_operation(kind=Kind.VALIDATE, repository=repository)


def swept(operation: Operation, **values: Any) -> Run:
    return make_run(operation=operation, **{"state": Run.State.SUCCEEDED, "finished_at": LATER, **values})


def found(repository: Repository, check: str = "remnant.todo", **values: Any) -> Finding:
    issue = values.pop("issue", None) or make_issue(repository=repository)
    return make_finding(repository=repository, issue=issue, check_id=check, **{"first_seen": LATER, **values})


@pytest.mark.parametrize("slug", [*COUNTS, "open_findings", "validation_pass_rate"])
def test_nothing_is_said_where_no_sweep_ran(slug: str, repository: Repository, operation: Operation, ask: Ask) -> None:
    make_issue(repository=repository)
    swept(operation, finished_at=START - HOUR)
    swept(operation, state=Run.State.FAILED)
    swept(operation, options={"issues": [1]})
    swept(operation, purpose=Run.Purpose.REVERT)
    swept(make_operation(kind=Kind.VALIDATE, repository=make_repository()))
    assert ask(slug).n == 0


@pytest.mark.parametrize("slug", [*COUNTS, "open_findings"])
def test_sweep_that_found_nothing_is_what_makes_zero_mean_something(slug: str, operation: Operation, ask: Ask) -> None:
    run = swept(operation)
    answer = ask(slug)
    assert (answer.value, answer.n, answer.newest) == (0.0, 1, LATER)
    assert [(row.model, row.id) for row in answer.rows] == [("pipeline.run", run.pk)]


@pytest.mark.parametrize(("slug", "check"), COUNTS.items())
def test_each_counts_its_own_checks_and_names_the_issues(
    slug: str, check: str, repository: Repository, operation: Operation, ask: Ask
) -> None:
    swept(operation)
    row = found(repository, check)
    found(repository, "record.differs")
    answer = ask(slug)
    assert row.issue is not None
    assert (answer.value, answer.parts["named"]) == (1.0, f"#{row.issue.number}")
    assert answer.rows[0].id == row.pk


def test_every_check_that_is_named_exists() -> None:
    checks = {*validation.LABELS, *validation.ORPHANED, *validation.STALE, *validation.REMNANTS, *validation.REFERENCES}
    assert checks <= set(BY_ID)
    assert min(map(len, (validation.LABELS, validation.REMNANTS, validation.REFERENCES))) > 0


def test_findings_are_counted_by_check(repository: Repository, operation: Operation, ask: Ask) -> None:
    swept(operation)
    for check in ("remnant.todo", "remnant.todo", "labels.triage"):
        found(repository, check)
    answer = ask("open_findings")
    assert (answer.value, answer.parts["by_check"]) == (3.0, {"remnant.todo": 2, "labels.triage": 1})


def test_muted_resolved_later_and_mere_notices_are_left_out(
    repository: Repository, operation: Operation, ask: Ask
) -> None:
    swept(operation)
    mute = {"muted_by": "rosa", "muted_reason": "In work."}
    found(repository, muted_until=START + timedelta(days=9), **mute)
    found(repository, resolved_at=LATER + HOUR)
    found(repository, severity=Finding.Severity.NOTICE)
    found(repository, first_seen=START + timedelta(days=8))
    assert ask("open_findings").value == 0.0
    found(repository, muted_until=LATER, **mute)
    assert ask("open_findings").value == 1.0
    assert ask("open_findings", now=LATER + HOUR / 2).value == 2.0


def test_fault_that_was_there_before_still_counts(repository: Repository, ask: Ask) -> None:
    found(repository, first_seen=START - timedelta(days=30))
    answer = ask("open_findings")
    assert (answer.value, answer.n) == (1.0, 1)


def test_pass_rate_is_the_share_of_issues_without_a_finding(
    repository: Repository, operation: Operation, ask: Ask
) -> None:
    swept(operation)
    bad, *_ = [make_issue(repository=repository) for _ in range(4)]
    found(repository, issue=bad)
    found(repository, "labels.triage", issue=bad)
    answer = ask("validation_pass_rate")
    assert (answer.value, answer.n, answer.parts["hits"]) == (0.75, 4, 3)


def test_pass_rate_of_no_issue_is_no_rate(operation: Operation, ask: Ask) -> None:
    swept(operation)
    assert (ask("validation_pass_rate").value, ask("validation_pass_rate").n) == (None, 0)


def test_workflow_is_asked_for_by_its_slug(repository: Repository, operation: Operation, ask: Ask) -> None:
    swept(operation)
    workflow = make_workflow(slug="osint")
    found(repository, issue=make_issue(repository=repository, workflow=workflow))
    found(repository)
    make_issue(repository=repository, workflow=workflow)
    assert ask("open_findings", workflow="osint").value == 1.0
    assert ask("validation_pass_rate", workflow="osint").value == 0.5
