"""How long triggers take to evaluate with a long history, on PostgreSQL.

    BENCHMARK_POSTGRES_URL=postgresql://me@localhost/postgres python -m benchmarks.triggers [--items 1000000]

A database of its own is made on that server and dropped afterwards. The history: runs of ten issues every two hours on
five operations, each issue with its transitions, one hand-over in three, five requests per run.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import django
import psycopg
from psycopg import sql

PER_RUN = 10
OPERATIONS = ("monitor", "assign", "process", "track", "daily")
NOW = datetime(2026, 11, 16, 12, tzinfo=UTC)
BEGIN = NOW - timedelta(days=14)
TIMES = 30


@dataclass(frozen=True, slots=True)
class Timed:
    """Milliseconds: median and fastest by the wall clock, and the median of this process's own work."""

    what: str
    median: float
    fastest: float
    own: float


@contextmanager
def throw_away(server: str) -> Iterator[str]:
    """The address of a fresh database on `server`, dropped at the end."""
    name = f"controlplane_benchmark_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        yield urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def fill(url: str, items: int, repository: int, operations: dict[str, int]) -> None:
    """Runs, items, issues, transitions, hand-overs and requests by SQL: rows through the ORM would take an hour."""
    runs = items // PER_RUN
    keys = [operations[name] for name in OPERATIONS]
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in STATEMENTS:
            connection.execute(
                statement,
                {"runs": runs, "items": items, "per": PER_RUN, "repository": repository, "operations": keys,
                 "kinds": list(OPERATIONS), "now": NOW},
            )  # fmt: skip
        connection.execute("ANALYZE")


# The newest run of each operation ended an hour ago; older ones every two hours, back into years.
STATEMENTS = (
    """INSERT INTO pipeline_issue (repository_id, number, node_id, state, title, body, labels, assignees, is_open,
         state_reason, locked, author, author_association, html_url, remote_created_at, remote_updated_at, read_at,
         presence, presence_note, clarification_reason)
       SELECT %(repository)s, n, 'I_' || n, 'done', 'Issue ' || n, 'A body.', '["site-monitor"]', '[]', false, '',
         false, '{}', '', '', %(now)s, %(now)s, %(now)s, 'present', '', '' FROM generate_series(1, %(items)s / 2) n""",
    """INSERT INTO pipeline_run (operation_id, repository_id, kind, purpose, mode, state, nominal_at, "group", "limit",
         limit_reason, options, selected, epoch, requested_by, reason, created_at, started_at, finished_at, error,
         error_type, statistics)
       SELECT (%(operations)s::bigint[])[1 + n %% 5], %(repository)s, (%(kinds)s::text[])[1 + n %% 5], 'scheduled',
         'live', 'succeeded', at, '', 10, '', '{}', true, 1, 'schedule', '', at, at, at + interval '5 minutes', '', '',
         '{"items": 10}'
       FROM (SELECT n, %(now)s::timestamptz - interval '1 hour' - ((%(runs)s - n) / 5) * interval '2 hours' AS at
             FROM generate_series(1, %(runs)s) n) made""",
    """INSERT INTO pipeline_runitem (run_id, position, issue_id, live, state, stage, epoch, attempts, snapshot,
         fingerprint, facts, outcome, reason, error_type, started_at, finished_at)
       SELECT r.id, p, i.id, true, CASE WHEN (r.id + p) %% 33 = 0 THEN 'failed' ELSE 'done' END, 'write', 1, 1, '{}',
         '', '{}', 'assigned', '', '', r.started_at, r.started_at + interval '20 seconds'
       FROM pipeline_run r, generate_series(1, %(per)s) p,
         LATERAL (SELECT 1 + ((r.id * 10 + p) %% (%(items)s / 2)) AS number) x
       JOIN pipeline_issue i ON i.number = x.number""",
    """INSERT INTO pipeline_transition (issue_id, sequence, before, after, cause, reason, at)
       SELECT i.id, s, CASE s WHEN 1 THEN '' WHEN 2 THEN 'discovery' ELSE 'assigned' END,
         CASE s WHEN 1 THEN 'discovery' WHEN 2 THEN 'assigned' ELSE 'copilot' END,
         CASE s WHEN 1 THEN 'imported' ELSE 'pipeline' END, 'Moved.',
         %(now)s::timestamptz - (i.id %% 200000) * interval '1 minute' + s * interval '10 minutes'
       FROM pipeline_issue i, generate_series(1, 3) s""",
    """INSERT INTO pipeline_handover (issue_id, generation, requested_at, outcome, blocker, blocker_message, pull_url,
         scaffold_branch, evidence, ended_at)
       SELECT id, 1, %(now)s::timestamptz - (id %% 200000) * interval '1 minute', 'completed', '', '', '', 'scaffold',
         '{}', %(now)s::timestamptz - (id %% 200000) * interval '1 minute' + interval '20 hours'
       FROM pipeline_issue WHERE id %% 3 = 0""",
    """INSERT INTO pipeline_apicall (at, repository_id, run_id, token_key, protocol, method, route, write, status,
         duration_ms, limited)
       SELECT r.started_at + c * interval '10 seconds', %(repository)s, r.id, 'token', 'rest', 'GET', '/issues', false,
         200, 40, '' FROM pipeline_run r, generate_series(1, 5) c""",
    """INSERT INTO pipeline_auditentry (sequence, at, actor, action, subject, reason, before, after, evidence,
         previous_hash, hash)
       SELECT 1000 + n, %(now)s::timestamptz - (100000 - n) * interval '10 minutes', 'rule:reconcile',
         'operation.limit', 'operation ' || n %% 50, 'The plan.', '{}', '{}', '{}', '', md5(n::text)
       FROM generate_series(1, 100000) n""",
)


def timed(what: str, call: Callable[[int], Any], times: int = TIMES) -> Timed:
    """The first call warms up and is not counted."""
    call(0)
    spans, own = [], []
    for number in range(1, times + 1):
        begun, used = time.perf_counter(), time.process_time()
        call(number)
        spans.append(1000 * (time.perf_counter() - begun))
        own.append(1000 * (time.process_time() - used))
    return Timed(what, statistics.median(spans), min(spans), statistics.median(own))


def measure(items: int, url: str) -> list[Timed]:
    """Fill, then evaluate: after a run with nothing new, after a run with new evidence, by the clock, the board."""
    from benchmarks import trigger_history as history  # noqa: PLC0415 - models exist after django.setup()

    rollout = history.prepare(BEGIN)
    fill(url, items, rollout.repository_id, history.operations_of(rollout))
    history.settle_identities()
    runs = history.newest_runs(rollout, NOW)
    return [
        timed("after a run, nothing new", lambda n: history.evaluate(rollout, NOW + timedelta(seconds=n), runs[0])),
        timed("after a run, new evidence", lambda n: history.after_new_run(rollout, NOW + timedelta(minutes=n), n)),
        timed("by the clock, all operations", lambda n: history.evaluate(rollout, NOW + timedelta(hours=1, seconds=n))),
        timed("the board", lambda n: history.board(rollout, NOW + timedelta(hours=1, seconds=n))),
        *(timed(f"metric {slug}, 7 days", partial(history.read, rollout, slug, NOW), 5) for slug in history.SLUGS),
    ]


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.triggers", description=__doc__)
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
    load = os.getloadavg()[0]
    sys.stdout.write(f"\nLoad of the machine meanwhile: {load:.1f} on {os.cpu_count()} processors.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
