"""References that our sections name: looked up on GitHub, a few each run, and remembered for a day.

What was there is asked for again after a day, what was missing after an hour. Those that waited longest come first, so
a run that may only ask so often never starves anything. An absence counts only while GitHub shows us the repository.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pipeline import clock
from pipeline.domain.checks import naming
from pipeline.domain.checks.values import Found, Reference, Thing
from pipeline.github import port
from pipeline.github.port import GitHub
from pipeline.models import Issue, Repository
from pipeline.models import Reference as Row

THERE_FOR = timedelta(hours=24)
MISSING_FOR = timedelta(minutes=50)  # an hourly run asks again
MOST = 200  # look-ups of one run: 4 % of an hour's quota
MOST_TROUBLE = 3
CHUNK = 500
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Resolved:
    """`found`: what is known now; what is missing there is not known. `asked`: look-ups made, each one request."""

    found: Mapping[Reference, Found]
    asked: int
    waiting: int


def resolve(
    repository: Repository,
    github: GitHub,
    named: Sequence[Reference],
    vouched: Mapping[Reference, datetime],
    *,
    whole: bool = True,
) -> Resolved:
    """What is known of `named`. `vouched`: made by us at that moment. `whole`: nothing else is named any more."""
    now = clock.now()
    rows = {_value(row): row for row in Row.objects.filter(repository=repository)}
    wanted = dict.fromkeys(named)
    made = {one for one, at in vouched.items() if one in wanted and now - at < THERE_FOR and one not in rows}
    due = sorted(
        (one for one in wanted if one not in made and _due(rows.get(one), now)), key=lambda one: _order(rows, one)
    )
    asked, answers = _ask(repository, github, due, {key: row.exists for key, row in rows.items()})
    _keep(repository, answers, now)
    if whole:
        _forget([row.pk for key, row in rows.items() if key not in wanted])
    found = dict.fromkeys(made, Found(True))
    found |= {one: Found(rows[one].exists, rows[one].words) for one in wanted if one in rows}
    return Resolved(found | answers, asked, len(due) - len(answers))


def _value(row: Row) -> Reference:
    return Reference(Thing(row.thing), row.name, row.ref)


def _due(row: Row | None, now: datetime) -> bool:
    return row is None or now - row.checked_at >= (THERE_FOR if row.exists else MISSING_FOR)


def _order(rows: Mapping[Reference, Row], one: Reference) -> tuple[datetime, bool, str, str]:
    """Longest waiting first; branches before the files on them."""
    at = rows[one].checked_at if one in rows else _LONG_AGO
    return at, one.thing is Thing.FILE, one.name, one.ref


def _ask(
    repository: Repository, github: GitHub, due: Sequence[Reference], known: Mapping[Reference, bool]
) -> tuple[int, dict[Reference, Found]]:
    answers = {one: Found(True) for one in _issues_of_ours(repository, due)}
    asked = trouble = 0
    for one in due:
        if asked >= MOST or trouble >= MOST_TROUBLE:
            break
        branch = Reference(Thing.BRANCH, one.ref)
        if one.ref and not (answers[branch].exists if branch in answers else known.get(branch, True)):
            continue  # told by its branch
        if one in answers:
            continue
        if naming.impossible(one):
            answers[one] = Found(False)
            continue
        asked += 1
        try:
            answers[one] = _LOOK[one.thing](github, one)
        except port.Transient:
            trouble += 1
        except port.GitHubError:
            break  # out of quota, or refused: the next run goes on
    if any(not found.exists for found in answers.values()):
        asked += 1
        if not _shown(repository, github):
            answers = {one: found for one, found in answers.items() if found.exists}
    return asked, answers


def _issues_of_ours(repository: Repository, due: Sequence[Reference]) -> list[Reference]:
    """Issues that we have a row of need no look-up."""
    linked = {int(one.name): one for one in due if one.thing is Thing.ISSUE}
    rows = Issue.objects.filter(repository=repository, number__in=list(linked)) if linked else Issue.objects.none()
    return [linked[number] for number in rows.values_list("number", flat=True)]


def _shown(repository: Repository, github: GitHub) -> bool:
    """Whether GitHub shows us the repository at all: without it a 404 proves nothing."""
    try:
        return github.branch(repository.default_branch) is not None
    except port.GitHubError:
        return False


def _branch(github: GitHub, one: Reference) -> Found:
    return Found(github.branch(one.name) is not None)


def _file(github: GitHub, one: Reference) -> Found:
    content = github.file(one.name, one.ref)
    return Found(False) if content is None else Found(True, len(content.decode("utf-8", "replace").split()))


def _pull(github: GitHub, one: Reference) -> Found:
    try:
        github.pull(int(one.name))
    except (port.NotFound, port.Gone):
        return Found(False)
    return Found(True)


def _issue(github: GitHub, one: Reference) -> Found:
    try:
        github.issue(int(one.name))
    except (port.NotFound, port.Gone):
        return Found(False)
    except port.Moved:
        return Found(True)  # GitHub leads on to where it is now
    return Found(True)


_LOOK: dict[Thing, Callable[[GitHub, Reference], Found]] = {
    Thing.BRANCH: _branch,
    Thing.FILE: _file,
    Thing.PULL: _pull,
    Thing.ISSUE: _issue,
}


def _keep(repository: Repository, answers: Mapping[Reference, Found], now: datetime) -> None:
    rows = [
        Row(
            repository=repository,
            thing=one.thing.value,
            name=one.name,
            ref=one.ref,
            exists=found.exists,
            words=found.words,
            checked_at=now,
        )
        for one, found in answers.items()
    ]
    Row.objects.bulk_create(
        rows,
        batch_size=CHUNK,
        update_conflicts=True,
        unique_fields=["repository", "thing", "name", "ref"],
        update_fields=["exists", "words", "checked_at"],
    )


def _forget(keys: Sequence[int]) -> None:
    for start in range(0, len(keys), CHUNK):
        Row.objects.filter(pk__in=keys[start : start + CHUNK]).delete()
