"""When a gate may be asked, signed and decided."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain import gate_rules
from rollout.domain.gate_rules import Line, Signed
from rollout.domain.verdicts import Verdict

DAY = date(2026, 11, 15)
MET = Line("runs", "At least 4 runs", automatic=True, verdict="pass", sentence="7 runs.")
LINES = st.lists(
    st.builds(
        Line,
        criterion=st.sampled_from("abcdef"),
        text=st.just(""),
        automatic=st.booleans(),
        verdict=st.sampled_from([verdict.value for verdict in Verdict]),
        sentence=st.just(""),
        ignored=st.booleans(),
    ),
    max_size=5,
    unique_by=lambda line: line.criterion,
)


def decide(decision: str = "go", **values: Any) -> str:
    given: dict[str, Any] = {
        "reason": "So.",
        "allowed": ("go", "no_go", "iterate", "hold"),
        "signers": ("devops",),
        "signed": [Signed("devops", "anna", "h1", False)],
        "evidence": "h1",
        "found": Verdict.PASS,
        "insufficient": "",
    }
    return gate_rules.may_decide(decision, **{**given, **values})


@given(LINES)
def test_a_gate_is_askable_exactly_when_every_automatic_criterion_passes(lines: list[Line]) -> None:
    judged = [line for line in lines if line.automatic and not line.ignored]
    asked = gate_rules.may_ask(lines, today=DAY, due=DAY)
    assert (asked == "") is all(line.verdict == "pass" for line in judged)


@given(LINES)
def test_a_breach_is_never_insufficient_evidence(lines: list[Line]) -> None:
    asked = gate_rules.may_ask(lines, today=DAY, due=DAY, insufficient="We accept that.")
    breached = any(line.automatic and not line.ignored and line.verdict == "breach" for line in lines)
    assert (asked == "") is not breached


def test_before_its_day_a_gate_has_to_be_brought_forward() -> None:
    early = date(2026, 11, 12)
    assert "due on 2026-11-15" in gate_rules.may_ask([MET], today=early, due=DAY)
    assert gate_rules.may_ask([MET], today=early, due=DAY, brought_forward="All are here.") == ""


def test_go_needs_a_signature_on_this_very_evidence() -> None:
    assert decide() == ""
    assert decide(evidence="h2") == "Still to sign: devops."
    assert decide(signed=[]) == "Still to sign: devops."


@pytest.mark.parametrize("found", [verdict for verdict in Verdict if verdict is not Verdict.PASS])
def test_go_without_a_pass_needs_everybody_to_sign_that_they_know(found: Verdict) -> None:
    knowing = [Signed("devops", "anna", "h1", True)]
    assert decide(found=found)
    assert decide(found=found, insufficient="Short.")
    expected = found is not Verdict.BREACH
    assert (decide(found=found, insufficient="Short.", signed=knowing) == "") is expected


@pytest.mark.parametrize("decision", ["no_go", "iterate", "hold"])
def test_less_needs_no_signature_but_a_reason(decision: str) -> None:
    assert decide(decision, signed=[], found=Verdict.BREACH) == ""
    assert "needs a reason" in decide(decision, reason=" ")
    assert "can be decided with go" in decide(decision, allowed=("go",))


def test_the_hash_binds_evidence_and_plan_whatever_their_order() -> None:
    lines = gate_rules.as_evidence([MET, replace(MET, criterion="quota")])
    whole = gate_rules.evidence_hash(lines, "plan")
    assert gate_rules.evidence_hash(lines[::-1], "plan") == whole
    assert gate_rules.evidence_hash(lines, "other") != whole
    assert gate_rules.evidence_hash(gate_rules.as_evidence([replace(MET, n=8)]), "plan") != whole


def why_void(present: list[Line], plan: str = "plan") -> str:
    frozen = gate_rules.as_evidence([MET])
    return gate_rules.why_void(frozen, present, stored_hash=gate_rules.evidence_hash(frozen, "plan"), plan_sha256=plan)


def test_new_evidence_with_the_same_verdict_lets_the_signatures_stand() -> None:
    assert why_void([replace(MET, value=9.0, n=9, evaluation=77)]) == ""


def test_another_verdict_answer_criterion_or_plan_voids_them() -> None:
    assert why_void([replace(MET, verdict="breach")]) == "The evidence changed: runs was met and is not met."
    assert why_void([replace(MET, tick=4)]) == "The evidence changed: runs was answered again."
    assert why_void([]) == "The criteria of the gate changed."
    assert why_void([MET], plan="other") == "The plan or the frozen evidence changed."


def test_a_gate_without_criteria_is_peoples_to_judge() -> None:
    assert gate_rules.verdict([]) is Verdict.PASS
    assert gate_rules.verdict([replace(MET, ignored=True)]) is Verdict.INCONCLUSIVE
