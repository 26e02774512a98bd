"""The types that the executor knows, and the check of a request against them before anything runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from sandbox.call import Call
from sandbox.graphql_parser import Document, Field, Inline, Operation, Selection, Spread
from sandbox.limits import Limits
from sandbox.model import Repository
from sandbox.shapes import Shapes
from sandbox.world import World

PAGE = frozenset({"first", "after", "last", "before"})
MAX_PAGE = 100


@dataclass(frozen=True)
class Context:
    """What a resolver may need."""

    world: World
    shapes: Shapes
    call: Call
    limits: Limits


@dataclass(frozen=True)
class Node:
    """An object of a type. `repository` is the one in which it lies."""

    type: str
    it: Any
    repository: Repository | None = None

    @property
    def home(self) -> Repository:
        if self.repository is None:
            raise ValueError(f"A {self.type} without a repository.")
        return self.repository


@dataclass(frozen=True)
class Connection:
    """One page of a list."""

    nodes: list[Node]
    total: int
    start: int

    def cursor(self, index: int) -> str:
        return f"Y3Vyc29yOnYyO{self.start + index + 1}"


Resolver = Callable[[Context, Any, dict[str, Any]], Any]


@dataclass(frozen=True)
class FieldType:
    """`type` None is a scalar; "Connection:X" a page of X. `resolve` gets (context, node, arguments)."""

    type: str | None
    resolve: Resolver
    arguments: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Mutation:
    """`payload`: field → type (None: scalar). `act` returns the payload's values."""

    required: frozenset[str]
    optional: frozenset[str]
    payload: dict[str, str | None]
    act: Callable[[Context, dict[str, Any]], dict[str, Any]]


TYPES: dict[str, dict[str, FieldType]] = {}
MUTATIONS: dict[str, Mutation] = {}
# Abstract types: what they can be, and which fields all of these share.
ABSTRACT: dict[str, tuple[tuple[str, ...], frozenset[str]]] = {
    "Actor": (("User", "Bot"), frozenset({"login", "url", "avatarUrl"})),
    "Assignee": (("User", "Bot"), frozenset()),
    "Node": (
        ("Repository", "Issue", "PullRequest", "Label", "IssueComment", "User", "Bot", "Ref", "Commit"),
        frozenset({"id"}),
    ),
    "Labelable": (("Issue", "PullRequest"), frozenset({"labels"})),
    "Assignable": (("Issue", "PullRequest"), frozenset({"assignees"})),
    "ReferencedSubject": (("Issue", "PullRequest"), frozenset()),
    "GitObject": (("Commit",), frozenset({"oid", "id"})),
    "IssueTimelineItems": (
        (
            "CrossReferencedEvent", "ConnectedEvent", "LabeledEvent", "UnlabeledEvent", "AssignedEvent",
            "UnassignedEvent", "ClosedEvent", "ReopenedEvent", "RenamedTitleEvent", "IssueComment",
        ),
        frozenset(),
    ),
}  # fmt: skip


def define(
    type_name: str, name: str, kind: str | None = None, arguments: Iterable[str] = ()
) -> Callable[[Resolver], Resolver]:
    def register(resolver: Resolver) -> Resolver:
        TYPES.setdefault(type_name, {})[name] = FieldType(kind, resolver, frozenset(arguments))
        return resolver

    return register


def scalars(type_name: str, **resolvers: Callable[[Context, Any], Any]) -> None:
    """Fields without arguments or selections: resolver(context, node)."""
    for name, resolver in resolvers.items():
        TYPES.setdefault(type_name, {})[name] = FieldType(None, _plain(resolver))


def _plain(resolver: Callable[[Context, Any], Any]) -> Resolver:
    return lambda context, node, _arguments: resolver(context, node)


def field_of(type_name: str, name: str) -> FieldType | None:
    if type_name.startswith(("Connection:", "Edge:")):
        return _page_field(type_name, name)
    if type_name in ABSTRACT:
        possible, shared = ABSTRACT[type_name]
        return TYPES[possible[0]].get(name) if name in shared else None
    return TYPES.get(type_name, {}).get(name)


def shown(type_name: str) -> str:
    """Connection:Issue as GitHub names it."""
    kind, colon, inner = type_name.partition(":")
    return f"{inner}{kind}" if colon else type_name


def _page_field(type_name: str, name: str) -> FieldType | None:
    inner = type_name.partition(":")[2]
    if type_name.startswith("Edge:"):
        edge: dict[str, FieldType] = {
            "node": FieldType(inner, lambda _c, edge, _a: edge[1]),
            "cursor": FieldType(None, lambda _c, edge, _a: edge[0]),
        }
        return edge.get(name)
    page: dict[str, FieldType] = {
        "nodes": FieldType(inner, lambda _c, page, _a: page.nodes),
        "edges": FieldType(
            f"Edge:{inner}", lambda _c, page, _a: [(page.cursor(i), node) for i, node in enumerate(page.nodes)]
        ),
        "totalCount": FieldType(None, lambda _c, page, _a: page.total),
        "pageInfo": FieldType("PageInfo", lambda _c, page, _a: page),
    }
    return page.get(name)


# -- checking --------------------------------------------------------------------------------------------------------


@dataclass
class Check:
    """Collects what is wrong with an operation, in GitHub's words."""

    document: Document
    errors: list[dict[str, Any]] = field(default_factory=list)

    def operation(self, operation: Operation) -> list[dict[str, Any]]:
        path = [operation.kind]
        if operation.kind == "mutation":
            for selection in operation.selections:
                self._mutation(selection, path)
        else:
            self.selections("Query", operation.selections, path)
        return self.errors

    def selections(self, type_name: str, selections: Iterable[Selection], path: list[str]) -> None:
        for selection in selections:
            if isinstance(selection, Spread):
                fragment = self.document.fragments.get(selection.name)
                if fragment is None:
                    self._error(f"Fragment {selection.name} was used, but not defined", path, "useAndDefineFragment")
                else:
                    self._inline(type_name, fragment, path)
            elif isinstance(selection, Inline):
                self._inline(type_name, selection, path)
            else:
                self._field(type_name, selection, [*path, selection.key])

    def _inline(self, type_name: str, fragment: Inline, path: list[str]) -> None:
        inner = fragment.on or type_name
        if inner not in TYPES and inner not in ABSTRACT:
            self._error(f"No such type {inner}, so it can't be a fragment condition", path, "undefinedType")
        elif not _overlap(type_name, inner):
            message = f"Fragment on {inner} can't be spread inside {shown(type_name)}"
            self._error(message, path, "cannotSpreadFragment")
        else:
            self.selections(inner, fragment.selections, [*path, f"... on {inner}"])

    def _field(self, type_name: str, wanted: Field, path: list[str]) -> None:
        if wanted.name == "__typename":
            return
        known = field_of(type_name, wanted.name)
        if known is None:
            message = f"Field '{wanted.name}' doesn't exist on type '{shown(type_name)}'"
            more = {"typeName": shown(type_name), "fieldName": wanted.name}
            self._error(message, path, "undefinedField", wanted, **more)
            return
        for argument in wanted.arguments.keys() - known.arguments:
            message = f"Field '{wanted.name}' doesn't accept argument '{argument}'"
            self._error(message, path, "argumentNotAccepted", wanted, argumentName=argument)
        self._leaf(wanted, known.type, path)

    def _leaf(self, wanted: Field, kind: str | None, path: list[str]) -> None:
        if kind is None and wanted.selections:
            message = f"Selections can't be made on scalars (field '{wanted.name}' returns a scalar but has selections)"
            self._error(message, path, "selectionMismatch", wanted)
        elif kind is not None and not wanted.selections:
            message = (
                f"Field must have selections (field '{wanted.name}' returns {shown(kind)} but has no selections. "
                f"Did you mean '{wanted.name} {{ ... }}'?)"
            )
            self._error(message, path, "selectionMismatch", wanted)
        elif kind is not None:
            self.selections(kind, wanted.selections, path)

    def _mutation(self, selection: Selection, path: list[str]) -> None:
        if not isinstance(selection, Field):
            self._error("Fragments at the top of a mutation are not known to the sandbox", path, "cannotSpreadFragment")
            return
        if selection.name == "__typename":
            return
        path = [*path, selection.key]
        known = MUTATIONS.get(selection.name)
        if known is None:
            message = f"Field '{selection.name}' doesn't exist on type 'Mutation'"
            self._error(message, path, "undefinedField", selection, typeName="Mutation", fieldName=selection.name)
            return
        if set(selection.arguments) != {"input"}:
            message = f"Field '{selection.name}' is missing required arguments: input"
            self._error(message, path, "missingRequiredArguments", selection)
        if not selection.selections:
            self._leaf(selection, payload_type(selection.name), path)
        self._payload(payload_type(selection.name), known, selection.selections, path)

    def _payload(self, type_name: str, known: Mutation, selections: Iterable[Selection], path: list[str]) -> None:
        for inner in selections:
            if not isinstance(inner, Field):
                self._error("Fragments on payloads are not known to the sandbox", path, "cannotSpreadFragment")
            elif inner.name not in {*known.payload, "clientMutationId", "__typename"}:
                message = f"Field '{inner.name}' doesn't exist on type '{type_name}'"
                more = {"typeName": type_name, "fieldName": inner.name}
                self._error(message, [*path, inner.key], "undefinedField", inner, **more)
            else:
                self._leaf(inner, known.payload.get(inner.name), [*path, inner.key])

    def _error(self, message: str, path: list[str], code: str, at: Field | None = None, **more: str) -> None:
        locations = [{"line": at.line, "column": at.column}] if at else []
        self.errors.append(
            {"path": path, "extensions": {"code": code, **more}, "locations": locations, "message": message}
        )


def payload_type(name: str) -> str:
    return f"{name[0].upper()}{name[1:]}Payload"


def _overlap(one: str, other: str) -> bool:
    def possible(name: str) -> set[str]:
        return set(ABSTRACT[name][0]) if name in ABSTRACT else {name}

    return bool(possible(one) & possible(other))
