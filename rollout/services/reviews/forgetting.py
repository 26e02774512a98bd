"""Removing a demonstration takes its reviews along; nothing else ever deletes a batch."""

from __future__ import annotations

from pipeline.models import Repository
from rollout.models import Adjudication, Improvement, ReviewBatch


def forget(repository: Repository) -> None:
    """Every batch of the repository with all that hangs on it, in the order that the protecting relations ask for."""
    batches = ReviewBatch.objects.filter(repository=repository)
    Adjudication.objects.filter(sample__batch__in=batches).delete()
    Improvement.objects.filter(repository=repository).delete()
    batches.delete()
