"""The Celery application. The database holds the truth; messages are a bell."""

from __future__ import annotations

import logging.config
import os
from typing import Any

import structlog
from celery import Celery, signals
from django.conf import settings
from kombu.transport import TRANSPORT_ALIASES

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "controlplane.settings")
TRANSPORT_ALIASES["local"] = "controlplane.local_broker:Transport"

app = Celery("controlplane")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@signals.setup_logging.connect
def configure_logging(**_: Any) -> None:
    """Being connected keeps Celery from bringing its own formats."""
    logging.config.dictConfig(settings.LOGGING)


@signals.task_prerun.connect
def bind_task(task_id: str, task: Any, args: Any = (), **_: Any) -> None:
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(task_id=task_id, task=task.name)
    if args and task.name.endswith("_run"):
        structlog.contextvars.bind_contextvars(run_id=args[0])


@signals.task_postrun.connect
def unbind_task(**_: Any) -> None:
    structlog.contextvars.clear_contextvars()
