"""The small world, and a signed-in client for each role."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from tests.pipeline.admin.world import World, build


@pytest.fixture
def world(db: None) -> World:
    return build()


@pytest.fixture
def as_role(world: World) -> Callable[[str], Client]:
    """A client signed in as somebody of that role; "superuser" is everybody's master."""

    def client(role: str) -> Client:
        if role == "superuser":
            person = User.objects.create_superuser("root")
        else:
            person = User.objects.create_user(role.replace(" ", "-"), is_staff=True)
            person.groups.add(Group.objects.get(name=role))
        signed_in = Client()
        signed_in.force_login(person)
        return signed_in

    return client


@pytest.fixture
def root(as_role: Callable[[str], Client]) -> Client:
    return as_role("superuser")
