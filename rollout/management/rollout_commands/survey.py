"""Open a round of the stakeholder survey, answer it, close it, or show what the rounds came to."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import CommandParser

from pipeline import clock
from pipeline.services import scripts
from pipeline.services.operations import NotPossible
from rollout.management.rollout_commands._port import Output
from rollout.management.rollout_commands._rollouts import (
    add_reason,
    add_way,
    moment,
    person,
    rollout_of,
)
from rollout.models import Rollout, Survey
from rollout.services import surveys


def add_arguments(parser: CommandParser) -> None:
    ways = parser.add_subparsers(dest="survey_way", required=True, metavar="what")
    add_way(ways, "show", "every round, and what closed ones came to")
    opened = add_way(ways, "open", "open a round; people are told")
    opened.add_argument("--days", type=int, default=5, help="for how long; 5 when left out")
    opened.add_argument("--question", default=surveys.QUESTION)
    add_reason(opened)
    answered = add_way(ways, "answer", "answer the open round, once")
    answered.add_argument("score", type=int, help="1 (very dissatisfied) to 5 (very satisfied)")
    answered.add_argument("--comment", default="")
    add_reason(add_way(ways, "close", "close the open round; from then on it is evidence"))


def handle(command: Output, options: dict[str, Any]) -> int:
    rollout = rollout_of(options)
    if options["survey_way"] != "show":
        WAYS[options["survey_way"]](rollout, options)
    rows = list(rollout.surveys.order_by("round"))
    lines = [_line(row) for row in rows] or ["No round was opened yet."]
    command.say([_facts(row) for row in rows], lines)
    return scripts.OK


def _open(rollout: Rollout, options: dict[str, Any]) -> None:
    closes_at = clock.now() + timedelta(days=options["days"])
    surveys.open_round(
        rollout, by=person(options), reason=options["reason"], closes_at=closes_at, question=options["question"]
    )


def _answer(rollout: Rollout, options: dict[str, Any]) -> None:
    name = person(options)
    user = User.objects.filter(username=name).first()
    if user is None:
        raise NotPossible(f"There is no user {name!r}; name somebody who can sign in with --by. Nothing was changed.")
    surveys.answer(_open_round(rollout), person=user, score=options["score"], comment=options["comment"])


def _close(rollout: Rollout, options: dict[str, Any]) -> None:
    surveys.close(_open_round(rollout), by=person(options), reason=options["reason"])


WAYS = {"open": _open, "answer": _answer, "close": _close}


def _open_round(rollout: Rollout) -> Survey:
    found = surveys.open_of(rollout)
    if found is None:
        raise NotPossible("No round of the survey is open; open one first. Nothing was changed.")
    return found


def _facts(row: Survey) -> dict[str, Any]:
    found = surveys.result(row)
    return {
        "round": row.round,
        "question": row.question,
        "opened_at": moment(row.opened_at),
        "closes_at": moment(row.closes_at),
        "closed_at": moment(row.closed_at),
        "answers": found.n,
        "mean": found.mean if row.closed_at else None,
    }


def _line(row: Survey) -> str:
    found = surveys.result(row)
    if row.closed_at is None:
        return f"Round {row.round}: open until {row.closes_at:%Y-%m-%d %H:%M} UTC, {found.n} answered."
    return f"Round {row.round}: {found.sentence}"
