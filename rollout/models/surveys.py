"""The stakeholder survey (plan, week 5): rounds, and one answer of each person in each."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from rollout.domain.survey import BEST, WORST
from rollout.models.plans import Rollout


class Survey(models.Model):
    """One round: a question that is open for a while. It counts as evidence once it is closed."""

    rollout = models.ForeignKey(Rollout, on_delete=models.CASCADE, related_name="surveys")
    round = models.PositiveIntegerField(help_text="Counts from 1 per rollout.")
    question = models.CharField(max_length=300)
    opened_by = models.CharField(max_length=150)
    opened_at = models.DateTimeField()
    closes_at = models.DateTimeField(help_text="It closes by itself then.")
    closed_by = models.CharField(max_length=150, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["rollout", "-round"]
        constraints = [
            models.UniqueConstraint(fields=["rollout", "round"], name="survey_round_once"),
            models.UniqueConstraint(
                fields=["rollout"], condition=models.Q(closed_at__isnull=True), name="survey_one_open_per_rollout"
            ),
            models.CheckConstraint(
                condition=models.Q(closed_at__isnull=True) | ~models.Q(closed_by=""), name="survey_closed_by_somebody"
            ),
            models.CheckConstraint(
                condition=models.Q(closes_at__gt=models.F("opened_at")), name="survey_closes_after_opening"
            ),
        ]

    def __str__(self) -> str:
        return f"survey round {self.round} of {self.rollout}"


class SurveyAnswer(models.Model):
    """What one person answered. It has no screen: pages show means and numbers, never who said what."""

    survey = models.ForeignKey(Survey, on_delete=models.CASCADE, related_name="answers")
    person = models.ForeignKey("auth.User", on_delete=models.PROTECT, related_name="survey_answers")
    score = models.PositiveSmallIntegerField(validators=[MinValueValidator(WORST), MaxValueValidator(BEST)])
    comment = models.CharField(max_length=500, blank=True)
    at = models.DateTimeField()

    class Meta:
        ordering = ["survey", "id"]
        permissions = [("answer_survey", "Can answer the stakeholder survey")]
        constraints = [
            models.UniqueConstraint(fields=["survey", "person"], name="survey_answer_once_per_person"),
            models.CheckConstraint(
                condition=models.Q(score__gte=WORST) & models.Q(score__lte=BEST), name="survey_score_in_scale"
            ),
        ]

    def __str__(self) -> str:
        return f"answer in {self.survey}"
