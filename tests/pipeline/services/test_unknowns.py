"""Effects of unknown fate: they rest, are looked up, and only then sent again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from pipeline import clock
from pipeline.domain import changes
from pipeline.domain.plan import Plan, Planned, Verdict
from pipeline.domain.states import State
from pipeline.github.port import Transient
from pipeline.models import Effect, Issue, Mode, Run, RunItem
from pipeline.services import claims, effects, settling, unknowns, work
from tests.factories import MOMENT, make_effect, make_issue, make_item, make_operation, make_repository, make_run
from tests.fake_github import FakeGitHub, lost
from tests.sending import send_step

QUARANTINE = timedelta(seconds=600)
COMMENT, ADD = changes.AddComment("Hello"), changes.AddLabels(("state::assigned",))
PLAN = Plan(Verdict.CHANGE, "assigned", "Because.", (Planned(ADD), Planned(COMMENT)), {0: State.ASSIGNED})


def held(github: FakeGitHub, **values: Any) -> RunItem:
    """An item in a worker's hands, whose issue is on GitHub."""
    repository = make_repository(quarantine_seconds=600)
    run = make_run(
        operation=make_operation(mode=Mode.LIVE, live_until=MOMENT + timedelta(days=1), repository=repository),
        state=Run.State.WORKING,
        **values,
    )
    issue = make_issue(repository=repository)
    github.mirror(issue)
    github.names |= {"state::assigned": "LA_1"}
    make_item(run=run, issue=issue)
    return taken(run)


def taken(run: Run) -> RunItem:
    item = claims.claim_item(run.pk)
    assert item is not None
    return item


def unknown(github: FakeGitHub, *, took_place: bool) -> RunItem:
    """A step whose answer was lost on the way back, or whose request never came through."""
    item = held(github)
    effects.store(item, PLAN)
    for kind in ("add_labels", "add_comment"):
        github.spoil(kind, lost())
    send_step(item, 0, github, work._target(item))
    if not took_place:
        assert item.issue is not None
        github.mirror(item.issue)
        github.said.clear()
    github.writes.clear()
    return item


def states() -> list[str]:
    return list(Effect.objects.order_by("order").values_list("state", flat=True))


def test_item_without_unknown_effects_goes_on_at_once(github: FakeGitHub) -> None:
    assert unknowns.resolve(held(github), github)
    assert github.calls.total() == 0


def test_nothing_is_asked_or_sent_during_the_quarantine(github: FakeGitHub, time: clock.VirtualClock) -> None:
    item = unknown(github, took_place=True)
    github.calls.clear()
    time.advance(QUARANTINE - timedelta(seconds=1))
    item = taken(item.run)  # its lease ran out
    assert not unknowns.resolve(item, github)
    assert github.calls.total() == 0
    assert (item.state, item.due_at) == (RunItem.State.WAITING, MOMENT + QUARANTINE)


def test_effect_that_took_place_is_settled_and_moves_the_issue(github: FakeGitHub, time: clock.VirtualClock) -> None:
    item = unknown(github, took_place=True)
    time.advance(QUARANTINE)
    assert unknowns.resolve(taken(item.run), github)
    assert states() == [Effect.State.APPLIED, Effect.State.APPLIED]
    assert Issue.objects.get().state == "assigned"
    assert github.writes == []


def test_effect_that_did_not_take_place_is_planned_again(github: FakeGitHub, time: clock.VirtualClock) -> None:
    item = unknown(github, took_place=False)
    time.advance(QUARANTINE)
    assert unknowns.resolve(taken(item.run), github)
    assert states() == [Effect.State.PLANNED, Effect.State.PLANNED]
    assert Issue.objects.get().state == "discovery"
    assert Effect.objects.first().error == "Looked up: it had not taken place."  # type: ignore[union-attr]


def test_effect_that_never_takes_place_is_given_up_and_fails_its_item(
    github: FakeGitHub, time: clock.VirtualClock
) -> None:
    item = unknown(github, took_place=False)
    Effect.objects.update(attempts=unknowns.MOST_SENT - 1)
    time.advance(QUARANTINE)
    work.work_item(taken(item.run), github)
    item.refresh_from_db()
    assert (item.state, item.error_type) == (RunItem.State.FAILED, RunItem.ErrorType.PERMANENT)
    assert item.reason.startswith("Sent 5 times without an answer")
    assert github.writes == []


def test_each_effect_is_looked_up_by_itself(github: FakeGitHub, time: clock.VirtualClock) -> None:
    item = unknown(github, took_place=True)
    github.said.clear()
    time.advance(QUARANTINE)
    assert unknowns.resolve(taken(item.run), github)
    assert states() == [Effect.State.APPLIED, Effect.State.PLANNED]
    assert Issue.objects.get().state == "discovery"


def test_effect_that_a_dead_process_left_sending_becomes_unknown_and_rests(
    github: FakeGitHub, time: clock.VirtualClock
) -> None:
    item = held(github)
    effects.store(item, PLAN)
    effects._mark_sending(item, list(item.effects.all()))  # then the process is killed
    time.advance(claims.lease() + timedelta(seconds=1))
    assert not unknowns.resolve(taken(item.run), github)
    assert states() == [Effect.State.UNKNOWN, Effect.State.UNKNOWN]
    assert Effect.objects.filter(look_up_at=MOMENT + QUARANTINE).count() == 2


def test_unknown_effect_of_another_run_stops_the_issue_too(github: FakeGitHub, time: clock.VirtualClock) -> None:
    first = unknown(github, took_place=True)
    RunItem.objects.filter(pk=first.pk).update(state=RunItem.State.FAILED)
    run = make_run(operation=first.run.operation, state=Run.State.WORKING)
    make_item(run=run, issue=first.issue)
    assert not unknowns.resolve(taken(run), github)
    time.advance(QUARANTINE)
    assert unknowns.resolve(taken(run), github)
    assert states() == [Effect.State.APPLIED, Effect.State.APPLIED]
    assert Issue.objects.get().state == "assigned"


def test_unknown_effect_of_another_issue_is_none_of_its_business(github: FakeGitHub) -> None:
    item = held(github)
    make_effect(item=make_item(run=item.run), state=Effect.State.UNKNOWN)
    assert unknowns.resolve(item, github)


def test_effect_stays_unknown_while_it_cannot_be_looked_up(github: FakeGitHub, time: clock.VirtualClock) -> None:
    item = unknown(github, took_place=True)
    time.advance(QUARANTINE)
    github.unreadable = Transient("GitHub answered 502.")
    with pytest.raises(Transient):
        unknowns.resolve(taken(item.run), github)
    assert states() == [Effect.State.UNKNOWN, Effect.State.UNKNOWN]


def test_lost_answer_to_opening_an_issue_is_found_by_its_marker(github: FakeGitHub, time: clock.VirtualClock) -> None:
    github.names |= {"state::discovery": "LA_1"}
    run = make_run(operation=make_operation(mode=Mode.LIVE), state=Run.State.WORKING)
    make_item(run=run, issue=None)
    item = taken(run)
    change = changes.CreateIssue("A convoy", "Body", ("state::discovery",))
    effects.store(item, Plan(Verdict.CHANGE, "opened", "Found.", (Planned(change, subject="discovery:1"),)))
    github.spoil("create_issue", lost())
    send_step(item, 0, github, work._target(item))
    time.advance(QUARANTINE)
    assert unknowns.resolve(taken(run), github)
    assert [row.number for row in Issue.objects.all()] == list(github.rows)
    assert states() == [Effect.State.APPLIED]


def test_looked_up_effect_and_what_it_made_true_are_stored_together(
    github: FakeGitHub, time: clock.VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def killed(*_: object) -> None:
        raise Killed

    item = unknown(github, took_place=True)
    time.advance(QUARANTINE)
    monkeypatch.setattr(settling, "move_if_complete", killed)
    with pytest.raises(Killed):
        unknowns.resolve(taken(item.run), github)
    assert states() == [Effect.State.UNKNOWN, Effect.State.UNKNOWN]
