"""A row of weekly scores as a small drawing: a line with dots, the target dashed, gaps where nothing was scored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

WIDTH, HEIGHT = 160, 44
EDGE = 5


@dataclass(frozen=True, slots=True)
class Spark:
    """`lines` are points of polylines; `target` is a height, None without one; `label` says it all in words."""

    lines: tuple[str, ...]
    dots: tuple[tuple[float, float], ...]
    target: float | None
    label: str
    width: int = WIDTH
    height: int = HEIGHT


def draw(text: str, weeks: Sequence[tuple[date, float | None]], target: float | None, bottom: float) -> Spark:
    """Shares by week, oldest first, drawn from `bottom` to 1."""

    def across(place: int) -> float:
        return round(EDGE + (WIDTH - 2 * EDGE) * place / max(len(weeks) - 1, 1), 1)

    def up(share: float) -> float:
        return round(HEIGHT - EDGE - (HEIGHT - 2 * EDGE) * (share - bottom) / (1 - bottom), 1)

    dots: list[tuple[float, float]] = []
    lines: list[list[str]] = [[]]
    for place, (_, share) in enumerate(weeks):
        if share is None:
            lines.append([])
        else:
            dots.append((across(place), up(share)))
            lines[-1].append(f"{across(place)},{up(share)}")
    return Spark(
        lines=tuple(" ".join(points) for points in lines if len(points) > 1),
        dots=tuple(dots),
        target=up(target) if target is not None and target >= bottom else None,
        label=_label(text, weeks, target),
    )


def _label(text: str, weeks: Sequence[tuple[date, float | None]], target: float | None) -> str:
    told = ", ".join(f"{week} {'nothing' if share is None else f'{100 * share:.0f} %'}" for week, share in weeks)
    asked = f" Target: above {100 * target:.4g} %." if target is not None else ""
    return f"{text} by week: {told}.{asked}"
