"""The phases as bars on a time line, in per cent of its width."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from rollout.views.standing import PhaseLine

GAP = 0.4


@dataclass(frozen=True, slots=True)
class Line:
    """`bars`: (x, width, state of the phase); `today` None when it lies outside."""

    bars: tuple[tuple[str, str, str], ...]
    today: str | None
    label: str


def line(phases: Sequence[PhaseLine], today: date) -> Line | None:
    """None without dates."""
    dated = [(phase, phase.begins, phase.ends) for phase in phases if phase.begins and phase.ends]
    if not dated:
        return None
    first = min(begins for _, begins, _ in dated if begins)
    last = max(ends for _, _, ends in dated if ends) + timedelta(days=1)
    whole = (last - first).days or 1

    def place(day: date) -> float:
        return 100 * (day - first).days / whole

    bars = tuple(
        (f"{place(begins):.2f}", f"{max(0.5, place(ends + timedelta(days=1)) - place(begins) - GAP):.2f}", phase.state)
        for phase, begins, ends in dated
        if begins and ends
    )
    words = "; ".join(f"{phase.phase.name} {phase.word}, from {begins}" for phase, begins, _ in dated)
    inside = first <= today <= last
    return Line(bars, f"{place(today):.2f}" if inside else None, f"Phases: {words}. Today is {today}.")
