"""Calibration rounds: a fixed set of issues that every member of the chosen teams scores; in no figure."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from pipeline import clock
from pipeline.models import Issue, Repository
from pipeline.services import audit
from pipeline.services.operations import NotPossible
from rollout.domain.reviews import sampling, weeks
from rollout.domain.reviews.sampling import Entry
from rollout.models import Review, ReviewBatch, ReviewTeam, Sample
from rollout.services import record
from rollout.services.reviews import frames, notices, rubrics, seats, teams

BY_HAND = "chosen by hand"
MOST = 20


def flagged() -> list[Sample]:
    """What reviewers flagged as a good case to calibrate on, the newest first, each issue once.

    All of one repository: the one that has the newest such case.
    """
    rows = Sample.objects.filter(
        batch__is_calibration=False, reviews__for_calibration=True, reviews__state=Review.State.SUBMITTED
    )
    newest: dict[int, Sample] = {}
    for row in rows.select_related("issue__repository").distinct().order_by("-pk"):
        newest.setdefault(row.issue_id, row)
    found = list(newest.values())
    return [row for row in found if row.issue.repository_id == found[0].issue.repository_id][:MOST]


def open_round(
    repository: Repository,
    numbers: Sequence[int],
    chosen: Sequence[ReviewTeam],
    *,
    deadline: datetime,
    by: str,
    reason: str,
) -> ReviewBatch:
    """Every active member of `chosen` who may score does, until `deadline`; NotPossible in one sentence."""
    record.need_reason(reason)
    now = clock.now()
    issues = _issues(repository, numbers)
    members = {row.user.get_username(): row.user for team in chosen for row in teams.scorers_of(team)}
    _check(chosen, len(members), deadline, now)
    with transaction.atomic():
        batch = _stored(repository, issues, chosen, deadline, by, now)
        # The seed gives their order; the scoring page shows it, as it does of a drawn sample.
        issues.sort(key=lambda issue: sampling.rank(batch.seed, issue.number))
        for position, issue in enumerate(issues, start=1):
            sample = seats.add_sample(batch, issue, position, is_double=False)
            Review.objects.bulk_create(
                Review(sample=sample, seat=seat, reviewer=members[name], assigned_reason=seats.EVERYBODY)
                for seat, name in enumerate(sorted(members), start=1)
            )
        audit.append(
            actor=by,
            action="batch.calibration",
            subject=f"{batch} on {repository}",
            reason=reason,
            # How many, not which: its reviewers read the log, and the issues are to look like any other.
            after={"issues": len(issues), "reviewers": sorted(members)},
            evidence={"batch": batch.pk},
        )
        notices.drawn(batch)
    return batch


def _issues(repository: Repository, numbers: Sequence[int]) -> list[Issue]:
    """Each once; they must have guidance to score."""
    wanted = list(dict.fromkeys(numbers))
    if not 1 <= len(wanted) <= MOST:
        raise NotPossible(f"A calibration round has 1 to {MOST} issues; {len(wanted)} were named.")
    rows = Issue.objects.filter(repository=repository, number__in=wanted).select_related("workflow", "specialist")
    found = {issue.number: issue for issue in rows}
    for number in wanted:
        if number not in found:
            raise NotPossible(f"There is no issue #{number} in {repository}.")
        if not frames.texts_of(found[number].body).guidance:
            raise NotPossible(f"#{number} has no ## Specialist Guidance, so there is nothing to score.")
    return [found[number] for number in wanted]


def _check(chosen: Sequence[ReviewTeam], members: int, deadline: datetime, now: datetime) -> None:
    if not chosen:
        raise NotPossible("Choose at least one team for the calibration round.")
    if members < 2:
        raise NotPossible(f"A calibration round compares people; these teams have {members} active who may score.")
    if deadline <= now:
        raise NotPossible(f"The deadline {deadline:%d %b %H:%M} UTC is over; choose a later one.")


def _stored(
    repository: Repository,
    issues: Sequence[Issue],
    chosen: Sequence[ReviewTeam],
    deadline: datetime,
    by: str,
    now: datetime,
) -> ReviewBatch:
    entries = [
        Entry(issue.number, issue.workflow.slug if issue.workflow else "", frames.texts_of(issue.body).sha256)
        for issue in issues
    ]
    return ReviewBatch.objects.create(
        repository=repository,
        is_calibration=True,
        week=weeks.monday_of(now),
        rubric=rubrics.in_use(),
        team=chosen[0] if len(chosen) == 1 else None,
        team_reason=f"Everybody of {', '.join(team.name for team in chosen)} scores every issue."[:300],
        size=len(issues),
        double=0,
        seed=secrets.token_hex(32),
        algorithm=BY_HAND,
        frame=sampling.as_stored(entries),
        frame_sha256=sampling.frame_hash(entries),
        drawn_at=now,
        drawn_by=by[:150],
        due_at=deadline,
    )
