"""Reads workflow and specialist files from folders and from a repository's own folder."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from pipeline import workflows as files
from pipeline.domain.workflows import SpecialistSpec, WorkflowSpec
from pipeline.models import Repository
from pipeline.services.connect import connect
from pipeline.services.operations import NotPossible

ENDINGS = (".yaml", ".yml")


def read(paths: Iterable[Path]) -> tuple[list[SpecialistSpec], list[WorkflowSpec]]:
    """Every file of the paths; ValueError with all problems of all files, each with line and column."""
    found: list[tuple[str, bytes]] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(item for item in path.rglob("*") if item.suffix in ENDINGS)
            found += [(str(item), item.read_bytes()) for item in inside]
        elif path.is_file():
            found.append((str(path), path.read_bytes()))
        else:
            raise NotPossible(f"There is no file or folder {str(path)!r}.")
    if not found:
        raise NotPossible("No .yaml files were found there.")
    return _loaded(found)


def read_from_repository(repository: Repository) -> tuple[list[SpecialistSpec], list[WorkflowSpec]]:
    """The files of the repository's workflow folder on its default branch."""
    github = connect(repository)
    names = github.folder(repository.workflow_folder, repository.default_branch)
    wanted = [name for name in names if name.endswith(ENDINGS)]
    if not wanted:
        raise NotPossible(f"{repository} has no .yaml files in {repository.workflow_folder}.")
    contents = [(name, github.file(name, repository.default_branch)) for name in wanted]
    return _loaded([(name, content) for name, content in contents if content is not None])


def _loaded(found: list[tuple[str, bytes]]) -> tuple[list[SpecialistSpec], list[WorkflowSpec]]:
    specialists: list[SpecialistSpec] = []
    specs: list[WorkflowSpec] = []
    problems: list[str] = []
    for name, content in found:
        try:
            loaded = _load(content, name)
        except files.WorkflowFileError as error:
            problems += error.lines()
            continue
        if isinstance(loaded, SpecialistSpec):
            specialists.append(loaded)
        else:
            specs.append(loaded)
    if problems:
        raise NotPossible("\n".join(problems))
    return specialists, specs


# A specialist is told from a workflow by what only it has.
SPECIALIST = re.compile(rb"^(role|guidance)\s*:", re.MULTILINE)


def _load(content: bytes, name: str) -> SpecialistSpec | WorkflowSpec:
    if SPECIALIST.search(content):
        return files.load_specialist(content, name=name)
    return files.load_workflow(content, name=name)
