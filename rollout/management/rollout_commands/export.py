"""Write a stored plan as YAML, byte for byte as it was imported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from pipeline.services.operations import NotPossible
from rollout.management.rollout_commands._port import Output
from rollout.services import plans


def add_arguments(parser: CommandParser) -> None:
    parser.add_argument("version", help="such as unified-pipeline@2; without a number the newest")
    parser.add_argument("--to", type=Path, help="a file; none: standard output")
    parser.add_argument("--overwrite", action="store_true", help="replace the file if it is there")


def handle(command: Output, options: dict[str, Any]) -> None:
    version = plans.version_named(options["version"])
    text, target = plans.export(version), options["to"]
    facts = {"plan": plans.name_of(version), "status": version.status, "sha256": version.sha256}
    if target is None:
        command.say({**facts, "text": text}, [text.removesuffix("\n")])
        return
    if target.exists() and not options["overwrite"]:
        raise NotPossible(f"{target} is there already; add --overwrite to replace it.")
    target.write_bytes(text.encode())
    command.say({**facts, "file": str(target)}, [f"{plans.name_of(version)} written to {target}."])
