"""The application that brings `manage.py up` and the system checks."""

from __future__ import annotations

from django.apps import AppConfig
from django.core.checks import Tags, register

from controlplane import checks


class ControlplaneConfig(AppConfig):
    name = "controlplane"
    verbose_name = "Control plane"

    def ready(self) -> None:
        register(checks.check_unknown_variables, Tags.compatibility)
        register(checks.check_production, Tags.security, deploy=True)
