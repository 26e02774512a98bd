from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.domain.classification import Assessment, IssueText
from pipeline.domain.rules_classifier import RulesClassifier, confidence
from pipeline.domain.workflows import WorkflowSpec


def spec(slug: str, keywords: str = "", labels: tuple[str, ...] = (), name: str = "") -> WorkflowSpec:
    return WorkflowSpec(
        slug=slug,
        name=name or slug.replace("-", " ").title(),
        description="",
        version="1.0",
        trigger_labels=labels,
        content_keywords=tuple(word.strip() for word in keywords.split(",") if word.strip()),
        specialist="analyst",
        deliverables=(),
        due=timedelta(hours=48),
    )


OSINT = spec("osint-research", "open source intelligence, social media, footprint, forum", ("osint", "Research"))
SECURITY = spec("security-assessment", "vulnerability, exploit, threat model, hardening", ("security",))
DOCS = spec("documentation-review", "documentation, readme, tutorial", ("documentation",))
ALL = (OSINT, SECURITY, DOCS)


def assess(
    title: str = "", body: str = "", labels: tuple[str, ...] = (), specs: Sequence[WorkflowSpec] = ALL
) -> Assessment:
    return RulesClassifier().assess(IssueText(1, title, body, labels), specs)


def best(
    title: str = "", body: str = "", labels: tuple[str, ...] = (), specs: Sequence[WorkflowSpec] = ALL
) -> tuple[str, float]:
    candidate = assess(title, body, labels, specs).candidates[0]
    return candidate.workflow, candidate.confidence


def test_a_trigger_label_alone_is_sure_whatever_its_case() -> None:
    workflow, sure = best("Hello", labels=("OSINT", "bug"))
    assert (workflow, sure >= 0.9) == ("osint-research", True)


def test_a_trigger_label_wins_over_words_for_another_workflow() -> None:
    title = "Vulnerability, exploit and hardening: a threat model"
    workflow, sure = best(title, title * 3, labels=("osint",))
    assert (workflow, sure >= 0.9) == ("osint-research", True)


def test_a_workflow_label_that_somebody_set_counts_like_a_trigger() -> None:
    assert best("Hello", labels=("team/workflow::documentation-review",))[0] == "documentation-review"


def test_strong_words_are_enough_to_assign() -> None:
    workflow, sure = best("Exploit for a vulnerability", "The vulnerability has an exploit; hardening is under way.")
    assert (workflow, sure >= 0.8) == ("security-assessment", True)


@pytest.mark.parametrize(("title", "body"), [("Hello", "a forum"), ("The forum", ""), ("Forum", "")])
def test_one_weak_word_is_not_enough_to_ask(title: str, body: str) -> None:
    assert best(title, body)[1] < 0.6


def test_a_title_counts_more_than_a_body_and_a_phrase_more_than_a_word() -> None:
    body, title, phrase = best("x", "forum")[1], best("about the forum")[1], best("about social media")[1]
    assert body < title < phrase


def test_an_early_word_in_the_title_counts_a_little_more() -> None:
    assert best("a b c d e f g forum")[1] < best("a forum")[1]


def test_words_match_whole_and_in_plural_only() -> None:
    assert assess("Forums and footprints").candidates[0].confidence > 0.6
    assert assess("Forumla deforum readme2 exploitation").candidates == ()


def test_phrases_match_over_line_breaks_and_hyphens() -> None:
    assert best("x", "an Open-Source\nintelligence note")[0] == "osint-research"


def test_repetition_stops_counting() -> None:
    assert best("x", "forum " * 3)[1] == best("x", "forum " * 3000)[1]


def test_a_keyword_of_several_workflows_is_divided() -> None:
    twins = (spec("one", "forum"), spec("two", "forum"))
    found = assess("forum", specs=twins).candidates
    assert found[0].confidence == found[1].confidence < best("forum", specs=twins[:1])[1]
    assert "shared by 2 workflows" in found[0].rationale


def test_equal_evidence_gives_equal_confidence_below_assigning() -> None:
    found = assess("Exploit, vulnerability, readme and tutorial").candidates
    assert [candidate.workflow for candidate in found] == ["documentation-review", "security-assessment"]
    assert found[0].confidence == found[1].confidence < 0.8


def test_two_trigger_labels_of_two_workflows_are_not_sure() -> None:
    found = assess("Hello", labels=("osint", "security")).candidates
    assert found[0].confidence == found[1].confidence < 0.8


def test_nothing_that_matches_gives_no_candidates() -> None:
    assert assess("Hello", "world").candidates == ()
    assert assess("Hello", "world", specs=()).candidates == ()


def test_the_rationale_names_what_was_matched_where() -> None:
    (found,) = assess("Forum watch", "forum forum, social media", labels=("research",)).candidates
    assert found.rationale == ("label `research`; title word 'forum'; body word 'forum' ×2; body phrase 'social media'")


def test_our_own_assessment_is_not_read_again() -> None:
    body = "Some text.\n\n## AI Assessment\n\nvulnerability exploit hardening\n\n## Specialist Guidance\n\nreadme\n"
    assert assess("Hello", body).candidates == ()


def test_of_the_discovery_only_the_quotation_is_read() -> None:
    body = "## Discovery\n\n- Source: Exploit and vulnerability weekly\n\n> A tutorial.\n> With a readme.\n"
    found = assess("Hello", body)
    assert [candidate.workflow for candidate in found.candidates] == ["documentation-review"]
    assert found.summary == "A tutorial. With a readme."


@pytest.mark.parametrize("hidden", ["<!-- exploit vulnerability -->", "https://site.example/exploit-vulnerability"])
def test_hidden_text_and_addresses_are_no_evidence(hidden: str) -> None:
    assert assess("Hello", f"world {hidden}").candidates == ()


@given(st.floats(0, 30), st.floats(0, 30), st.floats(0, 30))
def test_confidence_is_monotone_and_bounded(points: float, more: float, rival: float) -> None:
    assert 0 <= confidence(points, rival) <= confidence(points + more, rival) <= 1
    assert confidence(points, rival + more) <= confidence(points, rival)


phrases = st.lists(st.sampled_from("forum exploit readme hardening tutorial x y".split()), max_size=12).map(" ".join)  # noqa: SIM905


@given(phrases, phrases)
def test_the_order_of_workflows_does_not_matter(title: str, body: str) -> None:
    assert assess(title, body) == assess(title, body, specs=ALL[::-1])


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=200), st.text(max_size=400), st.lists(st.text(max_size=20), max_size=3))
def test_any_text_is_assessed(title: str, body: str, labels: list[str]) -> None:
    found = assess(title, body, tuple(labels))
    assert all(0 <= candidate.confidence <= 1 for candidate in found.candidates)
    assert found == assess(title, body, tuple(labels))


# fmt: off
HOSTILE = ["a-" * 32_768, "<!--" * 16_384, "a.a" * 21_845, "1." * 32_768, "> " * 32_768, "open source " * 5_461,
           "x@" * 32_768, "::" * 32_768, "[.]" * 21_845, "http://" * 9_362, "é\u0301" * 32_768,
           "## Discovery\n" * 5_041]
# fmt: on


@pytest.mark.parametrize("body", HOSTILE, ids=[text[:8].strip() for text in HOSTILE])
def test_hostile_bodies_of_64k_are_assessed_in_bounded_time(body: str) -> None:
    keywords = ", ".join(f"open source word{number}" for number in range(200))
    began = time.process_time()
    assess("t" * 1_000_000, body, specs=(*ALL, spec("many", keywords)))
    assert time.process_time() - began < 3
