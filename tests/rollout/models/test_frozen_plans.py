"""A frozen plan is kept by the database itself, whatever the code above it does."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction

from rollout.models import PlanVersion
from tests.factories import MOMENT
from tests.rollout.factories import make_plan

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "values", [{"text": "slug: other"}, {"sha256": "0" * 64}, {"status": "draft"}, {"version": 99}, {"title": "Other"}]
)
def test_a_frozen_plan_is_not_changed_past_the_services(values: dict[str, Any]) -> None:
    rows = PlanVersion.objects.filter(pk=make_plan().pk)
    with pytest.raises(IntegrityError, match="A frozen plan does not change"), transaction.atomic():
        rows.update(**values)


def test_a_draft_is_edited_and_frozen() -> None:
    rows = PlanVersion.objects.filter(pk=make_plan(frozen=False).pk)
    assert rows.update(text="slug: other") == 1
    assert rows.update(status="frozen", frozen_at=MOMENT) == 1


def test_saving_a_frozen_plan_as_it_is_changes_nothing() -> None:
    plan = make_plan()
    before = PlanVersion.objects.values().get(pk=plan.pk)
    plan.save()
    assert PlanVersion.objects.values().get(pk=plan.pk) == before
