"""A started rollout, and a client for each kind of caller."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest
from django.conf import settings as real
from django.contrib.auth.models import User
from django.test import Client

from rollout.models import Rollout
from tests.rollout.admin.world import person, start

TOKEN = "t0ken-of-the-api"


@pytest.fixture
def rollout(db: None) -> Rollout:
    return start()


@pytest.fixture
def token(settings: object) -> str:
    settings.CONTROLPLANE = dataclasses.replace(real.CONTROLPLANE, api_token=TOKEN)  # type: ignore[attr-defined]
    return TOKEN


@pytest.fixture
def as_role(rollout: Rollout) -> Callable[[str], Client]:
    def client(role: str) -> Client:
        signed_in = Client()
        signed_in.force_login(person(role.replace(" ", "-"), role))
        return signed_in

    return client


@pytest.fixture
def strict(rollout: Rollout) -> Client:
    """Signed in as everybody's master, and checked for CSRF."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.create_superuser("root"))
    return client
