"""I1: what was injected is there once; what is there was injected."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from pipeline.domain.invariants.log import Remote
from pipeline.domain.invariants.values import DiscoveryFact, EffectFact, IssueFact, Place, Violation
from pipeline.domain.labels import LabelGrammar


def discoveries(found: Iterable[DiscoveryFact], effects: Iterable[EffectFact]) -> list[Violation]:
    """Every discovery opened at most one issue, and no two share one."""
    by_discovery: dict[int, list[str]] = defaultdict(list)
    for effect in effects:
        if effect.kind == "create_issue" and effect.state == "applied" and effect.discovery is not None:
            by_discovery[effect.discovery].append(effect.key)
    broken = [
        _broken("discovery", f"Discovery {pk} opened {len(keys)} issues, by the effects {', '.join(keys)}.")
        for pk, keys in by_discovery.items()
        if len(keys) > 1
    ]
    broken += [
        _broken("discovery", f"Discovery {row.id} is {row.status} and an applied effect opened an issue for it.")
        for row in found
        if row.status != "opened" and by_discovery.get(row.id)
    ]
    return broken


def issues(
    rows: Iterable[IssueFact], world: Mapping[Place, Remote], governed: Mapping[str, str], *, at_rest: bool
) -> list[Violation]:
    """Rows and the world's issues that carry our labels are the same, one each. `governed`: repository → prefix.

    An issue that just appeared is read by the next synchronisation, so what is missing counts only at rest.
    """
    known = {row.place for row in rows}
    broken = [
        _broken("invented", f"We have a row for {_named(place)}, and no such issue was ever opened.")
        for place in sorted(known)
        if place[0] in governed and place not in world
    ]
    for place, remote in sorted(world.items()):
        prefix = governed.get(place[0])
        ours = prefix is not None and LabelGrammar(prefix).is_ours(remote.labels)
        if at_rest and ours and not remote.gone and place not in known:
            broken.append(_broken("missing", f"{_named(place)} carries our labels and has no row."))
    return broken


def opened_by_us(world: Mapping[Place, Remote], made: Mapping[Place, Sequence[str]]) -> list[Violation]:
    """An issue that we opened belongs to an effect; `made`: place → keys of the creating effects in the log."""
    return [
        _broken("orphan", f"We opened {_named(place)} and no effect stands for it.")
        for place, remote in sorted(world.items())
        if remote.by_us and not made.get(place)
    ]


def _named(place: Place) -> str:
    return f"{place[0]}#{place[1]}"


def _broken(check: str, sentence: str) -> Violation:
    return Violation("I1", f"conservation.{check}", sentence)
