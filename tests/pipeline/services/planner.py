"""A kind of operation whose candidates and plans the test gives."""

from __future__ import annotations

from collections.abc import Callable

from pipeline.domain import changes
from pipeline.domain.plan import Plan, Planned, Verdict
from pipeline.domain.snapshot import IssueSnapshot
from pipeline.github.port import GitHub, GitHubError
from pipeline.models import Issue, Run, RunItem
from pipeline.services.kinds.base import Candidate, NoPrefetch, Unfinished

LABEL = changes.AddLabels(("bug",))
LABELLED = Plan(Verdict.CHANGE, "labelled", "Because.", (Planned(LABEL),))


class Planner(NoPrefetch):
    """Takes every issue of the repository; `answers` by issue number go before `answer`."""

    def __init__(self) -> None:
        self.answer: Plan | GitHubError = LABELLED
        self.answers: dict[int, Plan | GitHubError] = {}
        self.problem: GitHubError | Unfinished | None = None
        self.candidates: Callable[[Run], list[Candidate]] = _all
        self.asked = 0

    def select(self, run: Run, github: GitHub) -> list[Candidate]:
        if self.problem is not None:
            raise self.problem
        return self.candidates(run)

    def plan(self, item: RunItem, snapshot: IssueSnapshot | None, github: GitHub) -> Plan:
        self.asked += 1
        answer = self.answers.get(snapshot.number, self.answer) if snapshot else self.answer
        if isinstance(answer, GitHubError):
            raise answer
        return answer


def _all(run: Run) -> list[Candidate]:
    rows = Issue.objects.filter(repository=run.repository).order_by("number")[: run.limit]
    return [Candidate(issue=row) for row in rows]
