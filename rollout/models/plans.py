"""Plans as data: editable while a draft, frozen once started, changed afterwards only by a reviewed request."""

from __future__ import annotations

from django.db import models


class PlanVersion(models.Model):
    """One version of a plan: its YAML and the hash of it. A started rollout points at exactly one."""

    class Status(models.TextChoices):
        DRAFT = "draft", "draft"
        FROZEN = "frozen", "frozen"

    slug = models.SlugField(max_length=60)
    version = models.PositiveIntegerField(help_text="Counts from 1 per plan.")
    title = models.CharField(max_length=200)
    text = models.TextField(help_text="The plan as YAML.")
    sha256 = models.CharField(max_length=64, editable=False)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.DRAFT)
    created_by = models.CharField(max_length=150, blank=True)
    created_at = models.DateTimeField()
    frozen_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["slug", "-version"]
        constraints = [
            models.UniqueConstraint(fields=["slug", "version"], name="plan_version_once"),
            models.CheckConstraint(condition=models.Q(status__in=["draft", "frozen"]), name="plan_status_known"),
            models.CheckConstraint(
                condition=models.Q(status="draft") | models.Q(frozen_at__isnull=False), name="plan_frozen_has_time"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title} v{self.version}"


class Rollout(models.Model):
    """One plan carried out on one repository. `starts_on` is day 1."""

    class State(models.TextChoices):
        PREPARED = "prepared", "prepared"
        RUNNING = "running", "running"
        HELD = "held", "held"
        ROLLED_BACK = "rolled_back", "rolled back"
        FINISHED = "finished", "finished"

    class Profile(models.TextChoices):
        LITERAL = "literal", "the plan's literal rules"
        GUARDED = "guarded", "guarded: hold and probe first"

    repository = models.ForeignKey("pipeline.Repository", on_delete=models.PROTECT, related_name="rollouts")
    plan = models.ForeignKey(PlanVersion, on_delete=models.PROTECT, related_name="rollouts")
    state = models.CharField(max_length=12, choices=State.choices, default=State.PREPARED)
    profile = models.CharField(max_length=10, choices=Profile.choices, default=Profile.LITERAL)
    profile_signed_by = models.CharField(max_length=150, blank=True)
    starts_on = models.DateField(null=True, blank=True, help_text="Day 1 of week 1, UTC.")
    phase = models.CharField(max_length=60, blank=True, help_text="The phase that is in force; empty before the first.")
    phase_started_on = models.DateField(null=True, blank=True)
    evidence_floor = models.DateTimeField(null=True, blank=True, help_text="Evidence from before does not count.")
    wip_cap = models.PositiveIntegerField(default=60, help_text="Most hand-overs that may be open at once.")
    reserve_share = models.FloatField(default=0.2, help_text="Share of the GitHub quota that is left to people.")
    reconciled_at = models.DateTimeField(null=True, blank=True)
    reconcile_token = models.PositiveBigIntegerField(default=0, help_text="Fences two reconciles at once.")
    audit_seen = models.PositiveBigIntegerField(default=0, help_text="Up to here the log was read for people's stops.")
    pinned_crons = models.JSONField(default=dict, blank=True, help_text="Crons that a person set, by operation.")
    created_at = models.DateTimeField()
    started_by = models.CharField(max_length=150, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["repository"],
                condition=~models.Q(state="finished"),
                name="rollout_one_open_per_repository",
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=["prepared", "running", "held", "rolled_back", "finished"]),
                name="rollout_state_known",
            ),
            models.CheckConstraint(
                condition=models.Q(profile__in=["literal", "guarded"]), name="rollout_profile_known"
            ),
            models.CheckConstraint(
                condition=models.Q(profile="literal") | ~models.Q(profile_signed_by=""),
                name="rollout_guarded_is_signed",
            ),
        ]
        permissions = [
            ("start_rollout", "Can start a rollout"),
            ("sign_gate", "Can sign gates"),
            ("decide_gate", "Can decide gates"),
            ("stop_rollout", "Can hold and roll back"),
            ("resume_rollout", "Can ask for and approve starting again"),
            ("override_limit", "Can override limits"),
        ]

    def __str__(self) -> str:
        return f"{self.plan.title} on {self.repository}"


class StepProgress(models.Model):
    """Where one step stands; its settings hold only while it is live."""

    class State(models.TextChoices):
        WAITING = "waiting", "waiting"
        LIVE = "live", "live"
        HELD = "held", "held"
        ROLLED_BACK = "rolled_back", "rolled back"
        DONE = "done", "done"

    rollout = models.ForeignKey(Rollout, on_delete=models.CASCADE, related_name="steps")
    number = models.CharField(max_length=10)
    state = models.CharField(max_length=12, choices=State.choices, default=State.WAITING)
    live_since = models.DateTimeField(null=True, blank=True)
    ramp_day = models.PositiveSmallIntegerField(default=0, help_text="Ramp days that counted; missed days do not.")
    ramp_counted_on = models.DateField(null=True, blank=True)
    frozen_reason = models.CharField(max_length=300, blank=True, help_text="Why the ramp does not grow.")

    class Meta:
        ordering = ["rollout", "number"]
        constraints = [
            models.UniqueConstraint(fields=["rollout", "number"], name="step_once_per_rollout"),
            models.CheckConstraint(
                condition=models.Q(state__in=["waiting", "live", "held", "rolled_back", "done"]),
                name="step_state_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} ({self.get_state_display()})"


class ChangeRequest(models.Model):
    """A reviewed change of a running plan."""

    class State(models.TextChoices):
        OPEN = "open", "open"
        APPROVED = "approved", "approved"
        REJECTED = "rejected", "rejected"
        WITHDRAWN = "withdrawn", "withdrawn"

    rollout = models.ForeignKey(Rollout, on_delete=models.CASCADE, related_name="change_requests")
    text = models.TextField(help_text="The whole plan as YAML, changed.")
    diff = models.TextField()
    reason = models.CharField(max_length=500)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    asked_by = models.CharField(max_length=150)
    asked_at = models.DateTimeField()
    reviewed_by = models.CharField(max_length=150, blank=True)
    reviewed_at = models.DateTimeField(null=True, blank=True)
    review_note = models.CharField(max_length=500, blank=True)
    base_sha256 = models.CharField(max_length=64)

    class Meta:
        ordering = ["-asked_at"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state__in=["open", "approved", "rejected", "withdrawn"]), name="change_state_known"
            ),
            models.CheckConstraint(
                condition=models.Q(reviewed_by="") | ~models.Q(reviewed_by=models.F("asked_by")),
                name="change_reviewed_by_another",
            ),
        ]

    def __str__(self) -> str:
        return f"change of {self.rollout} by {self.asked_by}"
