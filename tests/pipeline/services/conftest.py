"""A clock that stands still, GitHub in memory, telemetry in a folder of the test."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from pipeline import clock
from pipeline.services import connect, telemetry
from tests.factories import MOMENT
from tests.fake_github import FakeGitHub


@pytest.fixture(autouse=True)
def _telemetry_of_the_test(settings: Settings, tmp_path: Path) -> None:
    settings.CONTROLPLANE = replace(settings.CONTROLPLANE, telemetry_dir=tmp_path / "telemetry")


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


@pytest.fixture
def told() -> Callable[[], list[dict[str, Any]]]:
    """The telemetry of the present day, read back."""

    def read() -> list[dict[str, Any]]:
        path = telemetry.file_for(clock.now())
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []

    return read
