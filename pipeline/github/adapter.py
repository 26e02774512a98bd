"""Reader and writer put together: the GitHub port for one repository, over GraphQL or over REST alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from pipeline.github.client import Client
from pipeline.github.memory import Memory
from pipeline.github.port import GitHub, GitHubWriter, Intent, IssueTarget, Outcome
from pipeline.github.reader import RestReader
from pipeline.github.reader_graphql import GraphQLReader, copilot_id
from pipeline.github.writer_graphql import GraphQLWriter
from pipeline.github.writer_rest import RestWriter

KnownLabels = Callable[[], Mapping[str, str]]  # name → node id


class _Rest(RestReader):
    def __init__(self, client: Client, handover: Client, full_name: str, writer: GitHubWriter) -> None:
        super().__init__(client, handover, full_name)
        self._writer = writer

    def apply(self, target: IssueTarget, intents: Sequence[Intent]) -> tuple[Outcome, ...]:
        return self._writer.apply(target, intents)


class _GraphQL(GraphQLReader):
    def __init__(
        self,
        client: Client,
        handover: Client,
        full_name: str,
        writer: GitHubWriter,
        find_copilot: Callable[[], str | None],
    ) -> None:
        super().__init__(client, handover, full_name)
        self._writer = writer
        self._find_copilot = find_copilot

    def can_assign_copilot(self) -> bool:
        return self._find_copilot() is not None

    def apply(self, target: IssueTarget, intents: Sequence[Intent]) -> tuple[Outcome, ...]:
        return self._writer.apply(target, intents)


def rest(client: Client, handover: Client, full_name: str, known_labels: KnownLabels) -> GitHub:
    """For a server without GraphQL. `handover` may be the same client."""
    return _Rest(client, handover, full_name, RestWriter(client, handover, full_name, known_labels))


def graphql(
    client: Client,
    handover: Client,
    full_name: str,
    known_labels: KnownLabels,
    *,
    repository_id: Callable[[], str] | None = None,
    find_copilot: Callable[[], str | None] | None = None,
    heads: Memory | None = None,
) -> GitHub:
    """For github.com and Enterprise Server. The caller may answer the two look-ups from what it remembers.

    `heads` remembers base branches of this one repository.
    """
    reader = GraphQLReader(client, handover, full_name)
    find = find_copilot or (lambda: copilot_id(handover, full_name))
    writer = GraphQLWriter(
        client,
        handover,
        full_name,
        repository_id=repository_id or (lambda: reader.repository().node_id),
        known_labels=known_labels,
        copilot_id=find,
        heads=heads or Memory(0),
    )
    return _GraphQL(client, handover, full_name, writer, find)
