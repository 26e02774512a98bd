"""Two who draw one week at once: one sample, whoever is first."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User

from pipeline.clock import VirtualClock
from pipeline.services.operations import NotPossible
from rollout.models import Announcement, Review, ReviewBatch
from rollout.services.reviews import batches, rubrics
from tests.factories import make_repository
from tests.rollout.factories import make_person, make_team
from tests.rollout.services.reviews.drawing import LAST_WEEK, many
from tests.rollout.services.reviews.test_races import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def test_week_is_drawn_by_one_of_two_at_once(virtual_clock: VirtualClock) -> None:
    rubrics.ship()
    make_team(members=2)
    repository = make_repository()
    many(repository, 12)
    virtual_clock.advance(timedelta(hours=1))
    refused: list[str] = []

    def draw(person: User) -> None:
        try:
            batches.draw(repository, LAST_WEEK, by=person.username, reason="At once.")
        except NotPossible as refusal:
            refused.append(str(refusal))

    at_once([make_person(), make_person()], draw)

    batch = ReviewBatch.objects.get()
    assert len(refused) == 1
    assert "a week is drawn once" in refused[0]
    assert (batch.samples.count(), Review.objects.count()) == (10, 13)
    assert batches.verify(batch).faults == ()
    assert Announcement.objects.filter(key__startswith="reviews:").count() == 2
