"""`rollout gate`: ask, sign, decide, withdraw; the same rules as on the page."""

from __future__ import annotations

import pytest

from rollout.models import Gate, Rollout
from rollout.services import plans, ticks
from tests.rollout.admin.world import LEAD, SIGNERS, holders
from tests.rollout.management.conftest import Call

SLUG = "rehearsal-sign-off"


@pytest.fixture
def answered(rollout: Rollout) -> Rollout:
    for criterion in plans.plan_of(rollout.plan).phases[0].gate.criteria:
        ticks.answer(rollout, criterion.slug, met=True, note="It was seen.", by=LEAD)
    holders(rollout)
    return rollout


def test_gate_is_asked_signed_and_decided(answered: Rollout, call: Call) -> None:
    code, asked = call("gate", "ask", SLUG, "--by", LEAD)
    signed = [call("gate", "sign", SLUG, "--role", role, "--by", f"signs-{role}")[0] for role in SIGNERS]
    decided, facts = call("gate", "decide", SLUG, "go", "--reason", "All is well.", "--by", LEAD)

    assert (code, asked["verdict"], decided, set(signed)) == (0, "pass", 0, {0})
    assert (facts["state"], facts["decision"]) == ("decided", "go")
    assert len(facts["signatures"]) == len(SIGNERS)


def test_asker_cannot_sign_and_go_needs_every_signature(answered: Rollout, call: Call) -> None:
    call("gate", "ask", SLUG, "--by", f"signs-{SIGNERS[0]}")

    mine, why = call("gate", "sign", SLUG, "--role", SIGNERS[0], "--by", f"signs-{SIGNERS[0]}")
    early, missing = call("gate", "decide", SLUG, "go", "--reason", "Now.", "--by", LEAD)

    assert (mine, "cannot sign it" in why["error"]) == (2, True)
    assert (early, "Still to sign" in missing["error"]) == (2, True)
    assert Gate.objects.get().state == "asked"


def test_unmet_gate_is_not_asked(rollout: Rollout, call: Call) -> None:
    code, facts = call("gate", "sign", SLUG, "--role", SIGNERS[0], "--by", LEAD)

    assert (code, "is not being asked" in facts["error"]) == (2, True)


def test_list_says_which_gate_can_be_asked(rollout: Rollout, call: Call) -> None:
    _, facts = call("gate", "list")

    assert [row["gate"] for row in facts][:2] == [SLUG, "day-7"]
    assert (facts[0]["why_not"], facts[1]["why_not"]) == ("", "Its phase is not in force.")


def test_withdrawn_gate_can_be_asked_again(answered: Rollout, call: Call) -> None:
    call("gate", "ask", SLUG, "--by", LEAD)

    code, facts = call("gate", "withdraw", SLUG, "--reason", "Too early.", "--by", LEAD)

    assert (code, facts["state"]) == (0, "withdrawn")
    assert call("gate", "ask", SLUG, "--by", LEAD)[0] == 0
