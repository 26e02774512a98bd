"""Each action of the rollout by each role, over HTTP: the question where the role may, 403 where it may not."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import resolve

from rollout.admin.base import RolloutPages
from rollout.models import (
    Absence,
    Gate,
    Hold,
    Override,
    PlanVersion,
    ReviewBatch,
    ReviewTeam,
    Rollback,
    Rollout,
    Rubric,
    Signature,
    Tick,
    TriggerState,
)
from tests.pipeline.admin.test_permissions_over_http import FROM, ROLES
from tests.rollout.admin.addresses import of_batch, page
from tests.rollout.admin.world import LEAD, SIGNERS, World

LEADS, OPERATORS, REVIEWERS, ALL = FROM["rollout lead"], FROM["operator"], FROM["reviewer"], frozenset(ROLES)
ANSWER = {"reason": "I want to.", "met": "yes", "limit": 1, "hours": 4, "decision": "hold", "confirmation": "1.2"}
# Pages that only show, which every role may look at.
LOOKS = {
    "rollout_evaluation_replay",
    "rollout_planversion_export",
    "rollout_reviewbatch_export",
    "rollout_reviewbatch_verify",
    "rollout_rollback_export",
    *(
        f"rollout_rollout_{name}"
        for name in ("gates", "holds", "limits", "plan", "rollback", "survey", "triggers", "undo")
    ),
}


def draft(world: World) -> PlanVersion:
    """A plan that may still be edited."""
    values = {"title": "Draft", "text": world.plan.text, "sha256": "0" * 64, "created_at": world.plan.created_at}
    return PlanVersion.objects.get_or_create(slug="draft", version=1, defaults=values)[0]


def actions(world: World) -> dict[str, frozenset[str]]:
    """Address → the roles that may."""
    return of_the_rollout(world) | of_rows(world)


def of_the_rollout(world: World) -> dict[str, frozenset[str]]:
    key = world.rollout.pk
    return {
        page("rollout_start", key): LEADS,
        page("rollout_hold", key): OPERATORS,
        page("rollout_roll_back", key): LEADS,
        page("rollout_roll_back", key) + "?step=1.2": LEADS,
        page("rollout_drill", key): LEADS,
        page("rollout_override", key): LEADS,
        page("rollout_override_end", key, world.override.pk): LEADS,
        page("rollout_propose", key): LEADS,
        page("rollout_timetable", key): OPERATORS,
        page("rollout_profile", key): LEADS,
        page("rollout_survey_open", key): LEADS,
        page("rollout_survey_answer", key, world.survey.pk): ALL,
        page("rollout_survey_close", key, world.survey.pk): LEADS,
        page("rollout_launch", key): LEADS,
        page("rollout_weekly", key): LEADS,
        page("rollout_gate_ask", key, "rehearsal-sign-off"): LEADS,
        page("rollout_gate_measure", key, "rehearsal-sign-off"): OPERATORS,
        page("rollout_answer", key, "rehearsal-executed"): LEADS,
        page("rollout_disarm", key, "half-failing"): LEADS,
        page("rollout_arm", key, "half-failing"): LEADS,
        page("rollout_clear", key, "half-failing"): LEADS,
        page("rollout_raise", key, "strategic-pivot"): LEADS,
        page("rollout_dismiss", key, world.firing.pk): LEADS,
        page("rollout_resume", key, world.hold.pk): OPERATORS,
        page("rollout_checklist", key, world.hold.pk): OPERATORS,
        page("rollout_approve_resume", key, world.hold.pk): LEADS,
        page("rollout_refuse_resume", key, world.hold.pk): OPERATORS,
    }


def of_rows(world: World) -> dict[str, frozenset[str]]:
    return {
        page("gate_sign", world.gate.pk): ALL,  # who holds the role is checked with the answer
        page("gate_decide", world.gate.pk): LEADS,
        page("gate_withdraw", world.gate.pk): LEADS,
        page("changerequest_approve", world.change.pk): LEADS,
        page("changerequest_reject", world.change.pk): LEADS,
        page("changerequest_withdraw", world.change.pk): LEADS,
        page("planversion_edit", draft(world).pk): LEADS,
        page("stepprogress_answer", world.step.pk, "process-guidance-maintained"): LEADS,
        page("stepprogress_measure", world.step.pk): OPERATORS,
        **{
            page(f"incident_{name}", world.incident.pk): OPERATORS
            for name in ("owner", "root_cause", "actions", "post_mortem", "close")
        },
        page("rollback_retry", world.rollback.pk, "announced"): LEADS,
        page("rollback_skip", world.rollback.pk, "announced"): LEADS,
        page("rollback_triage", world.rollback.pk): OPERATORS,
        page("rollback_triage_apply", world.rollback.pk): LEADS,
        page("rollback_undo", world.rollback.pk): LEADS,
        page("rollback_triage_again", world.rollback.pk): OPERATORS,
        page("securityalert_add"): OPERATORS,
        page("securityalert_clear", world.alert.pk): LEADS,
        page("externalschedule_disable", world.schedule.pk): LEADS,
        page("externalschedule_archive", world.schedule.pk): LEADS,
        **{page(f"completioncase_{name}", world.case.pk): OPERATORS for name in ("snooze", "wake")},
        **{page(f"manualreview_{name}", world.manual_review.pk): OPERATORS for name in ("take_over", "settle")},
        **{page(f"improvement_{name}", world.improvement.pk): REVIEWERS for name in ("owner", "changed", "close")},
        page("review_queue"): REVIEWERS,
        page("adjudication_settle", world.dispute.pk): LEADS,
        page("planversion_add"): LEADS,
        page("rollout_add"): LEADS,
        page("roleholder_add"): LEADS,
        **dict.fromkeys(of_batch(world), LEADS),
        **{page(f"{model}_add"): LEADS for model in ("reviewbatch", "reviewteam", "absence")},
        **{page(f"rubric_{name}", world.rubric.pk): LEADS for name in ("edit", "publish", "copy")},
        page("absence_cancel", world.absence.pk): LEADS,
        page("reviewteam_reminders"): REVIEWERS,
        page("servicelevel_add"): LEADS,
        page("completion_of", world.repository.pk): ALL,
    }


def screens() -> set[str]:
    """Every further address of a rollout's screens, by name."""
    return {
        f"rollout_{screen.opts.model_name}_{name}"
        for screen in admin.site._registry.values()
        if isinstance(screen, RolloutPages)
        for _address, name, _view in screen.addresses()
    }


def test_every_address_is_asked_for_by_every_role(world: World) -> None:
    asked = {str(resolve(address.partition("?")[0]).url_name) for address in actions(world)}
    assert screens() - asked == LOOKS


def standing(world: World) -> list[int | str]:
    """What none of the refused actions may change."""
    models = (Hold, Rollback, Override, Signature, Tick, TriggerState, Gate, Absence, ReviewBatch, ReviewTeam, Rubric)
    return [*(model.objects.count() for model in models), world.reload().state, world.reload().profile]


@pytest.mark.parametrize("role", ROLES)
def test_each_role_is_asked_only_what_it_may(role: str, world: World, as_role: Callable[[str], Client]) -> None:
    client = as_role(role)
    for address, allowed in actions(world).items():
        assert client.get(address).status_code == (200 if role in allowed else 403), address


@pytest.mark.parametrize("role", ROLES)
def test_refused_post_changes_nothing(role: str, world: World, as_role: Callable[[str], Client]) -> None:
    client, before = as_role(role), standing(world)
    for address, allowed in actions(world).items():
        if role not in allowed:
            assert client.post(address, ANSWER).status_code == 403, address
    assert standing(world) == before


@pytest.mark.parametrize("role", ROLES)
def test_every_role_may_look(role: str, world: World, as_role: Callable[[str], Client]) -> None:
    client = as_role(role)
    looked = [
        page(f"rollout_{name}", world.rollout.pk)
        for name in ("gates", "limits", "triggers", "holds", "rollback", "survey")
    ]
    for address in ["/admin/", *world.lists(), *world.pages(), *looked]:
        if "roleholder/" not in address or "change" not in address:
            assert client.get(address).status_code == 200, address


def test_only_who_holds_the_role_signs(
    world: World, as_role: Callable[[str], Client], as_person: Callable[[str], Client]
) -> None:
    address = page("gate_sign", world.gate.pk)
    stranger = as_role("administrator").post(address, {"role": SIGNERS[1]})
    asker = as_person(LEAD).post(address, {"role": SIGNERS[1]})

    assert b"does not hold the role" in stranger.content
    assert b"cannot sign it" in asker.content
    assert as_person(f"signs-{SIGNERS[1]}").post(address, {"role": SIGNERS[1]}).status_code == 302
    assert set(world.gate.signatures.values_list("role", flat=True)) == set(SIGNERS[:2])


def test_no_record_can_be_deleted(world: World, as_role: Callable[[str], Client]) -> None:
    root = as_role("superuser")
    for row in world.rows():
        address = page(f"{row._meta.model_name}_delete", row.pk)
        assert root.post(address, {"post": "yes"}).status_code == 403, address


def test_stop_without_csrf_token_is_refused(world: World, as_role: Callable[[str], Client]) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = as_role("operator").cookies

    assert strict.post(page("rollout_hold", world.rollout.pk), {"reason": "x"}).status_code == 403
    assert Rollout.objects.get().state == "running"
