"""Rubrics in the admin: a draft is edited with its criteria, published with a reason, compared with the last."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from rollout.admin.rubrics import initial_of
from rollout.models import Rubric
from rollout.services.reviews import rubrics
from tests.rollout.admin.addresses import page
from tests.rollout.admin.world import World

As = Callable[[str], Client]


@pytest.fixture
def draft(world: World) -> Rubric:
    return Rubric.objects.get(slug="guidance", status="draft")


def answer(draft: Rubric, **changed: Any) -> dict[str, Any]:
    """What the form holds when it is opened, and a reason."""
    values = initial_of(draft.title, rubrics.specs_of(draft)) | {"reason": "The reviewers asked for it."}
    return values | {name.replace("__", "-"): value for name, value in changed.items()}


def test_form_holds_the_draft_and_saving_it_unchanged_changes_nothing(draft: Rubric, as_role: As) -> None:
    before = rubrics.specs_of(draft)

    response = as_role("rollout lead").post(page("rubric_edit", draft.pk), answer(draft))

    assert (response.status_code, rubrics.specs_of(draft)) == (302, before)


def test_lead_changes_weights_adds_and_drops_criteria(draft: Rubric, as_role: As) -> None:
    anchors = {f"anchor__{rating}__5": f"Tone {rating}" for rating in range(5)}
    changed = answer(draft, slug__4="", slug__5="tone", text__5="Tone", weight__5=10, target__5="87.5", **anchors)

    as_role("rollout lead").post(page("rubric_edit", draft.pk), changed)

    found = rubrics.specs_of(draft)
    assert [one.slug for one in found] == ["persona", "objectives", "inputs", "deliverables", "tone"]
    assert (found[-1].target, found[-1].anchors[4]) == (0.875, "Tone 4")


def test_incomplete_criterion_is_refused_beside_its_field(draft: Rubric, as_role: As) -> None:
    before = rubrics.specs_of(draft)

    text = as_role("rollout lead").post(page("rubric_edit", draft.pk), answer(draft, weight__0="")).content.decode()

    assert "Fill it in, or empty the criterion" in text
    assert rubrics.specs_of(draft) == before


def test_wrong_sum_is_shown_and_bars_publishing(draft: Rubric, as_role: As) -> None:
    lead = as_role("rollout lead")
    lead.post(page("rubric_edit", draft.pk), answer(draft, weight__0=25))

    assert "The weights sum to 105, not 100" in lead.get(page("rubric_change", draft.pk)).content.decode()
    text = lead.post(page("rubric_publish", draft.pk), {"reason": "Now."}).content.decode()
    assert "The weights sum to 105, not 100" in text
    assert rubrics.in_use() != draft


def test_published_version_shows_what_changed_and_can_only_be_copied(draft: Rubric, as_role: As) -> None:
    lead = as_role("rollout lead")
    lead.post(page("rubric_edit", draft.pk), answer(draft, weight__0=15, weight__4=15))
    lead.post(page("rubric_publish", draft.pk), {"reason": "Agreed in the meeting."})

    assert rubrics.in_use() == draft
    text = lead.get(page("rubric_change", draft.pk)).content.decode()
    assert "persona: the weight went from 20 % to 15 %." in text
    assert "Edit the draft" not in text
    assert lead.get(page("rubric_edit", draft.pk)).status_code == 302

    lead.post(page("rubric_copy", draft.pk), {"reason": "Further."})
    assert Rubric.objects.filter(slug="guidance").count() == 3


def test_text_of_a_criterion_never_acts(draft: Rubric, as_role: As) -> None:
    lead = as_role("rollout lead")
    lead.post(page("rubric_edit", draft.pk), answer(draft, text__0="<script>window.hacked=1</script>"))

    for address in (page("rubric_change", draft.pk), page("rubric_edit", draft.pk)):
        assert b"<script>window.hacked" not in lead.get(address).content
