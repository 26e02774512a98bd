"""Where a rollout stands as plain values: for `rollout status` and GET /api/rollouts/<id>."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any

from pipeline import clock
from rollout.models import Rollout
from rollout.services import plans, situation
from rollout.views import standing


def facts(rollout: Rollout) -> dict[str, Any]:
    found = standing.of(rollout, clock.now())
    return {
        "rollout": rollout.pk,
        "repository": rollout.repository.full_name,
        "plan": plans.name_of(rollout.plan),
        "state": rollout.state,
        "profile": rollout.profile,
        "starts_on": _text(rollout.starts_on),
        "day": found.day,
        "phase": found.phase.slug if found.phase else "",
        "phases": [
            {
                "phase": line.phase.slug,
                "state": line.state.value,
                "begins": _text(line.begins),
                "ends": _text(line.ends),
                "gate": line.phase.gate.slug,
                "gate_due": _text(line.gate_due),
                "decision": line.gate.decision if line.gate else "",
            }
            for line in found.phases
        ],
        "next_gate": found.next_gate.slug if found.next_gate else "",
        "next_gate_on": _text(found.next_gate_on),
        "steps": [{"step": row.number, "state": row.state, "ramp_day": row.ramp_day} for row in rollout.steps.all()],
        "operations": [
            {
                "operation": row.name,
                "mode": row.mode,
                "limit": row.limit,
                "binding": row.limit_reason,
                "live_until": _text(row.live_until),
                "parts": [
                    {"part": part.kind, "mode": part.mode, "limit": part.limit, "binding": part.limit_reason}
                    for part in row.parts.all()
                ],
            }
            for row in situation.managed(rollout)
        ],
        "holds": [
            {"hold": hold.pk, "operation": hold.operation, "step": hold.step, "by": hold.by, "reason": hold.reason}
            for hold in found.holds
        ],
        "alerts": [alert.text for alert in found.alerts],
        "reconciled_at": _text(rollout.reconciled_at),
    }


def lines(found: Mapping[str, Any]) -> Iterator[str]:
    """The same for people."""
    day = f", day {found['day']}" if found["day"] is not None else ""
    yield f"{found['plan']} on {found['repository']}: {found['state'].replace('_', ' ')}{day}."
    for phase in found["phases"]:
        gate = f"gate {phase['gate']} {phase['gate_due'] or ''} {phase['decision']}".rstrip()
        yield f"  {phase['phase']:<10} {phase['state'].replace('_', ' '):<9} from {phase['begins'] or '-':<10}  {gate}"
    for row in found["operations"]:
        binding = f" ({row['binding']})" if row["binding"] else ""
        yield f"  {row['operation']:<10} {row['mode'].replace('_', ' '):<9} limit {row['limit']}{binding}"
    for alert in found["alerts"]:
        yield f"  ! {alert}"


def _text(value: date | datetime | None) -> str | None:
    return value.isoformat() if value is not None else None
