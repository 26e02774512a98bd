"""What triggers may do: only ever reduce. A release lifts nothing but a rule's own hold, under a signed profile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from pipeline.models import Operation, Run
from pipeline.services import runs
from rollout.models import Hold
from rollout.services import announcements, holds, stop


@dataclass(frozen=True, slots=True)
class Actions:
    """As `stop`, `announcements`, `holds` and `runs` do it; tests put in their own."""

    hold: Callable[..., object]
    roll_back: Callable[..., object]
    announce: Callable[..., object]
    release: Callable[..., object]
    probe: Callable[..., Run]


def real() -> Actions:
    return Actions(
        hold=stop.hold, roll_back=stop.roll_back, announce=announcements.announce, release=release, probe=probe
    )


def release(hold: Hold, *, by: str, reason: str, now: datetime) -> None:
    """Lift a hold that a rule placed, after a good probe; not one that a person took over meanwhile."""
    with transaction.atomic():
        mine = Hold.objects.select_for_update().filter(pk=hold.pk, by=hold.by, released_at__isnull=True)
        if mine.first() is None:
            return
        holds.lift(hold, by=by, reason=reason, now=now)


def probe(operation: Operation, *, by: str, reason: str, items: int) -> Run:
    """A dry run of a few items; no rate counts it."""
    return runs.open_by_hand(operation, actor=by, reason=reason, mode="dry_run", limit=items)
