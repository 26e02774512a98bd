"""An open batch, a draft of a rubric, a team and an absence: a row on each screen of those who lead the reviews."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from pipeline.models import Repository
from rollout.models import Absence, ReviewBatch, ReviewTeam, Rubric
from rollout.services.reviews import rubrics
from tests.factories import MOMENT, make_issue
from tests.rollout import factories as make


class Drawn(NamedTuple):
    batch: ReviewBatch
    rubric: Rubric
    team: ReviewTeam
    absence: Absence


def make_drawn(repository: Repository, text: str) -> Drawn:
    """`text` stands wherever strangers or reviewers may write."""
    rubrics.ship()
    team = make.make_team(name=f"Harbour {text}"[:100])
    first, second = (make.make_member(team=team, user=make.make_person(name)) for name in ("rita", "rolf"))
    batch = make.make_batch(
        repository=repository,
        team=team,
        rubric=rubrics.in_use(),
        week=MOMENT.date() - timedelta(days=70),
        note=text,
        frame=[[1, "osint-report", "hash"]],
        strata=[{"workflow": "osint-report", "frame": 1, "drawn": 1}],
        excluded=[
            {"number": 7, "reason": text},
            {"number": 8, "reason": text, "by": "lea", "workflow": "", "refill": True, "came": 9, "at": ""},
        ],
    )
    sample = make.make_sample(batch=batch, is_double=True, issue=make_issue(repository=repository, title=text))
    gave = [{"by": "rolf", "at": "", "reason": text}]
    make.make_review(sample=sample, reviewer=first.user, state="claimed", declined=gave)
    make.make_review(sample=sample, reviewer=None, assigned_reason=text)
    make.make_reminder(batch=batch, user=first.user)
    gone = make.make_sample(batch=batch, replaced_at=MOMENT, replaced_reason=text)
    make.make_review(sample=gone, reviewer=second.user)
    draft = rubrics.new_version(by="lea", reason="A draft.")
    return Drawn(batch, draft, team, make.make_absence(user=second.user, note=text))
