"""Drill a rollback on the demonstration repository: all of it, measured, and put back afterwards."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from pipeline import clock
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
from rollout.services import announcements, saga, stop

ROUND = 5.0  # seconds between two looks


def add_arguments(parser: CommandParser) -> None:
    parser.add_argument("--step", default="", help="only this step of the plan; everything when left out")
    parser.add_argument("--wait", action="store_true", help="carry it to its end here, which takes about two minutes")
    add_reason(parser)
    add_rollout(parser)
    add_person(parser)


def handle(command: Output, options: dict[str, Any]) -> int:
    made = stop.roll_back(
        rollout_of(options), step=options["step"], by=person(options), reason=options["reason"], drill=True
    )
    while options["wait"] and made.state == Rollback.State.RUNNING:
        announcements.deliver_due(clock.now())
        made = saga.advance(made, clock.now())
        if made.state == Rollback.State.RUNNING:
            clock.sleep(ROUND)
    facts = rollback_facts(made) | {"seconds": _seconds(made)}
    took = [f"It took {_seconds(made):.0f} s."] if made.finished_at else ["The tick carries it on; see its page."]
    command.say(facts, [*rollback_lines(made), *took])
    if made.state == Rollback.State.STUCK:
        return scripts.FAILED
    return scripts.OK if made.state == Rollback.State.DONE else scripts.TRY_LATER


def _seconds(made: Rollback) -> float | None:
    return (made.finished_at - made.started_at).total_seconds() if made.finished_at else None
