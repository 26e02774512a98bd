"""Copilot: what became of hand-overs, judged only when they are old enough; the others are pending."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

from django.db.models import QuerySet

from pipeline.models import Effect, Handover, Run
from rollout.domain.completion import QUANTILES, SEVEN_DAYS, TWO_DAYS, Case, Try, cases_of, observation
from rollout.domain.measures import Unit
from rollout.domain.survival import Curve, Observation, kaplan_meier
from rollout.metrics import reducing, run_rows
from rollout.metrics.base import MOST_ROWS, Collect, Figure, Measured, Question, Reduce, Sample, names, rows_of

LOW = 0.5  # plan, manual rollback: completion below 50 %
JUDGED_DAYS = 14  # how far back days are counted
SCAFFOLD = ("create_branch", "open_pull")
# Spans by which completion can be measured; the plan asks for 48 hours and 7 days, its overrides may ask for others.
SPANS = {
    "copilot_completion_24h": (timedelta(hours=24), "24 hours"),
    "copilot_completion_48h": (TWO_DAYS, "48 hours"),
    "copilot_completion_72h": (timedelta(hours=72), "72 hours"),
    "copilot_completion_7d": (SEVEN_DAYS, "7 days"),
    "copilot_completion_14d": (timedelta(days=14), "14 days"),
}
_COLUMNS = (
    "pk", "issue", "requested_at", "outcome", "blocker", "evidence__blockers", "ended_at", "issue__closed_at",
    "issue__workflow__slug", "issue__specialist__slug",
)  # fmt: skip


_READ: ContextVar[dict[Question, list[Case]] | None] = ContextVar("cases", default=None)


@contextmanager
def read_once() -> Iterator[None]:
    """Inside, many metrics that ask the same question read its cases once; for a page that shows them all."""
    token = _READ.set({})
    try:
        yield
    finally:
        _READ.reset(token)


def cases(question: Question) -> list[Case]:
    """What was handed over in the window, one per issue, oldest first; a case begins with its first hand-over.

    Those that we took back ourselves are among them (`standing` leaves them out).
    """
    known = _READ.get()
    if known is None:
        return _cases(question)
    if question not in known:
        known[question] = _cases(question)
    return known[question]


def _cases(question: Question) -> list[Case]:
    rows = Handover.objects.filter(issue__repository=question.scope.repository_id, requested_at__lte=question.now)
    if question.scope.workflow:
        rows = rows.filter(issue__workflow__slug=question.scope.workflow)
    if question.rows is not None:
        return cases_of(_tries(question.only(rows)), question.now)
    newest = rows.filter(requested_at__gte=question.start).order_by("-requested_at")
    issues = set(newest.values_list("issue", flat=True)[:MOST_ROWS])
    # All their hand-overs, also earlier ones: a repeat in the window of what was lost before it is no new case.
    found = cases_of(_tries(rows.filter(issue__in=issues)), question.now)
    return [case for case in found if case.requested_at >= question.start]


def _tries(rows: QuerySet[Handover]) -> list[Try]:
    return [_try(row) for row in rows.order_by("-requested_at").values_list(*_COLUMNS)[: 2 * MOST_ROWS]]


def _try(row: Any) -> Try:
    key, issue, requested_at, outcome, blocker, met, ended_at, closed_at, workflow, specialist = row
    blockers = tuple(map(str, met)) if isinstance(met, list) else ()
    return Try(
        key, issue, requested_at, outcome, blocker, blockers, ended_at, closed_at, workflow or "", specialist or ""
    )


def standing(question: Question) -> list[Case]:
    """The cases without those that we took back ourselves."""
    return [case for case in cases(question) if case.withdrawn_at is None]


def _within(span: timedelta) -> Collect:
    def collect(question: Question) -> Sample:
        found = standing(_reaching_back(question, span))
        old = [case for case in found if case.is_old_enough(span, question.now)]
        facts = [int(case.is_within(span)) for case in old]
        return _sample(old, facts, span, pending=len(found) - len(old))

    return collect


def _reaching_back(question: Question, span: timedelta) -> Question:
    """A window of hours means cohorts that came of age in it, so it begins earlier by the age asked for."""
    if question.window.hours is None or question.rows is not None:
        return question
    window = type(question.window)(hours=question.window.hours + span.total_seconds() / 3600)
    return Question(question.scope, window, question.floor, question.now)


def _sample(found: Sequence[Case], facts: Sequence[Any], span: timedelta, **parts: Any) -> Sample:
    return Sample(
        facts=facts,
        rows=rows_of(Handover, (key for case in found for key in case.keys)),
        newest=max((case.requested_at + span for case in found), default=None),
        start=min((case.requested_at for case in found), default=None),
        end=max((case.requested_at for case in found), default=None),
        parts=parts,
    )


def _completed(question: Question) -> Sample:
    """1 where the issue is completed by now, of the cases that have had 7 days."""
    found = standing(question)
    old = [case for case in found if case.is_old_enough(SEVEN_DAYS, question.now)]
    facts = [int(case.completed_at is not None) for case in old]
    return _sample(old, facts, SEVEN_DAYS, pending=len(found) - len(old))


def _blocked(question: Question) -> Sample:
    """1 where something stood in the way at any time, so that a person had to act."""
    found = standing(question)
    return _sample(found, [int(bool(case.blockers)) for case in found], timedelta(0))


def _times(question: Question) -> Sample:
    """Facts: [seconds, completed]; those still open and those taken back are censored."""
    found = cases(question)
    seen = [observation(case, question.now) for case in found]
    return _sample(found, [[one.time, one.happened] for one in seen], timedelta(0))


def _curve(facts: Sequence[Any]) -> Curve:
    return kaplan_meier(Observation(float(time), bool(happened)) for time, happened in facts)


def _time_by(share: float) -> Reduce:
    def reduce(facts: Sequence[Any]) -> Figure:
        found = _curve(facts)
        low, high = found.quantile_band(share)
        parts = {"completed": found.events, "low": low, "high": high}
        return Figure(found.quantile(share), found.n, parts)

    return reduce


def _estimated_by(span: timedelta) -> Reduce:
    def reduce(facts: Sequence[Any]) -> Figure:
        found, seconds = _curve(facts), span.total_seconds()
        band = found.happened_band(seconds)
        parts = {
            "completed": found.events,
            "at_risk": found.at_risk(seconds),
            "low": band.low if band else None,
            "high": band.high if band else None,
        }
        return Figure(found.happened(seconds), found.n, parts)

    return reduce


def _days(question: Question) -> Sample:
    """Facts: [day, completed within 48 hours, handed over], of the days of which every case is old enough."""
    start = max(question.floor, question.now - timedelta(days=JUDGED_DAYS))
    window = type(question.window)(hours=(question.now - start).total_seconds() / 3600)
    by_day: dict[str, list[Case]] = defaultdict(list)
    found = standing(Question(question.scope, window, question.floor, question.now, question.rows))
    for case in found:
        by_day[f"{case.requested_at:%Y-%m-%d}"].append(case)
    judged = {day: group for day, group in by_day.items() if _is_over(group[0].requested_at, question.now)}
    facts = [(day, sum(map(_in_time, group)), len(group)) for day, group in sorted(judged.items())]
    kept = [case for group in judged.values() for case in group]
    low = [f"{day}: {done} of {n}" for day, done, n in facts if done / n < LOW]
    return _sample(kept, facts, TWO_DAYS, **names(low))


def _is_over(at: datetime, now: datetime) -> bool:
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return midnight + TWO_DAYS <= now


def _in_time(case: Case) -> int:
    return int(case.is_within(TWO_DAYS))


def _in_a_row(facts: Sequence[Any]) -> Figure:
    """Days below 50 % in a row up to the newest judged day; a day without hand-overs neither counts nor breaks."""
    ordered = sorted(facts, reverse=True)
    return Figure(float(len(list(takewhile(lambda fact: fact[1] / fact[2] < LOW, ordered)))), len(ordered))


def _effects(kinds: Iterable[str], judge: Callable[[Any], bool]) -> Collect:
    """1 where an effect of these kinds came out right; those never sent are left out."""

    def collect(question: Question) -> Sample:
        runs = run_rows.answering(Question(question.scope, question.window, question.floor, question.now))
        if question.window.runs is not None:
            runs = runs[-question.window.runs :]
        keys = [run.pk for run in runs]
        keys += Run.objects.filter(parent__in=keys, mode="live").values_list("pk", flat=True)
        rows: QuerySet[Effect] = Effect.objects.filter(kind__in=tuple(kinds), live=True, state__in=_SENT)
        if question.rows is None:
            rows = rows.filter(item__run__in=keys)
        found = list(question.only(rows).select_related("handover", "issue").order_by("-pk")[:MOST_ROWS])
        moments = [row.settled_at or row.planned_at for row in found]
        bad = [f"#{row.issue.number}" for row in found if row.issue and not judge(row)]
        return Sample(
            [int(judge(row)) for row in found],
            rows_of(Effect, (row.pk for row in found)),
            None,
            max(moments, default=None),
            min(moments, default=None),
            max(moments, default=None),
            names(bad),
        )

    return collect


_SENT = (Effect.State.APPLIED, Effect.State.REFUSED, Effect.State.UNKNOWN)


def _is_applied(effect: Effect) -> bool:
    return effect.state == Effect.State.APPLIED


def _is_right(effect: Effect) -> bool:
    """Applied, recorded, on a scaffold branch, and Copilot took it up."""
    made = getattr(effect, "handover", None)
    return _is_applied(effect) and made is not None and bool(made.scaffold_branch) and made.outcome != "lost"


def _completion(slug: str) -> Measured:
    span, words = SPANS[slug]
    return Measured(
        slug,
        f"Copilot completion within {words}",
        f"Of the issues handed over at least {words} ago, the share that was closed as completed within {words}; "
        "younger ones are pending and do not count.",
        Unit.SHARE,
        _within(span),
        reducing.share,
    )


def _time(name: str, share: float) -> Measured:
    return Measured(
        f"time_to_completion_{name}",
        f"Time to completion, {name}",
        f"The time by which {share:.0%} of the issues handed over are completed, read from the Kaplan–Meier curve; "
        "what is open or was taken back is censored, and there is no value while the curve does not reach it.",
        Unit.SECONDS,
        _times,
        _time_by(share),
    )


def _estimate(slug: str, span: timedelta, words: str) -> Measured:
    return Measured(
        slug,
        f"Estimated completion within {words}",
        f"The share of the issues handed over that is completed within {words}, read from the Kaplan–Meier curve, to "
        "which also the young ones add what is known of them.",
        Unit.SHARE,
        _times,
        _estimated_by(span),
    )


FAMILY = (
    *(_completion(slug) for slug in SPANS),
    _estimate("copilot_completion_48h_estimate", TWO_DAYS, "48 hours"),
    _estimate("copilot_completion_7d_estimate", SEVEN_DAYS, "7 days"),
    *(_time(name, share) for name, share in QUANTILES),
    Measured(
        "completion_rate",
        "Completion rate",
        "Of the issues handed over at least 7 days ago, the share that is completed by now, however late; younger ones "
        "are pending and do not count.",
        Unit.SHARE,
        _completed,
        reducing.share,
    ),
    Measured(
        "blocked_share",
        "Blocked hand-overs",
        "Of the issues handed over in the window, the share that something stood in the way of at any time, so that a "
        "person had to act: permission, quota, an unclear task, failing checks, a conflicting branch, approval, other.",
        Unit.SHARE,
        _blocked,
        reducing.share,
    ),
    Measured(
        "days_below_completion",
        "Days below 50 % completion",
        "How many days in a row, up to the newest that can be judged, fewer than half of the day's hand-overs were "
        "completed within 48 hours.",
        Unit.COUNT,
        _days,
        _in_a_row,
    ),
    Measured(
        "handovers_correct",
        "Hand-overs made correctly",
        "Of the assignments to Copilot sent in scheduled live runs, the share that GitHub took, on a scaffold branch, "
        "and that Copilot took up.",
        Unit.SHARE,
        _effects(("assign_copilot",), _is_right),
        reducing.share,
    ),
    Measured(
        "branch_operations_ok",
        "Branch and file operations",
        "Of the scaffold branches and pull requests sent in scheduled live runs, the share that GitHub took.",
        Unit.SHARE,
        _effects(SCAFFOLD, _is_applied),
        reducing.share,
    ),
)
