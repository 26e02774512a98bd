"""Rubrics as values: what a set of criteria must satisfy, how two versions differ, and the one that is shipped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rollout.domain.reviews.results import WEIGHTED

RATINGS = (0, 1, 2, 3, 4)
FEWEST, MOST = 1, 12
LONGEST_ANCHOR = 200


@dataclass(frozen=True, slots=True)
class CriterionSpec:
    """`weight` in percent, `target` a share that a score must exceed, `anchors` one line for each rating from 0."""

    slug: str
    text: str
    weight: int
    target: float
    anchors: tuple[str, ...]


def faults(criteria: Sequence[CriterionSpec]) -> list[str]:
    """Why these criteria cannot be put in use, one sentence each; empty: they can."""
    return [*_of_the_set(criteria), *(fault for criterion in criteria for fault in _of_one(criterion))]


def _of_the_set(criteria: Sequence[CriterionSpec]) -> Iterator[str]:
    if not FEWEST <= len(criteria) <= MOST:
        yield f"A rubric has {FEWEST} to {MOST} criteria; this one has {len(criteria)}."
    total = sum(criterion.weight for criterion in criteria)
    if criteria and total != 100:
        weights = " + ".join(str(criterion.weight) for criterion in criteria)
        yield f"The weights sum to {total}, not 100 ({weights}); change them until they do."
    slugs = [criterion.slug for criterion in criteria]
    for slug in sorted({slug for slug in slugs if slugs.count(slug) > 1}):
        yield f"Two criteria are called {slug}; rename one."


def _of_one(criterion: CriterionSpec) -> Iterator[str]:
    name = criterion.slug or "A criterion without a name"
    if criterion.slug == WEIGHTED:
        yield f"{WEIGHTED} is the name of the whole score; choose another short name."
    if not criterion.slug or not criterion.text.strip():
        yield f"{name}: a criterion needs a short name and a text."
    if not 1 <= criterion.weight <= 100:
        yield f"{name}: the weight {criterion.weight} is not a percentage from 1 to 100."
    if not 0 <= criterion.target <= 1:
        yield f"{name}: the target {criterion.target:g} is not a share from 0 to 1."
    if len(criterion.anchors) != len(RATINGS):
        yield f"{name}: write one line for each of the ratings 0 to 4; there are {len(criterion.anchors)} lines."
    for rating, anchor in enumerate(criterion.anchors):
        if not anchor.strip() or "\n" in anchor or len(anchor) > LONGEST_ANCHOR:
            yield f"{name}: the anchor of {rating} must be one line of at most {LONGEST_ANCHOR} characters."


def differences(before: Sequence[CriterionSpec], after: Sequence[CriterionSpec]) -> list[str]:
    """What changed from one version to the next, one sentence each, in the order of the newer one."""
    old, new = {one.slug: one for one in before}, {one.slug: one for one in after}
    said = [f"{one.text} ({one.slug}) went; it weighed {one.weight} %." for one in before if one.slug not in new]
    for one in after:
        if one.slug not in old:
            said.append(f"{one.text} ({one.slug}) came, with weight {one.weight} % and target {_percent(one.target)}.")
        else:
            said += _changes(old[one.slug], one)
    kept_before = [one.slug for one in before if one.slug in new]
    kept_after = [one.slug for one in after if one.slug in old]
    if kept_before != kept_after:
        said.append(f"The order is now {', '.join(one.slug for one in after)}.")
    return said


def _changes(old: CriterionSpec, new: CriterionSpec) -> Iterator[str]:
    if old.text != new.text:
        yield f"{new.slug}: the text “{old.text}” is now “{new.text}”."
    if old.weight != new.weight:
        yield f"{new.slug}: the weight went from {old.weight} % to {new.weight} %."
    if old.target != new.target:
        yield f"{new.slug}: the target went from {_percent(old.target)} to {_percent(new.target)}."
    for rating in range(max(len(old.anchors), len(new.anchors))):
        first, then = _anchor(old, rating), _anchor(new, rating)
        if first != then:
            yield f"{new.slug}: a {rating} meant “{first}” and now means “{then}”."


def _anchor(criterion: CriterionSpec, rating: int) -> str:
    return criterion.anchors[rating] if rating < len(criterion.anchors) else "nothing"


def _percent(share: float) -> str:
    return f"{round(share * 100, 2):g} %"


# Plan 3.3; the anchors are ours. A 4 is what guidance should be, a 3 meets it but for something small.
SHIPPED = (
    CriterionSpec(
        "persona",
        "Persona appropriateness",
        20,
        0.90,
        (
            "No persona is named, or one that has nothing to do with the issue.",
            "A persona of another field; its methods would lead astray.",
            "The right field, but the role or its limits do not fit this issue.",
            "The right persona, with a slip in tone or scope that misleads nobody.",
            "Exactly who should do this, speaking and working as that role does.",
        ),
    ),
    CriterionSpec(
        "objectives",
        "Actionable objectives",
        25,
        0.95,
        (
            "No objective, or one that contradicts the issue.",
            "A topic instead of objectives; nobody could begin.",
            "Some objectives can be acted on, others are wishes.",
            "All can be acted on; one needs a guess about order or extent.",
            "Each says what to do, to what, and when it is done; work can begin at once.",
        ),
    ),
    CriterionSpec(
        "inputs",
        "Input completeness",
        20,
        0.90,
        (
            "No input is named, or only wrong ones.",
            "The main source is missing or cannot be found from what is written.",
            "The main source is there; others that the work needs are missing.",
            "All that is needed, but for a detail that is quickly looked up.",
            "Every source, file and earlier finding that is needed, each with where it is.",
        ),
    ),
    CriterionSpec(
        "deliverables",
        "Deliverable clarity",
        25,
        0.95,
        (
            "Nothing is said of what is to be handed in.",
            "A deliverable is hinted at, without form or place.",
            "Deliverables are named; form, place or content of one is open.",
            "Form, place and content of all are given, one could be read in two ways.",
            "Path, form and content of every deliverable leave no question.",
        ),
    ),
    CriterionSpec(
        "acceptance",
        "Acceptance criteria specificity",
        10,
        0.85,
        (
            "No acceptance criteria.",
            "Only general ones, such as “good quality”.",
            "Specific in part; some could not be checked by anybody else.",
            "All can be checked, one needs a judgement that is not described.",
            "Each can be checked by somebody else with yes or no.",
        ),
    ),
)
