"""Read a plan and report every problem with line and column. Ends with 2 where it cannot be used."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from pipeline.services import scripts
from rollout.management.rollout_commands._plans import HELP, SHIPPED, given
from rollout.management.rollout_commands._port import Output
from rollout.services import plans


def add_arguments(parser: CommandParser) -> None:
    parser.add_argument("source", nargs="?", default=SHIPPED, help=HELP)


def handle(command: Output, options: dict[str, Any]) -> int:
    source = given(options["source"])
    checked = plans.check(source.text, name=source.name)
    facts: dict[str, Any] = {"source": source.name, "usable": checked.plan is not None, "problems": checked.problems}
    if checked.plan is None:
        command.say(facts, checked.problems)
        return scripts.BAD_INPUT
    steps = sum(len(phase.steps) for phase in checked.plan.phases)
    counts = {
        "phases": len(checked.plan.phases),
        "steps": steps,
        "criteria": len(checked.plan.every_criterion()),
        "triggers": len(checked.plan.every_trigger()),
        "findings": len(checked.findings),
    }
    summary = ", ".join(f"{count} {name}" for name, count in counts.items() if name != "findings")
    command.say({**facts, **counts}, [f"{source.name} can be used: {summary}."])
    return scripts.OK
