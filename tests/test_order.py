"""The order of the suite loses no test, and lets what takes long begin early."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.conftest import in_order


@dataclass(frozen=True)
class Item:
    nodeid: str
    marker: str = ""

    def get_closest_marker(self, name: str) -> object:
        return self.marker == name or None


SHORT = [Item(f"tests/test_short.py::test_{number}") for number in range(9)]
PROCESSES = [Item(f"tests/test_real.py::test_{number}", "processes") for number in range(3)]
FAULTS = Item("tests/rollout/scenarios/test_faults.py::test_one")
WHOLE = Item("tests/rollout/scenarios/test_whole_plan.py::test_all")
ALL = [*SHORT, *PROCESSES, FAULTS, WHOLE]


def ordered(items: list[Item], workers: int) -> list[Item]:
    return in_order(items, workers=workers)  # type: ignore[arg-type, return-value]


@pytest.mark.parametrize("workers", [1, 2, 3, 4, 20])
@pytest.mark.parametrize("items", [ALL, SHORT, PROCESSES, [WHOLE], []], ids=["all", "short", "long", "one", "none"])
def test_every_test_is_run_once(items: list[Item], workers: int) -> None:
    assert sorted(ordered(items, workers), key=repr) == sorted(items, key=repr)


def test_each_of_two_workers_begins_with_what_takes_long() -> None:
    found = ordered(ALL, 2)

    assert found[:2] == [PROCESSES[0], PROCESSES[2]]
    assert found[7:10] == [PROCESSES[1], WHOLE, FAULTS]


def test_one_worker_keeps_the_order() -> None:
    assert ordered(ALL, 1) == ALL
