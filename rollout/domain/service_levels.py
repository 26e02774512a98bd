"""Which service level holds where, and whether it is met. Verdicts are those of every criterion (DESIGN.md, 7)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from rollout.domain import criteria, wording
from rollout.domain.measures import Reading, Unit
from rollout.domain.plan import Criterion, Source
from rollout.domain.statistics import Interval
from rollout.domain.verdicts import Verdict

WORDS = {
    Verdict.PASS: "met",
    Verdict.BREACH: "missed",
    Verdict.INCONCLUSIVE: "not enough data",
    Verdict.ERROR: "could not be measured",
    Verdict.STALE: "stale",
}


class Placed(Protocol):
    """A level with its place: repository (None: every one) and workflow (empty: every one)."""

    @property
    def slug(self) -> str: ...
    @property
    def workflow(self) -> str: ...
    @property
    def repository_id(self) -> int | None: ...


L = TypeVar("L", bound=Placed)


def closest(levels: Iterable[L], repository_id: int, workflow: str) -> dict[str, L]:
    """By slug, the one that holds: of repository and workflow, of workflow, of repository, of everything."""
    found: dict[str, L] = {}
    for level in levels:
        if level.repository_id not in (None, repository_id) or level.workflow not in ("", workflow):
            continue
        held = found.get(level.slug)
        if held is None or _closeness(level) > _closeness(held):
            found[level.slug] = level
    return found


def _closeness(level: Placed) -> tuple[bool, bool]:
    return bool(level.workflow), level.repository_id is not None


@dataclass(frozen=True, slots=True)
class Target:
    """What is asked for. `threshold` is a share, 0…1."""

    slug: str
    text: str
    comparator: str
    threshold: float
    minimum_sample: int = 1


@dataclass(frozen=True, slots=True)
class Judged:
    """A level with what was measured."""

    verdict: Verdict
    value: float | None
    n: int
    interval: Interval | None
    sentence: str

    @property
    def word(self) -> str:
        return WORDS[self.verdict]


def judge(target: Target, reading: Reading, *, floor: datetime, now: datetime) -> Judged:
    """Too few cases are not enough data, however good they look."""
    criterion = Criterion(
        slug=target.slug,
        text=target.text,
        source=Source.AUTOMATIC,
        unit=Unit.SHARE,
        comparator=target.comparator,
        threshold=target.threshold,
        minimum_sample=max(1, target.minimum_sample),
    )
    found = criteria.judge(criterion, reading, floor=floor, now=now)
    verdict = found.verdict or Verdict.INCONCLUSIVE
    low, high = reading.parts.get("low"), reading.parts.get("high")
    bounds = Interval(float(low), float(high)) if low is not None and high is not None else None
    sentence = found.reason if verdict in {Verdict.ERROR, Verdict.STALE} else _sentence(target, reading, verdict)
    return Judged(verdict, reading.value, reading.n, bounds, sentence)


def _sentence(target: Target, reading: Reading, verdict: Verdict) -> str:
    asked = f"asked for: {wording.target(target.comparator, target.threshold, Unit.SHARE)}"
    waiting = int(reading.parts.get("pending", 0))
    young = f" {wording.counted(waiting, 'case')} not old enough to be judged." if waiting else ""
    if reading.value is None or reading.n == 0:
        return f"No case can be judged yet; {asked}.{young}"
    shown = f"{wording.value(reading.value, Unit.SHARE)} of {wording.counted(reading.n, 'case')}"
    few = f" It takes {target.minimum_sample} to judge." if verdict is Verdict.INCONCLUSIVE else ""
    return f"{shown}; {asked}.{few}{young}"
