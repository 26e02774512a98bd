"""What a stop may cover, in words: everything, each operation, each step."""

from __future__ import annotations

from rollout.models import Rollout
from rollout.services import plans, situation

EVERYTHING = ("", "everything")


def operations(row: Rollout) -> list[tuple[str, str]]:
    """(value, words) of each operation."""
    return [(f"operation:{each.name}", f"operation {each.name}") for each in situation.managed(row)]


def steps(row: Rollout) -> list[tuple[str, str]]:
    """(value, words) of each step of the plan."""
    found = [step for phase in plans.plan_of(row.plan).phases for step in phase.steps]
    return [(f"step:{step.number}", f"step {step.number} {step.name}") for step in found]


def every(row: Rollout) -> list[tuple[str, str]]:
    return [EVERYTHING, *operations(row), *steps(row)]
