"""Webhook deliveries: what GitHub told us, and that each was used once."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin
from django.utils.safestring import SafeString

from pipeline.admin.base import RecordScreen
from pipeline.models import WebhookDelivery
from pipeline.views import display


@admin.register(WebhookDelivery)
class WebhookDeliveryScreen(RecordScreen):
    empty_text: ClassVar[str] = (
        "Add a webhook on GitHub: address /webhooks/github, content type application/json, the secret that the "
        "repository's page names. Without one, issues are read on schedule."
    )
    list_display = ("delivery_id", "event", "action", "issue_number", "status_word", "received", "note", "repository")
    list_filter = ("status", "event", "repository")
    search_fields = ("delivery_id", "=issue_number", "note")
    search_help_text = "Delivery, issue number or note"
    list_select_related = ("repository",)
    date_hierarchy = "received_at"

    @admin.display(description="Status", ordering="status")
    def status_word(self, row: WebhookDelivery) -> SafeString | str:
        return display.state(row, "status")

    @admin.display(description="Received", ordering="received_at")
    def received(self, row: WebhookDelivery) -> SafeString | str:
        return display.when(row.received_at)
