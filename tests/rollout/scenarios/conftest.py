"""Rollout scenarios run on a database that commits, as production does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.rollout.scenarios.course import Course, course


@pytest.fixture
def rehearsal(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Course]:
    with course(monkeypatch) as made:
        yield made
