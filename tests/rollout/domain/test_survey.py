"""The scale of the survey and what a round comes to."""

from __future__ import annotations

import pytest

from rollout.domain import survey


def test_a_round_comes_to_its_mean_and_how_many_said_what() -> None:
    found = survey.result([5, 4, 4])
    assert found.sentence == "4.33 of 5 on average, 3 answers."
    assert [(score, count) for score, _word, count in found.counts] == [(5, 1), (4, 2), (3, 0), (2, 0), (1, 0)]


def test_a_round_that_nobody_answered_has_no_mean() -> None:
    assert survey.result([]).mean is None
    assert survey.result([]).sentence == "Nobody answered."


@pytest.mark.parametrize(("score", "fits"), [(0, False), (1, True), (5, True), (6, False)])
def test_the_scale_is_one_to_five(score: int, fits: bool) -> None:
    assert (survey.refusal(score) == "") is fits
