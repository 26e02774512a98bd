"""Writing over REST: additive calls only, one request after the other, each naming its intent in a header."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

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
from pipeline.domain.labels import has
from pipeline.github import actions, errors, parse, writing
from pipeline.github.client import Answer, Ask, Client
from pipeline.github.port import GitHubError, Intent, IssueTarget, NotFound, Outcome, Transient, UnknownFate
from pipeline.github.reader import COPILOT_ASSIGNEE

Facts = dict[str, Any]
LABEL_GONE = "label does not exist"  # a bare "Not Found" may also be a token that lost access
BRANCH_GONE = "branch not found"
BLOB = {"mode": "100644", "type": "blob"}


class RestWriter:
    """`known_labels` gives the names of the labels that the repository has."""

    def __init__(
        self, client: Client, handover: Client, full_name: str, known_labels: Callable[[], Mapping[str, str]]
    ) -> None:
        self._client = client
        self._handover = handover
        self._full_name = full_name
        self._known_labels = known_labels
        self._apply_one: dict[str, Callable[[IssueTarget, Intent, Any], Facts]] = {
            CreateIssue.kind: self._create_issue,
            AddLabels.kind: self._add_labels,
            RemoveLabels.kind: self._remove_labels,
            WriteSections.kind: self._write_sections,
            AddComment.kind: self._add_comment,
            CreateBranch.kind: self._create_branch,
            OpenPull.kind: self._open_pull,
            AssignCopilot.kind: self._assign,
            UnassignCopilot.kind: self._unassign,
            ClosePull.kind: self._close_pull,
            DeleteBranch.kind: self._delete_branch,
            CloseIssue.kind: self._close_issue,
            ReopenIssue.kind: self._reopen_issue,
            CreateLabel.kind: self._create_label,
            DisableWorkflow.kind: self._disable_workflow,
        }

    def apply(self, target: IssueTarget, intents: Sequence[Intent]) -> tuple[Outcome, ...]:
        return writing.in_order([(intent,) for intent in intents], lambda part: [self._outcome(target, part[0])])

    def _outcome(self, target: IssueTarget, intent: Intent) -> Outcome:
        try:
            return writing.applied(intent, self._apply_one[intent.change.kind](target, intent, intent.change))
        except parse.ShapeError as error:
            asked = errors.Asked("REST", intent.change.kind, write=True)
            return writing.failed(intent, errors.unreadable(asked, str(error)))
        except GitHubError as error:
            return writing.failed(intent, error)

    # --- issues ---

    def _create_issue(self, _: IssueTarget, intent: Intent, change: CreateIssue) -> Facts:
        self._check_labels(change.labels)
        body = {"title": change.title, "body": change.body, "labels": list(change.labels)}
        answer = self._write("POST", "/issues", "/issues", intent, body)
        return {**_numbered(answer), "updated_at": parse.optional(answer.data, "updated_at", str)}

    def _add_labels(self, target: IssueTarget, intent: Intent, change: AddLabels) -> Facts:
        self._check_labels(change.labels)
        path = f"/issues/{writing.target_number(target)}/labels"
        answer = self._write("POST", path, "/issues/{n}/labels", intent, {"labels": list(change.labels)})
        return _labelled(change, target, list(parse.entries(answer.data, parse.label_name)))

    def _remove_labels(self, target: IssueTarget, intent: Intent, change: RemoveLabels) -> Facts:
        """One request each; a label that is not there is done already."""
        left = list(target.labels)
        number = writing.target_number(target)
        for name in change.labels:
            if target.labels and not has(target.labels, name):
                continue
            path = f"/issues/{number}/labels/{quote(name, safe='')}"
            try:
                answer = self._write("DELETE", path, "/issues/{n}/labels/{label}", intent)
            except NotFound as error:
                if LABEL_GONE not in str(error).lower():
                    raise
                left = [label for label in left if label.lower() != name.lower()]
            else:
                left = list(parse.entries(answer.data, parse.label_name))
        return _labelled(change, target, left)

    def _write_sections(self, target: IssueTarget, intent: Intent, change: WriteSections) -> Facts:
        body = writing.spliced(target.body, change.sections)
        if body == target.body:
            return {"body": body}
        answer = self._edit(target, intent, {"body": body})
        seen = parse.optional(answer.data, "body", str) or ""
        return {"body": seen, "updated_at": parse.field(answer.data, "updated_at", str)}

    def _add_comment(self, target: IssueTarget, intent: Intent, change: AddComment) -> Facts:
        path = f"/issues/{writing.target_number(target)}/comments"
        answer = self._write("POST", path, "/issues/{n}/comments", intent, {"body": change.body})
        return {
            "comment_id": parse.field(answer.data, "id", int),
            "html_url": parse.field(answer.data, "html_url", str),
        }

    def _close_issue(self, target: IssueTarget, intent: Intent, change: CloseIssue) -> Facts:
        answer = self._edit(target, intent, {"state": "closed", "state_reason": change.reason})
        return {"updated_at": parse.field(answer.data, "updated_at", str)}

    def _reopen_issue(self, target: IssueTarget, intent: Intent, _: ReopenIssue) -> Facts:
        answer = self._edit(target, intent, {"state": "open"})
        return {"updated_at": parse.field(answer.data, "updated_at", str)}

    def _edit(self, target: IssueTarget, intent: Intent, body: Mapping[str, Any]) -> Answer:
        return self._write("PATCH", f"/issues/{writing.target_number(target)}", "/issues/{n}", intent, body)

    # --- the hand-over ---

    def _assign(self, target: IssueTarget, intent: Intent, change: AssignCopilot) -> Facts:
        assignment = {
            "target_repo": self._full_name,
            "base_branch": change.base_branch,
            "custom_instructions": change.custom_instructions,
        }
        wanted = {name: value for name, value in assignment.items() if value}
        body = {"assignees": [COPILOT_ASSIGNEE], "agent_assignment": wanted}
        return self._assignees("POST", target, intent, body, wanted=True)

    def _unassign(self, target: IssueTarget, intent: Intent, _: UnassignCopilot) -> Facts:
        return self._assignees("DELETE", target, intent, {"assignees": [COPILOT_ASSIGNEE]}, wanted=False)

    def _assignees(
        self, method: str, target: IssueTarget, intent: Intent, body: Mapping[str, Any], *, wanted: bool
    ) -> Facts:
        path = f"/issues/{writing.target_number(target)}/assignees"
        answer = self._write(method, path, "/issues/{n}/assignees", intent, body, client=self._handover)
        seen = parse.entries(parse.field(answer.data, "assignees", list), parse.actor)
        problem = writing.assignment_problem(seen, wanted)
        if problem:
            raise problem
        updated = parse.optional(answer.data, "updated_at", str)
        return {"assignees": [actor.login for actor in seen], "updated_at": updated}

    # --- code ---

    def _create_branch(self, _: IssueTarget, intent: Intent, change: CreateBranch) -> Facts:
        """The branch comes last, on the finished commit: there is no half-made branch."""
        base = self._get(f"/branches/{quote(change.base, safe='')}", "/branches/{branch}")
        base_sha = parse.field(base.data, "commit.sha", str)
        kept: list[Facts] = [{**BLOB, "path": file.path, "content": file.content} for file in change.files]
        tree = kept + [{**BLOB, "path": path, "sha": None} for path in change.deletions]
        based = {"base_tree": parse.field(base.data, "commit.commit.tree.sha", str), "tree": tree}
        made = self._loose("/git/trees", intent, based)
        commit = {"message": change.message, "tree": made, "parents": [base_sha]}
        sha = self._loose("/git/commits", intent, commit)
        self._write("POST", "/git/refs", "/git/refs", intent, {"ref": f"refs/heads/{change.branch}", "sha": sha})
        return {"sha": sha, "base_sha": base_sha}

    def _loose(self, route: str, intent: Intent, body: Mapping[str, Any]) -> str:
        """Make a tree or commit; until a branch points there nobody sees it, so a lost answer loses nothing."""
        try:
            return parse.field(self._write("POST", route, route, intent, body).data, "sha", str)
        except UnknownFate as error:
            raise Transient(f"{error} No branch points there yet, so it is made anew.", status=error.status) from error

    def _open_pull(self, _: IssueTarget, intent: Intent, change: OpenPull) -> Facts:
        body = {"title": change.title, "body": change.body, "head": change.branch, "base": change.base}
        return _numbered(self._write("POST", "/pulls", "/pulls", intent, body))

    def _close_pull(self, _: IssueTarget, intent: Intent, change: ClosePull) -> Facts:
        answer = self._write("PATCH", f"/pulls/{change.number}", "/pulls/{n}", intent, {"state": "closed"})
        return {"updated_at": parse.field(answer.data, "updated_at", str)}

    def _delete_branch(self, _: IssueTarget, intent: Intent, change: DeleteBranch) -> Facts:
        branch = f"/branches/{quote(change.branch, safe='')}"
        try:
            head = parse.field(self._get(branch, "/branches/{branch}").data, "commit.sha", str)
        except NotFound as error:
            if BRANCH_GONE not in str(error).lower():
                raise
            return {}
        if head != change.expected_sha:
            raise writing.moved_on(change.branch, head, change.expected_sha)
        self._write("DELETE", f"/git/refs/heads/{quote(change.branch)}", "/git/refs/{ref}", intent)
        return {}

    def _create_label(self, _: IssueTarget, intent: Intent, change: CreateLabel) -> Facts:
        body = {"name": change.name, "color": change.color, "description": change.description}
        answer = self._write("POST", "/labels", "/labels", intent, body)
        return {"name": change.name, "node_id": parse.optional(answer.data, "node_id", str) or ""}

    def _disable_workflow(self, _: IssueTarget, intent: Intent, change: DisableWorkflow) -> Facts:
        return actions.disable(self._client, self._full_name, intent, change)

    # --- how ---

    def _check_labels(self, names: Sequence[str]) -> None:
        problem = writing.unknown_labels(names, self._known_labels())
        if problem:
            raise problem

    def _get(self, path: str, route: str) -> Answer:
        ask = Ask("GET", f"/repos/{self._full_name}{path}", f"/repos/{{repo}}{route}")
        return self._client.rest(ask)

    def _write(
        self,
        method: str,
        path: str,
        route: str,
        intent: Intent,
        body: Mapping[str, Any] | None = None,
        client: Client | None = None,
    ) -> Answer:
        effect = writing.effect_of(intent)
        ask = Ask(method, f"/repos/{self._full_name}{path}", f"/repos/{{repo}}{route}", body=body, effect=effect)
        return (client or self._client).rest(ask)


def _labelled(change: AddLabels | RemoveLabels, target: IssueTarget, seen: list[str]) -> Facts:
    problem = writing.label_problem(change, target, seen)
    if problem:
        raise problem
    return {"labels": seen}


def _numbered(answer: Answer) -> Facts:
    return {
        "number": parse.field(answer.data, "number", int),
        "node_id": parse.optional(answer.data, "node_id", str) or "",
        "html_url": parse.field(answer.data, "html_url", str),
    }
