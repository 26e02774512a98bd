"""Sources: the feeds, sitemaps and pages that are monitored."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.utils.safestring import SafeString

from pipeline.admin.base import EditableScreen, ReasonedModelForm
from pipeline.admin.lines import LinesField
from pipeline.domain.labels import MAX_LABEL
from pipeline.models import Source
from pipeline.views import display


class SourceForm(ReasonedModelForm):
    labels = LinesField(longest=MAX_LABEL, help_text="Extra labels for the issues opened from here; one per line.")

    class Meta:
        model = Source
        exclude = ()

    def clean(self) -> dict[str, Any] | None:
        answer = super().clean() or {}
        kind, selector = answer.get("kind"), answer.get("selector")
        if kind == Source.Kind.PAGE and not selector:
            self.add_error("selector", "A page is watched by a CSS selector; write for example: main article h2 a")
        if kind != Source.Kind.PAGE and selector:
            self.add_error("selector", "Only pages have a selector; empty it, or choose the kind “page”.")
        repository = answer.get("repository")
        states = repository.grammar.values(answer.get("labels", []), "state::") if repository else ()
        if states:
            self.add_error("labels", "A new issue is in discovery; leave the labels state::… to the pipeline.")
        url = answer.get("url", "")
        if url and not display.is_web_address(url):
            raise forms.ValidationError(f"The address {url[:80]!r} is neither http nor https; write one that is.")
        return answer


@admin.register(Source)
class SourceScreen(EditableScreen):
    form = SourceForm
    empty_text: ClassVar[str] = (
        "Add a feed, a sitemap or a page; the operation “monitor” opens an issue for what is new."
    )
    list_display = ("name", "kind", "repository", "standing", "checked", "problem_word", "web")
    list_filter = ("active", "kind", "repository")
    search_fields = ("name", "url")
    search_help_text = "Name or address"
    list_select_related = ("repository",)
    fieldsets = (
        (None, {"fields": ("repository", "name", "kind", "url", "selector", "labels", "active")}),
        ("Change", {"fields": ("reason",)}),
        ("Last check", {"fields": ("checked", "problem_word", "failures")}),
    )
    readonly_fields = ("checked", "problem_word", "failures")

    @admin.display(description="Standing", ordering="active")
    def standing(self, row: Source) -> SafeString:
        return display.badge("active" if row.active else "off")

    @admin.display(description="Checked", ordering="checked_at")
    def checked(self, row: Source) -> SafeString | str:
        return display.when(row.checked_at)

    @admin.display(description="Problem", ordering="failures")
    def problem_word(self, row: Source) -> str:
        return f"{row.problem} ({row.failures} checks in a row)" if row.problem else "none"

    @admin.display(description="Address")
    def web(self, row: Source) -> SafeString | str:
        return display.outside(row.url)
