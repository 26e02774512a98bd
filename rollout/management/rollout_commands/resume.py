"""Start again after a hold or rollback: one person asks with the checklist, another approves."""

from __future__ import annotations

from argparse import SUPPRESS
from typing import Any

from django.core.management.base import CommandParser

from pipeline.services import scripts
from pipeline.services.operations import NotPossible
from rollout.management.rollout_commands._port import Output
from rollout.management.rollout_commands._rollouts import add_person, add_reason, add_rollout, person, rollout_of
from rollout.models import Hold, Resumption, Rollout
from rollout.services import resume


def add_arguments(parser: CommandParser) -> None:
    ways = parser.add_subparsers(dest="resume_way", required=True, metavar="what")
    for name, words in (
        ("ask", "ask to start again"),
        ("approve", "approve what somebody else asked"),
        ("refuse", "refuse it; everything stays stopped"),
    ):
        way = ways.add_parser(name, help=words)
        way.add_argument("hold", type=int, help="the number of the hold, as “rollout status --json” shows it")
        way.add_argument("--json", action="store_true", default=SUPPRESS)
        if name == "ask":
            way.add_argument("--met", type=int, action="append", default=[], help="a line of the checklist, from 1")
        if name != "approve":
            add_reason(way)
        add_rollout(way)
        add_person(way)


def handle(command: Output, options: dict[str, Any]) -> int:
    hold = _hold(rollout_of(options), options["hold"])
    by = person(options)
    if options["resume_way"] == "ask":
        found = resume.ask(hold, by=by, reason=options["reason"], lines=_met(hold, options["met"]))
    elif options["resume_way"] == "approve":
        found = resume.approve(_asked(hold), by=by)
    else:
        found = resume.refuse(_asked(hold), by=by, reason=options["reason"])
    facts = {
        "hold": hold.pk,
        "state": found.state,
        "asked_by": found.asked_by,
        "approved_by": found.approved_by,
        "checklist": found.checklist,
    }
    command.say(facts, [f"Starting again of hold {hold.pk}: {found.get_state_display()}.", *_lines(found)])
    return scripts.OK


def _hold(rollout: Rollout, key: int) -> Hold:
    found = Hold.objects.filter(rollout=rollout, pk=key).first()
    if found is None:
        standing = Hold.objects.filter(rollout=rollout, released_at__isnull=True).values_list("pk", flat=True)
        raise NotPossible(f"There is no hold {key}; standing are {', '.join(map(str, standing)) or 'none'}.")
    return found


def _asked(hold: Hold) -> Resumption:
    found = hold.resumptions.filter(state=Resumption.State.ASKED).first()
    if found is None:
        raise NotPossible(f"Nobody asks to start again after hold {hold.pk}; ask first. Nothing was changed.")
    return found


def _met(hold: Hold, numbers: list[int]) -> list[dict[str, Any]]:
    lines = resume.checklist(hold)
    bad = [number for number in numbers if not 1 <= number <= len(lines)]
    if bad:
        raise NotPossible(f"The checklist has the lines 1 to {len(lines)}, not {bad[0]}. Nothing was changed.")
    return [{"met": place in numbers} for place in range(1, len(lines) + 1)]


def _lines(found: Resumption) -> list[str]:
    return [
        f"  {place}. {'met' if line['met'] else 'not met'}: {line['text']}"
        for place, line in enumerate(found.checklist, start=1)
    ]
