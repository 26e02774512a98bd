"""Which notifier stands behind a channel's name. Tests and rehearsals put others in force."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.conf import settings

from rollout.notifier.mail import Mail
from rollout.notifier.port import Notifier
from rollout.notifier.slack import Slack

CHANNELS = ("slack", "email")


def notifier_of(channel: str) -> Notifier:
    """The notifier in force for "slack" or "email"."""
    return _choose(channel)


def is_set_up(channel: str) -> bool:
    """Whether somebody configured the channel; e-mail always has a backend."""
    return channel != "slack" or bool(settings.CONTROLPLANE.slack_webhook_url)


@contextmanager
def using(choose: Callable[[str], Notifier]) -> Iterator[None]:
    """Put other notifiers in force for a while."""
    global _choose  # noqa: PLW0603 - one seam per process is the whole point
    before, _choose = _choose, choose
    try:
        yield
    finally:
        _choose = before


def _configured(channel: str) -> Notifier:
    return Slack(settings.CONTROLPLANE.slack_webhook_url) if channel == "slack" else Mail()


_choose: Callable[[str], Notifier] = _configured
