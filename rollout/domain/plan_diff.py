"""How two plans differ: field by field for people, and as a unified diff of their texts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from datetime import timedelta
from difflib import unified_diff
from enum import StrEnum
from typing import Any

_NAMED_BY = {
    "Step": ("number",),
    "Setting": ("operation", "part"),
    "Ramp": ("operation",),
    "RampStep": ("first_day",),
    "TimetableEntry": ("at", "operation"),
    "Escalation": ("day",),
}
_CALLED = {
    "GatePlan": "gate",
    "RampStep": "from day",
    "TimetableEntry": "at",
    "RubricLine": "rubric",
    "Sla": "SLA",
    "Escalation": "escalation day",
}
NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Change:
    """`where` leads from the plan to the field; `before` or `after` is NOTHING where it was added or removed."""

    where: str
    before: str
    after: str

    @property
    def sentence(self) -> str:
        if self.before == NOTHING:
            return f"{self.where}: added {self.after}"
        if self.after == NOTHING:
            return f"{self.where}: removed (was {self.before})"
        return f"{self.where}: {self.before} → {self.after}"


def changes(old: object, new: object) -> tuple[Change, ...]:
    """Every field that differs, in the order of the plan; records are matched by their slug or number."""
    return tuple(_records(old, new, ""))


def text_diff(old: str, new: str, before: str = "now", after: str = "changed") -> str:
    return "\n".join(unified_diff(old.splitlines(), new.splitlines(), before, after, lineterm=""))


def _records(old: Any, new: Any, where: str) -> Iterator[Change]:
    for field in fields(old):
        yield from _values(getattr(old, field.name), getattr(new, field.name), where, field.name)


def _values(old: Any, new: Any, where: str, name: str) -> Iterator[Change]:
    if old == new:
        return
    if _is_record(old) and _is_record(new):
        yield from _records(old, new, _below(where, _title(new) if _names(new) else name))
    elif isinstance(old, tuple) and any(_is_record(item) for item in (*old, *new)):
        yield from _lists(old, new, where, name)
    elif isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys([*old, *new]):
            yield from _values(old.get(key), new.get(key), _below(where, name), str(key))
    else:
        yield Change(_below(where, name), _shown(old), _shown(new))


def _lists(old: tuple[Any, ...], new: tuple[Any, ...], where: str, name: str) -> Iterator[Change]:
    before = {_key(item): item for item in old}
    after = {_key(item): item for item in new}
    for key in dict.fromkeys([*before, *after]):
        if key not in after:
            yield Change(_below(where, _title(before[key])), _brief(before[key]), NOTHING)
        elif key not in before:
            yield Change(_below(where, _title(after[key])), NOTHING, _brief(after[key]))
        elif before[key] != after[key]:
            yield from _records(before[key], after[key], _below(where, _title(after[key])))
    kept = [key for key in before if key in after]
    if kept != [key for key in after if key in before]:
        yield Change(_below(where, name), "this order", "another order")


def _is_record(value: Any) -> bool:
    return is_dataclass(value) and not isinstance(value, type)


def _names(value: Any) -> tuple[str, ...]:
    found = _NAMED_BY.get(type(value).__name__, ("slug",))
    return found if all(hasattr(value, name) for name in found) else ()


def _key(value: Any) -> tuple[str, ...]:
    return tuple(str(getattr(value, name)) for name in _names(value))


def _title(value: Any) -> str:
    kind = type(value).__name__
    return " ".join([_CALLED.get(kind, kind.lower()), *(part for part in _key(value) if part)])


def _brief(value: Any) -> str:
    """The record's own plain fields, in a line."""
    shown = [
        f"{field.name} {_shown(found)}"
        for field in fields(value)
        if field.name not in _names(value) and (found := getattr(value, field.name)) not in ("", None, (), {})
        if not _is_record(found) and not (isinstance(found, tuple) and any(_is_record(item) for item in found))
    ]
    return ", ".join(shown)[:300] or "it"


def _below(where: str, name: str) -> str:
    return f"{where} › {name}" if where else name


def _shown(value: Any) -> str:
    if value is None or value in ("", (), {}):
        return NOTHING
    if isinstance(value, timedelta):
        return f"{value.total_seconds() / 3600:g} h"
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, tuple | list):
        return ", ".join(_shown(item) for item in value)
    return f"“{value}”" if isinstance(value, str) and len(value) > 20 else str(value)
