"""What the pipeline used: GitHub calls, AI calls, token budgets, heartbeats."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin
from django.utils.safestring import SafeString

from pipeline.admin.base import RecordScreen
from pipeline.models import AiCall, ApiCall, Heartbeat, TokenBudget
from pipeline.views import display


@admin.register(ApiCall)
class ApiCallScreen(RecordScreen):
    empty_text: ClassVar[str] = "Every request to GitHub is listed here once a repository is synchronised."
    list_display = ("moment", "protocol", "method", "route", "write", "status", "took", "limited", "run_link")
    list_filter = ("write", "protocol", "status", "limited", "repository")
    more = ("repository", "item")
    search_fields = ("route", "=run__id")
    search_help_text = "Route or run"
    list_select_related = ("run",)
    date_hierarchy = "at"

    @admin.display(description="When", ordering="at")
    def moment(self, row: ApiCall) -> SafeString | str:
        return display.when(row.at)

    @admin.display(description="Took", ordering="duration_ms")
    def took(self, row: ApiCall) -> str:
        return f"{row.duration_ms} ms"

    @admin.display(description="Run", ordering="run")
    def run_link(self, row: ApiCall) -> SafeString | str:
        return display.link(row.run)


@admin.register(AiCall)
class AiCallScreen(RecordScreen):
    empty_text: ClassVar[str] = "Every assessment is listed here once the operation “assign” has run."
    list_display = ("moment", "provider", "model", "calls", "tokens_in", "tokens_out", "fell_back", "run_link")
    list_filter = ("provider", "model", "repository")
    more = ("repository", "item")
    search_fields = ("provider", "model", "fell_back", "=run__id")
    search_help_text = "Provider, model, reason or run"
    list_select_related = ("run",)
    date_hierarchy = "at"

    @admin.display(description="When", ordering="at")
    def moment(self, row: AiCall) -> SafeString | str:
        return display.when(row.at)

    @admin.display(description="Run", ordering="run")
    def run_link(self, row: AiCall) -> SafeString | str:
        return display.link(row.run)


@admin.register(TokenBudget)
class TokenBudgetScreen(RecordScreen):
    empty_text: ClassVar[str] = "A token's quota is known after its first request."
    list_display = ("name", "rest", "rest_reset", "graphql", "graphql_reset", "blocked", "blocked_reason")
    search_fields = ("label",)
    more = ("token_key", "next_write_at")
    search_help_text = "Reference or login"

    @admin.display(description="Token", ordering="label")
    def name(self, row: TokenBudget) -> str:
        return str(row)

    @admin.display(description="REST calls left", ordering="remaining")
    def rest(self, row: TokenBudget) -> str:
        return left(row.remaining, row.limit)

    @admin.display(description="REST resets", ordering="reset_at")
    def rest_reset(self, row: TokenBudget) -> SafeString | str:
        return display.when(row.reset_at)

    @admin.display(description="GraphQL points left", ordering="graphql_remaining")
    def graphql(self, row: TokenBudget) -> str:
        return left(row.graphql_remaining, row.graphql_limit)

    @admin.display(description="GraphQL resets", ordering="graphql_reset_at")
    def graphql_reset(self, row: TokenBudget) -> SafeString | str:
        return display.when(row.graphql_reset_at)

    @admin.display(description="Blocked until", ordering="blocked_until")
    def blocked(self, row: TokenBudget) -> SafeString | str:
        return display.when(row.blocked_until)


@admin.register(Heartbeat)
class HeartbeatScreen(RecordScreen):
    empty_text: ClassVar[str] = "Nothing has ever run: start worker and beat, for example with “make up”."
    list_display = ("name", "beaten")

    @admin.display(description="Last beat", ordering="beaten_at")
    def beaten(self, row: Heartbeat) -> SafeString | str:
        return display.when(row.beaten_at)


def left(remaining: int | None, limit: int | None) -> str:
    """ "4,200 of 5,000 (84 %)"; a dash while it is not known."""
    if remaining is None:
        return display.NOTHING
    return f"{remaining:,} of {limit:,} ({display.percent(remaining / limit)})" if limit else f"{remaining:,}"
