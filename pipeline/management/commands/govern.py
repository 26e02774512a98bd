"""manage.py govern [owner/name]: take a real repository under the control plane."""

from __future__ import annotations

import getpass
from typing import Any

from django.core.management.base import CommandParser

from pipeline.management.commands._reporting import Reporting
from pipeline.services import governing
from pipeline.services.connect import check_token
from pipeline.services.operations import NotPossible


class Command(Reporting):
    help = "Govern a repository: its operations start in dry run with the plan's schedules."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("full_name", nargs="?", default="", help="owner/name; empty: GITHUB_REPOSITORY")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            repository = governing.govern(
                options["full_name"], actor=getpass.getuser(), reason="Governed from the command line."
            )
        except NotPossible as error:
            self.refuse(error)
            return
        problem = check_token(repository)
        self.stdout.write(
            f"{repository} is governed; its operations start in dry run.{' ' + problem if problem else ''}"
        )
