"""The objects that queries can ask for, field by field."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sandbox import assignees, git, labels
from sandbox.errors import Refusal
from sandbox.graphql_schema import MAX_PAGE, PAGE, Connection, Context, Node, define, scalars
from sandbox.ids import account_node_id, node_id, parse_node_id, parse_text_id, text_id
from sandbox.model import COPILOT_APP, COPILOT_GRAPHQL_LOGIN, COPILOT_LOGIN, COPILOT_NODE_ID, Account, Issue, Repository
from sandbox.pulls import half
from sandbox.rest import parse_time
from sandbox.shapes import iso
from sandbox.shapes_git import shas

Args = dict[str, Any]
FEATURE = "issues_copilot_assignment_api_support"
EVENTS = {
    "cross-referenced": "CrossReferencedEvent",
    "connected": "ConnectedEvent",
    "labeled": "LabeledEvent",
    "unlabeled": "UnlabeledEvent",
    "assigned": "AssignedEvent",
    "unassigned": "UnassignedEvent",
    "closed": "ClosedEvent",
    "reopened": "ReopenedEvent",
    "renamed": "RenamedTitleEvent",
}


def install() -> None:
    """Importing this module has filled the tables; this gives the import a use."""


# -- making nodes ----------------------------------------------------------------------------------------------------


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


def _inside(context: Context, prefix: str, number: int) -> Iterable[Node] | Any:
    for repository in context.world.state.repositories.values():
        if prefix == "LA":
            yield from (Node("Label", label, repository) for label in repository.labels if label.id == number)
        for issue in repository.issues.values() if prefix in ("I", "PR", "IC") else ():
            if issue.deleted or issue.moved_to:
                continue
            if prefix == "IC":
                yield from (Node("IssueComment", (issue, made), repository) for made in issue.comments if made.id == number)
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
                message = f"Requesting {size} records on the `{name}` connection exceeds the `{bound}` limit of {MAX_PAGE} records."
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


# -- query -----------------------------------------------------------------------------------------------------------


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
    cost=lambda _, node: 1,
    limit=lambda _, node: node.it.limit,
    remaining=lambda _, node: node.it.remaining,
    used=lambda _, node: node.it.used,
    nodeCount=lambda _, node: 0,
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
    hasIssuesEnabled=lambda _, node: True,
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
def _issue(context: Context, node: Node, args: Args) -> Node:
    return _numbered(context, node, args, "Issue")


@define("Repository", "pullRequest", "PullRequest", ("number",))
def _pull(context: Context, node: Node, args: Args) -> Node:
    return _numbered(context, node, args, "PullRequest")


def _numbered(context: Context, node: Node, args: Args, kind: str) -> Node:
    issue = node.it.issues.get(args.get("number"))
    if issue is None or issue.deleted or issue.moved_to or bool(issue.pull) != (kind == "PullRequest"):
        message = f"Could not resolve to {'a' if kind == 'PullRequest' else 'an'} {kind} with the number of {args.get('number')}."
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
        for issue in _listed(node.it, False)
        if (not states or issue.state.upper() in states)
        and (since is None or issue.updated_at >= since)
        and (creator is None or issue.author == creator)
        and (not wanted or any(labels.carries(issue, name) for name in wanted))
    ]
    return page(context, "issues", [issue_node(node.it, issue) for issue in _ordered(found, args)], args)


@define("Repository", "pullRequests", "Connection:PullRequest", PAGE | {"headRefName", "baseRefName", "states", "orderBy", "labels"})
def _pulls(context: Context, node: Node, args: Args) -> Connection:
    states = args.get("states") or []
    found = [
        issue
        for issue in _listed(node.it, True)
        if args.get("headRefName") in (None, half(issue).head)
        and args.get("baseRefName") in (None, half(issue).base)
        and (not states or _pull_state(issue) in states)
    ]
    return page(context, "pullRequests", [issue_node(node.it, issue) for issue in _ordered(found, args)], args)


def _listed(repository: Repository, pulls: bool) -> list[Issue]:
    return [
        issue
        for issue in repository.issues.values()
        if bool(issue.pull) == pulls and not issue.deleted and not issue.moved_to
    ]


def _ordered(found: list[Issue], args: Args) -> list[Issue]:
    order = args.get("orderBy") or {"field": "CREATED_AT", "direction": "ASC"}
    names = {"UPDATED_AT": "updated_at", "CREATED_AT": "created_at"}
    name = names.get(str(order.get("field")), "created_at")
    return sorted(found, key=lambda issue: (getattr(issue, name), issue.number), reverse=order.get("direction") == "DESC")


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


# -- issues and pull requests ----------------------------------------------------------------------------------------


def _pull_state(issue: Issue) -> str:
    return "MERGED" if half(issue).merged_at else issue.state.upper()


def _upper(text: str | None) -> str | None:
    return text.upper() if text else None


for _kind in ("Issue", "PullRequest"):
    scalars(
        _kind,
        id=lambda _, node: issue_id(node.it),
        databaseId=lambda _, node: half(node.it).id if node.it.pull else node.it.id,
        fullDatabaseId=lambda _, node: str(node.it.id),
        number=lambda _, node: node.it.number,
        title=lambda _, node: node.it.title,
        body=lambda _, node: node.it.body,
        url=lambda context, node: context.shapes.issue_html(node.home, node.it),
        locked=lambda _, node: node.it.locked,
        activeLockReason=lambda _, node: _upper(node.it.lock_reason),
        closed=lambda _, node: node.it.state == "closed",
        authorAssociation=lambda context, node: context.shapes.association(node.home, node.it.author),
        createdAt=lambda _, node: iso(node.it.created_at),
        updatedAt=lambda _, node: iso(node.it.updated_at),
        closedAt=lambda _, node: iso(node.it.closed_at),
    )

    @define(_kind, "author", "Actor")
    def _author(context: Context, node: Node, _: Args) -> Node:
        return actor_node(context, node.it.author)

    @define(_kind, "repository", "Repository")
    def _home(_: Context, node: Node, __: Args) -> Node:
        return Node("Repository", node.home, node.home)

    @define(_kind, "labels", "Connection:Label", PAGE | {"orderBy"})
    def _own_labels(context: Context, node: Node, args: Args) -> Connection:
        found = (labels.find(node.home, name) for name in node.it.labels)
        return page(context, "labels", [Node("Label", label, node.home) for label in found if label], args)

    @define(_kind, "assignees", "Connection:User", PAGE)
    def _assignees(context: Context, node: Node, args: Args) -> Connection:
        """People only, as on GitHub."""
        found = [actor_node(context, login) for login in node.it.assignees]
        return page(context, "assignees", [actor for actor in found if actor.type == "User"], args)

    @define(_kind, "assignedActors", "Connection:Assignee", PAGE)
    def _assigned_actors(context: Context, node: Node, args: Args) -> Connection:
        return page(context, "assignedActors", [actor_node(context, login) for login in node.it.assignees], args)

    @define(_kind, "comments", "Connection:IssueComment", PAGE | {"orderBy"})
    def _comments(context: Context, node: Node, args: Args) -> Connection:
        before = context.call.stale_before
        made = [comment for comment in node.it.comments if before is None or comment.created_at <= before]
        return page(context, "comments", [Node("IssueComment", (node.it, comment), node.home) for comment in made], args)

    @define(_kind, "timelineItems", "Connection:IssueTimelineItems", PAGE | {"itemTypes", "since"})
    def _timeline(context: Context, node: Node, args: Args) -> Connection:
        wanted = {str(name).replace("_", "") for name in args.get("itemTypes") or []}
        entries = [entry for entry in node.it.timeline if entry.event in EVENTS]
        nodes = [Node(EVENTS[entry.event], entry, node.home) for entry in entries]
        chosen = [item for item in nodes if not wanted or item.type.upper() in wanted]
        return page(context, "timelineItems", chosen, args)


scalars(
    "Issue",
    state=lambda _, node: node.it.state.upper(),
    stateReason=lambda _, node: _upper(node.it.state_reason),
)
scalars(
    "PullRequest",
    state=lambda _, node: _pull_state(node.it),
    isDraft=lambda _, node: half(node.it).draft,
    merged=lambda _, node: half(node.it).merged_at is not None,
    mergedAt=lambda _, node: iso(half(node.it).merged_at),
    headRefName=lambda _, node: half(node.it).head,
    baseRefName=lambda _, node: half(node.it).base,
    headRefOid=lambda _, node: shas(node.home, node.it)[0],
    baseRefOid=lambda _, node: shas(node.home, node.it)[1],
    mergeable=lambda _, node: "UNKNOWN" if half(node.it).merged_at else "MERGEABLE",
)


@define("PullRequest", "headRef", "Ref")
def _head_ref(_: Context, node: Node, __: Args) -> Node | None:
    return ref_node(node.home, f"heads/{half(node.it).head}")


@define("PullRequest", "mergeCommit", "Commit")
def _merge_commit(_: Context, node: Node, __: Args) -> Node | None:
    sha = half(node.it).merge_sha
    return Node("Commit", node.home.git.commits[sha], node.home) if sha else None


@define("PullRequest", "closingIssuesReferences", "Connection:Issue", PAGE)
def _closing(context: Context, node: Node, args: Args) -> Connection:
    found = [node.home.issues.get(number) for number in half(node.it).closes]
    nodes = [issue_node(node.home, issue) for issue in found if issue and not issue.pull and not issue.deleted]
    return page(context, "closingIssuesReferences", nodes, args)


@define("Issue", "closedByPullRequestsReferences", "Connection:PullRequest", PAGE | {"includeClosedPrs", "orderByState", "userLinkedOnly"})
def _closed_by(context: Context, node: Node, args: Args) -> Connection:
    closed = bool(args.get("includeClosedPrs"))
    found = [
        issue
        for issue in _listed(node.home, True)
        if node.it.number in half(issue).closes and (closed or issue.state == "open")
    ]
    return page(context, "closedByPullRequestsReferences", [issue_node(node.home, issue) for issue in found], args)


@define("Issue", "linkedBranches", "Connection:LinkedBranch", PAGE)
def _linked(context: Context, node: Node, args: Args) -> Connection:
    return page(context, "linkedBranches", [Node("LinkedBranch", name, node.home) for name in node.it.linked_branches], args)


scalars("LinkedBranch", id=lambda _, node: text_id("LB", node.home.id, node.it))


@define("LinkedBranch", "ref", "Ref")
def _linked_ref(_: Context, node: Node, __: Args) -> Node | None:
    return ref_node(node.home, f"heads/{node.it}")


scalars(
    "IssueComment",
    id=lambda _, node: node_id("IC", node.it[1].id),
    databaseId=lambda _, node: node.it[1].id,
    fullDatabaseId=lambda _, node: str(node.it[1].id),
    body=lambda _, node: node.it[1].body,
    createdAt=lambda _, node: iso(node.it[1].created_at),
    updatedAt=lambda _, node: iso(node.it[1].updated_at),
    url=lambda context, node: f"{context.shapes.issue_html(node.home, node.it[0])}#issuecomment-{node.it[1].id}",
)


@define("IssueComment", "author", "Actor")
def _comment_author(context: Context, node: Node, _: Args) -> Node:
    return actor_node(context, node.it[1].author)


# -- timeline --------------------------------------------------------------------------------------------------------

for _kind in EVENTS.values():
    scalars(_kind, id=lambda _, node: node_id("EV", node.it.id), createdAt=lambda _, node: iso(node.it.created_at))

    @define(_kind, "actor", "Actor")
    def _event_actor(context: Context, node: Node, _: Args) -> Node:
        return actor_node(context, node.it.actor)


@define("CrossReferencedEvent", "source", "ReferencedSubject")
def _source(context: Context, node: Node, _: Args) -> Node:
    repository = context.world.named(node.it.data["repository"])
    return issue_node(repository, repository.issues[node.it.data["number"]])


scalars(
    "CrossReferencedEvent",
    isCrossRepository=lambda _, node: node.it.data["repository"] != node.home.full_name,
    referencedAt=lambda _, node: iso(node.it.created_at),
)
scalars(
    "RenamedTitleEvent",
    previousTitle=lambda _, node: node.it.data["rename"]["from"],
    currentTitle=lambda _, node: node.it.data["rename"]["to"],
)
for _kind in ("LabeledEvent", "UnlabeledEvent"):

    @define(_kind, "label", "Label")
    def _event_label(_: Context, node: Node, __: Args) -> Node | None:
        found = labels.find(node.home, node.it.data["label"]["name"])
        return Node("Label", found, node.home) if found else None


for _kind in ("AssignedEvent", "UnassignedEvent"):

    @define(_kind, "assignee", "Assignee")
    def _event_assignee(context: Context, node: Node, _: Args) -> Node:
        return actor_node(context, node.it.data["assignee"])
