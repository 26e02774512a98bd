"""A ramp as a drawing: the limit by day as a staircase, where it stands now, the numbers beside it as a table."""

from __future__ import annotations

from dataclasses import dataclass

from rollout.domain import ramp as ramps
from rollout.domain.plan import Ramp

WIDTH, HEIGHT = 400, 150
LEFT, RIGHT, TOP, BOTTOM = 34, 12, 22, 26


@dataclass(frozen=True, slots=True)
class Mark:
    """A word at a place in the drawing."""

    x: float
    y: float
    text: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """`steps` are points of a polyline; `here` is the x of today, None before the ramp began."""

    operation: str
    steps: str
    marks: tuple[Mark, ...]
    ticks: tuple[Mark, ...]
    here: float | None
    base: float
    label: str
    rows: tuple[tuple[str, int, str], ...]
    width: int = WIDTH
    height: int = HEIGHT


def draw(ramp: Ramp, day: int) -> Drawing:
    """`day` ramp days counted so far."""
    last = ramps.last_day(ramp) or 1
    most = max((step.limit for step in ramp.steps), default=1) or 1

    def across(value: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * value / last, 1)

    def up(limit: int) -> float:
        return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * limit / most, 1)

    points: list[str] = []
    marks: list[Mark] = []
    for step in ramp.steps:
        begins, ends, height = across(step.first_day - 1), across(step.last_day), up(step.limit)
        points += [f"{begins},{height}", f"{ends},{height}"]
        marks.append(Mark((begins + ends) / 2, height - 6, str(step.limit)))
    ticks = tuple(Mark(across(number - 0.5), HEIGHT - 8, str(number)) for number in range(1, last + 1))
    return Drawing(
        operation=ramp.operation,
        steps=" ".join(points),
        marks=tuple(marks),
        ticks=ticks,
        here=across(min(day, last) - 0.5) if day else None,
        base=HEIGHT - BOTTOM,
        label=_label(ramp, day),
        rows=tuple(_row(step.first_day, step.last_day, step.limit, day) for step in ramp.steps),
    )


def _row(first: int, last: int, limit: int, day: int) -> tuple[str, int, str]:
    words = f"day {first}" if first == last else f"day {first} to {last}"
    if day > last:
        return words, limit, "passed"
    return words, limit, "now" if first <= day else "ahead"


def _label(ramp: Ramp, day: int) -> str:
    steps = ", ".join(f"{step.limit} from day {step.first_day}" for step in ramp.steps)
    return f"Limit of {ramp.operation} by ramp day: {steps}. Day {day} counts now."
