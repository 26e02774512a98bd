"""Operations: what is scheduled, limited and switched. These are the knobs that `rollout` turns."""

from __future__ import annotations

from datetime import timedelta

from django.core.validators import MinValueValidator
from django.db import models
from django_celery_beat.models import PeriodicTask
from simple_history.models import HistoricalRecords

from pipeline.models.repositories import Repository


class Kind(models.TextChoices):
    MONITOR = "monitor", "monitor"
    ASSIGN = "assign", "assign"
    PROCESS = "process", "process"
    TRACK = "track", "track"
    DAILY = "daily", "daily operations"
    SYNC = "sync", "synchronise"
    VALIDATE = "validate", "validate"
    TRIAGE = "triage", "triage by people"
    ACTIONS = "actions", "GitHub Actions workflows"
    REMIND = "remind", "reminders of overdue issues"


# Runs of these are only ever asked for by a person or a rollback; nothing schedules them.
BY_REQUEST = (Kind.TRIAGE, Kind.ACTIONS, Kind.REMIND)
SCHEDULABLE = [(value, label) for value, label in Kind.choices if value not in BY_REQUEST]


class Mode(models.TextChoices):
    OFF = "off", "off"
    DRY_RUN = "dry_run", "dry run"
    LIVE = "live", "live"


class Operation(models.Model):
    """A scheduled, limited unit of automation on one repository."""

    class Overlap(models.TextChoices):
        SKIP = "skip", "skip the later one"
        ALLOW = "allow", "allow"

    class CatchUp(models.TextChoices):
        LATEST = "latest", "run the newest missed slot, record the others"
        NONE = "none", "record missed slots only"

    class LeaseOwner(models.TextChoices):
        PIPELINE = "pipeline", "renewed by the tick"
        ROLLOUT = "rollout", "renewed by the rollout"

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="operations")
    name = models.SlugField(max_length=60)
    kind = models.CharField(max_length=10, choices=SCHEDULABLE)
    mode = models.CharField(max_length=10, choices=Mode.choices, default=Mode.DRY_RUN)
    limit = models.PositiveIntegerField(default=10, help_text="How many issues one run may take on.")
    limit_reason = models.CharField(max_length=200, blank=True, help_text="The term that binds the limit.")
    concurrency_group = models.CharField(max_length=60, blank=True, help_text="Two runs of one group never overlap.")
    overlap = models.CharField(max_length=10, choices=Overlap.choices, default=Overlap.SKIP)
    timeout = models.DurationField(default=timedelta(minutes=30))
    continue_on_error = models.BooleanField(default=True)
    verbose = models.BooleanField(default=True)
    statistics = models.BooleanField(default=True)
    catch_up = models.CharField(max_length=10, choices=CatchUp.choices, default=CatchUp.LATEST)
    catch_up_within = models.DurationField(default=timedelta(hours=24))
    slots_since = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="Slots before this moment are not owed."
    )
    live_until = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="The lease: without it nothing is written."
    )
    lease_owner = models.CharField(max_length=10, choices=LeaseOwner.choices, default=LeaseOwner.PIPELINE)
    periodic_task = models.OneToOneField(
        PeriodicTask, null=True, blank=True, on_delete=models.SET_NULL, related_name="operation", editable=False
    )
    history = HistoricalRecords(excluded_fields=["live_until", "slots_since"])

    class Meta:
        ordering = ["repository", "name"]
        permissions = [
            ("run_operation", "Can run an operation now, in its mode or below"),
            ("hold_operation", "Can lower the mode of an operation"),
            ("change_mode", "Can raise the mode of an operation"),
            ("change_limit", "Can change the limit of an operation"),
            ("change_schedule", "Can change the cron of an operation"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["repository", "name"], name="operation_once_per_repository"),
            models.CheckConstraint(
                condition=models.Q(mode__in=["off", "dry_run", "live"]), name="operation_mode_known"
            ),
            models.CheckConstraint(
                condition=models.Q(kind__in=["monitor", "assign", "process", "track", "daily", "sync", "validate"]),
                name="operation_kind_known",
            ),
            models.CheckConstraint(condition=models.Q(overlap__in=["skip", "allow"]), name="operation_overlap_known"),
            models.CheckConstraint(
                condition=models.Q(catch_up__in=["latest", "none"]), name="operation_catch_up_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} on {self.repository}"


class OperationPart(models.Model):
    """One part of the daily operation, live or dry by its own switch (plan 1.3)."""

    operation = models.ForeignKey(Operation, on_delete=models.CASCADE, related_name="parts")
    kind = models.CharField(max_length=10, choices=SCHEDULABLE)
    mode = models.CharField(max_length=10, choices=Mode.choices, default=Mode.DRY_RUN)
    limit = models.PositiveIntegerField(default=10, validators=[MinValueValidator(0)])
    limit_reason = models.CharField(max_length=200, blank=True, help_text="The term that binds the limit.")
    order = models.PositiveSmallIntegerField(default=0)
    history = HistoricalRecords()

    class Meta:
        ordering = ["order"]
        constraints = [
            models.UniqueConstraint(fields=["operation", "kind"], name="part_once_per_operation"),
            models.CheckConstraint(condition=models.Q(mode__in=["off", "dry_run", "live"]), name="part_mode_known"),
            models.CheckConstraint(
                condition=models.Q(kind__in=["monitor", "assign", "process", "track", "sync"]), name="part_kind_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} ({self.mode})"
