"""Roles as data: each holds what the one before it holds, and all of it exists."""

from __future__ import annotations

import itertools

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import call_command

from pipeline.permissions import ROLES


def test_every_role_may_what_the_one_before_it_may() -> None:
    for lower, higher in itertools.pairwise(ROLES):
        assert lower.permissions <= higher.permissions, higher.name


def test_stakeholder_may_only_view() -> None:
    """Beside signing, for a role of the plan that they hold, and answering the survey."""
    others = {name for name in ROLES[0].permissions if not name.split(".", 1)[1].startswith("view_")}
    assert others == {"rollout.answer_survey", "rollout.sign_gate"}


@pytest.mark.django_db
def test_roles_command_repeated_writes_each_group_once() -> None:
    call_command("roles", verbosity=0)
    call_command("roles", verbosity=0)

    assert set(Group.objects.values_list("name", flat=True)) == {role.name for role in ROLES}
    for role in ROLES:
        member = User.objects.create_user(role.name.replace(" ", "-"))
        member.groups.add(Group.objects.get(name=role.name))
        assert member.get_all_permissions() == role.permissions


@pytest.mark.django_db
def test_roles_command_takes_back_what_a_role_does_not_name() -> None:
    call_command("roles", verbosity=0)
    stakeholder, lead = Group.objects.get(name="stakeholder"), Group.objects.get(name="rollout lead")
    stakeholder.permissions.set(lead.permissions.all())

    call_command("roles", verbosity=0)

    assert stakeholder.permissions.count() == len(ROLES[0].permissions)
