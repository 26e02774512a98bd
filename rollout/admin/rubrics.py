"""Rubrics: versions with their criteria and anchors, a draft's editor, putting it in use, what changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextInputWidget

from pipeline.admin.base import ReasonForm, to_page
from pipeline.admin.questions import Question, ask, require
from pipeline.views import display
from rollout.admin.base import PageView, RolloutPages
from rollout.domain.reviews import rubric as domain
from rollout.domain.reviews.rubric import CriterionSpec
from rollout.models import Rubric
from rollout.services.reviews import rubrics

CHANGE, PUBLISH = "rollout.change_rubric", "rollout.publish_rubric"
BLANK_ROWS = 2
FIELDS = ("slug", "text", "weight", "target")


class EditForm(ReasonForm):
    """A draft's title and criteria; `criteria` reads the filled-in rows back as values."""

    rows: ClassVar[int] = 0
    title = forms.CharField(max_length=200, widget=UnfoldAdminTextInputWidget)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for row in range(self.rows):
            self.fields |= dict(_fields(row))

    def clean(self) -> dict[str, Any]:
        answer = super().clean() or {}
        for row in self._filled():
            for name in (*FIELDS, *(f"anchor-{rating}" for rating in domain.RATINGS)):
                field = f"{name}-{row}"
                if field not in self.errors and answer.get(field) in ("", None):
                    self.add_error(field, "Fill it in, or empty the criterion's name to drop it.")
        return answer

    @property
    def criteria(self) -> list[CriterionSpec]:
        """Only of a valid form."""
        return [self._criterion(row) for row in self._filled()]

    def fieldsets(self) -> Iterator[tuple[str, list[forms.BoundField]]]:
        """(heading, fields) of each criterion, for the page."""
        for row in range(self.rows):
            names = [name for name, _ in _fields(row)]
            heading = str(self[f"text-{row}"].value() or "A further criterion")
            yield heading, [self[name] for name in names]

    def _filled(self) -> list[int]:
        return [row for row in range(self.rows) if str(self.data.get(f"slug-{row}", "")).strip()]

    def _criterion(self, row: int) -> CriterionSpec:
        answer = self.cleaned_data
        anchors = tuple(str(answer[f"anchor-{rating}-{row}"]) for rating in domain.RATINGS)
        target = round(float(answer[f"target-{row}"]) / 100, 4)
        return CriterionSpec(answer[f"slug-{row}"], answer[f"text-{row}"], answer[f"weight-{row}"], target, anchors)


def _fields(row: int) -> Iterator[tuple[str, forms.Field]]:
    text = UnfoldAdminTextInputWidget
    yield f"slug-{row}", forms.SlugField(label="Short name", required=False, max_length=60, widget=text)
    yield f"text-{row}", forms.CharField(label="Criterion", required=False, max_length=200, widget=text)
    whole = UnfoldAdminIntegerFieldWidget
    yield (
        f"weight-{row}",
        forms.IntegerField(label="Weight, percent", required=False, min_value=1, max_value=100, widget=whole),
    )
    yield (
        f"target-{row}",
        forms.DecimalField(
            label="Target, percent",
            required=False,
            min_value=0,
            max_value=100,
            decimal_places=2,
            widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal"}),
        ),
    )
    for rating in domain.RATINGS:
        yield (
            f"anchor-{rating}-{row}",
            forms.CharField(label=f"A {rating} is", required=False, max_length=domain.LONGEST_ANCHOR, widget=text),
        )


def initial_of(title: str, criteria: Sequence[CriterionSpec]) -> dict[str, Any]:
    found: dict[str, Any] = {"title": title}
    for row, one in enumerate(criteria):
        found |= {f"slug-{row}": one.slug, f"text-{row}": one.text, f"weight-{row}": one.weight}
        found[f"target-{row}"] = f"{round(one.target * 100, 2):g}"
        found |= {f"anchor-{rating}-{row}": anchor for rating, anchor in enumerate(one.anchors)}
    return found


@admin.register(Rubric)
class RubricScreen(RolloutPages):
    page_template = "admin/rollout/rubric.html"
    empty_text: ClassVar[str] = "Load the plan's rubric with: manage.py reviews ship."
    list_display = ("name", "status_word", "criteria_word", "created_by", "created", "published")
    list_display_links = ("name",)
    list_filter = ("status", "slug")
    search_fields = ("slug", "title", "criteria__text")
    search_help_text = "Name, title or criterion"

    @admin.display(description="Rubric", ordering="version")
    def name(self, row: Rubric) -> SafeString:
        return display.wide(f"{row.title}, version {row.version}")

    @admin.display(description="Status", ordering="status")
    def status_word(self, row: Rubric) -> SafeString:
        return badge(row)

    @admin.display(description="Criteria")
    def criteria_word(self, row: Rubric) -> str:
        return ", ".join(f"{one.slug} {one.weight} %" for one in rubrics.specs_of(row)) or "none"

    @admin.display(description="Made", ordering="created_at")
    def created(self, row: Rubric) -> SafeString | str:
        return display.when(row.created_at)

    @admin.display(description="In use since", ordering="published_at")
    def published(self, row: Rubric) -> SafeString | str:
        return display.when(row.published_at)

    def addresses(self) -> list[tuple[str, str, PageView]]:
        return [("edit", "edit", edit_page), ("publish", "publish", publish_page), ("copy", "copy", copy_page)]

    def page_context(self, request: HttpRequest, row: Rubric) -> dict[str, Any]:
        criteria = rubrics.specs_of(row)
        before = Rubric.objects.filter(slug=row.slug, version__lt=row.version).order_by("-version").first()
        draft = row.status == Rubric.Status.DRAFT
        newest = not Rubric.objects.filter(slug=row.slug, version__gt=row.version).exists()
        return {
            "title": f"{row.title}, version {row.version}",
            "rubric": row,
            "status": badge(row),
            "criteria": criteria,
            "total": sum(one.weight for one in criteria),
            "faults": domain.faults(criteria),
            "before": before,
            "changes": rubrics.diff(before, row) if before else [],
            "batches": row.batches.count(),
            "may_edit": draft and request.user.has_perm(CHANGE),
            "may_publish": draft and request.user.has_perm(PUBLISH),
            "may_copy": not draft and newest and request.user.has_perm(CHANGE),
        }


def badge(row: Rubric) -> SafeString:
    tone = {"draft": "working", "in_use": "done", "retired": "cancelled"}
    return display.badge(row.get_status_display(), tone[row.status])


def edit_page(screen: Any, request: HttpRequest, row: Rubric) -> HttpResponse:
    require(request.user, CHANGE)
    if row.status != Rubric.Status.DRAFT:
        return to_page(row)
    criteria = rubrics.specs_of(row)

    class Form(EditForm):
        rows = min(max(len(criteria) + BLANK_ROWS, BLANK_ROWS + 1), domain.MOST)

        def clean(self) -> dict[str, Any]:
            answer = super().clean()
            if not self.errors:
                answer["criteria"] = self.criteria
            return answer

    def act(answer: Mapping[str, Any], actor: str) -> None:
        rubrics.edit(row, title=answer["title"], criteria=answer["criteria"], by=actor, reason=answer["reason"])

    question = Question(
        title=f"Edit {row.title}, version {row.version}",
        button="Save the draft",
        consequences=[
            "Nothing is scored by a draft; it is put in use on its page, and then never changes again.",
            "The weights must sum to 100 before that. Empty a short name to drop its criterion.",
        ],
        act=act,
        done="The draft is saved.",
        form=Form,
        initial=initial_of(row.title, criteria),
        template="admin/rollout/rubric_edit.html",
    )
    return ask(screen, request, row, question)


def publish_page(screen: Any, request: HttpRequest, row: Rubric) -> HttpResponse:
    require(request.user, PUBLISH)
    before = Rubric.objects.filter(slug=row.slug, status=Rubric.Status.IN_USE).exclude(pk=row.pk).first()

    def act(answer: Mapping[str, Any], actor: str) -> None:
        rubrics.publish(row, by=actor, reason=answer["reason"])

    question = Question(
        title=f"Put {row.title}, version {row.version} in use",
        button="Put it in use",
        consequences=[
            "The next batches are scored by it; open batches and old scores stay with their version.",
            *([f"Version {before.version} is retired."] if before else []),
            *(rubrics.diff(before, row) if before else []),
            "It never changes again: a later change is a new version.",
            *domain.faults(rubrics.specs_of(row)),
        ],
        act=act,
        done="It is in use.",
    )
    return ask(screen, request, row, question)


def copy_page(screen: Any, request: HttpRequest, row: Rubric) -> HttpResponse:
    require(request.user, CHANGE)

    def act(answer: Mapping[str, Any], actor: str) -> Rubric:
        return rubrics.new_version(row.slug, by=actor, reason=answer["reason"])

    question = Question(
        title=f"Make a new version of {row.title}",
        button="Make a draft",
        consequences=["It copies the newest version; edit the draft, then put it in use."],
        act=act,
        done="The draft is there; edit it, then put it in use.",
    )
    return ask(screen, request, row, question)
