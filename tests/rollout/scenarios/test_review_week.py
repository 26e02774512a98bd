"""A week of guidance review from draw to figures, by the real services: seats, claims, a disagreement, results."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User

from pipeline.clock import VirtualClock
from pipeline.models import AuditEntry
from pipeline.services import audit
from pipeline.services.operations import NotPossible
from rollout.models import Adjudication, Review, ReviewBatch, Score
from rollout.services.reviews import batches, claims, disagreements, results, rubrics, scoring
from rollout.services.reviews.claims import TTL
from tests.factories import make_repository
from tests.rollout import factories as make
from tests.rollout.services.reviews.drawing import LAST_WEEK, NINE, many
from tests.rollout.services.reviews.sheets import sheet

pytestmark = pytest.mark.django_db


def work(name: str, low: str = "4") -> int:
    """Everything that somebody has, first criterion `low`; how many."""
    person, done = User.objects.get(username=name), 0
    while True:
        try:
            seat = claims.start_next(person)
        except NotPossible:
            return done
        slugs = [row.slug for row in seat.sample.batch.rubric.criteria.order_by("order")]
        given = sheet(low, "4", "4", "4", "4")
        marks = dict(zip(slugs, given.marks.values(), strict=True))
        scoring.submit(seat.pk, person, seat.epoch, sheet(marks=marks))
        done += 1


def test_week_of_reviews_from_draw_to_figures(virtual_clock: VirtualClock) -> None:
    virtual_clock.set(NINE)
    repository, team = make_repository(), make.make_team()
    for name in ("rita", "rolf", "ruth"):
        make.make_member(team=team, user=make.make_person(name))
    rubrics.ship()
    many(repository, 14)
    batch = batches.draw(repository, LAST_WEEK, by="lea", reason="It is Monday.")
    assert (batch.samples.count(), Review.objects.count()) == (10, 13)

    # Ruth gives one issue back for good, and leaves another lying until her claim has run out.
    ruth = User.objects.get(username="ruth")
    claims.decline(claims.start_next(ruth).pk, ruth, "I know the author.")
    claims.start_next(ruth)
    virtual_clock.advance(TTL + timedelta(minutes=1))
    assert work("rita") + work("rolf", low="2") + work("ruth", low="0") == 13

    assert set(Review.objects.values_list("state", flat=True)) == {"submitted"}
    assert Score.objects.count() == 65
    lea = make.make_person("lea")
    assert Adjudication.objects.count() == 3  # any two of them are two points apart
    for dispute in Adjudication.objects.all():
        assert ReviewBatch.objects.get().state == "open"
        disagreements.choose(dispute, lea, disagreements.pair(dispute.sample)[0], "It names the persona well enough.")

    batch.refresh_from_db()
    assert batch.state == "done"
    final = results.finals(results.read(repository.pk, LAST_WEEK, LAST_WEEK))
    assert len(final) == 10
    assert batches.verify(batch).faults == ()
    assert audit.verify().fault == ""
    assert AuditEntry.objects.filter(action="review.submitted").count() == 13
