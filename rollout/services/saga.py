"""Rolls back: a saga of steps (rollout/domain/saga.py), each idempotent, checked, and taken up again after a crash.

`start` switches the schedules off before it returns; `advance`, called by every tick, carries on wherever it stands.
A step is claimed by a conditional update of its due time, so that two ticks never carry out the same one; whoever dies
over a step leaves it claimed for a minute.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import F, Q

from pipeline import clock
from pipeline.github.port import GitHubError
from pipeline.services import audit
from pipeline.services.audit import ChainBusy
from pipeline.services.operations import NotPossible
from rollout.domain import saga as plan
from rollout.domain.saga import MOST_ATTEMPTS, Overall, Standing
from rollout.models import Firing, ProgressEntry, Rollback, RollbackStep, Rollout
from rollout.services import rollback_scope
from rollout.services.saga_steps import AFRESH, CARRY_OUT
from rollout.services.saga_steps.base import Done, NotYet, Outcome, StepFailed, actor, marking

CLAIM = timedelta(minutes=1)
LONGEST = plan.wait_after(MOST_ATTEMPTS)
FIRST = "schedules_off"
State = RollbackStep.State
OPEN = (State.WAITING, State.FAILED)
# What a step may fail with; anything else is a fault of ours, and the step is tried again once its claim ran out.
FAILURES = (StepFailed, NotPossible, GitHubError, ChainBusy, OSError)


def start(
    rollout: Rollout,
    *,
    step: str,
    by: str,
    reason: str,
    trigger: str = "",
    firing: Firing | None = None,
    drill: bool = False,
    revert: bool = False,
) -> Rollback:
    """Roll back `step` ("1.1"), or everything (""). Its schedules are off when this returns.

    A rollback of the same scope that is under way is returned instead of a second one. NotPossible in one sentence.
    """
    _check(rollout, step, reason, drill)
    running = _under_way(rollout, step, drill)
    if running is not None:
        return running
    try:
        with transaction.atomic():
            rollback = _create(rollout, step, by, reason, trigger, firing, drill, revert)
    except IntegrityError:
        found = _under_way(rollout, step, drill)
        if found is None:
            raise
        return found
    _pass(rollback, rollback.started_at, only=FIRST)
    rollback.refresh_from_db()
    return rollback


def _check(rollout: Rollout, step: str, reason: str, drill: bool) -> None:
    if not reason.strip():
        raise NotPossible("A rollback needs a reason; write one sentence. Nothing was rolled back.")
    if drill and not rollout.repository.is_demonstration:
        raise NotPossible(
            f"A drill switches schedules off for real, so it runs against the demonstration repository only; "
            f"{rollout.repository} is not one. Nothing was rolled back."
        )
    rollback_scope.check_step(rollout, step)


def _under_way(rollout: Rollout, step: str, drill: bool) -> Rollback | None:
    """A real rollback of this scope, or of everything; a drill gives way to the real thing."""
    rows = Rollback.objects.filter(rollout=rollout, state=Rollback.State.RUNNING, step__in={step, ""})
    for row in rows.order_by("step", "pk"):
        if row.is_drill and not drill:
            _break_off(row, "A real rollback began.")
        else:
            return row
    return None


def _create(
    rollout: Rollout,
    step: str,
    by: str,
    reason: str,
    trigger: str,
    firing: Firing | None,
    drill: bool,
    revert: bool,
) -> Rollback:
    now = clock.now()
    rollback = Rollback.objects.create(
        rollout=rollout,
        step=step,
        by=by[:150],
        reason=reason.strip()[:500],
        trigger=trigger[:80],
        firing=firing,
        started_at=now,
        is_drill=drill,
        revert_effects=revert,
    )
    RollbackStep.objects.bulk_create(
        RollbackStep(rollback=rollback, order=order, name=row.name)
        for order, row in enumerate(plan.steps_of(drill=drill))
    )
    evidence: dict[str, object] = {"rollback": rollback.pk, "trigger": trigger, "firing": firing.pk if firing else None}
    _write_down(rollback, "drill.started" if drill else "rollback.started", by, reason, evidence)
    return rollback


def advance(rollback: Rollback, now: datetime) -> Rollback:
    """Carry every step as far as it goes now. Idempotent; to be called outside of a transaction."""
    _pass(rollback, now)
    _fold(rollback, now)
    rollback.refresh_from_db()
    return rollback


def _pass(rollback: Rollback, now: datetime, only: str = "") -> None:
    """Try what is ready, each once; what that settles makes others ready."""
    tried: set[str] = set()
    while True:
        rows = {row.name: row for row in rollback.steps.all()}
        ready = plan.ready({name: Standing(row.state) for name, row in rows.items()})
        open_names = [name for name in ready if name not in tried and only in ("", name)]
        if not open_names:
            return
        tried.add(open_names[0])
        _try(rollback, rows[open_names[0]], now)


def _try(rollback: Rollback, step: RollbackStep, now: datetime) -> None:
    if not _claim(step, now):
        return
    try:
        outcome = CARRY_OUT[step.name](rollback, step, now)
    except FAILURES as error:
        _failed(step, error, now)
    else:
        _settle(rollback, step, outcome, now)


def _claim(step: RollbackStep, now: datetime) -> bool:
    """Nobody else carries it out meanwhile. Tries that ended without a word (a crash) count as failures."""
    if not _is_due(step, now):
        return False
    if step.attempts >= MOST_ATTEMPTS:
        if step.state == State.WAITING:
            detail = f"Given up after {step.attempts} tries that ended without an answer; look into the log."
            RollbackStep.objects.filter(pk=step.pk, state=State.WAITING).update(state=State.FAILED, detail=detail)
        return False
    seen = Q(due_at__isnull=True) if step.due_at is None else Q(due_at=step.due_at)
    mine = RollbackStep.objects.filter(seen, pk=step.pk, state__in=OPEN, attempts=step.attempts)
    if not mine.update(attempts=F("attempts") + 1, due_at=now + CLAIM):
        return False
    step.refresh_from_db()
    return True


def _is_due(step: RollbackStep, now: datetime) -> bool:
    """A time that is further off than any wait was set by a clock that was ahead."""
    return step.due_at is None or not now < step.due_at <= now + LONGEST


def _settle(rollback: Rollback, step: RollbackStep, outcome: Outcome, now: datetime) -> None:
    """Only whoever claimed the step writes down what came of it."""
    if isinstance(outcome, NotYet):
        evidence = outcome.evidence or step.evidence
        failures = step.attempts - 1  # this try was none; what begins anew and fails each time is given up as well
        _write(
            step, state=State.WAITING, detail=outcome.detail, evidence=evidence, attempts=failures, due_at=outcome.until
        )
        return
    done = isinstance(outcome, Done)
    detail = outcome.detail if isinstance(outcome, Done) else outcome.reason
    values: dict[str, object] = {"detail": detail, "evidence": {**step.evidence, **outcome.evidence}}
    with transaction.atomic():
        state = State.DONE if done else State.SKIPPED
        if _write(step, state=state, settled_at=now, due_at=None, **values):
            _write_down(rollback, f"rollback.step.{state.value}", actor(rollback), f"{step.name}: {detail}")


def _failed(step: RollbackStep, error: Exception, now: datetime) -> None:
    evidence = error.evidence if isinstance(error, StepFailed) and error.evidence is not None else step.evidence
    due = now + plan.wait_after(step.attempts)
    _write(step, state=State.FAILED, detail=str(error), evidence=evidence, due_at=due)


def _write(step: RollbackStep, **values: object) -> bool:
    mine = RollbackStep.objects.filter(pk=step.pk, state__in=OPEN, due_at=step.due_at, attempts=step.attempts)
    return bool(mine.update(**values))


def _fold(rollback: Rollback, now: datetime) -> None:
    overall = plan.overall({row.name: (Standing(row.state), row.attempts) for row in rollback.steps.all()})
    if overall is Overall.RUNNING:
        return
    with transaction.atomic():
        ended = now if overall is Overall.DONE else None
        running = Rollback.objects.filter(pk=rollback.pk, state=Rollback.State.RUNNING)
        if not running.update(state=overall.value, finished_at=ended):
            return
        kind = "drill" if rollback.is_drill else "rollback"
        sentence = _ended(rollback, overall, now)
        _write_down(rollback, f"{kind}.{overall.value}", actor(rollback), sentence)
        ProgressEntry.objects.create(
            rollout=rollback.rollout, at=now, actor=actor(rollback), sentence=f"{marking(rollback)}{sentence}"
        )


def _ended(rollback: Rollback, overall: Overall, now: datetime) -> str:
    scope = rollback_scope.named(rollback.rollout, rollback.step)
    if overall is Overall.STUCK:
        failed = [row.name for row in rollback.steps.filter(state=State.FAILED)]
        return f"The rollback of {scope} waits for a person: {', '.join(failed)} failed."
    seconds = int((now - rollback.started_at).total_seconds())
    off = rollback.schedules_off_at
    stopped = (
        f"; its schedules were verified off after {int((off - rollback.started_at).total_seconds())} s" if off else ""
    )
    return f"The rollback of {scope} is complete after {seconds} s{stopped}."


def retry(step: RollbackStep, *, by: str) -> None:
    """A person has removed the cause: the step is tried anew with the next tick."""
    with transaction.atomic():
        failed = RollbackStep.objects.filter(pk=step.pk, state=State.FAILED)
        if not failed.update(state=State.WAITING, attempts=0, due_at=None):
            raise NotPossible(f"The step {step.name} has not failed; there is nothing to try again.")
        if step.name in AFRESH:
            AFRESH[step.name](step.rollback)
        _run_again(step.rollback)
        _write_down(step.rollback, "rollback.step.retried", by, f"{step.name} is tried again.")


def skip(step: RollbackStep, *, by: str, reason: str) -> None:
    """A person decides that a failed step is not needed. Switching the schedules off is never skipped."""
    if step.name == FIRST:
        raise NotPossible("That the schedules are off is what a rollback is for; this step cannot be skipped.")
    with transaction.atomic():
        failed = RollbackStep.objects.filter(pk=step.pk, state=State.FAILED)
        detail = f"Skipped by {by}: {reason}"
        if not failed.update(state=State.SKIPPED, detail=detail, settled_at=clock.now(), due_at=None):
            raise NotPossible(f"The step {step.name} has not failed; only a failed step is skipped.")
        _run_again(step.rollback)
        _write_down(step.rollback, "rollback.step.skipped", by, f"{step.name}: {reason}")


def revert_too(rollback: Rollback, *, by: str, reason: str) -> None:
    """A person decides afterwards to undo what the runs changed; the issues between two states are listed anew then."""
    if rollback.is_drill or not rollback_scope.is_rolled_back(rollback):
        raise NotPossible(
            f"The {rollback} is a drill, or its scope was started again since; revert the runs on their own pages."
        )
    with transaction.atomic():
        if not Rollback.objects.filter(pk=rollback.pk, revert_effects=False).update(revert_effects=True):
            raise NotPossible(f"The {rollback} undoes what its runs changed already.")
        again = rollback.steps.filter(name__in=("effects_reverted", "triage_listed"))
        again.update(state=State.WAITING, attempts=0, due_at=None, settled_at=None, detail="")
        _run_again(rollback)
        _write_down(rollback, "rollback.revert_chosen", by, reason)


def _run_again(rollback: Rollback) -> None:
    ended = (Rollback.State.STUCK, Rollback.State.DONE)
    try:
        with transaction.atomic():
            rows = Rollback.objects.filter(pk=rollback.pk, state__in=ended)
            rows.update(state=Rollback.State.RUNNING, finished_at=None)
    except IntegrityError as error:
        raise NotPossible("Another rollback of the same scope is under way; let it finish first.") from error


def _break_off(rollback: Rollback, reason: str) -> None:
    """End a drill where it stands; its operations stay off for whoever takes over."""
    now = clock.now()
    with transaction.atomic():
        rollback.steps.filter(state__in=OPEN).update(state=State.SKIPPED, detail=reason, settled_at=now, due_at=None)
        Rollback.objects.filter(pk=rollback.pk).update(state=Rollback.State.DONE, finished_at=now)
        _write_down(rollback, "drill.broken_off", actor(rollback), reason)


def last_drill(rollout: Rollout) -> tuple[Rollback, timedelta] | None:
    """The newest finished drill and how long it took."""
    rows = Rollback.objects.filter(rollout=rollout, is_drill=True, finished_at__isnull=False)
    row = rows.order_by("-pk").first()
    return (row, row.finished_at - row.started_at) if row and row.finished_at else None


def _write_down(
    rollback: Rollback, action: str, by: str, reason: str, evidence: dict[str, object] | None = None
) -> None:
    subject = f"rollback {rollback.pk} of {rollback.step or 'everything'} on {rollback.rollout.repository}"
    audit.append(actor=by, action=action, subject=subject, reason=reason, evidence=evidence)
