"""The feedback loop of plan 3.3: from low scores with a root cause to a proposal, and what a change was worth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from rollout.domain.reviews.results import ENOUGH, Figure, Verdict
from rollout.domain.reviews.scoring import TAGS, Criterion
from rollout.domain.wording import counted

LEAST = 2  # issues that share a cause, where the interval alone does not show that a criterion is low
SHOWN = 10  # issue numbers in a sentence
CAUSES = {
    "template": "the guidance's template",
    "edge-case": "an edge case that the documentation does not cover",
    "model": "the model that writes it",
    "data": "the data that it is written from",
}


@dataclass(frozen=True, slots=True)
class Low:
    """One issue that was not above a criterion's target, with the causes that its reviewers named."""

    number: int
    workflow: str
    tags: frozenset[str]


@dataclass(frozen=True, slots=True)
class Proposal:
    """A criterion is low and `issues` share a cause; `workflow` is set where all of them belong to one."""

    criterion: str
    text: str
    tag: str
    workflow: str
    figure: Figure
    issues: tuple[int, ...] = field(default=())

    @property
    def sentence(self) -> str:
        numbers = ", ".join(f"#{number}" for number in self.issues[:SHOWN])
        if len(self.issues) > SHOWN:
            numbers += f" and {len(self.issues) - SHOWN} more"
        where = f" of {self.workflow}" if self.workflow else ""
        shown = "" if self.figure.value is None else f" is at {100 * self.figure.value:.0f} %, n = {self.figure.n}"
        found = counted(len(self.issues), "issue")
        return f"{self.text}{shown}. Reviewers name {CAUSES[self.tag]} on {found}{where}: {numbers}."


def proposals(
    criteria: Sequence[Criterion], figures: Mapping[str, Figure], lows: Mapping[str, Iterable[Low]]
) -> list[Proposal]:
    """One for each criterion and cause: below target with the whole interval, or in the mean with `LEAST` issues."""
    return [
        proposal
        for criterion in criteria
        if criterion.slug in figures
        for tag in TAGS
        if (proposal := _proposal(criterion, tag, figures[criterion.slug], lows.get(criterion.slug, ())))
    ]


def _proposal(criterion: Criterion, tag: str, figure: Figure, lows: Iterable[Low]) -> Proposal | None:
    caused = [low for low in lows if tag in low.tags]
    is_shown = figure.verdict is Verdict.BELOW and len(caused) > 0
    if not is_shown and not (figure.is_short and len(caused) >= LEAST):
        return None
    workflows = {low.workflow for low in caused}
    workflow = workflows.pop() if len(workflows) == 1 else ""
    return Proposal(
        criterion.slug, criterion.text, tag, workflow, figure, tuple(sorted({low.number for low in caused}))
    )


class Change(StrEnum):
    BETTER = "better"
    WORSE = "worse"
    UNSHOWN = "no difference shown"
    TOO_FEW = "too few to tell"


@dataclass(frozen=True, slots=True)
class Effect:
    """A criterion before and after a change of the guidance."""

    before: Figure
    after: Figure

    @property
    def change(self) -> Change:
        """Better or worse only where the intervals do not touch, which errs on the side of saying nothing."""
        old, new = self.before.interval, self.after.interval
        if old is None or new is None or min(self.before.n, self.after.n) < ENOUGH:
            return Change.TOO_FEW
        if new.low > old.high:
            return Change.BETTER
        return Change.WORSE if new.high < old.low else Change.UNSHOWN

    @property
    def sentence(self) -> str:
        before, after = self.before.n, self.after.n
        if self.change is Change.TOO_FEW:
            return (
                f"{counted(before, 'score')} before and {after} after the change; "
                f"it takes {ENOUGH} on each side. What stands here may be chance."
            )
        if self.change is Change.UNSHOWN:
            return "The intervals overlap, so this may be chance; it shows neither success nor failure."
        return (
            f"The intervals do not touch: the score is {self.change.value}. What else changed in that time counts too."
        )
