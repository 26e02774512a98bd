"""Which rollout a subcommand is about, and who gives the command."""

from __future__ import annotations

import getpass
from argparse import SUPPRESS
from datetime import datetime
from typing import Any

from django.core.management.base import CommandParser

from pipeline.services import scripts
from pipeline.services.operations import NotPossible
from rollout.models import Gate, Hold, Rollback, Rollout
from rollout.services import record
from rollout.views import rollbacks


def add_rollout(parser: CommandParser) -> None:
    parser.add_argument("--repository", help="owner/name; needed where there are several")


def add_person(parser: CommandParser) -> None:
    parser.add_argument("--by", default="", help="who does it; your login name when left out")


def add_way(ways: Any, name: str, words: str) -> CommandParser:
    """One thing that a command does to a rollout, in somebody's name."""
    parser: CommandParser = ways.add_parser(name, help=words)
    # Where it is left out, the --json before the way counts.
    parser.add_argument("--json", action="store_true", default=SUPPRESS)
    add_rollout(parser)
    add_person(parser)
    return parser


def add_reason(parser: CommandParser) -> None:
    parser.add_argument("--reason", required=True, help="one sentence for the audit log")


def rollout_of(options: dict[str, Any]) -> Rollout:
    """The rollout of the repository that is not over; NotPossible where there is none."""
    repository = scripts.repository_named(options["repository"])
    rows = Rollout.objects.filter(repository=repository).select_related("plan", "repository")
    found = rows.exclude(state=Rollout.State.FINISHED).first()
    if found is None:
        raise NotPossible(f"{repository} has no rollout; begin one with “manage.py rollout start --on <day 1>”.")
    return found


def person(options: dict[str, Any]) -> str:
    """A rule's name is refused: what rules may do without a confirmation, no person may."""
    name: str = options["by"].strip() or getpass.getuser()
    record.need_person(name, "A command")
    return name


def moment(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def gate_facts(gate: Gate) -> dict[str, Any]:
    return {
        "gate": gate.slug,
        "id": gate.pk,
        "state": gate.state,
        "verdict": gate.verdict,
        "decision": gate.decision,
        "asked_by": gate.asked_by,
        "asked_at": moment(gate.asked_at),
        "brought_forward": gate.brought_forward,
        "insufficient": gate.insufficient,
        "evidence_hash": gate.evidence_hash,
        "signatures": [{"role": row.role, "by": row.by, "at": moment(row.at)} for row in gate.signatures.all()],
        "evidence": gate.evidence,
    }


def hold_facts(hold: Hold) -> dict[str, Any]:
    return {
        "hold": hold.pk,
        "operation": hold.operation,
        "step": hold.step,
        "by": hold.by,
        "reason": hold.reason,
        "at": moment(hold.at),
        "released_at": moment(hold.released_at),
    }


def rollback_facts(rollback: Rollback) -> dict[str, Any]:
    return {
        "rollback": rollback.pk,
        "scope": rollback.step or "everything",
        "drill": rollback.is_drill,
        "state": rollback.state,
        "by": rollback.by,
        "reason": rollback.reason,
        "trigger": rollback.trigger,
        "started_at": moment(rollback.started_at),
        "schedules_off_at": moment(rollback.schedules_off_at),
        "finished_at": moment(rollback.finished_at),
        "incident": rollback.incident_id,
        "steps": [
            {"name": line.row.name, "state": line.row.state, "detail": line.row.detail}
            for line in rollbacks.saga_lines(rollback)
        ],
    }


def rollback_lines(rollback: Rollback) -> list[str]:
    kind = "Drill" if rollback.is_drill else "Rollback"
    head = f"{kind} {rollback.pk} of {rollback.step or 'everything'}: {rollback.get_state_display()}."
    return [
        head,
        *(
            f"  {line.row.get_state_display():<8} {line.title}: {line.row.detail}"
            for line in rollbacks.saga_lines(rollback)
        ),
    ]
