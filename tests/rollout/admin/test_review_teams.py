"""Teams, members and absences: changed with a reason, which the audit log keeps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import Group
from django.test import Client

from pipeline.models import AuditEntry
from rollout.models import Absence, TeamMember
from tests.rollout.admin.addresses import page
from tests.rollout.admin.world import World
from tests.rollout.factories import make_member, make_person

As = Callable[[str], Client]


def form(world: World, **changed: Any) -> dict[str, Any]:
    """The team's form with its two members and one further row."""
    team = world.team
    values: dict[str, Any] = {
        "name": team.name,
        "slug": team.slug,
        "order": team.order,
        "active": "on",
        "reason": "Why.",
    }
    members = list(team.members.order_by("pk"))
    values |= {"members-TOTAL_FORMS": len(members) + 1, "members-INITIAL_FORMS": len(members)}
    for at, row in enumerate(members):
        values |= {f"members-{at}-id": row.pk, f"members-{at}-team": team.pk, f"members-{at}-user": row.user.pk}
        values |= {f"members-{at}-load_cap": row.load_cap, f"members-{at}-active": "on"}
    new = f"members-{len(members)}-"
    values |= {f"{new}team": team.pk, f"{new}user": "", f"{new}load_cap": 10, f"{new}active": "on"}
    return values | {name.replace("new_", new): value for name, value in changed.items()}


def test_member_is_added_with_login_and_cap(world: World, as_role: As) -> None:
    ana = make_person("ana")
    changed = form(world, new_user=ana.pk, new_github_login="ana-gh", new_load_cap=4, new_wants_reminders="on")

    response = as_role("rollout lead").post(page("reviewteam_change", world.team.pk), changed)

    assert response.status_code == 302
    member = world.team.members.get(user=ana)
    assert (member.github_login, member.load_cap) == ("ana-gh", 4)
    entry = AuditEntry.objects.filter(action="reviewteam.changed").get()
    assert entry.reason == "Why."
    assert f"added {member}" in entry.after["rows"]


def test_change_without_a_reason_is_refused(world: World, as_role: As) -> None:
    as_role("rollout lead").post(page("reviewteam_change", world.team.pk), form(world, name="Other", reason=""))

    world.team.refresh_from_db()
    assert world.team.name != "Other"


def test_absence_is_entered_and_cancelled_with_a_reason(world: World, as_role: As) -> None:
    lead, who = as_role("rollout lead"), make_person("ana")
    days = {"user": who.pk, "first_day": "2026-12-21", "last_day": "2026-12-20", "reason": "Leave."}

    assert "exchange them" in lead.post(page("absence_add"), days).content.decode()
    lead.post(page("absence_add"), days | {"last_day": "2026-12-31"})

    row = Absence.objects.get(user=who)
    assert "Cancel the absence" in lead.get(page("absence_change", row.pk)).content.decode()
    lead.post(page("absence_cancel", row.pk), {"reason": "She stays."})
    assert not Absence.objects.filter(user=who).exists()
    assert AuditEntry.objects.get(action="absence.cancelled").before["last_day"] == "2026-12-31"


def test_reviewer_says_whether_to_be_reminded(world: World, as_person: As, as_role: As) -> None:
    member = world.team.members.get(user__username="rita")
    make_reviewer(member)
    client, address = as_person("rita"), page("reviewteam_reminders")

    assert "checked" in client.get(address).content.decode()
    response = client.post(address, {"reason": ""})

    member.refresh_from_db()
    assert (response.status_code, member.wants_reminders) == (302, False)
    assert AuditEntry.objects.get(action="teammember.reminders").actor == "rita"
    assert "You are in no review team" in as_role("reviewer").post(address, {"reason": ""}).content.decode()
    assert as_role("stakeholder").get(address).status_code == 403


def make_reviewer(member: TeamMember) -> None:
    member.user.is_staff = True
    member.user.save()
    member.user.groups.add(Group.objects.get(name="reviewer"))


def test_team_says_of_a_member_who_may_not_score_that_they_get_no_seats(world: World, as_role: As) -> None:
    lead, address = as_role("rollout lead"), page("reviewteam_change", world.team.pk)
    assert "gets none: may not score" not in lead.get(address).content.decode()

    make_member(team=world.team, may_score=False)

    assert lead.get(address).content.decode().count("gets none: may not score") == 1
