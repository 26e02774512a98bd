"""Finds out whether a write of unknown fate took place: by its signed marker, or by the state it would have made.

Asked only after a quarantine, when a late write has landed and lists have caught up. Where a person may have undone
what we made (took a label off, reopened), the timeline tells that it had been made: it is not made again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from pipeline.domain import markers
from pipeline.domain.changes import (
    AddComment,
    AddLabels,
    AssignCopilot,
    CloseIssue,
    ClosePull,
    CreateBranch,
    CreateIssue,
    CreateLabel,
    DeleteBranch,
    DisableWorkflow,
    OpenPull,
    RemoveLabels,
    ReopenIssue,
    UnassignCopilot,
    WriteSections,
)
from pipeline.domain.facts import TimelineEvent
from pipeline.domain.labels import has
from pipeline.domain.sections import BodyTooLong, read_section, splice
from pipeline.domain.snapshot import COPILOT_LOGINS, COPILOT_USER_ID, IssueSnapshot
from pipeline.github.port import Applied, GitHubReader, Intent, IssueTarget
from pipeline.github.writing import target_number

SKEW = timedelta(seconds=5)  # between our clock and GitHub's, for events
EARLIER = timedelta(minutes=10)  # for markers, which cannot be mistaken, the net is cast wider

Found = dict[str, Any] | None


class _LookUp:
    """One look-up: what is needed to answer, and one method per way of knowing."""

    def __init__(
        self, github: GitHubReader, target: IssueTarget, intent: Intent, sent_at: datetime, secret: bytes
    ) -> None:
        self._github = github
        self._target = target
        self._key = intent.key
        self._sent_at = sent_at
        self._secret = secret

    def _marked(self, text: str) -> bool:
        return self._key in markers.find(text, self._secret)

    # --- by marker ---

    def issue_made(self, _: CreateIssue) -> Found:
        """The oldest that carries the marker: a marker can be copied, but not before there is one."""
        found = [
            issue for issue in self._github.issues_since_by_us(self._sent_at - EARLIER) if self._marked(issue.body)
        ]
        if not found:
            return None
        issue = min(found, key=lambda issue: (issue.created_at, issue.number))
        return {"number": issue.number, "node_id": issue.node_id, "html_url": issue.html_url}

    def comment_made(self, _: AddComment) -> Found:
        for comment in sorted(self._github.comments(target_number(self._target)), key=lambda comment: comment.id):
            if self._marked(comment.body):
                return {"comment_id": comment.id, "html_url": comment.html_url}
        return None

    def branch_made(self, change: CreateBranch) -> Found:
        """By the commit, not by the branch: a branch without our commit is only half made."""
        head = self._github.branch(change.branch)
        if head is None:
            return None
        if self._marked(head.message):
            return {"sha": head.sha}
        for commit in self._github.commits(change.branch, self._sent_at - EARLIER):
            if self._marked(commit.message):
                return {"sha": commit.sha}
        return None

    def pull_made(self, change: OpenPull) -> Found:
        for pull in sorted(self._github.pulls_from(change.branch), key=lambda pull: pull.number):
            if self._marked(pull.body):
                return {"number": pull.number, "node_id": pull.node_id, "html_url": pull.html_url}
        return None

    # --- by state ---

    def labels_added(self, change: AddLabels) -> Found:
        issue = self._issue()
        missing = [name for name in change.labels if not has(issue.labels, name)]
        return self._labelled(issue, missing, "labeled")

    def labels_removed(self, change: RemoveLabels) -> Found:
        issue = self._issue()
        left = [name for name in change.labels if has(issue.labels, name)]
        return self._labelled(issue, left, "unlabeled")

    def sections_written(self, change: WriteSections) -> Found:
        """People may have written behind it since: what they put at the body's end falls into its last section."""
        issue = self._issue()
        try:
            wanted = splice(issue.body, change.sections)
        except BodyTooLong:
            return None
        stand = wanted == issue.body or all(
            _begins(read_section(issue.body, heading), content) for heading, content in change.sections
        )
        return {"body": issue.body, **_updated(issue)} if stand else None

    def assigned(self, _: AssignCopilot) -> Found:
        issue = self._issue()
        if not issue.copilot_assigned and not any(map(_names_copilot, self._events("assigned"))):
            return None
        return {"assignees": [actor.login for actor in issue.assignees], **_updated(issue)}

    def unassigned(self, _: UnassignCopilot) -> Found:
        issue = self._issue()
        if issue.copilot_assigned and not any(map(_names_copilot, self._events("unassigned"))):
            return None
        return {"assignees": [actor.login for actor in issue.assignees], **_updated(issue)}

    def issue_closed(self, _: CloseIssue) -> Found:
        issue = self._issue()
        return None if issue.is_open and not self._events("closed") else _updated(issue)

    def issue_reopened(self, _: ReopenIssue) -> Found:
        issue = self._issue()
        return _updated(issue) if issue.is_open or self._events("reopened") else None

    def pull_closed(self, change: ClosePull) -> Found:
        pull = self._github.pull(change.number)
        return None if pull.is_open else {"updated_at": pull.updated_at.isoformat()}

    def branch_deleted(self, change: DeleteBranch) -> Found:
        return {} if self._github.branch(change.branch) is None else None

    def label_made(self, change: CreateLabel) -> Found:
        for name, node_id in self._github.labels().items():
            if name.lower() == change.name.lower():
                return {"name": name, "node_id": node_id}
        return None

    def workflow_disabled(self, change: DisableWorkflow) -> Found:
        """A workflow that is no longer listed runs no more either."""
        states = {row.id: row.state for row in self._github.actions_workflows()}
        state = states.get(change.workflow_id, "deleted")
        return None if state == "active" else {"state": state}

    # --- how ---

    def _issue(self) -> IssueSnapshot:
        return self._github.issue(target_number(self._target))

    def _labelled(self, issue: IssueSnapshot, open_names: Iterable[str], event: str) -> Found:
        """Applied when nothing is open, or when the timeline saw each open one happen since."""
        names = {name.lower() for name in open_names}
        if names:
            names -= {str((seen.raw.get("label") or {}).get("name", "")).lower() for seen in self._events(event)}
        return None if names else {"labels": list(issue.labels), **_updated(issue)}

    def _events(self, name: str) -> list[TimelineEvent]:
        events = self._github.timeline(target_number(self._target))
        return [seen for seen in events if seen.event == name and seen.at and seen.at >= self._sent_at - SKEW]


def look_up(
    github: GitHubReader, target: IssueTarget, intent: Intent, sent_at: datetime, secret: bytes
) -> Applied | None:
    """Applied with what later steps need, or None: certainly not applied. `sent_at` is when it was sent.

    Raises GitHubError when that cannot be found out now; then nothing else may be done to the issue.
    """
    found = _WAYS[intent.change.kind](_LookUp(github, target, intent, sent_at, secret), intent.change)
    return None if found is None else Applied(found)


def _begins(there: str | None, content: str | None) -> bool:
    """Whether a section stands as it was written, with or without more behind it; None: there is no such section."""
    if there is None or content is None:
        return there is content
    return there == content or there.startswith(f"{content.rstrip()}\n")


def _updated(issue: IssueSnapshot) -> dict[str, Any]:
    return {"updated_at": issue.updated_at.isoformat()}


def _names_copilot(event: TimelineEvent) -> bool:
    assignee = event.raw.get("assignee") or {}
    return assignee.get("id") == COPILOT_USER_ID or str(assignee.get("login", "")).lower() in COPILOT_LOGINS


_WAYS: dict[str, Callable[[_LookUp, Any], Found]] = {
    CreateIssue.kind: _LookUp.issue_made,
    AddComment.kind: _LookUp.comment_made,
    CreateBranch.kind: _LookUp.branch_made,
    OpenPull.kind: _LookUp.pull_made,
    AddLabels.kind: _LookUp.labels_added,
    RemoveLabels.kind: _LookUp.labels_removed,
    WriteSections.kind: _LookUp.sections_written,
    AssignCopilot.kind: _LookUp.assigned,
    UnassignCopilot.kind: _LookUp.unassigned,
    CloseIssue.kind: _LookUp.issue_closed,
    ReopenIssue.kind: _LookUp.issue_reopened,
    ClosePull.kind: _LookUp.pull_closed,
    DeleteBranch.kind: _LookUp.branch_deleted,
    CreateLabel.kind: _LookUp.label_made,
    DisableWorkflow.kind: _LookUp.workflow_disabled,
}
