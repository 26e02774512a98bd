"""manage.py rollout <subcommand>: everything that a rollout lead does, for scripts and terminals."""

from __future__ import annotations

import importlib
import json
import pkgutil
import sys
from collections.abc import Iterable
from functools import cache
from typing import Any, cast

from django.core.management.base import BaseCommand, CommandParser

from pipeline.services import scripts
from pipeline.services.audit import ChainBusy
from pipeline.services.operations import NotPossible
from pipeline.workflows.problems import WorkflowFileError
from rollout.management import rollout_commands
from rollout.management.rollout_commands._port import Subcommand


@cache
def subcommands() -> dict[str, Subcommand]:
    """Name → module, by the files that are there."""
    names = sorted(module.name for module in pkgutil.iter_modules(rollout_commands.__path__))
    return {
        name.removesuffix("_").replace("_", "-"): cast(
            "Subcommand", importlib.import_module(f"{rollout_commands.__name__}.{name}")
        )
        for name in names
        if not name.startswith("_")
    }


class Command(BaseCommand):
    help = "Import, check and lint plans; start, watch, stop and explain rollouts."

    def add_arguments(self, parser: CommandParser) -> None:
        ways = parser.add_subparsers(dest="way", required=True, metavar="subcommand")
        for name, module in subcommands().items():
            summary = (module.__doc__ or "").strip()
            way = ways.add_parser(name, help=summary.partition("\n")[0], description=summary)
            way.add_argument("--json", action="store_true", help="write facts for scripts instead of lines for people")
            module.add_arguments(way)

    def handle(self, *args: Any, **options: Any) -> None:
        self._as_json: bool = options["json"]
        try:
            code = subcommands()[options["way"]].handle(self, options)
        except WorkflowFileError as error:
            self._refuse(str(error), error.lines())
        except ChainBusy as error:
            self._refuse(str(error), (str(error),), scripts.TRY_LATER)
        except (NotPossible, ValueError, OSError) as error:
            self._refuse(str(error), (str(error),))
        else:
            if code:
                sys.exit(code)

    def say(self, facts: Any, lines: Iterable[str]) -> None:
        if self._as_json:
            self.stdout.write(json.dumps(facts, indent=2, default=str, ensure_ascii=False))
            return
        for line in lines:
            self.stdout.write(line)

    def _refuse(self, sentence: str, lines: Iterable[str], code: int = scripts.BAD_INPUT) -> None:
        """Every problem in a line, and nothing changed; exit code 2 for bad input, 75 for what may be tried again."""
        if self._as_json:
            facts = {"error": sentence, "problems": list(lines)}
            self.stdout.write(json.dumps(facts, indent=2, ensure_ascii=False))
        else:
            self.stderr.write("\n".join(lines))
        sys.exit(code)
