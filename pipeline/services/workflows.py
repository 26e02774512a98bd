"""Workflows in force, and their import from YAML: what a person edited by hand is never overwritten unasked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db import transaction

from pipeline.domain.labels import LabelGrammar, length_problem
from pipeline.domain.workflows import SpecialistSpec, WorkflowSpec
from pipeline.models import Deliverable, Repository, Specialist, Workflow
from pipeline.services import audit


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did, by slug."""

    created: tuple[str, ...]
    updated: tuple[str, ...]
    kept: tuple[str, ...]


def in_force(repository: Repository | None) -> dict[str, WorkflowSpec]:
    """Slug → workflow: the shared ones, replaced by the repository's own of the same slug; None: a new repository."""
    rows = Workflow.objects.filter(active=True).select_related("specialist").prefetch_related("deliverables")
    shared = {row.slug: row.spec() for row in rows.filter(repository__isnull=True)}
    own = {row.slug: row.spec() for row in rows.filter(repository=repository)}
    return shared | own


def label_problem(slug: str, specialist: str, repository: Repository | None) -> str:
    """Why GitHub would refuse a workflow's labels in a repository that it is for (None: all of them); or ""."""
    rows = Repository.objects.all() if repository is None else [repository]
    return length_problem(
        name for row in rows for name in (row.grammar.workflow(slug), row.grammar.specialist(specialist))
    )


def prefix_problem(prefix: str, repository: Repository | None) -> str:
    """The same for a label prefix that a repository is to have; None: a new one."""
    grammar = LabelGrammar(prefix)
    specs = in_force(repository).values()
    return length_problem(
        name for spec in specs for name in (grammar.workflow(spec.slug), grammar.specialist(spec.specialist))
    )


def specialists() -> dict[str, SpecialistSpec]:
    return {row.slug: row.spec() for row in Specialist.objects.all()}


@transaction.atomic
def import_specialists(
    specs: Sequence[SpecialistSpec], *, actor: str, reason: str, overwrite: bool = False
) -> Imported:
    """Create or update specialists; the hand-edited are kept unless `overwrite`."""
    outcome: dict[str, list[str]] = {"created": [], "updated": [], "kept": []}
    for spec in specs:
        values: dict[str, object] = {
            "name": spec.name,
            "role": spec.role,
            "objective": spec.objective,
            "guidance": spec.guidance,
            "required_actions": list(spec.required_actions),
            "quality_checklist": list(spec.quality_checklist),
            "collaboration": spec.collaboration,
            "escalation": spec.escalation,
            "version": spec.version,
        }
        row = Specialist.objects.filter(slug=spec.slug).first()
        if row is None:
            Specialist.objects.create(slug=spec.slug, **values)
            outcome["created"].append(spec.slug)
        elif row.spec() == spec or (row.edited_by_hand and not overwrite):
            outcome["kept"].append(spec.slug)
        else:
            _update(row, values)
            outcome["updated"].append(spec.slug)
    return _done(outcome, "specialists.imported", actor, reason)


@transaction.atomic
def import_workflows(
    specs: Sequence[WorkflowSpec],
    *,
    actor: str,
    reason: str,
    repository: Repository | None = None,
    origins: Mapping[str, str] | None = None,
    overwrite: bool = False,
) -> Imported:
    """Create or update workflows, shared or of one repository; a missing specialist is a ValueError that names it.

    `origins`: slug → where it comes from, in words.
    """
    outcome: dict[str, list[str]] = {"created": [], "updated": [], "kept": []}
    known = {row.slug: row for row in Specialist.objects.all()}
    for spec in specs:
        origin = (origins or {}).get(spec.slug, "")
        where = f"{origin}: " if origin else ""
        if spec.specialist not in known:
            raise ValueError(
                f"{where}The workflow {spec.slug!r} names the specialist {spec.specialist!r}, which does not exist; "
                f"known are {', '.join(sorted(known)) or 'none'}. Import specialists first."
            )
        too_long = label_problem(spec.slug, spec.specialist, repository)
        if too_long:
            raise ValueError(f"{where}The workflow {spec.slug!r} cannot be used: {too_long}")
        row = Workflow.objects.filter(slug=spec.slug, repository=repository).first()
        if row is None:
            row = Workflow(slug=spec.slug, repository=repository)
            outcome["created"].append(spec.slug)
        elif row.spec() == spec or (row.edited_by_hand and not overwrite):
            outcome["kept"].append(spec.slug)
            continue
        else:
            outcome["updated"].append(spec.slug)
        _write_workflow(row, spec, known[spec.specialist], origin)
    return _done(outcome, "workflows.imported", actor, reason)


def _write_workflow(row: Workflow, spec: WorkflowSpec, specialist: Specialist, origin: str) -> None:
    row.name, row.description, row.version = spec.name, spec.description, spec.version
    row.trigger_labels, row.content_keywords = list(spec.trigger_labels), list(spec.content_keywords)
    row.specialist, row.origin, row.edited_by_hand = specialist, origin[:300], False
    row.branch_pattern, row.folder_pattern = spec.branch_pattern, spec.folder_pattern
    row.due_hours = max(1, int(spec.due.total_seconds() // 3600))
    row.assign_at, row.ask_at = spec.assign_at, spec.ask_at
    row.acceptance_criteria = list(spec.acceptance_criteria)
    row.minimum_words, row.required_sections = spec.minimum_words, list(spec.required_sections)
    row.save()
    kept = [deliverable.name for deliverable in spec.deliverables]
    row.deliverables.exclude(name__in=kept).delete()
    for item in spec.deliverables:
        Deliverable.objects.update_or_create(
            workflow=row,
            name=item.name,
            defaults={
                "title": item.title,
                "description": item.description,
                "template": item.template,
                "path": item.path,
                "required": item.required,
                "order": item.order,
            },
        )


def _update(row: Specialist, values: dict[str, object]) -> None:
    for name, value in values.items():
        setattr(row, name, value)
    row.edited_by_hand = False
    row.save()


def _done(outcome: dict[str, list[str]], action: str, actor: str, reason: str) -> Imported:
    if outcome["created"] or outcome["updated"]:
        audit.append(
            actor=actor, action=action, subject=action.split(".", maxsplit=1)[0], reason=reason, after=dict(outcome)
        )
    return Imported(tuple(outcome["created"]), tuple(outcome["updated"]), tuple(outcome["kept"]))
