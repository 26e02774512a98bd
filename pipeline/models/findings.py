"""Findings: what validation found, and the issues on GitHub that tell people of what stays."""

from __future__ import annotations

from django.db import models

from pipeline.models.issues import Issue
from pipeline.models.repositories import Repository


class Finding(models.Model):
    """One fault found on one issue, or on the repository where `issue` is empty."""

    class Severity(models.TextChoices):
        NOTICE = "notice", "notice"
        WARNING = "warning", "warning"
        CRITICAL = "critical", "critical"

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="findings")
    issue = models.ForeignKey(Issue, null=True, blank=True, on_delete=models.CASCADE, related_name="findings")
    check_id = models.CharField(max_length=60)
    fingerprint = models.CharField(max_length=64)
    severity = models.CharField(max_length=10, choices=Severity.choices, default=Severity.WARNING)
    message = models.TextField()
    detail = models.JSONField(default=dict, blank=True, help_text="What was seen, for people and for a repair.")
    first_seen = models.DateTimeField()
    last_seen = models.DateTimeField()
    occurrences = models.PositiveIntegerField(default=1)
    sweeps = models.PositiveIntegerField(default=0, help_text="Validation runs in a row that saw it.")
    last_run = models.ForeignKey(
        "pipeline.Run", null=True, blank=True, on_delete=models.SET_NULL, related_name="findings"
    )
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    acknowledged_by = models.CharField(max_length=150, blank=True)
    acknowledged_note = models.CharField(max_length=500, blank=True)
    muted_until = models.DateTimeField(null=True, blank=True, help_text="Never without an end and a reason.")
    muted_by = models.CharField(max_length=150, blank=True)
    muted_reason = models.CharField(max_length=500, blank=True)
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolved_reason = models.CharField(max_length=300, blank=True)
    alerted_at = models.DateTimeField(null=True, blank=True, help_text="When people were last told of it.")
    recovery_told_at = models.DateTimeField(null=True, blank=True, help_text="When they were told that it is over.")

    class Meta:
        ordering = ["-last_seen"]
        permissions = [("settle_finding", "Can acknowledge and mute findings")]
        constraints = [
            models.UniqueConstraint(
                fields=["repository", "fingerprint"],
                condition=models.Q(resolved_at__isnull=True),
                name="finding_open_once",
            ),
            models.CheckConstraint(
                condition=models.Q(muted_until__isnull=True) | (~models.Q(muted_by="") & ~models.Q(muted_reason="")),
                name="finding_mute_has_author_and_reason",
            ),
        ]
        indexes = [
            models.Index(fields=["repository", "check_id", "resolved_at"], name="finding_by_check"),
            models.Index(fields=["first_seen"], name="finding_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.check_id}: {self.message[:80]}"


class ProblemReport(models.Model):
    """The issue that we opened on GitHub about a group of findings that stays (plan 3.1).

    It carries no label of the pipeline's, so the pipeline never works on it. `group` is what its findings share.
    """

    class Ending(models.TextChoices):
        RECOVERED = "recovered", "nothing of it was left"
        BY_PERSON = "by_person", "closed by a person on GitHub"
        REVERTED = "reverted", "its run was reverted"
        GONE = "gone", "its issue is gone from GitHub"

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="problem_reports")
    group = models.CharField(max_length=120)
    number = models.PositiveIntegerField(null=True, blank=True, help_text="Empty until GitHub has taken it.")
    node_id = models.CharField(max_length=100, blank=True)
    html_url = models.URLField(max_length=500, blank=True)
    body = models.TextField(blank=True, help_text="As last written or read.")
    content_hash = models.CharField(max_length=64, blank=True, help_text="Of the findings that it tells of.")
    is_open = models.BooleanField(default=True)
    opened_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    ending = models.CharField(max_length=10, choices=Ending.choices, blank=True)

    class Meta:
        ordering = ["-opened_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["repository", "group"], condition=models.Q(is_open=True), name="report_one_open_per_group"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.group} (#{self.number})" if self.number else self.group


class Reference(models.Model):
    """One branch, file, pull request or issue that our sections name, and what GitHub last said of it."""

    class Thing(models.TextChoices):
        BRANCH = "branch", "branch"
        FILE = "file", "file"
        PULL = "pull", "pull request"
        ISSUE = "issue", "issue"

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="references")
    thing = models.CharField(max_length=10, choices=Thing.choices)
    name = models.CharField(max_length=300)
    ref = models.CharField(max_length=250, blank=True, help_text="The branch that a file is on.")
    exists = models.BooleanField()
    words = models.PositiveIntegerField(null=True, blank=True, help_text="Of a file that could be read.")
    checked_at = models.DateTimeField()

    class Meta:
        ordering = ["thing", "name"]
        constraints = [
            models.UniqueConstraint(fields=["repository", "thing", "name", "ref"], name="reference_once"),
            models.CheckConstraint(
                condition=models.Q(thing__in=["branch", "file", "pull", "issue"]), name="reference_thing_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.thing} {self.name}"
