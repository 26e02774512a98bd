"""A workflow's YAML → WorkflowSpec. Two forms are read, and may be mixed.

The newer: `triggers.labels`, `triggers.content_keywords`, `specialist.type`, `deliverables`, `confidence`. The older:
`trigger_labels`, `output.folder_structure`, `output.branch_pattern`, `processing`, `validation.min_word_count`. Fields
of either that steered another program are left out with a note.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

import yaml

from pipeline.domain import workplan
from pipeline.domain.guidance import in_words
from pipeline.domain.labels import MAX_LABEL
from pipeline.domain.placeholders import canonical
from pipeline.domain.refs import slug
from pipeline.domain.workflows import Deliverable, WorkflowSpec
from pipeline.workflows.document import compose
from pipeline.workflows.problems import WorkflowFileError
from pipeline.workflows.reader import Reader
from pipeline.workflows.specialists import SLUG, read_slug

FIELDS = (
    "slug", "name", "description", "version", "workflow_version", "triggers", "trigger_labels", "content_keywords",
    "specialist", "deliverables", "branch_pattern", "folder_pattern", "due_hours", "confidence", "confidence_threshold",
    "acceptance_criteria", "validation", "output", "git", "git_workflow", "processing", "config", "quality_assurance",
)  # fmt: skip
NO_EFFECT = (
    "category", "priority", "metadata", "required_labels", "required_entities", "deliverable_templates", "audit_trail",
    "processing_steps", "integrations",
)  # fmt: skip
TRIGGERS = ("labels", "content_keywords", "keywords", "confidence_threshold")
TRIGGERS_NO_EFFECT = ("assignee",)
SPECIALIST = ("type", "slug")
SPECIALIST_NO_EFFECT = ("priority_weight", "extraction_focus")
CONFIDENCE = ("assign_at", "ask_at")
VALIDATION = ("minimum_words", "min_words", "min_word_count", "required_sections")
VALIDATION_NO_EFFECT = (
    "checks", "quality_check", "min_confidence", "min_content_length", "spell_check", "peer_review_required",
    "technical_review_required", "include_code_examples", "include_risk_ratings",
)  # fmt: skip
OUTPUT = (
    "folder_structure", "folder_pattern", "branch_pattern", "branch_naming", "branch_prefix", "file_pattern",
    "file_naming", "file_extension",
)  # fmt: skip
GIT = ("branch_pattern", "branch_name_pattern", "branch_prefix")
GIT_NO_EFFECT = ("commit_message", "commit_messages", "file_organization")
QUALITY_NO_EFFECT = ("minimum_confidence_score", "validation_rules")
PROCESSING = ("specialist_type", "due_hours")
PROCESSING_NO_EFFECT = (
    "timeout", "timeout_minutes", "analysis_timeout", "max_retries", "require_review", "auto_pr", "context", "priority",
    "ai_enhanced", "priority_threshold", "require_ai_analysis", "confidence_threshold",
)  # fmt: skip
DELIVERABLE = ("name", "title", "description", "template", "path", "filename", "required", "order", "sections",
               "required_sections")  # fmt: skip
DELIVERABLE_NO_EFFECT = ("type", "format", "metadata", "conditions", "conditional_sections", "priority")

SPECIALISTS_BY_WORD = (("osint", "osint-researcher"), ("target", "target-profiler"), ("profil", "target-profiler"))
DEFAULT_SPECIALIST = "intelligence-analyst"
MAX_DUE_HOURS = 24 * 366

# A template that is only a name refers to a file of another program.
_TEMPLATE_FILE = re.compile(r"[\w./-]+\.(?:md|markdown|txt|j2)|[a-z0-9]+(?:_[a-z0-9]+)+")
# A branch or file is found again by its name, so what differs from run to run cannot be part of it.
TIMES = ("timestamp", "date", "datetime", "time")
_TIME = rf"\{{(?:{'|'.join(TIMES)})\}}"
_TIMED = re.compile(rf"\A{_TIME}[-_./]?|[-_./]?{_TIME}")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A workflow and what was left out of its file, a sentence each."""

    spec: WorkflowSpec
    notes: tuple[str, ...]


def load_workflow(text: str | bytes, *, name: str) -> WorkflowSpec:
    """`name` is the file's name, for messages and for a slug where none is given. Raises WorkflowFileError."""
    return read_workflow(text, name=name).spec


def read_workflow(text: str | bytes, *, name: str) -> Loaded:
    """The same, with notes on fields of the older form that have no effect here."""
    top = compose(text, name)
    source = text.decode("utf-8-sig") if isinstance(text, bytes) else text.removeprefix("\ufeff")
    reader = Reader(source)
    workflow = _Workflow(reader, top, name)
    spec = workflow.read()
    if not reader.problems:
        for problem in workplan.problems(spec):
            reader.report(workflow.places.get(problem.field) or top, str(problem))
    if reader.problems:
        raise WorkflowFileError(name, reader.problems)
    return Loaded(spec, tuple(dict.fromkeys(reader.notes)))


class _Workflow:
    """One file being read: the fields of the top and of its groups."""

    def __init__(self, reader: Reader, top: yaml.Node, file: str) -> None:
        self.reader, self.top, self.file = reader, top, file
        self.places: dict[str, yaml.Node] = {}  # of branch, folder and each deliverable's path, for later problems
        self.fields = reader.fields(top, "a workflow", FIELDS, NO_EFFECT)
        self.triggers = self._group("triggers", TRIGGERS, TRIGGERS_NO_EFFECT)
        self.confidence = self._group("confidence", CONFIDENCE)
        self.validation = self._group("validation", VALIDATION, VALIDATION_NO_EFFECT)
        self.quality = self._group("quality_assurance", VALIDATION[3:], QUALITY_NO_EFFECT)
        self.output = self._group("output", OUTPUT, ("format", "directory"))
        self.git = self._group("git", GIT, GIT_NO_EFFECT) or self._group("git_workflow", GIT, GIT_NO_EFFECT)
        self.processing = self._group("processing", PROCESSING, PROCESSING_NO_EFFECT, foreign=True)
        self.config = self._group("config", ("specialist_type",), PROCESSING_NO_EFFECT, foreign=True)

    def read(self) -> WorkflowSpec:
        reader, fields = self.reader, self.fields
        name = reader.required(fields, "name", self.top, most=100)
        made = read_slug(reader, fields.get("slug"), self.top, self.file, name)
        assign_at, ask_at = self._thresholds()
        words = self._one_of(self.validation, VALIDATION[:3])
        version = self._one_of(fields, ("version", "workflow_version"))
        reader.placeholders(fields.get("description"), ())
        due = fields.get("due_hours") or self.processing.get("due_hours")
        return WorkflowSpec(
            slug=made,
            name=name,
            description=reader.text(fields.get("description"), "description", most=4_000),
            version=reader.text(version, "version", most=20, default="1.0"),
            trigger_labels=self._labels(),
            content_keywords=self._keywords(),
            specialist=self._specialist(made),
            deliverables=self._deliverables(),
            branch_pattern=self._branch(),
            folder_pattern=self._folder(),
            due=timedelta(hours=reader.whole(due, "due_hours", least=1, most=MAX_DUE_HOURS, default=48)),
            assign_at=assign_at,
            ask_at=ask_at,
            acceptance_criteria=self._criteria(),
            minimum_words=reader.whole(words, "minimum_words", least=0, most=100_000, default=0),
            required_sections=self._sections(),
        )

    def _group(
        self, name: str, known: tuple[str, ...], ignored: tuple[str, ...] = (), *, foreign: bool = False
    ) -> dict[str, yaml.Node]:
        node = self.fields.get(name)
        return self.reader.fields(node, f"{name!r}", known, ignored, foreign=foreign) if node is not None else {}

    def _sections(self) -> tuple[str, ...]:
        node = self.validation.get("required_sections") or self.quality.get("required_sections")
        return self.reader.texts(node, "required_sections", most=30, length=100)

    def _one_of(self, fields: dict[str, yaml.Node], names: tuple[str, ...]) -> yaml.Node | None:
        """Of several spellings of one field the first; two at once are a problem."""
        present = [name for name in names if name in fields]
        for name in present[1:]:
            self.reader.report(fields[name], f"{name!r} says the same as {present[0]!r}; remove one.")
        return fields[present[0]] if present else None

    def _labels(self) -> tuple[str, ...]:
        old, new = self.fields.get("trigger_labels"), self.triggers.get("labels")
        groups = [(old, "trigger_labels")]
        if isinstance(new, yaml.MappingNode):
            kinds = self.reader.fields(new, "'triggers.labels'", ("required", "optional"))
            groups += [(node, f"triggers.labels.{kind}") for kind, node in kinds.items()]
        else:
            groups.append((new, "triggers.labels"))
        labels: dict[str, None] = {}
        for node, what in groups:
            labels.update(dict.fromkeys(self.reader.texts(node, what, most=50, length=MAX_LABEL)))
        if not labels and not self._keyword_nodes():
            self.reader.report(
                self.top, "Nothing triggers this workflow; add `triggers:` with labels or content_keywords."
            )
        return tuple(labels)

    def _keyword_nodes(self) -> list[tuple[yaml.Node, str]]:
        groups = [
            (self.fields.get("content_keywords"), "content_keywords"),
            (self._one_of(self.triggers, ("content_keywords", "keywords")), "triggers.content_keywords"),
        ]
        return [(node, what) for node, what in groups if node is not None]

    def _keywords(self) -> tuple[str, ...]:
        words: dict[str, None] = {}
        for node, what in self._keyword_nodes():
            words.update(dict.fromkeys(self.reader.texts(node, what, most=200, length=100)))
        return tuple(words)

    def _specialist(self, made: str) -> str:
        node: yaml.Node | None = self.fields.get("specialist")
        if isinstance(node, yaml.MappingNode):
            inner = self.reader.fields(node, "'specialist'", SPECIALIST, SPECIALIST_NO_EFFECT)
            chosen = self._one_of(inner, SPECIALIST)
            if chosen is None:
                self.reader.report(node, "'specialist' names nobody; add `type:`.")
            node = chosen
        node = node or self.processing.get("specialist_type") or self.config.get("specialist_type")
        if node is None:
            guess = next((who for word, who in SPECIALISTS_BY_WORD if word in made), DEFAULT_SPECIALIST)
            self.reader.notes.append(f"The file names no specialist; {guess} was taken.")
            return guess
        given = self.reader.text(node, "specialist.type", most=35)
        if given and not SLUG.fullmatch(given):
            self.reader.report(node, f"The specialist {given!r} must be lower-case words joined by hyphens.")
        return given

    def _thresholds(self) -> tuple[float, float]:
        reader = self.reader
        older = self.fields.get("confidence_threshold") or self.triggers.get("confidence_threshold")
        assign_node, ask_node = self.confidence.get("assign_at") or older, self.confidence.get("ask_at")
        assign_at = reader.number(assign_node, "confidence.assign_at", least=0, most=1, default=0.8)
        ask_at = reader.number(ask_node, "confidence.ask_at", least=0, most=1, default=min(0.6, assign_at))
        if ask_at > assign_at:
            sentence = f"ask_at ({ask_at:g}) must not be above assign_at ({assign_at:g}): swap or lower it."
            reader.report(ask_node or assign_node or self.top, sentence)
        return assign_at, ask_at

    def _branch(self) -> str:
        groups, names = (self.fields, self.output, self.git), ("branch_pattern", "branch_naming", "branch_name_pattern")
        node = next((group[name] for group in groups for name in names if name in group), None)
        prefix = self.output.get("branch_prefix") or self.git.get("branch_prefix")
        if node is None and prefix is not None:
            self.places[workplan.BRANCH] = prefix
            return f"{self.reader.text(prefix, 'branch_prefix', most=100).rstrip('/')}/issue-{{number}}"
        return self._pattern(node, workplan.BRANCH, "workflow/{workflow}/issue-{number}")

    def _folder(self) -> str:
        node = self.fields.get("folder_pattern") or self._one_of(self.output, OUTPUT[:2])
        return self._pattern(node, workplan.FOLDER, "workflows/{workflow}/issue-{number}")

    def _pattern(self, node: yaml.Node | None, what: str, default: str) -> str:
        if node is not None:
            self.places[what] = node
        return self._name(node, what, workplan.PATTERN_NAMES, default)

    def _name(self, node: yaml.Node | None, what: str, known: frozenset[str], default: str = "") -> str:
        """A pattern of names under today's words, without a time."""
        text = self.reader.text(node, what, most=200, default=default)
        self.reader.placeholders(node, known, (*TIMES, "workflow_name"))
        if node is not None and _TIMED.search(text):
            line = node.start_mark.line + 1
            self.reader.notes.append(
                f"Line {line}: {what} names a time, which is left out: a name has to stay the same."
            )
        return canonical(_TIMED.sub("", text).replace("{workflow_name}", "{workflow}"))

    def _criteria(self) -> tuple[str, ...]:
        node = self.fields.get("acceptance_criteria")
        for item in node.value if isinstance(node, yaml.SequenceNode) else ():
            self.reader.placeholders(item, workplan.GUIDANCE_NAMES)
        return self.reader.texts(node, "acceptance_criteria", most=40, length=1_000)

    def _deliverables(self) -> tuple[Deliverable, ...]:
        nodes = self.reader.items(self.fields.get("deliverables"), "deliverables", most=30)
        if not nodes:
            self.reader.report(
                self.fields.get("deliverables") or self.top, "A workflow needs at least one deliverable."
            )
        made: list[Deliverable] = []
        for position, node in enumerate(nodes):
            item = self._deliverable(node, position)
            if item.name and item.name in {other.name for other in made}:
                self.reader.report(node, f"The deliverable {item.name!r} stands twice; give each its own name.")
            made.append(item)
        return tuple(made)

    def _deliverable(self, node: yaml.Node, position: int) -> Deliverable:
        reader = self.reader
        fields = reader.fields(node, "a deliverable", DELIVERABLE, DELIVERABLE_NO_EFFECT)
        given = reader.required(fields, "name", node, most=60) if fields else ""
        name = slug(given, 60)
        if given.strip() and not name:
            reader.report(fields["name"], f"The name {given[:60]!r} holds no letter or digit from a to z.")
        for field in ("title", "description"):
            reader.placeholders(fields.get(field), ())
        title = reader.text(fields.get("title"), "title", most=150)
        self.places[name] = fields.get("path") or fields.get("filename") or node
        return Deliverable(
            name=name,
            title=title if title.strip() else given.replace("_", " ").replace("-", " ").capitalize(),
            description=reader.text(fields.get("description"), "description", most=2_000),
            template=self._template(fields),
            path=self._deliverable_path(fields),
            required=reader.flag(fields.get("required"), "required", default=True),
            order=reader.whole(fields.get("order"), "order", least=0, most=1_000, default=position),
        )

    def _template(self, fields: dict[str, yaml.Node]) -> str:
        node = fields.get("template")
        template = self.reader.text(node, "template", most=20_000)
        sections = self.reader.texts(
            self._one_of(fields, ("required_sections", "sections")), "required_sections", most=30, length=100
        )
        if node is not None and _TEMPLATE_FILE.fullmatch(template.strip()):
            self.reader.notes.append(
                f"Line {node.start_mark.line + 1}: the template {template.strip()!r} is a file of another program; "
                "a plain one is made from title and sections."
            )
            template = ""
        self.reader.placeholders(node if template else None, workplan.TEMPLATE_NAMES)
        if not template.strip() and sections:
            parts = ["# {title}", "{description}", *(f"## {in_words(name)}\n\n_To be written._" for name in sections)]
            template = "\n\n".join(parts) + "\n"
        return template

    def _deliverable_path(self, fields: dict[str, yaml.Node]) -> str:
        node = self._one_of(fields, ("path", "filename"))
        if node is None:
            node = self._one_of(self.output, ("file_pattern", "file_naming"))
        path = self._name(node, "path", workplan.PATH_NAMES)
        extension = self.output.get("file_extension")
        if not path and extension is not None:
            ending = self.reader.text(extension, "file_extension", most=10).lstrip(".")
            if not re.fullmatch(r"[A-Za-z0-9]+", ending):
                self.reader.report(extension, "file_extension must be letters and digits, such as md.")
            path = f"{{name}}.{ending}"
        return path
