"""Effects: stored before they are sent, each settled once, and a lost answer never sent again unseen."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from pipeline import clock
from pipeline.domain import changes, markers
from pipeline.domain.changes import Change
from pipeline.domain.plan import Plan, Planned, Verdict
from pipeline.domain.states import State
from pipeline.github.port import GitHubError, IssueTarget, QuotaExhausted, Transient
from pipeline.models import Effect, Issue, Mode, Run, RunItem, Transition
from pipeline.services import claims, effects
from pipeline.services.claims import LeaseLost
from pipeline.services.effects import SubjectTaken
from tests.factories import MOMENT, make_effect, make_issue, make_item, make_operation, make_run
from tests.fake_github import FakeGitHub, lost, refused
from tests.sending import send_step

ADD, REMOVE = changes.AddLabels(("state::assigned",)), changes.RemoveLabels(("state::discovery",))
PLANNED, SENDING, APPLIED = Effect.State.PLANNED, Effect.State.SENDING, Effect.State.APPLIED
REFUSED, UNKNOWN, CANCELLED = Effect.State.REFUSED, Effect.State.UNKNOWN, Effect.State.CANCELLED


def plan(*rows: Planned, moves: dict[int, State] | None = None) -> Plan:
    return Plan(Verdict.CHANGE, "assigned", "Because.", rows, moves or {}, {"workflow": "osint"})


@pytest.fixture
def item(github: FakeGitHub) -> RunItem:
    return held(github, live=True)


def held(github: FakeGitHub, *, live: bool) -> RunItem:
    """An item in the hands of a worker, its issue on GitHub with our labels."""
    run = make_run(operation=make_operation(mode=Mode.LIVE if live else Mode.DRY_RUN), state=Run.State.WORKING)
    github.mirror(make_issue(repository=run.repository))
    github.names |= {"state::assigned": "LA_1", "workflow::osint": "LA_2"}
    make_item(run=run, issue=Issue.objects.get(repository=run.repository))
    taken = claims.claim_item(run.pk)
    assert taken is not None
    return taken


def target(item: RunItem) -> IssueTarget:
    issue = item.issue
    return (
        IssueTarget(issue.number, issue.node_id, issue.body, tuple(issue.labels))
        if issue
        else IssueTarget(None, "", "")
    )


def sent(item: RunItem, github: FakeGitHub, *wanted: Change, moves: dict[int, State] | None = None) -> list[Effect]:
    effects.store(item, plan(*(Planned(change) for change in wanted), moves=moves))
    return send_step(item, 0, github, target(item))


def test_plan_is_stored_with_diff_hash_and_before_image_and_nothing_is_sent(item: RunItem, github: FakeGitHub) -> None:
    (row,) = effects.store(item, plan(Planned(ADD, before={"labels": []}), moves={0: State.ASSIGNED}))
    assert (row.state, row.kind, row.diff, row.before) == (
        PLANNED,
        "add_labels",
        "+ label state::assigned",
        {"labels": []},
    )
    assert row.request_hash == changes.request_hash(row.kind, row.payload)
    item.refresh_from_db()
    assert (item.outcome, item.reason) == ("assigned", "Because.")
    assert item.facts == {"workflow": "osint", "moves": {"0": "assigned"}}
    assert github.writes == []


MARKED: list[tuple[Change, str]] = [
    (changes.CreateIssue("t", "text", ()), "body"),
    (changes.AddComment("text"), "body"),
    (changes.OpenPull("b", "main", "t", "text"), "body"),
    (changes.CreateBranch("b", "main", "text", ()), "message"),
]


@pytest.mark.parametrize(("change", "field"), MARKED, ids=[change.kind for change, _ in MARKED])
def test_live_text_carries_its_signed_marker_and_a_dry_one_none(github: FakeGitHub, change: Change, field: str) -> None:
    (live,) = effects.store(held(github, live=True), plan(Planned(change)))
    (dry,) = effects.store(held(github, live=False), plan(Planned(change)))
    assert markers.find(live.payload[field], effects.marker_secret()) == (live.key,)
    assert dry.payload[field] == "text"
    assert "cp:" not in live.diff


def test_subject_that_exists_already_is_refused_in_whole(item: RunItem) -> None:
    make_effect(change=ADD, subject="branch:x", live=True, state=APPLIED)
    with pytest.raises(SubjectTaken, match=r"already making this \(branch:x\); nothing was changed"):
        effects.store(item, plan(Planned(REMOVE), Planned(ADD, subject="branch:x")))
    assert not item.effects.exists()


@pytest.mark.parametrize(
    "free",
    [
        {"live": False, "state": PLANNED},
        {"live": True, "state": REFUSED},
        {"live": True, "state": CANCELLED},
        {"live": True, "state": APPLIED, "reverted_at": MOMENT},
    ],
)
def test_subject_is_free_again_when_nothing_stands(item: RunItem, free: dict[str, Any]) -> None:
    make_effect(change=ADD, subject="branch:x", **free)
    assert effects.store(item, plan(Planned(ADD, subject="branch:x")))


def test_overtaken_worker_stores_nothing(item: RunItem) -> None:
    RunItem.objects.filter(pk=item.pk).update(epoch=item.epoch + 1)
    with pytest.raises(LeaseLost):
        effects.store(item, plan(Planned(ADD)))
    assert not Effect.objects.exists()


def test_applied_step_is_settled_and_moves_the_issue(item: RunItem, github: FakeGitHub) -> None:
    rows = sent(item, github, ADD, REMOVE, moves={0: State.ASSIGNED})
    assert {row.state for row in Effect.objects.all()} == {APPLIED}
    assert [row.settled_at for row in rows] == [MOMENT, MOMENT]
    issue = Issue.objects.get()
    assert (issue.state, sorted(issue.labels)) == ("assigned", ["monitor::triage", "site-monitor", "state::assigned"])
    assert Transition.objects.get().cause == Transition.Cause.PIPELINE


def test_effects_are_sending_in_the_database_while_the_request_is_out(item: RunItem, github: FakeGitHub) -> None:
    seen: list[Any] = []
    github.before_write = lambda: seen.extend(Effect.objects.values_list("state", "epoch", "sent_at"))
    sent(item, github, ADD)
    assert seen == [(SENDING, item.epoch, MOMENT)]


FATES: list[tuple[str, GitHubError, str]] = [
    ("refused for good", refused(), REFUSED),
    ("lost", lost(), UNKNOWN),
    ("not sent", Transient("Not reached."), PLANNED),
]


@pytest.mark.parametrize(("error", "state"), [row[1:] for row in FATES], ids=[row[0] for row in FATES])
def test_fate_of_an_effect_follows_the_type_of_the_error(
    item: RunItem, github: FakeGitHub, error: GitHubError, state: str
) -> None:
    github.spoil("add_labels", error)
    (row,) = sent(item, github, ADD, moves={0: State.ASSIGNED})
    row.refresh_from_db()
    assert (row.state, row.error) == (state, str(error))
    assert (row.sent_at is None) is (state == PLANNED)
    assert row.look_up_at == (MOMENT + timedelta(seconds=600) if state == UNKNOWN else None)
    assert Issue.objects.get().state == "discovery"


def test_running_out_of_quota_is_told_once_everything_is_settled(item: RunItem, github: FakeGitHub) -> None:
    github.spoil("remove_labels", QuotaExhausted("Wait.", until=MOMENT))
    with pytest.raises(QuotaExhausted, match="Wait"):
        sent(item, github, ADD, REMOVE)
    assert list(item.effects.values_list("state", "sent_at")) == [(APPLIED, MOMENT), (PLANNED, None)]


def test_running_out_of_quota_is_not_told_while_a_fate_is_unknown(item: RunItem, github: FakeGitHub) -> None:
    github.spoil("add_labels", lost())
    github.spoil("remove_labels", QuotaExhausted("Wait.", until=MOMENT))
    assert [row.state for row in sent(item, github, ADD, REMOVE)] == [UNKNOWN, PLANNED]


def test_issue_moves_only_when_the_whole_step_is_applied(item: RunItem, github: FakeGitHub) -> None:
    github.spoil("remove_labels", refused())
    rows = sent(item, github, ADD, REMOVE, moves={0: State.ASSIGNED})
    assert [row.state for row in rows] == [APPLIED, REFUSED]
    assert Issue.objects.get().state == "discovery"
    assert "state::assigned" in Issue.objects.get().labels


def test_overtaken_worker_sends_nothing(item: RunItem, github: FakeGitHub) -> None:
    effects.store(item, plan(Planned(ADD)))
    RunItem.objects.filter(pk=item.pk).update(epoch=item.epoch + 1)
    with pytest.raises(LeaseLost):
        send_step(item, 0, github, target(item))
    assert github.writes == []
    assert Effect.objects.get().state == PLANNED


def test_effect_that_somebody_else_took_is_not_sent(item: RunItem, github: FakeGitHub) -> None:
    (row,) = effects.store(item, plan(Planned(ADD, step=0)))
    stale = [row]
    Effect.objects.filter(pk=row.pk).update(state=CANCELLED)
    with pytest.raises(LeaseLost, match="somebody else took its effects"):
        effects._mark_sending(item, stale)
    assert github.writes == []


def test_process_that_slept_before_the_socket_sends_nothing(
    item: RunItem, github: FakeGitHub, time: clock.VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    effects.store(item, plan(Planned(ADD)))
    mark = effects._mark_sending

    def slow(*args: Any) -> Any:
        moment = mark(*args)
        time.advance(timedelta(seconds=31))
        return moment

    monkeypatch.setattr(effects, "_mark_sending", slow)
    with pytest.raises(LeaseLost, match="slept too long"):
        send_step(item, 0, github, target(item))
    assert github.writes == []
    assert Effect.objects.get().state == SENDING  # looked up by whoever comes next


def test_answer_that_comes_after_somebody_settled_the_effect_is_dropped(item: RunItem, github: FakeGitHub) -> None:
    github.before_write = lambda: Effect.objects.update(state=APPLIED)
    with pytest.raises(LeaseLost, match="settled by somebody else"):
        sent(item, github, ADD, moves={0: State.ASSIGNED})
    assert Issue.objects.get().state == "discovery"


def test_steps_are_sent_in_order_and_applied_ones_are_left_out(item: RunItem, github: FakeGitHub) -> None:
    effects.store(item, plan(Planned(REMOVE, step=2), Planned(ADD, step=0)))
    assert [row.step for row in effects.next_rows(item, one_by_one=False)] == [0]
    send_step(item, 0, github, target(item))
    assert [row.step for row in effects.next_rows(item, one_by_one=False)] == [2]


def test_cancelling_leaves_what_was_sent(item: RunItem, github: FakeGitHub) -> None:
    effects.store(item, plan(Planned(ADD), Planned(REMOVE, step=1)))
    send_step(item, 0, github, target(item))
    assert effects.cancel_planned(item, "Held.") == 1
    assert list(item.effects.values_list("state", "error")) == [(APPLIED, ""), (CANCELLED, "Held.")]


def test_body_is_not_kept_in_the_response(item: RunItem, github: FakeGitHub) -> None:
    (row,) = sent(item, github, changes.WriteSections((("AI Assessment", "- ours"),)))
    row.refresh_from_db()
    assert row.response["body"].endswith(" characters")
    assert "- ours" in Issue.objects.get().body


def test_fate_is_told_in_telemetry(item: RunItem, github: FakeGitHub, told: Callable[[], list[dict[str, Any]]]) -> None:
    github.spoil("remove_labels", refused("Forbidden."))
    sent(item, github, ADD, REMOVE)
    events = [(line["event"], line["kind"]) for line in told() if line["event"].startswith("effect")]
    assert events == [("effect.applied", "add_labels"), ("effect.failed", "remove_labels")]
