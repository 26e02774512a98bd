"""manage.py sync: bring our copies of issues up to date."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser

from pipeline.github.port import GitHubError, QuotaExhausted
from pipeline.management.commands._reporting import Reporting
from pipeline.services import scripts
from pipeline.services import sync as syncing
from pipeline.services.connect import connect
from pipeline.services.operations import NotPossible

MOST_NUMBERS = 2**31


class Command(Reporting):
    help = "Read what changed on GitHub since the last time, or one issue."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--repository", help="owner/name; needed where there are several")
        parser.add_argument("--issue", type=int, help="read only this issue")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            repository = scripts.repository_named(options["repository"])
            github = connect(repository)
            if options["issue"] is not None:
                if not 0 < options["issue"] < MOST_NUMBERS:
                    raise NotPossible(f"There is no issue number {options['issue']}; numbers start at 1.")
                found = syncing.read_one(repository, github, options["issue"])
                facts: dict[str, Any] = {"issue": options["issue"], "governed": found is not None}
                if found is not None and found.presence_note:
                    facts["note"] = found.presence_note
            else:
                facts = asdict(syncing.complete(repository, github))
        except NotPossible as error:
            self.refuse(error)
            return
        except GitHubError as error:
            self.stderr.write(str(error))
            self.end(scripts.TRY_LATER if isinstance(error, QuotaExhausted) else scripts.FAILED)
            return
        shown = (
            json.dumps(facts) if options["json"] else ", ".join(f"{k.replace('_', ' ')} {v}" for k, v in facts.items())
        )
        self.stdout.write(shown)
