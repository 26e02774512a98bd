"""What validation found reaches people: grouped, once, by Slack and for critical ones by e-mail."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group

from pipeline import clock
from pipeline.clock import VirtualClock
from pipeline.models import Finding, Kind, Operation, Repository, Run
from rollout.domain.alerts import APART, COOL_DOWN
from rollout.models import Announcement, RoleHolder
from rollout.notifier.slack import escaped
from rollout.services import alerts, ticking
from tests.factories import make_finding, make_issue, make_operation, make_repository, make_run
from tests.rollout import world

HOUR = timedelta(hours=1)
CRITICAL = Finding.Severity.CRITICAL


@pytest.fixture
def repository(time: VirtualClock) -> Repository:
    return make_repository(full_name="acme/watch")


@pytest.fixture
def operation(repository: Repository) -> Operation:
    return make_operation(kind=Kind.VALIDATE, repository=repository)


def found(repository: Repository, *, number: int | None = None, **values: Any) -> Finding:
    """A finding on an issue that a validation run saw."""
    issue = make_issue(repository=repository, **({"number": number} if number else {}))
    defaults: dict[str, Any] = {"check_id": "remnant.todo", "sweeps": 1, "first_seen": clock.now()}
    return make_finding(repository=repository, issue=issue, **{**defaults, **values})


def swept(operation: Operation, **values: Any) -> Run:
    """A validation run that has just ended."""
    run = make_run(operation=operation, **{"state": Run.State.SUCCEEDED, "finished_at": clock.now(), **values})
    ticking.after_run(run)
    return run


def told(channel: str = "slack") -> list[Announcement]:
    return list(Announcement.objects.filter(channel=channel).order_by("pk"))


def gone(*rows: Finding) -> None:
    Finding.objects.filter(pk__in=[row.pk for row in rows]).update(resolved_at=clock.now())


def test_a_run_tells_of_all_it_found_in_one_message(operation: Operation, repository: Repository) -> None:
    for number in (11, 12, 13):
        found(repository, number=number)
    found(repository, check_id="reference.file")
    swept(operation)
    (message,) = told()
    assert message.subject == "4 findings in 2 checks on acme/watch"
    assert "- Left to be done: 3 (#11; #12; #13)" in message.body
    assert f"/finding/?repository__id__exact={repository.pk}" in message.body
    assert told("email") == []


def test_a_repeated_task_tells_nothing_twice(operation: Operation, repository: Repository) -> None:
    finding = found(repository)
    run = swept(operation)
    ticking.after_run(run)
    ticking.carry_on()
    assert len(told()) == 1
    finding.refresh_from_db()
    assert finding.alerted_at == clock.now()


def test_killed_before_the_commit_tells_later_what_it_would_have_told(
    operation: Operation, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    finding = found(repository)
    with monkeypatch.context() as patch:
        patch.setattr(alerts, "_note", _killed)
        swept(operation)
    finding.refresh_from_db()
    assert (told(), finding.alerted_at) == ([], None)
    ticking.carry_on()
    assert len(told()) == 1


def _killed(*_: object) -> None:
    raise RuntimeError("The process ended here.")


def test_other_runs_and_notices_tell_nothing(repository: Repository) -> None:
    found(repository, sweeps=0)
    found(repository, severity=Finding.Severity.NOTICE)
    swept(make_operation(kind=Kind.ASSIGN, repository=repository))
    ticking.carry_on()
    assert told() == []


def test_reverting_a_validation_run_tells_nothing(operation: Operation, repository: Repository) -> None:
    swept(operation, purpose=Run.Purpose.REVERT, state=Run.State.FAILED)
    assert told() == []


def test_critical_goes_to_the_workflow_lead_of_the_rollout(time: VirtualClock) -> None:
    rollout = world.started()
    lead = get_user_model().objects.create_user("wanda", email="wanda@example.com")
    RoleHolder.objects.create(rollout=rollout, role="workflow-assignment", user=lead)
    finding = found(rollout.repository, severity=CRITICAL)
    found(rollout.repository)
    alerts.tell(rollout.repository, clock.now())
    (mail,) = told("email")
    assert (mail.recipients, mail.rollout) == (["wanda@example.com"], rollout)
    assert mail.subject == f"Critical: 1 finding on {rollout.repository}"
    assert finding.issue is not None
    assert f"#{finding.issue.number}" in mail.body


def test_without_a_rollout_critical_goes_to_the_rollout_leads(operation: Operation, repository: Repository) -> None:
    lead = get_user_model().objects.create_user("lena", email="lena@example.com")
    lead.groups.add(Group.objects.get_or_create(name="rollout lead")[0])
    found(repository, severity=CRITICAL)
    swept(operation)
    (mail,) = told("email")
    assert (mail.recipients, mail.rollout) == (["lena@example.com"], None)


def test_very_many_findings_make_one_digest(operation: Operation, repository: Repository) -> None:
    now = clock.now()
    Finding.objects.bulk_create(
        Finding(
            repository=repository, check_id="remnant.todo", fingerprint=f"{number:064}", message="TODO", sweeps=1,
            first_seen=now, last_seen=now,
        )
        for number in range(200)
    )  # fmt: skip
    swept(operation)
    (message,) = told()
    assert message.subject == "200 findings in 1 check on acme/watch"
    assert "- Left to be done: 200\n" in message.body


def test_what_comes_within_the_hour_waits_for_the_next_message(
    operation: Operation, repository: Repository, time: VirtualClock
) -> None:
    found(repository)
    swept(operation)
    time.advance(HOUR / 2)
    found(repository)
    swept(operation)
    assert len(told()) == 1
    time.advance(HOUR / 2)
    ticking.carry_on()
    assert [message.subject for message in told()] == ["1 finding in 1 check on acme/watch"] * 2


def test_critical_that_lasts_is_told_again_after_a_day_and_others_are_not(
    operation: Operation, repository: Repository, time: VirtualClock
) -> None:
    found(repository, severity=CRITICAL)
    found(repository)
    swept(operation)
    for _ in range(23):
        time.advance(HOUR)
        swept(operation)
    assert len(told()) == 1
    time.advance(HOUR)
    swept(operation)
    assert [message.subject for message in told()][1:] == ["1 critical finding still there on acme/watch"]
    assert len(told("email")) == 2


def test_flapping_is_told_once_and_its_recovery_once(
    operation: Operation, repository: Repository, time: VirtualClock
) -> None:
    for _ in range(8):
        row = found(repository, fingerprint="f" * 64)
        swept(operation)
        time.advance(HOUR)
        gone(row)
        swept(operation)
        time.advance(HOUR)
    assert [message.subject for message in told()] == [
        "1 finding in 1 check on acme/watch",
        "Recovered on acme/watch: 1 check",
    ]


def test_fault_that_came_back_to_stay_is_told_after_the_cool_down(
    operation: Operation, repository: Repository, time: VirtualClock
) -> None:
    first = found(repository, fingerprint="f" * 64)
    swept(operation)
    time.advance(HOUR)
    gone(first)
    swept(operation)
    time.advance(HOUR)
    found(repository, fingerprint="f" * 64)
    swept(operation)
    assert len(told()) == 2
    time.advance(COOL_DOWN)
    ticking.carry_on()
    assert len(told()) == 3


def test_recovery_waits_until_the_check_finds_nothing_at_all(
    operation: Operation, repository: Repository, time: VirtualClock
) -> None:
    one, other = found(repository), found(repository)
    swept(operation)
    time.advance(APART)
    gone(one)
    swept(operation)
    assert len(told()) == 1
    gone(other)
    swept(operation)
    assert [message.body.splitlines()[0] for message in told()][1:] == ["Recovered: Left to be done."]


def test_muted_is_told_when_the_mute_has_run_out(
    operation: Operation, repository: Repository, time: VirtualClock
) -> None:
    found(repository, muted_until=clock.now() + 2 * HOUR, muted_by="rosa", muted_reason="In work.")
    swept(operation)
    assert told() == []
    time.advance(2 * HOUR)
    ticking.carry_on()
    assert len(told()) == 1


def test_text_from_outside_calls_nobody_in_slack(operation: Operation, repository: Repository) -> None:
    make_finding(repository=repository, check_id="token.refused", sweeps=1, message="<!channel>\n<https://x|y> @here")
    swept(operation)
    (message,) = told()
    assert "(<!channel> <https://x|y> @here)" in message.body
    sent = escaped(message.body)
    assert "<" not in sent
    assert "@here" not in sent


def test_validation_that_cannot_run_is_told_once_until_it_works(
    operation: Operation, repository: Repository, time: VirtualClock
) -> None:
    for error in ("GitHub answered 401.", "GitHub answered 401.", "GitHub answered 503."):
        swept(operation, state=Run.State.FAILED, error=error)
        time.advance(HOUR)
    (message,) = told()
    assert message.subject == "Validation cannot look at acme/watch"
    assert message.body.startswith("GitHub answered 401.\n")
    for _ in range(2):
        swept(operation)
        time.advance(HOUR)
    assert [message.subject for message in told()][1:] == ["Validation works again on acme/watch"]
    swept(operation, state=Run.State.FAILED, error="Again.")
    assert len(told()) == 3


def test_first_run_that_succeeds_tells_nothing(operation: Operation) -> None:
    swept(operation)
    assert told() == []
