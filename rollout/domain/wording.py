"""Values, windows and rules in words that a stakeholder reads."""

from __future__ import annotations

from datetime import datetime

from rollout.domain.measures import Unit, Window

COMPARED = {">": "above", ">=": "at least", "<": "below", "<=": "at most", "==": "exactly"}


def value(number: float | None, unit: Unit) -> str:
    """12.5 %, 3, 45 s, 4.2 of 5."""
    if number is None:
        return "no value"
    if unit is Unit.SHARE:
        return f"{_number(100 * number, 1)} %"
    if unit is Unit.SECONDS:
        return f"{_number(number, 1)} s" if number < 120 else f"{_number(number / 60, 1)} min"
    if unit is Unit.SCORE:
        return f"{_number(number, 2)} of 5"
    return _number(number, 2)


def window(asked: Window) -> str:
    """Over the last 4 runs, over 6 hours, since evidence counts."""
    if asked.runs is not None:
        return "over the last run" if asked.runs == 1 else f"over the last {asked.runs} runs"
    if asked.hours is not None:
        return f"over {_number(asked.hours, 1)} hours"
    return "since evidence counts"


def target(comparator: str, threshold: float, unit: Unit) -> str:
    return f"{COMPARED[comparator]} {value(threshold, unit)}"


def moment(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC" if at else "never"


def counted(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def _number(number: float, digits: int) -> str:
    text = f"{number:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
