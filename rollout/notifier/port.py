"""How people are told: one message to one channel, taken or not.

NotTaken
├── TryLater     no answer, or the other side is overloaded: send it again later
├── Rejected     the channel will never take this message as it is
└── NotSetUp     nobody has configured the channel
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class NotTaken(Exception):
    """`str()` is one sentence without secrets: what was seen and what to do."""


class TryLater(NotTaken):
    pass


class Rejected(NotTaken):
    pass


class NotSetUp(NotTaken):
    pass


@dataclass(frozen=True, slots=True)
class Message:
    """Plain text. `key` names the message for whoever wants to recognise a repetition."""

    key: str
    subject: str
    body: str
    recipients: tuple[str, ...] = ()


class Notifier(Protocol):
    def send(self, message: Message) -> None:
        """Returns once the channel has taken the message. Raises NotTaken only."""
        ...
