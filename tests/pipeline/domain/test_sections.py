import pytest

from pipeline.domain.sections import (
    CLOSES,
    ENDS,
    MAX_BODY,
    SHORTENED,
    BodyTooLong,
    contained,
    fit,
    headings,
    read_section,
    remove_section,
    splice,
    upsert_section,
)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("", "## Discovery\n\nnew"),
        ("text", "text\n\n## Discovery\n\nnew"),
        ("text\n", "text\n\n## Discovery\n\nnew\n"),
        ("text\r\n", "text\r\n\r\n## Discovery\r\n\r\nnew\r\n"),
        ("a\r\nb\r\nc\n", "a\r\nb\r\nc\n\r\n## Discovery\r\n\r\nnew\r\n"),
    ],
)
def test_missing_section_is_appended_after_a_blank_line_in_the_bodys_newline(body: str, expected: str) -> None:
    assert upsert_section(body, "Discovery", "new") == expected


@pytest.mark.parametrize(
    "body",
    [
        "```\n## Discovery\n```\n",
        "~~~~\n~~~\n## Discovery\n~~~~\n",
        "    ## Discovery\n",
        "<!--\n## Discovery\n-->\n",
        "<pre>\n## Discovery\n</pre>\n",
        "> ## Discovery\n",
        "- item\n\n  ## Discovery\n",
        "# Discovery\n",
        "### Discovery\n",
        "Discovery\n---\n",
        "##Discovery\n",
        "\\## Discovery\n",
    ],
)
def test_what_only_looks_like_our_heading_is_left_alone(body: str) -> None:
    assert read_section(body, "Discovery") is None
    assert upsert_section(body, "Discovery", "new").startswith(body + "\n## Discovery\n")


@pytest.mark.parametrize("heading", ["## Discovery", "  ## Discovery", "## Discovery ##  ", "##\tDiscovery"])
def test_our_heading_is_found_however_it_is_spelled_and_kept_so(heading: str) -> None:
    body = f"before\n{heading}\nold\n\n\n# After\n"
    assert upsert_section(body, "Discovery", "new") == f"before\n{heading}\n\nnew\n\n\n# After\n"


@pytest.mark.parametrize("after", ["# After\n", "## After\n", "After\n===\n", "After\nmore\n---\n"])
def test_section_ends_at_any_heading_of_level_one_or_two(after: str) -> None:
    body = f"## Discovery\n\nold\n### inner\n\n{after}"
    assert read_section(body, "Discovery") == "old\n### inner"
    assert upsert_section(body, "Discovery", "new") == f"## Discovery\n\nnew\n\n{after}"


def test_of_duplicate_headings_only_the_first_is_ours() -> None:
    body = "## Discovery\n\none\n\n## Discovery\n\ntwo\n"
    assert upsert_section(body, "Discovery", "new") == "## Discovery\n\nnew\n\n## Discovery\n\ntwo\n"
    assert remove_section(body, "Discovery") == "## Discovery\n\ntwo\n"


@pytest.mark.parametrize(
    ("body", "closer"),
    [
        ("```py\ncode\n", "```"),
        ("`````\n```\n", "`````"),
        ("~~~\n```", "~~~"),
        ("<!-- open\n\ntext", "-->"),
        ("<script>\nx", "</script>"),
        ("<?php\n", "?>"),
        ("<![CDATA[\n", "]]>"),
    ],
)
def test_section_below_an_open_block_closes_it_and_takes_that_back_when_removed(body: str, closer: str) -> None:
    written = upsert_section(body, "Discovery", "new")
    assert f"\n{closer}\n{CLOSES}\n\n## Discovery" in written
    assert read_section(written, "Discovery") == "new"
    assert remove_section(written, "Discovery") == body


def test_preamble_stays_for_the_section_that_follows_a_removed_one() -> None:
    both = splice("```\ncode", [("Discovery", "d"), ("AI Assessment", "a")])
    rest = remove_section(both, "Discovery")
    assert read_section(rest, "AI Assessment") == "a"
    assert remove_section(rest, "AI Assessment") == "```\ncode"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("# One\n## Two\n### Three", "### One\n### Two\n### Three"),
        ("Title\n===\ntext", "### Title\n\ntext"),
        ("two\nlines\n---", "### two lines"),
        ("```\n## kept\n```", "```\n## kept\n```"),
        ("```\n## open", "```\n## open\n```"),
        ("<!-- open", "<!-- open\n-->"),
        ("\n \ntext  \r\n\r\n", "text  "),
        ("> ## quoted", "> ## quoted"),
    ],
)
def test_content_is_kept_inside_its_section(content: str, expected: str) -> None:
    assert contained(content) == expected


def test_content_before_an_underlined_heading_does_not_join_it() -> None:
    body = "## Discovery\nPeople's heading\n---\ntext\n"
    written = upsert_section(body, "Discovery", "new")
    assert written == "## Discovery\n\nnew\n\nPeople's heading\n---\ntext\n"


@pytest.mark.parametrize("after", ["  # People's", "   People's\n---"])
def test_list_in_content_does_not_take_an_indented_heading_in(after: str) -> None:
    body = f"## Discovery\n\nold\n\n{after}\n"
    written = upsert_section(body, "Discovery", "- item")
    assert written == f"## Discovery\n\n- item\n\n{ENDS}\n\n{after}\n"
    assert read_section(written, "Discovery") == "- item"
    assert upsert_section(written, "Discovery", "") == f"## Discovery\n\n{after}\n"


def test_splice_appends_missing_sections_in_pipeline_order_and_removes_none() -> None:
    body = "text\n\n## Discovery\n\nd\n"
    written = splice(body, [("Copilot Assignment", "c"), ("AI Assessment", "a"), ("Discovery", None)])
    assert [heading.text for heading in headings(written)] == ["AI Assessment", "Copilot Assignment"]
    assert written.startswith("text\n\n## AI")


def test_splice_near_the_limit_shortens_ours_visibly_and_never_theirs() -> None:
    body = "p" * (MAX_BODY - 500) + "\n"
    written = splice(body, [("Discovery", "short"), ("AI Assessment", "```\n" + "word\n" * 1000)])
    assert len(written) <= MAX_BODY
    assert written.startswith(body)
    assert read_section(written, "Discovery") == "short"
    assert (read_section(written, "AI Assessment") or "").endswith("word\n```\n\n" + SHORTENED)


def test_splice_without_any_room_names_the_section_and_both_lengths() -> None:
    with pytest.raises(BodyTooLong, match=r"no room for ## Discovery: it has 65,530 characters .* 65,536"):
        splice("p" * (MAX_BODY - 6), [("Discovery", "new " * 100)])


def test_fit_returns_content_that_fits_and_leaves_short_content_alone() -> None:
    assert fit("text", "Discovery", "short") == "short"
    shortened = fit("p" * 300, "Discovery", "line\n" * 500, limit=600)
    assert shortened.endswith(SHORTENED)
    assert len(upsert_section("p" * 300, "Discovery", shortened)) <= 600


def test_crlf_body_reads_back_in_plain_newlines_and_stays_crlf_throughout() -> None:
    written = upsert_section("a\r\nb\r\n", "Discovery", "one\ntwo")
    assert "\n" not in written.replace("\r\n", "")
    assert read_section(written, "Discovery") == "one\ntwo"
