"""Evaluates triggers when a run ended and by the clock, and carries out what they call for, once per evidence."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q

from pipeline.models import Run
from pipeline.services import audit
from pipeline.services.operations import NotPossible
from rollout.domain import stored
from rollout.domain.plan import Action, Plan
from rollout.domain.trigger_rules import Decision, Rule
from rollout.domain.verdicts import Verdict
from rollout.models import Evaluation, Firing, Hold, Rollback, Rollout, StepProgress, TriggerState
from rollout.services import evaluation, probing, record, stop_links, trigger_actions
from rollout.services.trigger_actions import Actions
from rollout.services.trigger_board import board
from rollout.services.trigger_evidence import MISSING_RUNS, Judged, judge, rules_of, states_of

__all__ = ["board", "evaluate"]

log = logging.getLogger(__name__)

AT_WORK = (Rollout.State.RUNNING, Rollout.State.HELD)
ERROR_GRACE = timedelta(hours=1)  # what cannot be measured for so long is held
ASK_EVERY = timedelta(hours=1)  # what people decide changes by the day
COOL_DOWN = timedelta(hours=6)  # between two warnings of one trigger on one operation
SEVERITY = (Action.ROLL_BACK, Action.HOLD, Action.HOLD_AND_PROBE, Action.DECIDE, Action.WARN)


def evaluate(
    rollout: Rollout,
    *,
    now: datetime,
    run: Run | None = None,
    plan: Plan | None = None,
    actions: Actions | None = None,
) -> list[Firing]:
    """What fired. With `run`: after it ended, for its operation. Without: all operations, and what never came.

    Repeating it changes nothing: an evaluation is kept once per evidence, and fires once.
    """
    if rollout.state not in AT_WORK:
        return []
    carry_out = actions or trigger_actions.real()
    states = states_of(rollout)
    rules = _due(rules_of(rollout, plan), states, now, run)
    names = None if run is None else ([run.operation.name] if run.operation else [])
    judged = [one for one in judge(rollout, rules, now, states, operations=names) if one.in_force]
    kept = _keep(rollout, judged, now, run)
    TriggerState.objects.filter(rollout=rollout, slug__in=[rule.trigger.slug for rule in rules]).update(
        evaluated_at=now
    )
    fired = []
    for one, row in _by_severity(kept):
        firing = _fire(rollout, one, row, states.get(one.rule.trigger.slug), now, carry_out)
        fired += [firing] if firing else []
    if run is None or run.requested_by.startswith(record.RULE):
        fired += probing.advance(rollout, now, rules, carry_out)
    return fired


def _due(rules: Sequence[Rule], states: dict[str, TriggerState], now: datetime, run: Run | None) -> tuple[Rule, ...]:
    """After a run those that act; by the clock all, those for people to decide once an hour."""
    if run is not None:
        return tuple(rule for rule in rules if rule.trigger.automatic and rule.trigger.slug != MISSING_RUNS.slug)
    recent = {slug for slug, row in states.items() if row.evaluated_at and now - ASK_EVERY < row.evaluated_at <= now}
    return tuple(rule for rule in rules if rule.trigger.automatic or rule.trigger.slug not in recent)


def _keep(rollout: Rollout, judged: list[Judged], now: datetime, run: Run | None) -> list[tuple[Judged, Evaluation]]:
    """Each with its evaluation as it is kept; new ones are saved in one go."""
    drawn = [_drawn(rollout, one, now, run) for one in judged]
    keys = [row.key for row in drawn]  # what has come back is kept under another
    once = dict(zip(keys, drawn, strict=True))
    known = _known(rollout, once)
    again = {key: evaluation.keep(once[key]) for key, row in known.items() if row.is_old}
    # Rows that were seen before fire no second time; that something cannot be measured is another time each time.
    errors = {key: row for key, row in again.items() if row.verdict == Verdict.ERROR}
    saved = {row.key: row for row in _saved([row for key, row in once.items() if key not in known])}
    known = {**known, **errors, **saved}
    return [(one, known[key]) for one, key in zip(judged, keys, strict=True)]


def _known(rollout: Rollout, keys: Collection[str]) -> dict[str, Any]:
    """What was kept of this evidence. `is_old`: something else was judged since, so it has come back."""
    same_rule = {"rollout": OuterRef("rollout"), "rule": OuterRef("rule"), "subject": OuterRef("subject")}
    newer = Evaluation.objects.filter(**same_rule, pk__gt=OuterRef("pk"))
    rows = Evaluation.objects.filter(rollout=rollout, key__in=list(keys)).annotate(is_old=Exists(newer))
    return {row.key: row for row in rows.only("key", "at", "rollout")}  # the rest is long, and seldom asked for


def _saved(new: list[Evaluation]) -> list[Evaluation]:
    if not new:
        return []
    try:
        with transaction.atomic():
            return Evaluation.objects.bulk_create(new)
    except IntegrityError:
        return [_kept_by_one_of_us(row) for row in new]


def _kept_by_one_of_us(row: Evaluation) -> Evaluation:
    """Somebody evaluates at the same moment."""
    kept, _ = Evaluation.objects.get_or_create(rollout=row.rollout, key=row.key, defaults=_fields(row))
    return kept


def _fields(row: Evaluation) -> dict[str, object]:
    names = (field.attname for field in Evaluation._meta.concrete_fields)
    return {name: getattr(row, name) for name in names if name not in {"id", "rollout_id", "key"}}


def _drawn(rollout: Rollout, one: Judged, now: datetime, run: Run | None) -> Evaluation:
    trigger = one.rule.trigger
    row = evaluation.drawn(
        rollout,
        rule=stored.rule_written(one.rule),
        slug=trigger.slug,
        metric=trigger.metric,
        reading=one.reading,
        verdict=one.decision.verdict,
        reason=one.decision.reason,
        floor=one.floor,
        now=now,
        subject=one.subject,
        run=run,
    )
    row.comparator, row.threshold = trigger.comparator, trigger.threshold
    row.parts |= {
        "text": trigger.text,
        "unit": trigger.unit.value,
        "holds": one.holds,
        "action": one.decision.action.value if one.decision.action else "",
    }
    return row


def _by_severity(kept: Iterable[tuple[Judged, Evaluation]]) -> list[tuple[Judged, Evaluation]]:
    """The whole before a step, a rollback before a hold; what cannot be measured is looked at like a hold."""
    acting = [pair for pair in kept if pair[0].decision.action or pair[0].decision.verdict is Verdict.ERROR]

    def weight(pair: tuple[Judged, Evaluation]) -> tuple[int, bool]:
        one = pair[0]
        return SEVERITY.index(one.decision.action or Action.HOLD), one.rule.trigger.scope != "all"

    return sorted(acting, key=weight)


def _fire(
    rollout: Rollout, one: Judged, row: Evaluation, known: TriggerState | None, now: datetime, actions: Actions
) -> Firing | None:
    """Carry out one decision, unless this evidence did fire, the trigger is disarmed, or it is done already."""
    action = _action(one, row, now)
    if action is None:
        return None
    slug = one.rule.trigger.slug
    state = known or TriggerState.objects.get_or_create(rollout=rollout, slug=slug)[0]
    if not state.armed or _is_done(rollout, one, action, now) or Firing.objects.filter(evaluation=row).exists():
        return None
    try:
        with transaction.atomic():
            if not TriggerState.objects.select_for_update().get(pk=state.pk).armed:
                return None  # a person was quicker
            firing = _write(rollout, one, row, action, now)
            act(rollout, firing, one, action, actions)
    except IntegrityError:
        log.info("somebody else fired this trigger", extra={"trigger": slug, "evaluation": row.pk})
        return None
    except NotPossible as refused:
        # Nothing was changed, and the next evaluation tries again; the other triggers must not wait for this one.
        record.say_once(rollout, f"{record.RULE}{slug}", f"The trigger {slug} could not act: {refused}")
        return None
    return firing


def _action(one: Judged, row: Evaluation, now: datetime) -> Action | None:
    trigger, decision = one.rule.trigger, one.decision
    if decision.verdict is Verdict.ERROR:
        is_late = now - row.at >= ERROR_GRACE
        return Action.HOLD if is_late and trigger.automatic and trigger.action in _STOPS else None
    if decision.action is not None and not trigger.automatic and decision.action in _STOPS:
        return Action.DECIDE  # the plan leaves this one to people
    return decision.action


_STOPS = (Action.HOLD, Action.HOLD_AND_PROBE, Action.ROLL_BACK)


def _is_done(rollout: Rollout, one: Judged, action: Action, now: datetime) -> bool:
    """Whether what the action would do is in force."""
    slug, subject = one.rule.trigger.slug, one.subject
    fired = Firing.objects.filter(rollout=rollout, trigger=slug, subject=subject)
    if action is Action.DECIDE:
        return fired.filter(outcome=Firing.Outcome.WAITING).exists()
    if action is Action.WARN:
        return fired.filter(at__gt=now - COOL_DOWN).exists()
    if action is Action.ROLL_BACK:
        return _is_rolled_back(rollout, _step(one))
    covers = Q(step="", operation__in=("", subject))
    if not subject and _step(one):
        covers |= Q(step=_step(one))
    held = Hold.objects.filter(covers, rollout=rollout, released_at__isnull=True)
    return held.exists() or _is_rolled_back(rollout, _step(one))


def _is_rolled_back(rollout: Rollout, step: str) -> bool:
    running = Rollback.objects.filter(rollout=rollout, state=Rollback.State.RUNNING, is_drill=False)
    if running.filter(step="").exists() or (step and running.filter(step=step).exists()):
        return True
    if Rollout.objects.filter(pk=rollout.pk).exclude(state__in=AT_WORK).exists():
        return True
    undone = StepProgress.objects.filter(rollout=rollout, number=step, state=StepProgress.State.ROLLED_BACK)
    return bool(step) and undone.exists()


def _step(one: Judged) -> str:
    """The step that a rollback takes; empty: everything."""
    return "" if one.rule.trigger.scope == "all" else one.rule.trigger.step


def _write(rollout: Rollout, one: Judged, row: Evaluation, action: Action, now: datetime) -> Firing:
    waits = action is Action.DECIDE
    firing = Firing.objects.create(
        rollout=rollout,
        trigger=one.rule.trigger.slug,
        subject=one.subject,
        action=action.value,
        evaluation=row,
        at=now,
        sentence=sentence(one.rule.trigger.text, one.subject, one.decision)[:500],
        outcome=Firing.Outcome.WAITING if waits else Firing.Outcome.DONE,
    )
    TriggerState.objects.filter(rollout=rollout, slug=firing.trigger).update(last_fired_at=now)
    audit.append(
        actor=f"{record.RULE}{firing.trigger}",
        action="trigger.fired",
        subject=f"{firing.trigger} of {rollout}",
        reason=firing.sentence,
        after={"action": action.value, "subject": one.subject, "label": one.decision.label},
        evidence={"evaluation": row.pk, "firing": firing.pk, "rows": row.rows[:50]},
    )
    record.say(rollout, f"{record.RULE}{firing.trigger}", firing.sentence)
    return firing


def sentence(text: str, subject: str, decision: Decision) -> str:
    on = f" on {subject}" if subject else ""
    return f"“{text}”{on}: {decision.reason}"


def act(rollout: Rollout, firing: Firing, one: Judged, action: Action, actions: Actions) -> None:
    """Hand over to what stops, holds and tells; joins the transaction, so that a firing is never without its deed."""
    by, reason = f"{record.RULE}{firing.trigger}", firing.sentence
    if action is Action.ROLL_BACK:
        actions.roll_back(rollout, step=_step(one), by=by, reason=reason, trigger=firing.trigger, firing=firing)
        return
    if action in {Action.HOLD, Action.HOLD_AND_PROBE}:
        ladder = one.rule.ladder
        probes = ladder.most if ladder and action is Action.HOLD_AND_PROBE and one.subject else 0
        step = "" if one.subject else _step(one)
        actions.hold(rollout, operation=one.subject, step=step, by=by, reason=reason, probes=probes)
    link = stop_links.address(rollout, operation=one.subject if action is Action.WARN else "")
    body = f"{reason}\n\nHold or roll back without signing in, for a day from now: {link}"
    actions.announce(rollout, key=f"firing:{firing.pk}", subject=f"{_TOLD[action]}: {firing.trigger}", body=body)


_TOLD = {
    Action.WARN: "Warning",
    Action.DECIDE: "A decision is needed",
    Action.HOLD: "Held",
    Action.HOLD_AND_PROBE: "Held, to be probed",
}
