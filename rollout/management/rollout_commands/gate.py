"""Ask for a gate, sign it for a role, decide it, withdraw it, or show where the gates stand."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from pipeline import clock
from pipeline.services import scripts
from pipeline.services.operations import NotPossible
from rollout.management.rollout_commands._port import Output
from rollout.management.rollout_commands._rollouts import add_way, gate_facts, person, rollout_of
from rollout.models import Gate, Rollout
from rollout.services import gates
from rollout.views import rooms


def add_arguments(parser: CommandParser) -> None:
    ways = parser.add_subparsers(dest="gate_way", required=True, metavar="what")
    add_way(ways, "list", "where every gate stands")
    ask = add_way(ways, "ask", "put the question, with the evidence as it is now")
    ask.add_argument("gate")
    ask.add_argument("--brought-forward", default="", metavar="WHY", help="why it is asked before its day")
    ask.add_argument("--insufficient", default="", metavar="WHY", help="why to proceed on insufficient evidence")
    sign = add_way(ways, "sign", "sign the gate that is being asked, for a role that you hold")
    sign.add_argument("gate")
    sign.add_argument("--role", required=True)
    sign.add_argument("--note", default="")
    sign.add_argument("--on-insufficient", action="store_true", help="you know that the evidence is not sufficient")
    for name, words in (("decide", "decide the gate that is being asked"), ("withdraw", "take the question back")):
        way = add_way(ways, name, words)
        way.add_argument("gate")
        if name == "decide":
            way.add_argument("decision", choices=[value for value in Gate.Decision.values if value])
        way.add_argument("--reason", required=True)


def handle(command: Output, options: dict[str, Any]) -> int:
    rollout = rollout_of(options)
    if options["gate_way"] == "list":
        _list(command, rollout)
        return scripts.OK
    gate = WAYS[options["gate_way"]](rollout, options)
    command.say(
        gate_facts(gate), [f"Gate {gate.slug}: {gate.get_state_display()}, evidence {gate.verdict}.", *_who(gate)]
    )
    return scripts.OK


def _ask(rollout: Rollout, options: dict[str, Any]) -> Gate:
    return gates.ask(
        rollout,
        options["gate"],
        by=person(options),
        brought_forward=options["brought_forward"],
        insufficient=options["insufficient"],
    )


def _sign(rollout: Rollout, options: dict[str, Any]) -> Gate:
    gate = _asked(rollout, options["gate"])
    gates.sign(
        gate,
        role=options["role"],
        by=person(options),
        note=options["note"],
        on_insufficient=options["on_insufficient"],
    )
    return gate


def _decide(rollout: Rollout, options: dict[str, Any]) -> Gate:
    gate = _asked(rollout, options["gate"])
    return gates.decide(gate, options["decision"], by=person(options), reason=options["reason"])


def _withdraw(rollout: Rollout, options: dict[str, Any]) -> Gate:
    return gates.withdraw(_asked(rollout, options["gate"]), by=person(options), reason=options["reason"])


WAYS = {"ask": _ask, "sign": _sign, "decide": _decide, "withdraw": _withdraw}


def _asked(rollout: Rollout, slug: str) -> Gate:
    found = Gate.objects.filter(rollout=rollout, slug=slug, state=Gate.State.ASKED).first()
    if found is None:
        raise NotPossible(f"The gate {slug!r} is not being asked; ask it first. Nothing was changed.")
    return found


def _who(gate: Gate) -> list[str]:
    return [f"  signed as {row.role} by {row.by}" for row in gate.signatures.all()]


def _list(command: Output, rollout: Rollout) -> None:
    found = rooms.rooms(rollout, clock.now())
    facts = [
        {
            "gate": room.gate.slug,
            "phase": room.phase.slug,
            "due": room.due.isoformat() if room.due else None,
            "question": room.gate.question,
            "signers": list(room.gate.signers),
            "passed": room.passed,
            "why_not": room.refusal,
            "asked": [gate_facts(row) for row in room.rows],
        }
        for room in found
    ]
    lines = [
        f"{room.gate.slug:<18} {room.due or '-'}  {room.gate.question} {room.refusal or 'It can be asked.'}"
        for room in found
    ]
    command.say(facts, lines)
