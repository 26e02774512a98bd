"""What the commands for scripts share: finding an operation by name, carrying a run out in this process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.models import Q

from pipeline import clock
from pipeline.models import Issue, Operation, Repository, Run, RunItem
from pipeline.services import execution
from pipeline.services.operations import NotPossible

# Exit codes, the same for every command.
OK, FAILED, BAD_INPUT, TRY_LATER = 0, 1, 2, 75


def repository_named(full_name: str | None) -> Repository:
    """The repository of that name or web address, or the only one."""
    rows = list(Repository.objects.order_by("pk"))
    wanted = (full_name or "").rstrip("/").lower()
    found = [row for row in rows if not wanted or wanted in (row.full_name.lower(), row.html_url.lower())]
    if not found:
        named = f" {full_name!r}" if full_name else ""
        raise NotPossible(f"There is no repository{named}; add it in the admin under Repositories.")
    if len(found) > 1 and wanted:
        places = " or ".join(row.html_url for row in found)
        raise NotPossible(f"Several servers have a repository {full_name!r}; name one by its address: {places}.")
    if len(found) > 1:
        raise NotPossible("There are several repositories; name one with --repository owner/name.")
    return found[0]


def operation_named(name: str, full_name: str | None) -> Operation:
    """An operation by its name or, where only one has it, its kind."""
    repository = repository_named(full_name)
    rows = Operation.objects.filter(Q(name=name) | Q(kind=name), repository=repository)
    exact = rows.filter(name=name).first() or rows.first()
    if exact is None:
        known = ", ".join(repository.operations.order_by("name").values_list("name", flat=True))
        raise NotPossible(f"{repository} has no operation {name!r}; it has {known or 'none'}.")
    return exact


def unseen(settled: int, total: int) -> None:
    """Progress that is shown to nobody."""


def carry_out(run: Run, progress: Callable[[int, int], None] = unseen) -> Run:
    """Work a run to its end in this process; `progress` is told (settled, all) after each round."""
    execution.execute(run.pk)
    run.refresh_from_db()
    for child in _ordered_children(run):
        carry_out(child, progress)
    while run.is_active:
        if not run.selected:  # a passing fault put the choosing of its items off
            execution.execute(run.pk)
        execution.work_on(run.pk)
        run.refresh_from_db()
        settled = run.items.exclude(state__in=RunItem.ACTIVE).count()
        progress(settled, run.items.count())
        if run.is_active and not _wait(run):
            break
        run.refresh_from_db()
    return run


def _ordered_children(run: Run) -> Any:
    """Parts appear one after the other, each when the one before is closed."""
    seen: set[int] = set()
    while (child := run.children.exclude(pk__in=seen).order_by("pk").first()) is not None:
        seen.add(child.pk)
        yield child


def _wait(run: Run) -> bool:
    """Until the next item, or the next choosing of them, is due; False when that is better left to the workers."""
    if run.children.filter(state__in=Run.ACTIVE).exists():
        return False  # a part was left to the workers
    due = run.items.filter(state=RunItem.State.WAITING).order_by("due_at").values_list("due_at", flat=True).first()
    due = run.claimed_until if not run.selected else due
    seconds = (due - clock.now()).total_seconds() if due else 1.0
    if seconds > 60:
        return False
    clock.sleep(max(0.05, seconds))
    return True


def exit_code(run: Run) -> int:
    """What a script wants to know: done, something failed, or try again later."""
    run.refresh_from_db()
    runs = [run.pk, *run.children.values_list("pk", flat=True)]
    items = RunItem.objects.filter(run__in=runs)
    undone = [RunItem.State.FAILED, RunItem.State.CANCELLED]
    if run.purpose in (Run.Purpose.APPLY, Run.Purpose.REVERT):  # elsewhere a conflict waits for a person as it should
        undone.append(RunItem.State.CONFLICT)
    if run.state in (Run.State.FAILED, Run.State.CANCELLED) or items.filter(state__in=undone).exists():
        return FAILED
    if run.is_active or items.filter(state=RunItem.State.DEFERRED).exists():
        return TRY_LATER
    return OK


def left_out(run: Run) -> list[str]:
    """One sentence for each issue that was asked for and that the run did not take on."""
    runs = [run.pk, *run.children.values_list("pk", flat=True)]
    taken = set(RunItem.objects.filter(run__in=runs, issue__isnull=False).values_list("issue__number", flat=True))
    asked = sorted(set(run.options.get("issues") or ()) - taken)
    known = {row.number: row for row in Issue.objects.filter(repository=run.repository, number__in=asked)}
    return [_why_left_out(number, known.get(number)) for number in asked]


def _why_left_out(number: int, issue: Issue | None) -> str:
    if issue is None:
        return f"#{number} was not taken on: no issue of the pipeline has this number here."
    stands = f"in state::{issue.state}, {'open' if issue.is_open else 'closed'}, {issue.get_presence_display()}"
    return f"#{number} was not taken on: it is {stands}."


def summary(run: Run) -> dict[str, Any]:
    """A run as plain values, for `--json`; a daily run with its parts."""
    return {
        "run": run.pk,
        "operation": run.kind,
        "repository": run.repository.full_name,
        "mode": run.mode,
        "purpose": run.purpose,
        "state": run.state,
        "error": run.error,
        "limit": run.limit,
        "started_at": run.started_at.isoformat() if run.started_at else None,
        "finished_at": run.finished_at.isoformat() if run.finished_at else None,
        "statistics": run.statistics,
        "items": [
            {
                "issue": item.issue.number if item.issue else None,
                "state": item.state,
                "outcome": item.outcome,
                "reason": item.reason,
                "error_type": item.error_type,
            }
            for item in run.items.select_related("issue").order_by("position")
        ],
        "left_out": left_out(run),
        "parts": [summary(part) for part in run.children.order_by("pk")],
    }
