"""Who hears of what validation found, and when (plan 3.1): one message a run, never a storm, nothing critical unheard.

- A finding is told once; again only when it is critical, nobody has acknowledged it and COOL_DOWN has passed.
- One that went and came back within COOL_DOWN of the telling is flapping: told again when COOL_DOWN is over and it is
  still there.
- Muted ones are never told. When a mute has run out, what is still there is told as new.
- Messages about one repository are APART, or APART_CRITICAL where something critical is new; what comes in between
  waits for the next one.
- Above MOST_NAMED new findings a message counts per check and names none.
- When nothing is left of a check that people heard of, they hear that too, once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from rollout.domain.wording import counted

COOL_DOWN = timedelta(hours=24)
APART = timedelta(hours=1)
APART_CRITICAL = timedelta(minutes=10)
MOST_NAMED = 10
NAMED_PER_CHECK = 5
MAX_NAME = 200


@dataclass(frozen=True, slots=True)
class Fact:
    """One finding. `heard_at`: when people last heard of this very fault, in this row or an earlier one of it.

    `mute_ended_at`: when a mute ran out; `muted` is whether one holds now.
    """

    id: int
    check: str
    name: str
    critical: bool
    first_seen: datetime
    is_open: bool = True
    muted: bool = False
    acknowledged: bool = False
    told_at: datetime | None = None
    heard_at: datetime | None = None
    mute_ended_at: datetime | None = None
    recovery_told_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Telling:
    """What one message says: findings told for the first time, told again, and those of checks that are well again."""

    new: tuple[Fact, ...] = ()
    again: tuple[Fact, ...] = ()
    over: tuple[Fact, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.new or self.again or self.over)

    @property
    def told(self) -> tuple[Fact, ...]:
        return (*self.new, *self.again)

    @property
    def critical(self) -> tuple[Fact, ...]:
        return tuple(fact for fact in self.told if fact.critical)

    @property
    def is_digest(self) -> bool:
        return len(self.new) > MOST_NAMED


def decide(facts: Iterable[Fact], standing: Collection[str], now: datetime, last_at: datetime | None) -> Telling:
    """What is to be told now. `standing`: checks that have an open finding that is not muted; `last_at`: the last
    message about the repository.
    """
    listed = sorted(facts, key=lambda fact: (not fact.critical, fact.check, fact.id))
    new = tuple(fact for fact in listed if is_new(fact, now))
    again = tuple(fact for fact in listed if is_due_again(fact, now))
    over = tuple(fact for fact in listed if is_over(fact) and fact.check not in standing)
    telling = Telling(new, again, over)
    return telling if last_at is None or now - last_at >= _apart(telling) else Telling()


def is_new(fact: Fact, now: datetime) -> bool:
    """Whether people have not heard of it as it stands there now."""
    if not fact.is_open or fact.muted:
        return False
    if fact.heard_at is None:
        return True
    if fact.mute_ended_at is not None and fact.heard_at < fact.mute_ended_at <= now:
        return True
    return not _told_since_it_came(fact) and now - fact.heard_at >= COOL_DOWN


def is_due_again(fact: Fact, now: datetime) -> bool:
    """Whether something critical goes on for so long that it is said once more."""
    if not fact.is_open or fact.muted or fact.acknowledged or not fact.critical or fact.heard_at is None:
        return False
    return _told_since_it_came(fact) and not is_new(fact, now) and now - fact.heard_at >= COOL_DOWN


def is_over(fact: Fact) -> bool:
    """Whether people heard of it and not yet that it is gone."""
    if fact.is_open or fact.told_at is None:
        return False
    return fact.recovery_told_at is None or fact.recovery_told_at < fact.told_at


def _told_since_it_came(fact: Fact) -> bool:
    return fact.told_at is not None and fact.told_at >= fact.first_seen


def _apart(telling: Telling) -> timedelta:
    return APART_CRITICAL if any(fact.critical for fact in telling.new) else APART


# --- in words; plain text, each channel escapes it ---


def subject(telling: Telling, place: str) -> str:
    """12 findings in 3 checks on owner/name (2 critical)."""
    checks = len({fact.check for fact in telling.told})
    if telling.new:
        critical = f" ({len(telling.critical)} critical)" if telling.critical else ""
        return f"{counted(len(telling.told), 'finding')} in {counted(checks, 'check')} on {place}{critical}"
    if telling.again:
        return f"{counted(len(telling.again), 'critical finding')} still there on {place}"
    return f"Recovered on {place}: {counted(len({fact.check for fact in telling.over}), 'check')}"


def body(telling: Telling, titles: dict[str, str], link: str) -> str:
    """Which, by check, and where to go on; `titles`: what people call a check."""
    lines = _by_check("New", telling.new, titles, names=not telling.is_digest)
    lines += _by_check("Still there after a day", telling.again, titles, names=len(telling.again) <= MOST_NAMED)
    if telling.over:
        checks = sorted({titles.get(fact.check, fact.check) for fact in telling.over})
        lines += [f"Recovered: {', '.join(checks)}."]
    return "\n".join([*lines, link])


def letter(telling: Telling, titles: dict[str, str], place: str, link: str) -> tuple[str, str]:
    """Subject and body of the e-mail about the critical ones."""
    told = telling.critical
    head = f"Critical: {counted(len(told), 'finding')} on {place}"
    lines = _by_check("Critical", told, titles, names=len(told) <= MOST_NAMED)
    return head, "\n".join([*lines, "", f"Acknowledge or mute them, or mend what is wrong: {link}"])


def _by_check(word: str, facts: Sequence[Fact], titles: dict[str, str], *, names: bool) -> list[str]:
    found: dict[str, list[Fact]] = defaultdict(list)
    for fact in facts:
        found[fact.check].append(fact)
    if not found:
        return []
    rows = [
        f"- {titles.get(check, check)}: {len(listed)}{_named(listed) if names else ''}"
        for check, listed in found.items()
    ]
    return [f"{word}:", *rows]


def _named(facts: Sequence[Fact]) -> str:
    shown = "; ".join(" ".join(fact.name.split())[:MAX_NAME] for fact in facts[:NAMED_PER_CHECK])
    more = f"; and {len(facts) - NAMED_PER_CHECK} more" if len(facts) > NAMED_PER_CHECK else ""
    return f" ({shown}{more})"
