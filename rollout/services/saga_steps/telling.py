"""The team is told: a short word in the chat, a summary by e-mail, from the plan's own templates."""

from __future__ import annotations

from datetime import datetime, timedelta

from pipeline.models import Issue
from rollout.domain.messages import render
from rollout.domain.plan import Message
from rollout.models import Announcement, Rollback, RollbackStep
from rollout.services import announcements, links, people, rollback_scope
from rollout.services.saga_steps.base import Done, NotYet, Outcome, StepFailed, marking

LOOK_AGAIN = timedelta(seconds=15)
SHORT, LONG = "rollback-announcement", "rollback-summary"
DEFAULTS = {
    SHORT: Message(
        SHORT,
        "Rolled back: {scope}",
        "The pipeline was rolled back: {scope}.\n\nReason: {reason}\nBy: {actor}, {at}\n\n"
        "Schedules are off; runs by hand stay possible. Incident: {incident_url}",
    ),
    LONG: Message(
        LONG,
        "Rollback summary: {scope}",
        "Team,\n\n{scope} was rolled back on {at} by {actor}.\n\nReason: {reason}\n\nDone: {steps}\n\n"
        "Issues in intermediate states: {affected_issues}\n\nNext: a post-mortem by {postmortem_due}.\n\n"
        "Incident: {incident_url}\n\n{rollout_lead}",
    ),
}


def announce(rollback: Rollback, step: RollbackStep, now: datetime) -> Outcome:
    """Stored at once, sent by whoever delivers the outbox; done when every channel has taken it."""
    for channel, slug in (("slack", SHORT), ("email", LONG)):
        message = message_of(rollback, slug)
        key = f"rollback:{rollback.pk}"
        announcements.announce(
            rollback.rollout, key=key, subject=message.subject, body=message.body, channels=(channel,)
        )
    rows = list(Announcement.objects.filter(key__startswith=f"rollback:{rollback.pk}:"))
    waiting = [row for row in rows if row.state == Announcement.State.WAITING]
    if waiting:
        return NotYet(f"On its way by {_channels(waiting)}.", now + LOOK_AGAIN)
    sent = [row for row in rows if row.state == Announcement.State.SENT]
    failed = [row for row in rows if row.state == Announcement.State.FAILED]
    if not sent:
        raise StepFailed(" ".join(row.error for row in failed))
    told = f"Told by {_channels(sent)}."
    not_told = " ".join(f"Not by {row.get_channel_display()}: {row.error}" for row in failed)
    return Done(f"{told} {not_told}".strip(), {"sent": [row.pk for row in sent], "failed": [row.pk for row in failed]})


def _channels(rows: list[Announcement]) -> str:
    return " and ".join(row.get_channel_display() for row in rows)


def message_of(rollback: Rollback, slug: str) -> Message:
    """The message as it goes out; also what the page shows before."""
    templates = {message.slug: message for message in rollback_scope.plan(rollback.rollout).messages}
    made = render(templates.get(slug, DEFAULTS[slug]), _facts(rollback))
    return Message(slug, f"{marking(rollback)}{made.subject}", f"{marking(rollback)}{made.body}")


def _facts(rollback: Rollback) -> dict[str, object]:
    incident = rollback.incident
    settled = rollback.steps.filter(state=RollbackStep.State.DONE).exclude(detail="")
    return {
        "scope": rollback_scope.named(rollback.rollout, rollback.step),
        "reason": rollback.reason,
        "actor": rollback.by,
        "at": f"{rollback.started_at:%a %d %b %Y %H:%M} UTC",
        "steps": " ".join(row.detail for row in settled) or "the schedules are being switched off.",
        "affected_issues": _between(rollback),
        "postmortem_due": f"{incident.postmortem_due_at:%a %d %b %Y %H:%M} UTC" if incident else "48 hours from now",
        "incident_url": links.of("incident", incident.pk) if incident else "(is being opened)",
        "rollout_lead": people.lead(rollback.rollout) or rollback.rollout.started_by or rollback.by,
    }


def _between(rollback: Rollback) -> str:
    rows = Issue.objects.filter(repository=rollback.rollout.repository)
    counts = {state: rows.filter(state=state).count() for state in ("assigned", "copilot")}
    return f"{counts['assigned']} in state::assigned, {counts['copilot']} in state::copilot"
