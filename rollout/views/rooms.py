"""The gates of a rollout as the gate room shows them: askable or why not, evidence, who has signed, what is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from rollout.domain import gate_rules
from rollout.domain.plan import GatePlan, Phase
from rollout.models import Gate, RoleHolder, Rollout, Signature
from rollout.services import gate_evidence, gates, plans, situation
from rollout.services.record import same
from rollout.views.criteria import WORDS


@dataclass(frozen=True, slots=True)
class SignerLine:
    """A role that signs: who holds it, and its signature."""

    role: str
    holders: tuple[str, ...]
    signature: Signature | None


@dataclass(frozen=True, slots=True)
class Room:
    """`refusal` says why the gate cannot be asked now; empty means that it can."""

    phase: Phase
    gate: GatePlan
    due: date | None
    rows: tuple[Gate, ...]
    refusal: str
    early: bool
    passed: bool

    @property
    def asked(self) -> Gate | None:
        return next((row for row in self.rows if row.state == Gate.State.ASKED), None)


def rooms(rollout: Rollout, now: datetime) -> list[Room]:
    """One per phase, in the order of the plan."""
    plan = plans.plan_of(rollout.plan)
    rows: dict[str, list[Gate]] = {}
    for row in rollout.gates.order_by("-pk").prefetch_related("signatures"):
        rows.setdefault(row.slug, []).append(row)
    return [_room(rollout, phase, rows.get(phase.gate.slug, []), now) for phase in plan.phases]


def _room(rollout: Rollout, phase: Phase, rows: Sequence[Gate], now: datetime) -> Room:
    due = gates.due(rollout, phase.gate.slug, now) if rollout.starts_on else None
    early = due is not None and situation.today(rollout, now) < due
    passed = any(row.decision == Gate.Decision.GO for row in rows)
    return Room(phase, phase.gate, due, tuple(rows), why_not(rollout, phase, rows), early, passed)


def why_not(rollout: Rollout, phase: Phase, rows: Sequence[Gate]) -> str:
    """Why nobody can ask this gate at all now; its day and its evidence are matters of the question itself."""
    if any(row.decision == Gate.Decision.GO for row in rows):
        return "It was decided with go."
    if any(row.state == Gate.State.ASKED for row in rows):
        return "It is being asked."
    if rollout.state != Rollout.State.RUNNING:
        return f"The rollout is {rollout.get_state_display()}; a gate is asked while it runs."
    if rollout.phase != phase.slug:
        return "Its phase is not in force."
    return ""


def evidence_refusal(rollout: Rollout, phase: Phase, due: date | None, now: datetime) -> str:
    """What `ask` would answer by the newest evaluations, without measuring."""
    lines = gate_evidence.latest(rollout, phase)
    today = situation.today(rollout, now)
    return gate_rules.may_ask(lines, today=today, due=due or today)


def signers(rollout: Rollout, plan: GatePlan, gate: Gate | None) -> list[SignerLine]:
    rows = RoleHolder.objects.filter(rollout=rollout, role__in=plan.signers).select_related("user")
    signed = {row.role: row for row in gate.signatures.all()} if gate else {}
    return [
        SignerLine(
            role,
            tuple(row.user.get_username() for row in rows if row.role == role),
            signed.get(role),
        )
        for role in plan.signers
    ]


def roles_to_sign(rollout: Rollout, plan: GatePlan, gate: Gate, user: str) -> list[str]:
    """Roles for which this person may still sign: they hold it, it has not signed, they did not ask."""
    if same(gate.asked_by, user):
        return []
    return [
        line.role
        for line in signers(rollout, plan, gate)
        if line.signature is None and any(same(holder, user) for holder in line.holders)
    ]


def frozen(gate: Gate) -> list[Mapping[str, Any]]:
    """The evidence as it was frozen with the gate, with the verdict in words."""
    return [{**line, "word": WORDS.get(line["verdict"], line["verdict"])} for line in gate.evidence]
