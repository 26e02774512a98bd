"""Workflows and specialists that would fail on an issue are refused when they are saved."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from pipeline.models import Specialist, Workflow
from tests import factories

pytestmark = pytest.mark.django_db


def _posted(workflow: Workflow, **changes: str) -> dict[str, str]:
    names = ("name", "slug", "version", "description", "branch_pattern", "folder_pattern", "assign_at", "ask_at")
    values = {name: str(getattr(workflow, name)) for name in (*names, "due_hours", "minimum_words")}
    values |= {"active": "on", "specialist": str(workflow.specialist_id), "reason": "Testing."}
    values |= {"trigger_labels": "", "content_keywords": "word", "acceptance_criteria": "", "required_sections": ""}
    empty = {"TOTAL_FORMS": "0", "INITIAL_FORMS": "0", "MIN_NUM_FORMS": "0", "MAX_NUM_FORMS": "1000"}
    return values | {f"deliverables-{name}": value for name, value in empty.items()} | changes


@pytest.fixture
def page(admin_client: Client) -> tuple[Client, Workflow, str]:
    workflow = factories.make_workflow()
    workflow.deliverables.all().delete()
    return admin_client, workflow, f"/admin/pipeline/workflow/{workflow.pk}/change/"


def test_branch_pattern_without_the_number_is_refused_with_the_reason(page: Any) -> None:
    client, workflow, address = page
    answer = client.post(address, _posted(workflow, branch_pattern="work/{workflow}"))
    assert "without it two issues would share one" in answer.content.decode()
    workflow.refresh_from_db()
    assert "{number}" in workflow.branch_pattern


def test_slug_whose_label_is_too_long_for_a_repository_is_refused(page: Any) -> None:
    client, workflow, address = page
    factories.make_repository(label_prefix="acme::")
    answer = client.post(address, _posted(workflow, slug="w" * 35))
    assert "has 51 characters and GitHub takes 50" in answer.content.decode()


def test_sound_workflow_is_saved(page: Any) -> None:
    client, workflow, address = page
    answer = client.post(address, _posted(workflow, branch_pattern="work/{number}"))
    assert answer.status_code == 302, answer.content.decode()[:2000]
    workflow.refresh_from_db()
    assert workflow.branch_pattern == "work/{number}"


def test_placeholder_that_nothing_fills_is_refused_in_a_specialist(admin_client: Client) -> None:
    row: Specialist = factories.make_workflow().specialist
    values = {name: str(getattr(row, name)) for name in ("name", "slug", "version", "role", "objective")}
    values |= {"guidance": "Look at {nothing_of_the_kind}.", "reason": "Testing."}
    answer = admin_client.post(f"/admin/pipeline/specialist/{row.pk}/change/", values)
    assert "nothing_of_the_kind" in answer.content.decode()
    row.refresh_from_db()
    assert "nothing_of_the_kind" not in row.guidance
