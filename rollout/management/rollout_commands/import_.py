"""Store a plan as a draft; the next version of its slug."""

from __future__ import annotations

import getpass
from typing import Any

from django.core.management.base import CommandParser

from rollout.domain.linter import Severity, lint
from rollout.management.rollout_commands._plans import HELP, SHIPPED, given
from rollout.management.rollout_commands._port import Output
from rollout.services import plans


def add_arguments(parser: CommandParser) -> None:
    parser.add_argument("source", nargs="?", default=SHIPPED, help=HELP)
    parser.add_argument("--reason", default="Imported from the command line.")


def handle(command: Output, options: dict[str, Any]) -> None:
    source = given(options["source"])
    version = plans.import_plan(source.text, actor=getpass.getuser(), name=source.name, reason=options["reason"])
    found = lint(plans.plan_of(version))
    against = sum(finding.severity is Severity.CONTRADICTION for finding in found)
    facts = {
        "plan": plans.name_of(version),
        "status": version.status,
        "sha256": version.sha256,
        "contradictions": against,
        "risks": len(found) - against,
    }
    lines = [f"{plans.name_of(version)} ({version.status}), sha256 {version.sha256[:12]}."]
    if found:
        lines.append(
            f"{against} contradictions and {len(found) - against} risks in its figures: "
            f"manage.py rollout lint {plans.name_of(version)}"
        )
    command.say(facts, lines)
