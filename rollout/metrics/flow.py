"""The flow from discovery to Copilot: what passes untouched, what carries what it should, what piles up."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import BooleanField, Case, Count, Max, Value, When

from pipeline.domain.guidance import GUIDANCE
from pipeline.domain.labels import LabelGrammar
from pipeline.models import Issue, Repository, Transition
from rollout.domain.measures import Unit
from rollout.metrics import reducing
from rollout.metrics.base import MOST_ROWS, Collect, Figure, Measured, Question, Sample, names, rows_of
from rollout.metrics.states import transitions

GROWN_UP = timedelta(hours=48)  # by then an issue has met every stage of the pipeline many times
WAITING = ("discovery", "assigned")  # before Copilot: the backlog
Step = tuple[str, str, datetime]  # state after, cause, when


def _flow(question: Question) -> Sample:
    """1 where an issue came to Copilot moved by the pipeline alone; the young that are still under way are pending."""
    newest_first = transitions(question).filter(sequence=1).order_by("-pk")
    if question.rows is None:
        keys = list(newest_first.values_list("issue", flat=True)[:MOST_ROWS])
    else:
        keys = [row.id for row in question.rows]
    histories = _histories(keys, question)
    judged = {key: fact for key, fact in ((key, _passed(steps, question.now)) for key, steps in histories.items())
              if fact is not None}  # fmt: skip
    moments = [histories[key][0][2] for key in judged]
    return Sample(
        facts=list(judged.values()),
        rows=rows_of(Issue, judged),
        newest=max(moments, default=None),
        start=min(moments, default=None),
        end=max(moments, default=None),
        parts={"pending": len(histories) - len(judged)},
    )


def _histories(keys: Sequence[int], question: Question) -> dict[int, list[Step]]:
    rows = Transition.objects.filter(issue__in=keys, at__lte=question.now).order_by("issue", "sequence")
    if question.scope.workflow:
        rows = rows.filter(issue__workflow__slug=question.scope.workflow)
    found: dict[int, list[Step]] = defaultdict(list)
    for key, after, cause, at in rows.values_list("issue", "after", "cause", "at"):
        found[key].append((after, cause, at))
    return dict(found)


def _passed(steps: Sequence[Step], now: datetime) -> int | None:
    """None: too young to judge. An issue that was past discovery when first seen did not flow through us."""
    if steps[0][0] != Issue.State.DISCOVERY:
        return None
    for after, cause, _at in steps[1:]:
        if cause != Transition.Cause.PIPELINE:
            return 0
        if after == Issue.State.COPILOT:
            return 1
    return 0 if steps[-1][0] == Issue.State.DONE or now - steps[0][2] >= GROWN_UP else None


def _arrived(state: str, judge: Callable[[Any, LabelGrammar], bool]) -> Collect:
    """1 where an issue that came to `state` in the window is as `judge` asks."""

    def collect(question: Question) -> Sample:
        rows = Issue.objects.filter(repository=question.scope.repository_id, presence=Issue.Presence.PRESENT)
        if question.scope.workflow:
            rows = rows.filter(workflow__slug=question.scope.workflow)
        if question.rows is None:
            moved = transitions(question).filter(after=state).order_by("-pk").values_list("issue", flat=True)
            rows = rows.filter(pk__in=list(moved[:MOST_ROWS]))
        has_guidance = Case(When(body__contains=f"## {GUIDANCE}", then=Value(True)), default=Value(False),
                            output_field=BooleanField())  # fmt: skip
        found = list(
            question.only(rows)
            .annotate(guided=has_guidance)
            .order_by("pk")
            .values("pk", "number", "labels", "workflow", "specialist", "guided", "read_at", "assigned_at")
        )
        grammar = Repository.objects.get(pk=question.scope.repository_id).grammar
        facts = [int(judge(row, grammar)) for row in found]
        bad = [f"#{row['number']}" for row, good in zip(found, facts, strict=True) if not good]
        moments = transitions(question).filter(after=state).aggregate(newest=Max("at"))
        return Sample(
            facts, rows_of(Issue, (row["pk"] for row in found)), None, moments["newest"], question.start, None,
            names(bad),
        )  # fmt: skip

    return collect


def _has_schema(row: Any, grammar: LabelGrammar) -> bool:
    """Exactly one workflow label, and a schema in force that it names."""
    return len(grammar.values(row["labels"], "workflow::")) == 1 and row["workflow"] is not None


def _has_guidance(row: Any, _grammar: LabelGrammar) -> bool:
    return bool(row["guided"]) and row["specialist"] is not None


def _backlog(question: Question) -> Sample:
    """Facts: [state before, state after, how many moves]."""
    rows = transitions(question)
    kinds = rows.order_by().values_list("before", "after").annotate(n=Count("pk"), newest=Max("at"))
    found = sorted(kinds)
    facts = [[before, after, n] for before, after, n, _newest in found]
    newest = max((row[3] for row in found), default=None)
    return Sample(facts, (), sum(row[2] for row in found), newest, question.start, None)


def _grown(facts: Sequence[Any]) -> Figure:
    """Came into the backlog less what left it."""
    came = sum(n for before, after, n in facts if before not in WAITING and after in WAITING)
    left = sum(n for before, after, n in facts if before in WAITING and after not in WAITING)
    return Figure(float(came - left) if facts else None, None, {"came": came, "left": left})


FAMILY = (
    Measured(
        "flow_through",
        "Flow-through",
        "Of the issues discovered in the window, the share that came to Copilot with no person moving them; those "
        "under 48 hours old that are still on their way are pending.",
        Unit.SHARE,
        _flow,
        reducing.share,
    ),
    Measured(
        "label_quality",
        "Label quality",
        "Of the issues assigned in the window, the share with exactly one workflow label that names a known workflow.",
        Unit.SHARE,
        _arrived("assigned", _has_schema),
        reducing.share,
    ),
    Measured(
        "specialist_signal",
        "Specialist signal",
        "Of the issues handed to Copilot in the window, the share with a specialist and a guidance section.",
        Unit.SHARE,
        _arrived("copilot", _has_guidance),
        reducing.share,
    ),
    Measured(
        "backlog_growth",
        "Backlog growth",
        "Issues that came to wait for assignment or processing in the window, less those that left; 0 or below means "
        "that processing keeps pace.",
        Unit.COUNT,
        _backlog,
        _grown,
    ),
)
