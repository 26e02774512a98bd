"""manage.py demonstration: load what is shipped, and the sandbox's repository."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from pipeline.management.commands._reporting import Reporting
from pipeline.services import demonstration
from pipeline.services.connect import check_token


class Command(Reporting):
    help = "Load the shipped workflows and the demonstration repository, or remove the latter."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--sandbox-url", default="", help="address of the sandbox")
        parser.add_argument("--remove", action="store_true", help="delete the demonstration and all that it recorded")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["remove"]:
            self.stdout.write(f"{demonstration.remove()} demonstration repositories removed.")
            return
        url = options["sandbox_url"] or settings.CONTROLPLANE.sandbox_url
        if not url:
            self.refuse("Name the sandbox with --sandbox-url; for a real repository there is `manage.py govern`.")
            return
        demonstration.load_shipped_workflows()
        repository = demonstration.install(url)
        check_token(repository)  # so that the first page tells whose it is
        demonstration.first_runs(repository)
        self.stdout.write(f"The demonstration repository {repository} works against the sandbox at {url}.")
