"""Our copy of GitHub issues, with their pipeline state and its history."""

from __future__ import annotations

from django.db import models

from pipeline.domain import states
from pipeline.domain.snapshot import Actor, IssueSnapshot
from pipeline.models.repositories import Repository
from pipeline.models.workflows import Specialist, Workflow


class Issue(models.Model):
    """One GitHub issue that belongs to the pipeline."""

    class State(models.TextChoices):
        DISCOVERY = states.State.DISCOVERY.value, "discovery"
        ASSIGNED = states.State.ASSIGNED.value, "assigned"
        COPILOT = states.State.COPILOT.value, "copilot"
        DONE = states.State.DONE.value, "done"

    class Presence(models.TextChoices):
        PRESENT = "present", "present"
        DELETED = "deleted", "deleted on GitHub"
        TRANSFERRED = "transferred", "transferred"
        UNREACHABLE = "unreachable", "cannot be read"

    repository = models.ForeignKey(Repository, on_delete=models.PROTECT, related_name="issues")
    number = models.PositiveIntegerField()
    node_id = models.CharField(max_length=100)
    state = models.CharField(max_length=10, choices=State.choices)
    title = models.TextField()
    body = models.TextField(blank=True)
    labels = models.JSONField(default=list)
    assignees = models.JSONField(default=list, help_text="[{login, id, kind}]")
    is_open = models.BooleanField(default=True)
    state_reason = models.CharField(max_length=30, blank=True)
    locked = models.BooleanField(default=False)
    author = models.JSONField(default=dict)
    author_association = models.CharField(max_length=30, blank=True)
    html_url = models.URLField(max_length=500, blank=True)
    remote_created_at = models.DateTimeField()
    remote_updated_at = models.DateTimeField(db_index=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    read_at = models.DateTimeField(help_text="When this copy was read.")
    presence = models.CharField(max_length=12, choices=Presence.choices, default=Presence.PRESENT)
    presence_note = models.CharField(max_length=500, blank=True)
    workflow = models.ForeignKey(Workflow, null=True, blank=True, on_delete=models.SET_NULL, related_name="issues")
    specialist = models.ForeignKey(Specialist, null=True, blank=True, on_delete=models.SET_NULL, related_name="issues")
    confidence = models.FloatField(null=True, blank=True, help_text="Of the assignment, 0 to 1.")
    discovered_at = models.DateTimeField(null=True, blank=True)
    assigned_at = models.DateTimeField(null=True, blank=True)
    handed_over_at = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)
    clarification_reason = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["repository", "number"], name="issue_once_per_repository"),
            models.CheckConstraint(
                condition=models.Q(state__in=["discovery", "assigned", "copilot", "done"]), name="issue_state_known"
            ),
            models.CheckConstraint(
                condition=models.Q(presence__in=["present", "deleted", "transferred", "unreachable"]),
                name="issue_presence_known",
            ),
        ]
        indexes = [
            models.Index(fields=["repository", "state", "presence"], name="issue_by_state"),
            models.Index(fields=["node_id"], name="issue_by_node"),
        ]

    def __str__(self) -> str:
        return f"#{self.number} {self.title[:80]}"

    def snapshot(self) -> IssueSnapshot:
        """Our copy as a value."""
        return IssueSnapshot(
            number=self.number,
            node_id=self.node_id,
            title=self.title,
            body=self.body,
            labels=tuple(self.labels),
            assignees=tuple(Actor(**item) for item in self.assignees),
            is_open=self.is_open,
            state_reason=self.state_reason or None,
            locked=self.locked,
            author=Actor(**self.author),
            author_association=self.author_association,
            html_url=self.html_url,
            created_at=self.remote_created_at,
            updated_at=self.remote_updated_at,
            closed_at=self.closed_at,
            read_at=self.read_at,
        )


class Transition(models.Model):
    """One move of one issue; `sequence` counts from 1 per issue."""

    class Cause(models.TextChoices):
        PIPELINE = states.Cause.PIPELINE.value, "pipeline"
        REVERT = states.Cause.REVERT.value, "revert"
        HUMAN = states.Cause.HUMAN.value, "a person on GitHub"
        IMPORTED = states.Cause.IMPORTED.value, "first seen"

    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="transitions")
    sequence = models.PositiveIntegerField()
    before = models.CharField(max_length=10, blank=True, choices=Issue.State.choices)
    after = models.CharField(max_length=10, choices=Issue.State.choices)
    cause = models.CharField(max_length=10, choices=Cause.choices)
    reason = models.CharField(max_length=500)
    at = models.DateTimeField()
    run_item = models.ForeignKey(
        "pipeline.RunItem", null=True, blank=True, on_delete=models.SET_NULL, related_name="transitions"
    )
    effect = models.ForeignKey(
        "pipeline.Effect", null=True, blank=True, on_delete=models.SET_NULL, related_name="transitions"
    )

    class Meta:
        ordering = ["issue", "sequence"]
        constraints = [
            models.UniqueConstraint(fields=["issue", "sequence"], name="transition_sequence_once"),
            models.CheckConstraint(
                condition=models.Q(cause__in=["pipeline", "revert", "human", "imported"]), name="transition_cause_known"
            ),
        ]
        indexes = [models.Index(fields=["at"], name="transition_by_time")]

    def __str__(self) -> str:
        return f"{self.before or 'new'} → {self.after}"


class Handover(models.Model):
    """One hand-over of one issue to Copilot; `generation` counts repeats from 1."""

    class Outcome(models.TextChoices):
        PENDING = "pending", "pending"
        WORKING = "working", "working"
        WAITING = "waiting", "waiting for a person"
        FINISHED = "finished", "finished, to be merged"
        COMPLETED = "completed", "completed"
        REJECTED = "rejected", "rejected"
        FAILED = "failed", "failed"
        LOST = "lost", "lost"
        WITHDRAWN = "withdrawn", "withdrawn"

    OPEN = (Outcome.PENDING, Outcome.WORKING, Outcome.WAITING, Outcome.FINISHED)  # somebody is still at work on it

    class Blocker(models.TextChoices):
        NONE = "", "none"
        PERMISSION = "permission", "permission"
        QUOTA = "quota", "quota"
        UNCLEAR = "unclear", "unclear task"
        CHECKS = "checks", "failing checks"
        CONFLICT = "conflict", "conflicting branch"
        APPROVAL = "approval", "awaiting approval"
        OTHER = "other", "other"

    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="handovers")
    generation = models.PositiveSmallIntegerField()
    effect = models.OneToOneField(
        "pipeline.Effect", null=True, blank=True, on_delete=models.SET_NULL, related_name="handover"
    )
    requested_at = models.DateTimeField()
    outcome = models.CharField(max_length=10, choices=Outcome.choices, default=Outcome.PENDING)
    blocker = models.CharField(max_length=10, choices=Blocker.choices, blank=True)
    blocker_message = models.CharField(max_length=500, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    pull_number = models.PositiveIntegerField(null=True, blank=True)
    pull_url = models.URLField(max_length=500, blank=True)
    scaffold_branch = models.CharField(max_length=250, blank=True)
    scaffold_pull = models.PositiveIntegerField(null=True, blank=True)
    evidence = models.JSONField(default=dict, blank=True)
    checked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "hand-over"
        ordering = ["issue", "generation"]
        constraints = [
            models.UniqueConstraint(fields=["issue", "generation"], name="handover_generation_once"),
            models.UniqueConstraint(
                fields=["issue"],
                condition=models.Q(outcome__in=["pending", "working", "waiting", "finished"]),
                name="handover_one_open_per_issue",
            ),
        ]
        indexes = [models.Index(fields=["requested_at"], name="handover_by_time")]

    def __str__(self) -> str:
        return f"{self.issue} → Copilot, try {self.generation}"


class Feedback(models.Model):
    """One thing that Copilot said about a hand-over, in a comment or a review. Text from outside: never live HTML."""

    class Source(models.TextChoices):
        COMMENT = "comment", "comment"
        REVIEW = "review", "review"
        FAILURE = "failure", "failure message"

    handover = models.ForeignKey(Handover, on_delete=models.CASCADE, related_name="feedback")
    external_id = models.CharField(max_length=100, help_text="GitHub's id of it: the same is kept once.")
    source = models.CharField(max_length=10, choices=Source.choices)
    text = models.TextField()
    html_url = models.URLField(max_length=500, blank=True)
    themes = models.JSONField(default=list, blank=True)
    said_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name_plural = "feedback"
        ordering = ["-said_at"]
        constraints = [
            models.UniqueConstraint(fields=["handover", "external_id"], name="feedback_once_per_handover"),
            models.CheckConstraint(
                condition=models.Q(source__in=["comment", "review", "failure"]), name="feedback_source_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source}: {self.text[:80]}"
