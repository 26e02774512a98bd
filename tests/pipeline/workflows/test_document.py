"""Files that are no workflow at all, or mean harm: one sentence each, quickly."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from pipeline.workflows import WorkflowFileError, document, load_specialist, load_workflow

SHIPPED = Path(document.__file__).parent / "shipped"

BOMB = "a: &a [x,x]\n" + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)},*{chr(97 + n)}]\n" for n in range(20))


@pytest.mark.parametrize(
    ("text", "place", "sentence"),
    [
        (BOMB, "line 2, column 8", "The alias *a is not supported; write the value out."),
        ("a: *b", "line 1, column 4", "The alias *b is not supported"),
        ("a: " + "[" * 5_000, "line 1, column 13", "nested more than 10 deep"),
        ("a: {b: {c: " + "{d: " * 50, "line 1", "nested more than 10 deep"),
        ("- a\n- b\n", "line 1, column 1", "The file must hold fields"),
        ("", "line 1, column 1", "The file must hold fields"),
        ("just text", "line 1, column 1", "The file must hold fields"),
        ("a: b\n---\nc: d\n", "line 2, column 1", "A second document begins here"),
        ("a: !!python/object/apply:os.system [ls]", "line 1, column 4", "is not supported; write a plain value."),
        ("a: !local x", "line 1, column 4", "The tag '!local' is not supported"),
        ("name: x\n\tversion: 1\n", "line 2, column 1", "Indent with spaces, not tabs."),
        ("name: [x\n", "line 2, column 1", "This is not valid YAML"),
        ("name: 'x\n", "line 2, column 1", "This is not valid YAML"),
        ("name: a\x07b", "line 1, column 8", "The character U+0007 is not allowed in YAML; remove it."),
        (b"name: a\nrole: \xff\n", "line 2, column 7", "The byte 0xff is not UTF-8; save the file as UTF-8."),
        ("name: x\n".encode("utf-16"), "line 1, column 1", "is not UTF-8"),
        ("name: " + "x" * 300_000, "line 1, column 1", "has 300,006 bytes; at most 262,144 are read"),
        ("a:\n" + "- x\n" * 30_000, "line 19997, column 3", "more than 20,000 elements"),
        ("? [a, b]\n: c\n", "line 1, column 3", "'' is not a field of a workflow"),
        ("<<: {a: b}\n", "line 1, column 1", "'<<' is not a field of a workflow"),
    ],
)
def test_file_is_refused_with_its_place_and_a_sentence(text: str | bytes, place: str, sentence: str) -> None:
    started = time.process_time()
    with pytest.raises(WorkflowFileError) as caught:
        load_workflow(text, name="w.yaml")
    assert any(place in line and sentence in line for line in caught.value.lines()), caught.value.lines()[:5]
    assert time.process_time() - started < 3


@pytest.mark.parametrize("loader", [load_workflow, load_specialist])
def test_byte_order_mark_is_no_part_of_the_text(loader: object) -> None:
    with pytest.raises(WorkflowFileError) as caught:
        loader(b"\xef\xbb\xbfname: x\nwrong: y\n", name="w.yaml")  # type: ignore[operator]
    assert "line 2, column 1: 'wrong' is not a field" in "".join(caught.value.lines())


def placed(node: yaml.Node) -> Iterator[tuple[str, object, int, int]]:
    """Every scalar below, with its tag, value and place."""
    if isinstance(node, yaml.ScalarNode):
        yield node.tag, node.value, node.start_mark.line, node.start_mark.column
    for child in node.value if isinstance(node, yaml.CollectionNode) else ():
        for inner in child if isinstance(child, tuple) else (child,):
            yield from placed(inner)


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*/*.yaml")), ids=lambda path: path.stem)
def test_quick_parser_reads_what_the_thorough_one_reads(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    quick = list(placed(document.compose(path.read_bytes(), path.name)))
    monkeypatch.setattr(document, "QUICK", yaml.SafeLoader)

    assert list(placed(document.compose(path.read_bytes(), path.name))) == quick
    assert quick
