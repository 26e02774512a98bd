"""Slots, runs, items and effects: the records that everything else is computed from."""

from __future__ import annotations

from django.db import models

from pipeline.models.issues import Issue
from pipeline.models.operations import Kind, Mode, Operation
from pipeline.models.repositories import Repository
from pipeline.models.sources import Discovery


class Run(models.Model):
    """One execution of an operation."""

    class State(models.TextChoices):
        OPEN = "open", "waiting to start"
        WORKING = "working", "working"
        SUCCEEDED = "succeeded", "succeeded"
        FAILED = "failed", "failed"
        CANCELLED = "cancelled", "cancelled"

    class Purpose(models.TextChoices):
        SCHEDULED = "scheduled", "scheduled"
        MANUAL = "manual", "manual"
        PART = "part", "part of a daily run"
        APPLY = "apply", "apply a stored plan"
        REVERT = "revert", "revert a run"

    ACTIVE = (State.OPEN, State.WORKING)

    operation = models.ForeignKey(Operation, null=True, on_delete=models.SET_NULL, related_name="runs")
    repository = models.ForeignKey(Repository, on_delete=models.PROTECT, related_name="runs")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    purpose = models.CharField(max_length=10, choices=Purpose.choices)
    mode = models.CharField(max_length=10, choices=Mode.choices)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.CASCADE, related_name="children")
    source_run = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="derived",
        help_text="The run that is applied or reverted.",
    )
    nominal_at = models.DateTimeField(null=True, blank=True, help_text="The slot's time; empty for manual runs.")
    group = models.CharField(max_length=250, blank=True)
    limit = models.PositiveIntegerField()
    limit_reason = models.CharField(max_length=200, blank=True)
    options = models.JSONField(default=dict, blank=True, help_text="What a person asked for: {issues: [numbers]}.")
    selected = models.BooleanField(default=False, help_text="Its items have been chosen.")
    epoch = models.PositiveIntegerField(default=0)
    claimed_until = models.DateTimeField(null=True, blank=True)
    requested_by = models.CharField(max_length=150, blank=True)
    reason = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    deadline_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    rung_at = models.DateTimeField(null=True, blank=True, help_text="When workers were last told of it.")
    error = models.CharField(max_length=500, blank=True)
    error_type = models.CharField(max_length=20, blank=True)
    statistics = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["-id"]
        permissions = [
            ("apply_plan", "Can apply the plan of a dry run"),
            ("revert_run", "Can revert a live run"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["group"],
                condition=models.Q(state__in=["open", "working"]) & ~models.Q(group=""),
                name="run_one_active_per_group",
            ),
            models.UniqueConstraint(
                fields=["parent", "kind"], condition=models.Q(purpose="part"), name="run_one_part_of_a_kind"
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=["open", "working", "succeeded", "failed", "cancelled"]),
                name="run_state_known",
            ),
            models.CheckConstraint(condition=models.Q(mode__in=["off", "dry_run", "live"]), name="run_mode_known"),
            models.CheckConstraint(
                condition=models.Q(purpose__in=["scheduled", "manual", "part", "apply", "revert"]),
                name="run_purpose_known",
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=["open", "working"]) | models.Q(finished_at__isnull=False),
                name="run_closed_has_end",
            ),
        ]
        indexes = [
            models.Index(fields=["operation", "-nominal_at"], name="run_by_slot"),
            models.Index(fields=["state", "claimed_until"], name="run_by_state"),
            models.Index(fields=["kind", "-finished_at"], name="run_by_end"),
        ]

    def __str__(self) -> str:
        return f"run {self.pk} ({self.kind}, {self.get_mode_display()})"

    @property
    def is_active(self) -> bool:
        return self.state in self.ACTIVE

    @property
    def has_parts(self) -> bool:
        """A daily run works through its parts; the revert of one, and its plan applied, have items of their own."""
        return self.kind == Kind.DAILY and self.purpose not in (self.Purpose.REVERT, self.Purpose.APPLY)

    @property
    def undoes(self) -> bool:
        """It reverts another run, or applies the plan that such a revert showed."""
        shown = self.source_run if self.purpose == self.Purpose.APPLY else None
        return self.purpose == self.Purpose.REVERT or (shown is not None and shown.purpose == self.Purpose.REVERT)

    @classmethod
    def undoing(cls, path: str = "") -> models.Q:
        """`undoes` for a query; `path` leads to the run, as "item__run__"."""
        revert, apply = cls.Purpose.REVERT, cls.Purpose.APPLY
        shown = models.Q((f"{path}purpose", apply), (f"{path}source_run__purpose", revert))
        return models.Q((f"{path}purpose", revert)) | shown


class Slot(models.Model):
    """The nominal cron time of an operation; run at most once, and with a reason when not."""

    class Status(models.TextChoices):
        RAN = "ran", "ran"
        SKIPPED = "skipped", "skipped"
        MISSED = "missed", "missed"

    operation = models.ForeignKey(Operation, on_delete=models.CASCADE, related_name="slots")
    nominal_at = models.DateTimeField()
    status = models.CharField(max_length=10, choices=Status.choices)
    reason = models.CharField(max_length=300, blank=True)
    run = models.OneToOneField(Run, null=True, blank=True, on_delete=models.SET_NULL, related_name="slot")
    settled_at = models.DateTimeField()

    class Meta:
        ordering = ["-nominal_at"]
        constraints = [
            models.UniqueConstraint(fields=["operation", "nominal_at"], name="slot_once"),
            models.CheckConstraint(
                condition=models.Q(status__in=["ran", "skipped", "missed"]), name="slot_status_known"
            ),
            models.CheckConstraint(
                condition=models.Q(status="ran") | ~models.Q(reason=""), name="slot_not_run_has_reason"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.nominal_at:%Y-%m-%d %H:%M} {self.status}"


class RunItem(models.Model):
    """One issue (or discovery, or source) inside one run."""

    class State(models.TextChoices):
        PENDING = "pending", "waiting"
        WORKING = "working", "working"
        WAITING = "waiting", "waiting to be looked up"
        DONE = "done", "done"
        PLANNED = "planned", "planned (dry run)"
        SKIPPED = "skipped", "skipped"
        FAILED = "failed", "failed"
        DEFERRED = "deferred", "deferred"
        CONFLICT = "conflict", "conflict"
        CANCELLED = "cancelled", "cancelled"

    ACTIVE = (State.PENDING, State.WORKING, State.WAITING)

    class ErrorType(models.TextChoices):
        NONE = "", "none"
        TRANSIENT = "transient", "transient"
        PERMANENT = "permanent", "permanent"
        QUOTA = "quota", "quota"
        CONFLICT = "conflict", "conflict"
        UNKNOWN = "unknown", "unknown fate"

    class Stage(models.TextChoices):
        READ = "read", "reading"
        CLASSIFY = "classify", "classifying"
        PLAN = "plan", "planning"
        WRITE = "write", "writing"

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="items")
    position = models.PositiveIntegerField()
    issue = models.ForeignKey(Issue, null=True, blank=True, on_delete=models.CASCADE, related_name="items")
    discovery = models.ForeignKey(Discovery, null=True, blank=True, on_delete=models.CASCADE, related_name="items")
    report = models.ForeignKey(
        "pipeline.ProblemReport", null=True, blank=True, on_delete=models.CASCADE, related_name="items"
    )
    live = models.BooleanField(default=False)
    state = models.CharField(max_length=10, choices=State.choices, default=State.PENDING)
    stage = models.CharField(max_length=10, choices=Stage.choices, blank=True)
    epoch = models.PositiveIntegerField(default=0)
    claimed_until = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    snapshot = models.JSONField(default=dict, blank=True, help_text="The issue as it was read for the plan.")
    fingerprint = models.CharField(max_length=64, blank=True)
    facts = models.JSONField(default=dict, blank=True, help_text="What the planner decided, for people and statistics.")
    outcome = models.CharField(max_length=40, blank=True)
    reason = models.CharField(max_length=500, blank=True)
    error_type = models.CharField(max_length=10, choices=ErrorType.choices, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["run", "position"]
        constraints = [
            models.UniqueConstraint(fields=["run", "position"], name="item_position_once"),
            models.UniqueConstraint(
                fields=["issue"],
                condition=models.Q(live=True, state__in=["pending", "working", "waiting"]),
                name="item_one_live_per_issue",
            ),
            models.UniqueConstraint(
                fields=["discovery"],
                condition=models.Q(live=True, state__in=["pending", "working", "waiting"]),
                name="item_one_live_per_discovery",
            ),
            models.UniqueConstraint(
                fields=["report"],
                condition=models.Q(live=True, state__in=["pending", "working", "waiting"]),
                name="item_one_live_per_report",
            ),
            models.CheckConstraint(
                condition=models.Q(
                    state__in=[
                        "pending",
                        "working",
                        "waiting",
                        "done",
                        "planned",
                        "skipped",
                        "failed",
                        "deferred",
                        "conflict",
                        "cancelled",
                    ]
                ),
                name="item_state_known",
            ),
        ]
        indexes = [models.Index(fields=["run", "state", "due_at"], name="item_claim")]

    def __str__(self) -> str:
        return f"item {self.position} of run {self.run_id}"


class Effect(models.Model):
    """One intended change to the outside world, stored before it is made, with what was there before."""

    class State(models.TextChoices):
        PLANNED = "planned", "planned"
        SENDING = "sending", "sending"
        APPLIED = "applied", "applied"
        REFUSED = "refused", "refused"
        UNKNOWN = "unknown", "fate unknown"
        CANCELLED = "cancelled", "cancelled"

    item = models.ForeignKey(RunItem, on_delete=models.CASCADE, related_name="effects")
    issue = models.ForeignKey(Issue, null=True, blank=True, on_delete=models.CASCADE, related_name="effects")
    order = models.PositiveSmallIntegerField()
    step = models.PositiveSmallIntegerField(default=0, help_text="Effects of one step travel in one request.")
    key = models.CharField(max_length=80, unique=True)
    subject = models.CharField(max_length=300, blank=True, help_text="What must exist at most once.")
    kind = models.CharField(max_length=30)
    payload = models.JSONField()
    request_hash = models.CharField(max_length=64)
    before = models.JSONField(default=dict, blank=True)
    diff = models.TextField(blank=True)
    live = models.BooleanField(default=False)
    state = models.CharField(max_length=10, choices=State.choices, default=State.PLANNED)
    epoch = models.PositiveIntegerField(default=0)
    attempts = models.PositiveSmallIntegerField(default=0)  # times it was sent and found not to have taken place
    planned_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)
    look_up_at = models.DateTimeField(null=True, blank=True)
    response = models.JSONField(default=dict, blank=True)
    error = models.CharField(max_length=500, blank=True)
    reverts = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="reverted_by")
    reverted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["item", "order"]
        constraints = [
            models.UniqueConstraint(fields=["item", "order"], name="effect_order_once"),
            models.UniqueConstraint(
                fields=["subject"],
                condition=models.Q(
                    live=True, reverted_at__isnull=True, state__in=["planned", "sending", "applied", "unknown"]
                )
                & ~models.Q(subject=""),
                name="effect_subject_once",
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=["planned", "sending", "applied", "refused", "unknown", "cancelled"]),
                name="effect_state_known",
            ),
            models.CheckConstraint(
                condition=models.Q(live=True) | models.Q(state__in=["planned", "cancelled"]),
                name="effect_dry_is_never_sent",
            ),
        ]
        indexes = [
            models.Index(fields=["state", "look_up_at"], name="effect_by_state"),
            models.Index(fields=["issue", "state"], name="effect_by_issue"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} ({self.state})"
