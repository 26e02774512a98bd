"""A stored draw is drawn again by a stranger; every kind of tampering shows."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.reviews import sampling, verifying
from tests.rollout.domain.reviews.test_sampling import FRAMES, SIZES, frame_of


def dump_of(frame: list[sampling.Entry], size: int = 6, seed: str = "seed") -> dict[str, Any]:
    """As it comes out of another machine's JSON."""
    many = sampling.double_of(min(size, len(frame)))
    found = sampling.draw(frame, seed, size=size, double=many)
    stored = {
        "algorithm": sampling.ALGORITHM,
        "seed": seed,
        "size": size,
        "double": many,
        "frame": sampling.as_stored(frame),
        "frame_sha256": sampling.frame_hash(frame),
        "strata": [{"workflow": one.workflow, "frame": one.frame, "drawn": one.drawn} for one in found.strata],
        "replaced": [],
        "sample": [[one.number, one.is_double] for one in found.drawn],
    }
    return dict(json.loads(json.dumps(stored)))


@pytest.fixture
def dump() -> dict[str, Any]:
    return dump_of(frame_of(alpha=9, beta=6, gamma=2))


@given(FRAMES, SIZES, st.text(max_size=8))
def test_untouched_draw_is_confirmed(frame: list[sampling.Entry], size: int, seed: str) -> None:
    assert verifying.faults(dump_of(frame, size, seed)) == []


def test_other_seed_shows(dump: dict[str, Any]) -> None:
    dump["seed"] = "another"

    assert verifying.faults(dump)[0].startswith("The draw gives #")


def test_exchanged_issue_shows(dump: dict[str, Any]) -> None:
    missing = next(n for n in range(1, 18) if n not in [number for number, _ in dump["sample"]])
    dump["sample"][0][0] = missing

    assert f"stored is #{missing}" in verifying.faults(dump)[0]


def test_exchanged_second_score_shows(dump: dict[str, Any]) -> None:
    for pair in dump["sample"]:
        pair[1] = not pair[1]

    assert "(twice)" in verifying.faults(dump)[0]


def test_issue_that_was_kept_out_of_the_frame_shows(dump: dict[str, Any]) -> None:
    dump["frame"] = dump["frame"][1:]

    faults = verifying.faults(dump)

    assert faults[0].startswith("The stored frame has the hash")
    assert faults[-1] == "The stored strata are not those of the frame."


def test_unknown_algorithm_is_not_guessed(dump: dict[str, Any]) -> None:
    dump["algorithm"] = "sha256-rank-v9"

    assert verifying.faults(dump) == ["It was drawn with sha256-rank-v9; this release knows sha256-rank-v1 only."]


def test_replacement_by_rank_is_confirmed_and_any_other_shows(dump: dict[str, Any]) -> None:
    number, is_double = dump["sample"][0]
    workflow = next(name for n, name, _ in dump["frame"] if n == number)
    frame = sampling.from_stored(dump["frame"])
    came = sampling.instead(frame, "seed", [n for n, _ in dump["sample"]], workflow)
    assert came is not None
    dump["replaced"] = [{"number": number, "workflow": workflow, "refill": True}]

    dump["sample"].append([came.number, is_double])
    assert verifying.faults(dump) == []

    used = [n for n, _ in dump["sample"]]
    dump["sample"][-1][0] = next(n for n in range(1, 18) if n not in used)
    assert len(verifying.faults(dump)) == 1


def test_replacement_after_one_that_was_passed_over_is_confirmed_only_with_its_name(dump: dict[str, Any]) -> None:
    number, is_double = dump["sample"][0]
    workflow = next(name for n, name, _ in dump["frame"] if n == number)
    frame, taken = sampling.from_stored(dump["frame"]), [n for n, _ in dump["sample"]]
    stale = sampling.instead(frame, "seed", taken, workflow)
    assert stale is not None
    came = sampling.instead(frame, "seed", [*taken, stale.number], workflow)
    assert came is not None
    dump["sample"].append([came.number, is_double])
    dump["replaced"] = [{"number": number, "workflow": workflow, "refill": True, "passed": [stale.number]}]

    assert verifying.faults(dump) == []

    dump["replaced"][0]["passed"] = []
    assert len(verifying.faults(dump)) == 1


def test_exclusion_without_replacement_is_confirmed(dump: dict[str, Any]) -> None:
    dump["replaced"] = [{"number": dump["sample"][0][0], "workflow": "alpha", "refill": False}]

    assert verifying.faults(dump) == []


@pytest.mark.parametrize("nothing", [None, 3, [], "draw"])
def test_what_is_no_object_is_refused_in_a_sentence(nothing: Any) -> None:
    with pytest.raises(ValueError, match="no stored draw"):
        verifying.faults(nothing)


@pytest.mark.parametrize("name", verifying.NEEDED)
@pytest.mark.parametrize("value", [None, [None], {"a": 1}, [[1]]])
def test_wrong_type_inside_is_refused_in_a_sentence(dump: dict[str, Any], name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=r"This is no stored draw|no line of a frame"):
        verifying.faults(dump | {name: value})


def test_what_is_no_dump_is_refused_in_a_sentence() -> None:
    with pytest.raises(ValueError, match="no stored draw: algorithm, seed"):
        verifying.faults({"frame": []})
