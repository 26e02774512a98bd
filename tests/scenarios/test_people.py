"""People work in the same issues: what they wrote stays, and what stands in the way is named."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from pipeline.domain.sections import read_section, upsert_section
from pipeline.models import Handover, Issue, Kind, Mode, Run, RunItem
from pipeline.services import effects, repositories, revert, runs
from pipeline.services.operations import NotPossible
from sandbox import labels, pulls
from sandbox.call import Call
from sandbox.seed import add_repository
from tests.scenarios.world import FULL_NAME, World

SCAFFOLD = "workflow/intelligence-analysis/issue-1"
BY: dict[str, Any] = {"actor": "olga", "reason": "Wrong workflow."}
NOTE = "\n## Notes of people\r\n\r\nA person's note 🛶 with trailing blanks   \r\n```\r\n## AI Assessment\r\n```\r\n"


def opened(world: World, count: int = 1) -> list[int]:
    world.feed.publish(count)
    world.run(Kind.MONITOR)
    return [issue.number for issue in world.remotes()]


def edit(world: World, number: int, body: str) -> None:
    world.advance(timedelta(seconds=5))
    world.human("edit", number, body=body)


def carry(world: World, run: Run) -> Run:
    """Work a run that was opened without ringing."""
    world.queue.append(("pipeline.tasks.execute_run", (run.pk,)))
    world.drain()
    run.refresh_from_db()
    return run


def test_text_of_people_survives_the_whole_path(both: World) -> None:
    (number,) = opened(both)
    edit(both, number, both.remote(number).body + NOTE)
    for kind in (Kind.ASSIGN, Kind.PROCESS):
        both.run(kind)
    assert both.states() == ["copilot"]
    body = both.remote(number).body
    assert NOTE in body
    both.settle()
    both.verify()


def test_plan_that_was_shown_is_applied_and_changed_items_are_refused(graphql: World) -> None:
    first, second = opened(graphql, 2)
    shown = graphql.run(Kind.ASSIGN, Mode.DRY_RUN)
    edit(graphql, first, graphql.remote(first).body + "One more line.\n")
    applied = carry(graphql, runs.apply_plan(shown, actor="olga", reason="As shown.", ring=False))
    told = dict(applied.items.values_list("issue__number", "state"))
    assert told == {first: "conflict", second: "done"}
    assert "changed on GitHub since this plan was shown" in applied.items.get(issue__number=first).reason
    graphql.settle()
    graphql.verify()


def test_edit_of_our_section_between_plan_and_write_is_reported(
    graphql: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    (number,) = opened(graphql)
    real = effects.store

    def edited(*args: Any) -> Any:
        rows = real(*args)
        edit(graphql, number, upsert_section(graphql.remote(number).body, "AI Assessment", "A person's view."))
        graphql.advance(timedelta(seconds=40))
        return rows

    monkeypatch.setattr(effects, "store", edited)
    monkeypatch.setattr("pipeline.services.work.FRESH", timedelta(seconds=-1))
    run = graphql.run(Kind.ASSIGN)
    item = run.items.get(issue__number=number)
    assert (item.state, "Somebody edited the section" in item.reason) == ("conflict", True)
    assert read_section(graphql.remote(number).body, "AI Assessment") == "A person's view."
    graphql.settle()
    graphql.verify()


def test_revert_undoes_what_it_may_and_lists_what_it_refused(both: World) -> None:
    first, second = opened(both, 2)
    before = {number: both.remote(number).body for number in (first, second)}
    run = both.run(Kind.ASSIGN)
    edit(both, first, upsert_section(both.remote(first).body, "AI Assessment", "Corrected by a person."))
    edit(both, second, both.remote(second).body + NOTE)
    undone = carry(both, revert.revert_run(run, actor="olga", reason="Wrong.", ring=False))
    told = {item.issue.number: item for item in undone.items.all() if item.issue}
    assert "edited after the run wrote it" in told[first].reason
    assert told[second].state == "done"
    assert read_section(both.remote(first).body, "AI Assessment") == "Corrected by a person."
    body = both.remote(second).body
    assert (body.startswith(before[second].rstrip()), body.endswith(NOTE)) == (True, True)
    assert read_section(body, "AI Assessment") is None
    assert both.states() == ["discovery", "discovery"]
    both.settle()
    both.verify()


def test_revert_of_a_hand_over_takes_back_copilot_branch_and_pull_request(both: World) -> None:
    (number,) = opened(both)
    both.run(Kind.ASSIGN)
    before = both.remote(number).body
    run = both.run(Kind.PROCESS)
    undone = carry(both, revert.revert_run(run, actor="olga", reason="Too early.", ring=False))
    assert undone.state == "succeeded"
    assert both.remote(number).assignees == []
    assert both.remote(number).body == before
    assert [ref for ref in both.sandbox.world.named("demo/field-notes").git.refs if "workflow" in ref] == []
    assert both.states() == ["assigned"]
    both.settle()
    both.verify()


@pytest.mark.parametrize(
    ("action", "values", "sentence"),
    [
        ("delete", {}, "deleted"),
        ("transfer", {"to": "demo/archive"}, "transferred"),
        ("lock", {}, "ocked"),
        ("label", {"labels": ["state::copilot"]}, "Conflicting state labels"),
        ("label", {"labels": ["state::nonsense"]}, "Unknown state label"),
        ("label", {"labels": ["feature"]}, "feature"),
    ],
)
def test_what_happened_to_an_issue_is_said_in_its_own_sentence(
    graphql: World, action: str, values: dict[str, Any], sentence: str
) -> None:
    (number,) = opened(graphql)
    graphql.sandbox.world.state.repositories.setdefault("demo/archive", _second(graphql))
    graphql.advance(timedelta(seconds=5))
    graphql.human(action, number, **values)
    writes = graphql.writes()
    run = graphql.run(Kind.ASSIGN, issues=[number])
    issue = Issue.objects.get(number=number)
    told = [
        *run.items.values_list("reason", flat=True),
        issue.presence_note,
        *issue.findings.values_list("message", flat=True),
    ]
    assert any(sentence in text for text in told), told
    assert graphql.writes() == writes
    graphql.settle()
    graphql.verify()


def _second(world: World) -> Any:
    return add_repository(world.sandbox.world, "demo", "archive")


def test_archived_repository_refuses_in_one_sentence_and_nothing_is_lost(graphql: World) -> None:
    (number,) = opened(graphql)
    graphql.sandbox.world.named("demo/field-notes").archived = True
    run = graphql.run(Kind.ASSIGN)
    item = run.items.get(issue__number=number)
    assert (item.state, "rchived" in item.reason) == ("failed", True)
    graphql.sandbox.world.named("demo/field-notes").archived = False
    graphql.run(Kind.ASSIGN)
    assert graphql.states() == ["assigned"]
    graphql.settle()
    graphql.verify()


def test_revert_that_was_shown_first_is_applied_as_a_revert(graphql: World) -> None:
    opened(graphql)
    assigned = graphql.run(Kind.ASSIGN)
    shown = carry(graphql, revert.revert_run(assigned, **BY, dry_run=True, ring=False))
    repositories.set_standing(graphql.fresh(), "paused", **BY)  # a stop does not stop the undoing
    applied = carry(graphql, runs.apply_plan(shown, **BY, ring=False))
    assert (applied.state, graphql.states()) == (Run.State.SUCCEEDED, ["discovery"])
    assert Issue.objects.get().transitions.order_by("-sequence")[0].cause == "revert"
    for undone, words in ((assigned, "nothing that is left to undo"), (applied, "is itself a revert")):
        with pytest.raises(NotPossible, match=words):
            revert.revert_run(undone, **BY)
    graphql.settle()
    graphql.verify()


def test_label_that_somebody_deleted_is_made_again_by_the_next_run(graphql: World) -> None:
    graphql.feed.publish(2)
    graphql.run(Kind.MONITOR)
    graphql.run(Kind.ASSIGN, limit=1)
    outside = graphql.sandbox.world
    with outside.lock:
        labels.delete(outside, outside.named(FULL_NAME), Call("rosa-reviewer", "human"), "state::assigned")
    assert graphql.run(Kind.ASSIGN).state == Run.State.FAILED
    graphql.advance()
    assert graphql.run(Kind.ASSIGN).state == Run.State.SUCCEEDED
    assert "state::assigned" in graphql.remote(2).labels


def test_issue_that_is_deleted_before_it_is_written_fails_alone(
    graphql: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, other = opened(graphql, 2)
    real = effects.store

    def deleted(item: RunItem, *rest: Any) -> Any:
        if item.issue is not None and item.issue.number == gone:
            graphql.human("delete", gone)
        return real(item, *rest)

    monkeypatch.setattr(effects, "store", deleted)
    run = graphql.run(Kind.ASSIGN)
    assert dict(run.items.values_list("issue__number", "state")) == {gone: "failed", other: "done"}
    graphql.run(Kind.ASSIGN)  # reads that it is gone
    graphql.settle()
    graphql.verify()


def test_hand_over_that_people_cleaned_up_and_reverted_is_made_anew(graphql: World) -> None:
    (number,) = opened(graphql)
    graphql.run(Kind.ASSIGN)
    run = graphql.run(Kind.PROCESS)
    outside, cleaning = graphql.sandbox.world, Call("rosa-reviewer", "human")
    with outside.lock:  # its open pull request is closed with it
        pulls.delete_branch(outside, outside.named(FULL_NAME), cleaning, f"heads/{SCAFFOLD}")
        outside.record(cleaning, "human.delete_branch")
    graphql.human("unassign", number, assignees=["Copilot"])
    carry(graphql, revert.revert_run(run, **BY, ring=False))
    assert graphql.states() == ["assigned"]
    assert list(Handover.objects.values_list("outcome", flat=True)) == ["withdrawn"]
    with pytest.raises(NotPossible, match="nothing that is left to undo"):
        revert.revert_run(run, **BY)
    again = graphql.run(Kind.PROCESS)
    assert (again.state, graphql.states()) == (Run.State.SUCCEEDED, ["copilot"]), graphql.told()
    assert graphql.remote(number).assignees
    graphql.settle()
    graphql.verify()


def test_shown_discovery_that_was_opened_and_taken_back_since_is_not_opened_again(graphql: World) -> None:
    graphql.feed.publish(1)
    shown = graphql.run(Kind.MONITOR, Mode.DRY_RUN)
    opened_since = graphql.run(Kind.MONITOR)
    carry(graphql, revert.revert_run(opened_since, **BY, ring=False))
    applied = carry(graphql, runs.apply_plan(shown, **BY, ring=False))
    item = applied.items.get()
    assert (item.state, len(graphql.remotes())) == ("skipped", 1)
    assert item.reason == "The discovery is not new any more: issue opened."
    assert not item.effects.exists()
    graphql.settle()
    graphql.verify()
