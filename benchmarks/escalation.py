"""How long one look for overdue hand-overs takes, with many issues and many open cases.

    [BENCHMARK_POSTGRES_URL=…] python -m benchmarks.escalation [--issues 100000] [--cases 10000]

Of the issues one in ten is open at Copilot with a case that is overdue for 1 to 20 days; their escalations were done as
they fell due. So a look finds nothing new: this is what happens every minute. Then all lose their escalations, and
one look has to note every one of them.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from datetime import datetime, timedelta

FOLDER = tempfile.mkdtemp(prefix="controlplane-benchmark-")
os.environ |= {
    "DJANGO_SETTINGS_MODULE": "tests.settings",
    "TEST_DATABASE_URL": os.environ.get("BENCHMARK_POSTGRES_URL") or f"sqlite:///{FOLDER}/db.sqlite3",
}

import django  # noqa: E402 - the environment comes first

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402

from pipeline import clock  # noqa: E402
from pipeline.models import Handover, Issue, Kind, Mode, Repository  # noqa: E402
from pipeline.services import connect  # noqa: E402
from rollout.models import CompletionCase, EscalationEvent  # noqa: E402
from rollout.services.escalation import escalate, rules  # noqa: E402
from tests.factories import MOMENT, make_operation, make_repository  # noqa: E402
from tests.fake_github import FakeGitHub  # noqa: E402

BATCH, TIMES = 5_000, 5
DAY = timedelta(days=1)
DAYS = (("remind", 3), ("notify", 7), ("review", 14))


def fill(issues: int, cases: int) -> Repository:
    """Cases that are due evenly over the twenty days before MOMENT."""
    repository = make_repository()
    make_operation(repository=repository, kind=Kind.TRACK, mode=Mode.LIVE, live_until=MOMENT + DAY)
    common = {"repository": repository, "remote_created_at": MOMENT, "remote_updated_at": MOMENT, "read_at": MOMENT}
    rows = (
        Issue(number=place, node_id=f"I_{place}", title=f"Issue {place}", author={"login": "watch"},
              state="copilot" if place <= cases else "done", due_at=_due(place, cases), **common)
        for place in range(1, issues + 1)
    )  # fmt: skip
    Issue.objects.bulk_create(rows, batch_size=BATCH)
    keys = Issue.objects.order_by("number").values_list("pk", flat=True)
    Handover.objects.bulk_create(
        (Handover(issue_id=key, generation=1, requested_at=MOMENT - 22 * DAY) for key in keys), batch_size=BATCH
    )
    return repository


def _due(place: int, cases: int) -> datetime:
    return MOMENT - (place % cases + 1) / cases * 20 * DAY


def escalated() -> None:
    """As if every escalation had been done on its day."""
    rows = (
        EscalationEvent(case=case, action=action, days_overdue=days, state="done", at=MOMENT)
        for case in CompletionCase.objects.all()
        for action, days in DAYS
        if case.due_at + days * DAY <= MOMENT
    )
    EscalationEvent.objects.bulk_create(rows, batch_size=BATCH)


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def measured(name: str, times: int) -> None:
    spent, queries = [], 0
    for _ in range(times):
        with CaptureQueriesContext(connection) as caught:
            began = time.perf_counter()
            escalate.look(MOMENT)
            spent.append((time.perf_counter() - began) * 1000)
        queries = len(caught)
    say(f"| {name} | {statistics.median(spent):.0f} ms | {min(spent):.0f} ms | {queries} |")


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--issues", type=int, default=100_000)
    parser.add_argument("--cases", type=int, default=10_000)
    options = parser.parse_args(arguments)
    call_command("migrate", verbosity=0)
    rules.ship()
    with clock.using(clock.VirtualClock(MOMENT)), connect.using(lambda _: FakeGitHub()):
        fill(options.issues, options.cases)
        while CompletionCase.objects.count() < options.cases:
            escalate.look(MOMENT - timedelta(hours=3))
        escalated()
        for minutes in (60, 30):
            escalate.look(MOMENT - timedelta(minutes=minutes))
        say("| one look | median | fastest | queries |\n| --- | --- | --- | --- |")
        measured("nothing new: what happens every minute", TIMES)
        EscalationEvent.objects.all().delete()
        measured("every escalation of three weeks at once", 1)


if __name__ == "__main__":
    main(sys.argv[1:])
