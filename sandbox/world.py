"""The state of the outside world: one lock, one clock, one source of ids."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sandbox.call import Call
from sandbox.errors import Refusal, not_found
from sandbox.events import EventLog
from sandbox.model import COPILOT_ID, COPILOT_LOGIN, Account, Issue, Repository, State

HookEvent = tuple[Repository, str, str | None, dict[str, Any], str]
Assigned = Callable[[Repository, Issue, Call, dict[str, Any]], None]
Unassigned = Callable[[Repository, Issue], None]


class World:
    """Every change is made under `lock`, followed by `touch()`."""

    def __init__(self, clock: Callable[[], datetime], log: EventLog, state: State | None = None) -> None:
        self.lock = threading.RLock()
        self.log = log
        self.state = state or State()
        self.version = 0
        self.outbox: list[HookEvent] = []
        self.on_copilot_assigned: list[Assigned] = []
        self.on_copilot_unassigned: list[Unassigned] = []
        self._clock = clock
        self._moment: datetime | None = None
        self.state.accounts.setdefault(COPILOT_LOGIN.lower(), Account(COPILOT_LOGIN, COPILOT_ID, "Bot"))

    # -- time, ids, changes ------------------------------------------------------------------------------------

    def precise_now(self) -> datetime:
        return self._moment or self._clock()

    def now(self) -> datetime:
        """Whole seconds, as GitHub's times are."""
        return self.precise_now().replace(microsecond=0)

    def set_moment(self, moment: datetime | None) -> None:
        """While steps of the past are caught up, the world stands at their time."""
        self._moment = moment

    def next_id(self) -> int:
        self.state.last_id += 1
        return self.state.last_id

    def touch(self) -> None:
        """Something changed: the snapshot is due."""
        self.version += 1

    # -- finding -----------------------------------------------------------------------------------------------

    def account(self, login: str) -> Account:
        """Accounts come into being when they are first named."""
        key = login.lower()
        if key not in self.state.accounts:
            kind = "Bot" if key.endswith("[bot]") else "User"
            self.state.accounts[key] = Account(login, self.next_id(), kind)
        return self.state.accounts[key]

    def repository(self, owner: str, name: str) -> Repository:
        found = self.state.repositories.get(f"{owner}/{name}".lower())
        if found is None:
            raise not_found()
        return found

    def named(self, full_name: str) -> Repository:
        owner, _, name = full_name.partition("/")
        return self.repository(owner, name)

    def repository_by_id(self, identity: int) -> Repository | None:
        return next((item for item in self.state.repositories.values() if item.id == identity), None)

    def issue(self, repository: Repository, number: int) -> Issue:
        """404 unknown, 410 deleted, 301 transferred."""
        issue = repository.issues.get(number)
        if issue is None:
            raise not_found()
        if issue.deleted:
            raise Refusal(410, "This issue was deleted", kind="NOT_FOUND")
        if issue.moved_to:
            raise Moved(issue.moved_to)
        return issue

    def pull(self, repository: Repository, number: int) -> Issue:
        issue = self.issue(repository, number)
        if issue.pull is None:
            raise not_found()
        return issue

    # -- telling others ----------------------------------------------------------------------------------------

    def emit(
        self, repository: Repository, event: str, action: str | None, content: dict[str, Any], sender: str
    ) -> None:
        """Queue a webhook; `content` holds records, rendered when it is sent off."""
        if any(hook.active for hook in repository.hooks):
            self.outbox.append((repository, event, action, content, sender))

    def record(self, call: Call, field: str) -> None:
        """Log what Copilot or a person did."""
        self.log.write(
            "world", actor=call.actor, actor_kind=call.kind, repository=call.repository, number=call.number,
            field=field, applied=True, changes=call.changes or None,
        )  # fmt: skip
        self.touch()


class Moved(Refusal):
    """301; only the caller's base address is missing for the Location header."""

    def __init__(self, target: str) -> None:
        super().__init__(301, "Moved Permanently", kind="NOT_FOUND")
        self.target = target  # "owner/repo#number"
