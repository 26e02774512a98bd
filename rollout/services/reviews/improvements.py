"""The feedback loop: a low criterion with a cause is proposed, a person makes it a task with an owner, the change is
linked, and the score is shown before and after.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from urllib.parse import urlsplit

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from pipeline import clock
from pipeline.models import Repository
from pipeline.services import audit
from pipeline.services.operations import NotPossible
from rollout.domain.reviews.loop import Effect, Low, Proposal, proposals
from rollout.domain.reviews.results import Figure, figure
from rollout.domain.reviews.scoring import TAGS
from rollout.domain.reviews.weeks import WEEK, bounds
from rollout.models import Improvement, ReviewBatch, RubricCriterion
from rollout.services import record
from rollout.services.reviews import results
from rollout.services.reviews.results import POOLED, Scored

State = Improvement.State
LONGEST_TEXT = 300


def proposed(rows: Sequence[Scored]) -> list[Proposal]:
    """From the reviewed samples of some weeks; what is under way already is among them (`task_for`)."""
    finals, criteria = results.finals(rows), results.criteria_of(rows)
    figures = {
        each.slug: figure((row.outcome.shares.get(each.slug) for row in finals), each.target) for each in criteria
    }
    return proposals(criteria, figures, {each.slug: list(_lows(finals, each.slug)) for each in criteria})


def _lows(finals: Iterable[Scored], slug: str) -> Iterable[Low]:
    for row in finals:
        share = row.outcome.shares.get(slug)
        target = next((each.target for each in row.criteria if each.slug == slug), None)
        if share is not None and target is not None and share <= target:
            tags = frozenset(tag for seat in row.seats if seat.counts for tag in seat.tags.get(slug, ()))
            yield Low(row.sample.issue.number, row.sample.workflow, tags)


def task_for(repository: Repository, criterion: str, tag: str, workflow: str) -> Improvement | None:
    """The task of a cause that is open, or whose change has yet to show."""
    rows = Improvement.objects.filter(repository=repository, criterion=criterion, tag=tag, workflow=workflow)
    return rows.exclude(state=State.CLOSED).first()


@transaction.atomic
def open_task(
    repository: Repository, *, criterion: str, tag: str, workflow: str = "", text: str, owner: str, by: str, reason: str
) -> Improvement:
    """A task with an owner; one open task per cause. `workflow` empty: the cause is not one workflow's."""
    record.need_person(by, "Opening an improvement")
    record.need_reason(reason)
    if tag not in TAGS:
        raise NotPossible(f"There is no cause {tag!r}; choose one of {', '.join(TAGS)}.")
    if not RubricCriterion.objects.filter(slug=criterion).exists():
        raise NotPossible(f"No rubric has a criterion {criterion!r}; choose one of those on the results page.")
    if not text.strip():
        raise NotPossible("Say in one sentence what has to be improved; nothing was opened.")
    values = {"criterion": criterion, "tag": tag, "workflow": workflow}
    # The newest batch, as the evidence from which it came.
    batch = ReviewBatch.objects.filter(repository=repository, is_calibration=False).order_by("-week").first()
    try:
        with transaction.atomic():
            row = Improvement.objects.create(
                repository=repository,
                batch=batch,
                text=_plain(text)[:LONGEST_TEXT],
                owner=_person(owner),
                opened_at=clock.now(),
                **values,
            )
    except IntegrityError:
        raise NotPossible(f"There is an open task for {criterion}, {tag} already; work on that one.") from None
    _note(row, "opened", by, reason, after={**values, "owner": row.owner, "text": row.text})
    return row


@transaction.atomic
def set_owner(row: Improvement, owner: str, *, by: str, reason: str) -> None:
    """Somebody else sees to it."""
    record.need_person(by, "Handing on an improvement")
    record.need_reason(reason)
    before, after = row.owner, _person(owner)
    if not Improvement.objects.filter(pk=row.pk).exclude(state=State.CLOSED).update(owner=after):
        raise NotPossible(f"“{row}” is closed; open a new task.")
    row.owner = after
    _note(row, "owner", by, reason, before={"owner": before}, after={"owner": after})


@transaction.atomic
def set_change(row: Improvement, link: str, *, by: str, reason: str) -> None:
    """The change is made and can be looked at; from the next Monday on its effect is measured."""
    record.need_person(by, "Noting a change")
    record.need_reason(reason)
    values = {"state": State.CHANGED, "link": _https(link), "changed_at": clock.now()}
    if not Improvement.objects.filter(pk=row.pk, state=State.OPEN).update(**values):
        raise NotPossible(f"“{row}” is not open any more; look again.")
    row.refresh_from_db()
    _note(row, "changed", by, reason, before={"state": State.OPEN.value}, after={"link": row.link})


@transaction.atomic
def close(row: Improvement, note: str, *, by: str) -> None:
    """Done, or not worth doing; `note` says which, and what came of it."""
    record.need_person(by, "Closing an improvement")
    record.need_reason(note)
    before = row.state
    moved = Improvement.objects.filter(pk=row.pk).exclude(state=State.CLOSED)
    if not moved.update(state=State.CLOSED, closed_at=clock.now(), note=_plain(note)):
        raise NotPossible(f"“{row}” is closed already.")
    row.refresh_from_db()
    _note(row, "closed", by, note, before={"state": before}, after={"state": row.state})


def effect(row: Improvement, hidden: Iterable[int] = ()) -> Effect | None:
    """The criterion in the four weeks before the change and in the weeks after it; None before there is a change.

    A week's batch reviews guidance of that week. The week in which the change was made has guidance of both kinds and
    counts on neither side.
    """
    if row.changed_at is None:
        return None
    before, after = weeks_before(row.changed_at), weeks_after(row.changed_at)
    return Effect(_pooled(row, *before, hidden), _pooled(row, *after, hidden))


def weeks_before(moment: datetime) -> tuple[date, date]:
    """The Mondays of the first and the last of the four whole weeks before."""
    last = (moment - WEEK).date() - timedelta(days=(moment - WEEK).weekday())
    return results.weeks_back(last, POOLED), last


def weeks_after(moment: datetime) -> tuple[date, date]:
    """From the first Monday that begins after the moment, without an end."""
    monday = moment.date() - timedelta(days=moment.weekday())
    return (monday if bounds(monday)[0] >= moment else monday + WEEK), date.max


def _pooled(row: Improvement, first: date, last: date, hidden: Iterable[int]) -> Figure:
    rows = results.read(row.repository_id, first, last, hidden)
    finals = [each for each in results.finals(rows) if row.workflow in ("", each.sample.workflow)]
    target = next((each.target for each in results.criteria_of(rows) if each.slug == row.criterion), None)
    return figure((each.outcome.shares.get(row.criterion) for each in finals), target)


def _person(name: str) -> str:
    found = User.objects.filter(username=name.strip(), is_active=True).first()
    if found is None:
        raise NotPossible(f"There is nobody called {name.strip() or '(nothing)'}; name somebody who can sign in.")
    return found.get_username()


def _https(link: str) -> str:
    """The link as given, where it can be followed safely."""
    given = link.strip()
    try:
        parts = urlsplit(given)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme != "https" or not parts.hostname or parts.username or len(given) > 500 or not given.isprintable():
        raise NotPossible("The link to the change begins with https:// and names a host; nothing was changed.")
    return given


def _plain(text: str) -> str:
    return " ".join(text.replace("\0", "").split())


def _note(row: Improvement, action: str, by: str, reason: str, **values: dict[str, str]) -> None:
    subject = f"improvement {row.pk}: {row.criterion}, {row.tag}"
    audit.append(actor=by, action=f"improvement.{action}", subject=subject, reason=reason, **values)
