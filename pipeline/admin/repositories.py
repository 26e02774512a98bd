"""Repositories: token health, quota left, the last synchronisation and its problem; settings below."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString

from pipeline.admin.base import EditableScreen, ReasonedModelForm, row_or_404
from pipeline.admin.questions import Question, ask, require
from pipeline.admin.usage import left
from pipeline.models import Issue, Kind, Mode, Repository, Run, TokenBudget
from pipeline.services import audit, connect, credentials, operations, runs, workflows
from pipeline.services.operations import NotPossible
from pipeline.views import display

PUBLIC_API, PUBLIC_WEB = "https://api.github.com", "https://github.com"


class RepositoryForm(ReasonedModelForm):
    class Meta:
        model = Repository
        exclude = ()

    def clean(self) -> dict[str, Any] | None:
        answer = super().clean() or {}
        known = self.instance if self.instance.pk else None
        too_long = workflows.prefix_problem(answer.get("label_prefix") or "", known)
        if too_long:
            self.add_error("label_prefix", too_long)
        api, web = answer.get("api_url", PUBLIC_API), answer.get("web_url", "")
        if api.rstrip("/") != PUBLIC_API and web.rstrip("/") == PUBLIC_WEB:
            sentence = f"The API is on another server than {PUBLIC_WEB}; write where people read its issues."
            self.add_error("web_url", sentence)
        return answer


@admin.register(Repository)
class RepositoryScreen(EditableScreen):
    form = RepositoryForm
    change_form_outer_before_template = "admin/pipeline/repository_panel.html"
    empty_text: ClassVar[str] = "Add the repository to govern; its operations come with it, in dry run."
    list_display = ("full_name", "standing_word", "token", "quota", "synced", "sync_problem", "demonstration")
    list_filter = ("standing", "protocol", "is_demonstration")
    search_fields = ("full_name", "api_url")
    search_help_text = "Name or server"
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "full_name",
                    "standing",
                    "standing_reason",
                    "default_branch",
                    "label_prefix",
                    "workflow_folder",
                )
            },
        ),
        ("Server", {"fields": ("api_url", "web_url", "protocol")}),
        ("Credentials", {"fields": ("token_reference", "handover_token_reference", "webhook_secret_reference")}),
        (
            "Care",
            {
                "fields": (
                    "write_spacing_ms",
                    "writes_per_minute",
                    "writes_per_hour",
                    "reserve_share",
                    "quarantine_seconds",
                )
            },
        ),
        ("Hand-over", {"fields": ("handover_repeats", "lost_after_seconds", "is_demonstration")}),
        ("Change", {"fields": ("reason",)}),
    )
    readonly_fields = ("default_branch",)  # GitHub says which; it is read with the token's check

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """With the quota of each row's token, which no join can find: tokens are known by a keyed hash."""
        changelist = super().get_changelist_instance(request)
        budgets = {row.token_key: row for row in TokenBudget.objects.all()}
        for row in changelist.result_list:
            row.budget = budgets.get(key_of(row.token_reference))
        return changelist

    @admin.display(description="Standing", ordering="standing")
    def standing_word(self, row: Repository) -> SafeString | str:
        return display.state(row, "standing")

    @admin.display(description="Token", ordering="token_checked_at")
    def token(self, row: Repository) -> SafeString | str:
        if row.token_problem:
            return display.badge("problem", "failed")
        return display.badge("works", "done") if row.token_checked_at else display.badge("not checked")

    @admin.display(description="Quota left")
    def quota(self, row: Any) -> str:
        return left(row.budget.remaining, row.budget.limit) if row.budget else display.NOTHING

    @admin.display(description="Synchronised", ordering="synced_at")
    def synced(self, row: Repository) -> SafeString | str:
        return display.when(row.synced_at)

    @admin.display(description="Demonstration", ordering="is_demonstration")
    def demonstration(self, row: Repository) -> str:
        return "demonstration" if row.is_demonstration else display.NOTHING

    def get_urls(self) -> list[URLPattern]:
        own = [
            path("<path:object_id>/sync/", self.admin_site.admin_view(self.sync_page), name="pipeline_repository_sync"),
            path(
                "<path:object_id>/token/", self.admin_site.admin_view(self.token_page), name="pipeline_repository_token"
            ),
        ]
        return [*own, *super().get_urls()]

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        row = context.get("original")
        context["panel"] = panel(request, row) if row else None
        return super().render_change_form(request, context, *args, **kwargs)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        if not change:
            actor = request.user.get_username()
            operations.ship_operations(form.instance, actor=actor, reason=form.cleaned_data["reason"])

    def sync_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = row_or_404(self, request, object_id)
        require(request.user, "pipeline.sync_repository")

        def act(answer: Any, actor: str) -> Run:
            operation = row.operations.filter(kind=Kind.SYNC).first()
            if operation is None:
                raise NotPossible(f"{row} has no operation of the kind “synchronise”; run manage.py sync {row}.")
            return runs.open_by_hand(operation, actor=actor, reason=answer["reason"], mode=Mode.LIVE)

        return ask(
            self,
            request,
            row,
            Question(
                title=f"Synchronise {row} now",
                button="Synchronise now",
                consequences=[
                    "What changed on GitHub since the last time is read again. Nothing is written to GitHub."
                ],
                act=act,
                done="The synchronisation is asked for; this page shows how it goes.",
            ),
        )

    def token_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = row_or_404(self, request, object_id)
        require(request.user, "pipeline.sync_repository")

        def act(answer: Any, actor: str) -> None:
            problem = connect.check_token(row)
            audit.append(
                actor=actor,
                action="repository.token_checked",
                subject=str(row),
                reason=answer["reason"],
                after={"login": row.token_login, "problem": problem},
            )
            if problem:
                messages.warning(request, problem)

        return ask(
            self,
            request,
            row,
            Question(
                title=f"Check the token of {row}",
                button="Check the token",
                consequences=[
                    "GitHub is asked whose token it is and whether it sees the repository; two or three calls."
                ],
                act=act,
                done="The token was checked; what was found is below.",
            ),
        )


def key_of(reference: str) -> str:
    """The key under which the quota of a reference's token is kept; "" when there is no such token."""
    try:
        return credentials.token_key(credentials.resolve(reference))
    except credentials.CredentialMissing:
        return ""


def panel(request: HttpRequest, row: Repository) -> dict[str, Any]:
    keys = {key_of(row.token_reference), key_of(row.handover_token_reference or row.token_reference)}
    counts = dict(row.issues.order_by().values_list("state").annotate(n=Count("pk")))
    issues = reverse("admin:pipeline_issue_changelist")
    return {
        "may_sync": request.user.has_perm("pipeline.sync_repository"),
        "budgets": [
            {
                "name": str(budget),
                "rest": left(budget.remaining, budget.limit),
                "graphql": left(budget.graphql_remaining, budget.graphql_limit),
                "blocked": display.when(budget.blocked_until) if budget.blocked_until else "",
            }
            for budget in TokenBudget.objects.filter(token_key__in=keys)
        ],
        "states": [
            {
                "word": word,
                "count": counts.get(value, 0),
                "url": f"{issues}?repository__id__exact={row.pk}&state__exact={value}",
            }
            for value, word in Issue.State.choices
        ],
    }
