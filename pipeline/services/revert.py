"""Revert a run: a run of its own, item by item, never over a later human edit."""

from __future__ import annotations

from django.db import transaction
from django.db.models import QuerySet

from pipeline import clock
from pipeline.domain.plan_revert import UNDOABLE
from pipeline.models import Effect, Mode, Run
from pipeline.services import audit, bell
from pipeline.services.operations import NotPossible
from pipeline.services.slots import EXECUTE_TASK


def revert_run(run: Run, *, actor: str, reason: str, dry_run: bool = False, ring: bool = True) -> Run:
    """Start undoing a live run; `dry_run` shows the plan first. NotPossible in one sentence."""
    now = clock.now()
    with transaction.atomic():
        Run.objects.select_for_update().get(pk=run.pk)  # a second click waits here, and then sees the first one's run
        changed = _changed(run, dry_run=dry_run)
        undoing = Run.objects.create(
            operation=run.operation,
            repository=run.repository,
            kind=run.kind,
            purpose=Run.Purpose.REVERT,
            mode=Mode.DRY_RUN if dry_run else Mode.LIVE,
            source_run=run,
            limit=changed,
            limit_reason="the items of the reverted run",
            requested_by=actor[:150],
            reason=reason[:500],
            created_at=now,
            rung_at=now,
        )
        audit.append(
            actor=actor,
            action="run.reverted",
            subject=f"run {run.pk} ({run.kind} on {run.repository})",
            reason=reason,
            evidence={"run": run.pk, "undoing": undoing.pk, "dry_run": dry_run},
        )
        if ring:
            bell.ring(EXECUTE_TASK, undoing.pk)
    return undoing


def open_effects(run: Run) -> QuerySet[Effect]:
    """What a run and its parts changed, that can be undone and nobody has undone."""
    runs = [run.pk, *run.children.values_list("pk", flat=True)]
    applied = Effect.objects.filter(item__run__in=runs, state=Effect.State.APPLIED, reverted_at__isnull=True)
    return applied.filter(kind__in=UNDOABLE)


def why_not_revert(run: Run) -> str:
    """One sentence why a run cannot be reverted; empty when it can."""
    try:
        _changed(run, dry_run=False)
    except NotPossible as refusal:
        return str(refusal)
    return ""


def _changed(run: Run, *, dry_run: bool) -> int:
    """How many items there are to undo; NotPossible where there are none, or where they are being undone."""
    if run.mode != Mode.LIVE or run.is_active:
        raise NotPossible(f"Only a finished live run can be reverted; {run} is {run.get_state_display()}.")
    if run.undoes:
        raise NotPossible(f"{run} is itself a revert; run the operation again instead.")
    undoing = run.derived.filter(purpose=Run.Purpose.REVERT, mode=Mode.LIVE, state__in=Run.ACTIVE).first()
    if undoing is not None and not dry_run:
        raise NotPossible(f"{run} is being reverted by run {undoing.pk} already; wait for it, or cancel it.")
    changed = open_effects(run).values("item").distinct().count()
    if not changed:
        raise NotPossible(f"{run} changed nothing that is left to undo.")
    return changed
