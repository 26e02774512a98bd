"""A plan's YAML → Plan, and back. Every problem is reported with line and column; loading what was written gives the
same plan.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import yaml

from pipeline.workflows.document import compose
from pipeline.workflows.export import dumped
from pipeline.workflows.problems import Problem, WorkflowFileError
from rollout.domain import plan_rules
from rollout.domain import plan_vocabulary as words
from rollout.domain.plan import Phase, Plan, Step
from rollout.domain.plan_faults import Known
from rollout.domain.plan_reader import PlanReader, read_plan, written


class PlanFileError(WorkflowFileError):
    """A plan that cannot be used. `problems` are in the order of the file; `lines()` are sentences with their place."""


def load_plan(
    text: str | bytes,
    *,
    name: str = "plan.yaml",
    metrics: Known = tuple(words.METRICS),
    operations: Known = words.OPERATIONS,
) -> Plan:
    """`name` is for messages; `operations` are those that exist, None: not checked. Raises PlanFileError."""
    try:
        top = compose(text, name)
    except WorkflowFileError as error:
        raise PlanFileError(name, list(error.problems)) from error
    reader = PlanReader(text.decode("utf-8-sig") if isinstance(text, bytes) else text.removeprefix("\ufeff"))
    plan = _with_steps_named(reader, read_plan(reader, top)) if _has_phases(reader, top) else None
    if plan is not None:
        for problem in _checked(reader, plan, metrics, operations):
            reader.problems.append(problem)
    if plan is None or reader.problems:
        raise PlanFileError(name, reader.problems)
    return plan


def dump_plan(plan: Plan) -> str:
    """The plan as YAML; a trigger does not repeat the step that it stands in."""
    phases = tuple(replace(phase, steps=tuple(_bare(step) for step in phase.steps)) for phase in plan.phases)
    values: dict[str, object] = written(replace(plan, phases=phases))
    return dumped(values)


def _has_phases(reader: PlanReader, top: yaml.MappingNode) -> bool:
    """Guards against a file of another kind, for which fifty missing fields would be no help."""
    if any(getattr(key, "value", "") == "phases" for key, _ in top.value):
        return True
    reader.report(top, "'phases' is missing; a plan holds its phases with their steps and gates.")
    return False


def _with_steps_named(reader: PlanReader, plan: Plan) -> Plan:
    made = replace(plan, phases=tuple(_phase_named(reader, phase) for phase in plan.phases))
    reader.moved(plan, made)
    return made


def _phase_named(reader: PlanReader, phase: Phase) -> Phase:
    made = replace(phase, steps=tuple(_step_named(reader, step) for step in phase.steps))
    reader.moved(phase, made)
    return made


def _step_named(reader: PlanReader, step: Step) -> Step:
    """Every trigger of a step carries the step's number."""
    triggers = []
    for trigger in step.triggers:
        if trigger.step not in ("", step.number):
            sentence = f"This trigger stands in step {step.number} and names step {trigger.step}; remove `step`."
            reader.report(reader.place(trigger, "step"), sentence)
        named = replace(trigger, step=step.number)
        reader.moved(trigger, named)
        triggers.append(named)
    made = replace(step, triggers=tuple(triggers))
    reader.moved(step, made)
    return made


def _bare(step: Step) -> Step:
    return replace(step, triggers=tuple(replace(trigger, step="") for trigger in step.triggers))


def _checked(reader: PlanReader, plan: Plan, metrics: Known, operations: Known) -> Iterator[Problem]:
    """Faults of what could be read; a field that was already reported is not reported again for what it lacks."""
    if reader.incomplete:
        return
    for fault in plan_rules.faults(plan, metrics=metrics, operations=operations):
        if (id(fault.subject), fault.field) in reader.suspect:
            continue
        mark = reader.place(fault.subject, fault.field).start_mark
        yield Problem(mark.line + 1, mark.column + 1, fault.sentence)
