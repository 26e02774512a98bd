"""Workflows with their deliverables; the list fields are edited one entry per line."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.admin import StackedInline

from pipeline.admin.base import EditableScreen, ReasonedModelForm
from pipeline.admin.lines import LinesField
from pipeline.domain import workplan
from pipeline.domain.labels import MAX_LABEL
from pipeline.domain.workflows import Deliverable as DeliverableSpec
from pipeline.models import Deliverable, Workflow
from pipeline.services import workflows
from pipeline.views import display


class WorkflowForm(ReasonedModelForm):
    trigger_labels = LinesField(longest=MAX_LABEL, help_text="Labels that suggest this workflow; one per line.")
    content_keywords = LinesField(longest=100, help_text="Words and phrases in title and body; one per line.")
    acceptance_criteria = LinesField(help_text="Numbered in the Copilot assignment; one per line.")
    required_sections = LinesField(longest=100, help_text="Headings that a deliverable must have; one per line.")

    class Meta:
        model = Workflow
        exclude = ()

    def clean(self) -> dict[str, Any] | None:
        answer = super().clean() or {}
        ask_at, assign_at = answer.get("ask_at"), answer.get("assign_at")
        if ask_at is not None and assign_at is not None and ask_at > assign_at:
            self.add_error(
                "ask_at", f"Asking starts at {ask_at}, above the assignment at {assign_at}; make it lower or equal."
            )
        slug, specialist = answer.get("slug"), answer.get("specialist")
        if slug and specialist:
            too_long = workflows.label_problem(slug, specialist.slug, answer.get("repository"))
            if too_long:
                self.add_error("slug", too_long)
        return answer


class DeliverableForm(forms.ModelForm):  # type: ignore[type-arg]
    """Every field says aloud what it is: several rows of one form have the same visible labels."""

    class Meta:
        model = Deliverable
        fields = ("name", "title", "description", "template", "path", "required", "order")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        row = self.instance.title or "new deliverable"
        for name, field in self.fields.items():
            field.widget.attrs.setdefault("aria-label", f"{field.label or name} of {row}")


class DeliverableFormSet(forms.BaseInlineFormSet):  # type: ignore[type-arg]
    """Checks the workflow as a whole, as an import does: names, paths and placeholders on any issue."""

    def clean(self) -> None:
        super().clean()
        workflow: Workflow = self.instance
        if any(self.errors) or workflow.specialist_id is None:
            return  # said elsewhere already
        rows = [form.cleaned_data for form in self.forms if form.cleaned_data and not form.cleaned_data.get("DELETE")]
        items = tuple(DeliverableSpec(**{name: row[name] for name in DeliverableForm.Meta.fields}) for row in rows)
        found = workplan.problems(replace(workflow.own_spec(), deliverables=items))
        if found:
            raise ValidationError([str(problem) for problem in found])


class DeliverableInline(StackedInline):  # type: ignore[misc]
    model = Deliverable
    form = DeliverableForm
    formset = DeliverableFormSet
    extra = 0


@admin.register(Workflow)
class WorkflowScreen(EditableScreen):
    form = WorkflowForm
    inlines = (DeliverableInline,)
    empty_text: ClassVar[str] = "Load the shipped workflows with: manage.py workflows import, or add one here."
    list_display = ("name", "slug", "active_word", "specialist_link", "thresholds", "due", "where", "origin_words")
    list_filter = ("active", "specialist", "repository")
    search_fields = ("name", "slug", "description")
    search_help_text = "Name, slug or description"
    list_select_related = ("specialist", "repository")
    fieldsets = (
        (None, {"fields": ("name", "slug", "version", "description", "active", "repository", "specialist")}),
        ("When it fits", {"fields": ("trigger_labels", "content_keywords", "assign_at", "ask_at")}),
        ("What is to be done", {"fields": ("branch_pattern", "folder_pattern", "due_hours", "acceptance_criteria")}),
        ("Validation", {"fields": ("minimum_words", "required_sections")}),
        ("Change", {"fields": ("reason",)}),
    )

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        obj.edited_by_hand = True  # an import must not overwrite what a person wrote
        super().save_model(request, obj, form, change)

    @admin.display(description="Standing", ordering="active")
    def active_word(self, row: Workflow) -> SafeString:
        return display.badge("active" if row.active else "off")

    @admin.display(description="Specialist", ordering="specialist__name")
    def specialist_link(self, row: Workflow) -> SafeString | str:
        return display.link(row.specialist)

    @admin.display(description="Assigns at, asks at")
    def thresholds(self, row: Workflow) -> str:
        return f"{display.percent(row.assign_at)}, {display.percent(row.ask_at)}"

    @admin.display(description="Due after", ordering="due_hours")
    def due(self, row: Workflow) -> str:
        return f"{row.due_hours} h"

    @admin.display(description="In force for", ordering="repository__full_name")
    def where(self, row: Workflow) -> str:
        return str(row.repository) if row.repository else "all repositories"

    @admin.display(description="Comes from")
    def origin_words(self, row: Workflow) -> str:
        origin = row.origin or "the admin"
        return f"{origin}, edited here" if row.edited_by_hand and row.origin else origin
