"""List everything that can be measured: name, unit, and what it means.

These are the words that a plan's criteria and triggers may use.
"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from pipeline.services import scripts
from rollout.management.rollout_commands._port import Output
from rollout.metrics.registry import METRICS


def add_arguments(parser: CommandParser) -> None:
    parser.add_argument("metric", nargs="?", default="", help="only those with this in their name")


def handle(command: Output, options: dict[str, Any]) -> int:
    wanted = options["metric"]
    found = [METRICS[slug] for slug in sorted(METRICS) if wanted in slug]
    if not found:
        raise ValueError(f"There is no metric with {wanted!r} in its name; leave the name out to see all.")
    facts = [
        {"metric": each.slug, "title": each.title, "unit": each.unit.value, "definition": each.definition}
        for each in found
    ]
    command.say(facts, [f"{each.slug} ({each.unit.value})\n    {each.title}: {each.definition}" for each in found])
    return scripts.OK
