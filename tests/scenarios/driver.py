"""Runs as a process of its own beside real workers and beat: `python -m tests.scenarios.driver prepare|end|told`.

It turns knobs and reads rows as an operator would; the work itself is done by the workers that it rings.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from datetime import timedelta

import django

django.setup()

from django.core.management import call_command  # noqa: E402 - the applications come first
from django.db import connection  # noqa: E402

from pipeline import clock  # noqa: E402
from pipeline.models import Issue, Kind, Mode, Operation, Repository, Run, RunItem  # noqa: E402
from pipeline.services import demonstration, operations, runs, sync  # noqa: E402
from pipeline.services.connect import connect  # noqa: E402
from pipeline.services.operations import NotPossible  # noqa: E402

ACTOR, REASON = "driver", "A scenario with real processes."


def prepare(sandbox_url: str) -> None:
    """The demonstration, quickened: one daily run a minute does discovery to hand-over, tracking is rung by hand."""
    if not connection.introspection.table_names():
        call_command("migrate", interactive=False, verbosity=0)
    demonstration.load_shipped_workflows()
    repository = demonstration.install(sandbox_url)
    Repository.objects.filter(pk=repository.pk).update(
        quarantine_seconds=4, write_spacing_ms=20, lost_after_seconds=30, writes_per_minute=5000, reserve_share=0
    )
    for operation in Operation.objects.filter(repository=repository):
        wanted = Mode.LIVE if operation.kind in {Kind.DAILY, Kind.TRACK} else Mode.OFF
        operations.set_mode(operation, wanted, actor=ACTOR, reason=REASON)
        if operation.kind in {Kind.DAILY, Kind.TRACK}:
            operations.set_cron(operation, "* * * * *", actor=ACTOR, reason=REASON)
        for part in operation.parts.all():
            operations.set_part_mode(part, Mode.LIVE, actor=ACTOR, reason=REASON)
            type(part).objects.filter(pk=part.pk).update(limit=6)
    # Two minutes owed: the first tick records the older slot as missed and runs the newest at once.
    back = clock.now() - timedelta(minutes=2, seconds=5)
    Operation.objects.filter(repository=repository).update(slots_since=back)


def drive(wanted: int, seconds: float) -> None:
    """Until `wanted` issues are done; rings tracking every second."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if Issue.objects.filter(state="done").count() >= wanted:
            return
        track()
        time.sleep(1)
    raise SystemExit(f"Not reached: {told()}")


def track() -> None:
    try:
        runs.open_by_hand(Operation.objects.get(kind=Kind.TRACK), actor=ACTOR, reason=REASON)
    except NotPossible:
        return  # one is under way


def finish(seconds: float) -> None:
    """Everything off; wait until nothing is under way; read what changed last."""
    for operation in Operation.objects.exclude(mode=Mode.OFF):
        operations.set_mode(operation, Mode.OFF, actor=ACTOR, reason=REASON)
    end = time.monotonic() + seconds
    while (
        Run.objects.filter(state__in=Run.ACTIVE).exists() or RunItem.objects.filter(state__in=RunItem.ACTIVE).exists()
    ):
        if time.monotonic() > end:
            raise SystemExit(f"Not at rest: {told()}")
        time.sleep(0.5)
    repository = Repository.objects.get()
    sync.sync(repository, connect(repository))


def told() -> str:
    states = Counter(Issue.objects.values_list("state", flat=True))
    recent = list(RunItem.objects.order_by("-pk").values_list("run__kind", "state", "reason")[:6])
    active = list(Run.objects.filter(state__in=Run.ACTIVE).values_list("kind", "purpose", "state", "error"))
    return json.dumps({"issues": states, "recent": recent, "active": active}, default=str)


def main(arguments: list[str]) -> None:
    command, *rest = arguments
    if command == "prepare":
        prepare(rest[0])
    elif command == "end":
        wanted, events, secret = rest
        drive(int(wanted), 170)
        finish(120)
        call_command("verify_invariants", quiescent=True, events=events, secret=[secret])
    sys.stdout.write(told() + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
