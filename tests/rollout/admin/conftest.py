"""The small world of a rollout, and a signed-in client for each role."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from tests.rollout.admin.world import World, build


@pytest.fixture
def world(db: None) -> World:
    return build()


def _signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


@pytest.fixture
def as_role(world: World) -> Callable[[str], Client]:
    """A client signed in as somebody of that role; "superuser" is everybody's master."""

    def client(role: str) -> Client:
        name = role.replace(" ", "-")
        if role == "superuser":
            return _signed_in(User.objects.create_superuser("root"))
        person, _ = User.objects.get_or_create(username=name, defaults={"is_staff": True})
        person.groups.add(Group.objects.get(name=role))
        return _signed_in(person)

    return client


@pytest.fixture
def as_person(world: World) -> Callable[[str], Client]:
    """A client signed in as a person of the world."""
    return lambda name: _signed_in(User.objects.get(username=name))


@pytest.fixture
def root(as_role: Callable[[str], Client]) -> Client:
    return as_role("superuser")
