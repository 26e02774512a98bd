"""Samples: thresholds that a sample of that size can never show, or shows only when it is perfect."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import NormalDist

from rollout.domain.linter_findings import Finding, Severity, percent
from rollout.domain.linter_time import judged
from rollout.domain.linter_timeline import Case
from rollout.domain.plan import Criterion, Plan, RubricLine
from rollout.domain.statistics import wilson

_Z = NormalDist().inv_cdf(0.975)


def hits_needed(threshold: float, n: int, comparator: str = ">") -> int:
    """The fewest hits among `n` whose share is above (or at) the threshold; more than `n` where none is."""
    exact = threshold * n
    whole = round(exact) if abs(exact - round(exact)) < 1e-9 else None
    if comparator == ">":
        return (whole if whole is not None else math.floor(exact)) + 1
    return whole if whole is not None else math.ceil(exact)


def sample_needed(threshold: float) -> int:
    """How many hits without a miss put the 95 % interval (Wilson) above the threshold."""
    n = math.ceil(_Z * _Z * threshold / (1 - threshold)) if threshold < 1 else 0
    while n and (interval := wilson(n, n)) is not None and interval.low <= threshold:
        n += 1
    return n


def size(plan: Plan) -> int:
    """Issues in a week's sample; 0 where the plan draws none."""
    found = plan.sampling.get("issues_per_week", 0)
    return found if isinstance(found, int) and not isinstance(found, bool) else 0


def rubric(case: Case) -> Iterator[Finding]:
    """Targets of the rubric that only a perfect sample meets."""
    plan = case.plan
    n = size(plan)
    perfect = [line for line in plan.rubric if n and 0 < line.target < 1 and hits_needed(line.target, n) >= n]
    if not perfect:
        return
    low = getattr(wilson(n, n), "low", 0.0)
    strictest = max(line.target for line in perfect)
    yield Finding(
        rule="sample_rubric",
        severity=Severity.CONTRADICTION,
        where=_where(plan),
        sentence=(
            f"{len(perfect)} of {len(plan.rubric)} rubric targets can be met by {n} sampled issues only if all {n} are "
            f"perfect, and even {n} of {n} shows no more than {percent(low)} (95 % interval)."
        ),
        arithmetic=(
            *(_rubric_line(line, n) for line in perfect),
            f"if the true share is {percent(strictest)}, all {n} pass with {percent(strictest**n)}: good work fails in "
            f"{percent(1 - strictest**n)} of weeks",
            f"to show >{percent(strictest)} takes {sample_needed(strictest)} issues without a miss",
        ),
        suggestion=(
            f"Pool weeks until {sample_needed(strictest)} issues were reviewed, or sample {sample_needed(strictest)} a "
            f"week, or set targets that {n} issues can show, such as ≥ {percent((n - 1) / n)}."
        ),
        figures={
            "sample": n,
            "lines": len(perfect),
            "lower_bound": low,
            "needed": sample_needed(strictest),
            "false_alarm": 1 - strictest**n,
        },
    )


def _rubric_line(line: RubricLine, n: int) -> str:
    return f"{line.text} >{percent(line.target)}: {n - 1}/{n} = {percent((n - 1) / n)} fails, only {n}/{n} passes"


def scores(case: Case) -> Iterator[Finding]:
    """Criteria on the sampled metric that the week's sample shows only when it is perfect, or can never show."""
    plan = case.plan
    n = size(plan)
    metric = plan.sampling.get("metric", "")
    rules = [rule for rule in plan.every_criterion() if n and rule.metric == metric and rule.comparator in (">", ">=")]
    hard = [rule for rule in rules if hits_needed(rule.threshold, n, rule.comparator) >= n]
    if hard:
        yield _scores(plan, hard, n)
    starved = [rule for rule in rules if rule.minimum_sample > n * _weeks(plan, rule)]
    for rule in starved:
        yield _never_enough(rule, n, _weeks(plan, rule))


def _scores(plan: Plan, hard: list[Criterion], n: int) -> Finding:
    top = max(rule.threshold for rule in hard)
    low = getattr(wilson(n, n), "low", 0.0)
    signs = ", ".join(f"{rule.slug} ({rule.comparator}{percent(rule.threshold)})" for rule in hard)
    return Finding(
        rule="sample_score",
        severity=Severity.CONTRADICTION,
        where=tuple(dict.fromkeys(where for phase in plan.phases for r, _, where in judged(phase) if r in hard)),
        sentence=(
            f"A sample of {n} issues passes {signs} only if all {n} are good: {n - 1} of {n} is {percent((n - 1) / n)}."
        ),
        arithmetic=(
            f"needed: {hits_needed(top, n)} of {n}",
            f"{n}/{n} has a 95 % interval from {percent(low)}: the claim itself is never shown",
            f"if the true share is {percent(top)}, the sample fails with 1 − {top:g}^{n} = {percent(1 - top**n)}",
        ),
        suggestion=f"Ask for ≥ {percent((n - 1) / n)}, or review {sample_needed(top)} issues before judging.",
        figures={"sample": n, "threshold": top, "lower_bound": low, "needed": sample_needed(top)},
    )


def _never_enough(rule: Criterion, n: int, weeks: int) -> Finding:
    return Finding(
        rule="sample_size",
        severity=Severity.CONTRADICTION,
        where=(rule.slug,),
        sentence=(
            f"{rule.slug} wants at least {rule.minimum_sample} reviewed issues; {n} a week give {n * weeks} by then."
        ),
        arithmetic=(f"{n} × {weeks} weeks = {n * weeks} < {rule.minimum_sample}",),
        suggestion=f"Sample {math.ceil(rule.minimum_sample / max(weeks, 1))} issues a week, or ask for fewer.",
        figures={"sample": n, "weeks": weeks, "minimum": rule.minimum_sample},
    )


def _weeks(plan: Plan, rule: Criterion) -> int:
    """Whole weeks of the rollout that have begun when the criterion is judged; a sample drawn earlier is one."""
    days = [day for phase in plan.phases for found, day, _ in judged(phase) if found == rule]
    return max(1, math.ceil(max(days, default=1) / 7))


def weights(case: Case) -> Iterator[Finding]:
    """Guidance that meets every target of the rubric and still fails the score that is asked for."""
    plan = case.plan
    if not plan.rubric:
        return
    total = sum(line.weight * line.target for line in plan.rubric)
    metric = plan.sampling.get("metric", "")
    for rule in plan.every_criterion():
        if rule.metric == metric and rule.comparator in (">", ">=") and total < rule.threshold:
            shares = " + ".join(f"{percent(line.weight)} × {percent(line.target)}" for line in plan.rubric)
            yield Finding(
                rule="weights",
                severity=Severity.CONTRADICTION,
                where=_where(plan),
                sentence=(
                    f"Guidance that meets every target of the rubric scores {percent(total)}, and {rule.slug} asks for "
                    f"{percent(rule.threshold)}."
                ),
                arithmetic=(f"{shares} = {percent(total)}",),
                suggestion=f"Raise the targets, or ask for {percent(total)}.",
                figures={"score": total, "threshold": rule.threshold},
            )


def _where(plan: Plan) -> tuple[str, ...]:
    step = plan.sampling.get("step")
    return (step,) if isinstance(step, str) else ()
