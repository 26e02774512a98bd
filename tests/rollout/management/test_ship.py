"""`rollout ship`: the rows that a release brings, and nothing twice."""

from __future__ import annotations

from collections.abc import Callable

from rollout.models import ServiceLevel
from tests.rollout.management.conftest import Call


def test_shipping_brings_the_rows_once(call: Call) -> None:
    code, first = call("ship")
    again = call("ship")[1]

    assert (code, first["service levels"], ServiceLevel.objects.count()) == (0, 3, 3)
    assert set(again.values()) == {0}


def test_shipping_tells_people_what_it_did(said: Callable[..., str]) -> None:
    assert "service levels: 3 made or changed" in said("ship")
    assert "there already" in said("ship")
