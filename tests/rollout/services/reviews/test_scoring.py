"""Submitting: what is written, what is refused, and when a batch is done."""

from __future__ import annotations

import pytest

from pipeline.clock import VirtualClock
from pipeline.models import AuditEntry
from rollout.domain.reviews.sheets import Mark
from rollout.models import Adjudication, Review, Sample, Score
from rollout.services.reviews import claims, scoring
from rollout.services.reviews.claims import Lost
from rollout.services.reviews.scoring import Incomplete
from tests.rollout import factories as make
from tests.rollout.services.reviews.sheets import scored, seated, sheet, who

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _clock(virtual_clock: VirtualClock) -> None:
    """Every claim begins at the virtual noon."""


@pytest.fixture
def claimed() -> Review:
    [seat, _other] = seated(make.make_person(), make.make_person())
    return claims.claim(seat.pk, who(seat))


def test_review_is_written_with_its_marks_and_its_verdict(claimed: Review) -> None:
    given = sheet("4", "4", "na", "3", "4", for_calibration=True)

    review = scoring.submit(claimed.pk, who(claimed), claimed.epoch, given)

    assert (review.state, review.met, review.for_calibration, review.draft) == ("submitted", False, True, {})
    assert review.weighted == pytest.approx((20 + 25 + 25 * 0.75 + 10) / 80)
    assert (review.assignment_clear, review.assessment_right) == (True, True)
    assert list(review.scores.values_list("rating", flat=True)) == [4, 4, None, 3, 4]


def test_sent_twice_is_written_once(claimed: Review) -> None:
    for _ in range(2):
        scoring.submit(claimed.pk, who(claimed), claimed.epoch, sheet())

    assert Score.objects.count() == 5
    assert AuditEntry.objects.filter(action="review.submitted").count() == 1


def test_incomplete_sheet_writes_nothing_and_names_each_field(claimed: Review) -> None:
    marks = {**sheet().marks, "persona": Mark(), "inputs": Mark("na")}

    with pytest.raises(Incomplete, match="2 things are missing") as refused:
        scoring.submit(claimed.pk, who(claimed), claimed.epoch, sheet(marks=marks))

    assert list(refused.value.faults) == ["rating-persona", "comment-inputs"]
    assert (claims.fetch(claimed.pk).state, Score.objects.count()) == ("claimed", 0)


def test_check_of_a_text_that_does_not_exist_is_not_asked(claimed: Review) -> None:
    Sample.objects.update(assignment="")

    review = scoring.submit(claimed.pk, who(claimed), claimed.epoch, sheet(checks={"assessment_right": "na"}))

    assert (review.assignment_clear, review.assessment_right) == (None, None)


def test_old_epoch_and_other_people_are_refused(claimed: Review) -> None:
    with pytest.raises(Lost):
        scoring.submit(claimed.pk, who(claimed), claimed.epoch - 1, sheet())
    with pytest.raises(Lost):
        scoring.submit(claimed.pk, make.make_person(), claimed.epoch, sheet())
    assert Score.objects.count() == 0


def test_audit_log_holds_no_mark(claimed: Review) -> None:
    scoring.submit(claimed.pk, who(claimed), claimed.epoch, sheet("0", "0", "0", "0", "0"))

    entry = AuditEntry.objects.get(action="review.submitted")
    assert (entry.before, entry.after, set(entry.evidence)) == ({}, {}, {"seat", "epoch"})
    assert entry.subject == f"review of #{claimed.sample.issue.number}"  # neither the seat nor a calibration shows


def test_batch_is_done_with_its_last_seat() -> None:
    [first, second] = seated(make.make_person(), make.make_person())

    scored(first)
    assert claims.fetch(first.pk).sample.batch.state == "open"
    scored(second)

    batch = claims.fetch(first.pk).sample.batch
    assert (batch.state, batch.closed_at is not None) == ("done", True)
    assert AuditEntry.objects.filter(action="batch.done").count() == 1


def test_disagreement_opens_with_the_second_submit_and_keeps_the_batch_open() -> None:
    [first, second] = seated(make.make_person(), make.make_person())

    scored(first, "4", "4", "4", "4", "4")
    assert not Adjudication.objects.exists()
    scored(second, "4", "2", "4", "4", "4")

    dispute = Adjudication.objects.get()
    assert dispute.reason.startswith("Actionable objectives: 2 points apart. The verdicts differ")
    assert claims.fetch(first.pk).sample.batch.state == "open"


def test_calibration_round_opens_no_disagreement() -> None:
    batch = make.make_batch(is_calibration=True)
    seats = seated(make.make_person(), make.make_person(), make.make_person(), batch=batch)

    for seat, rating in zip(seats, "402", strict=True):
        scored(seat, rating, "4", "4", "4", "4")

    batch.refresh_from_db()
    assert (Adjudication.objects.count(), batch.state) == (0, "done")
