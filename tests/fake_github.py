"""GitHub in memory, behind the port: for tests of services, which need no HTTP.

`test_fake_github.py` holds it against the real adapter on the sandbox. Time is `pipeline.clock`'s. Faults are put in
by hand: `fake.spoil("add_labels", error)` spoils the next such change, `fake.unreadable = error` every read.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from pipeline import clock
from pipeline.domain import changes
from pipeline.domain.changes import Change
from pipeline.domain.facts import Branch, Comment, HandoverFacts, Pull, TimelineEvent
from pipeline.domain.labels import has
from pipeline.domain.snapshot import COPILOT_USER_ID, Actor, IssueSnapshot
from pipeline.github import writing
from pipeline.github.port import (
    ActionsWorkflow,
    Conflict,
    GitHubError,
    Gone,
    Intent,
    IssuePage,
    IssueTarget,
    NotFound,
    Outcome,
    Refused,
    RepositoryFacts,
    TokenFacts,
    UnknownFate,
)
from pipeline.models import Issue

US = Actor("watch-bot", 7, "Bot")
COPILOT = Actor("copilot-swe-agent", COPILOT_USER_ID, "Bot")
PER_PAGE = 100
LABELLING = changes.CreateIssue | changes.AddLabels | changes.RemoveLabels


@dataclass
class FakeGitHub:
    """`writes` are the changes that took place, `calls` counts requests by name."""

    rows: dict[int, IssueSnapshot] = field(default_factory=dict)
    said: dict[int, list[Comment]] = field(default_factory=dict)
    branches: dict[str, list[Branch]] = field(default_factory=lambda: {"main": [Branch("main", "0" * 40, "Initial")]})
    files: dict[str, bytes] = field(default_factory=dict)
    pulls: dict[int, Pull] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    events: dict[int, list[TimelineEvent]] = field(default_factory=dict)
    deleted: set[int] = field(default_factory=set)
    writes: list[Change] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)
    workflows: list[ActionsWorkflow] = field(default_factory=list)
    unreadable: GitHubError | None = None
    ahead: timedelta = timedelta(0)  # by so much its clock is ahead of ours
    before_write: Callable[[], object] | None = None
    _spoilt: list[tuple[str, GitHubError]] = field(default_factory=list)
    _serial: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    # --- the test's hand ---

    def put(self, one: IssueSnapshot) -> IssueSnapshot:
        """An issue as it is on GitHub from now on, with its labels known to the repository."""
        self.rows[one.number] = one
        self.names |= {name: f"LA_{name}" for name in one.labels if not has(self.names, name)}
        return one

    def mirror(self, issue: Issue) -> IssueSnapshot:
        """The same on GitHub as in our row."""
        return self.put(issue.snapshot())

    def edit(self, number: int, **values: Any) -> IssueSnapshot:
        """Somebody changes an issue."""
        return self.put(replace(self.rows[number], **values, updated_at=clock.now()))

    def spoil(self, kind: str, error: GitHubError) -> None:
        """The next change of a kind fails; with UnknownFate it takes place all the same."""
        self._spoilt.append((kind, error))

    # --- reads ---

    def _read(self, name: str) -> None:
        self.calls[name] += 1
        if self.unreadable is not None:
            raise self.unreadable

    def repository(self) -> RepositoryFacts:
        self._read("repository")
        return RepositoryFacts("R_1", "acme/watch", "main", False, True, "https://github.example/acme/watch")

    def token(self) -> TokenFacts:
        self._read("token")
        return TokenFacts(US.login, 5000, 5000, None)

    def server_time(self) -> datetime:
        self._read("server_time")
        return (clock.now() + self.ahead).replace(microsecond=0)

    def can_assign_copilot(self) -> bool:
        self._read("can_assign_copilot")
        return True

    def issue(self, number: int) -> IssueSnapshot:
        self._read("issue")
        if number in self.deleted:
            raise Gone(f"GitHub answered 410 to GET /issues/{number}. The issue was deleted.", status=410)
        if number not in self.rows:
            raise NotFound(f"GitHub answered 404 to GET /issues/{number}. It is absent.", status=404)
        return replace(self.rows[number], read_at=clock.now())

    def issues(self, *, since: datetime | None, etag: str | None, page: int = 1) -> IssuePage:
        self._read("issues")
        rows = sorted(self.rows.values(), key=lambda row: (row.updated_at, row.number))
        found = [row for row in rows if since is None or row.updated_at >= since]
        shown = found[(page - 1) * PER_PAGE : page * PER_PAGE]
        seen = f'"{hash((since, page, tuple(shown)))}"'
        if etag == seen:
            return IssuePage((), etag, None, not_modified=True)
        if len(shown) == PER_PAGE:  # as the reader has it
            seen = ""
        more = page + 1 if len(found) > page * PER_PAGE else None
        return IssuePage(tuple(replace(row, read_at=clock.now()) for row in shown), seen, more)

    def comments(self, number: int) -> tuple[Comment, ...]:
        self._read("comments")
        return tuple(self.said.get(number, ()))

    def branch(self, name: str) -> Branch | None:
        self._read("branch")
        return self.branches[name][-1] if name in self.branches else None

    def commits(self, branch: str, since: datetime) -> tuple[Branch, ...]:
        self._read("commits")
        return tuple(reversed(self.branches.get(branch, [])))

    def file(self, path: str, ref: str) -> bytes | None:
        self._read("file")
        return self.files.get(path)

    def folder(self, path: str, ref: str) -> tuple[str, ...]:
        self._read("folder")
        return tuple(name for name in self.files if name.rpartition("/")[0] == path)

    def pull(self, number: int) -> Pull:
        self._read("pull")
        if number not in self.pulls:
            raise NotFound(f"GitHub answered 404 to GET /pulls/{number}. It is absent.", status=404)
        return self.pulls[number]

    def pulls_from(self, branch: str) -> tuple[Pull, ...]:
        self._read("pulls_from")
        return tuple(pull for pull in self.pulls.values() if pull.head == branch)

    def timeline(self, number: int) -> tuple[TimelineEvent, ...]:
        self._read("timeline")
        return tuple(self.events.get(number, ()))

    def handovers(self, targets: Sequence[tuple[int, str]]) -> tuple[HandoverFacts, ...]:
        self._read("handovers")
        return tuple(self._handover(number, node_id) for number, node_id in targets)

    def _handover(self, number: int, node_id: str) -> HandoverFacts:
        row = self.rows.get(number)
        pulls = tuple(pull for pull in self.pulls.values() if f"#{number}" in pull.body)
        return HandoverFacts(replace(row, read_at=clock.now()) if row else None, node_id, pulls)

    def issues_since_by_us(self, since: datetime) -> tuple[IssueSnapshot, ...]:
        self._read("issues_since_by_us")
        return tuple(row for row in self.rows.values() if row.created_at >= since)

    def labels(self) -> dict[str, str]:
        self._read("labels")
        return dict(self.names)

    def actions_workflows(self) -> tuple[ActionsWorkflow, ...]:
        self._read("actions_workflows")
        return tuple(self.workflows)

    # --- writes ---

    def apply(self, target: IssueTarget, intents: Sequence[Intent]) -> tuple[Outcome, ...]:
        if self.before_write is not None:
            self.before_write()
        parts = [tuple(part) for _, part in groupby(intents, key=writing.needs_user)]
        return writing.in_order(parts, lambda part: self._request(target, part))

    def _request(self, target: IssueTarget, part: Sequence[Intent]) -> list[Outcome]:
        """What we refuse ourselves stops the rest; what GitHub refuses does not."""
        outcomes: list[Outcome] = []
        stopped = False
        for intent in part:
            problem = self._unsendable(target, intent.change)
            if problem and not stopped:
                outcomes.append(writing.failed(intent, problem))
            else:
                outcomes.append(writing.not_sent(intent) if stopped else self._send(target, intent))
            stopped = stopped or problem is not None
        return outcomes

    def _unsendable(self, target: IssueTarget, change: Change) -> GitHubError | None:
        if isinstance(change, changes.WriteSections):
            try:
                writing.spliced(target.body, change.sections)
            except Refused as error:
                return error
        return writing.unknown_labels(change.labels if isinstance(change, LABELLING) else (), self.names)

    def _send(self, target: IssueTarget, intent: Intent) -> Outcome:
        self.calls["apply"] += 1
        change = intent.change
        error = self._fault(change.kind)
        if error is not None and not isinstance(error, UnknownFate):
            return writing.failed(intent, error)
        try:
            facts = self._do(target, change)
        except GitHubError as refused:
            return writing.failed(intent, refused)
        self.writes.append(change)
        return writing.failed(intent, error) if error is not None else writing.applied(intent, facts)

    def _fault(self, kind: str) -> GitHubError | None:
        for index, (spoilt, error) in enumerate(self._spoilt):
            if spoilt == kind:
                del self._spoilt[index]
                return error
        return None

    def _do(self, target: IssueTarget, change: Change) -> dict[str, object]:
        match change:
            case changes.CreateIssue():
                return self._create(change)
            case changes.CreateLabel(name):
                if has(self.names, name):
                    raise Conflict(f"The label {name!r} already exists.", status=422)
                self.names[name] = f"LA_{name}"
                return {"name": name, "node_id": self.names[name]}
            case changes.DisableWorkflow(identity):
                return self._disable(identity)
            case changes.CreateBranch():
                return self._branch(change)
            case changes.OpenPull():
                return self._open(change)
            case changes.ClosePull(number):
                self.pulls[number] = replace(self.pulls[number], is_open=False, closed_at=clock.now())
                return _at(clock.now())
            case changes.DeleteBranch(branch, expected):
                return self._delete(branch, expected)
            case changes.AddComment(body):
                return self._comment(target, body)
            case _:
                return self._edit(target, change)

    def _edit(self, target: IssueTarget, change: Change) -> dict[str, object]:
        row = self._there(target)
        match change:
            case changes.AddLabels(labels):
                added = [name for name in labels if not has(row.labels, name)]
                row = self.edit(row.number, labels=(*row.labels, *added))
                return {"labels": list(row.labels), **_at(row.updated_at)}
            case changes.RemoveLabels(labels):
                row = self.edit(row.number, labels=tuple(name for name in row.labels if not has(labels, name)))
                return {"labels": list(row.labels), **_at(row.updated_at)}
            case changes.WriteSections(sections):
                row = self.edit(row.number, body=writing.spliced(target.body, sections))
                return {"body": row.body, **_at(row.updated_at)}
            case changes.AssignCopilot() | changes.UnassignCopilot():
                people = tuple(actor for actor in row.assignees if not actor.is_copilot)
                agent = (COPILOT,) if isinstance(change, changes.AssignCopilot) else ()
                row = self.edit(row.number, assignees=(*people, *agent))
                return {"assignees": [actor.login for actor in row.assignees], **_at(row.updated_at)}
            case changes.CloseIssue(reason):
                return _at(self.edit(row.number, is_open=False, state_reason=reason, closed_at=clock.now()).updated_at)
            case _:
                return _at(self.edit(row.number, is_open=True, state_reason="reopened", closed_at=None).updated_at)

    def _there(self, target: IssueTarget) -> IssueSnapshot:
        number = writing.target_number(target)
        if number not in self.rows or number in self.deleted:
            raise NotFound(f"GitHub's GraphQL answered NOT_FOUND for #{number}.", status=404)
        return self.rows[number]

    def _create(self, change: changes.CreateIssue) -> dict[str, object]:
        number = max(self.rows, default=0) + next(self._serial)
        now = clock.now()
        self.put(
            IssueSnapshot(
                number=number,
                node_id=f"I_{number}",
                title=change.title,
                body=change.body,
                labels=change.labels,
                assignees=(),
                is_open=True,
                state_reason=None,
                locked=False,
                author=US,
                author_association="NONE",
                html_url=f"https://github.example/acme/watch/issues/{number}",
                created_at=now,
                updated_at=now,
                closed_at=None,
                read_at=now,
            )
        )
        return {"number": number, "node_id": f"I_{number}", "html_url": self.rows[number].html_url, **_at(now)}

    def _comment(self, target: IssueTarget, body: str) -> dict[str, object]:
        row = self._there(target)
        identity = next(self._serial)
        url = f"{row.html_url}#issuecomment-{identity}"
        self.said.setdefault(row.number, []).append(Comment(identity, US, body, url, clock.now()))
        self.edit(row.number)
        return {"comment_id": identity, "html_url": url}

    def _disable(self, identity: int) -> dict[str, object]:
        if all(row.id != identity for row in self.workflows):
            raise NotFound(f"GitHub answered 404 to PUT /actions/workflows/{identity}/disable.", status=404)
        self.workflows = [
            replace(row, state="disabled_manually") if row.id == identity else row for row in self.workflows
        ]
        return {"state": "disabled_manually"}

    def _branch(self, change: changes.CreateBranch) -> dict[str, object]:
        if change.branch in self.branches:
            raise Conflict(f"The branch {change.branch!r} already exists.", status=422)
        base = self.branches[change.base][-1]
        made = Branch(change.branch, f"{next(self._serial):040x}", change.message)
        self.branches[change.branch] = [base, made]
        return {"sha": made.sha, "base_sha": base.sha}

    def _open(self, change: changes.OpenPull) -> dict[str, object]:
        number, now = 1000 + next(self._serial), clock.now()
        self.pulls[number] = Pull(
            number=number,
            node_id=f"PR_{number}",
            title=change.title,
            body=change.body,
            is_open=True,
            is_draft=False,
            merged_at=None,
            closed_at=None,
            head=change.branch,
            base=change.base,
            head_sha=self.branches[change.branch][-1].sha,
            author=US,
            html_url=f"https://github.example/acme/watch/pull/{number}",
            created_at=now,
            updated_at=now,
        )
        return {"number": number, "node_id": f"PR_{number}", "html_url": self.pulls[number].html_url}

    def _delete(self, branch: str, expected: str) -> dict[str, object]:
        commits = self.branches.get(branch)
        if commits and commits[-1].sha != expected:
            raise writing.moved_on(branch, commits[-1].sha, expected)
        self.branches.pop(branch, None)
        return {}


def refused(sentence: str = "GitHub answered 403. Check the token's permissions.") -> Refused:
    return Refused(sentence, status=403)


def lost(sentence: str = "The answer was lost; it is looked up.") -> UnknownFate:
    return UnknownFate(sentence)


def _at(moment: datetime) -> dict[str, object]:
    return {"updated_at": moment.isoformat()}
