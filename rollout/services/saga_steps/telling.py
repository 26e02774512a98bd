"""The team is told: a short word in the chat, a summary by e-mail, from the plan's own templates."""

from __future__ import annotations

from datetime import datetime, timedelta

from pipeline.models import Issue
from rollout.domain.messages import render
from rollout.domain.plan import Message
from rollout.models import Announcement, Rollback, RollbackStep
from rollout.notifier.channels import is_set_up
from rollout.services import announcements, links, people, rollback_scope, stop_links
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
    """Stored at once, sent by whoever delivers the outbox; done when every channel that is set up has taken it."""
    for channel, slug in (("slack", SHORT), ("email", LONG)):
        message = message_of(rollback, slug)
        key, body = f"rollback:{rollback.pk}", f"{message.body}{_more(rollback)}"
        announcements.announce(rollback.rollout, key=key, subject=message.subject, body=body, channels=(channel,))
    rows = list(Announcement.objects.filter(key__startswith=f"rollback:{rollback.pk}:"))
    waiting = [row for row in rows if row.state == Announcement.State.WAITING]
    if waiting:
        return NotYet(f"On its way by {_channels(waiting)}.", now + LOOK_AGAIN)
    sent = [row for row in rows if row.state == Announcement.State.SENT]
    failed = [row for row in rows if row.state == Announcement.State.FAILED]
    told = f"Told by {_channels(sent)}. " if sent else ""
    not_told = " ".join(f"Not by {row.get_channel_display()}: {row.error}" for row in failed)
    if not sent or any(_could_take_it(row) for row in failed):
        raise StepFailed(f"{told}{not_told}")
    return Done(f"{told}{not_told}".strip(), {"sent": [row.pk for row in sent], "failed": [row.pk for row in failed]})


def _more(rollback: Rollback) -> str:
    """Where a step was rolled back, whoever reads of it may want to stop more."""
    if rollback.is_drill or not rollback.step:
        return ""
    link = stop_links.address(rollback.rollout)
    return f"\n\nHold or roll back more without signing in, for a day from now: {link}"


def _could_take_it(row: Announcement) -> bool:
    """A channel that nobody set up is only named; one that is set up and refused needs a person."""
    return is_set_up(row.channel) and (row.channel != "email" or bool(row.recipients))


def send_again(rollback: Rollback) -> None:
    """A person has mended the channel; the rest was taken already. Who is to be mailed is looked up anew."""
    for row in Announcement.objects.filter(key__startswith=f"rollback:{rollback.pk}:", state=Announcement.State.FAILED):
        if row.channel == "email":
            Announcement.objects.filter(pk=row.pk).update(recipients=people.addresses(rollback.rollout))
        announcements.send_again(row)


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
