"""From a feed entry to done, with nobody touching anything."""

from __future__ import annotations

from pipeline.models import Discovery, Handover
from tests.scenarios.world import World


def test_three_entries_reach_done_each_once(both: World) -> None:
    both.live()
    both.feed.publish(3)
    both.until(both.all_in("done", 3))
    assert len(both.remotes()) == 3
    assert Discovery.objects.filter(status="opened").count() == 3
    assert list(Handover.objects.values_list("generation", "outcome")) == [(1, "completed")] * 3
    both.settle()
    both.verify()
