"""How long things take when some are not over yet: Kaplan–Meier, its interval, and quantiles. None: cannot be judged.

A time is a number in any one unit, 0 or more. An observation either ends with the event at its time, or is censored
there: it had not happened until then, and nobody looked further. `survival` is the share that still waits; its
complement is the share for which the event has happened by then.

The interval of a survival is Greenwood's (1926) on the log-log scale (Kalbfleisch & Prentice), which stays within 0 and
1; that of a quantile holds the times at which the band still allows it (Brookmeyer & Crowley 1982).
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

from rollout.domain.statistics import Interval

# 1 − 0.8 is not 0.2 to the last bit: a quantile is reached when the curve is this near.
SPECK = 1e-9


@dataclass(frozen=True, slots=True)
class Observation:
    """`happened`: the event came at `time`; otherwise it had not come until `time`."""

    time: float
    happened: bool


@dataclass(frozen=True, slots=True)
class Step:
    """One time at which events happened. `at_risk` waited just before it; `band` None where Greenwood has no value."""

    time: float
    at_risk: int
    events: int
    survival: float
    deviation: float | None
    band: Interval | None


@dataclass(frozen=True, slots=True)
class Curve:
    """A Kaplan–Meier curve. `times` are all observed times, sorted."""

    steps: tuple[Step, ...]
    times: tuple[float, ...]

    @property
    def n(self) -> int:
        return len(self.times)

    @property
    def events(self) -> int:
        return sum(step.events for step in self.steps)

    @property
    def longest(self) -> float | None:
        """The last time at which anybody was looked at."""
        return self.times[-1] if self.times else None

    def at_risk(self, time: float) -> int:
        """How many had neither happened nor been censored before `time`."""
        return len(self.times) - bisect_left(self.times, time)

    def survival(self, time: float) -> float | None:
        """The share that still waits after `time`; None beyond the last observation, unless nothing waits any more."""
        if not self.times:
            return None
        step = self._step(time)
        value = step.survival if step else 1.0
        return None if time > self.times[-1] and value > 0 else value

    def happened(self, time: float) -> float | None:
        """The share for which the event has come by `time`."""
        waiting = self.survival(time)
        return None if waiting is None else 1 - waiting

    def happened_band(self, time: float) -> Interval | None:
        step = self._step(time)
        if step is None or step.band is None or self.survival(time) is None:
            return None
        return Interval(1 - step.band.high, 1 - step.band.low)

    def quantile(self, share: float) -> float | None:
        """The first time by which `share` (0…1) has happened; None when the curve does not reach it."""
        _check_share(share)
        return next((step.time for step in self.steps if step.survival <= 1 - share + SPECK), None)

    def quantile_band(self, share: float) -> tuple[float | None, float | None]:
        """The times between which the quantile may lie; an end that the band does not reach is None: open."""
        _check_share(share)
        waits = 1 - share + SPECK
        known = [(step.time, step.band) for step in self.steps if step.band is not None]
        low = next((time for time, band in known if band.low <= waits), None)
        high = next((time for time, band in known if band.high <= waits), None)
        return low, high

    def _step(self, time: float) -> Step | None:
        place = bisect_right(self.steps, time, key=lambda step: step.time)
        return self.steps[place - 1] if place else None


def kaplan_meier(observations: Iterable[Observation], confidence: float = 0.95) -> Curve:
    """The curve of these; ties: what is censored at the time of an event was still at risk then."""
    found = list(observations)
    for one in found:
        if not (math.isfinite(one.time) and one.time >= 0):
            raise ValueError(f"A time is a number from 0 on, not {one.time}.")
    times = tuple(sorted(one.time for one in found))
    events = Counter(one.time for one in found if one.happened)
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    return Curve(_steps(times, events, z), times)


def _steps(times: Sequence[float], events: Counter[float], z: float) -> tuple[Step, ...]:
    steps: list[Step] = []
    survival, spread = 1.0, 0.0
    for time in sorted(events):
        count, at_risk = events[time], len(times) - bisect_left(times, time)
        left = at_risk - count
        survival = survival * left / at_risk
        if left == 0:  # nobody waits any more: the variance has no value
            steps.append(Step(time, at_risk, count, 0.0, None, None))
            continue
        spread += count / (at_risk * left)
        band = _log_log(survival, spread, z)
        steps.append(Step(time, at_risk, count, survival, survival * math.sqrt(spread), band))
    return tuple(steps)


def _log_log(survival: float, spread: float, z: float) -> Interval:
    """`spread` is Greenwood's sum; 0 < survival < 1."""
    half = z * math.sqrt(spread) / abs(math.log(survival))
    # exp() of a large half would be infinite, and survival to that power 0.
    low = survival ** math.exp(min(half, 700.0))
    return Interval(low, survival ** math.exp(-half))


def _check_share(share: float) -> None:
    if not 0 < share < 1:
        raise ValueError(f"A quantile lies between 0 and 1, not at {share}.")
