"""One repository that is followed."""

from __future__ import annotations

import pytest

from pipeline.models import Repository
from tests.fake_github import FakeGitHub
from tests.rollout.services.escalation.late import followed


@pytest.fixture
def repository(github: FakeGitHub) -> Repository:
    return followed()
