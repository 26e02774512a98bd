"""`rollout resume`: one asks with the checklist, another approves."""

from __future__ import annotations

import pytest

from rollout.models import Hold, Rollout
from rollout.services import stop
from tests.rollout.management.conftest import Call


@pytest.fixture
def hold(rollout: Rollout) -> Hold:
    return stop.hold(rollout, by="olga", reason="It looks odd.")


def ask(call: Call, hold: Hold, *met: str) -> tuple[int, dict[str, object]]:
    lines = [word for number in met for word in ("--met", number)]
    return call("resume", "ask", str(hold.pk), "--reason", "A false alarm.", "--by", "olga", *lines)


def test_two_people_start_again(hold: Hold, call: Call) -> None:
    asked, _ = ask(call, hold, "1", "2", "3")
    code, facts = call("resume", "approve", str(hold.pk), "--by", "lea")

    hold.refresh_from_db()
    assert (asked, code, facts["state"], hold.released_by) == (0, 0, "approved", "lea")


def test_same_person_and_open_checklist_are_refused(hold: Hold, call: Call) -> None:
    ask(call, hold, "1")

    alone, why = call("resume", "approve", str(hold.pk), "--by", "Olga")
    early, unmet = call("resume", "approve", str(hold.pk), "--by", "lea")

    assert (alone, "second person" in why["error"]) == (2, True)
    assert (early, "Not met yet" in unmet["error"]) == (2, True)
    hold.refresh_from_db()
    assert hold.released_at is None


def test_refused_stays_stopped_and_unknown_holds_are_named(hold: Hold, call: Call) -> None:
    ask(call, hold)
    code, facts = call("resume", "refuse", str(hold.pk), "--reason", "Not yet.", "--by", "lea")
    unknown, words = call("resume", "approve", "99999", "--by", "lea")
    beyond, lines = ask(call, hold, "9")

    assert (code, facts["state"]) == (0, "refused")
    assert (unknown, f"standing are {hold.pk}" in words["error"]) == (2, True)
    assert (beyond, "lines 1 to 3" in str(lines["error"])) == (2, True)
