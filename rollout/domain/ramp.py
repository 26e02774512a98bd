"""A limit by day, where only days count on which the work was live and allowed to grow.

A missed day does not jump the ramp: the limit follows the number of days that counted, not the calendar.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

from rollout.domain.plan import Ramp
from rollout.domain.verdicts import Verdict, fold, grows

WORDS = {
    Verdict.BREACH: "is not met",
    Verdict.ERROR: "could not be measured",
    Verdict.STALE: "has no new evidence",
    Verdict.INCONCLUSIVE: "has not enough data",
}


@dataclass(frozen=True, slots=True)
class RampState:
    """`day` days counted, the last of them `counted_on`; `frozen` says why today does not."""

    day: int = 0
    counted_on: date | None = None
    frozen: str = ""


def limit_on(ramp: Ramp, day: int) -> int | None:
    """The limit after `day` counted days; None before the first, when what was before the ramp still holds."""
    reached = [step.limit for step in ramp.steps if step.first_day <= day]
    return reached[-1] if reached else None


def last_day(ramp: Ramp) -> int:
    return max((step.last_day for step in ramp.steps), default=0)


def is_due(ramp: Ramp, state: RampState, today: date) -> bool:
    """Whether another day might count today, so that it is worth measuring the prerequisites."""
    counted = state.counted_on is not None and state.counted_on >= today  # later: the clock was turned back
    return not counted and state.day < last_day(ramp)


def advance(ramp: Ramp, state: RampState, *, today: date, not_live: str, verdicts: Mapping[str, Verdict]) -> RampState:
    """The state after looking at today; repeated on the same day it counts once.

    `not_live` says why the operation is not live, or is empty. `verdicts` are those of the prerequisites.
    """
    if not is_due(ramp, state, today):
        return replace(state, frozen="")
    if not_live:
        return replace(state, frozen=not_live)
    if verdicts and not grows(fold(verdicts.values())):
        return replace(state, frozen=_why(verdicts))
    return RampState(state.day + 1, today)


def _why(verdicts: Mapping[str, Verdict]) -> str:
    """Names the prerequisites that hold the ramp, the worst first."""
    worst = fold(verdicts.values())
    named = [slug for slug, verdict in verdicts.items() if verdict is worst]
    return f"The prerequisite {', '.join(named)} {WORDS[worst]}."
