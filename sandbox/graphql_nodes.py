"""Objects by their global ids, and pages of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sandbox.errors import Refusal
from sandbox.graphql_schema import MAX_PAGE, Connection, Context, Node
from sandbox.ids import node_id, parse_node_id, parse_text_id
from sandbox.model import COPILOT_LOGIN, COPILOT_NODE_ID, Issue, Repository
from sandbox.pulls import half

Args = dict[str, Any]


def issue_node(repository: Repository, issue: Issue) -> Node:
    return Node("PullRequest" if issue.pull else "Issue", issue, repository)


def actor_node(context: Context, login: str) -> Node:
    account = context.world.account(login)
    return Node("Bot" if account.type == "Bot" else "User", account)


def ref_node(repository: Repository, short: str) -> Node | None:
    return Node("Ref", short, repository) if short in repository.git.refs else None


def issue_id(issue: Issue) -> str:
    return node_id("PR" if issue.pull else "I", issue.id)


def find(context: Context, identity: str) -> Node:
    """The object with a global id; NOT_FOUND in GitHub's words."""
    found = _find(context, identity)
    if found is None:
        raise Refusal(404, f"Could not resolve to a node with the global id of '{identity}'", kind="NOT_FOUND")
    return found


def _find(context: Context, identity: str) -> Node | None:
    if identity == COPILOT_NODE_ID:
        return actor_node(context, COPILOT_LOGIN)
    if identity.startswith(("REF_", "C_")):
        return _find_git(context, identity)
    parsed = parse_node_id(identity)
    if parsed is None or not parsed[1]:
        return None
    prefix, number = parsed[0], parsed[1][0]
    if prefix in ("U", "BOT"):
        known = (account for account in context.world.state.accounts.values() if account.id == number)
        return next((actor_node(context, account.login) for account in known), None)
    if prefix == "R":
        repository = context.world.repository_by_id(number)
        return Node("Repository", repository, repository) if repository else None
    return next(_inside(context, prefix, number), None)


def _inside(context: Context, prefix: str, number: int) -> Iterator[Node]:
    for repository in context.world.state.repositories.values():
        if prefix == "LA":
            yield from (Node("Label", label, repository) for label in repository.labels if label.id == number)
        for issue in repository.issues.values() if prefix in ("I", "PR", "IC") else ():
            if issue.deleted or issue.moved_to:
                continue
            if prefix == "IC":
                found = (made for made in issue.comments if made.id == number)
                yield from (Node("IssueComment", (issue, made), repository) for made in found)
            elif issue.id == number:
                yield issue_node(repository, issue)


def _find_git(context: Context, identity: str) -> Node | None:
    parsed = parse_text_id(identity)
    repository = context.world.repository_by_id(parsed[1]) if parsed else None
    if parsed is None or repository is None:
        return None
    if parsed[0] == "REF":
        return ref_node(repository, parsed[2].removeprefix("refs/"))
    commit = repository.git.commits.get(parsed[2])
    return Node("Commit", commit, repository) if commit else None


def page(context: Context, name: str, nodes: list[Node], args: Args) -> Connection:
    """One page of a list; faults may make it stale or empty."""
    size = _page_size(name, args)
    nodes = _visible(context, nodes)
    start = 0
    if args.get("after"):
        start = _position(args["after"])
    if args.get("first") is None:
        end = len(nodes) if not args.get("before") else _position(args["before"]) - 1
        start = max(start, end - size)
        return Connection(nodes[start:end], len(nodes), start)
    return Connection(nodes[start : start + size], len(nodes), start)


def _page_size(name: str, args: Args) -> int:
    for bound in ("first", "last"):
        if args.get(bound) is not None:
            size = int(args[bound])
            if not 0 < size <= MAX_PAGE:
                excess = f"exceeds the `{bound}` limit of {MAX_PAGE} records."
                message = f"Requesting {size} records on the `{name}` connection {excess}"
                raise Refusal(200, message, kind="EXCESSIVE_PAGINATION")
            return size
    message = f"You must provide a `first` or `last` value to properly paginate the `{name}` connection."
    raise Refusal(200, message, kind="MISSING_PAGINATION_BOUNDARIES")


def _position(cursor: str) -> int:
    digits = str(cursor).removeprefix("Y3Vyc29yOnYyO")
    if not digits.isdigit():
        raise Refusal(200, f"`{cursor}` does not appear to be a valid cursor.", kind="INVALID_CURSOR_ARGUMENTS")
    return int(digits)


def _visible(context: Context, nodes: list[Node]) -> list[Node]:
    before = context.call.stale_before
    if context.call.empty:
        return []
    if before is None:
        return nodes
    return [node for node in nodes if getattr(node.it, "created_at", before) <= before]


def pulls_and_issues(repository: Repository, pulls: bool) -> list[Issue]:
    return [
        issue
        for issue in repository.issues.values()
        if bool(issue.pull) == pulls and not issue.deleted and not issue.moved_to
    ]


def pull_state(issue: Issue) -> str:
    return "MERGED" if half(issue).merged_at else issue.state.upper()
