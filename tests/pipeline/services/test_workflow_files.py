"""Workflow files from folders and from a repository's own folder: all problems at once, or all files."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline import workflows as files
from pipeline.models import Repository
from pipeline.services import workflow_files
from pipeline.services.operations import NotPossible
from tests.factories import make_repository
from tests.fake_github import FakeGitHub
from tests.values import specialist

SHIPPED = Path(files.__file__).parent / "shipped"
BROKEN = "name: Broken\nslug: [\n"


@pytest.fixture
def repository(github: FakeGitHub) -> Repository:
    return make_repository(workflow_folder="docs/workflows")


def test_folder_is_read_with_all_that_is_below_it() -> None:
    found = workflow_files.read([SHIPPED])
    assert {one.slug for one in found.workflows} == {one.slug for one in files.shipped()}
    assert {one.slug for one in found.specialists} == {one.slug for one in files.shipped_specialists()}
    assert not found.notes


def test_export_read_back_is_the_same(tmp_path: Path) -> None:
    workflow, person = files.shipped()[0], specialist()
    (tmp_path / "a.yaml").write_text(files.dump_workflow(workflow), encoding="utf-8")
    (tmp_path / "b.yml").write_text(files.dump_specialist(person), encoding="utf-8")
    (tmp_path / "c.txt").write_text("not ours", encoding="utf-8")
    found = workflow_files.read([tmp_path])
    assert (found.specialists, found.workflows) == ([person], [workflow])
    assert found.origins == {workflow.slug: str(tmp_path / "a.yaml")}


def test_every_problem_of_every_file_is_told_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(BROKEN, encoding="utf-8")
    (tmp_path / "b.yaml").write_bytes(b"\xff")
    (tmp_path / "c.yaml").write_text("", encoding="utf-8")
    with pytest.raises(NotPossible) as caught:
        workflow_files.read([tmp_path])
    lines = str(caught.value).splitlines()
    assert len(lines) >= 3
    for name in ("a.yaml", "b.yaml", "c.yaml"):
        assert any(f"{name}, line " in line and ", column " in line for line in lines)


def test_one_broken_file_keeps_the_good_ones_out_too(tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text(files.dump_workflow(files.shipped()[0]), encoding="utf-8")
    (tmp_path / "bad.yaml").write_text(BROKEN, encoding="utf-8")
    with pytest.raises(NotPossible, match=r"bad\.yaml, line"):
        workflow_files.read([tmp_path])


def test_what_an_older_file_says_in_vain_is_told_with_file_and_line(tmp_path: Path) -> None:
    text = files.dump_workflow(files.shipped()[0]) + "processing:\n  research_depth: deep\n"
    (tmp_path / "old.yaml").write_text(text, encoding="utf-8")
    line = text.count("\n")
    said = f"{tmp_path / 'old.yaml'}: Line {line}: 'research_depth' has no effect here and is left out."
    assert workflow_files.read([tmp_path]).notes == [said]


def test_two_files_of_one_slug_are_told_by_both_names(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(files.dump_workflow(files.shipped()[0]), encoding="utf-8")
    (double,) = workflow_files.read([tmp_path]).doubles
    assert double.startswith(f"{tmp_path / 'b.yaml'}: ")
    assert double.endswith(f"is the slug in {tmp_path / 'a.yaml'} too; import one of them.")


def test_path_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotPossible, match=r"There is no file or folder '.*none'"):
        workflow_files.read([tmp_path / "none"])


def test_folder_without_files_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(NotPossible, match=r"No \.yaml files"):
        workflow_files.read([tmp_path])


def test_folder_of_the_repository_is_read_from_its_default_branch(repository: Repository, github: FakeGitHub) -> None:
    workflow = files.shipped()[0]
    github.files = {
        "docs/workflows/own.yaml": files.dump_workflow(workflow).encode(),
        "docs/workflows/readme.md": b"# Not a workflow",
        "docs/other.yaml": b"not: ours",
    }
    found = workflow_files.read_from_repository(repository)
    assert (found.specialists, found.workflows) == ([], [workflow])


def test_repository_without_files_is_told_where_they_were_looked_for(repository: Repository) -> None:
    with pytest.raises(NotPossible, match=r"has no \.yaml files in docs/workflows"):
        workflow_files.read_from_repository(repository)


def test_broken_file_of_the_repository_is_told_with_its_place(repository: Repository, github: FakeGitHub) -> None:
    github.files = {"docs/workflows/own.yaml": BROKEN.encode()}
    with pytest.raises(NotPossible, match=r"docs/workflows/own\.yaml, line "):
        workflow_files.read_from_repository(repository)
