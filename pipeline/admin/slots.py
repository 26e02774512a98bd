"""Slots: every nominal time of every operation, whether it ran, and why not when it did not."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin
from django.utils.safestring import SafeString

from pipeline.admin.base import RecordScreen
from pipeline.admin.filters import ByOperation
from pipeline.models import Slot
from pipeline.views import display


@admin.register(Slot)
class SlotScreen(RecordScreen):
    empty_text: ClassVar[str] = "Slots appear when the cron of an operation that is not off falls due."
    list_display = ("nominal", "operation_link", "status_word", "run_link", "reason", "settled")
    list_filter = ("status", ByOperation)
    search_fields = ("operation__name", "reason")
    search_help_text = "Operation or reason"
    list_select_related = ("operation__repository", "run")
    date_hierarchy = "nominal_at"

    @admin.display(description="Nominal time", ordering="nominal_at")
    def nominal(self, row: Slot) -> SafeString | str:
        return display.absolute(row.nominal_at)

    @admin.display(description="Operation", ordering="operation__name")
    def operation_link(self, row: Slot) -> SafeString | str:
        return display.link(row.operation)

    @admin.display(description="What became of it", ordering="status")
    def status_word(self, row: Slot) -> SafeString | str:
        return display.state(row, "status")

    @admin.display(description="Run")
    def run_link(self, row: Slot) -> SafeString | str:
        return display.link(row.run)

    @admin.display(description="Settled", ordering="settled_at")
    def settled(self, row: Slot) -> SafeString | str:
        return display.when(row.settled_at)
