"""Measures a criterion, judges it and keeps that, once for the same evidence."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from pipeline.models import Run
from rollout.domain import criteria, evidence, stored
from rollout.domain.measures import Reading, Row, Scope
from rollout.domain.plan import Criterion, Source
from rollout.domain.verdicts import Verdict, fold
from rollout.metrics.registry import UnknownMetric, metric
from rollout.models import Evaluation, Rollout, Tick
from rollout.services import evidence_floors, plans

LEFT_OUT = "left_out"  # in `parts`: the verdict does not count in a fold, because the rule says so of missing data


def evaluate(
    rollout: Rollout, criterion: Criterion, *, now: datetime, run: Run | None = None, floor: datetime | None = None
) -> Evaluation:
    """The verdict of a criterion now. With the same evidence as before this is the same row, and nothing is written."""
    since = floor or evidence_floors.of_criterion(rollout, criterion, plans.plan_of(rollout.plan))
    reading = Reading(value=None, n=0)
    judged = criteria.Judgement(None, "")
    if criterion.metric:
        reading = _read(rollout, criterion, since, now)
        judged = criteria.judge(criterion, reading, floor=since, now=now)
    if criterion.source is not Source.AUTOMATIC:
        reading, judged = _with_tick(rollout, criterion, since, reading, judged)
    row = drawn(
        rollout,
        rule=stored.written(criterion),
        slug=criterion.slug,
        metric=criterion.metric,
        reading=reading,
        verdict=judged.verdict,
        reason=judged.reason,
        floor=since,
        now=now,
        run=run,
    )
    row.comparator, row.threshold = criterion.comparator, criterion.threshold
    row.parts |= {"text": criterion.text, "unit": criterion.unit.value, "source": criterion.source.value}
    return keep(row)


def latest(rollout: Rollout, slug: str, subject: str = "") -> Evaluation | None:
    """The newest evaluation of a rule."""
    return Evaluation.objects.filter(rollout=rollout, rule=slug, subject=subject).order_by("-id").first()


def counts(evaluation: Evaluation) -> bool:
    """Whether the verdict takes part in a fold."""
    return not evaluation.parts.get(LEFT_OUT, False)


def _read(rollout: Rollout, criterion: Criterion, since: datetime, now: datetime) -> Reading:
    scope = Scope(rollout.repository_id, criterion.operation, criterion.workflow)
    try:
        return metric(criterion.metric).read(scope, criterion.window, since, now)
    except UnknownMetric as unknown:
        return Reading(value=None, n=0, error=str(unknown))


def _with_tick(
    rollout: Rollout, criterion: Criterion, since: datetime, reading: Reading, measured: criteria.Judgement
) -> tuple[Reading, criteria.Judgement]:
    """A person's newest answer, with what was measured beside it; where both are asked for, the worse of the two."""
    tick = Tick.objects.filter(rollout=rollout, criterion=criterion.slug).order_by("-id").first()
    ticked = _tick_verdict(tick, since)
    told = _told(tick, ticked)
    rows = (*reading.rows, *((Row("rollout.tick", tick.pk),) if tick else ()))
    reading = replace(reading, rows=rows, parts={**reading.parts, "ticked": ticked.value, "told": told})
    if criterion.source is Source.MANUAL:
        if reading.value is not None:
            return reading, criteria.Judgement(ticked, f"{told} Measured: {measured.reason}")
        n = 1 if tick is not None else 0
        at = tick.at if tick is not None else None
        return replace(reading, n=n, newest=at, start=at, end=at), criteria.Judgement(ticked, told)
    if measured.verdict is None:
        return reading, criteria.Judgement(ticked, f"{told} {measured.reason}")
    return reading, criteria.Judgement(fold([ticked, measured.verdict]), f"{measured.reason} {told}")


def _tick_verdict(tick: Tick | None, since: datetime) -> Verdict:
    if tick is None:
        return Verdict.INCONCLUSIVE
    if tick.at < since:
        return Verdict.STALE
    return Verdict.PASS if tick.met else Verdict.BREACH


def _told(tick: Tick | None, verdict: Verdict) -> str:
    if tick is None:
        return "Nobody has answered it yet."
    answered = "met" if tick.met else "not met"
    old = ", before evidence counts; it has to be answered again" if verdict is Verdict.STALE else ""
    return f"{tick.by} says it is {answered}: {tick.note.strip()[:200].rstrip('.')}{old}."


def drawn(
    rollout: Rollout,
    *,
    rule: dict[str, Any],
    slug: str,
    metric: str,
    reading: Reading,
    verdict: Verdict | None,
    reason: str,
    floor: datetime,
    now: datetime,
    subject: str = "",
    run: Run | None = None,
) -> Evaluation:
    """An evaluation as a row, not saved yet; its key is that of its evidence."""
    rule_hash = evidence.hash_of(rule)
    shown = verdict or Verdict.INCONCLUSIVE
    parts = {**reading.parts, "rule": rule, "pieces": len(reading.rows)}
    if verdict is None:
        parts[LEFT_OUT] = True
    if reading.error:
        parts["error"] = reading.error
    if reading.newest is not None:
        parts["newest"] = reading.newest.isoformat()
    return Evaluation(
        rollout=rollout,
        key=evidence.key(rule_hash, subject, shown.value, reading),
        rule=slug,
        rule_hash=rule_hash,
        subject=subject,
        metric=metric,
        verdict=shown.value,
        value=reading.value,
        n=reading.n,
        floor=floor,
        window_start=reading.start,
        window_end=reading.end,
        rows=[[row.model, row.id] for row in reading.rows],
        parts=parts,
        reason=reason[:500],
        at=now,
        run=run,
    )


def keep(row: Evaluation) -> Evaluation:
    """Save it, unless the newest of the rule has the same evidence; then that one."""
    last = latest(row.rollout, row.rule, row.subject)
    if last is not None and last.parts.get("evidence", last.key) == row.key:
        return last
    if Evaluation.objects.filter(rollout=row.rollout, key=row.key).exists():
        # Evidence that was there before and came back: a row of its own, so that the newest tells what holds now.
        row.parts["evidence"] = row.key
        row.key = hashlib.sha256(f"{row.key} after {last.pk if last else 0}".encode()).hexdigest()
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        return Evaluation.objects.get(rollout=row.rollout, key=row.key)  # somebody kept the same a moment before
    return row
