"""A worker killed at any of the points K0 to K6 of RELIABILITY.md section 6: another carries on, nothing doubles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pipeline.github.client import Client
from pipeline.models import Kind
from pipeline.services import bell, claims, effects
from tests.scenarios.world import Killed, World

Wrap = Callable[..., Any]


class Killer:
    """Kills at every second passage, so often as said."""

    def __init__(self, most: int = 3) -> None:
        self.passages = 0
        self.left = most

    def strike(self) -> None:
        self.passages += 1
        if self.passages % 2 == 1 and self.left:
            self.left -= 1
            raise Killed

    def before(self, real: Wrap) -> Wrap:
        def wrapped(*args: Any, **values: Any) -> Any:
            self.strike()
            return real(*args, **values)

        return wrapped

    def after(self, real: Wrap) -> Wrap:
        def wrapped(*args: Any, **values: Any) -> Any:
            answer = real(*args, **values)
            self.strike()
            return answer

        return wrapped


def after_write(killer: Killer, real: Wrap) -> Wrap:
    """GitHub has applied the write; the answer is never read."""

    def wrapped(client: Client, asked: Any, *rest: Any) -> Any:
        answer = real(client, asked, *rest)
        if asked.write:
            killer.strike()
        return answer

    return wrapped


def arm(point: str, patch: pytest.MonkeyPatch, killer: Killer) -> None:
    """Put the killer at a kill point."""
    if point == "K6":  # the row is committed, the message never leaves
        patch.setattr(bell, "_send", killer.before(bell._send))
    elif point == "K1":
        patch.setattr(claims, "claim_item", killer.after(claims.claim_item))
    elif point == "K1 planned":
        patch.setattr(effects, "store", killer.after(effects.store))
    elif point == "K2":
        patch.setattr(effects, "_mark_sending", killer.after(effects._mark_sending))
    elif point == "K3":
        patch.setattr(Client, "_send", after_write(killer, Client._send))
    elif point == "K4":
        patch.setattr(effects, "settle", killer.before(effects.settle))
    elif point == "K5":
        patch.setattr(effects, "settle", killer.after(effects.settle))
    elif point == "K5 released":
        patch.setattr(claims, "release", killer.after(claims.release))


POINTS = ("K1", "K1 planned", "K2", "K3", "K4", "K5", "K5 released", "K6")


def lived_through(world: World, killer: Killer) -> None:
    world.feed.publish(1)
    world.carry_on(world.all_in("done", 1))
    assert killer.left == 0
    assert len(world.remotes()) == 1
    world.settle()
    world.verify()


@pytest.mark.parametrize("point", POINTS)
def test_killed_worker_loses_and_doubles_nothing(graphql: World, monkeypatch: pytest.MonkeyPatch, point: str) -> None:
    killer = Killer()
    arm(point, monkeypatch, killer)
    lived_through(graphql, killer)


@pytest.mark.parametrize("point", ["K2", "K3", "K5"])
def test_killed_worker_over_rest_loses_and_doubles_nothing(
    rest: World, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    killer = Killer()
    arm(point, monkeypatch, killer)
    lived_through(rest, killer)


def test_tick_killed_between_slot_and_message_is_made_good_by_the_next(
    graphql: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """K0: the slot's row is committed, nothing is sent."""
    killer = Killer(1)
    graphql.live(Kind.MONITOR)
    monkeypatch.setattr(bell, "_send", killer.before(bell._send))
    graphql.feed.publish(1)
    graphql.until(graphql.all_in("discovery", 1))
    assert (killer.left, graphql.deaths) == (0, 1)
    graphql.settle()
    graphql.verify()
