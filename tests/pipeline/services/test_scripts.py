"""What the commands for scripts share: names, one process that carries a run out, exit codes."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from pipeline import clock
from pipeline.github.port import Transient
from pipeline.models import Kind, Mode, Operation, Run, RunItem
from pipeline.services import kinds, runs, scripts
from pipeline.services.operations import NotPossible
from tests.factories import MOMENT, make_issue, make_item, make_operation, make_part, make_repository, make_run
from tests.fake_github import FakeGitHub, refused
from tests.pipeline.services.planner import Planner

ITEM = RunItem.State
BY: dict[str, Any] = {"actor": "olga", "reason": "From a script.", "ring": False}


@pytest.fixture
def planner(monkeypatch: pytest.MonkeyPatch) -> Planner:
    made = Planner()
    monkeypatch.setattr(kinds, "of", lambda run: made)
    return made


@pytest.fixture
def operation(github: FakeGitHub, planner: Planner) -> Operation:
    made = make_operation(mode=Mode.DRY_RUN, live_until=MOMENT + timedelta(days=1))
    for _ in range(2):
        github.mirror(make_issue(repository=made.repository))
    return made


def carried(operation: Operation) -> tuple[Run, list[tuple[int, int]]]:
    told: list[tuple[int, int]] = []
    run = scripts.carry_out(runs.open_by_hand(operation, **BY), lambda *figures: told.append(figures))
    return run, told


@pytest.mark.usefixtures("time")
def test_only_repository_needs_no_name_and_several_do() -> None:
    first = make_repository(full_name="acme/one")
    assert scripts.repository_named(None) == first
    second = make_repository(full_name="acme/two")
    assert scripts.repository_named("ACME/Two") == second
    with pytest.raises(NotPossible, match="name one with --repository owner/name"):
        scripts.repository_named(None)


@pytest.mark.usefixtures("time")
def test_repositories_of_one_name_on_two_servers_are_named_by_address() -> None:
    make_repository(full_name="acme/one")
    inside = make_repository(full_name="acme/one", api_url="https://git.example/api/v3", web_url="https://git.example")
    with pytest.raises(NotPossible, match=r"by its address: .* or https://git\.example/acme/one\."):
        scripts.repository_named("acme/one")
    assert scripts.repository_named("https://git.example/acme/one/") == inside


@pytest.mark.usefixtures("time")
@pytest.mark.parametrize("name", [None, "no/where"])
def test_repository_that_is_not_there_is_named(name: str | None) -> None:
    with pytest.raises(NotPossible, match="There is no repository"):
        scripts.repository_named(name)


@pytest.mark.usefixtures("time")
def test_operation_is_found_by_name_or_kind() -> None:
    nightly = make_operation(name="nightly", kind=Kind.ASSIGN)
    assert scripts.operation_named("nightly", None) == nightly
    assert scripts.operation_named("assign", None) == nightly
    with pytest.raises(NotPossible, match="has no operation 'dance'; it has nightly"):
        scripts.operation_named("dance", None)


def test_run_is_carried_to_its_end_and_progress_told(operation: Operation) -> None:
    run, told = carried(operation)
    assert (run.state, told[-1]) == (Run.State.SUCCEEDED, (2, 2))
    assert scripts.exit_code(run) == scripts.OK


def test_daily_run_is_carried_out_part_by_part(github: FakeGitHub, planner: Planner) -> None:
    operation = make_operation(kind=Kind.DAILY)
    for order, kind in enumerate(("monitor", "assign")):
        make_part(operation=operation, kind=kind, order=order)
    run, _ = carried(operation)
    assert run.state == Run.State.SUCCEEDED
    assert list(run.children.order_by("pk").values_list("kind", "state")) == [
        ("monitor", "succeeded"),
        ("assign", "succeeded"),
    ]


def test_passing_fault_is_waited_out(operation: Operation, planner: Planner, monkeypatch: pytest.MonkeyPatch) -> None:
    fault = Transient("GitHub answered 502.")
    planner.answer, working = fault, planner.answer
    plan = planner.plan

    def recovering(*args: Any) -> Any:
        if clock.now() > MOMENT:
            planner.answer = working
        return plan(*args)

    monkeypatch.setattr(planner, "plan", recovering)
    run, _ = carried(operation)
    assert run.state == Run.State.SUCCEEDED
    assert clock.now() > MOMENT


def test_part_that_is_left_to_the_workers_leaves_the_day_to_them_too(github: FakeGitHub, planner: Planner) -> None:
    operation = make_operation(kind=Kind.DAILY)
    make_part(operation=operation, kind="assign")
    planner.problem = Transient("GitHub answered 502.")
    run, _ = carried(operation)
    assert (run.is_active, scripts.exit_code(run)) == (True, scripts.TRY_LATER)


def test_passing_fault_while_choosing_is_tried_again_and_then_left_to_the_workers(
    operation: Operation, planner: Planner
) -> None:
    planner.problem = Transient("GitHub answered 502.")
    run, _ = carried(operation)
    assert (scripts.exit_code(run), run.epoch > 1) == (scripts.TRY_LATER, True)
    assert timedelta(0) < clock.now() - MOMENT < timedelta(minutes=5)


def test_run_whose_choosing_was_put_off_is_carried_out_when_it_works_again(
    operation: Operation, planner: Planner, monkeypatch: pytest.MonkeyPatch
) -> None:
    planner.problem = Transient("GitHub answered 502.")
    monkeypatch.setattr(clock.VirtualClock, "sleep", lambda self, seconds: _recover(self, planner, seconds))
    run, _ = carried(operation)
    assert (run.state, run.items.count()) == (Run.State.SUCCEEDED, 2)


def _recover(moving: clock.VirtualClock, planner: Planner, seconds: float) -> None:
    planner.problem = None
    moving.advance(timedelta(seconds=seconds))


def test_long_wait_is_left_to_the_workers(github: FakeGitHub, planner: Planner) -> None:
    run = make_run(state=Run.State.WORKING)
    make_item(run=run, state=ITEM.WAITING, due_at=MOMENT + timedelta(minutes=10))
    scripts.carry_out(run, lambda *_: None)
    assert (scripts.exit_code(run), clock.now()) == (scripts.TRY_LATER, MOMENT)


@pytest.mark.usefixtures("time")
@pytest.mark.parametrize(
    ("run", "items", "code"),
    [
        ("succeeded", [], scripts.OK),
        ("succeeded", [ITEM.DONE, ITEM.SKIPPED, ITEM.CONFLICT], scripts.OK),
        ("succeeded", [ITEM.DONE, ITEM.FAILED], scripts.FAILED),
        ("succeeded", [ITEM.DONE, ITEM.DEFERRED], scripts.TRY_LATER),
        ("succeeded", [ITEM.FAILED, ITEM.DEFERRED], scripts.FAILED),
        ("failed", [], scripts.FAILED),
        ("working", [ITEM.WAITING], scripts.TRY_LATER),
        ("open", [], scripts.TRY_LATER),
    ],
)
def test_exit_code_says_done_failed_or_later(run: str, items: list[str], code: int) -> None:
    made = make_run(state=run)
    for state in items:
        make_item(run=made, state=state)
    assert scripts.exit_code(made) == code


@pytest.mark.usefixtures("time")
def test_failed_item_of_a_part_fails_the_day() -> None:
    run = make_run(state=Run.State.SUCCEEDED)
    part = make_run(operation=run.operation, parent=run, purpose="part", state=Run.State.SUCCEEDED)
    make_item(run=part, state=ITEM.FAILED)
    assert scripts.exit_code(run) == scripts.FAILED


def test_summary_is_plain_json(operation: Operation, planner: Planner) -> None:
    planner.answer = refused("GitHub answered 403.")
    run, _ = carried(operation)
    facts = json.loads(json.dumps(scripts.summary(run)))
    assert (facts["state"], facts["error"]) == ("failed", "Every item failed.")
    assert [item["reason"] for item in facts["items"]] == ["GitHub answered 403."] * 2
