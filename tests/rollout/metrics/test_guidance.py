"""Scores come through a port; without them nothing can be judged."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pytest

from rollout.domain.measures import Row
from rollout.metrics import guidance
from rollout.metrics.guidance import Score
from tests.rollout.evidence_rows import HOUR, START
from tests.rollout.metrics.conftest import Ask


class Ten:
    """Ten reviews between 0.90 and 0.99, three answers."""

    def reviews(self, repository_id: int, start: datetime, end: datetime, workflow: str) -> Sequence[Score]:
        return [Score(Row("rollout.review", n), 0.90 + n / 100, START + n * HOUR) for n in range(10)]

    def survey(self, repository_id: int, start: datetime, end: datetime) -> Sequence[Score]:
        return [Score(Row("rollout.answer", n), value, START + HOUR) for n, value in enumerate((5, 4, 4))]


@pytest.mark.parametrize("slug", ["guidance_quality", "survey_score"])
def test_nobody_scored_anything(ask: Ask, slug: str) -> None:
    found = ask(slug)
    assert (found.value, found.n) == (None, 0)


def test_quality_is_a_sampled_mean_with_its_interval(ask: Ask) -> None:
    with guidance.using(Ten()):
        found = ask("guidance_quality")
    assert found.value == pytest.approx(0.945)
    assert found.parts["sampled"] is True
    assert found.parts["low"] == pytest.approx(0.6954, abs=1e-4)  # ten good ones do not show that none is bad
    assert found.parts["high"] == 1.0


def test_survey_is_the_mean_answer(ask: Ask) -> None:
    with guidance.using(Ten()):
        assert ask("survey_score").value == pytest.approx(13 / 3)


def test_port_is_put_back_afterwards() -> None:
    before = guidance.scores()
    with guidance.using(Ten()):
        assert guidance.scores() is not before
    assert guidance.scores() is before
