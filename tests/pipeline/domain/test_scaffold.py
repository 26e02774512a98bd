from dataclasses import replace

from pipeline.domain import scaffold
from pipeline.domain.placeholders import used
from pipeline.domain.workflows import Deliverable
from tests.pipeline.domain.samples import WORKFLOW, workplan


def test_scaffold_is_a_readme_and_one_file_per_deliverable() -> None:
    files = scaffold.scaffold_files(workplan())
    assert [file.path for file in files] == [
        "research/issue-12/README.md",
        "research/issue-12/findings-12.md",
        "research/issue-12/log.md",
    ]
    assert files[1].content == "# Findings\n"
    assert files[2].content == "# Source log\n\nAbout `New pier`.\n"


def test_readme_links_the_files_and_quotes_the_material() -> None:
    readme = scaffold.scaffold_files(workplan(text="@bob: <!-- hidden --> look"))[0].content
    assert readme.startswith("# OSINT research: issue 12\n\nFind and verify.\n")
    assert "| [Findings](findings-12.md) | yes | What was found. |" in readme
    assert readme.endswith("> A pier.\n>\n> `@bob`:   look\n")


def test_deliverable_without_a_template_gets_the_required_sections() -> None:
    plain = Deliverable("report", "Report", "One page.")
    plan = workplan(replace(WORKFLOW, deliverables=(plain,), required_sections=("key_findings", "Sources")))
    content = scaffold.scaffold_files(plan)[1].content
    assert content == (
        "# Report\n\nOne page.\n\nAbout `New pier` in o/r.\n\n## Key findings\n\n_To be written._\n\n"
        "## Sources\n\n_To be written._\n"
    )


def test_no_file_leaves_a_placeholder() -> None:
    assert not [file.path for file in scaffold.scaffold_files(workplan()) if used(file.content)]


def test_pull_request_closes_the_issue_and_lists_the_files() -> None:
    body = scaffold.pull_body(workplan())
    assert body.startswith("Closes #12\n")
    assert "- [ ] `research/issue-12/findings-12.md` Findings" in body
    assert scaffold.pull_title(workplan(title="Fixes #3 @bob " + "x " * 500)).startswith(
        "OSINT research: Fixes `#3` `@bob`"
    )


def test_commit_message_has_a_short_subject() -> None:
    subject = scaffold.commit_message(workplan()).split("\n")[0]
    assert subject == "Prepare osint-research for issue 12"
