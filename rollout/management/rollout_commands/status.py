"""Show where a rollout stands: phase, day, next gate, what is live, what needs a person."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from pipeline.services import scripts
from rollout.management.rollout_commands._port import Output
from rollout.management.rollout_commands._rollouts import add_rollout, rollout_of
from rollout.views import reports


def add_arguments(parser: CommandParser) -> None:
    add_rollout(parser)


def handle(command: Output, options: dict[str, Any]) -> int:
    facts = reports.facts(rollout_of(options))
    command.say(facts, reports.lines(facts))
    return scripts.OK
