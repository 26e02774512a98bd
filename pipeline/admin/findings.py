"""Findings: what validation found wrong, on which issue, since when, and what people said to it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminTextInputWidget

from pipeline import clock
from pipeline.admin.base import AsOf, PageScreen, ReasonForm, row_or_404
from pipeline.admin.filters import FindingStanding
from pipeline.admin.questions import Question, ask, require
from pipeline.models import Finding
from pipeline.services import findings
from pipeline.views import display
from pipeline.views import findings as seen

SETTLE = "pipeline.settle_finding"
USUAL_MUTE = timedelta(days=7)


class MuteForm(ReasonForm):
    until = forms.DateTimeField(
        label="Mute until",
        widget=UnfoldAdminTextInputWidget(attrs={"type": "datetime-local"}),
        help_text=f"UTC, within {findings.LONGEST_MUTE.days} days. Then it is told as new if it is still there.",
    )


@admin.register(Finding)
class FindingScreen(AsOf, PageScreen):
    page_template = "admin/pipeline/finding.html"
    list_before_template = "admin/pipeline/finding_counts.html"
    empty_text: ClassVar[str] = "No finding. The operation “validate” looks every hour; when it did last stands above."
    list_display = ("shown", "severity_word", "standing", "issue_link", "first", "last", "occurrences", "sweeps")
    list_display_links = ("shown",)
    list_filter = (FindingStanding, "severity", "check_id", "repository", "issue__workflow")
    search_fields = ("message", "check_id", "issue__title", "=issue__number")
    search_help_text = "Message, check or issue"
    list_select_related = ("issue", "repository")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        now = clock.now()
        counted = {"tallies": seen.tallies(now), "last_sweep": seen.last_sweep()}
        answer: HttpResponse = super().changelist_view(request, (extra_context or {}) | counted)
        return answer

    @admin.display(description="Finding")
    def shown(self, row: Finding) -> SafeString:
        return display.wide(row.message[:120])

    @admin.display(description="Severity", ordering="severity")
    def severity_word(self, row: Finding) -> SafeString | str:
        return display.state(row, "severity")

    @admin.display(description="Standing", ordering="resolved_at")
    def standing(self, row: Any) -> SafeString:
        return display.badge(*seen.standing(row, row.as_of))

    @admin.display(description="Issue")
    def issue_link(self, row: Finding) -> SafeString | str:
        return display.link(row.issue, f"#{row.issue.number}") if row.issue else display.NOTHING

    @admin.display(description="First seen", ordering="first_seen")
    def first(self, row: Finding) -> SafeString | str:
        return display.when(row.first_seen)

    @admin.display(description="Last seen", ordering="last_seen")
    def last(self, row: Finding) -> SafeString | str:
        return display.when(row.last_seen)

    def pages(self) -> list[tuple[str, Any]]:
        return [("acknowledge", self.acknowledge_page), ("mute", self.mute_page), ("unmute", self.unmute_page)]

    def page_context(self, request: HttpRequest, row: Finding) -> dict[str, Any]:
        now = clock.now()
        word, tone = seen.standing(row, now)
        may = request.user.has_perm(SETTLE) and row.resolved_at is None
        return {
            "title": f"{seen.explained(row.check_id).title}{f' on #{row.issue.number}' if row.issue else ''}",
            "check": seen.explained(row.check_id),
            "standing": display.badge(word, tone),
            "muted": word == "muted",
            "repairs": seen.repairs(row),
            "report": seen.report_of(row),
            "earlier": seen.before(row),
            "said": seen.said(row),
            "may_acknowledge": may and row.acknowledged_at is None,
            "may_mute": may and word != "muted",
            "may_unmute": may and word == "muted",
        }

    def acknowledge_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self._asked_about(request, object_id)

        def act(answer: Any, actor: str) -> None:
            findings.acknowledge(row, actor=actor, note=answer["reason"])

        consequences = [
            "It stays open until the check passes again, and stays in the problem report on GitHub.",
            "A critical one is not told again while it lasts.",
        ]
        question = Question(
            "Acknowledge this finding", "Acknowledge", consequences, act, "The finding is acknowledged."
        )
        return ask(self, request, row, question)

    def mute_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self._asked_about(request, object_id)

        def act(answer: Any, actor: str) -> None:
            findings.mute(row, answer["until"], actor=actor, reason=answer["reason"])

        question = Question(
            title="Mute this finding",
            button="Mute it",
            consequences=[
                "Nobody is told of it, and it is left out of counts, gates and the problem report until then.",
                "Validation goes on looking, and resolves it when it is gone.",
            ],
            act=act,
            done="The finding is muted.",
            form=MuteForm,
            initial={"until": (clock.now() + USUAL_MUTE).strftime("%Y-%m-%dT%H:%M")},
        )
        return ask(self, request, row, question)

    def unmute_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self._asked_about(request, object_id)

        def act(answer: Any, actor: str) -> None:
            findings.unmute(row, actor=actor, reason=answer["reason"])

        consequences = ["It counts again, and people are told of it if they have not heard of it."]
        return ask(
            self, request, row, Question("Unmute this finding", "Unmute it", consequences, act, "It is unmuted.")
        )

    def _asked_about(self, request: HttpRequest, object_id: str) -> Finding:
        row: Finding = row_or_404(self, request, object_id)
        require(request.user, SETTLE)
        return row
