"""The rows of `benchmarks.validate`, and its sweeps; imported once Django is set up."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from django.core.management import call_command

from pipeline import clock
from pipeline.domain.checks import reading
from pipeline.domain.facts import Branch
from pipeline.models import Effect, Handover, Issue, Operation, Repository, RunItem
from pipeline.services import validation
from tests.factories import (
    MOMENT,
    make_item,
    make_operation,
    make_repository,
    make_run,
    make_specialist,
    make_workflow,
)
from tests.fake_github import FakeGitHub
from tests.pipeline.domain.checks import corpus
from tests.pipeline.domain.checks.healthy import Life
from tests.values import pull

AGES = 4  # sweeps, an hour apart


class Timed:
    """A GitHub in memory that counts what it is asked and how long it takes over it."""

    def __init__(self, inner: FakeGitHub) -> None:
        self.inner, self.calls, self.seconds = inner, Counter[str](), 0.0

    def __getattr__(self, name: str) -> Any:
        asked = getattr(self.inner, name)

        def call(*given: Any, **named: Any) -> Any:
            self.calls[name] += 1
            began = time.perf_counter()
            try:
                return asked(*given, **named)
            finally:
                self.seconds += time.perf_counter() - began

        return call


def lives(count: int, faulty: float) -> Iterator[Life]:
    """Issues in order and, spread among them, spoilt ones of every kind that a row can show."""
    sound = [life for found in corpus.bases().values() for life in found]
    spoilt = [kind.spoil(corpus.bases()[kind.base][0]) for kind in corpus.KINDS if kind.values is None]
    every = round(1 / faulty) if faulty else count + 1
    for number in range(1, count + 1):
        yield spoilt[number // every % len(spoilt)] if number % every == 0 else sound[number % len(sound)]


def filled(count: int, faulty: float) -> tuple[Operation, FakeGitHub]:
    """The rows, and the same on GitHub."""

    repository = make_repository(token_checked_at=MOMENT, synced_at=MOMENT, sync_since=MOMENT, token_login="watch-bot")  # noqa: S106
    make_workflow(slug="osint-research", minimum_words=200, specialist=make_specialist(slug="osint-researcher"))
    operation = make_operation(repository=repository, kind="validate")
    made = list(enumerate(lives(count, faulty), 1))
    rows = Issue.objects.bulk_create([_row(repository, number, life) for number, life in made], batch_size=500)
    live = make_operation(repository=repository, kind="process", mode="live")
    item = make_item(run=make_run(operation=live, state="succeeded"), issue=rows[0], state="done")
    Handover.objects.bulk_create(
        [
            Handover(
                issue=row,
                generation=1,
                requested_at=MOMENT - timedelta(days=2),
                outcome=life.handover.outcome,
                scaffold_branch=life.handover.branch,
                scaffold_pull=row.number,
            )
            for row, (_, life) in zip(rows, made, strict=True)
            if life.handover is not None
        ],
        batch_size=500,
    )
    Effect.objects.bulk_create(
        [_effect(item, row, life, order) for order, (row, (_, life)) in enumerate(zip(rows, made, strict=True))],
        batch_size=500,
    )
    github = FakeGitHub()
    for row in rows:
        github.rows[row.number] = row.snapshot()
    for row, (_, life) in zip(rows, made, strict=True):
        github.pulls[row.number] = pull(number=row.number)
        for one in life.subject().named if life.handover else ():
            github.branches.setdefault(one.ref or one.name, [Branch(one.ref or one.name, "a" * 40)])
            github.files.setdefault(one.name, b"word " * 300)
    return operation, github


def _row(repository: Repository, number: int, life: Life) -> Issue:

    shown = life.issue
    return Issue(
        repository=repository,
        number=number,
        node_id=f"I_{number}",
        state=life.state.value,
        title=shown.title,
        body=shown.body.replace("https://news.example/a", f"https://news.example/{number}"),
        labels=list(shown.labels),
        assignees=[{"login": one.login, "id": one.id, "kind": one.kind} for one in shown.assignees],
        is_open=shown.is_open,
        closed_at=shown.closed_at,
        author={"login": "watch-bot", "id": 7, "kind": "Bot"},
        remote_created_at=MOMENT,
        remote_updated_at=MOMENT - timedelta(seconds=number),
        read_at=MOMENT,
        handed_over_at=life.handover.requested_at if life.handover else None,
    )


def _effect(item: RunItem, row: Issue, life: Life, order: int) -> Effect:

    sections = reading.sections(life.issue.body)
    return Effect(
        item=item,
        issue=row,
        order=order,
        key=f"key-{order}",
        kind="write_sections",
        payload={"sections": [[heading, sections.get(heading, "")] for heading in sorted(life.written)]},
        request_hash="0" * 64,
        live=True,
        state="applied",
        planned_at=MOMENT,
        settled_at=MOMENT,
    )


def measure(count: int, faulty: float) -> None:

    call_command("migrate", interactive=False, verbosity=0)
    operation, inner = filled(count, faulty)
    moving = clock.VirtualClock(MOMENT)
    with clock.using(moving):
        for sweep in range(AGES):
            moving.advance(timedelta(hours=1))
            run = make_run(operation=operation, state="working")
            github = Timed(inner)
            began, own = time.perf_counter(), time.process_time()
            swept = validation.sweep(run, github)
            wall, own = time.perf_counter() - began, time.process_time() - own
            type(run).objects.filter(pk=run.pk).update(
                state="succeeded", finished_at=moving.now(), statistics={"validation": swept.told}
            )
            _tell(sweep, count, (wall - github.seconds, own - github.seconds), github, swept.told)


def _tell(sweep: int, count: int, seconds: Sequence[float], github: Timed, told: dict[str, Any]) -> None:
    pages = github.calls.pop("issues", 0)
    asked = sum(github.calls.values())
    if pages > max(1, count // 100) or asked != told["references"]:
        raise SystemExit(f"{pages} list pages and {asked} other requests are more than the bound.")
    counted = {name: told[name] for name in ("issues", "new", "seen_again", "resolved", "open", "references_waiting")}
    sys.stdout.write(
        f"sweep {sweep + 1}: {seconds[0]:.1f} s by the wall clock, {seconds[1]:.1f} s own processor time, "
        f"{pages} list pages, {asked} references; {counted}\n"
    )
