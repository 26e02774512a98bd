"""When a gate may be asked, signed and decided. Each rule answers with one sentence, or with "" when it is met."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date

from rollout.domain.verdicts import Verdict, fold, grows

GO = "go"
WORDS = {
    Verdict.BREACH: "not met",
    Verdict.ERROR: "could not be measured",
    Verdict.STALE: "nothing new",
    Verdict.INCONCLUSIVE: "not enough data",
    Verdict.PASS: "met",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One criterion of a gate as it was judged. `evaluation` and `tick` are row ids, 0 where there is none.

    `ignored`: the criterion has no data and says that this is to be left out.
    """

    criterion: str
    text: str
    automatic: bool
    verdict: str
    sentence: str
    value: float | None = None
    n: int = 0
    evaluation: int = 0
    tick: int = 0
    ignored: bool = False


@dataclass(frozen=True, slots=True)
class Signed:
    role: str
    by: str
    evidence_hash: str
    on_insufficient: bool


def same_person(one: str, other: str) -> bool:
    """User names that differ only in case are one person: who holds a role is found so too."""
    return one.casefold() == other.casefold()


def evidence_hash(lines: Sequence[Mapping[str, object]], plan_sha256: str) -> str:
    """Binds a signature to the evidence that the signer saw and to the plan."""
    facts = [sorted(lines, key=lambda line: str(line["criterion"])), plan_sha256]
    return hashlib.sha256(json.dumps(facts, sort_keys=True, ensure_ascii=True, default=str).encode()).hexdigest()


def as_evidence(lines: Sequence[Line]) -> list[dict[str, object]]:
    """The lines as they are frozen with the gate."""
    return [asdict(line) for line in lines]


def verdict(lines: Sequence[Line]) -> Verdict:
    """A gate without criteria shows nothing by itself, and is people's to judge: it passes on their signatures."""
    judged = [Verdict(line.verdict) for line in lines if not line.ignored]
    return fold(judged) if lines else Verdict.PASS


def may_ask(lines: Sequence[Line], *, today: date, due: date, brought_forward: str = "", insufficient: str = "") -> str:
    """Whether the automatic criteria allow the question today."""
    if today < due and not brought_forward.strip():
        return f"This gate is due on {due}; bring it forward with a reason, or ask on that day."
    automatic = [line for line in lines if line.automatic and not line.ignored]
    breached = [line.criterion for line in automatic if line.verdict == Verdict.BREACH]
    if breached:
        return f"Not met: {', '.join(breached)}; iterate, hold, or wait until they are."
    open_ = [line.criterion for line in automatic if not grows(Verdict(line.verdict))]
    if open_ and not insufficient.strip():
        return (
            f"Not shown yet: {', '.join(open_)}; wait for evidence, or ask to proceed on insufficient evidence with "
            "a reason that every signer signs."
        )
    return ""


def may_sign(
    *,
    asked_by: str,
    signers: Collection[str],
    signed: Sequence[Signed],
    role: str,
    by: str,
    holds_role: bool,
    insufficient: bool,
    on_insufficient: bool,
) -> str:
    """Whether `by` may sign for `role`: named by the plan, not the asker, each role and person once."""
    if role not in signers:
        return f"The plan asks {', '.join(signers)} to sign this gate, not {role!r}."
    if same_person(by, asked_by):
        return f"{by} asked for this gate and cannot sign it; another person of the role has to."
    if not holds_role:
        return f"{by} does not hold the role {role}; enter them as a holder of it first."
    mine = next((line for line in signed if role == line.role), None)
    if mine is not None:
        return f"{role} has signed already ({mine.by}); a gate is signed once per role."
    if any(same_person(line.by, by) for line in signed):
        return f"{by} has signed already for another role; a person signs a gate once."
    if insufficient and not on_insufficient:
        return "The evidence is not sufficient; sign that you know, or do not sign."
    return ""


def may_decide(
    decision: str,
    *,
    reason: str,
    allowed: Collection[str],
    signers: Collection[str],
    signed: Sequence[Signed],
    evidence: str,
    found: Verdict,
    insufficient: str,
) -> str:
    """Only "go" needs all signatures and a PASS, or the signed decision to proceed without one."""
    if decision not in allowed:
        return f"This gate can be decided with {', '.join(allowed)}, not {decision!r}."
    if not reason.strip():
        return "A decision needs a reason; write one sentence."
    if decision != GO:
        return ""
    if found is Verdict.BREACH:
        return "A criterion is not met, so the decision cannot be go; iterate or hold."
    if not grows(found) and not insufficient:
        return f"Not every criterion is met ({WORDS[found]}); ask again to proceed on insufficient evidence, or wait."
    valid = {line.role for line in signed if line.evidence_hash == evidence and (line.on_insufficient or grows(found))}
    missing = [role for role in signers if role not in valid]
    if missing:
        return f"Still to sign: {', '.join(missing)}."
    return ""


def why_void(
    frozen: Sequence[Mapping[str, object]],
    present: Sequence[Line],
    *,
    stored_hash: str,
    plan_sha256: str,
) -> str:
    """Why the signatures no longer stand. New evidence with the same verdict is not a change; another verdict is."""
    if evidence_hash(frozen, plan_sha256) != stored_hash:
        return "The plan or the frozen evidence changed."
    before = {str(line["criterion"]): line for line in frozen}
    now = {line.criterion: line for line in present}
    if set(before) != set(now):
        return "The criteria of the gate changed."
    changed = [slug for slug, line in now.items() if line.verdict != before[slug]["verdict"]]
    if changed:
        first = now[changed[0]]
        was = WORDS[Verdict(str(before[first.criterion]["verdict"]))]
        return f"The evidence changed: {first.criterion} was {was} and is {WORDS[Verdict(first.verdict)]}."
    ticked = [slug for slug, line in now.items() if line.tick != before[slug]["tick"]]
    return f"The evidence changed: {ticked[0]} was answered again." if ticked else ""
