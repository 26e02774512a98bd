"""Proves what must always hold (DESIGN.md section 5, RELIABILITY.md section 7) from rows and the world's event log."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from pipeline import clock
from pipeline.domain.invariants import conservation, effects, handovers, manners, people, slots, states
from pipeline.domain.invariants.log import Event, replay
from pipeline.domain.invariants.values import TITLES, Place, Violation
from pipeline.models import Repository
from pipeline.services.invariants import hygiene, knobs
from pipeline.services.invariants.facts import Facts, load, reserved_writes

NEEDS_LOG = frozenset({"I1", "I3", "I4", "I5", "I6", "I7"})  # without the log proven from the rows alone, or not at all
ONLY_LOG = frozenset({"I6"})


@dataclass(frozen=True, slots=True)
class Verdict:
    """`verdict`: "holds", "violated", "holds in the rows" (no log was given) or "not checked"."""

    id: str
    title: str
    verdict: str
    violations: tuple[Violation, ...]


@dataclass(frozen=True, slots=True)
class Report:
    verdicts: tuple[Verdict, ...]
    counted: dict[str, int]

    @property
    def ok(self) -> bool:
        return not any(verdict.violations for verdict in self.verdicts)

    @property
    def violations(self) -> tuple[Violation, ...]:
        return tuple(found for verdict in self.verdicts for found in verdict.violations)


def verify(
    events: Sequence[Event] | None = None,
    *,
    repositories: Iterable[Repository] | None = None,
    at_rest: bool = False,
    secrets: Sequence[str] = (),
) -> Report:
    """Check I1 to I8. `at_rest`: nothing runs any more, so nothing may be open either."""
    rows = list(repositories) if repositories is not None else list(Repository.objects.order_by("pk"))
    facts, now = load(rows), clock.now()
    found = [
        *_of_rows(facts, now, at_rest=at_rest),
        *hygiene.chain(),
        *hygiene.limits(facts.runs.values()),
        *hygiene.leases(rows, now),
        *knobs.unaudited(facts.operations),
        *knobs.unexplained(),
        *hygiene.untouched(rows, now, at_rest=at_rest),
        *(hygiene.unfinished(rows, now) if at_rest else ()),
        *hygiene.secrets(secrets),
        *(_of_log(facts, events, at_rest=at_rest) if events is not None else ()),
    ]
    return _report(facts, events, found)


def _of_rows(facts: Facts, now: datetime, *, at_rest: bool) -> list[Violation]:
    kept = facts.effects.values()
    found = conservation.discoveries(facts.discoveries, kept)
    for operation in facts.operations.values():
        found += slots.rows(operation, now, at_rest=at_rest)
    found += slots.runs(facts.runs.values())
    found += effects.rows(kept, facts.runs)
    found += effects.holds(kept, facts.runs, facts.operations)
    found += effects.stops(kept, facts.runs)
    found += effects.open_ends(kept) if at_rest else []
    found += handovers.rows(facts.handovers, facts.effects)
    for issue in facts.issues:
        found += states.history(issue)
    return found + manners.spacing(*reserved_writes(facts.repositories))


def _of_log(facts: Facts, events: Sequence[Event], *, at_rest: bool) -> list[Violation]:
    governed = {row.full_name.lower(): row.label_prefix for row in facts.repositories}
    world = {place: remote for place, remote in replay(events).items() if place[0] in governed}
    writes = [event for event in effects.writes_of(events) if event.repository in governed]
    kept = facts.effects.values()
    found = conservation.issues(facts.issues, world, governed, at_rest=at_rest)
    found += conservation.opened_by_us(world, _made(writes))
    found += effects.log(writes, facts.effects)
    found += effects.fates(writes, kept, at_rest=at_rest)
    found += handovers.log(writes, facts.handovers)
    found += states.agreement(facts.issues, world) if at_rest else []
    found += people.texts(writes, facts.grammars)
    of_ours = [event for event in events if event.repository in governed]
    found += handovers.branches(of_ours)
    found += people.branches(of_ours)
    found += people.sections(world, kept)
    return found + manners.waits(events) + manners.pace(events, facts.paces) + manners.hot_loops(events)


def _made(writes: Iterable[Event]) -> dict[Place, list[str]]:
    """Which effect opened which issue."""
    made: dict[Place, list[str]] = defaultdict(list)
    for event in writes:
        for change in event.changes:
            if change.what == "issue" and event.effect:
                made[(event.repository, int(change.after))].append(event.effect)
    return dict(made)


def _report(facts: Facts, events: Sequence[Event] | None, found: Sequence[Violation]) -> Report:
    verdicts = []
    for identity, title in TITLES.items():
        mine = tuple(violation for violation in found if violation.invariant == identity)
        verdicts.append(Verdict(identity, title, _verdict(identity, mine, events is not None), mine))
    counted = {
        "repositories": len(facts.repositories),
        "issues": len(facts.issues),
        "discoveries": len(facts.discoveries),
        "slots": sum(len(operation.slots) for operation in facts.operations.values()),
        "runs": len(facts.runs),
        "effects": len(facts.effects),
        "handovers": len(facts.handovers),
        "events": len(events or ()),
    }
    return Report(tuple(verdicts), counted)


def _verdict(identity: str, mine: Sequence[Violation], with_log: bool) -> str:
    if mine:
        return "violated"
    if with_log or identity not in NEEDS_LOG:
        return "holds"
    return "not checked" if identity in ONLY_LOG else "holds in the rows"
