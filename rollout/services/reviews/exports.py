"""Review results as CSV and JSON: one row per issue and criterion, at most a year at once.

Titles and comments come from outside and from people: they are cleaned as they are before a model sees them, and a
cell that a spreadsheet would run is defused (`rollout.domain.export`). Ratings are those of final scores only, so that
a file tells nobody of a review that is still compared with another one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

from pipeline.domain.cleaning import clean, one_line
from pipeline.models import Repository
from pipeline.services.operations import NotPossible
from rollout.domain import export
from rollout.domain.reviews.scoring import Criterion
from rollout.services.reviews import results
from rollout.services.reviews.results import Scored

MOST_WEEKS = 53
COLUMNS = (
    "week", "batch", "rubric", "team", "issue", "title", "url", "workflow", "specialist", "criterion", "weight",
    "target", "score", "counts", "why", "final_at", "weighted", "assignment_clear", "assessment_right", "ratings",
    "tags", "comments",
)  # fmt: skip
OF_REVIEWERS = ("reviewers",)


def rows(
    repository: Repository, first: date, last: date, *, hidden: Iterable[int] = (), with_reviewers: bool = False
) -> tuple[tuple[str, ...], list[dict[str, Any]]]:
    """The columns and the rows of the weeks `first` to `last` (Mondays); NotPossible for more than a year."""
    if (last - first).days > 7 * MOST_WEEKS:
        raise NotPossible(f"Export at most {MOST_WEEKS} weeks at once; choose a later first week.")
    columns = (*COLUMNS, *OF_REVIEWERS) if with_reviewers else COLUMNS
    found = [row for each in results.read(repository.pk, first, last, hidden) for row in _rows(each)]
    return columns, [{name: row[name] for name in columns} for row in found]


def as_csv(columns: tuple[str, ...], found: list[dict[str, Any]]) -> str:
    return export.to_csv(columns, found)


def as_json(
    repository: Repository, first: date, last: date, columns: tuple[str, ...], found: list[dict[str, Any]]
) -> str:
    about = {"repository": repository.full_name, "first_week": first.isoformat(), "last_week": last.isoformat()}
    return export.to_json(about, columns, found, under="scores")


def _rows(each: Scored) -> Iterator[dict[str, Any]]:
    sample, outcome = each.sample, each.outcome
    of_sample = {
        "week": sample.batch.week.isoformat(),
        "batch": sample.batch_id,
        "rubric": f"{sample.batch.rubric.slug} v{sample.batch.rubric.version}",
        "team": each.team,
        "issue": sample.issue.number,
        "title": one_line(sample.title),
        "url": sample.html_url,
        "workflow": sample.workflow,
        "specialist": sample.specialist,
        "counts": outcome.standing.value,
        "why": outcome.reason,
        "final_at": outcome.at.isoformat() if outcome.at else None,
        "weighted": _rounded(outcome.weighted),
        "assignment_clear": outcome.clear,
        "assessment_right": outcome.right,
    }
    for criterion in each.criteria:
        yield of_sample | _of_criterion(each, criterion)


def _of_criterion(each: Scored, criterion: Criterion) -> dict[str, Any]:
    seats = [seat for seat in each.seats if seat.counts] if each.is_final else []
    slug = criterion.slug
    given = [seat.ratings.get(slug) for seat in seats]
    return {
        "criterion": slug,
        "weight": criterion.weight,
        "target": criterion.target,
        "score": _rounded(each.outcome.shares.get(slug)),
        "ratings": ["N/A" if rating is None else rating for rating in given],
        "tags": sorted({tag for seat in seats for tag in seat.tags.get(slug, ())}),
        "comments": [clean(seat.comments[slug]).text for seat in seats if seat.comments.get(slug)],
        "reviewers": [seat.reviewer for seat in seats],
    }


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 4)
