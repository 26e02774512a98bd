"""Bring the rows that the release ships up to date; what a person changed stays. Safe to repeat after each update."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.management.base import CommandParser

from pipeline.services import scripts
from rollout.management.rollout_commands._port import Output
from rollout.services.completion import service_levels
from rollout.services.escalation import rules
from rollout.services.reviews import rubrics, teams

SHIPPED: tuple[tuple[str, Callable[[], object]], ...] = (
    ("service levels", service_levels.ship),
    ("escalation rules", rules.ship),
    ("rubrics", rubrics.ship),
    ("review teams", teams.ship),
)


def add_arguments(parser: CommandParser) -> None:
    pass


def handle(command: Output, _options: dict[str, Any]) -> int:
    made = {name: _count(ship()) for name, ship in SHIPPED}
    lines = [f"{name}: {count} made or changed" for name, count in made.items() if count]
    command.say(made, lines or ["Everything that is shipped was there already."])
    return scripts.OK


def _count(made: object) -> int:
    """Of what a service says that it made: a number, a list, a row or nothing."""
    if isinstance(made, int):
        return made
    if isinstance(made, list):
        return len(made)
    return 0 if made is None else 1
