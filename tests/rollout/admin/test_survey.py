"""The survey over HTTP: a lead opens it, stakeholders answer once, everybody sees the mean of what is closed."""

from __future__ import annotations

from collections.abc import Callable

from django.test import Client

from rollout.models import Survey, SurveyAnswer
from tests.rollout.admin.addresses import page
from tests.rollout.admin.world import HOSTILE, LEAD, SIGNERS, World

As = Callable[[str], Client]


def opened(world: World, lead: Client) -> Survey:
    """A round of its own, after the one that the world has open."""
    lead.post(page("rollout_survey_close", world.rollout.pk, world.survey.pk), {"reason": "Week 4."})
    answer = {"question": "Are you content?", "days": 5, "reason": "Week 5."}
    assert lead.post(page("rollout_survey_open", world.rollout.pk), answer).status_code == 302
    return Survey.objects.get(closed_at=None)


def test_stakeholders_answer_once_and_the_mean_shows_when_the_round_is_closed(world: World, as_person: As) -> None:
    lead = as_person(LEAD)
    survey, shown = opened(world, lead), page("rollout_survey", world.rollout.pk)
    address = page("rollout_survey_answer", world.rollout.pk, survey.pk)
    for role, score in zip(SIGNERS[:2], (5, 4), strict=True):
        as_person(f"signs-{role}").post(address, {"score": score, "reason": HOSTILE})
    again = as_person(f"signs-{SIGNERS[0]}").post(address, {"score": 1})
    assert b"a person answers a round once" in again.content
    assert "on average" not in lead.get(shown).content.decode()

    lead.post(page("rollout_survey_close", world.rollout.pk, survey.pk), {"reason": "All have answered."})
    text = lead.get(shown).content.decode()
    assert "4.50 of 5 on average, 2 answers." in text
    assert "<script>window.hacked" not in text
    assert f"signs-{SIGNERS[0]}" not in text


def test_only_leads_open_and_close_and_everybody_may_answer(world: World, as_person: As, as_role: As) -> None:
    survey = opened(world, as_person(LEAD))
    stakeholder = as_role("stakeholder")
    for name, arguments in (("open", ()), ("close", (survey.pk,))):
        address = page(f"rollout_survey_{name}", world.rollout.pk, *arguments)
        assert stakeholder.post(address, {"reason": "x"}).status_code == 403
    address = page("rollout_survey_answer", world.rollout.pk, survey.pk)
    assert stakeholder.get(address).status_code == 200
    assert stakeholder.post(address, {"score": "9"}).status_code == 200
    assert not SurveyAnswer.objects.exists()
    assert "The stakeholder survey is open" in stakeholder.get("/admin/").content.decode()


def test_a_round_of_another_rollout_is_not_found(world: World, as_person: As) -> None:
    assert as_person(LEAD).get(page("rollout_survey_answer", world.rollout.pk, 99)).status_code == 404
