"""Rubrics and the people who score by them (plan 3.3)."""

from __future__ import annotations

from typing import Any

from django.db import models


class Frozen(ValueError):
    """What was in use once is not changed any more; `str()` is one sentence for people."""


class Rubric(models.Model):
    """One version of a rubric: editable as a draft, frozen once it is in use, so that old scores keep their meaning."""

    class Status(models.TextChoices):
        DRAFT = "draft", "draft"
        IN_USE = "in_use", "in use"
        RETIRED = "retired", "retired"

    slug = models.SlugField(max_length=60, default="guidance")
    version = models.PositiveIntegerField(help_text="Counts from 1 per rubric.")
    title = models.CharField(max_length=200)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.DRAFT)
    created_by = models.CharField(max_length=150, blank=True)
    created_at = models.DateTimeField()
    published_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["slug", "-version"]
        permissions = [("publish_rubric", "Can put a rubric in use")]
        constraints = [
            models.UniqueConstraint(fields=["slug", "version"], name="rubric_version_once"),
            models.UniqueConstraint(fields=["slug"], condition=models.Q(status="in_use"), name="rubric_one_in_use"),
            models.CheckConstraint(
                condition=models.Q(status__in=["draft", "in_use", "retired"]), name="rubric_status_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title} v{self.version}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Only a draft is saved; the service puts it in use and retires it."""
        self.check_is_draft()
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        self.check_is_draft()
        return super().delete(*args, **kwargs)

    def check_is_draft(self) -> None:
        """Frozen, unless what is stored is a draft or nothing yet."""
        stored = Rubric.objects.filter(pk=self.pk).exclude(status=self.Status.DRAFT).first()
        if stored is not None:
            raise Frozen(f"{stored} is {stored.get_status_display()} and stays as it is; make a new version.")


class RubricCriterion(models.Model):
    """One criterion. `weight` in percent, all of a rubric together 100; `target` a share that a score must exceed."""

    rubric = models.ForeignKey(Rubric, on_delete=models.CASCADE, related_name="criteria")
    slug = models.SlugField(max_length=60)
    text = models.CharField(max_length=200)
    weight = models.PositiveSmallIntegerField()
    target = models.FloatField()
    anchors = models.JSONField(default=list, help_text="Five lines: what a 0, 1, 2, 3 and 4 mean.")
    order = models.PositiveSmallIntegerField(default=0)

    class Meta:
        verbose_name_plural = "rubric criteria"
        ordering = ["rubric", "order"]
        constraints = [
            models.UniqueConstraint(fields=["rubric", "slug"], name="rubric_criterion_once"),
            models.CheckConstraint(
                condition=models.Q(weight__gte=1) & models.Q(weight__lte=100), name="rubric_weight_is_percent"
            ),
            models.CheckConstraint(
                condition=models.Q(target__gte=0) & models.Q(target__lte=1), name="rubric_target_is_share"
            ),
        ]

    def __str__(self) -> str:
        return self.text

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.rubric.check_is_draft()
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        self.rubric.check_is_draft()
        return super().delete(*args, **kwargs)


class ReviewTeam(models.Model):
    """A team that takes its week in turn; `order` is the turn (plan 3.3: rotating weekly among three)."""

    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=100)
    order = models.PositiveSmallIntegerField(default=0)
    active = models.BooleanField(default=True)

    class Meta:
        ordering = ["order"]

    def __str__(self) -> str:
        return self.name


class TeamMember(models.Model):
    """Who reviews in a team. `github_login` tells whose issues are their own."""

    team = models.ForeignKey(ReviewTeam, on_delete=models.CASCADE, related_name="members")
    user = models.ForeignKey("auth.User", on_delete=models.CASCADE, related_name="review_teams")
    github_login = models.CharField(max_length=100, blank=True)
    load_cap = models.PositiveSmallIntegerField(default=10, help_text="Most reviews in one week.")
    is_lead = models.BooleanField(default=False)
    wants_reminders = models.BooleanField(default=True, help_text="A lead is reminded all the same.")
    active = models.BooleanField(default=True)

    class Meta:
        ordering = ["team", "user"]
        constraints = [models.UniqueConstraint(fields=["team", "user"], name="team_member_once")]

    def __str__(self) -> str:
        return f"{self.user} ({self.team})"


class Absence(models.Model):
    """Days on which somebody does not review; both ends count."""

    user = models.ForeignKey("auth.User", on_delete=models.CASCADE, related_name="review_absences")
    first_day = models.DateField()
    last_day = models.DateField()
    note = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-first_day"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(last_day__gte=models.F("first_day")), name="absence_ends_after_start"
            )
        ]

    def __str__(self) -> str:
        return f"{self.user}, {self.first_day} to {self.last_day}"
