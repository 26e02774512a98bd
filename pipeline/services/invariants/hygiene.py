"""I8: the audit chain, the limits of runs, stale leases, and secrets where none may be."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import product
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Cast

from pipeline.domain.invariants.values import RunFact, Violation
from pipeline.models import Heartbeat, Repository, Run, RunItem, WebhookDelivery
from pipeline.services import audit
from pipeline.services.claims import claimable, lease
from pipeline.services.credentials import CredentialMissing, resolve
from pipeline.services.invariants.facts import active_items

LABELS = frozenset({"pipeline", "rollout", "django_celery_beat", "admin", "sessions"})
SWEPT = timedelta(minutes=2)  # a sweeper that lives has found it by then
SHORTEST_SECRET = 8  # shorter ones stand in any text by chance
LONGEST_WAIT = timedelta(hours=2)  # GitHub's quota comes back within one


def chain() -> list[Violation]:
    """The audit log is whole and unaltered."""
    verified = audit.verify()
    return [_broken("audit", verified.fault)] if verified.fault else []


def limits(runs: Iterable[RunFact]) -> list[Violation]:
    """No run changed more issues than its limit."""
    return [
        _broken("limit", f"Run {run.id} changed {run.touched} issues; its limit was {run.limit}.")
        for run in runs
        if run.touched > run.limit
    ]


def leases(repositories: Sequence[Repository], now: datetime) -> list[Violation]:
    """Nothing is held by somebody who let two leases pass."""
    old = now - 2 * lease()
    chosen = [row.pk for row in repositories]
    items = RunItem.objects.filter(
        run__repository__in=chosen, state=RunItem.State.WORKING, claimed_until__lt=old
    ).order_by("pk")
    runs = Run.objects.filter(
        repository__in=chosen, state__in=Run.ACTIVE, selected=False, claimed_until__lt=old
    ).order_by("pk")
    broken = [
        _broken(
            "lease", f"Item {row.pk} of run {row.run_id} is held under a lease that ended {row.claimed_until:%H:%M:%S}."
        )
        for row in items
    ]
    return broken + [
        _broken("lease", f"Run {row.pk} is held under a lease that ended {row.claimed_until:%H:%M:%S}.") for row in runs
    ]


def unfinished(repositories: Sequence[Repository], now: datetime) -> list[Violation]:
    """At rest nothing is left lying: what waits has a moment to come."""
    broken = []
    for item in active_items(repositories):
        due = item.due_at if item.state == RunItem.State.WAITING else None
        if due is not None and now - SWEPT < due <= now + LONGEST_WAIT:
            continue
        broken.append(
            Violation("I1", "conservation.left", f"Item {item.pk} of run {item.run_id} is left {item.state}.")
        )
    rows = Run.objects.filter(repository__in=[row.pk for row in repositories], state__in=Run.ACTIVE)
    for run in rows.order_by("pk"):
        if (
            not run.items.filter(state=RunItem.State.WAITING).exists()
            and not run.children.filter(state__in=Run.ACTIVE).exists()
        ):
            broken.append(Violation("I1", "conservation.left", f"Run {run.pk} ({run.kind}) is left {run.state}."))
    return broken


def untouched(repositories: Sequence[Repository], now: datetime, *, at_rest: bool) -> list[Violation]:
    """A living sweeper has looked at whatever is due; while it is stopped this is asked at rest only."""
    if not at_rest and not Heartbeat.objects.filter(name="tick", beaten_at__gte=now - SWEPT).exists():
        return []
    chosen = [row.pk for row in repositories]
    due = RunItem.objects.filter(claimable(now - SWEPT), run__repository__in=chosen)
    old = Q(rung_at__isnull=True) | Q(rung_at__lt=now - SWEPT)
    runs = Run.objects.filter(old, created_at__lt=now - SWEPT, state__in=Run.ACTIVE, pk__in=due.values("run"))
    lost = WebhookDelivery.objects.filter(
        repository__in=chosen, status=WebhookDelivery.Status.STORED, received_at__lt=now - SWEPT
    )
    return [
        *(
            Violation(
                "I1", "conservation.untouched", f"Run {run.pk} has work that is due, and nobody was told for long."
            )
            for run in runs.order_by("pk")
        ),
        *(
            Violation("I1", "conservation.untouched", f"The delivery {row.delivery_id} was never taken up.")
            for row in lost.order_by("pk")
        ),
    ]


def known_secrets(repositories: Iterable[Repository]) -> list[str]:
    """Every secret that this installation can name: of its settings and of the repositories' references."""
    ours = settings.CONTROLPLANE
    found = [
        settings.SECRET_KEY,
        ours.marker_secret,
        ours.webhook_secret,
        ours.metrics_token,
        ours.api_token,
        ours.github.token,
        ours.github.handover_token,
        ours.ai.api_key,
    ]
    for row in repositories:
        for reference in (row.token_reference, row.handover_token_reference, row.webhook_secret_reference):
            with contextlib.suppress(CredentialMissing):
                found.append(resolve(reference))
    return sorted({value for value in found if len(value) >= SHORTEST_SECRET})


def secrets(values: Sequence[str]) -> list[Violation]:
    """No secret stands in a text column, in telemetry or in a log."""
    wanted = [value for value in values if value]
    if not wanted:
        return []
    return _in_tables(wanted) + _in_files(wanted)


def _in_tables(wanted: Sequence[str]) -> list[Violation]:
    broken = []
    for model in apps.get_models():
        names = [field.name for field in model._meta.concrete_fields if _holds_text(field)]
        if names and model._meta.app_label in LABELS and model._default_manager.exists():
            broken += _in_table(model, names, wanted)
    return broken


def _holds_text(field: models.Field[object, object]) -> bool:
    return isinstance(field, models.CharField | models.TextField | models.JSONField) and not field.choices


def _in_table(model: type[models.Model], names: Sequence[str], wanted: Sequence[str]) -> list[Violation]:
    """One query per table that has rows; a hit names its columns."""
    as_text = {f"text_of_{name}": Cast(name, models.TextField()) for name in names}
    query = Q()
    for name, value in product(as_text, wanted):
        query |= Q(**{f"{name}__contains": value})
    found = model._default_manager.annotate(**as_text).filter(query).order_by("pk")[:5]
    return [
        _broken("secret", f"The column {name} of {model._meta.db_table} row {row.pk} contains a secret.")
        for row in found
        for name in names
        if any(value in str(getattr(row, f"text_of_{name}")) for value in wanted)
    ]


def _in_files(wanted: Sequence[str]) -> list[Violation]:
    needles = [value.encode() for value in wanted]
    found = []
    for folder in (settings.CONTROLPLANE.telemetry_dir, settings.CONTROLPLANE.logs_dir):
        found += [path for path in _files(folder) if _holds(path, needles)]
    return [_broken("secret", f"The file {path.name} contains a secret.") for path in found]


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []


def _holds(path: Path, needles: Sequence[bytes]) -> bool:
    with path.open("rb") as lines:
        return any(needle in line for line in lines for needle in needles)


def _broken(check: str, sentence: str) -> Violation:
    return Violation("I8", f"evidence.{check}", sentence)
