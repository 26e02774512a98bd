"""What was noted on the way: progress log, announcements, firings, holds, overrides, ticks. Lists that only read."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString

from pipeline.admin.base import RecordScreen
from pipeline.views import display
from rollout.models import Announcement, Firing, Hold, Override, ProgressEntry, Resumption, Signature, Tick
from rollout.services import stop_links


@admin.register(ProgressEntry)
class ProgressEntryScreen(RecordScreen):
    empty_text: ClassVar[str] = "Starts, decisions, holds and rollbacks are told here, each in a sentence."
    list_display = ("moment", "actor", "sentence", "rollout")
    list_display_links = ("moment",)
    list_filter = ("rollout", "actor")
    search_fields = ("sentence", "actor")
    search_help_text = "Words or who"
    date_hierarchy = "at"
    list_select_related = ("rollout__plan", "rollout__repository")
    more = ("link",)

    @admin.display(description="When", ordering="at")
    def moment(self, row: ProgressEntry) -> SafeString | str:
        return display.when(row.at)


@admin.register(Announcement)
class AnnouncementScreen(RecordScreen):
    empty_text: ClassVar[str] = "Messages to people are kept here with what became of them; none was sent yet."
    list_display = ("subject", "channel", "state_word", "attempts", "created", "sent")
    list_filter = ("state", "channel", "rollout")
    search_fields = ("subject", "body")
    search_help_text = "Words"
    more = ("recipients", "body", "error", "due_at", "key")

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Announcement | None:
        """Shown and never saved: the link that stops is only for those who may."""
        row: Announcement | None = super().get_object(request, object_id, from_field)
        if row is not None and not request.user.has_perm("rollout.stop_rollout"):
            row.body = stop_links.without(row.body)
        return row

    @admin.display(description="State", ordering="state")
    def state_word(self, row: Announcement) -> SafeString | str:
        return display.state(row)

    @admin.display(description="Written", ordering="created_at")
    def created(self, row: Announcement) -> SafeString | str:
        return display.when(row.created_at)

    @admin.display(description="Sent", ordering="sent_at")
    def sent(self, row: Announcement) -> SafeString | str:
        return display.when(row.sent_at)


@admin.register(Firing)
class FiringScreen(RecordScreen):
    empty_text: ClassVar[str] = (
        "No trigger has fired. Their values and limits stand on the trigger board of the rollout."
    )
    list_display = ("trigger", "subject", "action_word", "outcome_word", "moment", "sentence")
    list_filter = ("outcome", "trigger", "rollout")
    search_fields = ("trigger", "sentence")
    search_help_text = "Trigger or words"
    list_select_related = ("rollout__plan", "rollout__repository")
    more = ("rollout", "evidence", "settled_by", "settled_at", "settled_reason")

    @admin.display(description="Action", ordering="action")
    def action_word(self, row: Firing) -> SafeString:
        return display.badge(row.action.replace("_", " "), row.action)

    @admin.display(description="Outcome", ordering="outcome")
    def outcome_word(self, row: Firing) -> SafeString | str:
        return display.state(row, "outcome")

    @admin.display(description="When", ordering="at")
    def moment(self, row: Firing) -> SafeString | str:
        return display.when(row.at)

    @admin.display(description="Evidence")
    def evidence(self, row: Firing) -> SafeString | str:
        return display.link(row.evaluation)


@admin.register(Hold)
class HoldScreen(RecordScreen):
    empty_text: ClassVar[str] = "Nothing was ever held."
    list_display = ("scope", "standing", "by", "reason", "moment", "released")
    list_filter = ("rollout",)
    search_fields = ("by", "reason", "operation")
    search_help_text = "Who, why or operation"
    list_select_related = ("rollout__plan", "rollout__repository")
    more = ("rollout", "review_at", "released_by", "released_reason", "probes", "probe_log")

    @admin.display(description="Scope")
    def scope(self, row: Hold) -> str:
        return row.operation or (f"step {row.step}" if row.step else "everything")

    @admin.display(description="Standing")
    def standing(self, row: Hold) -> SafeString:
        return display.badge("released", "done") if row.released_at else display.badge("held", "held")

    @admin.display(description="Since", ordering="at")
    def moment(self, row: Hold) -> SafeString | str:
        return display.when(row.at)

    @admin.display(description="Released", ordering="released_at")
    def released(self, row: Hold) -> SafeString | str:
        return display.when(row.released_at)


@admin.register(Override)
class OverrideScreen(RecordScreen):
    empty_text: ClassVar[str] = "Nobody has overridden a limit."
    list_display = ("operation", "limit", "owner", "reason", "until", "ended")
    list_filter = ("rollout", "operation")
    search_fields = ("owner", "reason")
    search_help_text = "Who or why"
    more = ("created_at",)

    @admin.display(description="Until", ordering="expires_at")
    def until(self, row: Override) -> SafeString | str:
        return display.when(row.expires_at)

    @admin.display(description="Ended early", ordering="ended_at")
    def ended(self, row: Override) -> SafeString | str:
        return display.when(row.ended_at)


@admin.register(Tick)
class TickScreen(RecordScreen):
    empty_text: ClassVar[str] = (
        "Nobody has answered a manual criterion yet; that is done on the page of its step or gate."
    )
    list_display = ("criterion", "answer", "note", "by", "moment", "where")
    list_filter = ("met", "rollout")
    search_fields = ("criterion", "note", "by")
    search_help_text = "Criterion, note or who"

    @admin.display(description="Answer", ordering="met")
    def answer(self, row: Tick) -> SafeString:
        return display.badge("met", "pass") if row.met else display.badge("not met", "breach")

    @admin.display(description="When", ordering="at")
    def moment(self, row: Tick) -> SafeString | str:
        return display.when(row.at)

    @admin.display(description="Link")
    def where(self, row: Tick) -> SafeString | str:
        return display.outside(row.link)


@admin.register(Signature)
class SignatureScreen(RecordScreen):
    empty_text: ClassVar[str] = "No gate was signed yet."
    list_display = ("role", "by", "gate", "moment", "note", "on_insufficient")
    list_filter = ("role",)
    search_fields = ("by", "role")
    search_help_text = "Who or role"
    list_select_related = ("gate",)
    more = ("evidence_hash",)

    @admin.display(description="When", ordering="at")
    def moment(self, row: Signature) -> SafeString | str:
        return display.when(row.at)


@admin.register(Resumption)
class ResumptionScreen(RecordScreen):
    empty_text: ClassVar[str] = "Nobody has asked to start again."
    list_display = ("asked_by", "moment", "state_word", "approved_by", "reason", "rollout")
    list_filter = ("state", "rollout")
    list_select_related = ("rollout__plan", "rollout__repository")
    more = ("checklist", "approved_at", "hold")

    @admin.display(description="Asked", ordering="asked_at")
    def moment(self, row: Resumption) -> SafeString | str:
        return display.when(row.asked_at)

    @admin.display(description="State", ordering="state")
    def state_word(self, row: Resumption) -> SafeString | str:
        return display.state(row)
