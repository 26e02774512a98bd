"""The results of guidance review as a page shows them: figures in words, groups side by side, eight weeks drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from urllib.parse import urlencode

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User
from django.urls import reverse

from pipeline.models import Repository
from rollout.domain.reviews.loop import Proposal
from rollout.domain.reviews.results import WEIGHTED, Figure, Share, Verdict, figure, grouped, share_of, target_of
from rollout.domain.reviews.scoring import Criterion
from rollout.domain.wording import counted
from rollout.models import Improvement, ReviewBatch
from rollout.services.reviews import improvements, results, rubrics
from rollout.services.reviews.results import Scored
from rollout.views.sparks import Spark, draw

Person = User | AbstractBaseUser | AnonymousUser
TONES = {Verdict.MET: "pass", Verdict.BELOW: "breach", Verdict.OPEN: "inconclusive", Verdict.NOTHING: ""}
MOST_WEEKS = 53
WHOLE = "Weighted score"


@dataclass(frozen=True, slots=True)
class Shown:
    """A figure in words."""

    figure: Figure

    @property
    def value(self) -> str:
        return percent(self.figure.value)

    @property
    def interval(self) -> str:
        bounds = self.figure.interval
        return f"{100 * bounds.low:.0f} to {100 * bounds.high:.0f} %" if bounds else ""

    @property
    def tone(self) -> str:
        return TONES[self.figure.verdict]


@dataclass(frozen=True, slots=True)
class Line:
    """One criterion, or the weighted whole: its week, its four weeks, its eight weeks drawn."""

    slug: str
    text: str
    weight: int | None
    target: float | None
    week: Shown
    pooled: Shown
    spark: Spark

    @property
    def asked(self) -> str:
        return f"above {percent(self.target)}" if self.target is not None else "–"


@dataclass(frozen=True, slots=True)
class Question:
    """One of the two questions beside the rubric, over the four weeks."""

    text: str
    week: Share
    pooled: Share

    @property
    def shown(self) -> tuple[str, str]:
        return _share(self.week), _share(self.pooled)


@dataclass(frozen=True, slots=True)
class Group:
    name: str
    weighted: Shown
    cells: tuple[Shown, ...]


@dataclass(frozen=True, slots=True)
class Grouping:
    """Groups side by side, over the four weeks."""

    title: str
    word: str
    groups: tuple[Group, ...]


@dataclass(frozen=True, slots=True)
class Suggested:
    """A proposal with the task that there is for it, or the address where one is opened."""

    proposal: Proposal
    task: Improvement | None
    address: str


@dataclass(frozen=True, slots=True)
class Results:
    repository: Repository
    week: date
    first: date
    criteria: tuple[Criterion, ...]
    lines: tuple[Line, ...]
    questions: tuple[Question, ...]
    trend: tuple[tuple[date, tuple[Shown, ...]], ...]
    groupings: tuple[Grouping, ...]
    suggested: tuple[Suggested, ...]
    counted: str
    waiting: tuple[Scored, ...]
    notes: tuple[str, ...]
    bottom: float

    @property
    def has_scores(self) -> bool:
        return any(line.pooled.figure.n for line in self.lines)


def weeks_of(repository: Repository) -> list[date]:
    """The Mondays of its batches, the newest first."""
    rows = ReviewBatch.objects.filter(repository=repository, is_calibration=False).order_by("-week")
    return list(rows.values_list("week", flat=True).distinct()[:MOST_WEEKS])


def of(repository: Repository, week: date, person: Person, *, of_reviewers: bool) -> Results:
    """The page of a week, as this person may see it; figures of single reviewers only when asked for."""
    hidden = results.hidden_from(person)
    first = results.weeks_back(week, results.TREND)
    rows = results.read(repository.pk, first, week, hidden)
    pooled = [row for row in rows if row.week >= results.weeks_back(week, results.POOLED)]
    of_week = [row for row in rows if row.week == week]
    criteria = results.criteria_of(rows)
    mondays = [results.weeks_back(week, back) for back in range(results.TREND, 0, -1)]
    by_week = {monday: results.finals(row for row in rows if row.week == monday) for monday in mondays}
    bottom = _bottom(by_week.values(), criteria)
    slugs = [*(each.slug for each in criteria), WEIGHTED]
    targets = _targets(rows, criteria)
    return Results(
        repository=repository,
        week=week,
        first=first,
        criteria=tuple(criteria),
        lines=tuple(
            _line(slug, criteria, targets[slug], results.finals(of_week), results.finals(pooled), by_week, bottom)
            for slug in slugs
        ),
        questions=_questions(results.finals(of_week), results.finals(pooled)),
        trend=tuple(
            (monday, tuple(_shown(found, slug, targets[slug]) for slug in slugs)) for monday, found in by_week.items()
        ),
        groupings=_groupings(pooled, criteria, targets, of_reviewers=of_reviewers),
        suggested=tuple(_suggested(repository, each) for each in improvements.proposed(pooled)),
        counted=_counted(of_week),
        waiting=tuple(row for row in of_week if not row.is_final),
        notes=tuple(_notes(repository, rows, pooled, hidden, first, week)),
        bottom=bottom,
    )


def percent(share: float | None) -> str:
    """90 %, 91.2 %."""
    return "–" if share is None else f"{round(100 * share, 1):g} %"


def _share(share: Share) -> str:
    if share.interval is None:
        return "nobody could say yet"
    low, high = 100 * share.interval.low, 100 * share.interval.high
    return f"{share.yes} of {share.n}, {percent(share.value)} ({low:.0f} to {high:.0f} %)"


def _targets(rows: Sequence[Scored], criteria: Sequence[Criterion]) -> dict[str, float | None]:
    newest = results.newest_criteria(rows)
    return {each.slug: each.target for each in criteria} | {WEIGHTED: target_of(newest, WEIGHTED)}


def _shown(finals: Iterable[Scored], slug: str, target: float | None) -> Shown:
    return Shown(figure((row.outcome.value(slug) for row in finals), target))


def _line(
    slug: str,
    criteria: Sequence[Criterion],
    target: float | None,
    of_week: Sequence[Scored],
    pooled: Sequence[Scored],
    by_week: Mapping[date, Sequence[Scored]],
    bottom: float,
) -> Line:
    known = next((each for each in criteria if each.slug == slug), None)
    text = known.text if known else WHOLE
    means = [(monday, _shown(found, slug, target).figure.value) for monday, found in by_week.items()]
    return Line(
        slug,
        text,
        known.weight if known else None,
        target,
        _shown(of_week, slug, target),
        _shown(pooled, slug, target),
        draw(text, means, target, bottom),
    )


def _bottom(weeks: Iterable[Sequence[Scored]], criteria: Sequence[Criterion]) -> float:
    """Where the drawings begin: 50 %, or lower where a week is lower."""
    slugs = [WEIGHTED, *(each.slug for each in criteria)]
    means = [figure(row.outcome.value(slug) for row in found).value for found in weeks for slug in slugs]
    lowest = min((value for value in means if value is not None), default=1.0)
    return min(0.5, int(10 * lowest) / 10)


def _questions(of_week: Sequence[Scored], pooled: Sequence[Scored]) -> tuple[Question, ...]:
    return (
        Question(
            "Copilot assignment clear",
            share_of(row.outcome.clear for row in of_week),
            share_of(row.outcome.clear for row in pooled),
        ),
        Question(
            "AI assessment right",
            share_of(row.outcome.right for row in of_week),
            share_of(row.outcome.right for row in pooled),
        ),
    )


def _groupings(
    rows: Sequence[Scored],
    criteria: Sequence[Criterion],
    targets: Mapping[str, float | None],
    *,
    of_reviewers: bool,
) -> tuple[Grouping, ...]:
    finals = results.finals(rows)
    by: list[tuple[str, str, Callable[[Scored], str]]] = [
        ("By workflow", "Workflow", lambda row: row.sample.workflow or "none"),
        ("By persona", "Specialist", lambda row: row.sample.specialist or "none"),
        ("By reviewing team", "Team", lambda row: row.team),
    ]
    found = [Grouping(title, word, _groups(finals, key, criteria, targets)) for title, word, key in by]
    if of_reviewers:
        found.append(Grouping("By reviewer", "Reviewer", _of_reviewers(rows, criteria, targets)))
    return tuple(found)


def _groups(
    finals: Sequence[Scored],
    key: Callable[[Scored], str],
    criteria: Sequence[Criterion],
    targets: Mapping[str, float | None],
) -> tuple[Group, ...]:
    return tuple(
        Group(
            name,
            _shown(members, WEIGHTED, targets[WEIGHTED]),
            tuple(_shown(members, each.slug, targets[each.slug]) for each in criteria),
        )
        for name, members in grouped(finals, key).items()
    )


def _of_reviewers(
    rows: Sequence[Scored], criteria: Sequence[Criterion], targets: Mapping[str, float | None]
) -> tuple[Group, ...]:
    """Each reviewer's own submitted ratings, whatever became of them."""
    seats = [seat for row in rows for seat in row.seats if seat.counts]
    return tuple(
        Group(
            name,
            Shown(figure((seat.weighted for seat in members), targets[WEIGHTED])),
            tuple(Shown(figure((seat.share(each.slug) for seat in members), targets[each.slug])) for each in criteria),
        )
        for name, members in grouped(seats, lambda seat: seat.reviewer).items()
    )


def _suggested(repository: Repository, proposal: Proposal) -> Suggested:
    task = improvements.task_for(repository, proposal.criterion, proposal.tag, proposal.workflow)
    query = {
        "repository": repository.pk,
        "criterion": proposal.criterion,
        "tag": proposal.tag,
        "workflow": proposal.workflow,
        "text": f"Raise “{proposal.text}”",
    }
    return Suggested(proposal, task, f"{reverse('admin:rollout_improvement_add')}?{urlencode(query)}")


def _counted(rows: Sequence[Scored]) -> str:
    final, total = len(results.finals(rows)), len(rows)
    if not total:
        return "Nothing of this week is shown."
    pending = sum(row.outcome.standing == "pending" for row in rows)
    left = total - final - pending
    told = [f"{final} of {counted(total, 'issue')} of this week count"]
    told += [f"{pending} pending"] if pending else []
    told += [f"{left} left out"] if left else []
    return f"{', '.join(told)}."


def _notes(
    repository: Repository,
    rows: Sequence[Scored],
    pooled: Sequence[Scored],
    hidden: Iterable[int],
    first: date,
    week: date,
) -> Iterable[str]:
    """What a reader has to know before comparing figures."""
    of_week = ReviewBatch.objects.filter(repository=repository, week=week, is_calibration=False).exclude(note="")
    yield from (f"Of this week's sample: {note}" for note in of_week.values_list("note", flat=True))
    batches = ReviewBatch.objects.filter(pk__in=list(hidden), repository=repository, is_calibration=False)
    for batch in batches.filter(week__range=(first, week)):
        yield (
            f"The sample of the week of {batch.week} is left out of every figure here: "
            "you still have reviews to submit in it, or could take one."
        )
    found = results.versions(rows)
    for before, after in pairwise(found):
        where = "the four weeks" if {before, after} <= set(results.versions(pooled)) else "the eight weeks"
        told = " ".join(rubrics.diff(before, after)) or "Nothing that is scored differs."
        yield f"Within {where} the rubric changed from {before} to {after}; criteria are matched by name. {told}"
