"""Switching between off, dry run and live: what each means, and who may switch which way."""

from __future__ import annotations

from django import forms
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminSelectWidget

from pipeline.admin.base import ReasonForm
from pipeline.admin.questions import require
from pipeline.models import Mode

EXPOSURE = (Mode.OFF, Mode.DRY_RUN, Mode.LIVE)  # ascending: who may go up is another question than who may go down
MEANING = {
    Mode.OFF: "Nothing starts; a run that is working stops before its next write.",
    Mode.DRY_RUN: "Runs plan and store what they would do; nothing is written to GitHub.",
    Mode.LIVE: "Runs write to GitHub, within the limit.",
}


class ModeForm(ReasonForm):
    mode = forms.ChoiceField(choices=Mode.choices, widget=UnfoldAdminSelectWidget)


def require_switch(request: HttpRequest, before: str) -> None:
    """Lowering needs hold_operation or change_mode, raising change_mode."""
    require(request.user, "pipeline.change_mode", "pipeline.hold_operation")
    wanted = request.POST.get("mode", before)
    if wanted in Mode.values and EXPOSURE.index(Mode(wanted)) > EXPOSURE.index(Mode(before)):
        require(request.user, "pipeline.change_mode")
