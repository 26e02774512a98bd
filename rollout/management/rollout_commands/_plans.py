"""Where a subcommand's plan comes from: a file, standard input, a stored version or the shipped one."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from pipeline.services.operations import NotPossible
from rollout.domain.plan_file import load_plan
from rollout.services import plans

SHIPPED = "shipped"
HELP = "a file, - for standard input, a stored version such as unified-pipeline@2, or 'shipped' (the default)"


@dataclass(frozen=True, slots=True)
class Given:
    name: str
    text: str


def given(source: str) -> Given:
    """The text of a plan by what a person typed; NotPossible where there is nothing of that name."""
    if source == SHIPPED:
        return Given(plans.SHIPPED.name, plans.shipped_text())
    if source == "-":
        return _decoded("standard input", sys.stdin.buffer.read())
    path = Path(source)
    if path.is_file():
        return _decoded(path.name, path.read_bytes())
    if path.suffix in (".yaml", ".yml") or len(path.parts) > 1:
        raise NotPossible(f"There is no file {source!r}; check the path.")
    version = plans.version_named(source)
    return Given(plans.name_of(version), version.text)


def _decoded(name: str, content: bytes) -> Given:
    try:
        return Given(name, content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        load_plan(content, name=name)  # says at which line and byte
        raise
