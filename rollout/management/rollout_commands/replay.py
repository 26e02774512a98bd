"""Compute evaluations again from the same rows. Ends with 1 where a verdict comes out another."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from pipeline.services import scripts
from rollout.management.rollout_commands._evaluations import chosen
from rollout.management.rollout_commands._port import Output
from rollout.management.rollout_commands._rollouts import add_rollout, rollout_of
from rollout.models import Evaluation
from rollout.services import explain


def add_arguments(parser: CommandParser) -> None:
    parser.add_argument("what", nargs="?", default="", help="a criterion, a trigger, or the number of an evaluation")
    add_rollout(parser)


def handle(command: Output, options: dict[str, Any]) -> int:
    found = [_again(row) for row in chosen(rollout_of(options), options["what"])]
    lines = [f"{row['evaluation']} {row['rule']}: {row['was']} then, {row['is']} now. {row['note']}" for row in found]
    command.say(found, lines)
    return scripts.OK if all(row["same"] for row in found) else scripts.FAILED


def _again(row: Evaluation) -> dict[str, Any]:
    again = explain.replayed(row)
    return {
        "evaluation": row.pk,
        "rule": row.rule,
        "subject": row.subject,
        "was": row.verdict,
        "is": again.verdict.value,
        "same": again.same,
        "rows_changed": again.changed,
        "note": again.note,
    }
