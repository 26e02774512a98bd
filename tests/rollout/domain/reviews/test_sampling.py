"""The week's sample: anybody draws the same again; every issue of a workflow has the same chance; small cases said."""

from __future__ import annotations

import hashlib
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.reviews import sampling
from rollout.domain.reviews.sampling import Entry, allocate, draw

DRAWS = 10_000
CRITICAL = {1: 10.828, 5: 20.515, 11: 31.264}  # chi-squared at 0.001, by degrees of freedom (Fisher and Yates)
FRAME_HASH = "8942deb0d9470dcde15ec4b21d6384e056d4c9c2bd80e5c86a3598fcf0548301"
SAMPLE = [(9, False), (2, True), (8, False), (12, False), (1, True), (13, False)]  # sha256sum and sort give the same


def frame_of(**sizes: int) -> list[Entry]:
    """Numbers from 1 on, workflow by workflow."""
    names = [name for name, many in sizes.items() for _ in range(many)]
    return [Entry(number, name, f"hash-{number}") for number, name in enumerate(names, start=1)]


FRAMES = st.dictionaries(st.sampled_from("abcdefghijklmnop"), st.integers(1, 30), max_size=14).map(
    lambda sizes: frame_of(**sizes)
)
SIZES = st.integers(1, 25)


def statistic(counts: Counter[int], numbers: list[int], places: int) -> float:
    """Pearson's, corrected for drawing without replacement, so that it is chi-squared with one degree less."""
    many, expected = len(numbers), DRAWS * places / len(numbers)
    spread = sum((counts[number] - expected) ** 2 for number in numbers) / expected
    return spread * (many - 1) / (many - places)


def test_every_issue_of_a_workflow_is_drawn_equally_often() -> None:
    frame = frame_of(large=12, middle=6, small=2)
    places = allocate({"large": 12, "middle": 6, "small": 2}, 10)
    counts, doubles = Counter[int](), Counter[int]()
    for serial in range(DRAWS):
        drawn = draw(frame, f"seed {serial}").drawn
        counts.update(one.number for one in drawn)
        doubles.update(one.number for one in drawn if one.is_double)

    for name, many in places.items():
        numbers = [one.number for one in frame if one.workflow == name]
        assert sum(counts[number] for number in numbers) == DRAWS * many
        assert statistic(counts, numbers, many) < CRITICAL[len(numbers) - 1], name
        share = sum(doubles[number] for number in numbers) / (DRAWS * many)
        assert share == pytest.approx(0.3, abs=0.01), name


def test_statistic_would_see_a_bias_of_one_in_twenty() -> None:
    counts = Counter({number: 6000 + (300 if number == 1 else -300 // 11) for number in range(1, 13)})

    assert statistic(counts, list(range(1, 13)), 7) > CRITICAL[11]


def test_known_seed_gives_a_known_sample() -> None:
    """Fixed for ever: a change of these numbers is a new algorithm and needs a new name."""
    frame = frame_of(alpha=8, beta=4, gamma=1)

    found = draw(frame, "a stored seed", size=6, double=2)

    assert sampling.ALGORITHM == "sha256-rank-v1"
    assert sampling.frame_hash(frame) == FRAME_HASH
    assert [(one.number, one.is_double) for one in found.drawn] == SAMPLE


def test_sample_can_be_drawn_with_a_hash_function_alone() -> None:
    """No function of ours but allocate: what the decision record tells somebody to do by hand."""
    frame = frame_of(alpha=9, beta=5)

    by_hand: list[int] = []
    for workflow, many in (("alpha", 5), ("beta", 3)):
        ranked = sorted(
            (hashlib.sha256(f"s:{one.number}".encode()).hexdigest(), one.number)
            for one in frame
            if one.workflow == workflow
        )
        by_hand += [number for _, number in ranked[:many]]

    assert sorted(by_hand) == sorted(one.number for one in draw(frame, "s", size=8).drawn)


@given(FRAMES, SIZES, st.text(max_size=5))
def test_draw_is_exact_repeatable_and_blind_to_order(frame: list[Entry], size: int, seed: str) -> None:
    found = draw(frame, seed, size=size)

    numbers = [one.number for one in found.drawn]
    assert len(numbers) == len(set(numbers)) == min(size, len(frame))
    assert [one.position for one in found.drawn] == list(range(1, len(numbers) + 1))
    assert found == draw(list(reversed(frame)), seed, size=size)
    assert sum(one.is_double for one in found.drawn) == sampling.double_of(len(numbers))


@given(FRAMES, SIZES, st.text(max_size=5))
def test_each_workflow_has_at_least_one_and_at_most_all(frame: list[Entry], size: int, seed: str) -> None:
    found = draw(frame, seed, size=size)

    for stratum in found.strata:
        assert stratum.drawn == sum(one.workflow == stratum.workflow for one in found.drawn)
        assert min(1, size - len(found.strata) + 1) <= stratum.drawn <= stratum.frame
    if size < len(found.strata):
        smallest_in = min(one.frame for one in found.strata if one.drawn)
        assert all(one.frame <= smallest_in for one in found.strata if not one.drawn)
        assert "More workflows" in found.note


@given(st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 40), min_size=1), SIZES)
def test_larger_workflow_never_has_fewer_places(counts: dict[str, int], size: int) -> None:
    places = allocate(counts, size)

    assert sum(places.values()) == min(size, sum(counts.values()))
    for one, other in ((a, b) for a in counts for b in counts if counts[a] > counts[b]):
        assert places[one] >= places[other]


@pytest.mark.parametrize(
    ("counts", "size", "places"),
    [
        ({"a": 12, "b": 6, "c": 2}, 10, {"a": 6, "b": 3, "c": 1}),
        ({"a": 97, "b": 1, "c": 1}, 10, {"a": 8, "b": 1, "c": 1}),
        ({"a": 5, "b": 5, "c": 5}, 4, {"a": 2, "b": 1, "c": 1}),
        ({"a": 1, "b": 4, "c": 2}, 2, {"a": 0, "b": 1, "c": 1}),
        ({"a": 3, "b": 2}, 10, {"a": 3, "b": 2}),
        ({}, 10, {}),
    ],
)
def test_places_by_size(counts: dict[str, int], size: int, places: dict[str, int]) -> None:
    assert allocate(counts, size) == places


def test_frame_smaller_than_the_size_is_taken_whole_and_says_so() -> None:
    found = draw(frame_of(a=3, b=1), "seed")

    assert {one.number for one in found.drawn} == {1, 2, 3, 4}
    assert found.note == "4 instead of 10: that is all there was, so all of it is taken."


def test_empty_frame_gives_an_empty_draw_that_says_so() -> None:
    found = draw([], "seed")

    assert (found.drawn, found.strata) == ((), ())
    assert found.note.startswith("Nothing to review")


@pytest.mark.parametrize(("drawn", "double"), [(10, 3), (7, 2), (5, 2), (2, 1), (1, 0), (0, 0)])
def test_share_that_is_scored_twice(drawn: int, double: int) -> None:
    assert sampling.double_of(drawn) == double


@given(FRAMES)
def test_frame_reads_back_as_it_was_stored(frame: list[Entry]) -> None:
    stored = sampling.as_stored(frame)

    assert sampling.from_stored(stored) == tuple(sorted(frame))
    assert sampling.frame_hash(reversed(frame)) == sampling.frame_hash(frame)


def test_frame_hash_sees_a_changed_guidance_and_a_missing_issue() -> None:
    frame = frame_of(a=3)

    changed = [*frame[:2], Entry(3, "a", "other")]
    assert len({sampling.frame_hash(one) for one in (frame, changed, frame[:2])}) == 3


@pytest.mark.parametrize("row", [[1, "a"], ["1", "a", "h"], [1, None, "h"]])
def test_line_that_is_no_frame_is_refused_in_a_sentence(row: list[object]) -> None:
    with pytest.raises(ValueError, match="is no line of a frame"):
        sampling.from_stored([row])


def test_replacement_is_the_next_of_its_workflow_then_of_all() -> None:
    frame = frame_of(a=3, b=3)
    order = sorted((one for one in frame), key=lambda one: sampling.rank("s", one.number))
    of_a = [one.number for one in order if one.workflow == "a"]
    of_b = [one.number for one in order if one.workflow == "b"]

    taken = [of_a[0], of_b[0]]
    for workflow in ("a", "a", "a", "b"):
        found = sampling.instead(frame, "s", taken, workflow)
        assert found is not None
        taken.append(found.number)

    assert taken == [of_a[0], of_b[0], of_a[1], of_a[2], of_b[1], of_b[2]]
    assert sampling.instead(frame, "s", taken, "b") is None
