"""Who finished work last, by name."""

from __future__ import annotations

from datetime import timedelta

from pipeline import clock
from pipeline.models import Heartbeat


def beat(name: str) -> None:
    Heartbeat.objects.update_or_create(name=name, defaults={"beaten_at": clock.now()})


def age(name: str) -> timedelta | None:
    """None when it has never beaten."""
    beaten_at = Heartbeat.objects.filter(name=name).values_list("beaten_at", flat=True).first()
    return clock.now() - beaten_at if beaten_at else None
