"""The reviewers' pages over HTTP: who may, what is kept, what is not shown."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from pipeline.clock import VirtualClock
from rollout.models import Adjudication, Review, ReviewBatch, Score
from rollout.services.reviews import claims
from tests.factories import make_repository
from tests.rollout import factories as make
from tests.rollout.admin.reviewing import filled, open_batch, page, pair, reviewer, roles, settled, signed_in, submit

pytestmark = pytest.mark.django_db
SignIn = Callable[[str], Client]


@pytest.fixture(autouse=True)
def _ground(db: None, virtual_clock: VirtualClock) -> None:
    roles()


def seat(name: str = "rita", **values: Any) -> Review:
    batch = open_batch(reviewer(name), samples=1, **values)
    return Review.objects.select_related("sample").get(sample__batch=batch)


def claimed(name: str = "rita") -> Review:
    return claims.claim(seat(name).pk, reviewer(name))


def test_queue_shows_own_seats_and_nothing_of_others() -> None:
    mine, theirs = seat("rita"), seat("rolf")

    shown = signed_in("rita").get(page("review_queue")).content.decode()

    assert f"#{mine.sample.issue.number}" in shown
    assert f"#{theirs.sample.issue.number}" not in shown
    assert "0 of 1 done" in shown
    assert "Start next" in shown


def test_start_next_claims_and_opens_the_form() -> None:
    review, client = seat(), signed_in("rita")

    answer = client.post(page("review_queue"), follow=True)

    assert answer.redirect_chain[0][0] == page("review_score", review.pk)
    assert Review.objects.get().state == "claimed"
    assert b"Persona appropriateness" in answer.content


def test_empty_queue_says_so() -> None:
    answer = signed_in("rita").post(page("review_queue"), follow=True)

    assert b"Nothing is left for you to score" in answer.content


def test_looking_at_an_open_seat_claims_nothing() -> None:
    review = seat()

    assert b"Score it" in signed_in("rita").get(page("review_score", review.pk)).content
    assert Review.objects.get().state == "open"


def test_submit_goes_on_to_the_next_of_the_batch() -> None:
    open_batch(reviewer("rita"), samples=2)
    first, second = Review.objects.order_by("sample__position")
    client = signed_in("rita")
    client.post(page("review_queue"))

    answer = client.post(page("review_score", first.pk), filled(first))

    assert answer["Location"] == page("review_score", second.pk)
    assert set(Review.objects.values_list("state", flat=True)) == {"submitted", "claimed"}


def test_faults_stand_by_their_fields_and_nothing_is_lost() -> None:
    review, client = claimed(), signed_in("rita")

    sent = filled(review, rating__persona="", rating__inputs="2", comment__objectives="Kept <b>as typed</b>.")
    shown = client.post(page("review_score", review.pk), sent).content.decode()

    assert "Not submitted yet: 2 things are missing." in shown
    assert 'id="fault-persona">Rate “Persona appropriateness” from 0 to 4, or choose N/A.<' in shown
    assert 'id="fault-inputs">A rating that is not above target needs a comment' in shown
    assert "Kept &lt;b&gt;as typed&lt;/b&gt;." in shown
    assert 'name="rating-inputs" value="2" checked' in shown
    assert Score.objects.count() == 0


def test_autosave_keeps_the_draft_and_says_how_long_the_claim_holds() -> None:
    review, client = claimed(), signed_in("rita")

    answer = client.post(page("review_autosave", review.pk), filled(review, rating__persona="1"))

    assert (answer.status_code, answer["X-Claim-Seconds"]) == (204, "7200")
    again = client.get(page("review_score", review.pk)).content.decode()
    assert 'name="rating-persona" value="1" checked' in again


def test_autosave_without_the_claim_is_a_conflict_in_a_sentence() -> None:
    review, client = claimed(), signed_in("rita")

    answer = client.post(page("review_autosave", review.pk), {**filled(review), "epoch": "0"})

    assert (answer.status_code, answer["Content-Type"]) == (409, "text/plain; charset=utf-8")
    assert b"open it from your queue" in answer.content


def test_late_submit_shows_what_was_typed(virtual_clock: VirtualClock) -> None:
    team = make.make_team()
    review = claimed()
    reviewer("rolf")
    ReviewBatch.objects.update(team=team)
    Review.objects.update(reviewer=reviewer("rolf"), epoch=review.epoch + 1, claimed_until=virtual_clock.now())

    answer = signed_in("rita").post(page("review_score", review.pk), filled(review, comment__persona="My words."))

    assert answer.status_code == 409
    assert b"somebody else has this issue now" in answer.content
    assert b"My words." in answer.content


@pytest.mark.parametrize(("act", "state"), [("release", "open"), ("save", "claimed")])
def test_release_and_save_keep_the_draft(act: str, state: str) -> None:
    review = claimed()

    answer = signed_in("rita").post(page("review_score", review.pk), filled(review, rating__persona="3", act=act))

    row = Review.objects.get()
    assert (answer.status_code, row.state, row.draft["sheet"]["rating-persona"]) == (302, state, ["3"])


def test_skip_and_give_back_need_a_reason() -> None:
    review, client = claimed(), signed_in("rita")

    refused = client.post(page("review_score", review.pk), filled(review, act="skip", reason=" "))
    client.post(page("review_score", review.pk), filled(review, act="skip", reason="The guidance is gone."))

    assert b"needs a reason" in refused.content
    assert Review.objects.get().skipped_reason == "The guidance is gone."


@pytest.mark.parametrize("role", ["stakeholder"])
def test_who_may_not_score_is_refused_everywhere(role: str) -> None:
    review, client = claimed("rita"), signed_in("sam", role)

    for address in (page("review_queue"), page("review_score", review.pk), page("review_autosave", review.pk)):
        assert client.get(address).status_code == 403
        assert client.post(address, filled(review)).status_code == 403
    assert Review.objects.get().state == "claimed"


def test_another_reviewer_sees_and_changes_nothing() -> None:
    review, client = claimed("rita"), signed_in("rolf")

    assert client.get(page("review_score", review.pk)).status_code == 403
    assert client.post(page("review_score", review.pk), filled(review)).status_code == 409
    assert client.post(page("review_autosave", review.pk), filled(review)).status_code == 409
    assert client.post(page("review_queue"), {"review": review.pk}).status_code == 302
    assert (Review.objects.get().state, Review.objects.get().reviewer) == ("claimed", reviewer("rita"))


def test_autosave_needs_the_csrf_token() -> None:
    review, strict = claimed(), Client(enforce_csrf_checks=True)
    strict.force_login(reviewer("rita"))

    assert strict.post(page("review_autosave", review.pk), filled(review)).status_code == 403


def test_other_scores_appear_nowhere_before_the_own_submit() -> None:
    first, second = pair()
    rita, rolf = signed_in("rita"), signed_in("rolf")
    submit(rita, first, rating__persona="0", comment__persona="Secret words.")

    for address in (page("review_changelist"), page("review_queue"), page("review_score", second.pk)):
        assert b"Secret words" not in rolf.get(address).content
    listed = rolf.get(page("review_changelist")).content.decode()
    assert (page("review_change", first.pk) in listed, page("review_change", second.pk) in listed) == (False, True)
    assert rolf.get(page("review_change", first.pk)).status_code == 404
    submit(rolf, second)
    assert b"Secret words" in rolf.get(page("review_score", second.pk)).content
    assert rolf.get(page("adjudication_change", Adjudication.objects.get().pk)).status_code == 200


def test_page_of_an_own_seat_tells_neither_seat_nor_calibration() -> None:
    open_batch(reviewer("rita"), reviewer("rolf"), samples=1, is_calibration=True)
    review = Review.objects.get(seat=2)
    client = signed_in("rolf")
    client.post(page("review_queue"))

    for address in (page("review_queue"), page("review_score", review.pk), page("review_change", review.pk)):
        shown = client.get(address).content.decode().lower().replace("flag for calibration", "")
        assert "calibration" not in shown.replace("for_calibration", ""), address
        assert "review 2" not in shown


@pytest.mark.parametrize("role", ["stakeholder", "reviewer", "rollout lead"])
def test_hostile_words_show_as_text(role: str) -> None:
    review, dispute = settled(make_repository())
    client = signed_in("eve", role)

    for address in (page("review_change", review.pk), page("adjudication_change", dispute.pk)):
        shown = client.get(address).content.decode()
        assert "&lt;script&gt;window.hacked" in shown
        assert "<script>window.hacked" not in shown
        assert 'href="javascript:' not in shown
        assert "turn the direction of text around" in shown


def test_overdue_and_lapsed_claims_are_told(virtual_clock: VirtualClock) -> None:
    review = claimed()
    virtual_clock.advance(timedelta(days=6))
    client = signed_in("rita")

    assert b"overdue" in client.get(page("review_queue")).content
    assert b"your claim ran out" in client.get(page("review_score", review.pk)).content


def test_number_that_is_none_is_no_error() -> None:
    client = signed_in("rita")

    assert client.get(page("review_score", 10**6)).status_code == 404
    assert client.post(page("review_queue"), {"review": "10000000000000000000000"}).status_code in (302, 404)
    assert client.post(page("review_queue"), {"review": "9" * 5000}).status_code == 404
    review = claimed()
    assert client.post(page("review_score", review.pk), filled(review, epoch="²")).status_code == 409


def test_reason_of_what_is_no_text_is_no_reason() -> None:
    review = claimed()

    for given, state in (("\0", "claimed"), ("Its guidance\0 is gone.", "skipped")):
        signed_in("rita").post(page("review_score", review.pk), {"act": "skip", "reason": given})
        assert Review.objects.get(pk=review.pk).state == state
    assert Review.objects.get(pk=review.pk).skipped_reason == "Its guidance is gone."


def test_seat_of_somebody_else_does_not_tell_its_issue() -> None:
    first, second = pair()
    other = signed_in("rolf")

    for answer in (other.get(page("review_score", first.pk)), other.post(page("review_score", first.pk))):
        assert answer.status_code in (403, 409)
        assert second.sample.title not in answer.content.decode()


def test_history_of_a_review_is_no_page_that_tells_its_seat() -> None:
    review = claimed()

    assert signed_in("rita").get(page("review_history", review.pk)).status_code == 404


def test_pages_ask_the_database_no_more_with_more_seats(django_assert_max_num_queries: Any) -> None:
    batch = open_batch(reviewer("rita"), samples=10)
    for _ in range(10):
        make.make_review(sample=make.make_sample(batch=batch), reviewer=None)
    client = signed_in("rita")
    client.post(page("review_queue"))
    mine = Review.objects.get(state="claimed")

    for address in (page("review_queue"), page("review_score", mine.pk), page("review_changelist")):
        with django_assert_max_num_queries(15):
            assert client.get(address).status_code == 200
