"""What a rubric must satisfy, how two versions differ, and that the shipped one is the plan's."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.reviews.rubric import SHIPPED, CriterionSpec, differences, faults

LINES = ("none", "poor", "partial", "good", "best")


def spec(slug: str = "inputs", **values: object) -> CriterionSpec:
    made = CriterionSpec(slug, f"About {slug}", 100, 0.9, LINES)
    return replace(made, **values)  # type: ignore[arg-type]  # any field by keyword


def test_shipped_rubric_is_the_plans_and_has_no_fault() -> None:
    assert [(one.slug, one.weight, one.target) for one in SHIPPED] == [
        ("persona", 20, 0.90),
        ("objectives", 25, 0.95),
        ("inputs", 20, 0.90),
        ("deliverables", 25, 0.95),
        ("acceptance", 10, 0.85),
    ]
    assert faults(SHIPPED) == []
    assert len({anchor for one in SHIPPED for anchor in one.anchors}) == 25


@given(st.lists(st.integers(1, 100), min_size=1, max_size=12))
def test_weights_must_sum_to_100_and_the_sum_is_said(weights: list[int]) -> None:
    found = faults([spec(f"c{at}", weight=weight) for at, weight in enumerate(weights)])

    if sum(weights) == 100:
        assert found == []
    else:
        assert len(found) == 1
        assert f"The weights sum to {sum(weights)}, not 100" in found[0]


@pytest.mark.parametrize(
    ("criteria", "said"),
    [
        ([], "A rubric has 1 to 12 criteria; this one has 0."),
        ([spec(f"c{at}", weight=1) for at in range(13)], "this one has 13"),
        ([spec(weight=50), spec(weight=50)], "Two criteria are called inputs"),
        ([spec("weighted")], "weighted is the name of the whole score"),
        ([spec(weight=0)], "the weight 0 is not a percentage"),
        ([spec(target=1.2)], "the target 1.2 is not a share"),
        ([spec(text=" ")], "needs a short name and a text"),
        ([spec(anchors=LINES[:4])], "write one line for each of the ratings 0 to 4; there are 4 lines"),
        ([spec(anchors=(*LINES[:4], "two\nlines"))], "the anchor of 4 must be one line"),
        ([spec(anchors=("", *LINES[1:]))], "the anchor of 0 must be one line"),
        ([spec(anchors=("x" * 201, *LINES[1:]))], "at most 200 characters"),
    ],
)
def test_fault_is_said_in_a_sentence(criteria: list[CriterionSpec], said: str) -> None:
    assert any(said in fault for fault in faults(criteria))


def test_near_misses_are_no_faults() -> None:
    twelve = [spec(f"c{at}", weight=8 if at else 12) for at in range(12)]

    assert faults(twelve) == []
    assert faults([spec(target=1.0, anchors=("x" * 200, *LINES[1:]))]) == []


def test_differences_name_what_came_went_and_changed() -> None:
    before = [spec("persona", weight=60), spec("inputs", weight=40)]
    after = [
        spec("inputs", weight=50, target=0.95, text="Inputs", anchors=(*LINES[:4], "everything")),
        spec("tone", weight=50),
    ]

    assert differences(before, after) == [
        "About persona (persona) went; it weighed 60 %.",
        "inputs: the text “About inputs” is now “Inputs”.",
        "inputs: the weight went from 40 % to 50 %.",
        "inputs: the target went from 90 % to 95 %.",
        "inputs: a 4 meant “best” and now means “everything”.",
        "About tone (tone) came, with weight 50 % and target 90 %.",
    ]


def test_another_order_alone_is_a_difference() -> None:
    pair = [spec("a", weight=50), spec("b", weight=50)]

    assert differences(pair, pair[::-1]) == ["The order is now b, a."]
    assert differences(pair, pair) == []
