"""Compare two plans field by field and line by line. Ends with 1 where they differ."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from pipeline.services import scripts
from rollout.management.rollout_commands._plans import HELP, given
from rollout.management.rollout_commands._port import Output
from rollout.services import plans


def add_arguments(parser: CommandParser) -> None:
    parser.add_argument("old", help=HELP.removesuffix(" (the default)"))
    parser.add_argument("new", help="the same")
    parser.add_argument("--fields", action="store_true", help="only the fields that differ, not the lines")


def handle(command: Output, options: dict[str, Any]) -> int:
    old, new = given(options["old"]), given(options["new"])
    for one in (old, new):
        plans.read(one.text, name=one.name)
    found = plans.difference(old.text, new.text, before=old.name, after=new.name)
    facts = {
        "old": old.name,
        "new": new.name,
        "changes": [{"where": one.where, "before": one.before, "after": one.after} for one in found.changes],
        "text": found.text,
    }
    lines = [change.sentence for change in found.changes]
    if found.text and not options["fields"]:
        lines += ["", found.text]
    command.say(facts, lines or [f"{old.name} and {new.name} say the same."])
    return scripts.FAILED if found.changes or found.text else scripts.OK
