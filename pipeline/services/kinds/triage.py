"""triage: issues between two states, each done with as a person chose."""

from __future__ import annotations

from pipeline.domain import plan_triage
from pipeline.domain.plan import Plan, skip
from pipeline.domain.plan_triage import Choice
from pipeline.domain.snapshot import IssueSnapshot
from pipeline.domain.states import State
from pipeline.github.port import GitHub
from pipeline.models import Issue, Run, RunItem
from pipeline.services.kinds.base import Candidate, NoPrefetch


class Triage(NoPrefetch):
    """`run.options["choices"]` maps issue numbers to choices."""

    def select(self, run: Run, github: GitHub) -> list[Candidate]:
        choices: dict[str, str] = run.options.get("choices", {})
        rows = Issue.objects.filter(repository=run.repository, number__in=[int(number) for number in choices])
        return [_candidate(issue) for issue in rows.select_related("repository").order_by("number")]

    def plan(self, item: RunItem, snapshot: IssueSnapshot | None, github: GitHub) -> Plan:
        if snapshot is None or item.issue is None:
            return skip("no issue", "There is no issue to triage.")
        choice = Choice(item.run.options["choices"][str(item.issue.number)])
        return plan_triage.plan(choice, State(item.issue.state), snapshot, item.run.repository.grammar)


def _candidate(issue: Issue) -> Candidate:
    if issue.presence != Issue.Presence.PRESENT:
        return Candidate(issue=issue, skipped=f"The issue is {issue.get_presence_display()}.")
    return Candidate(issue=issue)
