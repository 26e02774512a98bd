"""What may be drawn: the issues that got guidance in a week, their texts as they stand, and why others are left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from django.db.models import QuerySet

from pipeline.domain.guidance import ASSIGNMENT, GUIDANCE
from pipeline.domain.sections import ORDER, read_section, remove_section
from pipeline.models import Effect, Issue, Kind, Repository, Run
from rollout.domain.reviews import sampling, weeks
from rollout.domain.reviews.sampling import Entry
from rollout.models import Sample

DISCOVERY, ASSESSMENT = ORDER[0], ORDER[1]
NO_GUIDANCE = "No ## Specialist Guidance stands in its body now."


@dataclass(frozen=True, slots=True)
class Texts:
    """What a reviewer sees. From outside: never live HTML."""

    discovery: str
    assessment: str
    guidance: str
    assignment: str

    @property
    def sha256(self) -> str:
        return sampling.guidance_hash(self.guidance, self.assignment)


@dataclass(frozen=True, slots=True)
class Candidate:
    issue: Issue
    texts: Texts

    @property
    def entry(self) -> Entry:
        workflow = self.issue.workflow.slug if self.issue.workflow else ""
        return Entry(self.issue.number, workflow, self.texts.sha256)


@dataclass(frozen=True, slots=True)
class Frame:
    """Candidates by issue number; `excluded` as (number, sentence), sorted."""

    candidates: Mapping[int, Candidate]
    excluded: tuple[tuple[int, str], ...]

    @property
    def entries(self) -> tuple[Entry, ...]:
        return tuple(sorted(one.entry for one in self.candidates.values()))


def of_week(repository: Repository, week: date, left_out: Mapping[int, str] | None = None) -> Frame:
    """The frame of the week that begins on Monday `week`.

    Every issue of the repository with an effect that wrote `## Specialist Guidance`: kind write_sections, live,
    applied, not by a revert, settled from Monday 00:00 UTC up to but without the next Monday 00:00 UTC. Not among
    them are, each with its reason: those named in `left_out`; issues that are gone or locked; that were closed as not
    planned before their guidance was written; whose guidance was taken back or cannot be found in the body now; and
    those whose guidance, word for word, was drawn in an earlier batch or taken out of one by a person.
    """
    written = _written(repository, week)
    earlier = _earlier(written)
    candidates, excluded = dict[int, Candidate](), list[tuple[int, str]]()
    for issue, effects in written.values():
        found = Candidate(issue, texts_of(issue.body))
        why = (left_out or {}).get(issue.number) or _why_not(found, effects, earlier.get(issue.pk, {}))
        if why:
            excluded.append((issue.number, why))
        else:
            candidates[issue.number] = found
    return Frame(candidates, tuple(sorted(excluded)))


def why_stale(issue: Issue, guidance_sha256: str) -> str:
    """Why an entry of a stored frame cannot be reviewed any more, in one sentence; empty: it can, as it was drawn."""
    if shut := _shut(issue):
        return shut
    if not issue.is_open and issue.state_reason == "not_planned":
        return "It is closed as not planned."
    texts = texts_of(issue.body)
    if not texts.guidance:
        return NO_GUIDANCE
    return "" if texts.sha256 == guidance_sha256 else "Its guidance was changed after the draw."


def begun(repository: Repository, week: date) -> bool:
    """Whether any guidance was written before the end of that week: before, there is nothing to sample from."""
    _, end = weeks.bounds(week)
    rows = _guidance_effects(repository).filter(settled_at__lt=end, item__run__kind=Kind.PROCESS)
    return any(_writes_guidance(payload) for payload in rows.values_list("payload", flat=True).iterator(chunk_size=50))


def written(repository: Repository, week: date) -> int:
    """How many issues got guidance in that week, whatever became of it; reads no body."""
    start, end = weeks.bounds(week)
    rows = _guidance_effects(repository).filter(settled_at__gte=start, settled_at__lt=end)
    return len({issue for issue, payload in rows.values_list("issue", "payload") if _writes_guidance(payload)})


def texts_of(body: str) -> Texts:
    """The body apart: our sections by name, everything else together with ## Discovery."""
    rest = body
    for heading in (ASSESSMENT, GUIDANCE, ASSIGNMENT):
        rest = remove_section(rest, heading)
    found = {heading: read_section(body, heading) or "" for heading in (ASSESSMENT, GUIDANCE, ASSIGNMENT)}
    return Texts(rest.strip(), found[ASSESSMENT], found[GUIDANCE], found[ASSIGNMENT])


def _written(repository: Repository, week: date) -> dict[int, tuple[Issue, list[Effect]]]:
    start, end = weeks.bounds(week)
    rows = _guidance_effects(repository).filter(settled_at__gte=start, settled_at__lt=end)
    found: dict[int, tuple[Issue, list[Effect]]] = {}
    for effect in rows.select_related("issue__workflow", "issue__specialist").order_by("pk"):
        if effect.issue is not None and _writes_guidance(effect.payload):
            found.setdefault(effect.issue.pk, (effect.issue, []))[1].append(effect)
    return found


def _guidance_effects(repository: Repository) -> QuerySet[Effect]:
    rows = Effect.objects.filter(
        issue__repository=repository, kind="write_sections", live=True, state=Effect.State.APPLIED
    )
    return rows.exclude(Run.undoing("item__run__"))


def _writes_guidance(payload: Mapping[str, object]) -> bool:
    sections = payload.get("sections")
    return isinstance(sections, list) and any(name == GUIDANCE and content is not None for name, content in sections)


def _earlier(written: Mapping[int, tuple[Issue, list[Effect]]]) -> dict[int, dict[str, str]]:
    """By issue: hash of a guidance that was drawn before → why it is not drawn again."""
    found: dict[int, dict[str, str]] = {}
    rows = Sample.objects.filter(issue__in=written, batch__is_calibration=False).select_related("batch")
    for row in rows.order_by("pk"):
        why = f"This guidance was drawn already, for the week of {row.batch.week}."
        if row.replaced_at is not None:
            why = f"Taken out of the sample of the week of {row.batch.week}: {row.replaced_reason}"
        found.setdefault(row.issue_id, {})[row.guidance_sha256] = why
    return found


def _why_not(found: Candidate, effects: Iterable[Effect], earlier: Mapping[str, str]) -> str:
    """Empty: it may be drawn."""
    issue, standing = found.issue, [effect for effect in effects if effect.reverted_at is None]
    shut = _shut(issue)
    if shut:
        return shut
    if not standing:
        return "Its guidance was taken back."
    if _given_up_before(issue, standing):
        return "It was closed as not planned before its guidance was written."
    if not found.texts.guidance:
        return NO_GUIDANCE
    return earlier.get(found.texts.sha256, "")


def _shut(issue: Issue) -> str:
    if issue.presence != Issue.Presence.PRESENT:
        return f"The issue is {issue.get_presence_display()}."
    return "The issue is locked on GitHub." if issue.locked else ""


def _given_up_before(issue: Issue, standing: Iterable[Effect]) -> bool:
    if issue.is_open or issue.state_reason != "not_planned" or issue.closed_at is None:
        return False
    closed_at = issue.closed_at
    return all(effect.settled_at is None or closed_at <= effect.settled_at for effect in standing)
