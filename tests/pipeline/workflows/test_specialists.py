import pytest

from pipeline.workflows import WorkflowFileError, load_specialist

TEXT = """\
name: Careful Reader
role: Reads twice.
objective: Understand it.
guidance: |
  Work on {title}.

  Use {source}.
required_actions:
  - Read {folder}.
quality_checklist:
  - Everything was read.
collaboration: Ask a colleague.
escalation: nothing can be read.
"""


def test_specialist_is_read_in_full() -> None:
    spec = load_specialist(TEXT, name="reader.yaml")
    assert (spec.slug, spec.name, spec.role, spec.version) == (
        "careful-reader",
        "Careful Reader",
        "Reads twice.",
        "1.0",
    )
    assert (spec.required_actions, spec.quality_checklist) == (("Read {folder}.",), ("Everything was read.",))
    assert spec.guidance == "Work on {title}.\n\nUse {source}.\n"


@pytest.mark.parametrize(
    ("old", "new", "place", "sentence"),
    [
        (
            "Use {source}.",
            "Use {sauce}.",
            "line 7, column 7",
            "The placeholder {sauce} is not known; did you mean {source}?",
        ),
        ("Read {folder}.", "Read {file}.", "line 9, column 10", "The placeholder {file} is not known"),
        ("Reads twice.", "Reads {title}.", "line 2, column 13", "none can be used here."),
        ("guidance:", "guidence:", "line 4, column 1", "did you mean 'guidance'?"),
        ("objective: Understand it.", "objective: ' '", "line 3, column 12", "'objective' is empty; fill it in."),
    ],
)
def test_problem_is_told_with_its_place(old: str, new: str, place: str, sentence: str) -> None:
    with pytest.raises(WorkflowFileError) as caught:
        load_specialist(TEXT.replace(old, new, 1), name="reader.yaml")
    assert any(place in line and sentence in line for line in caught.value.lines()), caught.value.lines()
