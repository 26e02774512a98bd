"""The evidence of a gate: every criterion of its phase as it is judged, and whether what was frozen still stands."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from pipeline.services import audit
from rollout.domain import gate_rules
from rollout.domain.gate_rules import Line
from rollout.domain.plan import Criterion, GatePlan, Phase, Plan, Source
from rollout.domain.verdicts import Verdict
from rollout.models import Evaluation, Gate, Rollout, Tick
from rollout.services import evaluation, explain, plans, record

ASKED = Gate.State.ASKED


def find(plan: Plan, slug: str) -> tuple[Phase, GatePlan] | None:
    """The gate of that name and the phase that it ends."""
    return next(((phase, phase.gate) for phase in plan.phases if phase.gate.slug == slug), None)


def criteria(phase: Phase) -> tuple[Criterion, ...]:
    """What a phase has to show: the success criteria of its steps and those of its gate."""
    return (*(criterion for step in phase.steps for criterion in step.criteria), *phase.gate.criteria)


def measured(rollout: Rollout, phase: Phase, now: datetime) -> list[Line]:
    """Every criterion judged now; each judgement is kept."""
    return [
        _line(rollout, criterion, evaluation.evaluate(rollout, criterion, now=now)) for criterion in criteria(phase)
    ]


def latest(rollout: Rollout, phase: Phase) -> list[Line]:
    """The newest judgements that are there, without measuring."""
    return [_line(rollout, criterion, evaluation.latest(rollout, criterion.slug)) for criterion in criteria(phase)]


def void_if_changed(gate: Gate, lines: list[Line] | None = None) -> str:
    """Void a gate whose evidence or plan changed since it was asked; why, or an empty string. Idempotent."""
    plan = plans.plan_of(gate.rollout.plan)
    found = find(plan, gate.slug)
    if found is None:
        why = "The plan has no such gate any more."
    else:
        present = latest(gate.rollout, found[0]) if lines is None else lines
        why = gate_rules.why_void(
            gate.evidence, present, stored_hash=gate.evidence_hash, plan_sha256=gate.rollout.plan.sha256
        )
    if why:
        _void(gate, why)
    return why


def _void(gate: Gate, why: str) -> None:
    with transaction.atomic():
        if not Gate.objects.filter(pk=gate.pk, state=ASKED).update(state=Gate.State.VOID):
            return
        gate.state = Gate.State.VOID
        audit.append(
            actor="rule:evidence",
            action="gate.void",
            subject=f"gate {gate.slug} of {gate.rollout}",
            reason=why,
            before={"state": ASKED.value, "signed": [line.role for line in gate.signatures.all()]},
            after={"state": Gate.State.VOID.value},
            evidence={"gate": gate.pk, "evidence_hash": gate.evidence_hash},
        )
        record.say(gate.rollout, "rule:evidence", f"The gate {gate.slug} is void and has to be asked again: {why}")


def _line(rollout: Rollout, criterion: Criterion, found: Evaluation | None) -> Line:
    tick = None
    if criterion.source is not Source.AUTOMATIC:
        tick = Tick.objects.filter(rollout=rollout, criterion=criterion.slug).values_list("pk", flat=True).first()
    if found is None:
        return Line(
            criterion.slug,
            criterion.text,
            criterion.source is not Source.MANUAL,
            Verdict.INCONCLUSIVE.value,
            "It has not been judged yet.",
            tick=tick or 0,
        )
    return Line(
        criterion=criterion.slug,
        text=criterion.text,
        automatic=criterion.source is not Source.MANUAL,
        verdict=found.verdict,
        sentence=explain.sentence(found),
        value=found.value,
        n=found.n,
        evaluation=found.pk,
        tick=tick or 0,
        ignored=not evaluation.counts(found),
    )
