"""manage.py apply <run>: apply exactly the plan that a dry run showed."""

from __future__ import annotations

import getpass
from typing import Any

from django.core.management.base import CommandParser

from pipeline.management.commands._reporting import Reporting
from pipeline.models import Run
from pipeline.services import runs, scripts
from pipeline.services.operations import NotPossible


class Command(Reporting):
    help = "Apply the stored plan of a dry run; issues that changed since it was shown are refused one by one."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("run", type=int, help="number of the dry run")
        parser.add_argument("--reason", required=True, help="for the audit log")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        shown = Run.objects.filter(pk=options["run"]).first()
        if shown is None:
            self.refuse(f"There is no run {options['run']}.")
            return
        try:
            run = runs.apply_plan(shown, actor=getpass.getuser(), reason=options["reason"], ring=False)
        except NotPossible as error:
            self.refuse(error)
            return
        scripts.carry_out(run, self.bar)
        run.refresh_from_db()
        self.report(run, as_json=options["json"], verbose=True, statistics=False)
        self.end(scripts.exit_code(run))
