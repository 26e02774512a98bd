"""The promises of sections.py over hostile bodies: nothing outside is touched, nothing of ours gets out."""

from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.sections import (
    CLOSES,
    ENDS,
    FOLLOWS,
    contained,
    headings,
    read_section,
    remove_section,
    splice,
    upsert_section,
)

OURS = ("Discovery", "AI Assessment")
LINES = st.sampled_from(
    [
        "",
        "  ",
        "\t",
        "text",
        "emoji 👩‍💻",
        "## Discovery",
        "## AI Assessment ##",
        "  ## Discovery  ",
        "    ## Discovery",
        "# Top",
        "### Third",
        "##",
        "- item",
        "  - nested",
        "1. one",
        "> ## Discovery",
        ">",
        "```",
        "````md",
        "~~~",
        "  ```",
        "    ```",
        "\t```",
        "```  ",
        "===",
        "---",
        "--",
        "-",
        "<!--",
        "<!-- a -->",
        "-->",
        "<script>",
        "</script>",
        "<pre",
        "<?php",
        "?>",
        "<!DOCTYPE",
        "<![CDATA[",
        "<div>",
        "</div>",
        "<x-y>",
        "[ref]: /url",
        "[ref]:",
        "| a | b |",
        "| - | - |",
        "|-|",
        "    code",
        "\u00a0",
        "\x0c",
        "\u2028",
        "\x00",
        CLOSES,
        FOLLOWS,
        ENDS,
        "   # Indented",
        " Underlined",
        "text " + CLOSES,
        "\\",
    ]
)
NEWLINES = st.sampled_from(["\n", "\n", "\r\n", "\r"])


@st.composite
def texts(draw: st.DrawFn, most: int = 12) -> str:
    """Lines from the list above, or any text, with one kind of newline or several, with or without the last."""
    lines = draw(st.lists(st.one_of(LINES, LINES, st.text(max_size=12)), max_size=most))
    newline = draw(st.one_of(NEWLINES, st.none()))
    parts = [line + (newline or draw(NEWLINES)) for line in lines]
    text = "".join(parts)
    return text if draw(st.booleans()) else text.rstrip("\r\n")


@given(texts(), texts())
def test_upsert_of_any_content_reads_back_what_was_written(body: str, content: str) -> None:
    written = upsert_section(body, "Discovery", content)
    assert read_section(written, "Discovery") == contained(content)


@given(texts(), texts())
def test_upsert_done_twice_changes_nothing_more(body: str, content: str) -> None:
    once = upsert_section(body, "Discovery", content)
    assert upsert_section(once, "Discovery", content) == once


@given(texts(), texts(), texts())
def test_upsert_over_an_older_content_equals_upsert_of_the_newer(body: str, old: str, new: str) -> None:
    if read_section(body, "Discovery") is None:
        replaced = upsert_section(upsert_section(body, "Discovery", old), "Discovery", new)
        assert replaced == upsert_section(body, "Discovery", new)


@given(texts(), texts())
def test_removing_an_appended_section_restores_every_byte(body: str, content: str) -> None:
    if read_section(body, "Discovery") is None:
        assert remove_section(upsert_section(body, "Discovery", content), "Discovery") == body


@given(texts(), texts(), texts())
def test_removing_two_appended_sections_in_either_order_restores_every_byte(body: str, one: str, two: str) -> None:
    if all(read_section(body, name) is None for name in OURS):
        both = splice(body, [(OURS[0], one), (OURS[1], two)])
        assert remove_section(remove_section(both, OURS[1]), OURS[0]) == body
        assert read_section(remove_section(both, OURS[0]), OURS[1]) == contained(two)


@given(texts(), texts())
def test_upsert_leaves_all_text_outside_as_it_was(body: str, content: str) -> None:
    place = next((h for h in headings(body) if h.level == 2 and h.atx and h.text == "Discovery"), None)
    written = upsert_section(body, "Discovery", content)
    before = body[: place.end] if place else body
    later = [h for h in headings(body) if place and h.start > place.start and h.level <= 2]
    after = body[later[0].start :] if later else ""
    assert written.startswith(before)
    assert written.endswith(after)


@given(texts(), texts())
def test_upsert_adds_at_most_its_own_heading_of_level_two(body: str, content: str) -> None:
    def top(text: str) -> list[str]:
        return [h.text for h in headings(text) if h.level <= 2]

    written = upsert_section(body, "Discovery", content)
    added = [] if "Discovery" in {h.text for h in headings(body) if h.level == 2 and h.atx} else ["Discovery"]
    assert top(written) == top(body) + added


@given(texts())
def test_contained_content_holds_no_heading_of_level_one_or_two_and_is_stable(content: str) -> None:
    once = contained(content)
    assert not [h for h in headings(once) if h.level <= 2]
    assert contained(once) == once


@given(texts(), texts(), st.integers(min_value=300, max_value=500))
def test_splice_keeps_the_limit_and_all_that_people_wrote(body: str, content: str, limit: int) -> None:
    if read_section(body, "Discovery") is None and len(body) < 90:
        written = splice(body, [("Discovery", content * 5)], limit)
        assert len(written) <= limit
        assert written.startswith(body)
        assert splice(written, [("Discovery", content * 5)], limit) == written
