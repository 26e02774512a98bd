"""`rollout start`: the plan is frozen and day 1 set; nothing goes live."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pipeline import clock
from pipeline.services import operations
from rollout.models import Rollout
from rollout.services import plans
from tests.factories import make_repository
from tests.rollout.management.conftest import Call

REASON = ("--reason", "The rehearsal went well.", "--by", "lea")


@pytest.fixture
def tomorrow(db: None) -> str:
    repository = make_repository(full_name="acme/watch")
    operations.ship_operations(repository, actor="olga", reason="First set-up.")
    plans.import_plan(plans.shipped_text(), actor="lea")
    return (clock.now().date() + timedelta(days=1)).isoformat()


def test_start_freezes_the_plan_and_lets_nothing_go_live(tomorrow: str, call: Call) -> None:
    code, facts = call("start", "unified-pipeline@1", "--on", tomorrow, *REASON)

    rollout = Rollout.objects.get()
    assert (code, facts["state"], facts["starts_on"]) == (0, "running", tomorrow)
    assert rollout.plan.status == "frozen"
    assert {row["mode"] for row in facts["operations"]} == {"dry_run"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("unified-pipeline@1", "--on", "soon"), "is no date"),
        (("unified-pipeline@7", "--on", "2030-01-07"), "no plan 'unified-pipeline@7'"),
        (("--on", "2030-01-07"), "Name the plan"),
        (("unified-pipeline@1", "--on", "2020-01-06"), "is past"),
    ],
)
def test_bad_input_is_refused_in_a_sentence(tomorrow: str, call: Call, arguments: tuple[str, ...], words: str) -> None:
    code, facts = call("start", *arguments, *REASON)

    assert (code, words in facts["error"]) == (2, True), facts
    assert not Rollout.objects.exclude(state="prepared").exists()


def test_start_twice_is_refused(tomorrow: str, call: Call) -> None:
    call("start", "unified-pipeline@1", "--on", tomorrow, *REASON)

    code, facts = call("start", "--on", tomorrow, *REASON)

    assert (code, "only a prepared rollout" in facts["error"]) == (2, True)
