"""The coordinated timetable as cron entries (plan 2.3)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pipeline import clock
from pipeline.models import AuditEntry, Operation
from pipeline.services.operations import NotPossible, cron_of
from rollout.domain.plan import TimetableEntry
from rollout.models import Rollout
from rollout.services import plans, timetable
from tests.factories import make_run
from tests.rollout import world
from tests.rollout.hand_plan import make_plan

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("virtual_clock")]


def crons(rollout: Rollout) -> dict[str, str | None]:
    rows = Operation.objects.filter(repository=rollout.repository).select_related("periodic_task__crontab")
    return {row.name: cron_of(row) for row in rows}


def started_with(*entries: TimetableEntry) -> Rollout:
    return world.started(make_plan(timetable=entries))


def test_several_times_of_one_minute_become_one_cron() -> None:
    rollout = world.started()
    timetable.apply(rollout, "anna", "Assignment before processing.")
    found = crons(rollout)
    assert (found["assign"], found["process"], found["daily"]) == ("0 2,6 * * *", "0 4 * * *", "30 6 * * *")
    assert AuditEntry.objects.filter(action="timetable.applied", actor="anna").count() == 1


def test_an_applied_timetable_stays_when_the_steps_go_live_with_other_crons() -> None:
    rollout = world.started()
    timetable.apply(rollout, "anna", "Assignment before processing.")
    world.tick(rollout)
    assert crons(rollout)["assign"] == "0 2,6 * * *"


def test_times_that_fit_no_single_cron_are_refused_and_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    rollout = world.started()
    # A plan file with these lines is refused already; this is the second lock.
    entries = tuple(
        TimetableEntry(at, name) for at, name in (("02:00", "assign"), ("03:30", "assign"), ("04:00", "process"))
    )
    monkeypatch.setattr(plans, "plan_of", lambda _version: make_plan(timetable=entries))
    before = crons(rollout)
    assert "do not fit into one cron" in timetable.propose(rollout).refusals[0]
    with pytest.raises(NotPossible, match=r"The times of assign \(02:00, 03:30\).*Nothing was changed"):
        timetable.apply(rollout, "anna", "Please.")
    assert crons(rollout) == before


def test_an_operation_that_is_missing_is_refused_by_name() -> None:
    rollout = started_with(TimetableEntry("02:00", "assign"))
    Operation.objects.filter(repository=rollout.repository, name="assign").delete()
    assert timetable.propose(rollout).refusals == (
        f"The timetable names assign, which {rollout.repository} does not have.",
    )


def test_clashes_within_a_group_are_shown_before() -> None:
    rollout = started_with(TimetableEntry("06:25", "assign"))
    proposal = timetable.propose(rollout)
    assert any({clash.first, clash.second} == {"assign", "daily"} for clash in proposal.clashes)
    assert crons(rollout)["assign"] == "0 */2 * * *"


def test_a_run_that_is_known_to_last_into_the_next_start_clashes() -> None:
    rollout = started_with(TimetableEntry("06:00", "assign"))
    assert not timetable.propose(rollout).clashes
    row = Operation.objects.get(repository=rollout.repository, name="assign")
    begun = clock.now() - timedelta(hours=2)
    make_run(
        operation=row, purpose="scheduled", state="succeeded", nominal_at=begun, started_at=begun,
        finished_at=begun + timedelta(minutes=45),
    )  # fmt: skip
    (found,) = timetable.propose(rollout).clashes
    assert (found.first, found.second, found.overlap) == ("assign", "daily", 15)


def test_a_mode_in_the_timetable_is_said_to_be_left_to_the_steps() -> None:
    rollout = world.started()
    proposal = timetable.propose(rollout)
    assert "The timetable says dry run for daily at 06:30" in proposal.notes[0]
    timetable.apply(rollout, "anna", "Please.")
    assert world.live(rollout) == set()


def test_a_plan_without_a_timetable_and_a_rule_are_refused() -> None:
    rollout = started_with()
    with pytest.raises(NotPossible, match="has no timetable"):
        timetable.apply(rollout, "anna", "Please.")
    with pytest.raises(NotPossible, match="for a person"):
        timetable.apply(rollout, "rule:timetable", "Please.")
