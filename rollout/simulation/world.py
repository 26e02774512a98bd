"""Seeded runs of one operation: healthy, or with one fault from a given run on.

Failures of issues cluster within a run (beta-binomial); a crash is followed by another with a probability of its own.
These are assumptions, to be replaced by a team's own rehearsal.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

from rollout.domain.windows import RunFact

BEGIN = datetime(2026, 1, 5, tzinfo=UTC)  # a Monday
SPREAD = 20.0  # a + b of the beta distribution: the larger, the less failures cluster
PERSISTENCE = 0.25


@dataclass(frozen=True, slots=True)
class Health:
    """Shares: issues that fail, runs that crash. `writes`: the failures happen while writing."""

    name: str
    failing: float
    crashing: float
    writes: bool = False


@dataclass(frozen=True, slots=True)
class Cadence:
    """How often an operation runs, and on how many issues."""

    hours: int
    items: int

    @property
    def per_week(self) -> int:
        return 168 // self.hours


HEALTHY = Health("1 % crashes, 3 % failures", 0.03, 0.01)
FAULTS = (
    Health("22 % fail", 0.22, 0.01),
    Health("30 % fail", 0.30, 0.01),
    Health("60 % fail", 0.60, 0.01),
    Health("33 % crash", 0.03, 0.33),
    Health("hard down", 0.03, 1.0),
    Health("30 % fail writing", 0.30, 0.01, writes=True),
)


class Operation:
    """Draws runs and probes, one after the other, from one seed."""

    def __init__(self, cadence: Cadence, seed: str, *, sick: Health | None = None, sick_from: int = 0) -> None:
        self.cadence = cadence
        self._random = Random(seed)
        self._sick, self._sick_from = sick, sick_from
        self._crashed = False

    def slots(self, count: int) -> Iterator[tuple[int, datetime]]:
        for number in range(count):
            yield number, BEGIN + timedelta(hours=self.cadence.hours * (number + 1))

    def health(self, number: int) -> Health:
        return self._sick if self._sick is not None and number >= self._sick_from else HEALTHY

    def run(self, number: int, at: datetime) -> RunFact:
        """The live run of a slot."""
        health, items = self.health(number), self.cadence.items
        if self._crashes(health):
            return RunFact(number, at, planned=items, crashed=True)
        failed = self._failures(health, items)
        return RunFact(number, at, items, failed, items, write_failed=failed if health.writes else 0)

    def probe(self, number: int, items: int) -> tuple[int, bool]:
        """(failed, crashed) of a dry run, which never writes and so does not see failures while writing."""
        health = self.health(number)
        if self._crashes(health):
            return 0, True
        return self._failures(HEALTHY if health.writes else health, items), False

    def _crashes(self, health: Health) -> bool:
        again = PERSISTENCE if self._crashed else 0.0
        share = max(health.crashing, again) if health.crashing < 1 else 1.0
        self._crashed = self._random.random() < share
        return self._crashed

    def _failures(self, health: Health, items: int) -> int:
        share = self._random.betavariate(health.failing * SPREAD, (1 - health.failing) * SPREAD)
        return sum(self._random.random() < share for _ in range(items))
