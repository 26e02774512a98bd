"""Assignees, and the one that is Copilot."""

from __future__ import annotations

from typing import Any

from sandbox import issues
from sandbox.call import Call
from sandbox.errors import forbidden
from sandbox.model import COPILOT_ASSIGNABLE, COPILOT_GRAPHQL_LOGIN, COPILOT_LOGIN, Issue, Repository
from sandbox.world import World

NO_INSTALLATION = (
    "Assigning agents is not supported with GitHub App installation tokens. "
    "Use a user token (personal access token or OAuth token) instead."
)
COPILOT_NAMES = {COPILOT_LOGIN.lower(), COPILOT_GRAPHQL_LOGIN, *COPILOT_ASSIGNABLE}


def resolve(repository: Repository, login: str) -> str | None:
    """The login to store, or None where GitHub drops it in silence."""
    if login.lower() in COPILOT_ASSIGNABLE:
        return COPILOT_LOGIN if repository.copilot_enabled else None
    return next((held for held in repository.collaborators if held.lower() == login.lower()), None)


def check(repository: Repository, call: Call, logins: list[str]) -> list[str]:
    """The logins to store; refused when Copilot is among them and the token is no user's."""
    stored = [login for login in (resolve(repository, login) for login in logins) if login]
    if COPILOT_LOGIN in stored and call.token and call.token.kind != "user":
        raise forbidden(NO_INSTALLATION)
    return stored


def add(
    world: World,
    repository: Repository,
    issue: Issue,
    call: Call,
    logins: list[str],
    agent: dict[str, Any] | None = None,
) -> None:
    """`logins` as REST takes them; `agent` is agent_assignment with REST's names."""
    issues.check_writable(repository)
    stored = check(repository, call, logins)
    call.about(repository.full_name, issue.number)
    if call.ignore:
        return
    before = list(issue.assignees)
    for login in dict.fromkeys(stored):
        if login not in issue.assignees:
            issue.assignees.append(login)
            _trace(world, repository, issue, call, login, "assigned")
            if login == COPILOT_LOGIN:
                call.note("copilot", None, "assigned", base_branch=(agent or {}).get("base_branch") or None)
                _tell(world, repository, issue, call, agent or {})
    _changed(world, repository, issue, call, before)


def _tell(world: World, repository: Repository, issue: Issue, call: Call, agent: dict[str, Any]) -> None:
    for listener in world.on_copilot_assigned:
        listener(repository, issue, call, agent)


def remove(world: World, repository: Repository, issue: Issue, call: Call, logins: list[str]) -> None:
    issues.check_writable(repository)
    if call.ignore:
        return
    before = list(issue.assignees)
    wanted = {COPILOT_LOGIN.lower() if login.lower() in COPILOT_NAMES else login.lower() for login in logins}
    for login in before:
        if login.lower() in wanted:
            issue.assignees.remove(login)
            _trace(world, repository, issue, call, login, "unassigned")
            if login == COPILOT_LOGIN:
                call.note("copilot", "assigned", None)
                for listener in world.on_copilot_unassigned:
                    listener(repository, issue)
    _changed(world, repository, issue, call, before)


def replace(
    world: World,
    repository: Repository,
    issue: Issue,
    call: Call,
    logins: list[str],
    agent: dict[str, Any] | None = None,
) -> None:
    """The set becomes `logins`: who is left out is dropped, people too."""
    wanted = set(check(repository, call, logins))
    gone = [login for login in issue.assignees if login not in wanted]
    remove(world, repository, issue, call, gone)
    add(world, repository, issue, call, logins, agent)


def _trace(world: World, repository: Repository, issue: Issue, call: Call, login: str, event: str) -> None:
    issues.trace(world, issue, call, event, assignee=login)
    issues.emit(world, repository, issue, call, event, assignee=login)


def _changed(world: World, repository: Repository, issue: Issue, call: Call, before: list[str]) -> None:
    if issue.assignees != before:
        call.note("assignees", before, list(issue.assignees))
        issues.touched(world, repository, issue, call)
