"""May this item still write? Asked before every request that changes GitHub (DESIGN.md 5.4)."""

from __future__ import annotations

from pipeline import clock
from pipeline.models import Kind, Mode, Operation, OperationPart, Repository, Run, RunItem

BY_HAND = (Run.Purpose.MANUAL, Run.Purpose.APPLY, Run.Purpose.REVERT)


def why_not(item: RunItem) -> str:
    """One sentence why nothing may be written any more, or an empty string. Reads everything anew."""
    run = Run.objects.select_related("repository", "operation", "parent", "source_run").get(pk=item.run_id)
    now = clock.now()
    if run.state != Run.State.WORKING:
        return f"The run was {run.get_state_display()}."
    if run.mode != Mode.LIVE:
        return "The run is not live."
    if run.deadline_at is not None and run.deadline_at <= now:
        return "The run is past its timeout."
    # A stop must not stop the undoing.
    if run.repository.standing != Repository.Standing.ACTIVE and not run.undoes:
        return f"The repository is {run.repository.get_standing_display()}."
    if run.parent is not None and not run.parent.is_active:
        return f"The daily run was {run.parent.get_state_display()}."
    if run.kind == Kind.REMIND and run.purpose == Run.Purpose.MANUAL:
        return _not_followed(run)
    # A person started these, and their timeout is the lease; holding the repository or cancelling the run stops them.
    return "" if _by_hand(run) else _operation_stopped(run)


def _by_hand(run: Run) -> bool:
    return run.purpose in BY_HAND or (run.parent is not None and run.parent.purpose in BY_HAND)


def _not_followed(run: Run) -> str:
    """A rule asked for reminders: they are written only while hand-overs are followed live, under a lease."""
    rows = Operation.objects.filter(repository=run.repository_id, kind=Kind.TRACK, mode=Mode.LIVE)
    if not rows.exists():
        return "Hand-overs are not followed live here: track is off or in dry run."
    leased = rows.filter(live_until__gt=clock.now()).exists()
    return "" if leased else "The live lease of track ran out."


def _operation_stopped(run: Run) -> str:
    operation: Operation | None = run.operation
    if operation is None:
        return "The operation was deleted."
    if operation.mode != Mode.LIVE:
        return f"The operation was switched to {operation.get_mode_display()}."
    if operation.live_until is None or operation.live_until <= clock.now():
        return "The live lease ran out."
    if run.purpose == Run.Purpose.PART:
        part = OperationPart.objects.filter(operation=operation, kind=run.kind).first()
        if part is None or part.mode != Mode.LIVE:
            return f"The part {run.kind} was switched off or to dry run."
    return ""
