"""What queries can ask of issues, pull requests, their comments and timelines."""

from __future__ import annotations

from sandbox import git, labels
from sandbox.graphql_nodes import Args, actor_node, issue_id, issue_node, page, pull_state, pulls_and_issues, ref_node
from sandbox.graphql_schema import PAGE, Connection, Context, Node, define, scalars
from sandbox.ids import node_id, text_id
from sandbox.model import Issue
from sandbox.pulls import half
from sandbox.shapes import iso
from sandbox.shapes_git import shas

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
        return page(
            context, "comments", [Node("IssueComment", (node.it, comment), node.home) for comment in made], args
        )

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
    state=lambda _, node: pull_state(node.it),
    isDraft=lambda _, node: half(node.it).draft,
    merged=lambda _, node: half(node.it).merged_at is not None,
    mergedAt=lambda _, node: iso(half(node.it).merged_at),
    headRefName=lambda _, node: half(node.it).head,
    baseRefName=lambda _, node: half(node.it).base,
    headRefOid=lambda _, node: shas(node.home, node.it)[0],
    baseRefOid=lambda _, node: shas(node.home, node.it)[1],
    mergeable=lambda _, node: _mergeable(node.it),
)


def _mergeable(issue: Issue) -> str:
    if half(issue).merged_at:
        return "UNKNOWN"
    return "CONFLICTING" if half(issue).conflicts else "MERGEABLE"


@define("PullRequest", "commits", "Connection:PullRequestCommit", PAGE)
def _pull_commits(context: Context, node: Node, args: Args) -> Connection:
    head, base = shas(node.home, node.it)
    found = [Node("PullRequestCommit", (node.it, commit), node.home) for commit in git.ahead(node.home.git, base, head)]
    return page(context, "commits", found, args)


@define("PullRequestCommit", "commit", "Commit")
def _commit_of_pull(_: Context, node: Node, __: Args) -> Node:
    return Node("Commit", node.it[1], node.home)


@define("Commit", "statusCheckRollup", "StatusCheckRollup")
def _rollup(_: Context, node: Node, __: Args) -> Node | None:
    """The head of a pull request has the checks that it was given; nothing else has any."""
    pulls = (issue for issue in node.home.issues.values() if issue.pull and issue.pull.checks)
    state = next((half(issue).checks for issue in pulls if shas(node.home, issue)[0] == node.it.sha), "")
    return Node("StatusCheckRollup", state.upper()) if state else None


scalars("StatusCheckRollup", state=lambda _, node: node.it)


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


@define(
    "Issue",
    "closedByPullRequestsReferences",
    "Connection:PullRequest",
    PAGE | {"includeClosedPrs", "orderByState", "userLinkedOnly"},
)
def _closed_by(context: Context, node: Node, args: Args) -> Connection:
    closed = bool(args.get("includeClosedPrs"))
    found = [
        issue
        for issue in pulls_and_issues(node.home, True)
        if node.it.number in half(issue).closes and (closed or issue.state == "open")
    ]
    return page(context, "closedByPullRequestsReferences", [issue_node(node.home, issue) for issue in found], args)


@define("Issue", "linkedBranches", "Connection:LinkedBranch", PAGE)
def _linked(context: Context, node: Node, args: Args) -> Connection:
    return page(
        context, "linkedBranches", [Node("LinkedBranch", name, node.home) for name in node.it.linked_branches], args
    )


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
