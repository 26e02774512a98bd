"""Write one of the plan's messages, filled from facts: the launch announcement or a week's status; --send sends it."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from pipeline import clock
from pipeline.services import scripts
from rollout.domain.plan import Message
from rollout.management.rollout_commands._port import Output
from rollout.management.rollout_commands._rollouts import add_way, person, rollout_of
from rollout.models import Rollout
from rollout.services import plan_messages


def add_arguments(parser: CommandParser) -> None:
    ways = parser.add_subparsers(dest="message", required=True, metavar="message")
    launch = _add(ways, "launch", "week 1 begins")
    launch.add_argument("--rehearsed-on", required=True, metavar="DATE", help="when the live rehearsal was")
    launch.add_argument("--plan-url", required=True, metavar="URL", help="where people read the plan")
    weekly = _add(ways, "weekly", "what a week came to")
    weekly.add_argument("--week", type=int, help="of the rollout; this week when left out")
    for name in ("highlight", "issue", "next"):
        weekly.add_argument(f"--{name}", action="append", default=[], metavar="LINE", help="may be given repeatedly")


def _add(ways: Any, name: str, words: str) -> CommandParser:
    parser = add_way(ways, name, words)
    parser.add_argument("--send", action="store_true", help="to every channel; without it, it is only shown")
    return parser


def handle(command: Output, options: dict[str, Any]) -> int:
    rollout = rollout_of(options)
    key, message = WAYS[options["message"]](rollout, options)
    if options["send"]:
        plan_messages.send(rollout, message, key=key, by=person(options))
    facts = {"message": key, "subject": message.subject, "body": message.body, "sent": options["send"]}
    command.say(facts, [message.subject, "", message.body, "Sent." if options["send"] else "Not sent; add --send."])
    return scripts.OK


def _launch(rollout: Rollout, options: dict[str, Any]) -> tuple[str, Message]:
    made = plan_messages.launch(rollout, rehearsed_on=options["rehearsed_on"], plan_url=options["plan_url"])
    return "launch", made


def _weekly(rollout: Rollout, options: dict[str, Any]) -> tuple[str, Message]:
    week = options["week"] or plan_messages.this_week(rollout, clock.now())
    lines = {"highlights": options["highlight"], "issues": options["issue"], "next_week": options["next"]}
    return f"weekly-{week}", plan_messages.weekly(rollout, week, **lines)


WAYS = {"launch": _launch, "weekly": _weekly}
