"""Labels of a repository and of an issue. Names compare without case."""

from __future__ import annotations

from sandbox.call import Call
from sandbox.errors import not_found, validation_failed
from sandbox.model import Entry, Issue, Label, Repository
from sandbox.world import World

MAX_NAME = 50


def find(repository: Repository, name: str) -> Label | None:
    return next((label for label in repository.labels if label.name.lower() == name.lower()), None)


def get(repository: Repository, name: str) -> Label:
    label = find(repository, name)
    if label is None:
        raise not_found()
    return label


def check_names(names: list[str]) -> None:
    for name in names:
        if not name.strip():
            raise validation_failed("Label", "name", "missing_field")
        if len(name) > MAX_NAME:
            message = f"name is too long (maximum is {MAX_NAME} characters)"
            raise validation_failed("Label", "name", "too_long", message)


def create(
    world: World, repository: Repository, call: Call, name: str, color: str = "ededed", description: str | None = None
) -> Label:
    check_names([name])
    if find(repository, name):
        raise validation_failed("Label", "name", "already_exists")
    label = Label(world.next_id(), name, color.lstrip("#").lower(), description)
    repository.labels.append(label)
    call.about(repository.full_name)
    call.note("label", None, name)
    world.emit(repository, "label", "created", {"label": label}, call.actor)
    world.touch()
    return label


def delete(world: World, repository: Repository, call: Call, name: str) -> None:
    label = get(repository, name)
    repository.labels.remove(label)
    for issue in repository.issues.values():
        issue.labels = [held for held in issue.labels if held.lower() != label.name.lower()]
    call.about(repository.full_name)
    call.note("label", label.name, None)
    world.emit(repository, "label", "deleted", {"label": label}, call.actor)
    world.touch()


def add(world: World, repository: Repository, issue: Issue, call: Call, names: list[str]) -> None:
    """Unknown labels are made on the way, as REST does."""
    check_names(names)
    before = list(issue.labels)
    for name in names:
        _attach(world, repository, issue, call, name)
    _changed(world, repository, issue, call, before)


def remove(world: World, repository: Repository, issue: Issue, call: Call, names: list[str]) -> None:
    """Labels that the issue does not carry are passed over."""
    before = list(issue.labels)
    for name in names:
        _detach(world, repository, issue, call, name)
    _changed(world, repository, issue, call, before)


def replace(world: World, repository: Repository, issue: Issue, call: Call, names: list[str]) -> None:
    check_names(names)
    before = list(issue.labels)
    wanted = {name.lower() for name in names}
    for name in before:
        if name.lower() not in wanted:
            _detach(world, repository, issue, call, name)
    for name in names:
        _attach(world, repository, issue, call, name)
    _changed(world, repository, issue, call, before)


def carries(issue: Issue, name: str) -> bool:
    return any(held.lower() == name.lower() for held in issue.labels)


def _attach(world: World, repository: Repository, issue: Issue, call: Call, name: str) -> None:
    if call.ignore:
        return
    label = find(repository, name) or create(world, repository, call, name)
    if carries(issue, name):
        return
    issue.labels.append(label.name)
    _trace(world, repository, issue, call, label, "labeled")


def _detach(world: World, repository: Repository, issue: Issue, call: Call, name: str) -> None:
    if call.ignore or not carries(issue, name):
        return
    issue.labels = [held for held in issue.labels if held.lower() != name.lower()]
    _trace(world, repository, issue, call, find(repository, name) or Label(0, name), "unlabeled")


def _trace(world: World, repository: Repository, issue: Issue, call: Call, label: Label, event: str) -> None:
    data = {"label": {"name": label.name, "color": label.color}}
    issue.timeline.append(Entry(world.next_id(), event, call.actor, world.now(), data))
    kind = "pull_request" if issue.pull else "issues"
    world.emit(repository, kind, event, {"issue": issue, "label": label}, call.actor)


def _changed(world: World, repository: Repository, issue: Issue, call: Call, before: list[str]) -> None:
    call.about(repository.full_name, issue.number)
    if issue.labels != before:
        issue.updated_at = world.now()
        call.note("labels", before, list(issue.labels))
        world.touch()
