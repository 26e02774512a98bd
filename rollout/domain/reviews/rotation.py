"""Whose week it is, and who of a team takes which seat. Both depend on nothing but what is handed in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

ANCHOR = date(2026, 1, 5)  # a Monday: week 0, in which the first team of the order has its turn
LONGEST_REASON = 300


@dataclass(frozen=True, slots=True)
class TeamState:
    """`available`: how many of its members can review in the week asked for."""

    slug: str
    name: str
    available: int


@dataclass(frozen=True, slots=True)
class Duty:
    """The team of a week; None: nobody of any team is available. `reason` is one sentence for people."""

    slug: str | None
    reason: str
    following: str = ""  # the name of the team whose turn comes after


def duty(week: date, teams: Sequence[TeamState]) -> Duty:
    """The team of the week that begins on Monday `week`; `teams` are the active ones in their order.

    Weeks are counted from ANCHOR, so that the end of a year changes nothing. A team without anybody available is
    passed over for this week alone; the next week's turn is as it would have been.
    """
    if not teams:
        return Duty(None, "There is no active review team; make one active and give it members.")
    turn = (week - ANCHOR).days // 7 % len(teams)
    order = [*teams[turn:], *teams[:turn]]
    passed: list[str] = []
    following = order[1].name if len(order) > 1 else ""
    for team in order:
        if team.available:
            return Duty(team.slug, _sentence(team.name, passed, following), following)
        passed.append(team.name)
    return Duty(None, f"Nobody is available in {_listed(passed)}; give a team members.", following)


def _sentence(name: str, passed: Sequence[str], following: str) -> str:
    then = f", then {following}" if following and following != name else ""
    if not passed:
        return f"{name} reviews this week{then}."
    return f"{name} reviews this week, because nobody is available in {_listed(passed)}{then}."


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who may review. `load`: reviews in this week so far; `cap`: the most of them."""

    name: str
    cap: int
    load: int = 0


@dataclass(frozen=True, slots=True)
class Seat:
    """A place at a sample. `barred`: who may not take it, and why ("wrote the issue"); also who has scored it."""

    sample: int
    number: int
    barred: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Seated:
    """`person` is None where nobody can take it; `reason` is one sentence either way."""

    sample: int
    number: int
    person: str | None
    reason: str


def seat_all(seats: Sequence[Seat], people: Sequence[Person]) -> list[Seated]:
    """Give every seat to whoever has the fewest reviews of those who may; in the order of the seats asked for.

    Seats that few may take are filled first. Nobody gets more than their cap, or two seats at one sample; equal loads
    go by name, so that the same week always gives the same seats.
    """
    load = {person.name: person.load for person in people}
    at_sample: dict[int, set[str]] = {}
    found: dict[tuple[int, int], Seated] = {}
    for seat in sorted(seats, key=lambda one: (_choices(one, people), one.sample, one.number)):
        here = at_sample.setdefault(seat.sample, set())
        why_not = {person.name: _why_not(person, seat, load, here) for person in people}
        free = [name for name, why in why_not.items() if not why]
        if not free:
            found[seat.sample, seat.number] = Seated(seat.sample, seat.number, None, _nobody(why_not))
            continue
        name = min(free, key=lambda one: (load[one], one))
        reason = f"{_many(load[name])} in this week before it, the fewest of the {len(free)} who may."
        found[seat.sample, seat.number] = Seated(seat.sample, seat.number, name, reason)
        load[name] += 1
        here.add(name)
    return [found[seat.sample, seat.number] for seat in seats]


def _choices(seat: Seat, people: Sequence[Person]) -> int:
    return sum(person.name not in seat.barred for person in people)


def _why_not(person: Person, seat: Seat, load: Mapping[str, int], here: set[str]) -> str:
    """Empty: this person may."""
    if person.name in seat.barred:
        return seat.barred[person.name]
    if person.name in here:
        return "scores it already"
    if load[person.name] >= person.cap:
        return f"has {load[person.name]} of {person.cap} reviews"
    return ""


def _nobody(why_not: Mapping[str, str]) -> str:
    if not why_not:
        return "Nobody can take it: the team has no available member."
    said = "; ".join(f"{name} {why}" for name, why in sorted(why_not.items()))
    text = f"Nobody can take it: {said}."
    return text if len(text) <= LONGEST_REASON else f"{text[: LONGEST_REASON - 2]} …"


def _many(reviews: int) -> str:
    return "1 review" if reviews == 1 else f"{reviews} reviews"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
