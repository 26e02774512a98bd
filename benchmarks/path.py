"""Requests and wall time per issue over the whole path, and the price of a synchronisation with nothing changed.

    python benchmarks/path.py [--issues 50 200] [--latency 0 50] [--protocol graphql rest] [--json]

In one process, on an embedded database of its own, against a sandbox over HTTP on the wall clock: discovery, assign,
process, Copilot at once, track to done. Pacing of writes is off: it is GitHub's rule, not our cost.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ["CONTROLPLANE_ENV"] = "test"
os.environ["CONTROLPLANE_DATA_DIR"] = tempfile.mkdtemp(prefix="controlplane-benchmark-")
os.environ["DJANGO_SETTINGS_MODULE"] = "controlplane.settings"
os.environ["CELERY_BROKER_URL"] = "memory://"

import django  # noqa: E402 - the environment comes first

django.setup()

from django.core.management import call_command  # noqa: E402 - the applications come first
from django.db import connection  # noqa: E402

from pipeline.models import ApiCall, Issue, Kind, Mode, Operation, Repository, Run, RunItem, Source  # noqa: E402
from pipeline.services import bell, demonstration, discoveries, execution, operations, runs  # noqa: E402
from pipeline.sources.port import Fetched  # noqa: E402
from sandbox.seed import APP_TOKEN, USER_TOKEN  # noqa: E402
from sandbox.server import Sandbox  # noqa: E402

PATH = (Kind.MONITOR, Kind.ASSIGN, Kind.PROCESS)
AT_ONCE = {
    "start": [0, 0.01],
    "work": [0, 0.01],
    "commits": [1, 1],
    "review": [0, 0.01],
    "shares": {"lost": 0, "error": 0, "fail": 0, "wait": 0, "reject": 0, "finish": 1},
}


class Feed:
    """A source with `count` entries."""

    def __init__(self, count: int) -> None:
        self.items = [
            {
                "id": str(number),
                "url": f"https://news.example/{number}",
                "title": f"Intelligence report {number}: convoy at pier {number}",
                "content_text": f"An intelligence analysis of {number} trucks at the pier.",
            }
            for number in range(count)
        ]

    def fetch(self, url: str, **_validators: str) -> Fetched:
        feed = {"version": "https://jsonfeed.org/version/1.1", "title": "Feed", "items": self.items}
        return Fetched(url, json.dumps(feed).encode(), "application/feed+json", "", "")


@contextmanager
def installation(sandbox: Sandbox, protocol: str) -> Iterator[Repository]:
    """A repository with shipped operations, in a database of its own: the audit log lets nobody empty it."""
    connection.close()
    for path in Path(os.environ["CONTROLPLANE_DATA_DIR"]).glob("controlplane.sqlite3*"):
        path.unlink()
    call_command("migrate", interactive=False, verbosity=0)
    demonstration.load_shipped_workflows()
    repository = Repository.objects.create(
        full_name="demo/field-notes",
        api_url=f"{sandbox.url}/api/v3",
        protocol=protocol,
        token_reference="env:APP_TOKEN",  # noqa: S106 - a name
        handover_token_reference="env:USER_TOKEN",  # noqa: S106 - a name
        write_spacing_ms=0,
        writes_per_minute=1_000_000,
        writes_per_hour=1_000_000,
    )
    Source.objects.create(
        repository=repository, name="Feed", url="https://news.example/feed.json", labels=["intelligence-analysis"]
    )
    operations.ship_operations(repository, actor="benchmark", reason="A benchmark.")
    yield repository


def run(repository: Repository, kind: Kind, limit: int) -> float:
    """Seconds that one live run took."""
    operation = Operation.objects.get(repository=repository, kind=kind)
    began = time.monotonic()
    row = runs.open_by_hand(
        operation, actor="benchmark", reason="A benchmark.", mode=Mode.LIVE, limit=limit, ring=False
    )
    execution.execute(row.pk)
    execution.work_on(row.pk)
    spent = time.monotonic() - began
    row.refresh_from_db()
    if row.state != Run.State.SUCCEEDED:
        raise SystemExit(f"{row} ended {row.state}: {row.error} {list(row.items.values_list('reason', flat=True)[:5])}")
    return spent


def measure(count: int, latency: float, protocol: str) -> dict[str, Any]:
    """The whole path for `count` issues."""
    with Sandbox() as sandbox, installation(sandbox, protocol) as repository:
        sandbox.configure({"copilot": AT_ONCE, "latency_ms": latency, "limits": {"core": 10**6, "graphql": 10**6}})
        discoveries.fetcher = lambda: Feed(count)
        seconds = {kind.value: run(repository, kind, count) for kind in PATH}
        sandbox.advance(datetime.now(UTC))
        time.sleep(0.5)  # Copilot's sessions, and the reviewers'
        while sandbox.world.state.sessions:
            time.sleep(0.1)
        seconds["track"] = run(repository, Kind.TRACK, count)
        done = Issue.objects.filter(repository=repository, state="done").count()
        if done != count:
            raise SystemExit(f"{done} of {count} done: {Counter(RunItem.objects.values_list('state', 'reason'))}")
        return {**_figures(repository, count, seconds), "issues": count, "latency_ms": latency, "protocol": protocol}


def _figures(repository: Repository, count: int, seconds: dict[str, float]) -> dict[str, Any]:
    calls = ApiCall.objects.filter(repository=repository)
    by_kind = Counter(calls.values_list("run__kind", flat=True))
    total = calls.count()
    resync = _resync(repository)
    return {
        "requests_per_issue": round(total / count, 2),
        "requests": {str(kind): number for kind, number in sorted(by_kind.items())},
        "routes": dict(Counter(calls.values_list("route", flat=True)).most_common(12)),
        "seconds_per_issue": round(sum(seconds.values()) / count, 3),
        "seconds": {kind: round(value, 2) for kind, value in seconds.items()},
        "resync_requests": resync,
    }


def _resync(repository: Repository) -> list[int]:
    """Requests of three synchronisations, one after the other, while nothing changes."""
    found = []
    for _ in range(3):
        before = ApiCall.objects.count()
        run(repository, Kind.SYNC, 1000)
        found.append(ApiCall.objects.count() - before)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="Requests and wall time per issue over the whole path.")
    parser.add_argument("--issues", type=int, nargs="+", default=[50, 200])
    parser.add_argument("--latency", type=float, nargs="+", default=[0, 50])
    parser.add_argument("--protocol", nargs="+", default=["graphql"], choices=["graphql", "rest"])
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    os.environ["APP_TOKEN"], os.environ["USER_TOKEN"] = APP_TOKEN, USER_TOKEN
    bell._send = lambda *_message: None  # one process carries everything out
    for protocol in options.protocol:
        for count in options.issues:
            for latency in options.latency:
                found = measure(count, latency, protocol)
                print(json.dumps(found) if options.json else told(found), flush=True)  # noqa: T201 - its output


def told(found: dict[str, Any]) -> str:
    return (
        f"{found['protocol']:<8} {found['issues']:>4} issues  {found['latency_ms']:>4.0f} ms latency: "
        f"{found['requests_per_issue']:.2f} requests and {found['seconds_per_issue']:.3f} s per issue; "
        f"by kind {found['requests']}; seconds {found['seconds']}; re-sync {found['resync_requests']}"
    )


if __name__ == "__main__":
    main()
