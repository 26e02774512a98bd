"""revert: newest first, and never over what a person did later."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain import changes
from pipeline.domain.changes import Change
from pipeline.domain.labels import LabelGrammar
from pipeline.domain.plan import Plan, Verdict
from pipeline.domain.plan_revert import Done, World, course, plan, plan_parts
from pipeline.domain.sections import read_section, splice
from pipeline.domain.states import State
from tests.values import COPILOT, snapshot

G = LabelGrammar()
HEADING = "AI Assessment"
SHA, OTHER = "a" * 40, "b" * 40
BODY = splice("Seen.\n", [(HEADING, "ours")])
WRITTEN = str(read_section(BODY, HEADING))
NOW = ("site-monitor", "state::assigned", "workflow::osint")


def done(
    change: Change, before: dict[str, Any] | None = None, response: dict[str, Any] | None = None, id: int = 1
) -> Done:
    return Done(id, change.kind, changes.to_payload(change), before or {}, response or {})


def world(**values: Any) -> World:
    facts = {name: values.pop(name) for name in ("heads", "scaffolds", "pulls") if name in values}
    others = values.pop("comments_by_others", False)
    one = snapshot(**{"body": BODY, "labels": NOW, **values})
    return World(one, **{"heads": {}, "scaffolds": {}, "pulls": {}, **facts}, comments_by_others=others)


def planned(*effects: Done, state: State = State.ASSIGNED, **values: Any) -> Plan:
    return plan(effects, world(**values), state, G)


def undone(made: Plan) -> list[Change]:
    return [effect.change for effect in made.effects]


ADDED = done(changes.AddLabels(("state::assigned", "workflow::osint")), {"labels": []}, id=2)
REMOVED = done(changes.RemoveLabels(("state::discovery", "monitor::triage")), {"labels": ["state::discovery", "monitor::triage"]}, id=3)  # fmt: skip  # noqa: E501
SECTION = done(changes.WriteSections(((HEADING, WRITTEN),)), {"sections": {HEADING: None}}, id=1)


def test_assignment_is_undone_in_whole() -> None:
    made = planned(SECTION, ADDED, REMOVED)
    assert (made.verdict, made.outcome, made.moves) == (Verdict.CHANGE, "reverted", {3: State.DISCOVERY})
    assert undone(made) == [
        changes.AddLabels(("state::discovery", "monitor::triage")),
        changes.RemoveLabels(("state::assigned", "workflow::osint")),
        changes.WriteSections(((HEADING, None),)),
    ]
    assert made.facts["undoes"] == [3, 2, 1]
    assert [effect.before["undoes"] for effect in made.effects] == [3, 2, 1]
    assert made.effects[2].before["sections"] == {HEADING: WRITTEN}


def test_label_that_was_there_before_stays() -> None:
    effect = done(changes.AddLabels(("workflow::osint", "state::assigned")), {"labels": ["Workflow::OSINT"]})
    assert undone(planned(effect)) == [changes.RemoveLabels(("state::assigned",))]


def test_labels_that_a_person_took_off_or_put_back_are_left() -> None:
    made = planned(ADDED, REMOVED, labels=("state::discovery", "monitor::triage"), state=State.ASSIGNED)
    assert (made.verdict, made.outcome) == (Verdict.SKIP, "nothing to undo")
    assert made.facts["undone"] == [3, 2]


def test_section_gets_back_what_was_there() -> None:
    effect = done(changes.WriteSections(((HEADING, WRITTEN),)), {"sections": {HEADING: "older"}})
    assert undone(planned(effect)) == [changes.WriteSections(((HEADING, "older"),))]


@given(st.text(alphabet="abc \n-*", min_size=1, max_size=60))
def test_section_that_a_person_edited_is_never_overwritten(text: str) -> None:
    body = splice("Seen.\n", [(HEADING, f"edited {text}")])
    made = planned(SECTION, ADDED, REMOVED, body=body)
    assert not any(isinstance(change, changes.WriteSections) for change in undone(made))
    assert made.facts["refused"] == [
        f"The section {HEADING!r} was edited after the run wrote it; it was left as it is."
    ]
    assert made.reason.startswith("In part:")


def test_only_refusals_make_a_conflict() -> None:
    made = planned(SECTION, body=splice("", [(HEADING, "edited")]))
    assert (made.verdict, made.outcome, made.effects) == (Verdict.CONFLICT, "refused", ())


def test_section_that_is_as_it_was_needs_no_undoing() -> None:
    assert planned(SECTION, body="Seen.\n").verdict is Verdict.SKIP


BRANCH = done(changes.CreateBranch("work", "main", "m", ()), response={"sha": SHA}, id=4)
PULL = done(changes.OpenPull("work", "main", "t", "b"), response={"number": 9}, id=5)
HANDED = done(changes.AssignCopilot("work"), {"assigned": False}, id=6)


def test_scaffold_is_closed_and_deleted_after_copilot_is_taken_off() -> None:
    made = planned(
        BRANCH, PULL, HANDED, assignees=(COPILOT,), heads={"work": SHA}, scaffolds={"work": SHA}, pulls={9: True}
    )
    assert undone(made) == [changes.UnassignCopilot(), changes.ClosePull(9), changes.DeleteBranch("work", SHA)]
    assert [effect.step for effect in made.effects] == [0, 1, 2]


def test_branch_with_later_commits_is_left_with_its_pull_request() -> None:
    made = planned(BRANCH, PULL, heads={"work": OTHER}, scaffolds={"work": SHA}, pulls={9: True})
    assert made.effects == ()
    assert len(made.facts["refused"]) == 2


def test_branch_of_unknown_head_is_left() -> None:
    effect = done(changes.CreateBranch("work", "main", "m", ()))
    assert planned(effect, heads={"work": SHA}).verdict is Verdict.CONFLICT


def test_branch_and_pull_request_that_are_gone_are_only_noted() -> None:
    made = planned(BRANCH, PULL, HANDED)
    assert made.verdict is Verdict.SKIP


def test_issue_we_opened_is_closed_as_not_planned() -> None:
    effect = done(changes.CreateIssue("t", "b", ("state::discovery",)))
    assert undone(planned(effect, state=State.DISCOVERY, labels=("state::discovery",))) == [
        changes.CloseIssue("not_planned")
    ]


def test_issue_that_people_commented_on_is_left_open() -> None:
    effect = done(changes.CreateIssue("t", "b", ("state::discovery",)))
    made = planned(effect, state=State.DISCOVERY, labels=("state::discovery",), comments_by_others=True)
    assert made.verdict is Verdict.CONFLICT
    assert "People have commented" in made.reason


def test_comment_stays_as_history() -> None:
    made = planned(done(changes.AddComment("x")))
    assert (made.verdict, made.outcome) == (Verdict.SKIP, "nothing to undo")


@pytest.mark.parametrize(
    ("state", "refused"),
    [(State.DISCOVERY, False), (State.ASSIGNED, False), (State.COPILOT, True), (State.DONE, True)],
)
def test_issue_that_moved_on_is_reverted_from_its_end(state: State, refused: bool) -> None:
    made = planned(SECTION, ADDED, REMOVED, state=state)
    assert (made.outcome == "moved on") is refused
    if refused:
        assert (made.verdict, made.effects) == (Verdict.CONFLICT, ())
        assert "revert the later run first" in made.reason


def test_state_label_that_a_person_set_since_counts_too() -> None:
    made = planned(SECTION, ADDED, REMOVED, labels=("site-monitor", "state::copilot", "workflow::osint"))
    assert (made.outcome, made.effects) == ("moved on", ())


def test_state_stays_when_its_label_is_not_restored() -> None:
    made = planned(SECTION, ADDED, REMOVED, labels=("state::discovery", "monitor::triage", "state::assigned"))
    assert changes.RemoveLabels(("state::assigned",)) in undone(made)
    assert made.moves == {}


STATES = st.sets(st.sampled_from(["site-monitor", "monitor::triage", "workflow::osint", *(G.state(s) for s in State)]))


@given(STATES, STATES, STATES)
def test_revert_touches_no_label_that_the_run_did_not(before: set[str], added: set[str], now: set[str]) -> None:
    ours = added - before
    effect = done(changes.AddLabels(tuple(sorted(added))), {"labels": sorted(before & added)})
    for change in undone(planned(effect, labels=tuple(sorted(now)), state=State.DISCOVERY)):
        assert isinstance(change, changes.RemoveLabels)
        assert set(change.labels) == ours & now


CLOSED = done(changes.CloseIssue("completed"), {"is_open": True})


def test_issue_that_the_run_closed_is_opened_again() -> None:
    assert undone(planned(CLOSED, is_open=False)) == [changes.ReopenIssue()]


@pytest.mark.parametrize(("before", "is_open"), [({"is_open": True}, True), ({}, False)])
def test_issue_is_not_opened_where_it_is_open_or_was_not_known_to_be(before: dict[str, Any], is_open: bool) -> None:
    made = planned(done(changes.CloseIssue("completed"), before), is_open=is_open)
    assert (made.verdict, undone(made)) == (Verdict.SKIP, [])
    assert len(made.facts["left"]) == 1


# --- several items of one issue, for showing ---

WITH_COPILOT = ("site-monitor", "state::copilot", "workflow::osint")
TO_COPILOT = (
    done(changes.AssignCopilot("work"), {"assigned": False}, id=10),
    done(changes.AddLabels(("state::copilot",)), {"labels": []}, id=11),
    done(changes.RemoveLabels(("state::assigned",)), {"labels": ["state::assigned"]}, id=12),
)


def test_course_undoes_each_item_on_what_the_newer_one_left() -> None:
    start = world(labels=WITH_COPILOT, assignees=(COPILOT,))
    newer, older = course([TO_COPILOT, (SECTION, ADDED, REMOVED)], start, State.COPILOT, G)
    assert (newer.verdict, older.verdict) == (Verdict.CHANGE, Verdict.CHANGE)
    assert changes.UnassignCopilot() in undone(newer)
    assert changes.AddLabels(("state::discovery", "monitor::triage")) in undone(older)
    assert changes.WriteSections(((HEADING, None),)) in undone(older)


def test_course_leaves_what_stands_below_an_item_that_is_kept() -> None:
    start = world(labels=WITH_COPILOT, assignees=())
    (older,) = course([(SECTION, ADDED, REMOVED)], start, State.COPILOT, G)
    assert (older.verdict, older.outcome) == (Verdict.CONFLICT, "moved on")


def test_deleted_branch_names_its_files() -> None:
    made = changes.CreateBranch("work", "main", "message", (changes.ScaffoldFile("a.md", "x"),))
    (row,) = planned(done(made, response={"sha": SHA}), heads={"work": SHA}).effects
    assert row.before["files"] == ["a.md"]


# --- several parts of a daily run ---

LATER = done(changes.AddLabels(("state::copilot",)), {"labels": []}, id=8)
LATER_GONE = done(changes.RemoveLabels(("state::assigned",)), {"labels": ["state::assigned"]}, id=9)
IN_COPILOT = ("site-monitor", "state::copilot", "workflow::osint")


def test_parts_are_undone_together_each_in_steps_after_the_one_before() -> None:
    seen = world(labels=IN_COPILOT)
    made = plan_parts([((LATER, LATER_GONE), seen), ((SECTION, ADDED, REMOVED), seen)], State.COPILOT, G)
    assert made.moves == {3: State.ASSIGNED, 7: State.DISCOVERY}
    assert [(effect.step, effect.before["undoes"]) for effect in made.effects] == [
        (3, 9),
        (3, 8),
        (7, 3),
        (7, 2),
        (7, 1),
    ]
    assert undone(made)[3] == changes.RemoveLabels(("workflow::osint", "state::assigned")[::-1])


def test_part_that_people_built_on_ends_the_undoing_and_is_listed() -> None:
    seen = world(labels=(*IN_COPILOT, "state::done"))
    later = done(changes.AddLabels(("state::done",)), {"labels": []}, id=8)
    made = plan_parts([((SECTION,), world(body="Seen.\n")), ((later,), seen), ((ADDED,), seen)], State.DONE, G)
    assert [effect.before["undoes"] for effect in made.effects] == [8]
    assert made.reason.startswith("In part: The issue has moved on")
    assert len(made.facts["refused"]) == 1


def test_parts_that_left_nothing_are_skipped() -> None:
    made = plan_parts([((SECTION,), world(body="Seen.\n"))] * 2, State.ASSIGNED, G)
    assert (made.verdict, len(made.facts["left"])) == (Verdict.SKIP, 2)
