from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.assessment_section import HEADING, parse_assessment, render, render_clarification
from pipeline.domain.classification import Assessment, Candidate, Urgency, Usage
from pipeline.domain.cleaning import one_line
from pipeline.domain.labels import LabelGrammar
from pipeline.domain.sections import headings, read_section, upsert_section
from pipeline.domain.workflows import WorkflowSpec

WORKFLOWS = {
    slug: WorkflowSpec(slug, name, "", "1.0", (), (), "analyst", (), due=timedelta(hours=48))
    for slug, name in (("osint-research", "OSINT research"), ("target-profile", "Target profile"))
}
OSINT = WORKFLOWS["osint-research"]
CANDIDATES = (Candidate("osint-research", 0.86, "label `osint`"), Candidate("target-profile", 0.41, "word 'company'"))
HOSTILE = st.lists(
    st.sampled_from(["\n", "- **Urgency:** high", "  - x", "## Top", "`", "@bob", "<!--", "word", " ", "(none)"]),
    max_size=8,
).map("".join)


def assessment(**values: object) -> Assessment:
    defaults: dict[str, object] = {
        "summary": "A pier was extended.",
        "candidates": CANDIDATES,
        "key_topics": ("harbour", "construction"),
        "indicators": ("http://a.example/x", "198.51.100.7"),
        "urgency": Urgency.HIGH,
        "content_type": "news",
        "usage": Usage("rules"),
    }
    return Assessment(**{**defaults, **values})  # type: ignore[arg-type]


def test_section_names_workflow_confidence_rationale_and_all_that_was_found() -> None:
    written = render(assessment(), CANDIDATES[0], OSINT)
    assert written == (
        "- **Summary:** A pier was extended.\n"
        "- **Recommended workflow:** `osint-research` OSINT research, confidence 86 %\n"
        "- **Rationale:** label 'osint'\n"
        "- **Other candidates:**\n  - `target-profile`, confidence 41 %: word 'company'\n"
        "- **Key topics:**\n  - harbour\n  - construction\n"
        "- **Indicators:**\n  - `http://a.example/x`\n  - `198.51.100.7`\n"
        "- **Urgency:** high\n- **Content type:** news\n- **Classifier:** `rules`"
    )


def test_section_reads_back_what_guidance_needs() -> None:
    facts = parse_assessment(render(assessment(), CANDIDATES[0], OSINT))
    assert facts is not None
    assert (facts.workflow, facts.confidence, facts.rationale) == ("osint-research", 0.86, "label 'osint'")
    assert (facts.key_topics, facts.indicators) == (("harbour", "construction"), ("http://a.example/x", "198.51.100.7"))
    assert (facts.summary, facts.urgency, facts.content_type) == ("A pier was extended.", "high", "news")


def test_section_of_a_persons_choice_names_it_first_and_keeps_the_other_candidates() -> None:
    chosen = Candidate("target-profile", 1.0, "A person set the workflow label.")
    facts = parse_assessment(written := render(assessment(), chosen, WORKFLOWS["target-profile"]))
    assert facts is not None
    assert (facts.workflow, facts.confidence) == ("target-profile", 1.0)
    assert "- **Other candidates:**\n  - `osint-research`, confidence 86 %" in written
    assert "41 %" not in written


def test_section_without_a_candidate_recommends_nothing() -> None:
    facts = parse_assessment(render(assessment(candidates=(), key_topics=(), indicators=())))
    assert facts is not None
    assert (facts.workflow, facts.confidence, facts.rationale, facts.key_topics) == ("", None, "", ())


def test_section_says_what_the_model_cost_and_why_rules_were_used_instead() -> None:
    usage = Usage("openai", "small-model", calls=2, tokens_in=900, tokens_out=80)
    written = render(assessment(usage=usage, fell_back="The model answered 503."))
    assert "- **Classifier:** `openai small-model` (2 calls, 900 + 80 tokens)" in written
    assert "- **Fell back:** The model answered 503." in written


@given(HOSTILE, HOSTILE, HOSTILE)
def test_hostile_text_cannot_add_fields_or_headings(summary: str, topic: str, indicator: str) -> None:
    written = render(assessment(summary=summary, key_topics=(topic,), indicators=(indicator,)))
    facts = parse_assessment(read_section(upsert_section("", HEADING, written), HEADING) or "")
    assert facts is not None
    assert facts.urgency == "high"
    assert facts.summary == one_line(summary).replace("(none)", "", one_line(summary) == "(none)")
    assert not headings(written)


def test_content_of_somebody_else_is_not_taken_for_ours() -> None:
    assert parse_assessment("I think that this is urgent.") is None


def test_clarification_lists_candidates_and_the_labels_that_decide() -> None:
    comment = render_clarification(assessment(), "Two workflows fit equally well.", WORKFLOWS, LabelGrammar("cp/"))
    assert comment.startswith("**A person has to choose the workflow of this issue.** Two workflows fit equally well.")
    assert "- `cp/workflow::osint-research` OSINT research, 86 %: label 'osint'" in comment
    assert comment.endswith(
        "Set one of these labels and remove `cp/needs clarification`; the next run takes it up from there."
    )


def test_clarification_without_a_candidate_lists_the_workflows_there_are() -> None:
    comment = render_clarification(assessment(candidates=()), "Nothing matched.", WORKFLOWS, LabelGrammar())
    assert "- `workflow::osint-research` OSINT research\n- `workflow::target-profile` Target profile" in comment


def test_clarification_stays_short_with_many_candidates() -> None:
    many = tuple(Candidate(f"w-{number}", 0.5, "x" * 500) for number in range(40))
    comment = render_clarification(assessment(candidates=many), "Many fit.", WORKFLOWS, LabelGrammar())
    assert len(comment.split("\n")) <= 9
    assert len(comment) < 2_500
