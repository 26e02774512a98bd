from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openapi_schema_validator import OAS31Validator

from pipeline.ai.schema import parse, schema
from tests.pipeline.ai.asking import SLUGS

GOOD: dict[str, Any] = {
    "summary": "A summary.",
    "candidates": [{"workflow": SLUGS[0], "confidence": 0.4, "rationale": "forum"},
                   {"workflow": SLUGS[1], "confidence": 1, "rationale": "exploit"}],
    "key_topics": ["one"],
    "urgency": "high",
    "content_type": "advisory",
}  # fmt: skip


def test_a_good_answer_keeps_the_schema_and_is_sorted() -> None:
    OAS31Validator(schema(SLUGS)).validate(GOOD)
    found = parse(json.dumps(GOOD), SLUGS)
    assert [candidate.workflow for candidate in found.candidates] == [SLUGS[1], SLUGS[0]]
    assert found.candidates[0].confidence == 1.0


def test_of_two_entries_for_one_workflow_the_better_one_counts() -> None:
    twice = GOOD | {"candidates": [GOOD["candidates"][1], GOOD["candidates"][1] | {"confidence": 0.2}]}
    assert [candidate.confidence for candidate in parse(json.dumps(twice), SLUGS).candidates] == [1.0]


@pytest.mark.parametrize(
    "change",
    [{"issue_number": 1}, {"candidates": "x"}, {"candidates": [{}]}, {"urgency": "whatever"}, {"summary": None},
     {"key_topics": ["x"] * 9}, {"candidates": [GOOD["candidates"][0] | {"workflow": "delete-all"}]},
     {"candidates": [GOOD["candidates"][0] | {"confidence": 1.5}]}, {"urgency": []},
     {"candidates": [GOOD["candidates"][0] | {"confidence": True}]},
     {"candidates": [GOOD["candidates"][0] | {"workflow": []}]},
     {"candidates": [GOOD["candidates"][0] | {"number": 3}]}],
)  # fmt: skip
def test_an_answer_outside_the_schema_is_refused_in_one_sentence(change: dict[str, Any]) -> None:
    assert list(OAS31Validator(schema(SLUGS)).iter_errors(GOOD | change))
    with pytest.raises(ValueError, match=r"^[^\n]+\.$"):
        parse(json.dumps(GOOD | change), SLUGS)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "[" * 100_000, '{"summary": "x"}', json.dumps(GOOD) + "x", "NaN"]
)
def test_what_is_no_answer_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=r"^[^\n]+\.$"):
        parse(text, SLUGS)


def test_text_of_a_model_is_bounded_and_cannot_act() -> None:
    wild = GOOD | {"summary": "Ask @octocat <script>x</script> [here](http://x.example) " + "y" * 5000}
    found = parse(json.dumps(wild), SLUGS).summary
    assert len(found) <= 600
    assert "<script" not in found
    assert "`@octocat`" in found


values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*GOOD, "workflow"]), inner, max_size=5)
    ),
    max_leaves=8,
)


@given(values)
def test_any_json_is_an_answer_or_refused(data: Any) -> None:
    for value in (data, *(GOOD | {name: data} for name in GOOD)):
        try:
            found = parse(json.dumps(value), SLUGS)
        except ValueError:
            continue
        assert all(candidate.workflow in SLUGS and 0 <= candidate.confidence <= 1 for candidate in found.candidates)
