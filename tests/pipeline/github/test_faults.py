"""What goes wrong on the way: every fault comes to the same type of error on both protocols."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

import pytest

from pipeline.domain.changes import (
    AddComment,
    AddLabels,
    AssignCopilot,
    Change,
    CreateIssue,
    OpenPull,
    RemoveLabels,
    WriteSections,
)
from pipeline.github import adapter
from pipeline.github.client import Client
from pipeline.github.port import (
    BadCredentials,
    GitHubError,
    Gone,
    IssueTarget,
    Locked,
    Moved,
    NotFound,
    QuotaExhausted,
    Refused,
    Transient,
    UnknownFate,
)
from tests.pipeline.github.world import REPOSITORY, Counter, World, clients, intent, world

NOBODY = IssueTarget(None, "", "")
NEW = CreateIssue("A convoy", "Body", ())

LOST = [
    ("F502A", {}),
    ("F502A", {"status": 504}),
    ("F502B", {}),
    ("F500", {}),
    ("F503", {}),
    ("FDROP", {}),
    ("FLATE", {}),
    ("FTRUNC", {"how": "cut"}),
    ("FTRUNC", {"how": "html"}),
    ("FTRUNC", {"how": "short"}),
]


def error_of(both: World, change: object = NEW, target: IssueTarget = NOBODY) -> GitHubError | None:
    return both.apply(target, change).error  # type: ignore[arg-type]


@pytest.mark.parametrize(("code", "params"), LOST)
def test_lost_answer_to_a_write_is_of_unknown_fate_and_sent_once(both: World, code: str, params: dict) -> None:
    both.fault(code, params=params)
    error = error_of(both)
    assert isinstance(error, UnknownFate), repr(error)
    assert "looked up" in str(error)
    assert len([call for call in both.meter.calls if call.write]) == 1


@pytest.mark.parametrize(("code", "params"), LOST)
def test_lost_answer_to_a_read_is_tried_later(rest: World, code: str, params: dict) -> None:
    rest.fault(code, method="GET", params=params)
    with pytest.raises(Transient):
        rest.github.labels()


def test_timeout_of_a_write_is_of_unknown_fate(both: World) -> None:
    with world(both.speaks, timeout=1) as slow:
        slow.fault("FSLOW", params={"ms": 1300})
        assert isinstance(error_of(slow), UnknownFate)


def test_refused_connection_is_tried_later_even_for_a_write(both: World) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        client = Client(f"http://127.0.0.1:{taken.getsockname()[1]}/api/v3", "t", both.meter)
        make = adapter.rest if both.speaks == "rest" else adapter.graphql
        outcome = make(client, client, REPOSITORY, dict).apply(NOBODY, [intent(NEW)])[0]
    assert isinstance(outcome.error, Transient)
    assert "could not be reached" in str(outcome.error)


def test_connection_closed_in_the_midst_of_a_write_is_of_unknown_fate() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_read_and_hang_up, args=(server,), daemon=True).start()
        client = Client(f"http://127.0.0.1:{server.getsockname()[1]}/api/v3", "t", Counter())
        outcome = adapter.rest(client, client, REPOSITORY, dict).apply(NOBODY, [intent(NEW)])[0]
    assert isinstance(outcome.error, UnknownFate)


def _read_and_hang_up(server: socket.socket) -> None:
    connection, _ = server.accept()
    with connection:
        connection.recv(4096)


@pytest.mark.parametrize(
    ("code", "params", "kind", "word"),
    [
        ("F401", {}, BadCredentials, "renew it"),
        ("F404H", {}, NotFound, "lost access"),
        ("F422L", {}, Refused, "too long"),
        ("F403K", {}, Locked, "Unlock"),
        ("F403K", {"archived": True}, Locked, "archived"),
    ],
)
def test_refused_write_is_permanent_with_a_sentence(
    both: World, code: str, params: dict, kind: type[GitHubError], word: str
) -> None:
    target = both.issue()
    both.fault(code, params=params)
    error = error_of(both, AddComment("x"), target)
    assert type(error) is kind, repr(error)
    assert word in str(error)
    assert both.state(target.number or 0).comments == []


def test_deleted_issue_is_gone_when_read(both: World) -> None:
    target = both.issue()
    both.state(target.number or 0).deleted = True
    with pytest.raises(Gone, match="deleted"):
        both.github.issue(target.number or 0)


def test_write_to_a_deleted_issue_is_refused(both: World) -> None:
    target = both.issue()
    both.state(target.number or 0).deleted = True
    assert isinstance(error_of(both, AddComment("x"), target), Gone | NotFound)


def test_transferred_issue_is_reported_with_its_new_place_and_not_followed(both: World) -> None:
    target = both.issue()
    both.state(target.number or 0).moved_to = "demo/elsewhere#7"
    both.meter.calls.clear()
    with pytest.raises(Moved) as caught:
        both.github.issue(target.number or 0)
    assert caught.value.location.endswith("/repos/demo/elsewhere/issues/7")
    assert len(both.meter.calls) == 1


def test_write_is_never_led_on(rest: World) -> None:
    target = rest.issue()
    rest.fault(
        "F301", route="/repos/{owner}/{repo}/issues/{number}", method="PATCH", params={"location": "/api/v3/user"}
    )
    rest.meter.calls.clear()
    error = error_of(rest, WriteSections((("AI Assessment", "x"),)), target)
    assert isinstance(error, Moved)
    assert len(rest.meter.calls) == 1


@pytest.mark.parametrize(
    ("code", "params", "secondary"),
    [
        ("F403S", {"retry_after": 30}, True),
        ("F403S", {"retry_after": None, "status": 429}, True),
        ("F403P", {"reset_s": 40}, False),
        ("F403P", {"reset_s": 40, "status": 429}, False),
    ],
)
def test_limit_is_told_apart_from_a_refusal(both: World, code: str, params: dict, secondary: bool) -> None:
    both.fault(code, params=params)
    error = error_of(both)
    assert isinstance(error, QuotaExhausted), repr(error)
    assert error.secondary is secondary
    assert both.meter.calls[-1].limited == ("secondary" if secondary else "primary")


def test_conditional_write_answered_412_is_of_unknown_fate(both: World) -> None:
    both.fault("F412W")
    assert isinstance(error_of(both), UnknownFate)


def test_issue_too_new_to_be_found_is_tried_later(rest: World) -> None:
    target = rest.issue()
    rest.fault("F404N", params={"status": 422}, route="/repos/{owner}/{repo}/issues/{number}/comments")
    assert isinstance(error_of(rest, AddComment("x"), target), Transient)


@pytest.mark.parametrize("dropped", [AssignCopilot("main")])
def test_assignee_dropped_in_silence_is_refused(both: World, dropped: AssignCopilot) -> None:
    target = both.issue()
    both.fault("FIGN")
    error = error_of(both, dropped, target)
    assert isinstance(error, Refused), repr(error)
    assert "left Copilot out" in str(error)


@pytest.mark.parametrize(
    ("change", "verb", "words"),
    [
        (AddLabels(("site-monitor",)), "POST", "left out the label 'site-monitor'"),
        (RemoveLabels(("state::discovery",)), "DELETE", "kept the label"),
    ],
)
def test_label_dropped_in_silence_is_refused(both: World, change: Change, verb: str, words: str) -> None:
    target = both.issue(labels=("state::discovery",))
    both.fault("FIGN", verb=verb)
    error = error_of(both, change, target)
    assert isinstance(error, Refused), repr(error)
    assert words in str(error)


def test_labels_of_which_github_kept_one_are_looked_up(rest: World) -> None:
    target = rest.issue(labels=("state::discovery", "monitor::triage"))
    rest.fault("FIGN", verb="DELETE")
    assert isinstance(error_of(rest, RemoveLabels(("state::discovery", "monitor::triage")), target), UnknownFate)


def test_installation_token_cannot_hand_over(both: World) -> None:
    app, _ = clients(both.sandbox, both.meter)
    make: Callable[..., object] = adapter.rest if both.speaks == "rest" else adapter.graphql
    github = make(app, app, REPOSITORY, lambda: both.labels)
    outcome = github.apply(both.issue(), [intent(AssignCopilot("main"))])[0]  # type: ignore[attr-defined]
    assert isinstance(outcome.error, Refused), repr(outcome)
    assert both.sandbox.world.state.sessions == []


def test_failure_in_the_middle_stops_the_rest(rest: World) -> None:
    target = rest.issue()
    rest.fault("F502A", route="/repos/{owner}/{repo}/issues/{number}/comments")
    outcomes = rest.apply_all(target, AddLabels(("site-monitor",)), AddComment("x"), WriteSections((("A", "y"),)))
    assert outcomes[0].applied
    assert isinstance(outcomes[1].error, UnknownFate)
    assert isinstance(outcomes[2].error, Transient)
    assert "not sent" in str(outcomes[2].error).lower()


def test_part_of_a_graphql_request_that_fails_leaves_the_others_applied(graphql: World) -> None:
    target = graphql.issue()
    outcomes = graphql.apply_all(
        target, AddLabels(("site-monitor",)), OpenPull("never-there", "main", "t", "b"), AddComment("x")
    )
    assert outcomes[0].applied
    assert isinstance(outcomes[1].error, Refused), repr(outcomes[1].error)
    assert outcomes[2].applied
    assert graphql.state(target.number or 0).labels == ["site-monitor"]


def test_lost_answer_to_a_batch_makes_every_part_unknown(graphql: World) -> None:
    target = graphql.issue()
    graphql.fault("F502A", params={"fields": 1})
    outcomes = graphql.apply_all(target, AddLabels(("site-monitor",)), AddComment("x"))
    assert [type(outcome.error) for outcome in outcomes] == [UnknownFate, UnknownFate]
    assert graphql.state(target.number or 0).comments == []
