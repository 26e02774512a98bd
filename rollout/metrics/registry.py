"""Every metric by its slug. Adding one: write a `Measured` in a family and, for a new family, name it here."""

from __future__ import annotations

from rollout.metrics import copilot, flow, guidance, items, operations, quota, runs, states, validation
from rollout.metrics.base import Measured

FAMILIES = (runs, items, quota, states, copilot, guidance, flow, operations, validation)
METRICS: dict[str, Measured] = {metric.slug: metric for family in FAMILIES for metric in family.FAMILY}


class UnknownMetric(LookupError):
    """A rule names a metric that does not exist."""


def metric(slug: str) -> Measured:
    if slug not in METRICS:
        raise UnknownMetric(f"There is no metric {slug!r}; choose one of {', '.join(sorted(METRICS))}.")
    return METRICS[slug]
