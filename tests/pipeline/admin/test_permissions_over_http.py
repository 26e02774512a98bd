"""Each action by each role, over HTTP: 200 for the question where the role may, 403 where it may not."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from tests.pipeline.admin.world import World

ROLES = ("stakeholder", "reviewer", "operator", "rollout lead", "administrator")
FROM = {role: frozenset(ROLES[place:]) for place, role in enumerate(ROLES)}
QUESTIONS = {
    "pipeline_operation_mode": ("operation", FROM["operator"]),
    "pipeline_operation_limit": ("operation", FROM["operator"]),
    "pipeline_operation_cron": ("operation", FROM["operator"]),
    "pipeline_operation_run": ("operation", FROM["operator"]),
    "pipeline_operation_settings": ("operation", FROM["operator"]),
    "pipeline_operationpart_mode": ("part", FROM["operator"]),
    "pipeline_run_apply": ("dry_run", FROM["rollout lead"]),
    "pipeline_run_revert": ("live_run", FROM["operator"]),
    "pipeline_run_cancel": ("open_run", FROM["operator"]),
    "pipeline_finding_acknowledge": ("finding", FROM["operator"]),
    "pipeline_finding_mute": ("finding", FROM["operator"]),
    "pipeline_finding_unmute": ("finding", FROM["operator"]),
    "pipeline_repository_sync": ("repository", FROM["operator"]),
    "pipeline_repository_token": ("repository", FROM["operator"]),
}
ADDS = {
    "pipeline_source_add": FROM["operator"],
    "pipeline_workflow_add": FROM["rollout lead"],
    "pipeline_specialist_add": FROM["rollout lead"],
    "pipeline_repository_add": FROM["administrator"],
    "auth_user_add": FROM["administrator"],
    "pipeline_issue_add": frozenset(),
    "pipeline_run_add": frozenset(),
    "pipeline_auditentry_add": frozenset(),
    "auth_group_add": frozenset(),
}


@pytest.mark.parametrize("role", ROLES)
def test_question_is_asked_only_of_roles_that_may(role: str, world: World, as_role: Callable[[str], Client]) -> None:
    client = as_role(role)
    for name, (row, allowed) in QUESTIONS.items():
        response = client.get(reverse(f"admin:{name}", args=[getattr(world, row).pk]))
        assert response.status_code == (200 if role in allowed else 403), name


@pytest.mark.parametrize("role", ROLES)
def test_post_without_permission_is_refused_and_changes_nothing(
    role: str, world: World, as_role: Callable[[str], Client]
) -> None:
    client = as_role(role)
    for name, (row, allowed) in QUESTIONS.items():
        if role not in allowed:
            answer = {"reason": "I want to.", "mode": "off", "limit": 1, "cron": "0 0 * * *"}
            assert client.post(reverse(f"admin:{name}", args=[getattr(world, row).pk]), answer).status_code == 403
    world.operation.refresh_from_db()
    assert (world.operation.mode, world.operation.limit) == ("dry_run", 10)


@pytest.mark.parametrize("role", ROLES)
def test_add_form_opens_only_for_roles_that_may(role: str, world: World, as_role: Callable[[str], Client]) -> None:
    client = as_role(role)
    for name, allowed in ADDS.items():
        assert client.get(reverse(f"admin:{name}")).status_code == (200 if role in allowed else 403), name


@pytest.mark.parametrize("role", ROLES)
def test_every_role_may_look_at_every_pipeline_page(role: str, world: World, as_role: Callable[[str], Client]) -> None:
    client = as_role(role)
    for address in [*world.lists(), *world.pages()]:
        if address.startswith("/admin/pipeline/"):
            assert client.get(address, follow=True).status_code == 200, address


def test_operator_may_lower_the_mode_but_not_raise_it(world: World, as_role: Callable[[str], Client]) -> None:
    client, address = as_role("operator"), reverse("admin:pipeline_operation_mode", args=[world.operation.pk])

    assert client.post(address, {"mode": "live", "reason": "It looks good."}).status_code == 403
    assert client.post(address, {"mode": "off", "reason": "GitHub is down."}).status_code == 302
    world.operation.refresh_from_db()
    assert world.operation.mode == "off"


def test_operator_may_not_run_live_what_is_dry(world: World, as_role: Callable[[str], Client]) -> None:
    address = reverse("admin:pipeline_operation_run", args=[world.operation.pk])

    assert as_role("operator").post(address, {"mode": "live", "reason": "Now."}).status_code == 403


def test_somebody_without_a_role_sees_what_to_do(world: World, client: Client) -> None:
    world.person.is_staff = True
    world.person.save()
    client.force_login(world.person)

    assert b"Ask an administrator" in client.get("/admin/").content
    assert client.get(reverse("admin:pipeline_issue_changelist")).status_code == 403


def test_administrator_cannot_make_themselves_superuser(world: World, as_role: Callable[[str], Client]) -> None:
    client = as_role("administrator")
    page = client.get(reverse("admin:auth_user_change", args=[world.person.pk])).content.decode()

    assert 'name="is_superuser"' not in page
    assert 'name="groups"' in page


def test_administrator_cannot_change_a_superuser(as_role: Callable[[str], Client]) -> None:
    as_role("superuser")
    client = as_role("administrator")
    superuser = client.get(reverse("admin:auth_user_changelist")).context["cl"].queryset.get(username="root")

    response = client.post(reverse("admin:auth_user_change", args=[superuser.pk]), {"username": "root", "reason": "x"})
    password = client.get(reverse("admin:auth_user_password_change", args=[superuser.pk]))

    assert (response.status_code, password.status_code) == (403, 403)


def test_question_without_csrf_token_is_refused(world: World, root: Client) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = root.cookies
    address = reverse("admin:pipeline_operation_mode", args=[world.operation.pk])

    assert strict.post(address, {"mode": "off", "reason": "Now."}).status_code == 403
