"""The plan's own messages (Appendix C), filled from facts: the launch announcement and the weekly status."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta

from django.db import transaction

from pipeline.models import Handover, Mode, Run, RunItem, Transition
from pipeline.services import audit
from pipeline.services.operations import NotPossible
from rollout.domain.messages import render
from rollout.domain.plan import Message
from rollout.models import Announcement, Rollout
from rollout.services import announcements, links, people, record, rollback_scope

LAUNCH, WEEKLY = "week-1-launch", "weekly-status"
CHANNEL = "#wf-modernization"
WEEK = timedelta(days=7)


def launch(rollout: Rollout, *, rehearsed_on: str, plan_url: str) -> Message:
    """The week 1 launch announcement. `rehearsed_on` and `plan_url` are a person's to say."""
    facts = {
        "rehearsal_date": rehearsed_on,
        "channel": _channel(rollout),
        "plan_url": plan_url,
        "rollout_lead": _signature(rollout),
    }
    return render(_template(rollout, LAUNCH), facts)


def weekly(
    rollout: Rollout,
    week: int,
    *,
    highlights: Sequence[str] = (),
    issues: Sequence[str] = (),
    next_week: Sequence[str] = (),
) -> Message:
    """The status of a week, counted from the rows; what people add are lines of theirs."""
    start, end = _span(rollout, week)
    facts = {
        "week": week,
        "date_range": f"{start:%d %b} – {end - timedelta(days=1):%d %b %Y}",
        **_counts(rollout, start, end),
        "highlights": _lines(highlights),
        "issues": _lines(issues),
        "next_week": _lines(next_week),
        "channel": _channel(rollout),
        "dashboard_url": links.absolute("/admin/"),
        "rollout_lead": _signature(rollout),
    }
    return render(_template(rollout, WEEKLY), facts)


@transaction.atomic
def send(rollout: Rollout, message: Message, *, key: str, by: str) -> list[Announcement]:
    """To every channel, once per `key`; NotPossible where that was sent already, or while there is no rollout."""
    record.need_person(by, "Sending a message of the plan")
    if rollout.state == Rollout.State.PREPARED:
        raise NotPossible(f"{rollout} has not started; start it first. Nothing was sent.")
    own = f"message:{rollout.pk}:{key}"
    before = Announcement.objects.filter(key__startswith=f"{own}:").order_by("pk").first()
    if before is not None:
        raise NotPossible(f"“{before.subject}” was sent on {before.created_at:%Y-%m-%d}; it is sent once.")
    made = announcements.announce(rollout, key=own, subject=message.subject, body=message.body)
    audit.append(
        actor=by,
        action="message.sent",
        subject=str(rollout),
        reason=f"Sent “{message.subject}”.",
        after={"message": key, "announcements": [row.pk for row in made]},
    )
    record.say(rollout, by, f"Sent “{message.subject}”.")
    return made


def this_week(rollout: Rollout, now: datetime) -> int:
    """The week of the rollout that `now` is in; 1 before it begins."""
    if rollout.starts_on is None:
        return 1
    return max(1, (now.astimezone(UTC).date() - rollout.starts_on).days // 7 + 1)


def _channel(rollout: Rollout) -> str:
    return str(rollback_scope.plan(rollout).extra.get("channel", CHANNEL))


def _template(rollout: Rollout, slug: str) -> Message:
    found = next((message for message in rollback_scope.plan(rollout).messages if message.slug == slug), None)
    if found is None:
        raise NotPossible(f"The plan has no message {slug!r}; add it to the plan's messages.")
    return found


def _span(rollout: Rollout, week: int) -> tuple[datetime, datetime]:
    if rollout.starts_on is None or week < 1:
        raise NotPossible("Weeks count from the rollout's first day; start it first, and name week 1 or later.")
    start = datetime.combine(rollout.starts_on, time(), tzinfo=UTC) + (week - 1) * WEEK
    return start, start + WEEK


def _counts(rollout: Rollout, start: datetime, end: datetime) -> dict[str, object]:
    span = (start, end - timedelta(microseconds=1))
    repository = rollout.repository
    moves = Transition.objects.filter(issue__repository=repository, at__range=span, cause=Transition.Cause.PIPELINE)
    requested = Handover.objects.filter(issue__repository=repository, requested_at__range=span)
    return {
        "issues_monitored": moves.filter(before="", after="discovery").count(),
        "assignments": moves.filter(after="assigned").values("issue").distinct().count(),
        "processed": moves.filter(after="copilot").values("issue").distinct().count(),
        "handovers": requested.count(),
        "success_rate": _success(rollout, span),
    }


def _success(rollout: Rollout, span: tuple[datetime, datetime]) -> str:
    """Of the issues that live runs carried to an end; no issue is no success."""
    rows = RunItem.objects.filter(run__repository=rollout.repository, run__mode=Mode.LIVE, finished_at__range=span)
    rows = rows.exclude(Run.undoing("run__"))
    done = rows.filter(state=RunItem.State.DONE).count()
    ended = done + rows.filter(state=RunItem.State.FAILED).count()
    return f"{done / ended:.0%} ({done} of {ended})" if ended else "no issue was worked on"


def _lines(lines: Sequence[str]) -> str:
    return "\n".join(f"- {' '.join(line.split())}" for line in lines) or "- none"


def _signature(rollout: Rollout) -> str:
    return people.lead(rollout) or rollout.started_by or "The rollout lead"
