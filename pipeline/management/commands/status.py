"""manage.py status: what runs, what is due, what is wrong."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db.models import Count

from pipeline import clock
from pipeline.domain import cron
from pipeline.models import Effect, Issue, Operation, Repository, Run
from pipeline.services.operations import cron_of
from pipeline.views import findings


class Command(BaseCommand):
    help = "Show repositories, operations, issues by state and what needs attention."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        facts = {
            "repositories": [_repository(row) for row in Repository.objects.all()],
            "open_findings": findings.open_ones(clock.now()).count(),
            "unknown_effects": Effect.objects.filter(state=Effect.State.UNKNOWN).count(),
            "active_runs": Run.objects.filter(state__in=Run.ACTIVE).count(),
        }
        if options["json"]:
            self.stdout.write(json.dumps(facts, indent=2, default=str))
            return
        for row in facts["repositories"]:  # type: ignore[attr-defined]
            self._show(row)
        self.stdout.write(
            f"Open findings {facts['open_findings']}, effects of unknown fate {facts['unknown_effects']}, "
            f"active runs {facts['active_runs']}."
        )

    def _show(self, row: dict[str, Any]) -> None:
        self.stdout.write(f"{row['repository']} ({row['standing']}){': ' + row['problem'] if row['problem'] else ''}")
        self.stdout.write("  issues: " + (", ".join(f"{s} {n}" for s, n in row["issues"].items()) or "none yet"))
        for operation in row["operations"]:
            self.stdout.write(
                f"  {operation['name']:<10} {operation['mode']:<8} limit {operation['limit']:<5} "
                f"{operation['cron'] or 'no schedule':<16} next {operation['next'] or '-'}  last {operation['last']}"
            )


def _repository(row: Repository) -> dict[str, Any]:
    states = Issue.objects.filter(repository=row).order_by().values_list("state").annotate(n=Count("pk"))
    return {
        "repository": row.full_name,
        "standing": row.standing,
        "problem": row.token_problem or row.sync_problem,
        "issues": dict(states),
        "operations": [_operation(operation) for operation in row.operations.select_related("periodic_task__crontab")],
    }


def _operation(row: Operation) -> dict[str, Any]:
    expression = cron_of(row)
    last = row.runs.filter(parent=None).order_by("-pk").first()
    return {
        "name": row.name,
        "mode": row.mode,
        "limit": row.limit,
        "cron": expression,
        "next": cron.next_fires(expression, clock.now(), 1)[0].isoformat() if expression else None,
        "last": f"run {last.pk}: {last.state}" if last else "never",
    }
