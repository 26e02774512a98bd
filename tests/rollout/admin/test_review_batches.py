"""Batches for their leads: drawn and verified from the page, seats given away; blind to everybody else."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.test import Client

from pipeline import clock
from pipeline.clock import VirtualClock
from pipeline.models import Repository
from rollout.domain.reviews import verifying
from rollout.models import Review, ReviewBatch, ReviewTeam
from rollout.services.reviews import batches, rubrics
from tests.factories import make_repository
from tests.rollout.admin.addresses import page
from tests.rollout.admin.world import World
from tests.rollout.factories import make_member, make_person, make_team
from tests.rollout.services.reviews.drawing import LAST_WEEK, NINE, many

As = Callable[[str], Client]


@pytest.fixture(autouse=True)
def at_nine(world: World) -> Iterator[VirtualClock]:
    virtual = VirtualClock(NINE)
    with clock.using(virtual):
        yield virtual


@pytest.fixture
def repository(world: World) -> Repository:
    rubrics.ship()
    return make_repository()


@pytest.fixture
def batch(repository: Repository) -> ReviewBatch:
    ReviewTeam.objects.update(active=False)
    make_member(team=make_team(members=1), user=make_person("zita"))
    many(repository, 6)
    return batches.draw(repository, LAST_WEEK, by="lea", reason="As every week.")


def text_of(client: Client, address: str) -> str:
    response = client.get(address, follow=True)
    assert response.status_code == 200
    return response.content.decode()


def shown(batch: ReviewBatch) -> str:
    return page("reviewbatch_change", batch.pk)


def seat_of(batch: ReviewBatch) -> Review:
    found = Review.objects.filter(sample__batch=batch, reviewer__isnull=False).first()
    assert found is not None
    return found


def test_lead_draws_a_sample_from_the_page(repository: Repository, as_role: As) -> None:
    many(repository, 3)
    answer = {"repository": repository.pk, "week": LAST_WEEK.isoformat(), "double": 30, "reason": "It is Monday."}

    response = as_role("rollout lead").post(page("reviewbatch_add"), answer, follow=True)

    drawn = ReviewBatch.objects.get(repository=repository)
    assert (drawn.samples.count(), drawn.drawn_by) == (3, "rollout-lead")
    assert "3 instead of 10" in response.content.decode()


def test_refused_draw_is_a_sentence_on_the_form(batch: ReviewBatch, as_role: As) -> None:
    answer = {"repository": batch.repository.pk, "week": LAST_WEEK.isoformat(), "double": 30, "reason": "Again."}

    response = as_role("rollout lead").post(page("reviewbatch_add"), answer | {"left_out": "12, x"})
    assert "is no issue number" in response.content.decode()

    response = as_role("rollout lead").post(page("reviewbatch_add"), answer)
    assert "a week is drawn once" in response.content.decode()


def test_page_shows_frame_hash_seed_and_reasons(batch: ReviewBatch, as_role: As) -> None:
    text = text_of(as_role("stakeholder"), shown(batch))

    for fact in (batch.seed, batch.frame_sha256, "sha256-rank-v1", "6 issues", batch.team_reason):
        assert fact in text


def test_verify_button_says_what_it_found(batch: ReviewBatch, as_role: As) -> None:
    client, address = as_role("stakeholder"), page("reviewbatch_verify", batch.pk)

    assert "Drawn again from the stored seed and frame: the same 6 issues." in text_of(client, address)
    ReviewBatch.objects.filter(pk=batch.pk).update(double=0)
    assert "The draw gives" in text_of(client, address)


def test_download_can_be_verified_by_a_stranger(batch: ReviewBatch, as_role: As) -> None:
    response = as_role("rollout lead").get(page("reviewbatch_export", batch.pk))

    assert verifying.faults(json.loads(response.content)) == []


def test_reviewers_see_neither_seats_nor_what_is_scored_twice_while_it_is_open(batch: ReviewBatch, as_role: As) -> None:
    reviewer, lead = as_role("reviewer"), as_role("rollout lead")

    assert "scored twice" in text_of(lead, shown(batch))
    assert "zita" in text_of(lead, shown(batch))
    blind = text_of(reviewer, shown(batch))
    assert "scored twice" not in blind
    assert "zita" not in blind
    assert reviewer.get(page("reviewbatch_export", batch.pk)).status_code == 403

    ReviewBatch.objects.filter(pk=batch.pk).update(state="done")
    assert "scored twice" in text_of(reviewer, shown(batch))


def test_open_calibration_round_is_shown_to_leads_alone(batch: ReviewBatch, as_role: As) -> None:
    ReviewBatch.objects.filter(pk=batch.pk).update(is_calibration=True)
    reviewer = as_role("reviewer")

    assert reviewer.get(shown(batch)).status_code == 404
    assert shown(batch) not in text_of(reviewer, page("reviewbatch_changelist"))
    assert shown(batch) in text_of(as_role("rollout lead"), page("reviewbatch_changelist"))


def test_lead_sees_states_but_no_score_of_an_open_batch(batch: ReviewBatch, as_role: As) -> None:
    seat = seat_of(batch)
    Review.objects.filter(pk=seat.pk).update(
        state="submitted", submitted_at=NINE, weighted=0.4375, met=False, draft={"sheet": "SECRET-DRAFT"}
    )

    text = text_of(as_role("rollout lead"), shown(batch))

    assert "1 of 8 reviews done" in text
    assert "submitted" in text
    for hidden in ("43.8", "0.4375", "44 %", "not met", "SECRET-DRAFT"):
        assert hidden not in text


def test_lead_reassigns_a_seat_with_a_reason(batch: ReviewBatch, as_role: As) -> None:
    seat, to = seat_of(batch), make_member().user
    address = page("reviewbatch_reassign", batch.pk, seat.pk)
    lead = as_role("rollout lead")

    assert "This field is required" in lead.post(address, {"reviewer": to.pk}).content.decode()
    lead.post(address, {"reviewer": to.pk, "reason": "Knows the harbour."})

    seat.refresh_from_db()
    assert seat.reviewer == to


def test_lead_closes_a_seat_and_takes_an_issue_out(batch: ReviewBatch, as_role: As) -> None:
    lead, seat = as_role("rollout lead"), seat_of(batch)
    other = batch.samples.exclude(pk=seat.sample_id)[0]

    lead.post(page("reviewbatch_close_seat", batch.pk, seat.pk), {"reason": "Nobody is left."})
    lead.post(page("reviewbatch_replace", batch.pk, other.pk), {"reason": "It is a test."})

    seat.refresh_from_db()
    other.refresh_from_db()
    assert (seat.state, other.replaced_reason) == ("skipped", "It is a test.")
    assert "It is a test." in text_of(as_role("stakeholder"), shown(batch))


def test_seat_of_another_batch_is_not_found(batch: ReviewBatch, as_role: As) -> None:
    other = ReviewBatch.objects.exclude(pk=batch.pk).first()
    assert other is not None

    lead = as_role("rollout lead")
    assert lead.get(page("reviewbatch_reassign", other.pk, seat_of(batch).pk)).status_code == 404
    assert lead.get(page("reviewbatch_replace", other.pk, seat_of(batch).sample_id)).status_code == 404


def test_lead_opens_a_calibration_round(batch: ReviewBatch, as_role: As) -> None:
    assert batch.team is not None
    Review.objects.filter(pk=seat_of(batch).pk).update(state="submitted", submitted_at=NINE, for_calibration=True)
    number = seat_of(batch).sample.issue.number
    lead, address = as_role("rollout lead"), page("reviewbatch_calibration")
    assert f'value="{number}"' in lead.get(address).content.decode()

    answer = {"repository": batch.repository.pk, "numbers": f"#{number}", "teams": [batch.team.pk], "days": 3}
    lead.post(address, answer | {"reason": "We differ."})

    round_ = ReviewBatch.objects.get(is_calibration=True, state="open")
    assert (round_.due_at, round_.samples.get().reviews.count()) == (NINE + timedelta(days=3), 2)
