"""What a newcomer sees after `up`: a drawn batch with a queue for the administrator, from runs in the sandbox."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command

from pipeline.models import Handover, Repository
from rollout.models import Announcement, Review, ReviewBatch
from rollout.services import ticking
from rollout.services.reviews import batches, claims
from tests.scenarios.world import World, world


@pytest.fixture
def demonstration(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Its issues get their guidance from the real operations."""
    with world(monkeypatch) as made:
        Repository.objects.update(is_demonstration=True)
        call_command("reviews", "ship", verbosity=0)
        made.live()
        yield made


def test_first_issues_are_drawn_for_the_administrator(demonstration: World) -> None:
    root = User.objects.create_superuser("admin", email="admin@localhost")
    demonstration.feed.publish(3)
    demonstration.until(lambda: Handover.objects.count() == 3)
    ticking.carry_on(demonstration.clock.now())
    assert not ReviewBatch.objects.exists()

    demonstration.feed.publish(2)
    demonstration.until(lambda: Handover.objects.count() == 5)
    ticking.carry_on(demonstration.clock.now())
    ticking.carry_on(demonstration.clock.now())

    batch = ReviewBatch.objects.get()
    assert (batch.drawn_by, batch.state, batch.samples.count()) == ("rule:demonstration", "open", 5)
    assert batches.verify(batch).faults == ()
    sample = claims.start_next(root).sample
    assert all((sample.discovery, sample.assessment, sample.guidance, sample.assignment, sample.workflow))
    assert Review.objects.filter(seat=2, reviewer=None).count() == batch.double == 2
    assert Announcement.objects.filter(subject__startswith="Guidance to review").exists()
