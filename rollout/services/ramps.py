"""Counts the days of the ramps: once a day, while the work is live and the prerequisites are met.

Measuring prerequisites takes longer than all the rest of a reconcile, so each measures those of one step at most; the
next one, a minute later, takes the next step.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from pipeline.models import Mode, Operation
from pipeline.services import audit
from rollout.domain import ramp
from rollout.domain.desired import Situation, live_steps
from rollout.domain.plan import Ramp, Step
from rollout.domain.progress import RolloutState
from rollout.domain.ramp import RampState
from rollout.domain.verdicts import Verdict
from rollout.models import Evaluation, Rollout, StepProgress
from rollout.services import evaluation, record
from rollout.services.fence import Fence

ACTOR = "rule:ramp"
TURN = timedelta(minutes=10)  # steps that are all frozen are looked at again in turn


def count_days(
    rollout: Rollout,
    situation: Situation,
    rows: list[Operation],
    fence: Fence,
    now: datetime,
    *,
    look_again: bool = True,
) -> list[StepProgress]:
    """Advance the ramp that is due; those that moved. A frozen one is measured anew with `look_again`."""
    if situation.state is not RolloutState.RUNNING or situation.frozen:
        return []
    rising = {step.number: step for step in live_steps(situation) if step.ramps}
    modes = {row.name: row for row in rows}
    when = (situation.today, now)
    for row in _in_turn(rollout.steps.filter(number__in=rising).order_by("number"), now, look_again=look_again):
        step = rising[row.number]
        before = RampState(row.ramp_day, row.ramp_counted_on, row.frozen_reason)
        if not ramp.is_due(_slope(step), before, situation.today) and not before.frozen:
            continue
        return [row] if _count(rollout, step, row, modes, when, fence) else []
    return []


def _in_turn(rows: Iterable[StepProgress], now: datetime, *, look_again: bool) -> list[StepProgress]:
    """Those that may grow first; then the frozen ones, another in front with each turn."""
    known = list(rows)
    frozen = [row for row in known if row.frozen_reason] if look_again else []
    first = int(now.timestamp() // TURN.total_seconds()) % len(frozen) if frozen else 0
    return [row for row in known if not row.frozen_reason] + frozen[first:] + frozen[:first]


def _slope(step: Step) -> Ramp:
    """The longest ramp of a step says when its next day is due."""
    return max(step.ramps, key=ramp.last_day)


def _count(
    rollout: Rollout,
    step: Step,
    row: StepProgress,
    modes: dict[str, Operation],
    when: tuple[date, datetime],
    fence: Fence,
) -> bool:
    """Whether its day grew."""
    today, now = when
    slope = _slope(step)
    before = RampState(row.ramp_day, row.ramp_counted_on, row.frozen_reason)
    not_live = next((why for found in step.ramps if (why := _why_not_live(modes.get(found.operation)))), "")
    shown: list[Evaluation] = []
    if ramp.is_due(slope, before, today) and not not_live:
        shown = _prerequisites(rollout, step, now)
    verdicts = {found.rule: Verdict(found.verdict) for found in shown}
    after = ramp.advance(slope, before, today=today, not_live=not_live, verdicts=verdicts)
    if after == before:
        return False
    with fence.change():
        _write(rollout, row, before, after, shown)
    return after.day > before.day


def _prerequisites(rollout: Rollout, step: Step, now: datetime) -> list[Evaluation]:
    """Those that count; where every one is left out for want of data, nothing was shown, and they all say so."""
    wanted = (criterion for slope in step.ramps for criterion in slope.prerequisites)
    found = [evaluation.evaluate(rollout, criterion, now=now) for criterion in wanted]
    return [judged for judged in found if evaluation.counts(judged)] or found


def _why_not_live(row: Operation | None) -> str:
    if row is None:
        return "The operation does not exist."
    return "" if row.mode == Mode.LIVE else f"{row.name} is not live, so the day does not count."


def _write(rollout: Rollout, row: StepProgress, before: RampState, after: RampState, shown: list[Evaluation]) -> None:
    seen = StepProgress.objects.filter(pk=row.pk, ramp_day=before.day, state=row.state)
    if not seen.update(ramp_day=after.day, ramp_counted_on=after.counted_on, frozen_reason=after.frozen[:300]):
        return
    row.ramp_day, row.ramp_counted_on, row.frozen_reason = after.day, after.counted_on, after.frozen
    grew = after.day > before.day
    if not grew and not after.frozen:
        return
    sentence = (
        f"Ramp day {after.day} of step {row.number} counts."
        if grew
        else f"The ramp of step {row.number} does not grow: {after.frozen}"
    )
    audit.append(
        actor=ACTOR,
        action="step.ramp",
        subject=f"step {row.number} of {rollout}",
        reason=sentence,
        before={"day": before.day, "frozen": before.frozen},
        after={"day": after.day, "frozen": after.frozen},
        evidence={"evaluations": [found.pk for found in shown]},
    )
    record.say(rollout, ACTOR, sentence)
