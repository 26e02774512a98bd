"""The mutations. Each takes its input, changes the world through the same functions as REST, and names its payload."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Any

from sandbox import assignees, git, issues, labels, pulls
from sandbox.assignees import NO_INSTALLATION
from sandbox.errors import Refusal, forbidden
from sandbox.graphql_nodes import actor_node, find, issue_node, ref_node
from sandbox.graphql_schema import MUTATIONS, Context, Mutation, Node
from sandbox.graphql_types import FEATURE
from sandbox.model import COPILOT_LOGIN, Issue, Repository

Input = dict[str, Any]
Payload = dict[str, Any]
Act = Callable[[Context, Input], Payload]
COPILOT_REST = "copilot-swe-agent[bot]"
NO_BOT = "Bot does not have access to the repository"


def install() -> None:
    """Importing this module has filled the table; this gives the import a use."""


def mutation(name: str, required: str, optional: str, **payload: str | None) -> Callable[[Act], Act]:
    def register(act: Act) -> Act:
        MUTATIONS[name] = Mutation(frozenset(required.split()), frozenset(optional.split()), payload, act)
        return act

    return register


# -- finding ---------------------------------------------------------------------------------------------------------


def _of(context: Context, identity: str, *kinds: str) -> Node:
    node = find(context, identity)
    if node.type not in kinds:
        message = f"Could not resolve to {' or '.join(kinds)} node with the global id of '{identity}'."
        raise Refusal(404, message, kind="NOT_FOUND")
    return node


def _writable(context: Context, identity: str, *kinds: str) -> Node:
    node = _of(context, identity, *kinds)
    _check(context, node.home)
    if isinstance(node.it, Issue):
        context.call.about(node.home.full_name, node.it.number)
    return node


def _repository(context: Context, identity: str) -> Repository:
    repository = _of(context, identity, "Repository").home
    _check(context, repository)
    return repository


def _check(context: Context, repository: Repository) -> None:
    context.call.about(repository.full_name)
    issues.check_writable(repository)
    call = context.call
    if call.actor not in repository.collaborators:
        raise forbidden(f"{call.actor} does not have the correct permissions to execute this mutation.")


def _label_names(context: Context, identities: list[str]) -> list[str]:
    return [_of(context, identity, "Label").it.name for identity in identities or []]


def _logins(context: Context, repository: Repository, identities: list[str]) -> list[str]:
    """Accounts as REST names them; Copilot only for those who may name it."""
    found = []
    for identity in identities or []:
        login = _of(context, identity, "User", "Bot").it.login
        if login == COPILOT_LOGIN:
            _check_copilot(context, repository)
            login = COPILOT_REST
        found.append(login)
    return found


def _check_copilot(context: Context, repository: Repository) -> None:
    if context.call.kind == "installation":
        raise forbidden(NO_INSTALLATION)
    if FEATURE not in context.call.features or not repository.copilot_enabled:
        raise forbidden(NO_BOT)


def _agent(context: Context, values: Input) -> dict[str, Any]:
    """agentAssignment under the names that REST has for it."""
    given = values.get("agentAssignment") or {}
    if given.get("targetRepositoryId"):
        _of(context, given["targetRepositoryId"], "Repository")
    return {"base_branch": given.get("baseRef"), "custom_instructions": given.get("customInstructions")}


# -- issues ----------------------------------------------------------------------------------------------------------


@mutation(
    "createIssue", "repositoryId title",
    "body labelIds assigneeIds milestoneId projectIds issueTemplate agentAssignment", issue="Issue",
)  # fmt: skip
def _create_issue(context: Context, values: Input) -> Payload:
    repository = _repository(context, values["repositoryId"])
    names = _label_names(context, values.get("labelIds") or [])
    logins = _logins(context, repository, values.get("assigneeIds") or [])
    issue = issues.create(context.world, repository, context.call, values["title"], values.get("body") or "", names)
    if logins:
        assignees.add(context.world, repository, issue, context.call, logins, _agent(context, values))
    return {"issue": issue_node(repository, issue)}


@mutation(
    "updateIssue", "id", "title body state labelIds assigneeIds milestoneId projectIds agentAssignment",
    issue="Issue", actor="Actor",
)  # fmt: skip
def _update_issue(context: Context, values: Input) -> Payload:
    node, world, call = _writable(context, values["id"], "Issue"), context.world, context.call
    repository, issue = node.home, node.it
    logins = _logins(context, repository, values.get("assigneeIds") or [])
    names = _label_names(context, values.get("labelIds") or [])
    issues.edit(world, repository, issue, call, values.get("title"), values.get("body"))
    if values.get("labelIds") is not None:
        labels.replace(world, repository, issue, call, names)
    if values.get("assigneeIds") is not None:
        assignees.replace(world, repository, issue, call, logins, _agent(context, values))
    if values.get("state"):
        issues.set_state(world, repository, issue, call, str(values["state"]).lower())
    return {"issue": node, "actor": actor_node(context, call.actor)}


@mutation("closeIssue", "issueId", "stateReason duplicateIssueId", issue="Issue")
def _close_issue(context: Context, values: Input) -> Payload:
    node = _writable(context, values["issueId"], "Issue")
    reason = str(values.get("stateReason") or "COMPLETED").lower()
    issues.set_state(context.world, node.home, node.it, context.call, "closed", reason)
    return {"issue": node}


@mutation("reopenIssue", "issueId", "", issue="Issue")
def _reopen_issue(context: Context, values: Input) -> Payload:
    node = _writable(context, values["issueId"], "Issue")
    issues.set_state(context.world, node.home, node.it, context.call, "open")
    return {"issue": node}


@mutation("deleteIssue", "issueId", "", repository="Repository")
def _delete_issue(context: Context, values: Input) -> Payload:
    node = _writable(context, values["issueId"], "Issue")
    issues.delete(context.world, node.home, node.it, context.call)
    return {"repository": Node("Repository", node.home, node.home)}


@mutation("addLabelsToLabelable", "labelableId labelIds", "", labelable="Labelable")
def _add_labels(context: Context, values: Input) -> Payload:
    node = _writable(context, values["labelableId"], "Issue", "PullRequest")
    labels.add(context.world, node.home, node.it, context.call, _label_names(context, values["labelIds"]))
    return {"labelable": node}


@mutation("removeLabelsFromLabelable", "labelableId labelIds", "", labelable="Labelable")
def _remove_labels(context: Context, values: Input) -> Payload:
    node = _writable(context, values["labelableId"], "Issue", "PullRequest")
    labels.remove(context.world, node.home, node.it, context.call, _label_names(context, values["labelIds"]))
    return {"labelable": node}


@mutation("addAssigneesToAssignable", "assignableId assigneeIds", "agentAssignment", assignable="Assignable")
def _add_assignees(context: Context, values: Input) -> Payload:
    node = _writable(context, values["assignableId"], "Issue", "PullRequest")
    logins = _logins(context, node.home, values["assigneeIds"])
    assignees.add(context.world, node.home, node.it, context.call, logins, _agent(context, values))
    return {"assignable": node}


@mutation("removeAssigneesFromAssignable", "assignableId assigneeIds", "", assignable="Assignable")
def _remove_assignees(context: Context, values: Input) -> Payload:
    node = _writable(context, values["assignableId"], "Issue", "PullRequest")
    logins = [_of(context, identity, "User", "Bot").it.login for identity in values["assigneeIds"]]
    assignees.remove(context.world, node.home, node.it, context.call, logins)
    return {"assignable": node}


@mutation("replaceActorsForAssignable", "assignableId", "actorIds actorLogins agentAssignment", assignable="Assignable")
def _replace_actors(context: Context, values: Input) -> Payload:
    node = _writable(context, values["assignableId"], "Issue", "PullRequest")
    logins = _logins(context, node.home, values.get("actorIds") or [])
    assignees.replace(context.world, node.home, node.it, context.call, logins, _agent(context, values))
    return {"assignable": node}


@mutation("addComment", "subjectId body", "", commentEdge="Edge:IssueComment", subject="Node")
def _add_comment(context: Context, values: Input) -> Payload:
    node = _writable(context, values["subjectId"], "Issue", "PullRequest")
    made = issues.comment(context.world, node.home, node.it, context.call, values["body"])
    return {"commentEdge": ("", Node("IssueComment", (node.it, made), node.home)), "subject": node}


@mutation("createLabel", "repositoryId name color", "description", label="Label")
def _create_label(context: Context, values: Input) -> Payload:
    repository = _repository(context, values["repositoryId"])
    made = labels.create(
        context.world, repository, context.call, values["name"], values["color"], values.get("description")
    )
    return {"label": Node("Label", made, repository)}


# -- git -------------------------------------------------------------------------------------------------------------


@mutation("createRef", "repositoryId name oid", "", ref="Ref")
def _create_ref(context: Context, values: Input) -> Payload:
    repository = _repository(context, values["repositoryId"])
    return {"ref": ref_node(repository, _make_ref(context, repository, values["name"], values["oid"]))}


def _make_ref(context: Context, repository: Repository, name: str, oid: str) -> str:
    if git.check_ref(name) in repository.git.refs:
        raise Refusal(422, f'A ref named "{name}" already exists in the repository.')
    short = git.create_ref(repository.git, name, oid)
    context.call.note("ref", None, oid, ref=name)
    context.world.touch()
    return short


@mutation("deleteRef", "refId", "")
def _delete_ref(context: Context, values: Input) -> Payload:
    node = _writable(context, values["refId"], "Ref")
    pulls.delete_branch(context.world, node.home, context.call, node.it)
    return {}


@mutation("createLinkedBranch", "issueId oid", "name repositoryId", linkedBranch="LinkedBranch", issue="Issue")
def _create_linked_branch(context: Context, values: Input) -> Payload:
    node = _writable(context, values["issueId"], "Issue")
    name = values.get("name") or f"{node.it.number}-issue"
    _make_ref(context, node.home, f"refs/heads/{name}", values["oid"])
    node.it.linked_branches.append(name)
    return {"linkedBranch": Node("LinkedBranch", name, node.home), "issue": node}


@mutation("createCommitOnBranch", "branch expectedHeadOid message", "fileChanges", commit="Commit", ref="Ref")
def _create_commit(context: Context, values: Input) -> Payload:
    repository, branch = _branch(context, values["branch"])
    store, world, call = repository.git, context.world, context.call
    head = git.head(store, branch)
    if head.sha != values["expectedHeadOid"]:
        message = f'Expected branch to point to "{values["expectedHeadOid"]}" but it did not. Pull and try again.'
        raise Refusal(422, message, kind="STALE_DATA")
    files = _files(values.get("fileChanges") or {})
    given = values["message"]
    text = "\n\n".join(part for part in (given.get("headline"), given.get("body")) if part)
    sha = git.commit(store, git.with_files(store, head.tree, files), [head.sha], text, call.actor, world.now())
    store.refs[f"heads/{branch}"] = sha
    call.note("ref", head.sha, sha, ref=f"refs/heads/{branch}", files=sorted(files))
    world.touch()
    return {"commit": Node("Commit", store.commits[sha], repository), "ref": ref_node(repository, f"heads/{branch}")}


def _branch(context: Context, given: Input) -> tuple[Repository, str]:
    if given.get("id"):
        node = _writable(context, given["id"], "Ref")
        return node.home, node.it.removeprefix("heads/")
    try:
        repository = context.world.named(str(given.get("repositoryNameWithOwner")))
    except Refusal as refusal:
        raise Refusal(404, "Could not resolve the repository of the branch.", kind="NOT_FOUND") from refusal
    _check(context, repository)
    name = str(given.get("branchName")).removeprefix("refs/heads/")
    if f"heads/{name}" not in repository.git.refs:
        raise Refusal(404, f"No ref named {name!r} in the repository.", kind="NOT_FOUND")
    return repository, name


def _files(changes: Input) -> git.Files:
    try:
        files: git.Files = {
            git.check_path(item["path"]): base64.b64decode(item["contents"], validate=True)
            for item in changes.get("additions") or []
        }
    except (binascii.Error, ValueError) as error:
        raise Refusal(422, "A file's contents are not valid Base64.") from error
    return files | {item["path"]: None for item in changes.get("deletions") or []}


# -- pull requests ---------------------------------------------------------------------------------------------------


@mutation(
    "createPullRequest", "repositoryId baseRefName headRefName title",
    "body draft maintainerCanModify headRepositoryId", pullRequest="PullRequest",
)  # fmt: skip
def _create_pull(context: Context, values: Input) -> Payload:
    repository = _repository(context, values["repositoryId"])
    issue = pulls.create(
        context.world, repository, context.call, values["title"], values.get("body") or "",
        values["headRefName"].removeprefix("refs/heads/"), values["baseRefName"].removeprefix("refs/heads/"),
        bool(values.get("draft")),
    )  # fmt: skip
    return {"pullRequest": issue_node(repository, issue)}


@mutation("closePullRequest", "pullRequestId", "", pullRequest="PullRequest")
def _close_pull(context: Context, values: Input) -> Payload:
    node = _writable(context, values["pullRequestId"], "PullRequest")
    pulls.close(context.world, node.home, node.it, context.call)
    return {"pullRequest": node}


@mutation("markPullRequestReadyForReview", "pullRequestId", "", pullRequest="PullRequest")
def _ready(context: Context, values: Input) -> Payload:
    node = _writable(context, values["pullRequestId"], "PullRequest")
    pulls.ready(context.world, node.home, node.it, context.call)
    return {"pullRequest": node}


@mutation(
    "mergePullRequest",
    "pullRequestId",
    "commitHeadline commitBody expectedHeadOid mergeMethod",
    pullRequest="PullRequest",
)
def _merge(context: Context, values: Input) -> Payload:
    node = _writable(context, values["pullRequestId"], "PullRequest")
    pulls.merge(context.world, node.home, node.it, context.call, values.get("commitHeadline"))
    return {"pullRequest": node}
