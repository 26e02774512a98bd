"""What the linter reports, and what it takes as given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Severity(StrEnum):
    CONTRADICTION = "contradiction"  # two statements of the plan cannot both hold
    RISK = "risk"  # they can, but with nothing to spare, or only by luck


@dataclass(frozen=True, slots=True)
class Finding:
    """One place where a plan's figures do not agree.

    `where` cites the plan's numbers; `arithmetic` is the reckoning, a line each; `suggestion` is what a person may
    change, and nothing is changed by itself; `figures` are the numbers behind the sentence, by name.
    """

    rule: str
    severity: Severity
    where: tuple[str, ...]
    sentence: str
    arithmetic: tuple[str, ...]
    suggestion: str
    figures: Mapping[str, float] = field(default_factory=dict)


# A daily run works on the same issues as the operations whose parts it has.
GROUPS: Mapping[str, tuple[str, ...]] = {"daily": ("daily", "monitor", "assign", "process")}


@dataclass(frozen=True, slots=True)
class Given:
    """What holds whatever the plan says: GitHub's limits on writing, who shares a concurrency group."""

    writes_per_minute: int = 80  # GitHub's secondary limits on requests that create content
    writes_per_hour: int = 500
    writes_per_item: Mapping[str, int] = field(default_factory=lambda: {"monitor": 1, "assign": 3, "process": 6})
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: GROUPS)
    about: float = 0.1  # "~120" may be 10 % off
    crash_rate: float = 0.01  # one run in a hundred dies without being the pipeline's fault

    def group(self, operation: str) -> tuple[str, ...]:
        return self.groups.get(operation, (operation,))


def percent(share: float) -> str:
    return f"{share * 100:.3g} %"


def number(value: float) -> str:
    """1234.0 → "1,234"; 33.333 → "33.3"."""
    return f"{value:,.1f}".removesuffix(".0")
