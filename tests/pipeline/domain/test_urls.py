from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.urls import (
    MAX_URL,
    Sighting,
    duplicate_reason,
    fingerprint,
    host_of,
    normalise_title,
    normalise_url,
    part_key,
    url_key,
    versioned,
)

words = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=8).filter(
    lambda word: not word.startswith("-") and not word.endswith("-")
)
hosts = st.builds(lambda name, end: f"{name}.{end}", words.filter(str.isalpha), st.sampled_from(["example", "org"]))
paths = st.lists(words, max_size=4).map(lambda parts: "/" + "/".join(parts))
queries = st.lists(st.tuples(words.map(lambda word: f"q{word}"), words), max_size=4)


@st.composite
def addresses(draw: st.DrawFn) -> str:
    query = "&".join(f"{name}={value}" for name, value in draw(queries))
    return f"https://{draw(hosts)}{draw(paths)}" + (f"?{query}" if query else "")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("HTTPS://Example.COM", "https://example.com/"),
        ("https://example.com:443/a/", "https://example.com/a"),
        ("http://example.com:80/a", "http://example.com/a"),
        ("http://example.com:8080//a///b/", "http://example.com:8080/a/b"),
        ("https://example.com/a/./b/../c", "https://example.com/a/c"),
        ("https://example.com/%7euser/%e2%82%ac", "https://example.com/~user/%E2%82%AC"),
        ("https://example.com/€ 5", "https://example.com/%E2%82%AC%205"),
        ("https://example.com/100%", "https://example.com/100%25"),
        ("https://example.com/a?utm_source=x&b=2&FBCLID=1&a=1&ref=home&mc_cid=3#top", "https://example.com/a?a=1&b=2"),
        ("https://example.com/a?q=x+y&empty=&&", "https://example.com/a?empty&q=x%20y"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("https://example.com./a", "https://example.com/a"),
        ("https://[2001:DB8:0::1]/x", "https://[2001:db8::1]/x"),
        ("  https://example.com/A  ", "https://example.com/A"),
    ],
)
def test_normalise_url_gives_one_spelling(url: str, expected: str) -> None:
    assert normalise_url(url) == expected


@pytest.mark.parametrize(
    "junk",
    ["", "  ", "example.com/a", "ftp://example.com/", "javascript:alert(1)", "http://", "https://:80/", "http://a b/",
     "https://user:secret@example.com/", "http://example.com:99999/", "http://example.com:x/", "http://[::1/",
     "http://[zz::]/", "https://exa\x00mple.com/", "https://a..b/", "https://" + "a" * MAX_URL, "https://\u2025\u2025/",
     "https://example.com/\ud800"],
)  # fmt: skip
def test_normalise_url_refuses_junk_in_one_sentence(junk: str) -> None:
    with pytest.raises(ValueError, match=r"\.$") as caught:
        normalise_url(junk)
    assert "secret" not in str(caught.value)


@given(addresses())
def test_normalising_an_address_twice_changes_nothing_more(url: str) -> None:
    assert normalise_url(normalise_url(url)) == normalise_url(url)


@given(hosts, st.text(max_size=40))
def test_normalising_any_text_settles_or_is_refused(host: str, rest: str) -> None:
    try:
        once = normalise_url(f"https://{host}/{rest}")
    except ValueError:
        return
    assert normalise_url(once) == once


@given(addresses(), st.randoms(use_true_random=False))
def test_tracking_case_fragment_and_order_do_not_matter(url: str, random: object) -> None:
    head, _, query = url.partition("?")
    fields = [field for field in query.split("&") if field] + ["utm_medium=rss", "gclid=9"]
    random.shuffle(fields)  # type: ignore[attr-defined]
    scheme, _, rest = head.partition("://")
    host, slash, path = rest.partition("/")
    disguised = f"{scheme.upper()}://{host.upper()}:443{slash}{path}?{'&'.join(fields)}#part"
    assert normalise_url(disguised) == normalise_url(url)
    assert fingerprint(disguised, "  A TITLE. ") == fingerprint(url, "a title")


@given(addresses(), addresses())
def test_addresses_with_the_same_key_differ_only_in_scheme_and_www(one: str, two: str) -> None:
    if url_key(one) == url_key(two):
        assert normalise_url(one) == normalise_url(two)


def test_scheme_and_www_do_not_make_another_page() -> None:
    assert fingerprint("http://www.example.com/a", "t") == fingerprint("https://example.com/a", "t")
    assert host_of("http://WWW.example.com:81/a") == "example.com:81"


@given(st.text(max_size=80))
def test_normalising_a_title_twice_changes_nothing_more(title: str) -> None:
    assert normalise_title(normalise_title(title)) == normalise_title(title)


@pytest.mark.parametrize(
    "title", ["“Zero‑day” in  the Wild!", '"zero-day" IN THE\twild', "Zero-Day\u200b in the wild…"]
)
def test_normalise_title_ignores_how_it_is_typeset(title: str) -> None:
    assert normalise_title(title).replace('"', "") == "zero-day in the wild"


def test_a_title_of_a_megabyte_is_cut() -> None:
    assert len(normalise_title("ﷺ" * 1_000_000)) <= 500


def test_versions_of_one_text_keep_their_own_address() -> None:
    old, new = versioned("https://example.com/status", "up"), versioned("https://example.com/status#x", "down")
    assert normalise_url(old) == old
    assert url_key(old) != url_key(new)


KNOWN = (
    Sighting("https://example.com/a?id=1", "First", "issue #7"),
    Sighting("https://example.com/b", "Second", "issue #8"),
)


def test_duplicate_reason_names_the_issue_with_the_same_address() -> None:
    reason = duplicate_reason(Sighting("http://WWW.example.com/b/?utm_source=x", "Renamed"), KNOWN)
    assert reason == (
        "The address is that of issue #8 (https://example.com/b) once tracking parameters and spelling are set aside."
    )


def test_duplicate_reason_names_the_same_title_on_the_same_host() -> None:
    reason = duplicate_reason(Sighting("https://example.com/other", "FIRST "), KNOWN)
    assert reason == "example.com already published the same title: issue #7 (https://example.com/a?id=1)."


WEEKLY = Sighting("https://example.com/2026/45", "The week", "issue #9", datetime(2026, 11, 1, tzinfo=UTC))


def test_next_part_of_a_series_is_no_duplicate() -> None:
    following = Sighting("https://example.com/2026/46", "The week", published_at=datetime(2026, 11, 8, tzinfo=UTC))
    assert duplicate_reason(following, [WEEKLY]) is None


@pytest.mark.parametrize("again", [
    Sighting("https://example.com/moved/45", "The week", published_at=WEEKLY.published_at),
    Sighting("https://example.com/moved/45", "The week"),
    Sighting("https://example.com/2026/45?from=feed", "The week", published_at=datetime(2026, 11, 8, tzinfo=UTC)),
])  # fmt: skip
def test_same_title_is_a_duplicate_unless_place_and_time_are_others(again: Sighting) -> None:
    assert duplicate_reason(again, [WEEKLY]) is not None


def test_anchor_is_a_part_of_what_entries_of_one_page_are_compared_by() -> None:
    assert part_key("http://www.example.com/notes/#may") == "example.com/notes#may"
    assert part_key("https://example.com/notes#") == "example.com/notes"
    assert part_key(versioned("https://example.com/status", "up")) == url_key(
        versioned("https://example.com/status", "up")
    )


NOTES = Sighting("https://example.com/notes#november", "November", "issue #9")


@pytest.mark.parametrize(
    ("url", "title", "same"),
    [
        ("https://example.com/notes#december", "December", False),
        ("https://example.com/notes#december", "November", True),
        ("https://example.com/notes#november", "November, corrected", True),
        ("https://example.com/notes", "All notes", True),
    ],
)
def test_anchors_of_one_page_are_several_things_only_under_several_titles(url: str, title: str, same: bool) -> None:
    assert (duplicate_reason(Sighting(url, title), [NOTES]) is not None) is same


def test_the_same_title_on_another_host_is_no_duplicate() -> None:
    assert duplicate_reason(Sighting("https://example.org/other", "First"), KNOWN) is None


def test_empty_titles_never_match() -> None:
    assert duplicate_reason(Sighting("https://example.com/c", ""), [Sighting("https://example.com/d", " ")]) is None


def test_an_address_in_other_case_is_found_by_its_title() -> None:
    assert duplicate_reason(Sighting("HTTPS://EXAMPLE.COM/B", "Second"), KNOWN) is not None
