"""From when evidence counts: phase start, limit or mode change, last decision, last human clear (ROLLOUT.md, E)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time

from pipeline.models import AuditEntry, Kind, Mode, Operation
from rollout.domain import evidence
from rollout.domain.plan import Criterion, Plan
from rollout.models import Gate, Hold, Rollout

TURNED = ("operation.mode", "operation.limit", "part.mode")


def of_rollout(rollout: Rollout) -> datetime:
    """Nothing from before counts for anything; starting, iterating and starting again after a stop set it."""
    return rollout.evidence_floor or rollout.created_at


def of_criterion(rollout: Rollout, criterion: Criterion, plan: Plan) -> datetime:
    """The phase's start for what its steps and gate ask; prerequisites of a ramp look back over the phase before."""
    floor = of_rollout(rollout)
    phase = plan.phase(rollout.phase)
    if phase is None or rollout.phase_started_on is None:
        return floor
    asked = [*phase.gate.criteria, *(one for step in phase.steps for one in step.criteria)]
    if all(one.slug != criterion.slug for one in asked):
        return floor
    return max(floor, _midnight(rollout.phase_started_on))


def of_phase(rollout: Rollout) -> datetime:
    """For triggers: also the phase's start and the last decision of people."""
    decided = (
        Gate.objects.filter(rollout=rollout, state=Gate.State.DECIDED)
        .order_by("-decided_at")
        .values_list("decided_at", flat=True)
        .first()
    )
    started = _midnight(rollout.phase_started_on) if rollout.phase_started_on else None
    return evidence.floor([started, decided, of_rollout(rollout)], earliest=rollout.created_at)


def of_operations(rollout: Rollout, operations: Iterable[Operation], since: datetime) -> dict[str, datetime]:
    """By name: also when it went live, when its limit rose to a new height, when a hold of it was lifted."""
    rows = list(operations)
    lifted = _lifted(rollout)
    daily = [row for row in rows if row.kind == Kind.DAILY]  # only it has parts, at most one of a kind
    names = {str(row): row.name for row in rows} | {f"{kind} of {row}": row.name for row in daily for kind in Kind}
    turned: dict[str, list[AuditEntry]] = {row.name: [] for row in rows}
    entries = AuditEntry.objects.filter(subject__in=list(names), action__in=TURNED, at__gte=since)
    for entry in entries.order_by("sequence").only("subject", "action", "at", "before", "after"):
        turned[names[entry.subject]].append(entry)
    return {
        row.name: evidence.floor(
            [since, lifted.get(""), lifted.get(row.name), *_changes(turned[row.name], row.limit)], earliest=since
        )
        for row in rows
    }


def _changes(entries: list[AuditEntry], limit: int) -> list[datetime | None]:
    lived = [entry.at for entry in entries if entry.after.get("mode") == Mode.LIVE]
    limits = [entry for entry in entries if entry.action == "operation.limit"]
    first = int(limits[0].before.get("limit", limit)) if limits else limit
    heights = [(entry.at, int(entry.after.get("limit", 0))) for entry in limits]
    return [max(lived, default=None), evidence.highest_since(heights, first)]


def _lifted(rollout: Rollout) -> dict[str, datetime]:
    """The last release by operation; "" for holds of a step or of everything."""
    found: dict[str, datetime] = {}
    for operation, at in Hold.objects.filter(rollout=rollout).values_list("operation", "released_at"):
        if at is not None:
            found[operation] = max(at, found.get(operation, at))
    return found


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, tzinfo=UTC)
