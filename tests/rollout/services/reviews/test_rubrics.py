"""Versions of the rubric: shipped once, drafts change, what was in use never does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.models import AuditEntry
from pipeline.services.operations import NotPossible
from rollout.domain.reviews.rubric import SHIPPED
from rollout.models import Rubric, RubricCriterion
from rollout.models.rubrics import Frozen
from rollout.services import plans
from rollout.services.reviews import rubrics
from tests.rollout.factories import make_rubric

pytestmark = pytest.mark.django_db
WHY = {"by": "lea", "reason": "The reviewers asked for it."}


@pytest.fixture
def first() -> Rubric:
    rubrics.ship()
    return rubrics.in_use()


def heavier(weight: int) -> list[object]:
    return [replace(SHIPPED[0], weight=weight), *SHIPPED[1:]]


def test_shipped_rubric_is_in_use_and_shipping_again_changes_nothing(first: Rubric) -> None:
    assert rubrics.ship() is None

    assert (Rubric.objects.count(), first.version, first.status) == (1, 1, "in_use")
    assert rubrics.specs_of(first) == SHIPPED
    assert AuditEntry.objects.get().action == "rubric.shipped"


def test_shipping_leaves_a_version_of_people_alone() -> None:
    make_rubric(slug="guidance", version=4)

    assert rubrics.ship() is None
    assert rubrics.in_use().version == 4


def test_new_version_copies_the_last_and_is_the_only_draft(first: Rubric) -> None:
    draft = rubrics.new_version(**WHY)

    assert (draft.version, draft.status) == (2, "draft")
    assert rubrics.specs_of(draft) == SHIPPED
    with pytest.raises(NotPossible, match="is a draft already"):
        rubrics.new_version(**WHY)


def test_draft_is_edited_and_the_log_says_what_changed(first: Rubric) -> None:
    draft = rubrics.new_version(**WHY)
    kept = draft.criteria.get(slug="inputs").pk

    rubrics.edit(draft, title="Guidance, stricter", criteria=[replace(SHIPPED[2], weight=100)], **WHY)

    assert [row.slug for row in draft.criteria.all()] == ["inputs"]
    assert draft.criteria.get().pk == kept
    entry = AuditEntry.objects.get(action="rubric.edited")
    assert entry.reason == WHY["reason"]
    assert "inputs: the weight went from 20 % to 100 %." in entry.after["changes"]


def test_draft_with_a_wrong_sum_is_kept_but_not_published(first: Rubric) -> None:
    draft = rubrics.new_version(**WHY)
    rubrics.edit(draft, title=draft.title, criteria=heavier(30), **WHY)  # type: ignore[arg-type]

    with pytest.raises(NotPossible, match=r"The weights sum to 110, not 100 \(30 \+ 25 \+ 20 \+ 25 \+ 10\)"):
        rubrics.publish(draft, **WHY)

    assert rubrics.in_use() == first


def test_edit_that_cannot_be_stored_changes_nothing(first: Rubric) -> None:
    draft = rubrics.new_version(**WHY)
    broken = [replace(SHIPPED[0], anchors=("only one",)), *SHIPPED[1:]]

    with pytest.raises(NotPossible, match="one line for each of the ratings"):
        rubrics.edit(draft, title="Other", criteria=broken, **WHY)

    draft.refresh_from_db()
    assert (draft.title, rubrics.specs_of(draft)) == ("Specialist guidance", SHIPPED)


def test_publishing_retires_the_version_before(first: Rubric) -> None:
    draft = rubrics.new_version(**WHY)
    changed = [replace(SHIPPED[0], weight=15), replace(SHIPPED[1], weight=30), *SHIPPED[2:]]
    rubrics.edit(draft, title=draft.title, criteria=changed, **WHY)

    rubrics.publish(draft, **WHY)

    first.refresh_from_db()
    assert (first.status, rubrics.in_use()) == ("retired", draft)
    assert rubrics.diff(first, draft) == [
        "persona: the weight went from 20 % to 15 %.",
        "objectives: the weight went from 25 % to 30 %.",
    ]
    assert AuditEntry.objects.get(action="rubric.published").before == {"in_use": 1}


@pytest.mark.parametrize("status", ["in_use", "retired"])
def test_version_that_was_in_use_is_never_changed(status: str) -> None:
    rubric = make_rubric(slug="guidance", status=status)

    with pytest.raises(NotPossible, match="stays as it is; make a new version"):
        rubrics.edit(rubric, title="Other", criteria=SHIPPED, **WHY)
    with pytest.raises(NotPossible, match="stays as it is"):
        rubrics.publish(rubric, **WHY)


@pytest.mark.parametrize("status", ["in_use", "retired"])
def test_rows_of_a_version_that_was_in_use_refuse_by_themselves(status: str) -> None:
    rubric = make_rubric(status=status)
    criterion = rubric.criteria.all()[0]
    criterion.weight = 99

    for change in (criterion.save, criterion.delete, rubric.save, rubric.delete):
        with pytest.raises(Frozen, match="stays as it is"):
            change()
    with pytest.raises(Frozen):
        RubricCriterion.objects.create(rubric=rubric, slug="new", text="New", weight=1, target=0.5)

    assert sorted(rubric.criteria.values_list("weight", flat=True)) == [10, 20, 20, 25, 25]


def test_without_a_version_in_use_nothing_is_scored() -> None:
    with pytest.raises(NotPossible, match="No version of the rubric guidance is in use"):
        rubrics.in_use()


def test_a_plan_with_another_rubric_than_the_one_in_use_is_told() -> None:
    shipped = plans.read(plans.shipped_text()).rubric
    assert rubrics.unlike(shipped) == ""
    rubrics.ship()
    assert rubrics.unlike(shipped) == ""

    stricter = [replace(shipped[0], target=0.99), *shipped[1:]]
    said = rubrics.unlike(stricter)
    assert said.startswith("The plan's rubric is not Specialist guidance v1, by which reviewers score: ")
    assert "99" in said
