"""Typed reading of YAML nodes that goes on after a problem, so that a person sees all of them at once."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable

import yaml

from pipeline.domain.placeholders import unknown
from pipeline.workflows.problems import Problem

_KINDS = {"int": "a number", "float": "a number", "bool": "yes or no", "null": "empty", "str": "text"}


class Reader:
    """Collects problems and notes. A method that finds a problem returns its default."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.problems: list[Problem] = []
        self.notes: list[str] = []

    def report(self, node: yaml.Node, sentence: str) -> None:
        self.problems.append(Problem(node.start_mark.line + 1, node.start_mark.column + 1, sentence))

    def fields(
        self,
        node: yaml.Node,
        where: str,
        known: Collection[str],
        ignored: Collection[str] = (),
        *,
        foreign: bool = False,
    ) -> dict[str, yaml.Node]:
        """The fields of a mapping by name; unknown and repeated ones are problems, `ignored` ones a note.

        In a `foreign` group, which steered another program, an unknown one is a note too, unless it looks misspelt.
        """
        if not isinstance(node, yaml.MappingNode):
            self.report(node, f"{where} must hold fields, and is {self.kind(node)}.")
            return {}
        found: dict[str, yaml.Node] = {}
        for key, value in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else ""
            if name in found:
                self.report(key, f"{name!r} stands twice in {where}; remove one.")
            elif name in known:
                found[name] = value
            elif name in ignored or (foreign and name and not difflib.get_close_matches(name, list(known), n=1)):
                self.notes.append(f"Line {key.start_mark.line + 1}: {name!r} has no effect here and is left out.")
            else:
                self.report(key, f"{name!r} is not a field of {where}; {_hint(name, known)}")
        return found

    def text(self, node: yaml.Node | None, what: str, *, most: int, default: str = "") -> str:
        if node is None:
            return default
        if not isinstance(node, yaml.ScalarNode) or _tag(node) == "null":
            self.report(node, f"{what} must be text, and is {self.kind(node)}.")
            return default
        value = str(node.value)
        if len(value) > most:
            self.report(node, f"{what} has {len(value):,} characters; at most {most:,} are possible.")
            return default
        return value

    def required(self, fields: dict[str, yaml.Node], name: str, parent: yaml.Node, *, most: int) -> str:
        """Text that must be there and not blank."""
        node = fields.get(name)
        if node is None:
            self.report(parent, f"{name!r} is missing; add it.")
            return ""
        value = self.text(node, name, most=most)
        if isinstance(node, yaml.ScalarNode) and not str(node.value).strip():
            self.report(node, f"{name!r} is empty; fill it in.")
        return value

    def texts(self, node: yaml.Node | None, what: str, *, most: int, length: int = 500) -> tuple[str, ...]:
        """A list of texts, each once."""
        if node is None:
            return ()
        if not isinstance(node, yaml.SequenceNode):
            self.report(node, f"{what} must be a list, and is {self.kind(node)}; write one `- ` line for each.")
            return ()
        if len(node.value) > most:
            self.report(node, f"{what} has {len(node.value)} entries; at most {most} are possible.")
        values: dict[str, None] = {}
        for item in node.value[:most]:
            value = self.text(item, f"An entry of {what}", most=length)
            if value in values:
                self.report(item, f"{value[:60]!r} stands twice in {what}; remove one.")
            elif not value.strip() and isinstance(item, yaml.ScalarNode) and _tag(item) != "null":
                self.report(item, f"An entry of {what} is empty; fill it in or remove it.")
            elif value:
                values[value] = None
        return tuple(values)

    def number(self, node: yaml.Node | None, what: str, *, least: float, most: float, default: float) -> float:
        if node is None:
            return default
        if not isinstance(node, yaml.ScalarNode) or _tag(node) not in ("int", "float"):
            self.report(node, f"{what} must be a number from {least:g} to {most:g}, and is {self.kind(node)}.")
            return default
        try:
            value = float(str(node.value).replace("_", ""))
        except ValueError:
            value = float("nan")  # an octal, hexadecimal or sexagesimal number
        if not least <= value <= most:
            self.report(node, f"{what} must be from {least:g} to {most:g}, not {str(node.value)[:20]}.")
            return default
        return value

    def whole(self, node: yaml.Node | None, what: str, *, least: int, most: int, default: int) -> int:
        value = self.number(node, what, least=least, most=most, default=default)
        if node is not None and value != int(value):
            self.report(node, f"{what} must be a whole number, not {value:g}.")
        return int(value)

    def flag(self, node: yaml.Node | None, what: str, *, default: bool) -> bool:
        if node is None:
            return default
        if not isinstance(node, yaml.ScalarNode) or _tag(node) != "bool":
            self.report(node, f"{what} must be true or false, and is {self.kind(node)}.")
            return default
        return str(node.value).lower() in ("true", "yes", "on")

    def items(self, node: yaml.Node | None, what: str, *, most: int) -> list[yaml.Node]:
        if node is None:
            return []
        if not isinstance(node, yaml.SequenceNode):
            self.report(node, f"{what} must be a list, and is {self.kind(node)}; write one `- ` line for each.")
            return []
        if len(node.value) > most:
            self.report(node, f"{what} has {len(node.value)} entries; at most {most} are possible.")
        return list(node.value[:most])

    def placeholders(self, node: yaml.Node | None, known: Collection[str], dropped: Collection[str] = ()) -> None:
        """A problem at its own place for every placeholder that nothing would fill; `dropped` ones are taken out."""
        if not isinstance(node, yaml.ScalarNode):
            return
        raw = self.source[node.start_mark.index : node.end_mark.index]
        position = 0
        for item in unknown(str(node.value), known):
            offset = raw.find(f"{{{item.name}}}", position)
            position = offset + 1 if offset >= 0 else position
            if item.name in dropped:
                continue
            at = node.start_mark.index + max(offset, 0)
            line = self.source.count("\n", 0, at) + 1
            self.problems.append(Problem(line, at - self.source.rfind("\n", 0, at), item.sentence))

    def kind(self, node: yaml.Node) -> str:
        if isinstance(node, yaml.MappingNode):
            return "a group of fields"
        if isinstance(node, yaml.SequenceNode):
            return "a list"
        kind = _KINDS.get(_tag(node), "text")
        return kind if kind == "empty" else f"{kind} ({str(node.value)[:40]!r})"


def _tag(node: yaml.Node) -> str:
    return str(node.tag).rsplit(":", 1)[-1]


def _hint(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"did you mean {close[0]!r}?" if close else f"possible are {', '.join(sorted(known))}."
