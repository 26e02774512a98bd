"""Rows of the rollout for tests: plain functions, sensible defaults, any field by keyword."""

from __future__ import annotations

from typing import Any

from rollout.models import PlanVersion, Rollout
from rollout.services.plans import digest, shipped_text
from tests.factories import MOMENT, make_repository, number


def make_plan(*, frozen: bool = True, **values: Any) -> PlanVersion:
    """A version of the shipped plan, or of `text`."""
    text = values.setdefault("text", shipped_text())
    defaults: dict[str, Any] = {
        "slug": "unified-pipeline",
        "version": number(),
        "title": "Production Rollout Plan",
        "sha256": digest(text),
        "status": PlanVersion.Status.FROZEN if frozen else PlanVersion.Status.DRAFT,
        "created_by": "lena",
        "created_at": MOMENT,
        "frozen_at": MOMENT if frozen else None,
    }
    return PlanVersion.objects.create(**{**defaults, **values})


def make_rollout(**values: Any) -> Rollout:
    """Running on a repository of its own, since MOMENT, in week 1."""
    values.setdefault("plan", values.get("plan") or make_plan())
    values.setdefault("repository", values.get("repository") or make_repository())
    defaults: dict[str, Any] = {
        "state": Rollout.State.RUNNING,
        "starts_on": MOMENT.date(),
        "phase": "week-1",
        "phase_started_on": MOMENT.date(),
        "evidence_floor": MOMENT,
        "created_at": MOMENT,
        "started_by": "lena",
    }
    return Rollout.objects.create(**{**defaults, **values})
