"""An evaluation: value, sample, window, the rows behind it, the sentence that explains it; computed anew."""

# ruff: noqa: ARG002 - pages and answers have one form, and Django's signatures are Django's
from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString

from pipeline.views import display
from rollout.admin.base import PageView, RolloutPages, show, tabs
from rollout.models import Evaluation
from rollout.services import explain
from rollout.views import criteria


@admin.register(Evaluation)
class EvaluationScreen(RolloutPages):
    page_template = "admin/rollout/evaluation.html"
    empty_text: ClassVar[str] = "Criteria and triggers are judged after each run and by the tick of a started rollout."
    list_display = ("rule", "subject", "verdict_word", "value", "n", "moment", "reason")
    list_filter = ("verdict", "rollout", "metric")
    search_fields = ("rule", "subject", "metric")
    search_help_text = "Rule, operation or metric"
    list_select_related = ("rollout__plan", "rollout__repository")
    date_hierarchy = "at"

    @admin.display(description="Verdict", ordering="verdict")
    def verdict_word(self, row: Evaluation) -> SafeString | str:
        return display.state(row, "verdict")

    @admin.display(description="When", ordering="at")
    def moment(self, row: Evaluation) -> SafeString | str:
        return display.when(row.at)

    def addresses(self) -> list[tuple[str, str, PageView]]:
        return [("replay", "replay", replay_page)]

    def page_context(self, request: HttpRequest, row: Evaluation) -> dict[str, Any]:
        return _context(row)


def _context(row: Evaluation) -> dict[str, Any]:
    return {
        "title": f"{row.rule}: {row.get_verdict_display()}",
        "rollout": row.rollout,
        "tabs": tabs(row.rollout),
        "sentence": explain.sentence(row),
        "definition": criteria.definition_of(row.metric),
        "evidence": criteria.evidence(row),
    }


def replay_page(screen: Any, request: HttpRequest, row: Evaluation) -> HttpResponse:
    """Computes it again from the same rows; only reads."""
    again = explain.replay(row)
    context = _context(row) | {
        "row": row,
        "again": criteria.WORDS[again],
        "same": again == row.verdict,
        "verdict": again,
    }
    return show(screen, request, row.rollout, "admin/rollout/evaluation.html", context)
