"""From facts to a value: the few ways in which all metrics compute."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rollout.domain.statistics import bounded_interval, mean, quantile, wilson
from rollout.metrics.base import Figure


def count(facts: Sequence[Any]) -> Figure:
    """How many there are; none is 0, and whether 0 says anything is a matter of n."""
    return Figure(float(len(facts)))


def share(facts: Sequence[Any]) -> Figure:
    """Facts are 1 (yes) or 0 (no)."""
    hits, n = sum(1 for fact in facts if fact), len(facts)
    bounds = wilson(hits, n)
    parts = {"hits": hits, "of": n, "low": bounds.low if bounds else None, "high": bounds.high if bounds else None}
    return Figure(hits / n if n else None, n, parts)


def average(facts: Sequence[Any]) -> Figure:
    return Figure(mean([float(fact) for fact in facts]), len(facts))


def p95(facts: Sequence[Any]) -> Figure:
    return Figure(quantile([float(fact) for fact in facts], 0.95), len(facts))


def largest(facts: Sequence[Any]) -> Figure:
    return Figure(max((float(fact) for fact in facts), default=None), len(facts))


def estimate(facts: Sequence[Any]) -> Figure:
    """The mean of a sample of shares, with the interval that it leaves open."""
    values = [float(fact) for fact in facts]
    bounds = bounded_interval(values)
    parts = {"sampled": True, "low": bounds.low if bounds else None, "high": bounds.high if bounds else None}
    return Figure(mean(values), len(values), parts)


def busiest(facts: Sequence[Any]) -> Figure:
    """Facts are [name of the time, used, allowed]; the largest share used of what was allowed."""
    shares = [(used / allowed, str(name)) for name, used, allowed in facts if allowed]
    if not shares:
        return Figure(None, 0)
    top, name = max(shares)
    return Figure(top, len(shares), {"named": f"busiest: {name}"})
