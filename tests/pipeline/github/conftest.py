"""Both protocols in front of a real sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from pipeline import clock
from tests.pipeline.github.world import World, world


class WallClock:
    """The adapter asks only for the time; no database is needed for that."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        raise AssertionError("The adapter never sleeps.")


@pytest.fixture(autouse=True)
def wall_clock() -> Iterator[None]:
    with clock.using(WallClock()):
        yield


@pytest.fixture(params=["rest", "graphql"])
def both(request: pytest.FixtureRequest) -> Iterator[World]:
    """The same test on both protocols."""
    with world(request.param) as made:
        yield made


@pytest.fixture
def rest() -> Iterator[World]:
    with world("rest") as made:
        yield made


@pytest.fixture
def graphql() -> Iterator[World]:
    with world("graphql") as made:
        yield made
