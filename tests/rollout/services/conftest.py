"""A clock that stands still, GitHub in memory, files and telemetry in a folder of the test."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from pipeline import clock
from pipeline.services import connect
from tests.factories import MOMENT
from tests.fake_github import FakeGitHub


@pytest.fixture(autouse=True)
def _folders_of_the_test(settings: Settings, tmp_path: Path) -> None:
    settings.CONTROLPLANE = replace(
        settings.CONTROLPLANE, telemetry_dir=tmp_path / "telemetry", data_dir=tmp_path, slack_webhook_url=""
    )


@pytest.fixture
def time(db: None) -> Iterator[clock.VirtualClock]:
    """Stands at MOMENT; the database may be used."""
    with clock.using(clock.VirtualClock(MOMENT)) as moving:
        assert isinstance(moving, clock.VirtualClock)
        yield moving


@pytest.fixture
def github(time: clock.VirtualClock) -> Iterator[FakeGitHub]:
    """In force for every repository."""
    fake = FakeGitHub()
    with connect.using(lambda _: fake):
        yield fake
