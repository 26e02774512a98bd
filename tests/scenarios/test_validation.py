"""Validation over a whole world: a pipeline at work yields no finding, a label that drifts is taken off again."""

from __future__ import annotations

from pipeline.models import Finding, Kind, RunItem
from tests.scenarios.world import World


def open_checks() -> list[str]:
    return sorted(Finding.objects.filter(resolved_at__isnull=True).values_list("check_id", flat=True))


def test_pipeline_at_work_yields_no_finding_and_drift_is_repaired_once(graphql: World) -> None:
    graphql.feed.publish(3)
    for kind in (Kind.MONITOR, Kind.ASSIGN, Kind.VALIDATE, Kind.PROCESS, Kind.VALIDATE):
        run = graphql.run(kind)
        assert run.state == "succeeded", graphql.told()
        graphql.advance()
    assert graphql.states() == ["copilot"] * 3
    assert list(Finding.objects.values_list("check_id", "message")) == []
    number = graphql.human("label", graphql.remotes()[0].number, labels=["monitor::triage"])
    graphql.advance()
    run = graphql.run(Kind.VALIDATE)
    assert open_checks() == ["labels.triage"]
    assert run.items.filter(issue__number=number, state=RunItem.State.DONE).count() == 1
    assert "monitor::triage" not in graphql.remote(number).labels
    graphql.advance()
    graphql.run(Kind.VALIDATE)
    assert open_checks() == []
    graphql.carry_on(graphql.all_in("done", 3))
    graphql.run(Kind.VALIDATE)
    assert open_checks() == []
    graphql.settle()
    graphql.verify()
