"""The demonstration: a repository in the sandbox with fast crons, marked as such, removed by one call."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import transaction

from pipeline.models import (
    AiCall,
    ApiCall,
    Discovery,
    Effect,
    Finding,
    Handover,
    Issue,
    Kind,
    Mode,
    Operation,
    Repository,
    Run,
    RunItem,
    Source,
    Transition,
    WebhookDelivery,
)
from pipeline.services import operations, repositories, runs, scripts, workflow_files

ACTOR, REASON = "rule:demonstration", "The demonstration repository of the sandbox."
FULL_NAME = "demo/field-notes"
NOT_STARTED = "The sandbox is not started, because a real repository is governed."
SANDBOX_TOKEN = "sandbox-user-token"  # noqa: S105 - opens nothing but the sandbox
# Every minute, so that a newcomer sees issues in every state soon; the shipped operations keep the plan's crons.
FAST = {
    Kind.MONITOR: ("* * * * *", 3),
    Kind.ASSIGN: ("* * * * *", 3),
    Kind.PROCESS: ("* * * * *", 2),
    Kind.TRACK: ("* * * * *", 50),
    Kind.VALIDATE: ("*/2 * * * *", 50),
}
SOURCES = (
    ("Field notes, articles", Source.Kind.FEED, "/content/feed.xml", ""),
    ("Field notes, Atom", Source.Kind.FEED, "/content/atom.xml", ""),
    ("Field notes, sitemap", Source.Kind.SITEMAP, "/content/sitemap.xml", ""),
)
_also: list[Callable[[Repository], None]] = []


def load_shipped_workflows() -> None:
    """The shipped specialists and workflows; what a person edited stays."""
    found, reason = workflow_files.shipped(), "Shipped with the release."
    workflow_files.take(found, repository=None, actor="rule:shipped", reason=reason)


@transaction.atomic
def install(sandbox_url: str) -> Repository:
    """Create or re-point the demonstration repository; idempotent, and people's changes to it stay."""
    url = sandbox_url.rstrip("/")
    place = {"api_url": f"{url}/api/v3", "web_url": url, "token_reference": _token_reference()}
    repository, _ = Repository.objects.update_or_create(
        full_name=FULL_NAME,
        is_demonstration=True,
        defaults=place,
        create_defaults={
            **place,
            "write_spacing_ms": 50,
            "writes_per_minute": 600,
            "writes_per_hour": 20_000,
            "quarantine_seconds": 20,
            "lost_after_seconds": 90,
        },
    )
    if repository.standing_reason == NOT_STARTED:
        repositories.set_standing(repository, Repository.Standing.ACTIVE, actor=ACTOR, reason="The sandbox is back.")
    for name, kind, path, selector in SOURCES:
        Source.objects.update_or_create(
            repository=repository, name=name, defaults={"kind": kind, "url": f"{url}{path}", "selector": selector}
        )
    _operations(repository)
    return repository


def _token_reference() -> str:
    """Credentials are named, never stored: the sandbox's is in a file as any other may be."""
    path: Path = settings.CONTROLPLANE.data_dir / "keys" / "sandbox-token"
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.write_text(SANDBOX_TOKEN, encoding="utf-8")
    path.chmod(0o600)
    return f"file:{path}"


def _operations(repository: Repository) -> None:
    for operation in operations.ship_operations(repository, actor=ACTOR, reason=REASON):
        if operation.kind not in FAST:
            continue
        cron, limit = FAST[Kind(operation.kind)]
        operation.timeout = timedelta(minutes=10)
        operation.save(update_fields=["timeout"])
        operations.set_cron(operation, cron, actor=ACTOR, reason=REASON)
        operations.set_limit(operation, limit, actor=ACTOR, reason=REASON, binding="demonstration")
        operations.set_mode(operation, Mode.LIVE, actor=ACTOR, reason=REASON)


# Once, right after the installation: the first page already shows issues in several states.
FIRST_RUNS = ((Kind.MONITOR, 7), (Kind.ASSIGN, 5), (Kind.PROCESS, 3))


def first_runs(repository: Repository) -> None:
    """Carry out one run of each kind in this process; only where nothing has been recorded yet."""
    if Run.objects.filter(repository=repository).exists():
        return
    for kind, limit in FIRST_RUNS:
        operation = Operation.objects.get(repository=repository, kind=kind)
        run = runs.open_by_hand(
            operation, actor=ACTOR, reason="First run of the demonstration.", limit=limit, ring=False
        )
        scripts.carry_out(run)


def pause() -> None:
    """Without the sandbox the demonstration would fail every minute; its records stay."""
    for repository in Repository.objects.filter(is_demonstration=True, standing=Repository.Standing.ACTIVE):
        repositories.set_standing(repository, Repository.Standing.PAUSED, actor=ACTOR, reason=NOT_STARTED)


@transaction.atomic
def remove() -> int:
    """Delete the demonstration repository and everything recorded about it; the audit log stays."""
    rows = list(Repository.objects.filter(is_demonstration=True))
    for repository in rows:
        _forget(repository)
    return len(rows)


def forget_also(forget: Callable[[Repository], None]) -> None:
    """Called once by a room above that keeps records about repositories of its own."""
    _also.append(forget)


def _forget(repository: Repository) -> None:
    """In the order that the protecting relations ask for."""
    for forget in _also:
        forget(repository)
    Handover.objects.filter(issue__repository=repository).delete()
    Transition.objects.filter(issue__repository=repository).delete()
    Effect.objects.filter(item__run__repository=repository).delete()
    RunItem.objects.filter(run__repository=repository).delete()
    ApiCall.objects.filter(repository=repository).delete()
    AiCall.objects.filter(repository=repository).delete()
    Run.objects.filter(repository=repository).delete()
    Finding.objects.filter(repository=repository).delete()
    WebhookDelivery.objects.filter(repository=repository).delete()
    Discovery.objects.filter(repository=repository).delete()
    Issue.objects.filter(repository=repository).delete()
    tasks = [row.periodic_task for row in Operation.objects.filter(repository=repository) if row.periodic_task]
    repository.delete()
    for task in tasks:
        task.delete()
