"""Tasks of the service itself."""

from __future__ import annotations

from celery import shared_task

from controlplane import heartbeats


@shared_task(name="controlplane.tasks.canary", time_limit=30, soft_time_limit=20)
def canary() -> None:
    """Proves that a worker of the `github` queue finishes tasks; a process that answers may have stopped consuming."""
    heartbeats.beat("worker")
