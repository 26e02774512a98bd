"""A small plan written by hand: a rehearsal, two weeks and a review, with every kind of setting."""

from __future__ import annotations

from dataclasses import replace

from rollout.domain.plan import (
    Action,
    Criterion,
    GatePlan,
    Phase,
    Plan,
    Ramp,
    RampStep,
    Role,
    Setting,
    Source,
    Step,
    TimetableEntry,
    Trigger,
)

SIGNERS = ("devops", "assignment")

PREREQUISITE = Criterion(
    slug="fast-enough",
    text="Average assignment duration <30 seconds per issue",
    source=Source.AUTOMATIC,
    metric="critical_errors",
    comparator="<",
    threshold=30,
)

ASSIGN = Step(
    number="1.1",
    name="Enable the assignment schedule",
    text="Every two hours.",
    settings=(Setting("assign", mode="live", limit=10, cron="0 */2 * * *"),),
)
PROCESS = Step(
    number="1.2",
    name="Enable the processing schedule",
    text="Every four hours.",
    settings=(Setting("process", mode="live", limit=5, cron="5 */4 * * *"),),
)
DAILY = Step(
    number="1.3",
    name="Enable daily operations",
    text="Dry run in week 1.",
    settings=(Setting("daily", mode="dry_run", cron="30 6 * * *"), Setting("daily", "assign", mode="dry_run")),
)
DAILY_LIVE = Step(
    number="1.3.2",
    name="Daily operations live",
    text="Week 2.",
    settings=(Setting("daily", mode="live"), Setting("daily", "monitor", mode="live")),
)
RAMP = Ramp(
    "assign",
    (RampStep(1, 2, 15), RampStep(3, 5, 18), RampStep(6, 7, 20)),
    (PREREQUISITE,),
)
MORE = Step(number="2.1", name="Increase assignment capacity", text="", ramps=(RAMP,))
LATER = Step(
    number="2.3",
    name="Coordinate the schedules",
    text="",
    first_day=3,
    settings=(Setting("assign", cron="0 2,6,10,14,18,22 * * *"),),
)


def gate(slug: str, day: int, opens: str, **values: object) -> GatePlan:
    return replace(GatePlan(slug=slug, day=day, question="Proceed?", opens=opens, signers=SIGNERS), **values)  # type: ignore[arg-type]


def make_plan(**values: object) -> Plan:
    """Day −1 opens week 1, day 7 week 2, day 14 the review, day 21 closes."""
    plan = Plan(
        slug="by-hand",
        title="By hand",
        version="1",
        owner="Lead",
        phases=(
            Phase("rehearsal", "Rehearsal", -7, -1, (), gate("sign-off", -1, "week-1")),
            Phase("week-1", "Week 1", 1, 7, (ASSIGN, PROCESS, DAILY), gate("day-7", 7, "week-2")),
            Phase("week-2", "Week 2", 8, 14, (DAILY_LIVE, MORE, LATER), gate("day-14", 14, "review")),
            Phase("review", "Review", 15, 21, (), gate("day-21", 21, "")),
        ),
        triggers=(
            Trigger(
                "all-failing", ">50 %", "rollback", Action.HOLD, "critical_errors", scope="all", unit=PREREQUISITE.unit
            ),
        ),
        timetable=(
            TimetableEntry("02:00", "assign"),
            TimetableEntry("06:00", "assign"),
            TimetableEntry("04:00", "process"),
            TimetableEntry("06:30", "daily", mode="dry_run"),
        ),
        roles=tuple(Role(slug, slug, "signs") for slug in SIGNERS),
    )
    return replace(plan, **values)  # type: ignore[arg-type]


def with_criteria(plan: Plan, phase: str, *criteria: Criterion) -> Plan:
    """The plan with these criteria at the gate of a phase."""
    phases = tuple(
        replace(found, gate=replace(found.gate, criteria=criteria)) if found.slug == phase else found
        for found in plan.phases
    )
    return replace(plan, phases=phases)
