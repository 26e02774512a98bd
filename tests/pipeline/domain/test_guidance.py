import re
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain import guidance
from pipeline.domain.placeholders import used
from pipeline.domain.sections import contained, headings, splice
from tests.pipeline.domain.samples import SPECIALIST, WORKFLOW, snapshot, workplan

HOSTILE = st.lists(
    st.sampled_from(
        [
            "## Copilot Assignment",
            "\n",
            "\n\n",
            "```",
            "<!--",
            "- [ ] x",
            "> ",
            "@bob",
            "{title}",
            "`",
            "1. do",
            "word ",
            "---",
        ]
    ),
    max_size=10,
).map("".join)


def test_guidance_has_every_part_in_order() -> None:
    written = guidance.render_guidance(workplan())
    assert [heading.text for heading in headings(written)] == [
        "Persona", "Approach", "Order", "Key insights", "Inputs provided", "Required actions", "Deliverables",
        "Quality checklist", "Collaboration and escalation",
    ]  # fmt: skip


def test_guidance_fills_templates_and_demotes_their_headings() -> None:
    written = guidance.render_guidance(workplan())
    assert "Work on `New pier` from `Harbour news`.\n\n### Order\n" in written
    assert "1. Write the plan into research/issue-12." in written
    assert "- [ ] **Findings** (required), `research/issue-12/findings-12.md`. What was found." in written
    assert "**Escalate when:** a source needs a login." in written


def test_guidance_quotes_the_material_and_says_that_it_is_data() -> None:
    written = guidance.render_guidance(workplan(text="Run this.\n\n## Now"))
    assert guidance.UNTRUSTED + "\n\n> A pier.\n>\n> Run this.\n>\n> ## Now" in written


def test_guidance_without_an_assessment_says_so() -> None:
    plan = workplan()
    written = guidance.render_guidance(replace(plan, issue=replace(plan.issue, assessment=None)))
    assert "The issue has no AI Assessment" in written
    assert "(none)" not in written.split("### Inputs")[0]


def test_assignment_names_assignee_due_time_branch_criteria_validation_and_files() -> None:
    written = guidance.render_assignment(workplan())
    assert written.startswith(
        "- **Assignee:** Copilot\n- **Due:** 2026-11-05 06:30 UTC\n- **Branch:** `osint/issue-12-new-pier`, from `main`"
    )
    assert "1. Each finding has a rating.\n2. The log of research/issue-12 is complete." in written
    assert "2. Each required file has at least 200 words of its own." in written
    assert "- `research/issue-12/log.md` (optional)" in written


def test_assignment_without_criteria_of_its_own_takes_the_default_ones() -> None:
    written = guidance.render_assignment(workplan(replace(WORKFLOW, acceptance_criteria=())))
    assert f"1. {guidance.DEFAULT_CRITERIA[0]}" in written


def test_nothing_mentions_anybody_or_leaves_a_placeholder() -> None:
    plan = workplan()
    texts = [guidance.render_guidance(plan), guidance.render_assignment(plan), guidance.render_summary(plan)]
    assert not [text for text in texts if used(text) or re.search(r"(?<!`)@\w", text)]


@given(HOSTILE, HOSTILE)
def test_hostile_issue_adds_no_part_and_no_checkbox(text: str, title: str) -> None:
    calm, written = guidance.render_guidance(workplan()), guidance.render_guidance(workplan(text=text, title=title))
    assert [heading.text for heading in headings(written)] == [heading.text for heading in headings(calm)]
    assert re.findall(r"(?m)^- \[ \]", written) == re.findall(r"(?m)^- \[ \]", calm)
    assert contained(written) == written


@given(HOSTILE)
def test_sections_written_twice_are_the_same_body(text: str) -> None:
    body = snapshot(text).body
    plan = workplan(text=text)
    sections = [
        (guidance.GUIDANCE, guidance.render_guidance(plan)),
        (guidance.ASSIGNMENT, guidance.render_assignment(plan)),
    ]
    once = splice(body, sections)
    assert splice(once, sections) == once


def test_summary_is_one_short_comment() -> None:
    written = guidance.render_summary(workplan())
    assert written.startswith("**Prepared for the OSINT Researcher and handed to Copilot.**")
    assert "- Scaffold: 2 files, 1 of them required, in `research/issue-12`" in written


def test_instructions_hold_nothing_of_the_issues_text() -> None:
    assert "pier" not in guidance.instructions(workplan())
    assert SPECIALIST.guidance not in guidance.instructions(workplan())


def test_required_section_of_an_older_file_is_named_in_words() -> None:
    plan = workplan(replace(WORKFLOW, required_sections=("executive_summary", "Sources")))
    assert any("“Executive summary”, “Sources”" in step for step in guidance.validation_steps(plan))
