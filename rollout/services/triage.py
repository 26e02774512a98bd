"""Issues that stand between two states at a rollback: listed with a proposal, chosen by people, done in bulk."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from pipeline.domain.states import State
from pipeline.models import Handover, Issue, Kind, Mode, Run, RunItem
from pipeline.services import audit, runs
from pipeline.services.operations import NotPossible
from rollout.domain.triage import Facts, propose
from rollout.models import Rollback, TriageItem
from rollout.services import rollback_scope

BETWEEN = (State.ASSIGNED.value, State.COPILOT.value)
Proposal = TriageItem.Proposal


def list_issues(rollback: Rollback) -> int:
    """A row with a proposal for every issue between two states; rows that are there keep what people chose."""
    issues = Issue.objects.filter(repository=rollback.rollout.repository, state__in=BETWEEN)
    ours = set(rollback_scope.runs(rollback).values_list("pk", flat=True))
    rows = []
    for issue in issues.select_related("repository").prefetch_related("handovers", "transitions__run_item"):
        proposed = propose(_facts(issue, ours))
        rows.append(
            TriageItem(
                rollback=rollback,
                issue=issue,
                state=issue.state,
                proposal=proposed.proposal.value,
                reason=proposed.reason[:300],
            )
        )
    TriageItem.objects.bulk_create(rows, ignore_conflicts=True)
    return rollback.triage.count()


def _facts(issue: Issue, rolled_back: set[int]) -> Facts:
    last: Handover | None = max(issue.handovers.all(), key=lambda row: row.generation, default=None)
    moved = max(issue.transitions.all(), key=lambda row: row.sequence, default=None)
    by_run = moved.run_item.run_id if moved and moved.run_item else None
    grammar = issue.repository.grammar
    return Facts(
        state=issue.state,
        present=issue.presence == Issue.Presence.PRESENT,
        is_open=issue.is_open,
        closed_as=issue.state_reason,
        conflicting=len(grammar.states_in(issue.labels)) > 1,
        needs_clarification=grammar.needs_clarification.lower() in {name.lower() for name in issue.labels},
        by_rolled_back=by_run in rolled_back,
        handover=last.outcome if last else "",
        blocker=last.blocker if last else "",
        pull_number=last.pull_number if last else None,
        pull_merged=bool(last and last.evidence.get("merged_at")),
    )


def choose(rollback: Rollback, items: Iterable[int], choice: str, *, by: str) -> int:
    """Note a person's choice for rows (by id) that were not carried out yet; returns how many."""
    if choice not in Proposal.values:
        raise NotPossible(f"There is no choice {choice!r}; choose one of {', '.join(Proposal.values)}.")
    with transaction.atomic():
        open_rows = rollback.triage.filter(pk__in=list(items), applied_run__isnull=True)
        numbers = list(open_rows.values_list("issue__number", flat=True))
        if numbers:
            open_rows.update(chosen=choice)
            _write_down(rollback, "triage.chosen", by, f"{choice}: {_listed(numbers)}")
    return len(numbers)


def accept_proposals(rollback: Rollback, *, by: str) -> int:
    """Take the proposal wherever nobody has chosen otherwise."""
    with transaction.atomic():
        open_rows = list(rollback.triage.filter(chosen="", applied_run__isnull=True))
        for row in open_rows:
            row.chosen = row.proposal
        TriageItem.objects.bulk_update(open_rows, ["chosen"])
        if open_rows:
            _write_down(rollback, "triage.chosen", by, f"The proposals for {len(open_rows)} issues were accepted.")
    return len(open_rows)


def apply(rollback: Rollback, *, by: str, reason: str, dry_run: bool = False, ring: bool = True) -> Run:
    """Carry the choices out as one run through effects; `dry_run` shows its diffs. NotPossible in one sentence."""
    with transaction.atomic():
        rows = list(
            rollback.triage.select_for_update(of=("self",))
            .filter(applied_run__isnull=True)
            .exclude(chosen__in=("", Proposal.LEAVE))
            .select_related("issue")
        )
        if not rows:
            raise NotPossible("No choice is left to carry out; choose for the issues first.")
        run = runs.open_by_request(
            rollback.rollout.repository,
            Kind.TRIAGE,
            options={"choices": {str(row.issue.number): row.chosen for row in rows}, "rollback": rollback.pk},
            limit=len(rows),
            actor=by,
            reason=reason,
            mode=Mode.DRY_RUN if dry_run else Mode.LIVE,
            ring=ring,
        )
        if not dry_run:
            TriageItem.objects.filter(pk__in=[row.pk for row in rows]).update(applied_run=run)
    return run


def not_carried_out(rollback: Rollback) -> QuerySet[TriageItem]:
    """Choices whose run is over and left the issue as it was: it had moved on, was closed or locked, or failed."""
    done = RunItem.objects.filter(run=OuterRef("applied_run"), issue=OuterRef("issue"), state=RunItem.State.DONE)
    over = rollback.triage.filter(applied_run__isnull=False).exclude(applied_run__state__in=Run.ACTIVE)
    return over.exclude(Exists(done))


@transaction.atomic
def try_again(rollback: Rollback, *, by: str) -> int:
    """Free these rows, to be chosen and applied anew; how many."""
    freed = not_carried_out(rollback).update(applied_run=None)
    if not freed:
        raise NotPossible("Every choice was carried out, or is being carried out; there is nothing to free.")
    _write_down(rollback, "triage.freed", by, f"{freed} choices were not carried out and can be applied again.")
    return freed


def _write_down(rollback: Rollback, action: str, by: str, reason: str) -> None:
    audit.append(
        actor=by, action=action, subject=f"rollback {rollback.pk} of {rollback.rollout.repository}", reason=reason
    )


def _listed(numbers: Sequence[int]) -> str:
    shown = ", ".join(f"#{number}" for number in numbers[:20])
    return shown if len(numbers) <= 20 else f"{shown} and {len(numbers) - 20} more"
