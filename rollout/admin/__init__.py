"""The rollout's screens, one module each. No logic of its own: selectors read, services write."""

from rollout.admin import (
    alarms,
    changes,
    evaluations,
    gates,
    incidents,
    plans,
    records,
    roles,
    rollbacks,
    rollouts,
    steps,
)

__all__ = [
    "alarms",
    "changes",
    "evaluations",
    "gates",
    "incidents",
    "plans",
    "records",
    "roles",
    "rollbacks",
    "rollouts",
    "steps",
]
