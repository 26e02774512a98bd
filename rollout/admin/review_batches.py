"""Batches: drawn, verified, seats given away, issues taken out; calibration rounds. Never a score of an open review."""

# ruff: noqa: ARG001, ARG002 - pages and answers have one form, and Django's signatures are Django's
from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from unfold.decorators import action
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from pipeline import clock
from pipeline.admin.base import ReasonForm
from pipeline.admin.questions import Question, ask, require
from pipeline.models import Repository
from pipeline.services.operations import NotPossible
from pipeline.views import display
from rollout.admin.base import PageView, RolloutPages
from rollout.domain.reviews import sampling
from rollout.models import Review, ReviewBatch, ReviewTeam, Sample
from rollout.services.reviews import batches, calibration, seats
from rollout.views import review_batches as parts

DRAW, REASSIGN = "rollout.draw_batch", "rollout.reassign_review"
MOST_REMINDERS = 50


class NumbersField(forms.CharField):
    """Issue numbers, apart by commas or spaces."""

    widget = UnfoldAdminTextInputWidget

    def clean(self, value: Any) -> Any:
        words = str(super().clean(value) or "").replace(",", " ").replace("#", " ").split()
        wrong = [word for word in words if not word.isdecimal() or len(word) > 9]
        if wrong:
            raise forms.ValidationError(f"{wrong[0]!r} is no issue number; write numbers such as 12, 15.")
        return [int(word) for word in words]


class RepositoryField(forms.ModelChoiceField):  # type: ignore[type-arg]  # not subscriptable at run time
    """The only one is chosen already."""

    widget = UnfoldAdminSelectWidget

    def get_bound_field(self, form: forms.BaseForm, field_name: str) -> forms.BoundField:
        rows = list(self.queryset[:2]) if self.queryset is not None else []
        if len(rows) == 1:
            self.initial = rows[0]
        return super().get_bound_field(form, field_name)


class DrawForm(ReasonForm):
    repository = RepositoryField(queryset=Repository.objects.all())
    week = forms.ChoiceField(
        choices=(), widget=UnfoldAdminSelectWidget, help_text="Monday to Sunday, UTC. A week is drawn once."
    )
    size = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=sampling.MOST,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text="Empty: as the running plan says, else 10.",
    )
    double = forms.IntegerField(
        label="Scored twice, percent",
        min_value=0,
        max_value=100,
        initial=round(sampling.DOUBLE_SHARE * 100),
        widget=UnfoldAdminIntegerFieldWidget,
        help_text="30 percent: 3 of 10.",
    )
    left_out = NumbersField(
        required=False, label="Leave out", help_text="Issue numbers, with your reason below; usually none."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["week"].choices = parts.weeks_offered(clock.now())  # type: ignore[attr-defined]  # a choice field


class CalibrationForm(ReasonForm):
    repository = RepositoryField(queryset=Repository.objects.all())
    numbers = NumbersField(label="Issues", help_text=f"Their numbers, 1 to {calibration.MOST}.")
    teams = forms.ModelMultipleChoiceField(
        queryset=ReviewTeam.objects.filter(active=True),
        widget=forms.CheckboxSelectMultiple(attrs={"class": "cp-checks"}),
        help_text="Everybody active in them scores every issue.",
    )
    days = forms.IntegerField(
        label="Days to the deadline", min_value=1, max_value=28, initial=7, widget=UnfoldAdminIntegerFieldWidget
    )


class ReassignForm(ReasonForm):
    reviewer = forms.ChoiceField(choices=(), widget=UnfoldAdminSelectWidget)


class ReplaceForm(ReasonForm):
    refill = forms.BooleanField(
        label="Bring in the next one",
        required=False,
        initial=True,
        widget=UnfoldBooleanSwitchWidget,
        help_text="The next by rank of the same workflow; without it the sample gets smaller.",
    )


@admin.register(ReviewBatch)
class ReviewBatchScreen(RolloutPages):
    page_template = "admin/rollout/batch.html"
    empty_text: ClassVar[str] = "No sample was drawn yet: on Monday at nine (UTC), or by a lead with “Draw a sample”."
    list_display = ("name", "state_word", "progress_word", "team", "due", "drawn", "repository")
    list_display_links = ("name",)
    list_filter = ("state", "is_calibration", "team", "repository")
    search_fields = ("repository__full_name", "drawn_by", "seed")
    search_help_text = "Repository, who drew it, or the seed"
    date_hierarchy = "week"
    list_select_related = ("team", "repository")
    actions_list = ("calibrate",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ReviewBatch]:
        """A calibration item must look like any other, so an open round is shown to leads alone."""
        rows: QuerySet[ReviewBatch] = super().get_queryset(request)
        return rows if leads(request) else rows.exclude(is_calibration=True, state=ReviewBatch.State.OPEN)

    @admin.display(description="Batch", ordering="week")
    def name(self, row: ReviewBatch) -> SafeString:
        return display.wide(str(row))

    @admin.display(description="State", ordering="state")
    def state_word(self, row: ReviewBatch) -> SafeString | str:
        return display.state(row)

    @admin.display(description="Done")
    def progress_word(self, row: ReviewBatch) -> str:
        found = parts.progress(row)
        return f"{found.done} of {found.seats}"

    @admin.display(description="Due", ordering="due_at")
    def due(self, row: ReviewBatch) -> SafeString | str:
        return display.when(row.due_at)

    @admin.display(description="Drawn", ordering="drawn_at")
    def drawn(self, row: ReviewBatch) -> SafeString | str:
        return display.when(row.drawn_at)

    def addresses(self) -> list[tuple[str, str, PageView]]:
        return [
            ("verify", "verify", verify_page),
            ("draw.json", "export", export_page),
            ("seats/<int:seat>/reassign", "reassign", reassign_page),
            ("seats/<int:seat>/close", "close_seat", close_page),
            ("samples/<int:sample>/replace", "replace", replace_page),
        ]

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.calibration_view)
        return [path("calibration/", view, name="rollout_reviewbatch_calibration"), *super().get_urls()]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm(DRAW)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        return draw_page(self, request)

    def calibration_view(self, request: HttpRequest) -> HttpResponse:
        return calibration_page(self, request)

    @action(description="Open a calibration round …", url_path="calibrate", permissions=["add"])  # type: ignore[untyped-decorator]  # unfold's
    def calibrate(self, request: HttpRequest) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:rollout_reviewbatch_calibration"))

    def page_context(self, request: HttpRequest, row: ReviewBatch) -> dict[str, Any]:
        is_open = row.state == ReviewBatch.State.OPEN
        return {
            "title": f"{row} of {row.repository}",
            "batch": row,
            "lines": parts.lines(row),
            "progress": parts.progress(row),
            "people": parts.reviewers(row),
            "reminders": row.reminders.select_related("user")[:MOST_REMINDERS],
            "replaced": parts.replaced(row),
            "left_out": parts.left_out(row),
            # Who scores what, and what is scored twice, is nobody's business but a lead's while it is scored.
            "show_seats": leads(request) or not is_open,
            "may_reassign": is_open and request.user.has_perm(REASSIGN),
        }


def leads(request: HttpRequest) -> bool:
    return request.user.has_perm(DRAW) or request.user.has_perm(REASSIGN)


def draw_page(screen: Any, request: HttpRequest) -> HttpResponse:
    require(request.user, DRAW)

    def act(answer: Mapping[str, Any], actor: str) -> ReviewBatch:
        return batches.draw(
            answer["repository"],
            date.fromisoformat(answer["week"]),
            by=actor,
            reason=answer["reason"],
            size=answer["size"],
            double_share=answer["double"] / 100,
            left_out=answer["left_out"],
        )

    question = Question(
        title="Draw a sample",
        button="Draw it",
        consequences=[
            "Its frame is every issue that got guidance in that week; what is left out stands there with the reason.",
            "Frame, hash and a fresh seed are stored first, so that anybody can draw it again; a week is drawn once.",
            "The team on duty gets the seats by load, nobody their own work, and is told.",
        ],
        act=act,
        done="The sample is drawn; this page shows it.",
        form=DrawForm,
        back=reverse("admin:rollout_reviewbatch_changelist"),
    )
    return ask(screen, request, ReviewBatch(week=clock.now().date()), question)


def calibration_page(screen: Any, request: HttpRequest) -> HttpResponse:
    require(request.user, DRAW)
    flagged = calibration.flagged()

    def act(answer: Mapping[str, Any], actor: str) -> ReviewBatch:
        return calibration.open_round(
            answer["repository"],
            answer["numbers"],
            list(answer["teams"]),
            deadline=clock.now() + timedelta(days=answer["days"]),
            by=actor,
            reason=answer["reason"],
        )

    question = Question(
        title="Open a calibration round",
        button="Open it",
        consequences=[
            "Everybody of the teams scores the same issues; reviewers cannot tell them from others.",
            "Its scores count in no figure; afterwards they are compared and talked over.",
            "Named already, where there are any: the issues that reviewers flagged for it.",
        ],
        act=act,
        done="The round is open, and everybody of the teams is told.",
        form=CalibrationForm,
        initial={
            "repository": flagged[0].issue.repository if flagged else None,
            "numbers": ", ".join(str(row.issue.number) for row in flagged),
        },
        back=reverse("admin:rollout_reviewbatch_changelist"),
    )
    return ask(screen, request, ReviewBatch(is_calibration=True, week=clock.now().date()), question)


def verify_page(screen: Any, request: HttpRequest, row: ReviewBatch) -> HttpResponse:
    """Draws again and compares; only reads."""
    require(request.user, "rollout.view_reviewbatch")
    try:
        found = batches.verify(row)
    except (NotPossible, ValueError) as refusal:
        messages.error(request, str(refusal))
    else:
        (messages.error if found.faults else messages.success)(request, found.sentence)
    return HttpResponseRedirect(display.page_of(row))


def export_page(screen: Any, request: HttpRequest, row: ReviewBatch) -> HttpResponse:
    """Seed, frame and sample without any text, for whoever wants to draw it again elsewhere."""
    require(
        request.user, DRAW, REASSIGN, *(["rollout.view_reviewbatch"] if row.state != ReviewBatch.State.OPEN else [])
    )
    text = json.dumps(batches.dump(row), indent=2, ensure_ascii=True)
    response = HttpResponse(text, content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="draw-{row.pk}-{row.week}.json"'
    return response


def reassign_page(screen: Any, request: HttpRequest, row: ReviewBatch, seat: int) -> HttpResponse:
    require(request.user, REASSIGN)
    found = _seat(row, seat)
    choices = parts.candidates(found)

    class Form(ReassignForm):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.fields["reviewer"].choices = choices  # type: ignore[attr-defined]  # a choice field

    def act(answer: Mapping[str, Any], actor: str) -> None:
        to = User.objects.get(pk=int(answer["reviewer"]))
        seats.reassign(found.pk, to, by=actor, reason=answer["reason"])

    has = found.reviewer.get_username() if found.reviewer else "Nobody"
    question = Question(
        title=f"Reassign review {found.seat} of #{found.sample.issue.number}",
        button="Reassign it",
        consequences=[
            f"{has} has it now; what was typed so far is dropped, and an open page of theirs says so.",
            "Who wrote or triaged the issue, or scores it already, is refused.",
        ],
        act=act,
        done="The review is reassigned.",
        form=Form,
        back=display.page_of(row),
    )
    return ask(screen, request, row, question)


def close_page(screen: Any, request: HttpRequest, row: ReviewBatch, seat: int) -> HttpResponse:
    require(request.user, REASSIGN)
    found = _seat(row, seat)

    def act(answer: Mapping[str, Any], actor: str) -> None:
        seats.close_seat(found.pk, by=actor, reason=answer["reason"])

    question = Question(
        title=f"Close seat {found.seat} of #{found.sample.issue.number}",
        button="Close the seat",
        consequences=[
            "Nobody scores it any more: it counts as skipped, with your reason.",
            "When it was the last open seat, the batch is done.",
        ],
        act=act,
        done="The seat is closed.",
        danger=True,
        back=display.page_of(row),
    )
    return ask(screen, request, row, question)


def replace_page(screen: Any, request: HttpRequest, row: ReviewBatch, sample: int) -> HttpResponse:
    require(request.user, REASSIGN)
    found = Sample.objects.filter(batch=row, pk=sample).select_related("issue").first()
    if found is None:
        raise Http404(f"There is no sample {sample} in this batch.")

    def act(answer: Mapping[str, Any], actor: str) -> None:
        seats.replace(found.pk, by=actor, reason=answer["reason"], refill=answer["refill"])

    question = Question(
        title=f"Take #{found.issue.number} out of the sample",
        button="Take it out",
        consequences=[
            "It stays on this page with your reason, and is not drawn again while its guidance stays the same.",
            "What comes in is the next by rank of its workflow, so that the draw can still be verified.",
        ],
        act=act,
        done=f"#{found.issue.number} is taken out.",
        form=ReplaceForm,
        back=display.page_of(row),
    )
    return ask(screen, request, row, question)


def _seat(row: ReviewBatch, seat: int) -> Review:
    found = Review.objects.filter(sample__batch=row, pk=seat).select_related("sample__issue", "reviewer").first()
    if found is None:
        raise Http404(f"There is no seat {seat} in this batch.")
    return found
