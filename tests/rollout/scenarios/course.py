"""A rollout carried out day by day: the real engine on a virtual clock, against the sandbox over HTTP.

Time jumps from one cron slot to the next. People do what the plan asks of them: tick, ask, sign, decide.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.contrib.auth.models import User

from pipeline.domain import cron
from pipeline.models import Issue, Kind, Mode, Operation, Run, RunItem
from pipeline.services import operations, recover
from pipeline.services.operations import NotPossible, cron_of
from rollout.domain.measures import Row
from rollout.domain.plan import Source
from rollout.metrics import guidance
from rollout.metrics.guidance import Score
from rollout.models import Gate, RoleHolder, Rollout
from rollout.services import gates, plans, rollouts, surveys, ticking, ticks
from tests.scenarios.world import START, World, world

DAY_ONE = date(START.year, START.month, START.day) + timedelta(days=2)
# Until the plan sets their crons; few runs are quick.
SLOW = {Kind.MONITOR: "15 */12 * * *", Kind.TRACK: "20 */6 * * *", Kind.VALIDATE: "50 */12 * * *"}
ROUND = timedelta(seconds=30)


class GoodScores(surveys.Scores):
    """Reviewers are content; their pages are another room."""

    def reviews(self, repository_id: int, start: datetime, end: datetime, workflow: str) -> Sequence[Score]:
        return [Score(Row("test.score", n), 0.96, end - timedelta(hours=1)) for n in range(1, 41)]


@dataclass
class Course:
    world: World
    rollout: Rollout
    per_day: int = 4
    opened: dict[str, int] = field(default_factory=dict)  # gate → day on which it was decided
    refusals: dict[str, str] = field(default_factory=dict)

    # --- time ---

    @property
    def day(self) -> int:
        """The plan's day: 1 is the first of week 1, there is no day 0."""
        passed = (self.world.clock.now().astimezone(UTC).date() - DAY_ONE).days
        return passed + 1 if passed >= 0 else passed

    def live_until(self, moment: datetime, pause: timedelta = timedelta()) -> None:
        """From slot to slot until `moment`, with what is due carried out at each.

        With a `pause` beat rings no sooner than that after the last time: the newest slot of each operation is caught
        up, and those before it are recorded as missed.
        """
        while (now := self.world.clock.now()) < moment:
            self._beat()
            self._to(min(moment, max(self._next(now), now + pause)))

    def live_days(self, count: int, pause: timedelta = timedelta()) -> None:
        for _ in range(count):
            self._morning()
            tomorrow = (self.world.clock.now() + timedelta(days=1)).astimezone(UTC).date()
            self.live_until(datetime.combine(tomorrow, time(0, 1), UTC), pause)
            if pause:
                self._beat()  # tomorrow has begun, as it has with a slot at midnight

    def quiet_days(self, count: int) -> None:
        """Days on which beat rings once: nothing of interest happens, and the slots between are recorded as missed."""
        for _ in range(count):
            tomorrow = (self.world.clock.now() + timedelta(days=1)).astimezone(UTC).date()
            self._to(datetime.combine(tomorrow, time(0, 1), UTC))
            self._beat()

    def quiet_hour(self) -> None:
        self._to(self.world.clock.now() + timedelta(hours=1))
        self._beat()

    def _beat(self) -> None:
        """What beat rings: the control loop first, so that leases hold when slots are materialised."""
        ticking.tick(self.world.clock.now())
        for _ in range(8):
            recover.tick()
            self.world.drain()
            self._finished()
            if not self._at_work():
                break
            self._to(self.world.clock.now() + ROUND)
        ticking.carry_on(self.world.clock.now())

    def _finished(self) -> None:
        """Messages about ended runs, which the pipeline rings by name."""
        closed = Run.objects.filter(finished_at__gte=self.world.clock.now() - ROUND).select_related("repository")
        for run in closed:
            ticking.after_run(run)

    def _at_work(self) -> bool:
        return RunItem.objects.filter(state__in=RunItem.ACTIVE).exists() or (
            Run.objects.filter(state__in=Run.ACTIVE).exists()
        )

    def _to(self, moment: datetime) -> None:
        self.world.clock.set(moment)
        self.world.sandbox.advance(moment)

    def _next(self, now: datetime) -> datetime:
        """The next slot of any operation, six hours at the most."""
        fires = [now + timedelta(hours=6)]
        for operation in Operation.objects.exclude(kind=Kind.SYNC).exclude(mode=Mode.OFF):
            expression = cron_of(operation)
            if expression:
                fires += cron.next_fires(expression, now, 1)
        return min(fires)

    # --- people ---

    def _morning(self) -> None:
        """New content; until monitoring is live, somebody dispatches it by hand, as before the rollout."""
        self.world.feed.publish(self.per_day)
        if self.operation(Kind.MONITOR).mode != Mode.LIVE:
            self.world.run(Kind.MONITOR, limit=50)

    def tick_manual(self) -> None:
        """Everything that only a person can answer is answered with yes, a note and a link."""
        plan = plans.plan_of(self.rollout.plan)
        phase = plan.phase(self.fresh().phase)
        assert phase is not None
        ramps = [ramp for step in phase.steps for ramp in step.ramps]
        criteria = [each for step in phase.steps for each in step.criteria]
        criteria += [each for ramp in ramps for each in ramp.prerequisites] + list(phase.gate.criteria)
        for criterion in criteria:
            if criterion.source is not Source.AUTOMATIC:
                ticks.answer(self.rollout, criterion.slug, met=True, note="Looked at it.", by="reviewer")

    def ask_stakeholders(self) -> None:
        """A round of the survey, answered by everybody who holds a role."""
        ends = self.world.clock.now() + timedelta(days=5)
        survey = surveys.open_round(self.rollout, by="lead", reason="Week 5.", closes_at=ends)
        for place, holder in enumerate(self.rollout.role_holders.all()):
            surveys.answer(survey, person=holder.user, score=4 + place % 2)
        surveys.close(survey, by="lead", reason="All have answered.")

    def pass_gate(self, decision: str = "go") -> Gate:
        """Tick, ask, sign by every role, decide: each by somebody else than the one who asked."""
        self.tick_manual()
        plan = plans.plan_of(self.rollout.plan)
        phase = plan.phase(self.fresh().phase)
        assert phase is not None
        try:
            gate = gates.ask(self.rollout, phase.gate.slug, by="lead")
        except NotPossible as refused:
            self.refusals[phase.gate.slug] = str(refused)
            gate = gates.ask(self.rollout, phase.gate.slug, by="lead", insufficient="Few issues in a rehearsal.")
        for role in phase.gate.signers:
            gates.sign(gate, role=role, by=f"{role}-person", on_insufficient=bool(gate.insufficient))
        gates.decide(gate, decision, by="lead", reason="The evidence says so.")
        self.opened[phase.gate.slug] = self.day
        return gate

    # --- what a test looks at ---

    def fresh(self) -> Rollout:
        self.rollout.refresh_from_db()
        return self.rollout

    def operation(self, kind: str) -> Operation:
        return Operation.objects.get(repository=self.world.repository, kind=kind)

    def modes(self) -> dict[str, str]:
        rows = Operation.objects.filter(repository=self.world.repository).exclude(kind=Kind.SYNC)
        return dict(rows.values_list("kind", "mode"))

    def daily_parts(self) -> dict[str, str]:
        return dict(self.operation(Kind.DAILY).parts.values_list("kind", "mode"))

    def issues_in(self, state: str) -> int:
        return Issue.objects.filter(state=state).count()


@contextmanager
def course(monkeypatch: pytest.MonkeyPatch) -> Iterator[Course]:
    """The shipped plan, prepared and started two days before day 1, with a person for every role."""
    with world(monkeypatch) as made, guidance.using(GoodScores()):
        for kind, expression in SLOW.items():
            operations.set_cron(made.operation(kind), expression, actor="operator", reason="Rehearsal.")
        operations.set_mode(made.operation(Kind.SYNC), Mode.OFF, actor="operator", reason="Every run reads for itself.")
        version = plans.import_plan(plans.shipped_text(), actor="lead")
        rollout = rollouts.prepare(made.repository, version, "lead")
        for role in plans.plan_of(version).roles:
            user = User.objects.create_user(f"{role.slug}-person", email=f"{role.slug}@example.org")
            RoleHolder.objects.create(rollout=rollout, role=role.slug, user=user)
        rollouts.start(rollout, actor="lead", reason="The rehearsal went well.", starts_on=DAY_ONE)
        yield Course(made, rollout)
