"""Manual reviews: issues that Copilot did not finish in time, each with an owner, taken over and decided by people."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminSelectWidget

from pipeline import clock
from pipeline.admin.base import ReasonForm
from pipeline.admin.filters import YesFilter
from pipeline.admin.questions import Question, ask, require
from pipeline.models import Run
from pipeline.views import display
from rollout.admin.base import PageView, RolloutPages
from rollout.admin.escalations import RIGHT
from rollout.models import ManualReview
from rollout.services import record
from rollout.services.escalation import reviews
from rollout.views import escalations


class DecisionForm(ReasonForm):
    decision = forms.ChoiceField(choices=reviews.DECISIONS, widget=UnfoldAdminSelectWidget)


class Mine(YesFilter):
    title = "owner"
    parameter_name = "mine"
    word = "mine"

    def __init__(self, request: HttpRequest, *arguments: Any) -> None:
        self._name = request.user.get_username()
        super().__init__(request, *arguments)

    def wanted(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.filter(owner__iexact=self._name)


@admin.register(ManualReview)
class ManualReviewScreen(RolloutPages):
    page_template = "admin/rollout/escalation_review.html"
    empty_text: ClassVar[str] = (
        "None: an issue comes here when Copilot has not finished it so many days after its due time."
    )
    list_display = ("issue_link", "repository", "state_word", "owner", "due", "opened", "settled")
    list_display_links = ("issue_link",)
    list_filter = (Mine, "state", "case__issue__repository")
    search_fields = ("owner", "case__issue__number", "case__issue__title", "decision")
    search_help_text = "Owner, number, title or decision"
    list_select_related = ("case__issue__repository",)

    @admin.display(description="Issue", ordering="case__issue__number")
    def issue_link(self, row: ManualReview) -> str:
        return str(row.case.issue)

    @admin.display(description="Repository", ordering="case__issue__repository")
    def repository(self, row: ManualReview) -> str:
        return str(row.case.issue.repository)

    @admin.display(description="State", ordering="state")
    def state_word(self, row: ManualReview) -> SafeString | str:
        return display.state(row)

    @admin.display(description="Due", ordering="due_at")
    def due(self, row: ManualReview) -> SafeString | str:
        return display.when(row.due_at)

    @admin.display(description="Opened", ordering="opened_at")
    def opened(self, row: ManualReview) -> SafeString | str:
        return display.when(row.opened_at)

    @admin.display(description="Settled", ordering="settled_at")
    def settled(self, row: ManualReview) -> SafeString | str:
        return display.when(row.settled_at)

    def addresses(self) -> list[tuple[str, str, PageView]]:
        return [("take-over", "take_over", take_over_page), ("settle", "settle", settle_page)]

    def page_context(self, request: HttpRequest, row: ManualReview) -> dict[str, Any]:
        now = clock.now()
        is_open = row.state == ManualReview.State.OPEN
        may = is_open and request.user.has_perm(RIGHT)
        return {
            "line": escalations.line(row.case, now),
            "late": is_open and row.due_at < now,
            "handover": row.case.issue.handovers.order_by("-generation").first(),
            "run": Run.objects.filter(options__manual_review=row.pk).first(),
            "may_settle": may,
            "may_take_over": may and not record.same(row.owner, request.user.get_username()),
        }


def take_over_page(screen: Any, request: HttpRequest, row: ManualReview) -> HttpResponse:
    require(request.user, RIGHT)

    def act(answer: Any, actor: str) -> None:
        reviews.take_over(row, by=actor, reason=answer["reason"])

    question = Question(
        title=f"Take over: {row}",
        button="Take it over",
        consequences=[f"It is yours instead of {row.owner}'s; who had it stays in the audit log."],
        act=act,
        done="The review is yours.",
    )
    return ask(screen, request, row, question)


def settle_page(screen: Any, request: HttpRequest, row: ManualReview) -> HttpResponse:
    require(request.user, RIGHT)

    def act(answer: Any, actor: str) -> Run | None:
        return reviews.settle(row, answer["decision"], by=actor, note=answer["reason"])

    question = Question(
        title=f"Decide: {row}",
        button="Decide",
        consequences=[
            "Closing and handing over again change the issue on GitHub at once, by a run of their own.",
            "Leaving it changes nothing on GitHub, and nothing more is escalated for this hand-over.",
        ],
        act=act,
        done="The review is settled.",
        form=DecisionForm,
    )
    return ask(screen, request, row, question)
