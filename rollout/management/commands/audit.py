"""`manage.py audit verify`: recomputes the audit log's chain and says whether it is complete and unaltered."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from pipeline.models import AuditEntry
from pipeline.services import audit


class Command(BaseCommand):
    help = "Check the audit log: every entry is there and none was altered after it was written."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        verify = actions.add_parser("verify", help="Recompute the whole chain.")
        verify.add_argument("--json", action="store_true", help="Write one JSON object.")
        verify.add_argument(
            "--head", default="", help="A head that was exported before, with its entries as SEQUENCE:HASH."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        found = audit.verify()
        fault = found.fault or _cut(found.entries, options["head"])
        if options["json"]:
            self.stdout.write(json.dumps({"entries": found.entries, "head": found.head, "fault": fault}))
        elif not fault:
            self.stdout.write(f"{found.entries} entries, unaltered. Head {found.entries}:{found.head}")
        if fault:
            raise CommandError(fault)


def _cut(entries: int, head: str) -> str:
    """Whether the log still holds a head that left the database: a cut tail cannot show by itself."""
    if not head:
        return ""
    sequence, _, expected = head.partition(":")
    if not sequence.isdecimal() or not expected:
        raise CommandError(f"{head!r} is no head; write SEQUENCE:HASH as `audit verify` or telemetry shows it.")
    if int(sequence) > entries:
        return f"The log ends at entry {entries}, and a head of entry {sequence} was exported: its tail was cut."
    if not AuditEntry.objects.filter(sequence=int(sequence), hash=expected).exists():
        return f"Entry {sequence} has another hash than the exported head: the log was written anew."
    return ""
