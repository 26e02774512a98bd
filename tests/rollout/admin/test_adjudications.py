"""Disagreements over HTTP: a third person settles them, without names, once."""

from __future__ import annotations

import pytest

from pipeline.clock import VirtualClock
from rollout.models import Adjudication, Review, ReviewBatch, Score
from tests.rollout.admin.reviewing import filled, open_batch, page, pair, reviewer, roles, signed_in, submit

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _ground(db: None, virtual_clock: VirtualClock) -> None:
    roles()


def test_lead_settles_and_both_reviews_stay() -> None:
    first, second = pair()
    submit(signed_in("rita"), first)
    submit(signed_in("rolf"), second, rating__persona="1", comment__persona="Wrong persona.")
    dispute, lea = Adjudication.objects.get(), signed_in("lea", "rollout lead")
    shown = lea.get(page("adjudication_change", dispute.pk)).content.decode()
    assert "Review A" in shown
    assert "rita" not in shown

    empty = lea.post(page("adjudication_settle", dispute.pk), {"choice": first.pk, "comment": ""})
    lea.post(page("adjudication_settle", dispute.pk), {"choice": first.pk, "comment": "Rita is right."})

    assert b"in one sentence why" in empty.content
    dispute.refresh_from_db()
    assert (dispute.state, dispute.chosen, dispute.adjudicator) == ("settled", first, "lea")
    assert ReviewBatch.objects.get().state == "done"
    assert Score.objects.filter(review=second, rating=1).count() == 1


def test_lead_scores_anew_and_sees_again_what_was_typed() -> None:
    first, second = pair()
    submit(signed_in("rita"), first)
    submit(signed_in("rolf"), second, rating__persona="1", comment__persona="Wrong persona.")
    dispute, lea = Adjudication.objects.get(), signed_in("lea", "rollout lead")
    own = {name: value for name, value in filled(first).items() if name.startswith("rating")}
    answer = {"choice": "own", "comment": "In between."} | own

    refused = lea.post(page("adjudication_settle", dispute.pk), {**answer, "rating-inputs": ""})
    lea.post(page("adjudication_settle", dispute.pk), {**answer, "rating-persona": "3"})

    assert "missing: Input completeness" in refused.content.decode()
    assert "In between." in refused.content.decode()
    dispute.refresh_from_db()
    assert (dispute.chosen, dispute.ratings["persona"]) == (None, 3)


def test_reviewer_and_one_of_the_two_settle_nothing() -> None:
    batch = open_batch(reviewer("rita"), reviewer("lea", "rollout lead"), samples=1)
    first, second = Review.objects.filter(sample__batch=batch).order_by("seat")
    rita, lea = signed_in("rita"), signed_in("lea", "rollout lead")
    submit(rita, first)
    submit(lea, second, rating__persona="1", comment__persona="Wrong persona.")
    dispute = Adjudication.objects.get()
    answer = {"choice": first.pk, "comment": "Mine."}

    assert rita.post(page("adjudication_settle", dispute.pk), answer).status_code == 403
    assert rita.get(page("adjudication_settle", dispute.pk)).status_code == 403
    assert b"somebody else settles this" in lea.post(page("adjudication_settle", dispute.pk), answer).content
    assert Adjudication.objects.get().state == "open"


def test_marks_name_nobody_until_it_is_settled() -> None:
    first, second = pair()
    submit(signed_in("rita"), first)
    submit(signed_in("rolf"), second, rating__persona="1", comment__persona="Wrong persona.")
    dispute, lea = Adjudication.objects.get(), signed_in("lea", "rollout lead")

    before = lea.get(page("review_change", first.pk)).content
    lea.post(page("adjudication_settle", dispute.pk), {"choice": first.pk, "comment": "Rita is right."})

    assert b"<th>rita</th>" not in before
    assert b"<th>rita</th>" in lea.get(page("review_change", first.pk)).content
    assert b"who chose the review of rita" in lea.get(page("adjudication_change", dispute.pk)).content


def test_disagreement_of_others_is_not_found_while_the_batch_is_open() -> None:
    first, second = pair()
    submit(signed_in("rita"), first)
    submit(signed_in("rolf"), second, rating__persona="1", comment__persona="Wrong persona.")
    dispute, stranger = Adjudication.objects.get(), signed_in("ruth")

    assert page("adjudication_change", dispute.pk).encode() not in stranger.get(page("adjudication_changelist")).content
    assert stranger.get(page("adjudication_change", dispute.pk)).status_code == 404
