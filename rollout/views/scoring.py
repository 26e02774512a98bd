"""The scoring page's parts: what is reviewed, the rubric with what is chosen and missing, and marks side by side.

What is reviewed comes from outside: hidden characters are taken out and named, Markdown goes through the one safe
renderer, and the source can be read as plain text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.domain.invisible import visible
from rollout.domain.reviews import scoring, sheets
from rollout.domain.reviews.scoring import SCALE, TAGS, Criterion
from rollout.domain.reviews.sheets import Mark, Sheet
from rollout.models import Review, Sample, Score
from rollout.services.reviews import marks

RATINGS = [(str(rating), str(rating)) for rating in range(SCALE + 1)] + [(sheets.NOT_APPLICABLE, "N/A")]


@dataclass(frozen=True, slots=True)
class Text:
    """`hidden` names what was taken out because nobody sees it and nobody types it."""

    name: str
    heading: str
    text: str
    hidden: str

    @property
    def empty(self) -> bool:
        return not self.text.strip()


@dataclass(frozen=True, slots=True)
class Choice:
    value: str
    word: str
    anchor: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One criterion of the form. `target_points` in hundredths of a percent, as the page's own arithmetic counts."""

    criterion: Criterion
    place: int
    choices: Sequence[Choice]
    mark: Mark
    tags: Sequence[tuple[str, bool]]
    faults: Sequence[str]

    @property
    def open(self) -> bool:
        """Whether the comment shows from the start."""
        rated_low = bool(self.mark.rating) and scoring.needs_comment(self.criterion, sheets.number(self.mark.rating))
        return bool(self.mark.comment or self.mark.tags or self.faults) or rated_low


@dataclass(frozen=True, slots=True)
class Check:
    name: str
    question: str
    choices: Sequence[Choice]
    fault: str


@dataclass(frozen=True, slots=True)
class Cell:
    """One reviewer's mark as others read it."""

    rating: str
    comment: str
    tags: Sequence[str]


@dataclass(frozen=True, slots=True)
class Column:
    """One review beside others."""

    title: str
    review: Review
    cells: Mapping[str, Cell] = field(default_factory=dict)

    @property
    def weighted(self) -> str:
        return tenths(self.review.weighted)


@dataclass(frozen=True, slots=True)
class Row:
    """One criterion; each cell with whose it is."""

    criterion: Criterion
    cells: Sequence[tuple[str, Cell]]
    apart: bool


def texts(sample: Sample) -> tuple[list[Text], list[Text]]:
    """What stands left and in the middle."""
    left = [
        _text("discovery", "Issue", sample.discovery),
        _text("assessment", "AI assessment", sample.assessment),
    ]
    middle = [
        _text("guidance", "Specialist guidance", sample.guidance),
        _text("assignment", "Copilot assignment", sample.assignment),
    ]
    return left, middle


def shown(text: str) -> str:
    """One line from outside without what is not seen."""
    return " ".join(visible(text).text.split())


def title_of(sample: Sample) -> str:
    return f"#{sample.issue.number} {shown(sample.title)}"


def lines(review: Review, sheet: Sheet, faults: Mapping[str, str]) -> list[Line]:
    rubric = review.sample.batch.rubric
    anchors = {row.slug: row.anchors for row in rubric.criteria.all()}
    return [
        Line(
            criterion=each,
            place=place,
            choices=_ratings(sheet.mark(each.slug), anchors[each.slug]),
            mark=sheet.mark(each.slug),
            tags=[(tag, tag in sheet.mark(each.slug).tags) for tag in TAGS],
            faults=[faults[name] for name in (f"rating-{each.slug}", f"comment-{each.slug}") if name in faults],
        )
        for place, each in enumerate(marks.criteria_of(rubric), start=1)
    ]


def checks(review: Review, sheet: Sheet, faults: Mapping[str, str]) -> list[Check]:
    words = {"yes": "yes", "no": "no", "na": "cannot say"}
    return [
        Check(
            name,
            sheets.CHECKS[name],
            [Choice(value, word, "", sheet.checks.get(name) == value) for value, word in words.items()],
            faults.get(name, ""),
        )
        for name in marks.asked_of(review.sample)
    ]


def score_sentence(review: Review, sheet: Sheet) -> str:
    """What the page says of the score so far; its script says the same in the same words."""
    criteria = marks.criteria_of(review.sample.batch.rubric)
    found, rated = scoring.result(criteria, sheet.ratings()), len(sheet.ratings())
    if found.weighted is None:
        return f"Nothing rated yet, {rated} of {len(criteria)} done."
    verdict = "met" if found.met else "not met"
    wanted = f"more than {tenths(found.target)} wanted"
    return f"Weighted {tenths(found.weighted)}, {wanted}: {verdict}, {rated} of {len(criteria)} done."


def tenths(share: float | None) -> str:
    """ "97.5 %": a whole percent would hide by how little a target is missed."""
    return "nothing rated" if share is None else f"{share * 100:.1f} %"


def column(title: str, review: Review) -> Column:
    scores = review.scores.select_related("criterion")
    return Column(title, review, {score.criterion.slug: _cell(score) for score in scores})


def side_by_side(sample: Sample, columns: Sequence[Column]) -> list[Row]:
    """One row per criterion; `apart` where two ratings are what a third has to decide."""
    nothing = Cell("–", "", ())
    rows = []
    for each in marks.criteria_of(sample.batch.rubric):
        cells = [(one.title, one.cells.get(each.slug, nothing)) for one in columns]
        numbers = [int(cell.rating) for _, cell in cells if cell.rating.isdigit()]
        apart = len(cells) > 1 and bool(numbers) and max(numbers) - min(numbers) >= scoring.APART
        rows.append(Row(each, cells, apart))
    return rows


def _text(name: str, heading: str, text: str) -> Text:
    found = visible(text.replace("\r\n", "\n"))
    return Text(name, heading, found.text, ", ".join(found.suspicious))


def _ratings(mark: Mark, anchors: Sequence[str]) -> list[Choice]:
    numbered = [
        Choice(str(rating), str(rating), anchors[rating] if rating < len(anchors) else "", mark.rating == str(rating))
        for rating in range(SCALE + 1)
    ]
    na = sheets.NOT_APPLICABLE
    return [*numbered, Choice(na, "N/A", "cannot be judged here; say why", mark.rating == na)]


def _cell(score: Score) -> Cell:
    return Cell("N/A" if score.rating is None else str(score.rating), score.comment, score.tags)
