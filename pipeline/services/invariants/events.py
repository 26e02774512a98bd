"""The outside world's event log: a JSONL file, or the address of a running sandbox's `/_sandbox/events`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

from pipeline.domain.invariants.log import BadLog, Event, parse

PAGE = 5000
TIMEOUT_SECONDS = 30


def read(source: str) -> tuple[Event, ...]:
    """Every event; BadLog says in one sentence what cannot be read."""
    if urlsplit(source).scheme in {"http", "https"}:
        return parse(_pages(source))
    path = Path(source)
    if not path.is_file():
        raise BadLog(f"There is no event log {source!r}; name the sandbox's events.jsonl or its /_sandbox/events.")
    return parse(_lines(path))


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.endswith("\n"):
                return  # being written at this moment
            try:
                yield json.loads(line)
            except ValueError as error:
                raise BadLog(f"Line {number} of {path} is not JSON: {error}.") from error


def _pages(address: str) -> Iterator[dict[str, Any]]:
    seen = 0
    while True:
        try:
            answer = requests.get(address, params={"after": seen, "limit": PAGE}, timeout=TIMEOUT_SECONDS)
            answer.raise_for_status()
            found = answer.json()["events"]
        except (requests.RequestException, ValueError, KeyError, TypeError) as error:
            raise BadLog(f"The event log at {address} cannot be read: {error}.") from error
        yield from found
        if len(found) < PAGE:
            return
        seen += len(found)
