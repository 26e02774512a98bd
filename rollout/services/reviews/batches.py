"""The week's batch: drawn once per repository and week, by rule on Monday or by a lead, and verifiable for ever.

The seed comes from the operating system at the moment of the draw and is stored with the frame before either is used.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, transaction

from pipeline import clock
from pipeline.models import Issue, Repository
from pipeline.services import audit
from pipeline.services.operations import NotPossible
from rollout.domain.reviews import sampling, verifying, weeks
from rollout.models import ReviewBatch, Rollout, Rubric
from rollout.services import plans, record
from rollout.services.reconcile import AT_WORK
from rollout.services.reviews import frames, notices, rubrics, seats, teams
from rollout.services.reviews.frames import Frame

WEEKLY, DEMONSTRATION = "rule:weekly sample", "rule:demonstration"
MONDAY = "Plan 3.3: every Monday a random sample of the week before."
EARLY = "Drawn before the week was over: what gets its guidance later in this week is in no sample."
FIRST = "Drawn early for the demonstration, as soon as four issues had guidance; the next one comes on a Monday."
ENOUGH_TO_SHOW = 4
log = logging.getLogger(__name__)


def draw(
    repository: Repository,
    week: date,
    *,
    by: str,
    reason: str,
    size: int | None = None,
    double_share: float = sampling.DOUBLE_SHARE,
    left_out: Iterable[int] = (),
    note: str = "",
) -> ReviewBatch:
    """Draw the sample of the week that begins on Monday `week`; `size` None: the running plan's, else 10.

    NotPossible when the week was drawn already or has not begun, nothing can be scored by, or a week that is not over
    has nothing to draw yet: an empty batch would keep it from being drawn afterwards. The batch is stored with
    its seed and frame first; the sample is computed from what is stored.
    """
    record.need_reason(reason)
    now = clock.now()
    size = size_of(repository) if size is None else size
    _check(week, size, double_share, now)
    rubric = rubrics.in_use()  # before the frame: without one nothing is drawn, and the frame reads every body
    without = dict.fromkeys(left_out, f"Left out of the draw by {by}: {reason.strip()}")
    with transaction.atomic():
        frame = frames.of_week(repository, week, without)
        batch = _stored(repository, week, rubric, frame, size, by, now)
        if week == weeks.monday_of(now) and not frame.entries:
            raise NotPossible(f"Nothing can be drawn from the week of {week} yet; draw it when it is over.")
        _fill(batch, frame, double_share, now)
        early = EARLY if week == weeks.monday_of(now) else ""
        batch.note = " ".join(filter(None, [batch.note, note or early]))[:500]
        batch.save(update_fields=["double", "strata", "note", "state", "closed_at"])
        _note(batch, reason)
        if batch.state == ReviewBatch.State.OPEN:
            seats.take_places(batch, now)
            notices.drawn(batch)
    return batch


def size_of(repository: Repository) -> int:
    """Issues per week by the plan of the rollout at work (`sampling.issues_per_week`), else 10."""
    rollout = Rollout.objects.filter(repository=repository, state__in=AT_WORK).select_related("plan").first()
    stated = plans.plan_of(rollout.plan).sampling.get("issues_per_week") if rollout else None
    return stated if isinstance(stated, int) and 1 <= stated <= sampling.MOST else sampling.SIZE


def draw_due(now: datetime) -> list[ReviewBatch]:
    """On Monday from nine on: last week's sample of every active repository that has got guidance by then.

    Called again it does nothing; after an outage it draws the last week and none before it. Nothing is drawn while no
    rubric is in use.
    """
    if not Rubric.objects.filter(slug=rubrics.GUIDANCE, status=Rubric.Status.IN_USE).exists():
        return []
    week = weeks.to_draw(now)
    drawn = ReviewBatch.objects.filter(week=week, is_calibration=False).values("repository")
    due = Repository.objects.filter(standing=Repository.Standing.ACTIVE).exclude(pk__in=drawn)
    made = [_draw_one(row, week, WEEKLY, MONDAY) for row in due if frames.begun(row, week)]
    made += [_draw_first(row, now) for row in _demonstrations()]
    return [batch for batch in made if batch is not None]


def _draw_first(repository: Repository, now: datetime) -> ReviewBatch | None:
    """A newcomer sees a batch without waiting for a Monday."""
    week = weeks.monday_of(now)
    if frames.written(repository, week) < ENOUGH_TO_SHOW:
        return None
    if len(frames.of_week(repository, week).candidates) < ENOUGH_TO_SHOW:
        return None
    teams.join_demonstration(now)
    return _draw_one(repository, week, DEMONSTRATION, FIRST, note=FIRST)


def _demonstrations() -> Iterable[Repository]:
    rows = Repository.objects.filter(is_demonstration=True, standing=Repository.Standing.ACTIVE)
    return rows.exclude(pk__in=ReviewBatch.objects.filter(is_calibration=False).values("repository"))


def _draw_one(repository: Repository, week: date, by: str, reason: str, note: str = "") -> ReviewBatch | None:
    try:
        return draw(repository, week, by=by, reason=reason, note=note)
    except NotPossible as refusal:  # no rubric in use, or somebody else has just drawn it
        log.warning("no sample was drawn", extra={"repository": repository.pk, "cause": str(refusal)})
        return None


@dataclass(frozen=True, slots=True)
class Verified:
    """`faults` is empty where a new draw from what is stored gives exactly the sample that is there."""

    batch: ReviewBatch
    drawn: tuple[int, ...]
    faults: tuple[str, ...]

    @property
    def sentence(self) -> str:
        if not self.faults:
            return f"Drawn again from the stored seed and frame: the same {len(self.drawn)} issues."
        return " ".join(self.faults)


def verify(batch: ReviewBatch) -> Verified:
    """Draw again from the stored frame and seed and compare, replacements included; changes nothing."""
    if batch.is_calibration:
        raise NotPossible("A calibration round is chosen by a person, not drawn; there is nothing to verify.")
    stored = list(batch.samples.order_by("position").values_list("position", "issue__number", "is_double"))
    return Verified(batch, tuple(number for _, number, _ in stored), tuple(verifying.faults(dump(batch))))


def dump(batch: ReviewBatch) -> dict[str, Any]:
    """Everything that a stranger needs to draw it again; no texts."""
    samples = batch.samples.order_by("position").values_list("issue__number", "is_double")
    return {
        "repository": batch.repository.full_name,
        "week": batch.week.isoformat(),
        "algorithm": batch.algorithm,
        "seed": batch.seed,
        "size": batch.size,
        "double": batch.double,
        "frame": batch.frame,
        "frame_sha256": batch.frame_sha256,
        "strata": batch.strata,
        "replaced": [entry for entry in batch.excluded if "came" in entry],
        "sample": [[number, is_double] for number, is_double in samples],
    }


def _check(week: date, size: int, double_share: float, now: datetime) -> None:
    if week.weekday() != 0:
        raise NotPossible(f"{week} is no Monday; a week is named by its Monday.")
    if week > weeks.monday_of(now):
        raise NotPossible(f"The week of {week} has not begun; nothing can be drawn from it.")
    if not 1 <= size <= sampling.MOST:
        raise NotPossible(f"{size} is no size of a sample; choose 1 to {sampling.MOST} issues.")
    if not 0 <= double_share <= 1:
        raise NotPossible(f"{double_share:g} is no share; choose 0 to 1 (the plan: {sampling.DOUBLE_SHARE:g}).")


def _stored(
    repository: Repository, week: date, rubric: Rubric, frame: Frame, size: int, by: str, now: datetime
) -> ReviewBatch:
    """The batch with frame and a fresh seed, before anything is drawn from them."""
    turn = teams.duty(now)
    try:
        with transaction.atomic():
            return ReviewBatch.objects.create(
                repository=repository,
                week=week,
                rubric=rubric,
                team=turn.team,
                team_reason=turn.reason[:300],
                size=size,
                double=0,
                seed=secrets.token_hex(32),
                algorithm=sampling.ALGORITHM,
                frame=sampling.as_stored(frame.entries),
                frame_sha256=sampling.frame_hash(frame.entries),
                excluded=[{"number": number, "reason": why} for number, why in frame.excluded],
                drawn_at=now,
                drawn_by=by[:150],
                due_at=weeks.due_of(now),
            )
    except IntegrityError:
        raise NotPossible(f"The week of {week} of {repository} was drawn already; a week is drawn once.") from None


def _fill(batch: ReviewBatch, frame: Frame, double_share: float, now: datetime) -> None:
    many = min(batch.size, len(batch.frame))
    batch.double = sampling.double_of(many, double_share)
    entries = sampling.from_stored(batch.frame)
    found = sampling.draw(entries, batch.seed, size=batch.size, double=batch.double)
    for one in found.drawn:
        issue: Issue = frame.candidates[one.number].issue
        seats.add_sample(batch, issue, one.position, is_double=one.is_double)
    batch.strata = [{"workflow": one.workflow, "frame": one.frame, "drawn": one.drawn} for one in found.strata]
    batch.note = found.note[:500]
    if not found.drawn:
        batch.state, batch.closed_at = ReviewBatch.State.EMPTY, now


def _note(batch: ReviewBatch, reason: str) -> None:
    audit.append(
        actor=batch.drawn_by,
        action="batch.drawn",
        subject=f"{batch} on {batch.repository}",
        reason=reason,
        after={"size": batch.size, "double": batch.double, "frame": len(batch.frame), "state": batch.state},
        evidence={"batch": batch.pk, "seed": batch.seed, "frame_sha256": batch.frame_sha256},
    )
