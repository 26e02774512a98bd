"""A plan in force changes by request only: one asks, another approves, and what they saw is what comes."""

from __future__ import annotations

import pytest

from pipeline.clock import VirtualClock
from pipeline.models import AuditEntry
from pipeline.services.operations import NotPossible
from rollout.domain.plan_file import PlanFileError
from rollout.models import ChangeRequest, EscalationRule, Gate, PlanVersion, ProgressEntry, Rollout, StepProgress
from rollout.services import change_requests, fence, plans, reconcile
from rollout.services.completion import service_levels
from tests.factories import MOMENT, make_operation
from tests.rollout import world
from tests.rollout.factories import make_plan, make_rollout

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("virtual_clock")]
SHIPPED = plans.shipped_text()
CHANGED = SHIPPED.replace("limit: 10\n            cron", "limit: 8\n            cron", 1)


def asked(rollout: Rollout | None = None, text: str = CHANGED) -> ChangeRequest:
    return change_requests.ask(rollout or make_rollout(), text, actor="lena", reason="Eight are enough.")


def approved(request: ChangeRequest) -> PlanVersion:
    return change_requests.approve(request, actor="otto", note="Seen.")


def test_a_request_shows_what_would_change_and_changes_nothing() -> None:
    rollout = make_rollout()
    before = rollout.plan

    request = asked(rollout)

    rollout.refresh_from_db()
    assert rollout.plan == before
    assert request.diff.startswith("phase week-1 › step 1.1 › setting assign › limit: 10 → 8\n")
    assert "+            limit: 8" in request.diff


def test_an_approved_request_puts_a_new_frozen_version_in_force() -> None:
    rollout = make_rollout()

    version = approved(asked(rollout))

    rollout.refresh_from_db()
    assert rollout.plan == version
    assert (version.status, version.text, version.sha256) == ("frozen", CHANGED, plans.digest(CHANGED))
    assert ChangeRequest.objects.get().state == ChangeRequest.State.APPROVED


def test_an_approved_request_is_carried_out_at_once(virtual_clock: VirtualClock) -> None:
    rollout = world.in_week_1()
    text = rollout.plan.text.replace("limit: 10", "limit: 8", 1)

    approved(asked(rollout, text))

    assert world.operation(rollout, "assign").limit == 8


def test_service_levels_and_escalations_of_the_changed_plan_hold_from_then_on() -> None:
    rollout = make_rollout()
    text = SHIPPED.replace("{day: 3, text", "{day: 4, text").replace(
        "threshold: 0.95\n    within", "threshold: 0.9\n    within"
    )

    approved(asked(rollout, text))

    level = {row.slug: row.threshold for row in service_levels.in_force(rollout.repository_id)}
    assert level["completion-7d"] == 0.9
    assert EscalationRule.objects.get(repository=rollout.repository, action="remind").days_overdue == 4


def test_an_operation_that_the_repository_lacks_is_not_asked_for(virtual_clock: VirtualClock) -> None:
    rollout = world.in_week_1()
    make_operation(name="watch-harbours")
    text = rollout.plan.text.replace("operation: process", "operation: watch-harbours", 1)

    with pytest.raises(NotPossible, match=r"turns watch-harbours, which .* does not have; add them"):
        asked(rollout, text)

    assert not ChangeRequest.objects.exists()


def test_a_change_whose_operation_vanished_meanwhile_is_refused_in_a_sentence() -> None:
    rollout = make_rollout()
    added = make_operation(repository=rollout.repository, name="watch-harbours")
    request = asked(rollout, SHIPPED.replace("operation: validate", "operation: watch-harbours", 1))
    added.delete()

    with pytest.raises(NotPossible, match=r"cannot be carried out any more: .*line \d+"):
        approved(request)


def test_the_version_that_was_in_force_stays_as_it_was() -> None:
    rollout = make_rollout()
    before = rollout.plan

    approved(asked(rollout))

    before.refresh_from_db()
    assert (before.text, before.status) == (SHIPPED, "frozen")


@pytest.mark.parametrize("actor", ["lena", "LENA"])
def test_nobody_approves_or_rejects_their_own_request(actor: str) -> None:
    request = asked()

    for decide in (change_requests.approve, change_requests.reject):
        with pytest.raises(NotPossible, match="somebody other than the one who asked"):
            decide(request, actor=actor, note="Fine.")

    assert ChangeRequest.objects.get().state == ChangeRequest.State.OPEN


@pytest.mark.parametrize("actor", ["rule:half-failing", "", " "])
def test_a_rule_or_nobody_cannot_approve(actor: str) -> None:
    request = asked()

    with pytest.raises(NotPossible, match="is for a person to do"):
        change_requests.approve(request, actor=actor)


def test_gates_that_are_being_asked_become_void_and_others_stay() -> None:
    rollout = make_rollout()
    facts = {"rollout": rollout, "asked_by": "lena", "asked_at": MOMENT, "evidence_hash": "0" * 64, "verdict": "pass"}
    waiting = Gate.objects.create(slug="day-7", **facts)
    done = Gate.objects.create(
        slug="rehearsal-sign-off", state=Gate.State.DECIDED, decision="go", reason="All well.", **facts
    )

    approved(asked(rollout))

    waiting.refresh_from_db()
    done.refresh_from_db()
    assert (waiting.state, done.state) == (Gate.State.VOID, Gate.State.DECIDED)
    assert "1 gate must be asked again" in ProgressEntry.objects.get(actor="otto").sentence


def test_a_change_of_a_plan_that_changed_since_is_refused() -> None:
    rollout = make_rollout()
    late = asked(rollout, SHIPPED.replace("owner: Workflow", "owner: The Workflow"))
    approved(asked(rollout))

    with pytest.raises(NotPossible, match="after this change was asked for; withdraw it and ask again"):
        approved(late)

    rollout.refresh_from_db()
    assert rollout.plan.text == CHANGED


def test_a_text_made_from_an_older_plan_is_not_asked_for() -> None:
    rollout = make_rollout()
    seen = rollout.plan.sha256
    approved(asked(rollout))

    with pytest.raises(NotPossible, match="while you wrote; keep your text"):
        change_requests.ask(rollout, SHIPPED + "# mine", actor="lena", reason="Mine.", seen=seen)

    assert ChangeRequest.objects.count() == 1


def test_a_plan_that_came_back_to_the_same_text_still_voids_older_requests() -> None:
    rollout = make_rollout()
    late = asked(rollout, SHIPPED.replace("owner: Workflow", "owner: The Workflow"))
    approved(asked(rollout))
    approved(asked(rollout, SHIPPED))

    with pytest.raises(NotPossible, match="ask again"):
        approved(late)


def test_a_text_that_was_exchanged_behind_the_diff_is_refused() -> None:
    request = asked()
    ChangeRequest.objects.update(text=SHIPPED.replace("limit: 10\n", "limit: 900\n", 1))

    with pytest.raises(NotPossible, match="does not fit the diff"):
        approved(request)

    assert PlanVersion.objects.count() == 1


def test_a_request_is_decided_once() -> None:
    request = asked()
    approved(request)

    for again in (
        lambda: approved(request),
        lambda: change_requests.reject(request, actor="otto", note="No."),
        lambda: change_requests.withdraw(request, actor="lena"),
    ):
        with pytest.raises(NotPossible, match="is approved already"):
            again()

    assert PlanVersion.objects.count() == 2


def test_a_rejected_request_keeps_its_reason_and_the_plan() -> None:
    rollout = make_rollout()

    request = change_requests.reject(asked(rollout), actor="otto", note="Too cautious.")

    assert (request.state, request.reviewed_by, request.review_note) == ("rejected", "otto", "Too cautious.")
    assert Rollout.objects.get().plan == rollout.plan


def test_a_rejection_needs_a_reason() -> None:
    with pytest.raises(NotPossible, match="needs a reason"):
        change_requests.reject(asked(), actor="otto", note=" ")


def test_only_the_one_who_asked_withdraws() -> None:
    request = asked()
    with pytest.raises(NotPossible, match="asked for by lena; only they can withdraw it"):
        change_requests.withdraw(request, actor="otto")

    assert change_requests.withdraw(request, actor="lena").state == ChangeRequest.State.WITHDRAWN


def test_a_request_needs_a_reason() -> None:
    with pytest.raises(NotPossible, match="needs a reason"):
        change_requests.ask(make_rollout(), CHANGED, actor="lena", reason="")


def test_a_text_that_cannot_be_read_is_refused_with_its_line() -> None:
    with pytest.raises(PlanFileError, match=r"unified-pipeline.yaml, line \d+, column \d+: There is no metric"):
        asked(text=SHIPPED.replace("metric: triage_drift", "metric: nothing", 1))

    assert not ChangeRequest.objects.exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (SHIPPED, "nothing would change"),
        (SHIPPED.replace("slug: unified-pipeline", "slug: other", 1), "must stay 'unified-pipeline'"),
        (SHIPPED.replace("week-1", "week-one"), "phase 'week-1' is in force and is missing"),
    ],
)
def test_a_text_that_this_rollout_cannot_go_on_with_is_refused(text: str, said: str) -> None:
    with pytest.raises(NotPossible, match=said):
        asked(text=text)


def test_a_step_that_has_begun_cannot_be_taken_out() -> None:
    rollout = make_rollout()
    StepProgress.objects.create(rollout=rollout, number="1.3", state=StepProgress.State.LIVE)

    with pytest.raises(NotPossible, match=r"Step 1\.3 has begun and is missing"):
        asked(rollout, SHIPPED.replace('number: "1.3"', 'number: "1.9"').replace('step: "1.3"', 'step: "1.9"'))


def test_a_step_that_is_new_waits() -> None:
    rollout = make_rollout()
    StepProgress.objects.create(rollout=rollout, number="1.1", state=StepProgress.State.LIVE)

    approved(asked(rollout))

    assert rollout.steps.get(number="1.1").state == StepProgress.State.LIVE
    assert rollout.steps.get(number="4.3").state == StepProgress.State.WAITING


def test_a_draft_is_edited_not_requested() -> None:
    with pytest.raises(NotPossible, match="is a draft; edit it directly"):
        asked(make_rollout(plan=make_plan(frozen=False)))


def test_a_finished_rollout_takes_no_requests() -> None:
    with pytest.raises(NotPossible, match="finished"):
        asked(make_rollout(state=Rollout.State.FINISHED))


def test_who_asked_who_approved_and_what_changed_is_on_the_log() -> None:
    rollout = make_rollout()
    before = rollout.plan

    version = approved(asked(rollout))

    entry = AuditEntry.objects.get(action="plan.changed")
    assert (entry.actor, entry.evidence["asked_by"], entry.reason) == ("otto", "lena", "Eight are enough.")
    assert (entry.before["sha256"], entry.after["sha256"]) == (before.sha256, version.sha256)


def test_a_reconcile_under_way_ends_when_the_plan_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    rollout = world.in_week_1()
    request = asked(rollout, rollout.plan.text.replace("limit: 10", "limit: 8", 1))
    rollout.refresh_from_db()
    under_way = fence.take(rollout)
    assert under_way is not None
    monkeypatch.setattr(reconcile, "reconcile", lambda *_given: [])
    approved(request)
    with pytest.raises(fence.Fenced), under_way.change():
        pass
