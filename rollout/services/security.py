"""Security alerts that concern the automation: by signed webhook from GitHub, or written down by hand.

An open alert is what the plan's trigger "security alert" fires on. A webhook only ever opens one: that an alert was
resolved on GitHub is a person's judgement, and clearing it here, which lets automation begin again, is one too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction

from pipeline import clock
from pipeline.models import Repository
from pipeline.services import audit, webhooks
from pipeline.services.operations import NotPossible
from pipeline.services.webhooks import Answer
from rollout.models import SecurityAlert

BY_HAND = "by hand"
OPENING = {
    "security_advisory": frozenset({"published", "updated"}),
    "repository_advisory": frozenset({"published", "reported"}),
    "secret_scanning_alert": frozenset({"created", "reopened", "publicly_leaked"}),
}

OPENING_AGAIN = frozenset({"reopened", "publicly_leaked"})


def receive(headers: Mapping[str, str], body: bytes) -> Answer:
    """One delivery of GitHub: verified, and stored once as an alert."""
    envelope = webhooks.unwrap(headers, body)
    if isinstance(envelope, Answer):
        return envelope
    actions = OPENING.get(envelope.event)
    if actions is None:
        return Answer(202, f"The event {envelope.event} is no security alert; send it to /webhooks/github.")
    action = str(envelope.payload.get("action") or "")
    if action not in actions:
        return Answer(202, f"Nothing to open for {envelope.event} ({action}); a person clears alerts here.")
    if envelope.repository is None:
        return Answer(
            202, "The alert names no repository that is governed here; write it down by hand if it concerns us."
        )
    identity, summary = _read(envelope.event, envelope.payload)
    if not identity:
        return Answer(400, f"The {envelope.event} has no number or id; is this GitHub's own delivery?")
    alert, created = _store(envelope.repository, envelope.event, identity, summary, actor=f"webhook:{envelope.event}")
    again = not created and action in OPENING_AGAIN and _reopened(alert, f"webhook:{envelope.event}")
    return Answer(202, "Taken." if created or again else "This alert is known already.")


def _read(event: str, payload: Mapping[str, Any]) -> tuple[str, str]:
    """(what the alert is known by, a sentence of it)."""
    if event == "secret_scanning_alert":
        alert = _part(payload, "alert")
        kind = alert.get("secret_type_display_name") or alert.get("secret_type") or "a secret"
        number = alert.get("number")
        return (str(number) if type(number) is int else "", f"GitHub found a secret in the repository: {kind}.")
    advisory = _part(payload, event)
    severity = str(advisory.get("severity") or "unknown")
    said = advisory.get("summary") or "no summary"
    return str(advisory.get("ghsa_id") or ""), f"Security advisory ({severity}): {said}"


def _part(payload: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = payload.get(name)
    return found if isinstance(found, dict) else {}


def report(repository: Repository, *, by: str, summary: str, external_id: str = "") -> SecurityAlert:
    """Somebody writes an alert down by hand."""
    if not summary.strip():
        raise NotPossible("Say in a sentence what the alert is about.")
    identity = external_id.strip() or f"{clock.now():%Y%m%dT%H%M%S%f}"
    alert, created = _store(repository, BY_HAND, identity, summary, actor=by)
    if not created:
        raise NotPossible(f"An alert with the id {identity!r} is known already.")
    return alert


def _store(
    repository: Repository, source: str, identity: str, summary: str, *, actor: str
) -> tuple[SecurityAlert, bool]:
    """One row per alert, however often it is told."""
    now = clock.now()
    plain = " ".join(summary.split())[:300]
    try:
        with transaction.atomic():
            alert = SecurityAlert.objects.create(
                repository=repository, source=source, external_id=identity[:100], summary=plain, at=now
            )
            _write_down(alert, "security.alert", actor, plain)
    except IntegrityError:
        alert = SecurityAlert.objects.get(repository=repository, source=source, external_id=identity[:100])
        return alert, False
    return alert, True


def _reopened(alert: SecurityAlert, actor: str) -> bool:
    """GitHub says that what was settled is open again; a mere redelivery of the first word does not."""
    with transaction.atomic():
        cleared = SecurityAlert.objects.filter(pk=alert.pk, cleared_at__isnull=False)
        again = cleared.update(cleared_at=None, cleared_by="", at=clock.now())
        if again:
            _write_down(alert, "security.alert", actor, f"Told again: {alert.summary}")
    alert.refresh_from_db()
    return bool(again)


def clear(alert: SecurityAlert, *, by: str, reason: str) -> None:
    """A person has looked: the alert no longer stands in the way."""
    with transaction.atomic():
        open_row = SecurityAlert.objects.filter(pk=alert.pk, cleared_at__isnull=True)
        if not open_row.update(cleared_by=by[:150], cleared_at=clock.now()):
            raise NotPossible("The alert was cleared already.")
        _write_down(alert, "security.cleared", by, reason)
    alert.refresh_from_db()


def _write_down(alert: SecurityAlert, action: str, by: str, reason: str) -> None:
    audit.append(
        actor=by,
        action=action,
        subject=f"{alert.source} {alert.external_id} on {alert.repository}",
        reason=reason,
        evidence={"alert": alert.pk},
    )
