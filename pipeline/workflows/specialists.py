"""A specialist's YAML → SpecialistSpec."""

from __future__ import annotations

import re

import yaml

from pipeline.domain.refs import slug
from pipeline.domain.workflows import SpecialistSpec
from pipeline.domain.workplan import GUIDANCE_NAMES
from pipeline.workflows.document import compose
from pipeline.workflows.problems import WorkflowFileError
from pipeline.workflows.reader import Reader

MAX_SLUG = 35  # `specialist::` in front has to fit into the 50 characters of a label
SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")

FIELDS = (
    "slug", "name", "version", "role", "objective", "guidance", "required_actions", "quality_checklist",
    "collaboration", "escalation",
)  # fmt: skip


def load_specialist(text: str | bytes, *, name: str) -> SpecialistSpec:
    """`name` is the file's name, for messages and for a slug where none is given. Raises WorkflowFileError."""
    top = compose(text, name)
    reader = Reader(text.decode("utf-8-sig") if isinstance(text, bytes) else text.removeprefix("\ufeff"))
    fields = reader.fields(top, "a specialist", FIELDS)
    spec = SpecialistSpec(
        slug=read_slug(reader, fields.get("slug"), top, name, str(getattr(fields.get("name"), "value", ""))),
        name=reader.required(fields, "name", top, most=100),
        role=reader.required(fields, "role", top, most=2_000),
        objective=reader.required(fields, "objective", top, most=2_000),
        guidance=reader.required(fields, "guidance", top, most=20_000),
        required_actions=reader.texts(fields.get("required_actions"), "required_actions", most=30),
        quality_checklist=reader.texts(fields.get("quality_checklist"), "quality_checklist", most=30),
        collaboration=reader.text(fields.get("collaboration"), "collaboration", most=4_000),
        escalation=reader.text(fields.get("escalation"), "escalation", most=4_000),
        version=reader.text(fields.get("version"), "version", most=20, default="1.0"),
    )
    for field in ("role", "objective"):
        reader.placeholders(fields.get(field), ())
    for field in ("guidance", "collaboration", "escalation"):
        reader.placeholders(fields.get(field), GUIDANCE_NAMES)
    for field in ("required_actions", "quality_checklist"):
        for item in getattr(fields.get(field), "value", []):
            reader.placeholders(item, GUIDANCE_NAMES)
    if reader.problems:
        raise WorkflowFileError(name, reader.problems)
    return spec


def read_slug(reader: Reader, node: yaml.Node | None, top: yaml.Node, file: str, title: str) -> str:
    """The slug that is given, or one made of the name or, where that is too long, of the file's name."""
    if node is not None:
        given = reader.text(node, "slug", most=MAX_SLUG)
        if given and not SLUG.fullmatch(given):
            reader.report(node, f"The slug {given!r} must be lower-case words joined by hyphens.")
        return given
    stem = file.replace("\\", "/").rsplit("/", 1)[-1].rsplit(".", 1)[0]
    for text in (title, stem):
        made = slug(text, 200)
        if 0 < len(made) <= MAX_SLUG:
            return made
    reader.report(top, f"No slug of at most {MAX_SLUG} characters follows from the name; add `slug:`.")
    return ""
