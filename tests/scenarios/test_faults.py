"""Every fault of the outside world, on half of the writes: nothing lost, nothing doubled, all done in the end."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.github.client import Client
from pipeline.models import Effect, Finding
from tests.scenarios.world import World

WRITES: dict[str, dict[str, Any]] = {
    "F502B": {},
    "F502A": {},
    "F500": {},
    "F503": {},
    "FDROP": {},
    "FLATE": {"params": {"late_s": 10}},
    "F403P": {"params": {"reset_s": 90}},
    "F403S": {"params": {"retry_after": 90}},
    "F401": {},
    "F404H": {},
    "F404N": {"params": {"age_s": 600}},
    "F410": {},
    "F301": {},
    "F422L": {},
    "F403K": {},
    "FIGN": {},
    "F412W": {},
    "FSLOW": {"params": {"ms": 1300}},
    "FTRUNC": {},
}
READS = {"FSTALE": {"params": {"lag_s": 30}}, "FEMPTY": {}, "F502B": {}, "F404H": {}, "FTRUNC": {}, "F403S": {}}
OVER_REST = ("F502A", "FDROP", "FLATE", "FTRUNC", "F403S", "F404H", "F412W", "FIGN")


def through(world: World, count: int = 1, most: int = 40) -> None:
    """Issues to their end, however often it takes; what a finding asks of a person, a person does."""
    world.feed.publish(count)

    def mended(minute: int) -> None:
        if minute > most / 3:
            world.sandbox.faults.remove()
            mend(world)

    world.carry_on(world.all_in("done", count), most, mended)
    assert len(world.remotes()) == count
    world.settle()
    world.verify()


def mend(world: World) -> None:
    """Make the labels of issues with a finding those that the pipeline meant to set."""
    for finding in Finding.objects.filter(resolved_at__isnull=True, issue__isnull=False).select_related("issue"):
        issue = finding.issue
        if issue is None:
            continue
        wrong = [name for name in world.remote(issue.number).labels if name.startswith(("state::", "monitor::"))]
        meant = issue.effects.filter(kind="add_labels", state="applied").order_by("pk")
        wanted = [name for effect in meant for name in effect.payload["labels"] if not name.startswith("state::")]
        world.human("unlabel", issue.number, labels=wrong)
        world.human("label", issue.number, labels=[*wanted, f"state::{issue.state}"])


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that does not wait for slow answers."""
    defaults = Client.__init__.__kwdefaults__
    assert defaults
    monkeypatch.setitem(defaults, "timeout", 1)


@pytest.mark.parametrize("code", WRITES)
@pytest.mark.usefixtures("impatient")
def test_every_second_write_over_graphql_meets_the_fault(graphql: World, code: str) -> None:
    graphql.fault(code, graphql="mutation", share=0.5, count=5, **WRITES[code])
    through(graphql)


@pytest.mark.parametrize("code", OVER_REST)
@pytest.mark.usefixtures("impatient")
def test_every_second_write_over_rest_meets_the_fault(rest: World, code: str) -> None:
    for method in ("POST", "PATCH", "DELETE"):
        rest.fault(code, method=method, share=0.5, count=3, **WRITES[code])
    through(rest)


@pytest.mark.parametrize("code", READS)
def test_reads_that_fail_or_lie_do_no_harm(graphql: World, code: str) -> None:
    graphql.fault(code, method="GET", share=0.5, count=6, **READS[code])
    through(graphql)


def test_create_that_was_answered_502_is_found_again_in_a_list_that_lags(graphql: World) -> None:
    graphql.fault("F502A", graphql="createIssue")
    graphql.fault("FSTALE", method="GET", route="*/issues", count=3, params={"lag_s": 40})
    through(graphql, count=2)
    assert Effect.objects.filter(kind="create_issue", state="applied").count() == 2
