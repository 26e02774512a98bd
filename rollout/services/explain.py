"""Why a verdict is what it is: in one sentence, and by computing it again from what was seen."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from rollout.domain import criteria, evidence, failures, stored, trigger_rules, wording
from rollout.domain.measures import Reading, Row, Scope, Window
from rollout.domain.plan import Criterion, Source
from rollout.domain.trigger_rules import Rule
from rollout.domain.verdicts import Verdict, fold
from rollout.metrics.base import Question
from rollout.metrics.registry import METRICS
from rollout.metrics.run_rows import from_json
from rollout.models import Evaluation


@dataclass(frozen=True, slots=True)
class Replayed:
    """`same`: verdict and value come out as stored. `changed`: what the rows say differs from what was seen then."""

    verdict: Verdict
    value: float | None
    same: bool
    changed: bool
    note: str


class NotReplayable(ValueError):
    """The evaluation does not hold the rule that it was judged by, or somebody altered it."""


def sentence(evaluation: Evaluation) -> str:
    """The rule, the verdict, the figures, and which rows they come from."""
    title = evaluation.parts.get("text") or evaluation.rule
    on = f" ({evaluation.subject})" if evaluation.subject else ""
    found = wording.counted(len(evaluation.rows), "row")
    between = ""
    if evaluation.window_start and evaluation.window_end:
        span = f"{wording.moment(evaluation.window_start)} and {wording.moment(evaluation.window_end)}"
        between = f" between {span}"
    verdict = evaluation.get_verdict_display()
    reason = _clause(evaluation.reason.rstrip("."))
    since = wording.moment(evaluation.floor)
    return f"“{title}”{on}: {verdict}, because {reason}; from {found}{between}, counted since {since}."


def _clause(reason: str) -> str:
    """A sentence of our own goes on in the middle of another one; names and quotations stay as they are written."""
    return reason[:1].lower() + reason[1:] if reason.startswith(("Nobody ", "There ")) else reason


def replay(evaluation: Evaluation) -> Verdict:
    """The verdict, computed again from the same rows."""
    return replayed(evaluation).verdict


def replayed(evaluation: Evaluation) -> Replayed:
    """The same with what differs today. NotReplayable when rule or evaluation were altered."""
    rule = evaluation.parts.get("rule")
    if not rule or evidence.hash_of(rule) != evaluation.rule_hash:
        raise NotReplayable(f"Evaluation {evaluation.pk} does not hold the rule that it was judged by.")
    is_trigger = "trigger" in rule
    verdict, value = _trigger(evaluation, rule) if is_trigger else _criterion(evaluation, stored.criterion(rule))
    changed = _changed(evaluation, rule)
    same = verdict.value == evaluation.verdict and value == evaluation.value
    note = "Computed again from the same rows: the same verdict."
    if not same:
        note = f"Computed again: {verdict.value}, {value}; stored: {evaluation.verdict}, {evaluation.value}."
    elif changed:
        note += " Some of these rows say something else today."
    return Replayed(verdict, value, same, changed, note)


def _criterion(evaluation: Evaluation, criterion: Criterion) -> tuple[Verdict, float | None]:
    reading = _again(evaluation)
    judged = None
    if criterion.source is not Source.MANUAL:
        judged = criteria.judge(criterion, reading, floor=evaluation.floor, now=evaluation.at).verdict
    found = [judged] if judged is not None else []
    if criterion.source is not Source.AUTOMATIC:
        found.append(Verdict(evaluation.parts["ticked"]))
    return fold(found), reading.value


def _trigger(evaluation: Evaluation, written: dict[str, Any]) -> tuple[Verdict, float | None]:
    rule = stored.rule(written)
    reading = _rate(evaluation, rule) if rule.is_rate and not evaluation.parts.get("error") else _again(evaluation)
    decision = trigger_rules.decide(rule, reading, int(evaluation.parts.get("holds", 0)))
    return decision.verdict, reading.value


def _rate(evaluation: Evaluation, rule: Rule) -> Reading:
    runs = [from_json(fact) for fact in evaluation.parts["facts"]]
    return failures.reading(runs, rule.counting, rule.trigger.window, evaluation.floor, evaluation.at)


def _again(evaluation: Evaluation) -> Reading:
    """The reading of the stored facts."""
    rows = tuple(Row(model, key) for model, key in evaluation.rows)
    newest = evaluation.parts.get("newest")
    reading = Reading(
        value=None,
        n=evaluation.n,
        rows=rows,
        newest=datetime.fromisoformat(newest) if newest else None,
        start=evaluation.window_start,
        end=evaluation.window_end,
        error=evaluation.parts.get("error", ""),
        parts=evaluation.parts,
    )
    if reading.error or evaluation.metric not in METRICS or "facts" not in evaluation.parts:
        return reading
    figure = METRICS[evaluation.metric].again(evaluation.parts["facts"])
    n = reading.n if figure.n is None else figure.n
    return replace(reading, value=figure.value, n=n, parts={**evaluation.parts, **figure.parts})


def _changed(evaluation: Evaluation, rule: dict[str, Any]) -> bool:
    """Whether the rows, read again as they were at that moment, tell something else. Only what is told by rows."""
    facts = evaluation.parts.get("facts")
    if not facts or not evaluation.rows or evaluation.metric not in METRICS:
        return False
    scope = rule.get("trigger", rule)
    asked = Scope(evaluation.rollout.repository_id, evaluation.subject or scope["operation"], scope.get("workflow", ""))
    rows = tuple(Row(model, key) for model, key in evaluation.rows)
    question = Question(asked, Window(**scope["window"]), evaluation.floor, evaluation.at, rows)
    now = METRICS[evaluation.metric].ask(question).parts.get("facts")
    return now is None or not evidence.same(now, facts)
