"""Rows that ship with a plan and that people may edit afterwards: what a person changed stays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from simple_history.utils import update_change_reason

from pipeline.models import Repository
from pipeline.services import audit
from rollout.models import EscalationRule, ServiceLevel

Row = TypeVar("Row", ServiceLevel, EscalationRule)


def put(
    model: type[Row],
    repository: Repository | None,
    key: Mapping[str, str],
    wanted: Mapping[str, object],
    *,
    actor: str,
    reason: str,
) -> bool:
    """Make the row that `key` names, of all workflows, be as wanted; whether one was made or changed."""
    row = model._default_manager.filter(repository=repository, workflow="", **key).first()
    before = {name: getattr(row, name) for name in wanted} if row else {}
    if row is not None and (before == wanted or row.history.filter(history_user__isnull=False).exists()):
        return False
    row = row or model(repository=repository, **key)
    for name, value in wanted.items():
        setattr(row, name, value)
    row.save()
    update_change_reason(row, reason[:100])
    audit.append(
        actor=actor,
        action=f"{model._meta.model_name}.{'changed' if before else 'added'}",
        subject=f"{row} of {repository}" if repository else str(row),
        reason=reason,
        before={name: _plain(value) for name, value in before.items()},
        after={name: _plain(value) for name, value in wanted.items()},
    )
    return True


def _plain(value: object) -> object:
    return value if isinstance(value, str | float | int | None) else str(value)
