"""WorkflowSpec and SpecialistSpec → YAML in the newer form; loading it again gives the same value."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import Any

import yaml

from pipeline.domain.workflows import SpecialistSpec, WorkflowSpec

WIDTH = 110

_UNSAFE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\xa0\u2028\u2029\ufeff]")  # only escaped do these survive


class _Dumper(yaml.SafeDumper):
    """Longer texts as readable blocks, lists indented under their key, nothing shared by alias."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the signature is PyYAML's
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002 - PyYAML's
        return super().increase_indent(flow, False)


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = '"' if _UNSAFE.search(value) else "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def dump_workflow(spec: WorkflowSpec) -> str:
    hours = spec.due.total_seconds() / 3600
    return dumped(
        {
            "slug": spec.slug,
            "name": spec.name,
            "version": spec.version,
            "description": spec.description,
            "triggers": {"labels": list(spec.trigger_labels), "content_keywords": list(spec.content_keywords)},
            "specialist": {"type": spec.specialist},
            "confidence": {"assign_at": spec.assign_at, "ask_at": spec.ask_at},
            "due_hours": int(hours) if hours == int(hours) else hours,
            "branch_pattern": spec.branch_pattern,
            "folder_pattern": spec.folder_pattern,
            "deliverables": [asdict(item) for item in spec.deliverables],
            "acceptance_criteria": list(spec.acceptance_criteria),
            "validation": {
                "minimum_words": spec.minimum_words,
                "required_sections": list(spec.required_sections),
            },
        }
    )


def dump_specialist(spec: SpecialistSpec) -> str:
    names = ("slug", "name", "version", "role", "objective", "guidance", "required_actions", "quality_checklist")
    values = asdict(spec)
    ordered = {name: values[name] for name in (*names, "collaboration", "escalation")}
    return dumped({name: list(value) if isinstance(value, tuple) else value for name, value in ordered.items()})


def dumped(value: dict[str, Any]) -> str:
    """Plain values as YAML that people like to read."""
    return str(yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=WIDTH))
