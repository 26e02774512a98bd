"""`rollout survey`: open, answer, close, show; the same rules as on the page."""

from __future__ import annotations

from rollout.models import Rollout
from tests.rollout.admin.world import LEAD, OPERATOR
from tests.rollout.management.conftest import Call


def test_a_round_is_opened_answered_once_and_closed(rollout: Rollout, call: Call) -> None:
    assert call("survey", "open", "--reason", "Week 5.", "--by", LEAD)[0] == 0
    assert call("survey", "answer", "4", "--by", OPERATOR)[1][0]["mean"] is None
    twice, why = call("survey", "answer", "5", "--by", OPERATOR)
    code, rounds = call("survey", "close", "--reason", "All have answered.", "--by", LEAD)

    assert (twice, "answers a round once" in why["error"]) == (2, True)
    assert (code, rounds[0]["answers"], rounds[0]["mean"]) == (0, 1, 4.0)


def test_only_somebody_who_exists_answers_an_open_round(rollout: Rollout, call: Call) -> None:
    assert "No round of the survey is open" in call("survey", "answer", "4", "--by", OPERATOR)[1]["error"]
    call("survey", "open", "--reason", "Week 5.", "--by", LEAD)
    code, why = call("survey", "answer", "4", "--by", "nobody-known")
    assert (code, "There is no user 'nobody-known'" in why["error"]) == (2, True)
