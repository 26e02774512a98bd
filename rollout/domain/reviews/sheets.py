"""A reviewer's sheet: what the form sends and the draft keeps, and what it still lacks before it can be submitted.

The same fields travel in the form, in an autosave and in the stored draft: `rating-<criterion>` ("0" to "4" or "na"),
`comment-<criterion>`, `tags-<criterion>`, and the checks ("yes", "no" or "na": cannot say).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from rollout.domain.reviews.scoring import SCALE, TAGS, Criterion, Ratings, needs_comment

NOT_APPLICABLE = "na"
CHECKS = {"assignment_clear": "Is the Copilot assignment clear?", "assessment_right": "Is the AI assessment right?"}
ANSWERS = {"yes": True, "no": False, NOT_APPLICABLE: None}
FLAG = "for_calibration"
MAX_COMMENT = 2_000

Values = Callable[[str], Sequence[str]]  # all that the form has under a name


@dataclass(frozen=True, slots=True)
class Mark:
    """One criterion's line: `rating` is "" while nothing is chosen."""

    rating: str = ""
    comment: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sheet:
    marks: Mapping[str, Mark] = field(default_factory=dict)
    checks: Mapping[str, str] = field(default_factory=dict)
    for_calibration: bool = False

    @property
    def begun(self) -> bool:
        """Whether anything of it would be lost."""
        return any(mark != Mark() for mark in self.marks.values())

    def mark(self, slug: str) -> Mark:
        return self.marks.get(slug, Mark())

    def ratings(self) -> Ratings:
        """What is chosen; N/A as None. What is not chosen yet is absent."""
        return {slug: number(mark.rating) for slug, mark in self.marks.items() if mark.rating}

    def check(self, name: str) -> bool | None:
        return ANSWERS.get(self.checks.get(name, ""))

    def stored(self) -> dict[str, object]:
        """As the draft keeps it: under the form's own names, so that `read` reads it again."""
        kept: dict[str, object] = {}
        for slug, mark in self.marks.items():
            kept |= {f"rating-{slug}": [mark.rating], f"comment-{slug}": [mark.comment], f"tags-{slug}": [*mark.tags]}
        kept |= {name: [answer] for name, answer in self.checks.items()}
        return kept | ({FLAG: ["on"]} if self.for_calibration else {})


def number(rating: str) -> int | None:
    return None if rating == NOT_APPLICABLE else int(rating)


def read(values: Values, slugs: Sequence[str]) -> Sheet:
    """The sheet that a form or a draft holds; what is not among the choices is taken as not chosen."""
    return Sheet(
        marks={
            slug: Mark(
                rating=_choice(values(f"rating-{slug}"), _RATINGS),
                comment=_text(values(f"comment-{slug}")),
                tags=tuple(tag for tag in TAGS if tag in values(f"tags-{slug}")),
            )
            for slug in slugs
        },
        checks={name: _choice(values(name), ANSWERS) for name in CHECKS},
        for_calibration=bool(_text(values(FLAG))),
    )


def from_stored(draft: Mapping[str, object], slugs: Sequence[str]) -> Sheet:
    def values(name: str) -> Sequence[str]:
        found = draft.get(name, [])
        return [str(each) for each in found] if isinstance(found, list) else []

    return read(values, slugs)


def faults(sheet: Sheet, criteria: Sequence[Criterion], asked: Sequence[str] = tuple(CHECKS)) -> dict[str, str]:
    """Field → one sentence, in the order of the page; empty: it can be submitted.

    `asked` are the checks that apply: a text that does not exist is not judged.
    """
    found: dict[str, str] = {}
    for each in criteria:
        mark = sheet.mark(each.slug)
        if not mark.rating:
            found[f"rating-{each.slug}"] = f"Rate “{each.text}” from 0 to {SCALE}, or choose N/A."
        elif needs_comment(each, number(mark.rating)) and not mark.comment:
            why = "N/A needs" if mark.rating == NOT_APPLICABLE else "A rating that is not above target needs"
            found[f"comment-{each.slug}"] = f"{why} a comment: say in one sentence what is missing or wrong."
    for name, question in CHECKS.items():
        if name in asked and not sheet.checks.get(name):
            found[name] = f"Answer yes, no or cannot say: {question}"
    return found


_RATINGS = (*(str(each) for each in range(SCALE + 1)), NOT_APPLICABLE)


def _choice(given: Sequence[str], known: Sequence[str] | Mapping[str, object]) -> str:
    return given[-1] if given and given[-1] in known else ""


def _text(given: Sequence[str]) -> str:
    # A NUL is no text to PostgreSQL, and nothing that anybody typed.
    return given[-1].replace("\0", "").strip()[:MAX_COMMENT] if given else ""
