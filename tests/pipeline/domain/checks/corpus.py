"""2,000 issues of a pipeline at work, 400 of them with a planted fault, of every kind that one issue can have."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from typing import Any

from pipeline.domain.checks.values import Found, Subject, Thing
from pipeline.domain.sections import remove_section, splice
from pipeline.domain.states import State
from tests.pipeline.domain.checks import healthy
from tests.pipeline.domain.checks.healthy import Life, with_labels, with_text
from tests.values import COPILOT, MOMENT

ISSUES, FAULTS, SEED = 2_000, 400, 20261102
NOW = MOMENT + timedelta(hours=1)
GUIDANCE, ASSIGNMENT, ASSESSMENT = "Specialist Guidance", "Copilot Assignment", "AI Assessment"


@dataclass(frozen=True)
class Planted:
    """An issue, where it starts from, what is done to it, and the checks that have to say so."""

    base: str
    spoil: Callable[[Life], Life]
    expected: frozenset[str]
    values: Callable[[Life], dict[str, Any]] | None = None


def _edited(life: Life, **values: Any) -> Life:
    return replace(life, issue=replace(life.issue, **values))


def _labelled(*add: str, without: tuple[str, ...] = ()) -> Callable[[Life], Life]:
    return lambda life: with_labels(life, *add, without=without)


def _written(heading: str, text: str) -> Callable[[Life], Life]:
    return lambda life: with_text(life, heading, text)


def _cut(*headings: str) -> Callable[[Life], Life]:
    def cut(life: Life) -> Life:
        body = life.issue.body
        for heading in headings:
            body = remove_section(body, heading)
        return _edited(replace(life, written=life.written - set(headings)), body=body)

    return cut


def _missing(thing: Thing) -> Callable[[Life], dict[str, Any]]:
    def found(life: Life) -> dict[str, Any]:
        named = life.subject().named
        first = next(one for one in named if one.thing is thing)
        return {"found": {one: Found(one != first, 400) for one in named}}

    return found


def _planted(base: str, spoil: Callable[[Life], Life], *expected: str, **more: Any) -> Planted:
    return Planted(base, spoil, frozenset(expected), **more)


def _same(life: Life) -> Life:
    return life


def _long_ago(life: Life) -> dict[str, Any]:
    return {"handed_over_at": MOMENT - timedelta(days=8)}


def _read(**values: Any) -> Callable[[Life], dict[str, Any]]:
    return lambda life: {"read": replace(life.issue, **values)}


WORKFLOW = "workflow::osint-research"
KINDS = (
    _planted("assigned", _labelled("monitor::triage"), "labels.triage"),
    _planted("handed", _labelled("monitor::triage"), "labels.triage"),
    _planted("handed", _labelled("state::assigned"), "state.conflict"),
    _planted("opened", _labelled("state::lost"), "state.unknown"),
    _planted("assigned", _labelled(without=("state::assigned",)), "state.missing"),
    _planted("done", _labelled(without=("state::done",)), "state.missing"),
    _planted("opened", _labelled("state::copilot", without=("state::discovery",)), "state.move"),
    _planted(
        "assigned",
        lambda life: _edited(life, is_open=False, closed_at=MOMENT - timedelta(days=1)),
        "labels.closed",
    ),
    _planted("assigned", _labelled("State:assigned"), "labels.outside"),
    _planted("opened", _labelled("workflow::retired"), "labels.workflow_unknown"),
    _planted("assigned", _labelled(without=(WORKFLOW,)), "labels.workflow_count"),
    _planted("assigned", _labelled("specialist::somebody"), "labels.specialist"),
    _planted("handed", _cut(GUIDANCE, ASSIGNMENT), "copilot.no_guidance"),
    _planted("handed", _cut(ASSIGNMENT), "copilot.no_assignment"),
    _planted("handed", lambda life: _edited(life, assignees=()), "copilot.no_assignee"),
    _planted("opened", lambda life: _edited(life, assignees=(COPILOT,)), "copilot.no_state", "copilot.no_guidance"),
    _planted("handed", _same, "copilot.stale", values=_long_ago),
    _planted("handed", _written(GUIDANCE, "Ask {reviewer} first."), "remnant.placeholder"),
    _planted("handed", _written(ASSIGNMENT, "Owner: [Name]"), "remnant.placeholder"),
    _planted("assigned", _written(ASSESSMENT, "Due: ___"), "remnant.placeholder"),
    _planted("handed", _written(GUIDANCE, "{{ steps }}"), "remnant.placeholder"),
    _planted("handed", _written(GUIDANCE, "TODO: add the sources"), "remnant.todo"),
    _planted("handed", _written(ASSIGNMENT, "Lorem ipsum dolor."), "remnant.lorem"),
    _planted("assigned", lambda life: _edited(life, body=splice(life.issue.body, [(ASSESSMENT, "")])), "remnant.empty"),
    _planted(
        "handed", lambda life: _edited(life, body=splice(life.issue.body, [(GUIDANCE, "Do it.")])), "remnant.short"
    ),
    _planted("handed", _same, "reference.branch", values=_missing(Thing.BRANCH)),
    _planted("handed", _same, "reference.file", values=_missing(Thing.FILE)),
    _planted("handed", _same, "reference.pull", values=_missing(Thing.PULL)),
    _planted(
        "handed",
        _written(GUIDANCE, f"Compare [the earlier case]({healthy.URL}/issues/999)."),
        "reference.issue",
        values=_missing(Thing.ISSUE),
    ),
    _planted("handed", _same, "record.differs", values=_read(labels=("bug",))),
    _planted(
        "assigned",
        lambda life: _edited(life, body=remove_section(life.issue.body, ASSESSMENT)),
        "record.section_gone",
    ),
)
TITLES = ("TODO Group meets at the pier", "Who is [Name]?", "A list ___ of ships", "Convoy {north}", "Quarterly report")
NOTES = (
    "- [ ] ask the harbour master",
    "```\nTODO: {x} [Name]\n```",
    "> lorem ipsum",
    "A note.",
    "",
    "## Notes\n\nTBD",
)
MORE_LABELS = ("bug", "priority::high", "needs clarification", "intelligence")


@dataclass(frozen=True)
class Case:
    """`expected` is empty for an issue that is in order."""

    subject: Subject
    expected: frozenset[str]


def corpus() -> list[Case]:
    """The same each time: the seed says what is planted where."""
    chance = random.Random(SEED)
    sound = [Case(life.subject(now=NOW), frozenset()) for lives in bases().values() for life in lives]
    spoilt = [case for kind in KINDS for case in _spoilt(kind)]
    rest = [chance.choice(sound) for _ in range(ISSUES - FAULTS)]
    cases = [*rest, *(spoilt[index % len(spoilt)] for index in range(FAULTS))]
    chance.shuffle(cases)
    return [_numbered(case, number, chance) for number, case in enumerate(cases, 1)]


def _spoilt(kind: Planted) -> list[Case]:
    """The fault in two different issues."""
    cases = []
    for life in bases()[kind.base][:2]:
        done = kind.spoil(life)
        cases.append(Case(done.subject(**{"now": NOW, **(kind.values(done) if kind.values else {})}), kind.expected))
    return cases


def _numbered(case: Case, number: int, chance: random.Random) -> Case:
    """An issue of its own, with labels that are people's business."""
    issue = case.subject.issue
    more = (*issue.labels, *chance.sample(MORE_LABELS, chance.randint(0, 2)))
    own = replace(issue, number=number, node_id=f"I_{number}", labels=more, html_url=f"{healthy.URL}/issues/{number}")
    read = case.subject.read
    shown = replace(own, labels=read.labels) if read is not None and read.labels != issue.labels else own
    return replace(case, subject=replace(case.subject, issue=own, read=shown))


@cache
def bases() -> dict[str, list[Life]]:
    """A few issues in each state, with near misses in what people and sources wrote."""
    found: dict[str, list[Life]] = {"opened": [], "assigned": [], "handed": [], "done": []}
    for title, note in zip(TITLES * 2, NOTES * 2, strict=False):
        opened = healthy.opened(healthy.found(title, f"{title}. {title}"))
        opened = _edited(opened, body=f"{note}\n\n{opened.issue.body}" if "##" not in note else opened.issue.body)
        assigned = healthy.assigned(opened)
        handed = healthy.handed_over(assigned)
        found["opened"].append(opened)
        found["assigned"].append(assigned)
        found["handed"].append(handed)
        found["done"].append(healthy.done(handed))
    assert all(life.state is State.DONE for life in found["done"])
    return found
