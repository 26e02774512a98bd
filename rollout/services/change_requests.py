"""A plan that is in force changes only by request: asked by one person, approved by another who saw the diff."""

from __future__ import annotations

from django.db import transaction

from pipeline import clock
from pipeline.services import audit
from pipeline.services.operations import NotPossible
from rollout.domain.plan import Plan
from rollout.domain.plan_file import PlanFileError
from rollout.models import ChangeRequest, Gate, PlanVersion, Rollout, StepProgress
from rollout.services import fence, plans, promises, reconcile, situation
from rollout.services.record import need_person, need_reason, same, say


@transaction.atomic
def ask(rollout: Rollout, text: str, *, actor: str, reason: str, seen: str = "") -> ChangeRequest:
    """Ask for the plan of `rollout` to become `text`. PlanFileError where it cannot be read.

    `seen`: the hash of the plan that the text was made from, so that it does not undo what changed since.
    """
    need_person(actor, "Asking for a change of the plan")
    need_reason(reason)
    rollout = Rollout.objects.select_related("plan").get(pk=rollout.pk)  # the caller's may be older
    current = _current(rollout)
    if seen and seen != current.sha256:
        raise NotPossible(
            f"The plan became {plans.name_of(current)} while you wrote; keep your text, open the page again and make "
            "the change there. Nothing was changed."
        )
    _check_fits(rollout, current, text)
    request = ChangeRequest.objects.create(
        rollout=rollout,
        text=text,
        diff=_diff(current, text),
        reason=reason.strip()[:500],
        asked_by=actor,
        asked_at=clock.now(),
        base_sha256=current.sha256,
    )
    audit.append(
        actor=actor,
        action="plan.change_asked",
        subject=str(rollout),
        reason=reason,
        before={"plan": plans.name_of(current), "sha256": current.sha256},
        after={"sha256": plans.digest(text)},
        evidence={"request": request.pk},
    )
    return request


def approve(request: ChangeRequest, *, actor: str, note: str = "") -> PlanVersion:
    """Put the change in force and carry it out: a new frozen version; gates that are being asked become void."""
    version = _put_in_force(request, actor, note)
    reconcile.reconcile(Rollout.objects.get(pk=request.rollout_id))
    return version


@transaction.atomic
def _put_in_force(request: ChangeRequest, actor: str, note: str) -> PlanVersion:
    need_person(actor, "Approving a change of the plan")
    request = _open(request)
    _check_other(request, actor)
    rollout = Rollout.objects.select_for_update().select_related("plan").get(pk=request.rollout_id)
    fence.cut(rollout)
    current = _current(rollout)
    if request.base_sha256 != current.sha256:
        raise NotPossible(
            f"The plan became {plans.name_of(current)} after this change was asked for; withdraw it and ask again."
        )
    if request.diff != _diff(current, request.text):
        raise NotPossible("The request's text does not fit the diff that is shown; withdraw it and ask again.")
    try:
        plan = _check_fits(rollout, current, request.text)
    except PlanFileError as error:  # it could be read when it was asked for
        raise NotPossible(f"The changed plan cannot be carried out any more: {error} Withdraw it.") from error
    version = plans.next_version(plan, request.text, actor=request.asked_by, frozen=True)
    if not Rollout.objects.filter(pk=rollout.pk, plan=current).update(plan=version):
        raise NotPossible("The rollout's plan was changed by somebody else meanwhile; read it again.")
    _settle(request, ChangeRequest.State.APPROVED, actor, note)
    void = Gate.objects.filter(rollout=rollout, state=Gate.State.ASKED).update(state=Gate.State.VOID)
    _add_steps(rollout, plan)
    promises.adopt(rollout, plan, actor=actor)
    _record(request, actor, current, version, void)
    return version


@transaction.atomic
def reject(request: ChangeRequest, *, actor: str, note: str) -> ChangeRequest:
    """Refuse the change; the one who asked is told why."""
    need_person(actor, "Rejecting a change of the plan")
    need_reason(note)
    request = _open(request)
    _check_other(request, actor)
    return _closed(request, ChangeRequest.State.REJECTED, actor, note)


@transaction.atomic
def withdraw(request: ChangeRequest, *, actor: str) -> ChangeRequest:
    """Take one's own request back."""
    request = _open(request)
    if not same(request.asked_by, actor):
        raise NotPossible(f"This change was asked for by {request.asked_by}; only they can withdraw it, so reject it.")
    return _closed(request, ChangeRequest.State.WITHDRAWN, actor, "")


def _current(rollout: Rollout) -> PlanVersion:
    if rollout.state == Rollout.State.FINISHED:
        raise NotPossible("The rollout is finished, so its plan cannot change; import a new version for the next one.")
    version = rollout.plan
    if version.status == PlanVersion.Status.DRAFT:
        raise NotPossible(f"{plans.name_of(version)} is a draft; edit it directly.")
    return version


def _check_fits(rollout: Rollout, current: PlanVersion, text: str) -> Plan:
    """The plan in `text`, if this rollout can go on with it."""
    plan = plans.read(text, name=f"{current.slug}.yaml")
    if plan.slug != current.slug:
        raise NotPossible(f"The plan's slug is {plan.slug!r} and must stay {current.slug!r}.")
    if plans.digest(text) == current.sha256:
        raise NotPossible("The text is the plan that is in force already; nothing would change.")
    if rollout.phase and plan.phase(rollout.phase) is None:
        raise NotPossible(f"The phase {rollout.phase!r} is in force and is missing from the changed plan; keep it.")
    numbers = {step.number for phase in plan.phases for step in phase.steps}
    begun = rollout.steps.exclude(state=StepProgress.State.WAITING).values_list("number", flat=True)
    gone = sorted(set(begun) - numbers)
    if gone:
        raise NotPossible(f"Step {', '.join(gone)} has begun and is missing from the changed plan; keep it.")
    lacked = situation.missing(rollout.repository_id, plans.plan_of(current))
    new = [name for name in situation.missing(rollout.repository_id, plan) if name not in lacked]
    if new:
        raise NotPossible(
            f"The changed plan turns {', '.join(new)}, which {rollout.repository} does not have; add them on the "
            "repository's page first. Nothing was changed."
        )
    return plan


def _diff(current: PlanVersion, text: str) -> str:
    return plans.difference(current.text, text, before=plans.name_of(current), after="asked for").readable()


def _open(request: ChangeRequest) -> ChangeRequest:
    found = ChangeRequest.objects.select_for_update().get(pk=request.pk)
    if found.state != ChangeRequest.State.OPEN:
        raise NotPossible(f"This change request is {found.get_state_display()} already.")
    return found


def _check_other(request: ChangeRequest, actor: str) -> None:
    if same(request.asked_by, actor):
        raise NotPossible("A change is reviewed by somebody other than the one who asked for it.")


def _closed(request: ChangeRequest, state: ChangeRequest.State, actor: str, note: str) -> ChangeRequest:
    _settle(request, state, actor if state != ChangeRequest.State.WITHDRAWN else "", note)
    audit.append(
        actor=actor,
        action=f"plan.change_{state.value}",
        subject=str(request.rollout),
        reason=note or "Withdrawn by the person who asked.",
        evidence={"request": request.pk},
    )
    request.refresh_from_db()
    return request


def _settle(request: ChangeRequest, state: ChangeRequest.State, reviewer: str, note: str) -> None:
    """One of two people who decide at once finds it closed."""
    seen = ChangeRequest.objects.filter(pk=request.pk, state=ChangeRequest.State.OPEN)
    if not seen.update(state=state, reviewed_by=reviewer, reviewed_at=clock.now(), review_note=note.strip()[:500]):
        raise NotPossible("Somebody else decided on this change request meanwhile.")


def _add_steps(rollout: Rollout, plan: Plan) -> None:
    """A started rollout has a row for every step; steps that are new wait."""
    known = set(rollout.steps.values_list("number", flat=True))
    if known:
        numbers = [step.number for phase in plan.phases for step in phase.steps if step.number not in known]
        StepProgress.objects.bulk_create(StepProgress(rollout=rollout, number=number) for number in numbers)


def _record(request: ChangeRequest, actor: str, before: PlanVersion, after: PlanVersion, void: int) -> None:
    audit.append(
        actor=actor,
        action="plan.changed",
        subject=str(request.rollout),
        reason=request.reason,
        before={"plan": plans.name_of(before), "sha256": before.sha256},
        after={"plan": plans.name_of(after), "sha256": after.sha256},
        evidence={"request": request.pk, "asked_by": request.asked_by, "gates_void": void},
    )
    gates = f" {void} gate{'s' if void > 1 else ''} must be asked again." if void else ""
    say(
        request.rollout,
        actor,
        f"The plan became {plans.name_of(after)}, as {request.asked_by} asked: {request.reason}{gates}",
    )
