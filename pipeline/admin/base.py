"""What every screen shares: lists that read only, pages of our own, forms that ask for a reason."""

# ruff: noqa: ARG002 - the signatures are Django's
from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from django import forms
from django.contrib.admin.utils import display_for_field, label_for_field, lookup_field
from django.core.exceptions import PermissionDenied
from django.db.models import DateTimeField, Model, QuerySet, Value
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from simple_history.admin import SimpleHistoryAdmin
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminTextareaWidget

from pipeline import clock
from pipeline.services import audit
from pipeline.views import display

LONGEST_REASON = 500
LONGEST_NUMBER = 18


class Screen(ModelAdmin):  # type: ignore[misc]  # unfold has no types
    """A list that links, filters and says what to do when it is empty. Nothing is ever deleted from a screen."""

    empty_text: ClassVar[str] = "Nothing here yet."
    list_per_page = 25
    list_fullwidth = True
    list_filter_sheet = True
    # No actions on many rows at once: whatever changes something asks first, on its own page.
    actions = None

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class ReadOnlyScreen(Screen):
    """Records: looked at, never edited."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class PageScreen(ReadOnlyScreen):
    """A list whose rows open on a page of our own, `page_template`, given `page_context`."""

    page_template: ClassVar[str]

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        return {}

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row = row_or_404(self, request, object_id)
        if not self.has_view_permission(request, row):
            raise PermissionDenied
        context = page_frame(self, request, row) | self.page_context(request, row)
        return TemplateResponse(request, self.page_template, context)

    def pages(self) -> list[tuple[str, Any]]:
        """Further pages of a row: (name, view); the address is <id>/<name>/."""
        return []

    def get_urls(self) -> list[URLPattern]:
        info = f"{self.opts.app_label}_{self.opts.model_name}"
        own = [
            path(f"<path:object_id>/{name}/", self.admin_site.admin_view(view), name=f"{info}_{name}")
            for name, view in self.pages()
        ]
        return [*own, *super().get_urls()]


class AsOf:
    """A list whose columns depend on the time: each row bears `as_of`, asked for once and not once a row."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)  # type: ignore[misc]  # of the screen it is mixed into
        found: QuerySet[Any] = rows.annotate(as_of=Value(clock.now(), output_field=DateTimeField()))
        return found


class RecordScreen(PageScreen):
    """A record whose page shows the columns of the list, and `more` fields."""

    page_template = "admin/pipeline/record.html"
    more: ClassVar[tuple[str, ...]] = ()

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        return {"facts": [self._fact(name, row) for name in (*self.list_display, *self.more)]}

    def _fact(self, name: str, row: Any) -> tuple[str, Any]:
        label = str(label_for_field(name, self.model, model_admin=self))
        field, _, value = lookup_field(name, row, self)
        if isinstance(value, datetime):
            return label, display.when(value)
        return label, display_for_field(value, field, display.NOTHING) if field is not None else value


def page_frame(screen: Screen, request: HttpRequest, row: Any) -> dict[str, Any]:
    """What every page of a row needs."""
    return {
        **screen.admin_site.each_context(request),
        "opts": screen.opts,
        "title": str(row),
        "object": row,
        "original": row,
        "row": row,
    }


def row_or_404(screen: Screen, request: HttpRequest, object_id: str) -> Any:
    row = screen.get_object(request, object_id)
    if row is None:
        raise Http404(f"There is no {screen.opts.verbose_name} {object_id}.")
    return row


class ReasonForm(forms.Form):
    """Why; it goes into the audit log with the name of who asked."""

    reason = forms.CharField(
        max_length=LONGEST_REASON,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text="One sentence for the audit log.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # The reason comes last, after what it is a reason for.
        self.order_fields([*(name for name in self.fields if name != "reason"), "reason"])


class ReasonedModelForm(forms.ModelForm):  # type: ignore[type-arg]
    """A model's form with the same question."""

    reason = forms.CharField(
        max_length=LONGEST_REASON,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text="Why this is changed; one sentence for the audit log.",
    )


class ReasonedScreen(Screen):
    """A row that people edit, in a form with `reason`: who, why, from what to what goes into the audit log."""

    form = ReasonedModelForm

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        obj._change_reason = form.cleaned_data["reason"][:100]  # simple_history's name
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        changed = [name for name in form.changed_data if name != "reason" and "password" not in name]
        inlines = [inline for formset in formsets for inline in changed_in(formset)]
        audit.append(
            actor=request.user.get_username(),
            action=f"{self.opts.model_name}.{'changed' if change else 'added'}",
            subject=str(form.instance),
            reason=form.cleaned_data["reason"],
            before={name: plain(form.initial.get(name)) for name in changed if change},
            after={name: plain(form.cleaned_data[name]) for name in changed} | ({"rows": inlines} if inlines else {}),
        )


class EditableScreen(SimpleHistoryAdmin, ReasonedScreen):  # type: ignore[misc]  # simple_history has no types
    """The same with the row's old versions to look at."""

    def revert_disabled(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return True  # going back is an edit with a reason


def changed_in(formset: Any) -> list[str]:
    """Words for what was added, changed and deleted in an inline."""
    return [
        *(f"added {row}" for row in formset.new_objects),
        *(f"changed {row}: {', '.join(fields)}" for row, fields in formset.changed_objects),
        *(f"deleted {row}" for row in formset.deleted_objects),
    ]


def plain(value: Any) -> Any:
    """A form's value as the audit log can keep it."""
    if isinstance(value, QuerySet):
        return [str(row) for row in value]
    if isinstance(value, list):
        return [plain(entry) for entry in value]
    return value if isinstance(value, str | int | float | bool | dict | None) else str(value)


def number(given: str) -> int | None:
    """A number from an address or a form's hidden field; None for what is none, or longer than any id."""
    return int(given) if given.isdecimal() and len(given) <= LONGEST_NUMBER else None


def to_page(row: Model) -> HttpResponseRedirect:
    return HttpResponseRedirect(display.page_of(row))


def address(name: str, row: Model) -> str:
    """The address of one of a row's further pages."""
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_{name}", args=[row.pk])
