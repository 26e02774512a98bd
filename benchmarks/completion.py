"""How long the figures of the completion page take with a long history, on SQLite in a folder of its own.

    python -m benchmarks.completion [--handovers 100000]

The hand-overs lie evenly over sixteen weeks, half of them in the eight that the page shows; four in five are completed,
one in twenty was blocked, the newest 5,000 have a remark of Copilot's.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import tempfile
import time
from datetime import timedelta

FOLDER = tempfile.mkdtemp(prefix="controlplane-benchmark-")
os.environ |= {"DJANGO_SETTINGS_MODULE": "tests.settings", "TEST_DATABASE_URL": f"sqlite:///{FOLDER}/db.sqlite3"}

import django  # noqa: E402 - the environment comes first

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402

from pipeline.models import Feedback, Handover, Issue, Repository  # noqa: E402
from rollout.services.completion import report, service_levels  # noqa: E402
from tests.factories import MOMENT, make_repository, make_workflow  # noqa: E402

WEEKS, BATCH, TIMES, REMARKS = 16, 5_000, 9, 5_000


def fill(handovers: int) -> Repository:
    repository, dice = make_repository(), random.Random(1)
    workflows = [make_workflow() for _ in range(5)]
    common = {"repository": repository, "state": "done", "remote_created_at": MOMENT, "remote_updated_at": MOMENT}
    Issue.objects.bulk_create(
        [
            Issue(number=place, node_id=f"I_{place}", title=f"Issue {place}", author={"login": "watch"},
                  read_at=MOMENT, workflow=workflows[place % 5], **common)
            for place in range(1, handovers + 1)
        ],
        batch_size=BATCH,
    )  # fmt: skip
    keys = Issue.objects.order_by("number").values_list("pk", flat=True)
    every = timedelta(weeks=WEEKS) / handovers
    Handover.objects.bulk_create(
        [_handover(key, place * every, dice) for place, key in enumerate(keys)], batch_size=BATCH
    )
    newest = Handover.objects.order_by("-requested_at").values_list("pk", flat=True)[:REMARKS]
    Feedback.objects.bulk_create(
        [
            Feedback(handover_id=key, external_id="1", source="comment", text="A test fails.", themes=["tests"],
                     said_at=MOMENT)
            for key in newest
        ],
        batch_size=BATCH,
    )  # fmt: skip
    service_levels.ship()
    return repository


def _handover(issue: int, ago: timedelta, dice: random.Random) -> Handover:
    at = MOMENT - ago
    done = dice.random() < 0.8
    return Handover(
        issue_id=issue,
        generation=1,
        requested_at=at,
        outcome="completed" if done else "working",
        ended_at=at + timedelta(hours=dice.expovariate(1 / 30)) if done else None,
        evidence={"blockers": ["approval"]} if dice.random() < 0.05 else {},
    )


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.completion", description=__doc__)
    parser.add_argument("--handovers", type=int, default=100_000)
    asked = parser.parse_args(arguments)
    call_command("migrate", verbosity=0)
    repository = fill(asked.handovers)
    took, queries = [], 0
    for _time in range(TIMES):
        with CaptureQueriesContext(connection) as seen:
            began = time.perf_counter()
            found = report.report(repository, MOMENT)
            took.append(1000 * (time.perf_counter() - began))
        queries = len(seen)
    sys.stdout.write(
        f"| {asked.handovers:,} hand-overs | {statistics.median(took):.0f} ms | {min(took):.0f} ms | {queries} | "
        f"{len(found.cases):,} | {found.left_out:,} |\n"
        f"\nLoad of the machine meanwhile: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors.\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
