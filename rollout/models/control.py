"""Triggers and what they did; holds, overrides; incidents and the rollback saga."""

from __future__ import annotations

from django.db import models

from rollout.models.evidence import Evaluation
from rollout.models.plans import Rollout


class TriggerState(models.Model):
    """Whether a trigger is armed, and from when its evidence counts."""

    rollout = models.ForeignKey(Rollout, on_delete=models.CASCADE, related_name="triggers")
    slug = models.CharField(max_length=80)
    armed = models.BooleanField(default=True)
    disarmed_reason = models.CharField(max_length=500, blank=True)
    floor = models.DateTimeField(null=True, blank=True, help_text="Cleared by a person: older evidence never fires it.")
    last_fired_at = models.DateTimeField(null=True, blank=True)
    evaluated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["slug"]
        constraints = [models.UniqueConstraint(fields=["rollout", "slug"], name="trigger_once_per_rollout")]

    def __str__(self) -> str:
        return self.slug


class Firing(models.Model):
    """One time that a trigger fired, and what was done."""

    class Outcome(models.TextChoices):
        DONE = "done", "carried out"
        WAITING = "waiting", "waits for a person"
        DISMISSED = "dismissed", "dismissed by a person"

    rollout = models.ForeignKey(Rollout, on_delete=models.CASCADE, related_name="firings")
    trigger = models.CharField(max_length=80)
    subject = models.CharField(max_length=60, blank=True)
    action = models.CharField(max_length=20)
    evaluation = models.OneToOneField(
        Evaluation, null=True, blank=True, on_delete=models.SET_NULL, related_name="firing"
    )
    at = models.DateTimeField()
    sentence = models.CharField(max_length=500)
    outcome = models.CharField(max_length=10, choices=Outcome.choices, default=Outcome.DONE)
    settled_by = models.CharField(max_length=150, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)
    settled_reason = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(outcome__in=["done", "waiting", "dismissed"]), name="firing_outcome_known"
            )
        ]

    def __str__(self) -> str:
        return f"{self.trigger} at {self.at:%Y-%m-%d %H:%M}"


class Hold(models.Model):
    """No new live work, the place is kept. `operation` empty: all of the repository's."""

    rollout = models.ForeignKey(Rollout, on_delete=models.CASCADE, related_name="holds")
    operation = models.CharField(max_length=60, blank=True)
    step = models.CharField(max_length=10, blank=True)
    by = models.CharField(max_length=150, help_text="A user name, or rule:<trigger>.")
    reason = models.CharField(max_length=500)
    at = models.DateTimeField()
    review_at = models.DateTimeField(null=True, blank=True)
    released_by = models.CharField(max_length=150, blank=True)
    released_at = models.DateTimeField(null=True, blank=True)
    released_reason = models.CharField(max_length=500, blank=True)
    probes = models.PositiveSmallIntegerField(default=0, help_text="Dry-run probes still to come before a rollback.")
    probe_log = models.JSONField(default=list, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["rollout", "operation", "step"],
                condition=models.Q(released_at__isnull=True),
                name="hold_one_open_per_scope",
            ),
            models.CheckConstraint(
                condition=models.Q(released_at__isnull=True) | ~models.Q(released_by=""),
                name="hold_released_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"hold of {self.operation or 'everything'} by {self.by}"


class Override(models.Model):
    """A limit set by a person for a while: never without owner and expiry."""

    rollout = models.ForeignKey(Rollout, on_delete=models.CASCADE, related_name="overrides")
    operation = models.CharField(max_length=60)
    limit = models.PositiveIntegerField()
    owner = models.CharField(max_length=150)
    reason = models.CharField(max_length=500)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(expires_at__gt=models.F("created_at")), name="override_expires_after_start"
            )
        ]

    def __str__(self) -> str:
        return f"{self.operation}: {self.limit} until {self.expires_at:%Y-%m-%d %H:%M}"


class Resumption(models.Model):
    """Starting again after a hold or rollback: one asks, another approves, a checklist is met."""

    class State(models.TextChoices):
        ASKED = "asked", "asked"
        APPROVED = "approved", "approved"
        REFUSED = "refused", "refused"

    rollout = models.ForeignKey(Rollout, on_delete=models.CASCADE, related_name="resumptions")
    hold = models.ForeignKey(Hold, null=True, blank=True, on_delete=models.CASCADE, related_name="resumptions")
    checklist = models.JSONField(default=list, help_text="[{text, met, note}]")
    asked_by = models.CharField(max_length=150)
    asked_at = models.DateTimeField()
    reason = models.CharField(max_length=500)
    state = models.CharField(max_length=10, choices=State.choices, default=State.ASKED)
    approved_by = models.CharField(max_length=150, blank=True)
    approved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(approved_by="") | ~models.Q(approved_by=models.F("asked_by")),
                name="resumption_approved_by_another",
            )
        ]

    def __str__(self) -> str:
        return f"starting again, asked by {self.asked_by}"


class Incident(models.Model):
    """Opened by a rollback; the post-mortem is due within 48 hours."""

    rollout = models.ForeignKey(Rollout, on_delete=models.CASCADE, related_name="incidents")
    title = models.CharField(max_length=200)
    opened_at = models.DateTimeField()
    opened_by = models.CharField(max_length=150)
    owner = models.CharField(max_length=150, blank=True)
    summary = models.TextField(blank=True)
    root_cause = models.TextField(blank=True)
    action_plan = models.TextField(blank=True)
    affected_issues = models.JSONField(default=list, blank=True)
    postmortem_due_at = models.DateTimeField()
    postmortem_held_at = models.DateTimeField(null=True, blank=True)
    reminded_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    is_drill = models.BooleanField(default=False)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.title


class Rollback(models.Model):
    """One rollback, carried out step by step; every step is idempotent and resumable."""

    class State(models.TextChoices):
        RUNNING = "running", "running"
        DONE = "done", "done"
        STUCK = "stuck", "waits for a person"

    rollout = models.ForeignKey(Rollout, on_delete=models.CASCADE, related_name="rollbacks")
    step = models.CharField(max_length=10, blank=True, help_text="The plan's step; empty: everything.")
    trigger = models.CharField(max_length=80, blank=True)
    firing = models.ForeignKey(Firing, null=True, blank=True, on_delete=models.SET_NULL, related_name="rollbacks")
    by = models.CharField(max_length=150)
    reason = models.CharField(max_length=500)
    state = models.CharField(max_length=10, choices=State.choices, default=State.RUNNING)
    started_at = models.DateTimeField()
    schedules_off_at = models.DateTimeField(null=True, blank=True, help_text="When that was verified.")
    finished_at = models.DateTimeField(null=True, blank=True)
    is_drill = models.BooleanField(default=False)
    incident = models.OneToOneField(Incident, null=True, blank=True, on_delete=models.SET_NULL, related_name="rollback")
    revert_effects = models.BooleanField(default=False)
    review_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["rollout", "step"], condition=models.Q(state="running"), name="rollback_one_running_per_scope"
            )
        ]

    def __str__(self) -> str:
        return f"rollback of {self.step or 'everything'}"


class RollbackStep(models.Model):
    """One step of a rollback and what it came to."""

    class State(models.TextChoices):
        WAITING = "waiting", "waiting"
        DONE = "done", "done"
        FAILED = "failed", "failed"
        SKIPPED = "skipped", "skipped"

    rollback = models.ForeignKey(Rollback, on_delete=models.CASCADE, related_name="steps")
    order = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=60)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    detail = models.TextField(blank=True)
    evidence = models.JSONField(default=dict, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(null=True, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["rollback", "order"]
        constraints = [
            models.UniqueConstraint(fields=["rollback", "name"], name="rollback_step_once"),
            models.CheckConstraint(
                condition=models.Q(state__in=["waiting", "done", "failed", "skipped"]), name="rollback_step_state_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.get_state_display()}"


class TriageItem(models.Model):
    """One issue in an intermediate state at a rollback, with a proposal for a person."""

    class Proposal(models.TextChoices):
        TRIAGE = "triage", "return to triage"
        LEAVE = "leave", "leave"
        COMPLETE = "complete", "complete"
        REASSIGN = "reassign", "reassign"

    rollback = models.ForeignKey(Rollback, on_delete=models.CASCADE, related_name="triage")
    issue = models.ForeignKey("pipeline.Issue", on_delete=models.CASCADE, related_name="triage_items")
    state = models.CharField(max_length=10)
    proposal = models.CharField(max_length=10, choices=Proposal.choices)
    reason = models.CharField(max_length=300)
    chosen = models.CharField(max_length=10, choices=Proposal.choices, blank=True)
    applied_run = models.ForeignKey("pipeline.Run", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        ordering = ["rollback", "issue"]
        constraints = [models.UniqueConstraint(fields=["rollback", "issue"], name="triage_issue_once")]

    def __str__(self) -> str:
        return f"{self.issue}: {self.proposal}"


class Announcement(models.Model):
    """A message to people, stored before it is sent: one row per channel."""

    class State(models.TextChoices):
        WAITING = "waiting", "waiting"
        SENT = "sent", "sent"
        FAILED = "failed", "failed"

    rollout = models.ForeignKey(Rollout, null=True, on_delete=models.CASCADE, related_name="announcements")
    key = models.CharField(max_length=120, unique=True, help_text="The same announcement once per channel.")
    channel = models.CharField(max_length=10, choices=[("slack", "Slack"), ("email", "e-mail")])
    recipients = models.JSONField(default=list, blank=True)
    subject = models.CharField(max_length=200)
    body = models.TextField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.channel}: {self.subject}"


class ProgressEntry(models.Model):
    """The progress log that people read: what happened and why, in a sentence."""

    rollout = models.ForeignKey(Rollout, on_delete=models.CASCADE, related_name="progress")
    at = models.DateTimeField()
    actor = models.CharField(max_length=150)
    sentence = models.TextField()
    link = models.CharField(max_length=300, blank=True)

    class Meta:
        verbose_name_plural = "progress entries"
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.sentence[:80]


class ExternalSchedule(models.Model):
    """A GitHub Actions workflow that still carries a `schedule:` for a job of ours: double automation."""

    repository = models.ForeignKey("pipeline.Repository", on_delete=models.CASCADE, related_name="external_schedules")
    workflow_id = models.BigIntegerField()
    path = models.CharField(max_length=300)
    crons = models.JSONField(default=list)
    operation = models.CharField(max_length=60, blank=True)
    state = models.CharField(max_length=30, blank=True)
    found_at = models.DateTimeField()
    gone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["path"]
        constraints = [
            models.UniqueConstraint(fields=["repository", "workflow_id"], name="external_schedule_once"),
        ]

    def __str__(self) -> str:
        return self.path


class SecurityAlert(models.Model):
    """A security alert that concerns the automation: by signed webhook or by hand."""

    repository = models.ForeignKey("pipeline.Repository", on_delete=models.CASCADE, related_name="security_alerts")
    source = models.CharField(max_length=40)
    external_id = models.CharField(max_length=100)
    summary = models.CharField(max_length=300)
    at = models.DateTimeField()
    cleared_by = models.CharField(max_length=150, blank=True)
    cleared_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-at"]
        constraints = [
            models.UniqueConstraint(fields=["repository", "source", "external_id"], name="security_alert_once")
        ]

    def __str__(self) -> str:
        return self.summary
