"""Who is told and who owns what: the plan's roles, as people hold them in this rollout (Appendix B)."""

from __future__ import annotations

from django.contrib.auth import get_user_model

from rollout.models import RoleHolder, Rollout

LEAD = "rollout-lead"
STAKEHOLDERS = "stakeholder"  # the group


def holder(rollout: Rollout, role: str) -> str:
    """The user name of who holds a role, the primary before the backup; empty when nobody does."""
    wanted = {role, role.replace("-", "_")}
    rows = RoleHolder.objects.filter(rollout=rollout, role__in=wanted, user__is_active=True).select_related("user")
    found = rows.order_by("backup", "pk").first()
    return found.user.get_username() if found else ""


def lead(rollout: Rollout) -> str:
    return holder(rollout, LEAD)


def addresses(rollout: Rollout, *, owner: str = "") -> list[str]:
    """E-mail addresses of all who hold a role in this rollout, of the stakeholders and of `owner`, each once."""
    users = get_user_model().objects.filter(is_active=True).exclude(email="")
    found = users.filter(rollout_roles__rollout=rollout) | users.filter(groups__name=STAKEHOLDERS)
    if owner:
        found |= users.filter(username=owner)
    return sorted(set(found.values_list("email", flat=True)))
