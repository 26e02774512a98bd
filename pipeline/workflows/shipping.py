"""The workflows and specialists that come with the product."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from pipeline.domain.workflows import SpecialistSpec, WorkflowSpec
from pipeline.workflows.schema import load_workflow
from pipeline.workflows.specialists import load_specialist

FOLDER = Path(__file__).parent / "shipped"


@cache
def shipped() -> tuple[WorkflowSpec, ...]:
    """In the order of their file names."""
    return tuple(load_workflow(path.read_bytes(), name=path.name) for path in sorted(FOLDER.glob("workflows/*.yaml")))


@cache
def shipped_specialists() -> tuple[SpecialistSpec, ...]:
    return tuple(
        load_specialist(path.read_bytes(), name=path.name) for path in sorted(FOLDER.glob("specialists/*.yaml"))
    )
