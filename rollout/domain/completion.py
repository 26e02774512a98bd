"""How hand-overs to Copilot come out (plan 3.2): reporting words, cohorts, the curve, service levels. Plain values in.

A case is one issue handed over; repeats of a lost or failed hand-over belong to it (`cases_of`). What counts how, and
why, is docs/decisions/010-completion-statistics.md; in short:

- Completed: the issue was closed as completed. Only that is the event of the curve.
- Open: censored now. It may still be completed, so it never counts as a failure before its time.
- Rejected, failed, lost: they stay at risk until now, uncompleted. Leaving them out at the moment they end would draw
  the curve of a world in which no hand-over ever fails; so it is the share of all that was handed over (the cumulative
  incidence with rejection as a competing risk, Fine & Gray 1999), and a later repeat can still complete them.
- Withdrawn: taken back by ourselves, at a moment that says nothing about the agent; censored there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from rollout.domain.statistics import Interval, wilson
from rollout.domain.survival import Curve, Observation, kaplan_meier

TWO_DAYS, SEVEN_DAYS = timedelta(hours=48), timedelta(days=7)  # plan 3.2
QUANTILES = (("median", 0.5), ("p80", 0.8), ("p95", 0.95))
EDGES = tuple(timedelta(hours=hours) for hours in (6, 12, 24, 48, 72, 168, 336))
EXAMPLES = 3  # links beside a blocker or a theme


class Reported(StrEnum):
    """What a hand-over is reported as."""

    PENDING = "pending"
    WORKING = "working"
    BLOCKED = "blocked"
    REJECTED = "rejected"
    LOST = "lost"
    FAILED = "failed"
    COMPLETED = "completed"
    WITHDRAWN = "withdrawn"


OPEN = frozenset({Reported.PENDING, Reported.WORKING, Reported.BLOCKED})


def reporting_outcome(outcome: str, blocker: str) -> Reported:
    """The reporting word of a stored outcome.

    "Finished, to be merged" is on its way: review is an ordinary step that every good hand-over passes, so it is not
    blocked, or the plan's "<5 % blocked requiring manual intervention" could never hold; pages count it by itself.
    It is blocked when GitHub shows what stands in its way (`blocker`). A failure with a nameable cause (permission,
    quota …) is blocked: somebody removes the cause and hands it over again. Without one it failed.
    """
    if outcome == "waiting":
        return Reported.BLOCKED
    if outcome == "failed":
        return Reported.BLOCKED if blocker not in {"", "other"} else Reported.FAILED
    if outcome in {"pending", "working", "finished"}:
        if blocker:
            return Reported.BLOCKED
        return Reported.PENDING if outcome == "pending" else Reported.WORKING
    return Reported(outcome)


@dataclass(frozen=True, slots=True)
class Try:
    """One hand-over as it is stored. `blockers`: every obstacle that it met, also those that are gone."""

    key: int
    issue: int
    requested_at: datetime
    outcome: str
    blocker: str = ""
    blockers: tuple[str, ...] = ()
    ended_at: datetime | None = None
    closed_at: datetime | None = None  # of the issue
    workflow: str = ""
    specialist: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """One issue from its first hand-over on. `outcome` is that of the newest try."""

    keys: tuple[int, ...]
    issue: int
    requested_at: datetime
    newest: datetime
    outcome: Reported
    completed_at: datetime | None = None
    withdrawn_at: datetime | None = None
    blockers: tuple[str, ...] = ()
    to_be_merged: bool = False
    workflow: str = ""
    specialist: str = ""

    @property
    def last_key(self) -> int:
        return self.keys[-1]

    @property
    def week(self) -> str:
        """ISO week of the hand-over, UTC: 2026-W45."""
        year, number, _day = self.requested_at.astimezone(UTC).isocalendar()
        return f"{year}-W{number:02}"

    def is_old_enough(self, span: timedelta, now: datetime) -> bool:
        return self.requested_at + span <= now

    def is_within(self, span: timedelta) -> bool:
        return self.completed_at is not None and self.completed_at <= self.requested_at + span


def cases_of(tries: Iterable[Try], now: datetime) -> list[Case]:
    """One per issue, oldest first, as it was at `now`: an earlier figure can be computed again.

    What we took back ends its case; handing over anew after that begins another.
    """
    by_issue: dict[int, list[Try]] = defaultdict(list)
    for one in sorted(tries, key=lambda one: (one.requested_at, one.key)):
        by_issue[one.issue].append(one)
    found: list[Case] = []
    for own in by_issue.values():
        part: list[Try] = []
        for one in own:
            part.append(one)
            if one.outcome == Reported.WITHDRAWN:
                found.append(_case(part, now))
                part = []
        if part:
            found.append(_case(part, now))
    return sorted(found, key=lambda case: (case.requested_at, case.keys))


def _case(tries: Sequence[Try], now: datetime) -> Case:
    first, last = tries[0], tries[-1]
    ends = [_end(one) for one in tries if one.outcome == Reported.COMPLETED]
    done = min((end for end in ends if end is not None and end <= now), default=None)
    taken_back = (last.ended_at or last.requested_at) if last.outcome == Reported.WITHDRAWN and done is None else None
    met = dict.fromkeys(name for one in tries for name in (*one.blockers, one.blocker) if name)
    return Case(
        keys=tuple(one.key for one in tries),
        issue=first.issue,
        requested_at=first.requested_at,
        newest=last.requested_at,
        outcome=Reported.COMPLETED if done else reporting_outcome(last.outcome, last.blocker),
        completed_at=done,
        withdrawn_at=taken_back if taken_back is not None and taken_back <= now else None,
        blockers=tuple(met),
        to_be_merged=last.outcome == "finished" and not last.blocker,
        workflow=last.workflow,
        specialist=last.specialist,
    )


def _end(one: Try) -> datetime | None:
    """When the issue was closed; where a later reopening took that away, when we saw the end."""
    moments = [at for at in (one.ended_at, one.closed_at) if at is not None and at >= one.requested_at]
    return min(moments, default=None)


# --- figures ---


@dataclass(frozen=True, slots=True)
class Share:
    """`hits` of `of`; `pending` are too young to be judged and in neither."""

    hits: int
    of: int
    pending: int = 0

    @property
    def value(self) -> float | None:
        return self.hits / self.of if self.of else None

    @property
    def interval(self) -> Interval | None:
        return wilson(self.hits, self.of)


def within(cases: Iterable[Case], span: timedelta, now: datetime) -> Share:
    """Of the cases at least `span` old, those completed within it; what we took back is left out."""
    found = [case for case in cases if case.withdrawn_at is None]
    old = [case for case in found if case.is_old_enough(span, now)]
    return Share(sum(case.is_within(span) for case in old), len(old), len(found) - len(old))


def observation(case: Case, now: datetime) -> Observation:
    """Seconds from the first hand-over to completion, or for how long it has been watched without.

    Watching counts to the full hour, so that the passing of minutes is no new evidence.
    """
    watched = now.replace(minute=0, second=0, microsecond=0)
    end = case.completed_at or case.withdrawn_at or watched
    return Observation(max(0.0, (end - case.requested_at).total_seconds()), case.completed_at is not None)


def curve(cases: Iterable[Case], now: datetime) -> Curve:
    return kaplan_meier(observation(case, now) for case in cases)


@dataclass(frozen=True, slots=True)
class Bin:
    """Cases completed after `above` and within `upto` (None: however late)."""

    above: timedelta
    upto: timedelta | None
    cases: int


def histogram(cases: Iterable[Case]) -> tuple[Bin, ...]:
    """How many were completed when; the plan's 48 hours and 7 days are edges."""
    taken = [case.completed_at - case.requested_at for case in cases if case.completed_at is not None]
    edges = (*EDGES, None)
    bins = []
    for above, upto in zip((timedelta(0), *EDGES), edges, strict=True):
        inside = [time for time in taken if time <= upto] if upto else taken
        bins.append(Bin(above, upto, len(inside)))
        taken = [time for time in taken if upto is not None and time > upto]
    return tuple(bins)


@dataclass(frozen=True, slots=True)
class Point:
    """The curve at one age beside the plain share. `share` and `band` None where the curve says nothing."""

    age: timedelta
    at_risk: int
    share: float | None
    band: Interval | None
    plain: Share


def points(cases: Sequence[Case], curve: Curve, now: datetime) -> tuple[Point, ...]:
    """At the edges of the histogram."""
    found = []
    for age in EDGES:
        seconds = age.total_seconds()
        share, band = curve.happened(seconds), curve.happened_band(seconds)
        found.append(Point(age, curve.at_risk(seconds), share, band, within(cases, age, now)))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Cohort:
    """Cases that have something in common. `median` in seconds, of the curve; None while it is not reached."""

    name: str
    cases: int
    completed: int
    open: int
    withdrawn: int
    two_days: Share
    seven_days: Share
    median: float | None

    @property
    def ended_otherwise(self) -> int:
        return self.cases - self.completed - self.open - self.withdrawn


def cohort(name: str, cases: Sequence[Case], now: datetime) -> Cohort:
    return Cohort(
        name=name,
        cases=len(cases),
        completed=sum(case.completed_at is not None for case in cases),
        open=sum(case.outcome in OPEN for case in cases),
        withdrawn=sum(case.withdrawn_at is not None for case in cases),
        two_days=within(cases, TWO_DAYS, now),
        seven_days=within(cases, SEVEN_DAYS, now),
        median=curve(cases, now).quantile(0.5),
    )


def cohorts(cases: Iterable[Case], name_of: Callable[[Case], str], now: datetime) -> tuple[Cohort, ...]:
    """One per name, by name."""
    groups: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        groups[name_of(case)].append(case)
    return tuple(cohort(name, group, now) for name, group in sorted(groups.items()))


@dataclass(frozen=True, slots=True)
class Frequency:
    """How many cases something concerns, and the newest of them as examples (keys of their last hand-overs)."""

    name: str
    cases: int
    share: float
    examples: tuple[int, ...]


def frequencies(cases: Sequence[Case], names_of: Callable[[Case], Iterable[str]]) -> tuple[Frequency, ...]:
    """Most frequent first; a case counts once for each of its names. The share is of all cases."""
    met: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        for name in dict.fromkeys(names_of(case)):
            met[name].append(case)
    found = [
        Frequency(
            name,
            len(group),
            len(group) / len(cases),
            tuple(case.last_key for case in sorted(group, key=lambda case: case.newest, reverse=True)[:EXAMPLES]),
        )
        for name, group in met.items()
    ]
    return tuple(sorted(found, key=lambda one: (-one.cases, one.name)))
