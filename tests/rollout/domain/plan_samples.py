"""Plans for tests: one whose figures agree, and any plan that can be read."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from rollout.domain import plan_vocabulary as words
from rollout.domain.measures import Unit, Window
from rollout.domain.plan import (
    Action,
    Crash,
    Criterion,
    Escalation,
    GatePlan,
    Message,
    NoData,
    Phase,
    Plan,
    Ramp,
    RampStep,
    Role,
    RubricLine,
    Setting,
    Sla,
    Source,
    Step,
    TimetableEntry,
    Trigger,
)
from rollout.domain.plan_file import load_plan
from rollout.services.plans import shipped_text


def shipped() -> Plan:
    return load_plan(shipped_text(), name="unified_pipeline.yaml")


def criterion(slug: str, metric: str, comparator: str, threshold: float, **values: Any) -> Criterion:
    values = {"text": slug, "source": Source.AUTOMATIC, "unit": words.METRICS[metric], **values}
    return Criterion(slug=slug, metric=metric, comparator=comparator, threshold=threshold, **values)


def trigger(slug: str, metric: str, threshold: float, **values: Any) -> Trigger:
    values = {
        "text": slug,
        "number": "1.1",
        "action": Action.ROLL_BACK,
        "unit": words.METRICS[metric],
        "scope": "all",
        **values,
    }
    return Trigger(slug=slug, metric=metric, threshold=threshold, **values)


WEEK_1 = Step(
    number="1.1",
    name="Begin",
    text="Everything goes live.",
    settings=(
        Setting("monitor", mode="live", limit=5, cron="0 * * * *"),
        Setting("assign", mode="live", limit=10, cron="10 */2 * * *"),
        Setting("process", mode="live", limit=10, cron="30 */2 * * *"),
        Setting("daily", mode="live", cron="40 7 * * *"),
        Setting("daily", part="assign", mode="live", limit=5),
        Setting("daily", part="process", mode="live", limit=5),
    ),
    criteria=(
        criterion("runs", "scheduled_runs_completed", ">=", 20, operation="assign", window=Window(hours=48)),
        criterion("duration", "run_duration", "<=", 900, operation="daily"),
    ),
    triggers=(
        trigger(
            "failing", "item_failure_rate", 0.2, operation="assign", scope="step", window=Window(runs=12), step="1.1"
        ),
        trigger("overrun", "run_duration", 1800, operation="daily", scope="step", step="1.1"),
    ),
    monitoring=timedelta(hours=48),
    on_call=True,
)
WEEK_2 = Step(
    number="2.1",
    name="Grow",
    text="Limits grow.",
    ramps=(
        Ramp(
            "assign",
            (RampStep(1, 3, 11), RampStep(4, 7, 12)),
            (
                criterion("assign-seconds", "seconds_per_item", "<", 30, operation="assign"),
                criterion("ai", "ai_quota_used", "<", 0.5),
            ),
        ),
        Ramp(
            "process",
            (RampStep(1, 3, 11), RampStep(4, 7, 12)),
            (criterion("process-seconds", "seconds_per_item", "<", 60, operation="process"),),
        ),
    ),
    criteria=(
        criterion("completion", "copilot_completion_48h", ">=", 0.8),
        criterion("guidance", "guidance_quality", ">", 0.8, minimum_sample=50),
    ),
)


def consistent() -> Plan:
    """Small, and every figure fits every other."""
    gate = GatePlan("day-7", 7, "Go on?", "week-2", ("lead",))
    last = GatePlan("day-14", 14, "Done?", "", ("lead",))
    return Plan(
        slug="consistent",
        title="A plan that adds up",
        version="1",
        owner="Lead",
        phases=(
            Phase("week-1", "Week 1", 1, 7, (WEEK_1,), gate),
            Phase("week-2", "Week 2", 8, 14, (WEEK_2,), last),
        ),
        triggers=(trigger("quota", "quota_exhausted", 0),),
        timetable=(TimetableEntry("07:40", "daily", mode="live"),),
        roles=(Role("lead", "Lead", "Leads"),),
        slas=(Sla("completion-48h", "80 % in 48 h", "copilot_completion_48h", ">=", 0.8, timedelta(hours=48)),),
        rubric=(RubricLine("clear", "Clear", 0.5, 0.8), RubricLine("whole", "Whole", 0.5, 0.9)),
        sampling={"step": "1.1", "issues_per_week": 100, "metric": "guidance_quality"},
        stated={"issues_per_day.assign.week-1": 120, "issues_per_day.assign.week-2": 144},
    )


def with_step(plan: Plan, number: str, **values: Any) -> Plan:
    """The plan with fields of one step replaced."""
    phases = tuple(
        replace(
            phase,
            steps=tuple(replace(step, **values) if step.number == number else step for step in phase.steps),
        )
        for phase in plan.phases
    )
    return replace(plan, phases=phases)


def with_setting(plan: Plan, operation: str, part: str = "", **values: Any) -> Plan:
    """The consistent plan with one of its settings turned."""
    settings = tuple(
        replace(setting, **values) if (setting.operation, setting.part) == (operation, part) else setting
        for setting in WEEK_1.settings
    )
    return with_step(plan, "1.1", settings=settings)


# Any text that a person can write: no surrogates, for they are not UTF-8.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
OPERATION = st.sampled_from(words.OPERATIONS)
CRON = st.sampled_from(["0 */2 * * *", "5 */4 * * *", "30 6 * * *", "0 0,6 * * 1-5", "*/15 * * * *", "0 8 1 * *"])
WINDOW = st.one_of(
    st.just(Window()),
    st.builds(Window, runs=st.integers(1, 20)),
    st.builds(Window, hours=st.integers(1, 400).map(float)),
)
PLAIN = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(10**9), 10**9), TEXT, st.floats(-1e6, 1e6)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT.filter(bool), inner, max_size=3)),
    max_leaves=6,
)


def _threshold(unit: Unit) -> st.SearchStrategy[float]:
    ranges = {Unit.SHARE: st.floats(0, 1), Unit.SCORE: st.floats(1, 5)}
    return ranges.get(unit, st.integers(0, 2000).map(float))


@st.composite
def _rules(draw: st.DrawFn, kind: str, slug: str) -> Any:
    metric = draw(st.sampled_from(sorted(words.METRICS)))
    unit = words.METRICS[metric]
    shared: dict[str, Any] = {
        "slug": slug,
        "text": draw(TEXT),
        "metric": metric,
        "unit": unit,
        "operation": draw(st.one_of(st.just(""), OPERATION)),
        "window": draw(WINDOW),
        "comparator": draw(st.sampled_from(words.COMPARATORS)),
        "threshold": draw(_threshold(unit)),
        "no_data": draw(st.sampled_from(NoData)),
    }
    if kind == "criterion":
        return Criterion(source=draw(st.sampled_from(Source)), minimum_sample=draw(st.integers(0, 100)), **shared)
    step = kind.removeprefix("trigger of ")
    return Trigger(
        number=draw(st.text("0123456789.", max_size=5)),
        action=draw(st.sampled_from(Action)),
        scope=draw(st.sampled_from(words.SCOPES if step else ("all", "operation"))),
        per=draw(st.sampled_from(words.COUNTED)),
        minimum_runs=draw(st.integers(0, 9)),
        minimum_items=draw(st.integers(0, 99)),
        crash=draw(st.sampled_from(Crash)),
        automatic=draw(st.booleans()),
        step=step,
        **shared,
    )


SETTING = st.one_of(
    st.builds(
        Setting,
        operation=OPERATION,
        mode=st.sampled_from(words.MODES),
        limit=st.one_of(st.none(), st.integers(0, 1000)),
        cron=st.one_of(st.none(), CRON),
    ),
    st.builds(
        Setting,
        operation=st.just("daily"),
        part=st.sampled_from(words.PARTS),
        mode=st.sampled_from(words.MODES),
        limit=st.one_of(st.none(), st.integers(0, 50)),
    ),
)


@st.composite
def _steps(draw: st.DrawFn, number: str, days: int) -> Step:
    counts = [draw(st.integers(0, 2)) for _ in range(3)]
    last = draw(st.integers(1, days))
    ramp = Ramp(
        draw(OPERATION),
        tuple(RampStep(day, day, draw(st.integers(0, 1000))) for day in range(1, last + 1)),
        tuple(draw(_rules("criterion", f"{number}-p{place}")) for place in range(counts[0])),
    )
    return Step(
        number=number,
        name=draw(TEXT),
        text=draw(TEXT),
        first_day=draw(st.integers(1, days)),
        settings=tuple(draw(st.lists(SETTING, max_size=3))),
        criteria=tuple(draw(_rules("criterion", f"{number}-c{place}")) for place in range(counts[1])),
        ramps=(ramp,) if draw(st.booleans()) else (),
        triggers=tuple(draw(_rules(f"trigger of {number}", f"{number}-t{place}")) for place in range(counts[2])),
        monitoring=timedelta(hours=draw(st.integers(0, 100))),
        on_call=draw(st.booleans()),
    )


@st.composite
def _phases(draw: st.DrawFn, roles: tuple[str, ...]) -> tuple[Phase, ...]:
    phases, day = [], 1
    count = draw(st.integers(1, 3))
    for place in range(count):
        days = draw(st.integers(1, 9))
        gate = GatePlan(
            slug=f"gate-{place}",
            day=day + draw(st.integers(0, days - 1)),
            question=draw(TEXT),
            opens=f"phase-{place + 1}" if place + 1 < count else "",
            signers=tuple(draw(st.lists(st.sampled_from(roles), min_size=1, max_size=3, unique=True))),
            criteria=tuple(draw(_rules("criterion", f"g{place}-{n}")) for n in range(draw(st.integers(0, 2)))),
        )
        steps = tuple(draw(_steps(f"{place}.{n}", days)) for n in range(draw(st.integers(0, 2))))
        phases.append(Phase(f"phase-{place}", draw(TEXT), day, day + days - 1, steps, gate))
        day += days + draw(st.integers(0, 2))
    return tuple(phases)


def _volumes(phases: tuple[Phase, ...]) -> list[str]:
    """Names of figures that a plan with these phases may state."""
    turned = {ramp.operation for phase in phases for step in phase.steps for ramp in step.ramps}
    return [f"issues_per_day.{operation}.phase-0" for operation in sorted(turned)]


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Any plan that can be read; its figures need not agree."""
    roles = ("lead", "devops", "on-call")
    lines = draw(st.integers(0, 4))
    phases = draw(_phases(roles))
    numbers = [step.number for phase in phases for step in phase.steps]
    hours = draw(st.lists(st.integers(0, 23), unique=True, max_size=4))
    return Plan(
        slug="any-plan",
        title=draw(TEXT),
        version=draw(TEXT),
        owner=draw(TEXT),
        phases=phases,
        triggers=tuple(draw(_rules("trigger of ", f"all-{place}")) for place in range(draw(st.integers(0, 2)))),
        timetable=tuple(
            TimetableEntry(f"{hour:02}:30", "assign", draw(TEXT), draw(st.sampled_from(["", *words.MODES])))
            for hour in hours
        ),
        roles=tuple(Role(role, draw(TEXT), draw(TEXT)) for role in roles),
        messages=tuple(Message(f"message-{n}", draw(TEXT), draw(TEXT)) for n in range(draw(st.integers(0, 2)))),
        slas=tuple(
            Sla(f"sla-{n}", draw(TEXT), "copilot_completion_7d", ">=", draw(st.floats(0, 1)), timedelta(days=7))
            for n in range(draw(st.integers(0, 1)))
        ),
        escalations=tuple(
            Escalation(day, draw(TEXT), action, "lead")
            for day, action in enumerate(words.ESCALATION_ACTIONS[: draw(st.integers(0, 3))], 1)
        ),
        rubric=tuple(RubricLine(f"line-{n}", draw(TEXT), 1 / lines, draw(st.floats(0, 1))) for n in range(lines)),
        sampling=draw(
            st.one_of(
                st.just({}),
                st.fixed_dictionaries(
                    {
                        "step": st.sampled_from(numbers),
                        "issues_per_week": st.integers(1, 100),
                        "metric": st.sampled_from(["guidance_quality", "flow_through"]),
                    }
                )
                if numbers
                else st.just({}),
            )
        ),
        stated=draw(
            st.dictionaries(
                st.sampled_from([*_volumes(phases), "stale_after_days", "due_hours"]),
                st.floats(0, 1e6),
                max_size=3,
            )
        ),
        extra=draw(st.dictionaries(TEXT.filter(bool), PLAIN, max_size=3)),
    )
