"""The rollout's screens, one module each. No logic of its own: selectors read, services write."""

from rollout.admin import (
    adjudications,
    alarms,
    changes,
    evaluations,
    gates,
    improvements,
    incidents,
    plans,
    records,
    review_results,
    reviews,
    roles,
    rollbacks,
    rollouts,
    service_levels,
    steps,
)

__all__ = [
    "adjudications",
    "alarms",
    "changes",
    "evaluations",
    "gates",
    "improvements",
    "incidents",
    "plans",
    "records",
    "review_results",
    "reviews",
    "roles",
    "rollbacks",
    "rollouts",
    "service_levels",
    "steps",
]
