"""GitHub Actions workflows that still carry a `schedule:` for a job of ours: found, reported, switched off, archived.

Both would do the same work twice. Switching off and archiving are effects of a run like any other change.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import timedelta

from django.db import transaction

from pipeline import clock
from pipeline.github.port import ActionsWorkflow, GitHub
from pipeline.models import Finding, Kind, Mode, Operation, Repository, Run
from pipeline.services import runs
from pipeline.services.connect import connect
from pipeline.services.operations import NotPossible
from rollout.domain import actions_yaml
from rollout.models import ExternalSchedule

CHECK = "schedule.double"
FOLDER = ".github/workflows/"
LOOKED_AT = timedelta(hours=1)  # not more often by itself: it costs a call per workflow file
ACTIVE = "active"


def detect(repository: Repository, github: GitHub | None = None) -> list[ExternalSchedule]:
    """Read the workflows anew and bring rows and findings up to date. Raises GitHubError; then nothing is changed."""
    port = github or connect(repository)
    known = set(Operation.objects.filter(repository=repository).values_list("name", flat=True))
    found = {
        workflow.id: (workflow, crons, operation)
        for workflow in port.actions_workflows()
        if (operation := actions_yaml.operation_of(workflow.path, workflow.name)) in known
        and (crons := _crons(repository, port, workflow))
    }
    now = clock.now()
    with transaction.atomic():
        for workflow, crons, operation in found.values():
            ExternalSchedule.objects.update_or_create(
                repository=repository,
                workflow_id=workflow.id,
                defaults={
                    "path": workflow.path[:300],
                    "crons": list(crons),
                    "operation": operation,
                    "state": workflow.state[:30],
                    "gone_at": None,
                },
                create_defaults={
                    "path": workflow.path[:300],
                    "crons": list(crons),
                    "operation": operation,
                    "state": workflow.state[:30],
                    "found_at": now,
                },
            )
        gone = ExternalSchedule.objects.filter(repository=repository, gone_at__isnull=True)
        gone.exclude(workflow_id__in=list(found)).update(gone_at=now)
        _settle_findings(repository)
    return list(present(repository))


def present(repository: Repository) -> Sequence[ExternalSchedule]:
    return list(ExternalSchedule.objects.filter(repository=repository, gone_at__isnull=True))


def _crons(repository: Repository, github: GitHub, workflow: ActionsWorkflow) -> tuple[str, ...]:
    if not workflow.path.startswith(FOLDER) or "/" in workflow.path.removeprefix(FOLDER):
        return ()  # GitHub's own ("dynamic/…"), or below the archive: nothing of it can run on a schedule of ours
    content = github.file(workflow.path, repository.default_branch)
    return actions_yaml.crons(content.decode("utf-8", "replace")) if content else ()


def _settle_findings(repository: Repository) -> None:
    """One open finding for each active workflow; what is switched off or gone is resolved."""
    now = clock.now()
    modes = dict(Operation.objects.filter(repository=repository).values_list("name", "mode"))
    wanted = {_fingerprint(row): row for row in present(repository) if row.state == ACTIVE}
    open_rows = {
        row.fingerprint: row
        for row in Finding.objects.filter(repository=repository, check_id=CHECK, resolved_at__isnull=True)
    }
    for fingerprint, finding in open_rows.items():
        if fingerprint not in wanted:
            Finding.objects.filter(pk=finding.pk).update(resolved_at=now)
    for fingerprint, row in wanted.items():
        twice = modes.get(row.operation) == Mode.LIVE
        severity = Finding.Severity.WARNING if twice else Finding.Severity.NOTICE
        values = {"severity": severity, "message": _sentence(row, twice), "last_seen": now}
        if fingerprint in open_rows:
            Finding.objects.filter(pk=open_rows[fingerprint].pk).update(
                **values, occurrences=open_rows[fingerprint].occurrences + 1
            )
        else:
            Finding.objects.create(
                repository=repository, check_id=CHECK, fingerprint=fingerprint, first_seen=now, **values
            )


def _sentence(row: ExternalSchedule, twice: bool) -> str:
    when = ", ".join(row.crons)
    also = "which is live here: the work is done twice" if twice else "which is not live here yet"
    return (
        f"{row.path} runs on GitHub by its own schedule ({when}) for the operation {row.operation}, {also}. "
        "Switch it off, or move it to the archive."
    )


def _fingerprint(row: ExternalSchedule) -> str:
    return hashlib.sha256(f"{CHECK}:{row.repository_id}:{row.workflow_id}".encode()).hexdigest()


def disable(
    repository: Repository, rows: Sequence[ExternalSchedule], *, by: str, reason: str, note: str = "", ring: bool = True
) -> Run:
    """Start switching workflows off on GitHub. `note` marks the run. NotPossible in one sentence."""
    if not rows:
        raise NotPossible("No workflow was chosen; look for double automation first.")
    return runs.open_by_request(
        repository,
        Kind.ACTIONS,
        options={"disable": [{"id": row.workflow_id, "path": row.path} for row in rows], "note": note},
        limit=len(rows),
        actor=by,
        reason=reason,
        ring=ring,
    )


def archive(
    repository: Repository,
    rows: Sequence[ExternalSchedule],
    *,
    by: str,
    reason: str,
    dry_run: bool = False,
    ring: bool = True,
) -> Run:
    """Start opening a pull request that moves the files to .github/workflows/archive/ (plan 4.2)."""
    if not rows:
        raise NotPossible("No workflow was chosen; look for double automation first.")
    return runs.open_by_request(
        repository,
        Kind.ACTIONS,
        options={"archive": [row.path for row in rows]},
        limit=1,
        actor=by,
        reason=reason,
        mode=Mode.DRY_RUN if dry_run else Mode.LIVE,
        ring=ring,
    )
