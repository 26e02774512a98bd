"""manage.py verify_invariants: prove what must always hold, from the database and the world's event log."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from pipeline.domain.invariants.log import BadLog
from pipeline.models import Repository
from pipeline.services import invariants, scripts
from pipeline.services.invariants import events, hygiene
from pipeline.services.operations import NotPossible


class Command(BaseCommand):
    help = "Prove the invariants I1 to I8; exit code 1 when one is violated, 2 for bad input."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--events", help="the sandbox's events.jsonl, or the address of its /_sandbox/events")
        parser.add_argument("--repository", help="owner/name; without it all repositories")
        parser.add_argument("--quiescent", action="store_true", help="nothing runs any more, so nothing may be open")
        parser.add_argument(
            "--secret", action="append", default=[], help="further text that may stand nowhere, besides our own secrets"
        )
        parser.add_argument("--json", action="store_true", help="machine-readable output")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            rows = _repositories(options["repository"])
            log = events.read(options["events"]) if options["events"] else None
        except (BadLog, NotPossible) as error:
            self.stderr.write(str(error))
            sys.exit(scripts.BAD_INPUT)
        secrets = [*options["secret"], *hygiene.known_secrets(rows)]
        report = invariants.verify(log, repositories=rows, at_rest=options["quiescent"], secrets=secrets)
        if options["json"]:
            self.stdout.write(json.dumps(_plain(report), indent=2))
        else:
            self._print(report)
        if not report.ok:
            sys.exit(scripts.FAILED)

    def _print(self, report: invariants.Report) -> None:
        self.stdout.write(", ".join(f"{count} {name}" for name, count in report.counted.items()))
        for verdict in report.verdicts:
            self.stdout.write(f"{verdict.id}  {verdict.verdict:<18} {verdict.title}")
            for found in verdict.violations:
                self.stdout.write(f"      {found.check}: {found.sentence}")


def _repositories(full_name: str | None) -> list[Repository]:
    return [scripts.repository_named(full_name)] if full_name else list(Repository.objects.order_by("pk"))


def _plain(report: invariants.Report) -> dict[str, Any]:
    return {"ok": report.ok, "counted": report.counted, "invariants": [asdict(row) for row in report.verdicts]}
