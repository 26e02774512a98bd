"""How long one reconcile takes with a long history, on PostgreSQL.

    BENCHMARK_POSTGRES_URL=postgresql://me@localhost/postgres python -m benchmarks.reconcile [--items 1000000]

The history is that of `benchmarks.triggers`, on a database of its own that is dropped afterwards.
"""

from __future__ import annotations

import argparse
import os
import sys
from datetime import timedelta

import django

from benchmarks.triggers import BEGIN, NOW, Timed, fill, throw_away, timed

BOUND = 100.0  # milliseconds


def measure(items: int, url: str) -> list[Timed]:
    """Nothing to change; a morning on which a ramp day is due; a person's stop with all that it lowers."""
    from benchmarks import reconcile_history as history  # noqa: PLC0415 - models exist after django.setup()

    rollout = history.prepare(BEGIN)
    fill(url, items, rollout.repository_id, history.operations_of(rollout))
    history.settle(rollout)
    return [
        timed("nothing to change", lambda n: history.reconcile(rollout, NOW + timedelta(seconds=n))),
        timed("a ramp day is due, its prerequisites are measured", lambda n: history.new_day(rollout, NOW, n), 7),
        timed("every mode has to change", lambda n: history.all_change(rollout, NOW + timedelta(days=9, minutes=n))),
        timed(
            "the limit of one operation, explained",
            lambda n: history.limit(rollout, NOW + timedelta(days=9, seconds=n)),
        ),
    ]


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reconcile", description=__doc__)
    parser.add_argument("--items", type=int, default=1_000_000)
    asked = parser.parse_args(arguments)
    server = os.environ.get("BENCHMARK_POSTGRES_URL", "")
    if not server:
        parser.error("set BENCHMARK_POSTGRES_URL to a PostgreSQL server on which databases may be made.")
    with throw_away(server) as url:
        os.environ |= {"TEST_DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "tests.settings"}
        django.setup()
        found = measure(asked.items, url)
        django.db.connections.close_all()
    head = ("median", "fastest", "own processor time")
    sys.stdout.write(f"| {asked.items:,} items in the history | {' | '.join(head)} |\n|{' --- |' * 4}\n")
    for row in found:
        sys.stdout.write(f"| {row.what} | {row.median:.1f} ms | {row.fastest:.1f} ms | {row.own:.1f} ms |\n")
    sys.stdout.write(f"\nLoad of the machine meanwhile: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors.\n")
    return int(found[0].median > BOUND)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
