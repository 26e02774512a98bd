"""A person's answer to a criterion that no metric can judge alone (the plan's manual checkboxes)."""

from __future__ import annotations

from django.db import transaction

from pipeline import clock
from pipeline.services import audit
from pipeline.services.operations import NotPossible
from rollout.domain.plan import Criterion, Source
from rollout.models import Gate, Rollout, Tick
from rollout.services import evaluation, gate_evidence, plans, record


def answer(rollout: Rollout, slug: str, *, met: bool, note: str, by: str, link: str = "") -> Tick:
    """Keep the answer, judge the criterion anew, and void gates that were asked on another answer."""
    record.need_person(by, "Answering a criterion")
    if not note.strip():
        raise NotPossible("An answer needs a note: what you looked at, and what you found. Nothing was changed.")
    criterion = _criterion(rollout, slug)
    now = clock.now()
    with transaction.atomic():
        tick = Tick.objects.create(
            rollout=rollout, criterion=slug, met=met, note=note.strip(), link=link.strip(), by=by, at=now
        )
        audit.append(
            actor=by,
            action="criterion.answered",
            subject=f"{slug} of {rollout}"[:200],
            reason=note,
            after={"met": met, "link": link.strip()},
            evidence={"tick": tick.pk},
        )
    evaluation.evaluate(rollout, criterion, now=now)
    for gate in rollout.gates.filter(state=Gate.State.ASKED).select_related("rollout__plan"):
        gate_evidence.void_if_changed(gate)
    return tick


def _criterion(rollout: Rollout, slug: str) -> Criterion:
    found = next((each for each in plans.plan_of(rollout.plan).every_criterion() if each.slug == slug), None)
    if found is None:
        raise NotPossible(f"The plan has no criterion {slug!r}; nothing was changed.")
    if found.source is Source.AUTOMATIC:
        raise NotPossible(f"The criterion {slug!r} is measured; only its metric answers it. Nothing was changed.")
    return found
