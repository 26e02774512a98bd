"""Probes held operations and says how it went: another probe, go on, or roll back (profile "guarded")."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.db import transaction

from pipeline.models import Operation, Run, RunItem
from pipeline.services import audit
from pipeline.services.operations import NotPossible
from rollout.domain import probes
from rollout.domain.plan import Action
from rollout.domain.probes import Next, Probe
from rollout.domain.trigger_rules import Rule
from rollout.models import Firing, Hold, Rollout, TriggerState
from rollout.services import record
from rollout.services.trigger_actions import Actions

FAILED = RunItem.State.FAILED
JUDGED = (RunItem.State.PLANNED, RunItem.State.DONE, RunItem.State.SKIPPED, FAILED)


def advance(rollout: Rollout, now: datetime, rules: Sequence[Rule], actions: Actions) -> list[Firing]:
    """One step for every hold that is being probed; a rule's own holds only."""
    ladders = {rule.trigger.slug: rule for rule in rules if rule.ladder is not None}
    if not ladders:
        return []
    held = Hold.objects.filter(
        rollout=rollout, released_at__isnull=True, probes__gt=0, by__startswith=record.RULE
    ).exclude(operation="")
    fired: list[Firing] = []
    for hold in held.order_by("pk"):
        rule = ladders.get(hold.by.removeprefix(record.RULE))
        if rule is not None:
            fired += _advance(rollout, hold, rule, now, actions)
    return fired


def _advance(rollout: Rollout, hold: Hold, rule: Rule, now: datetime, actions: Actions) -> list[Firing]:
    if rule.ladder is None:
        return []
    log = [_settled(entry) for entry in hold.probe_log]
    told = [_probe(entry) for entry in log]
    step = probes.next_step(told, rule.ladder, held_at=hold.at, now=now)
    if log != hold.probe_log:
        Hold.objects.filter(pk=hold.pk).update(probe_log=log)
        hold.probe_log = log
    if step is Next.PROBE:
        _begin(hold, rule, now, actions)
    elif step is Next.RELEASE:
        reason = f"A probe of {told[-1].judged} issues had {told[-1].failed} failures, so the fault has passed."
        actions.release(hold, by=hold.by, reason=reason, now=now)
    elif step is Next.ROLL_BACK:
        return [_roll_back(rollout, hold, rule, told, now, actions)]
    return []


def _begin(hold: Hold, rule: Rule, now: datetime, actions: Actions) -> None:
    """Open the next probe; while another run of the operation is at work it is tried again later."""
    operation = Operation.objects.filter(repository=hold.rollout.repository_id, name=hold.operation).first()
    if operation is None or rule.ladder is None:
        return
    number = len(hold.probe_log) + 1
    reason = f"Probe {number} after the hold of {hold.at:%Y-%m-%d %H:%M} UTC."
    try:
        with transaction.atomic():
            run = actions.probe(operation, by=hold.by, reason=reason, items=rule.ladder.items)
            log = [*hold.probe_log, {"run": run.pk, "started_at": now.isoformat(), "is_over": False}]
            Hold.objects.filter(pk=hold.pk, probe_log=hold.probe_log).update(probe_log=log)
    except NotPossible:
        return


def _settled(entry: dict[str, Any]) -> dict[str, Any]:
    """With the result of its run, once that is over."""
    if entry.get("is_over"):
        return entry
    run = Run.objects.filter(pk=entry["run"]).first()
    if run is None or run.state == Run.State.CANCELLED:
        return {**entry, "is_over": True, "judged": 0, "failed": 0, "crashed": False}
    if run.is_active:
        return entry
    states = list(run.items.filter(state__in=JUDGED).values_list("state", flat=True))
    failed = sum(1 for state in states if state == FAILED)
    crashed = run.state == Run.State.FAILED and run.error_type != "quota" and not (states and failed == len(states))
    return {**entry, "is_over": True, "judged": len(states), "failed": failed, "crashed": crashed}


def _probe(entry: dict[str, Any]) -> Probe:
    return Probe(
        started_at=datetime.fromisoformat(entry["started_at"]),
        is_over=entry.get("is_over", False),
        judged=entry.get("judged", 0),
        failed=entry.get("failed", 0),
        crashed=entry.get("crashed", False),
    )


def _roll_back(
    rollout: Rollout, hold: Hold, rule: Rule, told: Sequence[Probe], now: datetime, actions: Actions
) -> Firing:
    trigger = rule.trigger
    shown = "; ".join("crashed" if one.crashed else f"{one.failed} of {one.judged} failed" for one in told)
    reason = f"“{trigger.text}” on {hold.operation}: {len(told)} probes in a row were bad ({shown})."
    with transaction.atomic():
        Hold.objects.filter(pk=hold.pk).update(probes=0)
        firing = Firing.objects.create(
            rollout=rollout,
            trigger=trigger.slug,
            subject=hold.operation,
            action=Action.ROLL_BACK.value,
            at=now,
            sentence=reason[:500],
        )
        TriggerState.objects.filter(rollout=rollout, slug=trigger.slug).update(last_fired_at=now)
        audit.append(
            actor=hold.by,
            action="trigger.fired",
            subject=f"{trigger.slug} of {rollout}",
            reason=reason,
            after={"action": Action.ROLL_BACK.value, "subject": hold.operation},
            evidence={"hold": hold.pk, "firing": firing.pk, "probes": [_plain(one) for one in told]},
        )
        step = "" if trigger.scope == "all" else trigger.step
        actions.roll_back(rollout, step=step, by=hold.by, reason=reason, trigger=trigger.slug, firing=firing)
    return firing


def _plain(probe: Probe) -> dict[str, Any]:
    return {**asdict(probe), "started_at": probe.started_at.isoformat()}
