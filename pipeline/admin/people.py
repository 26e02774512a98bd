"""People and roles. Roles come from `manage.py roles`; who has which is decided here, with a reason."""

# ruff: noqa: ARG002 - the signatures are Django's
from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.http import HttpRequest
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminTextareaWidget

from pipeline.admin.base import LONGEST_REASON, ReasonedModelForm, ReasonedScreen

admin.site.unregister(User)
admin.site.unregister(Group)

PRIVILEGES = ("is_superuser", "user_permissions")
CHANGE: Any = ("Change", {"fields": ("reason",)})


def reason_field() -> forms.CharField:
    return forms.CharField(
        max_length=LONGEST_REASON,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text="Why; one sentence for the audit log.",
    )


class PersonForm(UserChangeForm):  # type: ignore[misc]
    reason = reason_field()


class NewPersonForm(UserCreationForm):  # type: ignore[misc]
    reason = reason_field()


class RoleForm(ReasonedModelForm):
    """Roles are looked at here; `manage.py roles` writes them."""


@admin.register(User)
class UserScreen(UserAdmin, ReasonedScreen):  # type: ignore[type-arg]
    form = PersonForm
    add_form = NewPersonForm
    change_password_form = AdminPasswordChangeForm
    actions = None
    list_display = ("username", "email", "first_name", "last_name", "is_active", "last_login")
    list_filter = ("is_active", "is_superuser", "groups")
    fieldsets = (*(UserAdmin.fieldsets or ()), CHANGE)
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
class GroupScreen(GroupAdmin, ReasonedScreen):
    form = RoleForm
    actions = None
    empty_text: ClassVar[str] = "Write the five roles with: manage.py roles"

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
