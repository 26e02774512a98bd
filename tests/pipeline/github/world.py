"""A sandbox and our adapter in front of it, for tests of the adapter over real HTTP."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from pipeline.domain import changes, markers
from pipeline.domain.changes import Change
from pipeline.github import adapter
from pipeline.github.client import Call, Client
from pipeline.github.lookup import look_up
from pipeline.github.port import Applied, GitHub, Intent, IssueTarget, Outcome
from sandbox.model import Issue
from sandbox.seed import APP_TOKEN, USER_TOKEN
from sandbox.server import Sandbox

REPOSITORY = "demo/field-notes"
SECRET = b"a secret for tests"
LABELS = ("state::discovery", "state::assigned", "state::copilot", "site-monitor", "monitor::triage")


@dataclass
class Counter:
    """A meter that admits everything and remembers what passed."""

    calls: list[Call] = field(default_factory=list)

    def admit(self, write: bool, protocol: str, *, method: str = "", route: str = "") -> int | None:
        return None

    def record(self, call: Call, ticket: int | None = None) -> datetime | None:
        self.calls.append(call)
        return datetime.now(UTC) + timedelta(minutes=1) if call.limited else None

    @property
    def routes(self) -> list[str]:
        return [f"{call.method} {call.route}" for call in self.calls]


@dataclass
class World:
    """`speaks` is "rest" or "graphql"."""

    sandbox: Sandbox
    speaks: str
    meter: Counter
    client: Client
    github: GitHub
    labels: dict[str, str]

    def fault(self, code: str, **rule: Any) -> None:
        """Spoil calls; without more, the next write by whichever protocol it travels."""
        if not rule.keys() & {"method", "route", "graphql"}:
            rule |= {"graphql": "mutation"} if self.speaks == "graphql" else {"method": rule.pop("verb", "POST")}
        rule.pop("verb", None)
        self.sandbox.faults.add({"code": code, **rule})

    def state(self, number: int) -> Issue:
        """The issue as the sandbox has it."""
        return self.sandbox.world.state.repositories[REPOSITORY].issues[number]

    def issue(self, *, body: str = "By a person.\n", labels: tuple[str, ...] = ()) -> IssueTarget:
        """A new issue, made by us."""
        outcome = self.apply(IssueTarget(None, "", ""), changes.CreateIssue("A convoy", body, labels))
        facts = outcome.applied.facts if outcome.applied else {}
        return IssueTarget(facts["number"], facts["node_id"], body, labels)

    def apply(self, target: IssueTarget, change: Change) -> Outcome:
        return self.apply_all(target, change)[0]

    def apply_all(self, target: IssueTarget, *wanted: Change) -> tuple[Outcome, ...]:
        return self.github.apply(target, [intent(change) for change in wanted])

    def found(self, target: IssueTarget, sent: Intent, ago: float = 5) -> Applied | None:
        return look_up(self.github, target, sent, datetime.now(UTC) - timedelta(seconds=ago), SECRET)


def intent(change: Change, key: str = "") -> Intent:
    payload = changes.to_payload(change)
    return Intent(key or uuid.uuid4().hex, changes.request_hash(change.kind, payload), change)


def marked(key: str) -> str:
    return markers.sign(key, SECRET)


def clients(sandbox: Sandbox, meter: Counter, timeout: int = 5) -> tuple[Client, Client]:
    """The app's client and the user's."""
    address = f"{sandbox.url}/api/v3"
    return Client(address, APP_TOKEN, meter, timeout=timeout), Client(address, USER_TOKEN, meter, timeout=timeout)


@contextmanager
def world(speaks: str, timeout: int = 5) -> Iterator[World]:
    """A fresh sandbox whose repository has our labels."""
    with Sandbox() as sandbox:
        meter = Counter()
        app, user = clients(sandbox, meter, timeout)
        labels: dict[str, str] = {}
        make = adapter.rest if speaks == "rest" else adapter.graphql
        github = make(app, user, REPOSITORY, lambda: labels)
        nobody = IssueTarget(None, "", "")
        for outcome in github.apply(nobody, [intent(changes.CreateLabel(name, "1d76db", "Ours")) for name in LABELS]):
            assert outcome.applied, outcome.error
        labels.update(github.labels())
        meter.calls.clear()
        yield World(sandbox, speaks, meter, app, github, labels)
        app.close()
        user.close()
