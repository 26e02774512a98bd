"""The order of a rollback: what needs what, when it is over, when a person has to look."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.saga import (
    BY_NAME,
    MOST_ATTEMPTS,
    SETTLED,
    STEPS,
    Overall,
    Standing,
    overall,
    ready,
    steps_of,
    wait_after,
)

NAMES = [step.name for step in STEPS]
STANDINGS = st.fixed_dictionaries({name: st.sampled_from(Standing) for name in NAMES})


def test_every_step_needs_only_steps_before_it() -> None:
    for place, step in enumerate(STEPS):
        assert set(step.needs) <= set(NAMES[:place])


def test_every_step_says_what_holds_afterwards() -> None:
    assert len(set(NAMES)) == len(NAMES)
    assert all(step.title and step.postcondition.endswith(".") for step in STEPS)


def test_everything_waits_for_the_schedules_to_be_off() -> None:
    assert ready(dict.fromkeys(NAMES, Standing.WAITING)) == ("schedules_off",)


def test_only_a_drill_puts_back_and_it_does_so_last() -> None:
    assert [step.name for step in steps_of(drill=False)] == NAMES[:-1]
    assert steps_of(drill=True)[-1].name == "put_back"


@given(STANDINGS)
def test_ready_is_unsettled_and_has_all_that_it_needs(standings: dict[str, Standing]) -> None:
    for name in ready(standings):
        assert standings[name] not in SETTLED
        assert all(standings[need] in SETTLED for need in BY_NAME[name].needs)


@given(STANDINGS)
def test_unless_all_is_settled_there_is_something_to_try(standings: dict[str, Standing]) -> None:
    assert bool(ready(standings)) is any(standing not in SETTLED for standing in standings.values())


@given(st.sets(st.sampled_from(NAMES)))
def test_failed_step_holds_up_only_those_that_need_it(failed: set[str]) -> None:
    standings = dict.fromkeys(NAMES, Standing.WAITING)
    for _round in NAMES:
        for name in ready(standings):
            standings[name] = Standing.FAILED if name in failed else Standing.DONE
    for name, standing in standings.items():
        behind = _needed(name) & failed
        assert (standing is Standing.WAITING) is bool(behind)


def _needed(name: str) -> set[str]:
    needs = set(BY_NAME[name].needs)
    return needs.union(*(_needed(need) for need in needs)) if needs else needs


@pytest.mark.parametrize(
    ("standings", "expected"),
    [
        ({"drained": (Standing.DONE, 1), "announced": (Standing.SKIPPED, 1)}, Overall.DONE),
        ({"drained": (Standing.DONE, 1), "announced": (Standing.WAITING, 0)}, Overall.RUNNING),
        ({"drained": (Standing.FAILED, 3), "announced": (Standing.DONE, 1)}, Overall.RUNNING),
        ({"drained": (Standing.FAILED, MOST_ATTEMPTS), "announced": (Standing.DONE, 1)}, Overall.STUCK),
        ({"drained": (Standing.FAILED, MOST_ATTEMPTS), "announced": (Standing.WAITING, 0)}, Overall.RUNNING),
        ({"drained": (Standing.FAILED, MOST_ATTEMPTS), "states_exported": (Standing.WAITING, 0)}, Overall.STUCK),
    ],
)
def test_whole_is_folded_from_its_steps(standings: dict[str, tuple[Standing, int]], expected: Overall) -> None:
    assert overall(standings) is expected


@given(st.integers(0, 200))
def test_waiting_grows_and_has_an_end(attempts: int) -> None:
    assert timedelta(seconds=15) <= wait_after(attempts) <= wait_after(attempts + 1) <= timedelta(minutes=15)
