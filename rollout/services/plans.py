"""Plan versions: imported as drafts, checked, edited, frozen once started, compared, exported."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.db import IntegrityError, transaction
from django.db.models import Max

from pipeline import clock
from pipeline.models import Operation, Repository
from pipeline.services import audit
from pipeline.services.operations import NotPossible
from rollout.domain import plan_diff
from rollout.domain import plan_vocabulary as words
from rollout.domain.linter import Finding, Given, lint
from rollout.domain.linter_findings import GROUPS
from rollout.domain.plan import Plan
from rollout.domain.plan_file import PlanFileError, load_plan
from rollout.models import PlanVersion

SHIPPED = Path(__file__).parent.parent / "plans" / "unified_pipeline.yaml"
ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Checked:
    """`problems` are why the text cannot be used at all (`plan` is then None); `findings` are what does not add up."""

    plan: Plan | None
    problems: tuple[str, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """Field by field for people, and line by line."""

    changes: tuple[plan_diff.Change, ...]
    text: str

    def readable(self) -> str:
        return "\n".join([*(change.sentence for change in self.changes), "", self.text]).strip()


def shipped_text() -> str:
    return SHIPPED.read_text(encoding="utf-8")


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def read(text: str, *, name: str = "plan.yaml") -> Plan:
    """The plan in `text`, with the operations that exist here; PlanFileError names every problem."""
    return _checked(text, name, _operations())


def plan_of(version: PlanVersion) -> Plan:
    """The plan of a stored version. It was checked when it was stored, so words that went out of use still read."""
    return _stored(version.text)


def check(text: str, *, name: str = "plan.yaml") -> Checked:
    """All that can be said of a text before it is imported; changes nothing."""
    try:
        plan = read(text, name=name)
    except PlanFileError as error:
        return Checked(None, error.lines(), ())
    return Checked(plan, (), lint(plan))


def lint_text(text: str, *, name: str = "plan.yaml", given: Given | None = None) -> tuple[Finding, ...]:
    """What does not add up; PlanFileError where the text is no plan."""
    return lint(read(text, name=name), given)


def given_of(repository: Repository) -> Given:
    """With the concurrency groups that the operations of this repository are really in."""
    own = {row.name: (row.concurrency_group or row.name,) for row in repository.operations.all()}
    return Given(groups={name: (*group, *GROUPS.get(name, ())) for name, group in {**GROUPS, **own}.items()})


def import_plan(text: str, *, actor: str, name: str = "plan.yaml", reason: str = "Imported.") -> PlanVersion:
    """Store `text` as a draft, the next version of its plan; the newest version again where the text is the same."""
    plan = read(text, name=name)
    sha256 = digest(text)
    newest = PlanVersion.objects.filter(slug=plan.slug).order_by("-version").first()
    if newest is not None and newest.sha256 == sha256:
        return newest
    with transaction.atomic():
        version = next_version(plan, text, actor=actor)
        audit.append(
            actor=actor,
            action="plan.imported",
            subject=name_of(version),
            reason=reason,
            after={"version": version.version, "sha256": sha256, "status": version.status},
        )
    return version


def next_version(plan: Plan, text: str, *, actor: str, frozen: bool = False) -> PlanVersion:
    """A row with the next number; somebody who takes the number first only costs another attempt."""
    for _attempt in range(ATTEMPTS):
        last = PlanVersion.objects.filter(slug=plan.slug).aggregate(last=Max("version"))["last"] or 0
        now = clock.now()
        try:
            with transaction.atomic():
                return PlanVersion.objects.create(
                    slug=plan.slug,
                    version=last + 1,
                    title=plan.title,
                    text=text,
                    sha256=digest(text),
                    status=PlanVersion.Status.FROZEN if frozen else PlanVersion.Status.DRAFT,
                    created_by=actor,
                    created_at=now,
                    frozen_at=now if frozen else None,
                )
        except IntegrityError:
            continue
    raise NotPossible(f"Several people import {plan.slug!r} at this moment; try again.")


@transaction.atomic
def edit(version: PlanVersion, text: str, *, actor: str, reason: str, seen: str = "") -> PlanVersion:
    """Replace a draft's text. A frozen version, or one that changed since it was read, is refused.

    `seen`: the hash of the text that was edited, where it was read before `version` was.
    """
    if version.status == PlanVersion.Status.FROZEN:
        raise NotPossible(f"{name_of(version)} is frozen; a started plan changes only by a change request.")
    plan = read(text, name=f"{version.slug}.yaml")
    if plan.slug != version.slug:
        raise NotPossible(f"The slug is {plan.slug!r} and was {version.slug!r}; import it as a plan of its own.")
    before, sha256 = seen or version.sha256, digest(text)
    if version.sha256 == sha256:
        return version
    mine = PlanVersion.objects.filter(pk=version.pk, status=PlanVersion.Status.DRAFT, sha256=before)
    if not mine.update(text=text, sha256=sha256, title=plan.title):
        raise NotPossible(f"{name_of(version)} was changed by somebody else meanwhile; read it again.")
    audit.append(
        actor=actor,
        action="plan.edited",
        subject=name_of(version),
        reason=reason,
        before={"sha256": before},
        after={"sha256": sha256},
    )
    version.refresh_from_db()
    return version


@transaction.atomic
def freeze(version: PlanVersion, *, actor: str, reason: str = "A rollout starts with it.") -> PlanVersion:
    """From now on the version never changes; freezing twice is once. A draft is read by the rules of today."""
    try:
        read(version.text, name=f"{version.slug}.yaml")
    except PlanFileError as error:
        raise NotPossible(f"{name_of(version)} cannot be carried out as it is: {error} Edit the draft.") from error
    if digest(version.text) != version.sha256:
        raise NotPossible(f"The text of {name_of(version)} does not fit its hash; import it anew.")
    draft = PlanVersion.objects.filter(pk=version.pk, status=PlanVersion.Status.DRAFT, sha256=version.sha256)
    if draft.update(status=PlanVersion.Status.FROZEN, frozen_at=clock.now()):
        audit.append(
            actor=actor,
            action="plan.frozen",
            subject=name_of(version),
            reason=reason,
            before={"status": "draft"},
            after={"status": "frozen", "sha256": version.sha256},
        )
    seen = version.sha256
    version.refresh_from_db()
    if version.sha256 != seen:
        raise NotPossible(f"{name_of(version)} was changed by somebody else meanwhile; read it again.")
    return version


def export(version: PlanVersion) -> str:
    """The YAML as it was stored, to the byte."""
    return version.text


def diff(old: PlanVersion, new: PlanVersion) -> Difference:
    return difference(old.text, new.text, before=name_of(old), after=name_of(new))


def difference(old: str, new: str, *, before: str = "now", after: str = "changed") -> Difference:
    """Between two texts that both can be read."""
    found = plan_diff.changes(_stored(old), _stored(new))
    return Difference(found, plan_diff.text_diff(old, new, before, after))


def new_findings(old: str, new: str) -> tuple[Finding, ...]:
    """What does not add up in `new` and did in `old`."""
    known = {(found.rule, found.sentence) for found in lint(_stored(old))}
    return tuple(found for found in lint(_stored(new)) if (found.rule, found.sentence) not in known)


def version_named(name: str) -> PlanVersion:
    """By "unified-pipeline@2", or "unified-pipeline" for the newest."""
    slug, _, number = name.partition("@")
    rows = PlanVersion.objects.filter(slug=slug).order_by("-version")
    if number and not number.isdecimal():
        raise NotPossible(f"{name!r} is not the name of a plan; write for example {slug}@1.")
    found = rows.filter(version=int(number)).first() if number else rows.first()
    if found is None:
        known = ", ".join(f"{row.slug}@{row.version}" for row in PlanVersion.objects.all()[:10]) or "none"
        raise NotPossible(f"There is no plan {name!r}; known are {known}.")
    return found


def name_of(version: PlanVersion) -> str:
    return f"{version.slug}@{version.version}"


def _operations() -> tuple[str, ...]:
    """Those that the product ships, and those that somebody added."""
    return tuple(dict.fromkeys([*words.OPERATIONS, *Operation.objects.values_list("name", flat=True).distinct()]))


@lru_cache(maxsize=8)
def _checked(text: str, name: str, operations: tuple[str, ...]) -> Plan:
    """A plan of a thousand lines takes half a second, and is read by its import, its check and its start."""
    return load_plan(text, name=name, operations=operations)


@lru_cache(maxsize=32)
def _stored(text: str) -> Plan:
    return load_plan(text, metrics=None, operations=None)
