"""A healthy pipeline yields no finding: whatever a source says, what our planners make of it is in order."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.domain import checks
from pipeline.domain.classification import Assessment, Candidate
from tests.pipeline.domain.checks import healthy
from tests.pipeline.domain.checks.healthy import Life
from tests.pipeline.domain.samples import ASSESSMENT, WORKFLOW

# Words that a check looks for, as a source may well use them.
WORDS = (
    "TODO", "TODO:", "todo list", "[Name]", "___", "{title}", "{{ user }}", "lorem ipsum", "TBD", "[ ]", "`code`", "##",
    "Persona", "[link](docs/missing.md)", "<https://github.example/acme/watch/pull/9>", "```", "> quoted", "<!-- x -->",
    "Convoy", "pier", "state::done", "a_b", "fill in [date]", "| x |", "FIXME", "- **Due:**", "### Files", "[x]",
)  # fmt: skip
TEXT = st.lists(st.sampled_from(WORDS) | st.text(max_size=12), min_size=1, max_size=8).map(" ".join)
LINES = st.lists(TEXT, max_size=4).map("\n".join)


def faults(life: Life) -> dict[str, str]:
    return {check: fault.message for check, fault in checks.look(life.subject())[0].items()}


@pytest.mark.parametrize(
    "life",
    [healthy.opened(), healthy.asked(), healthy.assigned(), healthy.handed_over(), healthy.done()],
    ids=["opened", "asked", "assigned", "handed over", "done"],
)
def test_healthy_issue_has_no_fault_in_any_state(life: Life) -> None:
    assert faults(life) == {}


@settings(max_examples=8)
@given(title=TEXT, excerpt=LINES, summary=TEXT, topic=TEXT)
def test_nothing_that_a_source_says_becomes_a_fault_of_ours(title: str, excerpt: str, summary: str, topic: str) -> None:
    """The summary repeats the title, as summaries do; what a model invents is another matter."""
    life = healthy.opened(healthy.found(title, excerpt))
    assessment = replace(ASSESSMENT, summary=f"{title} {summary}", key_topics=(topic, title))
    quoted = replace(life.issue, body=f"{summary}\n{topic}\n\n{life.issue.body}")
    if "##" in summary or "##" in topic or "`" in summary + topic or "<" in summary + topic:
        quoted = life.issue
        assessment = replace(ASSESSMENT, summary=title, key_topics=(title,))
    life = healthy.assigned(replace(life, issue=quoted), assessment)
    assert faults(life) == {}
    assert faults(healthy.handed_over(life)) == {}


@settings(max_examples=10)
@given(
    rationale=st.sampled_from(["label osint", "the words TODO Group", "[sic] in the title", "a [link](x) was named"])
)
def test_rationale_of_a_classifier_is_prose(rationale: str) -> None:
    best = Candidate(WORKFLOW.slug, 0.9, rationale)
    assessment: Assessment = replace(ASSESSMENT, candidates=(best,))
    assert faults(healthy.handed_over(healthy.assigned(assessment=assessment))) == {}
