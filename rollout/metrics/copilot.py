"""Copilot: what became of hand-overs, judged only when they are old enough; the others are pending."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

from django.db.models import QuerySet

from pipeline.models import Effect, Handover, Run
from rollout.domain.measures import Unit
from rollout.metrics import reducing, run_rows
from rollout.metrics.base import MOST_ROWS, Collect, Figure, Measured, Question, Sample, names, rows_of

TWO_DAYS, SEVEN_DAYS = timedelta(hours=48), timedelta(days=7)
LOW = 0.5  # plan, manual rollback: completion below 50 %
JUDGED_DAYS = 14  # how far back days are counted
SCAFFOLD = ("create_branch", "open_pull")


@dataclass(frozen=True, slots=True)
class Case:
    """One issue handed over: the first request counts, repeats of lost hand-overs belong to it."""

    keys: tuple[int, ...]  # all tries
    requested_at: datetime
    completed_at: datetime | None
    newest: datetime


def cases(question: Question) -> list[Case]:
    """Hand-overs of the window, one per issue, oldest first; those that we took back ourselves are left out."""
    rows = Handover.objects.filter(
        issue__repository=question.scope.repository_id, requested_at__lte=question.now
    ).exclude(outcome=Handover.Outcome.WITHDRAWN)
    if question.scope.workflow:
        rows = rows.filter(issue__workflow__slug=question.scope.workflow)
    if question.rows is None:
        rows = rows.filter(requested_at__gte=question.start)
    found = question.only(rows).order_by("-requested_at").values_list(
        "pk", "issue", "requested_at", "outcome", "ended_at", "issue__closed_at"
    )[:MOST_ROWS]  # fmt: skip
    by_issue: dict[int, list[Any]] = defaultdict(list)
    for row in found:
        by_issue[row[1]].append(row)
    return sorted((_case(tries, question.now) for tries in by_issue.values()), key=lambda case: case.requested_at)


def _case(tries: Sequence[Any], now: datetime) -> Case:
    first = min(tries, key=lambda row: row[2])
    ends = [_end(row) for row in tries if row[3] == Handover.Outcome.COMPLETED]
    done = min((end for end in ends if end is not None and end <= now), default=None)
    return Case(tuple(row[0] for row in tries), first[2], done, max(row[2] for row in tries))


def _end(row: Any) -> datetime | None:
    """When the issue was closed; where a later reopening took that away, when we saw the end."""
    _key, _issue, requested_at, _outcome, ended_at, closed_at = row
    moments = [at for at in (ended_at, closed_at) if at is not None and at >= requested_at]
    return min(moments, default=None)


def _within(span: timedelta) -> Collect:
    def collect(question: Question) -> Sample:
        found = cases(_reaching_back(question, span))
        old = [case for case in found if case.requested_at + span <= question.now]
        facts = [int(case.completed_at is not None and case.completed_at <= case.requested_at + span) for case in old]
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


def _blocked(question: Question) -> Sample:
    """1 where the hand-over was blocked and waited for a person."""
    rows = Handover.objects.filter(
        issue__repository=question.scope.repository_id, requested_at__lte=question.now
    ).exclude(outcome=Handover.Outcome.WITHDRAWN)
    if question.scope.workflow:
        rows = rows.filter(issue__workflow__slug=question.scope.workflow)
    if question.rows is None:
        rows = rows.filter(requested_at__gte=question.start)
    found = list(question.only(rows).order_by("-requested_at").values_list("pk", "requested_at", "blocker")[:MOST_ROWS])
    moments = [at for _key, at, _blocker in found]
    return Sample(
        [int(bool(blocker)) for _key, _at, blocker in found],
        rows_of(Handover, (key for key, _at, _blocker in found)),
        None,
        max(moments, default=None),
        min(moments, default=None),
        max(moments, default=None),
    )


def _days(question: Question) -> Sample:
    """Facts: [day, completed within 48 hours, handed over], of the days of which every case is old enough."""
    start = max(question.floor, question.now - timedelta(days=JUDGED_DAYS))
    window = type(question.window)(hours=(question.now - start).total_seconds() / 3600)
    by_day: dict[str, list[Case]] = defaultdict(list)
    found = cases(Question(question.scope, window, question.floor, question.now, question.rows))
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
    return int(case.completed_at is not None and case.completed_at <= case.requested_at + TWO_DAYS)


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


FAMILY = (
    Measured(
        "copilot_completion_48h",
        "Copilot completion within 48 hours",
        "Of the issues handed over at least 48 hours ago, the share that was closed as completed within 48 hours; "
        "younger ones are pending and do not count.",
        Unit.SHARE,
        _within(TWO_DAYS),
        reducing.share,
    ),
    Measured(
        "copilot_completion_7d",
        "Copilot completion within 7 days",
        "Of the issues handed over at least 7 days ago, the share that was closed as completed within 7 days; "
        "younger ones are pending and do not count.",
        Unit.SHARE,
        _within(SEVEN_DAYS),
        reducing.share,
    ),
    Measured(
        "blocked_share",
        "Blocked hand-overs",
        "Of the hand-overs of the window, the share that was blocked and waited for a person.",
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
