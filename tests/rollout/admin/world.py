"""A started rollout with a row on every screen: held, asked, fired, rolled back in a drill."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import timedelta

from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.db.models import Model
from django.urls import reverse

from pipeline import clock
from pipeline import models as pipeline_models
from pipeline.services import operations
from rollout import models
from rollout.services import change_requests, firings, gates, incidents, plans, resume, rollouts, stop, ticks
from tests import factories as make
from tests.recorded import recorded
from tests.rollout.admin.reviewing import settled
from tests.rollout.drawn import make_drawn
from tests.rollout.overdue import make_overdue
from tests.rollout.reviewed import make_results

HOSTILE = "<script>window.hacked=1</script> <img src=x onerror=window.hacked=1>"
LEAD, OTHER_LEAD, OPERATOR = "lea", "leo", "olga"
SIGNERS = ("devops", "site-monitoring", "workflow-assignment", "issue-processing", "copilot-operations")


@dataclass(frozen=True)
class World:
    repository: pipeline_models.Repository
    plan: models.PlanVersion
    rollout: models.Rollout
    step: models.StepProgress
    change: models.ChangeRequest
    holder: models.RoleHolder
    tick: models.Tick
    evaluation: models.Evaluation
    gate: models.Gate
    signature: models.Signature
    firing: models.Firing
    hold: models.Hold
    override: models.Override
    resumption: models.Resumption
    incident: models.Incident
    rollback: models.Rollback
    triage: models.TriageItem
    announcement: models.Announcement
    progress: models.ProgressEntry
    alert: models.SecurityAlert
    schedule: models.ExternalSchedule
    score: models.Score
    improvement: models.Improvement
    level: models.ServiceLevel
    batch: models.ReviewBatch
    rubric: models.Rubric
    team: models.ReviewTeam
    absence: models.Absence
    review: models.Review
    dispute: models.Adjudication
    case: models.CompletionCase
    manual_review: models.ManualReview
    escalation_rule: models.EscalationRule
    survey: models.Survey

    def rows(self) -> list[Model]:
        """Those that have a screen of their own."""
        inner = (models.TriageItem, models.Survey, pipeline_models.Repository)
        return [row for field in fields(self) if not isinstance(row := getattr(self, field.name), inner)]

    def lists(self) -> list[str]:
        return [reverse(f"admin:rollout_{row._meta.model_name}_changelist") for row in self.rows()]

    def pages(self) -> list[str]:
        return [reverse(f"admin:rollout_{row._meta.model_name}_change", args=[row.pk]) for row in self.rows()]

    def reload(self) -> models.Rollout:
        return models.Rollout.objects.get(pk=self.rollout.pk)


def person(name: str, role: str) -> User:
    found, _ = User.objects.get_or_create(username=name, defaults={"is_staff": True})
    found.groups.add(Group.objects.get(name=role))
    return found


@recorded
def start() -> models.Rollout:
    """A rollout that has just started on a repository with all that is shipped."""
    call_command("roles", verbosity=0)
    repository = make.make_repository(full_name="acme/watch", synced_at=clock.now(), is_demonstration=True)
    operations.ship_operations(repository, actor=OPERATOR, reason="First set-up.")
    person(LEAD, "rollout lead")
    person(OTHER_LEAD, "rollout lead")
    person(OPERATOR, "operator")
    version = plans.import_plan(plans.shipped_text(), actor=LEAD)
    rollout = rollouts.prepare(repository, version, LEAD)
    today = clock.now().date()
    return rollouts.start(rollout, actor=LEAD, reason="The rehearsal went well.", starts_on=today + timedelta(days=1))


def holders(rollout: models.Rollout) -> list[models.RoleHolder]:
    """One person for each role that signs."""
    return [
        models.RoleHolder.objects.create(rollout=rollout, role=role, user=person(f"signs-{role}", "stakeholder"))
        for role in SIGNERS
    ]


def asked(rollout: models.Rollout) -> models.Gate:
    """The rehearsal's gate, every manual criterion met."""
    for criterion in plans.plan_of(rollout.plan).phases[0].gate.criteria:
        ticks.answer(rollout, criterion.slug, met=True, note="It was seen.", by=LEAD, link="https://ok.example/log")
    return gates.ask(rollout, "rehearsal-sign-off", by=LEAD, brought_forward="Everybody is here.")


@recorded
def build() -> World:
    rollout = start()
    now = clock.now()
    held_by = holders(rollout)
    gate = asked(rollout)
    signature = gates.sign(gate, role=SIGNERS[0], by=f"signs-{SIGNERS[0]}", note=HOSTILE)
    text = plans.shipped_text().replace('version: "1.0"', 'version: "1.1"')
    issue = make.make_issue(repository=rollout.repository, state="assigned", title=HOSTILE)
    rollback = stop.roll_back(rollout, step="1.1", by=LEAD, reason="Drill of the month.", drill=True)
    triage, _ = models.TriageItem.objects.get_or_create(
        rollback=rollback, issue=issue, defaults={"state": "assigned", "proposal": "triage", "reason": HOSTILE}
    )
    hold = stop.hold(rollout, operation="assign", by=OPERATOR, reason=f"It looks odd. {HOSTILE}")
    score, improvement = make_results(rollout.repository, HOSTILE)
    review, dispute = settled(rollout.repository)
    return World(
        repository=rollout.repository,
        plan=rollout.plan,
        rollout=rollout,
        step=rollout.steps.get(number="1.2"),
        change=change_requests.ask(rollout, text, actor=LEAD, reason="A typo."),
        holder=held_by[0],
        tick=rollout.ticks.all()[0],
        evaluation=rollout.evaluations.all()[0],
        gate=gate,
        signature=signature,
        firing=firings.raise_by_hand(rollout, "strategic-pivot", by=LEAD, reason=HOSTILE, now=now),
        hold=hold,
        override=models.Override.objects.create(
            rollout=rollout,
            operation="assign",
            limit=3,
            owner=LEAD,
            reason="Slowly.",
            created_at=now,
            expires_at=now + timedelta(hours=4),
        ),
        resumption=resume.ask(hold, by=OPERATOR, reason="It was a false alarm."),
        incident=rollback.incident
        or incidents.open_incident(
            rollout, title="It went wrong", by=LEAD, summary=HOSTILE, affected_issues=[issue.number]
        ),
        rollback=rollback,
        triage=triage,
        announcement=models.Announcement.objects.create(
            rollout=rollout, key="one", channel="slack", subject=HOSTILE, body=HOSTILE, created_at=now
        ),
        progress=rollout.progress.all()[0],
        alert=models.SecurityAlert.objects.create(
            repository=rollout.repository,
            source="by hand",
            external_id="1",
            summary=HOSTILE,
            at=now,
            cleared_at=now,
            cleared_by=LEAD,
        ),
        schedule=models.ExternalSchedule.objects.create(
            repository=rollout.repository,
            workflow_id=1,
            path=".github/workflows/ops.yml",
            crons=["0 */2 * * *"],
            operation="assign",
            state="active",
            found_at=now,
        ),
        score=score,
        improvement=improvement,
        level=models.ServiceLevel.objects.all()[0],
        **make_drawn(rollout.repository, HOSTILE)._asdict(),
        review=review,
        dispute=dispute,
        **make_overdue(rollout.repository, HOSTILE)._asdict(),
        survey=models.Survey.objects.create(
            rollout=rollout, round=1, question=HOSTILE, opened_by=LEAD, opened_at=now, closes_at=now + timedelta(days=5)
        ),
    )
