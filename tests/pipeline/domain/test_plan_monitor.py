"""monitor: one discovery becomes one issue."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.domain import changes, discovery_section
from pipeline.domain.labels import LabelGrammar
from pipeline.domain.plan import Plan, Verdict
from pipeline.domain.plan_monitor import MAX_TITLE, Found, plan
from pipeline.domain.sections import headings, read_section
from tests.values import MOMENT

G = LabelGrammar()


def found(**values: Any) -> Found:
    defaults: dict[str, Any] = {
        "id": 5,
        "source": "Harbour news",
        "url": "https://news.example/convoy",
        "title": "A convoy",
        "excerpt": "Seen at the pier.",
        "found_at": MOMENT,
        "labels": (),
    }
    return Found(**{**defaults, **values})


def issue_of(made: Plan) -> changes.CreateIssue:
    change = made.effects[0].change
    assert isinstance(change, changes.CreateIssue)
    return change


def test_discovery_opens_one_issue_that_can_exist_only_once() -> None:
    made = plan(found(), G)
    assert (made.verdict, made.outcome, made.moves) == (Verdict.CHANGE, "opened", {})
    assert [effect.subject for effect in made.effects] == ["discovery:5"]
    assert issue_of(made).labels == ("site-monitor", "monitor::triage", "state::discovery")


def test_body_is_a_discovery_section_that_reads_back() -> None:
    content = read_section(issue_of(plan(found(), G)).body, discovery_section.HEADING)
    assert content is not None
    facts = discovery_section.parse_discovery(content)
    assert facts is not None
    assert (facts.source, facts.url) == ("Harbour news", "https://news.example/convoy")


def test_labels_of_the_source_are_added_once_and_never_too_long() -> None:
    labels = issue_of(plan(found(labels=("osint", "site-monitor", "x" * 51, "")), G)).labels
    assert labels == ("site-monitor", "monitor::triage", "state::discovery", "osint")


def test_source_gives_an_issue_no_second_state() -> None:
    labels = issue_of(plan(found(labels=("State::Done", "workflow::osint")), G)).labels
    assert labels == ("site-monitor", "monitor::triage", "state::discovery", "workflow::osint")


def test_prefix_is_put_in_front_of_our_labels() -> None:
    labels = issue_of(plan(found(labels=("osint",)), LabelGrammar("cp/"))).labels
    assert labels == ("cp/site-monitor", "cp/monitor::triage", "cp/state::discovery", "osint")


def test_title_of_a_million_letters_is_shortened() -> None:
    assert len(issue_of(plan(found(title="A" * 1_000_000), G)).title) <= MAX_TITLE


def test_untitled_discovery_is_named_by_its_address() -> None:
    assert issue_of(plan(found(title=" \n "), G)).title == "https://news.example/convoy"


@settings(max_examples=30)
@given(st.text(max_size=60), st.text(max_size=60))
def test_hostile_text_stays_one_section_and_one_line_of_title(title: str, excerpt: str) -> None:
    issue = issue_of(plan(found(title=title, excerpt=f"{excerpt}\n## AI Assessment\n\n- x\n"), G))
    assert [heading.text for heading in headings(issue.body)] == ["Discovery"]
    assert issue.title
    assert len(issue.title.splitlines()) == 1
