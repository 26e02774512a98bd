"""Rows of the rollout for tests: plain functions, sensible defaults, any field by keyword."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import Permission, User

from rollout.models import (
    Absence,
    Adjudication,
    Improvement,
    PlanVersion,
    Review,
    ReviewBatch,
    ReviewReminder,
    ReviewTeam,
    Rollout,
    Rubric,
    RubricCriterion,
    Sample,
    Score,
    TeamMember,
)
from rollout.services.plans import digest, shipped_text
from tests.factories import MOMENT, make_issue, make_repository, number, sha

CRITERIA = (
    ("persona", "Persona appropriateness", 20, 0.9),
    ("objectives", "Actionable objectives", 25, 0.95),
    ("inputs", "Input completeness", 20, 0.9),
    ("deliverables", "Deliverable clarity", 25, 0.95),
    ("acceptance", "Acceptance criteria specificity", 10, 0.85),
)
ANCHORS = ["absent", "poor", "partial", "good", "as it should be"]


def make_plan(*, frozen: bool = True, **values: Any) -> PlanVersion:
    """A version of the shipped plan, or of `text`."""
    text = values.setdefault("text", shipped_text())
    defaults: dict[str, Any] = {
        "slug": "unified-pipeline",
        "version": number(),
        "title": "Production Rollout Plan",
        "sha256": digest(text),
        "status": PlanVersion.Status.FROZEN if frozen else PlanVersion.Status.DRAFT,
        "created_by": "lena",
        "created_at": MOMENT,
        "frozen_at": MOMENT if frozen else None,
    }
    return PlanVersion.objects.create(**{**defaults, **values})


def make_rollout(**values: Any) -> Rollout:
    """Running on a repository of its own, since MOMENT, in week 1."""
    values.setdefault("plan", values.get("plan") or make_plan())
    values.setdefault("repository", values.get("repository") or make_repository())
    defaults: dict[str, Any] = {
        "state": Rollout.State.RUNNING,
        "starts_on": MOMENT.date(),
        "phase": "week-1",
        "phase_started_on": MOMENT.date(),
        "evidence_floor": MOMENT,
        "created_at": MOMENT,
        "started_by": "lena",
    }
    return Rollout.objects.create(**{**defaults, **values})


def make_person(name: str = "", **values: Any) -> User:
    """Somebody with an address, in no group."""
    name = name or f"rita-{number()}"
    values.setdefault("email", f"{name}@example.org")
    return User.objects.create_user(name, **values)


def make_rubric(*, criteria: tuple[tuple[str, str, int, float], ...] = CRITERIA, **values: Any) -> Rubric:
    """In use, with the plan's five criteria; a slug of its own unless told, so that several may be in use."""
    serial = number()
    defaults: dict[str, Any] = {
        "slug": f"guidance-{serial}",
        "version": 1,
        "title": "Specialist guidance",
        "status": Rubric.Status.IN_USE,
        "created_by": "lena",
        "created_at": MOMENT,
    }
    if values.get("status", Rubric.Status.IN_USE) != Rubric.Status.DRAFT:
        defaults["published_at"] = MOMENT
    status = values.pop("status", defaults.pop("status"))
    rubric = Rubric.objects.create(**{**defaults, **values, "status": Rubric.Status.DRAFT})
    for order, (slug, text, weight, target) in enumerate(criteria):
        make_criterion(rubric=rubric, slug=slug, text=text, weight=weight, target=target, order=order)
    Rubric.objects.filter(pk=rubric.pk).update(status=status)
    rubric.refresh_from_db()
    return rubric


def make_criterion(**values: Any) -> RubricCriterion:
    """A criterion of a draft; the service and the model refuse changes of what is in use."""
    serial = number()
    defaults: dict[str, Any] = {
        "slug": f"criterion-{serial}",
        "text": f"Criterion {serial}",
        "weight": 20,
        "target": 0.9,
        "anchors": ANCHORS,
    }
    if "rubric" not in values:
        values["rubric"] = make_rubric(criteria=(), status=Rubric.Status.DRAFT)
    return RubricCriterion.objects.create(**{**defaults, **values})


def make_team(*, members: int = 0, **values: Any) -> ReviewTeam:
    """An active team whose turn is the next; with `members`, as many people of its own."""
    serial = number()
    defaults: dict[str, Any] = {"slug": f"team-{serial}", "name": f"Team {serial}", "order": serial}
    team = ReviewTeam.objects.create(**{**defaults, **values})
    for _ in range(members):
        make_member(team=team)
    return team


def make_member(*, may_score: bool = True, **values: Any) -> TeamMember:
    """Somebody who may score samples, unless told."""
    values.setdefault("team", values.get("team") or make_team())
    values.setdefault("user", values.get("user") or make_person())
    values.setdefault("github_login", f"{values['user'].username}-gh")
    if may_score:
        values["user"].user_permissions.add(Permission.objects.get(codename="score_sample"))
    return TeamMember.objects.create(**values)


def make_absence(**values: Any) -> Absence:
    """The week of MOMENT, Monday to Sunday."""
    values.setdefault("user", values.get("user") or make_person())
    defaults: dict[str, Any] = {"first_day": MOMENT.date(), "last_day": MOMENT.date() + timedelta(days=6)}
    return Absence.objects.create(**{**defaults, **values})


def make_batch(*, samples: int = 0, **values: Any) -> ReviewBatch:
    """Open, for the week before MOMENT, due a week after it; with `samples`, as many drawn issues without seats."""
    values.setdefault("repository", values.get("repository") or make_repository())
    values.setdefault("rubric", values.get("rubric") or make_rubric())
    values.setdefault("team", values["team"] if "team" in values else make_team())
    defaults: dict[str, Any] = {
        "week": MOMENT.date() - timedelta(days=7),
        "team_reason": "It is this team's turn.",
        "size": 10,
        "double": 3,
        "seed": sha(f"seed {number()}"),
        "algorithm": "sha256-rank-v1",
        "frame": [],
        "frame_sha256": sha("[]"),
        "drawn_at": MOMENT,
        "drawn_by": "rule:weekly sample",
        "due_at": MOMENT + timedelta(days=7),
    }
    batch = ReviewBatch.objects.create(**{**defaults, **values})
    for _ in range(samples):
        make_sample(batch=batch)
    return batch


def make_sample(**values: Any) -> Sample:
    """One drawn issue of the batch's repository, with texts in every section."""
    values.setdefault("batch", values.get("batch") or make_batch())
    batch = values["batch"]
    if "issue" not in values:
        values["issue"] = make_issue(repository=batch.repository)
    issue = values["issue"]
    defaults: dict[str, Any] = {
        "position": batch.samples.count() + 1,
        "workflow": "osint-report",
        "specialist": "intelligence-analyst",
        "title": issue.title,
        "discovery": "Source: Harbour news\n\nA convoy was seen at the northern pier.",
        "assessment": "Most likely a supply convoy; confidence 0.91.",
        "guidance": "Work as an intelligence analyst. Read every source and name what is not known.",
        "assignment": "Write reports/harbour.md on a branch of its own.",
        "guidance_sha256": sha(f"guidance of {issue.pk}"),
        "html_url": issue.html_url,
    }
    return Sample.objects.create(**{**defaults, **values})


def make_review(**values: Any) -> Review:
    """The next seat of a sample, with a reviewer; claimed and submitted ones get their times."""
    values.setdefault("sample", values.get("sample") or make_sample())
    if "reviewer" not in values:
        values["reviewer"] = make_person()
    defaults: dict[str, Any] = {
        "seat": values["sample"].reviews.count() + 1,
        "assigned_reason": "The fewest reviews so far.",
    }
    state = values.get("state", Review.State.OPEN)
    if state == Review.State.CLAIMED:
        defaults |= {"claimed_until": MOMENT + timedelta(hours=2), "epoch": 1, "started_at": MOMENT}
    if state == Review.State.SUBMITTED:
        defaults |= {"epoch": 1, "started_at": MOMENT, "submitted_at": MOMENT + timedelta(minutes=6)}
    return Review.objects.create(**{**defaults, **values})


def make_score(**values: Any) -> Score:
    """A four, without a comment, for the rubric's first criterion unless told."""
    values.setdefault("review", values.get("review") or make_review(state=Review.State.SUBMITTED))
    if "criterion" not in values:
        values["criterion"] = values["review"].sample.batch.rubric.criteria.first()
    return Score.objects.create(**{"rating": 4, **values})


def make_adjudication(**values: Any) -> Adjudication:
    values.setdefault("sample", values.get("sample") or make_sample(is_double=True))
    defaults: dict[str, Any] = {"reason": "persona: 4 and 1, 3 points apart.", "opened_at": MOMENT}
    if values.get("state") == Adjudication.State.SETTLED:
        defaults |= {"settled_at": MOMENT, "adjudicator": "lena", "comment": "The first is right."}
    return Adjudication.objects.create(**{**defaults, **values})


def make_improvement(**values: Any) -> Improvement:
    values.setdefault("repository", values.get("repository") or make_repository())
    defaults: dict[str, Any] = {
        "criterion": "inputs",
        "tag": "template",
        "text": "Name the sources in the guidance's template",
        "owner": "lena",
        "opened_at": MOMENT,
    }
    if values.get("state") == Improvement.State.CHANGED:
        defaults |= {"changed_at": MOMENT}
    return Improvement.objects.create(**{**defaults, **values})


def make_reminder(**values: Any) -> ReviewReminder:
    values.setdefault("batch", values.get("batch") or make_batch())
    values.setdefault("user", values.get("user") or make_person())
    return ReviewReminder.objects.create(
        **{"kind": ReviewReminder.Kind.BEFORE, "day": MOMENT.date(), "at": MOMENT, **values}
    )
