"""Every named constraint of the rollout holds twice: in a form, and in the database for everybody else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Model

from rollout.models import ReviewBatch
from tests.factories import MOMENT, make_handover, make_issue
from tests.pipeline.models.test_constraints import Broken, again, changed, key, twice
from tests.rollout import factories as make
from tests.rollout.models import rows

pytestmark = pytest.mark.django_db
TOMORROW = MOMENT + timedelta(days=1)


def draft(**values: Any) -> Any:
    """A rubric that may still be saved: what was in use is frozen."""
    return make.make_rubric(status="draft", **values)


def second_in_use() -> Model:
    """Of a rubric that has one already."""
    return again(make.make_rubric(), version=2)


def shared(maker: Callable[..., Any]) -> Callable[[], Any]:
    return lambda: maker(repository=None)


def submitted(**values: Any) -> Any:
    return make.make_review(state="submitted", **values)


def claimed() -> Any:
    return make.make_review(state="claimed")


def closed(**values: Any) -> Any:
    return rows.make_survey(closed_at=TOMORROW, closed_by="lena", **values)


def other_issue() -> Any:
    return make_issue()


def person() -> Any:
    return make.make_person()


CASES: dict[str, Broken] = {
    "plan_version_once": twice(lambda: make.make_plan(frozen=False)),
    "plan_status_known": changed(lambda: make.make_plan(frozen=False, frozen_at=MOMENT), status="lost"),
    "plan_frozen_has_time": changed(lambda: make.make_plan(frozen=False), status="frozen"),
    "rollout_one_open_per_repository": twice(make.make_rollout),
    "rollout_state_known": changed(make.make_rollout, state="asleep"),
    "rollout_profile_known": changed(make.make_rollout, profile="bold", profile_signed_by="lena"),
    "rollout_guarded_is_signed": changed(make.make_rollout, profile="guarded"),
    "step_once_per_rollout": twice(rows.make_step),
    "step_state_known": changed(rows.make_step, state="asleep"),
    "change_state_known": changed(rows.make_change, state="lost"),
    "change_reviewed_by_another": changed(rows.make_change, reviewed_by="lena"),
    "evaluation_once_per_evidence": twice(rows.make_evaluation),
    "evaluation_verdict_known": changed(rows.make_evaluation, verdict="maybe"),
    "gate_asked_once": twice(rows.make_gate),
    "gate_state_known": changed(rows.make_gate, state="lost"),
    "gate_decided_has_reason": changed(rows.make_gate, state="decided", decision="go"),
    "signature_once_per_role": twice(rows.make_signature, by="dana"),
    "signature_once_per_person": twice(rows.make_signature, role="lead"),
    "role_holder_once": twice(rows.make_role_holder),
    "trigger_once_per_rollout": twice(rows.make_trigger),
    "firing_outcome_known": changed(rows.make_firing, outcome="lost"),
    "hold_one_open_per_scope": twice(rows.make_hold),
    "hold_released_by_somebody": changed(rows.make_hold, released_at=MOMENT),
    "override_expires_after_start": changed(rows.make_override, expires_at=MOMENT),
    "resumption_approved_by_another": changed(rows.make_resumption, approved_by="olga"),
    "rollback_one_running_per_scope": twice(rows.make_rollback),
    "rollback_step_once": twice(rows.make_rollback_step),
    "rollback_step_state_known": changed(rows.make_rollback_step, state="lost"),
    "triage_issue_once": twice(rows.make_triage),
    "external_schedule_once": twice(rows.make_schedule),
    "security_alert_once": twice(rows.make_alert),
    "service_level_once": twice(rows.make_service_level),
    "service_level_once_for_all": twice(shared(rows.make_service_level)),
    "service_level_is_share": changed(rows.make_service_level, threshold=1.1),
    "service_level_comparator_known": changed(rows.make_service_level, comparator="!="),
    "escalation_rule_once": twice(rows.make_escalation_rule),
    "escalation_rule_once_for_all": twice(shared(rows.make_escalation_rule)),
    "escalation_action_known": changed(rows.make_escalation_rule, action="shout"),
    "case_one_open_per_issue": twice(rows.make_case, handover=make_handover),
    "case_state_known": changed(rows.make_case, state="lost", ended_at=MOMENT),
    "case_ended_has_time": changed(rows.make_case, state="done"),
    "pause_one_open_of_a_kind": twice(rows.make_pause),
    "pause_kind_known": changed(rows.make_pause, kind="tired"),
    "snooze_has_an_end": changed(rows.make_pause, kind="snoozed"),
    "escalation_once_per_case": twice(rows.make_escalation),
    "escalation_state_known": changed(rows.make_escalation, state="lost"),
    "manual_review_state_known": changed(rows.make_manual_review, state="lost"),
    "manual_review_has_owner": changed(rows.make_manual_review, owner=""),
    "rubric_version_once": twice(draft),
    "rubric_one_in_use": second_in_use,
    "rubric_status_known": changed(draft, status="lost"),
    "rubric_criterion_once": twice(make.make_criterion),
    "rubric_weight_is_percent": changed(make.make_criterion, weight=101),
    "rubric_target_is_share": changed(make.make_criterion, target=1.1),
    "team_member_once": twice(make.make_member),
    "absence_ends_after_start": changed(make.make_absence, first_day=(MOMENT + timedelta(days=99)).date()),
    "batch_once_per_week": twice(make.make_batch),
    "batch_state_known": changed(make.make_batch, state="lost"),
    "sample_issue_once_per_batch": twice(make.make_sample, position=2),
    "sample_position_once": twice(make.make_sample, issue=other_issue),
    "review_seat_once": twice(make.make_review, reviewer=person),
    "review_once_per_person": twice(make.make_review, seat=2),
    "review_state_known": changed(make.make_review, state="lost"),
    "review_submitted_by_somebody": changed(submitted, submitted_at=None),
    "review_claim_expires": changed(claimed, claimed_until=None),
    "score_once_per_criterion": twice(make.make_score),
    "score_rating_in_scale": changed(make.make_score, rating=5),
    "score_na_has_comment": changed(make.make_score, rating=None),
    "adjudication_state_known": changed(lambda: make.make_adjudication(state="settled"), state="lost"),
    "adjudication_settled_by_somebody": changed(make.make_adjudication, state="settled"),
    "improvement_one_open_per_cause": twice(make.make_improvement),
    "improvement_state_known": changed(make.make_improvement, state="lost", changed_at=MOMENT),
    "improvement_changed_has_time": changed(make.make_improvement, state="changed"),
    "reminder_once_per_day": twice(make.make_reminder),
    "survey_round_once": twice(closed),
    "survey_one_open_per_rollout": twice(rows.make_survey, round=2),
    "survey_closed_by_somebody": changed(closed, closed_by=""),
    "survey_closes_after_opening": changed(rows.make_survey, closes_at=MOMENT),
    "survey_answer_once_per_person": twice(rows.make_answer),
    "survey_score_in_scale": changed(rows.make_answer, score=6),
}


def test_every_named_constraint_of_the_rollout_has_a_case() -> None:
    found = {
        constraint.name
        for model in apps.get_app_config("rollout").get_models()
        for constraint in model._meta.constraints
    }
    assert found == CASES.keys()


@pytest.mark.parametrize("name", CASES)
def test_form_refuses_what_the_constraint_forbids(name: str) -> None:
    broken = CASES[name]()
    with pytest.raises(ValidationError):
        broken.validate_constraints()  # of `full_clean`, the part that no blank field answers for
    with pytest.raises(ValidationError):
        broken.full_clean()


@pytest.mark.parametrize("name", CASES)
def test_database_refuses_what_the_constraint_forbids(name: str) -> None:
    broken = CASES[name]()
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        broken.save()
    assert name in str(caught.value) or "UNIQUE constraint failed" in str(caught.value)


def calibration() -> ReviewBatch:
    return make.make_batch(is_calibration=True)


ALLOWED: dict[str, Callable[[], Model]] = {
    "rollout after a finished one": lambda: again(make.make_rollout(state="finished"), state="prepared"),
    "gate asked again after a void one": lambda: again(rows.make_gate(state="void"), state="asked"),
    "hold after a released one": lambda: again(
        rows.make_hold(released_at=MOMENT, released_by="lena"), released_at=None, released_by=""
    ),
    "rollback after one that is done": lambda: again(rows.make_rollback(state="done"), state="running"),
    "change reviewed by another": changed(rows.make_change, reviewed_by="leo"),
    "level for all beside a repository's": lambda: again(rows.make_service_level(), repository=None),
    "rule for all beside a repository's": lambda: again(rows.make_escalation_rule(), repository=None),
    "pause after one that has ended": lambda: again(rows.make_pause(ended_at=MOMENT), ended_at=None),
    "snooze beside a block": lambda: again(rows.make_pause(), kind="snoozed", until=TOMORROW),
    "second rubric in use": lambda: again(make.make_rubric(), slug=key(), status="in_use"),
    "draft beside the version in use": lambda: again(make.make_rubric(), version=2, status="draft"),
    "calibration round in the week of a sample": lambda: again(make.make_batch(), is_calibration=True),
    "two calibration rounds in a week": lambda: again(calibration()),
    "two free seats": lambda: again(make.make_review(reviewer=None), seat=2),
    "not applicable with a comment": changed(make.make_score, rating=None, comment="There is no input."),
    "task of a cause whose last one is changed": lambda: again(
        make.make_improvement(state="changed"), state="open", changed_at=None
    ),
    "survey after a closed one": lambda: again(closed(), round=2, closed_at=None, closed_by=""),
    "absence of one day": changed(make.make_absence, first_day=MOMENT.date(), last_day=MOMENT.date()),
}


@pytest.mark.parametrize("row", ALLOWED.values(), ids=ALLOWED.keys())
def test_what_is_meant_to_be_possible_is_possible(row: Callable[[], Model]) -> None:
    made = row()
    made.validate_constraints()
    made.save()
    assert made.pk
