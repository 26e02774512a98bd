"""Workflows and specialists, as loaded from YAML and edited in the admin."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from simple_history.models import HistoricalRecords

from pipeline.domain import workflows as domain
from pipeline.models.repositories import Repository

SLUG = RegexValidator(r"^[a-z0-9]+(-[a-z0-9]+)*$", "Lower-case words joined by hyphens.")
SHARE = [MinValueValidator(0.0), MaxValueValidator(1.0)]


class Specialist(models.Model):
    """The persona that a workflow's guidance is written for."""

    slug = models.CharField(max_length=35, unique=True, validators=[SLUG])
    name = models.CharField(max_length=100)
    role = models.TextField()
    objective = models.TextField()
    guidance = models.TextField(help_text="Markdown with {placeholders}; the body of ## Specialist Guidance.")
    required_actions = models.JSONField(default=list, blank=True)
    quality_checklist = models.JSONField(default=list, blank=True)
    collaboration = models.TextField(blank=True)
    escalation = models.TextField(blank=True)
    version = models.CharField(max_length=20, default="1.0")
    edited_by_hand = models.BooleanField(default=False, editable=False)
    history = HistoricalRecords()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def spec(self) -> domain.SpecialistSpec:
        return domain.SpecialistSpec(
            slug=self.slug,
            name=self.name,
            role=self.role,
            objective=self.objective,
            guidance=self.guidance,
            required_actions=tuple(self.required_actions),
            quality_checklist=tuple(self.quality_checklist),
            collaboration=self.collaboration,
            escalation=self.escalation,
            version=self.version,
        )


class Workflow(models.Model):
    """A `workflow::` schema; without a repository it is in force for all."""

    repository = models.ForeignKey(
        Repository, null=True, blank=True, on_delete=models.CASCADE, related_name="workflows", help_text="Empty: all."
    )
    slug = models.CharField(max_length=35, validators=[SLUG])
    name = models.CharField(max_length=100)
    description = models.TextField(blank=True)
    version = models.CharField(max_length=20, default="1.0")
    active = models.BooleanField(default=True)
    trigger_labels = models.JSONField(default=list, blank=True)
    content_keywords = models.JSONField(default=list, blank=True)
    specialist = models.ForeignKey(Specialist, on_delete=models.PROTECT, related_name="workflows")
    branch_pattern = models.CharField(max_length=200, default="workflow/{workflow}/issue-{number}")
    folder_pattern = models.CharField(max_length=200, default="workflows/{workflow}/issue-{number}")
    due_hours = models.PositiveIntegerField(default=48, validators=[MinValueValidator(1)])
    assign_at = models.FloatField(default=0.8, validators=SHARE)
    ask_at = models.FloatField(default=0.6, validators=SHARE)
    acceptance_criteria = models.JSONField(default=list, blank=True)
    minimum_words = models.PositiveIntegerField(default=0)
    required_sections = models.JSONField(default=list, blank=True)
    origin = models.CharField(max_length=300, blank=True, editable=False, help_text="The file that it came from.")
    edited_by_hand = models.BooleanField(default=False, editable=False)
    history = HistoricalRecords()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["repository", "slug"], name="workflow_once_per_repository"),
            models.UniqueConstraint(
                fields=["slug"], condition=models.Q(repository__isnull=True), name="workflow_once_among_shared"
            ),
            models.CheckConstraint(
                condition=models.Q(ask_at__lte=models.F("assign_at")), name="workflow_asks_below_assign"
            ),
            models.CheckConstraint(
                condition=models.Q(ask_at__gte=0) & models.Q(assign_at__lte=1), name="workflow_thresholds_are_shares"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def spec(self) -> domain.WorkflowSpec:
        return replace(self.own_spec(), deliverables=tuple(row.spec() for row in self.deliverables.all()))

    def own_spec(self) -> domain.WorkflowSpec:
        """Without the deliverables, which are rows of their own."""
        return domain.WorkflowSpec(
            slug=self.slug,
            name=self.name,
            description=self.description,
            version=self.version,
            trigger_labels=tuple(self.trigger_labels),
            content_keywords=tuple(self.content_keywords),
            specialist=self.specialist.slug,
            deliverables=(),
            branch_pattern=self.branch_pattern,
            folder_pattern=self.folder_pattern,
            due=timedelta(hours=self.due_hours),
            assign_at=self.assign_at,
            ask_at=self.ask_at,
            acceptance_criteria=tuple(self.acceptance_criteria),
            minimum_words=self.minimum_words,
            required_sections=tuple(self.required_sections),
        )


class Deliverable(models.Model):
    """One file that the agent has to deliver."""

    workflow = models.ForeignKey(Workflow, on_delete=models.CASCADE, related_name="deliverables")
    name = models.CharField(max_length=60, validators=[SLUG])
    title = models.CharField(max_length=150)
    description = models.TextField(blank=True)
    template = models.TextField(blank=True)
    path = models.CharField(max_length=200, blank=True)
    required = models.BooleanField(default=True)
    order = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["order", "id"]
        constraints = [models.UniqueConstraint(fields=["workflow", "name"], name="deliverable_once_per_workflow")]

    def __str__(self) -> str:
        return self.title

    def spec(self) -> domain.Deliverable:
        return domain.Deliverable(
            name=self.name,
            title=self.title,
            description=self.description,
            template=self.template,
            path=self.path,
            required=self.required,
            order=self.order,
        )
