"""Guidance quality as a criterion of the plan: measured from reviews, explained, and computed again from its rows."""

from __future__ import annotations

from datetime import timedelta

import pytest

from rollout.domain.measures import Unit
from rollout.domain.plan import Criterion, Source
from rollout.models import ReviewBatch, Rollout, Sample, Score
from rollout.services import evaluation, explain
from tests.rollout.evidence_rows import HOUR, START, make_rollout
from tests.rollout.reviewed import GOOD, PERFECT, POOR_INPUTS, Ratings, make_submitted, make_week

pytestmark = pytest.mark.django_db
NOW = START + timedelta(days=5)
QUALITY = Criterion(
    "quality", "Guidance quality above 90 %", Source.AUTOMATIC, "guidance_quality", unit=Unit.SHARE, comparator=">",
    threshold=0.9, minimum_sample=10,
)  # fmt: skip


def reviewed(rollout: Rollout, count: int, *seats: Ratings) -> list[Sample]:
    """So many samples since the evidence floor, an hour apart, in one batch that is done."""
    batch = make_week(rollout.repository, 1)
    found = [make_submitted(batch, *(seats or (PERFECT,)), at=START + n * HOUR) for n in range(1, count + 1)]
    ReviewBatch.objects.filter(pk=batch.pk).update(state=ReviewBatch.State.DONE, closed_at=START + count * HOUR)
    return found


def test_scores_of_a_batch_that_is_still_being_scored_are_shown_to_nobody() -> None:
    rollout = make_rollout()
    [sample] = reviewed(rollout, 1)
    ReviewBatch.objects.filter(pk=sample.batch_id).update(state=ReviewBatch.State.OPEN, closed_at=None)
    assert evaluation.evaluate(rollout, QUALITY, now=NOW).n == 0


def test_ten_good_reviews_are_inconclusive_because_of_their_interval() -> None:
    rollout = make_rollout()
    samples = reviewed(rollout, 10, GOOD)
    found = evaluation.evaluate(rollout, QUALITY, now=NOW)
    assert (found.verdict, found.n, round(found.value or 0, 4)) == ("inconclusive", 10, 0.95)
    assert found.rows == [["rollout.sample", sample.pk] for sample in samples]
    assert "the 95 % interval reaches down to" in found.reason


def test_forty_perfect_reviews_pass() -> None:
    rollout = make_rollout()
    reviewed(rollout, 40)
    assert evaluation.evaluate(rollout, QUALITY, now=NOW).verdict == "pass"


def test_low_reviews_are_a_breach() -> None:
    rollout = make_rollout()
    reviewed(rollout, 10, POOR_INPUTS)
    assert evaluation.evaluate(rollout, QUALITY, now=NOW).verdict == "breach"


def test_repository_without_reviews_is_inconclusive() -> None:
    found = evaluation.evaluate(make_rollout(), QUALITY, now=NOW)
    assert (found.verdict, found.reason) == ("inconclusive", "There is no data yet.")


def test_replay_gives_the_same_verdict_from_the_same_rows() -> None:
    rollout = make_rollout()
    reviewed(rollout, 10, GOOD)
    found = evaluation.evaluate(rollout, QUALITY, now=NOW)
    again = explain.replayed(found)
    assert (again.same, again.changed, again.verdict.value, again.value) == (True, False, found.verdict, found.value)
    assert "from 10 rows" in explain.sentence(found)


def test_later_reviews_do_not_change_what_a_replay_says() -> None:
    rollout = make_rollout()
    reviewed(rollout, 10, GOOD)
    found = evaluation.evaluate(rollout, QUALITY, now=NOW)
    make_submitted(make_week(rollout.repository, 0), POOR_INPUTS, at=NOW + HOUR)
    again = explain.replayed(found)
    assert (again.same, again.changed) == (True, False)


def test_replay_notes_that_a_sample_was_taken_out_since() -> None:
    rollout = make_rollout()
    samples = reviewed(rollout, 10, GOOD)
    found = evaluation.evaluate(rollout, QUALITY, now=NOW)
    Sample.objects.filter(pk=samples[3].pk).update(replaced_at=NOW, replaced_reason="It was closed.")
    again = explain.replayed(found)
    assert (again.same, again.changed) == (True, True)
    assert Score.objects.count() == 50


def test_same_reviews_are_the_same_evidence() -> None:
    rollout = make_rollout()
    reviewed(rollout, 10, GOOD)
    first = evaluation.evaluate(rollout, QUALITY, now=NOW)
    assert evaluation.evaluate(rollout, QUALITY, now=NOW + HOUR).pk == first.pk
