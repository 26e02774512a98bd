"""Escalations: what is overdue at Copilot, on the clock of each case; snoozed and woken by people."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminIntegerFieldWidget

from pipeline import clock
from pipeline.admin.base import AsOf, ReasonForm
from pipeline.admin.questions import Question, ask, require
from pipeline.models import Repository
from pipeline.services.operations import NotPossible
from pipeline.views import display
from rollout.admin.base import PageView, RolloutPages
from rollout.domain.escalation import LONGEST_SNOOZE
from rollout.models import ClockPause, CompletionCase
from rollout.services.escalation import snooze, trust
from rollout.views import escalations

RIGHT = "rollout.settle_review"
LONGEST = LONGEST_SNOOZE.days


class SnoozeForm(ReasonForm):
    days = forms.IntegerField(
        label="For how many days",
        min_value=1,
        max_value=LONGEST,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text=f"1 to {LONGEST}; it can be ended early.",
    )


@admin.register(CompletionCase)
class CompletionCaseScreen(AsOf, RolloutPages):
    page_template = "admin/rollout/escalation_case.html"
    empty_text: ClassVar[str] = "A case begins with an issue's hand-over to Copilot; nothing was handed over yet."
    list_display = ("issue_link", "repository", "workflow", "standing", "due", "overdue", "ended")
    list_display_links = ("issue_link",)
    list_filter = ("state", "issue__repository", "workflow")
    search_fields = ("issue__number", "issue__title", "workflow", "specialist")
    search_help_text = "Number, title, workflow or specialist"

    def get_queryset(self, request: HttpRequest) -> QuerySet[CompletionCase]:
        return escalations.whole(super().get_queryset(request))

    @admin.display(description="Issue", ordering="issue__number")
    def issue_link(self, row: CompletionCase) -> str:
        return str(row.issue)

    @admin.display(description="Repository", ordering="issue__repository")
    def repository(self, row: CompletionCase) -> str:
        return str(row.issue.repository)

    @admin.display(description="Standing", ordering="state")
    def standing(self, row: Any) -> SafeString:
        shown = escalations.line(row, row.as_of, ())
        return display.badge(shown.word, shown.tone)

    @admin.display(description="Due", ordering="due_at")
    def due(self, row: CompletionCase) -> SafeString | str:
        return display.when(row.due_at)

    @admin.display(description="Overdue, pauses left out")
    def overdue(self, row: Any) -> str:
        late = escalations.line(row, row.as_of, ()).overdue
        return display.span(late) if late else display.NOTHING

    @admin.display(description="Ended", ordering="ended_at")
    def ended(self, row: CompletionCase) -> SafeString | str:
        return display.when(row.ended_at)

    def addresses(self) -> list[tuple[str, str, PageView]]:
        return [("snooze", "snooze", snooze_page), ("wake", "wake", wake_page)]

    def get_urls(self) -> list[URLPattern]:
        board = path("overdue/", self.admin_site.admin_view(self.board_page), name="rollout_completioncase_overdue")
        return [board, *super().get_urls()]

    def board_page(self, request: HttpRequest) -> HttpResponse:
        require(request.user, "rollout.view_completioncase")
        now = clock.now()
        chosen = Repository.objects.filter(pk=_number(request.GET.get("repository", ""))).first()
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Overdue at Copilot",
            "groups": escalations.board(now, chosen),
            "chosen": chosen,
            "waits": trust.standing(now),
            "most": escalations.MOST,
            "may_settle": request.user.has_perm(RIGHT),
        }
        return TemplateResponse(request, "admin/rollout/escalations.html", context)

    def page_context(self, request: HttpRequest, row: CompletionCase) -> dict[str, Any]:
        now = clock.now()
        case = escalations.cases().get(pk=row.pk)
        shown = escalations.line(case, now)
        may = request.user.has_perm(RIGHT) and row.state == CompletionCase.State.OPEN
        snoozed = any(pause.kind == ClockPause.Kind.SNOOZED for pause in shown.stopped_by)
        return {
            "line": shown,
            "pauses": case.pauses.all(),
            "rules": escalations.rules_for(case.issue.repository, case.workflow),
            "waits": trust.standing(now),
            "review": getattr(case, "manual_review", None),
            "may_snooze": may and not snoozed,
            "may_wake": may and snoozed,
            "board": reverse("admin:rollout_completioncase_overdue"),
        }


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def snooze_page(screen: Any, request: HttpRequest, row: CompletionCase) -> HttpResponse:
    require(request.user, RIGHT)

    def act(answer: Any, actor: str) -> None:
        snooze.snooze(row, timedelta(days=answer["days"]), by=actor, reason=answer["reason"])

    question = Question(
        title=f"Snooze {row.issue}",
        button="Snooze",
        consequences=[
            "Its clock stands still for so long: every escalation that is still to come comes as much later.",
            "What is due and not yet done waits until then; a manual review that is open is due no sooner.",
        ],
        act=act,
        done="The case is snoozed.",
        form=SnoozeForm,
        initial={"days": 3},
    )
    return ask(screen, request, row, question)


def wake_page(screen: Any, request: HttpRequest, row: CompletionCase) -> HttpResponse:
    require(request.user, RIGHT)

    def act(answer: Any, actor: str) -> None:
        pause = row.pauses.filter(kind=ClockPause.Kind.SNOOZED).order_by("-started_at").first()
        if pause is None:
            raise NotPossible("This case is not snoozed.")
        snooze.end(pause, by=actor, reason=answer["reason"])

    question = Question(
        title=f"End the snooze of {row.issue}",
        button="End the snooze",
        consequences=["The clock of the case goes on at once; what was due is done within a minute."],
        act=act,
        done="The clock goes on.",
    )
    return ask(screen, request, row, question)
