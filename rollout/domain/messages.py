"""Messages from the plan's templates: {placeholders} are put in, nothing else of the template is read."""

from __future__ import annotations

import re
from collections.abc import Mapping

from rollout.domain.plan import Message

PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*)\}")
UNKNOWN = "(not known)"


def render(message: Message, values: Mapping[str, object]) -> Message:
    """The message with its facts. A fact that is missing is said to be so: a rollback is announced all the same."""
    return Message(message.slug, _filled(message.subject, values), _filled(message.body, values))


def missing(message: Message, values: Mapping[str, object]) -> tuple[str, ...]:
    """Placeholders of the message for which there is no value, in order."""
    named = dict.fromkeys(PLACEHOLDER.findall(f"{message.subject}\n{message.body}"))
    return tuple(name for name in named if name not in values)


def _filled(text: str, values: Mapping[str, object]) -> str:
    """One pass: what a value contains is never read as a placeholder again."""
    return PLACEHOLDER.sub(lambda found: str(values.get(found[1], UNKNOWN)), text)
