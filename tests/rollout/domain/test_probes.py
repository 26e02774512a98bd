"""Probes: two bad ones roll back, one good one goes on, an empty one shows nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.probes import SPACING, Ladder, Next, Probe, is_bad, next_step
from tests.rollout.runs_of import START

LADDER = Ladder()


def probe(number: int, failed: int = 0, **values: bool) -> Probe:
    return Probe(START + number * SPACING, **{"is_over": True, "judged": 20, "failed": failed, **values})  # type: ignore[arg-type]


def step(*probes: Probe, slots: float) -> Next:
    return next_step(probes, LADDER, held_at=START, now=START + slots * SPACING)


def test_first_probe_waits_one_slot() -> None:
    assert step(slots=0.9) is Next.WAIT
    assert step(slots=1) is Next.PROBE


def test_probe_at_work_is_waited_for() -> None:
    assert step(probe(1, is_over=False), slots=9) is Next.WAIT


def test_one_good_probe_goes_on() -> None:
    assert step(probe(1, failed=2), slots=1.1) is Next.RELEASE


def test_bad_probe_is_followed_by_another_a_slot_later() -> None:
    assert step(probe(1, failed=3), slots=1.5) is Next.WAIT
    assert step(probe(1, failed=3), slots=2) is Next.PROBE


def test_two_bad_probes_roll_back() -> None:
    assert step(probe(1, failed=3), probe(2, crashed=True), slots=2.1) is Next.ROLL_BACK


def test_empty_probe_shows_nothing_and_is_repeated() -> None:
    empty = Probe(START + SPACING, is_over=True)
    assert step(empty, slots=2) is Next.PROBE


@pytest.mark.parametrize(("failed", "crashed", "bad"), [(2, False, False), (3, False, True), (0, True, True)])
def test_three_failures_or_a_crash_are_bad(failed: int, crashed: bool, bad: bool) -> None:
    assert is_bad(probe(1, failed, crashed=crashed), LADDER) is bad


@given(st.lists(st.tuples(st.integers(0, 20), st.booleans()), max_size=4), st.randoms(use_true_random=False))
def test_order_of_arrival_does_not_matter(results: list[tuple[int, bool]], random: object) -> None:
    told = [probe(number, failed, crashed=crashed) for number, (failed, crashed) in enumerate(results, start=1)]
    mixed = list(told)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    late = START + timedelta(days=3)
    assert next_step(mixed, LADDER, held_at=START, now=late) is next_step(told, LADDER, held_at=START, now=late)
