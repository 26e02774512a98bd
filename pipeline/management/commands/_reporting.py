"""How the commands for scripts print a run."""

from __future__ import annotations

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand

from pipeline.models import Run
from pipeline.services import scripts
from pipeline.services.audit import ChainBusy


class Reporting(BaseCommand):
    """Prints runs for people or as JSON; ends with an exit code that means something."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Many writers at once is nobody's mistake: one sentence, exit code 75, to be tried again."""
        try:
            return super().execute(*args, **options)
        except ChainBusy as busy:
            self.stderr.write(str(busy))
            sys.exit(scripts.TRY_LATER)

    def bar(self, settled: int, total: int) -> None:
        """A progress bar, on a terminal only."""
        if not total or not sys.stderr.isatty():
            return
        filled = 30 * settled // total
        end = "\n" if settled == total else ""
        self.stderr.write(f"\r[{'#' * filled}{'.' * (30 - filled)}] {settled}/{total}{end}", ending="")

    def report(self, run: Run, *, as_json: bool, verbose: bool, statistics: bool) -> None:
        facts = scripts.summary(run)
        if as_json:
            self.stdout.write(json.dumps(facts, indent=2, default=str))
            return
        self.stdout.write(f"Run {run.pk}: {run.kind} on {run.repository}, {run.get_mode_display()}: {run.state}.")
        if run.error:
            self.stdout.write(run.error)
        for sentence in facts["left_out"] if run.parent_id is None else ():
            self.stdout.write(sentence)
        if verbose:
            for item in facts["items"]:
                subject = f"#{item['issue']}" if item["issue"] else "-"
                self.stdout.write(f"  {subject:>7}  {item['state']:<10} {item['outcome']:<20} {item['reason']}")
        if statistics:
            self._statistics(facts["statistics"])
        for child in run.children.order_by("pk"):
            self.report(child, as_json=False, verbose=verbose, statistics=False)

    def _statistics(self, values: dict[str, Any]) -> None:
        for name, value in values.items():
            shown = ", ".join(f"{key} {count}" for key, count in value.items()) if isinstance(value, dict) else value
            self.stdout.write(f"  {name.replace('_', ' ')}: {shown if shown not in ('', None) else '-'}")

    def end(self, code: int) -> None:
        if code:
            sys.exit(code)

    def refuse(self, sentence: object) -> None:
        """Bad input: one sentence, exit code 2, nothing changed."""
        self.stderr.write(str(sentence))
        sys.exit(scripts.BAD_INPUT)
