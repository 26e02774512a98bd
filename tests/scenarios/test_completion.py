"""From a hand-over in the sandbox to the figures: what Copilot says, what stands in its way, what the page counts."""

from __future__ import annotations

from datetime import timedelta

from pipeline import clock
from pipeline.models import Feedback, Handover
from rollout.domain.completion import Reported
from rollout.services.completion.report import report
from tests.scenarios.world import World


def test_copilots_remarks_and_times_reach_the_report(graphql: World) -> None:
    graphql.sandbox.configure({"copilot": {"remarks": 1.0}})
    graphql.live()
    graphql.feed.publish(1)
    graphql.until(graphql.all_in("done", 1))
    found = report(graphql.fresh(), clock.now())
    assert (found.outcomes, found.curve.events) == ({Reported.COMPLETED: 1}, 1)
    assert (found.said.handovers, Feedback.objects.count()) == (1, 1)
    assert all("/pull/" in row.html_url for row in found.said.newest)


def test_conflict_blocks_until_it_is_gone(graphql: World) -> None:
    graphql.sandbox.configure({"copilot": {"people": False}})
    graphql.live()
    graphql.feed.publish(1)
    graphql.until(lambda: Handover.objects.filter(outcome="finished").exists())
    row = Handover.objects.get()
    graphql.human("obstruct", row.pull_number or 0, conflicts=True)
    graphql.until(lambda: Handover.objects.filter(outcome="waiting", blocker="conflict").exists())
    assert report(graphql.fresh(), clock.now()).outcomes == {Reported.BLOCKED: 1}
    graphql.human("obstruct", row.pull_number or 0)
    graphql.until(lambda: Handover.objects.filter(outcome="finished", blocker="").exists())
    found = report(graphql.fresh(), clock.now() + timedelta(minutes=1))
    assert (found.outcomes, found.to_be_merged) == ({Reported.WORKING: 1}, 1)
    assert [(one.name, one.cases) for one in found.blockers] == [("conflict", 1)]
    assert found.figures["blocked_share"].value == 1.0
