"""YAML nodes → the records of `rollout.domain.plan`, by their type hints: the file has the records' fields.

A duration is written in hours, under the field's name with `_hours` behind it.
"""

from __future__ import annotations

import re
import types
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, Union, get_args, get_origin, get_type_hints

import yaml

from pipeline.workflows.reader import Reader
from rollout.domain import plan

MOST_ITEMS = 200
SLUG = re.compile(r"[a-z0-9]+([._-][a-z0-9]+)*")
NOUNS = {
    "Plan": "a plan",
    "Criterion": "a criterion",
    "RampStep": "a step of a ramp",
    "GatePlan": "a gate",
    "TimetableEntry": "a line of the timetable",
    "Sla": "an SLA",
    "Escalation": "an escalation",
    "RubricLine": "a line of the rubric",
}
LENGTHS = {"slug": 60, "number": 10, "title": 200, "name": 200, "subject": 200, "operation": 60, "cron": 60, "at": 5}
LONG = {"text": 4_000, "body": 20_000, "question": 500, "responsibility": 500, "note": 500}
BOUNDS: dict[str, tuple[float, float]] = {
    "limit": (0, 1000),
    "first_day": (-60, 400),
    "last_day": (-60, 400),
    "day": (-60, 400),
    "runs": (1, 1000),
    "hours": (0.1, 24 * 60),
    "weight": (0, 1),
    "target": (0, 1),
    "minimum_sample": (0, 100_000),
    "minimum_runs": (0, 1000),
    "minimum_items": (0, 100_000),
    "threshold": (-1e9, 1e9),
}
HOURS = (0.0, 24 * 366.0)


def key_of(field: Field[Any], hint: Any) -> str:
    """The field's name in the file."""
    return f"{field.name}_hours" if bare(hint) is timedelta else field.name


def bare(hint: Any) -> Any:
    """A hint without `| None`."""
    if get_origin(hint) in (types.UnionType, Union):
        return next(item for item in get_args(hint) if item is not type(None))
    return hint


def required(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


class PlanReader(Reader):
    """Remembers where each field stood, and which could not be read, for what is checked afterwards."""

    def __init__(self, source: str) -> None:
        super().__init__(source)
        self.places: dict[tuple[int, str], yaml.Node] = {}
        self.suspect: set[tuple[int, str]] = set()
        self.incomplete = False  # a record is missing altogether, so the whole cannot be checked
        self._kept: list[object] = []  # so that no id is used twice

    def record(self, kind: type, node: yaml.Node) -> Any:
        """A record of `kind`; what is missing or wrong is reported and stands at a neutral value."""
        hints = get_type_hints(kind)
        keys = {key_of(field, hints[field.name]): field for field in fields(kind)}
        noun = NOUNS.get(kind.__name__, f"a {kind.__name__.lower()}")
        found = self.fields(node, noun, keys)
        values: dict[str, Any] = {}
        suspect: list[str] = []
        for key, field in keys.items():
            before = len(self.problems)
            if key in found:
                values[field.name] = self._value(hints[field.name], found[key], key)
            elif required(field):
                self.report(node, f"{key!r} is missing in {noun}; add it.")
                values[field.name] = self._neutral(hints[field.name])
            if len(self.problems) > before:
                suspect.append(field.name)
        made = kind(**values)
        self._remember(made, node, {field.name: found[key] for key, field in keys.items() if key in found}, suspect)
        return made

    def place(self, subject: object, field: str) -> yaml.Node:
        return self.places.get((id(subject), field)) or self.places[(id(subject), "")]

    def moved(self, old: object, new: object) -> None:
        """`new` stands where `old` stood."""
        self._kept.append(new)
        for (key, field), node in list(self.places.items()):
            if key == id(old):
                self.places[(id(new), field)] = node
        self.suspect |= {(id(new), field) for key, field in self.suspect if key == id(old)}

    def _remember(self, made: object, node: yaml.Node, found: dict[str, yaml.Node], suspect: list[str]) -> None:
        self._kept.append(made)
        self.places[(id(made), "")] = node
        self.places |= {(id(made), name): value for name, value in found.items()}
        self.suspect |= {(id(made), name) for name in suspect}

    def _value(self, hint: Any, node: yaml.Node, key: str) -> Any:
        kind = bare(hint)
        if get_origin(kind) is tuple:
            inner = get_args(kind)[0]
            return tuple(self._value(inner, item, key) for item in self.items(node, key, most=MOST_ITEMS))
        if get_origin(kind) is dict:
            return self._mapping(node, key, numbers=get_args(kind)[1] is float)
        if isinstance(kind, type) and is_dataclass(kind):
            return self.record(kind, node)
        return self._scalar(kind, node, key)

    def _scalar(self, kind: type, node: yaml.Node, key: str) -> Any:
        least, most = BOUNDS.get(key, (-1e9, 1e9))
        if kind is bool:
            return self.flag(node, key, default=False)
        if kind is int:
            return self.whole(node, key, least=int(least), most=int(most), default=0)
        if kind is float:
            return self.number(node, key, least=least, most=most, default=0.0)
        if kind is timedelta:
            return timedelta(hours=self.number(node, key, least=HOURS[0], most=HOURS[1], default=0.0))
        if issubclass(kind, StrEnum):
            return self._choice(kind, node, key)
        return self._text(node, key)

    def _text(self, node: yaml.Node, key: str) -> str:
        value = self.text(node, key, most=LONG.get(key, LENGTHS.get(key, 300)))
        if key == "slug" and value and not SLUG.fullmatch(value):
            self.report(node, f"The slug {value!r} must be lower-case words joined by hyphens.")
        return value

    def _choice(self, kind: type[StrEnum], node: yaml.Node, key: str) -> StrEnum:
        value = self.text(node, key, most=60)
        members = list(kind)
        if value not in {member.value for member in members}:
            known = ", ".join(member.value for member in members)
            self.report(node, f"{key} cannot be {value!r}; choose one of {known}.")
            return members[0]
        return kind(value)

    def _mapping(self, node: yaml.Node, key: str, *, numbers: bool) -> dict[str, Any]:
        if not isinstance(node, yaml.MappingNode):
            self.report(node, f"{key} must hold fields, and is {self.kind(node)}.")
            return {}
        found: dict[str, Any] = {}
        self._remember(found, node, {}, [])
        for name, value in node.value:
            label = name.value if isinstance(name, yaml.ScalarNode) else ""
            if not label:
                self.report(name, f"A name in {key} must be text.")
            elif label in found:
                self.report(name, f"{label!r} stands twice in {key}; remove one.")
            elif numbers:
                found[label] = self.number(value, label, least=-1e12, most=1e12, default=0.0)
            else:
                found[label] = self._plain(value, label)
            self.places[(id(found), label)] = value
        return found

    def _plain(self, node: yaml.Node, key: str) -> Any:
        """What only people read: texts, numbers, lists and groups, as they stand."""
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, key, numbers=False)
        if isinstance(node, yaml.SequenceNode):
            return [self._plain(item, key) for item in node.value]
        kind = str(node.tag).rsplit(":", 1)[-1]
        if kind == "bool":
            return self.flag(node, key, default=False)
        if kind == "int" and re.fullmatch(r"[-+]?(0|[1-9][0-9]*)", str(node.value)):
            return int(str(node.value))
        if kind == "float":
            return self.number(node, key, least=-1e300, most=1e300, default=0.0)
        return None if kind == "null" else str(node.value)

    def _neutral(self, hint: Any) -> Any:
        kind = bare(hint)
        if get_origin(kind) is tuple:
            return ()
        if is_dataclass(kind):
            self.incomplete = True
            return None
        return next(iter(kind)) if isinstance(kind, type) and issubclass(kind, StrEnum) else kind()


def written(value: Any) -> Any:
    """A record as plain values for YAML; what stands at its default is left out."""
    if is_dataclass(value) and not isinstance(value, type):
        hints = get_type_hints(type(value))
        return {
            key_of(field, hints[field.name]): written(getattr(value, field.name))
            for field in fields(value)
            if required(field) or getattr(value, field.name) != _default(field)
        }
    if isinstance(value, tuple | list):
        return [written(item) for item in value]
    if isinstance(value, dict):
        return {key: written(item) for key, item in value.items()}
    if isinstance(value, timedelta):
        return _short(value.total_seconds() / 3600)
    if isinstance(value, StrEnum):
        return value.value
    return _short(value) if isinstance(value, float) else value


def _default(field: Field[Any]) -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()


def _short(value: float) -> float | int:
    return int(value) if value == int(value) else value


def read_plan(reader: PlanReader, top: yaml.Node) -> plan.Plan:
    made: plan.Plan = reader.record(plan.Plan, top)
    return made
