"""People and roles. Roles come from `manage.py roles`; who has which is decided here, with a reason."""

# ruff: noqa: ARG002 - the signatures are Django's
from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminTextareaWidget

from pipeline.admin.base import LONGEST_REASON, ReadOnlyScreen, ReasonedScreen
from pipeline.permissions import ROLES
from pipeline.views import display

admin.site.unregister(User)
admin.site.unregister(Group)

PRIVILEGES = ("is_superuser",)
PURPOSES = {role.name: role.purpose for role in ROLES}
CHANGE: Any = ("Change", {"fields": ("reason",)})


def reason_field() -> forms.CharField:
    return forms.CharField(
        max_length=LONGEST_REASON,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text="Why; one sentence for the audit log.",
    )


class PersonForm(UserChangeForm):  # type: ignore[misc]
    reason = reason_field()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "groups" in self.fields:
            self.fields["groups"].widget = UnfoldAdminCheckboxSelectMultipleWidget(
                choices=self.fields["groups"].choices
            )
            self.fields["groups"].help_text = ""


class NewPersonForm(UserCreationForm):  # type: ignore[misc]
    reason = reason_field()


@admin.register(User)
class UserScreen(UserAdmin, ReasonedScreen):  # type: ignore[type-arg]
    form = PersonForm
    add_form = NewPersonForm
    change_password_form = AdminPasswordChangeForm
    actions = None
    list_display = ("username", "email", "first_name", "last_name", "is_active", "last_login")
    list_filter = ("is_active", "is_superuser", "groups")
    # Roles only: a permission given to one person would be seen nowhere.
    filter_horizontal = ()
    fieldsets = (
        (None, {"fields": ("username", "password", "first_name", "last_name", "email")}),
        ("Role", {"fields": ("is_active", "is_staff", "is_superuser", "groups")}),
        ("Seen", {"fields": ("last_login", "date_joined")}),
        CHANGE,
    )
    readonly_fields = ("last_login", "date_joined")
    add_fieldsets = (*UserAdmin.add_fieldsets, CHANGE)
    empty_text: ClassVar[str] = "Add a person and give them a role."

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        own = tuple(super().get_readonly_fields(request, obj))
        # Else an administrator could make themselves more than that.
        return own if request.user.is_superuser else (*own, *PRIVILEGES)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed: bool = super().has_change_permission(request, obj)
        return allowed and (request.user.is_superuser or obj is None or not obj.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # people are made inactive; what they did keeps its author


@admin.register(Group)
class GroupScreen(ReadOnlyScreen):
    list_display = ("name", "purpose", "members")
    search_fields = ("name",)
    fields = ("name", "purpose", "members", "may")
    readonly_fields = fields
    empty_text: ClassVar[str] = "Write the five roles with: manage.py roles"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Group]:
        rows: QuerySet[Group] = super().get_queryset(request).prefetch_related("user_set")
        return rows

    @admin.display(description="What it is for")
    def purpose(self, row: Group) -> str:
        return PURPOSES.get(row.name, display.NOTHING)

    @admin.display(description="Members")
    def members(self, row: Group) -> str:
        return ", ".join(user.get_username() for user in row.user_set.all()) or "nobody"

    @admin.display(description="May")
    def may(self, row: Group) -> SafeString:
        names = row.permissions.order_by("name").values_list("name", flat=True)
        return format_html_join("", "{}<br>", ((name,) for name in names))
