"""One rollback: its steps with retry and skip, the messages, exports, the issues between two states."""

# ruff: noqa: ARG001 - pages and answers have one form, and Django's signatures are Django's
from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldBooleanSwitchWidget

from pipeline import clock
from pipeline.admin.base import ReasonForm
from pipeline.admin.questions import Question, ask, require
from pipeline.views import display
from rollout.admin.base import PageView, RolloutPages, tabs
from rollout.models import Announcement, Rollback, RollbackStep, TriageItem
from rollout.services import exports, saga, stop_links, triage
from rollout.views import rollbacks

RIGHT, TRIAGE = "rollout.add_rollback", "rollout.change_triageitem"
PER_PAGE = 50


class ChooseForm(ReasonForm):
    choice = forms.ChoiceField(
        choices=[("", "as proposed for each"), *TriageItem.Proposal.choices],
        required=False,
        widget=UnfoldAdminSelectWidget,
    )
    items = forms.MultipleChoiceField(
        label="Issues", choices=(), required=False, widget=forms.CheckboxSelectMultiple(attrs={"class": "cp-checks"})
    )
    reason = forms.CharField(required=False, widget=forms.HiddenInput)


class ApplyForm(ReasonForm):
    only_show = forms.BooleanField(
        required=False, widget=UnfoldBooleanSwitchWidget, help_text="Only show what would be done; write nothing."
    )


@admin.register(Rollback)
class RollbackScreen(RolloutPages):
    page_template = "admin/rollout/rollback_record.html"
    empty_text: ClassVar[str] = "Nothing was rolled back. A drill is started on the rollback page of a rollout."
    list_display = ("name", "kind", "state_word", "by", "started", "took", "rollout")
    list_display_links = ("name",)
    list_filter = ("state", "is_drill", "rollout")
    search_fields = ("by", "reason", "trigger")
    search_help_text = "Who, why or trigger"
    list_select_related = ("rollout__plan", "rollout__repository")

    @admin.display(description="Rollback")
    def name(self, row: Rollback) -> str:
        return str(row)

    @admin.display(description="Kind", ordering="is_drill")
    def kind(self, row: Rollback) -> SafeString:
        return display.badge("drill", "info") if row.is_drill else display.badge("rollback", "failed")

    @admin.display(description="State", ordering="state")
    def state_word(self, row: Rollback) -> SafeString | str:
        return display.state(row)

    @admin.display(description="Started", ordering="started_at")
    def started(self, row: Rollback) -> SafeString | str:
        return display.when(row.started_at)

    @admin.display(description="Took")
    def took(self, row: Rollback) -> str:
        return display.span(row.finished_at - row.started_at) if row.finished_at else display.NOTHING

    def addresses(self) -> list[tuple[str, str, PageView]]:
        return [
            ("steps/<slug:step>/retry", "retry", retry_page),
            ("steps/<slug:step>/skip", "skip", skip_page),
            ("undo", "undo", undo_page),
            ("triage", "triage", triage_page),
            ("triage/apply", "triage_apply", triage_apply_page),
            ("triage/again", "triage_again", triage_again_page),
            ("exports/<str:name>", "export", export_page),
        ]

    def page_context(self, request: HttpRequest, row: Rollback) -> dict[str, Any]:
        items = row.triage.select_related("issue", "applied_run").order_by("issue__number")
        took, off = rollbacks.took(row, clock.now())
        may = request.user.has_perm
        return {
            "title": f"{'Drill: ' if row.is_drill else ''}{row}",
            "rollout": row.rollout,
            "tabs": tabs(row.rollout),
            "lines": rollbacks.saga_lines(row),
            "items": Paginator(items, PER_PAGE).get_page(request.GET.get("p")),
            "messages_sent": _messages(row, may_stop=may("rollout.stop_rollout")),
            "took": took,
            "off": off,
            "may_retry": may(RIGHT),
            "may_undo": may(RIGHT) and not row.revert_effects and not row.is_drill,
            "may_triage": may(TRIAGE),
            "may_apply": may(RIGHT),
            "left": triage.not_carried_out(row).count(),
        }


def _messages(row: Rollback, *, may_stop: bool) -> list[Announcement]:
    """Shown and never saved: the link that stops is only for those who may."""
    found = list(Announcement.objects.filter(key__startswith=f"rollback:{row.pk}:"))
    for message in found if not may_stop else ():
        message.body = stop_links.without(message.body)
    return found


def _step(row: Rollback, name: str) -> RollbackStep:
    found = row.steps.filter(name=name).first()
    if found is None:
        raise Http404(f"This rollback has no step {name!r}.")
    return found


def retry_page(screen: Any, request: HttpRequest, row: Rollback, step: str) -> HttpResponse:
    require(request.user, RIGHT)
    found = _step(row, step)

    def act(answer: Any, actor: str) -> None:
        saga.retry(found, by=actor)
        saga.advance(row, clock.now())

    return ask(
        screen,
        request,
        row,
        Question(
            title=f"Try again: {found.name}",
            button="Try again",
            consequences=[found.detail or "It failed.", "It is tried now; what is done already is not done twice."],
            act=act,
            done="It was tried again.",
        ),
    )


def skip_page(screen: Any, request: HttpRequest, row: Rollback, step: str) -> HttpResponse:
    require(request.user, RIGHT)
    found = _step(row, step)

    def act(answer: Any, actor: str) -> None:
        saga.skip(found, by=actor, reason=answer["reason"])

    return ask(
        screen,
        request,
        row,
        Question(
            title=f"Skip: {found.name}",
            button="Skip this step",
            consequences=["It stays undone, with your reason beside it; the steps after it go on."],
            act=act,
            done="The step is skipped.",
            danger=True,
        ),
    )


def undo_page(screen: Any, request: HttpRequest, row: Rollback) -> HttpResponse:
    """The choice to undo what the runs changed, made after the stop."""
    require(request.user, RIGHT)

    def act(answer: Any, actor: str) -> None:
        saga.revert_too(row, by=actor, reason=answer["reason"])
        saga.advance(row, clock.now())

    return ask(
        screen,
        request,
        row,
        Question(
            title=f"Also undo what the runs changed: {row}",
            button="Undo it",
            consequences=[
                rollbacks.revertible(row.rollout, row.step),
                "Newest run first, each a run of its own; its steps show how it goes.",
                "“What undoing would restore” on the rollback's page shows it issue by issue, before.",
            ],
            act=act,
            done="It is being undone; this page shows how it goes.",
            danger=True,
        ),
    )


def triage_page(screen: Any, request: HttpRequest, row: Rollback) -> HttpResponse:
    """Choose for many issues at once; nothing is written to GitHub by choosing."""
    require(request.user, TRIAGE)
    items = row.triage.filter(applied_run__isnull=True).select_related("issue").order_by("issue__number")
    choices = [
        (str(item.pk), f"{item.issue} – proposed: {item.get_proposal_display()}. {item.reason}") for item in items
    ]

    class Form(ChooseForm):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.fields["items"].choices = choices  # type: ignore[attr-defined]
            self.order_fields(["choice", "items", "reason"])

    def act(answer: Any, actor: str) -> None:
        if not answer["choice"] and not answer["items"]:
            triage.accept_proposals(row, by=actor)
        elif answer["choice"]:
            triage.choose(row, [int(key) for key in answer["items"]], answer["choice"], by=actor)
        else:
            for item in row.triage.filter(pk__in=answer["items"]):
                triage.choose(row, [item.pk], item.proposal, by=actor)

    return ask(
        screen,
        request,
        row,
        Question(
            title="Choose for the issues between two states",
            button="Save the choices",
            consequences=[
                "Without any issue ticked and “as proposed”, all proposals are accepted where nobody chose otherwise.",
                "Nothing is written to GitHub yet: that is the next step, with a preview.",
            ],
            act=act,
            done="The choices are saved.",
            form=Form,
            template="admin/rollout/wide_question.html",
        ),
    )


def triage_apply_page(screen: Any, request: HttpRequest, row: Rollback) -> HttpResponse:
    require(request.user, RIGHT)
    chosen = row.triage.filter(applied_run__isnull=True).exclude(chosen__in=("", TriageItem.Proposal.LEAVE)).count()

    def act(answer: Any, actor: str) -> Any:
        return triage.apply(row, by=actor, reason=answer["reason"], dry_run=answer["only_show"])

    return ask(
        screen,
        request,
        row,
        Question(
            title="Carry the choices out",
            button="Carry them out",
            consequences=[
                f"One run changes {chosen} issues through effects: labels and assignees, never people's text.",
                "It can be reverted; what a person edits meanwhile is listed as a conflict.",
            ],
            act=act,
            done="The run is opened; this page shows how it goes.",
            form=ApplyForm,
        ),
    )


def triage_again_page(screen: Any, request: HttpRequest, row: Rollback) -> HttpResponse:
    require(request.user, TRIAGE)

    def act(answer: Any, actor: str) -> None:
        triage.try_again(row, by=actor)

    return ask(
        screen,
        request,
        row,
        Question(
            title="Free what was not carried out",
            button="Free these issues",
            consequences=[
                f"{triage.not_carried_out(row).count()} issues stayed as they were; their run says why for each.",
                "They can be chosen for and carried out anew; nothing is written to GitHub by this.",
            ],
            act=act,
            done="They can be chosen for again.",
        ),
    )


def export_page(screen: Any, request: HttpRequest, row: Rollback, name: str) -> HttpResponseBase:
    """Only files that a step of this rollback wrote: the name is looked up, never a path."""
    known = {file: True for line in rollbacks.saga_lines(row) for file in line.files}
    path = exports.folder() / name
    if name not in known or not path.is_file():
        raise Http404(f"This rollback has no export {name!r}.")
    return FileResponse(path.open("rb"), as_attachment=True, filename=name)
