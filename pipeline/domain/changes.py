"""The changes that the pipeline can make to the outside world, as values.

One effect row holds one change. `to_payload` / `from_payload` are its stored form; `request_hash` binds the stored
intent to the request that is sent, so that the invariant checker can match GitHub's log with our rows.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class CreateIssue:
    """Open an issue. `body` already ends in the signed marker by which it is found again."""

    kind: ClassVar[str] = "create_issue"
    title: str
    body: str
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AddLabels:
    kind: ClassVar[str] = "add_labels"
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RemoveLabels:
    kind: ClassVar[str] = "remove_labels"
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WriteSections:
    """Replace our sections in the body, in order; a content of None removes the section.

    `sections` maps heading text without hashes ("AI Assessment") to the content below the heading. The full body
    is spliced from the freshest read right before the request, so text outside is never carried through our rows.
    """

    kind: ClassVar[str] = "write_sections"
    sections: tuple[tuple[str, str | None], ...]


@dataclass(frozen=True, slots=True)
class AddComment:
    """`body` already ends in the signed marker."""

    kind: ClassVar[str] = "add_comment"
    body: str


@dataclass(frozen=True, slots=True)
class ScaffoldFile:
    path: str
    content: str


@dataclass(frozen=True, slots=True)
class CreateBranch:
    """One branch from the head of `base`, with all `files` in one commit; the message ends in the signed marker.

    `deletions` are paths that the same commit takes away: a file is moved by writing it anew and deleting the old one.
    """

    kind: ClassVar[str] = "create_branch"
    branch: str
    base: str
    message: str
    files: tuple[ScaffoldFile, ...]
    deletions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OpenPull:
    """`body` already ends in the signed marker."""

    kind: ClassVar[str] = "open_pull"
    branch: str
    base: str
    title: str
    body: str


@dataclass(frozen=True, slots=True)
class AssignCopilot:
    """Hand the issue to the coding agent; sent with the hand-over credential (a user token)."""

    kind: ClassVar[str] = "assign_copilot"
    base_branch: str
    custom_instructions: str = ""


@dataclass(frozen=True, slots=True)
class UnassignCopilot:
    kind: ClassVar[str] = "unassign_copilot"


@dataclass(frozen=True, slots=True)
class ClosePull:
    kind: ClassVar[str] = "close_pull"
    number: int


@dataclass(frozen=True, slots=True)
class DeleteBranch:
    """Only if the head is still `expected_sha`; somebody's later commit is never thrown away."""

    kind: ClassVar[str] = "delete_branch"
    branch: str
    expected_sha: str


@dataclass(frozen=True, slots=True)
class CloseIssue:
    """`reason` is GitHub's state_reason: "completed" or "not_planned"."""

    kind: ClassVar[str] = "close_issue"
    reason: str


@dataclass(frozen=True, slots=True)
class ReopenIssue:
    kind: ClassVar[str] = "reopen_issue"


@dataclass(frozen=True, slots=True)
class CreateLabel:
    """`color` is six hex digits without a hash."""

    kind: ClassVar[str] = "create_label"
    name: str
    color: str
    description: str


@dataclass(frozen=True, slots=True)
class DisableWorkflow:
    """Switch a GitHub Actions workflow off; its file stays. `path` is for people, `workflow_id` is what is sent."""

    kind: ClassVar[str] = "disable_workflow"
    workflow_id: int
    path: str


Change = (
    CreateIssue
    | AddLabels
    | RemoveLabels
    | WriteSections
    | AddComment
    | CreateBranch
    | OpenPull
    | AssignCopilot
    | UnassignCopilot
    | ClosePull
    | DeleteBranch
    | CloseIssue
    | ReopenIssue
    | CreateLabel
    | DisableWorkflow
)

KINDS: dict[str, type[Change]] = {
    cls.kind: cls
    for cls in (
        CreateIssue,
        AddLabels,
        RemoveLabels,
        WriteSections,
        AddComment,
        CreateBranch,
        OpenPull,
        AssignCopilot,
        UnassignCopilot,
        ClosePull,
        DeleteBranch,
        CloseIssue,
        ReopenIssue,
        CreateLabel,
        DisableWorkflow,
    )
}


def to_payload(change: Change) -> dict[str, Any]:
    """The change as plain JSON values."""
    payload: dict[str, Any] = json.loads(json.dumps(asdict(change)))
    return payload


def from_payload(kind: str, payload: dict[str, Any]) -> Change:
    """The inverse of `to_payload`; an unknown kind is a ValueError that names it."""
    if kind not in KINDS:
        raise ValueError(f"Unknown kind of change {kind!r}; known are {', '.join(sorted(KINDS))}.")
    values = {name: _tupled(value) for name, value in payload.items()}
    if kind == CreateBranch.kind:
        values["files"] = tuple(ScaffoldFile(**file) for file in payload["files"])
    return KINDS[kind](**values)


def request_hash(kind: str, payload: dict[str, Any]) -> str:
    """SHA-256 over kind and canonical payload."""
    text = json.dumps([kind, payload], sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _tupled(value: Any) -> Any:
    return tuple(_tupled(item) for item in value) if isinstance(value, list) else value
