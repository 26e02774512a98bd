"""The embedded classifier: labels and weighted words, with a confidence and a rationale that a person can check.

Evidence is a sum of points. A trigger label is worth more than all words together. A keyword counts in the title more
than in the body, a phrase more than a word, an early place in the title a little more, repetition less each time; a
keyword that several workflows share is divided among them. Confidence is a monotone squash of the points, lowered
where another workflow comes close: near ties and ties fall below the threshold and a person is asked. Equal evidence
gives equal confidence, always.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.domain import issue_reading
from pipeline.domain.classification import Assessment, Candidate, IssueText, Usage
from pipeline.domain.cleaning import one_line
from pipeline.domain.issue_reading import Reading
from pipeline.domain.workflows import WorkflowSpec

LABEL_POINTS = 12.0  # sure whatever the words say
MAX_WORD_POINTS = 8.0  # what all words together can approach
TITLE_WORD, BODY_WORD = 2.0, 1.0
PHRASE_FACTOR = 1.5
EARLY_BONUS = 0.1  # among the first words of the title
EARLY_WORDS = 5
SCALE = 2.4  # points at which confidence is 0.63
RIVAL_SHARE = 0.3  # how much an equal rival takes away
MAX_CONFIDENCE = 0.99
LEAST_CONFIDENCE = 0.05
MAX_NAMED = 6  # matches that a rationale names
MAX_KEYWORDS = 200  # of one workflow


@dataclass(frozen=True, slots=True)
class _Match:
    points: float
    words: str  # for the rationale
    keyword: str


@dataclass(frozen=True, slots=True)
class _Places:
    """Where each word stands, for title and body."""

    title: dict[str, list[int]]
    title_words: list[str]
    body: dict[str, list[int]]
    body_words: list[str]


class RulesClassifier:
    """Implements `Classifier`. Holds no state: the same issue and workflows give the same assessment."""

    name = "rules"

    def assess(self, issue: IssueText, workflows: Sequence[WorkflowSpec]) -> Assessment:
        reading = issue_reading.read(issue)
        found = _matches(issue, reading, workflows)
        points = {slug: _total(matches) for slug, matches in found.items()}
        candidates = [
            Candidate(slug, confidence(points[slug], _rival(points, slug)), _rationale(matches))
            for slug, matches in found.items()
            if matches
        ]
        kept = [candidate for candidate in candidates if candidate.confidence >= LEAST_CONFIDENCE]
        ordered = tuple(sorted(kept, key=lambda candidate: (-candidate.confidence, candidate.workflow)))
        matched = [match.keyword for candidate in ordered[:1] for match in found[candidate.workflow]]
        return Assessment(
            summary=issue_reading.summary(reading),
            candidates=ordered,
            key_topics=issue_reading.topics(reading, matched),
            indicators=issue_reading.indicators(reading),
            urgency=issue_reading.urgency(reading, issue.labels),
            content_type=issue_reading.content_type(reading),
            usage=Usage(provider="rules"),
        )


def confidence(points: float, rival: float) -> float:
    """0…1 from a workflow's points and those of the best other one; grows with the first, falls with the second."""
    if points <= 0:
        return 0.0
    squashed = 1 - math.exp(-points / SCALE)
    closeness = min(rival / points, 1.0) ** 4
    return round(min(squashed * (1 - RIVAL_SHARE * closeness), MAX_CONFIDENCE), 3)


def _total(matches: list[_Match]) -> float:
    """Words approach their maximum and never pass it; summed exactly, so that order cannot break a tie."""
    by_label = math.fsum(match.points for match in matches if not match.keyword)
    by_words = math.fsum(match.points for match in matches if match.keyword)
    # Nearly the sum itself while it is small: the bend matters only for long texts.
    bent = by_words if by_words <= 4 else 4 + (MAX_WORD_POINTS - 4) * (1 - math.exp(-(by_words - 4) / 4))
    return round(min(by_label, LABEL_POINTS) + bent, 6)


def _rival(points: dict[str, float], slug: str) -> float:
    return max((other for name, other in points.items() if name != slug), default=0.0)


def _matches(issue: IssueText, reading: Reading, workflows: Sequence[WorkflowSpec]) -> dict[str, list[_Match]]:
    phrases = {spec.slug: _phrases(spec) for spec in workflows}
    owners: dict[tuple[str, ...], int] = {}
    for own in phrases.values():
        for phrase in own:
            owners[phrase] = owners.get(phrase, 0) + 1
    places = _places(reading)
    found: dict[str, list[_Match]] = {}
    for spec in workflows:
        by_words = [_keyword(places, phrase, text, owners[phrase]) for phrase, text in phrases[spec.slug].items()]
        found[spec.slug] = [*_labels(issue, spec), *(match for match in by_words if match)]
    return found


def _phrases(spec: WorkflowSpec) -> dict[tuple[str, ...], str]:
    """Keywords, the workflow's own name, and trigger labels of several words, stemmed, with their own form."""
    phrases: dict[tuple[str, ...], str] = {}
    spoken = [label.replace("-", " ") for label in spec.trigger_labels if len(issue_reading.words(label)) > 1]
    for text in [*spec.content_keywords[:MAX_KEYWORDS], spec.name, *spoken[:MAX_KEYWORDS]]:
        phrase = tuple(issue_reading.words(text))[:8]
        if phrase:
            phrases.setdefault(phrase, text)
    return phrases


def _labels(issue: IssueText, spec: WorkflowSpec) -> list[_Match]:
    """Trigger labels, and a `workflow::` label that somebody set already."""
    triggers = {label.casefold() for label in spec.trigger_labels}
    chosen = f"workflow::{spec.slug}".casefold()
    hits = [label for label in issue.labels if label.casefold() in triggers or label.casefold().endswith(chosen)]
    return [_Match(LABEL_POINTS, f"label `{one_line(label, 50)}`", "") for label in sorted(hits, key=str.casefold)]


def _places(reading: Reading) -> _Places:
    title, body = issue_reading.words(reading.title), issue_reading.words(reading.body)
    return _Places(_index(title), title, _index(body), body)


def _index(words: list[str]) -> dict[str, list[int]]:
    index: dict[str, list[int]] = {}
    for position, word in enumerate(words):
        index.setdefault(word, []).append(position)
    return index


def _keyword(places: _Places, phrase: tuple[str, ...], keyword: str, owners: int) -> _Match | None:
    in_title = _positions(places.title, places.title_words, phrase)
    in_body = _positions(places.body, places.body_words, phrase)
    if not (in_title or in_body):
        return None
    shown = one_line(keyword, 60)
    early = bool(in_title) and in_title[0] < EARLY_WORDS
    points = TITLE_WORD * _repeated(len(in_title)) + BODY_WORD * _repeated(len(in_body)) + EARLY_BONUS * early
    factor = PHRASE_FACTOR if len(phrase) > 1 else 1.0
    named = [_named("title", phrase, shown, len(in_title)), _named("body", phrase, shown, len(in_body))]
    shared = f" (shared by {owners} workflows)" if owners > 1 else ""
    return _Match(points * factor / owners, "; ".join(part for part in named if part) + shared, shown)


def _positions(index: dict[str, list[int]], words: list[str], phrase: tuple[str, ...]) -> list[int]:
    """Where `phrase` begins; looked for from its rarest word, so that repetition in the text costs little."""
    if any(word not in index for word in phrase):
        return []
    offset = min(range(len(phrase)), key=lambda place: len(index[phrase[place]]))
    starts = (position - offset for position in index[phrase[offset]])
    return [start for start in starts if start >= 0 and tuple(words[start : start + len(phrase)]) == phrase]


def _repeated(count: int) -> float:
    """1, 1.5, 1.75 and no more: saying a word a hundred times proves nothing."""
    return 2 - 0.5 ** (min(count, 3) - 1) if count else 0.0


def _named(where: str, phrase: tuple[str, ...], shown: str, count: int) -> str:
    if not count:
        return ""
    kind = "phrase" if len(phrase) > 1 else "word"
    return f"{where} {kind} '{shown}'" + (f" ×{count}" if count > 1 else "")


def _rationale(matches: list[_Match]) -> str:
    """The strongest first; equal ones in the workflow's own order."""
    ordered = sorted(matches, key=lambda match: -match.points)
    text = "; ".join(match.words for match in ordered[:MAX_NAMED])
    return f"{text}; and {len(ordered) - MAX_NAMED} more" if len(ordered) > MAX_NAMED else text
