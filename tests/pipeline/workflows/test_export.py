from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.domain.workflows import Deliverable, SpecialistSpec, WorkflowSpec
from pipeline.workflows import (
    dump_specialist,
    dump_workflow,
    load_specialist,
    load_workflow,
    shipped,
    shipped_specialists,
)

settings.register_profile("steady", deadline=None, derandomize=True, database=None)
settings.load_profile("steady")

SLUGS = st.from_regex(r"\A[a-z0-9]{1,8}(-[a-z0-9]{1,8}){0,2}\Z")
CHARACTERS = st.characters(codec="utf-8", exclude_characters="{}")
LINES = st.text(CHARACTERS, min_size=1, max_size=30).filter(str.strip)
TEXTS = st.one_of(st.text(CHARACTERS, max_size=60), st.lists(LINES, max_size=4).map("\n".join))
LISTS = st.lists(LINES, max_size=4, unique=True).map(tuple)
SHARES = st.floats(0, 1).map(lambda share: round(share, 3))
DELIVERABLES = st.builds(
    Deliverable,
    name=SLUGS,
    title=LINES,
    description=TEXTS,
    template=TEXTS.map(lambda text: f"# {{title}}\n{text}"),
    path=st.sampled_from(["", "a-{number}-{name}.md", "{folder}/{name}.txt"]),
    required=st.booleans(),
    order=st.integers(0, 99),
)


@st.composite
def workflows(draw: st.DrawFn) -> WorkflowSpec:
    low, high = sorted((draw(SHARES), draw(SHARES)))
    return WorkflowSpec(
        slug=draw(SLUGS),
        name=draw(LINES),
        description=draw(TEXTS),
        version=draw(LINES.filter(lambda text: len(text) <= 20)),
        trigger_labels=(draw(LINES),),
        content_keywords=draw(LISTS),
        specialist=draw(SLUGS),
        deliverables=tuple(draw(st.lists(DELIVERABLES, min_size=1, max_size=3, unique_by=lambda item: item.name))),
        branch_pattern=draw(st.sampled_from(["w/{number}", "{workflow}/{specialist}-{number}-{slug}"])),
        folder_pattern=draw(st.sampled_from(["w/{number}", "{workflow}/{number}"])),
        due=timedelta(hours=draw(st.integers(1, 500))),
        assign_at=high,
        ask_at=low,
        acceptance_criteria=draw(LISTS),
        minimum_words=draw(st.integers(0, 5_000)),
        required_sections=draw(LISTS),
    )


@given(workflows())
def test_exported_workflow_imports_as_the_same_value(spec: WorkflowSpec) -> None:
    assert load_workflow(dump_workflow(spec), name="any.yaml") == spec


@given(
    st.builds(
        SpecialistSpec,
        SLUGS,
        LINES,
        LINES,
        LINES,
        LINES,
        LISTS,
        LISTS,
        TEXTS,
        TEXTS,
        LINES.filter(lambda t: len(t) < 20),
    )
)
def test_exported_specialist_imports_as_the_same_value(spec: SpecialistSpec) -> None:
    assert load_specialist(dump_specialist(spec), name="any.yaml") == spec


def test_shipped_files_survive_export_and_import() -> None:
    assert all(load_workflow(dump_workflow(spec), name="x.yaml") == spec for spec in shipped())
    assert all(load_specialist(dump_specialist(spec), name="x.yaml") == spec for spec in shipped_specialists())


def test_templates_are_exported_as_readable_blocks() -> None:
    assert "    template: |\n      # {title}\n" in dump_workflow(shipped()[0])
