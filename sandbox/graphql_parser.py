"""The query language: text to a small tree. The part of the grammar that clients of GitHub's API use."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

_TOKEN = re.compile(
    r'(?P<space>[\s,\ufeff]+|\#[^\n]*)|(?P<block>"""(?:\\"""|[\s\S])*?""")|(?P<string>"(?:\\.|[^"\\\n])*")'
    r"|(?P<spread>\.\.\.)|(?P<float>-?\d+(?:\.\d+)?[eE][+-]?\d+|-?\d+\.\d+)|(?P<int>-?\d+)"
    r"|(?P<name>[_A-Za-z]\w*)|(?P<mark>[!$&()\[\]{}:=@|])"
)


class ParseError(ValueError):
    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(message)
        self.line, self.column = line, column


@dataclass(frozen=True)
class Variable:
    name: str


class Enum(str):
    """A bare word, as opposed to a string."""

    __slots__ = ()


@dataclass(frozen=True)
class Field:
    key: str  # alias or name
    name: str
    arguments: dict[str, Any]
    selections: tuple[Selection, ...]
    line: int
    column: int
    conditions: tuple[tuple[str, Any], ...] = ()  # ("skip" | "include", value)


@dataclass(frozen=True)
class Inline:
    """An inline fragment; `on` None keeps the type."""

    on: str | None
    selections: tuple[Selection, ...]
    conditions: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True)
class Spread:
    name: str


Selection = Field | Inline | Spread


@dataclass(frozen=True)
class VariableDefinition:
    name: str
    type: str
    default: Any = None
    has_default: bool = False


@dataclass(frozen=True)
class Operation:
    kind: str  # query | mutation
    name: str | None
    variables: tuple[VariableDefinition, ...]
    selections: tuple[Selection, ...]


@dataclass
class Document:
    operations: list[Operation] = field(default_factory=list)
    fragments: dict[str, Inline] = field(default_factory=dict)

    def operation(self, name: str | None) -> Operation | None:
        if name:
            return next((found for found in self.operations if found.name == name), None)
        return self.operations[0] if len(self.operations) == 1 else None


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    line: int
    column: int


@lru_cache(maxsize=128)
def parse(text: str) -> Document:
    """Raises ParseError with the place."""
    return _Parser(_tokens(text)).document()


def _tokens(text: str) -> list[_Token]:
    tokens, position, line, start = [], 0, 1, 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        column = position - start + 1
        if match is None:
            raise ParseError(f"Unexpected character {text[position]!r} at [{line}, {column}]", line, column)
        if match.lastgroup != "space":
            tokens.append(_Token(str(match.lastgroup), match[0], line, column))
        if newlines := match[0].count("\n"):
            line, start = line + newlines, position + match[0].rfind("\n") + 1
        position = match.end()
    tokens.append(_Token("end", "", line, position - start + 1))
    return tokens


class _Parser:
    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0

    # -- tokens --------------------------------------------------------------------------------------------------

    @property
    def _next(self) -> _Token:
        return self._tokens[self._at]

    def _take(self) -> _Token:
        token = self._tokens[self._at]
        self._at += 1
        return token

    def _is(self, text: str) -> bool:
        return self._next.kind in ("mark", "name", "spread") and self._next.text == text

    def _skip(self, text: str) -> bool:
        if self._is(text):
            self._at += 1
            return True
        return False

    def _expect(self, text: str) -> None:
        if not self._skip(text):
            raise self._unexpected()

    def _name(self) -> str:
        if self._next.kind != "name":
            raise self._unexpected()
        return self._take().text

    def _unexpected(self) -> ParseError:
        token = self._next
        shown = f'"{token.text}"' if token.text else "end of file"
        return ParseError(f"Parse error on {shown} at [{token.line}, {token.column}]", token.line, token.column)

    # -- grammar -------------------------------------------------------------------------------------------------

    def document(self) -> Document:
        document = Document()
        while self._next.kind != "end":
            if self._is("fragment"):
                self._take()
                name = self._name()
                self._expect("on")
                document.fragments[name] = Inline(self._name(), self._selections())
            else:
                document.operations.append(self._operation())
        if not document.operations:
            raise self._unexpected()
        return document

    def _operation(self) -> Operation:
        if self._is("{"):
            return Operation("query", None, (), self._selections())
        if not (self._is("query") or self._is("mutation")):
            raise self._unexpected()
        kind = self._take().text
        name = self._name() if self._next.kind == "name" else None
        variables: list[VariableDefinition] = []
        if self._skip("("):
            while not self._skip(")"):
                variables.append(self._variable())
        self._conditions()
        return Operation(kind, name, tuple(variables), self._selections())

    def _variable(self) -> VariableDefinition:
        self._expect("$")
        name = self._name()
        self._expect(":")
        kind = self._type()
        if self._skip("="):
            return VariableDefinition(name, kind, self._value(), True)
        return VariableDefinition(name, kind)

    def _type(self) -> str:
        if self._skip("["):
            inner = f"[{self._type()}]"
            self._expect("]")
        else:
            inner = self._name()
        return inner + ("!" if self._skip("!") else "")

    def _selections(self) -> tuple[Selection, ...]:
        self._expect("{")
        found: list[Selection] = []
        while not self._skip("}"):
            found.append(self._selection())
        if not found:
            raise self._unexpected()
        return tuple(found)

    def _selection(self) -> Selection:
        if self._skip("..."):
            if self._next.kind == "name" and not self._is("on"):
                return Spread(self._name())
            on = self._name() if self._skip("on") else None
            conditions = self._conditions()
            return Inline(on, self._selections(), conditions)
        token = self._next
        key = name = self._name()
        if self._skip(":"):
            name = self._name()
        arguments = self._arguments()
        conditions = self._conditions()
        selections = self._selections() if self._is("{") else ()
        return Field(key, name, arguments, selections, token.line, token.column, conditions)

    def _arguments(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if self._skip("("):
            while not self._skip(")"):
                name = self._name()
                self._expect(":")
                found[name] = self._value()
        return found

    def _conditions(self) -> tuple[tuple[str, Any], ...]:
        found = []
        while self._skip("@"):
            name = self._name()
            found.append((name, self._arguments().get("if")))
        return tuple(found)

    def _value(self) -> Any:
        if self._skip("$"):
            return Variable(self._name())
        if self._skip("["):
            items = []
            while not self._skip("]"):
                items.append(self._value())
            return items
        if self._skip("{"):
            return self._object()
        token = self._next
        if token.kind not in _LITERALS:
            raise self._unexpected()
        self._take()
        return _LITERALS[token.kind](token.text)

    def _object(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while not self._skip("}"):
            name = self._name()
            self._expect(":")
            found[name] = self._value()
        return found


def _block(text: str) -> str:
    """A block string without its common indentation and its blank first and last lines."""
    lines = text[3:-3].replace('\\"""', '"""').splitlines()
    indents = [len(line) - len(line.lstrip()) for line in lines[1:] if line.strip()]
    common = min(indents, default=0)
    lines = lines[:1] + [line[common:] for line in lines[1:]]
    while lines and not lines[0].strip():
        lines.pop(0)
    while lines and not lines[-1].strip():
        lines.pop()
    return "\n".join(lines)


def _word(text: str) -> Any:
    words: dict[str, Any] = {"true": True, "false": False, "null": None}
    return words[text] if text in words else Enum(text)


_LITERALS: dict[str, Callable[[str], Any]] = {
    "int": int,
    "float": float,
    "string": json.loads,
    "block": _block,
    "name": _word,
}
