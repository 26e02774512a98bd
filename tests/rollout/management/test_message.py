"""`rollout message`: the plan's own messages, shown first and sent once."""

from __future__ import annotations

from rollout.models import Announcement, Rollout
from tests.rollout.admin.world import LEAD
from tests.rollout.management.conftest import Call

LAUNCH = ("message", "launch", "--rehearsed-on", "30 Oct 2026", "--plan-url", "docs/plan.md", "--by", LEAD)


def test_message_is_shown_and_sent_once_only_when_asked(rollout: Rollout, call: Call) -> None:
    assert "live rehearsal on 30 Oct 2026" in call(*LAUNCH)[1]["body"]
    assert not Announcement.objects.exists()

    assert call(*LAUNCH, "--send")[1]["sent"] is True
    code, why = call(*LAUNCH, "--send")
    assert (code, "it is sent once" in why["error"]) == (2, True)


def test_week_s_status_has_what_people_add(rollout: Rollout, call: Call) -> None:
    code, facts = call("message", "weekly", "--highlight", "All is well", "--by", LEAD)

    assert (code, facts["message"]) == (0, "weekly-1")
    assert "**Highlights**:\n- All is well" in facts["body"]
