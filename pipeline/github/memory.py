"""What a process may remember of GitHub for a short while, so that it need not be asked before every write."""

from __future__ import annotations

import threading
import time


class Memory:
    """Texts by name, each for `seconds`; shared by the threads of a process."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._kept: dict[str, tuple[str, float]] = {}
        self._lock = threading.Lock()

    def get(self, name: str) -> str | None:
        with self._lock:
            value, until = self._kept.get(name, ("", 0.0))
        return value if until > time.monotonic() else None

    def put(self, name: str, value: str) -> None:
        with self._lock:
            self._kept[name] = (value, time.monotonic() + self._seconds)

    def forget(self, name: str) -> None:
        with self._lock:
            self._kept.pop(name, None)
