"""Webhooks from GitHub: verified over the raw body, used once, and never more than "read this issue again"."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction

from pipeline import clock
from pipeline.github import port
from pipeline.models import Repository, WebhookDelivery
from pipeline.services import bell, credentials, labels, sync, telemetry
from pipeline.services.connect import connect

TASK = "pipeline.tasks.take_delivery"
MAX_BODY = 25 * 1024 * 1024  # GitHub's own cap
FULL_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}/[A-Za-z0-9._-]{1,100}")
USED = frozenset({"issues", "issue_comment", "pull_request", "pull_request_review"})
LABEL_CHANGES = frozenset({"deleted", "edited"})


@dataclass(frozen=True, slots=True)
class Answer:
    """What to answer over HTTP: status and one sentence."""

    status: int
    sentence: str


@dataclass(frozen=True, slots=True)
class Envelope:
    """A delivery whose signature fits. `repository` is None for one that is not governed here."""

    delivery_id: str
    event: str
    repository: Repository | None
    payload: dict[str, Any]


def receive(headers: Mapping[str, str], body: bytes) -> Answer:
    """Verify and store one delivery; the reading is done by a worker, so GitHub is answered at once."""
    envelope = unwrap(headers, body)
    if isinstance(envelope, Answer):
        return envelope
    if envelope.repository is None:
        return Answer(202, "This repository of this server is not governed here; the delivery was ignored.")
    return _store(envelope.repository, envelope.delivery_id, envelope.event, envelope.payload)


def unwrap(headers: Mapping[str, str], body: bytes) -> Envelope | Answer:
    """The delivery behind its signature, or what to answer when it is refused. Stores nothing."""
    if len(body) > MAX_BODY:
        return Answer(413, "The delivery is larger than GitHub sends; it was refused.")
    delivery_id = headers.get("X-GitHub-Delivery", "").strip()[:100]
    event = headers.get("X-GitHub-Event", "").strip()[:60]
    if not delivery_id or not event:
        return Answer(400, "X-GitHub-Delivery and X-GitHub-Event are needed; is this a GitHub webhook?")
    payload = _parsed(body)
    if payload is None:
        return Answer(400, "The body is not a JSON object; set the webhook's content type to application/json.")
    repository = _repository(payload)
    if not _signed(headers.get("X-Hub-Signature-256", ""), body, _secret(repository)):
        return Answer(401, "The signature does not fit; check that both sides have the same webhook secret.")
    return Envelope(delivery_id, event, repository, payload)


def _parsed(body: bytes) -> dict[str, Any] | None:
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return payload if isinstance(payload, dict) else None


def _repository(payload: dict[str, Any]) -> Repository | None:
    named = payload.get("repository")
    if not isinstance(named, dict):
        return None
    full_name = named.get("full_name")
    if not isinstance(full_name, str) or not FULL_NAME.fullmatch(full_name):
        return None  # nothing that a database should be asked for before the signature is known
    rows = list(Repository.objects.filter(full_name__iexact=full_name).order_by("pk"))
    if len(rows) < 2:
        return rows[0] if rows else None
    # Two servers may each have one of this name; the delivery names its own in the repository's addresses.
    sent_by = [
        row for row in rows if _lies_on(named.get("url"), row.api_url) or _lies_on(named.get("html_url"), row.web_url)
    ]
    return sent_by[0] if len(sent_by) == 1 else None


def _lies_on(address: object, root: str) -> bool:
    return isinstance(address, str) and address.lower().startswith(f"{root.rstrip('/').lower()}/")


def _secret(repository: Repository | None) -> bytes:
    reference = repository.webhook_secret_reference if repository else ""
    if reference:
        try:
            return credentials.resolve(reference).encode()
        except credentials.CredentialMissing:
            return b""
    shared: str = settings.CONTROLPLANE.webhook_secret
    return shared.encode()


def _signed(header: str, body: bytes, secret: bytes) -> bool:
    if not secret or not header.startswith("sha256="):
        return False
    expected = hmac.new(secret, body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(header.removeprefix("sha256=").encode(), expected.encode())


def _store(repository: Repository, delivery_id: str, event: str, payload: dict[str, Any]) -> Answer:
    number = _issue_number(payload)
    action = str(payload.get("action") or "").replace("\x00", "")[:60]
    used = (event in USED and number is not None) or (event == "label" and action in LABEL_CHANGES)
    row = WebhookDelivery(
        delivery_id=delivery_id,
        repository=repository,
        event=event,
        action=action,
        issue_number=number,
        received_at=clock.now(),
        status=WebhookDelivery.Status.STORED if used else WebhookDelivery.Status.IGNORED,
        note="" if used else "Nothing to read for this event.",
    )
    try:
        with transaction.atomic():
            row.save()
            Repository.objects.filter(pk=repository.pk).update(webhook_seen_at=row.received_at)
            if used:
                bell.ring(TASK, row.pk)
    except IntegrityError:
        return _repeated(delivery_id)
    return Answer(202, "Taken." if used else "Nothing to do for this event.")


def _repeated(delivery_id: str) -> Answer:
    """A redelivery keeps its id: it is used again only when the first one failed."""
    again = WebhookDelivery.objects.filter(delivery_id=delivery_id, status=WebhookDelivery.Status.FAILED)
    row = again.first()
    if row is None or not again.update(status=WebhookDelivery.Status.STORED, note="Delivered again."):
        return Answer(200, "This delivery was used already.")
    bell.ring(TASK, row.pk)
    return Answer(202, "Taken again.")


def _issue_number(payload: dict[str, Any]) -> int | None:
    """The issue to read again. A pull request is none, but the scaffold's issue is found by the next track."""
    issue = payload.get("issue")
    if not isinstance(issue, dict) or "pull_request" in issue:
        return None
    number = issue.get("number")
    return number if isinstance(number, int) and not isinstance(number, bool) and 0 < number < 2**31 else None


def take(row: WebhookDelivery) -> None:
    """Read the issue, or the labels, that a stored delivery is about."""
    if row.repository is None or (row.issue_number is None and row.event != "label"):
        return
    try:
        github = connect(row.repository)
        if row.issue_number is None:
            labels.relearn(row.repository, github)
        else:
            sync.read_one(row.repository, github, row.issue_number)
    except port.GitHubError as error:
        _settle(row, WebhookDelivery.Status.FAILED, str(error))
        return
    _settle(row, WebhookDelivery.Status.DONE, "")


def _settle(row: WebhookDelivery, status: WebhookDelivery.Status, note: str) -> None:
    row.status, row.note = status, note[:300]
    row.save(update_fields=["status", "note"])
    telemetry.emit("webhook", delivery=row.delivery_id, event_name=row.event, issue=row.issue_number, status=status)
