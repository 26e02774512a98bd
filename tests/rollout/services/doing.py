"""Stands in for what triggers may do: remembers it, and makes the row that others would make."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pipeline import clock
from pipeline.models import Mode, Operation, Run
from rollout.models import Hold, Rollback, Rollout, StepProgress
from rollout.services.trigger_actions import Actions
from tests.factories import make_run


@dataclass
class Doing:
    """`done`: (what, on what, by whom), in order."""

    done: list[tuple[str, str, str]] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    fails: bool = False

    def actions(self) -> Actions:
        return Actions(self.hold, self.roll_back, self.announce, self.release, self.probe)

    def hold(self, rollout: Rollout, *, operation: str, step: str, by: str, reason: str, probes: int) -> Hold:
        self._may_fail()
        self.done.append(("hold", operation or step or "everything", by))
        return Hold.objects.create(
            rollout=rollout, operation=operation, step=step, by=by, reason=reason, probes=probes, at=clock.now()
        )

    def roll_back(self, rollout: Rollout, *, step: str, by: str, **values: Any) -> Rollback:
        self._may_fail()
        self.done.append(("roll back", step or "everything", by))
        if step:
            StepProgress.objects.filter(rollout=rollout, number=step).update(state=StepProgress.State.ROLLED_BACK)
        else:
            Rollout.objects.filter(pk=rollout.pk).update(state=Rollout.State.ROLLED_BACK)
        return Rollback.objects.create(rollout=rollout, step=step, by=by, started_at=clock.now(), **values)

    def announce(self, _rollout: Rollout, *, key: str, subject: str, body: str) -> None:
        self.told.append(subject)

    def release(self, hold: Hold, *, by: str, reason: str, now: Any) -> None:
        self.done.append(("release", hold.operation, by))
        Hold.objects.filter(pk=hold.pk).update(released_at=now, released_by=by, released_reason=reason)

    def probe(self, operation: Operation, *, by: str, reason: str, items: int) -> Run:
        self.done.append(("probe", operation.name, by))
        return make_run(operation=operation, mode=Mode.DRY_RUN, limit=items, requested_by=by, reason=reason)

    def _may_fail(self) -> None:
        if self.fails:
            raise RuntimeError("killed here")
