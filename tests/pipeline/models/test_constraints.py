"""Every named constraint holds twice: in the form that a person fills in, and in the database for everybody else."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Model

from tests import factories as make
from tests.factories import MOMENT

pytestmark = pytest.mark.django_db
Broken = Callable[[], Model]


def again(row: Any, **values: Any) -> Model:
    """The same row once more, not saved yet, with some fields changed."""
    second: Model = copy.copy(row)
    second.pk, second._state = None, copy.copy(row._state)
    second._state.adding = True
    for name, value in values.items():
        setattr(second, name, value)
    return second


def changed(maker: Callable[..., Any], **values: Any) -> Broken:
    """A row that was valid until these fields were changed."""
    return lambda: _edited(maker(), values)


def _edited(row: Any, values: dict[str, Any]) -> Model:
    for name, value in values.items():
        setattr(row, name, value)
    edited: Model = row
    return edited


def twice(maker: Callable[..., Any], **values: Any) -> Broken:
    """A second row like the first; `values` are what has to differ for other reasons."""
    return lambda: again(maker(), **{name: value() if callable(value) else value for name, value in values.items()})


def key() -> str:
    return f"key-{make.number()}"


def live_item(**values: Any) -> Any:
    return make.make_item(run=make.make_run(operation=make.make_operation(mode="live")), **values)


def effect(**values: Any) -> Any:
    return make.make_effect(item=live_item(), live=True, **values)


def grouped() -> Any:
    return make.make_run(group="1:assign")


def part() -> Any:
    return make.make_run(purpose="part", parent=make.make_run())


def repository_workflow() -> Any:
    return make.make_workflow(repository=make.make_repository())


CASES: dict[str, Broken] = {
    "repository_once_per_server": twice(make.make_repository),
    "repository_standing_known": changed(make.make_repository, standing="asleep"),
    "repository_protocol_known": changed(make.make_repository, protocol="soap"),
    "repository_reserve_is_share": changed(make.make_repository, reserve_share=1.0),
    "label_once_per_repository": twice(
        lambda: make.make_repository().known_labels.create(name="state::done", node_id="LA_1")
    ),
    "workflow_once_per_repository": twice(repository_workflow),
    "workflow_once_among_shared": twice(make.make_workflow),
    "workflow_asks_below_assign": changed(make.make_workflow, ask_at=0.9, assign_at=0.8),
    "workflow_thresholds_are_shares": changed(make.make_workflow, ask_at=-0.1),
    "deliverable_once_per_workflow": twice(make.make_deliverable),
    "source_once_per_repository": twice(make.make_source),
    "source_kind_known": changed(make.make_source, kind="pigeon"),
    "discovery_once_per_repository": twice(make.make_discovery, entry_key=key),
    "discovery_entry_once_per_source": twice(make.make_discovery, fingerprint=key),
    "discovery_status_known": changed(make.make_discovery, status="lost"),
    "discovery_opened_has_issue": changed(make.make_discovery, status="opened"),
    "issue_once_per_repository": twice(make.make_issue),
    "issue_state_known": changed(make.make_issue, state="limbo"),
    "issue_presence_known": changed(make.make_issue, presence="away"),
    "transition_sequence_once": twice(make.make_transition),
    "transition_cause_known": changed(make.make_transition, cause="magic"),
    "handover_generation_once": twice(lambda: make.make_handover(outcome="lost")),
    "handover_one_open_per_issue": twice(make.make_handover, generation=2),
    "feedback_once_per_handover": twice(make.make_feedback),
    "feedback_source_known": changed(make.make_feedback, source="rumour"),
    "finding_open_once": twice(make.make_finding),
    "finding_mute_has_author_and_reason": changed(make.make_finding, muted_until=MOMENT, muted_by="olga"),
    "report_one_open_per_group": twice(make.make_problem_report),
    "reference_once": twice(make.make_reference),
    "reference_thing_known": changed(make.make_reference, thing="tag"),
    "operation_once_per_repository": twice(make.make_operation),
    "operation_mode_known": changed(make.make_operation, mode="loud"),
    "operation_kind_known": changed(make.make_operation, kind="dance"),
    "operation_overlap_known": changed(make.make_operation, overlap="maybe"),
    "operation_catch_up_known": changed(make.make_operation, catch_up="all"),
    "part_once_per_operation": twice(make.make_part),
    "part_mode_known": changed(make.make_part, mode="loud"),
    "part_kind_known": changed(make.make_part, kind="daily"),
    "run_one_active_per_group": twice(grouped),
    "run_one_part_of_a_kind": twice(part),
    "run_state_known": changed(make.make_run, state="dreaming", finished_at=MOMENT),
    "run_mode_known": changed(make.make_run, mode="loud"),
    "run_purpose_known": changed(make.make_run, purpose="fun"),
    "run_closed_has_end": changed(make.make_run, state="succeeded", finished_at=None),
    "slot_once": twice(make.make_slot),
    "slot_status_known": changed(make.make_slot, status="late", reason="Late."),
    "slot_not_run_has_reason": changed(make.make_slot, status="missed", reason=""),
    "item_position_once": twice(lambda: make.make_item(state="done")),
    "item_one_live_per_issue": twice(live_item, position=2),
    "item_one_live_per_discovery": twice(lambda: live_item(discovery=make.make_discovery()), position=2),
    "item_one_live_per_report": twice(lambda: live_item(report=make.make_problem_report()), position=2),
    "item_state_known": changed(make.make_item, state="limbo"),
    "effect_order_once": twice(effect, key=key),
    "effect_subject_once": twice(lambda: effect(subject="branch:x"), key=key, order=1),
    "effect_state_known": changed(effect, state="limbo"),
    "effect_dry_is_never_sent": changed(make.make_effect, state="sending"),
}


def test_every_named_constraint_of_the_pipeline_has_a_case() -> None:
    found = {
        constraint.name
        for model in apps.get_app_config("pipeline").get_models()
        for constraint in model._meta.constraints
    }
    assert found == CASES.keys()


@pytest.mark.parametrize("name", CASES)
def test_form_refuses_what_the_constraint_forbids(name: str) -> None:
    broken = CASES[name]()
    with pytest.raises(ValidationError):
        broken.full_clean()


@pytest.mark.parametrize("name", CASES)
def test_database_refuses_what_the_constraint_forbids(name: str) -> None:
    broken = CASES[name]()
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        broken.save()
    assert name in str(caught.value) or "UNIQUE constraint failed" in str(caught.value)


ALLOWED: dict[str, Callable[[], Model]] = {
    "closed run of a group": lambda: again(make.make_run(group="1:assign", state="succeeded")),
    "runs without a group": lambda: again(make.make_run()),
    "dry items of one issue": lambda: again(make.make_item(), position=2),
    "live item after one that is done": lambda: again(live_item(state="done"), position=2, state="pending"),
    "subject after a refusal": lambda: again(effect(subject="x", state="refused"), key=key(), order=1, state="planned"),
    "subject after a revert": lambda: again(
        effect(subject="x", state="applied", reverted_at=MOMENT), key=key(), order=1, state="planned", reverted_at=None
    ),
    "hand-over after a lost one": lambda: again(make.make_handover(outcome="lost"), generation=2, outcome="pending"),
    "report after one that is over": lambda: again(make.make_problem_report(is_open=False), is_open=True),
    "parts of two kinds": lambda: again(part(), kind="process"),
    "finding after a resolved one": lambda: again(make.make_finding(resolved_at=MOMENT), resolved_at=None),
    "duplicate discovery": lambda: again(make.make_discovery(), entry_key=key(), status="duplicate"),
    "shared workflow and a repository's own": lambda: again(make.make_workflow(), repository=make.make_repository()),
}


@pytest.mark.parametrize("row", ALLOWED.values(), ids=ALLOWED.keys())
def test_what_is_meant_to_be_possible_is_possible(row: Callable[[], Model]) -> None:
    made = row()
    made.save()
    assert made.pk
