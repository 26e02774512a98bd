"""Reading: pages, conditions, absence that is proven, and the same snapshot by either protocol."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from pipeline.domain.changes import AssignCopilot, CreateBranch, OpenPull, ScaffoldFile
from pipeline.github import adapter
from pipeline.github.client import Client
from pipeline.github.port import BadCredentials, GitHubError, IssueTarget, NotFound, QuotaExhausted, Refused, Transient
from sandbox.errors import Refusal
from sandbox.graphql_schema import TYPES, FieldType
from sandbox.http import Handler
from sandbox.ids import node_id
from sandbox.model import Entry, Pull
from sandbox.seed import USER_TOKEN, add_repository
from tests.pipeline.github.world import REPOSITORY, World, clients

NOBODY = IssueTarget(None, "", "")
BRANCH = CreateBranch("scaffold/issue-1", "main", "Scaffold", (ScaffoldFile("reports/a.md", "# A\n"),))


def pull_request(both: World, body: str = "A scaffold") -> int:
    assert both.apply(NOBODY, BRANCH).applied
    outcome = both.apply(NOBODY, OpenPull(BRANCH.branch, "main", "Scaffold", body))
    assert outcome.applied, outcome.error
    return int(outcome.applied.facts["number"])


def test_repository_tells_what_it_is(both: World) -> None:
    facts = both.github.repository()
    assert (facts.full_name, facts.default_branch, facts.archived) == (REPOSITORY, "main", False)


def test_token_of_a_person_tells_login_and_quota(rest: World) -> None:
    client = Client(f"{rest.sandbox.url}/api/v3", USER_TOKEN, rest.meter)
    facts = adapter.rest(client, client, REPOSITORY, dict).token()
    assert (facts.login, facts.limit) == ("olivia-operator", 5000)
    assert facts.reset_at
    assert facts.reset_at > datetime.now(UTC)


def test_token_of_an_installation_is_told_apart(rest: World) -> None:
    assert "installation" in rest.github.token().login


def test_wrong_token_is_named_as_such(rest: World) -> None:
    client = Client(f"{rest.sandbox.url}/api/v3", "wrong", rest.meter)
    with pytest.raises(BadCredentials, match="missing, wrong or expired") as caught:
        adapter.rest(client, client, REPOSITORY, dict).token()
    assert "wrong-token" not in str(caught.value)


def test_server_tells_its_own_time(both: World) -> None:
    at = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
    both.sandbox.clock = lambda: at
    assert both.github.server_time() == at
    assert both.meter.routes == ["GET /rate_limit"]


def test_server_without_rate_limits_tells_its_time_all_the_same(both: World) -> None:
    both.sandbox.faults.add({"code": "F404H", "method": "GET", "route": "/rate_limit"})
    assert abs(both.github.server_time() - datetime.now(UTC)) < timedelta(minutes=1)
    assert both.meter.routes == ["GET /rate_limit", "GET /meta"]


def test_answer_without_a_time_is_no_time(both: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Handler, "date_time_string", lambda *_: "soon")
    with pytest.raises(GitHubError, match="Date header tells no time"):
        both.github.server_time()


@pytest.mark.parametrize("enabled", [True, False])
def test_copilot_can_be_assigned_where_it_is_enabled(both: World, enabled: bool) -> None:
    both.sandbox.configure({"copilot": {"assignable": enabled}})
    assert both.github.can_assign_copilot() is enabled


def test_list_leaves_pull_requests_out(both: World) -> None:
    target = both.issue()
    number = pull_request(both)
    page = both.github.issues(since=None, etag=None)
    assert [issue.number for issue in page.issues] == [target.number]
    with pytest.raises(Refused, match="pull request"):
        both.github.issue(number)


def test_list_that_did_not_change_is_one_free_request(both: World) -> None:
    both.issue()
    first = both.github.issues(since=None, etag=None)
    again = both.github.issues(since=None, etag=first.etag)
    assert again.not_modified
    assert again.issues == ()
    both.issue()
    assert len(both.github.issues(since=None, etag=first.etag).issues) == 2


def test_list_goes_on_page_after_page(rest: World) -> None:
    for _ in range(103):
        rest.issue()
    rest.meter.calls.clear()
    first = rest.github.issues(since=None, etag=None)
    assert (len(first.issues), first.next_page) == (100, 2)
    second = rest.github.issues(since=None, etag=None, page=2)
    assert (len(second.issues), second.next_page) == (3, None)
    assert len(rest.meter.calls) == 2


def test_list_since_a_moment_has_only_what_changed_after(rest: World) -> None:
    rest.issue()
    assert rest.github.issues(since=datetime.now(UTC) + timedelta(minutes=5), etag=None).issues == ()


def test_branch_that_is_absent_is_none(both: World) -> None:
    assert both.github.branch("never-there") is None
    assert both.github.file("never/there.md", "main") is None
    assert both.github.folder("never", "main") == ()


def test_branch_that_cannot_be_seen_is_an_error_and_not_none(both: World) -> None:
    both.sandbox.faults.add({"code": "F404H", "method": "GET", "count": None})
    with pytest.raises(NotFound, match="lost access"):
        both.github.branch("main")


def test_branch_name_with_slash_is_one_segment(both: World) -> None:
    both.apply(NOBODY, BRANCH)
    assert [pull.number for pull in both.github.pulls_from(BRANCH.branch)] == []
    number = pull_request_on(both)
    assert [pull.number for pull in both.github.pulls_from(BRANCH.branch)] == [number]


def pull_request_on(both: World) -> int:
    outcome = both.apply(NOBODY, OpenPull(BRANCH.branch, "main", "Scaffold", "b"))
    assert outcome.applied, outcome.error
    return int(outcome.applied.facts["number"])


def test_actions_workflows_are_listed(both: World) -> None:
    assert [workflow.path for workflow in both.github.actions_workflows()] == [".github/workflows/site-watch.yml"]


def test_timeline_tells_who_was_assigned(both: World) -> None:
    target = both.issue()
    assert both.apply(target, AssignCopilot("main")).applied
    events = both.github.timeline(target.number or 0)
    assert "assigned" in [event.event for event in events]
    assert all(event.at and event.at.tzinfo for event in events)


def test_handovers_tell_issue_and_pull_requests_in_one_request_with_graphql(both: World) -> None:
    target = both.issue()
    number = pull_request(both, body=f"For #{target.number}")
    both.meter.calls.clear()
    facts = both.github.handovers([(target.number or 0, target.node_id)])
    assert [pull.number for pull in facts[0].pulls] == [number]
    if both.speaks == "graphql":
        assert both.meter.routes == ["POST graphql handovers"]


def mention_from_elsewhere(both: World, number: int, pull: int) -> None:
    """A pull request of another repository, alike but for its number, names the issue too."""
    elsewhere = add_repository(both.sandbox.world, "demo", "elsewhere")
    elsewhere.issues[999] = deepcopy(both.state(pull))
    elsewhere.issues[999].number = 999
    said = {"repository": elsewhere.full_name, "number": 999}
    both.state(number).timeline.append(Entry(999, "cross-referenced", "rosa", datetime.now(UTC), said))


def test_pull_request_of_another_repository_is_none_of_a_handover(both: World) -> None:
    target = both.issue()
    number = pull_request(both, body=f"For #{target.number}")
    mention_from_elsewhere(both, target.number or 0, number)
    facts = both.github.handovers([(target.number or 0, target.node_id)])
    assert [pull.number for pull in facts[0].pulls] == [number]


def test_handover_of_an_issue_that_is_gone_has_no_issue(both: World) -> None:
    kept, gone = both.issue(), both.issue()
    both.state(gone.number or 0).deleted = True
    facts = both.github.handovers([(target.number or 0, target.node_id) for target in (gone, kept)])
    assert [fact.issue is None for fact in facts] == [True, False]


def test_handover_of_an_issue_that_lives_elsewhere_by_now_has_no_issue(graphql: World) -> None:
    target = graphql.issue()
    moved = deepcopy(graphql.state(target.number or 0))
    moved.id += 10_000
    add_repository(graphql.sandbox.world, "demo", "elsewhere").issues[moved.number] = moved
    assert graphql.github.handovers([(moved.number, node_id("I", moved.id))])[0].issue is None


def test_both_protocols_see_the_same_issue(graphql: World) -> None:
    target = graphql.issue(body="Ü 😀\r\n", labels=("site-monitor", "state::copilot"))
    assert graphql.apply(target, AssignCopilot("main")).applied
    seen = graphql.github.handovers([(target.number or 0, target.node_id)])[0].issue
    read = graphql.github.issue(target.number or 0)
    assert seen is not None
    assert seen.fingerprint() == read.fingerprint()
    assert replace(seen, read_at=read.read_at) == read


def test_both_protocols_see_the_same_pull_request(graphql: World) -> None:
    target = graphql.issue()
    number = pull_request(graphql, body=f"Fixes #{target.number}")
    seen = graphql.github.handovers([(target.number or 0, target.node_id)])[0].pulls
    assert seen == (graphql.github.pull(number),)


def obstruct(world: World, number: int, checks: str) -> None:
    half = world.state(number).pull
    assert half
    half.conflicts, half.checks = True, checks


def test_branch_in_conflict_is_seen_by_either_protocol(both: World) -> None:
    target = both.issue()
    number = pull_request(both, body=f"Fixes #{target.number}")
    before = both.github.handovers([(target.number or 0, target.node_id)])[0].pulls[0]
    obstruct(both, number, "")
    after = both.github.handovers([(target.number or 0, target.node_id)])[0].pulls[0]
    assert (before.conflicts, after.conflicts) == (False, True)


@pytest.mark.parametrize(("checks", "fail"), [("", False), ("success", False), ("failure", True)])
def test_failing_checks_are_seen_with_graphql_in_the_same_request(graphql: World, checks: str, fail: bool) -> None:
    target = graphql.issue()
    obstruct(graphql, pull_request(graphql, body=f"Fixes #{target.number}"), checks)
    graphql.meter.calls.clear()
    found = graphql.github.handovers([(target.number or 0, target.node_id)])[0].pulls[0]
    assert (found.checks_fail, graphql.meter.routes) == (fail, ["POST graphql handovers"])


def test_token_that_may_not_see_checks_reads_the_rest(graphql: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object) -> None:
        raise Refusal(403, "Resource not accessible by personal access token", kind="FORBIDDEN")

    monkeypatch.setitem(TYPES["Commit"], "statusCheckRollup", FieldType("StatusCheckRollup", refuse))
    target = graphql.issue()
    number = pull_request(graphql, body=f"Fixes #{target.number}")
    found = graphql.github.handovers([(target.number or 0, target.node_id)])[0]
    assert found.issue is not None
    assert [(pull.number, pull.checks_fail) for pull in found.pulls] == [(number, False)]


def test_error_inside_a_graphql_answer_is_not_taken_for_absence(graphql: World) -> None:
    target = graphql.issue()
    graphql.fault("F500", graphql="nodes")
    with pytest.raises(Transient):
        graphql.github.handovers([(target.number or 0, target.node_id)])


def test_graphql_limit_with_status_200_is_a_limit(graphql: World) -> None:
    graphql.fault("F403P", graphql="query", params={"reset_s": 50})
    with pytest.raises(QuotaExhausted):
        graphql.github.handovers([(1, "I_1")])


def test_reads_of_the_hand_over_use_the_users_token(graphql: World) -> None:
    app, _ = clients(graphql.sandbox, graphql.meter)
    github = adapter.graphql(app, app, REPOSITORY, dict)
    assert not github.can_assign_copilot()


def test_merged_pull_request_tells_when(both: World) -> None:
    number = pull_request(both)
    pull: Pull | None = both.state(number).pull
    assert pull
    pull.merged_at = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
    assert both.github.pull(number).merged_at == pull.merged_at
