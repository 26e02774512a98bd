"""Governed repositories and the labels known to exist in each."""

from __future__ import annotations

from django.core.validators import RegexValidator
from django.db import models
from simple_history.models import HistoricalRecords

from pipeline.domain.labels import LabelGrammar

REFERENCE = RegexValidator(
    r"^(env:[A-Z][A-Z0-9_]*|file:/.+)?$",
    "A credential is named, never stored: write env:NAME or file:/absolute/path.",
)


class Repository(models.Model):
    """A GitHub repository that is governed. Credentials are references, never values."""

    class Standing(models.TextChoices):
        ACTIVE = "active", "active"
        PAUSED = "paused", "paused"
        ARCHIVED = "archived", "archived on GitHub"

    class Protocol(models.TextChoices):
        GRAPHQL = "graphql", "GraphQL (one request per issue)"
        REST = "rest", "REST only"

    full_name = models.CharField(
        max_length=200,
        validators=[RegexValidator(r"^[A-Za-z0-9._-]+/[A-Za-z0-9._-]+$", "Write owner/name.")],
        help_text="owner/name",
    )
    api_url = models.URLField(default="https://api.github.com", help_text="REST address of the server.")
    web_url = models.URLField(default="https://github.com", help_text="Where people read issues.")
    protocol = models.CharField(max_length=10, choices=Protocol.choices, default=Protocol.GRAPHQL)
    standing = models.CharField(max_length=10, choices=Standing.choices, default=Standing.ACTIVE)
    standing_reason = models.CharField(max_length=300, blank=True)
    default_branch = models.CharField(max_length=200, default="main")
    label_prefix = models.CharField(max_length=20, blank=True)
    workflow_folder = models.CharField(max_length=200, blank=True, default=".github/workflows-content")
    token_reference = models.CharField(max_length=300, default="env:GITHUB_TOKEN", validators=[REFERENCE])
    handover_token_reference = models.CharField(
        max_length=300, blank=True, validators=[REFERENCE], help_text="A user token; empty: the same as above."
    )
    webhook_secret_reference = models.CharField(max_length=300, blank=True, validators=[REFERENCE])
    write_spacing_ms = models.PositiveIntegerField(default=1000, help_text="Least time between two writes.")
    writes_per_minute = models.PositiveIntegerField(default=80)
    writes_per_hour = models.PositiveIntegerField(default=500)
    quarantine_seconds = models.PositiveIntegerField(
        default=600, help_text="How long a write of unknown fate rests before it is looked up."
    )
    reserve_share = models.FloatField(default=0.1, help_text="Share of the hourly quota that is left to people.")
    handover_repeats = models.PositiveSmallIntegerField(default=2, help_text="How often a lost hand-over is repeated.")
    lost_after_seconds = models.PositiveIntegerField(
        default=1800, help_text="No sign of the agent for so long: the hand-over was lost."
    )
    is_demonstration = models.BooleanField(default=False)

    node_id = models.CharField(max_length=100, blank=True, editable=False)
    token_login = models.CharField(max_length=100, blank=True, editable=False)
    token_checked_at = models.DateTimeField(null=True, blank=True, editable=False)
    token_problem = models.CharField(max_length=500, blank=True, editable=False)
    synced_at = models.DateTimeField(null=True, blank=True, editable=False)
    sync_since = models.DateTimeField(null=True, blank=True, editable=False)
    sync_etag = models.CharField(max_length=200, blank=True, editable=False)
    sync_problem = models.CharField(max_length=500, blank=True, editable=False)
    webhook_seen_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    history = HistoricalRecords(
        excluded_fields=[
            "node_id",
            "token_login",
            "token_checked_at",
            "token_problem",
            "synced_at",
            "sync_since",
            "sync_etag",
            "sync_problem",
            "webhook_seen_at",
        ]
    )

    class Meta:
        verbose_name_plural = "repositories"
        ordering = ["full_name"]
        permissions = [("sync_repository", "Can check the token of a repository and synchronise it")]
        constraints = [
            models.UniqueConstraint(fields=["api_url", "full_name"], name="repository_once_per_server"),
            models.CheckConstraint(
                condition=models.Q(standing__in=["active", "paused", "archived"]), name="repository_standing_known"
            ),
            models.CheckConstraint(
                condition=models.Q(protocol__in=["graphql", "rest"]), name="repository_protocol_known"
            ),
            models.CheckConstraint(
                condition=models.Q(reserve_share__gte=0) & models.Q(reserve_share__lt=1),
                name="repository_reserve_is_share",
            ),
        ]

    def __str__(self) -> str:
        return self.full_name

    @property
    def grammar(self) -> LabelGrammar:
        return LabelGrammar(self.label_prefix)

    @property
    def html_url(self) -> str:
        return f"{self.web_url.rstrip('/')}/{self.full_name}"


class RepositoryLabel(models.Model):
    """A label known to exist on GitHub; GraphQL wants its node id."""

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="known_labels")
    name = models.CharField(max_length=60)
    node_id = models.CharField(max_length=100, blank=True)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["repository", "name"], name="label_once_per_repository")]

    def __str__(self) -> str:
        return self.name
