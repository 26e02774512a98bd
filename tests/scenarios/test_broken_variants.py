"""The suite must fail on what is known to lose or double work, else it proves nothing (RELIABILITY.md section 7)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from pipeline import clock
from pipeline.github.client import Ask
from pipeline.github.writer_rest import RestWriter
from pipeline.models import Effect, Kind, Operation, Run, RunItem
from pipeline.services import bell, effects, slots
from tests.scenarios.world import World


def checks(world: World) -> set[str]:
    return {found.check for found in world.report().violations}


def test_without_quarantine_a_late_write_is_found_doubled(graphql: World) -> None:
    graphql.run(Kind.MONITOR)
    graphql.repository.quarantine_seconds = 0
    graphql.repository.save(update_fields=["quarantine_seconds"])
    graphql.feed.publish(1)
    graphql.fault("FLATE", graphql="createIssue", params={"late_s": 10})
    graphql.run(Kind.MONITOR)
    graphql.settle()
    assert len(graphql.remotes()) == 2
    assert "effects.doubled" in checks(graphql)


def test_list_then_create_is_found_doubled_when_the_list_lags(rest: World) -> None:
    rest.run(Kind.MONITOR)
    rest.repository.quarantine_seconds = 0
    rest.repository.save(update_fields=["quarantine_seconds"])
    rest.feed.publish(1)
    rest.fault("F502A", method="POST", route="*/issues")
    rest.fault("FSTALE", method="GET", route="*/issues", count=4, params={"lag_s": 60})
    rest.run(Kind.MONITOR)
    rest.advance()
    rest.tick()
    rest.drain()
    rest.settle()
    assert len(rest.remotes()) == 2
    assert "effects.doubled" in checks(rest)


Mark = Callable[[RunItem, Sequence[Effect]], datetime]


def overtaken(world: World, patch: pytest.MonkeyPatch, mark: Mark) -> None:
    """A worker sleeps right before it marks its effects; its hold runs out, and another does the whole item."""
    slept: list[RunItem] = []

    def sleeping(item: RunItem, rows: Sequence[Effect]) -> datetime:
        if item.discovery_id and not slept:
            slept.append(item)
            world.advance(timedelta(minutes=5))
            world.tick()
            world.drain()
        return mark(item, rows)

    patch.setattr(effects, "_mark_sending", sleeping)
    world.feed.publish(1)
    world.run(Kind.MONITOR)
    world.settle()
    assert slept


def test_worker_that_was_overtaken_writes_nothing(graphql: World, monkeypatch: pytest.MonkeyPatch) -> None:
    overtaken(graphql, monkeypatch, effects._mark_sending)
    assert len(graphql.remotes()) == 1
    graphql.verify()


def test_without_the_epoch_in_the_where_an_overtaken_worker_is_found_doubling(
    graphql: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def careless(_: RunItem, rows: Sequence[Effect]) -> datetime:
        now = clock.now()
        Effect.objects.filter(pk__in=[row.pk for row in rows]).update(state=Effect.State.SENDING, sent_at=now)
        return now

    overtaken(graphql, monkeypatch, careless)
    assert len(graphql.remotes()) == 2
    assert "effects.doubled" in checks(graphql)


def test_labels_replaced_as_a_set_are_found(rest: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def replaced(self: Any, target: Any, intent: Any, change: Any) -> dict[str, Any]:
        ask = Ask(
            "PUT",
            f"/repos/{self._full_name}/issues/{target.number}/labels",
            "labels",
            body={"labels": list(change.labels)},
            effect=f"{intent.key}:{intent.hash}",
        )
        self._client.rest(ask)
        return {"labels": list(change.labels)}

    rest.feed.publish(1)
    rest.run(Kind.MONITOR)
    rest.human("label", 1, labels=["urgent"])
    monkeypatch.setattr(RestWriter, "_add_labels", replaced)
    rest.advance(timedelta(seconds=5))
    rest.run(Kind.ASSIGN)
    assert "people.label" in checks(rest)


def test_beat_without_slot_rows_is_found_running_twice(graphql: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(operation: Operation, nominal: Any, now: Any) -> None:
        run = Run.objects.create(
            operation=operation,
            repository=operation.repository,
            kind=operation.kind,
            purpose=Run.Purpose.SCHEDULED,
            mode=operation.mode,
            nominal_at=nominal,
            limit=operation.limit,
            created_at=now,
        )
        bell.ring(slots.EXECUTE_TASK, run.pk)

    graphql.live(Kind.MONITOR)
    monkeypatch.setattr(slots, "_run", careless)
    graphql.advance(timedelta(minutes=1))
    for _ in range(2):
        graphql.tick()
        graphql.drain()
    graphql.advance(timedelta(minutes=10))
    assert {"slots.ran twice", "slots.lost"} <= checks(graphql)
