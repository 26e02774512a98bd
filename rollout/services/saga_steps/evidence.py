"""Issue states exported, incident opened, progress noted, issues between two states listed."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from pipeline.models import Effect
from rollout.models import ProgressEntry, Rollback, RollbackStep
from rollout.services import exports, incidents, links, rollback_scope, triage
from rollout.services.saga_steps.base import Done, Outcome, StepFailed, marking

MOST_AFFECTED = 1000


def export_states(rollback: Rollback, step: RollbackStep, now: datetime) -> Outcome:
    written = exports.issue_states(rollback.rollout.repository, name=f"rollback-{rollback.pk}-issues", at=now)
    if not all(exports.intact(one) for one in written):
        raise StepFailed("An export could not be read back as it was written; check the disk.")
    names = " and ".join(one.path for one in written)
    return Done(f"Written and read back: {names}.", {"files": [one.evidence() for one in written]})


def open_incident(rollback: Rollback, step: RollbackStep, now: datetime) -> Outcome:
    """Incident and link in one transaction: whoever comes second finds it there."""
    with transaction.atomic():
        mine = Rollback.objects.select_for_update().get(pk=rollback.pk)
        if mine.incident is None:
            affected = affected_issues(mine)
            mine.incident = incidents.open_incident(
                mine.rollout,
                title=f"{marking(mine)}Rollback of {rollback_scope.named(mine.rollout, mine.step)}",
                by=mine.by,
                summary=_summary(mine, len(affected)),
                affected_issues=affected,
                drill=mine.is_drill,
            )
            mine.save(update_fields=["incident"])
    rollback.incident = incident = mine.incident
    due = f"{incident.postmortem_due_at:%a %d %b %H:%M} UTC"
    return Done(
        f"Incident {incident.pk}, owner {incident.owner}; the post-mortem is due {due}.",
        {"incident": incident.pk, "affected": len(incident.affected_issues)},
    )


def affected_issues(rollback: Rollback) -> list[int]:
    """Numbers of the issues that the rolled-back runs changed, in order."""
    runs = rollback_scope.live_runs(rollback)
    rows = Effect.objects.filter(state=Effect.State.APPLIED, issue__isnull=False)
    touched = rows.filter(item__run__in=runs) | rows.filter(item__run__parent__in=runs)
    return sorted(set(touched.values_list("issue__number", flat=True)))[:MOST_AFFECTED]


def _summary(rollback: Rollback, affected: int) -> str:
    scope = rollback_scope.named(rollback.rollout, rollback.step)
    lines = [
        f"{scope[0].upper()}{scope[1:]} on {rollback.rollout.repository} was rolled back by {rollback.by}.",
        f"Reason: {rollback.reason}",
    ]
    if rollback.firing is not None:
        lines.append(f"Trigger {rollback.firing.trigger}: {rollback.firing.sentence}")
    elif rollback.trigger:
        lines.append(f"Trigger: {rollback.trigger}")
    lines.append(f"Issues changed by the rolled-back runs: {affected}.")
    return "\n".join(lines)


def note_progress(rollback: Rollback, step: RollbackStep, now: datetime) -> Outcome:
    """Once: the entry is found again by its link."""
    link = links.of("rollback", rollback.pk)[:280] + f"#rollback-{rollback.pk}"
    incident = rollback.incident
    about = f"Incident {incident.pk} is {incident.owner}'s" if incident else "No incident was opened"
    scope = rollback_scope.named(rollback.rollout, rollback.step)
    sentence = f"{marking(rollback)}Rollback {rollback.pk} of {scope} by {rollback.by}: {rollback.reason} {about}."
    entry, _ = ProgressEntry.objects.get_or_create(
        rollout=rollback.rollout, link=link, defaults={"at": now, "actor": rollback.by, "sentence": sentence}
    )
    return Done("The progress log has it.", {"entry": entry.pk})


def list_triage(rollback: Rollback, step: RollbackStep, now: datetime) -> Outcome:
    total = triage.list_issues(rollback)
    counts = {state: rollback.triage.filter(state=state).count() for state in triage.BETWEEN}
    told = f"{counts['assigned']} issues in state::assigned and {counts['copilot']} in state::copilot have a proposal."
    return Done(told, {"issues": total, **counts})
