"""Versions of rubrics: shipped, edited while a draft, put in use (which retires the one before), compared."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import IntegrityError, transaction

from pipeline import clock
from pipeline.services import audit
from pipeline.services.operations import NotPossible
from rollout.domain.plan import RubricLine
from rollout.domain.reviews import rubric as domain
from rollout.domain.reviews.rubric import CriterionSpec
from rollout.models import Rubric, RubricCriterion
from rollout.models.rubrics import Frozen

GUIDANCE = "guidance"
TITLE = "Specialist guidance"
SHIPPED_BY = "rule:shipped"
Status = Rubric.Status


@transaction.atomic
def ship() -> Rubric | None:
    """Put version 1 of the plan's rubric in use where there is none at all; idempotent, and people's versions stay."""
    if Rubric.objects.filter(slug=GUIDANCE).exists():
        return None
    now = clock.now()
    rubric = Rubric.objects.create(
        slug=GUIDANCE, version=1, title=TITLE, created_by=SHIPPED_BY, created_at=now, published_at=now
    )
    _write(rubric, domain.SHIPPED)
    Rubric.objects.filter(pk=rubric.pk).update(status=Status.IN_USE)
    rubric.refresh_from_db()
    _note(rubric, "rubric.shipped", SHIPPED_BY, "Shipped with the release: the plan's five criteria.")
    return rubric


def in_use(slug: str = GUIDANCE) -> Rubric:
    """The version by which is scored now; NotPossible where there is none."""
    rubric = Rubric.objects.filter(slug=slug, status=Status.IN_USE).first()
    if rubric is None:
        raise NotPossible(f"No version of the rubric {slug} is in use; publish one first.")
    return rubric


def specs_of(rubric: Rubric) -> tuple[CriterionSpec, ...]:
    """Its criteria as values, in their order."""
    return tuple(
        CriterionSpec(row.slug, row.text, row.weight, row.target, tuple(row.anchors))
        for row in rubric.criteria.order_by("order", "pk")
    )


@transaction.atomic
def new_version(slug: str = GUIDANCE, *, by: str, reason: str) -> Rubric:
    """A draft that copies the newest version; there is at most one draft of a rubric."""
    last = Rubric.objects.filter(slug=slug).order_by("-version").first()
    if last is None:
        raise NotPossible(f"There is no rubric {slug}.")
    if last.status == Status.DRAFT:
        raise NotPossible(f"{last} is a draft already; edit it, or put it in use first.")
    try:
        with transaction.atomic():
            draft = Rubric.objects.create(
                slug=slug, version=last.version + 1, title=last.title, created_by=by[:150], created_at=clock.now()
            )
    except IntegrityError:
        raise NotPossible(f"Somebody has just made version {last.version + 1}; edit that one.") from None
    _write(draft, specs_of(last))
    _note(draft, "rubric.copied", by, reason, after={"from": last.version})
    return draft


@transaction.atomic
def edit(rubric: Rubric, *, title: str, criteria: Sequence[CriterionSpec], by: str, reason: str) -> None:
    """Change a draft. What is wrong with it may stay so until it is published, as long as it can be stored."""
    before = specs_of(_draft(rubric))
    wrong = [fault for fault in domain.faults(criteria) if "sum to" not in fault]
    if wrong:
        raise NotPossible(" ".join(wrong))
    if not title.strip():
        raise NotPossible("A rubric needs a title.")
    old_title, rubric.title = rubric.title, title.strip()[:200]
    rubric.save(update_fields=["title"])
    _write(rubric, criteria)
    changed = domain.differences(before, criteria)
    if changed or old_title != rubric.title:
        _note(rubric, "rubric.edited", by, reason, before={"title": old_title}, after={"changes": changed})


@transaction.atomic
def publish(rubric: Rubric, *, by: str, reason: str) -> None:
    """Put a draft in use and retire the version before it; from now on neither changes any more."""
    wrong = domain.faults(specs_of(_draft(rubric)))
    if wrong:
        raise NotPossible(" ".join(wrong))
    before = Rubric.objects.select_for_update().filter(slug=rubric.slug, status=Status.IN_USE).first()
    if before is not None:
        Rubric.objects.filter(pk=before.pk).update(status=Status.RETIRED)
    rubric.status, rubric.published_at = Status.IN_USE, clock.now()
    Rubric.objects.filter(pk=rubric.pk).update(status=rubric.status, published_at=rubric.published_at)
    _note(
        rubric,
        "rubric.published",
        by,
        reason,
        before={"in_use": before.version if before else None},
        after={"in_use": rubric.version, "changes": diff(before, rubric) if before else []},
    )


def diff(before: Rubric, after: Rubric) -> list[str]:
    """One sentence for each difference: criteria, weights, targets, anchors."""
    return domain.differences(specs_of(before), specs_of(after))


def unlike(lines: Sequence[RubricLine]) -> str:
    """How a plan's rubric differs from the one in use, in one sentence; empty where it does not, or there is none."""
    rubric = Rubric.objects.filter(slug=GUIDANCE, status=Status.IN_USE).first()
    if rubric is None or not lines:
        return ""
    used = specs_of(rubric)
    anchors = {one.slug: one.anchors for one in used}
    planned = [
        CriterionSpec(line.slug, line.text, round(line.weight * 100), line.target, anchors.get(line.slug, ()))
        for line in lines
    ]
    found = domain.differences(used, planned)
    if not found:
        return ""
    return (
        f"The plan's rubric is not {rubric}, by which reviewers score: {' '.join(found[:3])} Publish a version that "
        "fits, or ask for a change of the plan."
    )


def _draft(rubric: Rubric) -> Rubric:
    found = Rubric.objects.select_for_update().get(pk=rubric.pk)
    if found.status != Status.DRAFT:
        raise NotPossible(f"{found} is {found.get_status_display()} and stays as it is; make a new version.")
    return found


def _write(rubric: Rubric, criteria: Sequence[CriterionSpec]) -> None:
    """Exactly these criteria; rows that stay keep their id."""
    rows = {row.slug: row for row in rubric.criteria.all()}
    try:
        for gone in rows.keys() - {one.slug for one in criteria}:
            rows[gone].delete()
        for order, one in enumerate(criteria):
            row = rows.get(one.slug) or RubricCriterion(rubric=rubric, slug=one.slug)
            row.text, row.weight, row.target = one.text, one.weight, one.target
            row.anchors, row.order = list(one.anchors), order
            row.save()
    except Frozen as frozen:
        raise NotPossible(str(frozen)) from None


def _note(rubric: Rubric, action: str, by: str, reason: str, **values: dict[str, object]) -> None:
    audit.append(actor=by, action=action, subject=f"rubric {rubric.slug} v{rubric.version}", reason=reason, **values)
