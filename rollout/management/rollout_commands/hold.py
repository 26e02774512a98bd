"""Stop new live work at once, keeping the place: of everything, one operation or one step. One person is enough."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from pipeline.services import scripts
from rollout.management.rollout_commands._port import Output
from rollout.management.rollout_commands._rollouts import (
    add_person,
    add_reason,
    add_rollout,
    hold_facts,
    person,
    rollout_of,
)
from rollout.services import holds, stop


def add_arguments(parser: CommandParser) -> None:
    scope = parser.add_mutually_exclusive_group()
    scope.add_argument("--operation", default="", help="only this operation, or a part of it as daily:assign")
    scope.add_argument("--step", default="", help="only what this step of the plan turns")
    add_reason(parser)
    add_rollout(parser)
    add_person(parser)


def handle(command: Output, options: dict[str, Any]) -> int:
    placed = stop.hold(
        rollout_of(options),
        operation=options["operation"],
        step=options["step"],
        by=person(options),
        reason=options["reason"],
    )
    command.say(hold_facts(placed), [f"Held {holds.scope(placed)} (hold {placed.pk}); nothing new is written."])
    return scripts.OK
