"""validate: what is not as it should be becomes a finding; what can be mended safely becomes an effect (plan 3.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipeline.domain import checks
from pipeline.domain.plan import Plan, skip
from pipeline.domain.snapshot import IssueSnapshot
from pipeline.github import port
from pipeline.github.port import GitHub
from pipeline.models import Issue, Repository, Run, RunItem
from pipeline.services import subjects, validation
from pipeline.services.kinds import reports
from pipeline.services.kinds.base import Candidate, NoPrefetch, asked_for

MOST_SKIPPED = 50  # listed in one run; more of them say nothing new


class Validate(NoPrefetch):
    """Findings are our own rows, so a dry run settles them too; repairs and reports it only plans."""

    def select(self, run: Run, github: GitHub) -> list[Candidate]:
        numbers = asked_for(run)
        try:
            swept = validation.sweep(run, github, numbers)
        except port.GitHubError as error:
            if isinstance(error, port.BadCredentials):
                _note_token(run.repository, error)
            validation.sweep_without_github(run)
            raise
        Run.objects.filter(pk=run.pk, epoch=run.epoch).update(statistics={"validation": swept.told})
        told = reports.candidates(run) if numbers is None else []
        return [*_repairs(run, swept.repairs), *told]

    def plan(self, item: RunItem, snapshot: IssueSnapshot | None, github: GitHub) -> Plan:
        """The checks are made again on what was just read: only what is still wrong is repaired."""
        if item.report_id is not None:
            return reports.plan(item, snapshot)
        if snapshot is None or item.issue is None:
            return skip("no issue", "There is no issue to validate.")
        if snapshot.locked:
            return skip("locked", "The issue is locked; unlock it on GitHub to have it repaired.")
        return checks.plan_repair(subjects.one(item.issue, item, snapshot))


def _note_token(repository: Repository, error: port.BadCredentials) -> None:
    Repository.objects.filter(pk=repository.pk).update(token_problem=str(error)[:500])


def _repairs(run: Run, repairs: Mapping[int, Sequence[str]]) -> list[Candidate]:
    """Up to the run's limit; what a former run failed on, unchanged since, comes last and starves nobody."""
    rows = list(Issue.objects.filter(pk__in=list(repairs)).select_related("repository").order_by("number"))
    stuck = _stuck(run, [row.pk for row in rows])
    rows.sort(key=lambda row: (row.pk in stuck, row.number))
    chosen = [Candidate(issue=row, facts={"faults": list(repairs[row.pk])}) for row in rows[: run.limit]]
    beyond = f"Beyond the limit of {run.limit} repairs; the next run takes it on."
    passed = rows[run.limit : run.limit + MOST_SKIPPED]
    return chosen + [Candidate(issue=row, skipped=beyond, outcome="skipped") for row in passed]


def _stuck(run: Run, ids: Sequence[int]) -> set[int]:
    rows = RunItem.objects.filter(
        issue__in=ids,
        run__kind=run.kind,
        error_type__in=(RunItem.ErrorType.PERMANENT, RunItem.ErrorType.CONFLICT),
    )
    return {
        issue
        for issue, finished, updated in rows.values_list("issue_id", "finished_at", "issue__remote_updated_at")
        if issue is not None and finished is not None and finished >= updated
    }
