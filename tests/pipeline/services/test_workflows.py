"""Workflows in force, and their import: what a person edited is never overwritten unasked."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from pipeline.domain.workflows import Deliverable, WorkflowSpec
from pipeline.models import AuditEntry, Specialist, Workflow
from pipeline.services import workflows
from pipeline.services.workflows import Imported
from tests import values
from tests.factories import make_repository, make_specialist, make_workflow

pytestmark = pytest.mark.usefixtures("time")
BY: dict[str, Any] = {"actor": "olga", "reason": "New release."}


@pytest.fixture
def specialist(time: object) -> Specialist:
    return make_specialist(slug="analyst")


def spec(slug: str = "osint", **changed: Any) -> WorkflowSpec:
    return values.workflow(
        slug,
        **{
            "trigger_labels": ("osint",),
            "content_keywords": ("verify",),
            "due": timedelta(hours=5),
            "acceptance_criteria": ("Sources are named",),
            "minimum_words": 200,
            "required_sections": ("Summary",),
            **changed,
        },
    )


def stored(slug: str = "osint") -> WorkflowSpec:
    return Workflow.objects.get(slug=slug).spec()


# --- in force ---


def test_own_workflow_goes_before_the_shared_one_of_its_name() -> None:
    repository = make_repository()
    make_workflow(slug="osint", name="Shared")
    make_workflow(slug="review", name="Review")
    make_workflow(slug="osint", name="Own", repository=repository)
    make_workflow(slug="target", repository=make_repository())
    found = workflows.in_force(repository)
    assert {slug: one.name for slug, one in found.items()} == {"osint": "Own", "review": "Review"}


def test_workflow_that_is_switched_off_is_not_in_force() -> None:
    make_workflow(slug="osint", active=False)
    assert workflows.in_force(make_repository()) == {}


def test_specialists_are_known_by_slug(specialist: Specialist) -> None:
    assert workflows.specialists() == {"analyst": specialist.spec()}


# --- import ---


def test_workflow_read_back_is_the_one_that_was_imported(specialist: Specialist) -> None:
    assert workflows.import_workflows([spec()], **BY) == Imported(("osint",), (), ())
    assert stored() == spec()


def test_same_workflow_again_is_kept_and_not_logged(specialist: Specialist) -> None:
    workflows.import_workflows([spec()], **BY)
    assert workflows.import_workflows([spec()], **BY) == Imported((), (), ("osint",))
    assert AuditEntry.objects.count() == 1


def test_workflow_says_which_file_it_came_from(specialist: Specialist) -> None:
    workflows.import_workflows([spec()], **BY, origins={"osint": "flows/osint.yaml"})
    assert Workflow.objects.get().origin == "flows/osint.yaml"


def test_newer_version_updates_and_replaces_the_deliverables(specialist: Specialist) -> None:
    workflows.import_workflows([spec()], **BY)
    newer = spec(version="2.0", deliverables=(Deliverable("report", "New title"), Deliverable("map", "Map", order=1)))
    assert workflows.import_workflows([newer], **BY).updated == ("osint",)
    assert stored() == newer
    assert AuditEntry.objects.order_by("-sequence")[0].after["updated"] == ["osint"]


def test_workflow_that_a_person_edited_is_kept(specialist: Specialist) -> None:
    workflows.import_workflows([spec()], **BY)
    Workflow.objects.update(name="Edited by hand", edited_by_hand=True)
    assert workflows.import_workflows([spec(version="2.0")], **BY).kept == ("osint",)
    assert stored().name == "Edited by hand"


def test_edited_workflow_is_replaced_when_asked_for(specialist: Specialist) -> None:
    workflows.import_workflows([spec()], **BY)
    Workflow.objects.update(name="Edited by hand", edited_by_hand=True)
    assert workflows.import_workflows([spec()], **BY, overwrite=True).updated == ("osint",)
    assert stored() == spec()
    assert not Workflow.objects.get().edited_by_hand


def test_workflow_of_a_repository_leaves_the_shared_one_alone(specialist: Specialist) -> None:
    workflows.import_workflows([spec()], **BY)
    repository = make_repository()
    workflows.import_workflows([spec(name="Own")], **BY, repository=repository)
    assert Workflow.objects.get(repository=None).name == "Osint"
    assert Workflow.objects.get(repository=repository).name == "Own"


def test_unknown_specialist_imports_nothing_at_all(specialist: Specialist) -> None:
    with pytest.raises(
        ValueError, match="'osint' names the specialist 'ghost', which does not exist; known are analyst"
    ):
        workflows.import_workflows([spec("review"), spec(specialist="ghost")], **BY)
    assert not Workflow.objects.exists()
    assert not AuditEntry.objects.exists()


def test_workflow_whose_label_would_be_too_long_is_not_imported(specialist: Specialist) -> None:
    repository = make_repository(label_prefix="prefix-of-the-team/")
    with pytest.raises(ValueError, match="has 52 characters and GitHub takes 50: shorten the label prefix"):
        workflows.import_workflows([spec("w" * 23)], **BY, repository=repository)
    with pytest.raises(ValueError, match=r"^flows/w\.yaml: The workflow 'osint' names the specialist 'ghost'"):
        workflows.import_workflows([spec(specialist="ghost")], **BY, origins={"osint": "flows/w.yaml"})
    assert not Workflow.objects.exists()


def test_prefix_that_is_too_long_for_a_workflow_is_told(specialist: Specialist) -> None:
    workflows.import_workflows([spec("w" * 35)], **BY)
    assert "has 51 characters" in workflows.prefix_problem("cp-12/", None)
    assert not workflows.prefix_problem("cp-1/", make_repository())


def test_specialist_is_created_updated_and_kept() -> None:
    one = values.specialist()
    assert workflows.import_specialists([one], **BY).created == ("analyst",)
    assert workflows.import_specialists([one], **BY).kept == ("analyst",)
    newer = replace(one, role="You compare.", required_actions=("Read",))
    assert workflows.import_specialists([newer], **BY).updated == ("analyst",)
    assert Specialist.objects.get().spec() == newer


def test_specialist_that_a_person_edited_is_kept_unless_asked_for() -> None:
    workflows.import_specialists([values.specialist()], **BY)
    Specialist.objects.update(role="Edited by hand", edited_by_hand=True)
    assert workflows.import_specialists([values.specialist()], **BY).kept == ("analyst",)
    assert workflows.import_specialists([values.specialist()], **BY, overwrite=True).updated == ("analyst",)
    assert Specialist.objects.get().role == "You analyse."
