from dataclasses import replace

import pytest

from pipeline.domain.workflows import Deliverable
from pipeline.domain.workplan import problems, read_issue
from tests.pipeline.domain.samples import ASSESSMENT, SPECIALIST, WORKFLOW, snapshot, workplan


def deliverable(path: str) -> Deliverable:
    return Deliverable("report", "Report", path=path)


def test_issue_is_read_as_its_own_text_apart_from_our_sections() -> None:
    issue = read_issue(snapshot("Please check.\n\n## Notes\n\n@bob knows."), "o/r", "main")
    assert issue.text == "Please check.\n\n## Notes\n\n`@bob` knows."
    assert issue.discovery is not None
    assert issue.assessment is not None
    assert (issue.discovery.url, issue.assessment.summary) == ("https://example.com/a", ASSESSMENT.summary)


def test_plan_names_branch_folder_and_files_in_order() -> None:
    plan = workplan()
    assert (plan.branch, plan.folder) == ("osint/issue-12-new-pier", "research/issue-12")
    assert [file.path for file in plan.files] == ["research/issue-12/findings-12.md", "research/issue-12/log.md"]


def test_deliverable_without_a_path_is_a_markdown_file_of_its_name() -> None:
    plan = workplan(replace(WORKFLOW, deliverables=(deliverable(""),)))
    assert plan.files[0].path == "research/issue-12/report.md"


@pytest.mark.parametrize("title", ["", "../../etc", "日本語", "a/../b.lock", "~^:?*[\\", "x" * 10_000])
def test_names_are_valid_whatever_the_title_is(title: str) -> None:
    assert workplan(title=title).branch.startswith("osint/issue-12-")


@pytest.mark.parametrize("path", ["../x.md", "/x.md", ".github/workflows/x.yml", "{folder}/../x.md", "a//b", "a\\b"])
def test_deliverable_that_leaves_its_folder_is_refused_by_name(path: str) -> None:
    with pytest.raises(ValueError, match="The deliverable 'report' of 'osint-research' has the path"):
        workplan(replace(WORKFLOW, deliverables=(deliverable(path),)))


@pytest.mark.parametrize("path", ["README.md", "readme.MD"])
def test_deliverable_at_the_readmes_place_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="twice; give each file its own path"):
        workplan(replace(WORKFLOW, deliverables=(deliverable(path),)))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"branch_pattern": "osint/research"}, "branch_pattern needs {number}: without it two issues would share one."),
        ({"folder_pattern": "research"}, "folder_pattern needs {number}: without it two issues would share one."),
        ({"branch_pattern": "a..b/{number}"}, "names the branch 'a..b/1234567'"),
        ({"folder_pattern": "../{number}"}, "names the folder '../1234567'"),
        ({"branch_pattern": "x/{numbre}-{number}"}, "In branch_pattern: The placeholder {numbre} is not known"),
        ({"deliverables": (deliverable("{date}.md"),)}, "In the path of 'report': The placeholder {date} is not known"),
    ],
)
def test_problems_tell_what_would_go_wrong_on_any_issue(changes: dict[str, object], sentence: str) -> None:
    found = problems(replace(WORKFLOW, **changes))  # type: ignore[arg-type]
    assert sentence in " ".join(map(str, found))


def test_text_edited_to_an_unknown_placeholder_is_refused_before_anything_is_written() -> None:
    with pytest.raises(ValueError, match=r"In guidance of the specialist 'osint-researcher': .* \{titel\}"):
        workplan(specialist=replace(SPECIALIST, guidance="Work on {titel}."))
    with pytest.raises(ValueError, match=r"In report of the workflow 'osint-research': .* \{sauce\}"):
        workplan(replace(WORKFLOW, deliverables=(replace(deliverable(""), template="{sauce}"),)))
    with pytest.raises(ValueError, match="In acceptance_criteria of the workflow 'osint-research'"):
        workplan(replace(WORKFLOW, acceptance_criteria=("See {nothing}.",)))


def test_sound_workflow_has_no_problems() -> None:
    assert problems(WORKFLOW) == ()


def test_values_from_the_issue_are_code_or_quoted() -> None:
    values = workplan(title="@bob `x` <b>y</b>").values()
    assert values["title"] == "`'@bob' 'x' y`"
    assert values["summary"] == "“A pier was extended.”"
    assert values["indicators"] == "`198.51.100.7`"
