"""Template remnants: in our prose only, and never for what merely looks like one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.domain import checks
from pipeline.domain.checks.values import Found, Thing
from pipeline.domain.sections import splice
from tests.pipeline.domain.checks import healthy
from tests.pipeline.domain.checks.healthy import Life, with_text
from tests.pipeline.domain.samples import WORKFLOW
from tests.values import MOMENT

HANDED = healthy.handed_over()
GUIDANCE, ASSIGNMENT, ASSESSMENT = "Specialist Guidance", "Copilot Assignment", "AI Assessment"
OURS = (GUIDANCE, ASSIGNMENT, ASSESSMENT)


def found(life: Life) -> set[str]:
    return set(checks.look(life.subject())[0])


LEFT = {
    "Work on {title}.": "remnant.placeholder",
    "Ask {{ owner }} first.": "remnant.placeholder",
    "{% if urgent %}Hurry.{% endif %}": "remnant.placeholder",
    "| Rollout Lead | [Name] |": "remnant.placeholder",
    "Contact: [Your team]": "remnant.placeholder",
    "Since [date] it is so.": "remnant.placeholder",
    "See [link to dashboard] for more.": "remnant.placeholder",
    "- Issues monitored: ___": "remnant.placeholder",
    "- Success rate: ____ %": "remnant.placeholder",
    "TODO": "remnant.todo",
    "TODO: name the sources": "remnant.todo",
    "- TODO write this part": "remnant.todo",
    "1. **Objective:** TODO": "remnant.todo",
    "- [ ] FIXME: a step": "remnant.todo",
    "Due: TBD": "remnant.todo",
    "*(TODO)*": "remnant.todo",
    "Lorem ipsum dolor sit amet.": "remnant.lorem",
    "Then lorem  ipsum.": "remnant.lorem",
}

NEAR = (
    "- [ ] Read every source",
    "- [x] Read every source",
    "See [Name](https://example.com/name) for more.",
    "See [Name][1], and the footnote [^1].",
    "He wrote “[sic]” and [WIP] and [1].",
    "An array a[n] and a list [1, 2].",
    "Remove the item from the todo list.",
    "TODO Group publishes a guide; the TODO Group is a foundation.",
    "Look at Todoist, TodoMVC and todo.txt.",
    "Count every TODO Comment in the code.",
    "___",
    "  ___  ",
    "_ _ _",
    "The method __init__ and ___bold___ text, a snake_case_name.",
    "Write `{title}` and `[Name]` and `TODO` as they are.",
    "Use ``{{ value }}`` in the template.",
    "```\nTODO: {name} [Name] ___\n```",
    "~~~ python\nx = {name}\n```\nTODO: no end yet\n~~~",
    "> TODO: {name} is what the source says, [Name] ___ lorem ipsum.",
    "<!-- TODO: {name} -->",
    "A set {1, 2}, an object { a }, and ${shell} or {UPPER}.",
    "The words lorem and ipsum are Latin.",
    "tbd is a word in lower case.",
)


@pytest.mark.parametrize("heading", OURS)
@pytest.mark.parametrize("text", LEFT)
def test_remnant_in_a_section_of_ours_is_found(text: str, heading: str) -> None:
    assert found(with_text(HANDED, heading, text)) == {LEFT[text]}


@pytest.mark.parametrize("text", NEAR)
def test_what_only_looks_like_a_remnant_is_none(text: str) -> None:
    assert found(with_text(HANDED, GUIDANCE, text)) == set()


@pytest.mark.parametrize("text", LEFT)
def test_remnant_in_the_text_of_people_is_none_of_ours(text: str) -> None:
    body = f"{text}\n\n{HANDED.issue.body}\n\n## Notes of a person\n\n{text}\n"
    assert found(replace(HANDED, issue=replace(HANDED.issue, body=body))) == set()


@pytest.mark.parametrize("text", LEFT)
def test_discovery_is_a_quotation(text: str) -> None:
    assert found(with_text(HANDED, "Discovery", text)) == set()


def test_word_of_the_title_that_a_summary_repeats_is_quoted() -> None:
    titled = replace(HANDED, issue=replace(HANDED.issue, title="TODO: [Name] the ship"))
    assert found(with_text(titled, ASSESSMENT, "TODO: [Name] the ship")) == set()


def test_finding_names_the_section_the_line_and_the_text() -> None:
    fault = checks.look(with_text(HANDED, ASSIGNMENT, "{branch}").subject())[0]["remnant.placeholder"]
    (place,) = fault.detail["places"]
    assert (place["section"], place["text"]) == (ASSIGNMENT, "{branch}")
    assert "'Copilot Assignment', line" in fault.message


def test_message_shows_what_was_left_as_code_that_calls_nobody() -> None:
    fault = checks.look(with_text(HANDED, GUIDANCE, "[link to @everyone]").subject())[0]["remnant.placeholder"]
    assert "`[link to @everyone]`" in fault.message


@pytest.mark.parametrize(
    "content",
    ["", "### Persona\n\n### Approach\n\nWork.", "Words.\n\n### Deliverables", "- **Due:**\n- **Branch:** x"],
)
def test_empty_part_is_found(content: str) -> None:
    body = splice(HANDED.issue.body, [(GUIDANCE, f"{content}\n\n{'word ' * 80}" if "###" not in content else content)])
    body = splice(HANDED.issue.body, [(ASSIGNMENT, content)]) if content else body
    empty = splice(HANDED.issue.body, [(ASSESSMENT, "")]) if not content else body
    life = replace(HANDED, issue=replace(HANDED.issue, body=empty))
    assert found(life) == {"remnant.empty"}


@pytest.mark.parametrize(
    "content",
    ["### Approach\n\n### Order\n\nFirst plan.", "- **Key topics:**\n  - harbour", "- **Classifier:** `rules`"],
)
def test_part_with_something_below_it_is_not_empty(content: str) -> None:
    assert found(with_text(HANDED, ASSIGNMENT, content)) == set()


def test_guidance_of_a_few_words_is_too_short_for_its_workflow() -> None:
    body = splice(HANDED.issue.body, [(GUIDANCE, "Do what is right.")])
    short = replace(HANDED, issue=replace(HANDED.issue, body=body))
    assert found(short) == {"remnant.short"}
    modest = {WORKFLOW.slug: replace(WORKFLOW, minimum_words=4)}
    assert checks.look(short.subject(workflows=modest))[0] == {}


def test_delivered_file_is_held_to_the_minimum_once_it_was_merged() -> None:
    assert HANDED.handover is not None
    subject = HANDED.subject()
    words = {one: Found(True, 199 if one.thing is Thing.FILE else None) for one in subject.named}
    assert checks.look(replace(subject, found=words))[0] == {}
    merged = replace(subject, found=words, handover=replace(HANDED.handover, outcome="finished", merged=True))
    assert set(checks.look(merged)[0]) == {"remnant.short"}
    enough = {one: Found(True, 200) for one in subject.named}
    assert checks.look(replace(merged, found=enough))[0] == {}


def test_text_of_what_is_over_is_left() -> None:
    assert found(with_text(healthy.done(), GUIDANCE, "TODO: {title}")) == set()
    assert healthy.done().issue.closed_at == MOMENT
