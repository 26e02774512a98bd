"""Running a checked operation: fields in order, an error beside the part that failed, the rest goes on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from sandbox.call import Call, split_effect
from sandbox.errors import Refusal
from sandbox.graphql_parser import Document, Field, Inline, Operation, Selection, Spread, Variable
from sandbox.graphql_schema import (
    ABSTRACT,
    MUTATIONS,
    Connection,
    Context,
    Mutation,
    Node,
    field_of,
    payload_type,
    shown,
)
from sandbox.world import Moved

Errors = list[dict[str, Any]]


@dataclass(frozen=True)
class Spoil:
    """What a fault does to single fields: refuse or ignore those of a name, or stop after the first few."""

    name: str | None = None
    refusal: Refusal | None = None
    ignore: bool = False
    limit: int | None = None

    def meets(self, name: str) -> bool:
        return self.name in (name, "*", "mutation", "query", None)


@dataclass
class Execution:
    context: Context
    document: Document
    operation: Operation
    variables: dict[str, Any]
    spoil: Spoil
    errors: Errors = field(default_factory=list)

    def run(self) -> dict[str, Any]:
        if self.operation.kind == "mutation":
            return self._mutations()
        return self._object(Node("Query", None), self.operation.selections, [], top=True)

    # -- queries -------------------------------------------------------------------------------------------------

    def _object(
        self, node: Any, selections: Iterable[Selection], path: list[Any], top: bool = False, kind: str = ""
    ) -> dict[str, Any]:
        """`kind` is the declared type; a Node knows its own."""
        concrete = node.type if isinstance(node, Node) else kind
        answer: dict[str, Any] = {}
        for key, fields in self._collect(concrete, selections).items():
            answer[key] = self._field(concrete, node, fields, [*path, key], top)
        return answer

    def _collect(self, type_name: str, selections: Iterable[Selection]) -> dict[str, list[Field]]:
        """Fields that apply to a type, by response key; the same key in several fragments is one field."""
        found: dict[str, list[Field]] = {}
        for selection in selections:
            inner: Selection | None = selection
            if isinstance(selection, Spread):
                inner = self.document.fragments[selection.name]
            if isinstance(inner, Inline):
                if self._holds(inner) and _applies(inner.on, type_name):
                    for key, fields in self._collect(type_name, inner.selections).items():
                        found.setdefault(key, []).extend(fields)
            elif isinstance(inner, Field) and self._holds(inner):
                found.setdefault(inner.key, []).append(inner)
        return found

    def _holds(self, selection: Field | Inline) -> bool:
        return all(bool(self._value(value)) == (name == "include") for name, value in selection.conditions)

    def _field(self, type_name: str, node: Any, fields: list[Field], path: list[Any], top: bool) -> Any:
        first = fields[0]
        if first.name == "__typename":
            return shown(type_name)
        known = field_of(type_name, first.name)
        if known is None:
            raise ValueError(f"{type_name}.{first.name} passed the check but is not known.")
        selections = [selection for each in fields for selection in each.selections]
        try:
            if top and self.spoil.refusal and self.spoil.meets(first.name):
                raise self.spoil.refusal
            arguments = {name: self._value(value) for name, value in first.arguments.items()}
            value = known.resolve(self.context, node, arguments)
        except Refusal as refusal:
            self._fail(refusal, path, first)
            return None
        return self._complete(value, known.type, selections, path, first)

    def _complete(self, value: Any, kind: str | None, selections: list[Selection], path: list[Any], at: Field) -> Any:
        if value is None or kind is None:
            return value
        if isinstance(value, list):
            return [self._complete(item, kind, selections, [*path, index], at) for index, item in enumerate(value)]
        if isinstance(value, Refusal):
            self._fail(value, path, at)
            return None
        if isinstance(value, Connection) or not isinstance(value, Node):
            return self._object(value, selections, path, kind=kind)
        return self._object(value, selections, path)

    # -- mutations -----------------------------------------------------------------------------------------------

    def _mutations(self) -> dict[str, Any]:
        answer: dict[str, Any] = {}
        for count, (key, fields) in enumerate(self._collect("Mutation", self.operation.selections).items()):
            if self.spoil.limit is not None and count >= self.spoil.limit:
                break
            answer[key] = "Mutation" if fields[0].name == "__typename" else self._mutation(fields[0])
        return answer

    def _mutation(self, wanted: Field) -> dict[str, Any] | None:
        known, values = MUTATIONS[wanted.name], self._value(wanted.arguments["input"])
        values = values if isinstance(values, dict) else {}
        client = values.get("clientMutationId")
        call = self.context.call.for_field(*split_effect(client))
        call.ignore = self.spoil.ignore and self.spoil.meets(wanted.name)
        payload: dict[str, Any] | None = None
        status = 200
        try:
            if self.spoil.refusal and self.spoil.meets(wanted.name):
                raise self.spoil.refusal
            _check_input(wanted.name, known, values)
            payload = known.act(replace(self.context, call=call), values)
        except Refusal as refusal:
            status = refusal.status
            self._fail(refusal, [wanted.key], wanted)
        self._log(wanted, call, status, payload is not None)
        if payload is None:
            return None
        return self._payload(wanted, known, payload | {"clientMutationId": client})

    def _payload(self, wanted: Field, known: Mutation, payload: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = {}
        for inner in wanted.selections:
            if not isinstance(inner, Field):
                continue
            if inner.name == "__typename":
                answer[inner.key] = payload_type(wanted.name)
            else:
                kind = known.payload.get(inner.name)
                path = [wanted.key, inner.key]
                answer[inner.key] = self._complete(payload.get(inner.name), kind, list(inner.selections), path, inner)
        return answer

    def _log(self, wanted: Field, call: Call, status: int, done: bool) -> None:
        self.context.world.log.write(
            "mutation", actor=call.actor, actor_kind=call.kind, token=call.token.name if call.token else None,
            request_id=call.request_id, method="POST", path="/graphql", repository=call.repository,
            number=call.number, alias=wanted.key, field=wanted.name, effect=call.effect, hash=call.hash,
            applied=done and not (call.ignore and not call.changes), status=status, fault=call.fault,
            changes=call.changes or None,
        )  # fmt: skip

    # -- both ----------------------------------------------------------------------------------------------------

    def _value(self, value: Any) -> Any:
        if isinstance(value, Variable):
            return self.variables.get(value.name)
        if isinstance(value, list):
            return [self._value(item) for item in value]
        if isinstance(value, dict):
            return {name: self._value(item) for name, item in value.items()}
        return value

    def _fail(self, refusal: Refusal, path: list[Any], at: Field) -> None:
        kind = "NOT_FOUND" if isinstance(refusal, Moved) else refusal.kind
        locations = [{"line": at.line, "column": at.column}]
        self.errors.append({"type": kind, "path": path, "locations": locations, "message": worded(refusal)})


def worded(refusal: Refusal) -> str:
    """GraphQL has one message where REST has a list of errors."""
    if isinstance(refusal, Moved):
        return "Could not resolve to an Issue: it was transferred."
    for error in refusal.errors or []:
        if isinstance(error, dict):
            text = error.get("message") or f"{error['field']} is {error['code'].replace('_', ' ')}"
            return str(text[0].upper() + text[1:])
    return refusal.message


def _applies(on: str | None, type_name: str) -> bool:
    return on is None or on == type_name or (on in ABSTRACT and type_name in ABSTRACT[on][0])


def _check_input(name: str, known: Mutation, values: dict[str, Any]) -> None:
    kind = f"{name[0].upper()}{name[1:]}Input"
    unknown = values.keys() - known.required - known.optional - {"clientMutationId"}
    if unknown:
        message = f"InputObject '{kind}' doesn't accept argument '{min(unknown)}'"
        raise Refusal(422, message, kind="argumentNotAccepted")
    missing = sorted(item for item in known.required if values.get(item) is None)
    if missing:
        message = f"{kind}: invalid value for {missing[0]} (Expected value to not be null)"
        raise Refusal(422, message, kind="INVALID_INPUT")
