"""People who work in the repository by hand, as tests and demonstrations need them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox import assignees, issues, labels, pulls
from sandbox.call import Call
from sandbox.model import Issue, Repository
from sandbox.seed import REVIEWER
from sandbox.world import World

Body = dict[str, Any]
Act = Callable[[World, Repository, Issue, Call, Body], Any]


def act(world: World, body: Body) -> dict[str, Any]:
    """Do `body["action"]` on issue `number` of `repository`, as `body["as"]`. ValueError names an unknown action."""
    repository = world.named(body["repository"])
    call = Call(body.get("as", REVIEWER), "human", repository=repository.full_name)
    world.account(call.actor)
    action = body["action"]
    if action == "open":
        issue = issues.create(world, repository, call, body["title"], body.get("body", ""), body.get("labels", []))
    elif action in ACTIONS:
        issue = world.issue(repository, int(body["number"]))
        ACTIONS[action](world, repository, issue, call, body)
    else:
        raise ValueError(f"Unknown action {action!r}; known are open, {', '.join(ACTIONS)}.")
    world.record(call, f"human.{action}")
    return {"number": issue.number, "changes": call.changes}


def _label(world: World, repository: Repository, issue: Issue, call: Call, body: Body) -> None:
    labels.add(world, repository, issue, call, list(body["labels"]))


def _unlabel(world: World, repository: Repository, issue: Issue, call: Call, body: Body) -> None:
    labels.remove(world, repository, issue, call, list(body["labels"]))


def _relabel(world: World, repository: Repository, issue: Issue, call: Call, body: Body) -> None:
    labels.replace(world, repository, issue, call, list(body["labels"]))


def _edit(world: World, repository: Repository, issue: Issue, call: Call, body: Body) -> None:
    act_on = pulls.edit if issue.pull else issues.edit
    act_on(world, repository, issue, call, body.get("title"), body.get("body"))


def _comment(world: World, repository: Repository, issue: Issue, call: Call, body: Body) -> None:
    issues.comment(world, repository, issue, call, body["body"])


def _close(world: World, repository: Repository, issue: Issue, call: Call, body: Body) -> None:
    if issue.pull:
        pulls.close(world, repository, issue, call)
    else:
        issues.set_state(world, repository, issue, call, "closed", body.get("reason", "completed"))


def _reopen(world: World, repository: Repository, issue: Issue, call: Call, _body: Body) -> None:
    issues.set_state(world, repository, issue, call, "open")


def _delete(world: World, repository: Repository, issue: Issue, call: Call, _body: Body) -> None:
    issues.delete(world, repository, issue, call)


def _transfer(world: World, repository: Repository, issue: Issue, call: Call, body: Body) -> None:
    issues.transfer(world, repository, issue, call, world.named(body["to"]))


def _lock(world: World, repository: Repository, issue: Issue, call: Call, _body: Body) -> None:
    issues.lock(world, repository, issue, call, True)


def _unlock(world: World, repository: Repository, issue: Issue, call: Call, _body: Body) -> None:
    issues.lock(world, repository, issue, call, False)


def _assign(world: World, repository: Repository, issue: Issue, call: Call, body: Body) -> None:
    assignees.add(world, repository, issue, call, list(body["assignees"]), body.get("agent_assignment"))


def _unassign(world: World, repository: Repository, issue: Issue, call: Call, body: Body) -> None:
    assignees.remove(world, repository, issue, call, list(body["assignees"]))


def _merge(world: World, repository: Repository, issue: Issue, call: Call, _body: Body) -> None:
    pulls.ready(world, repository, issue, call)
    pulls.merge(world, repository, issue, call)


def _obstruct(world: World, _repository: Repository, issue: Issue, call: Call, body: Body) -> None:
    pulls.obstruct(world, issue, call, bool(body.get("conflicts")), str(body.get("checks", "")))


ACTIONS: dict[str, Act] = {
    "label": _label,
    "unlabel": _unlabel,
    "relabel": _relabel,
    "edit": _edit,
    "comment": _comment,
    "close": _close,
    "reopen": _reopen,
    "delete": _delete,
    "transfer": _transfer,
    "lock": _lock,
    "unlock": _unlock,
    "assign": _assign,
    "unassign": _unassign,
    "merge": _merge,
    "obstruct": _obstruct,
}
