"""Evaluations of criteria, ticks of people, gates and their signatures."""

from __future__ import annotations

from django.db import models

from rollout.models.plans import Rollout


class Evaluation(models.Model):
    """One measurement of one criterion or trigger, with all that is needed to compute it again."""

    rollout = models.ForeignKey(Rollout, on_delete=models.CASCADE, related_name="evaluations")
    key = models.CharField(max_length=64, help_text="SHA-256 of rule, evidence and window: the same evidence once.")
    rule = models.CharField(max_length=80, help_text="Slug of the criterion or trigger.")
    rule_hash = models.CharField(max_length=64, help_text="Of the rule as it was worded.")
    subject = models.CharField(max_length=60, blank=True, help_text="The operation, where a rule is on each.")
    metric = models.CharField(max_length=60, blank=True)
    verdict = models.CharField(
        max_length=12,
        choices=[
            ("pass", "pass"),
            ("breach", "breach"),
            ("inconclusive", "not enough data"),
            ("error", "could not be measured"),
            ("stale", "nothing new"),
        ],
    )
    value = models.FloatField(null=True, blank=True)
    n = models.PositiveIntegerField(default=0)
    comparator = models.CharField(max_length=2, blank=True)
    threshold = models.FloatField(null=True, blank=True)
    floor = models.DateTimeField()
    window_start = models.DateTimeField(null=True, blank=True)
    window_end = models.DateTimeField(null=True, blank=True)
    rows = models.JSONField(default=list, blank=True, help_text="[[model, id], …]")
    parts = models.JSONField(default=dict, blank=True)
    reason = models.CharField(max_length=500)
    at = models.DateTimeField()
    run = models.ForeignKey(
        "pipeline.Run", null=True, blank=True, on_delete=models.SET_NULL, related_name="evaluations"
    )

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["rollout", "key"], name="evaluation_once_per_evidence"),
            models.CheckConstraint(
                condition=models.Q(verdict__in=["pass", "breach", "inconclusive", "error", "stale"]),
                name="evaluation_verdict_known",
            ),
        ]
        indexes = [models.Index(fields=["rollout", "rule", "-id"], name="evaluation_by_rule")]

    def __str__(self) -> str:
        return f"{self.rule}: {self.get_verdict_display()}"


class Tick(models.Model):
    """A person's answer to a manual criterion; the newest counts."""

    rollout = models.ForeignKey(Rollout, on_delete=models.CASCADE, related_name="ticks")
    criterion = models.CharField(max_length=80)
    met = models.BooleanField()
    note = models.TextField()
    link = models.URLField(max_length=500, blank=True)
    by = models.CharField(max_length=150)
    at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.criterion}: {'met' if self.met else 'not met'}"


class Gate(models.Model):
    """One go/no-go being asked: its evidence is frozen with it."""

    class State(models.TextChoices):
        ASKED = "asked", "asked"
        DECIDED = "decided", "decided"
        WITHDRAWN = "withdrawn", "withdrawn"
        VOID = "void", "void: the evidence or the plan changed"

    class Decision(models.TextChoices):
        NONE = "", "none yet"
        GO = "go", "go"
        NO_GO = "no_go", "no go"
        ITERATE = "iterate", "iterate"
        HOLD = "hold", "hold"

    rollout = models.ForeignKey(Rollout, on_delete=models.CASCADE, related_name="gates")
    slug = models.CharField(max_length=60)
    state = models.CharField(max_length=10, choices=State.choices, default=State.ASKED)
    asked_by = models.CharField(max_length=150)
    asked_at = models.DateTimeField()
    brought_forward = models.CharField(max_length=500, blank=True, help_text="Why it was asked before its day.")
    evidence = models.JSONField(default=list)
    evidence_hash = models.CharField(max_length=64, help_text="Of the evidence and the plan.")
    verdict = models.CharField(max_length=12)
    insufficient = models.CharField(max_length=500, blank=True, help_text="Why to proceed on insufficient evidence.")
    decision = models.CharField(max_length=10, choices=Decision.choices, blank=True)
    decided_by = models.CharField(max_length=150, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["rollout", "slug"], condition=models.Q(state="asked"), name="gate_asked_once"
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=["asked", "decided", "withdrawn", "void"]), name="gate_state_known"
            ),
            models.CheckConstraint(
                condition=~models.Q(state="decided") | (~models.Q(decision="") & ~models.Q(reason="")),
                name="gate_decided_has_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.slug} ({self.get_state_display()})"


class Signature(models.Model):
    """One role's signature, bound to the evidence that the signer saw."""

    gate = models.ForeignKey(Gate, on_delete=models.CASCADE, related_name="signatures")
    role = models.CharField(max_length=60)
    by = models.CharField(max_length=150)
    at = models.DateTimeField()
    evidence_hash = models.CharField(max_length=64)
    note = models.CharField(max_length=500, blank=True)
    on_insufficient = models.BooleanField(default=False, help_text="Signs that the evidence is not sufficient.")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["gate", "role"], name="signature_once_per_role"),
            models.UniqueConstraint(fields=["gate", "by"], name="signature_once_per_person"),
        ]

    def __str__(self) -> str:
        return f"{self.role}: {self.by}"


class RoleHolder(models.Model):
    """Who holds a role of the plan in this rollout (Appendix B)."""

    rollout = models.ForeignKey(Rollout, on_delete=models.CASCADE, related_name="role_holders")
    role = models.CharField(max_length=60)
    user = models.ForeignKey("auth.User", on_delete=models.CASCADE, related_name="rollout_roles")
    backup = models.BooleanField(default=False)

    class Meta:
        ordering = ["role", "backup"]
        constraints = [
            models.UniqueConstraint(fields=["rollout", "role", "user"], name="role_holder_once"),
        ]

    def __str__(self) -> str:
        return f"{self.role}: {self.user}"
