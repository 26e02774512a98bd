"""Reads workflow and specialist files from folders and from a repository's own folder."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from django.db import transaction

from pipeline import workflows as files
from pipeline.domain.workflows import SpecialistSpec, WorkflowSpec
from pipeline.models import Repository
from pipeline.services import workflows
from pipeline.services.connect import connect
from pipeline.services.operations import NotPossible
from pipeline.services.workflows import Imported

ENDINGS = (".yaml", ".yml")
SHIPPED = "shipped"  # where those come from that are part of the product


@dataclass
class Read:
    """What files held. `notes`: a sentence each on what was left out or assumed; `origins`: slug → workflow's file.

    `doubles`: a sentence for each file whose slug another one has; only one of those can be imported.
    """

    specialists: list[SpecialistSpec] = field(default_factory=list)
    workflows: list[WorkflowSpec] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    origins: dict[str, str] = field(default_factory=dict)
    doubles: list[str] = field(default_factory=list)


def shipped() -> Read:
    """What is part of the product."""
    found = list(files.shipped())
    return Read(list(files.shipped_specialists()), found, origins={spec.slug: SHIPPED for spec in found})


def read(paths: Iterable[Path]) -> Read:
    """Every file of the paths; NotPossible with all problems of all files, each with line and column."""
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


def read_from_repository(repository: Repository) -> Read:
    """The files of the repository's workflow folder on its default branch."""
    github = connect(repository)
    names = github.folder(repository.workflow_folder, repository.default_branch)
    wanted = [name for name in names if name.endswith(ENDINGS)]
    if not wanted:
        raise NotPossible(f"{repository} has no .yaml files in {repository.workflow_folder}.")
    contents = [(name, github.file(name, repository.default_branch)) for name in wanted]
    return _loaded([(name, content) for name, content in contents if content is not None])


@transaction.atomic
def take(
    found: Read, *, repository: Repository | None, actor: str, reason: str, overwrite: bool = False
) -> tuple[Imported, Imported]:
    """Create or update what files held, specialists and workflows, or nothing; ValueError says why not."""
    if found.doubles:
        raise NotPossible("\n".join(found.doubles))
    people = workflows.import_specialists(found.specialists, actor=actor, reason=reason, overwrite=overwrite)
    done = workflows.import_workflows(
        found.workflows,
        repository=repository,
        origins=found.origins,
        actor=actor,
        reason=reason,
        overwrite=overwrite,
    )
    return people, done


def _loaded(found: list[tuple[str, bytes]]) -> Read:
    taken = Read()
    people: dict[str, str] = {}  # specialists by slug, and the file of each
    problems: list[str] = []
    for name, content in found:
        try:
            loaded = _load(content, name)
        except files.WorkflowFileError as error:
            problems += error.lines()
            continue
        spec = loaded if isinstance(loaded, SpecialistSpec) else loaded.spec
        known = people if isinstance(loaded, SpecialistSpec) else taken.origins
        if spec.slug in known:
            taken.doubles.append(f"{name}: {spec.slug!r} is the slug in {known[spec.slug]} too; import one of them.")
        known[spec.slug] = name
        if isinstance(loaded, SpecialistSpec):
            taken.specialists.append(loaded)
        else:
            taken.workflows.append(loaded.spec)
            taken.notes += [f"{name}: {note}" for note in loaded.notes]
    if problems:
        raise NotPossible("\n".join(problems))
    return taken


# A specialist is told from a workflow by what only it has.
SPECIALIST = re.compile(rb"^(role|guidance)\s*:", re.MULTILINE)


def _load(content: bytes, name: str) -> SpecialistSpec | files.Loaded:
    if SPECIALIST.search(content):
        return files.load_specialist(content, name=name)
    return files.read_workflow(content, name=name)
