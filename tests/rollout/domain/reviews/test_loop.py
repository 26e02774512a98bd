"""A low criterion with a cause becomes a proposal; a change is judged only by enough scores on both sides."""

from __future__ import annotations

import pytest

from rollout.domain.reviews.loop import Change, Effect, Low, proposals
from rollout.domain.reviews.results import Figure, figure
from rollout.domain.reviews.scoring import Criterion

INPUTS = Criterion("inputs", "Input completeness", 100, 0.9)


def low(number: int, *tags: str, workflow: str = "osint") -> Low:
    return Low(number, workflow, frozenset(tags))


def proposed(found: Figure, *lows: Low) -> list[tuple[str, str, tuple[int, ...]]]:
    return [(one.tag, one.workflow, one.issues) for one in proposals([INPUTS], {"inputs": found}, {"inputs": lows})]


def test_two_low_issues_with_one_cause_are_proposed() -> None:
    found = figure([1.0, 0.5, 0.5], 0.9)
    assert proposed(found, low(7, "template"), low(3, "template", "data")) == [("template", "osint", (3, 7))]


def test_one_low_issue_is_proposed_only_when_the_whole_interval_is_below() -> None:
    assert proposed(figure([1.0, 0.5, 1.0], 0.9), low(7, "template")) == []
    assert proposed(figure([0.25] * 12, 0.9), low(7, "template")) == [("template", "osint", (7,))]


def test_criterion_above_its_target_is_not_proposed_however_many_low_issues_it_has() -> None:
    found = figure([1.0] * 38 + [0.5, 0.5], 0.9)
    assert proposed(found, low(1, "model"), low(2, "model")) == []


def test_low_issues_without_a_cause_are_no_proposal() -> None:
    assert proposed(figure([0.25] * 12, 0.9), low(1), low(2)) == []


def test_proposal_names_no_workflow_where_several_share_the_cause() -> None:
    found = proposed(figure([0.25] * 12, 0.9), low(1, "data"), low(2, "data", workflow="brief"))
    assert found == [("data", "", (1, 2))]


def test_proposal_says_what_was_seen() -> None:
    found = figure([1.0, 0.5, 0.5], 0.9)
    (one,) = proposals([INPUTS], {"inputs": found}, {"inputs": [low(3, "template"), low(7, "template")]})
    assert one.sentence == (
        "Input completeness is at 67 %, n = 3. Reviewers name the guidance's template on 2 issues of osint: #3, #7."
    )


def test_proposal_of_many_issues_names_the_first_ten() -> None:
    lows = [low(number, "model") for number in range(1, 14)]
    (one,) = proposals([INPUTS], {"inputs": figure([0.25] * 13, 0.9)}, {"inputs": lows})
    assert one.sentence.endswith("on 13 issues of osint: #1, #2, #3, #4, #5, #6, #7, #8, #9, #10 and 3 more.")


@pytest.mark.parametrize(
    ("before", "after", "change", "said"),
    [
        ([0.25] * 30, [1.0] * 30, Change.BETTER, "the score is better"),
        ([1.0] * 30, [0.25] * 30, Change.WORSE, "the score is worse"),
        ([0.75] * 12, [1.0] * 12, Change.UNSHOWN, "may be chance"),
        ([0.25] * 30, [1.0] * 9, Change.TOO_FEW, "30 scores before and 9 after"),
        ([0.25] * 9, [1.0] * 30, Change.TOO_FEW, "it takes 10 on each side"),
        ([], [], Change.TOO_FEW, "0 scores before and 0 after"),
    ],
)
def test_change_is_told_only_where_the_intervals_do_not_touch(
    before: list[float], after: list[float], change: Change, said: str
) -> None:
    found = Effect(figure(before), figure(after))
    assert found.change is change
    assert said in found.sentence
