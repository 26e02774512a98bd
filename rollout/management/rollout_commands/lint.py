"""Report where a plan's own figures do not agree. Ends with 1 where they contradict each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.core.management.base import CommandParser

from pipeline.services import scripts
from rollout.domain.linter import Finding, Severity
from rollout.management.rollout_commands._plans import HELP, SHIPPED, given
from rollout.management.rollout_commands._port import Output
from rollout.services import plans


def add_arguments(parser: CommandParser) -> None:
    parser.add_argument("source", nargs="?", default=SHIPPED, help=HELP)
    parser.add_argument("--repository", help="owner/name: reckon with the concurrency groups of its operations")
    parser.add_argument("--strict", action="store_true", help="end with 1 for risks as well")


def handle(command: Output, options: dict[str, Any]) -> int:
    source = given(options["source"])
    full_name = options["repository"]
    facts_given = plans.given_of(scripts.repository_named(full_name)) if full_name else None
    found = plans.lint_text(source.text, name=source.name, given=facts_given)
    facts = {"source": source.name, "findings": [_facts(finding) for finding in found]}
    command.say(facts, _lines(source.name, found))
    serious = found if options["strict"] else [one for one in found if one.severity is Severity.CONTRADICTION]
    return scripts.FAILED if serious else scripts.OK


def _facts(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "severity": finding.severity.value,
        "where": list(finding.where),
        "sentence": finding.sentence,
        "arithmetic": list(finding.arithmetic),
        "suggestion": finding.suggestion,
        "figures": dict(finding.figures),
    }


def _lines(name: str, found: Sequence[Finding]) -> Iterator[str]:
    if not found:
        yield f"{name}: no contradictions found."
        return
    for place, finding in enumerate(found, start=1):
        yield f"{place}. {finding.severity.value}, {', '.join(finding.where) or 'plan'}: {finding.sentence}"
        yield from (f"     {line}" for line in finding.arithmetic)
        yield f"   → {finding.suggestion}"
    against = sum(finding.severity is Severity.CONTRADICTION for finding in found)
    yield f"{name}: {against} contradictions, {len(found) - against} risks. Nothing was changed."
