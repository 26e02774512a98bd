"""Probes of a held operation: dry runs of a few items that tell a lasting fault from a passing one.

Two bad probes roll back; one good one lets the operation go on from where it was, under the profile that people
signed. Nothing grows by it: limit and mode return to what was in force before the hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

SPACING = timedelta(hours=2)  # one probe per slot of the assignment, so that a short outage can pass


class Next(StrEnum):
    PROBE = "probe"
    WAIT = "wait"
    ROLL_BACK = "roll_back"
    RELEASE = "release"


@dataclass(frozen=True, slots=True)
class Ladder:
    """`most` bad probes of `items` items each roll back; bad is `bad` failed items or more, or a crash."""

    most: int = 2
    items: int = 20
    bad: int = 3


@dataclass(frozen=True, slots=True)
class Probe:
    """One probe; `is_over` False while its dry run works. `judged` 0 without a crash showed nothing."""

    started_at: datetime
    is_over: bool = False
    judged: int = 0
    failed: int = 0
    crashed: bool = False


def is_bad(probe: Probe, ladder: Ladder) -> bool:
    return probe.crashed or probe.failed >= ladder.bad


def shows(probe: Probe) -> bool:
    """Whether anything can be concluded: an empty dry run is no evidence of health."""
    return probe.is_over and (probe.crashed or probe.judged > 0)


def next_step(probes: Sequence[Probe], ladder: Ladder, *, held_at: datetime, now: datetime) -> Next:
    """What to do about a hold now. A probe that never showed anything is repeated."""
    ordered = sorted(probes, key=lambda probe: probe.started_at)
    told = [probe for probe in ordered if shows(probe)]
    if any(not is_bad(probe, ladder) for probe in told):
        return Next.RELEASE
    if len(told) >= ladder.most:
        return Next.ROLL_BACK
    if ordered and not ordered[-1].is_over:
        return Next.WAIT
    last = ordered[-1].started_at if ordered else held_at
    return Next.PROBE if now - last >= SPACING else Next.WAIT
