"""Specialists: the personas that guidance is written for."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest

from pipeline.admin.base import EditableScreen, ReasonedModelForm
from pipeline.admin.lines import LinesField
from pipeline.domain.workflows import SpecialistSpec
from pipeline.domain.workplan import specialist_problems
from pipeline.models import Specialist


class SpecialistForm(ReasonedModelForm):
    required_actions = LinesField(help_text="What the agent has to do; one per line.")
    quality_checklist = LinesField(help_text="What makes the result good; one per line.")

    class Meta:
        model = Specialist
        exclude = ()
        help_texts = {"guidance": "The part “Approach” of the guidance: Markdown with {placeholders}."}

    def clean(self) -> dict[str, Any] | None:
        """As an import does: a placeholder that nothing fills is told before it stands in somebody's issue."""
        answer = super().clean() or {}
        known = {field.name: answer.get(field.name) for field in fields(SpecialistSpec)}
        texts: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value or "" for name, value in known.items()
        }
        for problem in specialist_problems(SpecialistSpec(**texts)):
            self.add_error(problem.field if problem.field in self.fields else None, str(problem))
        return answer


@admin.register(Specialist)
class SpecialistScreen(EditableScreen):
    form = SpecialistForm
    empty_text: ClassVar[str] = "Load the shipped specialists with: manage.py workflows import, or add one here."
    list_display = ("name", "slug", "version", "edited_by_hand")
    search_fields = ("name", "slug", "role", "objective")
    search_help_text = "Name, slug, role or objective"
    fieldsets = (
        (None, {"fields": ("name", "slug", "version", "role", "objective")}),
        ("Guidance", {"fields": ("guidance", "required_actions", "quality_checklist", "collaboration", "escalation")}),
        ("Change", {"fields": ("reason",)}),
    )

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        obj.edited_by_hand = True  # an import must not overwrite what a person wrote
        super().save_model(request, obj, form, change)
