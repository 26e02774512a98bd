"""Asking a metric in short."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from pipeline.models import Repository
from rollout.domain.measures import Reading, Scope, Window
from rollout.metrics.registry import metric
from tests.factories import make_repository
from tests.rollout.evidence_rows import START

Ask = Callable[..., Reading]


@pytest.fixture
def repository(db: None) -> Repository:
    return make_repository(synced_at=START + timedelta(hours=1))


@pytest.fixture
def ask(repository: Repository) -> Ask:
    """`ask("slug", operation="assign", runs=4, now=…)`."""

    def asked(
        slug: str,
        *,
        operation: str = "",
        workflow: str = "",
        runs: int | None = None,
        hours: float | None = None,
        floor: datetime = START,
        now: datetime = START + timedelta(days=6),
    ) -> Reading:
        return metric(slug).read(Scope(repository.pk, operation, workflow), Window(runs, hours), floor, now)

    return asked
