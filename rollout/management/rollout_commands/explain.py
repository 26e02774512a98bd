"""Explain a criterion, a trigger or one evaluation in one sentence, with the rows that it came from."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from pipeline.services import scripts
from rollout.management.rollout_commands._evaluations import chosen, facts
from rollout.management.rollout_commands._port import Output
from rollout.management.rollout_commands._rollouts import add_rollout, rollout_of
from rollout.services import explain


def add_arguments(parser: CommandParser) -> None:
    parser.add_argument("what", nargs="?", default="", help="a criterion, a trigger, or the number of an evaluation")
    add_rollout(parser)


def handle(command: Output, options: dict[str, Any]) -> int:
    rows = chosen(rollout_of(options), options["what"])
    command.say([facts(row) for row in rows], [f"{row.pk}: {explain.sentence(row)}" for row in rows])
    return scripts.OK
