"""`manage.py roles`: writes the roles of `pipeline.permissions` as groups; safe to repeat."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group, Permission
from django.core.management.base import BaseCommand
from django.db import transaction

from pipeline.permissions import ROLES, Role


class Command(BaseCommand):
    help = "Write the five roles as groups with their permissions. Members stay; other groups are left alone."

    def handle(self, *_args: Any, **options: Any) -> None:
        with transaction.atomic():
            known = {
                f"{permission.content_type.app_label}.{permission.codename}": permission
                for permission in Permission.objects.select_related("content_type")
            }
            for role in ROLES:
                write_role(role, known)
        if options["verbosity"]:
            self.stdout.write(f"{len(ROLES)} roles are in place: {', '.join(role.name for role in ROLES)}.")


def write_role(role: Role, known: dict[str, Permission]) -> Group:
    """The group of `role` with exactly its permissions. KeyError names a permission that no model declares."""
    group, _ = Group.objects.get_or_create(name=role.name)
    group.permissions.set([known[name] for name in sorted(role.permissions)])
    return group
