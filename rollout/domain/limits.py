"""How many issues one run may take on: the smallest of several terms, with the one that binds named.

A term that says nothing (None) does not bind, and is shown with the reason why it says nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

MOST = 1000  # what an operation's limit may be at most
PLAN, BACKLOG = "plan", "backlog"


@dataclass(frozen=True, slots=True)
class Term:
    """One bound on the limit, in issues per run; `text` says where it comes from."""

    name: str
    value: int | None
    text: str


@dataclass(frozen=True, slots=True)
class Limit:
    """`value` is what a run would take on now, bound by the term `binding`.

    `ceiling` leaves the backlog out: a run never takes on more than there is, and it reads GitHub first. A knob set to
    the backlog of a minute ago would skip slots at 0 and fill the log, so the ceiling is what the operation is set to.
    """

    value: int | None
    binding: str
    ceiling: int | None
    ceiling_binding: str
    terms: tuple[Term, ...]

    def term(self, name: str) -> Term | None:
        return next((term for term in self.terms if term.name == name), None)


def effective(terms: Sequence[Term]) -> Limit:
    """The smallest term; of equal ones the first named binds. Without any, both values are None.

    Where the plan sets no limit there is no ceiling: the knob is people's.
    """
    value, binding = _least(terms)
    planned = any(term.name == PLAN and term.value is not None for term in terms)
    ceiling, ceiling_binding = _least([term for term in terms if term.name != BACKLOG]) if planned else (None, "")
    return Limit(value, binding, ceiling, ceiling_binding, tuple(terms))


def _least(terms: Sequence[Term]) -> tuple[int | None, str]:
    known = [(term.value, place, term.name) for place, term in enumerate(terms) if term.value is not None]
    if not known:
        return None, ""
    value, _, name = min(known)
    return max(0, min(value, MOST)), name


def override(limit: int | None, owner: str = "", expires_at: datetime | None = None) -> Term:
    """A person's limit for a while. It never lifts the plan's: only a gate does."""
    if limit is None or expires_at is None:
        return Term("override", None, "Nobody overrides it.")
    return Term("override", limit, f"{owner} set {limit} until {expires_at:%Y-%m-%d %H:%M} UTC.")


@dataclass(frozen=True, slots=True)
class Quota:
    """What one pool of a token has left; None where GitHub has not told yet."""

    name: str
    limit: int | None
    remaining: int | None


def quota(pools: Sequence[Quota], *, reserve_share: float, calls_per_item: float, blocked: str = "") -> Term:
    """How many issues the hour's quota still carries, after the share that is left to people."""
    if blocked:
        return Term("quota", 0, blocked)
    told = [(pool.limit, pool.remaining, pool.name) for pool in pools]
    heads = [
        (max(0, math.floor(remaining - reserve_share * limit)), name)
        for limit, remaining, name in told
        if limit is not None and remaining is not None
    ]
    if not heads:
        return Term("quota", None, "GitHub has not told how much quota is left.")
    head, name = min(heads)
    items = math.floor(head / max(calls_per_item, 0.1))
    return Term(
        "quota",
        items,
        f"{head} {name} requests left after {reserve_share:.0%} for people, at {calls_per_item:.1f} per issue.",
    )


def work_in_progress(cap: int | None, open_now: int) -> Term:
    """Room under the cap on hand-overs that Copilot has not finished."""
    if cap is None:
        return Term("work in progress", None, "It hands nothing over.")
    return Term("work in progress", max(0, cap - open_now), f"{open_now} of at most {cap} hand-overs are open.")


def downstream(per_day: float | None, waiting: int, *, days: int, stage: str = "") -> Term:
    """Room before the next stage: no more may wait there than it takes on in `days` days."""
    if per_day is None:
        return Term("downstream", None, "Nothing follows it." if not stage else f"{stage} has no schedule to judge by.")
    room = max(0, math.floor(per_day * days) - waiting)
    return Term(
        "downstream", room, f"{waiting} wait for {stage}, which takes on {per_day:g} a day ({days} days' worth)."
    )


def backlog(waiting: int | None) -> Term:
    if waiting is None:
        return Term(BACKLOG, None, "What it will find is not known beforehand.")
    return Term(BACKLOG, waiting, f"{waiting} issues wait for it.")
