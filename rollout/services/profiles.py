"""Which reading of the triggers is in force: the plan's literal rules, or "guarded", which a person signs."""

from __future__ import annotations

from django.db import transaction

from pipeline.services import audit
from pipeline.services.operations import NotPossible
from rollout.models import Rollout
from rollout.services import record


@transaction.atomic
def choose(rollout: Rollout, profile: str, *, by: str, reason: str) -> Rollout:
    """Switch the profile; choosing "guarded" is signing it."""
    record.need_person(by, "Choosing how triggers are read")
    record.need_reason(reason)
    if profile not in Rollout.Profile.values:
        raise NotPossible(f"There is no profile {profile!r}; choose one of {', '.join(Rollout.Profile.values)}.")
    before = Rollout.objects.select_for_update().get(pk=rollout.pk)
    if before.state == Rollout.State.FINISHED:
        raise NotPossible(f"{rollout} is over; nothing was changed.")
    if before.profile == profile:
        return before
    signed = by if profile == Rollout.Profile.GUARDED else ""
    Rollout.objects.filter(pk=rollout.pk).update(profile=profile, profile_signed_by=signed)
    rollout.refresh_from_db()
    audit.append(
        actor=by,
        action="rollout.profile",
        subject=str(rollout),
        reason=reason,
        before={"profile": before.profile},
        after={"profile": profile, "signed_by": signed},
    )
    record.say(rollout, by, f"Triggers are read as {rollout.get_profile_display()}: {reason.strip()}")
    return rollout
