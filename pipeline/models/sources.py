"""Monitored sources and what was found there."""

from __future__ import annotations

from django.db import models
from simple_history.models import HistoricalRecords

from pipeline.models.issues import Issue
from pipeline.models.repositories import Repository


class Source(models.Model):
    """A monitored feed, page or sitemap."""

    class Kind(models.TextChoices):
        FEED = "feed", "feed (RSS, Atom, JSON)"
        SITEMAP = "sitemap", "sitemap"
        PAGE = "page", "page"

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="sources")
    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.FEED)
    url = models.URLField(max_length=1000)
    selector = models.CharField(max_length=200, blank=True, help_text="CSS selector; pages only.")
    labels = models.JSONField(default=list, blank=True, help_text="Extra labels for issues from here.")
    active = models.BooleanField(default=True)
    etag = models.CharField(max_length=300, blank=True, editable=False)
    last_modified = models.CharField(max_length=100, blank=True, editable=False)
    checked_at = models.DateTimeField(null=True, blank=True, editable=False)
    problem = models.CharField(max_length=500, blank=True, editable=False)
    failures = models.PositiveIntegerField(default=0, editable=False, help_text="Failed checks in a row.")
    history = HistoricalRecords(excluded_fields=["etag", "last_modified", "checked_at", "problem", "failures"])

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["repository", "url", "selector"], name="source_once_per_repository"),
            models.CheckConstraint(condition=models.Q(kind__in=["feed", "sitemap", "page"]), name="source_kind_known"),
        ]

    def __str__(self) -> str:
        return self.name


class Discovery(models.Model):
    """One thing found in a source; at most one issue each."""

    class Status(models.TextChoices):
        NEW = "new", "new"
        OPENED = "opened", "issue opened"
        DUPLICATE = "duplicate", "duplicate"
        IGNORED = "ignored", "ignored"

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="discoveries")
    source = models.ForeignKey(Source, null=True, on_delete=models.SET_NULL, related_name="discoveries")
    url = models.TextField()
    normalised_url = models.TextField()
    title = models.TextField()
    normalised_title = models.TextField()
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of normalised URL and title.")
    entry_key = models.CharField(max_length=64, help_text="SHA-256 of URL and title as found.")
    excerpt = models.TextField(blank=True)
    published_at = models.DateTimeField(null=True, blank=True)
    found_at = models.DateTimeField()
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.NEW)
    reason = models.CharField(max_length=500, blank=True, help_text="Why it is a duplicate or ignored.")
    duplicate_of = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="duplicates"
    )
    issue = models.OneToOneField(Issue, null=True, blank=True, on_delete=models.SET_NULL, related_name="discovery")

    class Meta:
        verbose_name_plural = "discoveries"
        ordering = ["-found_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["repository", "fingerprint"],
                condition=~models.Q(status="duplicate"),
                name="discovery_once_per_repository",
            ),
            models.UniqueConstraint(
                fields=["repository", "source", "entry_key"], name="discovery_entry_once_per_source"
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=["new", "opened", "duplicate", "ignored"]), name="discovery_status_known"
            ),
            models.CheckConstraint(
                condition=~models.Q(status="opened") | models.Q(issue__isnull=False), name="discovery_opened_has_issue"
            ),
        ]
        indexes = [models.Index(fields=["repository", "normalised_url"], name="discovery_by_url")]

    def __str__(self) -> str:
        return self.title[:100]
