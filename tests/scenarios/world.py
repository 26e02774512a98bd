"""A whole world in one process: sandbox, repository, operations, a queue for messages and one clock for all of them.

Messages do not travel through a broker: `bell` puts them in `World.queue`, and `drain` carries them out, one after the
other. So a test may lose, repeat or withhold any of them, and time passes only when the test says so.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from pipeline import clock
from pipeline.domain.invariants.log import parse
from pipeline.models import Issue, Kind, Mode, Operation, Repository, Run, RunItem, Source
from pipeline.services import bell, discoveries, execution, invariants, operations, recover, runs, sync
from pipeline.services.connect import connect
from pipeline.sources.port import Fetched
from sandbox import people
from sandbox.model import Issue as Remote
from sandbox.seed import APP_TOKEN, USER_TOKEN
from sandbox.server import Sandbox
from tests.factories import make_repository, make_workflow

FULL_NAME = "demo/field-notes"
START = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
STEP = timedelta(seconds=30)  # the tick
PIPELINE = (Kind.MONITOR, Kind.ASSIGN, Kind.PROCESS, Kind.TRACK)
WORKS_ON = {Kind.ASSIGN: "discovery", Kind.PROCESS: "assigned", Kind.TRACK: "copilot"}
QUICK_COPILOT = {"start": [2, 3], "work": [10, 20], "commits": [1, 2], "approve": [5, 6], "review": [10, 20]}
ALWAYS_FINISHES = {"lost": 0, "error": 0, "fail": 0, "wait": 0, "reject": 0, "finish": 1}
ON_TASK = {execution.WORK_TASK: execution.work_on, "pipeline.tasks.execute_run": execution.execute}


class Killed(BaseException):
    """What kill -9 is to a process: nothing after it runs, and nobody may catch it."""


@dataclass
class Feed:
    """A source whose entries the test writes."""

    entries: list[dict[str, str]] = field(default_factory=list)

    def fetch(self, url: str, *, etag: str = "", last_modified: str = "") -> Fetched:
        feed = {"version": "https://jsonfeed.org/version/1.1", "title": "Feed", "items": self.entries}
        return Fetched(url, json.dumps(feed).encode(), "application/feed+json", "", "")

    def publish(self, count: int = 1) -> None:
        for number in range(len(self.entries) + 1, len(self.entries) + count + 1):
            self.entries.insert(
                0,
                {
                    "id": str(number),
                    "url": f"https://news.example/{number}",
                    "title": f"{WORDS[number % len(WORDS)]} watched at pier {number}",
                    "content_text": f"A convoy of {number} trucks was seen at the northern pier.",
                },
            )


WORDS = ("Convoy", "Harbour", "Tanker", "Bridge", "Depot", "Airfield", "Railway", "Warehouse", "Ferry", "Quarry", "Dam")


@dataclass
class World:
    sandbox: Sandbox
    clock: clock.VirtualClock
    repository: Repository
    feed: Feed
    queue: deque[tuple[str, tuple[int, ...]]] = field(default_factory=deque)
    deaths: int = 0

    # --- time and messages ---

    def take(self, task: str, args: tuple[int, ...]) -> None:
        """A message comes in; those for other rooms are not for us."""
        if task in ON_TASK:
            self.queue.append((task, args))

    def tick(self) -> None:
        try:
            recover.tick()
        except Killed:
            self.deaths += 1

    def drain(self, most: int = 500) -> None:
        """Carry out messages until there are none; a worker that is killed takes its message with it."""
        for _ in range(most):
            if not self.queue:
                return
            task, args = self.queue.popleft()
            try:
                ON_TASK[task](*args)
            except Killed:
                self.deaths += 1
        raise AssertionError(f"{most} messages did not bring the queue to an end.")

    def advance(self, by: timedelta = STEP) -> None:
        self.clock.advance(by)
        self.sandbox.advance(self.clock.now())

    def rounds(self, count: int) -> None:
        """So many half minutes of normal life."""
        for _ in range(count):
            self.tick()
            self.drain()
            self.advance()

    def until(self, condition: Callable[[], bool], most: int = 40, by: timedelta = STEP) -> None:
        """Live on until `condition` holds."""
        for _ in range(most):
            if condition():
                return
            self.tick()
            self.drain()
            self.advance(by)
        raise AssertionError(f"Not reached within {most * by}: {self.told()}")

    def settle(self) -> None:
        """Faults off, nothing new begun; what is under way comes to its end."""
        self.sandbox.faults.remove()
        for operation in Operation.objects.exclude(mode=Mode.OFF).exclude(kind=Kind.SYNC):
            operations.set_mode(operation, Mode.OFF, actor="test", reason="The scenario ends.")
        self.advance()
        for _ in range(30):
            if not self.active():
                break
            self.advance(timedelta(minutes=2))
            self.tick()
            self.drain()
        sync.sync(self.fresh(), connect(self.repository))

    def active(self) -> bool:
        return (
            Run.objects.filter(state__in=Run.ACTIVE).exists()
            or RunItem.objects.filter(state__in=RunItem.ACTIVE).exists()
        )

    # --- what the test does ---

    def fresh(self) -> Repository:
        self.repository.refresh_from_db()
        return self.repository

    def operation(self, kind: str) -> Operation:
        return Operation.objects.get(repository=self.repository, kind=kind)

    def live(self, *kinds: Kind, limit: int = 50) -> None:
        """Switch operations live, each due every minute."""
        for kind in kinds or PIPELINE:
            operation = self.operation(kind)
            operations.set_cron(operation, "* * * * *", actor="test", reason="Fast.")
            operations.set_limit(operation, limit, actor="test", reason="Wide.")
            operations.set_mode(operation, Mode.LIVE, actor="test", reason="Live.")

    def run(self, kind: Kind, mode: Mode = Mode.LIVE, **options: Any) -> Run:
        """One run by hand, carried out to its end or to its first wait."""
        from_hand = _opened(self.operation(kind), mode, **options)
        self.queue.append(("pipeline.tasks.execute_run", (from_hand.pk,)))
        self.drain()
        from_hand.refresh_from_db()
        return from_hand

    def carry_on(
        self, condition: Callable[[], bool], most: int = 40, after: Callable[[int], None] | None = None
    ) -> None:
        """Minute by minute, with a run by hand wherever there is work, until `condition` holds."""
        for minute in range(most):
            if condition():
                return
            for kind in self.wanted():
                self.run(kind)
            self.tick()
            self.drain()
            self.advance(timedelta(minutes=1))
            if after:
                after(minute)
        raise AssertionError(f"Not reached within {most} minutes: {self.told()}")

    def wanted(self) -> list[Kind]:
        """The operations that would find work now and have no run under way."""
        busy = set(Run.objects.filter(state__in=Run.ACTIVE).values_list("kind", flat=True))
        states = set(Issue.objects.values_list("state", flat=True))
        first = {Kind.MONITOR} if len(self.states()) < len(self.feed.entries) else set()
        closed = {Kind.TRACK} if Issue.objects.filter(is_open=False).exclude(state="done").exists() else set()
        found = first | closed | {kind for kind, state in WORKS_ON.items() if state in states}
        return [kind for kind in PIPELINE if kind in found - busy]

    def fault(self, code: str, **rule: Any) -> None:
        self.sandbox.faults.add({"code": code, **rule})

    def human(self, action: str, number: int = 0, **values: Any) -> int:
        with self.sandbox.world.lock:
            done = people.act(
                self.sandbox.world, {"action": action, "repository": FULL_NAME, "number": number, **values}
            )
        return int(done["number"])

    # --- what the test looks at ---

    def writes(self) -> int:
        """Applied writes of ours so far."""
        return sum(event["actor_kind"] != "human" for event in self.sandbox.log.mutations())

    def remote(self, number: int) -> Remote:
        return self.sandbox.world.named(FULL_NAME).issues[number]

    def remotes(self) -> list[Remote]:
        """Issues of the outside world, pull requests left out."""
        return [issue for issue in self.sandbox.world.named(FULL_NAME).issues.values() if issue.pull is None]

    def states(self) -> list[str]:
        return list(Issue.objects.order_by("number").values_list("state", flat=True))

    def all_in(self, state: str, count: int) -> Callable[[], bool]:
        return lambda: self.states() == [state] * count

    def told(self) -> list[tuple[Any, ...]]:
        """The last items, for messages of failed tests."""
        rows = RunItem.objects.order_by("-pk")[:12]
        return list(rows.values_list("run__kind", "issue__number", "state", "reason"))

    def report(self, *, at_rest: bool = True) -> invariants.Report:
        events = parse(self.sandbox.log.after())
        return invariants.verify(events, at_rest=at_rest, secrets=[APP_TOKEN, USER_TOKEN])

    def verify(self, *, at_rest: bool = True) -> None:
        """Every scenario ends here."""
        report = self.report(at_rest=at_rest)
        assert not report.violations, "\n".join(f"{found.check}: {found.sentence}" for found in report.violations)


def _opened(operation: Operation, mode: Mode, **options: Any) -> Run:
    return runs.open_by_hand(operation, actor="test", reason="By hand.", mode=mode, ring=False, **options)


@contextmanager
def world(monkeypatch: pytest.MonkeyPatch, protocol: str = "graphql", **values: Any) -> Iterator[World]:
    """A fresh world with shipped operations in dry run, one workflow and one source."""
    moving = clock.VirtualClock(START)
    # A folder of its own: the checker reads all telemetry for secrets, and other tests leave much of it.
    folder = tempfile.mkdtemp(prefix="telemetry-")
    monkeypatch.setattr(settings, "CONTROLPLANE", replace(settings.CONTROLPLANE, telemetry_dir=Path(folder)))
    monkeypatch.setenv("APP_TOKEN", APP_TOKEN)
    monkeypatch.setenv("USER_TOKEN", USER_TOKEN)
    with clock.using(moving), Sandbox(clock=moving.now, pulse=False) as sandbox:
        sandbox.configure({"copilot": {**QUICK_COPILOT, "shares": ALWAYS_FINISHES}})
        repository = make_repository(
            **{
                "full_name": FULL_NAME,
                "api_url": f"{sandbox.url}/api/v3",
                "protocol": protocol,
                "token_reference": "env:APP_TOKEN",
                "handover_token_reference": "env:USER_TOKEN",
                "writes_per_minute": 10_000,
                "writes_per_hour": 100_000,
                "quarantine_seconds": 60,
                "lost_after_seconds": 300,
                "reserve_share": 0.0,
                **values,
            }
        )
        made = World(sandbox, moving, repository, Feed())
        monkeypatch.setattr(bell, "_send", made.take)
        monkeypatch.setattr(discoveries, "fetcher", lambda: made.feed)
        Source.objects.create(
            repository=repository, name="Feed", url="https://news.example/feed.json", labels=["intelligence"]
        )
        make_workflow(slug="intelligence-analysis", name="Intelligence analysis")
        operations.ship_operations(repository, actor="test", reason="The scenario begins.")
        yield made
    shutil.rmtree(folder)
