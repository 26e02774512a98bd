"""Incidents: opened by a rollback or by hand, owned, explained, and looked back on within 48 hours (plan)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from pipeline import clock
from pipeline.models import AuditEntry, Run
from pipeline.services import audit
from pipeline.services.operations import NotPossible
from rollout.models import Firing, Incident, ProgressEntry, RollbackStep, Rollout
from rollout.services import announcements, links, people

POSTMORTEM_WITHIN = timedelta(hours=48)
REMIND_BEFORE = (timedelta(hours=24), timedelta(hours=4), timedelta(0))
REMIND_AGAIN = timedelta(hours=24)
LOOK_BACK = timedelta(hours=6)  # of the timeline; the longest window of an automatic trigger
MOST_ENTRIES = 400


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a timeline; `source` is "audit", "trigger", "run", "rollback" or "progress"."""

    at: datetime
    source: str
    who: str
    sentence: str


@transaction.atomic
def open_incident(
    rollout: Rollout,
    *,
    title: str,
    by: str,
    summary: str,
    affected_issues: list[int] | None = None,
    drill: bool = False,
) -> Incident:
    """A new incident, owned by the rollout lead (else by whoever opens it), its post-mortem due in 48 hours."""
    now = clock.now()
    incident = Incident.objects.create(
        rollout=rollout,
        title=title[:200],
        opened_at=now,
        opened_by=by[:150],
        owner=(people.lead(rollout) or rollout.started_by or by)[:150],
        summary=summary,
        affected_issues=affected_issues or [],
        postmortem_due_at=now + POSTMORTEM_WITHIN,
        is_drill=drill,
    )
    _write_down(incident, "incident.opened", by, title, {"owner": incident.owner})
    return incident


def set_owner(incident: Incident, owner: str, *, by: str, reason: str) -> None:
    if not owner.strip():
        raise NotPossible("An incident always has an owner; name a person.")
    _change(incident, by, reason, owner=owner.strip()[:150])


def set_root_cause(incident: Incident, text: str, *, by: str) -> None:
    _change(incident, by, "The root cause was written down.", root_cause=text.strip())


def set_action_plan(incident: Incident, text: str, *, by: str) -> None:
    _change(incident, by, "The action plan was written down.", action_plan=text.strip())


def hold_postmortem(incident: Incident, *, by: str, note: str) -> None:
    """The meeting took place; `note` says who came and where its notes are."""
    if incident.postmortem_held_at is not None:
        raise NotPossible(f"The post-mortem of {incident} was held already, on {incident.postmortem_held_at:%d %b}.")
    _change(incident, by, note, postmortem_held_at=clock.now())


def close(incident: Incident, *, by: str, reason: str) -> None:
    """Closed once its cause, its plan and its post-mortem are there; a drill needs none of them."""
    lacks = [
        name
        for name, there in (
            ("the root cause", incident.root_cause),
            ("the action plan", incident.action_plan),
            ("the post-mortem", incident.postmortem_held_at),
        )
        if not there
    ]
    if lacks and not incident.is_drill:
        raise NotPossible(f"{incident} still lacks {', '.join(lacks)}; it stays open.")
    _change(incident, by, reason, closed_at=clock.now())


@transaction.atomic
def _change(incident: Incident, by: str, reason: str, **values: object) -> None:
    if incident.closed_at is not None:
        raise NotPossible(f"{incident} is closed; open a new one.")
    before = {name: str(getattr(incident, name) or "") for name in values}
    for name, value in values.items():
        setattr(incident, name, value)
    incident.save(update_fields=list(values))
    after = {name: str(value) for name, value in values.items()}
    _write_down(incident, f"incident.{next(iter(values))}", by, reason, after, before)


def _write_down(
    incident: Incident, action: str, by: str, reason: str, after: dict[str, str], before: dict[str, str] | None = None
) -> None:
    subject = f"incident {incident.pk}: {incident.title}"
    audit.append(actor=by, action=action, subject=subject, reason=reason, before=before, after=after)


def remind_due(now: datetime) -> list[Incident]:
    """Remind owners whose post-mortem is near or overdue: a day and four hours before, when due, daily afterwards."""
    reminded = []
    rows = Incident.objects.filter(postmortem_held_at__isnull=True, closed_at__isnull=True, is_drill=False)
    for incident in rows.select_related("rollout"):
        moment = _reminder(incident, now)
        if moment is None or moment <= (incident.reminded_at or incident.opened_at):
            continue
        with transaction.atomic():
            seen = Incident.objects.filter(pk=incident.pk, reminded_at=incident.reminded_at)
            if not seen.update(reminded_at=now):
                continue
            _remind(incident, moment, now)
        reminded.append(incident)
    return reminded


def _reminder(incident: Incident, now: datetime) -> datetime | None:
    """The newest moment that has come at which the owner is reminded."""
    due = incident.postmortem_due_at
    if now >= due:
        return due + REMIND_AGAIN * ((now - due) // REMIND_AGAIN)
    return max((due - before for before in REMIND_BEFORE if due - before <= now), default=None)


def _remind(incident: Incident, moment: datetime, now: datetime) -> None:
    late = now >= incident.postmortem_due_at
    when = f"{incident.postmortem_due_at:%a %d %b %H:%M} UTC"
    state = f"was due {when}" if late else f"is due {when}"
    announcements.announce(
        incident.rollout,
        key=f"incident:{incident.pk}:reminder:{moment:%Y%m%dT%H%M}",
        subject=f"Post-mortem {'overdue' if late else 'due'}: {incident.title}",
        body=f"The post-mortem of “{incident.title}” {state}. Owner: {incident.owner}.\n"
        f"Hold it and write it down: {links.of('incident', incident.pk)}",
        recipients=people.addresses(incident.rollout, owner=incident.owner),
    )


def timeline(incident: Incident) -> list[Entry]:
    """What happened from six hours before until the incident was closed, oldest first, from the rows themselves."""
    start, end = incident.opened_at - LOOK_BACK, incident.closed_at or clock.now()
    span = (start, end)
    found = [*_of_triggers(incident, span), *_of_runs(incident, span), *_of_steps(incident), *_of_log(incident, span)]
    found += [
        Entry(row.at, "progress", row.actor, row.sentence)
        for row in ProgressEntry.objects.filter(rollout=incident.rollout, at__range=span)
    ]
    return sorted(found, key=lambda entry: entry.at)[-MOST_ENTRIES:]


def _of_triggers(incident: Incident, span: tuple[datetime, datetime]) -> list[Entry]:
    rows = Firing.objects.filter(rollout=incident.rollout, at__range=span)
    return [Entry(row.at, "trigger", f"rule:{row.trigger}", row.sentence) for row in rows]


def _of_runs(incident: Incident, span: tuple[datetime, datetime]) -> list[Entry]:
    """Failed and cancelled runs; those that went well are no part of the story."""
    bad = (Run.State.FAILED, Run.State.CANCELLED)
    rows = Run.objects.filter(repository=incident.rollout.repository, finished_at__range=span, state__in=bad)
    return [
        Entry(
            row.finished_at, "run", row.requested_by, f"{row} {row.get_state_display()}: {row.error or 'no word why'}"
        )
        for row in rows.order_by("-pk")[:MOST_ENTRIES]
        if row.finished_at
    ]


def _of_steps(incident: Incident) -> list[Entry]:
    rows = RollbackStep.objects.filter(rollback__incident=incident, settled_at__isnull=False)
    return [
        Entry(row.settled_at, "rollback", "rollback", f"{row.name} {row.get_state_display()}: {row.detail}")
        for row in rows
        if row.settled_at
    ]


def _of_log(incident: Incident, span: tuple[datetime, datetime]) -> list[Entry]:
    repository = incident.rollout.repository.full_name
    about = Q(subject__contains=repository) | Q(subject__startswith=f"incident {incident.pk}:")
    rows = AuditEntry.objects.filter(about, at__range=span).order_by("-sequence")[:MOST_ENTRIES]
    return [Entry(row.at, "audit", row.actor, f"{row.action}, {row.subject}: {row.reason}") for row in rows]
