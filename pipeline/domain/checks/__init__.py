"""What validation looks for (plan 3.1). A new check is one function and one entry in the `CHECKS` of its module."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pipeline.domain import changes
from pipeline.domain.checks import copilot, labels, naming, records, remnants, whole
from pipeline.domain.checks.values import Check, Fault, Subject, Whole, WholeCheck
from pipeline.domain.plan import Plan, Planned, Verdict, skip
from pipeline.domain.states import State

ISSUE_CHECKS: tuple[Check, ...] = (
    *labels.CHECKS,
    *copilot.CHECKS,
    *remnants.CHECKS,
    *naming.CHECKS,
    *records.CHECKS,
)
WHOLE_CHECKS: tuple[WholeCheck, ...] = whole.CHECKS
_OF_ISSUE = {check.id: check for check in ISSUE_CHECKS}
_OF_WHOLE = {check.id: check for check in WHOLE_CHECKS}
BY_ID: dict[str, Check | WholeCheck] = {**_OF_ISSUE, **_OF_WHOLE}


def look(subject: Subject, checks: Iterable[Check] = ISSUE_CHECKS) -> tuple[dict[str, Fault], tuple[str, ...]]:
    """Check → fault for what is wrong, and the checks that could not be judged now."""
    faults: dict[str, Fault] = {}
    unseen = []
    for check in checks:
        if not check.able(subject):
            unseen.append(check.id)
            continue
        fault = check.look(subject)
        if fault is not None:
            faults[check.id] = fault
    return faults, tuple(unseen)


def look_at_whole(subject: Whole) -> tuple[dict[str, Sequence[Fault]], tuple[str, ...]]:
    """The same of a repository; a check may find several faults."""
    judged = [check for check in WHOLE_CHECKS if check.able(subject)]
    unseen = tuple(check.id for check in WHOLE_CHECKS if check not in judged)
    return {check.id: found for check in judged if (found := check.look(subject))}, unseen


def repairable(subject: Subject, faults: Iterable[str]) -> tuple[str, ...]:
    """Those of the faults that have a safe repair here."""
    wanted = set(faults)
    return tuple(
        check.id for check in ISSUE_CHECKS if check.id in wanted and check.repair is not None and check.repair(subject)
    )


def plan_repair(subject: Subject) -> Plan:
    """Every safe repair that the issue needs now, as one step; nothing when the faults are gone."""
    mendable = [check for check in ISSUE_CHECKS if check.repair is not None]
    faults, _ = look(subject, mendable)
    repairs = {check.title: check.repair(subject) for check in mendable if check.id in faults and check.repair}
    made = {title: repair for title, repair in repairs.items() if repair is not None}
    if not made:
        return skip("healthy", "The fault is gone, or cannot be repaired safely any more.")
    moves: dict[int, State] = {}
    for repair in made.values():
        moves |= repair.moves
    planned = [row for repair in made.values() for row in repair.effects]
    effects = tuple(one for kind in (changes.AddLabels, changes.RemoveLabels) if (one := _joined(kind, planned)))
    return Plan(Verdict.CHANGE, "repaired", f"Found: {'; '.join(made)}.", effects, moves, {"faults": sorted(faults)})


def _joined(kind: type[changes.AddLabels | changes.RemoveLabels], planned: Iterable[Planned]) -> Planned | None:
    """Two repairs may take the same label off: one change of a kind, each label once."""
    labels: dict[str, None] = {}
    before: dict[str, None] = {}
    for row in planned:
        if isinstance(row.change, kind):
            labels |= dict.fromkeys(row.change.labels)
            before |= dict.fromkeys(row.before["labels"])
    return Planned(kind(tuple(labels)), before={"labels": list(before)}) if labels else None
