"""Celery's settings, as measured in docs: late acknowledgement, one message at a time, no results."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from kombu import Exchange, Queue

from controlplane.connections import HARD_TIME_LIMIT

QUEUES = ("tick", "github", "default")
EVERY_MINUTE = timedelta(minutes=1)  # the lease of live work lasts ten


def celery_settings(broker: dict[str, Any], *, tick: timedelta, worker_concurrency: int) -> dict[str, Any]:
    """Every CELERY_ setting; `broker` holds those that depend on the broker."""
    settings = {**_common(), **_beat(tick), "WORKER_CONCURRENCY": worker_concurrency, **broker}
    settings["TASK_QUEUES"] = _queues(settings.get("TASK_DEFAULT_QUEUE_TYPE", "classic"))
    return {f"CELERY_{name}": value for name, value in settings.items()}


def _common() -> dict[str, Any]:
    return {
        "TASK_DEFAULT_QUEUE": "default",
        "TASK_CREATE_MISSING_QUEUES": False,
        # In this order: the tick has a worker of its own, so that a long batch cannot keep it waiting.
        "TASK_ROUTES": (
            [
                ("pipeline.tasks.tick", {"queue": "tick"}),
                ("rollout.tasks.carry_on", {"queue": "github"}),
                ("rollout.tasks.*", {"queue": "tick"}),
                ("pipeline.tasks.ring", {"queue": "tick"}),
                ("pipeline.tasks.*", {"queue": "github"}),
                ("controlplane.tasks.*", {"queue": "github"}),
            ],
        ),
        "TASK_ACKS_LATE": True,
        "TASK_REJECT_ON_WORKER_LOST": True,
        "TASK_IGNORE_RESULT": True,
        "TASK_PUBLISH_RETRY": True,
        "TASK_PUBLISH_RETRY_POLICY": {"max_retries": 3, "interval_start": 0, "interval_step": 0.5, "interval_max": 1},
        # The hard limit acknowledges and drops the message: the soft one cleans up, the sweeper finds the rest.
        "TASK_SOFT_TIME_LIMIT": HARD_TIME_LIMIT - 60,
        "TASK_TIME_LIMIT": HARD_TIME_LIMIT,
        "WORKER_PREFETCH_MULTIPLIER": 1,
        "WORKER_MAX_TASKS_PER_CHILD": 500,
        "WORKER_SOFT_SHUTDOWN_TIMEOUT": 20,
        "WORKER_ENABLE_SOFT_SHUTDOWN_ON_IDLE": True,
        "WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS": True,
        "WORKER_SEND_TASK_EVENTS": False,
        "WORKER_HIJACK_ROOT_LOGGER": False,
        "WORKER_PROC_ALIVE_TIMEOUT": 60,
        "BROKER_CONNECTION_RETRY_ON_STARTUP": True,
        "BROKER_CONNECTION_MAX_RETRIES": None,
        "BROKER_CONNECTION_TIMEOUT": 5,
        "TIMEZONE": "UTC",
        "ENABLE_UTC": True,
    }


def _beat(tick: timedelta) -> dict[str, Any]:
    # Entries named here are written over at each start, which is right for these and wrong for operations.
    rung = {"schedule": tick, "options": {"expires": 2 * tick.total_seconds()}}
    every_minute = {"schedule": EVERY_MINUTE, "options": {"expires": 2 * EVERY_MINUTE.total_seconds()}}
    return {
        "BEAT_SCHEDULER": "django_celery_beat.schedulers:DatabaseScheduler",
        "BEAT_MAX_LOOP_INTERVAL": 5,
        "BEAT_SYNC_EVERY": 1,
        "BEAT_CRON_STARTING_DEADLINE": 300,
        "BEAT_SCHEDULE": {
            "tick": {"task": "pipeline.tasks.tick", **rung},
            "canary": {"task": "controlplane.tasks.canary", **rung},
            "reconcile": {"task": "rollout.tasks.reconcile_all", **every_minute},
            "carry on": {"task": "rollout.tasks.carry_on", **every_minute},
        },
    }


def _queues(kind: str) -> tuple[Queue, ...]:
    arguments = {"x-queue-type": "quorum", "x-delivery-limit": 20} if kind == "quorum" else None
    exchange = Exchange("controlplane", type="topic" if kind == "quorum" else "direct", durable=True)
    return tuple(Queue(name, exchange, routing_key=name, durable=True, queue_arguments=arguments) for name in QUEUES)
