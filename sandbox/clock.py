"""A clock that stands still until it is moved."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class ManualClock:
    """`Sandbox(clock=ManualClock(start))`; move it with `set` or `move`, then call `Sandbox.advance`."""

    def __init__(self, start: datetime) -> None:
        self._now = start.astimezone(UTC)

    def __call__(self) -> datetime:
        return self._now

    def set(self, moment: datetime) -> None:
        """Never backwards."""
        self._now = max(self._now, moment.astimezone(UTC))

    def move(self, by: timedelta) -> None:
        self.set(self._now + by)
