"""Criteria with their newest evaluation and a person's answer, as rows of a table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from pipeline.views import display
from rollout.domain import wording
from rollout.domain.plan import Criterion, Source
from rollout.metrics.registry import METRICS
from rollout.models import Evaluation, Rollout, Tick
from rollout.services import explain

NOT_JUDGED = "It has not been judged yet."
WORDS = dict(Evaluation._meta.get_field("verdict").flatchoices)
SHOWN_ROWS = 200
NEXT = {
    Source.AUTOMATIC: "Reconcile measures it when its gate is looked at, or run “Measure now”.",
    Source.MANUAL: "Answer it with a note and a link to what you saw.",
    Source.BOTH: "It is measured, and a person answers it too.",
}


@dataclass(frozen=True, slots=True)
class CriterionLine:
    """`sentence` explains the verdict; `next` says what to do where nothing was judged yet."""

    criterion: Criterion
    evaluation: Evaluation | None
    tick: Tick | None
    sentence: str
    value: str
    target: str
    window: str
    next: str

    @property
    def verdict(self) -> str:
        return self.evaluation.verdict if self.evaluation else ""

    @property
    def word(self) -> str:
        return WORDS[self.verdict] if self.verdict else "not judged yet"

    @property
    def definition(self) -> str:
        """What its metric counts, for people; empty where a person alone answers."""
        return definition_of(self.criterion.metric)

    @property
    def by_hand(self) -> bool:
        return self.criterion.source is not Source.AUTOMATIC

    @property
    def answer(self) -> str:
        if self.tick is None:
            return "not answered yet"
        return "met" if self.tick.met else "not met"


def definition_of(metric: str) -> str:
    """ "Average time per issue: mean time …"; empty where there is no such metric."""
    found = METRICS.get(metric)
    return f"{found.title}: {found.definition}" if found else ""


def lines(rollout: Rollout, criteria: Iterable[Criterion]) -> list[CriterionLine]:
    """In the order of the plan; a criterion named twice is shown twice, with the same evaluation."""
    wanted = list(criteria)
    slugs = {criterion.slug for criterion in wanted}
    judged = _newest_evaluations(rollout, slugs)
    ticks: dict[str, Tick] = {}
    for tick in Tick.objects.filter(rollout=rollout, criterion__in=slugs).order_by("pk"):
        ticks[tick.criterion] = tick
    return [_line(criterion, judged.get(criterion.slug), ticks.get(criterion.slug)) for criterion in wanted]


def _newest_evaluations(rollout: Rollout, slugs: set[str]) -> dict[str, Evaluation]:
    newest: dict[str, Evaluation] = {}
    for slug in slugs:
        row = Evaluation.objects.filter(rollout=rollout, rule=slug).order_by("-pk").first()
        if row is not None:
            newest[slug] = row
    return newest


def _line(criterion: Criterion, found: Evaluation | None, tick: Tick | None) -> CriterionLine:
    measured = bool(criterion.metric)
    return CriterionLine(
        criterion=criterion,
        evaluation=found,
        tick=tick,
        sentence=explain.sentence(found) if found else NOT_JUDGED,
        value=wording.value(found.value, criterion.unit) if found and measured else display.NOTHING,
        target=wording.target(criterion.comparator, criterion.threshold, criterion.unit)
        if measured
        else "a person says",
        window=wording.window(criterion.window) if measured else display.NOTHING,
        next="" if found else NEXT[criterion.source],
    )


def evidence(found: Evaluation) -> list[SafeString | str]:
    """The rows that a value was computed from, as links where they have a page."""
    shown = [_row(str(model), int(key)) for model, key in found.rows[:SHOWN_ROWS]]
    rest = len(found.rows) - len(shown)
    return [*shown, f"and {rest} more"] if rest > 0 else shown


def _row(model: str, key: int) -> SafeString | str:
    app, _, name = model.lower().partition(".")
    try:
        address = reverse(f"admin:{app}_{name}_change", args=[key])
    except NoReverseMatch:
        return f"{name} {key}"
    return format_html('<a href="{}">{} {}</a>', address, name, key)
