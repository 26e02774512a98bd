"""What a subcommand is, and what it is given."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

from django.core.management.base import CommandParser


class Output(Protocol):
    """The command that a subcommand speaks through."""

    def say(self, facts: Any, lines: Iterable[str]) -> None:
        """`facts` with --json, else `lines` for people."""
        ...


class Subcommand(Protocol):
    """A module of this package."""

    __doc__: str | None

    def add_arguments(self, parser: CommandParser) -> None: ...

    def handle(self, command: Output, options: dict[str, Any]) -> int | None: ...
