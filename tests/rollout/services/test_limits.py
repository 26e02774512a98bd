"""The effective limit of an operation, from rows; overrides by people."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pipeline.clock import VirtualClock
from pipeline.models import Handover, Issue, OperationPart, Run
from pipeline.services.credentials import token_key
from pipeline.services.operations import NotPossible
from rollout.domain.limits import Limit
from rollout.models import Override, Rollout
from rollout.services import limits, overrides
from tests.factories import make_api_call, make_handover, make_issue, make_item, make_run, make_token_budget
from tests.rollout import world
from tests.rollout.services import rolling_back

pytestmark = pytest.mark.django_db


@pytest.fixture
def rollout(virtual_clock: VirtualClock) -> Rollout:
    """Day 1, week 1 is live: assign 10, process 5."""
    return world.in_week_1()


def of(rollout: Rollout, name: str, clock: VirtualClock) -> Limit:
    return limits.effective(rollout, world.operation(rollout, name), clock.now())


def wait_for(rollout: Rollout, state: Issue.State, count: int) -> None:
    for _number in range(count):
        make_issue(repository=rollout.repository, state=state)


def test_every_term_is_shown_and_the_plan_binds(rollout: Rollout, virtual_clock: VirtualClock) -> None:
    wait_for(rollout, Issue.State.DISCOVERY, 12)
    found = of(rollout, "assign", virtual_clock)
    assert [term.name for term in found.terms] == [
        "plan",
        "override",
        "quota",
        "work in progress",
        "downstream",
        "backlog",
    ]
    assert (found.value, found.binding, found.ceiling) == (10, "plan", 10)
    assert all(term.text for term in found.terms)


def test_a_small_backlog_binds_what_is_shown_but_not_the_knob(rollout: Rollout, virtual_clock: VirtualClock) -> None:
    wait_for(rollout, Issue.State.DISCOVERY, 3)
    found = of(rollout, "assign", virtual_clock)
    assert (found.value, found.binding, found.ceiling, found.ceiling_binding) == (3, "backlog", 10, "plan")
    assert world.tick(rollout) == []


def test_open_hand_overs_leave_room_up_to_the_cap(rollout: Rollout, virtual_clock: VirtualClock) -> None:
    Rollout.objects.filter(pk=rollout.pk).update(wip_cap=3)
    wait_for(rollout, Issue.State.ASSIGNED, 9)
    for outcome in (Handover.Outcome.PENDING, Handover.Outcome.FINISHED, Handover.Outcome.COMPLETED):
        issue = make_issue(repository=rollout.repository, state=Issue.State.COPILOT)
        make_handover(issue=issue, outcome=outcome)
    world.tick(rollout)
    process = world.operation(rollout, "process")
    assert (process.limit, process.limit_reason) == (1, "work in progress")


def test_no_more_is_assigned_than_processing_takes_on_in_a_week(rollout: Rollout, virtual_clock: VirtualClock) -> None:
    wait_for(rollout, Issue.State.DISCOVERY, 12)
    wait_for(rollout, Issue.State.ASSIGNED, 203)  # of 5 issues, 6 times a day, 7 days
    found = of(rollout, "assign", virtual_clock)
    assert (found.value, found.binding) == (7, "downstream")


def test_little_quota_lowers_the_limit_by_what_an_issue_takes(
    rollout: Rollout, virtual_clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "ghp_for_a_test")
    make_token_budget(
        token_key=token_key("ghp_for_a_test"),
        limit=5000,
        remaining=1016,
        reset_at=virtual_clock.now() + timedelta(minutes=30),
    )
    assign = world.operation(rollout, "assign")
    run = make_run(operation=assign, state=Run.State.SUCCEEDED, nominal_at=virtual_clock.now())
    make_item(run=run, state="done")
    for _number in range(4):
        make_api_call(repository=rollout.repository, run=run)
    world.tick(rollout)
    assign.refresh_from_db()
    assert (assign.limit, assign.limit_reason) == (4, "quota")
    virtual_clock.advance(timedelta(minutes=31))
    world.tick(rollout)
    assign.refresh_from_db()
    assert (assign.limit, assign.limit_reason) == (10, "plan 1.1")


def test_while_github_asks_to_wait_the_limit_is_nothing(
    rollout: Rollout, virtual_clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "ghp_for_a_test")
    make_token_budget(token_key=token_key("ghp_for_a_test"), blocked_until=virtual_clock.now() + timedelta(minutes=5))
    found = of(rollout, "assign", virtual_clock)
    assert (found.value, found.binding) == (0, "quota")


def test_an_override_lowers_until_it_ends_and_names_its_owner(rollout: Rollout, virtual_clock: VirtualClock) -> None:
    until = virtual_clock.now() + timedelta(hours=4)
    overrides.set_limit(rollout, "assign", limit=2, owner="anna", reason="Odd labels.", expires_at=until)
    assert world.operation(rollout, "assign").limit == 2
    virtual_clock.set(until)
    world.tick(rollout)
    assert world.operation(rollout, "assign").limit == 10


def test_an_override_never_lifts_what_the_plan_allows(rollout: Rollout, virtual_clock: VirtualClock) -> None:
    until = virtual_clock.now() + timedelta(hours=4)
    overrides.set_limit(rollout, "assign", limit=200, owner="anna", reason="Hurry.", expires_at=until)
    assert world.operation(rollout, "assign").limit == 10


def test_a_new_override_replaces_the_old_and_can_be_ended_once(rollout: Rollout, virtual_clock: VirtualClock) -> None:
    until = virtual_clock.now() + timedelta(hours=4)
    overrides.set_limit(rollout, "assign", limit=2, owner="anna", reason="Odd labels.", expires_at=until)
    newer = overrides.set_limit(rollout, "assign", limit=4, owner="anna", reason="Better.", expires_at=until)
    assert world.operation(rollout, "assign").limit == 4
    overrides.end(newer, by="olga", reason="Mended.")
    assert world.operation(rollout, "assign").limit == 10
    with pytest.raises(NotPossible, match="is over already"):
        overrides.end(newer, by="olga", reason="Mended.")


@pytest.mark.parametrize(
    ("operation", "limit", "hours", "match"),
    [
        ("assign", 1001, 1, "out of range"),
        ("assign", 2, 0, "ends within 14 days"),
        ("assign", 2, 24 * 15, "ends within 14 days"),
        ("monitor", 2, 1, "The plan sets no limit for 'monitor'"),
    ],
)
def test_an_override_that_cannot_be_is_refused(
    rollout: Rollout, virtual_clock: VirtualClock, operation: str, limit: int, hours: int, match: str
) -> None:
    until = virtual_clock.now() + timedelta(hours=hours)
    with pytest.raises(NotPossible, match=match):
        overrides.set_limit(rollout, operation, limit=limit, owner="anna", reason="So.", expires_at=until)
    assert not Override.objects.exists()


@pytest.fixture
def shipped(virtual_clock: VirtualClock) -> Rollout:
    """The shipped plan, whose daily operation hands over up to 10 issues in a part of its own."""
    return rolling_back.make_rollout()


def part(rollout: Rollout, kind: str) -> OperationPart:
    return OperationPart.objects.get(operation__repository=rollout.repository, kind=kind)


def test_the_cap_on_open_hand_overs_holds_for_the_daily_operation_too(shipped: Rollout) -> None:
    Rollout.objects.filter(pk=shipped.pk).update(wip_cap=3)
    make_handover(issue=make_issue(repository=shipped.repository, state=Issue.State.COPILOT))
    world.tick(shipped)
    found = part(shipped, "process")
    assert (found.limit, found.limit_reason) == (2, "work in progress")
    assert (part(shipped, "assign").limit, part(shipped, "assign").limit_reason) == (20, "plan 1.3")
    assert world.tick(shipped) == []


def test_an_override_of_a_part_lowers_that_part_alone(shipped: Rollout, virtual_clock: VirtualClock) -> None:
    until = virtual_clock.now() + timedelta(hours=4)
    overrides.set_limit(shipped, "daily:process", limit=1, owner="anna", reason="Odd labels.", expires_at=until)
    assert (part(shipped, "process").limit, part(shipped, "process").limit_reason) == (1, "override")
    assert part(shipped, "assign").limit == 20


def test_an_operation_that_the_plan_does_not_limit_keeps_its_own(rollout: Rollout, virtual_clock: VirtualClock) -> None:
    assert of(rollout, "monitor", virtual_clock).ceiling is None
    assert world.operation(rollout, "monitor").limit == 20
