"""Runs that a person asks for: start one, apply a shown plan, cancel. `execution` carries them out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db import IntegrityError, transaction
from django.db.models import Q

from pipeline import clock
from pipeline.models import BY_REQUEST, Effect, Kind, Mode, Operation, Repository, Run, RunItem
from pipeline.services import audit, bell
from pipeline.services.operations import NotPossible
from pipeline.services.slots import EXECUTE_TASK, group_of


def open_by_hand(
    operation: Operation,
    *,
    actor: str,
    reason: str,
    mode: str | None = None,
    limit: int | None = None,
    issues: Sequence[int] = (),
    continue_on_error: bool | None = None,
    ring: bool = True,
) -> Run:
    """A run that a person starts now; `mode` defaults to the operation's. NotPossible in one sentence."""
    chosen = mode or operation.mode
    if chosen not in (Mode.DRY_RUN, Mode.LIVE):
        raise NotPossible(f"{operation} is {operation.get_mode_display()}; choose dry run or live for this run.")
    if operation.repository.standing != Repository.Standing.ACTIVE:
        raise NotPossible(f"{operation.repository} is {operation.repository.get_standing_display()}; resume it first.")
    options: dict[str, object] = {"issues": list(issues)} if issues else {}
    if continue_on_error is not None:
        options["continue_on_error"] = continue_on_error
    now = clock.now()
    try:
        with transaction.atomic():
            run = Run.objects.create(
                operation=operation,
                repository=operation.repository,
                kind=operation.kind,
                purpose=Run.Purpose.MANUAL,
                mode=chosen,
                group=group_of(operation),
                limit=operation.limit if limit is None else limit,
                limit_reason="asked for" if limit is not None else operation.limit_reason,
                options=options,
                requested_by=actor[:150],
                reason=reason[:500],
                created_at=now,
                rung_at=now,
            )
            _audit(run, "run.started", actor, reason)
            if ring:
                bell.ring(EXECUTE_TASK, run.pk)
    except IntegrityError as error:
        raise NotPossible(f"Another run of {operation} is still active; wait for it or cancel it.") from error
    return run


def open_by_request(
    repository: Repository,
    kind: Kind,
    *,
    options: dict[str, object],
    limit: int,
    actor: str,
    reason: str,
    mode: str = Mode.LIVE,
    ring: bool = True,
) -> Run:
    """A run of a kind that no operation schedules: triage, GitHub Actions workflows. Joins the caller's transaction."""
    if kind not in BY_REQUEST:
        raise NotPossible(f"A run of kind {kind.value!r} belongs to an operation; start it there.")
    if repository.standing != Repository.Standing.ACTIVE:
        raise NotPossible(f"{repository} is {repository.get_standing_display()}; resume it first.")
    now = clock.now()
    with transaction.atomic():
        run = Run.objects.create(
            repository=repository,
            kind=kind,
            purpose=Run.Purpose.MANUAL,
            mode=mode,
            limit=limit,
            limit_reason="what was asked for",
            options=options,
            requested_by=actor[:150],
            reason=reason[:500],
            created_at=now,
            rung_at=now,
        )
        _audit(run, "run.started", actor, reason)
        if ring:
            bell.ring(EXECUTE_TASK, run.pk)
    return run


def apply_plan(run: Run, *, actor: str, reason: str, ring: bool = True) -> Run:
    """Apply exactly the plan that a dry run showed; items that changed since are refused one by one."""
    now = clock.now()
    with transaction.atomic():
        Run.objects.select_for_update().get(pk=run.pk)  # a second click waits here, and then sees the first one's run
        applied = Run.objects.create(
            operation=run.operation,
            repository=run.repository,
            kind=run.kind,
            purpose=Run.Purpose.APPLY,
            mode=Mode.LIVE,
            source_run=run,
            limit=_shown(run),
            limit_reason="the plan that was shown",
            requested_by=actor[:150],
            reason=reason[:500],
            created_at=now,
            rung_at=now,
        )
        _audit(applied, "plan.applied", actor, reason, source=run.pk)
        if ring:
            bell.ring(EXECUTE_TASK, applied.pk)
    return applied


def why_not_apply(run: Run) -> str:
    """One sentence why the plan of a run cannot be applied; empty when it can."""
    try:
        _shown(run)
    except NotPossible as refusal:
        return str(refusal)
    return ""


def _shown(run: Run) -> int:
    """How many items a dry run planned; NotPossible where there is nothing to apply, or nothing any more."""
    if run.mode != Mode.DRY_RUN or run.is_active:
        raise NotPossible(f"Only a finished dry run can be applied; {run} is {run.get_state_display()}.")
    if run.derived.filter(purpose=Run.Purpose.APPLY).exclude(state=Run.State.CANCELLED).exists():
        raise NotPossible(f"The plan of {run} was applied already; make a new dry run.")
    shown = run.items.filter(state=RunItem.State.PLANNED).count()
    if shown:
        return shown
    parts = run.children.filter(items__state=RunItem.State.PLANNED).distinct().order_by("pk")
    named = ", ".join(f"run {part.pk} ({part.kind})" for part in parts)
    if named:
        raise NotPossible(f"{run} holds no plan itself; apply the plans of its parts: {named}.")
    raise NotPossible(f"{run} planned nothing that could be applied.")


def cancel(run: Run, *, actor: str, reason: str) -> None:
    """Stop a run: what was not begun is cancelled, the request in flight aside nothing more is written."""
    with transaction.atomic():
        stopped = Run.objects.filter(pk=run.pk, state__in=Run.ACTIVE).update(
            state=Run.State.CANCELLED, finished_at=clock.now(), error=reason[:500]
        )
        if not stopped:
            raise NotPossible(f"{run} is over already.")
        cancel_items(run, reason)
        _audit(run, "run.cancelled", actor, reason)
    for child in run.children.filter(state__in=Run.ACTIVE):
        cancel(child, actor=actor, reason=reason)


def cancel_by_hand(operations: Iterable[Operation], *, actor: str, reason: str) -> int:
    """A stop ends what people had begun live by hand, too; undoing goes on. How many runs were cancelled.

    What they begin afterwards is their decision, made in sight of the stop.
    """
    begun = Run.objects.filter(
        operation__in=[row.pk for row in operations],
        mode=Mode.LIVE,
        purpose__in=(Run.Purpose.MANUAL, Run.Purpose.APPLY),
        state__in=Run.ACTIVE,
    )
    ended = 0
    for run in begun.select_related("source_run", "repository").order_by("pk"):
        if run.undoes:
            continue
        try:
            cancel(run, actor=actor, reason=reason)
        except NotPossible:
            continue  # it ended meanwhile
        ended += 1
    return ended


def cancel_items(run: Run, reason: str) -> None:
    """Items of unknown fate stay: they are looked up whatever happens."""
    waiting = run.items.filter(Q(state=RunItem.State.PENDING) | Q(state=RunItem.State.WAITING)).exclude(
        effects__state__in=(Effect.State.UNKNOWN, Effect.State.SENDING)
    )
    ids = list(waiting.values_list("pk", flat=True))
    RunItem.objects.filter(pk__in=ids, state__in=(RunItem.State.PENDING, RunItem.State.WAITING)).update(
        state=RunItem.State.CANCELLED, reason=reason[:500], finished_at=clock.now()
    )
    Effect.objects.filter(item__in=ids, state=Effect.State.PLANNED).update(
        state=Effect.State.CANCELLED, settled_at=clock.now(), error=reason[:500]
    )


def _audit(run: Run, action: str, actor: str, reason: str, **evidence: object) -> None:
    audit.append(
        actor=actor,
        action=action,
        subject=f"run {run.pk} ({run.kind} on {run.repository})",
        reason=reason,
        after={"mode": run.mode, "limit": run.limit, "purpose": run.purpose},
        evidence=evidence,
    )
