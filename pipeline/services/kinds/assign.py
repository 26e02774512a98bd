"""assign: classify issues in discovery."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import F, OuterRef, QuerySet, Subquery

from pipeline.domain import eligibility, plan_assign
from pipeline.domain.classification import IssueText
from pipeline.domain.plan import Plan, skip
from pipeline.domain.snapshot import IssueSnapshot
from pipeline.domain.states import State
from pipeline.domain.suspicion import suspicions
from pipeline.github.port import GitHub, Refused
from pipeline.models import Effect, Issue, Repository, Run, RunItem
from pipeline.services import classifiers, sync, workflows
from pipeline.services.kinds.base import Candidate, NoPrefetch, asked_for, written_by_us

TEAM = frozenset({"OWNER", "MEMBER", "COLLABORATOR"})
MOST_SKIPPED = 50  # listed in one run; more of them say nothing new


class Assign(NoPrefetch):
    def select(self, run: Run, github: GitHub) -> list[Candidate]:
        sync.sync(run.repository, github)
        return [*choose(run, waiting(run, State.DISCOVERY)), *left_out(run, State.DISCOVERY)]

    def plan(self, item: RunItem, snapshot: IssueSnapshot | None, github: GitHub) -> Plan:
        if snapshot is None or item.issue is None:
            return skip("no issue", "There is no issue to assign.")
        repository = item.run.repository
        refused = eligibility.refusal(snapshot, State.DISCOVERY, repository.grammar)
        if refused:
            return skip("skipped", refused)  # before a classifier is paid for it
        specs = workflows.in_force(repository)
        text = IssueText(snapshot.number, snapshot.title, snapshot.body, snapshot.labels)
        assessment = classifiers.in_force(item.run_id).assess(text, list(specs.values()))
        classifiers.account(item, assessment)
        reading = plan_assign.Reading(
            assessment,
            suspicions(snapshot.title, snapshot.body),
            outsider(snapshot, repository),
            written_by_us(item.issue),
        )
        return plan_assign.plan(snapshot, reading, specs, repository.grammar)


def outsider(snapshot: IssueSnapshot, repository: Repository) -> str:
    """The author's login where neither we nor the team wrote the issue."""
    login = snapshot.author.login
    if login.lower() == repository.token_login.lower() or snapshot.author_association in TEAM:
        return ""
    ours = Effect.objects.filter(
        kind="create_issue",
        state=Effect.State.APPLIED,
        issue__repository=repository,
        issue__number=snapshot.number,
    )
    return "" if ours.exists() else login


def waiting(run: Run, state: State) -> Iterable[Issue]:
    """Issues in a state, those that a person asked for only; oldest first, after them what needs a person."""
    rows = Issue.objects.filter(
        repository=run.repository, state=state.value, presence=Issue.Presence.PRESENT, is_open=True
    ).select_related("repository")
    numbers = asked_for(run)
    if numbers is not None:
        rows = rows.filter(number__in=numbers)
    return _stuck_last(rows, run).iterator(chunk_size=200)


def left_out(run: Run, state: State) -> list[Candidate]:
    """Issues that a person named for this run and that it cannot take on, each with the reason."""
    numbers = asked_for(run)
    if numbers is None:
        return []
    rows = Issue.objects.filter(repository=run.repository, number__in=numbers).order_by("number")
    unknown = sorted(set(numbers) - {row.number for row in rows})
    if unknown:
        named = ", ".join(f"#{number}" for number in unknown)
        raise Refused(f"Not known here as issues of the pipeline: {named}; look at their labels. Nothing was changed.")
    told = ((row, _why_left_out(row, state)) for row in rows)
    return [Candidate(issue=row, skipped=why, outcome="skipped") for row, why in told if why]


def _why_left_out(row: Issue, state: State) -> str:
    """Why an issue is not among those that wait in `state`; "" when it is."""
    if row.presence != Issue.Presence.PRESENT:
        return row.presence_note or f"The issue is {row.get_presence_display()}."
    if not row.is_open:
        return "The issue is closed."
    grammar = row.repository.grammar
    return (
        "" if row.state == state.value else f"It is in {grammar.state(State(row.state))}, not {grammar.state(state)}."
    )


def _stuck_last(rows: QuerySet[Issue], run: Run) -> QuerySet[Issue]:
    """What this operation failed on or left to a person, unchanged on GitHub since, starves nobody behind it."""
    stuck = RunItem.objects.filter(
        issue=OuterRef("pk"),
        run__kind=run.kind,
        error_type__in=(RunItem.ErrorType.PERMANENT, RunItem.ErrorType.CONFLICT),
        finished_at__gte=OuterRef("remote_updated_at"),
    ).order_by("-finished_at")
    ended = rows.annotate(stuck_at=Subquery(stuck.values("finished_at")[:1]))
    return ended.order_by(F("stuck_at").asc(nulls_first=True), "number")


def choose(run: Run, rows: Iterable[Issue]) -> list[Candidate]:
    """Up to the run's limit of workable issues, and those passed over with the reason."""
    chosen: list[Candidate] = []
    passed: list[Candidate] = []
    for row in rows:
        refused = eligibility.labels_refuse(row.labels, run.repository.grammar)
        refused = refused or (eligibility.LOCKED if row.locked else "")
        if refused and len(passed) < MOST_SKIPPED:
            passed.append(Candidate(issue=row, skipped=refused, outcome="skipped"))
        elif not refused and len(chosen) < run.limit:
            chosen.append(Candidate(issue=row))
        if len(chosen) >= run.limit:
            break
    return chosen + passed
