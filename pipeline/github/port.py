"""The GitHub port: small typed values in, small typed values or one of our errors out.

Errors divide by what the caller must do:

    GitHubError
    ├── Transient        try again later with backoff; certainly not applied (connection refused, 5xx on a read)
    ├── QuotaExhausted   wait until `.until`; nothing was sent, or GitHub refused it for its limits
    ├── Refused          permanent: 4xx other than 408/429; certainly not applied; a person must look
    │   ├── BadCredentials   the token is missing, wrong or expired
    │   ├── Gone             410: the issue was deleted
    │   ├── Moved            301: transferred to `.location`
    │   ├── NotFound         404: absent, or the token lost access; never proof of absence by itself
    │   ├── Locked           403 on a locked issue or an archived repository
    │   └── Conflict         422 already exists / head moved
    └── UnknownFate      a write was sent and no answer can be trusted: look it up before anything else
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from pipeline.domain.changes import Change
from pipeline.domain.facts import Branch, Comment, HandoverFacts, Pull, TimelineEvent
from pipeline.domain.snapshot import IssueSnapshot


class GitHubError(Exception):
    """`str()` is one sentence: what was seen, where, what to do. `status` is the HTTP status, when there was one."""

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class Transient(GitHubError):
    pass


class QuotaExhausted(GitHubError):
    def __init__(self, message: str, *, until: datetime, secondary: bool = False, status: int | None = None) -> None:
        super().__init__(message, status=status)
        self.until = until
        self.secondary = secondary


class Refused(GitHubError):
    pass


class BadCredentials(Refused):
    pass


class Gone(Refused):
    pass


class Moved(Refused):
    def __init__(self, message: str, *, location: str, status: int | None = None) -> None:
        super().__init__(message, status=status)
        self.location = location


class NotFound(Refused):
    pass


class Locked(Refused):
    pass


class Conflict(Refused):
    pass


class UnknownFate(GitHubError):
    pass


@dataclass(frozen=True, slots=True)
class IssuePage:
    """One page of the issue list, pull requests left out. `not_modified`: the ETag still held and `issues` is empty."""

    issues: tuple[IssueSnapshot, ...]
    etag: str | None
    next_page: int | None
    not_modified: bool = False


@dataclass(frozen=True, slots=True)
class RepositoryFacts:
    node_id: str
    full_name: str
    default_branch: str
    archived: bool
    has_issues: bool
    html_url: str


@dataclass(frozen=True, slots=True)
class TokenFacts:
    """Whose token it is and what is left of its hourly quota."""

    login: str
    limit: int | None
    remaining: int | None
    reset_at: datetime | None


@dataclass(frozen=True, slots=True)
class ActionsWorkflow:
    id: int
    name: str
    path: str
    state: str  # "active", "disabled_manually", ...


@dataclass(frozen=True, slots=True)
class IssueTarget:
    """Which issue a change is for. `body` is the freshest read, into which sections are spliced.

    For a change that needs no issue yet (create_issue, create_label) number and node_id are empty.
    """

    number: int | None
    node_id: str
    body: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Intent:
    """A stored effect on its way out: `key` is its idempotency key, `hash` its request hash."""

    key: str
    hash: str
    change: Change


@dataclass(frozen=True, slots=True)
class Applied:
    """`facts`: what GitHub answered that later steps need, by kind of change:

    create_issue {number, node_id, html_url}; write_sections {body, updated_at}; add_comment {comment_id, html_url};
    create_branch {sha, base_sha}; open_pull {number, node_id, html_url}; assign_copilot / unassign_copilot
    {assignees: [login]}; add_labels / remove_labels {labels: [name] after}. All may carry {updated_at} (ISO 8601).
    """

    facts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The fate of one intent: `applied` xor `error`. An intent never sent has a Transient or QuotaExhausted error."""

    key: str
    applied: Applied | None = None
    error: GitHubError | None = None


class GitHubReader(Protocol):
    """Reads; each call goes through the governor. Raises GitHubError only."""

    def repository(self) -> RepositoryFacts: ...

    def token(self) -> TokenFacts:
        """Raises BadCredentials with a sentence when the token is missing, wrong or expired."""
        ...

    def server_time(self) -> datetime:
        """GitHub's own clock (aware UTC, whole seconds), by one fresh request that costs no quota."""
        ...

    def can_assign_copilot(self) -> bool: ...

    def issue(self, number: int) -> IssueSnapshot: ...

    def issues(self, *, since: datetime | None, etag: str | None, page: int = 1) -> IssuePage:
        """state=all, sorted by updated ascending, 100 a page."""
        ...

    def comments(self, number: int) -> tuple[Comment, ...]: ...

    def branch(self, name: str) -> Branch | None: ...

    def commits(self, branch: str, since: datetime) -> tuple[Branch, ...]:
        """Commits on a branch since then, newest first, each as a Branch at that commit; all pages."""
        ...

    def file(self, path: str, ref: str) -> bytes | None: ...

    def folder(self, path: str, ref: str) -> tuple[str, ...]:
        """Paths of the files directly in a folder; empty when there is none."""
        ...

    def pull(self, number: int) -> Pull: ...

    def pulls_from(self, branch: str) -> tuple[Pull, ...]: ...

    def timeline(self, number: int) -> tuple[TimelineEvent, ...]: ...

    def handovers(self, targets: Sequence[tuple[int, str]]) -> tuple[HandoverFacts, ...]:
        """Up to 100 (number, node id) pairs; one request with GraphQL, a few per issue with REST."""
        ...

    def issues_since_by_us(self, since: datetime) -> tuple[IssueSnapshot, ...]:
        """Every issue created since then, all pages: where the marker of an unknown create is looked for."""
        ...

    def labels(self) -> dict[str, str]:
        """Label name (as written) → node id, all pages."""
        ...

    def actions_workflows(self) -> tuple[ActionsWorkflow, ...]: ...


class GitHubWriter(Protocol):
    """Writes; additive only. Nothing is retried inside."""

    def apply(self, target: IssueTarget, intents: Sequence[Intent]) -> tuple[Outcome, ...]:
        """Send the intents for one issue in order; one request where the server speaks GraphQL, one each on REST.

        Returns one Outcome per intent, in order. With REST the first failure stops the rest, which come back as
        Transient("not sent"). A lost answer makes every intent that may have arrived UnknownFate.
        Never raises GitHubError.
        """
        ...


class GitHub(GitHubReader, GitHubWriter, Protocol):
    """Both halves, for one repository and its credentials."""
