"""The GraphQL that the adapter speaks."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.graphql_parser import Field, ParseError, parse
from tests.sandbox.conftest import Client

REPOSITORY = """query { repository(owner: "demo", name: "field-notes") {
  id defaultBranchRef { name target { oid ... on Commit { message } } }
  suggestedActors(capabilities: [CAN_BE_ASSIGNED], first: 100) { nodes { login __typename ... on Bot { id } } }
  labels(first: 100) { nodes { id name } } } }"""
ASSIGN = """mutation($issue: ID!, $bot: ID!) { addAssigneesToAssignable(input: {
  assignableId: $issue, assigneeIds: [$bot], agentAssignment: {baseRef: "main"}}) {
  assignable { ... on Issue { assignedActors(first: 5) { nodes { ... on Bot { login } } } } } } }"""


def _repository(client: Client) -> dict[str, Any]:
    found: dict[str, Any] = client.graphql(REPOSITORY)["data"]["repository"]
    return found


def _bot(client: Client) -> str:
    return str(_repository(client)["suggestedActors"]["nodes"][0]["id"])


def test_copilot_is_suggested_only_with_the_feature_header(client: Client) -> None:
    assert _repository(client)["suggestedActors"]["nodes"][0]["login"] == "copilot-swe-agent"
    plain = client.graphql(REPOSITORY, features=False)["data"]["repository"]["suggestedActors"]["nodes"]
    assert "copilot-swe-agent" not in [node["login"] for node in plain]


def test_failed_alias_leaves_the_others_done(client: Client) -> None:
    issue, labels = client.issue(), _repository(client)["labels"]["nodes"]
    answer = client.graphql(
        """mutation($id: ID!, $label: ID!) {
          a: updateIssue(input: {id: "I_nothing", body: "x"}) { issue { id } }
          b: addLabelsToLabelable(input: {labelableId: $id, labelIds: [$label], clientMutationId: "run:1:abc"}) {
            clientMutationId labelable { labels(first: 10) { nodes { name } } } }
        }""",
        id=issue["node_id"],
        label=labels[0]["id"],
    )
    assert answer["data"]["a"] is None
    assert [(error["path"], error["type"]) for error in answer["errors"]] == [(["a"], "NOT_FOUND")]
    assert answer["data"]["b"]["labelable"]["labels"]["nodes"] == [{"name": labels[0]["name"]}]
    assert answer["data"]["b"]["clientMutationId"] == "run:1:abc"
    logged = client.sandbox.log.mutations("addLabelsToLabelable")
    assert [(entry["effect"], entry["hash"], entry["alias"]) for entry in logged] == [("run:1", "abc", "b")]


def test_unknown_field_is_refused_before_anything_runs(client: Client) -> None:
    repository = _repository(client)["id"]
    answer = client.graphql(
        'mutation($r: ID!) { createIssue(input: {repositoryId: $r, title: "T"}) { issue { id flavour } } }',
        r=repository,
    )
    assert "data" not in answer
    assert answer["errors"][0]["message"] == "Field 'flavour' doesn't exist on type 'Issue'"
    assert answer["errors"][0]["extensions"]["code"] == "undefinedField"
    assert client.get("issues").json() == []


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("{ viewer { login ", "Parse error on end of file at [1, 18]"),
        ("{ viewer }", "Field must have selections"),
        ("{ viewer { login(x: 1) } }", "Field 'login' doesn't accept argument 'x'"),
        ('{ repository(owner: "demo", name: "field-notes") { issues { totalCount } } }', "You must provide a `first`"),
        (
            '{ repository(owner: "demo", name: "gone") { id } }',
            "Could not resolve to a Repository with the name 'demo/gone'.",
        ),
        (
            "mutation { createIssue(input: {colour: 1}) { issue { id } } }",
            "InputObject 'CreateIssueInput' doesn't accept",
        ),
        ("query($id: ID!) { node(id: $id) { id } }", "Variable $id of type ID! was provided invalid value"),
    ],
)
def test_bad_query_is_told_why(client: Client, query: str, message: str) -> None:
    assert message in client.graphql(query)["errors"][0]["message"]


def test_branch_and_commit_in_one_request(client: Client) -> None:
    repository = _repository(client)
    head = repository["defaultBranchRef"]["target"]["oid"]
    query = """mutation($r: ID!, $oid: GitObjectID!, $text: Base64String!) {
      a: createRef(input: {repositoryId: $r, name: "refs/heads/work/2", oid: $oid}) { ref { id name } }
      b: createCommitOnBranch(input: {branch: {repositoryNameWithOwner: "demo/field-notes", branchName: "work/2"},
        expectedHeadOid: $oid, message: {headline: "Scaffold", body: "marker"},
        fileChanges: {additions: [{path: "reports/2.md", contents: $text}]}}) { commit { oid message } } }"""
    text = base64.b64encode(b"# Report\n").decode()
    answer = client.graphql(query, r=repository["id"], oid=head, text=text)
    assert answer["data"]["b"]["commit"]["message"] == "Scaffold\n\nmarker"
    again = client.graphql(query, r=repository["id"], oid=head, text=text)
    assert [error["type"] for error in again["errors"]] == ["UNPROCESSABLE", "STALE_DATA"]
    delete = "mutation($ref: ID!) { deleteRef(input: {refId: $ref}) { clientMutationId } }"
    assert "errors" not in client.graphql(delete, ref=answer["data"]["a"]["ref"]["id"])
    assert client.get("branches/work/2").status_code == 404


def test_pull_request_is_opened_found_and_closed(client: Client) -> None:
    issue, repository = client.issue(), _repository(client)
    head = repository["defaultBranchRef"]["target"]["oid"]
    made = client.graphql(
        """mutation($r: ID!, $i: ID!, $oid: GitObjectID!) {
          a: createLinkedBranch(input: {issueId: $i, oid: $oid, name: "work/3"}) { linkedBranch { ref { name } } }
          b: createCommitOnBranch(input: {branch: {repositoryNameWithOwner: "demo/field-notes", branchName: "work/3"},
            expectedHeadOid: $oid, message: {headline: "x"}, fileChanges: {additions: [{path: "x", contents: ""}]}})
            { commit { oid } }
          c: createPullRequest(input: {repositoryId: $r, baseRefName: "main", headRefName: "work/3", title: "P",
            body: "Closes #1", draft: true}) { pullRequest { id number isDraft } } }""",
        r=repository["id"], i=issue["node_id"], oid=head,
    )  # fmt: skip
    pull = made["data"]["c"]["pullRequest"]
    assert (pull["number"], pull["isDraft"]) == (2, True)
    found = client.graphql(
        """query($id: ID!) { nodes(ids: [$id, "I_none"]) { __typename ... on Issue {
          closedByPullRequestsReferences(first: 5, includeClosedPrs: true) { nodes { number state } }
          timelineItems(last: 10, itemTypes: [CROSS_REFERENCED_EVENT]) { nodes {
            ... on CrossReferencedEvent { source { ... on PullRequest { number headRefName } } } } } } } }""",
        id=issue["node_id"],
    )
    node = found["data"]["nodes"][0]
    assert node["closedByPullRequestsReferences"]["nodes"] == [{"number": 2, "state": "OPEN"}]
    assert node["timelineItems"]["nodes"] == [{"source": {"number": 2, "headRefName": "work/3"}}]
    assert (found["data"]["nodes"][1], found["errors"][0]["path"]) == (None, ["nodes", 1])
    ready = """mutation($p: ID!) {
      a: markPullRequestReadyForReview(input: {pullRequestId: $p}) { pullRequest { isDraft } }
      b: closePullRequest(input: {pullRequestId: $p}) { pullRequest { state } } }"""
    answer = client.graphql(ready, p=pull["id"])["data"]
    assert (answer["a"]["pullRequest"]["isDraft"], answer["b"]["pullRequest"]["state"]) == (False, "CLOSED")


def test_copilot_is_assigned_with_header_and_user_token_only(client: Client, app: Client) -> None:
    issue, bot = client.issue(), _bot(client)
    refused = client.graphql(ASSIGN, features=False, issue=issue["node_id"], bot=bot)
    assert refused["errors"][0]["message"] == "Bot does not have access to the repository"
    installation = app.graphql(ASSIGN, issue=issue["node_id"], bot=bot)["errors"][0]
    assert installation["type"] == "FORBIDDEN"
    assert installation["message"].startswith("Assigning agents is not supported with GitHub App installation tokens.")
    done = client.graphql(ASSIGN, issue=issue["node_id"], bot=bot)["data"]["addAssigneesToAssignable"]
    assert done["assignable"]["assignedActors"]["nodes"] == [{"login": "copilot-swe-agent"}]


def test_issues_are_filtered_ordered_and_paged_by_cursor(client: Client) -> None:
    for number in range(5):
        client.issue(f"Issue {number}")
    query = """query($after: String) { repository(owner: "demo", name: "field-notes") {
      issues(first: 2, after: $after, states: [OPEN], orderBy: {field: CREATED_AT, direction: DESC}) {
        totalCount nodes { number } pageInfo { hasNextPage endCursor } } } }"""
    seen, after = [], None
    for _ in range(3):
        page = client.graphql(query, after=after)["data"]["repository"]["issues"]
        seen += [node["number"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
    assert (seen, page["pageInfo"]["hasNextPage"], page["totalCount"]) == ([5, 4, 3, 2, 1], False, 5)


def test_fragments_aliases_and_conditions_are_merged(client: Client) -> None:
    query = """query($yes: Boolean = true) { me: viewer { ...Who id @skip(if: $yes) ... on User { databaseId } } }
      fragment Who on User { name: login }"""
    me = client.graphql(query)["data"]["me"]
    assert set(me) == {"name", "databaseId"}


def test_parser_reads_strings_and_block_strings() -> None:
    document = parse('{ a(x: "q\\"\\u00e9\\n", y: """\n    one\n      two\n  """, z: [1, -2.5, RED, null, {k: $v}]) }')
    field = document.operations[0].selections[0]
    assert isinstance(field, Field)
    assert (field.arguments["x"], field.arguments["y"]) == ('q"é\n', "one\n  two")
    assert field.arguments["z"][:4] == [1, -2.5, "RED", None]


@given(st.text(max_size=60))
def test_any_text_parses_or_names_the_place(text: str) -> None:
    try:
        place = (parse(text).operations != [], 1)
    except ParseError as error:
        place = (error.line >= 1, error.column)
    assert place >= (True, 1)
