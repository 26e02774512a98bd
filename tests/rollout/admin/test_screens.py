"""Every screen of the rollout opens, empty and full, and never lets foreign text act."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils.html import escape

from pipeline import clock
from pipeline.models import AuditEntry
from rollout.metrics.registry import METRICS
from rollout.models import Announcement
from rollout.services import stop_links
from tests import guards
from tests.rollout.admin.addresses import every, page
from tests.rollout.admin.world import World


def test_every_page_opens_and_escapes_what_strangers_wrote(world: World, root: Client) -> None:
    for address in every(world):
        response = root.get(address)
        assert response.status_code == 200, address
        if not response.streaming:
            assert b"<script>window.hacked" not in response.content, address
            assert b"<img src=x" not in response.content, address


EMPTY = {
    "rollout": "Prepare one",
    "gate": "gate room",
    "firing": "No trigger has fired",
    "rollback": "Nothing was rolled back",
    "incident": "A rollback opens an incident",
    "planversion": "Import the shipped plan",
    "changerequest": "Nobody has asked to change",
    "roleholder": "Gates can be signed only by people",
    "progressentry": "told here",
    "evaluation": "judged after each run",
    "announcement": "Messages to people",
    "securityalert": "GitHub",
    "externalschedule": "None found",
    "stepprogress": "Steps come with a started rollout",
    "hold": "Nothing was ever held",
    "override": "Nobody has overridden",
    "tick": "manual criterion",
    "servicelevel": "rollout ship",
    "signature": "No gate was signed",
    "resumption": "Nobody has asked to start again",
    "completioncase": "nothing was handed over yet",
    "manualreview": "not finished it so many days after",
    "escalationrule": "so nothing is escalated",
    "reviewbatch": "No sample was drawn yet",
    "rubric": "manage.py reviews ship",
    "reviewteam": "then give them members",
    "absence": "Nobody is away",
    "score": "Nothing was drawn for review yet",
    "review": "Start in “My queue”",
    "adjudication": "No two reviewers disagree",
    "improvement": "the results page suggests one",
}


@pytest.mark.parametrize("model", sorted(EMPTY))
def test_empty_list_says_what_to_do_next(db: None, client: Client, model: str) -> None:
    client.force_login(User.objects.create_superuser("root"))

    assert EMPTY[model] in client.get(f"/admin/rollout/{model}/").content.decode()


def test_overview_shows_where_the_rollout_stands(world: World, root: Client) -> None:
    text = root.get("/admin/").content.decode()

    assert "Next go/no-go" in text
    assert "Proceed to Week 1?" in text
    assert "Hold of assign by olga" in text


def test_overview_without_a_rollout_says_what_to_do(world: World, root: Client) -> None:
    world.rollout.__class__.objects.filter(pk=world.rollout.pk).update(state="finished")

    assert b"No rollout is prepared" in root.get("/admin/").content


def test_criteria_and_evaluations_say_what_is_measured(world: World, root: Client) -> None:
    step = root.get(page("stepprogress_change", world.step.pk)).content.decode()
    assert escape(METRICS["handovers_correct"].definition) in step

    world.rollout.evaluations.filter(pk=world.evaluation.pk).update(metric="survey_score")
    found = root.get(page("evaluation_change", world.evaluation.pk)).content.decode()
    assert escape(METRICS["survey_score"].definition) in found


def test_audit_log_is_verified_on_request(world: World, root: Client) -> None:
    sound = root.get("/admin/pipeline/auditentry/verify", follow=True).content.decode()
    with guards.taken_away():
        AuditEntry.objects.filter(sequence=2).update(reason="Nobody will notice.")
    altered = root.get("/admin/pipeline/auditentry/verify", follow=True).content.decode()

    assert "are there and unaltered" in sound
    assert "Entry 2 was altered" in altered


@pytest.mark.parametrize(("role", "shown"), [("stakeholder", False), ("reviewer", False), ("operator", True)])
def test_link_that_stops_is_shown_to_those_who_may_stop(
    world: World, as_role: Callable[[str], Client], role: str, shown: bool
) -> None:
    link = stop_links.address(world.rollout)
    Announcement.objects.filter(pk=world.announcement.pk).update(body=f"Stop it: {link}\nThat is all.")
    text = as_role(role).get(f"/admin/rollout/announcement/{world.announcement.pk}/change/").content.decode()
    assert "That is all." in text
    assert (link in text) is shown


def test_rollbacks_page_tells_its_own_messages_and_the_link_only_to_those_who_may_stop(
    world: World, as_role: Callable[[str], Client]
) -> None:
    link, own = stop_links.address(world.rollout), f"rollback:{world.rollback.pk}"
    for key, body in ((f"{own}:email", f"Stop it: {link}"), (f"{own}0:email", "Of another one.")):
        Announcement.objects.update_or_create(
            key=key, defaults={"channel": "email", "subject": "Rolled back", "body": body, "created_at": clock.now()}
        )
    address = f"/admin/rollout/rollback/{world.rollback.pk}/change/"
    seen = {role: as_role(role).get(address).content.decode() for role in ("stakeholder", "operator")}
    assert {role: link in text for role, text in seen.items()} == {"stakeholder": False, "operator": True}
    assert "Stop it: (" in seen["stakeholder"]
    assert "Of another one." not in seen["operator"]
