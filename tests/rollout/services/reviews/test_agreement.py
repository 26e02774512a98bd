"""Agreement from submitted reviews, the two questions among it; calibration rounds stand apart."""

from __future__ import annotations

import pytest

from pipeline.models import Repository
from rollout.models import Adjudication
from rollout.services.reviews import agreement, results
from tests.factories import MOMENT, make_repository
from tests.rollout import factories as make
from tests.rollout.reviewed import GOOD, PERFECT, POOR_INPUTS, make_submitted, make_week, settle, week

pytestmark = pytest.mark.django_db


@pytest.fixture
def repository() -> Repository:
    return make_repository()


def lines(repository: Repository) -> dict[str, agreement.Line]:
    return {line.slug: line for line in agreement.lines(results.read(repository.pk, week(8), week(0)))}


def test_ratings_of_both_seats_are_paired_by_criterion(repository: Repository) -> None:
    batch = make_week(repository)
    for _ in range(5):
        make_submitted(batch, PERFECT, PERFECT)
        make_submitted(batch, GOOD, GOOD)
    found = lines(repository)
    assert list(found) == ["persona", "objectives", "inputs", "deliverables", "acceptance", "clear", "right"]
    assert (found["inputs"].agreement.alpha, found["inputs"].agreement.pairs) == (1.0, 10)
    assert (found["persona"].agreement.alpha, found["persona"].agreement.word) == (None, "undefined")


def test_single_reviews_and_waiting_seats_make_no_pair(repository: Repository) -> None:
    batch = make_week(repository)
    make_submitted(batch, PERFECT)
    make.make_review(sample=make_submitted(batch, PERFECT))
    assert {line.agreement.pairs for line in lines(repository).values()} == {0}


def test_ruling_does_not_hide_that_the_reviewers_differed(repository: Repository) -> None:
    sample = make_submitted(make_week(repository), PERFECT, POOR_INPUTS)
    settle(sample, PERFECT, MOMENT)
    assert Adjudication.objects.count() == 1
    assert (lines(repository)["inputs"].agreement.same, lines(repository)["inputs"].agreement.apart) == (0, 1)


def test_questions_beside_the_rubric_are_yes_and_no(repository: Repository) -> None:
    batch = make_week(repository)
    for clear in (True, False) * 5:
        make_submitted(batch, PERFECT, PERFECT, clear=clear, right=None)
    found = lines(repository)
    assert (found["clear"].agreement.alpha, found["right"].agreement.pairs) == (1.0, 0)


def test_nothing_reviewed_has_no_lines(repository: Repository) -> None:
    assert agreement.lines([]) == []


def test_calibration_round_shows_how_far_each_member_is_from_the_median(repository: Repository) -> None:
    people = [make.make_person(name) for name in ("ana", "ben", "cleo")]
    batch = make_week(repository, is_calibration=True)
    make_submitted(batch, PERFECT, PERFECT, (2, 4, 4, 4, 4), reviewers=people)
    make_submitted(batch, PERFECT, GOOD, (2, 4, 4, 4, None), reviewers=people)
    make_submitted(make_week(repository), PERFECT, GOOD)
    (found,) = agreement.rounds(results.read_calibration(repository.pk, week(8), week(0)))
    assert found.batch == batch
    assert [member.name for member in found.members] == ["ana", "ben", "cleo"]
    persona = found.members[2].by_criterion[0]
    assert persona is not None
    assert (persona.n, persona.mean) == (2, -2)
    acceptance = found.members[2].by_criterion[4]
    assert acceptance is not None
    assert acceptance.n == 1
    assert found.lines[0].agreement.pairs == 6
