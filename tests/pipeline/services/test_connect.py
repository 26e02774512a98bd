"""From a row to a working GitHub: credentials, governor, protocol, and the seam for tests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import pytest

from pipeline.domain.changes import AddComment, AssignCopilot, CreateIssue, CreateLabel
from pipeline.github.port import BadCredentials, GitHub, Intent, IssueTarget
from pipeline.models import ApiCall, AuditEntry, Repository, RepositoryLabel, TokenBudget
from pipeline.services import connect
from pipeline.services.credentials import token_key
from sandbox.seed import APP_TOKEN, USER_TOKEN
from sandbox.server import Sandbox
from tests.factories import make_repository

NOBODY = IssueTarget(None, "", "")


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    monkeypatch.setenv("APP_TOKEN", APP_TOKEN)
    monkeypatch.setenv("USER_TOKEN", USER_TOKEN)
    with Sandbox() as running:
        yield running


def row(sandbox: Sandbox, **values: object) -> Repository:
    made: Repository = make_repository(
        **{
            "full_name": "demo/field-notes",
            "api_url": f"{sandbox.url}/api/v3",
            "token_reference": "env:APP_TOKEN",
            "handover_token_reference": "env:USER_TOKEN",
            **values,
        }
    )
    return made


def send(github: GitHub, target: IssueTarget, change: object) -> dict[str, object]:
    outcome = github.apply(target, [Intent("k", "h", change)])[0]  # type: ignore[arg-type]
    assert outcome.applied, outcome.error
    return outcome.applied.facts


@pytest.mark.django_db
@pytest.mark.parametrize("protocol", ["rest", "graphql"])
def test_row_becomes_a_github_that_writes_and_counts(sandbox: Sandbox, protocol: str) -> None:
    repository = row(sandbox, protocol=protocol)
    github = connect.connect(repository)
    label = send(github, NOBODY, CreateLabel("site-monitor", "1d76db", ""))
    RepositoryLabel.objects.create(repository=repository, name="site-monitor", node_id=str(label["node_id"]))
    facts = send(github, NOBODY, CreateIssue("A convoy", "Body", ("site-monitor",)))
    target = IssueTarget(cast(int, facts["number"]), str(facts["node_id"]), "Body")
    send(github, target, AssignCopilot("main"))
    writes = ApiCall.objects.filter(write=True, repository=repository)
    assert writes.filter(token_key=token_key(APP_TOKEN), status__lt=300).count() == 2
    assert writes.filter(token_key=token_key(USER_TOKEN), protocol=protocol).count() == 1
    budget = TokenBudget.objects.get(token_key=token_key(APP_TOKEN))
    assert (budget.graphql_remaining if protocol == "graphql" else budget.remaining) is not None


@pytest.mark.django_db
def test_node_id_of_the_repository_is_read_once_and_kept(sandbox: Sandbox) -> None:
    repository = row(sandbox)
    send(connect.connect(repository), NOBODY, CreateIssue("A convoy", "Body", ()))
    repository.refresh_from_db()
    assert repository.node_id
    send(connect.connect(repository), NOBODY, CreateIssue("Another", "Body", ()))
    assert ApiCall.objects.filter(route="/repos/{repo}").count() == 1


@pytest.mark.django_db
def test_missing_token_is_one_sentence(sandbox: Sandbox) -> None:
    with pytest.raises(BadCredentials, match="env:NOWHERE_TOKEN is empty"):
        connect.connect(row(sandbox, token_reference="env:NOWHERE_TOKEN"))


@pytest.mark.django_db
@pytest.mark.parametrize("protocol", ["rest", "graphql"])
def test_missing_hand_over_token_stops_the_hand_over_only(sandbox: Sandbox, protocol: str) -> None:
    github = connect.connect(row(sandbox, protocol=protocol, handover_token_reference="env:NOWHERE_TOKEN"))
    facts = send(github, NOBODY, CreateIssue("A convoy", "Body", ()))
    target = IssueTarget(cast(int, facts["number"]), str(facts["node_id"]), "Body")
    send(github, target, AddComment("x"))
    outcome = github.apply(target, [Intent("k", "h", AssignCopilot("main"))])[0]
    assert isinstance(outcome.error, BadCredentials)
    assert "NOWHERE_TOKEN" in str(outcome.error)


@pytest.mark.django_db
def test_checked_token_is_written_down_with_its_login(sandbox: Sandbox) -> None:
    repository = row(sandbox, token_reference="env:USER_TOKEN", handover_token_reference="")
    assert connect.check_token(repository) == ""
    repository.refresh_from_db()
    assert (repository.token_login, repository.token_problem) == ("olivia-operator", "")
    assert repository.token_checked_at
    assert repository.node_id
    assert "olivia-operator" in TokenBudget.objects.get().label


@pytest.mark.django_db
def test_default_branch_is_the_one_that_github_names(sandbox: Sandbox) -> None:
    repository = row(sandbox)
    sandbox.world.named("demo/field-notes").default_branch = "trunk"
    connect.check_token(repository)
    repository.refresh_from_db()
    assert repository.default_branch == "trunk"
    entry = AuditEntry.objects.get(action="repository.default_branch")
    assert (entry.before, entry.after) == ({"default_branch": "main"}, {"default_branch": "trunk"})


@pytest.mark.django_db
def test_wrong_token_is_written_down_as_a_problem_and_never_shown(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APP_TOKEN", "ghp_wrong_secret")
    repository = row(sandbox)
    problem = connect.check_token(repository)
    repository.refresh_from_db()
    assert "401" in problem
    assert problem == repository.token_problem
    assert "ghp_wrong_secret" not in problem
    assert repository.token_login == ""


@pytest.mark.django_db
def test_repository_that_the_token_cannot_see_is_a_problem(sandbox: Sandbox) -> None:
    assert "404" in connect.check_token(row(sandbox, full_name="demo/nowhere"))


@pytest.mark.django_db
def test_missing_hand_over_token_is_a_problem_of_the_check(sandbox: Sandbox) -> None:
    assert "NOWHERE_TOKEN" in connect.check_token(row(sandbox, handover_token_reference="env:NOWHERE_TOKEN"))


@pytest.mark.django_db
def test_another_factory_is_in_force_only_for_a_while(sandbox: Sandbox) -> None:
    fake = cast(GitHub, object())
    repository = row(sandbox)
    with connect.using(lambda asked: fake):
        assert connect.connect(repository) is fake
    assert connect.connect(repository) is not fake
