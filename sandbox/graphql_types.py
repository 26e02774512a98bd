"""What queries can ask at the top, of people, labels, repositories and git."""

from __future__ import annotations

from typing import Any

from sandbox import git, labels
from sandbox.errors import Refusal
from sandbox.graphql_nodes import Args, actor_node, find, issue_node, page, pull_state, pulls_and_issues, ref_node
from sandbox.graphql_schema import PAGE, Connection, Context, Node, define, scalars
from sandbox.ids import account_node_id, node_id, text_id
from sandbox.model import COPILOT_GRAPHQL_LOGIN, COPILOT_LOGIN, Account, Issue
from sandbox.pulls import half
from sandbox.rest import parse_time
from sandbox.shapes import iso

FEATURE = "issues_copilot_assignment_api_support"


def install() -> None:
    """Importing this module has filled the tables; this gives the import a use."""


@define("Query", "repository", "Repository", ("owner", "name", "followRenames"))
def _repository(context: Context, _: Any, args: Args) -> Node:
    try:
        found = context.world.repository(str(args.get("owner")), str(args.get("name")))
    except Refusal as refusal:
        message = f"Could not resolve to a Repository with the name '{args.get('owner')}/{args.get('name')}'."
        raise Refusal(404, message, kind="NOT_FOUND") from refusal
    return Node("Repository", found, found)


@define("Query", "node", "Node", ("id",))
def _node(context: Context, _: Any, args: Args) -> Node:
    return find(context, str(args.get("id")))


@define("Query", "nodes", "Node", ("ids",))
def _nodes(context: Context, _: Any, args: Args) -> list[Node | Refusal]:
    found: list[Node | Refusal] = []
    for identity in args.get("ids") or []:
        try:
            found.append(find(context, str(identity)))
        except Refusal as refusal:
            found.append(refusal)
    return found


@define("Query", "viewer", "User")
def _viewer(context: Context, _: Any, __: Args) -> Node:
    return Node("User", context.world.account(context.call.actor))


@define("Query", "rateLimit", "RateLimit", ("dryRun",))
def _rate_limit(context: Context, _: Any, __: Args) -> Node:
    return Node("RateLimit", context.limits.standing(context.call.actor, "graphql", context.world.precise_now()))


scalars(
    "RateLimit",
    cost=lambda *_: 1,
    limit=lambda _, node: node.it.limit,
    remaining=lambda _, node: node.it.remaining,
    used=lambda _, node: node.it.used,
    nodeCount=lambda *_: 0,
    resetAt=lambda _, node: iso(node.it.reset),
)
scalars(
    "PageInfo",
    hasNextPage=lambda _, page: page.start + len(page.nodes) < page.total,
    hasPreviousPage=lambda _, page: page.start > 0,
    startCursor=lambda _, page: page.cursor(0) if page.nodes else None,
    endCursor=lambda _, page: page.cursor(len(page.nodes) - 1) if page.nodes else None,
)

# -- people and labels -----------------------------------------------------------------------------------------------


def _login(account: Account) -> str:
    return COPILOT_GRAPHQL_LOGIN if account.login == COPILOT_LOGIN else account.login.removesuffix("[bot]")


for _kind in ("User", "Bot"):
    scalars(
        _kind,
        id=lambda _, node: account_node_id(node.it),
        login=lambda _, node: _login(node.it),
        databaseId=lambda _, node: node.it.id,
        url=lambda context, node: context.shapes.user(node.it.login)["html_url"],
        avatarUrl=lambda context, node: context.shapes.user(node.it.login)["avatar_url"],
    )
scalars("User", name=lambda _, node: node.it.login)
scalars(
    "Label",
    id=lambda _, node: node_id("LA", node.it.id),
    name=lambda _, node: node.it.name,
    color=lambda _, node: node.it.color,
    description=lambda _, node: node.it.description,
    isDefault=lambda _, node: node.it.is_default,
    url=lambda context, node: context.shapes.label(node.home, node.it)["url"],
)

# -- repository ------------------------------------------------------------------------------------------------------

scalars(
    "Repository",
    id=lambda _, node: node_id("R", node.it.id),
    databaseId=lambda _, node: node.it.id,
    name=lambda _, node: node.it.name,
    nameWithOwner=lambda _, node: node.it.full_name,
    description=lambda _, node: node.it.description or None,
    isArchived=lambda _, node: node.it.archived,
    isPrivate=lambda _, node: node.it.private,
    hasIssuesEnabled=lambda *_: True,
    url=lambda context, node: f"{context.shapes.html}/{node.it.full_name}",
    viewerPermission=lambda context, node: "WRITE" if context.call.actor in node.it.collaborators else "READ",
)


@define("Repository", "owner", "Actor")
def _owner(context: Context, node: Node, _: Args) -> Node:
    return actor_node(context, node.it.owner)


@define("Repository", "defaultBranchRef", "Ref")
def _default_ref(_: Context, node: Node, __: Args) -> Node | None:
    return ref_node(node.it, f"heads/{node.it.default_branch}")


@define("Repository", "ref", "Ref", ("qualifiedName",))
def _ref(_: Context, node: Node, args: Args) -> Node | None:
    name = str(args.get("qualifiedName")).removeprefix("refs/")
    return ref_node(node.it, name) or ref_node(node.it, f"heads/{name}")


@define("Repository", "object", "GitObject", ("oid", "expression"))
def _object(_: Context, node: Node, args: Args) -> Node | None:
    try:
        commit = git.resolve(node.it.git, str(args.get("oid") or args.get("expression")))
    except Refusal:
        return None
    return Node("Commit", commit, node.it)


@define("Repository", "issue", "Issue", ("number",))
def _issue(_: Context, node: Node, args: Args) -> Node:
    return _numbered(node, args, "Issue")


@define("Repository", "pullRequest", "PullRequest", ("number",))
def _pull(_: Context, node: Node, args: Args) -> Node:
    return _numbered(node, args, "PullRequest")


def _numbered(node: Node, args: Args, kind: str) -> Node:
    issue = node.it.issues.get(args.get("number"))
    if issue is None or issue.deleted or issue.moved_to or bool(issue.pull) != (kind == "PullRequest"):
        article = "a" if kind == "PullRequest" else "an"
        message = f"Could not resolve to {article} {kind} with the number of {args.get('number')}."
        raise Refusal(404, message, kind="NOT_FOUND")
    return issue_node(node.it, issue)


@define("Repository", "issues", "Connection:Issue", PAGE | {"filterBy", "orderBy", "states", "labels"})
def _issues(context: Context, node: Node, args: Args) -> Connection:
    filters = args.get("filterBy") or {}
    states = args.get("states") or filters.get("states") or []
    wanted = list(args.get("labels") or []) + list(filters.get("labels") or [])
    since = parse_time(filters["since"]) if filters.get("since") else None
    creator = filters.get("createdBy")
    found = [
        issue
        for issue in pulls_and_issues(node.it, False)
        if (not states or issue.state.upper() in states)
        and (since is None or issue.updated_at >= since)
        and (creator is None or issue.author == creator)
        and (not wanted or any(labels.carries(issue, name) for name in wanted))
    ]
    return page(context, "issues", [issue_node(node.it, issue) for issue in _ordered(found, args)], args)


@define(
    "Repository",
    "pullRequests",
    "Connection:PullRequest",
    PAGE | {"headRefName", "baseRefName", "states", "orderBy", "labels"},
)
def _pulls(context: Context, node: Node, args: Args) -> Connection:
    states = args.get("states") or []
    found = [
        issue
        for issue in pulls_and_issues(node.it, True)
        if args.get("headRefName") in (None, half(issue).head)
        and args.get("baseRefName") in (None, half(issue).base)
        and (not states or pull_state(issue) in states)
    ]
    return page(context, "pullRequests", [issue_node(node.it, issue) for issue in _ordered(found, args)], args)


def _ordered(found: list[Issue], args: Args) -> list[Issue]:
    order = args.get("orderBy") or {"field": "CREATED_AT", "direction": "ASC"}
    names = {"UPDATED_AT": "updated_at", "CREATED_AT": "created_at"}
    name = names.get(str(order.get("field")), "created_at")
    return sorted(
        found, key=lambda issue: (getattr(issue, name), issue.number), reverse=order.get("direction") == "DESC"
    )


@define("Repository", "labels", "Connection:Label", PAGE | {"query", "orderBy"})
def _labels(context: Context, node: Node, args: Args) -> Connection:
    return page(context, "labels", [Node("Label", label, node.it) for label in node.it.labels], args)


@define("Repository", "label", "Label", ("name",))
def _label(_: Context, node: Node, args: Args) -> Node | None:
    found = labels.find(node.it, str(args.get("name")))
    return Node("Label", found, node.it) if found else None


@define("Repository", "suggestedActors", "Connection:Actor", PAGE | {"capabilities", "query", "loginNames"})
def _suggested(context: Context, node: Node, args: Args) -> Connection:
    """Copilot is named only to those who ask with the feature header and a user's token."""
    logins = [login for login in node.it.collaborators if not login.endswith("[bot]")]
    if node.it.copilot_enabled and FEATURE in context.call.features and context.call.kind == "user":
        logins.insert(0, COPILOT_LOGIN)
    return page(context, "suggestedActors", [actor_node(context, login) for login in logins], args)


scalars(
    "Ref",
    id=lambda _, node: text_id("REF", node.home.id, f"refs/{node.it}"),
    name=lambda _, node: node.it.partition("/")[2],
    prefix=lambda _, node: f"refs/{node.it.partition('/')[0]}/",
)


@define("Ref", "target", "GitObject")
def _target(_: Context, node: Node, __: Args) -> Node:
    return Node("Commit", node.home.git.commits[node.home.git.refs[node.it]], node.home)


scalars(
    "Commit",
    id=lambda _, node: text_id("C", node.home.id, node.it.sha),
    oid=lambda _, node: node.it.sha,
    message=lambda _, node: node.it.message,
    messageHeadline=lambda _, node: node.it.message.partition("\n")[0],
    messageBody=lambda _, node: node.it.message.partition("\n")[2].strip("\n"),
    committedDate=lambda _, node: iso(node.it.created_at),
    url=lambda context, node: f"{context.shapes.html}/{node.home.full_name}/commit/{node.it.sha}",
)


@define("Commit", "history", "Connection:Commit", PAGE | {"since", "path"})
def _history(context: Context, node: Node, args: Args) -> Connection:
    store = node.home.git
    found = [store.commits[sha] for sha in git.ancestors(store, node.it.sha)]
    if args.get("since"):
        found = [commit for commit in found if commit.created_at >= parse_time(args["since"])]
    return page(context, "history", [Node("Commit", commit, node.home) for commit in found], args)
