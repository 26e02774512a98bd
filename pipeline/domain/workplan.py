"""What is going to be worked on: one issue, its workflow and specialist, and every name that follows from them.

A Workplan is made once per issue; guidance and scaffold are written from it, so that they cannot name different files.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from pipeline.domain import markers
from pipeline.domain.assessment_section import HEADING as ASSESSMENT
from pipeline.domain.assessment_section import AssessmentFacts, parse_assessment
from pipeline.domain.cleaning import clean, code, one_line
from pipeline.domain.discovery_section import HEADING as DISCOVERY
from pipeline.domain.discovery_section import DiscoveryFacts, parse_discovery
from pipeline.domain.placeholders import canonical, fill, unknown
from pipeline.domain.refs import branch_problem, path_problem, slug
from pipeline.domain.sections import ORDER, read_section, remove_section
from pipeline.domain.snapshot import IssueSnapshot
from pipeline.domain.workflows import Deliverable, SpecialistSpec, WorkflowSpec

README = "README.md"
QUOTE_LIMIT = 3_000  # characters of people's text that are quoted
PATTERN_NAMES = frozenset({"workflow", "specialist", "number", "slug"})
PATH_NAMES = PATTERN_NAMES | {"folder", "name"}
GUIDANCE_NAMES = PATTERN_NAMES | {
    "title", "issue_title", "repository", "url", "workflow_name", "description", "specialist_name", "role", "objective",
    "summary", "confidence", "urgency", "content_type", "topics", "indicators", "source", "source_url", "folder",
    "branch", "base_branch", "due",
}  # fmt: skip
TEMPLATE_NAMES = GUIDANCE_NAMES | {"name"}


BRANCH, FOLDER = "branch_pattern", "folder_pattern"


class UnusableName(ValueError):
    """One sentence; `field` says what is to blame: BRANCH, FOLDER or the name of a deliverable."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


@dataclass(frozen=True, slots=True)
class IssueFacts:
    """One issue as guidance sees it. `text` is what people wrote, cleaned; our sections are read, not quoted."""

    number: int
    title: str
    url: str
    repository: str
    base_branch: str
    text: str
    discovery: DiscoveryFacts | None = None
    assessment: AssessmentFacts | None = None


@dataclass(frozen=True, slots=True)
class PlannedFile:
    deliverable: Deliverable
    path: str


@dataclass(frozen=True, slots=True)
class Workplan:
    """Everything that guidance, assignment and scaffold say of one issue. `due` is aware UTC."""

    workflow: WorkflowSpec
    specialist: SpecialistSpec
    issue: IssueFacts
    branch: str
    folder: str
    files: tuple[PlannedFile, ...]
    due: datetime

    def values(self) -> dict[str, str]:
        """What the placeholders of guidance stand for; whatever comes from the issue is inline code or quoted."""
        issue, seen, found = self.issue, self.issue.assessment, self.issue.discovery
        title = code(issue.title) or f"issue {issue.number}"
        return {
            **_pattern_values(self.workflow, issue),
            "title": title,
            "issue_title": title,
            "repository": issue.repository,
            "url": issue.url,
            "workflow_name": self.workflow.name,
            "description": self.workflow.description.strip(),
            "specialist_name": self.specialist.name,
            "role": self.specialist.role.strip(),
            "objective": self.specialist.objective.strip(),
            "summary": f"“{one_line(seen.summary, 600)}”" if seen and seen.summary else "(no summary)",
            "confidence": f"{round(100 * seen.confidence)} %" if seen and seen.confidence is not None else "(unknown)",
            "urgency": (code(seen.urgency, 20) if seen else "") or "`normal`",
            "content_type": (code(seen.content_type, 60) if seen else "") or "(unknown)",
            "topics": _joined(seen.key_topics if seen else ()),
            "indicators": _joined(seen.indicators if seen else ()),
            "source": (code(found.source) if found else "") or "the issue itself",
            "source_url": (code(found.url, 500) if found else "") or f"<{issue.url}>",
            "folder": self.folder,
            "branch": self.branch,
            "base_branch": issue.base_branch,
            "due": due_text(self.due),
        }


def read_issue(snapshot: IssueSnapshot, repository: str, base_branch: str) -> IssueFacts:
    """The facts in an issue: people's own text apart from our sections, which are parsed."""
    discovery = read_section(snapshot.body, DISCOVERY)
    assessment = read_section(snapshot.body, ASSESSMENT)
    text = snapshot.body
    for heading in ORDER:
        text = remove_section(text, heading)
    return IssueFacts(
        number=snapshot.number,
        title=one_line(snapshot.title),
        url=snapshot.html_url,
        repository=repository,
        base_branch=base_branch,
        text=clean(markers.strip(text), limit=QUOTE_LIMIT).text,
        discovery=parse_discovery(discovery) if discovery is not None else None,
        assessment=parse_assessment(assessment) if assessment is not None else None,
    )


def prepare(workflow: WorkflowSpec, specialist: SpecialistSpec, issue: IssueFacts, due: datetime) -> Workplan:
    """The plan of work. UnusableName: Git would refuse a name, a path leaves its folder, or a text cannot be filled.

    Files are checked when they are imported; what a person edits in the admin meets this.
    """
    refused = specialist_problems(specialist) or _text_problems(workflow)
    if refused:
        raise refused[0]
    values = _pattern_values(workflow, issue)
    branch, folder = fill(workflow.branch_pattern, values), fill(workflow.folder_pattern, values).rstrip("/")
    problem = branch_problem(branch)
    if problem:
        raise UnusableName(BRANCH, f"The workflow {workflow.slug!r} names the branch {branch[:100]!r}: {problem}.")
    problem = path_problem(folder)
    if problem:
        raise UnusableName(FOLDER, f"The workflow {workflow.slug!r} names the folder {folder[:100]!r}: {problem}.")
    ordered = sorted(workflow.deliverables, key=lambda item: item.order)
    files = tuple(PlannedFile(item, _path(workflow, item, folder, values)) for item in ordered)
    _refuse_duplicates(workflow, folder, files)
    return Workplan(workflow, specialist, issue, branch, folder, files, due.astimezone(UTC))


def problems(workflow: WorkflowSpec) -> tuple[UnusableName, ...]:
    """What would go wrong with this workflow's names on any issue; empty when nothing does."""
    found: list[UnusableName] = []
    for what, pattern in ((BRANCH, workflow.branch_pattern), (FOLDER, workflow.folder_pattern)):
        found += [UnusableName(what, f"In {what}: {item.sentence}") for item in unknown(pattern, PATTERN_NAMES)]
        if "{number}" not in canonical(pattern):
            found.append(UnusableName(what, f"{what} needs {{number}}: without it two issues would share one."))
    for item in workflow.deliverables:
        for each in unknown(item.path, PATH_NAMES):
            found.append(UnusableName(item.name, f"In the path of {item.name!r}: {each.sentence}"))
    found += _text_problems(workflow)
    if not found:
        try:
            prepare(workflow, _NOBODY, _SAMPLE, datetime(2026, 1, 1, tzinfo=UTC))
        except UnusableName as error:
            found.append(error)
    return tuple(found)


def specialist_problems(specialist: SpecialistSpec) -> tuple[UnusableName, ...]:
    """Placeholders in a specialist's texts that nothing fills."""
    lists = {"required_actions": specialist.required_actions, "quality_checklist": specialist.quality_checklist}
    texts = {
        "guidance": specialist.guidance,
        "collaboration": specialist.collaboration,
        "escalation": specialist.escalation,
        **{name: "\n".join(items) for name, items in lists.items()},
    }
    return tuple(
        UnusableName(name, f"In {name} of the specialist {specialist.slug!r}: {item.sentence}")
        for name, text in texts.items()
        for item in unknown(text, GUIDANCE_NAMES)
    )


def _text_problems(workflow: WorkflowSpec) -> tuple[UnusableName, ...]:
    texts = [("acceptance_criteria", "\n".join(workflow.acceptance_criteria), GUIDANCE_NAMES)]
    texts += [(item.name, item.template, TEMPLATE_NAMES) for item in workflow.deliverables]
    return tuple(
        UnusableName(name, f"In {name} of the workflow {workflow.slug!r}: {item.sentence}")
        for name, text, known in texts
        for item in unknown(text, known)
    )


def due_text(due: datetime) -> str:
    return due.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def _pattern_values(workflow: WorkflowSpec, issue: IssueFacts) -> dict[str, str]:
    return {
        "workflow": workflow.slug,
        "specialist": workflow.specialist,
        "number": str(issue.number),
        "slug": slug(issue.title) or "issue",
    }


def _path(workflow: WorkflowSpec, item: Deliverable, folder: str, values: dict[str, str]) -> str:
    given = fill(item.path or f"{item.name}.md", {**values, "folder": folder, "name": item.name})
    path = given if given.startswith(f"{folder}/") else f"{folder}/{given}"
    # The given one too: the folder in front would hide a leading slash.
    problem = path_problem(given) or path_problem(path)
    if problem:
        said = f"The deliverable {item.name!r} of {workflow.slug!r} has the path {given[:100]!r}: {problem}."
        raise UnusableName(item.name, said)
    return path


def _refuse_duplicates(workflow: WorkflowSpec, folder: str, files: tuple[PlannedFile, ...]) -> None:
    seen = {f"{folder}/{README}".lower()}
    for file in files:
        if file.path.lower() in seen:
            said = f"The workflow {workflow.slug!r} writes {file.path!r} twice; give each file its own path."
            raise UnusableName(file.deliverable.name, said)
        seen.add(file.path.lower())


def _joined(items: tuple[str, ...]) -> str:
    return ", ".join(code(item, 100) for item in items if item) or "(none)"


_NOBODY = SpecialistSpec("specialist", "Specialist", "", "", "")
_SAMPLE = IssueFacts(1_234_567, "w" * 60, "https://github.com/o/r/issues/1", "o/r", "main", "")
