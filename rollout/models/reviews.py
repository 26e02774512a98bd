"""The week's sample and what reviewers say of it (plan 3.3)."""

from __future__ import annotations

from django.db import models

from rollout.models.rubrics import ReviewTeam, Rubric, RubricCriterion


class ReviewBatch(models.Model):
    """One draw: the stored frame, its hash, the seed and the algorithm let anybody draw it again and compare.

    A calibration round is scored by every member of its team and counts in no figure.
    """

    class State(models.TextChoices):
        OPEN = "open", "open"
        DONE = "done", "done"
        EMPTY = "empty", "nothing to review"

    repository = models.ForeignKey("pipeline.Repository", on_delete=models.PROTECT, related_name="review_batches")
    is_calibration = models.BooleanField(default=False)
    week = models.DateField(help_text="The Monday of the week whose issues are reviewed (UTC).")
    rubric = models.ForeignKey(Rubric, on_delete=models.PROTECT, related_name="batches")
    team = models.ForeignKey(ReviewTeam, null=True, blank=True, on_delete=models.PROTECT, related_name="batches")
    team_reason = models.CharField(max_length=300, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    note = models.CharField(max_length=500, blank=True, help_text="Why it is empty or smaller than asked for.")
    size = models.PositiveSmallIntegerField(help_text="How many were asked for.")
    double = models.PositiveSmallIntegerField(help_text="How many are scored twice.")
    seed = models.CharField(max_length=64)
    algorithm = models.CharField(max_length=30)
    frame = models.JSONField(help_text="[[issue number, workflow, hash of the guidance]], sorted.")
    frame_sha256 = models.CharField(max_length=64)
    excluded = models.JSONField(default=list, help_text="[{number, reason}]")
    strata = models.JSONField(default=list, help_text="[{workflow, frame, drawn}]")
    drawn_at = models.DateTimeField()
    drawn_by = models.CharField(max_length=150)
    due_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "review batches"
        ordering = ["-week", "-id"]
        permissions = [
            ("draw_batch", "Can draw samples and open calibration rounds"),
            ("reassign_review", "Can reassign and replace reviews"),
            ("adjudicate", "Can settle disagreements between reviewers"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["repository", "week"], condition=models.Q(is_calibration=False), name="batch_once_per_week"
            ),
            models.CheckConstraint(condition=models.Q(state__in=["open", "done", "empty"]), name="batch_state_known"),
        ]

    def __str__(self) -> str:
        kind = "Calibration" if self.is_calibration else "Sample"
        return f"{kind} of the week of {self.week}"


class Sample(models.Model):
    """One drawn issue, with what is reviewed as it stood at the draw. All texts are from outside: never live HTML."""

    batch = models.ForeignKey(ReviewBatch, on_delete=models.CASCADE, related_name="samples")
    issue = models.ForeignKey("pipeline.Issue", on_delete=models.PROTECT, related_name="review_samples")
    position = models.PositiveSmallIntegerField()
    is_double = models.BooleanField(default=False)
    workflow = models.SlugField(max_length=35, blank=True)
    specialist = models.SlugField(max_length=35, blank=True)
    title = models.TextField()
    discovery = models.TextField(blank=True, help_text="The body's text outside our sections, and ## Discovery.")
    assessment = models.TextField(blank=True, help_text="## AI Assessment")
    guidance = models.TextField(blank=True, help_text="## Specialist Guidance")
    assignment = models.TextField(blank=True, help_text="## Copilot Assignment")
    guidance_sha256 = models.CharField(max_length=64)
    html_url = models.URLField(max_length=500, blank=True)
    replaced_at = models.DateTimeField(null=True, blank=True)
    replaced_reason = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["batch", "position"]
        constraints = [
            models.UniqueConstraint(fields=["batch", "issue"], name="sample_issue_once_per_batch"),
            models.UniqueConstraint(fields=["batch", "position"], name="sample_position_once"),
        ]

    def __str__(self) -> str:
        return f"#{self.issue.number} in {self.batch}"


class Review(models.Model):
    """One reviewer's look at one sample; `seat` 1 or 2 where it is scored twice, more in a calibration round."""

    class State(models.TextChoices):
        OPEN = "open", "waiting"
        CLAIMED = "claimed", "being scored"
        SUBMITTED = "submitted", "submitted"
        SKIPPED = "skipped", "skipped"

    sample = models.ForeignKey(Sample, on_delete=models.CASCADE, related_name="reviews")
    seat = models.PositiveSmallIntegerField()
    reviewer = models.ForeignKey(
        "auth.User", null=True, blank=True, on_delete=models.PROTECT, related_name="guidance_reviews"
    )
    assigned_reason = models.CharField(max_length=300, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    claimed_until = models.DateTimeField(null=True, blank=True)
    epoch = models.PositiveIntegerField(default=0, help_text="Counts claims: a save under an older one is refused.")
    draft = models.JSONField(default=dict, blank=True, help_text="What is saved while it is being scored.")
    draft_saved_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    submitted_at = models.DateTimeField(null=True, blank=True)
    skipped_reason = models.CharField(max_length=500, blank=True)
    assignment_clear = models.BooleanField(null=True, blank=True)
    assessment_right = models.BooleanField(null=True, blank=True)
    for_calibration = models.BooleanField(default=False, help_text="Flagged as a good case to calibrate on.")
    weighted = models.FloatField(null=True, blank=True, help_text="0 to 1, N/A left out; empty: all N/A.")
    met = models.BooleanField(null=True, blank=True, help_text="Whether it is above the weighted target.")
    declined = models.JSONField(default=list, blank=True, help_text="[{by, at, reason}]: who gave it back.")

    class Meta:
        ordering = ["sample", "seat"]
        permissions = [("score_sample", "Can score samples")]
        constraints = [
            models.UniqueConstraint(fields=["sample", "seat"], name="review_seat_once"),
            models.UniqueConstraint(
                fields=["sample", "reviewer"],
                condition=models.Q(reviewer__isnull=False),
                name="review_once_per_person",
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=["open", "claimed", "submitted", "skipped"]), name="review_state_known"
            ),
            models.CheckConstraint(
                condition=~models.Q(state="submitted") | models.Q(submitted_at__isnull=False, reviewer__isnull=False),
                name="review_submitted_by_somebody",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="claimed") | models.Q(claimed_until__isnull=False, reviewer__isnull=False),
                name="review_claim_expires",
            ),
        ]
        indexes = [
            models.Index(fields=["reviewer", "state"], name="review_by_reviewer"),
            models.Index(fields=["submitted_at"], name="review_by_time"),
        ]

    def __str__(self) -> str:
        return f"review {self.seat} of {self.sample}"


class Score(models.Model):
    """One rating, 0 to 4; empty: N/A. Never changed after the review was submitted: adjudications stand beside."""

    TAGS = ("template", "edge-case", "model", "data")

    review = models.ForeignKey(Review, on_delete=models.CASCADE, related_name="scores")
    criterion = models.ForeignKey(RubricCriterion, on_delete=models.PROTECT, related_name="scores")
    rating = models.PositiveSmallIntegerField(null=True, blank=True)
    comment = models.TextField(blank=True)
    tags = models.JSONField(default=list, blank=True, help_text="Root causes: template, edge-case, model, data.")

    class Meta:
        ordering = ["review", "criterion__order"]
        constraints = [
            models.UniqueConstraint(fields=["review", "criterion"], name="score_once_per_criterion"),
            models.CheckConstraint(
                condition=models.Q(rating__isnull=True) | models.Q(rating__lte=4), name="score_rating_in_scale"
            ),
            models.CheckConstraint(
                condition=models.Q(rating__isnull=False) | ~models.Q(comment=""), name="score_na_has_comment"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.criterion}: {'N/A' if self.rating is None else self.rating}"


class Adjudication(models.Model):
    """Two reviewers disagree (2 points apart, or another verdict): a third who sees both decides; originals stay."""

    class State(models.TextChoices):
        OPEN = "open", "open"
        SETTLED = "settled", "settled"

    sample = models.OneToOneField(Sample, on_delete=models.CASCADE, related_name="adjudication")
    reason = models.CharField(max_length=500)
    opened_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    adjudicator = models.CharField(max_length=150, blank=True)
    chosen = models.ForeignKey(Review, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    ratings = models.JSONField(default=dict, blank=True, help_text="{criterion slug: rating or null}")
    weighted = models.FloatField(null=True, blank=True)
    met = models.BooleanField(null=True, blank=True)
    comment = models.TextField(blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-opened_at"]
        constraints = [
            models.CheckConstraint(condition=models.Q(state__in=["open", "settled"]), name="adjudication_state_known"),
            models.CheckConstraint(
                condition=models.Q(state="open")
                | (models.Q(settled_at__isnull=False) & ~models.Q(adjudicator="") & ~models.Q(comment="")),
                name="adjudication_settled_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"adjudication of {self.sample}"


class Improvement(models.Model):
    """The feedback loop: a low criterion with a root cause becomes a task with an owner and a link to the change."""

    class State(models.TextChoices):
        OPEN = "open", "open"
        CHANGED = "changed", "changed, effect awaited"
        CLOSED = "closed", "closed"

    repository = models.ForeignKey("pipeline.Repository", on_delete=models.CASCADE, related_name="improvements")
    batch = models.ForeignKey(
        ReviewBatch, null=True, blank=True, on_delete=models.SET_NULL, related_name="improvements"
    )
    criterion = models.SlugField(max_length=60)
    tag = models.CharField(max_length=20)
    workflow = models.SlugField(max_length=35, blank=True)
    text = models.CharField(max_length=300)
    owner = models.CharField(max_length=150)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    link = models.URLField(max_length=500, blank=True, help_text="To the change.")
    opened_at = models.DateTimeField()
    changed_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    note = models.TextField(blank=True)

    class Meta:
        ordering = ["-opened_at"]
        permissions = [("settle_improvement", "Can own, change and close improvements")]
        constraints = [
            models.UniqueConstraint(
                fields=["repository", "criterion", "tag", "workflow"],
                condition=models.Q(state="open"),
                name="improvement_one_open_per_cause",
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=["open", "changed", "closed"]), name="improvement_state_known"
            ),
            models.CheckConstraint(
                condition=models.Q(state="open") | models.Q(changed_at__isnull=False) | models.Q(state="closed"),
                name="improvement_changed_has_time",
            ),
        ]

    def __str__(self) -> str:
        return self.text


class ReviewReminder(models.Model):
    """That somebody was reminded: each kind once, the repeats once per day."""

    class Kind(models.TextChoices):
        BEFORE = "before", "before it is due"
        DUE = "due", "at the due time"
        OVERDUE = "overdue", "overdue"
        LEAD = "lead", "to the lead"

    batch = models.ForeignKey(ReviewBatch, on_delete=models.CASCADE, related_name="reminders")
    user = models.ForeignKey("auth.User", on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    day = models.DateField()
    at = models.DateTimeField()

    class Meta:
        ordering = ["-at"]
        constraints = [
            models.UniqueConstraint(fields=["batch", "user", "kind", "day"], name="reminder_once_per_day"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {self.user}"
