"""Reviewed samples as figures: what counts, what is hidden from whom, and the source of the metric guidance quality."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from pipeline.models import Repository
from rollout.domain.measures import Row
from rollout.domain.reviews.results import Standing
from rollout.metrics import guidance
from rollout.models import ReviewBatch
from rollout.services.reviews import results
from rollout.services.reviews.queue import FROM_POOL
from tests.factories import MOMENT, make_repository
from tests.recorded import recorded
from tests.rollout import factories as make
from tests.rollout.reviewed import GOOD, PERFECT, make_submitted, make_week, settle, submit, week

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def repository() -> Repository:
    return make_repository()


def standings(repository: Repository) -> list[Standing]:
    return [row.outcome.standing for row in results.read(repository.pk, week(8), week(0))]


def told(repository: Repository, start: datetime, end: datetime, workflow: str = "") -> Sequence[guidance.Score]:
    """What the metric is given once every batch is done."""
    ReviewBatch.objects.update(state=ReviewBatch.State.DONE, closed_at=MOMENT)
    return guidance.scores().reviews(repository.pk, start, end, workflow)


def scores(repository: Repository, workflow: str = "") -> list[tuple[int, float]]:
    found = told(repository, MOMENT - 7 * 24 * HOUR, MOMENT + 7 * 24 * HOUR, workflow)
    return [(score.row.id, round(score.value, 4)) for score in found]


def test_source_is_registered_once_when_the_app_is_ready() -> None:
    sources = [source for source in guidance._sources if isinstance(source, results.ReviewScores)]
    assert (len(sources), guidance.scores()) == (1, sources[0])


def test_single_reviews_and_pairs_that_agree_are_final(repository: Repository) -> None:
    batch = make_week(repository)
    one = make_submitted(batch, GOOD, at=MOMENT)
    two = make_submitted(batch, PERFECT, GOOD, at=MOMENT + HOUR)
    assert standings(repository) == [Standing.FINAL, Standing.FINAL]
    assert scores(repository) == [(one.pk, 0.95), (two.pk, 0.975)]


def test_score_names_its_row_and_when_its_batch_was_done(repository: Repository) -> None:
    sample = make_submitted(make_week(repository), (4, 4, 4, 4, 4), (1, 4, 4, 4, 4))
    settle(sample, (4, 4, 4, 4, 0), MOMENT - 5 * HOUR)
    (found,) = told(repository, MOMENT, MOMENT + HOUR)
    assert (found.row, found.at) == (Row("rollout.sample", sample.pk), MOMENT)
    assert found.value == pytest.approx(0.9)


def test_what_is_open_disputed_skipped_or_replaced_does_not_count(repository: Repository) -> None:
    batch = make_week(repository)
    waiting = make_submitted(batch, PERFECT)
    make.make_review(sample=waiting)
    disputed = make_submitted(batch, PERFECT, (1, 4, 4, 4, 4))
    make.make_adjudication(sample=disputed)
    make.make_review(sample=make.make_sample(batch=batch), state="skipped", skipped_reason="Not English.")
    make_submitted(batch, PERFECT, replaced_at=MOMENT, replaced_reason="It was closed.")
    assert standings(repository) == [Standing.PENDING, Standing.PENDING, Standing.LEFT_OUT]
    assert scores(repository) == []


def test_calibration_rounds_and_other_repositories_never_count(repository: Repository) -> None:
    make_submitted(make_week(repository, is_calibration=True), PERFECT)
    make_submitted(make_week(make_repository()), PERFECT)
    assert (standings(repository), scores(repository)) == ([], [])


def test_review_of_nothing_but_n_a_has_no_score(repository: Repository) -> None:
    make_submitted(make_week(repository), (None,) * 5)
    assert (standings(repository), scores(repository)) == ([Standing.FINAL], [])


def test_scores_are_those_of_one_workflow_when_it_is_named(repository: Repository) -> None:
    batch = make_week(repository)
    make_submitted(batch, PERFECT, workflow="osint")
    brief = make_submitted(batch, GOOD, workflow="brief")
    assert scores(repository, "brief") == [(brief.pk, 0.95)]


def test_scores_of_batches_that_were_done_outside_of_the_time_asked_for_are_not_given(repository: Repository) -> None:
    done = {"state": ReviewBatch.State.DONE}
    wanted = []
    for ago, hours in enumerate((0, 1, 2, 3), start=1):
        batch = make_week(repository, ago, closed_at=MOMENT + hours * HOUR, **done)
        wanted.append(make_submitted(batch, PERFECT, at=MOMENT - 30 * 24 * HOUR))
    found = guidance.scores().reviews(repository.pk, MOMENT + HOUR, MOMENT + 2 * HOUR, "")
    assert {score.row.id for score in found} == {wanted[1].pk, wanted[2].pk}


def test_criteria_of_two_rubrics_are_matched_by_slug(repository: Repository) -> None:
    old = make.make_rubric(slug="guidance", status="retired")
    new = make.make_rubric(
        criteria=(("inputs", "Inputs, all of them", 100, 0.8),),
        slug="guidance",
        version=2,
        published_at=MOMENT,
    )
    make_submitted(make_week(repository, 2, rubric=old), PERFECT)
    make_submitted(make_week(repository, 1, rubric=new), (3,))
    rows = results.read(repository.pk, week(8), week(0))
    assert [rubric.version for rubric in results.versions(rows)] == [1, 2]
    targets = {each.slug: each.target for each in results.criteria_of(rows)}
    assert (targets["inputs"], targets["persona"], len(targets)) == (0.8, 0.9, 5)


def test_ten_samples_are_read_in_as_many_queries_as_one(repository: Repository) -> None:
    batch = make_week(repository)
    make_submitted(batch, PERFECT, GOOD)
    with CaptureQueriesContext(connection) as few:
        results.read(repository.pk, week(8), week(0))
    for _ in range(9):
        make_submitted(batch, PERFECT, GOOD)
    with CaptureQueriesContext(connection) as many:
        results.read(repository.pk, week(8), week(0))
    assert len(many) == len(few) <= 8


@recorded
def groups() -> None:
    call_command("roles", verbosity=0)


@pytest.fixture
def roles(db: None) -> None:
    groups()


def somebody(role: str, batch: ReviewBatch | None = None) -> User:
    person = make.make_person(is_staff=True)
    person.groups.add(Group.objects.get(name=role))
    if batch is not None:
        make.make_member(team=batch.team, user=person)
    return person


def test_open_batch_is_hidden_from_who_still_has_to_score_in_it(roles: None, repository: Repository) -> None:
    batch = make_week(repository)
    person = somebody("reviewer")
    make.make_review(sample=make.make_sample(batch=batch), reviewer=person)
    make_submitted(batch, PERFECT)
    hidden = results.hidden_from(person)
    assert hidden == {batch.pk}
    assert results.read(repository.pk, week(8), week(0), hidden) == []


def test_batch_is_shown_to_who_has_submitted_all(roles: None, repository: Repository) -> None:
    batch = make_week(repository)
    person = somebody("reviewer", batch)
    submit(make.make_sample(batch=batch), PERFECT, person)
    make.make_review(sample=make.make_sample(batch=batch), reviewer=make.make_person())
    assert results.hidden_from(person) == frozenset()


def test_batch_with_a_free_seat_is_hidden_from_its_team(roles: None, repository: Repository) -> None:
    batch = make_week(repository)
    make.make_review(sample=make.make_sample(batch=batch), reviewer=None)
    assert results.hidden_from(somebody("reviewer", batch)) == {batch.pk}
    assert results.hidden_from(somebody("reviewer")) == frozenset()


def test_batch_whose_pool_seat_may_become_free_again_is_hidden_from_its_team(
    roles: None, repository: Repository
) -> None:
    batch = make_week(repository)
    make.make_review(
        sample=make.make_sample(batch=batch),
        reviewer=somebody("reviewer", batch),
        state="claimed",
        claimed_until=MOMENT,
        assigned_reason=FROM_POOL,
    )
    assert results.hidden_from(somebody("reviewer", batch)) == {batch.pk}


def test_closed_batch_is_hidden_from_nobody_and_an_open_one_from_no_lead_without_a_seat(
    roles: None, repository: Repository
) -> None:
    batch = make_week(repository)
    reviewer, lead, scoring = somebody("reviewer"), somebody("rollout lead"), somebody("rollout lead")
    make.make_review(sample=make.make_sample(batch=batch), reviewer=reviewer)
    make.make_review(sample=make.make_sample(batch=batch), reviewer=scoring)
    assert results.hidden_from(lead) == frozenset()
    assert results.hidden_from(scoring) == {batch.pk}
    ReviewBatch.objects.filter(pk=batch.pk).update(state=ReviewBatch.State.DONE)
    assert results.hidden_from(reviewer) == results.hidden_from(scoring) == frozenset()


def test_rows_are_read_without_the_frame_of_their_batch(repository: Repository) -> None:
    make_submitted(make_week(repository), PERFECT)
    with CaptureQueriesContext(connection) as asked:
        [row] = results.read(repository.pk, week(8), week(0))
    assert not any('"frame"' in query["sql"] for query in asked)
    assert row.is_final
