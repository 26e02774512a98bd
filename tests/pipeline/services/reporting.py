"""Validation runs whose findings the test lays down itself: only the reports are theirs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from pipeline.domain.plan import Plan
from pipeline.domain.snapshot import IssueSnapshot
from pipeline.github.port import GitHub
from pipeline.models import Finding, Issue, Kind, Mode, Operation, Repository, Run, RunItem
from pipeline.services import execution, runs
from pipeline.services.kinds import reports
from pipeline.services.kinds.base import Candidate, NoPrefetch
from tests.factories import MOMENT, make_finding, make_issue, make_operation

CHECK = "template.remnants"
BY: dict[str, Any] = {"actor": "olga", "reason": "To see it."}


class Reporting(NoPrefetch):
    def select(self, run: Run, github: GitHub) -> list[Candidate]:
        return reports.candidates(run)

    def plan(self, item: RunItem, snapshot: IssueSnapshot | None, github: GitHub) -> Plan:
        return reports.plan(item, snapshot)


def validating(repository: Repository, mode: Mode = Mode.LIVE) -> Operation:
    return make_operation(
        kind=Kind.VALIDATE, repository=repository, mode=mode, live_until=MOMENT + timedelta(days=30), limit=10
    )


def stays(repository: Repository, *, check: str = CHECK, sweeps: int = 3, **values: Any) -> Finding:
    """A finding on an issue of its own, seen in the last runs."""
    issue: Issue | None = values.pop("issue", None) or make_issue(repository=repository)
    return make_finding(repository=repository, issue=issue, check_id=check, sweeps=sweeps, **values)


def swept(operation: Operation, **values: Any) -> Run:
    """One run by hand, carried out to its end or to its first wait."""
    run = runs.open_by_hand(operation, ring=False, **{**BY, **values})
    return carried_out(run)


def carried_out(run: Run) -> Run:
    execution.execute(run.pk)
    execution.work_on(run.pk)
    run.refresh_from_db()
    return run
