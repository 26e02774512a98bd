"""manage.py revert <run>: undo what a live run changed, never over a later human edit."""

from __future__ import annotations

import getpass
from typing import Any

from django.core.management.base import CommandParser

from pipeline.management.commands._reporting import Reporting
from pipeline.models import Run
from pipeline.services import revert, scripts
from pipeline.services.operations import NotPossible


class Command(Reporting):
    help = "Undo what a live run changed; what people edited since is left and listed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("run", type=int, help="number of the live run")
        parser.add_argument("--reason", required=True, help="for the audit log")
        parser.add_argument("--dry-run", action="store_true", help="show what would be undone")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        run = Run.objects.filter(pk=options["run"]).first()
        if run is None:
            self.refuse(f"There is no run {options['run']}.")
            return
        try:
            undoing = revert.revert_run(
                run, actor=getpass.getuser(), reason=options["reason"], dry_run=options["dry_run"], ring=False
            )
        except NotPossible as error:
            self.refuse(error)
            return
        scripts.carry_out(undoing, self.bar)
        undoing.refresh_from_db()
        self.report(undoing, as_json=options["json"], verbose=True, statistics=False)
        self.end(scripts.exit_code(undoing))
