"""Scenarios run on a database that commits, as production does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.scenarios.world import World, world


@pytest.fixture
def graphql(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with world(monkeypatch) as made:
        yield made


@pytest.fixture
def rest(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with world(monkeypatch, "rest") as made:
        yield made


@pytest.fixture(params=["graphql", "rest"])
def both(request: pytest.FixtureRequest, transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """The same scenario over both protocols."""
    with world(monkeypatch, request.param) as made:
        yield made
