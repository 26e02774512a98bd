"""Why a case's clock stands still, and that it goes on."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.clock import VirtualClock
from pipeline.models import Handover, Issue, Repository
from rollout.domain import escalation
from rollout.models import ClockPause, Hold, Rollout
from rollout.services.escalation import escalate, pauses
from tests.factories import MOMENT
from tests.rollout.factories import make_rollout
from tests.rollout.services.escalation.late import DAY, DUE, HOUR, case_of, handed_over, track


def kinds(issue: Issue) -> list[str]:
    """Of the pauses that are open."""
    return list(case_of(issue).pauses.filter(ended_at__isnull=True).values_list("kind", flat=True))


def overdue_days(issue: Issue, at: Any) -> float:
    case = case_of(issue)
    return escalation.overdue(case.due_at, pauses.values(case.pauses.all()), at) / DAY


@pytest.mark.parametrize(
    ("blocker", "stands"),
    [*((name, True) for name in pauses.OURS), *((name, False) for name in ("checks", "conflict", "other", ""))],
)
def test_clock_stands_still_for_what_is_ours_to_do(
    repository: Repository, time: VirtualClock, blocker: str, stands: bool
) -> None:
    issue = handed_over(repository, blocker=blocker)
    escalate.look(time.now())
    assert kinds(issue) == (["blocked"] if stands else [])
    Handover.objects.update(blocker="")
    escalate.look(time.now() + HOUR)
    assert kinds(issue) == []


def test_wait_for_an_approval_that_may_be_none_holds_the_clock_for_two_days_only(
    repository: Repository, time: VirtualClock
) -> None:
    issue = handed_over(repository)
    escalate.look(DUE)
    Handover.objects.update(blocker="approval")
    for day in range(1, 6):
        escalate.look(DUE + day * DAY)
    assert case_of(issue).pauses.count() == 1
    assert overdue_days(issue, DUE + 5 * DAY) == 3.0
    Handover.objects.update(blocker="quota")
    escalate.look(DUE + 5 * DAY)
    assert overdue_days(issue, DUE + 9 * DAY) == 3.0


@pytest.mark.parametrize("how", ["paused", "off", "hold", "unreachable", "token"])
def test_clock_stands_still_while_nobody_of_ours_follows(repository: Repository, time: VirtualClock, how: str) -> None:
    issue = handed_over(repository)
    escalate.look(DUE)
    rollout = make_rollout(repository=repository)
    if how == "paused":
        Repository.objects.filter(pk=repository.pk).update(standing="paused")
    if how == "off":
        track(repository, mode="off")
    if how == "hold":
        Hold.objects.create(rollout=rollout, by="olga", reason="It looks odd.", at=DUE)
    if how == "unreachable":
        Issue.objects.update(presence="unreachable")
    if how == "token":
        Repository.objects.update(token_problem="The token has expired.")
    escalate.look(DUE + DAY)
    assert kinds(issue) == ["blocked" if how in ("unreachable", "token") else "held"]
    Repository.objects.update(standing="active", token_problem="")
    Hold.objects.update(released_at=DUE, released_by="olga")
    Issue.objects.update(presence="present")
    track(repository, mode="dry_run")
    escalate.look(DUE + 3 * DAY)
    assert kinds(issue) == []
    assert overdue_days(issue, DUE + 4 * DAY) == 2.0


def test_hold_of_another_operation_does_not_stop_the_clock(repository: Repository, time: VirtualClock) -> None:
    issue = handed_over(repository)
    rollout: Rollout = make_rollout(repository=repository)
    Hold.objects.create(rollout=rollout, operation="assign", by="olga", reason="It looks odd.", at=DUE)
    escalate.look(DUE)
    assert kinds(issue) == []


def test_pauses_that_overlap_count_once(repository: Repository, time: VirtualClock) -> None:
    issue = handed_over(repository)
    escalate.look(DUE)
    Handover.objects.update(blocker="quota")
    escalate.look(DUE + DAY)
    track(repository, mode="off")
    escalate.look(DUE + 2 * DAY)
    Handover.objects.update(blocker="")
    escalate.look(DUE + 3 * DAY)
    track(repository, mode="live")
    escalate.look(DUE + 4 * DAY)
    assert case_of(issue).pauses.count() == 2
    assert overdue_days(issue, DUE + 4 * DAY) == 1.0


def test_pause_noted_by_a_clock_that_ran_ahead_begins_when_the_clock_is_right_again(
    repository: Repository, time: VirtualClock
) -> None:
    issue = handed_over(repository)
    escalate.look(DUE)
    track(repository, mode="off")
    escalate.look(DUE + 10 * DAY)
    escalate.look(DUE + HOUR)
    assert ClockPause.objects.get().started_at == DUE + HOUR
    assert overdue_days(issue, DUE + 20 * DAY) * 24 == 1.0


def test_case_that_is_over_is_not_paused(repository: Repository, time: VirtualClock) -> None:
    handed_over(repository)
    escalate.look(MOMENT)
    Issue.objects.update(state="done")
    track(repository, mode="off")
    escalate.look(DUE)
    assert not ClockPause.objects.exists()
