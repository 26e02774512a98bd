"""`rollout explain`: one sentence with figures and rows."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rollout.models import Evaluation, Rollout
from rollout.services import ticks
from tests.rollout.admin.world import LEAD
from tests.rollout.management.conftest import Call


@pytest.fixture
def judged(rollout: Rollout) -> Evaluation:
    ticks.answer(rollout, "rehearsal-executed", met=True, note="The log shows it.", by=LEAD)
    return Evaluation.objects.get(rule="rehearsal-executed")


def test_explain_says_verdict_and_reason(judged: Evaluation, said: Callable[..., str]) -> None:
    text = said("explain", "rehearsal-executed")

    assert "Live rehearsal executed successfully" in text
    assert "lea says it is met: The log shows it" in text


def test_explain_by_number_gives_the_rows(judged: Evaluation, call: Call) -> None:
    code, facts = call("explain", str(judged.pk))

    assert (code, facts[0]["verdict"], facts[0]["rows"][0][0]) == (0, "pass", "rollout.tick")


def test_explain_of_nothing_says_so(rollout: Rollout, call: Call) -> None:
    code, facts = call("explain", "no-such-rule")

    assert (code, "no evaluation of 'no-such-rule'" in facts["error"]) == (2, True)
