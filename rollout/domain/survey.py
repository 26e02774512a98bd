"""The stakeholder survey's scale and what a round comes to (plan, week 5: 5-point scale, target >4.0)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rollout.domain.statistics import mean

WORST, BEST = 1, 5
WORDS = {1: "very dissatisfied", 2: "dissatisfied", 3: "neither", 4: "satisfied", 5: "very satisfied"}


@dataclass(frozen=True, slots=True)
class Result:
    """`mean` None: nobody answered. `counts`: (score, its word, how many), the best first."""

    n: int
    mean: float | None
    counts: tuple[tuple[int, str, int], ...]

    @property
    def sentence(self) -> str:
        if self.mean is None:
            return "Nobody answered."
        return f"{self.mean:.2f} of {BEST} on average, {self.n} answer{'' if self.n == 1 else 's'}."


def result(scores: Sequence[int]) -> Result:
    """What a round's answers, each WORST…BEST, come to."""
    counts = tuple((score, WORDS[score], scores.count(score)) for score in range(BEST, WORST - 1, -1))
    return Result(len(scores), mean(scores), counts)


def refusal(score: int) -> str:
    """Why a score cannot be taken; "" where it can."""
    if WORST <= score <= BEST:
        return ""
    return f"{score} is not on the scale; choose {WORST} ({WORDS[WORST]}) to {BEST} ({WORDS[BEST]})."
