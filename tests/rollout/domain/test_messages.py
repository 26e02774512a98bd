"""Templates of the plan: placeholders filled once, nothing else read."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.messages import missing, render
from rollout.domain.plan import Message

MESSAGE = Message("m", "Week {week}", "By {actor} because {reason}. {Not} {a b} {}")


def test_placeholders_are_filled_and_the_rest_stays() -> None:
    made = render(MESSAGE, {"week": 2, "actor": "olga", "reason": "faults"})
    assert (made.subject, made.body) == ("Week 2", "By olga because faults. {Not} {a b} {}")


def test_fact_that_is_missing_is_said_to_be_unknown() -> None:
    assert missing(MESSAGE, {"week": 2}) == ("actor", "reason")
    assert render(MESSAGE, {"week": 2}).body.startswith("By (not known) because (not known).")


@given(st.text(max_size=40))
def test_value_is_never_read_as_a_template(text: str) -> None:
    value = f"{text}{{actor}}"
    assert value in render(Message("m", "s", "[{reason}]"), {"reason": value, "actor": "x"}).body
