"""What the pipeline used and how it is: calls, budgets, heartbeats, webhook deliveries."""

from __future__ import annotations

from django.db import models

from pipeline.models.repositories import Repository
from pipeline.models.runs import Run, RunItem


class TokenBudget(models.Model):
    """The quota of one token, shared by all workers. `token_key` is a keyed hash, never the token."""

    token_key = models.CharField(max_length=64, unique=True)
    label = models.CharField(max_length=200, blank=True, help_text="The reference and login it stands for.")
    limit = models.IntegerField(null=True, blank=True)
    remaining = models.IntegerField(null=True, blank=True)
    reset_at = models.DateTimeField(null=True, blank=True)
    graphql_limit = models.IntegerField(null=True, blank=True)
    graphql_remaining = models.IntegerField(null=True, blank=True)
    graphql_reset_at = models.DateTimeField(null=True, blank=True)
    blocked_until = models.DateTimeField(null=True, blank=True, help_text="GitHub asked us to wait until then.")
    blocked_reason = models.CharField(max_length=300, blank=True)
    next_write_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["label"]

    def __str__(self) -> str:
        return self.label or self.token_key[:8]


class ApiCall(models.Model):
    """One request to GitHub."""

    at = models.DateTimeField()
    repository = models.ForeignKey(Repository, null=True, on_delete=models.CASCADE, related_name="api_calls")
    run = models.ForeignKey(Run, null=True, blank=True, on_delete=models.SET_NULL, related_name="api_calls")
    item = models.ForeignKey(RunItem, null=True, blank=True, on_delete=models.SET_NULL, related_name="api_calls")
    token_key = models.CharField(max_length=64)
    protocol = models.CharField(max_length=10)
    method = models.CharField(max_length=10)
    route = models.CharField(max_length=200, help_text="The call's template, without numbers or names.")
    write = models.BooleanField(default=False)
    status = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Empty: no answer.")
    duration_ms = models.PositiveIntegerField(default=0)
    limited = models.CharField(max_length=10, blank=True, help_text='"primary" or "secondary" when refused for limits.')

    class Meta:
        verbose_name = "API call"
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["token_key", "write", "at"], name="call_by_token"),
            models.Index(fields=["run"], name="call_by_run"),
            models.Index(fields=["at"], name="call_by_time"),
            models.Index(fields=["at"], condition=~models.Q(limited=""), name="call_limited_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.route} {self.status}"


class AiCall(models.Model):
    """One assessment: by rules (zero calls) or by a language model."""

    at = models.DateTimeField()
    repository = models.ForeignKey(Repository, null=True, on_delete=models.CASCADE, related_name="ai_calls")
    run = models.ForeignKey(Run, null=True, blank=True, on_delete=models.SET_NULL, related_name="ai_calls")
    item = models.ForeignKey(RunItem, null=True, blank=True, on_delete=models.SET_NULL, related_name="ai_calls")
    provider = models.CharField(max_length=40)
    model = models.CharField(max_length=80, blank=True)
    calls = models.PositiveIntegerField(default=0)
    tokens_in = models.PositiveIntegerField(default=0)
    tokens_out = models.PositiveIntegerField(default=0)
    fell_back = models.CharField(max_length=300, blank=True)

    class Meta:
        verbose_name = "AI call"
        ordering = ["-id"]
        indexes = [models.Index(fields=["at"], name="ai_call_by_time")]

    def __str__(self) -> str:
        return f"{self.provider} {self.model}"


class AiDay(models.Model):
    """How many calls to a language model were let out on one UTC day: the counter behind the daily quota."""

    day = models.DateField(unique=True)
    calls = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = "AI day"
        ordering = ["-day"]

    def __str__(self) -> str:
        return f"{self.day}: {self.calls}"


class Heartbeat(models.Model):
    """When a part of the system last proved that it works: "tick", "beat", "worker"."""

    name = models.CharField(max_length=40, unique=True)
    beaten_at = models.DateTimeField()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class WebhookDelivery(models.Model):
    """One delivery, used once; a hook only means "read this issue again"."""

    class Status(models.TextChoices):
        STORED = "stored", "stored"
        DONE = "done", "done"
        FAILED = "failed", "failed"
        IGNORED = "ignored", "ignored"

    delivery_id = models.CharField(max_length=100, unique=True)
    repository = models.ForeignKey(Repository, null=True, on_delete=models.CASCADE, related_name="deliveries")
    event = models.CharField(max_length=60)
    action = models.CharField(max_length=60, blank=True)
    issue_number = models.PositiveIntegerField(null=True, blank=True)
    received_at = models.DateTimeField()
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.STORED)
    note = models.CharField(max_length=300, blank=True)

    class Meta:
        verbose_name_plural = "webhook deliveries"
        ordering = ["-received_at"]

    def __str__(self) -> str:
        return f"{self.event} {self.delivery_id}"


class AuditEntry(models.Model):
    """Who or which rule changed what, why, from what to what. Append-only, hash-chained."""

    sequence = models.PositiveBigIntegerField(unique=True)
    at = models.DateTimeField()
    actor = models.CharField(max_length=150, help_text="A user name, or rule:<name>.")
    action = models.CharField(max_length=60)
    subject = models.CharField(max_length=200)
    reason = models.CharField(max_length=500)
    before = models.JSONField(default=dict, blank=True)
    after = models.JSONField(default=dict, blank=True)
    evidence = models.JSONField(default=dict, blank=True)
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64, unique=True)

    class Meta:
        verbose_name_plural = "audit entries"
        ordering = ["-sequence"]
        indexes = [models.Index(fields=["subject", "action", "-sequence"], name="audit_by_subject")]

    def __str__(self) -> str:
        return f"{self.sequence} {self.action} {self.subject}"
