from __future__ import annotations

import time

import pytest

from pipeline.sources.tangles import Tangled, parsed


@pytest.mark.parametrize(
    "html",
    [b"<div>" * 1_000_000, b"<p><font a=1>" * 300_000, b"<x>" * 20_000 + b"</zz>" * 40_000, b"<a><b>" * 100_000],
    ids=["depth", "reopened", "ends that match nothing", "formatting"],
)
def test_what_is_dear_to_parse_is_refused_before_parsing(html: bytes) -> None:
    began = time.process_time()
    with pytest.raises(Tangled, match=r"nested \d+ deep without an end$"):
        parsed(html)
    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    "html",
    [b"<p>one <b>two</b> <a href=x>three</a>" * 20_000, b"<li>one" * 50_000, b"<" * 200_000, b"<tr><td>x<td>y" * 20_000,
     b"<div><p>x</p></div>" * 20_000, b""],
    ids=["paragraphs", "unclosed items", "no tags", "tables", "divisions", "empty"],
)  # fmt: skip
def test_large_ordinary_pages_are_parsed(html: bytes) -> None:
    assert parsed(html).root is not None


def test_text_is_taken_as_well_as_bytes() -> None:
    body = parsed("<p>ünder\ud800</p>").body
    assert body is not None
    assert body.text().startswith("ünder")
