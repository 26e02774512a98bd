"""What follows a hand-over until it is done: service levels, escalations, and the clock that they run on (plan 3.2)."""

from __future__ import annotations

from datetime import timedelta

from django.db import models
from simple_history.models import HistoricalRecords


class ServiceLevel(models.Model):
    """One SLA as data. The closest fits: of repository and workflow, of workflow, of repository, then of everything."""

    repository = models.ForeignKey(
        "pipeline.Repository", null=True, blank=True, on_delete=models.CASCADE, related_name="service_levels"
    )
    workflow = models.SlugField(max_length=35, blank=True, help_text="A workflow's slug; empty: all.")
    slug = models.SlugField(max_length=60)
    text = models.CharField(max_length=200)
    metric = models.CharField(max_length=60, help_text="A metric of the registry.")
    comparator = models.CharField(max_length=2, choices=[(">=", "≥"), (">", ">"), ("<", "<"), ("<=", "≤")])
    threshold = models.FloatField(help_text="A share, 0 to 1.")
    within = models.DurationField(null=True, blank=True)
    minimum_sample = models.PositiveIntegerField(default=20, help_text="Fewer cases: not enough data.")
    active = models.BooleanField(default=True)
    history = HistoricalRecords()

    class Meta:
        ordering = ["slug", "workflow"]
        constraints = [
            models.UniqueConstraint(fields=["repository", "workflow", "slug"], name="service_level_once"),
            models.UniqueConstraint(
                fields=["workflow", "slug"],
                condition=models.Q(repository__isnull=True),
                name="service_level_once_for_all",
            ),
            models.CheckConstraint(
                condition=models.Q(threshold__gte=0) & models.Q(threshold__lte=1), name="service_level_is_share"
            ),
            models.CheckConstraint(
                condition=models.Q(comparator__in=[">=", ">", "<", "<="]), name="service_level_comparator_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.text} ({self.workflow})" if self.workflow else self.text


class EscalationRule(models.Model):
    """What happens so many days after the due time. The closest fits, as with service levels."""

    class Action(models.TextChoices):
        REMIND = "remind", "reminder comment on the issue"
        NOTIFY = "notify", "notify a role"
        REVIEW = "review", "manual review by a person"

    repository = models.ForeignKey(
        "pipeline.Repository", null=True, blank=True, on_delete=models.CASCADE, related_name="escalation_rules"
    )
    workflow = models.SlugField(max_length=35, blank=True, help_text="A workflow's slug; empty: all.")
    action = models.CharField(max_length=10, choices=Action.choices)
    days_overdue = models.PositiveSmallIntegerField()
    role = models.SlugField(max_length=60, blank=True, help_text="Who is told or owns the review.")
    text = models.CharField(max_length=200)
    active = models.BooleanField(default=True)
    history = HistoricalRecords()

    class Meta:
        ordering = ["days_overdue"]
        constraints = [
            models.UniqueConstraint(fields=["repository", "workflow", "action"], name="escalation_rule_once"),
            models.UniqueConstraint(
                fields=["workflow", "action"],
                condition=models.Q(repository__isnull=True),
                name="escalation_rule_once_for_all",
            ),
            models.CheckConstraint(
                condition=models.Q(action__in=["remind", "notify", "review"]), name="escalation_action_known"
            ),
        ]

    def __str__(self) -> str:
        return self.text


class CompletionCase(models.Model):
    """One issue from its first hand-over to its end; repeats of a lost hand-over belong to it. `due_at` as handed over.

    Overdue time is the time since `due_at` less the pauses since then.
    """

    class State(models.TextChoices):
        OPEN = "open", "open"
        DONE = "done", "done"
        WITHDRAWN = "withdrawn", "withdrawn"

    issue = models.ForeignKey("pipeline.Issue", on_delete=models.CASCADE, related_name="completion_cases")
    handover = models.OneToOneField("pipeline.Handover", on_delete=models.CASCADE, related_name="completion_case")
    workflow = models.SlugField(max_length=35, blank=True)
    specialist = models.SlugField(max_length=35, blank=True)
    opened_at = models.DateTimeField()
    due_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    ended_at = models.DateTimeField(null=True, blank=True)
    paused_total = models.DurationField(default=timedelta(0), help_text="Of the pauses that have ended.")

    class Meta:
        ordering = ["due_at"]
        constraints = [
            models.UniqueConstraint(fields=["issue"], condition=models.Q(state="open"), name="case_one_open_per_issue"),
            models.CheckConstraint(
                condition=models.Q(state__in=["open", "done", "withdrawn"]), name="case_state_known"
            ),
            models.CheckConstraint(
                condition=models.Q(state="open") | models.Q(ended_at__isnull=False), name="case_ended_has_time"
            ),
        ]
        indexes = [models.Index(fields=["state", "due_at"], name="case_by_due")]

    def __str__(self) -> str:
        return f"completion of {self.issue}"


class ClockPause(models.Model):
    """While this lasts a case does not grow older: we, or a person's snooze, are what it waits for."""

    class Kind(models.TextChoices):
        BLOCKED_BY_US = "blocked", "blocked by us"
        HELD = "held", "automation is held"
        SNOOZED = "snoozed", "snoozed by a person"

    case = models.ForeignKey(CompletionCase, on_delete=models.CASCADE, related_name="pauses")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    reason = models.CharField(max_length=500)
    by = models.CharField(max_length=150, help_text="A user name, or rule:<name>.")
    started_at = models.DateTimeField()
    until = models.DateTimeField(null=True, blank=True, help_text="A snooze never is without an end.")
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["started_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["case", "kind"], condition=models.Q(ended_at__isnull=True), name="pause_one_open_of_a_kind"
            ),
            models.CheckConstraint(
                condition=models.Q(kind__in=["blocked", "held", "snoozed"]), name="pause_kind_known"
            ),
            models.CheckConstraint(
                condition=~models.Q(kind="snoozed") | models.Q(until__isnull=False), name="snooze_has_an_end"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} since {self.started_at:%Y-%m-%d %H:%M}"


class EscalationEvent(models.Model):
    """One escalation of one case: at most one of each action, whatever is restarted or repeated."""

    class State(models.TextChoices):
        DUE = "due", "due"
        SENT = "sent", "under way"
        DONE = "done", "done"
        DROPPED = "dropped", "no longer needed"
        FAILED = "failed", "failed"

    case = models.ForeignKey(CompletionCase, on_delete=models.CASCADE, related_name="escalations")
    action = models.CharField(max_length=10, choices=EscalationRule.Action.choices)
    days_overdue = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.DUE)
    at = models.DateTimeField()
    sentence = models.CharField(max_length=500)
    run = models.ForeignKey("pipeline.Run", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    evidence = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["-at"]
        constraints = [
            models.UniqueConstraint(fields=["case", "action"], name="escalation_once_per_case"),
            models.CheckConstraint(
                condition=models.Q(state__in=["due", "sent", "done", "dropped", "failed"]),
                name="escalation_state_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_action_display()}, day {self.days_overdue}"


class ManualReview(models.Model):
    """A task for a person: an issue that Copilot did not finish in time (plan 3.2, day 14)."""

    class State(models.TextChoices):
        OPEN = "open", "open"
        DONE = "done", "done"
        DROPPED = "dropped", "no longer needed"

    case = models.OneToOneField(CompletionCase, on_delete=models.CASCADE, related_name="manual_review")
    owner = models.CharField(max_length=150, help_text="Never empty: somebody looks.")
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    opened_at = models.DateTimeField()
    due_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True, blank=True)
    settled_by = models.CharField(max_length=150, blank=True)
    decision = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["due_at"]
        permissions = [("settle_review", "Can take over and settle manual reviews, and snooze escalations")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state__in=["open", "done", "dropped"]), name="manual_review_state_known"
            ),
            models.CheckConstraint(condition=~models.Q(owner=""), name="manual_review_has_owner"),
        ]

    def __str__(self) -> str:
        return f"manual review of {self.case.issue}"
