"""Who acts, what is told to people, and the moves of states by compare-and-set."""

from __future__ import annotations

from typing import Any

from pipeline import clock
from pipeline.services.operations import NotPossible
from rollout.domain import gate_rules, progress
from rollout.domain.progress import Cause, RolloutState, StepState
from rollout.models import ProgressEntry, Rollout, StepProgress

RULE = "rule:"


def is_rule(actor: str) -> bool:
    """Whether automation did it: a rule, or the saga of a rollback."""
    return actor.startswith((RULE, "rollback:"))


def same(one: str, other: str) -> bool:
    """User names that differ only in case are one person to us."""
    return gate_rules.same_person(one, other)


def need_person(actor: str, what: str) -> None:
    """NotPossible for a rule, or for nobody: `what` is for people."""
    if not actor.strip() or is_rule(actor):
        raise NotPossible(f"{what} is for a person to do; {actor or 'nobody'} cannot.")


def need_reason(reason: str) -> None:
    if not reason.strip():
        raise NotPossible("This needs a reason; write one sentence. Nothing was changed.")


def say(rollout: Rollout, actor: str, sentence: str, link: str = "") -> None:
    """One sentence for the progress log that people read."""
    ProgressEntry.objects.create(rollout=rollout, at=clock.now(), actor=actor, sentence=sentence, link=link)


def say_once(rollout: Rollout, actor: str, sentence: str) -> bool:
    """The same, unless it stands there already: for what every reconcile would find again."""
    if ProgressEntry.objects.filter(rollout=rollout, actor=actor, sentence=sentence).exists():
        return False
    say(rollout, actor, sentence)
    return True


def move(rollout: Rollout, after: RolloutState, cause: Cause, **values: Any) -> None:
    """Move a rollout's state, or NotPossible: the table does not have the move, or somebody was first."""
    before = RolloutState(rollout.state)
    refused = progress.refusal(before, after, cause)
    if refused:
        raise NotPossible(refused)
    moved = Rollout.objects.filter(pk=rollout.pk, state=before.value).update(state=after.value, **values)
    if not moved:
        raise NotPossible(f"{rollout} was changed by somebody else meanwhile; look again.")
    rollout.state = after.value
    for name, value in values.items():
        setattr(rollout, name, value)


def move_step(step: StepProgress, after: StepState, cause: Cause, **values: Any) -> bool:
    """Move a step's state; False where the table does not have the move or somebody was first."""
    before = StepState(step.state)
    if not progress.allowed(before, after, cause):
        return False
    if not StepProgress.objects.filter(pk=step.pk, state=before.value).update(state=after.value, **values):
        return False
    step.state = after.value
    for name, value in values.items():
        setattr(step, name, value)
    return True
