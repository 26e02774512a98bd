"""Rules as plain values and back, so that an evaluation keeps the very rule that it was judged by."""

from __future__ import annotations

import json
from dataclasses import asdict
from enum import Enum
from functools import lru_cache
from typing import Any

from rollout.domain.measures import Unit, Window
from rollout.domain.plan import Action, Crash, Criterion, NoData, Source, Trigger
from rollout.domain.probes import Ladder
from rollout.domain.trigger_rules import Rule


def written(rule: Criterion | Rule) -> dict[str, Any]:
    """JSON values only."""
    plain: dict[str, Any] = json.loads(json.dumps(asdict(rule), default=_plain))
    return plain


@lru_cache(maxsize=256)
def _as_text(rule: Rule) -> str:
    return json.dumps(written(rule))


def rule_written(rule: Rule) -> dict[str, Any]:
    """`written`, remembered: triggers are judged every minute."""
    plain: dict[str, Any] = json.loads(_as_text(rule))
    return plain


def criterion(values: dict[str, Any]) -> Criterion:
    return Criterion(
        **{
            **values,
            "source": Source(values["source"]),
            "unit": Unit(values["unit"]),
            "window": Window(**values["window"]),
            "no_data": NoData(values["no_data"]),
        }
    )


def rule(values: dict[str, Any]) -> Rule:
    ladder = values["ladder"]
    return Rule(**{**values, "trigger": trigger(values["trigger"]), "ladder": Ladder(**ladder) if ladder else None})


def trigger(values: dict[str, Any]) -> Trigger:
    return Trigger(
        **{
            **values,
            "action": Action(values["action"]),
            "unit": Unit(values["unit"]),
            "window": Window(**values["window"]),
            "crash": Crash(values["crash"]),
            "no_data": NoData(values["no_data"]),
        }
    )


def _plain(value: object) -> object:
    if isinstance(value, Enum):
        return value.value
    raise TypeError(f"{value!r} cannot be stored with a rule.")
