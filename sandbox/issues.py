"""What can be done to an issue (or to the issue half of a pull request)."""

from __future__ import annotations

from typing import Any

from sandbox import labels
from sandbox.call import Call
from sandbox.errors import Refusal, forbidden, validation_failed
from sandbox.model import Comment, Entry, Issue, Repository
from sandbox.world import World

MAX_BODY = 65_536
MAX_TITLE = 256
TOO_LONG = f"body is too long (maximum is {MAX_BODY} characters)"


def check_writable(repository: Repository) -> None:
    if repository.archived:
        raise forbidden("Repository was archived so is read-only.")


def check_text(title: str | None, body: str | None, resource: str = "Issue") -> None:
    if title is not None and not title.strip():
        raise validation_failed(resource, "title", "missing_field")
    if title is not None and len(title) > MAX_TITLE:
        message = f"title is too long (maximum is {MAX_TITLE} characters)"
        raise validation_failed(resource, "title", "custom", message)
    if body is not None and len(body) > MAX_BODY:
        raise validation_failed(resource, "body", "custom", TOO_LONG)


def check_state(state: str | None) -> None:
    if state not in (None, "open", "closed"):
        raise validation_failed("Issue", "state", "invalid")


def trace(world: World, issue: Issue, call: Call, event: str, **data: Any) -> Entry:
    """One entry of the timeline."""
    entry = Entry(world.next_id(), event, call.actor, world.now(), data)
    issue.timeline.append(entry)
    return entry


def emit(world: World, repository: Repository, issue: Issue, call: Call, action: str, **content: Any) -> None:
    kind = "pull_request" if issue.pull else "issues"
    world.emit(repository, kind, action, {"issue": issue, **content}, call.actor)


def touched(world: World, repository: Repository, issue: Issue, call: Call) -> None:
    issue.updated_at = world.now()
    call.about(repository.full_name, issue.number)
    world.touch()


def create(
    world: World, repository: Repository, call: Call, title: str, body: str = "", names: list[str] | None = None
) -> Issue:
    check_writable(repository)
    check_text(title, body)
    labels.check_names(names or [])
    repository.last_number += 1
    now = world.now()
    issue = Issue(world.next_id(), repository.last_number, title, body, call.actor, now, now)
    repository.issues[issue.number] = issue
    touched(world, repository, issue, call)
    call.note("issue", None, issue.number, title=title, body=body)
    emit(world, repository, issue, call, "opened")
    if names:
        labels.add(world, repository, issue, call, names)
    return issue


def edit(
    world: World, repository: Repository, issue: Issue, call: Call, title: str | None = None, body: str | None = None
) -> None:
    check_writable(repository)
    check_text(title, body)
    if title is not None and title != issue.title:
        call.note("title", issue.title, title)
        trace(world, issue, call, "renamed", rename={"from": issue.title, "to": title})
        before, issue.title = issue.title, title
        emit(world, repository, issue, call, "edited", changes={"title": {"from": before}})
    if body is not None and body != issue.body:
        call.note("body", issue.body, body)
        before, issue.body = issue.body, body
        emit(world, repository, issue, call, "edited", changes={"body": {"from": before}})
    touched(world, repository, issue, call)


def set_state(
    world: World, repository: Repository, issue: Issue, call: Call, state: str, reason: str | None = None
) -> None:
    check_writable(repository)
    check_state(state)
    call.about(repository.full_name, issue.number)
    if state == issue.state:
        return
    call.note("state", issue.state, state, reason=reason)
    closing = state == "closed"
    issue.state = state
    issue.state_reason = (reason or "completed") if closing else "reopened"
    issue.closed_at = world.now() if closing else None
    issue.closed_by = call.actor if closing else None
    if issue.pull:
        issue.state_reason = None
    trace(world, issue, call, "closed" if closing else "reopened", state_reason=issue.state_reason)
    touched(world, repository, issue, call)
    emit(world, repository, issue, call, "closed" if closing else "reopened")


def comment(world: World, repository: Repository, issue: Issue, call: Call, body: str) -> Comment:
    check_writable(repository)
    if issue.locked and call.actor not in repository.collaborators:
        raise forbidden("Unable to create comment because issue is locked.")
    if not body.strip():
        raise validation_failed("IssueComment", "body", "missing_field")
    check_text(None, body, "IssueComment")
    made = Comment(world.next_id(), call.actor, body, world.now(), world.now())
    issue.comments.append(made)
    call.note("comment", None, made.id, body=body)
    touched(world, repository, issue, call)
    world.emit(repository, "issue_comment", "created", {"issue": issue, "comment": made}, call.actor)
    return made


def edit_comment(
    world: World, repository: Repository, issue: Issue, call: Call, target: Comment, body: str | None
) -> None:
    """`body` None deletes the comment."""
    check_writable(repository)
    check_text(None, body, "IssueComment")
    call.note("comment", target.body, body, id=target.id)
    content: dict[str, Any] = {"issue": issue, "comment": target}
    if body is None:
        issue.comments.remove(target)
        action = "deleted"
    else:
        content["changes"] = {"body": {"from": target.body}}
        target.body, target.updated_at, action = body, world.now(), "edited"
    touched(world, repository, issue, call)
    world.emit(repository, "issue_comment", action, content, call.actor)


def find_comment(repository: Repository, identity: int) -> tuple[Issue, Comment] | None:
    for issue in repository.issues.values():
        for made in issue.comments:
            if made.id == identity and not issue.deleted:
                return issue, made
    return None


def lock(
    world: World, repository: Repository, issue: Issue, call: Call, locked: bool, reason: str | None = None
) -> None:
    check_writable(repository)
    call.note("locked", issue.locked, locked)
    issue.locked, issue.lock_reason = locked, reason if locked else None
    trace(world, issue, call, "locked" if locked else "unlocked", lock_reason=issue.lock_reason)
    touched(world, repository, issue, call)
    emit(world, repository, issue, call, "locked" if locked else "unlocked")


def delete(world: World, repository: Repository, issue: Issue, call: Call) -> None:
    call.note("deleted", False, True)
    issue.deleted = True
    touched(world, repository, issue, call)
    emit(world, repository, issue, call, "deleted")


def transfer(world: World, repository: Repository, issue: Issue, call: Call, target: Repository) -> Issue:
    """The issue goes on under a new number in `target`; the old place answers 301 from now on."""
    if target is repository:
        raise Refusal(422, "The issue is already there.")
    target.last_number += 1
    copy = Issue(
        world.next_id(), target.last_number, issue.title, issue.body, issue.author, issue.created_at, world.now()
    )
    copy.labels = [name for name in issue.labels if labels.find(target, name)]
    copy.comments = list(issue.comments)
    target.issues[copy.number] = copy
    issue.moved_to = f"{target.full_name}#{copy.number}"
    call.note("transferred", f"{repository.full_name}#{issue.number}", issue.moved_to)
    touched(world, repository, issue, call)
    emit(world, repository, issue, call, "transferred")
    return copy
