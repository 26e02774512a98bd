"""One operation under one rule, slot by slot: where the rule holds, probes, goes on, or rolls back."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from rollout.domain import failures, probes, trigger_rules
from rollout.domain.plan import Action
from rollout.domain.probes import Next, Probe
from rollout.domain.trigger_rules import Decision, Rule
from rollout.domain.windows import RunFact
from rollout.simulation.world import BEGIN, Operation

KEPT = 40  # no rule looks back further
STOPS = (Action.HOLD, Action.HOLD_AND_PROBE)


@dataclass(slots=True)
class Course:
    """Slots counted from 0; None: it never came to that. `harmed`: issues that failed, or were planned in a crash."""

    holds: list[int] = field(default_factory=list)
    rolled_back: int | None = None
    harmed: int = 0

    @property
    def stopped(self) -> int | None:
        """When live work first stopped."""
        moments = [*self.holds[:1], *([self.rolled_back] if self.rolled_back is not None else [])]
        return min(moments, default=None)


class Simulated:
    """The state between slots: the window's floor, the hold, its probes."""

    def __init__(self, rule: Rule, operation: Operation, harm_from: int = 0) -> None:
        self._rule, self._operation, self._harm_from = rule, operation, harm_from
        self._runs: list[RunFact] = []
        self._floor = BEGIN
        self._held_at: datetime | None = None
        self._held_for_good = False
        self._probes: list[Probe] = []
        self._hold_times: list[datetime] = []
        self.course = Course()

    def go(self, slots: int) -> Course:
        for number, at in self._operation.slots(slots):
            if self.course.rolled_back is not None or self._held_for_good:
                break
            if self._held_at is not None:
                self._probe(number, at)
            else:
                self._work(number, at)
        return self.course

    def _work(self, number: int, at: datetime) -> None:
        run = self._operation.run(number, at)
        self._runs = [*self._runs[-KEPT:], run]
        if number >= self._harm_from:
            self.course.harmed += run.planned if run.crashed else run.failed
        rule = self._rule
        reading = failures.reading(self._runs, rule.counting, rule.trigger.window, self._floor, at)
        decision = trigger_rules.decide(rule, reading, self._recent_holds())
        if decision.action is Action.ROLL_BACK:
            self.course.rolled_back = number
        elif decision.action in STOPS:
            self._hold(number, at, decision)

    def _hold(self, number: int, at: datetime, decision: Decision) -> None:
        self.course.holds.append(number)
        self._hold_times.append(at)
        self._held_at, self._probes = at, []
        # Without probes a person looks; the literal line of "n = 1" and failures while writing end here too.
        self._held_for_good = decision.action is Action.HOLD

    def _recent_holds(self) -> int:
        if not self._rule.flap_runs:
            return 0
        since = self._runs[-self._rule.flap_runs :][0].finished_at
        return sum(1 for at in self._hold_times if at >= since)

    def _probe(self, number: int, at: datetime) -> None:
        ladder, held_at = self._rule.ladder, self._held_at
        if ladder is None or held_at is None:
            return
        if probes.next_step(self._probes, ladder, held_at=held_at, now=at) is Next.PROBE:
            failed, crashed = self._operation.probe(number, ladder.items)
            self._probes.append(Probe(at, True, 0 if crashed else ladder.items, failed, crashed))
        step = probes.next_step(self._probes, ladder, held_at=held_at, now=at)
        if step is Next.ROLL_BACK:
            self.course.rolled_back = number
        elif step is Next.RELEASE:
            self._held_at, self._floor = None, at
