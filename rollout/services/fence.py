"""Fences two reconciles, and a reconcile against a person's stop: only the holder of the newest token changes anything.

Each change is a transaction of its own that begins by checking the token, which also locks the rollout's row. A stop
takes a new token, so a reconcile that is under way ends before its next change.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import transaction
from django.db.models import F

from rollout.models import Rollout


class Fenced(RuntimeError):
    """Somebody else took over, or stopped it; change nothing more."""


@dataclass(frozen=True, slots=True)
class Fence:
    rollout_id: int
    token: int

    @contextmanager
    def change(self) -> Iterator[None]:
        """One change in one transaction, or Fenced."""
        with transaction.atomic():
            mine = Rollout.objects.filter(pk=self.rollout_id, reconcile_token=self.token)
            if not mine.update(reconcile_token=self.token):
                raise Fenced(f"Rollout {self.rollout_id} is reconciled by somebody else.")
            yield


def take(rollout: Rollout) -> Fence | None:
    """The next token, or None when somebody took it at the same moment."""
    token = rollout.reconcile_token + 1
    mine = Rollout.objects.filter(pk=rollout.pk, reconcile_token=rollout.reconcile_token)
    if not mine.update(reconcile_token=token):
        return None
    rollout.reconcile_token = token
    return Fence(rollout.pk, token)


def cut(rollout: Rollout) -> None:
    """End whatever reconcile is under way before its next change; call it first in the transaction of a stop."""
    Rollout.objects.filter(pk=rollout.pk).update(reconcile_token=F("reconcile_token") + 1)
