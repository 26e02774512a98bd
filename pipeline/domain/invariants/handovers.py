"""I4: one hand-over per issue and generation, after the guidance was there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from pipeline.domain.invariants.log import Event
from pipeline.domain.invariants.values import EffectFact, HandoverFact, Place, Violation

GUIDANCE = "Specialist Guidance"
OPEN = frozenset({"pending", "working", "waiting", "finished"})


def rows(handovers: Iterable[HandoverFact], effects: Mapping[str, EffectFact]) -> list[Violation]:
    """Generations count from 1 without gaps, each begun after the one before had ended and the guidance was applied."""
    by_issue: dict[Place, list[HandoverFact]] = defaultdict(list)
    for row in handovers:
        by_issue[row.place].append(row)
    guided = _guided(effects.values())
    broken: list[Violation] = []
    for place, listed in sorted(by_issue.items()):
        listed.sort(key=lambda row: row.generation)
        broken += _generations(place, listed)
        for row in listed:
            effect = effects.get(row.effect or "")
            if effect is None or effect.sent_at is None:
                continue
            ready = guided.get(place)
            if ready is None or ready.settled_at is None or ready.settled_at > effect.sent_at:
                broken.append(_broken("guidance", f"{_named(place)} was handed over before its guidance was applied."))
    return broken


def _generations(place: Place, listed: Sequence[HandoverFact]) -> list[Violation]:
    broken = []
    if [row.generation for row in listed] != list(range(1, len(listed) + 1)):
        numbers = ", ".join(str(row.generation) for row in listed)
        broken.append(_broken("generation", f"The hand-overs of {_named(place)} are numbered {numbers}."))
    for before, after in pairwise(listed):
        if before.outcome in OPEN or before.ended_at is None or before.ended_at > after.requested_at:
            sentence = f"Hand-over {after.generation} of {_named(place)} began before the one before it had ended."
            broken.append(_broken("generation", sentence))
    return broken


def _guided(effects: Iterable[EffectFact]) -> dict[Place, EffectFact]:
    """The first applied writing of the guidance on each issue."""
    found: dict[Place, EffectFact] = {}
    for effect in effects:
        if (
            effect.kind == "write_sections"
            and effect.state == "applied"
            and GUIDANCE in effect.headings
            and effect.place
        ):
            first = found.get(effect.place)
            if first is None or (effect.settled_at and first.settled_at and effect.settled_at < first.settled_at):
                found[effect.place] = effect
    return found


def log(writes: Iterable[Event], handovers: Iterable[HandoverFact]) -> list[Violation]:
    """As many assignments of Copilot by us as there are hand-overs, each with its own effect."""
    assigned: dict[Place, list[Event]] = defaultdict(list)
    for event in writes:
        if event.place and any(change.what == "copilot" and change.after == "assigned" for change in event.changes):
            assigned[event.place].append(event)
    keys: dict[Place, list[str]] = defaultdict(list)
    for row in handovers:
        if row.effect:
            keys[row.place].append(row.effect)
    broken = []
    for place, events in sorted(assigned.items()):
        for event in events:
            if event.effect not in keys[place]:
                sentence = f"Write {event.seq} handed {_named(place)} to Copilot, and no hand-over stands for it."
                broken.append(_broken("doubled", sentence))
        if len(events) > len(keys[place]) and not broken:
            sentence = f"{_named(place)} was handed over {len(events)} times, for {len(keys[place])} hand-overs."
            broken.append(_broken("doubled", sentence))
    return broken


def branches(events: Iterable[Event]) -> list[Violation]:
    """No branch was made twice by different effects of ours, unless it was taken away in between, by us or others."""
    made: dict[tuple[str, str], str] = {}
    broken = []
    for event in events:
        for change in event.changes if event.kind != "request" else ():
            name = str(change.more.get("ref", ""))
            if change.what == "ref" and change.after is None:
                made.pop((event.repository, name), None)
            if change.what != "ref" or change.before is not None or change.after is None or not event.ours:
                continue
            first = made.setdefault((event.repository, name), event.effect)
            if first != event.effect:
                broken.append(
                    _broken("branch", f"The branch {name} was made by the effects {first} and {event.effect}.")
                )
    return broken


def _named(place: Place) -> str:
    return f"{place[0]}#{place[1]}"


def _broken(check: str, sentence: str) -> Violation:
    return Violation("I4", f"handover.{check}", sentence)
