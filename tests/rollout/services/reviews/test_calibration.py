"""Calibration rounds: everybody scores everything, and no figure knows of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from pipeline import clock
from pipeline.clock import VirtualClock
from pipeline.models import AuditEntry, Repository
from pipeline.services.operations import NotPossible
from rollout.domain.reviews.sampling import rank
from rollout.models import Announcement, Review, ReviewBatch, ReviewTeam
from rollout.services.reviews import batches, calibration, rubrics
from tests.factories import make_repository
from tests.rollout import factories as make
from tests.rollout.services.reviews.drawing import LAST_WEEK, NINE, many, processed

pytestmark = pytest.mark.django_db
DEADLINE = NINE + timedelta(days=5)


@pytest.fixture(autouse=True)
def at_nine() -> Iterator[VirtualClock]:
    virtual = VirtualClock(NINE)
    with clock.using(virtual):
        yield virtual


@pytest.fixture
def repository() -> Repository:
    rubrics.ship()
    return make_repository()


def opened(repository: Repository, numbers: list[int], chosen: list[ReviewTeam], **values: Any) -> ReviewBatch:
    arguments = {"deadline": DEADLINE, "by": "lea", "reason": "We differ on inputs.", **values}
    return calibration.open_round(repository, numbers, chosen, **arguments)


def test_every_member_of_the_teams_scores_every_issue(repository: Repository) -> None:
    numbers = [issue.number for issue in many(repository, 2)]
    chosen = [make.make_team(members=2), make.make_team(members=1)]

    batch = opened(repository, numbers, chosen)

    assert (batch.is_calibration, batch.team, batch.due_at) == (True, None, DEADLINE)
    assert [row.reviews.count() for row in batch.samples.all()] == [3, 3]
    assert sorted(row.issue.number for row in batch.samples.all()) == numbers
    assert Review.objects.filter(sample__batch=batch, reviewer=None).count() == 0


def test_round_tells_its_reviewers_nothing_by_which_they_know_its_issues(repository: Repository) -> None:
    numbers = [issue.number for issue in many(repository, 4)]

    batch = opened(repository, numbers, [make.make_team(members=2)])

    assert len(batch.seed) == 64  # shown beside the form, as that of a drawn sample
    assert [row.issue.number for row in batch.samples.all()] == sorted(numbers, key=lambda one: rank(batch.seed, one))
    assert AuditEntry.objects.get(action="batch.calibration").after["issues"] == 4
    for told in Announcement.objects.all():
        assert "alibration" not in told.subject + told.body


def test_caps_absences_and_own_work_do_not_matter_here(repository: Repository) -> None:
    team = make.make_team(members=1)
    away = make.make_member(team=team, load_cap=0, user=make.make_person("ana"))
    make.make_absence(user=away.user)
    issue = processed(repository, by="ana")

    assert opened(repository, [issue.number], [team]).samples.get().reviews.count() == 2


def test_round_does_not_take_the_weeks_place_or_load(repository: Repository) -> None:
    numbers = [issue.number for issue in many(repository, 3)]
    team = make.make_team(members=2)
    opened(repository, numbers, [team])

    batch = batches.draw(repository, LAST_WEEK, by="lea", reason="As every week.")

    assert batch.samples.count() == 3
    assert all("in this week before it" in seat.assigned_reason for seat in Review.objects.filter(sample__batch=batch))


def test_flagged_cases_are_offered_once_each_newest_first(repository: Repository) -> None:
    batch, elsewhere = make.make_batch(repository=repository), make.make_batch()
    other = make.make_sample(batch=elsewhere)
    one, two = make.make_sample(batch=batch), make.make_sample(batch=batch)
    for sample in (other, one, one, two):
        make.make_review(sample=sample, state="submitted", for_calibration=True)
    make.make_review(sample=make.make_sample(batch=batch), state="submitted")

    assert calibration.flagged() == [two, one]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"numbers": []}, "has 1 to 20 issues; 0 were named"),
        ({"numbers": [999_999]}, "There is no issue #999999"),
        ({"chosen": []}, "Choose at least one team"),
        ({"deadline": NINE}, "is over; choose a later one"),
        ({"reason": ""}, "needs a reason"),
    ],
)
def test_round_that_makes_no_sense_is_refused(repository: Repository, changed: dict[str, Any], said: str) -> None:
    numbers = [processed(repository).number]
    arguments: dict[str, Any] = {"numbers": numbers, "chosen": [make.make_team(members=2)], **changed}

    with pytest.raises(NotPossible, match=said):
        opened(repository, **arguments)
    assert not ReviewBatch.objects.exists()


def test_one_person_alone_cannot_be_calibrated(repository: Repository) -> None:
    with pytest.raises(NotPossible, match="compares people; these teams have 1 active"):
        opened(repository, [processed(repository).number], [make.make_team(members=1)])


def test_issue_without_guidance_has_nothing_to_score(repository: Repository) -> None:
    issue = processed(repository)
    type(issue).objects.filter(pk=issue.pk).update(body="Nothing here.")

    with pytest.raises(NotPossible, match="has no ## Specialist Guidance"):
        opened(repository, [issue.number], [make.make_team(members=2)])


def test_round_is_not_verified(repository: Repository) -> None:
    batch = opened(repository, [processed(repository).number], [make.make_team(members=2)])

    with pytest.raises(NotPossible, match="chosen by a person, not drawn"):
        batches.verify(batch)
