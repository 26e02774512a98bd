"""What the agent says: only the agent, only since the hand-over, cleaned, once, with a theme that words explain."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.domain.facts import TimelineEvent
from pipeline.domain.feedback import LONGEST, MOST, OTHER, THEMES, Source, remarks, themes_of, titles
from pipeline.domain.handover import FAILED
from tests.values import MOMENT, PERSON, after, event


def said(text: str, minutes: float = 5, name: str = "commented", **values: object) -> TimelineEvent:
    return event(name, minutes, body=text, **values)


@pytest.mark.parametrize(
    ("text", "themes"),
    [
        ("The acceptance criteria are ambiguous; I assumed the last month.", ("unclear",)),
        ("The goal was not clear to me.", ("unclear",)),
        ("The source document was not attached.", ("input",)),
        ("The link in the issue is dead.", ("input",)),
        ("I could not reach the feed: access was denied by the firewall.", ("access",)),
        ("GitHub answered 403 to the request.", ("access",)),
        ("Two unit tests still fail after the change.", ("tests",)),
        ("The branch has a merge conflict in README.md.", ("conflict",)),
        ("This is too large for one pull request.", ("scope",)),
        ("The required actions contradict the criteria.", ("contradiction",)),
        ("The guidance was clear and I kept to it.", ("praise",)),
        ("Thanks for the helpful instructions!", ("praise",)),
        ("The guidance was not very clear.", ("unclear",)),
        ("The premium request allowance is used up.", ("quota",)),
        ("The dependencies could not be installed.", ("environment",)),
        ("Two tests fail because access was denied.", ("access", "tests")),
        ("Here you are.", (OTHER,)),
        ("The testament of the year 1340 was found.", (OTHER,)),
        ("Access to the harbour is described in part two.", (OTHER,)),
    ],
)
def test_theme_follows_from_the_words(text: str, themes: tuple[str, ...]) -> None:
    found = themes_of(text)
    assert set(themes) <= set(found)
    assert ("praise" in found) == ("praise" in themes)
    assert (OTHER in found) == (themes == (OTHER,))


def test_themes_have_titles_and_unknown_ones_show_by_name() -> None:
    assert titles(["praise", "weather"]) == ["Guidance praised", "weather"]
    assert titles([OTHER]) == [THEMES[OTHER]]


def test_comments_reviews_and_failures_are_remarks() -> None:
    found = remarks(
        [
            said("A comment.", 1, raw={"node_id": "IC_1", "html_url": "https://github.example/a#1"}),
            said("A review.", 2, "reviewed", raw={"id": 7}),
            event(FAILED, 3, message="The build failed.", actor=PERSON),
        ],
        MOMENT,
    )
    assert [(one.source, one.external_id) for one in found[:2]] == [
        (Source.COMMENT, "commented:IC_1"),
        (Source.REVIEW, "reviewed:7"),
    ]
    assert (found[2].source, found[2].themes) == (Source.FAILURE, ("tests",))
    assert found[0].html_url == "https://github.example/a#1"


@pytest.mark.parametrize(
    "left_out",
    [
        said("A person speaks.", actor=PERSON),
        said("Nobody speaks.", actor=None),
        said("Before it was handed over.", -2),
        event("commented", None, body="Without a time."),
        said("   "),
        said("<!-- hidden -->"),
        event("labeled", 1, body="No remark."),
    ],
)
def test_what_is_no_remark_of_this_hand_over_is_left_out(left_out: TimelineEvent) -> None:
    assert remarks([left_out], MOMENT) == ()


def test_text_is_cleaned_and_addresses_are_web_addresses() -> None:
    hostile = said("<script>x()</script>Ping @olga, see #7.", raw={"html_url": "javascript:alert(1)"})
    found = remarks([hostile], MOMENT)[0]
    assert "<script>" not in found.text
    assert "`@olga`" in found.text
    assert found.html_url == ""


def test_long_remark_is_cut() -> None:
    assert len(remarks([said("word " * 5000)], MOMENT)[0].text) <= LONGEST


def test_newest_are_kept_when_there_are_many() -> None:
    found = remarks([said(f"Number {number}.", number) for number in range(MOST + 5)], MOMENT)
    assert len(found) == MOST
    assert found[-1].said_at == after(MOST + 4)


def test_same_remark_read_twice_is_one() -> None:
    assert len(remarks([said("Once.", raw={"id": 1}), said("Once.", raw={"id": 1})], MOMENT)) == 1
    assert len(remarks([said("Once."), said("Once.")], MOMENT)) == 1
    assert len(remarks([said("Once."), said("Twice.")], MOMENT)) == 2


@settings(max_examples=60)
@given(st.text(max_size=300))
def test_any_text_has_a_known_theme(text: str) -> None:
    found = themes_of(text)
    assert found
    assert set(found) <= set(THEMES)
