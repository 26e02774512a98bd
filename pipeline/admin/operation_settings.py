"""The settings of an operation that are neither mode nor limit nor schedule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.db import transaction
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget, UnfoldBooleanSwitchWidget

from pipeline.admin.base import ReasonForm, plain
from pipeline.models import Operation
from pipeline.services import audit


class SettingsForm(ReasonForm):
    """Names and meanings are the model's."""

    NAMES: ClassVar = (
        "concurrency_group",
        "overlap",
        "timeout",
        "continue_on_error",
        "verbose",
        "statistics",
        "catch_up",
        "catch_up_within",
    )

    concurrency_group = forms.SlugField(
        max_length=60,
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="Two runs of one group never overlap; empty: no group.",
    )
    overlap = forms.ChoiceField(
        choices=Operation.Overlap.choices,
        widget=UnfoldAdminSelectWidget,
        help_text="What to do when the group still works as the next slot is due.",
    )
    timeout = forms.DurationField(widget=UnfoldAdminTextInputWidget, help_text="Hours:minutes:seconds.")
    continue_on_error = forms.BooleanField(
        required=False, widget=UnfoldBooleanSwitchWidget, help_text="One failed issue does not stop the others."
    )
    verbose = forms.BooleanField(
        required=False, widget=UnfoldBooleanSwitchWidget, help_text="manage.py run shows a line for each item."
    )
    statistics = forms.BooleanField(
        required=False, widget=UnfoldBooleanSwitchWidget, help_text="manage.py run shows the figures of the run."
    )
    catch_up = forms.ChoiceField(
        choices=Operation.CatchUp.choices, widget=UnfoldAdminSelectWidget, help_text="After an outage."
    )
    catch_up_within = forms.DurationField(
        widget=UnfoldAdminTextInputWidget, help_text="Older slots are only recorded as missed; hours:minutes:seconds."
    )

    def clean_timeout(self) -> Any:
        timeout = self.cleaned_data["timeout"]
        if timeout.total_seconds() < 60:
            raise forms.ValidationError("A timeout below one minute would cut every run; write at least 00:01:00.")
        return timeout


@transaction.atomic
def save_settings(operation: Operation, answer: Mapping[str, Any], actor: str) -> None:
    """Save what differs, with its history and an audit entry; nothing when nothing differs."""
    before = {name: getattr(operation, name) for name in SettingsForm.NAMES if getattr(operation, name) != answer[name]}
    if not before:
        return
    for name in before:
        setattr(operation, name, answer[name])
    operation.save(update_fields=list(before))
    audit.append(
        actor=actor,
        action="operation.settings",
        subject=str(operation),
        reason=answer["reason"],
        before={name: plain(value) for name, value in before.items()},
        after={name: plain(answer[name]) for name in before},
    )
