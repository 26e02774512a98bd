"""Requests to change a running plan: the diff, and somebody else's approval or rejection."""

# ruff: noqa: ARG001 - pages and answers have one form, and Django's signatures are Django's
from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString

from pipeline.admin.questions import Question, ask, require
from pipeline.views import display
from rollout.admin.base import PageView, RolloutPages, tabs
from rollout.models import ChangeRequest
from rollout.services import change_requests, plans
from rollout.services.record import same


@admin.register(ChangeRequest)
class ChangeRequestScreen(RolloutPages):
    page_template = "admin/rollout/change.html"
    empty_text: ClassVar[str] = "Nobody has asked to change a running plan; that is done on a rollout's plan page."
    list_display = ("name", "state_word", "asked_by", "asked", "reviewed_by", "reason")
    list_display_links = ("name",)
    list_filter = ("state", "rollout")
    search_fields = ("reason", "asked_by")
    search_help_text = "Why or who"
    list_select_related = ("rollout__plan", "rollout__repository")

    @admin.display(description="Change")
    def name(self, row: ChangeRequest) -> str:
        return f"Change {row.pk} of {row.rollout}"

    @admin.display(description="State", ordering="state")
    def state_word(self, row: ChangeRequest) -> SafeString | str:
        return display.state(row)

    @admin.display(description="Asked", ordering="asked_at")
    def asked(self, row: ChangeRequest) -> SafeString | str:
        return display.when(row.asked_at)

    def addresses(self) -> list[tuple[str, str, PageView]]:
        return [
            ("approve", "approve", approve_page),
            ("reject", "reject", reject_page),
            ("withdraw", "withdraw", withdraw_page),
        ]

    def page_context(self, request: HttpRequest, row: ChangeRequest) -> dict[str, Any]:
        open_ = row.state == ChangeRequest.State.OPEN
        mine = same(row.asked_by, request.user.get_username())
        may = request.user.has_perm("rollout.change_changerequest")
        return {
            "title": f"Change {row.pk} of {row.rollout}",
            "rollout": row.rollout,
            "tabs": tabs(row.rollout),
            "may_review": open_ and may and not mine,
            "may_withdraw": open_ and mine,
            "mine": mine,
            "open": open_,
            "findings": plans.new_findings(row.rollout.plan.text, row.text) if open_ else (),
        }


def approve_page(screen: Any, request: HttpRequest, row: ChangeRequest) -> HttpResponse:
    require(request.user, "rollout.change_changerequest")

    def act(answer: Any, actor: str) -> Any:
        change_requests.approve(row, actor=actor, note=answer["reason"])

    says = [
        "The plan becomes a new frozen version; and is carried out at once.",
        "Gates that are being asked become void and have to be asked again.",
    ]
    question = Question(
        title=f"Approve change {row.pk}",
        button="Approve the change",
        consequences=says,
        act=act,
        done="The plan is changed.",
    )
    return ask(screen, request, row, question)


def reject_page(screen: Any, request: HttpRequest, row: ChangeRequest) -> HttpResponse:
    require(request.user, "rollout.change_changerequest")

    def act(answer: Any, actor: str) -> Any:
        change_requests.reject(row, actor=actor, note=answer["reason"])

    question = Question(
        title=f"Reject change {row.pk}",
        button="Reject the change",
        consequences=["Nothing changes; the person who asked reads your reason."],
        act=act,
        done="The change is rejected.",
    )
    return ask(screen, request, row, question)


def withdraw_page(screen: Any, request: HttpRequest, row: ChangeRequest) -> HttpResponse:
    require(request.user, "rollout.add_changerequest")

    def act(answer: Any, actor: str) -> Any:
        change_requests.withdraw(row, actor=actor)

    question = Question(
        title=f"Withdraw change {row.pk}",
        button="Withdraw the change",
        consequences=["Nothing changes; you can ask again."],
        act=act,
        done="The change is withdrawn.",
    )
    return ask(screen, request, row, question)
