"""The rules with the shipped workflows: how often they choose what an analyst would, on issues and on the sandbox."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import pytest

from pipeline.domain.classification import Candidate, IssueText
from pipeline.domain.rules_classifier import RulesClassifier
from pipeline.domain.workflows import WorkflowSpec
from pipeline.workflows import shipped
from sandbox.articles import REPEATED, UNCLEAR, Timetable, recent
from tests.pipeline.domain.issue_corpus import ASK, CORPUS, Example

ASSIGN_AT = 0.8


@pytest.fixture(scope="module")
def specs() -> list[WorkflowSpec]:
    return list(shipped())


def best(title: str, body: str, labels: tuple[str, ...], specs: list[WorkflowSpec]) -> Candidate:
    found = RulesClassifier().assess(IssueText(1, title, body, labels), specs).candidates
    clear = len(found) == 1 or (len(found) > 1 and found[0].confidence > found[1].confidence)
    return found[0] if clear else Candidate(ASK, 0.0, "nothing, or a tie")


def outcome(example: Example, specs: list[WorkflowSpec]) -> str:
    """The workflow that would be assigned, or ASK."""
    found = best(example.title, example.body, example.labels, specs)
    return found.workflow if found.confidence >= ASSIGN_AT else ASK


def test_issues_are_never_given_to_a_wrong_workflow(specs: list[WorkflowSpec]) -> None:
    chosen = [(example.title, outcome(example, specs), example.expected) for example in CORPUS]
    assert [item for item in chosen if item[1] not in (ASK, item[2])] == []


def test_most_issues_are_assigned_without_a_question(specs: list[WorkflowSpec]) -> None:
    clear = [example for example in CORPUS if example.expected != ASK]
    asked = [example.title for example in clear if outcome(example, specs) == ASK]
    assert 1 - len(asked) / len(clear) >= 0.85, asked


def test_issues_that_fit_nothing_are_asked_about(specs: list[WorkflowSpec]) -> None:
    assert [outcome(example, specs) for example in CORPUS if example.expected == ASK] == [ASK] * 6


def test_the_articles_of_the_sandbox_reach_every_workflow(specs: list[WorkflowSpec]) -> None:
    counts: Counter[tuple[str, str]] = Counter()
    for item in recent(Timetable(seed=1), datetime(2026, 6, 1, tzinfo=UTC), 250):
        if item.kind != REPEATED:
            body = "## Discovery\n\n" + "\n".join(f"> {part}" for part in item.paragraphs)
            found = best(item.title, body, ("site-monitor",), specs)
            counts[item.kind, found.workflow if found.confidence >= ASSIGN_AT else ASK] += 1
    for spec in specs:
        assert counts[spec.slug, spec.slug] > 3 * counts[spec.slug, ASK], counts
    assert counts[UNCLEAR, ASK] == sum(count for (kind, _), count in counts.items() if kind == UNCLEAR), counts
