"""What the pages of escalation show and do: one service each, and a sentence where it is refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from pipeline import clock
from pipeline.models import AuditEntry, Repository, Run
from rollout.models import ClockPause, CompletionCase, EscalationRule, ManualReview
from rollout.services.escalation import rules, trust
from tests.factories import make_repository
from tests.pipeline.admin.test_permissions_over_http import FROM, ROLES
from tests.rollout.admin.addresses import page
from tests.rollout.admin.world import HOSTILE, World
from tests.rollout.overdue import make_overdue

As = Callable[[str], Client]
BOARD = "/admin/rollout/completioncase/overdue/"
OPERATORS, LEADS = FROM["operator"], FROM["rollout lead"]


@pytest.fixture
def woken(world: World) -> World:
    """Nobody snoozes the world's case any more."""
    world.case.pauses.filter(kind="snoozed").update(until=clock.now() - timedelta(hours=1))
    return world


# --- the board ---


def test_board_shows_each_case_on_its_own_clock_with_what_comes_next(world: World, root: Client) -> None:
    EscalationRule.objects.all().delete()
    rules.ship()
    world.case.escalations.filter(action="review").delete()
    text = root.get(BOARD).content.decode()
    assert f"#{world.case.issue.number}" in text
    assert "1 d 12 h" in text  # due 20 days ago, blocked for 18 of them and snoozed for the last half
    assert "clock stands still" in text
    assert "snoozed by a person until" in text
    assert "day 14: manual review" in text


def test_board_says_when_nothing_is_escalated_at_the_moment(world: World, root: Client) -> None:
    assert "Nobody has looked for overdue issues" in root.get(BOARD).content.decode()
    for minutes in (60, 30, 0):
        trust.look(clock.now() - timedelta(minutes=minutes))
    assert "Nothing is escalated at the moment" not in root.get(BOARD).content.decode()


def test_board_is_narrowed_to_a_repository_and_says_what_to_expect_when_empty(world: World, root: Client) -> None:
    other = make_repository()
    mine = root.get(f"{BOARD}?repository={world.repository.pk}").content.decode()
    none = root.get(f"{BOARD}?repository={other.pk}").content.decode()
    assert f"#{world.case.issue.number}" in mine
    assert f"No issue is overdue at Copilot in {other}." in none
    assert root.get(f"{BOARD}?repository=nonsense").status_code == 200


def test_board_asks_the_database_no_more_for_more_cases(world: World, root: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as caught:
            assert root.get(BOARD).status_code == 200
        return len(caught)

    queries()
    before = queries()
    for _ in range(5):
        make_overdue(world.repository)
    assert queries() == before


# --- snoozing ---


def test_case_is_snoozed_and_woken_with_a_reason(woken: World, as_person: As) -> None:
    client, case = as_person("olga"), woken.case
    client.post(page("completioncase_snooze", case.pk), {"days": 5, "reason": "It is a holiday."})
    pause = ClockPause.objects.get(kind="snoozed", ended_at__isnull=True)
    assert (pause.by, pause.reason) == ("olga", "It is a holiday.")
    shown = client.get(page("completioncase_change", case.pk)).content.decode()
    assert "End the snooze" in shown
    client.post(page("completioncase_wake", case.pk), {"reason": "Everybody is back."})
    pause.refresh_from_db()
    assert pause.ended_at is not None
    actions = list(AuditEntry.objects.order_by("-sequence").values_list("action", flat=True)[:2])
    assert actions == ["escalation.snooze_ended", "escalation.snoozed"]


@pytest.mark.parametrize("answer", [{"days": 31}, {"days": 0}, {"days": ""}, {"reason": ""}])
def test_snooze_without_reason_or_too_long_is_refused(woken: World, as_person: As, answer: dict[str, object]) -> None:
    before = ClockPause.objects.count()
    as_person("olga").post(page("completioncase_snooze", woken.case.pk), {"days": 5, "reason": "A holiday.", **answer})
    assert ClockPause.objects.count() == before


def test_case_that_is_not_snoozed_cannot_be_woken(woken: World, as_person: As) -> None:
    answer = as_person("olga").post(page("completioncase_wake", woken.case.pk), {"reason": "Go on."})
    assert b"over already" in answer.content


# --- manual reviews ---


def test_review_is_taken_over_and_decided(world: World, as_person: As) -> None:
    client, review = as_person("olga"), world.manual_review
    client.post(page("manualreview_take_over", review.pk), {"reason": "I know it."})
    answer = client.post(page("manualreview_settle", review.pk), {"decision": "close", "reason": "It is done."})
    review.refresh_from_db()
    assert (review.owner, review.state, review.decision) == ("olga", "done", "close: It is done.")
    run = Run.objects.get(kind="triage")
    assert answer.headers["Location"].endswith(f"/run/{run.pk}/change/")
    assert str(run) in client.get(page("manualreview_change", review.pk)).content.decode()


def test_review_that_cannot_be_carried_out_says_so(world: World, as_person: As) -> None:
    Repository.objects.update(standing="paused")
    answer = as_person("olga").post(
        page("manualreview_settle", world.manual_review.pk), {"decision": "hand_over_again", "reason": "Again."}
    )
    assert b"is paused; resume it first" in answer.content
    assert ManualReview.objects.get().state == "open"


def test_list_shows_all_reviews_or_only_mine(world: World, as_person: As) -> None:
    other = make_overdue(world.repository, "Another").manual_review
    ManualReview.objects.filter(pk=other.pk).update(owner="olga")
    address = page("manualreview_changelist")
    mine = as_person("olga").get(f"{address}?mine=yes").content.decode()
    assert f"#{other.case.issue.number}" in mine
    assert f"#{world.case.issue.number}" not in mine
    assert f"#{world.case.issue.number}" in as_person("olga").get(address).content.decode()


# --- rules ---


def test_rule_is_changed_with_a_reason_and_its_history_is_kept(world: World, as_person: As) -> None:
    rule = world.escalation_rule
    answer = {"action": "remind", "days_overdue": 2, "text": "Sooner", "active": "on", "reason": "Three is late."}
    assert as_person("lea").post(page("escalationrule_change", rule.pk), answer).status_code == 302
    rule.refresh_from_db()
    assert (rule.days_overdue, rule.history.latest().history_change_reason) == (2, "Three is late.")
    assert AuditEntry.objects.latest("sequence").action == "escalationrule.changed"
    rules.ship()
    rule.refresh_from_db()
    assert rule.days_overdue == 2


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"days_overdue": 0}, "choose 1 to 365"),
        ({"workflow": "nonsense"}, "There is no workflow"),
        ({"role": "nonsense"}, "No plan has a role"),
        ({"action": "notify"}, "Say which role"),
        ({"reason": ""}, "This field is required"),
    ],
)
def test_rule_that_makes_no_sense_is_refused(world: World, as_person: As, wrong: dict[str, object], words: str) -> None:
    answer = {"action": "remind", "days_overdue": 2, "text": "Sooner", "active": "on", "reason": "Why not.", **wrong}
    address = page("escalationrule_change", world.escalation_rule.pk)
    assert words in as_person("lea").post(address, answer).content.decode()
    assert EscalationRule.objects.get(pk=world.escalation_rule.pk).text != "Sooner"


# --- who may ---


@pytest.mark.parametrize("role", ROLES)
def test_each_role_may_what_it_may_on_get_and_post(role: str, world: World, as_role: As) -> None:
    client = as_role(role)
    before = (ClockPause.objects.count(), ManualReview.objects.get().state, ManualReview.objects.get().owner)
    asks = [page(f"completioncase_{name}", world.case.pk) for name in ("snooze", "wake")]
    asks += [page(f"manualreview_{name}", world.manual_review.pk) for name in ("take_over", "settle")]
    for address in asks:
        expected = 200 if role in OPERATORS else 403
        assert client.get(address).status_code == expected, address
        if role not in OPERATORS:
            assert client.post(address, {"reason": "I want to.", "days": 1, "decision": "leave"}).status_code == 403
    assert (ClockPause.objects.count(), ManualReview.objects.get().state, ManualReview.objects.get().owner) == before
    assert client.get(page("escalationrule_add")).status_code == (200 if role in LEADS else 403)
    for address in (BOARD, page("completioncase_change", world.case.pk), page("manualreview_changelist")):
        assert client.get(address).status_code == 200, address


def test_pages_escape_what_strangers_wrote(world: World, root: Client) -> None:
    for address in (
        BOARD,
        page("completioncase_change", world.case.pk),
        page("manualreview_change", world.manual_review.pk),
    ):
        answer = root.get(address)
        assert answer.status_code == 200
        assert HOSTILE.encode() not in answer.content, address
    assert CompletionCase.objects.count() == 1
