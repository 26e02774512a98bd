"""Rings the workers. A lost message costs time, never work: the sweeper rings again for whatever is overdue."""

from __future__ import annotations

import logging
from functools import partial

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

log = logging.getLogger(__name__)


def ring(task: str, *args: int, times: int = 1) -> None:
    """Send a task `times` times once the transaction around is committed."""
    for _number in range(times):
        transaction.on_commit(partial(_send, task, args))


def _send(task: str, args: tuple[int, ...]) -> None:
    try:
        current_app.send_task(task, args=args, ignore_result=True)
    except (OperationalError, OSError) as error:
        log.warning("broker did not take the message; the sweeper will send it again", extra={"cause": str(error)})
