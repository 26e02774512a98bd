"""The statistics of a run as tables (plan 1.1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pipeline.views import display

TITLES = {
    "by_state": "Items by state",
    "by_outcome": "Items by outcome",
    "by_error": "Errors by type",
    "workflows": "Workflows",
    "labels": "Labels added",
    "api_calls": "GitHub calls by route",
    "ai": "AI calls and tokens",
    "effects": "Effects by state",
    "system": "Issues of the repository by state",
}
FACTS = {
    "items": "Items",
    "api_writes": "Writes to GitHub",
    "api_limited": "Calls refused for limits",
    "within_15_minutes": "Within 15 minutes",
    "within_30_minutes": "Within 30 minutes",
}
# What people or GitHub named stays as it is written.
NAMED = {"workflows", "labels", "api_calls"}
SPANS = {"seconds_per_item": "Mean time per item"}


@dataclass(frozen=True, slots=True)
class Table:
    """`rows`: name, number, share of the largest in percent (for the bar beside the number)."""

    title: str
    rows: tuple[tuple[str, int | float, int], ...]


def tables(statistics: Mapping[str, Any]) -> list[Table]:
    """Those groups that count something."""
    found = [(name, statistics[name]) for name in TITLES if statistics.get(name)]
    return [Table(TITLES[name], _rows(name, counts)) for name, counts in found if any(counts.values())]


def facts(statistics: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Single figures as (name, words)."""
    spans = [(title, _span(statistics[name])) for name, title in SPANS.items() if name in statistics]
    return [*spans, *((title, _word(statistics[name])) for name, title in FACTS.items() if name in statistics)]


def _rows(group: str, counts: Mapping[str, int | float]) -> tuple[tuple[str, int | float, int], ...]:
    most = max(counts.values()) or 1
    word = str if group in NAMED else display.spoken
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return tuple((word(name), number, round(100 * number / most)) for name, number in ordered)


def _span(seconds: float | None) -> str:
    if seconds is None:
        return display.NOTHING
    return f"{seconds:.1f} s" if seconds < 60 else display.span(timedelta(seconds=seconds))


def _word(value: object) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
