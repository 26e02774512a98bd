"""Records to JSON values and back, by their type hints."""

from __future__ import annotations

import types
import typing
from dataclasses import fields, is_dataclass
from datetime import datetime
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")


def dump(value: Any) -> Any:
    """`value` as what `json.dumps` takes."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: dump(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, dict):
        return {str(key): dump(item) for key, item in value.items()}
    if isinstance(value, list):
        return [dump(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return value


def load(kind: type[T], data: Any) -> T:
    """The inverse of `dump`; fields that `data` lacks keep their defaults."""
    value: T = _load(kind, data)
    return value


@cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _load(kind: Any, data: Any) -> Any:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if data is None or kind is Any:
        return data
    if origin in (types.UnionType, typing.Union):
        return _load(next(argument for argument in arguments if argument is not type(None)), data)
    if origin is list:
        return [_load(arguments[0], item) for item in data]
    if origin is dict:
        return {_load(arguments[0], key): _load(arguments[1], item) for key, item in data.items()}
    if is_dataclass(kind) and isinstance(kind, type):
        hints = _hints(kind)
        return kind(**{name: _load(hints[name], item) for name, item in data.items() if name in hints})
    if kind is datetime:
        return datetime.fromisoformat(data)
    if kind is int:
        return int(data)
    return data
