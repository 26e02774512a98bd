"""The stakeholder survey: one answer per person and round; a closed round is evidence."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from pipeline.clock import VirtualClock
from pipeline.models import AuditEntry
from pipeline.services.operations import NotPossible
from rollout.domain.measures import Unit
from rollout.domain.plan import Criterion, Source
from rollout.models import Announcement, Rollout, Survey, SurveyAnswer
from rollout.services import evaluation, surveys
from tests.rollout.factories import make_person, make_rollout

pytestmark = pytest.mark.django_db
SATISFIED = Criterion(
    "review-survey", "Target >4.0", Source.AUTOMATIC, "survey_score", unit=Unit.SCORE, comparator=">", threshold=4,
    minimum_sample=3,
)  # fmt: skip
WEEK = timedelta(days=7)


@pytest.fixture
def rollout(virtual_clock: VirtualClock) -> Rollout:
    return make_rollout(evidence_floor=virtual_clock.now(), phase_started_on=None)


def opened(rollout: Rollout, clock: VirtualClock, **values: Any) -> Survey:
    ends = clock.now() + WEEK
    return surveys.open_round(rollout, **{"by": "lena", "reason": "Week 5.", "closes_at": ends, **values})


def answered(survey: Survey, *scores: int) -> None:
    for score in scores:
        surveys.answer(survey, person=make_person(), score=score, comment=f"It is a {score}.")


def judged(rollout: Rollout, clock: VirtualClock) -> tuple[str, float | None, int]:
    found = evaluation.evaluate(rollout, SATISFIED, now=clock.now())
    return found.verdict, found.value, found.n


def test_a_closed_round_measures_the_plans_criterion(rollout: Rollout, virtual_clock: VirtualClock) -> None:
    survey = opened(rollout, virtual_clock)
    answered(survey, 5, 4, 5)
    assert judged(rollout, virtual_clock) == ("inconclusive", None, 0)
    surveys.close(survey, by="lena", reason="All have answered.")
    assert judged(rollout, virtual_clock) == ("pass", 14 / 3, 3)


@pytest.mark.parametrize(("scores", "verdict"), [((4, 4, 4), "breach"), ((5, 5), "inconclusive")])
def test_the_mean_must_be_above_four_of_enough_people(
    rollout: Rollout, virtual_clock: VirtualClock, scores: tuple[int, ...], verdict: str
) -> None:
    survey = opened(rollout, virtual_clock)
    answered(survey, *scores)
    surveys.close(survey, by="lena", reason="Enough.")
    assert judged(rollout, virtual_clock)[0] == verdict


def test_of_two_rounds_the_newest_counts_so_that_nobody_counts_twice(
    rollout: Rollout, virtual_clock: VirtualClock
) -> None:
    for scores in ((1, 1, 1), (5, 5, 5)):
        survey = opened(rollout, virtual_clock)
        answered(survey, *scores)
        virtual_clock.advance(timedelta(hours=1))
        surveys.close(survey, by="lena", reason="All have answered.")
    assert judged(rollout, virtual_clock) == ("pass", 5.0, 3)


def test_answers_from_before_people_started_again_are_no_evidence(
    rollout: Rollout, virtual_clock: VirtualClock
) -> None:
    survey = opened(rollout, virtual_clock)
    answered(survey, 5, 5, 5)
    virtual_clock.advance(timedelta(hours=1))
    Rollout.objects.update(evidence_floor=virtual_clock.now())
    rollout.refresh_from_db()
    answered(survey, 2)
    surveys.close(survey, by="lena", reason="All have answered.")
    assert judged(rollout, virtual_clock) == ("inconclusive", 2.0, 1)


def test_a_person_answers_a_round_once(rollout: Rollout, virtual_clock: VirtualClock) -> None:
    survey, rita = opened(rollout, virtual_clock), make_person("rita")
    surveys.answer(survey, person=rita, score=2)
    with pytest.raises(NotPossible, match="rita has answered round 1 already"):
        surveys.answer(survey, person=rita, score=5)
    assert SurveyAnswer.objects.get().score == 2


@pytest.mark.parametrize("score", [0, 6, -1])
def test_a_score_off_the_scale_is_refused(rollout: Rollout, virtual_clock: VirtualClock, score: int) -> None:
    with pytest.raises(NotPossible, match=r"choose 1 \(very dissatisfied\) to 5"):
        surveys.answer(opened(rollout, virtual_clock), person=make_person(), score=score)


def test_a_round_closes_by_itself_and_takes_no_more_answers(rollout: Rollout, virtual_clock: VirtualClock) -> None:
    survey = opened(rollout, virtual_clock)
    virtual_clock.advance(WEEK)
    with pytest.raises(NotPossible, match="Round 1 of the survey is closed"):
        surveys.answer(survey, person=make_person(), score=5)
    assert surveys.close_due(virtual_clock.now()) == 1
    assert surveys.close_due(virtual_clock.now()) == 0
    with pytest.raises(NotPossible, match="closed already"):
        surveys.close(survey, by="lena", reason="Again.")


def test_one_round_is_open_at_a_time_while_the_rollout_is_at_work(
    rollout: Rollout, virtual_clock: VirtualClock
) -> None:
    with pytest.raises(NotPossible, match="has passed"):
        opened(rollout, virtual_clock, closes_at=virtual_clock.now())
    opened(rollout, virtual_clock)
    with pytest.raises(NotPossible, match="open already; close it first"):
        opened(rollout, virtual_clock)
    Rollout.objects.update(state="finished")
    with pytest.raises(NotPossible, match="while it is carried out"):
        opened(rollout, virtual_clock)
    assert Survey.objects.count() == 1


def test_people_are_asked_and_the_log_never_tells_who_said_what(rollout: Rollout, virtual_clock: VirtualClock) -> None:
    survey = opened(rollout, virtual_clock)
    surveys.answer(survey, person=make_person("rita"), score=2, comment="Too slow.")
    assert "/survey/" in Announcement.objects.get(channel="email").body
    entry = AuditEntry.objects.get(action="survey.answered")
    assert (entry.actor, entry.after) == ("rita", {"round": 1})
    assert surveys.comments(survey) == ["Too slow."]
