"""The steps of a rollback as data: what each does, what must hold afterwards, and what has to be settled before it.

Order is the order of the plan's "Rollback Procedures". A step that fails holds up only those that need it: that GitHub
cannot be reached must not keep the announcement back. Each step is idempotent; nothing here knows a database.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Standing(StrEnum):
    """Where one step stands."""

    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"


SETTLED = frozenset({Standing.DONE, Standing.SKIPPED})


class Overall(StrEnum):
    """Where the whole rollback stands."""

    RUNNING = "running"
    DONE = "done"
    STUCK = "stuck"


@dataclass(frozen=True, slots=True)
class SagaStep:
    """`postcondition` is what is checked before the step counts as done. `drill_only`: left out of a real rollback."""

    name: str
    title: str
    postcondition: str
    needs: tuple[str, ...] = ()
    drill_only: bool = False


STEPS: tuple[SagaStep, ...] = (
    SagaStep(
        "schedules_off",
        "Switch the schedules off",
        "Every operation of the scope is off, has no live lease, and has begun no scheduled run since.",
    ),
    SagaStep("runs_cancelled", "Cancel what is in flight", "No run of the scope is open.", ("schedules_off",)),
    SagaStep(
        "drained",
        "Wait until workers have let go",
        "No item of the scope is held by a worker; writes of unknown fate are listed.",
        ("runs_cancelled",),
    ),
    SagaStep(
        "states_exported",
        "Export the issue states",
        "CSV and JSON were written, read again, and have the hash that is noted.",
        ("drained",),
    ),
    SagaStep(
        "incident_opened",
        "Open the incident",
        "An incident has an owner and a post-mortem due within 48 hours.",
        ("schedules_off",),
    ),
    SagaStep("progress_noted", "Write the progress log", "The entry is in the log.", ("incident_opened",)),
    SagaStep(
        "announced",
        "Tell the team",
        "Every channel that is set up has taken the message.",
        ("incident_opened",),
    ),
    SagaStep(
        "workflows_disabled",
        "Switch off GitHub Actions workflows of the same job",
        "GitHub shows none of them as active.",
        ("schedules_off",),
    ),
    SagaStep(
        "effects_reverted",
        "Undo what the rolled-back runs changed",
        "Every run since the step went live was undone, as far as people's later edits allow.",
        ("states_exported",),
    ),
    SagaStep(
        "triage_listed",
        "List the issues between two states",
        "Every issue in state::assigned and state::copilot has a proposal.",
        ("effects_reverted",),
    ),
    SagaStep(
        "stayed_off",
        "Watch that the schedules stay off",
        "Ten minutes on they are still off, and no scheduled run has begun.",
        ("schedules_off",),
    ),
    SagaStep(
        "put_back",
        "Put the drill's repository back",
        "The operations have the modes that they had before the drill.",
        ("stayed_off", "triage_listed", "announced", "progress_noted", "workflows_disabled"),
        drill_only=True,
    ),
)
BY_NAME = {step.name: step for step in STEPS}

WATCH = timedelta(minutes=10)  # as long as a live lease: after it not even a cut-off worker may write
MOST_ATTEMPTS = 8
_BACKOFF = (15, 30, 60, 120, 300, 600, 900)  # seconds


def steps_of(*, drill: bool) -> tuple[SagaStep, ...]:
    return tuple(step for step in STEPS if drill or not step.drill_only)


def ready(standings: Mapping[str, Standing]) -> tuple[str, ...]:
    """The steps that may be tried now, in order: not settled, and all that they need is."""
    return tuple(
        step.name
        for step in STEPS
        if step.name in standings
        and standings[step.name] not in SETTLED
        and all(standings.get(need, Standing.SKIPPED) in SETTLED for need in step.needs)
    )


def wait_after(attempts: int) -> timedelta:
    """How long a step that failed for the `attempts`-th time rests."""
    return timedelta(seconds=_BACKOFF[min(max(attempts, 1), len(_BACKOFF)) - 1])


def overall(standings: Mapping[str, tuple[Standing, int]]) -> Overall:
    """By name (standing, failures so far): done when all is settled, stuck when nothing is left to try by itself."""
    if all(standing in SETTLED for standing, _failures in standings.values()):
        return Overall.DONE
    given_up = {
        name
        for name, (standing, failures) in standings.items()
        if standing is Standing.FAILED and failures >= MOST_ATTEMPTS
    }
    left = set(ready({name: standing for name, (standing, _failures) in standings.items()})) - given_up
    return Overall.RUNNING if left else Overall.STUCK
