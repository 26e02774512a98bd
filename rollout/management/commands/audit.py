"""`manage.py audit verify`: recomputes the audit log's chain and says whether it is complete and unaltered.

A cut tail leaves a chain that is whole, so the log is compared with the heads that were exported day by day.
"""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from pipeline.services import audit
from pipeline.services.audit import Head


class Command(BaseCommand):
    help = "Check the audit log: every entry is there and none was altered after it was written."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        verify = actions.add_parser("verify", help="Recompute the whole chain.")
        verify.add_argument("--json", action="store_true", help="Write one JSON object.")
        verify.add_argument(
            "--head",
            default="",
            help="Compare with this head, SEQUENCE:HASH, which was kept elsewhere; else with those in telemetry.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        found = audit.verify()
        heads = [_head(options["head"])] if options["head"] else list(audit.exported())
        fault = found.fault or audit.compare(found.entries, heads)
        if options["json"]:
            facts = {"entries": found.entries, "head": found.head, "compared": len(heads), "fault": fault}
            self.stdout.write(json.dumps(facts))
        elif not fault:
            compared = f"compared with {len(heads)} exported heads" if heads else "no head was exported yet"
            self.stdout.write(f"{found.entries} entries, unaltered; {compared}. Head {found.entries}:{found.head}")
        if fault:
            raise CommandError(fault)


def _head(given: str) -> Head:
    sequence, _, digest = given.partition(":")
    if not sequence.isdecimal() or not digest:
        raise CommandError(f"{given!r} is no head; write SEQUENCE:HASH as `audit verify` or telemetry shows it.")
    return Head(int(sequence), digest)
