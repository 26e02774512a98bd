"""Start a rollout: freeze its plan and take over the operations. Nothing goes live by this."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.core.management.base import CommandParser

from pipeline.services import scripts
from pipeline.services.operations import NotPossible
from rollout.management.rollout_commands._port import Output
from rollout.management.rollout_commands._rollouts import add_person, add_reason, add_rollout, person
from rollout.models import Rollout
from rollout.services import plans, rollouts
from rollout.views import reports


def add_arguments(parser: CommandParser) -> None:
    parser.add_argument("plan", nargs="?", default="", help="a stored version such as unified-pipeline@2")
    parser.add_argument("--on", required=True, help="day 1 as YYYY-MM-DD (UTC), today or later")
    add_reason(parser)
    add_rollout(parser)
    add_person(parser)


def handle(command: Output, options: dict[str, Any]) -> int:
    starts_on = _day(options["on"])
    actor = person(options)
    rollout = rollouts.start(_prepared(options, actor), actor=actor, reason=options["reason"], starts_on=starts_on)
    facts = reports.facts(rollout)
    command.say(facts, [f"{rollout} has started; day 1 is {starts_on}.", *reports.lines(facts)])
    return scripts.OK


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise NotPossible(f"{text!r} is no date; write day 1 as YYYY-MM-DD. Nothing was changed.") from error


def _prepared(options: dict[str, Any], actor: str) -> Rollout:
    """The one that is prepared, or a new one of the named plan."""
    repository = scripts.repository_named(options["repository"])
    rows = Rollout.objects.filter(repository=repository).select_related("plan", "repository")
    standing = rows.exclude(state=Rollout.State.FINISHED).first()
    if standing is not None:
        if options["plan"] and plans.version_named(options["plan"]) != standing.plan:
            raise NotPossible(f"{repository} has a rollout of {plans.name_of(standing.plan)}; leave the plan out.")
        return standing
    if not options["plan"]:
        raise NotPossible("Name the plan, such as unified-pipeline@1; “rollout import” stores the shipped one.")
    return rollouts.prepare(repository, plans.version_named(options["plan"]), actor)
