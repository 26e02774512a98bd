"""Workflows and specialists as YAML: reading with line and column, writing, and the ones that are shipped."""

from pipeline.workflows.export import dump_specialist, dump_workflow
from pipeline.workflows.problems import Problem, WorkflowFileError
from pipeline.workflows.schema import Loaded, load_workflow, read_workflow
from pipeline.workflows.shipping import shipped, shipped_specialists
from pipeline.workflows.specialists import load_specialist

__all__ = [
    "Loaded",
    "Problem",
    "WorkflowFileError",
    "dump_specialist",
    "dump_workflow",
    "load_specialist",
    "load_workflow",
    "read_workflow",
    "shipped",
    "shipped_specialists",
]
