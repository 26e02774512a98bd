"""Review teams: shipped without members, in turn by the week, with whoever is there and has not reached their cap."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q, QuerySet

from pipeline.services import audit
from pipeline.services.operations import NotPossible
from rollout.domain.reviews import rotation, weeks
from rollout.domain.reviews.rotation import Person, TeamState
from rollout.models import Absence, Review, ReviewBatch, ReviewTeam, TeamMember
from rollout.services import people, record

SHIPPED = (  # plan 3.3, in the order of their turns
    ("workflow-assignment", "Workflow Assignment"),
    ("site-monitoring", "Site Monitoring"),
    ("copilot-ops", "Copilot Ops"),
)
SCORE = "rollout.score_sample"  # without it nobody can open the queue
BACKEND = "django.contrib.auth.backends.ModelBackend"
LEAST_DAYS = 2  # working days that somebody must be there until the due date
DEMONSTRATION = "rule:demonstration"


@dataclass(frozen=True, slots=True)
class Turn:
    """Whose week it is; `team` is None where nobody is available."""

    team: ReviewTeam | None
    reason: str
    following: str


def ship() -> int:
    """The plan's three teams, without members; idempotent, and what people changed stays."""
    if ReviewTeam.objects.exists():
        return 0
    rows = [ReviewTeam(slug=slug, name=name, order=order) for order, (slug, name) in enumerate(SHIPPED, start=1)]
    return len(ReviewTeam.objects.bulk_create(rows))


def duty(now: datetime) -> Turn:
    """The team whose turn it is (plan 3.3: rotating weekly), from Monday at nine (UTC) for a week."""
    teams = list(ReviewTeam.objects.filter(active=True).order_by("order", "pk"))
    until = weeks.due_of(now)
    states = [TeamState(team.slug, team.name, len(available(team, now, until))) for team in teams]
    found = rotation.duty(weeks.turn_of(now), states)
    return Turn(next((team for team in teams if team.slug == found.slug), None), found.reason, found.following)


def members_of(team: ReviewTeam) -> QuerySet[TeamMember]:
    """Active ones whose account is active, by user name."""
    rows = team.members.filter(active=True, user__is_active=True)
    return rows.select_related("user").order_by("user__username")


def scorers_of(team: ReviewTeam) -> QuerySet[TeamMember]:
    """Those of `members_of` who may score: whoever may not gets no seats."""
    return members_of(team).filter(user__in=scorers())


def scorers() -> QuerySet[User]:
    """Active accounts with the permission to score samples, by a group or of their own; superusers have it."""
    return User.objects.with_perm(SCORE, backend=BACKEND)


def available(team: ReviewTeam, now: datetime, until: datetime) -> list[TeamMember]:
    """Members who may score and are there for at least two working days until the due time."""
    found = list(scorers_of(team))
    away = _absences(member.user_id for member in found)
    first, last = now.date(), until.date()
    least = min(LEAST_DAYS, weeks.days_present(first, last, []))
    return [one for one in found if weeks.days_present(first, last, away.get(one.user_id, [])) >= max(1, least)]


def is_away(user: User, day: date) -> bool:
    return Absence.objects.filter(user=user, first_day__lte=day, last_day__gte=day).exists()


def people_of(members: Iterable[TeamMember], now: datetime) -> list[Person]:
    """The members as the rotation wants them: with what this week holds for them already.

    That is their seats in batches drawn this week, what they submitted this week, and what is still open from before.
    """
    start, _ = weeks.bounds(weeks.monday_of(now))
    end = start + timedelta(days=7)
    rows = list(members)
    drawn = Q(sample__batch__drawn_at__gte=start, sample__batch__drawn_at__lt=end)
    done = Q(submitted_at__gte=start, submitted_at__lt=end)
    still = Q(state__in=(Review.State.OPEN, Review.State.CLAIMED), sample__batch__state=ReviewBatch.State.OPEN)
    seats = Review.objects.filter(
        drawn | done | still,
        reviewer__in=[row.user_id for row in rows],
        sample__replaced_at=None,
        sample__batch__is_calibration=False,
    ).values_list("reviewer", flat=True)
    taken = list(seats)
    return [Person(row.user.get_username(), row.load_cap, taken.count(row.user_id)) for row in rows]


@transaction.atomic
def cancel_absence(row: Absence, *, by: str, reason: str) -> None:
    """Somebody is there after all. The log keeps that they had been entered as away."""
    record.need_reason(reason)
    before = {"first_day": str(row.first_day), "last_day": str(row.last_day), "note": row.note}
    audit.append(actor=by, action="absence.cancelled", subject=str(row), reason=reason, before=before)
    row.delete()


@transaction.atomic
def wish(name: str, *, reminders: bool) -> None:
    """Whether somebody wants reminders, in every team of theirs; a lead is reminded all the same."""
    rows = TeamMember.objects.filter(user__username=name)
    if not rows.exists():
        raise NotPossible("You are in no review team, so nobody reminds you; a lead can put you in one.")
    before = list(rows.values_list("wants_reminders", flat=True))
    rows.update(wants_reminders=reminders)
    audit.append(
        actor=name,
        action="teammember.reminders",
        subject=name,
        reason="Their own wish.",
        before={"wants_reminders": any(before)},
        after={"wants_reminders": reminders},
    )


def leads(batch: ReviewBatch) -> list[User]:
    """Who is told what nobody does: the team's leads, else any team's, else who holds the rollout lead's role."""
    rows = TeamMember.objects.filter(is_lead=True, active=True, user__is_active=True).select_related("user")
    found = rows.filter(team=batch.team_id) if batch.team_id else rows.none()
    chosen = list(found or rows.filter(team__active=True))
    if chosen:
        return sorted({row.user for row in chosen}, key=lambda user: user.username)
    rollout = batch.repository.rollouts.order_by("-pk").first()
    name = people.lead(rollout) if rollout else ""
    return list(User.objects.filter(username=name, is_active=True)) if name else []


def join_demonstration(now: datetime) -> None:
    """Where no team has anybody, the first administrator joins all of them, so that a newcomer has a queue."""
    if TeamMember.objects.exists():
        return
    user = User.objects.filter(is_superuser=True, is_active=True).order_by("pk").first()
    teams = list(ReviewTeam.objects.filter(active=True))
    if user is None or not teams:
        return
    TeamMember.objects.bulk_create(TeamMember(team=team, user=user, is_lead=True) for team in teams)
    audit.append(
        actor=DEMONSTRATION,
        action="teammember.added",
        subject=user.get_username(),
        reason="The teams had no members; the administrator joins them for the demonstration.",
        after={"teams": [team.slug for team in teams], "at": now.isoformat()},
    )


def _absences(users: Iterable[int]) -> dict[int, list[tuple[date, date]]]:
    found: dict[int, list[tuple[date, date]]] = {}
    for row in Absence.objects.filter(user__in=list(users)):
        found.setdefault(row.user_id, []).append((row.first_day, row.last_day))
    return found
