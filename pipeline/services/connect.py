"""Builds the GitHub port of a repository from its row: credentials, governors, and the protocol that its server speaks.

Tests and rehearsals put another factory in force:  `with connect.using(lambda repository: fake): ...`
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NoReturn

from pipeline import clock
from pipeline.github import adapter
from pipeline.github.client import Ask, Client
from pipeline.github.memory import Memory
from pipeline.github.port import BadCredentials, GitHub, GitHubError
from pipeline.github.reader import RestReader
from pipeline.github.reader_graphql import copilot_id
from pipeline.models import Repository, RepositoryLabel, TokenBudget
from pipeline.services import audit
from pipeline.services.credentials import CredentialMissing, resolve, token_key
from pipeline.services.governor import Governor, Limits

Factory = Callable[[Repository], GitHub]
BASE_SECONDS = 60.0  # scaffold branches may start from a commit this old

_copilot_ids = Memory(3600.0)  # by server and repository: under which id Copilot is assigned
_heads: dict[tuple[str, str], Memory] = {}


class _NoClient(Client):
    """Stands where a credential is missing: every use says so, and work that does not need it goes on."""

    def __init__(self, problem: str) -> None:
        self._problem = problem

    def close(self) -> None:
        """There is nothing to close."""

    def rest(self, ask: Ask) -> NoReturn:
        raise BadCredentials(f"{self._problem} {ask.asked} was not sent.")

    def graphql(
        self,
        name: str,
        query: str,  # noqa: ARG002 - the signature is the client's
        variables: Mapping[str, Any],  # noqa: ARG002 - the same
        headers: Mapping[str, str] | None = None,  # noqa: ARG002 - the same
    ) -> NoReturn:
        raise BadCredentials(f"{self._problem} The request to {name} was not sent.")


def connect(repository: Repository) -> GitHub:
    """The repository's GitHub, for one thread. Raises BadCredentials when its token cannot be found."""
    return _factory(repository)


@contextmanager
def using(factory: Factory) -> Iterator[None]:
    """Put another factory in force for a while."""
    global _factory  # noqa: PLW0603 - one seam per process is the whole point
    before, _factory = _factory, factory
    try:
        yield
    finally:
        _factory = before


def check_token(repository: Repository) -> str:
    """Ask GitHub whose tokens these are and what they see of the repository; stores and returns the problem, if any."""
    login, problem, node_id, branch = "", "", repository.node_id, repository.default_branch
    try:
        client, handover = _clients(repository)
        facts = RestReader(client, handover, repository.full_name)
        login = facts.token().login
        seen = facts.repository()
        node_id, branch = seen.node_id, seen.default_branch
        if handover is not client:
            RestReader(handover, handover, repository.full_name).token()
    except GitHubError as error:
        problem = str(error)[:500]
    repository.token_login, repository.token_problem, repository.node_id = login[:100], problem, node_id
    repository.token_checked_at = clock.now()
    Repository.objects.filter(pk=repository.pk).update(
        token_login=repository.token_login,
        token_problem=problem,
        node_id=node_id,
        token_checked_at=repository.token_checked_at,
    )
    _follow_branch(repository, branch)
    _name_budget(repository)
    return problem


def _follow_branch(repository: Repository, branch: str) -> None:
    """The default branch is GitHub's to say: only a pull request into that one closes its issue."""
    before = repository.default_branch
    if branch == before:
        return
    repository.default_branch = branch
    Repository.objects.filter(pk=repository.pk).update(default_branch=branch)
    audit.append(
        actor="rule:default branch",
        action="repository.default_branch",
        subject=str(repository),
        reason="GitHub names it as the default branch.",
        before={"default_branch": before},
        after={"default_branch": branch},
    )


def _name_budget(repository: Repository) -> None:
    """Let the quota's row say which reference and login it stands for."""
    if repository.token_login:
        key = token_key(resolve(repository.token_reference))
        label = f"{repository.token_reference} ({repository.token_login})"
        TokenBudget.objects.filter(token_key=key).update(label=label[:200])


def _over_http(repository: Repository) -> GitHub:
    client, handover = _clients(repository)

    def known_labels() -> dict[str, str]:
        return dict(RepositoryLabel.objects.filter(repository=repository).values_list("name", "node_id"))

    if repository.protocol == Repository.Protocol.REST:
        return adapter.rest(client, handover, repository.full_name, known_labels)
    return adapter.graphql(
        client,
        handover,
        repository.full_name,
        known_labels,
        repository_id=lambda: _repository_id(repository, client),
        find_copilot=lambda: _copilot_id(repository, handover),
        heads=_heads.setdefault((repository.api_url, repository.full_name), Memory(BASE_SECONDS)),
    )


def _clients(repository: Repository) -> tuple[Client, Client]:
    """The client for everything and the one for the hand-over, which may be the same."""
    try:
        client = _client(repository, repository.token_reference)
    except CredentialMissing as error:
        raise BadCredentials(f"{error} Nothing was sent.") from error
    if repository.handover_token_reference in ("", repository.token_reference):
        return client, client
    try:
        return client, _client(repository, repository.handover_token_reference)
    except CredentialMissing as error:
        return client, _NoClient(str(error))


def _client(repository: Repository, reference: str) -> Client:
    token = resolve(reference)
    governor = Governor(token_key(token), Limits.of(repository), repository.pk, label=reference)
    return Client(repository.api_url, token, governor)


def _repository_id(repository: Repository, client: Client) -> str:
    """Read once and kept in the row."""
    if not repository.node_id:
        repository.node_id = RestReader(client, client, repository.full_name).repository().node_id
        Repository.objects.filter(pk=repository.pk).update(node_id=repository.node_id)
    return repository.node_id


def _copilot_id(repository: Repository, handover: Client) -> str | None:
    place = f"{repository.api_url} {repository.full_name}"
    remembered = _copilot_ids.get(place)
    if remembered:
        return remembered
    found = copilot_id(handover, repository.full_name)
    if found:  # "not enabled" is asked again each time: a person is probably changing just that
        _copilot_ids.put(place, found)
    return found


_factory: Factory = _over_http
