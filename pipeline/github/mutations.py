"""Each change as GraphQL mutation fields, and what its answers tell. Additive mutations only."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

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
    OpenPull,
    RemoveLabels,
    ReopenIssue,
    UnassignCopilot,
    WriteSections,
)
from pipeline.domain.labels import has
from pipeline.github import parse, queries, writing
from pipeline.github.port import Conflict, IssueTarget, NotFound, Refused

Facts = dict[str, Any]
Answers = list[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Field:
    """One aliased mutation field."""

    name: str
    input_type: str
    values: Mapping[str, Any]
    selection: str


@dataclass(frozen=True, slots=True)
class Ref:
    node_id: str
    oid: str


@dataclass(frozen=True, slots=True)
class Known:
    """What was read before: node ids that the mutations need. `refs` holds None for a branch that is absent."""

    full_name: str
    repository_id: str
    label_ids: Mapping[str, str]
    copilot_id: str = ""
    refs: Mapping[str, Ref | None] = field(default_factory=dict)
    pulls: Mapping[int, str] = field(default_factory=dict)

    def ids_of(self, names: tuple[str, ...]) -> list[str]:
        problem = writing.unknown_labels(names, self.label_ids)
        if problem:
            raise problem
        lowered = {name.lower(): node_id for name, node_id in self.label_ids.items()}
        return [lowered[name.lower()] for name in names]

    def branch(self, name: str) -> Ref:
        ref = self.refs.get(name)
        if ref is None:
            raise NotFound(
                f"The branch {name!r} of {self.full_name} was not found; check the repository's default branch. "
                "Nothing was changed.",
                status=404,
            )
        return ref


Plan = list[Field]
ISSUE = "{ __typename ... on Issue { updatedAt %s } }"


def plan(change: Any, target: IssueTarget, known: Known, body: str) -> Plan:
    """The fields to send, in order; none when there is nothing left to do. Raises Refused before anything is sent."""
    fields: Plan = _PLANS[change.kind](change, target, known, body)
    return fields


def facts(change: Any, answers: Answers, target: IssueTarget, known: Known, body: str) -> Facts:
    """What the answers to the change's fields tell; `answers` is empty when nothing had to be sent."""
    told: Facts = _FACTS[change.kind](change, answers, target, known, body)
    return told


# --- issues ---


def _create_issue(change: CreateIssue, _: IssueTarget, known: Known, __: str) -> Plan:
    values = {
        "repositoryId": known.repository_id,
        "title": change.title,
        "body": change.body,
        "labelIds": known.ids_of(change.labels),
    }
    return [Field("createIssue", "CreateIssueInput!", values, "issue { id number url updatedAt }")]


def _add_labels(change: AddLabels, target: IssueTarget, known: Known, _: str) -> Plan:
    values = {"labelableId": _node(target), "labelIds": known.ids_of(change.labels)}
    selection = "labelable " + ISSUE % queries.LABELS
    return [Field("addLabelsToLabelable", "AddLabelsToLabelableInput!", values, selection)]


def _remove_labels(change: RemoveLabels, target: IssueTarget, known: Known, _: str) -> Plan:
    names = tuple(name for name in change.labels if not target.labels or has(target.labels, name))
    if not names:
        return []
    values = {"labelableId": _node(target), "labelIds": known.ids_of(names)}
    selection = "labelable " + ISSUE % queries.LABELS
    return [Field("removeLabelsFromLabelable", "RemoveLabelsFromLabelableInput!", values, selection)]


def _write_sections(change: WriteSections, target: IssueTarget, _: Known, body: str) -> Plan:
    wanted = writing.spliced(body, change.sections)
    if wanted == body:
        return []
    values = {"id": _node(target), "body": wanted}
    return [Field("updateIssue", "UpdateIssueInput!", values, "issue { body updatedAt }")]


def _add_comment(change: AddComment, target: IssueTarget, _: Known, __: str) -> Plan:
    values = {"subjectId": _node(target), "body": change.body}
    return [Field("addComment", "AddCommentInput!", values, "commentEdge { node { id databaseId url } }")]


def _close_issue(change: CloseIssue, target: IssueTarget, _: Known, __: str) -> Plan:
    values = {"issueId": _node(target), "stateReason": change.reason.upper()}
    return [Field("closeIssue", "CloseIssueInput!", values, "issue { updatedAt }")]


def _reopen_issue(_: ReopenIssue, target: IssueTarget, __: Known, ___: str) -> Plan:
    return [Field("reopenIssue", "ReopenIssueInput!", {"issueId": _node(target)}, "issue { updatedAt }")]


# --- the hand-over ---


def _assign(change: AssignCopilot, target: IssueTarget, known: Known, _: str) -> Plan:
    if not known.copilot_id:
        raise Refused(
            f"Copilot is not among those who can be assigned in {known.full_name}. Enable the coding agent for the "
            "repository, and check that the hand-over credential is a user token. Nothing was changed."
        )
    assignment = {"targetRepositoryId": known.repository_id, "baseRef": change.base_branch}
    if change.custom_instructions:
        assignment["customInstructions"] = change.custom_instructions
    values = {
        "assignableId": _node(target),
        "assigneeIds": [known.copilot_id],
        "agentAssignment": assignment,
    }
    selection = "assignable " + ISSUE % queries.ASSIGNED
    return [Field("addAssigneesToAssignable", "AddAssigneesToAssignableInput!", values, selection)]


def _unassign(_: UnassignCopilot, target: IssueTarget, known: Known, __: str) -> Plan:
    if not known.copilot_id:
        raise Refused(
            f"Copilot is not among those who can be assigned in {known.full_name}, so it cannot be named to GitHub; "
            "remove it by hand. Nothing was changed."
        )
    values = {"assignableId": _node(target), "assigneeIds": [known.copilot_id]}
    selection = "assignable " + ISSUE % queries.ASSIGNED
    return [Field("removeAssigneesFromAssignable", "RemoveAssigneesFromAssignableInput!", values, selection)]


# --- code ---


def _create_branch(change: CreateBranch, _: IssueTarget, known: Known, __: str) -> Plan:
    base, made = known.branch(change.base), known.refs.get(change.branch)
    if made is not None and made.oid != base.oid:
        raise Conflict(
            f"The branch {change.branch!r} already exists at {made.oid[:10]}; look at it and delete it, or keep it. "
            "Nothing was changed.",
            status=422,
        )
    commit = _commit(change, known, base)
    if made is not None:  # an earlier try got as far as the empty branch
        return [commit]
    ref = {"repositoryId": known.repository_id, "name": f"refs/heads/{change.branch}", "oid": base.oid}
    return [Field("createRef", "CreateRefInput!", ref, "ref { id }"), commit]


def _commit(change: CreateBranch, known: Known, base: Ref) -> Field:
    headline, _, rest = change.message.partition("\n")
    additions = [
        {"path": file.path, "contents": base64.b64encode(file.content.encode()).decode()} for file in change.files
    ]
    file_changes: dict[str, Any] = {"additions": additions}
    if change.deletions:
        file_changes["deletions"] = [{"path": path} for path in change.deletions]
    values = {
        "branch": {"repositoryNameWithOwner": known.full_name, "branchName": change.branch},
        "expectedHeadOid": base.oid,
        "message": {"headline": headline, "body": rest.strip("\n")},
        "fileChanges": file_changes,
    }
    return Field("createCommitOnBranch", "CreateCommitOnBranchInput!", values, "commit { oid }")


def _open_pull(change: OpenPull, _: IssueTarget, known: Known, __: str) -> Plan:
    values = {
        "repositoryId": known.repository_id,
        "baseRefName": change.base,
        "headRefName": change.branch,
        "title": change.title,
        "body": change.body,
    }
    return [Field("createPullRequest", "CreatePullRequestInput!", values, "pullRequest { id number url }")]


def _close_pull(change: ClosePull, _: IssueTarget, known: Known, __: str) -> Plan:
    values = {"pullRequestId": known.pulls[change.number]}
    return [Field("closePullRequest", "ClosePullRequestInput!", values, "pullRequest { updatedAt }")]


def _delete_branch(change: DeleteBranch, _: IssueTarget, known: Known, __: str) -> Plan:
    ref = known.refs.get(change.branch)
    if ref is None:
        return []
    if ref.oid != change.expected_sha:
        raise writing.moved_on(change.branch, ref.oid, change.expected_sha)
    return [Field("deleteRef", "DeleteRefInput!", {"refId": ref.node_id}, "clientMutationId")]


def _create_label(change: CreateLabel, _: IssueTarget, known: Known, __: str) -> Plan:
    values = {
        "repositoryId": known.repository_id,
        "name": change.name,
        "color": change.color,
        "description": change.description,
    }
    return [Field("createLabel", "CreateLabelInput!", values, "label { id name }")]


def _node(target: IssueTarget) -> str:
    if not target.node_id:
        raise Refused("This change needs the node id of an issue and was given none; nothing was sent.")
    return target.node_id


# --- answers ---


def _numbered(answers: Answers, name: str) -> Facts:
    made = parse.field(answers[0], name, dict)
    return {
        "number": parse.field(made, "number", int),
        "node_id": parse.field(made, "id", str),
        "html_url": parse.field(made, "url", str),
        "updated_at": parse.optional(made, "updatedAt", str),
    }


def _labelled(change: AddLabels | RemoveLabels, answers: Answers, target: IssueTarget, _: Known, __: str) -> Facts:
    if not answers:
        return {"labels": list(target.labels)}
    issue = parse.field(answers[0], "labelable", dict)
    names = [parse.field(node, "name", str) for node in parse.nodes(issue, "labels")]
    problem = writing.label_problem(change, target, names)
    if problem:
        raise problem
    return {"labels": names, "updated_at": parse.optional(issue, "updatedAt", str)}


def _sections(_: Any, answers: Answers, __: IssueTarget, ___: Known, body: str) -> Facts:
    if not answers:
        return {"body": body}
    return {
        "body": parse.field(answers[0], "issue.body", str),
        "updated_at": parse.field(answers[0], "issue.updatedAt", str),
    }


def _commented(_: Any, answers: Answers, __: IssueTarget, ___: Known, ____: str) -> Facts:
    node = parse.field(answers[0], "commentEdge.node", dict)
    return {"comment_id": parse.field(node, "databaseId", int), "html_url": parse.field(node, "url", str)}


def _assigned(change: Any, answers: Answers, _: IssueTarget, __: Known, ___: str) -> Facts:
    issue = parse.field(answers[0], "assignable", dict)
    seen = [parse.actor(node) for node in parse.nodes(issue, "assignedActors")]
    problem = writing.assignment_problem(seen, isinstance(change, AssignCopilot))
    if problem:
        raise problem
    return {"assignees": [actor.login for actor in seen], "updated_at": parse.optional(issue, "updatedAt", str)}


def _branched(change: CreateBranch, answers: Answers, _: IssueTarget, known: Known, __: str) -> Facts:
    return {"sha": parse.field(answers[-1], "commit.oid", str), "base_sha": known.branch(change.base).oid}


def _named(change: CreateLabel, answers: Answers, _: IssueTarget, __: Known, ___: str) -> Facts:
    return {"name": change.name, "node_id": parse.field(answers[0], "label.id", str)}


def _touched(_: Any, answers: Answers, __: IssueTarget, ___: Known, ____: str) -> Facts:
    for answer in answers:
        for value in answer.values():
            if isinstance(value, dict) and value.get("updatedAt"):
                return {"updated_at": value["updatedAt"]}
    return {}


_PLANS: dict[str, Callable[..., Plan]] = {
    CreateIssue.kind: _create_issue,
    AddLabels.kind: _add_labels,
    RemoveLabels.kind: _remove_labels,
    WriteSections.kind: _write_sections,
    AddComment.kind: _add_comment,
    CreateBranch.kind: _create_branch,
    OpenPull.kind: _open_pull,
    AssignCopilot.kind: _assign,
    UnassignCopilot.kind: _unassign,
    ClosePull.kind: _close_pull,
    DeleteBranch.kind: _delete_branch,
    CloseIssue.kind: _close_issue,
    ReopenIssue.kind: _reopen_issue,
    CreateLabel.kind: _create_label,
}

_FACTS: dict[str, Callable[..., Facts]] = {
    CreateIssue.kind: lambda _, answers, *__: _numbered(answers, "issue"),
    AddLabels.kind: _labelled,
    RemoveLabels.kind: _labelled,
    WriteSections.kind: _sections,
    AddComment.kind: _commented,
    CreateBranch.kind: _branched,
    OpenPull.kind: lambda _, answers, *__: _numbered(answers, "pullRequest"),
    AssignCopilot.kind: _assigned,
    UnassignCopilot.kind: _assigned,
    ClosePull.kind: _touched,
    DeleteBranch.kind: _touched,
    CloseIssue.kind: _touched,
    ReopenIssue.kind: _touched,
    CreateLabel.kind: _named,
}
