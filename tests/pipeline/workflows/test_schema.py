from datetime import timedelta

import pytest

from pipeline.workflows import WorkflowFileError, load_workflow, read_workflow

NEWER = """\
slug: osint
name: OSINT research
description: Find and verify.
version: "1.1"
triggers:
  labels: [osint, verification]
  content_keywords:
    - public records
specialist:
  type: osint-researcher
confidence:
  assign_at: 0.85
  ask_at: 0.5
due_hours: 24
branch_pattern: osint/issue-{number}
folder_pattern: research/issue-{number}
deliverables:
  - name: findings
    title: Findings
    description: What was found.
    template: |
      # {title}
    path: findings.md
    required: true
    order: 1
  - name: log
acceptance_criteria:
  - Each finding has a rating.
validation:
  minimum_words: 150
  required_sections: [Findings]
"""

OLDER = """\
# The form of older files.
name: "Technical Review"
description: "Structured technical review"
version: "1.0.0"
trigger_labels:
  - "technical-review"
  - "architecture"
output:
  folder_structure: "study/{issue_number}-technical-review"
  file_extension: ".md"
  branch_pattern: "technical-review/issue-{issue_number}"
deliverables:
  - name: "technical_overview"
    title: "Technical Overview"
    template: "technical_overview.md"
    required: true
    order: 1
  - name: "plan"
    required_sections: ["next_steps"]
    order: 2
processing:
  timeout: 90
  require_review: true
validation:
  min_word_count: 150
  required_sections: ["Overview"]
  checks: ["technical_accuracy"]
"""

# Both forms as they were written for another program, with all that steered it.
NEWER_IN_FULL = """\
name: Open source research
triggers:
  labels: [osint]
  content_keywords: [public records]
  assignee: [copilot]
  confidence_threshold: 0.75
specialist:
  type: osint-researcher
  priority_weight: 0.8
  extraction_focus: [domains]
processing_steps:
  1_extraction: {method: staged}
deliverables:
  - name: osint-report
    template: osint_report.md
    priority: high
    conditions:
      - has_entities: true
    conditional_sections:
      footprint: {condition: has_domains}
git_workflow:
  branch_prefix: osint
  branch_name_pattern: "osint/issue-{issue_number}-{timestamp}"
  commit_messages: {analysis: "research"}
  file_organization: {base_path: x}
quality_assurance:
  minimum_confidence_score: 0.7
  required_sections: [source_verification]
  validation_rules: []
integrations: {github: {update_labels: true}}
metadata: {created_by: somebody}
"""
OLDER_IN_FULL = """\
name: Code review
trigger_labels: [code-review]
output:
  folder_structure: "study/{issue_number}/code-review"
  file_naming: "{deliverable_name}_{workflow_name}_{date}.md"
  branch_naming: "code-review-{issue_number}"
deliverables:
  - name: code_quality
    template: research_analysis.md
    conditions: {labels_include: [quality]}
processing:
  research_depth: standard
  focus_areas: [security]
validation:
  min_content_length: 2000
  required_sections: [Findings]
  peer_review_required: true
"""


def problems(text: str | bytes) -> list[tuple[int, int, str]]:
    with pytest.raises(WorkflowFileError) as caught:
        load_workflow(text, name="w.yaml")
    return [(problem.line, problem.column, problem.sentence) for problem in caught.value.problems]


def test_newer_form_is_read_in_full() -> None:
    spec = load_workflow(NEWER, name="w.yaml")
    assert (spec.slug, spec.name, spec.version, spec.specialist) == (
        "osint",
        "OSINT research",
        "1.1",
        "osint-researcher",
    )
    assert (spec.trigger_labels, spec.content_keywords) == (("osint", "verification"), ("public records",))
    assert (spec.assign_at, spec.ask_at, spec.due) == (0.85, 0.5, timedelta(hours=24))
    assert (spec.minimum_words, spec.required_sections) == (150, ("Findings",))
    first, second = spec.deliverables
    assert (first.title, first.template, first.path, first.order) == ("Findings", "# {title}\n", "findings.md", 1)
    assert (second.name, second.title, second.required, second.order) == ("log", "Log", True, 1)


def test_older_form_is_read_under_todays_names() -> None:
    spec = load_workflow(OLDER, name="w.yaml")
    assert (spec.slug, spec.trigger_labels) == ("technical-review", ("technical-review", "architecture"))
    assert spec.folder_pattern == "study/{number}-technical-review"
    assert spec.branch_pattern == "technical-review/issue-{number}"
    assert (spec.minimum_words, spec.required_sections) == (150, ("Overview",))
    overview, plan = spec.deliverables
    assert (overview.name, overview.path, overview.template) == ("technical-overview", "{name}.md", "")
    assert plan.template == "# {title}\n\n{description}\n\n## Next steps\n\n_To be written._\n"


def test_older_form_tells_what_was_left_out_and_assumed() -> None:
    notes = " ".join(read_workflow(OLDER, name="w.yaml").notes)
    assert "'timeout' has no effect here" in notes
    assert "'technical_overview.md' is a file of another program" in notes
    assert "names no specialist; intelligence-analyst was taken" in notes


def test_newer_form_written_for_another_program_is_read() -> None:
    spec = load_workflow(NEWER_IN_FULL, name="open-source-research.yaml")
    assert (spec.specialist, spec.assign_at, spec.ask_at) == ("osint-researcher", 0.75, 0.6)
    assert (spec.trigger_labels, spec.content_keywords) == (("osint",), ("public records",))
    assert (spec.branch_pattern, spec.required_sections) == ("osint/issue-{number}", ("source_verification",))


def test_older_form_written_for_another_program_is_read() -> None:
    spec = load_workflow(OLDER_IN_FULL, name="w.yaml")
    assert (spec.folder_pattern, spec.branch_pattern) == ("study/{number}/code-review", "code-review-{number}")
    assert [item.path for item in spec.deliverables] == ["{name}_{workflow}.md"]


def test_each_field_of_another_program_is_told_once_with_its_line() -> None:
    notes = read_workflow(OLDER_IN_FULL, name="w.yaml").notes
    assert "Line 12: 'research_depth' has no effect here and is left out." in notes
    assert "Line 5: path names a time, which is left out: a name has to stay the same." in notes
    assert len(notes) == len(set(notes))


@pytest.mark.parametrize(
    "pattern", ["osint/issue-{number}", "{date}/osint/issue-{number}", "osint/{date}/issue-{number}-{timestamp}"]
)
def test_time_in_a_name_is_left_out_with_what_joins_it(pattern: str) -> None:
    text = NEWER.replace("branch_pattern: osint/issue-{number}", f'branch_pattern: "{pattern}"')
    assert load_workflow(text, name="w.yaml").branch_pattern == "osint/issue-{number}"


def test_misspelt_field_is_a_problem_even_where_others_have_no_effect() -> None:
    text = OLDER_IN_FULL.replace("research_depth: standard", "due_hour: 24")
    assert (12, 3, "'due_hour' is not a field of 'processing'; did you mean 'due_hours'?") in problems(text)


def test_labels_may_be_split_into_required_and_optional() -> None:
    text = NEWER.replace("  labels: [osint, verification]", "  labels:\n    required: [a]\n    optional: [b, a]")
    assert load_workflow(text, name="w.yaml").trigger_labels == ("a", "b")


@pytest.mark.parametrize(
    ("group", "specialist"),
    [("processing:\n  specialist_type: target-profiler", "target-profiler"), ("config: {specialist_type: x}", "x"),
     ("specialist: osint-researcher", "osint-researcher")],
)  # fmt: skip
def test_specialist_is_found_wherever_files_name_it(group: str, specialist: str) -> None:
    text = NEWER.replace("specialist:\n  type: osint-researcher", group)
    assert load_workflow(text, name="w.yaml").specialist == specialist


@pytest.mark.parametrize(
    ("old", "new", "line", "column", "sentence"),
    [
        ("name: OSINT", "nmae: OSINT", 2, 1, "'nmae' is not a field of a workflow; did you mean 'name'?"),
        ("description: Find", "name: Find", 3, 1, "'name' stands twice in a workflow; remove one."),
        ("ask_at: 0.5", "ask_at: 0.9", 13, 11, "ask_at (0.9) must not be above assign_at (0.85): swap or lower it."),
        ("assign_at: 0.85", "assign_at: 85", 12, 14, "confidence.assign_at must be from 0 to 1, not 85."),
        ("assign_at: 0.85", "assign_at: high", 12, 14, "must be a number from 0 to 1, and is text ('high')."),
        ("due_hours: 24", "due_hours: 0", 14, 12, "due_hours must be from 1 to 8784, not 0."),
        ("due_hours: 24", "due_hours: 36.5", 14, 12, "due_hours must be a whole number, not 36.5."),
        ("due_hours: 24", "due_hours: .nan", 14, 12, "due_hours must be from 1 to 8784, not .nan."),
        (
            "labels: [osint, verification]",
            "labels: osint",
            6,
            11,
            "triggers.labels must be a list, and is text ('osint')",
        ),
        ("[osint, verification]", "[osint, osint]", 6, 19, "'osint' stands twice in triggers.labels; remove one."),
        ("[osint, verification]", f"[{'x' * 51}]", 6, 12, "has 51 characters; at most 50 are possible."),
        ("required: true", "required: maybe", 24, 15, "required must be true or false, and is text ('maybe')."),
        ("      # {title}", "      # {titel}", 22, 9, "The placeholder {titel} is not known; did you mean {title}?"),
        ("issue-{number}\nfolder", "issue-{numbr}\nfolder", 15, 29, "{numbr} is not known; did you mean {number}?"),
        ("  - name: log", "  - name: findings", 26, 5, "The deliverable 'findings' stands twice"),
        ("  - name: log", "  - title: log", 26, 5, "'name' is missing; add it."),
        ("slug: osint", "slug: OSINT!", 1, 7, "The slug 'OSINT!' must be lower-case words joined by hyphens."),
        ("name: OSINT research", "name:", 2, 6, "name must be text, and is empty."),
        (
            "path: findings.md",
            "path: ../../x",
            23,
            11,
            "has the path '../../x': it may not hold . or .. or an empty part.",
        ),
        (
            "  - Each finding has a rating.",
            "  - [a]",
            28,
            5,
            "An entry of acceptance_criteria must be text, and is a list.",
        ),
        ("type: osint-researcher", "kind: x", 10, 3, "'kind' is not a field of 'specialist'; possible are slug, type."),
    ],
)
def test_problem_is_told_with_line_column_and_sentence(
    old: str, new: str, line: int, column: int, sentence: str
) -> None:
    text = NEWER.replace(old, new, 1)
    assert text != NEWER
    found = problems(text)
    assert [(at, place) for at, place, told in found if sentence in told] == [(line, column)], found


def test_all_problems_are_told_at_once_in_the_order_of_the_file() -> None:
    text = (
        NEWER.replace("name: OSINT", "nmae: OSINT")
        .replace("assign_at: 0.85", "assign_at: 7")
        .replace("required: true", "required: 7")
    )
    found = problems(text)
    assert [line for line, _, _ in found] == [1, 2, 12, 24]


def test_message_names_file_place_and_how_many_more() -> None:
    with pytest.raises(WorkflowFileError) as caught:
        load_workflow("slug: x\nversion: [1]\n", name="a/w.yaml")
    assert str(caught.value).startswith("a/w.yaml, line 1, column 1: ")
    assert str(caught.value).endswith("more problems in this file)")
    assert len(caught.value.lines()) == len(caught.value.problems)


def test_workflow_that_nothing_triggers_is_refused() -> None:
    text = NEWER.replace("  labels: [osint, verification]\n  content_keywords:\n    - public records", "  labels: []")
    assert any("Nothing triggers this workflow" in sentence for _, _, sentence in problems(text))


def test_workflow_without_deliverables_is_refused() -> None:
    assert any("at least one deliverable" in told for _, _, told in problems("name: x\ntrigger_labels: [a]\n"))


def test_long_name_without_a_slug_takes_the_files_name() -> None:
    text = NEWER.replace("slug: osint\n", "").replace("name: OSINT research", "name: " + "long " * 12)
    assert load_workflow(text, name="flows/case-study.yaml").slug == "case-study"
    with pytest.raises(WorkflowFileError, match="add `slug:`"):
        load_workflow(text, name="x" * 50 + ".yaml")


def test_yes_and_numbers_are_texts_where_text_is_asked_for() -> None:
    spec = load_workflow(NEWER.replace("[osint, verification]", "[yes, 2024]").replace('"1.1"', "1.1"), name="w.yaml")
    assert (spec.trigger_labels, spec.version) == (("yes", "2024"), "1.1")
