"""Writing over GraphQL: all changes to one issue as aliases of one request, each settled by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from pipeline.domain.changes import ClosePull, CreateBranch, DeleteBranch, DisableWorkflow, WriteSections
from pipeline.github import actions, errors, mutations, parse, writing
from pipeline.github.client import COPILOT_FEATURES, Client, Reply, graphql_error
from pipeline.github.errors import Asked
from pipeline.github.memory import Memory
from pipeline.github.mutations import Field, Known, Ref
from pipeline.github.port import GitHubError, Intent, IssueTarget, Outcome, UnknownFate
from pipeline.github.writing import effect_of, failed

MAX_INTENTS = 20  # more mutations in one request run into GitHub's resource limits
WRITE = Asked("POST", "/graphql (write)", write=True)
READ = Asked("POST", "/graphql (before write)", write=False)


@dataclass(frozen=True, slots=True)
class _Part:
    """One intent on its way: the fields that it needs, or why it is not sent. `body` is what sections go into."""

    intent: Intent
    fields: tuple[Field, ...]
    body: str
    error: GitHubError | None = None

    def aliases(self, position: int) -> list[str]:
        return [f"i{position}f{index}" for index in range(len(self.fields))]


class GraphQLWriter:
    """`repository_id`, `known_labels` (name → node id) and `copilot_id` are asked only when a change needs them.

    `heads` remembers where base branches stood: a branch may as well start from a commit that is a minute old.
    """

    def __init__(
        self,
        client: Client,
        handover: Client,
        full_name: str,
        *,
        repository_id: Callable[[], str],
        known_labels: Callable[[], Mapping[str, str]],
        copilot_id: Callable[[], str | None],
        heads: Memory,
    ) -> None:
        self._client = client
        self._handover = handover
        self._full_name = full_name
        self._repository_id = repository_id
        self._known_labels = known_labels
        self._copilot_id = copilot_id
        self._heads = heads

    def apply(self, target: IssueTarget, intents: Sequence[Intent]) -> tuple[Outcome, ...]:
        return writing.in_order(self._requests(intents), lambda part: self._send(target, part))

    def _requests(self, intents: Sequence[Intent]) -> list[tuple[Intent, ...]]:
        """What may travel together: the hand-over goes by itself where it has a credential of its own."""
        apart = self._client is not self._handover
        runs = groupby(intents, key=lambda intent: (_over_rest(intent), apart and writing.needs_user(intent)))
        return [part for _, run in runs for part in _chunks(tuple(run))]

    def _send(self, target: IssueTarget, intents: Sequence[Intent]) -> list[Outcome]:
        if _over_rest(intents[0]):
            return list(writing.in_order([(intent,) for intent in intents], self._apart))
        user = any(writing.needs_user(intent) for intent in intents)
        client = self._handover if user else self._client
        try:
            known = self._known(client, intents, user=user)
        except GitHubError as error:
            return [failed(intents[0], error), *map(writing.not_sent, intents[1:])]
        parts = _planned(target, intents, known)
        sent = [part for part in parts if part.fields and part.error is None]
        try:
            reply = self._request(client, parts, user=user) if sent else Reply({}, ())
        except GitHubError as error:
            return [_unanswered(part, error, target, known) for part in parts]
        outcomes = [_settled(part, position, reply, target, known) for position, part in enumerate(parts)]
        self._remember(intents, outcomes, known)
        return outcomes

    def _apart(self, part: Sequence[Intent]) -> list[Outcome]:
        intent, change = part[0], part[0].change
        try:
            if not isinstance(change, DisableWorkflow):
                raise TypeError(f"{change.kind} travels over GraphQL.")
            return [writing.applied(intent, actions.disable(self._client, self._full_name, intent, change))]
        except GitHubError as error:
            return [failed(intent, error)]

    def _request(self, client: Client, parts: Sequence[_Part], *, user: bool) -> Reply:
        declared, selected, variables = [], [], {}
        for position, part in enumerate(parts):
            for alias, field in zip(part.aliases(position), part.fields, strict=True):
                declared.append(f"${alias}: {field.input_type}")
                selected.append(f"{alias}: {field.name}(input: ${alias}) {{ {_selection(field)} }}")
                variables[alias] = {**field.values, "clientMutationId": effect_of(part.intent)}
        query = f"mutation({', '.join(declared)}) {{\n" + "\n".join(selected) + "\n}"
        return client.graphql("write", query, variables, COPILOT_FEATURES if user else None)

    # --- what must be known before ---

    def _known(self, client: Client, intents: Sequence[Intent], *, user: bool) -> Known:
        known = Known(
            self._full_name,
            self._repository_id(),
            self._known_labels(),
            copilot_id=(self._copilot_id() or "") if user else "",
        )
        branches, pulls, heads = _to_read(intents, self._heads)
        known = replace(known, refs=heads)
        if not branches and not pulls:
            return known
        reply = client.graphql("before write", *_before_write(self._full_name, branches, pulls))
        for failure in reply.errors:  # a pull request that is absent is an error, an absent branch is a null
            raise graphql_error(READ, failure)
        try:
            return _with_read(known, reply.data, branches, pulls)
        except parse.ShapeError as error:
            raise errors.unreadable(READ, str(error)) from error

    def _remember(self, intents: Sequence[Intent], outcomes: Sequence[Outcome], known: Known) -> None:
        """A base that worked is used again; after a failure it is read anew."""
        for intent, outcome in zip(intents, outcomes, strict=True):
            if not isinstance(intent.change, CreateBranch):
                continue
            base = intent.change.base
            if outcome.applied is None:
                self._heads.forget(base)
            elif self._heads.get(base) is None:
                self._heads.put(base, known.branch(base).oid)


def _over_rest(intent: Intent) -> bool:
    """What GraphQL has no mutation for."""
    return isinstance(intent.change, DisableWorkflow)


def _chunks(intents: Sequence[Intent]) -> list[tuple[Intent, ...]]:
    return [tuple(intents[start : start + MAX_INTENTS]) for start in range(0, len(intents), MAX_INTENTS)]


def _selection(field: Field) -> str:
    return field.selection if field.selection == "clientMutationId" else f"clientMutationId {field.selection}"


def _to_read(intents: Sequence[Intent], heads: Memory) -> tuple[list[str], list[int], dict[str, Ref | None]]:
    """Branches and pull requests that must be read before, and base branches that are remembered.

    From a remembered base the branch itself is not asked for: where it exists, making it is refused.
    """
    branches: dict[str, None] = {}
    pulls: dict[int, None] = {}
    remembered: dict[str, Ref | None] = {}
    for change in (intent.change for intent in intents):
        if isinstance(change, CreateBranch):
            head = heads.get(change.base)
            if head:
                remembered[change.base] = Ref("", head)
            else:
                branches |= {change.base: None, change.branch: None}
        elif isinstance(change, DeleteBranch):
            branches[change.branch] = None
        elif isinstance(change, ClosePull):
            pulls[change.number] = None
    return list(branches), list(pulls), remembered


def _before_write(full_name: str, branches: list[str], pulls: list[int]) -> tuple[str, dict[str, Any]]:
    """One query for the heads of branches and the node ids of pull requests."""
    owner, _, name = full_name.partition("/")
    declared, selected = ["$owner: String!", "$name: String!"], []
    variables: dict[str, Any] = {"owner": owner, "name": name}
    for index, branch in enumerate(branches):
        declared.append(f"$b{index}: String!")
        selected.append(f"b{index}: ref(qualifiedName: $b{index}) {{ id target {{ oid }} }}")
        variables[f"b{index}"] = f"refs/heads/{branch}"
    for index, number in enumerate(pulls):
        declared.append(f"$p{index}: Int!")
        selected.append(f"p{index}: pullRequest(number: $p{index}) {{ id }}")
        variables[f"p{index}"] = number
    query = (
        f"query({', '.join(declared)}) {{ repository(owner: $owner, name: $name) {{ id\n"
        + "\n".join(selected)
        + "\n} }"
    )
    return query, variables


def _with_read(known: Known, data: Mapping[str, Any], branches: list[str], pulls: list[int]) -> Known:
    repository = parse.field(data, "repository", dict)

    def ref(index: int) -> Ref | None:
        found = parse.optional(repository, f"b{index}", dict)
        return None if found is None else Ref(parse.field(found, "id", str), parse.field(found, "target.oid", str))

    return replace(
        known,
        refs={**known.refs, **{branch: ref(index) for index, branch in enumerate(branches)}},
        pulls={number: parse.field(repository, f"p{index}.id", str) for index, number in enumerate(pulls)},
    )


def _planned(target: IssueTarget, intents: Sequence[Intent], known: Known) -> list[_Part]:
    """Each intent's fields; after the first that cannot be sent, nothing more is."""
    parts: list[_Part] = []
    body, stopped = target.body, False
    for intent in intents:
        if stopped:
            parts.append(_Part(intent, (), body, writing.not_sent(intent).error))
            continue
        try:
            fields = mutations.plan(intent.change, target, known, body)
            parts.append(_Part(intent, tuple(fields), body))
            if isinstance(intent.change, WriteSections):
                body = writing.spliced(body, intent.change.sections)
        except GitHubError as error:
            stopped = True
            parts.append(_Part(intent, (), body, error))
    return parts


def _unanswered(part: _Part, error: GitHubError, target: IssueTarget, known: Known) -> Outcome:
    if part.error is not None:
        return failed(part.intent, part.error)
    if not part.fields:
        return _told(part, [], target, known)
    return failed(part.intent, error)


def _settled(part: _Part, position: int, reply: Reply, target: IssueTarget, known: Known) -> Outcome:
    """The fate of one intent: its own error, its answers, or neither, which is no promise either way."""
    if part.error is not None:
        return failed(part.intent, part.error)
    aliases = part.aliases(position)
    answers = [reply.data[alias] for alias in aliases if isinstance(reply.data.get(alias), dict)]
    if len(answers) == len(aliases):
        return _told(part, answers, target, known)
    error = next((graphql_error(WRITE, failure) for failure in reply.errors if _alias(failure) in aliases), None)
    if error is None:
        why = next((str(failure.get("message")) for failure in reply.errors), "no answer for this part")
        error = errors.unreadable(WRITE, why)
    if answers:  # a branch was made and its commit refused: half done, so it is looked up
        error = UnknownFate(f"Only a part of this change took place: {error} {errors.LOOK_UP}", status=error.status)
    return failed(part.intent, error)


def _told(part: _Part, answers: list[Any], target: IssueTarget, known: Known) -> Outcome:
    try:
        return writing.applied(part.intent, mutations.facts(part.intent.change, answers, target, known, part.body))
    except parse.ShapeError as error:
        return failed(part.intent, errors.unreadable(WRITE, str(error)))
    except GitHubError as error:
        return failed(part.intent, error)


def _alias(failure: Mapping[str, Any]) -> str:
    path = failure.get("path")
    return str(path[0]) if isinstance(path, list) and path else ""
