"""The control loop: computes what ought to be, compares with what is, makes it so and writes down why.

Level-triggered: it may crash anywhere and be called again, and called twice it changes nothing the second time. Every
change is a transaction of its own behind the fence, reductions first. It never makes more happen than a signed gate
allows, and a person who switches something down by hand has thereby held it.
"""

from __future__ import annotations

import logging
from datetime import datetime

from pipeline import clock
from pipeline.domain.cron import BadCron
from pipeline.models import Kind, Mode, Operation, OperationPart
from pipeline.services import audit, operations
from pipeline.services.operations import LEASE, NotPossible, cron_of
from rollout.domain import days, desired
from rollout.domain.desired import Change, Situation
from rollout.domain.progress import Cause, StepState
from rollout.models import Gate, Rollout
from rollout.services import gate_evidence, limits, ramps, record, situation, toggles
from rollout.services.fence import Fence, Fenced, take

ACTOR = "rule:reconcile"
AT_WORK = (Rollout.State.RUNNING, Rollout.State.HELD, Rollout.State.ROLLED_BACK)

MOST_TURNS = 3  # a cron may move the limit of the stage before it; nothing depends on more than that

log = logging.getLogger(__name__)


def reconcile(rollout: Rollout, now: datetime | None = None, *, look_again: bool = True) -> list[Change]:
    """Make `rollout` what it ought to be at `now`; the changes that were made, leases aside.

    `look_again` False leaves out measuring once more why a ramp is frozen, which takes longer than all the rest.
    """
    rollout.refresh_from_db()
    now = now or clock.now()
    fence = take(rollout) if rollout.state in AT_WORK else None
    if fence is None:
        return []
    made: list[Change] = []
    try:
        _carry_out(rollout, fence, now, made, look_again)
    except Fenced:
        log.info("another reconcile or a stop took over", extra={"rollout": rollout.pk})
    return made


def _carry_out(rollout: Rollout, fence: Fence, now: datetime, made: list[Change], look_again: bool) -> None:
    toggles.take(rollout, fence, now)
    _take_over(rollout, fence)
    rows = situation.managed(rollout)
    seen = situation.read(rollout, now, rows)
    _tell(rollout, seen, now, rows)
    _void_gates(rollout)
    _enter_phase(rollout, seen, fence)
    if _promote(rollout, seen, fence, now):
        seen = situation.read(rollout, now, rows)
    seen, rows = _make_so(rollout, seen, rows, (fence, now), made)
    # After the modes: a ramp's day counts where its operation is live, which may be so only now.
    if ramps.count_days(rollout, seen, rows, fence, now, look_again=look_again):
        seen, rows = _make_so(rollout, situation.read(rollout, now, rows), rows, (fence, now), made)
    _renew_leases(seen, rows, fence, now)
    if not seen.behind:
        with fence.change():
            Rollout.objects.filter(pk=rollout.pk).update(reconciled_at=now)
        rollout.reconciled_at = now


def _take_over(rollout: Rollout, fence: Fence) -> None:
    """An operation that was added later is under the rollout's lease too."""
    ours = Operation.LeaseOwner.ROLLOUT
    strays = Operation.objects.filter(repository_id=rollout.repository_id).exclude(kind=Kind.SYNC)
    if strays.exclude(lease_owner=ours).exists():
        with fence.change():
            strays.update(lease_owner=ours)


def _tell(rollout: Rollout, seen: Situation, now: datetime, rows: list[Operation]) -> None:
    known = {row.name: [part.kind for part in row.parts.all()] for row in rows}
    known |= {name: [] for name in _synchronising(rollout)}
    for name in desired.missing(seen.plan, known):
        record.say_once(
            rollout,
            ACTOR,
            f"The plan turns {name}, which {rollout.repository} does not have; add it or ask for a change of the plan. "
            "Everything else goes on.",
        )
    if seen.behind and rollout.reconciled_at is not None:
        record.say_once(
            rollout,
            ACTOR,
            f"The clock was turned back behind {rollout.reconciled_at:%Y-%m-%d %H:%M} UTC; nothing grows until it has "
            "passed that moment again. Nothing was undone.",
        )
        log.warning("the clock was turned back", extra={"rollout": rollout.pk, "now": now.isoformat()})


def _synchronising(rollout: Rollout) -> list[str]:
    rows = Operation.objects.filter(repository_id=rollout.repository_id, kind=Kind.SYNC)
    return list(rows.values_list("name", flat=True))


def _void_gates(rollout: Rollout) -> None:
    for gate in Gate.objects.filter(rollout=rollout, state=Gate.State.ASKED).select_related("rollout__plan"):
        gate_evidence.void_if_changed(gate)


def _enter_phase(rollout: Rollout, seen: Situation, fence: Fence) -> None:
    """Write down the phase that a signed gate opened, on its day; not while held, rolled back or behind."""
    phase = days.in_force(seen.plan, seen.openings, seen.today)
    if phase is None or phase.slug == rollout.phase or seen.frozen or rollout.state != Rollout.State.RUNNING:
        return
    with fence.change():
        Rollout.objects.filter(pk=rollout.pk).update(phase=phase.slug, phase_started_on=seen.today)
        audit.append(
            actor=f"rule:gate {seen.openings[phase.slug].gate}",
            action="rollout.phase",
            subject=str(rollout),
            reason=f"{phase.name} begins.",
            before={"phase": rollout.phase},
            after={"phase": phase.slug, "on": seen.today.isoformat()},
        )
        record.say(rollout, ACTOR, f"{phase.name} begins.")
    rollout.phase, rollout.phase_started_on = phase.slug, seen.today


def _promote(rollout: Rollout, seen: Situation, fence: Fence, now: datetime) -> bool:
    """Make live the steps whose gate was signed and whose day has come."""
    rising = {step.number: step for step in desired.may_go_live(seen)}
    rows = rollout.steps.filter(number__in=rising) if rising else rollout.steps.none()
    promoted = False
    for row in rows:
        step = rising[row.number]
        with fence.change():
            if not record.move_step(row, StepState.LIVE, Cause.GATE, live_since=now):
                continue
            _unpin(rollout, {setting.operation for setting in step.settings if setting.cron is not None})
            gate = next(seen.openings[phase.slug].gate for phase in seen.plan.phases if step in phase.steps)
            audit.append(
                actor=f"rule:gate {gate}",
                action="step.live",
                subject=f"step {row.number} of {rollout}",
                reason=f"The gate {gate} was decided with go, and the step's day has come.",
                before={"state": StepState.WAITING.value},
                after={"state": StepState.LIVE.value},
            )
            record.say(rollout, ACTOR, f"Step {row.number} ({step.name}) is live.")
        promoted = True
    return promoted


def _unpin(rollout: Rollout, names: set[str]) -> None:
    """A step that goes live sets its crons anew; what a person set before is in the log."""
    kept = {name: pin for name, pin in rollout.pinned_crons.items() if name not in names}
    if kept != rollout.pinned_crons:
        Rollout.objects.filter(pk=rollout.pk).update(pinned_crons=kept)
        rollout.pinned_crons = kept


def _make_so(
    rollout: Rollout, seen: Situation, rows: list[Operation], by: tuple[Fence, datetime], made: list[Change]
) -> tuple[Situation, list[Operation]]:
    """Turn every knob that is not as it ought to be, until none is; the situation and the operations afterwards."""
    fence, now = by
    for _turn_again in range(MOST_TURNS):
        limited = desired.with_limits(seen, limits.every(rollout, seen, rows, now))
        evidence = _evidence(rollout, seen)
        turned = [found for found in desired.changes(limited) if _apply(rollout, found, fence, evidence)]
        if not turned:
            break
        made += turned
        rows = situation.managed(rollout)
        seen = situation.read(rollout, now, rows)
    return seen, rows


def _evidence(rollout: Rollout, seen: Situation) -> dict[str, object]:
    return {
        "rollout": rollout.pk,
        "plan": rollout.plan.sha256,
        "day": seen.today.isoformat(),
        "gates": {slug: opening.gate for slug, opening in seen.openings.items() if opening.gate},
        "holds": [hold.id for hold in seen.holds],
    }


def _apply(rollout: Rollout, change: Change, fence: Fence, evidence: dict[str, object]) -> bool:
    """Turn one knob, unless somebody turned it meanwhile: then the next reconcile looks again."""
    try:
        with fence.change():
            rows = Operation.objects.select_for_update(of=("self",)).filter(repository_id=rollout.repository_id)
            row = rows.filter(name=change.operation).first()
            if row is None or (not change.reduces and toggles.has_news(rollout)):
                return False
            if not _turn(row, change, evidence):
                return False
            if _is_told(change):
                record.say(rollout, f"rule:{change.rule}", _sentence(change))
    except (NotPossible, BadCron) as error:
        record.say_once(rollout, ACTOR, f"{change.operation} could not be changed: {error}")
        return False
    return True


def _turn(row: Operation, change: Change, evidence: dict[str, object]) -> bool:
    actor, reason = f"rule:{change.rule}", change.reason or "The plan says so."
    knob, _, kind = change.knob.partition(":")
    if knob == "mode" and row.mode == change.before:
        operations.set_mode(row, change.after, actor=actor, reason=reason, evidence=evidence)
    elif knob == "limit" and str(row.limit) == change.before:
        limit = int(change.after)
        operations.set_limit(row, limit, actor=actor, reason=reason, binding=change.rule, evidence=evidence)
    elif knob == "cron" and (cron_of(row) or "") == change.before:
        operations.set_cron(row, change.after, actor=actor, reason=reason, evidence=evidence)
    elif knob in {"part", "part_limit"}:
        return _turn_part(row.parts.filter(kind=kind).first(), change, evidence)
    else:
        return False
    return True


def _turn_part(part: OperationPart | None, change: Change, evidence: dict[str, object]) -> bool:
    actor = f"rule:{change.rule}"
    if part is None:
        return False
    if change.knob.startswith("part:") and part.mode == change.before:
        operations.set_part_mode(part, change.after, actor=actor, reason=change.reason, evidence=evidence)
        return True
    if change.knob.startswith("part_limit:") and str(part.limit) == change.before:
        reason = change.reason or "The plan says so."
        operations.set_part_limit(
            part, int(change.after), actor=actor, reason=reason, binding=change.rule, evidence=evidence
        )
        return True
    return False


def _is_told(change: Change) -> bool:
    """Quota and room move every few minutes, and of a limit that stays only the term may become another one: that
    stands in the audit log, not in what people read.
    """
    is_limit = change.knob.startswith(("limit", "part_limit"))
    return not is_limit or (change.rule.startswith(("plan", "override")) and change.before != change.after)


def _sentence(change: Change) -> str:
    before, after = (value.replace("_", " ") or "nothing" for value in (change.before, change.after))
    knob = change.knob.replace("part_limit:", "limit of part ").replace("part:", "part ")
    return f"{change.operation}: {knob} from {before} to {after}. {change.reason}".strip()


def _renew_leases(seen: Situation, rows: list[Operation], fence: Fence, now: datetime) -> None:
    """Live work goes on only where it ought to be live; without this it ends by itself."""
    wanted = [now_.name for now_ in seen.operations if desired.desired(seen, now_).lease]
    ids = [row.pk for row in rows if row.name in wanted]
    if ids:
        with fence.change():
            Operation.objects.filter(pk__in=ids, mode=Mode.LIVE, lease_owner=Operation.LeaseOwner.ROLLOUT).update(
                live_until=now + LEASE
            )


def reconcile_all(now: datetime | None = None) -> int:
    """Every rollout that is at work; how many changes were made."""
    made = 0
    for rollout in Rollout.objects.filter(state__in=AT_WORK).select_related("repository", "plan"):
        made += len(reconcile(rollout, now))
    return made
