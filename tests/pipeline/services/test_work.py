"""One item, carried as far as it goes; whatever happens, it is let go of with a state and a sentence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from pipeline import clock
from pipeline.domain import changes
from pipeline.domain.plan import Plan, Planned, Verdict, conflict, skip
from pipeline.domain.states import State
from pipeline.github.port import BadCredentials, GitHubError, Gone, Moved, NotFound, QuotaExhausted, Transient
from pipeline.models import Effect, Issue, Mode, Repository, Run, RunItem
from pipeline.services import claims, effects, kinds, work
from tests.factories import MOMENT, make_effect, make_issue, make_item, make_operation, make_run
from tests.fake_github import FakeGitHub, lost, refused
from tests.pipeline.services.planner import Planner

ITEM, ERROR = RunItem.State, RunItem.ErrorType
ADD = changes.AddLabels(("state::assigned",))
REMOVE = changes.RemoveLabels(("state::discovery",))
SECTION = changes.WriteSections((("AI Assessment", "- ours"),))
ASSIGN = Plan(
    Verdict.CHANGE,
    "assigned",
    "Because.",
    (Planned(SECTION, before={"sections": {"AI Assessment": None}}), Planned(ADD), Planned(REMOVE)),
    {0: State.ASSIGNED},
)
TWO_STEPS = Plan(Verdict.CHANGE, "assigned", "Because.", (Planned(ADD), Planned(REMOVE, step=1)), {1: State.ASSIGNED})


@pytest.fixture
def planner(monkeypatch: pytest.MonkeyPatch) -> Planner:
    made = Planner()
    made.answer = ASSIGN
    monkeypatch.setattr(kinds, "of", lambda run: made)
    return made


@pytest.fixture
def item(github: FakeGitHub, planner: Planner) -> RunItem:
    return waiting(github)


def waiting(github: FakeGitHub, *, live: bool = True, **run: Any) -> RunItem:
    mode = Mode.LIVE if live else Mode.DRY_RUN
    operation = make_operation(mode=mode, live_until=MOMENT + timedelta(days=1))
    made = make_run(operation=operation, state=Run.State.WORKING, **run)
    issue = make_issue(repository=made.repository)
    github.mirror(issue)
    github.names |= {"state::assigned": "LA_1"}
    return make_item(run=made, issue=issue)


def worked(item: RunItem, github: FakeGitHub) -> RunItem:
    """Claimed and carried once."""
    held = claims.claim_item(item.run_id)
    assert held is not None
    work.work_item(held, github)
    held.refresh_from_db()
    return held


def effect_states(item: RunItem) -> list[str]:
    return list(item.effects.order_by("order").values_list("state", flat=True))


def test_live_item_is_read_planned_sent_and_done(item: RunItem, github: FakeGitHub) -> None:
    done = worked(item, github)
    assert (done.state, done.outcome, done.error_type, done.claimed_until) == (ITEM.DONE, "assigned", "", None)
    assert github.writes == [SECTION, ADD, REMOVE]
    assert Issue.objects.get().state == "assigned"
    assert done.fingerprint


def test_dry_item_stops_after_its_plan_is_stored(github: FakeGitHub, planner: Planner) -> None:
    planned = worked(waiting(github, live=False), github)
    assert (planned.state, github.writes) == (ITEM.PLANNED, [])
    assert effect_states(planned) == [Effect.State.PLANNED] * 3
    assert "+- ours" in planned.effects.get(kind="write_sections").diff


@pytest.mark.parametrize(
    ("answer", "state", "error"),
    [(skip("skipped", "Closed."), ITEM.SKIPPED, ""), (conflict("moved on", "Moved."), ITEM.CONFLICT, ERROR.CONFLICT)],
)
def test_item_without_a_change_ends_with_the_planners_words(
    item: RunItem, github: FakeGitHub, planner: Planner, answer: Plan, state: str, error: str
) -> None:
    planner.answer = answer
    ended = worked(item, github)
    assert (ended.state, ended.error_type, ended.reason) == (state, error, answer.reason)
    assert not ended.effects.exists()


ERRORS: list[tuple[GitHubError, str, str]] = [
    (Transient("GitHub answered 502."), ITEM.WAITING, ERROR.TRANSIENT),
    (lost(), ITEM.WAITING, ERROR.TRANSIENT),
    (QuotaExhausted("Wait.", until=MOMENT), ITEM.DEFERRED, ERROR.QUOTA),
    (refused(), ITEM.FAILED, ERROR.PERMANENT),
    (Gone("GitHub answered 410."), ITEM.FAILED, ERROR.PERMANENT),
]


@pytest.mark.parametrize(("error", "state", "kind"), ERRORS, ids=[type(row[0]).__name__ for row in ERRORS])
def test_error_while_reading_is_typed(
    item: RunItem, github: FakeGitHub, error: GitHubError, state: str, kind: str
) -> None:
    github.unreadable = error
    ended = worked(item, github)
    assert (ended.state, ended.error_type, ended.reason) == (state, kind, str(error))


PRESENCE: list[tuple[GitHubError, str]] = [
    (Gone("GitHub answered 410."), Issue.Presence.DELETED),
    (Moved("GitHub answered 301.", location="https://x.example"), Issue.Presence.TRANSFERRED),
    (NotFound("GitHub answered 404."), Issue.Presence.UNREACHABLE),
    (refused(), Issue.Presence.PRESENT),
]


@pytest.mark.parametrize(("error", "presence"), PRESENCE, ids=[type(row[0]).__name__ for row in PRESENCE])
def test_issue_that_is_away_is_written_down(
    item: RunItem, github: FakeGitHub, error: GitHubError, presence: str
) -> None:
    github.unreadable = error
    worked(item, github)
    issue = Issue.objects.get()
    assert issue.presence == presence
    assert issue.presence_note == ("" if presence == Issue.Presence.PRESENT else str(error))


def test_stop_that_comes_while_the_issue_is_read_again_is_obeyed(
    item: RunItem, github: FakeGitHub, planner: Planner, time: clock.VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned, read = planner.plan, github.issue

    def slow(*args: Any) -> Plan:
        time.advance(timedelta(seconds=31))
        monkeypatch.setattr(github, "issue", stopping)
        return planned(*args)

    def stopping(number: int) -> Any:
        Repository.objects.update(standing="paused")
        return read(number)

    monkeypatch.setattr(planner, "plan", slow)
    ended = worked(item, github)
    assert (ended.state, ended.reason, github.writes) == (ITEM.CANCELLED, "The repository is paused.", [])


@pytest.mark.parametrize(("protocol", "written"), [("rest", [SECTION]), ("graphql", [SECTION, ADD, REMOVE])])
def test_stop_is_obeyed_between_the_requests_of_one_step(
    item: RunItem, github: FakeGitHub, protocol: str, written: list[changes.Change]
) -> None:
    Repository.objects.update(protocol=protocol)
    github.before_write = lambda: Repository.objects.update(standing="paused")
    ended = worked(item, github)
    assert github.writes == written
    assert ended.state == (ITEM.CANCELLED if protocol == "rest" else ITEM.DONE)


def test_issue_is_read_again_before_text_that_other_requests_held_up(
    item: RunItem, github: FakeGitHub, planner: Planner, time: clock.VirtualClock
) -> None:
    Repository.objects.update(protocol="rest")
    planner.answer = replace(ASSIGN, effects=(Planned(ADD), *ASSIGN.effects[:1]), moves={})
    github.before_write = lambda: time.advance(timedelta(seconds=6))
    worked(item, github)
    assert (github.writes, github.calls["issue"]) == ([ADD, SECTION], 2)


def test_error_is_told_with_its_type_stage_and_sentence(
    item: RunItem, github: FakeGitHub, told: Callable[[], list[dict[str, Any]]]
) -> None:
    github.unreadable = Transient("GitHub answered 502.")
    worked(item, github)
    (line,) = [line for line in told() if line["event"] == "error"]
    assert (line["item"], line["stage"], line["error"], line["reason"]) == (
        item.pk, "read", "Transient", "GitHub answered 502."
    )  # fmt: skip


def test_bad_token_is_written_on_the_repository(item: RunItem, github: FakeGitHub) -> None:
    github.unreadable = BadCredentials("GitHub answered 401.")
    assert worked(item, github).state == ITEM.FAILED
    assert Repository.objects.get().token_problem == "GitHub answered 401."


def test_passing_fault_is_tried_again_later_each_time_and_then_given_up(
    item: RunItem, github: FakeGitHub, time: clock.VirtualClock
) -> None:
    github.unreadable = Transient("GitHub answered 502.")
    waits = []
    for _ in range(work.MOST_ATTEMPTS - 1):
        tried = worked(item, github)
        assert tried.due_at is not None
        waits.append(int((tried.due_at - clock.now()).total_seconds()))
        time.set(tried.due_at)
    assert waits == [10, 20, 40, 80]
    ended = worked(item, github)
    assert (ended.state, ended.error_type) == (ITEM.FAILED, ERROR.TRANSIENT)
    assert ended.reason == "GitHub answered 502. Tried 5 times."


def test_refused_effect_fails_the_item_and_cancels_the_rest(
    item: RunItem, github: FakeGitHub, planner: Planner
) -> None:
    planner.answer = TWO_STEPS
    github.spoil("add_labels", refused("GitHub answered 403."))
    ended = worked(item, github)
    assert (ended.state, ended.error_type, ended.reason) == (ITEM.FAILED, ERROR.PERMANENT, "GitHub answered 403.")
    assert effect_states(ended) == [Effect.State.REFUSED, Effect.State.CANCELLED]
    assert Issue.objects.get().state == "discovery"


def test_lost_answer_makes_the_item_wait_for_the_quarantine(item: RunItem, github: FakeGitHub) -> None:
    github.spoil("add_labels", lost())
    ended = worked(item, github)
    assert (ended.state, ended.error_type) == (ITEM.WAITING, ERROR.UNKNOWN)
    assert ended.due_at == MOMENT + timedelta(seconds=600)


def test_lost_answer_is_looked_up_and_never_sent_twice(
    item: RunItem, github: FakeGitHub, planner: Planner, time: clock.VirtualClock
) -> None:
    planner.answer = TWO_STEPS
    github.spoil("add_labels", lost())
    waited = worked(item, github)
    assert waited.due_at is not None
    time.set(waited.due_at)
    assert worked(item, github).state == ITEM.DONE
    assert github.writes == [ADD, REMOVE]
    assert Issue.objects.get().state == "assigned"


def test_change_that_was_not_sent_is_sent_later(item: RunItem, github: FakeGitHub, time: clock.VirtualClock) -> None:
    github.spoil("add_labels", Transient("Not reached."))
    waited = worked(item, github)
    assert (waited.state, waited.error_type) == (ITEM.WAITING, ERROR.TRANSIENT)
    assert waited.due_at is not None
    time.set(waited.due_at)
    assert worked(item, github).state == ITEM.DONE
    assert sorted(change.kind for change in github.writes) == ["add_labels", "remove_labels", "write_sections"]


def test_plan_is_made_once_however_often_the_item_is_taken_up(
    item: RunItem, github: FakeGitHub, planner: Planner, time: clock.VirtualClock
) -> None:
    github.spoil("add_labels", Transient("Not reached."))
    worked(item, github)
    time.advance(timedelta(hours=1))
    Run.objects.update(deadline_at=None)
    worked(item, github)
    assert planner.asked == 1


def test_quota_gone_half_way_waits_for_it_and_goes_on(
    item: RunItem, github: FakeGitHub, planner: Planner, time: clock.VirtualClock
) -> None:
    planner.answer = TWO_STEPS
    later = MOMENT + timedelta(minutes=20)
    github.spoil("remove_labels", QuotaExhausted("Wait.", until=later))
    waited = worked(item, github)
    assert (waited.state, waited.error_type, waited.due_at) == (ITEM.WAITING, ERROR.QUOTA, later)
    time.set(later)
    assert worked(item, github).state == ITEM.DONE


def test_stop_between_two_steps_cancels_the_second(item: RunItem, github: FakeGitHub, planner: Planner) -> None:
    planner.answer = TWO_STEPS
    github.before_write = lambda: Run.objects.filter(state="working").update(mode=Mode.OFF)
    Run.objects.update(purpose=Run.Purpose.SCHEDULED)
    ended = worked(item, github)
    assert (ended.state, ended.reason) == (ITEM.CANCELLED, "The run is not live.")
    assert effect_states(ended) == [Effect.State.APPLIED, Effect.State.CANCELLED]
    assert github.writes == [ADD]


def test_section_that_somebody_edited_after_planning_is_left(
    item: RunItem, github: FakeGitHub, planner: Planner
) -> None:
    planner.answer = replace(ASSIGN, effects=(Planned(SECTION, before={"sections": {"AI Assessment": "older"}}),))
    ended = worked(item, github)
    assert (ended.state, ended.error_type) == (ITEM.CONFLICT, ERROR.CONFLICT)
    assert "Somebody edited the section 'AI Assessment'" in ended.reason
    assert github.writes == []


def shown_plan(github: FakeGitHub) -> RunItem:
    """An item that applies a plan as it was shown."""
    item = waiting(github, purpose=Run.Purpose.APPLY)
    assert item.issue is not None
    RunItem.objects.filter(pk=item.pk).update(fingerprint=item.issue.snapshot().fingerprint())
    make_effect(item=item, change=ADD)
    return item


def test_shown_plan_is_applied_without_planning_anew(github: FakeGitHub, planner: Planner) -> None:
    assert worked(shown_plan(github), github).state == ITEM.DONE
    assert (planner.asked, github.writes) == (0, [ADD])


def test_shown_plan_is_refused_when_the_issue_changed_since(github: FakeGitHub, planner: Planner) -> None:
    item = shown_plan(github)
    github.edit(next(iter(github.rows)), title="Another")
    ended = worked(item, github)
    assert (ended.state, github.writes) == (ITEM.CONFLICT, [])
    assert "changed on GitHub since this plan was shown" in ended.reason
    assert effect_states(ended) == [Effect.State.CANCELLED]


def test_two_runs_that_make_the_same_thing_conflict(item: RunItem, github: FakeGitHub, planner: Planner) -> None:
    make_effect(change=ADD, subject="branch:x", live=True, state=Effect.State.APPLIED)
    planner.answer = replace(ASSIGN, effects=(Planned(ADD, subject="branch:x"),))
    ended = worked(item, github)
    assert (ended.state, ended.error_type) == (ITEM.CONFLICT, ERROR.CONFLICT)
    assert "already making this (branch:x)" in ended.reason


def test_body_without_room_for_our_section_is_a_persons_matter(
    item: RunItem, github: FakeGitHub, planner: Planner
) -> None:
    github.edit(next(iter(github.rows)), body="x" * 65_536)
    ended = worked(item, github)
    assert (ended.state, ended.error_type) == (ITEM.FAILED, ERROR.PERMANENT)
    assert "65,536" in ended.reason
    assert github.writes == []


def test_overtaken_worker_leaves_everything_as_it_is(item: RunItem, github: FakeGitHub, planner: Planner) -> None:
    held = claims.claim_item(item.run_id)
    assert held is not None
    RunItem.objects.filter(pk=item.pk).update(epoch=9)
    work.work_item(held, github)
    item.refresh_from_db()
    assert (item.state, item.epoch, github.writes) == (ITEM.WORKING, 9, [])


def test_label_change_of_a_person_during_our_item_is_taken_over_when_it_ends(
    item: RunItem, github: FakeGitHub, planner: Planner
) -> None:
    planner.answer = skip("skipped", "Closed.")
    github.edit(next(iter(github.rows)), labels=("site-monitor", "state::done"))
    worked(item, github)
    assert Issue.objects.get().state == "done"


def test_change_that_took_place_is_recorded_even_when_the_issue_was_moved_elsewhere(
    item: RunItem, github: FakeGitHub
) -> None:
    github.before_write = lambda: Issue.objects.update(state="done")
    ended = worked(item, github)
    assert (ended.state, effect_states(ended)) == (ITEM.DONE, [Effect.State.APPLIED] * 3)
    assert Issue.objects.get().state == "assigned"  # as a person's move: GitHub's labels say so
    assert list(Issue.objects.get().transitions.values_list("cause", flat=True)) == ["human"]


def test_item_without_an_issue_needs_no_read(github: FakeGitHub, planner: Planner) -> None:
    operation = make_operation(mode=Mode.LIVE, live_until=MOMENT + timedelta(days=1))
    item = make_item(run=make_run(operation=operation, state=Run.State.WORKING), issue=None)
    planner.answer = Plan(Verdict.CHANGE, "opened", "Found.", (Planned(changes.CreateIssue("t", "b", ())),))
    ended = worked(item, github)
    assert (ended.state, github.calls["issue"], ended.issue) == (ITEM.DONE, 0, Issue.objects.get())


def test_stored_effects_are_the_only_thing_a_second_worker_needs(
    item: RunItem, github: FakeGitHub, planner: Planner, time: clock.VirtualClock
) -> None:
    held = claims.claim_item(item.run_id)
    assert held is not None
    effects.store(held, TWO_STEPS)  # then the process is killed
    time.advance(claims.lease() + timedelta(seconds=1))
    assert worked(item, github).state == ITEM.DONE
    assert (planner.asked, github.writes) == (0, [ADD, REMOVE])


@pytest.mark.parametrize(
    "error",
    [Transient("GitHub answered 502."), QuotaExhausted("Wait.", until=MOMENT), BadCredentials("GitHub answered 401.")],
    ids=lambda error: type(error).__name__,
)
def test_item_never_ends_while_the_fate_of_its_effect_is_open(
    item: RunItem, github: FakeGitHub, time: clock.VirtualClock, error: GitHubError
) -> None:
    github.spoil("add_labels", lost())
    waited = worked(item, github)
    github.unreadable = error
    for _ in range(work.MOST_ATTEMPTS + 3):
        time.set(max(waited.due_at or MOMENT, clock.now()) + timedelta(seconds=1))
        waited = worked(item, github)
        assert (waited.state, waited.error_type) == (ITEM.WAITING, ERROR.UNKNOWN)
    github.unreadable = None
    time.set((waited.due_at or MOMENT) + timedelta(hours=1))
    worked(item, github)
    assert [change.kind for change in github.writes].count("add_labels") == 1
    assert not Effect.objects.filter(state=Effect.State.UNKNOWN).exists()


def test_fault_of_our_own_is_tried_again_and_then_fails_the_item_alone(
    item: RunItem, github: FakeGitHub, planner: Planner, time: clock.VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing: dict[str, Plan] = {}
    monkeypatch.setattr(planner, "plan", lambda *_: nothing["no such key"])
    for _ in range(work.MOST_ATTEMPTS):
        ended = worked(item, github)
        time.set(ended.due_at or clock.now())
    assert (ended.state, ended.error_type) == (ITEM.FAILED, ERROR.TRANSIENT)
    assert ended.reason == "A fault of ours stopped this item (KeyError); the log has the whole of it. Tried 5 times."


def test_item_of_a_run_past_its_timeout_is_not_planned_any_more(
    item: RunItem, github: FakeGitHub, planner: Planner
) -> None:
    Run.objects.update(deadline_at=MOMENT)
    ended = worked(item, github)
    assert (ended.state, ended.reason, planner.asked) == (ITEM.CANCELLED, "The run is past its timeout.", 0)


def test_edit_made_while_the_plan_was_thought_out_is_kept(
    item: RunItem, github: FakeGitHub, planner: Planner, time: clock.VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slowly(*_: object) -> Plan:
        time.advance(timedelta(seconds=20))
        github.edit(number, body="A person wrote this meanwhile.\n")
        return ASSIGN

    number = Issue.objects.get().number
    monkeypatch.setattr(planner, "plan", slowly)
    assert worked(item, github).state == ITEM.DONE
    assert github.rows[number].body.startswith("A person wrote this meanwhile.\n")


def test_item_and_its_planned_effects_end_together_or_not_at_all(
    item: RunItem, github: FakeGitHub, planner: Planner, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def killed(*_: object) -> int:
        raise Killed

    planner.answer = TWO_STEPS
    github.spoil("add_labels", refused())
    monkeypatch.setattr(effects, "cancel_planned", killed)
    with pytest.raises(Killed):
        worked(item, github)
    assert RunItem.objects.get().state == ITEM.WORKING
