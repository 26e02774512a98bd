"""Improvements: opened from a low criterion and its cause, owned, changed with a link, judged by the score after."""

# ruff: noqa: ARG002 - pages and answers have one form, and Django's signatures are Django's
from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from pipeline.admin.base import LONGEST_REASON, ReasonForm
from pipeline.admin.questions import Question, ask, require
from pipeline.models import Repository
from pipeline.views import display
from rollout.admin.base import PageView, RolloutPages
from rollout.admin.review_results import tabs
from rollout.domain.reviews.loop import CAUSES
from rollout.models import Improvement, RubricCriterion
from rollout.services.reviews import improvements, results
from rollout.views.review_results import Shown

MAY = "rollout.settle_improvement"


class OwnerForm(ReasonForm):
    owner = forms.CharField(max_length=150, widget=UnfoldAdminTextInputWidget, help_text="A user name.")


class TaskForm(OwnerForm):
    """What is to be improved, why, and by whom."""

    repository = forms.ModelChoiceField(queryset=Repository.objects.none(), widget=UnfoldAdminSelectWidget)
    criterion = forms.ChoiceField(widget=UnfoldAdminSelectWidget)
    tag = forms.ChoiceField(
        label="Cause", choices=[(tag, f"{tag}: {text}") for tag, text in CAUSES.items()], widget=UnfoldAdminSelectWidget
    )
    workflow = forms.SlugField(
        max_length=35, required=False, widget=UnfoldAdminTextInputWidget, help_text="Its slug; empty: all workflows."
    )
    text = forms.CharField(
        label="What is to be improved", max_length=improvements.LONGEST_TEXT, widget=UnfoldAdminTextInputWidget
    )

    field_order = ("repository", "criterion", "tag", "workflow", "text", "owner")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = RubricCriterion.objects.exclude(rubric__status="draft").order_by("rubric__version", "order")
        self.fields["criterion"].choices = list(dict(rows.values_list("slug", "text")).items())  # type: ignore[attr-defined]
        self.fields["repository"].queryset = Repository.objects.order_by("full_name")  # type: ignore[attr-defined]


class ChangeForm(ReasonForm):
    link = forms.CharField(
        label="Link to the change",
        max_length=500,
        widget=UnfoldAdminTextInputWidget,
        help_text="A pull request or commit, https.",
    )


class NoteForm(ReasonForm):
    """The reason is the note."""

    reason = forms.CharField(
        label="What came of it",
        max_length=LONGEST_REASON,
        widget=ReasonForm.base_fields["reason"].widget,
        help_text="It stays on this page and goes into the audit log.",
    )


@admin.register(Improvement)
class ImprovementScreen(RolloutPages):
    page_template = "admin/rollout/improvement.html"
    empty_text: ClassVar[str] = "No task yet: the results page suggests one where a criterion is low and has a cause."
    list_display = ("text", "criterion", "tag", "workflow", "owner", "state_word", "opened")
    list_filter = ("state", "criterion", "tag", "repository")
    search_fields = ("text", "owner", "criterion")
    search_help_text = "Words, owner or criterion"

    @admin.display(description="State", ordering="state")
    def state_word(self, row: Improvement) -> SafeString | str:
        return display.state(row)

    @admin.display(description="Opened", ordering="opened_at")
    def opened(self, row: Improvement) -> SafeString | str:
        return display.when(row.opened_at)

    def addresses(self) -> list[tuple[str, str, PageView]]:
        return [("owner", "owner", owner_page), ("changed", "changed", changed_page), ("close", "close", close_page)]

    def page_context(self, request: HttpRequest, row: Improvement) -> dict[str, Any]:
        effect = improvements.effect(row, results.hidden_from(request.user))
        return {
            "tabs": tabs(row.repository),
            "tab": "Improvements",
            "cause": CAUSES.get(row.tag, row.tag),
            "effect": effect,
            "sides": [("Four weeks before", Shown(effect.before)), ("Weeks after", Shown(effect.after))]
            if effect
            else [],
            "may_settle": request.user.has_perm(MAY) and row.state != Improvement.State.CLOSED,
        }

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm(MAY)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        return open_page(self, request)


def open_page(screen: Any, request: HttpRequest) -> HttpResponse:
    require(request.user, MAY)

    def act(answer: Any, actor: str) -> Improvement:
        return improvements.open_task(
            answer["repository"],
            criterion=answer["criterion"],
            tag=answer["tag"],
            workflow=answer["workflow"],
            text=answer["text"],
            owner=answer["owner"],
            by=actor,
            reason=answer["reason"],
        )

    given = {
        name: request.GET[name]
        for name in ("repository", "criterion", "tag", "workflow", "text")
        if name in request.GET
    }
    question = Question(
        title="Open an improvement",
        button="Open the task",
        consequences=[
            "Its owner sees to it that guidance gets better here; one task per cause is open at a time.",
            "When the change is made, its link is noted and the score is shown before and after.",
        ],
        act=act,
        done="The task is open.",
        form=TaskForm,
        initial={"owner": request.user.get_username(), **given},
        back=reverse("admin:rollout_improvement_changelist"),
    )
    return ask(screen, request, Improvement(text="Open an improvement"), question)


def owner_page(screen: Any, request: HttpRequest, row: Improvement) -> HttpResponse:
    require(request.user, MAY)

    def act(answer: Any, actor: str) -> None:
        improvements.set_owner(row, answer["owner"], by=actor, reason=answer["reason"])

    question = Question(
        title=f"Who owns “{row}”?",
        button="Save the owner",
        consequences=["The owner sees to it that the change is made and its link noted."],
        act=act,
        done="The owner is set.",
        form=OwnerForm,
        initial={"owner": row.owner},
    )
    return ask(screen, request, row, question)


def changed_page(screen: Any, request: HttpRequest, row: Improvement) -> HttpResponse:
    require(request.user, MAY)

    def act(answer: Any, actor: str) -> None:
        improvements.set_change(row, answer["link"], by=actor, reason=answer["reason"])

    question = Question(
        title=f"The change for “{row}” is made",
        button="Note the change",
        consequences=[
            "From now on the score is compared: the four whole weeks before with the weeks after.",
            "The week in which it is noted counts on neither side, so note it in the week in which it took effect.",
        ],
        act=act,
        done="The change is noted; this page shows the score before and after.",
        form=ChangeForm,
    )
    return ask(screen, request, row, question)


def close_page(screen: Any, request: HttpRequest, row: Improvement) -> HttpResponse:
    require(request.user, MAY)

    def act(answer: Any, actor: str) -> None:
        improvements.close(row, answer["reason"], by=actor)

    question = Question(
        title=f"Close “{row}”",
        button="Close the task",
        consequences=["It stays readable; where the cause shows again, a new task is suggested."],
        act=act,
        done="The task is closed.",
        form=NoteForm,
    )
    return ask(screen, request, row, question)
