"""Is the process alive, is the service ready, which version is it: for probes, load balancers and people."""

from __future__ import annotations

import platform
from collections.abc import Callable
from datetime import timedelta

import django
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from kombu.exceptions import OperationalError

import controlplane
from controlplane import heartbeats
from controlplane.celery import app
from pipeline import clock
from pipeline.models import Effect, Run

Answer = tuple[bool, str]
BROKER_ERRORS = (OSError, OperationalError)
OUTBOX_PATIENCE = timedelta(minutes=15)


@require_safe
@never_cache
def healthz(_request: HttpRequest) -> HttpResponse:
    """The process answers; says nothing of the rest."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
@never_cache
def version(_request: HttpRequest) -> JsonResponse:
    versions = {"python": platform.python_version(), "django": django.get_version()}
    return JsonResponse({"version": controlplane.__version__, "commit": settings.CONTROLPLANE.commit, **versions})


@require_safe
@never_cache
def readyz(_request: HttpRequest) -> JsonResponse:
    """503 names what is wrong; the process itself is fine then and must not be restarted for it."""
    parts = {name: _asked(question) for name, question in QUESTIONS.items()}
    ready = all(well for well, _ in parts.values())
    body = {
        "ready": ready,
        "wrong": [f"{name}: {text}" for name, (well, text) in parts.items() if not well],
        "parts": {name: {"ok": well, "detail": text} for name, (well, text) in parts.items()},
    }
    response = JsonResponse(body, status=200 if ready else 503)
    response._has_been_logged = True  # type: ignore[attr-defined] # Django logs every 5xx as an error; this is an answer
    return response


def _asked(question: Callable[[], Answer]) -> Answer:
    try:
        return question()
    except DatabaseError:
        return False, "the database does not answer this question"


def _database() -> Answer:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return True, connection.vendor


def _migrations() -> Answer:
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        return False, f"{len(missing)} not applied, first {missing[0][0]}; run manage.py migrate"
    return True, "all applied"


def _broker() -> Answer:
    try:
        with app.connection_for_write(connect_timeout=2) as broker:
            broker.ensure_connection(max_retries=1, interval_start=0, timeout=3)
    except BROKER_ERRORS:
        return False, "cannot be reached; see CELERY_BROKER_URL"
    return True, broker.transport.driver_type


def _beating(name: str, what: str) -> Answer:
    age = heartbeats.age(name)
    allowed = 3 * settings.CONTROLPLANE.tick + timedelta(seconds=30)
    if age is None:
        return False, f"{what} has never reported"
    text = f"last reported {age.total_seconds():.0f} s ago"
    return age <= allowed, text if age <= allowed else f"{what} {text}, more than {allowed.total_seconds():.0f} s"


def _outbox() -> Answer:
    """Work that was due long ago and that nobody took: effects to look up, runs to start."""
    now = clock.now()
    looked_up = Effect.objects.filter(state=Effect.State.UNKNOWN, look_up_at__lt=now)
    waiting = Run.objects.filter(state=Run.State.OPEN, created_at__lt=now)
    due = [
        looked_up.order_by("look_up_at").values_list("look_up_at", flat=True).first(),
        waiting.order_by("created_at").values_list("created_at", flat=True).first(),
    ]
    ages = [now - moment for moment in due if moment is not None]
    if not ages:
        return True, "nothing is due"
    oldest = max(ages)
    return oldest <= OUTBOX_PATIENCE, f"the oldest due row has waited {oldest.total_seconds():.0f} s"


QUESTIONS: dict[str, Callable[[], Answer]] = {
    "database": _database,
    "migrations": _migrations,
    "broker": _broker,
    "beat": lambda: _beating("tick", "the tick that beat rings"),
    "worker": lambda: _beating("worker", "a worker of the github queue"),
    "outbox": _outbox,
}
