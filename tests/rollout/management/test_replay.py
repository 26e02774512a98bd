"""`rollout replay`: the same rows give the same verdict; another verdict ends with 1."""

from __future__ import annotations

from rollout.models import Evaluation, Rollout
from rollout.services import ticks
from tests.rollout.admin.world import LEAD
from tests.rollout.management.conftest import Call


def test_replay_gives_the_same_verdict(rollout: Rollout, call: Call) -> None:
    ticks.answer(rollout, "rehearsal-executed", met=True, note="The log shows it.", by=LEAD)

    code, facts = call("replay", "rehearsal-executed")

    assert (code, facts[0]["was"], facts[0]["is"], facts[0]["same"]) == (0, "pass", "pass", True)


def test_replay_shows_an_altered_verdict(rollout: Rollout, call: Call) -> None:
    ticks.answer(rollout, "rehearsal-executed", met=False, note="It was not run.", by=LEAD)
    Evaluation.objects.filter(rule="rehearsal-executed").update(verdict="pass")

    code, facts = call("replay", "rehearsal-executed")

    assert (code, facts[0]["same"]) == (1, False)
