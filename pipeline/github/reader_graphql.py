"""Reading where the server speaks GraphQL: many hand-overs in one request, and who can be assigned."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from pipeline import clock
from pipeline.domain.facts import HandoverFacts, Pull
from pipeline.domain.snapshot import COPILOT_LOGINS
from pipeline.github import errors, parse, queries
from pipeline.github.client import COPILOT_FEATURES, Client, graphql_error
from pipeline.github.errors import Asked
from pipeline.github.reader import RestReader

MAX_IDS = 100  # GitHub's own limit for nodes(ids:)


class GraphQLReader(RestReader):
    def handovers(self, targets: Sequence[tuple[int, str]]) -> tuple[HandoverFacts, ...]:
        found: list[HandoverFacts] = []
        for start in range(0, len(targets), MAX_IDS):
            found += self._batch([node_id for _, node_id in targets[start : start + MAX_IDS]])
        return tuple(found)

    def _batch(self, ids: list[str]) -> list[HandoverFacts]:
        reply = self._client.graphql("handovers", queries.HANDOVERS, {"ids": ids})
        asked = Asked("POST", "/graphql (handovers)", write=False)
        # An issue that is gone is a null with NOT_FOUND; any other error would make a present one look absent.
        for failure in reply.errors:
            if failure.get("type") != "NOT_FOUND" and not _is_of_checks(failure):
                raise graphql_error(asked, failure)
        try:
            rows = parse.field(reply.data, "nodes", list)
            if len(rows) != len(ids):
                raise parse.ShapeError(f"{len(ids)} nodes were asked for, {len(rows)} came")
            read_at = clock.now()
            home = self._full_name.lower()
            return [_facts(row, node_id, read_at, home) for row, node_id in zip(rows, ids, strict=True)]
        except parse.ShapeError as error:
            raise errors.unreadable(asked, str(error)) from error


def copilot_id(client: Client, full_name: str) -> str | None:
    """The node id under which Copilot can be assigned here; None where it is not enabled for this token."""
    owner, _, name = full_name.partition("/")
    after: str | None = None
    asked = Asked("POST", "/graphql (suggested actors)", write=False)
    while True:
        variables = {"owner": owner, "name": name, "after": after}
        reply = client.graphql("suggested actors", queries.SUGGESTED_ACTORS, variables, COPILOT_FEATURES)
        if reply.errors:
            raise graphql_error(asked, reply.errors[0])
        try:
            actors = parse.field(reply.data, "repository.suggestedActors", dict)
            found = _copilot_in(parse.nodes(reply.data["repository"], "suggestedActors"))
            if found or not parse.field(actors, "pageInfo.hasNextPage", bool):
                return found
            after = parse.field(actors, "pageInfo.endCursor", str)
        except parse.ShapeError as error:
            raise errors.unreadable(asked, str(error)) from error


def _copilot_in(actors: Iterable[Any]) -> str | None:
    for entry in actors:
        if entry.get("__typename") == "Bot" and str(entry.get("login", "")).lower() in COPILOT_LOGINS:
            return parse.field(entry, "id", str)
    return None


def _is_of_checks(failure: Mapping[str, Any]) -> bool:
    """Fine-grained tokens often may not see checks; everything else in the answer is there all the same."""
    path = failure.get("path")
    return isinstance(path, list) and "statusCheckRollup" in path


def _facts(node: Any, node_id: str, read_at: datetime, home: str) -> HandoverFacts:
    """An issue that lives elsewhere by now was transferred; its number there means another issue here."""
    if node is None or node.get("__typename") != "Issue":
        return HandoverFacts(None, node_id, ())
    if parse.field(node, "repository.nameWithOwner", str).lower() != home:
        return HandoverFacts(None, node_id, ())
    return HandoverFacts(parse.graphql_issue(node, read_at), node_id, _pulls(node))


def _pulls(node: Any) -> tuple[Pull, ...]:
    """A pull request of another repository may name this issue too; its number means something else here."""
    home = parse.field(node, "repository.nameWithOwner", str)
    linked = parse.nodes(node, "closedByPullRequestsReferences")
    sources = [entry.get("source") or {} for entry in parse.nodes(node, "timelineItems")]
    crossing = [source for source in sources if source.get("__typename") == "PullRequest"]
    ours = [found for found in linked + crossing if parse.field(found, "repository.nameWithOwner", str) == home]
    by_number = {pull.number: pull for pull in map(parse.graphql_pull, ours)}
    return tuple(by_number[number] for number in sorted(by_number))
