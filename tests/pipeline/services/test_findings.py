"""The life of a finding: found, seen again, resolved where somebody looked; acknowledged and muted by people."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from pipeline.clock import VirtualClock
from pipeline.domain.checks.values import Fault
from pipeline.models import AuditEntry, Finding, Issue, Repository, Run
from pipeline.services import findings
from pipeline.services.findings import Found, Looked
from pipeline.services.operations import NotPossible
from tests.factories import MOMENT, make_finding, make_issue, make_operation, make_repository, make_run

CHECK, OTHER = "labels.triage", "remnant.todo"


@pytest.fixture
def repository(time: VirtualClock) -> Repository:
    return make_repository()


def run_of(repository: Repository) -> Run:
    return make_run(operation=make_operation(repository=repository, kind="validate"))


def found(issue: Issue, check: str = CHECK, message: str = "Seen.") -> Found:
    return Found(check, Fault(message, {"labels": []}, issue_id=issue.pk), issue.number)


def looked(*rows: Issue, **values: Any) -> Looked:
    defaults: dict[str, Any] = {"checks": frozenset({CHECK, OTHER}), "issues": frozenset(row.pk for row in rows)}
    return Looked(**{**defaults, **values})


def settle(repository: Repository, faults: Iterable[Found], at: Looked, run: Run | None = None) -> findings.Settled:
    return findings.settle(repository, faults, at, run or run_of(repository))


def only() -> Finding:
    return Finding.objects.get(resolved_at__isnull=True)


def test_fault_seen_for_the_first_time_becomes_a_finding(repository: Repository) -> None:
    issue, run = make_issue(repository=repository), run_of(repository)
    settled = settle(repository, [found(issue)], looked(issue), run)
    row = only()
    assert (settled.new, settled.open) == (1, 1)
    assert (row.issue, row.check_id, row.severity, row.last_run) == (issue, CHECK, "warning", run)
    assert (row.first_seen, row.occurrences, row.sweeps) == (MOMENT, 1, 1)


def test_same_fault_seen_again_is_the_same_finding_once_more(repository: Repository, time: VirtualClock) -> None:
    issue = make_issue(repository=repository)
    settle(repository, [found(issue)], looked(issue))
    time.advance(timedelta(hours=1))
    settled = settle(repository, [found(issue, message="Seen otherwise.")], looked(issue))
    row = only()
    assert (settled.new, settled.again) == (0, 1)
    assert (row.occurrences, row.sweeps, row.message) == (2, 2, "Seen otherwise.")
    assert (row.first_seen, row.last_seen) == (MOMENT, MOMENT + timedelta(hours=1))


def test_run_that_died_and_is_taken_up_again_counts_nothing_twice(repository: Repository) -> None:
    issue, run = make_issue(repository=repository), run_of(repository)
    for _ in range(2):
        settle(repository, [found(issue)], looked(issue), run)
    assert (only().occurrences, only().sweeps) == (1, 1)


def test_fault_that_is_gone_is_resolved_by_itself_and_says_so(repository: Repository, time: VirtualClock) -> None:
    issue = make_issue(repository=repository)
    settle(repository, [found(issue)], looked(issue))
    time.advance(timedelta(hours=1))
    run = run_of(repository)
    settled = settle(repository, [], looked(issue), run)
    row = Finding.objects.get()
    assert (settled.resolved, settled.open, row.resolved_at) == (1, 0, MOMENT + timedelta(hours=1))
    assert row.resolved_reason == f"Run {run.pk} looked again and it was gone."


@pytest.mark.parametrize("case", ["issue not read", "check not made", "check could not judge"])
def test_finding_stays_where_nobody_looked(repository: Repository, case: str) -> None:
    issue, other = make_issue(repository=repository), make_issue(repository=repository)
    settle(repository, [found(issue)], looked(issue))
    at = {
        "issue not read": looked(other),
        "check not made": looked(issue, checks=frozenset({OTHER})),
        "check could not judge": looked(issue, unseen=frozenset({(CHECK, issue.pk)})),
    }[case]
    assert settle(repository, [], at).resolved == 0
    assert (only().occurrences, only().sweeps) == (1, 1)


def test_findings_of_other_rooms_and_repositories_are_left(repository: Repository) -> None:
    make_finding(repository=repository, check_id="schedule.double")
    elsewhere = make_issue()
    make_finding(repository=elsewhere.repository, issue=elsewhere, check_id=CHECK)
    assert settle(repository, [], looked(elsewhere)).resolved == 0


def test_fault_of_the_whole_is_told_apart_by_its_key(repository: Repository) -> None:
    both = [Found("backlog.grows", Fault("Grows.", key=key)) for key in ("assigned", "copilot")]
    at = Looked(whole=frozenset({"backlog.grows"}))
    assert settle(repository, both, at).new == 2
    assert settle(repository, both[:1], at).resolved == 1
    assert (only().issue, only().severity) == (None, "notice")


def test_finding_that_comes_back_is_a_new_one_that_nobody_acknowledged(repository: Repository) -> None:
    issue = make_issue(repository=repository)
    settle(repository, [found(issue)], looked(issue))
    findings.acknowledge(only(), actor="olga", note="Known since Monday.")
    settle(repository, [found(issue)], looked(issue))
    assert only().acknowledged_by == "olga"
    settle(repository, [], looked(issue))
    settle(repository, [found(issue)], looked(issue))
    assert Finding.objects.count() == 2
    assert (only().acknowledged_at, only().occurrences) == (None, 1)


def test_mute_outlives_a_fault_that_flaps_until_it_ends(repository: Repository, time: VirtualClock) -> None:
    issue = make_issue(repository=repository)
    settle(repository, [found(issue)], looked(issue))
    findings.mute(only(), MOMENT + timedelta(days=1), actor="olga", reason="Being moved.")
    for faults in ([], [found(issue)]):
        settle(repository, faults, looked(issue))
    assert findings.is_muted(only(), MOMENT)
    time.advance(timedelta(days=1))
    assert not findings.is_muted(only(), time.now())
    for faults in ([], [found(issue)]):
        settle(repository, faults, looked(issue))
    assert only().muted_until is None


def test_people_leave_an_audit_entry_each(repository: Repository) -> None:
    row = make_finding(repository=repository)
    findings.acknowledge(row, actor="olga", note="Known.")
    findings.mute(row, MOMENT + timedelta(hours=1), actor="olga", reason="Until lunch.")
    findings.unmute(row, actor="rolf", reason="It matters.")
    row.refresh_from_db()
    assert (row.acknowledged_note, row.muted_until, row.muted_by) == ("Known.", None, "")
    assert list(AuditEntry.objects.order_by("sequence").values_list("actor", "action", "reason")) == [
        ("olga", "finding.acknowledged", "Known."),
        ("olga", "finding.muted", "Until lunch."),
        ("rolf", "finding.unmuted", "It matters."),
    ]


@pytest.mark.parametrize(
    ("hours", "reason", "sentence"),
    [
        (-1, "Why.", "which is past"),
        (0, "Why.", "which is past"),
        (1, " ", "needs a reason"),
        (2161, "Why.", "90 days"),
    ],
)
def test_mute_without_an_end_ahead_or_a_reason_is_refused(
    repository: Repository, hours: int, reason: str, sentence: str
) -> None:
    row = make_finding(repository=repository)
    with pytest.raises(NotPossible, match=sentence):
        findings.mute(row, MOMENT + timedelta(hours=hours), actor="olga", reason=reason)
    row.refresh_from_db()
    assert (row.muted_until, AuditEntry.objects.count()) == (None, 0)


def test_nothing_is_noted_on_a_finding_that_is_resolved(repository: Repository) -> None:
    row = make_finding(repository=repository)
    Finding.objects.update(resolved_at=MOMENT)
    with pytest.raises(NotPossible, match="was resolved already"):
        findings.acknowledge(row, actor="olga", note="Known.")
    with pytest.raises(NotPossible, match="needs a note"):
        findings.acknowledge(row, actor="olga", note="")
    with pytest.raises(NotPossible, match="is not muted"):
        findings.unmute(row, actor="olga", reason="Why.")
    assert not AuditEntry.objects.exists()


def test_faults_of_a_deleted_issue_end_but_for_the_one_that_says_so(repository: Repository) -> None:
    gone = make_issue(repository=repository, presence="deleted")
    away = make_issue(repository=repository, presence="unreachable")
    for issue in (gone, away):
        make_finding(repository=repository, issue=issue, check_id=CHECK)
        make_finding(repository=repository, issue=issue, check_id=f"state.{issue.presence}")
    assert findings.resolve_gone(repository) == 1
    resolved = Finding.objects.get(resolved_at__isnull=False)
    assert (resolved.issue, resolved.resolved_reason) == (gone, "The issue is deleted on GitHub.")


def test_sweep_of_many_issues_costs_few_queries(repository: Repository) -> None:
    rows = Issue.objects.bulk_create(
        [Issue(**{**_plain(repository), "number": number, "node_id": f"I_{number}"}) for number in range(1, 601)]
    )
    for _ in range(2):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            settle(repository, [found(row) for row in rows], looked(*rows), run_of(repository))
        assert len(queries) < 30


def _plain(repository: Repository) -> dict[str, Any]:
    return {
        "repository": repository,
        "state": "discovery",
        "title": "A title",
        "remote_created_at": MOMENT,
        "remote_updated_at": MOMENT,
        "read_at": MOMENT,
    }
