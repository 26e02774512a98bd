"""Takes everything and keeps it: for rehearsals on a virtual clock, where nobody is to be woken."""

from __future__ import annotations

from rollout.notifier.port import Message


class Null:
    def __init__(self) -> None:
        self.taken: list[Message] = []

    def send(self, message: Message) -> None:
        self.taken.append(message)
