"""The stakeholder survey: a lead opens a round, each person answers once, and a closed round is evidence.

Who said what stays between the person and the database: the log tells that somebody answered, pages tell the mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Max

from pipeline import clock
from pipeline.services import audit
from pipeline.services.operations import NotPossible
from rollout.domain import survey as domain
from rollout.domain.measures import Row
from rollout.metrics.guidance import Score
from rollout.models import Rollout, Survey, SurveyAnswer
from rollout.services import announcements, links, record
from rollout.services.reviews.results import ReviewScores

QUESTION = "How satisfied are you with the pipeline and with how it is rolled out?"
AT_WORK = (Rollout.State.RUNNING, Rollout.State.HELD, Rollout.State.ROLLED_BACK)
TIME = "rule:survey"


class Scores(ReviewScores):
    """Where the metrics find what people say: reviews, and the survey."""

    def survey(self, repository_id: int, start: datetime, end: datetime) -> Sequence[Score]:
        """The answers since `start` of the newest round that was closed by `end`: each person counts once."""
        closed = Survey.objects.filter(rollout__repository=repository_id, closed_at__range=(start, end))
        newest = closed.order_by("-closed_at", "-pk").first()
        if newest is None or newest.closed_at is None:
            return ()
        row = SurveyAnswer._meta.label_lower
        return [
            Score(Row(row, one.pk), float(one.score), newest.closed_at) for one in newest.answers.filter(at__gte=start)
        ]


def open_round(rollout: Rollout, *, by: str, reason: str, closes_at: datetime, question: str = "") -> Survey:
    """A new round; everybody who is told of the rollout is asked."""
    record.need_person(by, "Opening the survey")
    record.need_reason(reason)
    rollout.refresh_from_db()
    now = clock.now()
    if rollout.state not in AT_WORK:
        raise NotPossible(f"{rollout} is {rollout.get_state_display()}; people are asked while it is carried out.")
    if closes_at <= now:
        raise NotPossible(f"{closes_at:%Y-%m-%d %H:%M} UTC has passed; let the survey close later. Nothing was opened.")
    last = rollout.surveys.aggregate(last=Max("round"))["last"] or 0
    try:
        with transaction.atomic():
            made = Survey.objects.create(
                rollout=rollout,
                round=last + 1,
                question=question.strip()[:300] or QUESTION,
                opened_by=by,
                opened_at=now,
                closes_at=closes_at,
            )
            _log(made, by, "survey.opened", reason, {"round": made.round, "closes_at": closes_at.isoformat()})
            record.say(rollout, by, f"Survey round {made.round} is open until {closes_at:%Y-%m-%d %H:%M} UTC.")
            _invite(made)
    except IntegrityError as error:
        raise NotPossible("A round of the survey is open already; close it first.") from error
    return made


def answer(survey: Survey, *, person: User, score: int, comment: str = "") -> SurveyAnswer:
    """One answer of one person; it stands."""
    refused = domain.refusal(score)
    if refused:
        raise NotPossible(f"{refused} Nothing was changed.")
    if not person.is_active:
        raise NotPossible(f"{person} is not active any more and cannot answer. Nothing was changed.")
    now = clock.now()
    try:
        with transaction.atomic():
            row = Survey.objects.select_for_update(of=("self",)).get(pk=survey.pk)
            if row.closed_at is not None or row.closes_at <= now:
                raise NotPossible(f"Round {row.round} of the survey is closed. Nothing was changed.")
            made = SurveyAnswer.objects.create(
                survey=row, person=person, score=score, comment=comment.strip()[:500], at=now
            )
            _log(row, person.get_username(), "survey.answered", "Answered the survey.", {"round": row.round})
    except IntegrityError as error:
        raise NotPossible(
            f"{person} has answered round {survey.round} already; a person answers a round once."
        ) from error
    return made


@transaction.atomic
def close(survey: Survey, *, by: str, reason: str) -> Survey:
    """From now on the round is evidence and takes no answers."""
    record.need_reason(reason)
    now = clock.now()
    if not Survey.objects.filter(pk=survey.pk, closed_at__isnull=True).update(closed_at=now, closed_by=by):
        raise NotPossible(f"Round {survey.round} of the survey is closed already.")
    survey.refresh_from_db()
    found = result(survey)
    _log(survey, by, "survey.closed", reason, {"round": survey.round, "n": found.n, "mean": found.mean})
    record.say(survey.rollout, by, f"Survey round {survey.round} is closed: {found.sentence}")
    return survey


def close_due(now: datetime) -> int:
    """Close the rounds whose time is over; how many there were."""
    due = list(Survey.objects.filter(closed_at__isnull=True, closes_at__lte=now).select_related("rollout"))
    for row in due:
        close(row, by=TIME, reason="Its time is over.")
    return len(due)


def result(survey: Survey) -> domain.Result:
    return domain.result(list(survey.answers.values_list("score", flat=True)))


def comments(survey: Survey) -> list[str]:
    """In the order of the alphabet, so that nobody can be told by when they answered."""
    return sorted(survey.answers.exclude(comment="").values_list("comment", flat=True))


def open_of(rollout: Rollout) -> Survey | None:
    """The round that takes answers now."""
    return rollout.surveys.filter(closed_at__isnull=True, closes_at__gt=clock.now()).first()


def has_answered(survey: Survey, user_id: int | None) -> bool:
    return survey.answers.filter(person=user_id).exists()


def _invite(survey: Survey) -> None:
    rollout = survey.rollout
    address = links.absolute(f"/admin/rollout/rollout/{rollout.pk}/survey/")
    announcements.announce(
        rollout,
        key=f"survey:{survey.pk}",
        subject=f"{rollout.repository}: please answer one question",
        body=f"{survey.question} One answer from 1 to 5, until {survey.closes_at:%Y-%m-%d %H:%M} UTC: {address}",
    )


def _log(survey: Survey, by: str, action: str, reason: str, after: dict[str, object]) -> None:
    audit.append(
        actor=by, action=action, subject=str(survey), reason=reason, after=after, evidence={"survey": survey.pk}
    )
