"""Order: evidence asked for before it is gathered, stages without a source, promises that alarms break, ramps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from rollout.domain.linter_findings import Finding, Severity, number, percent
from rollout.domain.linter_time import judged
from rollout.domain.linter_timeline import Case, InForce, Standing, first_live, mentioned
from rollout.domain.plan import Criterion, Plan, RampStep, Sla
from rollout.domain.plan_vocabulary import STAGES


def evidence(case: Case) -> Iterator[Finding]:
    """Criteria on the sampled metric that are judged before the first sample is drawn."""
    plan = case.plan
    metric, step = plan.sampling.get("metric"), plan.sampling.get("step")
    starts = [
        phase.first_day + found.first_day - 1 for phase in plan.phases for found in phase.steps if found.number == step
    ]
    if not metric or not starts:
        return
    early = [
        (rule, day, where)
        for phase in plan.phases
        for rule, day, where in judged(phase)
        if rule.metric == metric and day <= starts[0]
    ]
    if early:
        first = min(day for _, day, _ in early)
        yield Finding(
            rule="evidence_too_late",
            severity=Severity.CONTRADICTION,
            where=(*dict.fromkeys(where for _, _, where in early), str(step)),
            sentence=(
                f"{' and '.join(rule.slug for rule, _, _ in early)} need reviewed samples on day {first}, but sampling "
                f"begins with step {step} on day {starts[0]}."
            ),
            arithmetic=tuple(
                f"{rule.slug}: judged on day {day}, {starts[0] - day} days before the first sample"
                for rule, day, _ in early
            ),
            suggestion=(
                f"Begin sampling by day {max(first - 7, 1)}, or judge these by other means until day {starts[0]}."
            ),
            figures={"needed_day": first, "sampling_day": starts[0]},
        )


def sources(case: Case) -> Iterator[Finding]:
    """A stage that is live before the stage that feeds it."""
    plan = case.plan
    for first, second in pairwise(STAGES):
        if not mentioned(plan, first):
            continue
        fed, live = first_live(plan, first), first_live(plan, second)
        if live is not None and (fed is None or fed > live):
            when = f"on day {fed}" if fed is not None else "never"
            yield Finding(
                rule="no_source",
                severity=Severity.RISK,
                where=_steps_of(plan, first, second),
                sentence=(
                    f"{second} is live from day {live}, but {first}, which feeds it, goes live {when}; until then only "
                    "what was there before can flow."
                ),
                arithmetic=(f"{second}: day {live}", f"{first}: {when}"),
                suggestion=f"Take {first} live with {second}, or count on the backlog and say how large it is.",
                figures={"live": live, "fed": fed if fed is not None else -1},
            )


def _steps_of(plan: Plan, *operations: str) -> tuple[str, ...]:
    steps = [step for phase in plan.phases for step in phase.steps]
    return tuple(
        step.number
        for step in steps
        if any(
            (setting.part or setting.operation) in operations and setting.mode == "live" for setting in step.settings
        )
    )[:3]


def stale(case: Case) -> Iterator[Finding]:
    """An alarm after so many days against the SLA that allows a share to be later, and against the escalations."""
    plan, time = case.plan, case.time
    days = plan.stated.get("stale_after_days")
    if days is None:
        return
    for sla in plan.slas:
        if sla.within is not None and sla.within.days <= days and sla.metric.startswith("copilot_completion"):
            longest = max((other.within for other in plan.slas if other.within is not None), default=None)
            if sla.within == longest and sla.threshold < 1:
                yield _stale(plan, time, sla, days)
    yield from _escalated(plan, days)


def _stale(plan: Plan, time: Sequence[InForce], sla: Sla, days: float) -> Finding:
    volumes = [volume.per_day for at in time if (volume := at.volume("process"))]
    handed = max(volumes, default=0.0)
    late = handed * (1 - sla.threshold)
    return Finding(
        rule="sla_against_alarm",
        severity=Severity.CONTRADICTION,
        where=("3.1", "3.2") if _has(plan, "3.1", "3.2") else (),
        sentence=(
            f"{sla.slug} lets {percent(1 - sla.threshold)} take longer than {sla.within.days if sla.within else 0} "
            f"days, but the stale check fails on every single one after {days:g}: {number(late)} alarms a day while "
            "the promise is kept."
        ),
        arithmetic=(
            f"{handed:g} hand-overs a day × {percent(1 - sla.threshold)} = {number(late)} late ones a day",
            f"allowed by the stale check: 0 older than {days:g} days",
        ),
        suggestion=f"Let the stale check fail above {percent(1 - sla.threshold)}, or only report what is newly late.",
        figures={"handed_over": handed, "allowed_share": 1 - sla.threshold, "late_per_day": late},
    )


def _escalated(plan: Plan, days: float) -> Iterator[Finding]:
    due = plan.stated.get("due_hours")
    told = [escalation for escalation in plan.escalations if escalation.role]
    if due is None or not told:
        return
    first = told[0]
    reached = due / 24 + first.day
    if reached > days:
        yield Finding(
            rule="alarm_before_escalation",
            severity=Severity.CONTRADICTION,
            where=("3.1", "3.2") if _has(plan, "3.1", "3.2") else (),
            sentence=(
                f"The stale check alarms {days:g} days after the hand-over, {reached - days:g} days before the "
                f"escalation path tells {first.role}."
            ),
            arithmetic=(
                f"due after {due:g} h = day {due / 24:g}",
                f"{first.text!r}: day {due / 24:g} + {first.day} = day {reached:g} after the hand-over",
                f"stale after day {days:g}",
            ),
            suggestion=(
                f"Call an issue stale after {reached:g} days, or tell {first.role} {days - due / 24:g} days overdue."
            ),
            figures={"alarm": days, "escalation": reached},
        )


def _has(plan: Plan, *numbers: str) -> bool:
    return set(numbers) <= {step.number for phase in plan.phases for step in phase.steps}


def boundaries(case: Case) -> Iterator[Finding]:
    """One measure with one threshold that counts as met in one place and not in another."""
    plan = case.plan
    rules: list[Criterion | Sla] = [*plan.every_criterion(), *plan.slas]
    groups: dict[tuple[str, str, float], list[Criterion | Sla]] = {}
    for rule in rules:
        if rule.metric and rule.comparator != "==":
            key = (rule.metric, getattr(rule, "operation", ""), rule.threshold)
            groups.setdefault(key, []).append(rule)
    for (metric, _, threshold), same in groups.items():
        strict = [rule.slug for rule in same if rule.comparator in (">", "<")]
        loose = [rule.slug for rule in same if rule.comparator in (">=", "<=")]
        if strict and loose:
            yield Finding(
                rule="boundary",
                severity=Severity.RISK,
                where=tuple(
                    dict.fromkeys(where for phase in plan.phases for r, _, where in judged(phase) if r in same)
                ),
                sentence=(f"Exactly {threshold:g} of {metric} meets {', '.join(loose)} and fails {', '.join(strict)}."),
                arithmetic=tuple(f"{rule.slug}: {rule.comparator} {rule.threshold:g}" for rule in same),
                suggestion="Use one comparator for all of them.",
                figures={"threshold": threshold},
            )


def ramps(case: Case) -> Iterator[Finding]:
    """Ramps that begin below the limit that stands, or reach their top too late to be watched before the gate."""
    plan, time = case.plan, case.time
    for place, phase in enumerate(plan.phases):
        before = time[place - 1].operations if place else {}
        watched = max((s.monitoring.days for p in plan.phases for s in p.steps), default=0)
        for step in phase.steps:
            for ramp in step.ramps:
                standing = before.get(ramp.operation, Standing()).limit
                if ramp.steps and standing is not None and ramp.steps[0].limit < standing:
                    yield _falls(step.number, ramp.operation, standing, ramp.steps[0].limit)
                for higher, lower in pairwise(ramp.steps):
                    if lower.limit < higher.limit:
                        yield _turns_back(step.number, ramp.operation, higher, lower)
                top = phase.first_day + ramp.steps[-1].first_day - 1 if ramp.steps else phase.first_day
                seen = phase.gate.day - top + 1
                if seen < watched:
                    yield _late(step.number, ramp.operation, top, phase.gate.day, seen, watched)


def _falls(where: str, operation: str, standing: int, first: int) -> Finding:
    return Finding(
        rule="ramp_falls",
        severity=Severity.CONTRADICTION,
        where=(where,),
        sentence=f"The ramp of {operation} begins with {first} issues per run, below the {standing} before it.",
        arithmetic=(f"{first} < {standing}",),
        suggestion=f"Begin the ramp above {standing}.",
        figures={"standing": standing, "first": first},
    )


def _turns_back(where: str, operation: str, higher: RampStep, lower: RampStep) -> Finding:
    return Finding(
        rule="ramp_falls",
        severity=Severity.CONTRADICTION,
        where=(where,),
        sentence=(
            f"The ramp of {operation} falls to {lower.limit} issues per run on its day {lower.first_day}, below the "
            f"{higher.limit} before it."
        ),
        arithmetic=(f"{lower.limit} < {higher.limit}",),
        suggestion=f"Keep {higher.limit} or more from day {lower.first_day} on.",
        figures={"standing": higher.limit, "first": lower.limit},
    )


def _late(where: str, operation: str, top: int, gate: int, seen: int, watched: int) -> Finding:
    return Finding(
        rule="ramp_late",
        severity=Severity.CONTRADICTION,
        where=(where,),
        sentence=(
            f"The ramp of {operation} reaches its top on day {top}, and the gate of day {gate} then has {seen} days of "
            f"it; a step is watched for {watched}."
        ),
        arithmetic=(f"day {gate} − day {top} + 1 = {seen} days < {watched} days",),
        suggestion=f"Reach the top by day {gate - watched + 1}.",
        figures={"top": top, "gate": gate, "seen": seen, "watched": watched},
    )
