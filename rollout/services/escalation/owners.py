"""Who is told of an overdue issue, and who owns its review: whoever holds the role, else the lead; never nobody."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib.auth.models import User

from rollout.models import Rollout
from rollout.services.people import LEAD

LEADS = "rollout lead"  # the group
NOBODY = "rollout lead"  # an owner where nobody has an account yet: the role itself


def rollout_of(repository_id: int) -> Rollout | None:
    """The rollout whose roles count: the newest that is not finished, else the newest."""
    rows = Rollout.objects.filter(repository=repository_id).order_by("-pk")
    return rows.exclude(state=Rollout.State.FINISHED).first() or rows.first()


def told(repository_id: int, role: str) -> list[User]:
    """The holders of the role, else of the lead's role, else the group of leads, else an administrator."""
    rollout = rollout_of(repository_id)
    wanted = [name for name in (role, LEAD) if name and rollout is not None]
    for name in wanted:
        found = _holders(rollout, name)
        if found:
            return found
    active = User.objects.filter(is_active=True).order_by("pk")
    return list(active.filter(groups__name=LEADS)) or list(active.filter(is_superuser=True)[:1])


def owner(repository_id: int, role: str) -> str:
    found = told(repository_id, role)
    return found[0].get_username() if found else NOBODY


def addresses(people: Sequence[User]) -> list[str]:
    return sorted({person.email for person in people if person.email})


def _holders(rollout: Rollout | None, role: str) -> list[User]:
    spellings = {role, role.replace("-", "_")}
    rows = User.objects.filter(
        is_active=True, rollout_roles__rollout=rollout, rollout_roles__role__in=spellings
    ).order_by("rollout_roles__backup", "rollout_roles__pk")
    return list(dict.fromkeys(rows))
