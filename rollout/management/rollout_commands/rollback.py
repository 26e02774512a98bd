"""Roll back a step, or everything: schedules off, work drained, issues listed, people told, an incident opened."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from pipeline.services import scripts
from rollout.management.rollout_commands._port import Output
from rollout.management.rollout_commands._rollouts import (
    add_person,
    add_reason,
    add_rollout,
    person,
    rollback_facts,
    rollback_lines,
    rollout_of,
)
from rollout.models import Rollback
from rollout.services import stop


def add_arguments(parser: CommandParser) -> None:
    parser.add_argument("--step", default="", help="only this step of the plan; everything when left out")
    parser.add_argument(
        "--confirm", default="", help="the step's number, or owner/name of the repository for everything"
    )
    parser.add_argument("--trigger", default="", help="which of the plan's triggers, if one")
    parser.add_argument("--revert", action="store_true", help="also undo what the rolled-back runs changed")
    add_reason(parser)
    add_rollout(parser)
    add_person(parser)


def handle(command: Output, options: dict[str, Any]) -> int:
    made = stop.roll_back(
        rollout_of(options),
        step=options["step"],
        by=person(options),
        reason=options["reason"],
        trigger=options["trigger"],
        confirmation=options["confirm"],
        revert=options["revert"],
    )
    command.say(rollback_facts(made), rollback_lines(made))
    return scripts.FAILED if made.state == Rollback.State.STUCK else scripts.OK
