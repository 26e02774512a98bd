"""revert: undo the applied effects of one item, newest first, and never over a later human edit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pipeline.domain import changes
from pipeline.domain.labels import LabelGrammar, has
from pipeline.domain.plan import Plan, Planned, Verdict, conflict, skip
from pipeline.domain.sections import read_section, splice
from pipeline.domain.snapshot import IssueSnapshot
from pipeline.domain.states import State


@dataclass(frozen=True, slots=True)
class Done:
    """One applied effect as it is stored. `id` links the undoing to it."""

    id: int
    kind: str
    payload: dict[str, Any]
    before: dict[str, Any]
    response: dict[str, Any]


@dataclass(frozen=True, slots=True)
class World:
    """What is there now. `heads`: branch → head sha, absent when the branch is gone; `pulls`: number → open.

    `scaffolds`: branch → the sha that we left it at.
    """

    snapshot: IssueSnapshot
    heads: dict[str, str]
    scaffolds: dict[str, str]
    pulls: dict[int, bool]
    comments_by_others: bool


@dataclass(frozen=True, slots=True)
class Undo:
    """Either one change or a sentence why there is none; `refused` when a person's work stands in the way.

    `before`: the sections that stand there now, so that an edit before the undoing is written shows; the files of a
    branch, which go with it.
    """

    effect: int
    change: changes.Change | None = None
    note: str = ""
    refused: bool = False
    before: dict[str, Any] = field(default_factory=dict)
    stays: bool = False  # nothing undoes it, as a comment

    @property
    def already(self) -> bool:
        return self.change is None and not self.refused and not self.stays


def plan(done: Sequence[Done], world: World, state: State, grammar: LabelGrammar) -> Plan:
    """What can be undone is planned; the rest is listed in `facts["refused"]` and `facts["left"]`.

    `facts["undone"]` names the effects that somebody has undone already.
    """
    moved_on = _moved_on(done, _furthest(state, world.snapshot, grammar), grammar)
    if moved_on:
        return conflict("moved on", moved_on, refused=[moved_on])
    undone = [_UNDO[effect.kind](effect, world) for effect in reversed(done) if effect.kind in _UNDO]
    refused = [undo.note for undo in undone if undo.refused]
    facts = {
        "refused": refused,
        "left": [undo.note for undo in undone if undo.note and not undo.refused],
        "undoes": [undo.effect for undo in undone if undo.change is not None],
        "undone": [undo.effect for undo in undone if undo.already],
    }
    planned = _in_steps([undo for undo in undone if undo.change is not None])
    if not planned:
        if refused:
            return conflict("refused", " ".join(refused), **facts)
        return skip("nothing to undo", "Everything is already as it was.", **facts)
    moves = _moves(done, planned, grammar)
    reason = "Undoing what the run changed." if not refused else f"In part: {' '.join(refused)}"
    return Plan(Verdict.CHANGE, "reverted", reason, planned, moves, facts)


def course(items: Sequence[Sequence[Done]], world: World, state: State, grammar: LabelGrammar) -> tuple[Plan, ...]:
    """A plan for each of an issue's items, newest first, on what undoing the ones before it leaves: for showing."""
    plans = []
    for done in items:
        found = plan(done, world, state, grammar)
        plans.append(found)
        world = replace(world, snapshot=_after(world.snapshot, found.effects))
        state = found.moves.get(_LAST, state)
    return tuple(plans)


def plan_parts(parts: Sequence[tuple[Sequence[Done], World]], state: State, grammar: LabelGrammar) -> Plan:
    """Several parts of a daily run on one issue, the last one first: each undone from where the undoing before it ends.

    A part that cannot be undone ends the row: those before it were its ground.
    """
    whole = skip("nothing to undo", "Everything is already as it was.")
    undone: tuple[Planned, ...] = ()
    for done, world in parts:
        seen = replace(world, snapshot=_after(world.snapshot, undone))
        found = plan(done, seen, state, grammar)
        if found.verdict is Verdict.CONFLICT and undone:
            return replace(whole, reason=f"In part: {found.reason}", facts=_listed(whole, found))
        if found.verdict is Verdict.CONFLICT:
            return found
        whole = _joined(whole, found)
        undone = whole.effects
        state = found.moves.get(_LAST, state)
    return whole


def _joined(whole: Plan, more: Plan) -> Plan:
    """`more` in steps of its own after those of `whole`."""
    if not whole.effects or not more.effects:
        kept = more if more.effects or not whole.effects else whole
        return replace(kept, facts=_listed(whole, more))
    begin = whole.effects[-1].step + 1
    effects = tuple(replace(row, step=row.step + begin) for row in more.effects)
    moves = {step + begin: after for step, after in more.moves.items()}
    facts = _listed(whole, more)
    reason = f"In part: {' '.join(facts['refused'])}" if facts["refused"] else whole.reason
    return replace(
        whole, reason=reason, effects=(*whole.effects, *effects), moves={**whole.moves, **moves}, facts=facts
    )


FACTS = ("refused", "left", "undoes", "undone")


def _listed(whole: Plan, more: Plan) -> dict[str, Any]:
    return {name: [*whole.facts.get(name, ()), *more.facts.get(name, ())] for name in FACTS}


def _after(snapshot: IssueSnapshot, undone: Sequence[Planned]) -> IssueSnapshot:
    """The issue as it will be once `undone` is applied."""
    for row in undone:
        match row.change:
            case changes.AddLabels(names):
                added = tuple(name for name in names if not has(snapshot.labels, name))
                snapshot = replace(snapshot, labels=(*snapshot.labels, *added))
            case changes.RemoveLabels(names):
                snapshot = replace(snapshot, labels=tuple(name for name in snapshot.labels if not has(names, name)))
            case changes.WriteSections(sections):
                snapshot = replace(snapshot, body=splice(snapshot.body, sections))
            case changes.UnassignCopilot():
                others = tuple(actor for actor in snapshot.assignees if not actor.is_copilot)
                snapshot = replace(snapshot, assignees=others)
            case changes.CloseIssue() | changes.ReopenIssue():
                snapshot = replace(snapshot, is_open=isinstance(row.change, changes.ReopenIssue))
    return snapshot


# Copilot first, so that nothing is taken from under it; labels last, so that the state changes when all is undone.
_STEPS = {"unassign_copilot": 0, "close_pull": 1, "delete_branch": 2, "write_sections": 3, "close_issue": 3}
_LAST = 3


def _in_steps(undone: Sequence[Undo]) -> tuple[Planned, ...]:
    rows = [
        Planned(undo.change, _STEPS.get(undo.change.kind, _LAST), before={**undo.before, "undoes": undo.effect})
        for undo in undone
        if undo.change is not None
    ]
    return tuple(sorted(rows, key=lambda row: row.step))


def _furthest(state: State, snapshot: IssueSnapshot, grammar: LabelGrammar) -> State:
    """Our record, or a label that a person set since and that nobody has taken over yet."""
    return max((state, *grammar.states_in(snapshot.labels)), key=list(State).index)


def _moved_on(done: Sequence[Done], state: State, grammar: LabelGrammar) -> str:
    """Work that a later stage stands on is reverted from its end."""
    reached = _state_set(done, grammar)
    if reached is None or reached is state:
        return ""
    if state is State.DONE or list(State).index(state) > list(State).index(reached):
        return f"The issue has moved on to state::{state.value} since; revert the later run first."
    return ""


def _state_set(done: Sequence[Done], grammar: LabelGrammar) -> State | None:
    for effect in done:
        if effect.kind in {"add_labels", "create_issue"}:
            states = grammar.states_in(effect.payload["labels"])
            if states:
                return states[0]
    return None


def _moves(done: Sequence[Done], planned: Sequence[Planned], grammar: LabelGrammar) -> dict[int, State]:
    """Back to the state whose label the run removed, once the step that restores it is applied."""
    for effect in done:
        if effect.kind == "remove_labels":
            states = grammar.states_in(effect.payload["labels"])
            restored = any(
                isinstance(row.change, changes.AddLabels) and grammar.states_in(row.change.labels) for row in planned
            )
            if states and restored:
                return {_LAST: states[0]}
    return {}


def _labels_added(effect: Done, world: World) -> Undo:
    before = effect.before.get("labels", [])
    ours = tuple(n for n in effect.payload["labels"] if not has(before, n) and has(world.snapshot.labels, n))
    if not ours:
        return Undo(effect.id, note="The labels that were added are gone already.")
    return Undo(effect.id, changes.RemoveLabels(ours))


def _labels_removed(effect: Done, world: World) -> Undo:
    missing = tuple(n for n in effect.before.get("labels", []) if not has(world.snapshot.labels, n))
    if not missing:
        return Undo(effect.id, note="The labels that were removed are back already.")
    return Undo(effect.id, changes.AddLabels(missing))


def _sections(effect: Done, world: World) -> Undo:
    before = effect.before.get("sections", {})
    restore: list[tuple[str, str | None]] = []
    standing: dict[str, str | None] = {}
    for heading, written in effect.payload["sections"]:
        now_there = read_section(world.snapshot.body, heading)
        if now_there == before.get(heading):
            continue
        if now_there != written:
            note = f"The section {heading!r} was edited after the run wrote it; it was left as it is."
            return Undo(effect.id, note=note, refused=True)
        restore.append((heading, before.get(heading)))
        standing[heading] = now_there
    if not restore:
        return Undo(effect.id, note="The sections are already as they were.")
    return Undo(effect.id, changes.WriteSections(tuple(restore)), before={"sections": standing})


def _branch(effect: Done, world: World) -> Undo:
    name, sha = effect.payload["branch"], str(effect.response.get("sha", ""))
    if name not in world.heads:
        return Undo(effect.id, note=f"The branch {name} is gone already.")
    if not sha or world.heads[name] != sha:
        note = f"The branch {name} has commits that came after the scaffold; it was left as it is."
        return Undo(effect.id, note=note, refused=True)
    files = [str(file["path"]) for file in effect.payload.get("files", ())]
    return Undo(effect.id, changes.DeleteBranch(name, sha), before={"files": files})


def _pull(effect: Done, world: World) -> Undo:
    number = int(effect.response.get("number", 0))
    if not world.pulls.get(number, False):
        return Undo(effect.id, note=f"The pull request #{number} is not open any more.")
    branch = effect.payload["branch"]
    head = world.heads.get(branch)
    if head is not None and head != world.scaffolds.get(branch, head):
        note = f"The pull request #{number} has work of others on {branch}; it was left open."
        return Undo(effect.id, note=note, refused=True)
    return Undo(effect.id, changes.ClosePull(number))


def _assigned(effect: Done, world: World) -> Undo:
    if not world.snapshot.copilot_assigned:
        return Undo(effect.id, note="Copilot is not assigned any more.")
    return Undo(effect.id, changes.UnassignCopilot())


def _created(effect: Done, world: World) -> Undo:
    if not world.snapshot.is_open:
        return Undo(effect.id, note="The issue is closed already.")
    if world.comments_by_others:
        return Undo(effect.id, note="People have commented on the issue; it was left open.", refused=True)
    return Undo(effect.id, changes.CloseIssue("not_planned"))


def _closed(effect: Done, world: World) -> Undo:
    """Only where the before-image says that it was open: a person may have closed it meanwhile for good reasons."""
    if world.snapshot.is_open:
        return Undo(effect.id, note="The issue is open again already.")
    if not effect.before.get("is_open"):
        return Undo(effect.id, note="The issue stays closed.")
    return Undo(effect.id, changes.ReopenIssue())


def _comment(effect: Done, world: World) -> Undo:
    return Undo(effect.id, note="The comment stays; it is history.", stays=True)


_UNDO: dict[str, Callable[[Done, World], Undo]] = {
    "add_labels": _labels_added,
    "remove_labels": _labels_removed,
    "write_sections": _sections,
    "create_branch": _branch,
    "open_pull": _pull,
    "assign_copilot": _assigned,
    "create_issue": _created,
    "close_issue": _closed,
    "add_comment": _comment,
}

UNDOABLE = frozenset(_UNDO) - {"add_comment"}  # kinds of which something may be left to undo
