"""One workflow, specialist and issue for the tests of guidance and scaffold."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from pipeline.domain import assessment_section, discovery_section
from pipeline.domain.classification import Assessment, Candidate, Urgency, Usage
from pipeline.domain.sections import splice
from pipeline.domain.snapshot import Actor, IssueSnapshot
from pipeline.domain.workflows import Deliverable, SpecialistSpec, WorkflowSpec
from pipeline.domain.workplan import Workplan, prepare, read_issue

NOW = datetime(2026, 11, 3, 6, 30, tzinfo=UTC)
DUE = datetime(2026, 11, 5, 6, 30, tzinfo=UTC)
WORKFLOW = WorkflowSpec(
    slug="osint-research",
    name="OSINT research",
    description="Find and verify.",
    version="1.2",
    trigger_labels=("osint",),
    content_keywords=(),
    specialist="osint-researcher",
    deliverables=(
        Deliverable("log", "Source log", "Every source.", "# {title}\n\nAbout {issue_title}.\n", "log.md", False, 2),
        Deliverable("findings", "Findings", "What was found.", "# {title}\n", "{folder}/{name}-{number}.md", True, 1),
    ),
    branch_pattern="osint/issue-{number}-{slug}",
    folder_pattern="research/issue-{number}",
    acceptance_criteria=("Each finding has a rating.", "The log of {folder} is complete."),
    minimum_words=200,
    required_sections=("Findings",),
)
SPECIALIST = SpecialistSpec(
    slug="osint-researcher",
    name="OSINT Researcher",
    role="A careful researcher.",
    objective="Show what can be shown.",
    guidance="Work on {title} from {source}.\n\n## Order\n\nFirst plan, then search.",
    required_actions=("Write the plan into {folder}.",),
    quality_checklist=("Every step can be repeated.",),
    collaboration="Ask the analyst.",
    escalation="a source needs a login.",
)
ASSESSMENT = Assessment(
    summary="A pier was extended.",
    candidates=(Candidate("osint-research", 0.86, "label osint"),),
    key_topics=("harbour",),
    indicators=("198.51.100.7",),
    urgency=Urgency.HIGH,
    content_type="news",
    usage=Usage("rules"),
)


def snapshot(text: str = "Please check.", title: str = "New pier", **values: Any) -> IssueSnapshot:
    found = discovery_section.render(
        source="Harbour news", title=title, url="https://example.com/a", excerpt="A pier.", found_at=NOW
    )
    body = splice(text, [("Discovery", found), ("AI Assessment", assessment_section.render(ASSESSMENT))])
    issue = IssueSnapshot(
        12, "node", title, body, (), (), True, None, False, Actor("a"), "OWNER",
        "https://github.com/o/r/issues/12", NOW, NOW, None, NOW,
    )  # fmt: skip
    return replace(issue, **values)


def workplan(workflow: WorkflowSpec = WORKFLOW, specialist: SpecialistSpec = SPECIALIST, **values: Any) -> Workplan:
    return prepare(workflow, specialist, read_issue(snapshot(**values), "o/r", "main"), DUE)
