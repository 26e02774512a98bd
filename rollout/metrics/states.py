"""Issue states: moves, labels, and what must never be."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Count, FilteredRelation, Max, Q, QuerySet, TextField
from django.db.models.functions import Cast

from pipeline.domain.labels import LabelGrammar
from pipeline.domain.states import Cause, State, allowed
from pipeline.models import Finding, Handover, Issue, Repository, Transition
from rollout.domain.measures import Unit
from rollout.metrics import reducing
from rollout.metrics.base import MOST_ROWS, Measured, Question, Sample, names, rows_of

BETWEEN = (Issue.State.ASSIGNED, Issue.State.COPILOT)


def transitions(question: Question) -> QuerySet[Transition]:
    return Transition.objects.filter(
        issue__repository=question.scope.repository_id, at__gte=question.start, at__lte=question.now
    )


def _violations(question: Question) -> Sample:
    """Moves that the state machine does not have, and label changes on GitHub that were refused for that."""
    rows = transitions(question)
    kinds = rows.order_by().values_list("before", "after", "cause").annotate(n=Count("pk"), newest=Max("at"))
    wrong, n, newest = Q(pk__in=[]), 0, None
    for before, after, cause, found, at in kinds:
        n, newest = n + found, max(newest or at, at)
        if not allowed(State(before) if before else None, State(after), Cause(cause)):
            wrong |= Q(before=before, after=after, cause=cause)
    moves = list(question.only(rows.filter(wrong)).order_by("pk").values_list("pk", "issue__number")[:MOST_ROWS])
    refused = list(question.only(_findings(question, "state.move")).values_list("pk", "issue__number"))
    told = [f"#{number}" for _key, number in (*moves, *refused)]
    found_rows = (*rows_of(Transition, (k for k, _ in moves)), *rows_of(Finding, (k for k, _ in refused)))
    return Sample(told, found_rows, n + len(refused), newest, question.start, None, names(told))


def _findings(question: Question, *checks: str) -> QuerySet[Finding]:
    return Finding.objects.filter(_open(question, checks), repository=question.scope.repository_id).order_by("pk")


def _open(question: Question, checks: Sequence[str], path: str = "") -> Q:
    """Open at that moment, and first seen since evidence counts. `path` leads from the queried rows to the findings."""
    is_open = Q((f"{path}resolved_at__isnull", True)) | Q((f"{path}resolved_at__gt", question.now))
    seen = Q((f"{path}first_seen__gte", question.start), (f"{path}first_seen__lte", question.now))
    found = is_open & seen & Q((f"{path}check_id__in", checks))
    if question.rows is None:
        return found
    label = Finding._meta.label_lower
    return found & Q((f"{path}pk__in", [row.id for row in question.rows if row.model == label]))


def _faulty(question: Question, *checks: str) -> Sample:
    """Issues with such a finding. That the repository was synchronised is the look that makes "none" mean something."""
    mine = FilteredRelation("findings", condition=_open(question, checks, "findings__"))
    rows = Repository.objects.filter(pk=question.scope.repository_id).annotate(mine=mine).order_by("mine__pk")
    read = list(rows.values_list("synced_at", "mine__pk", "mine__issue__number")[:MOST_ROWS])
    found = [(key, number) for _synced, key, number in read if key is not None]
    synced = read[0][0] if read else None
    told = [f"#{number}" for _key, number in found]
    looked = synced is not None and synced >= question.start
    n = max(len(found), int(looked))
    newest = None if found else synced  # "none" is as old as the look; what was found stays true until it is resolved
    return Sample(told, rows_of(Finding, (key for key, _ in found)), n, newest, question.start, None, names(told))


def _conflicting(question: Question) -> Sample:
    return _faulty(question, "state.conflict")


def _corrupted(question: Question) -> Sample:
    """Issues whose states contradict each other or are gone, and hand-overs that ended in a merge conflict."""
    states = _faulty(question, "state.conflict", "state.unknown", "state.missing")
    merges = Handover.objects.filter(
        issue__repository=question.scope.repository_id,
        requested_at__gte=question.start,
        requested_at__lte=question.now,
        blocker=Handover.Blocker.CONFLICT,
    )
    found = list(question.only(merges).values_list("pk", "issue__number")[:MOST_ROWS])
    told = [*states.facts, *(f"#{number} (merge conflict)" for _key, number in found)]
    rows = (*states.rows, *rows_of(Handover, (key for key, _ in found)))
    newest = None if found else states.newest
    return Sample(told, rows, max(states.n or 0, len(found)), newest, question.start, None, names(told))


def _between(question: Question) -> QuerySet[Issue]:
    rows = Issue.objects.filter(
        repository=question.scope.repository_id, state__in=BETWEEN, presence=Issue.Presence.PRESENT
    )
    return rows.filter(workflow__slug=question.scope.workflow) if question.scope.workflow else rows


def _triage_drift(question: Question) -> Sample:
    """monitor::triage on an issue that left triage."""
    grammar = _grammar(question)
    rows = _between(question).annotate(written=Cast("labels", TextField()))
    return _issues(question, rows.filter(written__icontains=f'"{grammar.triage}"'))


def _handover_drift(question: Question) -> Sample:
    """In state copilot and never handed over, or handed over and still in state assigned."""
    open_now = Q(handovers__outcome__in=Handover.OPEN)
    drifted = (
        _between(question)
        .filter(Q(state=Issue.State.COPILOT, handovers__isnull=True) | (Q(state=Issue.State.ASSIGNED) & open_now))
        .distinct()
    )
    return _issues(question, drifted)


def _issues(question: Question, found: QuerySet[Issue]) -> Sample:
    seen = _between(question).aggregate(n=Count("pk"), newest=Max("read_at"))
    kept: Sequence[tuple[int, int]] = list(question.only(found).order_by("pk").values_list("pk", "number")[:MOST_ROWS])
    told = [f"#{number}" for _key, number in kept]
    rows = rows_of(Issue, (key for key, _ in kept))
    return Sample(told, rows, seen["n"], None, None, None, names(told))


def _grammar(question: Question) -> LabelGrammar:
    return Repository.objects.get(pk=question.scope.repository_id).grammar


FAMILY = (
    Measured(
        "state_machine_violations",
        "State machine violations",
        "Moves of issues that the state machine does not have, made or asked for by a label on GitHub.",
        Unit.COUNT,
        _violations,
        reducing.count,
    ),
    Measured(
        "triage_drift",
        "Triage drift",
        "Issues that are assigned or with Copilot and still carry the label monitor::triage.",
        Unit.COUNT,
        _triage_drift,
        reducing.count,
    ),
    Measured(
        "assigned_copilot_drift",
        "Drift between assigned and Copilot",
        "Issues in state copilot that were never handed over, and issues handed over that are still in state assigned.",
        Unit.COUNT,
        _handover_drift,
        reducing.count,
    ),
    Measured(
        "conflicting_states",
        "Conflicting issue states",
        "Issues that carry more than one state label.",
        Unit.COUNT,
        _conflicting,
        reducing.count,
    ),
    Measured(
        "data_corruption",
        "Data corruption",
        "Issues whose state labels contradict each other, are unknown or gone, and merge conflicts of hand-overs.",
        Unit.COUNT,
        _corrupted,
        reducing.count,
    ),
)
