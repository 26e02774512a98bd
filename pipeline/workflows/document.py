"""YAML text → a tree of nodes that know their line and column. Nothing is constructed, so nothing can be executed.

Aliases, tags, deep nesting and big files are refused: no honest workflow needs them, and together they are how a few
lines of YAML fill a machine's memory.
"""

from __future__ import annotations

from itertools import islice
from typing import Any

import yaml

from pipeline.workflows.problems import Problem, WorkflowFileError

MAX_BYTES = 256 * 1024
MAX_DEPTH = 10
MAX_EVENTS = 20_000
# The parser in C is five times as fast. What it refuses is read again by the other, whose sentences we know.
QUICK = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_PLAIN = ("str", "int", "float", "bool", "null", "seq", "map", "timestamp")
_PLAIN_TAGS = frozenset({None, "!", *(f"tag:yaml.org,2002:{name}" for name in _PLAIN)})


def compose(text: str | bytes, file: str) -> yaml.MappingNode:
    """The top of the document; WorkflowFileError for anything that is not one plain mapping."""
    source = _decoded(text, file)
    try:
        node = _composed(source, file, QUICK)
    except (yaml.YAMLError, UnicodeEncodeError):
        node = _explained(source, file)
    if not isinstance(node, yaml.MappingNode):
        sentence = "The file must hold fields such as `name:` and `triggers:`, and holds none."
        raise WorkflowFileError(file, [Problem(1, 1, sentence)])
    return node


def _composed(source: str, file: str, loader: Any) -> yaml.Node | None:
    _check_events(source, file, loader)
    node: yaml.Node | None = yaml.compose(source, Loader=loader)
    return node


def _explained(source: str, file: str) -> yaml.Node | None:
    try:
        return _composed(source, file, yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        raise WorkflowFileError(file, [_problem(error)]) from error
    except yaml.reader.ReaderError as error:
        line = source.count("\n", 0, error.position) + 1
        column = error.position - source.rfind("\n", 0, error.position)
        sentence = f"The character U+{ord(source[error.position]):04X} is not allowed in YAML; remove it."
        raise WorkflowFileError(file, [Problem(line, column, sentence)]) from error


def _decoded(text: str | bytes, file: str) -> str:
    size = len(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
    if size > MAX_BYTES:
        sentence = f"The file has {size:,} bytes; at most {MAX_BYTES:,} are read. Shorten its templates."
        raise WorkflowFileError(file, [Problem(1, 1, sentence)])
    if isinstance(text, str):
        return text.removeprefix("\ufeff")
    try:
        return text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = text[: error.start]
        line, column = before.count(b"\n") + 1, error.start - before.rfind(b"\n")
        sentence = f"The byte 0x{text[error.start]:02x} is not UTF-8; save the file as UTF-8."
        raise WorkflowFileError(file, [Problem(line, column, sentence)]) from error


def _check_events(source: str, file: str, loader: Any) -> None:
    """Looked at one by one, before anything is built of them."""
    depth = 0
    documents = 0
    events = yaml.parse(source, Loader=loader)
    for count, event in enumerate(islice(events, MAX_EVENTS + 1)):
        mark = event.start_mark
        tag = getattr(event, "tag", None)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        documents += isinstance(event, yaml.DocumentStartEvent)
        sentence = ""
        if isinstance(event, yaml.AliasEvent):
            sentence = f"The alias *{event.anchor} is not supported; write the value out."
        elif depth > MAX_DEPTH:
            sentence = f"The file is nested more than {MAX_DEPTH} deep."
        elif count >= MAX_EVENTS:
            sentence = f"The file has more than {MAX_EVENTS:,} elements."
        elif documents > 1:
            sentence = "A second document begins here (`---`); write one workflow or specialist per file."
        elif tag not in _PLAIN_TAGS:
            sentence = f"The tag {tag!r} is not supported; write a plain value."
        if sentence:
            place = (mark.line + 1, mark.column + 1) if mark else (1, 1)
            raise WorkflowFileError(file, [Problem(*place, sentence)])


def _problem(error: yaml.MarkedYAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    said = " ".join(part for part in (error.context, error.problem) if part)
    hint = " Indent with spaces, not tabs." if "\\t" in said else ""
    return Problem(line, column, f"This is not valid YAML: {said}.{hint}")
