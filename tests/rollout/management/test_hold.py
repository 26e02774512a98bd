"""`rollout hold`: one person stops everything, an operation or a step."""

from __future__ import annotations

import pytest

from rollout.models import Hold, Rollout
from tests.rollout.management.conftest import Call

WHO = ("--reason", "It looks odd.", "--by", "olga")


def test_hold_of_everything(rollout: Rollout, call: Call) -> None:
    code, facts = call("hold", *WHO)

    rollout.refresh_from_db()
    assert (code, facts["operation"], facts["step"], rollout.state) == (0, "", "", "held")


@pytest.mark.parametrize("scope", [("--operation", "assign"), ("--step", "1.1")])
def test_hold_of_a_part_leaves_the_rest(rollout: Rollout, call: Call, scope: tuple[str, str]) -> None:
    code, facts = call("hold", *scope, *WHO)

    rollout.refresh_from_db()
    assert (code, scope[1] in (facts["operation"], facts["step"]), rollout.state) == (0, True, "running")


@pytest.mark.parametrize(("extra", "words"), [(("--step", "9.9"), "no step"), (("--by", "rule:x"), "for a person")])
def test_unknown_scope_and_rules_names_are_refused(
    rollout: Rollout, call: Call, extra: tuple[str, str], words: str
) -> None:
    code, facts = call("hold", *WHO, *extra)

    assert (code, words in facts["error"], Hold.objects.exists()) == (2, True, False), facts
