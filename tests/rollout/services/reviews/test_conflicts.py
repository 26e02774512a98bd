"""No one reviews what they wrote or triaged."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.models import Issue, Kind, Run
from rollout.models import TeamMember
from rollout.services.reviews import conflicts
from tests.factories import make_issue, make_item, make_repository, make_run
from tests.rollout.factories import make_member, make_person
from tests.rollout.services.reviews.drawing import processed

pytestmark = pytest.mark.django_db


@pytest.fixture
def rita() -> TeamMember:
    return make_member(user=make_person("rita"), github_login="rita-on-hub")


def why(issue: Issue, member: TeamMember) -> str:
    return conflicts.barred(issue, [member]).get(member.user.username, "")


def person(login: str, kind: str = "User") -> dict[str, Any]:
    return {"login": login, "id": 5, "kind": kind}


def test_author_is_known_by_github_login_in_any_case(rita: TeamMember) -> None:
    assert why(make_issue(author=person("Rita-On-Hub")), rita) == "wrote the issue"


def test_assignee_may_not_review_it(rita: TeamMember) -> None:
    assert why(make_issue(assignees=[person("rita-on-hub")]), rita) == "is assigned to the issue"


def test_bot_of_the_same_name_bars_nobody(rita: TeamMember) -> None:
    issue = make_issue(author=person("rita-on-hub", "Bot"), assignees=[person("rita-on-hub", "Bot")])

    assert why(issue, rita) == ""


def test_who_asked_for_the_run_that_wrote_the_guidance_may_not(rita: TeamMember) -> None:
    assert why(processed(make_repository(), by="Rita"), rita) == "asked for its process run"


def test_who_applied_or_made_the_plan_may_not(rita: TeamMember) -> None:
    repository = make_repository()
    dry = make_run(kind=Kind.PROCESS, repository=repository, requested_by="rita", state="succeeded")
    apply = {"purpose": Run.Purpose.APPLY, "source_run": dry}

    assert why(processed(repository, by="lea", run=apply), rita) == "asked for the process run that was applied"
    assert why(processed(repository, by="rita", run={"purpose": Run.Purpose.APPLY}), rita) == (
        "applied the plan of its process run"
    )


def test_who_triaged_it_may_not(rita: TeamMember) -> None:
    issue = processed(make_repository())
    run = make_run(kind=Kind.TRIAGE, repository=issue.repository, mode="live", requested_by="rita", state="succeeded")
    make_item(run=run, issue=issue, live=True, state="done")

    assert why(issue, rita) == "triaged the issue"


@pytest.mark.parametrize("by", ["schedule", "rule:plan", "", "lea"])
def test_others_runs_and_rules_bar_nobody(by: str, rita: TeamMember) -> None:
    assert why(processed(make_repository(), by=by), rita) == ""


def test_run_that_did_nothing_to_the_issue_bars_nobody(rita: TeamMember) -> None:
    issue = make_issue()
    run = make_run(kind=Kind.PROCESS, repository=issue.repository, requested_by="rita", state="succeeded")
    make_item(run=run, issue=issue, live=False, state="planned")
    make_item(run=run, issue=issue, live=True, state="cancelled")

    assert why(issue, rita) == ""


def test_member_without_a_login_is_known_by_user_name_only() -> None:
    member = make_member(user=make_person("bo"), github_login="")

    assert why(make_issue(author=person("")), member) == ""
    assert why(make_issue(author=person("bo")), member) == "wrote the issue"
