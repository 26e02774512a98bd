"""Why a case's clock stands still, as rows: blocked by us, held, snoozed. What was seen is written down each minute."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import F, OuterRef, Q, QuerySet, Subquery

from pipeline.models import Handover, Issue, Kind, Mode, Operation, Repository
from rollout.domain.escalation import Pause
from rollout.models import ClockPause, CompletionCase, Hold
from rollout.services import holds

HELD_BY, BLOCKED_BY = "rule:held", "rule:blocked"
# What we or our people have to do before the agent can go on. Failing checks, conflicts and the rest are its own work.
OURS = {
    "permission": "The agent lacks a permission, which a person of ours has to give.",
    "quota": "The quota of the agent is used up, which is ours to wait for or to raise.",
    "unclear": "The agent does not understand the task, which is ours to word.",
    "approval": "Runs of the agent may wait for approval by a person of ours.",
}
# "Awaiting approval" is told from a pull request that stands still, and so does that of an agent that hangs: after two
# days without anybody's approval the clock goes on.
APPROVAL_HOLDS = timedelta(days=2)
UNREADABLE = "unreadable"
AT_ONCE = 2000
PauseKind = ClockPause.Kind


def values(rows: Iterable[ClockPause]) -> tuple[Pause, ...]:
    """As the arithmetic wants them: a pause ends when it was ended or when its time is over."""
    return tuple(Pause(row.started_at, _end(row)) for row in rows)


def _end(row: ClockPause) -> datetime | None:
    return min((moment for moment in (row.ended_at, row.until) if moment is not None), default=None)


def in_force(now: datetime) -> QuerySet[ClockPause]:
    """Pauses that a clock stands still for now."""
    return ClockPause.objects.filter(
        Q(ended_at__isnull=True) | Q(ended_at__gt=now), Q(until__isnull=True) | Q(until__gt=now), started_at__lte=now
    )


def keep(now: datetime) -> None:
    """Bring the rows up to date with what holds now."""
    _take_back_what_is_ahead(now)
    ClockPause.objects.filter(kind=PauseKind.SNOOZED, ended_at__isnull=True, until__lte=now).update(ended_at=F("until"))
    _hold(now)
    _block(now)


def _take_back_what_is_ahead(now: datetime) -> None:
    """After a clock that ran ahead was set right: what was noted in its time began or ended now at the latest."""
    noted = ClockPause.objects.exclude(kind=PauseKind.SNOOZED)
    noted.filter(started_at__gt=now).update(started_at=now)
    noted.filter(ended_at__gt=now).update(ended_at=now)


def _open_cases() -> QuerySet[CompletionCase]:
    return CompletionCase.objects.filter(state=CompletionCase.State.OPEN)


def _without(kind: str) -> QuerySet[CompletionCase]:
    paused = ClockPause.objects.filter(kind=kind, ended_at__isnull=True).values("case")
    return _open_cases().exclude(pk__in=paused)


# --- held ---


def _hold(now: datetime) -> None:
    held = _held_repositories()
    over = ClockPause.objects.filter(kind=PauseKind.HELD, ended_at__isnull=True)
    over.exclude(case__issue__repository__in=held).update(ended_at=now)
    missing = _without(PauseKind.HELD).filter(issue__repository__in=held)
    rows = missing.values_list("pk", "issue__repository")[:AT_ONCE]
    _create(
        ClockPause(case_id=case, kind=PauseKind.HELD, reason=held[place][:500], by=HELD_BY, started_at=now)
        for case, place in rows
    )


def _held_repositories() -> dict[int, str]:
    """Repositories with open cases whose hand-overs nobody of ours follows, each with the sentence why."""
    chosen = Repository.objects.filter(pk__in=_open_cases().values("issue__repository"))
    return {row.pk: why for row in chosen if (why := why_held(row))}


def why_held(repository: Repository) -> str:
    """Track is what follows a hand-over; without it a reminder would be about our own silence."""
    if repository.standing != Repository.Standing.ACTIVE:
        return f"The repository is {repository.get_standing_display()}."
    followed = Operation.objects.filter(repository=repository, kind=Kind.TRACK).exclude(mode=Mode.OFF)
    if not followed.exists():
        return "Hand-overs are not followed: track is off."
    open_holds = Hold.objects.filter(rollout__repository=repository, released_at__isnull=True)
    for hold in open_holds.select_related("rollout__repository", "rollout__plan"):
        if any(row.kind == Kind.TRACK for row in holds.stopped(hold.rollout, hold)):
            return f"Track is held by {hold.by}: {hold.reason}"
    return ""


# --- blocked by us ---


def _block(now: datetime) -> None:
    """One open pause for each blocked case, named for its cause; another cause is another pause."""
    causes = _causes()
    standing = dict(
        ClockPause.objects.filter(kind=PauseKind.BLOCKED_BY_US, ended_at__isnull=True).values_list("case", "by")
    )
    over = [case for case, by in standing.items() if by != _by(causes.get(case, ""))]
    ClockPause.objects.filter(kind=PauseKind.BLOCKED_BY_US, ended_at__isnull=True, case__in=over).update(ended_at=now)
    _create(_blocked(case, cause, now) for case, cause in causes.items() if standing.get(case) != _by(cause))


def _causes() -> dict[int, str]:
    """Open case → what blocks it, of those that are blocked by us."""
    newest = Handover.objects.filter(issue=OuterRef("issue")).order_by("-generation").values("blocker")[:1]
    rows = _open_cases().annotate(blocker=Subquery(newest))
    unreadable = Q(issue__presence=Issue.Presence.UNREACHABLE) | ~Q(issue__repository__token_problem="")
    found = dict.fromkeys(rows.filter(unreadable).values_list("pk", flat=True), UNREADABLE)
    blocked = rows.filter(blocker__in=OURS).values_list("pk", "blocker")
    return {**dict(blocked), **found}


def _by(cause: str) -> str:
    return f"{BLOCKED_BY}-{cause}" if cause else ""


def _blocked(case: int, cause: str, now: datetime) -> ClockPause:
    reason = OURS.get(cause, "We cannot read the issue; check the token and its access.")
    until = now + APPROVAL_HOLDS if cause == "approval" else None
    return ClockPause(
        case_id=case, kind=PauseKind.BLOCKED_BY_US, reason=reason, by=_by(cause), started_at=now, until=until
    )


def _create(rows: Iterable[ClockPause]) -> None:
    ClockPause.objects.bulk_create(rows, ignore_conflicts=True)
