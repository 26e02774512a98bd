"""Whatever comes in: cleaning is final, bounded, and leaves nothing that acts."""

import html
import re

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from pipeline.domain.cleaning import clean, one_line, quotation, unquoted
from pipeline.domain.sections import contained

_WRITTEN = (
    "@bob|@|#12|fixes |GH-1|o/r|`|``|```|\\|<|>|<!--|-->|<b>|</b>|<img src=x>|<script>|</script>|&lt;|&gt;|&amp;"
    "|&#64;|&#x60;|[|]|(|)|](|![|]:|https://example.com/|http://a.example|https://github.com/o/r/issues/1|javascript:x|data:,x"
    "|www.a.example|\u200b|\u200d|\u202e|\U000e0041|\u2062|\ufe0f|\x1b[0m|\x00|\n|\r\n|\u2028| |_|*|~|é|e\u0301|x|1|…"
    "|<!-- cp:|:00000000000000000000000000000000 -->|ftp:|//|'t'|/|.|-|="
)
PIECES = st.sampled_from([*_WRITTEN.split("|"), "|"])
TEXTS = st.one_of(
    st.lists(PIECES, max_size=25).map("".join),
    st.lists(st.one_of(PIECES, st.text(max_size=4)), max_size=12).map("".join),
)
LIVE = re.compile(
    r"(?<![A-Za-z0-9])@[A-Za-z0-9]|#[0-9]|(?<![\w-])GH-[0-9]|(?<![A-Za-z0-9/])www\.\S|https://github\.com/\w"
)
_markdown = MarkdownIt("commonmark")


@given(TEXTS, st.integers(min_value=1, max_value=80))
def test_cleaning_a_second_time_changes_nothing(text: str, limit: int) -> None:
    once = clean(text, limit=limit).text
    assert clean(once, limit=limit).text == once
    assert len(once) <= limit


@given(TEXTS)
def test_rendered_text_has_no_live_mention_reference_link_image_or_html(text: str) -> None:
    tokens = [
        child for token in _markdown.parse(quotation(clean(text).text)) for child in [token, *(token.children or [])]
    ]
    kinds = {token.type for token in tokens}
    assert not kinds & {"link_open", "image", "html_inline", "html_block"}
    live = " ".join(re.sub(r"https://(?!github)\S*", "", token.content) for token in tokens if token.type == "text")
    assert not LIVE.search(live), live


@given(TEXTS)
def test_cleaned_text_has_no_entity_left_to_decode(text: str) -> None:
    cleaned = clean(text).text
    assert not [found for found in re.findall(r"&[#A-Za-z0-9]+;", cleaned) if html.unescape(found) != found]


@given(TEXTS, st.integers(min_value=1, max_value=60))
def test_one_line_is_one_bounded_line_and_final(text: str, limit: int) -> None:
    line = one_line(text, limit)
    assert len(line) <= limit
    assert line == " ".join(line.split())
    assert one_line(line, limit) == line


@given(TEXTS)
def test_quotation_cannot_be_left_and_reads_back(text: str) -> None:
    quoted = quotation(text)
    assert contained(quoted) == quoted
    assert [token.type for token in _markdown.parse(quoted) if token.level == 0] == [
        "blockquote_open",
        "blockquote_close",
    ]
    cleaned = clean(text).text
    assert unquoted(quotation(cleaned)) == cleaned.strip()
