"""monitor: one discovery → one new issue (DESIGN.md, section 2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pipeline.domain import changes, discovery_section
from pipeline.domain.cleaning import one_line
from pipeline.domain.labels import MAX_LABEL, LabelGrammar
from pipeline.domain.plan import Plan, Planned, Verdict
from pipeline.domain.sections import splice
from pipeline.domain.states import State

MAX_TITLE = 240  # GitHub's limit is 256 characters


@dataclass(frozen=True, slots=True)
class Found:
    """One discovery as the planner sees it."""

    id: int
    source: str
    url: str
    title: str
    excerpt: str
    found_at: datetime
    labels: Sequence[str]


def plan(found: Found, grammar: LabelGrammar) -> Plan:
    """Open one issue; `subject` makes a second one for the same discovery impossible."""
    content = discovery_section.render(
        source=found.source, title=found.title, url=found.url, excerpt=found.excerpt, found_at=found.found_at
    )
    body = splice("", [(discovery_section.HEADING, content)])
    # A second state would contradict the first, and nothing would work on the issue.
    extra = [label for label in found.labels if 0 < len(label) <= MAX_LABEL and not grammar.values([label], "state::")]
    labels = tuple(dict.fromkeys([grammar.site_monitor, grammar.triage, grammar.state(State.DISCOVERY), *extra]))
    title = one_line(found.title, MAX_TITLE) or one_line(found.url, MAX_TITLE)
    return Plan(
        Verdict.CHANGE,
        "opened",
        f"Found in {found.source}.",
        effects=(Planned(changes.CreateIssue(title, body, labels), subject=f"discovery:{found.id}"),),
        facts={"url": found.url, "source": found.source},
    )
