"""A stop stops: nothing is written after the mode changed, the lease ran out, or the quota was used up."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from pipeline.models import Kind, Mode, Operation, Run, RunItem, Slot
from pipeline.services import effects, operations, runs
from tests.scenarios.world import World

MINUTE = timedelta(minutes=1)


def begun(world: World, kind: Kind) -> Run:
    """A scheduled run that has not been worked yet."""
    world.live(kind)
    world.advance(MINUTE)
    world.tick()
    return Run.objects.filter(kind=kind, purpose="scheduled").latest("pk")


def test_switching_off_in_mid_run_leaves_the_rest_unwritten(graphql: World, monkeypatch: pytest.MonkeyPatch) -> None:
    graphql.feed.publish(3)
    run = begun(graphql, Kind.MONITOR)
    real = effects.settle

    def held(*args: Any) -> None:
        real(*args)
        if args[0].discovery_id:
            operations.set_mode(run.operation, Mode.OFF, actor="olga", reason="Stop.")  # type: ignore[arg-type]

    monkeypatch.setattr(effects, "settle", held)
    graphql.drain()
    assert len(graphql.remotes()) == 1
    assert list(run.items.filter(discovery__isnull=False).values_list("state", flat=True)) == [
        "done",
        "cancelled",
        "cancelled",
    ]
    assert "switched to off" in run.items.filter(state="cancelled")[0].reason
    graphql.settle()
    graphql.verify()


def test_switching_off_before_a_run_begins_leaves_even_its_labels_unmade(both: World) -> None:
    both.feed.publish(1)
    run = begun(both, Kind.MONITOR)
    both.advance()
    operations.set_mode(both.operation(Kind.MONITOR), Mode.OFF, actor="olga", reason="Stop.")
    both.drain()
    run.refresh_from_db()
    assert (both.writes(), run.state) == (0, Run.State.CANCELLED)
    both.settle()
    both.verify()


def test_lease_that_nobody_renews_ends_live_work(graphql: World) -> None:
    graphql.feed.publish(1)
    graphql.live(Kind.MONITOR)
    Operation.objects.update(lease_owner=Operation.LeaseOwner.ROLLOUT)
    graphql.advance(timedelta(minutes=11))
    graphql.tick()
    graphql.drain()
    assert graphql.remotes() == []
    assert Slot.objects.filter(operation__kind="monitor", reason="No live lease.").count() == 1
    graphql.settle()
    graphql.verify()


def test_dry_run_writes_nothing(graphql: World) -> None:
    graphql.feed.publish(2)
    run = graphql.run(Kind.MONITOR, Mode.DRY_RUN)
    assert set(run.items.values_list("state", flat=True)) == {"planned"}
    assert graphql.writes() == 0
    graphql.settle()
    graphql.verify()


def test_used_up_quota_defers_and_the_next_run_takes_it(graphql: World) -> None:
    graphql.run(Kind.MONITOR)
    graphql.feed.publish(1)
    graphql.run(Kind.MONITOR)
    graphql.fault("F403P", method="*", count=1, params={"reset_s": 600})
    stopped = graphql.run(Kind.ASSIGN)
    assert (stopped.state, stopped.error_type) == ("failed", "quota")
    graphql.advance(timedelta(minutes=11))
    assert graphql.run(Kind.ASSIGN).state == "succeeded"
    assert graphql.states() == ["assigned"]
    graphql.settle()
    graphql.verify()


def test_quota_used_up_between_items_defers_the_rest(graphql: World) -> None:
    graphql.run(Kind.MONITOR)
    graphql.feed.publish(3)
    graphql.fault("F403S", graphql="createIssue", after=1, params={"retry_after": 120})
    graphql.run(Kind.MONITOR)
    assert sorted(RunItem.objects.filter(discovery__isnull=False).values_list("state", flat=True)) == [
        "deferred",
        "deferred",
        "done",
    ]
    graphql.advance(timedelta(minutes=3))
    graphql.run(Kind.MONITOR)
    assert len(graphql.remotes()) == 3
    graphql.settle()
    graphql.verify()


def test_limit_is_never_passed(graphql: World) -> None:
    graphql.feed.publish(5)
    run = graphql.run(Kind.MONITOR, limit=2)
    assert (run.limit, len(graphql.remotes())) == (2, 2)
    graphql.settle()
    graphql.verify()


def test_cancelled_run_writes_nothing_more(graphql: World, monkeypatch: pytest.MonkeyPatch) -> None:
    graphql.feed.publish(3)
    run = begun(graphql, Kind.MONITOR)
    real = effects.settle

    def cancelled(*args: Any) -> None:
        real(*args)
        if args[0].discovery_id:
            runs.cancel(Run.objects.get(pk=run.pk), actor="olga", reason="Enough.")

    monkeypatch.setattr(effects, "settle", cancelled)
    graphql.drain()
    assert len(graphql.remotes()) == 1
    graphql.settle()
    graphql.verify()
