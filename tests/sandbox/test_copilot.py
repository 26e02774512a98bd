"""Copilot and the reviewers: every outcome leaves the traces that the real one leaves."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from sandbox.clock import ManualClock
from sandbox.model import COPILOT_ID
from sandbox.server import Sandbox
from tests.sandbox.conftest import COPILOT, START, Client

HOUR = timedelta(hours=1)


def _hand_over(client: Client, outcome: str, **agent: Any) -> int:
    """An issue given to Copilot, which will come out as `outcome`."""
    client.control("config", {"copilot": {"shares": {outcome: 1}}})
    number = int(client.issue("Profile the target", body="Read the source.")["number"])
    assert _assign(client, number, **agent).status_code == 201
    return number


def _assign(client: Client, number: int, **agent: Any) -> Any:
    return client.post(f"issues/{number}/assignees", {"assignees": [COPILOT], "agent_assignment": agent})


def _let_pass(sandbox: Sandbox, clock: ManualClock, time: timedelta = HOUR * 6) -> None:
    clock.move(time)
    sandbox.advance(clock())


def _events(client: Client, number: int) -> list[str]:
    return [entry["event"] for entry in client.get(f"issues/{number}/timeline", params={"per_page": "100"}).json()]


def test_finished_work_is_merged_and_closes_the_issue(sandbox: Sandbox, client: Client, clock: ManualClock) -> None:
    number = _hand_over(client, "finish")
    shown = client.get(f"issues/{number}").json()["assignees"]
    assert [(user["login"], user["id"], user["type"]) for user in shown] == [("Copilot", COPILOT_ID, "Bot")]
    _let_pass(sandbox, clock)
    issue = client.get(f"issues/{number}").json()
    assert (issue["state"], issue["state_reason"]) == ("closed", "completed")
    assert _events(client, number) == ["assigned", "cross-referenced", "connected", "closed"]
    found = _events(client, number + 1)
    order = [
        "copilot_work_started",
        "renamed",
        "copilot_work_finished",
        "review_requested",
        "ready_for_review",
        "merged",
    ]
    assert [event for event in found if event in order] == order


def test_session_starts_with_a_draft_within_seconds(sandbox: Sandbox, client: Client, clock: ManualClock) -> None:
    number = _hand_over(client, "finish")
    _let_pass(sandbox, clock, timedelta(seconds=8))
    pull = client.get(f"pulls/{number + 1}").json()
    assert (pull["title"], pull["draft"], pull["head"]["ref"]) == (
        "[WIP] Profile the target",
        True,
        f"copilot/fix-{number}",
    )
    assert pull["user"]["login"] == "Copilot"
    assert [user["login"] for user in pull["assignees"]] == ["olivia-operator", "Copilot"]
    timeline = client.get(f"issues/{number + 1}/timeline").json()
    started = next(entry for entry in timeline if entry["event"] == "copilot_work_started")
    assert started["actor"]["login"] == "olivia-operator"
    assert started["performed_via_github_app"]["slug"] == "copilot-swe-agent"


def test_lost_hand_over_leaves_nothing(sandbox: Sandbox, client: Client, clock: ManualClock) -> None:
    number = _hand_over(client, "lost")
    _let_pass(sandbox, clock)
    assert _events(client, number) == ["assigned"]
    assert client.get("pulls", params={"state": "all"}).json() == []


def test_lost_hand_over_may_be_repeated(sandbox: Sandbox, client: Client, clock: ManualClock) -> None:
    number = _hand_over(client, "lost")
    client.control("config", {"copilot": {"shares": {"finish": 1}}})
    client.send("DELETE", f"issues/{number}/assignees", {"assignees": [COPILOT]})
    _assign(client, number)
    _let_pass(sandbox, clock)
    assert client.get(f"issues/{number}").json()["state"] == "closed"


@pytest.mark.parametrize(("outcome", "base"), [("error", "main"), ("finish", "no-such-branch")])
def test_session_that_cannot_start_says_so(
    sandbox: Sandbox, client: Client, clock: ManualClock, outcome: str, base: str
) -> None:
    number = _hand_over(client, outcome, base_branch=base)
    _let_pass(sandbox, clock)
    comment = client.get(f"issues/{number}/comments").json()[0]
    assert comment["user"]["login"] == "Copilot"
    start = "The agent encountered an error and was unable to start working on this issue: "
    assert comment["body"].startswith(start)


def test_failed_session_carries_its_message(sandbox: Sandbox, client: Client, clock: ManualClock) -> None:
    number = _hand_over(client, "fail")
    _let_pass(sandbox, clock)
    timeline = client.get(f"issues/{number + 1}/timeline").json()
    failure = next(entry for entry in timeline if entry["event"] == "copilot_work_finished_failure")
    assert "premium request" in failure["failure_message"]
    assert client.get(f"issues/{number}").json()["state"] == "open"


def test_rejected_work_is_closed_unmerged(sandbox: Sandbox, client: Client, clock: ManualClock) -> None:
    number = _hand_over(client, "reject")
    _let_pass(sandbox, clock)
    pull = client.get(f"pulls/{number + 1}").json()
    assert (pull["state"], pull["merged"]) == ("closed", False)
    assert client.get(f"issues/{number}").json()["state"] == "open"


def test_waiting_work_shows_runs_to_approve(sandbox: Sandbox, client: Client, clock: ManualClock) -> None:
    client.control("config", {"copilot": {"people": False}})
    number = _hand_over(client, "wait")
    _let_pass(sandbox, clock)
    runs = client.get("actions/runs", params={"status": "action_required"}).json()["workflow_runs"]
    assert [run["head_branch"] for run in runs] == [f"copilot/fix-{number}"]
    assert "copilot_work_finished" not in _events(client, number + 1)


def test_approved_work_goes_on(sandbox: Sandbox, client: Client, clock: ManualClock) -> None:
    number = _hand_over(client, "wait")
    _let_pass(sandbox, clock)
    assert client.get(f"issues/{number}").json()["state"] == "closed"


def test_scaffold_branch_is_filled_then_delivered(sandbox: Sandbox, client: Client, clock: ManualClock) -> None:
    main = client.get("branches/main").json()["commit"]["sha"]
    client.post("git/refs", {"ref": "refs/heads/work/1", "sha": main})
    text = {"message": "Scaffold", "content": "IyBSZXBvcnQK", "branch": "work/1"}
    client.send("PUT", "contents/reports/1.md", text)
    number = _hand_over(client, "finish", base_branch="work/1")
    own = client.post(
        "pulls", {"title": "Deliver", "head": "work/1", "base": "main", "body": f"Closes #{number}"}
    ).json()
    _let_pass(sandbox, clock)
    assert client.get(f"pulls/{own['number']}").json()["merged"] is True
    assert client.get(f"issues/{number}").json()["state"] == "closed"
    assert client.get("contents/reports/1.md").json()["size"] > len("# Report\n")


def test_unassigned_session_stops(sandbox: Sandbox, client: Client, clock: ManualClock) -> None:
    number = _hand_over(client, "finish")
    client.send("DELETE", f"issues/{number}/assignees", {"assignees": [COPILOT]})
    _let_pass(sandbox, clock)
    assert client.get("pulls", params={"state": "all"}).json() == []


@pytest.mark.parametrize("login", ["Copilot", "copilot-swe-agent"])
def test_other_spellings_are_dropped_in_silence(client: Client, login: str) -> None:
    number = client.issue()["number"]
    answer = client.post(f"issues/{number}/assignees", {"assignees": [login]})
    assert (answer.status_code, answer.json()["assignees"]) == (201, [])


def test_copilot_can_be_switched_off(client: Client) -> None:
    assert client.get(f"assignees/{COPILOT}").status_code == 204
    client.control("config", {"copilot": {"assignable": False}})
    assert client.get(f"assignees/{COPILOT}").status_code == 404
    number = client.issue()["number"]
    assert _assign(client, number).json()["assignees"] == []


def test_installation_token_is_refused_in_githubs_words(client: Client, app: Client) -> None:
    number = client.issue()["number"]
    answer = _assign(app, number)
    assert answer.status_code == 403
    assert "not supported with GitHub App installation tokens" in answer.json()["message"]
    assert app.post("issues", {"title": "New", "assignees": [COPILOT]}).status_code == 403
    assert len(client.get("issues").json()) == 1


def test_speed_divides_the_delays(sandbox: Sandbox, client: Client, clock: ManualClock) -> None:
    client.control("config", {"speed": 1000})
    number = _hand_over(client, "finish")
    _let_pass(sandbox, clock, timedelta(seconds=10))
    assert client.get(f"issues/{number}").json()["state"] == "closed"


@pytest.fixture
def histories() -> list[list[tuple[str, str]]]:
    """What happens to six issues, twice over."""
    found = []
    for _ in range(2):
        clock = ManualClock(START)
        with Sandbox(clock=clock, seed_number=7) as sandbox:
            client = Client(sandbox)
            with client.session:
                for _ in range(6):
                    _assign(client, client.issue()["number"])
                _let_pass(sandbox, clock)
            found.append([(entry["time"], entry["field"]) for entry in sandbox.log.after() if entry["kind"] == "world"])
    return found


def test_same_seed_gives_the_same_history(histories: list[list[tuple[str, str]]]) -> None:
    assert histories[0] == histories[1]
    assert len(histories[0]) > 10


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"copilot": {"shares": {"shine": 1}}}, "weights of lost, error"),
        ({"copilot": {"work": [9, 1]}}, "must be [from, to]"),
        ({"speed": 0}, "speed must be more than 0"),
        ({"colour": 1}, "Unknown settings: colour."),
    ],
)
def test_wrong_configuration_changes_nothing(client: Client, config: dict[str, Any], message: str) -> None:
    before = client.control("config").json()
    answer = client.control("config", {"latency_ms": 5, "limits": {"core": 1}, **config})
    assert (answer.status_code, message in answer.json()["message"]) == (400, True)
    assert client.control("config").json() == before


@pytest.fixture
def said(client: Client, sandbox: Sandbox, clock: ManualClock) -> list[dict[str, Any]]:
    """What Copilot says on the pull requests of a dozen finished issues when it always speaks."""
    client.control("config", {"copilot": {"remarks": 1.0, "people": False, "work": [1, 1]}})
    last = [_hand_over(client, "finish") for _ in range(12)][-1]
    _let_pass(sandbox, clock)
    pulls = range(last + 1, last + 13)
    timelines = [client.get(f"issues/{number}/timeline", params={"per_page": "100"}).json() for number in pulls]
    spoken = [entry for timeline in timelines for entry in timeline if entry["event"] in {"commented", "reviewed"}]
    assert len(spoken) == 12
    return spoken


def test_remarks_are_comments_and_reviews_with_address_and_time(said: list[dict[str, Any]]) -> None:
    assert {entry["event"] for entry in said} == {"commented", "reviewed"}
    for entry in said:
        assert entry["user"]["login"] == "Copilot"
        assert entry["body"]
        assert "/pull/" in entry["html_url"]
        assert entry.get("submitted_at") or entry["created_at"]


def test_silent_copilot_says_nothing(sandbox: Sandbox, client: Client, clock: ManualClock) -> None:
    client.control("config", {"copilot": {"remarks": 0, "people": False}})
    number = _hand_over(client, "finish")
    _let_pass(sandbox, clock)
    assert "copilot_work_finished" in _events(client, number + 1)
    assert not {"commented", "reviewed"} & set(_events(client, number + 1))


def test_obstructed_pull_request_cannot_be_merged(sandbox: Sandbox, client: Client, clock: ManualClock) -> None:
    client.control("config", {"copilot": {"people": False}})
    number = _hand_over(client, "finish")
    _let_pass(sandbox, clock)
    here = {"repository": "demo/field-notes", "number": number + 1}
    client.control("human", {"action": "obstruct", "conflicts": True, "checks": "failure", **here})
    shown = client.get(f"pulls/{number + 1}").json()
    assert (shown["mergeable"], shown["mergeable_state"]) == (False, "dirty")
    assert "not mergeable" in client.control("human", {"action": "merge", **here}).text
    client.control("human", {"action": "obstruct", **here})
    assert client.control("human", {"action": "merge", **here}).status_code == 200
    assert client.get(f"issues/{number}").json()["state"] == "closed"


def test_obstacles_show_in_graphql_too(sandbox: Sandbox, client: Client, clock: ManualClock) -> None:
    client.control("config", {"copilot": {"people": False}})
    number = _hand_over(client, "finish")
    _let_pass(sandbox, clock)
    node = client.get(f"pulls/{number + 1}").json()["node_id"]
    query = "query($id: ID!) { node(id: $id) { ... on PullRequest { mergeable commits(last: 1) { nodes { commit { "
    query += "statusCheckRollup { state } } } } } } }"
    free = client.graphql(query, id=node)["data"]["node"]
    body = {"action": "obstruct", "repository": "demo/field-notes", "number": number + 1, "conflicts": True}
    client.control("human", {**body, "checks": "failure"})
    found = client.graphql(query, id=node)["data"]["node"]
    assert (free["mergeable"], found["mergeable"]) == ("MERGEABLE", "CONFLICTING")
    rollups = [one["commits"]["nodes"][0]["commit"]["statusCheckRollup"] for one in (free, found)]
    assert rollups == [None, {"state": "FAILURE"}]
