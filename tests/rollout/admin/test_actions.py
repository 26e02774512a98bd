"""What the pages do when answered: one service each, and a sentence where it is refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from django.test import Client

from pipeline import clock
from pipeline.domain.changes import WriteSections
from pipeline.domain.sections import splice
from pipeline.services import operations
from rollout.models import Announcement, Hold, PlanVersion, ProgressEntry, Rollback, Rollout, TriggerState
from rollout.services import plans
from tests import factories as make
from tests.rollout.admin.addresses import page
from tests.rollout.admin.world import LEAD, OPERATOR, OTHER_LEAD, SIGNERS, World

As = Callable[[str], Client]


def test_gate_is_signed_and_decided_by_people(world: World, as_person: As) -> None:
    for role in SIGNERS[1:]:
        as_person(f"signs-{role}").post(page("gate_sign", world.gate.pk), {"role": role})
    as_person(LEAD).post(page("gate_decide", world.gate.pk), {"decision": "go", "reason": "All is well."})

    world.gate.refresh_from_db()
    assert (world.gate.state, world.gate.decision, world.gate.decided_by) == ("decided", "go", LEAD)


def test_answer_that_changes_voids_the_gate_and_says_so(world: World, as_person: As) -> None:
    client = as_person(LEAD)
    answer = {"met": "no", "reason": "It was not all of it."}
    client.post(page("rollout_answer", world.rollout.pk, "rehearsal-executed"), answer)

    text = client.get(page("gate_change", world.gate.pk)).content.decode()
    assert "has to" in text or "Ask it again" in text
    world.gate.refresh_from_db()
    assert world.gate.state == "void"


def test_operator_holds_a_step_and_sees_it(world: World, as_person: As) -> None:
    client = as_person(OPERATOR)
    client.post(page("rollout_hold", world.rollout.pk), {"scope": "step:1.3", "reason": "Too slow."})

    held = Hold.objects.get(step="1.3")
    assert (held.by, held.reason) == (OPERATOR, "Too slow.")
    assert "Too slow." in client.get(page("rollout_holds", world.rollout.pk)).content.decode()


def test_starting_again_takes_the_checklist_and_a_second_person(world: World, as_person: As) -> None:
    key = (world.rollout.pk, world.hold.pk)
    approve = page("rollout_approve_resume", *key)
    early = as_person(LEAD).post(approve, {"reason": "Yes."})
    ticked = {"line_0": "on", "line_1": "on", "line_2": "on", "reason": "Looked at."}
    as_person(OPERATOR).post(page("rollout_checklist", *key), ticked)
    late = as_person(LEAD).post(approve, {"reason": "Yes."})

    assert (b"Not met yet" in early.content, late.status_code) == (True, 302)
    world.hold.refresh_from_db()
    assert world.hold.released_by == LEAD


def test_what_undoing_would_restore_is_shown_issue_by_issue(world: World, as_person: As) -> None:
    world.rollout.steps.filter(number="1.1").update(live_since=make.MOMENT)
    operation = world.repository.operations.get(name="assign")
    run = make.make_run(operation=operation, mode="live", purpose="scheduled", state="succeeded")
    issue = make.make_issue(
        repository=world.repository, state="assigned", body=splice("Seen.\n", [("AI Assessment", "ours")])
    )
    change = WriteSections((("AI Assessment", "ours"),))
    before = {"sections": {"AI Assessment": "older"}}
    make.make_effect(item=make.make_item(run=run, issue=issue), change=change, before=before, state="applied")

    text = as_person(LEAD).get(page("rollout_undo", world.rollout.pk) + "?step=1.1").content.decode()

    assert f"#{issue.number}" in text
    assert '<span class="cp-plus">+older</span>' in text
    assert '<span class="cp-minus">-ours</span>' in text
    counted = as_person(LEAD).get(page("rollout_roll_back", world.rollout.pk) + "?step=1.1").content.decode()
    assert "1 applied effect of 1 run would be undone" in counted


def test_rollback_page_enforces_the_word_and_says_what_happens(world: World, as_person: As) -> None:
    client, address = as_person(LEAD), page("rollout_roll_back", world.rollout.pk) + "?step=1.2"
    text = client.get(address).content.decode()
    wrong = client.post(address, {"reason": "Worse.", "confirmation": "1.3"})
    right = client.post(address, {"reason": "Worse.", "confirmation": "1.2"})

    assert "1 issue in state::assigned and 0 in state::copilot" in text
    assert (b"nothing was rolled back" in wrong.content, right.status_code) == (True, 302)
    assert Rollback.objects.get(is_drill=False).step == "1.2"


def test_choice_that_was_not_carried_out_is_freed(world: World, as_person: As) -> None:
    run = make.make_run(operation=world.repository.operations.get(name="assign"), mode="live", state="succeeded")
    world.rollback.triage.update(chosen="triage", applied_run=run)
    client = as_person(OPERATOR)
    assert "not carried out" in client.get(page("rollback_change", world.rollback.pk)).content.decode()

    client.post(page("rollback_triage_again", world.rollback.pk), {"reason": "The issue is unlocked."})

    assert not world.rollback.triage.filter(applied_run__isnull=False).exists()


def test_rolled_back_step_is_looked_at_again_when_a_person_said(world: World, as_person: As) -> None:
    client, at = as_person(LEAD), clock.now() + timedelta(days=1)
    answer = {"reason": "Worse.", "confirmation": "1.2", "review_at": f"{at:%Y-%m-%dT%H:%M}"}
    client.post(page("rollout_roll_back", world.rollout.pk) + "?step=1.2", answer)

    held = Hold.objects.get(step="1.2")
    assert held.review_at == at.replace(second=0, microsecond=0)
    assert "review_at" not in client.get(page("rollout_drill", world.rollout.pk)).content.decode()


def test_state_table_tells_the_next_run_and_who_changed_what_last(world: World, as_person: As) -> None:
    row = world.repository.operations.get(name="process")
    operations.set_cron(row, "15 3 * * *", actor="anna", reason="At night.")

    text = as_person(LEAD).get(page("rollout_rollback", world.rollout.pk)).content.decode()

    assert "by anna" in text
    assert "At night." in text
    assert "Next run" in text


def test_rollback_from_a_firing_settles_it(world: World, as_person: As) -> None:
    address = page("rollout_roll_back", world.rollout.pk) + f"?firing={world.firing.pk}&trigger=strategic-pivot"

    as_person(LEAD).post(
        address, {"reason": "We go another way.", "confirmation": "acme/watch", "trigger": "strategic-pivot"}
    )

    world.firing.refresh_from_db()
    assert (world.firing.outcome, world.reload().state) == ("done", "rolled_back")


def test_trigger_is_disarmed_with_a_reason(world: World, as_person: As) -> None:
    client = as_person(LEAD)
    client.post(page("rollout_disarm", world.rollout.pk, "half-failing"), {"reason": "It is being mended."})

    state = TriggerState.objects.get(slug="half-failing")
    assert (state.armed, "It is being mended." in state.disarmed_reason) == (False, True)
    assert "disarmed" in client.get(page("rollout_triggers", world.rollout.pk)).content.decode()


def test_guarded_profile_bears_a_signature(world: World, as_person: As) -> None:
    as_person(LEAD).post(page("rollout_profile", world.rollout.pk), {"profile": "guarded", "reason": "Few runs."})

    assert (world.reload().profile, world.reload().profile_signed_by) == ("guarded", LEAD)


def test_override_bears_owner_and_end(world: World, as_person: As) -> None:
    answer = {"operation": "assign", "limit": 2, "hours": 4, "reason": "Slowly."}
    client = as_person(LEAD)
    client.post(page("rollout_override", world.rollout.pk), answer)

    newest = world.rollout.overrides.all()[0]
    assert (newest.limit, newest.owner) == (2, LEAD)
    text = client.get(page("rollout_limits", world.rollout.pk)).content.decode()
    assert "lea set 2 until" in text
    assert "binding: <strong>backlog</strong>" in text  # nothing waits, so even 2 is too many


def test_change_of_the_plan_is_approved_by_another(world: World, as_person: As) -> None:
    address = page("changerequest_approve", world.change.pk)
    mine = as_person(LEAD).post(address, {"reason": "Fine."})
    other = as_person(OTHER_LEAD).post(address, {"reason": "Fine."})

    assert (b"somebody other" in mine.content, other.status_code) == (True, 302)
    assert world.reload().plan.version == 2


def test_plan_with_an_error_names_the_line(world: World, as_person: As) -> None:
    broken = plans.shipped_text().replace("    first_day: -7", "    first_day: soon", 1)
    text = as_person(LEAD).post(page("planversion_add"), {"text": broken, "reason": "New."}).content.decode()

    assert "line" in text
    assert PlanVersion.objects.count() == 1


def test_plan_page_shows_contradictions_with_their_arithmetic(world: World, as_person: As) -> None:
    response = as_person(OPERATOR).get(page("rollout_plan", world.rollout.pk))

    assert response.context["contradictions"] >= 7
    assert b"The arithmetic" in response.content


def test_second_rollout_of_a_repository_is_refused(world: World, as_person: As) -> None:
    answer = {"repository": world.repository.pk, "plan": world.plan.pk, "reason": "Again."}
    response = as_person(LEAD).post(page("rollout_add"), answer)

    assert b"has a rollout already" in response.content
    assert Rollout.objects.count() == 1


def test_export_serves_only_what_the_rollback_wrote(world: World, as_person: As) -> None:
    client = as_person(OPERATOR)

    assert client.get(f"/admin/rollout/rollback/{world.rollback.pk}/exports/secret/").status_code == 404


def test_weekly_status_is_sent_from_its_page(world: World, as_person: As) -> None:
    client, address = as_person(LEAD), page("rollout_weekly", world.rollout.pk)
    assert "Week 1 so far: Issues monitored:" in client.get(address).content.decode()

    answer = {"week": 1, "highlights": "All is well\n\nNobody called", "issues": "", "next_week": "More"}
    assert client.post(address, answer).status_code == 302
    told = Announcement.objects.get(key=f"message:{world.rollout.pk}:weekly-1:email")
    assert "- All is well\n- Nobody called\n" in told.body
    assert b"it is sent once" in client.post(address, answer).content


def test_asking_a_gate_tells_what_nobody_has_answered(world: World, as_person: As) -> None:
    world.rollout.ticks.filter(criterion="rehearsal-signed").delete()
    text = as_person(LEAD).get(page("rollout_gate_ask", world.rollout.pk, "rehearsal-sign-off")).content.decode()
    assert "Nobody has answered “Sign-off from all stakeholders”" in text
    assert "Nobody has answered “Live rehearsal" not in text


def test_a_draft_edited_by_two_at_once_keeps_the_first_save(world: World, as_person: As) -> None:
    draft = plans.import_plan(plans.shipped_text() + "# draft", actor=LEAD)
    address, text = page("planversion_edit", draft.pk), draft.text
    form = {"seen": draft.sha256, "reason": "A note."}
    assert draft.sha256 in as_person(LEAD).get(address).content.decode()

    assert as_person(LEAD).post(address, form | {"text": text + "\n# mine"}).status_code == 302
    late = as_person(OTHER_LEAD).post(address, form | {"text": text + "\n# theirs"})

    assert b"was changed by somebody else meanwhile" in late.content
    assert PlanVersion.objects.get(pk=draft.pk).text.endswith("# mine")


def test_reviewer_of_a_change_sees_what_would_not_add_up_any_more(world: World, as_person: As) -> None:
    assert "any more" not in as_person(OTHER_LEAD).get(page("changerequest_change", world.change.pk)).content.decode()

    falls = plans.shipped_text().replace("last_day: 5, limit: 18}", "last_day: 5, limit: 12}", 1)
    world.change.__class__.objects.filter(pk=world.change.pk).update(text=falls)

    text = as_person(OTHER_LEAD).get(page("changerequest_change", world.change.pk)).content.decode()
    assert "What would not add up any more" in text
    assert "The ramp of assign falls to 12" in text


def test_gate_that_is_due_asks_for_no_reason_to_bring_it_forward(world: World, as_person: As) -> None:
    address = page("rollout_gate_ask", world.rollout.pk, "rehearsal-sign-off")
    due = as_person(LEAD).get(address).content.decode()
    later = as_person(LEAD).get(page("rollout_gate_ask", world.rollout.pk, "day-7")).content.decode()

    assert ("Why before its day" in due, "Why before its day" in later) == (False, True)


def test_neither_an_answer_nor_a_decision_is_chosen_beforehand(world: World, as_person: As) -> None:
    client, ticks = as_person(LEAD), world.rollout.ticks.count()
    answer = client.post(page("rollout_answer", world.rollout.pk, "rehearsal-signed"), {"reason": "Seen.", "met": ""})
    decision = client.post(page("gate_decide", world.gate.pk), {"reason": "All is well.", "decision": ""})

    assert (answer.status_code, decision.status_code) == (200, 200)
    world.gate.refresh_from_db()
    assert (world.rollout.ticks.count(), world.gate.decision) == (ticks, "")


def test_gate_room_sends_only_those_to_sign_who_may(world: World, as_person: As) -> None:
    address = page("rollout_gates", world.rollout.pk)
    room = [as_person(name).get(address).content.decode() for name in (LEAD, OPERATOR)]

    assert ["Sign or decide" in text for text in room] == [True, False]


def test_gate_room_counts_the_answers_that_are_missing(world: World, as_person: As) -> None:
    world.gate.delete()
    world.rollout.ticks.filter(criterion="rehearsal-signed").delete()

    text = as_person(LEAD).get(page("rollout_gates", world.rollout.pk)).content.decode()

    assert "1 is missing: without it there is no “go”" in text


def test_approval_is_offered_when_the_checklist_is_met(world: World, as_person: As) -> None:
    address = page("rollout_holds", world.rollout.pk)
    before = as_person(LEAD).get(address).content.decode()
    world.resumption.checklist = [{**line, "met": True} for line in world.resumption.checklist]
    world.resumption.save()
    after = as_person(LEAD).get(address).content.decode()

    assert ("Approve …" in before, "Approve …" in after) == (False, True)


def test_page_that_is_not_there_or_not_allowed_leads_back(world: World, as_person: As) -> None:
    missing = as_person(LEAD).get("/admin/rollout/rollout/999/gates/")
    refused = as_person(OPERATOR).get(page("rollout_roll_back", world.rollout.pk))

    assert [answer.status_code for answer in (missing, refused)] == [404, 403]
    assert all('href="/admin/"' in answer.content.decode() for answer in (missing, refused))


def test_workflow_that_is_disabled_is_not_offered_to_be_disabled(world: World, as_person: As) -> None:
    address = page("externalschedule_change", world.schedule.pk)
    type(world.schedule).objects.filter(pk=world.schedule.pk).update(state="active")
    before = as_person(LEAD).get(address).content.decode()
    type(world.schedule).objects.filter(pk=world.schedule.pk).update(state="disabled_manually")
    after = as_person(LEAD).get(address).content.decode()

    assert ("Disable it" in before, "Disable it" in after, "disabled manually" in after) == (True, False, True)


def test_long_time_line_folds_what_came_earlier(world: World, as_person: As) -> None:
    entry = {"rollout": world.rollout, "actor": "olga", "at": clock.now()}
    ProgressEntry.objects.bulk_create(
        ProgressEntry(**entry, sentence=f"Entry {number} of many.") for number in range(50)
    )
    text = as_person(LEAD).get(page("incident_change", world.incident.pk)).content.decode()

    assert "earlier entries</summary>" in text
    assert text.index("earlier entries</summary>") < text.index("Entry 49 of many.")
