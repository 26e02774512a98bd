"""I6: what people wrote is as they left it. Every write of ours is compared with what stood there right before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pipeline.domain.invariants.log import Change, Event, Remote
from pipeline.domain.invariants.values import EffectFact, Place, Violation
from pipeline.domain.labels import LabelGrammar
from pipeline.domain.reports import HEADING as REPORT
from pipeline.domain.sections import ORDER, headings, remove_section


def outside(body: str) -> str:
    """The text outside our sections, the one of a problem report included, byte for byte."""
    for heading in (REPORT, *reversed(ORDER)):
        body = remove_section(body, heading)
    return body


def texts(writes: Iterable[Event], grammars: Mapping[str, LabelGrammar]) -> list[Violation]:
    """None of our writes changed a title, text outside our sections, foreign labels, comments or assignees."""
    broken = []
    for event in writes:
        grammar = grammars.get(event.repository)
        if grammar is None or event.place is None:
            continue
        named = f"Write {event.seq} ({event.field}) on {event.place[0]}#{event.place[1]}"
        broken += [found for change in event.changes for found in _change(change, named, grammar)]
    return broken


def _change(change: Change, named: str, grammar: LabelGrammar) -> list[Violation]:
    if change.what == "body" and outside(str(change.before or "")) != outside(str(change.after or "")):
        return [_broken("text", f"{named} changed text outside our sections.")]
    if change.what == "title" and change.before is not None:
        return [_broken("title", f"{named} changed the title.")]
    if change.what == "comment" and change.before is not None:
        return [_broken("comment", f"{named} changed or removed a comment.")]
    if change.what == "labels":
        lost = [name for name in change.before or () if name not in change.after and not _ours(name, grammar)]
        return [_broken("label", f"{named} took off {', '.join(lost)}, which is not ours.")] if lost else []
    if change.what == "assignees":
        lost = [name for name in change.before or () if name not in change.after and name != "Copilot"]
        return [_broken("assignee", f"{named} removed the assignee {', '.join(lost)}.")] if lost else []
    return []


def _ours(name: str, grammar: LabelGrammar) -> bool:
    families = ("state::", "workflow::", "specialist::", "monitor::")
    fixed = {grammar.site_monitor.lower(), grammar.needs_clarification.lower()}
    lowered = name.lower()
    return lowered in fixed or any(lowered.startswith(f"{grammar.prefix}{family}".lower()) for family in families)


def branches(events: Iterable[Event]) -> list[Violation]:
    """We took away or moved no branch that somebody else had moved since we made it."""
    mover: dict[tuple[str, str], bool] = {}  # (repository, ref) → whether the last to move it were we
    broken = []
    for event in events:
        for change in event.changes if event.kind != "request" else ():
            if change.what != "ref":
                continue
            place = (event.repository, str(change.more.get("ref", "")))
            if event.ours and change.before is not None and not mover.get(place, False):
                verb = "removed" if change.after is None else "moved"
                broken.append(_broken("branch", f"Write {event.seq} {verb} {place[1]}, where others had committed."))
            mover[place] = event.ours
    return broken


def sections(world: Mapping[Place, Remote], effects: Iterable[EffectFact]) -> list[Violation]:
    """No issue that we opened has two copies of a section that we wrote."""
    written: dict[Place, set[str]] = {}
    for effect in effects:
        if effect.kind == "write_sections" and effect.state == "applied" and effect.place:
            written.setdefault(effect.place, set()).update(effect.headings)
    broken = []
    for place, names in sorted(written.items()):
        remote = world.get(place)
        if remote is None or not remote.by_us:
            continue
        found = [seen.text for seen in headings(remote.body) if seen.level == 2 and seen.text in names]
        for name in sorted({name for name in found if found.count(name) > 1}):
            broken.append(_broken("copies", f"{place[0]}#{place[1]} has {found.count(name)} sections {name!r}."))
    return broken


def _broken(check: str, sentence: str) -> Violation:
    return Violation("I6", f"people.{check}", sentence)
