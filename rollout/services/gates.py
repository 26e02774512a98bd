"""Gates: asked for by one person, signed by the roles that the plan names, decided with a reason."""

from __future__ import annotations

from datetime import UTC, date, datetime

from django.db import IntegrityError, transaction

from pipeline import clock
from pipeline.services import audit
from pipeline.services.operations import NotPossible
from rollout.domain import days, gate_rules
from rollout.domain.gate_rules import Signed
from rollout.domain.plan import GatePlan, Phase
from rollout.domain.verdicts import Verdict
from rollout.models import Gate, Hold, RoleHolder, Rollout, Signature
from rollout.services import (
    announcements,
    fence,
    gate_evidence,
    plans,
    reconcile,
    record,
    rollouts,
    situation,
    stop,
)


def due(rollout: Rollout, slug: str, now: datetime | None = None) -> date:
    """From which date on a gate may be asked without bringing it forward."""
    plan = plans.plan_of(rollout.plan)
    _, gate = _find(rollout, slug)
    first = situation.first_day(rollout, now or clock.now())
    return days.gate_due(plan, gate, first, situation.decisions(rollout))


def ask(rollout: Rollout, slug: str, *, by: str, brought_forward: str = "", insufficient: str = "") -> Gate:
    """Put the question, with the evidence as it is now. `insufficient` asks to proceed although it is not enough."""
    record.need_person(by, "Asking for a gate")
    rollout.refresh_from_db()
    now = clock.now()
    phase, plan = _askable(rollout, slug)
    lines = gate_evidence.measured(rollout, phase, now)
    on = due(rollout, slug, now)
    today = situation.today(rollout, now)
    refused = gate_rules.may_ask(lines, today=today, due=on, brought_forward=brought_forward, insufficient=insufficient)
    if refused:
        raise NotPossible(f"{refused} Nothing was changed.")
    evidence = gate_rules.as_evidence(lines)
    found = gate_rules.verdict(lines)
    try:
        with transaction.atomic():
            gate = Gate.objects.create(
                rollout=rollout,
                slug=slug,
                asked_by=by,
                asked_at=now,
                brought_forward=brought_forward.strip()[:500] if today < on else "",
                evidence=evidence,
                evidence_hash=gate_rules.evidence_hash(evidence, rollout.plan.sha256),
                verdict=found.value,
                insufficient=insufficient.strip()[:500] if found is not Verdict.PASS else "",
            )
            _log(gate, by, "gate.asked", plan.question, {"verdict": found.value})
            asked = f"The gate {slug} is asked: {plan.question} {', '.join(plan.signers)} sign."
            record.say(rollout, by, asked)
            _announce(gate, f"gate:{gate.pk}", f"To sign: {plan.question}", asked)
    except IntegrityError as error:
        raise NotPossible(f"The gate {slug} is being asked already; sign, decide or withdraw that one.") from error
    return gate


def sign(gate: Gate, *, role: str, by: str, note: str = "", on_insufficient: bool = False) -> Signature:
    """One role's signature on the evidence as it was frozen. Void evidence is refused, and the gate made void."""
    record.need_person(by, "Signing")
    _, plan = _standing(gate)
    refused = gate_rules.may_sign(
        asked_by=gate.asked_by,
        signers=plan.signers,
        signed=_signed(gate),
        role=role,
        by=by,
        holds_role=_holds(gate.rollout, role, by),
        insufficient=bool(gate.insufficient),
        on_insufficient=on_insufficient,
    )
    if refused:
        raise NotPossible(f"{refused} Nothing was changed.")
    try:
        with transaction.atomic():
            signature = Signature.objects.create(
                gate=gate,
                role=role,
                by=by,
                at=clock.now(),
                evidence_hash=gate.evidence_hash,
                note=note.strip()[:500],
                on_insufficient=on_insufficient,
            )
            _log(
                gate,
                by,
                "gate.signed",
                note or f"Signed as {role}.",
                {"role": role, "on_insufficient": on_insufficient},
            )
            record.say(gate.rollout, by, f"{role} signed the gate {gate.slug}.")
    except IntegrityError as error:
        raise NotPossible(f"{role} or {by} has signed already; a gate is signed once per role and person.") from error
    return signature


def decide(gate: Gate, decision: str, *, by: str, reason: str) -> Gate:
    """Go, no-go, iterate or hold. Only go lets more happen, and only with every signature on unchanged evidence."""
    record.need_person(by, "Deciding a gate")
    _, plan = _standing(gate)
    refused = gate_rules.may_decide(
        decision,
        reason=reason,
        allowed=plan.decisions,
        signers=plan.signers,
        signed=_signed(gate),
        evidence=gate.evidence_hash,
        found=Verdict(gate.verdict),
        insufficient=gate.insufficient,
    ) or (_why_no_go(gate.rollout) if decision == gate_rules.GO else "")
    if refused:
        raise NotPossible(f"{refused} Nothing was changed.")
    rollout = gate.rollout
    with transaction.atomic():
        fence.cut(rollout)
        _write(gate, decision, by, reason)
        if decision == Gate.Decision.ITERATE:
            Rollout.objects.filter(pk=rollout.pk).update(evidence_floor=gate.decided_at)
        if decision == Gate.Decision.HOLD:
            stop.hold(rollout, by=by, reason=f"Decided at the gate {gate.slug}: {reason}")
        if decision == Gate.Decision.GO and not plan.opens:
            rollouts.finish(rollout, actor=by, reason=reason, signed=True)
    reconcile.reconcile(rollout)
    return gate


def withdraw(gate: Gate, *, by: str, reason: str) -> Gate:
    """Take the question back; its signatures are worth nothing then."""
    record.need_person(by, "Withdrawing a gate")
    record.need_reason(reason)
    with transaction.atomic():
        if not Gate.objects.filter(pk=gate.pk, state=Gate.State.ASKED).update(state=Gate.State.WITHDRAWN):
            gate.refresh_from_db()
            raise NotPossible(f"This gate is {gate.get_state_display()} already.")
        gate.refresh_from_db()
        _log(gate, by, "gate.withdrawn", reason, {})
        record.say(gate.rollout, by, f"The gate {gate.slug} is withdrawn: {reason}")
    return gate


def _find(rollout: Rollout, slug: str) -> tuple[Phase, GatePlan]:
    plan = plans.plan_of(rollout.plan)
    found = gate_evidence.find(plan, slug)
    if found is None:
        known = ", ".join(phase.gate.slug for phase in plan.phases)
        raise NotPossible(f"The plan has no gate {slug!r}; it has {known}.")
    return found


def _askable(rollout: Rollout, slug: str) -> tuple[Phase, GatePlan]:
    """The gate of the phase that is in force, in a rollout that is at work."""
    phase, plan = _find(rollout, slug)
    if rollout.state != Rollout.State.RUNNING:
        raise NotPossible(f"{rollout} is {rollout.get_state_display()}; a gate is asked while it runs.")
    if rollout.phase != phase.slug:
        raise NotPossible(f"The gate {slug} ends the phase {phase.slug}; in force is {rollout.phase or 'none'}.")
    went = Gate.objects.filter(rollout=rollout, slug=slug, decision=Gate.Decision.GO).first()
    if went is not None:
        raise NotPossible(f"The gate {slug} was decided with go on {went.decided_at:%Y-%m-%d}.")
    return phase, plan


def _standing(gate: Gate) -> tuple[Phase, GatePlan]:
    """The plan of a gate that is being asked, on evidence that still stands."""
    gate.refresh_from_db()
    if gate.state != Gate.State.ASKED:
        raise NotPossible(f"This gate is {gate.get_state_display()}; ask it again.")
    phase, plan = _find(gate.rollout, gate.slug)
    why = gate_evidence.void_if_changed(gate, gate_evidence.measured(gate.rollout, phase, clock.now()))
    if why:
        raise NotPossible(f"The gate {gate.slug} is void: {why} Ask it again.")
    return phase, plan


def _why_no_go(rollout: Rollout) -> str:
    """Nothing grows while something is stopped as a whole."""
    rollout.refresh_from_db()
    if rollout.state != Rollout.State.RUNNING:
        return f"{rollout} is {rollout.get_state_display()}; start again first."
    whole = Hold.objects.filter(rollout=rollout, operation="", step="", released_at__isnull=True).first()
    return f"{whole} stands; start again first." if whole else ""


def _holds(rollout: Rollout, role: str, by: str) -> bool:
    return RoleHolder.objects.filter(
        rollout=rollout, role=role, user__username__iexact=by, user__is_active=True
    ).exists()


def _signed(gate: Gate) -> list[Signed]:
    return [Signed(row.role, row.by, row.evidence_hash, row.on_insufficient) for row in gate.signatures.all()]


def _write(gate: Gate, decision: str, by: str, reason: str) -> None:
    now = clock.now()
    mine = Gate.objects.filter(pk=gate.pk, state=Gate.State.ASKED, evidence_hash=gate.evidence_hash)
    if not mine.update(
        state=Gate.State.DECIDED, decision=decision, decided_by=by, decided_at=now, reason=reason.strip()[:500]
    ):
        raise NotPossible("The gate was decided or changed by somebody else meanwhile; look again.")
    gate.refresh_from_db()
    signatures = {row.role: row.by for row in gate.signatures.all()}
    _log(gate, by, "gate.decided", reason, {"decision": decision, "signatures": signatures})
    decided = f"The gate {gate.slug} is decided by {by}: {gate.get_decision_display()}. {reason}"
    record.say(gate.rollout, by, decided)
    _announce(gate, f"gate:{gate.pk}:decided", f"Decided: {gate.get_decision_display()}", decided)


def _announce(gate: Gate, key: str, subject: str, body: str) -> None:
    announcements.announce(gate.rollout, key=key, subject=f"{gate.rollout.repository}: {subject}", body=body)


def _log(gate: Gate, by: str, action: str, reason: str, after: dict[str, object]) -> None:
    audit.append(
        actor=by,
        action=action,
        subject=f"gate {gate.slug} of {gate.rollout}",
        reason=reason,
        after=after,
        evidence={
            "gate": gate.pk,
            "evidence_hash": gate.evidence_hash,
            "evaluations": [line["evaluation"] for line in gate.evidence],
            "at": gate.asked_at.astimezone(UTC).isoformat(),
        },
    )
