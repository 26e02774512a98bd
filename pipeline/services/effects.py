"""Effects: stored before they are made, sent under guard, settled one by one.

    planned → sending (epoch, time; committed) → applied | refused | unknown
                                                 unknown → (quarantine, looked up) → applied | planned

No network call ever happens inside a transaction. Whatever is left in `sending` by a process that died becomes
`unknown`, and nothing else is done to that issue before it is looked up.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models.functions import Lower

from pipeline import clock
from pipeline.domain import changes, diffs, markers
from pipeline.domain.changes import Change
from pipeline.domain.plan import Plan
from pipeline.github.port import (
    Applied,
    GitHub,
    GitHubError,
    Intent,
    IssueTarget,
    NotFound,
    Outcome,
    QuotaExhausted,
    Refused,
    UnknownFate,
)
from pipeline.models import Effect, RepositoryLabel, RunItem
from pipeline.services import claims, settling, telemetry

# A process that slept longer than this between "sending" and the socket sends nothing: others may have looked it up.
STALE_BEFORE_SEND = timedelta(seconds=30)


class SubjectTaken(RuntimeError):
    """Another live effect already makes what must exist only once."""


def store(item: RunItem, plan: Plan) -> list[Effect]:
    """Write the plan's effects and facts in one transaction; nothing has been sent yet."""
    now = clock.now()
    rows = []
    for order, planned in enumerate(plan.effects):
        key = uuid.uuid4().hex
        change = marked(planned.change, key) if item.live else planned.change
        payload = changes.to_payload(change)
        rows.append(
            Effect(
                item=item,
                issue=item.issue,
                order=order,
                step=planned.step,
                key=key,
                subject=planned.subject,
                kind=change.kind,
                payload=payload,
                request_hash=changes.request_hash(change.kind, payload),
                before=planned.before,
                diff=diffs.describe(planned.change, planned.before),
                live=item.live,
                planned_at=now,
                reverts_id=planned.before.get("undoes"),
            )
        )
    facts = {**plan.facts, "moves": {str(step): state.value for step, state in plan.moves.items()}}
    try:
        with transaction.atomic():
            claims.renew(item)
            Effect.objects.bulk_create(rows)
            RunItem.objects.filter(pk=item.pk).update(facts=facts, outcome=plan.outcome, reason=plan.reason[:500])
    except IntegrityError as error:
        raise SubjectTaken(f"Another run is already making this ({_subjects(rows)}); nothing was changed.") from error
    item.facts, item.outcome, item.reason = facts, plan.outcome, plan.reason[:500]
    return rows


def _subjects(rows: Sequence[Effect]) -> str:
    return ", ".join(row.subject for row in rows if row.subject)


def marked(change: Change, key: str) -> Change:
    """The change with its signed marker where it is found again by its text; a dry run shows it without."""
    marker = markers.sign(key, marker_secret())
    if isinstance(change, changes.CreateIssue):  # above the first section, so that it is part of none
        return replace(change, body=f"{marker}\n\n{change.body}")
    if isinstance(change, changes.AddComment | changes.OpenPull):
        return replace(change, body=f"{change.body.rstrip()}\n\n{marker}\n")
    if isinstance(change, changes.CreateBranch):
        return replace(change, message=f"{change.message.rstrip()}\n\n{marker}\n")
    return change


def marker_secret() -> bytes:
    secret: str = settings.CONTROLPLANE.marker_secret
    return secret.encode()


def next_rows(item: RunItem, *, one_by_one: bool) -> list[Effect]:
    """What is to be sent next, in order: the first step that has planned effects.

    `one_by_one`: only its first effect, where each is a request of its own, so that a stop is obeyed between them.
    """
    planned = list(item.effects.filter(state=Effect.State.PLANNED).order_by("step", "order"))
    return planned[:1] if one_by_one else [row for row in planned if row.step == planned[0].step]


def send(item: RunItem, rows: Sequence[Effect], github: GitHub, target: IssueTarget) -> None:
    """Send planned effects of one step in one go and settle each; the rows are then as they are in the database.

    LeaseLost when the item is no longer ours: then nothing was sent. QuotaExhausted, once all is settled, when what is
    left has to wait for the quota.
    """
    sent_at = _mark_sending(item, rows)
    if clock.now() - sent_at > STALE_BEFORE_SEND:
        raise claims.LeaseLost(f"Item {item.pk} slept too long before sending; it will be looked up.")
    intents = [Intent(row.key, row.request_hash, changes.from_payload(row.kind, row.payload)) for row in rows]
    outcomes = github.apply(target, intents)
    settle(item, rows, outcomes)
    spent = next((outcome.error for outcome in outcomes if isinstance(outcome.error, QuotaExhausted)), None)
    if spent is not None and all(row.state != Effect.State.UNKNOWN for row in rows):
        raise spent


def _mark_sending(item: RunItem, rows: Sequence[Effect]) -> datetime:
    now = clock.now()
    with transaction.atomic():
        claims.renew(item)
        marked = Effect.objects.filter(pk__in=[row.pk for row in rows], state=Effect.State.PLANNED, live=True).update(
            state=Effect.State.SENDING, epoch=item.epoch, sent_at=now
        )
        if marked != len(rows):
            raise claims.LeaseLost(f"Item {item.pk}: somebody else took its effects.")
    for row in rows:
        row.state, row.epoch, row.sent_at = Effect.State.SENDING, item.epoch, now
    return now


def settle(item: RunItem, rows: Sequence[Effect], outcomes: Sequence[Outcome]) -> None:
    """Write down the fate of each effect, and what it made true, in one transaction."""
    with transaction.atomic():
        for row, outcome in zip(rows, outcomes, strict=True):
            if outcome.applied is not None:
                applied(row, outcome.applied)
            else:
                _not_applied(item, row, outcome.error)
        settling.move_if_complete(item, {row.step for row in rows})


def applied(row: Effect, answer: Applied) -> None:
    """The effect took place: note it, and in our copies what it made true. Joins the caller's transaction."""
    open_states = (Effect.State.SENDING, Effect.State.UNKNOWN)
    values = {"state": Effect.State.APPLIED, "settled_at": clock.now(), "response": _bounded(answer.facts), "error": ""}
    if not Effect.objects.filter(pk=row.pk, epoch=row.epoch, state__in=open_states).update(**values):
        raise claims.LeaseLost(f"Effect {row.key} was settled by somebody else.")
    for name, value in values.items():
        setattr(row, name, value)
    settling.took_place(row, answer.facts)
    telemetry.emit("effect.applied", run=row.item.run_id, item=row.item_id, effect=row.key, kind=row.kind)


def _bounded(facts: dict[str, object]) -> dict[str, object]:
    """Bodies are kept in the issue's row; here their length is enough."""
    return {name: value if name != "body" else f"{len(str(value))} characters" for name, value in facts.items()}


def _not_applied(item: RunItem, row: Effect, error: GitHubError | None) -> None:
    now = clock.now()
    values: dict[str, object] = {"error": str(error)[:500] if error else ""}
    if isinstance(error, UnknownFate):
        quarantine = timedelta(seconds=item.run.repository.quarantine_seconds)
        values |= {"state": Effect.State.UNKNOWN, "look_up_at": now + quarantine}
    elif isinstance(error, Refused):
        values |= {"state": Effect.State.REFUSED, "settled_at": now}
        if isinstance(error, NotFound):
            _forget_labels(row, str(error))
    else:  # certainly not applied, and worth another try
        values |= {"state": Effect.State.PLANNED, "sent_at": None}
    Effect.objects.filter(pk=row.pk, epoch=row.epoch, state=Effect.State.SENDING).update(**values)
    for name, value in values.items():
        setattr(row, name, value)
    telemetry.emit(
        "effect.failed", run=item.run_id, item=item.pk, effect=row.key, kind=row.kind, state=row.state, error=row.error
    )


def _forget_labels(row: Effect, said: str) -> None:
    """Somebody deleted one on GitHub: the next run learns which there are, and makes what is missing.

    Only where GitHub names it: when it is the issue that is gone, the other items of the run need its labels.
    """
    named = [str(name).lower() for name in row.payload.get("labels", ())]
    known = RepositoryLabel.objects.filter(repository=row.item.run.repository_id)
    known = known.annotate(lowered=Lower("name")).filter(lowered__in=named)
    if any(node_id and node_id in said for node_id in known.values_list("node_id", flat=True)):
        known.delete()


def cancel_planned(item: RunItem, reason: str) -> int:
    """What was never sent will not be; joins the caller's transaction."""
    return item.effects.filter(state=Effect.State.PLANNED).update(
        state=Effect.State.CANCELLED, settled_at=clock.now(), error=reason[:500]
    )
