"""manage.py run <operation>: carry out one run now, in this process."""

from __future__ import annotations

import getpass
from typing import Any

from django.core.management.base import CommandParser

from pipeline.management.commands._reporting import Reporting
from pipeline.models import Mode
from pipeline.services import runs, scripts
from pipeline.services.operations import NotPossible


class Command(Reporting):
    help = "Carry out one run of an operation now: monitor, assign, process, track, daily or sync."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("operation", help="its name or kind")
        parser.add_argument("--repository", help="owner/name; needed where there are several")
        size = parser.add_mutually_exclusive_group()
        size.add_argument("--limit", type=int, help="at most so many issues")
        size.add_argument("--batch-size", type=int, help="the same, as processing calls it")
        parser.add_argument("--issue", type=int, action="append", default=[], help="only this issue; may be repeated")
        mode = parser.add_mutually_exclusive_group()
        mode.add_argument("--dry-run", action="store_true", help="plan and show, write nothing to GitHub")
        mode.add_argument("--live", action="store_true", help="write to GitHub")
        parser.add_argument("--verbose", action="store_true", help="a line for each item")
        parser.add_argument("--statistics", action="store_true", help="figures after the run")
        parser.add_argument("--continue-on-error", action="store_true", help="go on after a failed item")
        parser.add_argument("--json", action="store_true", help="machine-readable output")
        parser.add_argument("--reason", default="Started from the command line.", help="for the audit log")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            operation = scripts.operation_named(options["operation"], options["repository"])
            run = runs.open_by_hand(
                operation,
                actor=getpass.getuser(),
                reason=options["reason"],
                mode=_mode(options),
                limit=_limit(options),
                issues=_issues(options),
                continue_on_error=True if options["continue_on_error"] else None,
                ring=False,
            )
        except NotPossible as error:
            self.refuse(error)
            return
        scripts.carry_out(run, self.bar)
        run.refresh_from_db()
        self.report(
            run,
            as_json=options["json"],
            verbose=options["verbose"] or operation.verbose,
            statistics=options["statistics"] or operation.statistics,
        )
        self.end(scripts.exit_code(run))


def _mode(options: dict[str, Any]) -> str | None:
    if options["live"]:
        return str(Mode.LIVE)
    return str(Mode.DRY_RUN) if options["dry_run"] else None


def _limit(options: dict[str, Any]) -> int | None:
    limit: int | None = options["limit"] if options["limit"] is not None else options["batch_size"]
    if limit is not None and not 0 < limit <= 1000:
        raise NotPossible(f"The limit {limit} is out of range; choose 1 to 1000 issues.")
    return limit


def _issues(options: dict[str, Any]) -> list[int]:
    bad = [number for number in options["issue"] if number < 1]
    if bad:
        raise NotPossible(f"There is no issue number {bad[0]}; numbers start at 1.")
    return list(options["issue"])
