"""Effects sent by hand, without the worker around them."""

from __future__ import annotations

from pipeline.github.port import GitHub, IssueTarget
from pipeline.models import Effect, RunItem
from pipeline.services import effects


def send_step(item: RunItem, step: int, github: GitHub, target: IssueTarget) -> list[Effect]:
    """All planned effects of one step in one go; the rows as they are afterwards."""
    rows = list(item.effects.filter(step=step, state=Effect.State.PLANNED).order_by("order"))
    effects.send(item, rows, github, target)
    return rows
