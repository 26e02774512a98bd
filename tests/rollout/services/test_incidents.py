"""Incidents: owned, explained, looked back on in time, and closed only when all that is there."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model

from pipeline.clock import VirtualClock
from pipeline.models import AuditEntry
from pipeline.services import operations
from pipeline.services.operations import NotPossible
from rollout.models import Announcement, Firing, Incident, Rollout
from rollout.services import incidents
from tests.factories import make_run
from tests.rollout.services.rolling_back import make_lead, make_rollout, operation, rolled_back

HOUR = timedelta(hours=1)


@pytest.fixture
def rollout(time: VirtualClock) -> Rollout:
    made = make_rollout()
    make_lead(made)
    return made


def opened(rollout: Rollout, *, drill: bool = False) -> Incident:
    return incidents.open_incident(rollout, title="Labels lost", by="olga", summary="Labels are gone.", drill=drill)


def finished(incident: Incident) -> None:
    incidents.set_root_cause(incident, "A race.", by="olga")
    incidents.set_action_plan(incident, "Lock it.", by="olga")
    incidents.hold_postmortem(incident, by="olga", note="Everybody was there.")


def test_incident_belongs_to_the_lead_and_is_looked_back_on_in_48_hours(rollout: Rollout, time: VirtualClock) -> None:
    incident = opened(rollout)
    assert (incident.owner, incident.postmortem_due_at - time.now()) == ("lena", timedelta(hours=48))
    assert AuditEntry.objects.filter(action="incident.opened", actor="olga").exists()


def test_without_a_lead_whoever_started_the_rollout_owns_it(time: VirtualClock) -> None:
    assert opened(make_rollout()).owner == "olga"


def test_each_change_is_written_down_with_before_and_after(rollout: Rollout) -> None:
    incidents.set_owner(opened(rollout), "rosa", by="olga", reason="She knows it.")
    entry = AuditEntry.objects.get(action="incident.owner")
    assert (entry.before, entry.after, entry.reason) == ({"owner": "lena"}, {"owner": "rosa"}, "She knows it.")


def test_incident_is_closed_once_cause_plan_and_post_mortem_are_there(rollout: Rollout) -> None:
    incident = opened(rollout)
    with pytest.raises(NotPossible, match="the root cause, the action plan, the post-mortem"):
        incidents.close(incident, by="olga", reason="Enough.")
    finished(incident)
    incidents.close(incident, by="olga", reason="All is said.")
    assert Incident.objects.get().closed_at is not None


def test_drill_is_closed_without_any_of_it(rollout: Rollout) -> None:
    incidents.close(opened(rollout, drill=True), by="olga", reason="It was a drill.")
    assert Incident.objects.get().closed_at is not None


def test_what_makes_no_sense_is_refused(rollout: Rollout) -> None:
    incident = opened(rollout)
    with pytest.raises(NotPossible, match="always has an owner"):
        incidents.set_owner(incident, " ", by="olga", reason="Nobody.")
    finished(incident)
    with pytest.raises(NotPossible, match="was held already"):
        incidents.hold_postmortem(incident, by="olga", note="Again.")
    incidents.close(incident, by="olga", reason="Done.")
    with pytest.raises(NotPossible, match="is closed"):
        incidents.set_root_cause(incident, "Another.", by="olga")


def test_owner_is_reminded_a_day_and_four_hours_before_when_due_and_daily_after(
    rollout: Rollout, time: VirtualClock
) -> None:
    opened(rollout)
    reminded = []
    for hour in range(49 + 48):
        for _repeat in range(2):
            reminded += [hour] * len(incidents.remind_due(time.now()))
        time.advance(HOUR)
    assert reminded == [24, 44, 48, 72, 96]
    assert Announcement.objects.filter(channel="email", subject__startswith="Post-mortem overdue").count() == 3


def test_owner_without_a_role_in_the_rollout_is_mailed_too(rollout: Rollout, time: VirtualClock) -> None:
    get_user_model().objects.create_user("rosa", email="rosa@example.com")
    incidents.set_owner(opened(rollout), "rosa", by="olga", reason="She knows it.")
    time.advance(timedelta(hours=24))
    incidents.remind_due(time.now())
    mail = Announcement.objects.get(channel="email", key__contains="reminder")
    assert mail.recipients == ["lena@example.com", "rosa@example.com"]


def test_nobody_is_reminded_of_what_was_held_or_drilled(rollout: Rollout, time: VirtualClock) -> None:
    incidents.hold_postmortem(opened(rollout), by="olga", note="We met.")
    opened(rollout, drill=True)
    time.advance(timedelta(days=3))
    assert incidents.remind_due(time.now()) == []


def test_reminders_missed_in_an_outage_are_sent_as_one(rollout: Rollout, time: VirtualClock) -> None:
    opened(rollout)
    time.advance(timedelta(days=5))
    assert len(incidents.remind_due(time.now())) == 1
    assert incidents.remind_due(time.now()) == []


def test_timeline_tells_triggers_failed_runs_switches_and_steps_in_order(rollout: Rollout, time: VirtualClock) -> None:
    Firing.objects.create(
        rollout=rollout, trigger="half-failing", action="roll_back", at=time.now(), sentence="6 of 10."
    )
    time.advance(timedelta(minutes=1))
    make_run(operation=operation(rollout, "assign"), state="failed", finished_at=time.now(), error="Every item failed.")
    make_run(operation=operation(rollout, "assign"), state="succeeded", finished_at=time.now())
    time.advance(timedelta(minutes=1))
    rollback = rolled_back(rollout)
    time.advance(timedelta(minutes=1))
    incident = opened(rollout)
    rollback.incident = incident
    rollback.save()
    found = incidents.timeline(incident)
    assert [entry.at for entry in found] == sorted(entry.at for entry in found)
    assert {entry.source for entry in found} == {"trigger", "run", "audit", "rollback"}
    assert sum(entry.source == "run" for entry in found) == 1


def test_timeline_leaves_other_repositories_out(rollout: Rollout) -> None:
    other = make_rollout()
    operations.set_mode(operation(other, "assign"), "off", actor="rosa", reason="Elsewhere.")
    found = incidents.timeline(opened(rollout))
    assert not any(entry.who == "rosa" for entry in found)
