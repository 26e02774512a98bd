"""I3: what reached the outside world was stored before, once, by a live run of a live operation."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from pipeline.domain.invariants.log import Event
from pipeline.domain.invariants.values import EffectFact, OperationFact, RunFact, Violation

SKEW = timedelta(seconds=2)  # between our clock and the other side's
CREATES = frozenset({"create_issue", "add_comment", "create_branch", "open_pull", "assign_copilot"})
# Nobody sees a tree or a commit that no branch points to; a lost answer makes them anew.
LOOSE = frozenset({"POST /repos/{owner}/{repo}/git/trees", "POST /repos/{owner}/{repo}/git/commits"})
# REST takes labels off one by one: an effect that a limit stopped half-way is sent again for the rest of them.
PARTIAL = frozenset({"DELETE /repos/{owner}/{repo}/issues/{number}/labels/{name}"})
MOST_ATTEMPTS = 5


def writes_of(events: Iterable[Event]) -> list[Event]:
    """Applied writes that came with one of our tokens."""
    return [event for event in events if event.kind == "mutation" and event.ours and event.applied]


def log(writes: Sequence[Event], effects: Mapping[str, EffectFact]) -> list[Violation]:
    """Every applied write names a stored live effect, with the same request, planned and sent before it."""
    broken: list[Violation] = []
    seen: dict[tuple[str, str, str], int] = {}
    for event in writes:
        effect = effects.get(event.effect)
        if effect is None:
            named = f"the unknown effect {event.effect}" if event.effect else "no effect"
            broken.append(_broken("unplanned", f"Write {event.seq} ({event.field}) names {named}."))
            continue
        broken += _one(event, effect)
        first = seen.setdefault((event.effect, event.field, event.path), event.seq)
        if first != event.seq and event.field not in LOOSE:
            sentence = (
                f"The effect {event.effect} ({effect.kind}) was applied twice, as writes {first} and {event.seq}."
            )
            broken.append(_broken("doubled", sentence))
    return broken


def _one(event: Event, effect: EffectFact) -> list[Violation]:
    broken = []
    named = f"Write {event.seq} of the effect {effect.key} ({effect.kind})"
    if event.hash != effect.request_hash:
        broken.append(_broken("altered", f"{named} was another request than the one that was stored."))
    if not effect.live:
        broken.append(_broken("dry run", f"{named} belongs to a dry run."))
    if effect.planned_at > event.time + SKEW:
        broken.append(_broken("early", f"{named} took place before the effect was stored."))
    elif effect.sent_at is not None and effect.sent_at > event.time + SKEW and event.field not in LOOSE | PARTIAL:
        broken.append(_broken("early", f"{named} took place before the effect was marked as sending."))
    return broken


def fates(writes: Iterable[Event], effects: Iterable[EffectFact], *, at_rest: bool) -> list[Violation]:
    """What the rows say of each effect is what the world saw."""
    count: dict[str, int] = defaultdict(int)
    for event in writes:
        if event.field not in LOOSE | PARTIAL:
            count[event.effect] += 1
    broken = []
    for effect in effects:
        applied = count[effect.key]
        if effect.state in {"planned", "refused", "cancelled"} and applied:
            sentence = f"The effect {effect.key} ({effect.kind}) is {effect.state}, and the world saw it applied."
            broken.append(_broken("fate", sentence))
        if effect.state == "applied" and effect.kind in CREATES and not applied:
            sentence = f"The effect {effect.key} ({effect.kind}) is applied, and the world never saw it."
            broken.append(_broken("fate", sentence))
        if at_rest and applied and effect.state in {"sending", "unknown"}:
            continue  # named by `open_ends`
    return broken


def rows(effects: Iterable[EffectFact], runs: Mapping[int, RunFact]) -> list[Violation]:
    """Effects of dry runs were never sent, and no epoch is ahead of its item's."""
    broken = []
    for effect in effects:
        run = runs.get(effect.run)
        if run is not None and run.mode != "live" and (effect.live or effect.sent_at is not None):
            broken.append(
                _broken("dry run", f"The effect {effect.key} of run {run.id} ({run.mode}) was made to be sent.")
            )
        if effect.epoch > effect.item_epoch:
            sentence = f"The effect {effect.key} has the epoch {effect.epoch}, its item only {effect.item_epoch}."
            broken.append(_broken("epoch", sentence))
        if effect.sent_at is not None and not (effect.epoch and run and run.requested_by):
            broken.append(_broken("nameless", f"The effect {effect.key} was sent without an epoch, or for nobody."))
        if effect.attempts > MOST_ATTEMPTS:
            broken.append(_broken("attempts", f"The effect {effect.key} was sent {effect.attempts} times in vain."))
        if effect.state == "applied" and (effect.sent_at is None or effect.settled_at is None):
            broken.append(_broken("times", f"The effect {effect.key} is applied without the times of it."))
    return broken


def open_ends(effects: Iterable[EffectFact]) -> list[Violation]:
    """At rest nothing is on its way."""
    return [
        _broken("open", f"The effect {effect.key} ({effect.kind}) is still {effect.state}.")
        for effect in effects
        if effect.state in {"sending", "unknown"} or (effect.live and effect.state == "planned")
    ]


def stops(effects: Iterable[EffectFact], runs: Mapping[int, RunFact]) -> list[Violation]:
    """Nothing was sent after its run was over or, reverts aside, while its repository was not active."""
    broken = []
    for effect in effects:
        run = runs.get(effect.run)
        if run is None or effect.sent_at is None:
            continue
        if run.finished_at is not None and effect.sent_at > run.finished_at + SKEW:
            broken.append(_broken("over", f"The effect {effect.key} was sent after run {run.id} was over."))
        standing = _in_force(run.standings, effect.sent_at, "active")
        if standing != "active" and run.purpose != "revert":
            sentence = f"The effect {effect.key} of run {run.id} was sent while its repository was {standing}."
            broken.append(_broken("held", sentence))
    return broken


def holds(
    effects: Iterable[EffectFact], runs: Mapping[int, RunFact], operations: Mapping[int, OperationFact]
) -> list[Violation]:
    """Nothing scheduled was sent while its operation was not live."""
    broken = []
    for effect in effects:
        run = runs.get(effect.run)
        if run is None or run.operation is None or effect.sent_at is None or run.by_hand:
            continue
        operation = operations.get(run.operation)
        if operation is None:
            continue
        mode = _in_force(operation.modes, effect.sent_at, operation.mode)
        if mode != "live":
            sentence = f"The effect {effect.key} of run {run.id} was sent while {operation.name} was in mode {mode}."
            broken.append(_broken("held", sentence))
    return broken


def _in_force(changes: Sequence[tuple[datetime, str, str]], at: datetime, otherwise: str) -> str:
    """From the audited changes; before the first of them what it changed. The call in flight does not count."""
    value = changes[0][1] if changes else otherwise
    for moment, _before, after in changes:
        if moment + SKEW < at:
            value = after
    return value


def _broken(check: str, sentence: str) -> Violation:
    return Violation("I3", f"effects.{check}", sentence)
