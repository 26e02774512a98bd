"""The things of a GitHub: plain records, kept in memory and written to one file."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

COPILOT_LOGIN = "Copilot"
COPILOT_ID = 198982749
COPILOT_NODE_ID = "BOT_kgDOC9w8XQ"
COPILOT_GRAPHQL_LOGIN = "copilot-swe-agent"
COPILOT_APP = {"id": 1143301, "slug": "copilot-swe-agent", "name": "Copilot coding agent"}
COPILOT_ASSIGNABLE = frozenset({"copilot-swe-agent[bot]"})  # other spellings are dropped in silence, as on GitHub


@dataclass
class Account:
    login: str
    id: int
    type: str = "User"  # or "Bot"


@dataclass
class Token:
    """`kind`: "user", "installation" or "app". `name` stands for it in the log."""

    value: str
    name: str
    owner: str
    kind: str = "user"
    scopes: list[str] = field(default_factory=lambda: ["repo"])


@dataclass
class Label:
    id: int
    name: str
    color: str = "ededed"
    description: str | None = None
    is_default: bool = False


@dataclass
class Comment:
    id: int
    author: str
    body: str
    created_at: datetime
    updated_at: datetime


@dataclass
class Entry:
    """One entry of a timeline; `data` holds what only this kind of event carries."""

    id: int
    event: str
    actor: str
    created_at: datetime
    data: dict[str, Any] = field(default_factory=dict)


@dataclass
class Review:
    id: int
    author: str
    state: str  # APPROVED, CHANGES_REQUESTED, COMMENTED
    body: str
    submitted_at: datetime
    commit_id: str


@dataclass
class Pull:
    """What a pull request has beyond an issue. `head_sha` and `base_sha` freeze when it is closed."""

    id: int
    head: str
    base: str
    head_sha: str
    base_sha: str
    draft: bool = False
    merged_at: datetime | None = None
    merged_by: str | None = None
    merge_sha: str | None = None
    requested_reviewers: list[str] = field(default_factory=list)
    reviews: list[Review] = field(default_factory=list)
    closes: list[int] = field(default_factory=list)
    conflicts: bool = False
    checks: str = ""  # of its head: "success", "failure" or none


@dataclass
class Issue:
    """An issue, or a pull request when `pull` is set: both share one series of numbers, as on GitHub."""

    id: int
    number: int
    title: str
    body: str
    author: str
    created_at: datetime
    updated_at: datetime
    state: str = "open"
    state_reason: str | None = None
    closed_at: datetime | None = None
    closed_by: str | None = None
    locked: bool = False
    lock_reason: str | None = None
    labels: list[str] = field(default_factory=list)
    assignees: list[str] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)
    timeline: list[Entry] = field(default_factory=list)
    linked_branches: list[str] = field(default_factory=list)
    pull: Pull | None = None
    deleted: bool = False
    moved_to: str | None = None  # "owner/repo#number"


@dataclass
class Commit:
    sha: str
    tree: str
    parents: list[str]
    message: str
    author: str
    created_at: datetime


@dataclass
class GitStore:
    """Content-addressed as git does it; blobs are base64, trees map name → [mode, type, sha]."""

    blobs: dict[str, str] = field(default_factory=dict)
    trees: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    commits: dict[str, Commit] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)  # "heads/main" → sha


@dataclass
class Delivery:
    id: int
    guid: str
    event: str
    action: str | None
    delivered_at: datetime
    status_code: int
    duration: float
    redelivery: bool
    payload: str


@dataclass
class Hook:
    id: int
    url: str
    secret: str
    events: list[str]
    created_at: datetime
    active: bool = True
    deliveries: list[Delivery] = field(default_factory=list)


@dataclass
class ActionsWorkflow:
    id: int
    name: str
    path: str
    created_at: datetime
    state: str = "active"


@dataclass
class ActionsRun:
    id: int
    workflow_id: int
    head_branch: str
    head_sha: str
    created_at: datetime
    status: str
    conclusion: str | None = None


@dataclass
class Repository:
    id: int
    owner: str
    name: str
    created_at: datetime
    description: str = ""
    default_branch: str = "main"
    archived: bool = False
    private: bool = False
    copilot_enabled: bool = True
    last_number: int = 0
    collaborators: list[str] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    issues: dict[int, Issue] = field(default_factory=dict)
    git: GitStore = field(default_factory=GitStore)
    hooks: list[Hook] = field(default_factory=list)
    workflows: list[ActionsWorkflow] = field(default_factory=list)
    runs: list[ActionsRun] = field(default_factory=list)

    @property
    def full_name(self) -> str:
        return f"{self.owner}/{self.name}"


@dataclass
class Session:
    """One piece of Copilot's work. `stage` is what comes next, at `due`."""

    id: int
    repository: str
    number: int
    generation: int
    by: str  # the person whose token assigned it
    base_branch: str
    instructions: str
    outcome: str
    stage: str
    due: datetime
    assigned_at: datetime
    pull_number: int | None = None
    branch: str | None = None
    commits_left: int = 0
    commits_made: int = 0


@dataclass
class State:
    """All that outlives a restart. `extras` belongs to other rooms of the sandbox: one JSON value each."""

    last_id: int = 1000
    accounts: dict[str, Account] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)
    repositories: dict[str, Repository] = field(default_factory=dict)  # by lower-case full name
    sessions: list[Session] = field(default_factory=list)
    config: dict[str, Any] = field(default_factory=dict)
    extras: dict[str, Any] = field(default_factory=dict)
