"""Revert a run: a run of its own, item by item, never over a later human edit."""

from __future__ import annotations

from django.db import transaction

from pipeline import clock
from pipeline.models import Effect, Mode, Run
from pipeline.services import audit, bell
from pipeline.services.operations import NotPossible
from pipeline.services.slots import EXECUTE_TASK


def revert_run(run: Run, *, actor: str, reason: str, dry_run: bool = False, ring: bool = True) -> Run:
    """Start undoing a live run; `dry_run` shows the plan first. NotPossible in one sentence."""
    if run.mode != Mode.LIVE or run.is_active:
        raise NotPossible(f"Only a finished live run can be reverted; {run} is {run.get_state_display()}.")
    if run.purpose == Run.Purpose.REVERT:
        raise NotPossible(f"{run} is itself a revert; run the operation again instead.")
    runs = [run.pk, *run.children.values_list("pk", flat=True)]
    open_effects = Effect.objects.filter(item__run__in=runs, state=Effect.State.APPLIED, reverted_at__isnull=True)
    if not open_effects.exists():
        raise NotPossible(f"{run} changed nothing that is left to undo.")
    now = clock.now()
    with transaction.atomic():
        undoing = Run.objects.create(
            operation=run.operation,
            repository=run.repository,
            kind=run.kind,
            purpose=Run.Purpose.REVERT,
            mode=Mode.DRY_RUN if dry_run else Mode.LIVE,
            source_run=run,
            limit=open_effects.values("item").distinct().count(),
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
