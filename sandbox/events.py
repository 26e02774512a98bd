"""The append-only log of everything that happened to the sandbox, also as lines of JSON in a file."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

Event = dict[str, Any]

FIELDS = (
    "kind",  # "request": one HTTP call; "mutation": one write, applied or not; "world": Copilot, people, hooks
    "actor",  # login
    "actor_kind",  # user | installation | app | copilot | human
    "token",  # the token's name, never its value
    "request_id",  # ties a mutation to its request
    "method",
    "path",
    "repository",
    "number",  # of the issue or pull request
    "alias",  # GraphQL
    "field",  # GraphQL field, or the name of what happened
    "effect",  # idempotency key of the caller
    "hash",  # request hash of the caller
    "applied",  # the write took place
    "status",  # what the work came to; a GraphQL alias has 200 or the status of its refusal
    "answered",  # the status that the client saw; null when it saw none
    "fault",
    "began",  # of a request; its `time` is when the answer was ready
    "limited_until",  # the client was told to wait until then
    "changes",  # [{"what", "before", "after", ...}]
)


def stamp(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


class EventLog:
    """Entries are numbered from 1 without gaps; a second start goes on where the file ends."""

    def __init__(self, path: Path | None, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._entries: list[Event] = _read(path) if path else []
        self._file: TextIO | None = path.open("a", encoding="utf-8") if path else None

    def write(self, kind: str, **values: Any) -> Event:
        """Append one entry; values of None are left out."""
        unknown = values.keys() - set(FIELDS)
        if unknown:
            raise ValueError(f"Unknown fields of an event: {', '.join(sorted(unknown))}.")
        with self._lock:
            entry: Event = {"seq": len(self._entries) + 1, "time": stamp(self._clock()), "kind": kind}
            entry |= {name: values[name] for name in FIELDS if values.get(name) is not None}
            self._entries.append(entry)
            if self._file:
                self._file.write(json.dumps(entry, ensure_ascii=False) + "\n")
                self._file.flush()
        return entry

    def after(self, seq: int = 0, limit: int | None = None) -> list[Event]:
        with self._lock:
            return self._entries[seq : None if limit is None else seq + limit]

    def mutations(self, field: str | None = None) -> list[Event]:
        """Applied writes, of one GraphQL field or REST method and route when `field` is given."""
        return [
            entry
            for entry in self.after()
            if entry["kind"] == "mutation" and entry.get("applied") and field in (None, entry.get("field"))
        ]

    def close(self) -> None:
        with self._lock:
            if self._file:
                self._file.close()
                self._file = None


def _read(path: Path) -> list[Event]:
    """Whole lines only: a killed process may have left half a line, which is cut off."""
    if not path.exists():
        return []
    raw = path.read_bytes()
    whole = raw[: raw.rfind(b"\n") + 1]
    if len(whole) != len(raw):
        path.write_bytes(whole)
    return [json.loads(line) for line in whole.decode().splitlines() if line]
