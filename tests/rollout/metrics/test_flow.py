"""The flow: untouched by people, labelled, guided, and not piling up."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pipeline.models import Issue, Repository
from tests.factories import make_issue, make_specialist, make_transition, make_workflow
from tests.rollout.evidence_rows import HOUR, START
from tests.rollout.metrics.conftest import Ask


def travelled(repository: Repository, path: str, **values: object) -> Issue:
    """ "discovery assigned:human copilot": an hour between moves."""
    steps = [step.partition(":") for step in path.split()]
    issue = make_issue(repository=repository, state=steps[-1][0], **values)
    for number, (after, _, cause) in enumerate(steps):
        default = "imported" if number == 0 else "pipeline"
        make_transition(issue=issue, after=after, cause=cause or default, at=START + (number + 1) * HOUR)
    return issue


@pytest.mark.parametrize(
    ("path", "fact"),
    [
        ("discovery assigned copilot", [1]),
        ("discovery:pipeline assigned copilot done", [1]),
        ("discovery assigned:human copilot", [0]),
        ("discovery assigned discovery:revert", [0]),
        ("discovery done", [0]),
        ("discovery assigned", [0]),
        ("assigned copilot", []),
    ],
)
def test_flow_through_of_one_issue(repository: Repository, ask: Ask, path: str, fact: list[int]) -> None:
    travelled(repository, path)
    assert ask("flow_through").parts["facts"] == fact


def test_young_issue_on_its_way_is_pending(repository: Repository, ask: Ask) -> None:
    travelled(repository, "discovery assigned")
    found = ask("flow_through", now=START + timedelta(days=1))
    assert (found.value, found.parts["pending"]) == (None, 1)


def test_label_quality_needs_one_known_workflow(repository: Repository, ask: Ask) -> None:
    workflow = make_workflow()
    label = f"workflow::{workflow.slug}"
    travelled(repository, "discovery assigned", labels=[label], workflow=workflow)
    unknown = travelled(repository, "discovery assigned", labels=["workflow::gone"])
    double = travelled(repository, "discovery assigned", labels=[label, "workflow::x"], workflow=workflow)
    found = ask("label_quality")
    assert (found.value, found.n) == (1 / 3, 3)
    assert found.parts["named"] == f"#{unknown.number}, #{double.number}"


def test_specialist_signal_needs_guidance_and_specialist(repository: Repository, ask: Ask) -> None:
    guided = "## Specialist Guidance\n\nWork on it."
    travelled(repository, "discovery assigned copilot", body=guided, specialist=make_specialist())
    travelled(repository, "discovery assigned copilot", body=guided)
    travelled(repository, "discovery assigned copilot", specialist=make_specialist())
    assert ask("specialist_signal").value == 1 / 3


def test_backlog_grows_by_what_came_less_what_left(repository: Repository, ask: Ask) -> None:
    travelled(repository, "discovery")
    travelled(repository, "discovery assigned")
    travelled(repository, "discovery assigned copilot")
    found = ask("backlog_growth")
    assert (found.value, found.parts["came"], found.parts["left"]) == (2.0, 3, 1)


def test_backlog_that_shrinks_is_below_zero(repository: Repository, ask: Ask) -> None:
    travelled(repository, "discovery assigned copilot")
    assert ask("backlog_growth", floor=START + 2.5 * HOUR).value == -1.0


def test_backlog_without_moves_cannot_be_judged(repository: Repository, ask: Ask) -> None:
    make_issue(repository=repository)
    assert ask("backlog_growth").value is None
