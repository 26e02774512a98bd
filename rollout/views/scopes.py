"""What a stop may cover, in words: everything, each operation and its parts, each step."""

from __future__ import annotations

from rollout.domain.desired import name_of
from rollout.models import Rollout
from rollout.services import plans, situation

EVERYTHING = ("", "everything")


def operations(row: Rollout) -> list[tuple[str, str]]:
    """(value, words) of each operation, and after it of its parts."""
    found = []
    for each in situation.managed(row):
        found.append((f"operation:{each.name}", f"operation {each.name}"))
        found += [
            (f"operation:{name_of(each.name, part.kind)}", f"part {part.kind} of operation {each.name}")
            for part in each.parts.all()
        ]
    return found


def steps(row: Rollout) -> list[tuple[str, str]]:
    """(value, words) of each step of the plan."""
    found = [step for phase in plans.plan_of(row.plan).phases for step in phase.steps]
    return [(f"step:{step.number}", f"step {step.number} {step.name}") for step in found]


def every(row: Rollout) -> list[tuple[str, str]]:
    return [EVERYTHING, *operations(row), *steps(row)]
