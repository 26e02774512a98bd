import pytest

from pipeline.domain.classification import IssueText
from pipeline.domain.cleaning import clean
from pipeline.domain.guidance import render_assignment, render_guidance
from pipeline.domain.placeholders import used
from pipeline.domain.rules_classifier import RulesClassifier
from pipeline.domain.scaffold import scaffold_files
from pipeline.domain.sections import contained
from pipeline.domain.workflows import WorkflowSpec
from pipeline.workflows import shipped, shipped_specialists
from tests.pipeline.domain.samples import workplan

SPECIALISTS = {spec.slug: spec for spec in shipped_specialists()}
WORKFLOWS = {spec.slug: spec for spec in shipped()}


def test_six_workflows_and_three_specialists_are_shipped() -> None:
    assert sorted(WORKFLOWS) == [
        "documentation-review", "intelligence-analysis", "osint-research", "security-assessment", "target-profile",
        "technical-review",
    ]  # fmt: skip
    assert sorted(SPECIALISTS) == ["intelligence-analyst", "osint-researcher", "target-profiler"]
    assert {spec.specialist for spec in shipped()} == set(SPECIALISTS)


@pytest.mark.parametrize("spec", shipped(), ids=lambda spec: str(spec.slug))
def test_shipped_workflow_makes_complete_guidance_and_scaffold(spec: WorkflowSpec) -> None:
    plan = workplan(spec, SPECIALISTS[spec.specialist])
    texts = [render_guidance(plan), render_assignment(plan)]
    assert [contained(text) for text in texts] == texts
    assert not [name for text in [*texts, *(file.content for file in scaffold_files(plan))] for name in used(text)]
    assert sum(map(len, texts)) < 16_000


@pytest.mark.parametrize("spec", shipped(), ids=lambda spec: str(spec.slug))
def test_required_sections_stand_in_the_templates(spec: WorkflowSpec) -> None:
    written = "\n".join(item.template for item in spec.deliverables)
    assert [name for name in spec.required_sections if f"\n## {name}\n" not in written] == []


@pytest.mark.parametrize("spec", shipped(), ids=lambda spec: str(spec.slug))
def test_our_own_guidance_is_not_taken_for_an_injection(spec: WorkflowSpec) -> None:
    plan = workplan(spec, SPECIALISTS[spec.specialist])
    assert clean(render_guidance(plan), limit=20_000).findings == ()


def test_no_label_triggers_two_workflows() -> None:
    labels = [label for spec in shipped() for label in spec.trigger_labels]
    assert len(labels) == len(set(labels))


@pytest.mark.parametrize(
    ("slug", "title", "body"),
    [
        ("intelligence-analysis", "Threat actor behind harbour campaign named",
         "A threat intelligence report attributes the espionage campaign to a state-sponsored adversary."),
        ("osint-research", "Satellite image of the pier contradicts the statement",
         "Footage and a social media post need geolocation and source verification from public records."),
        ("target-profile", "Acquisition changes the ownership structure of the port operator",
         "The annual report names a new subsidiary, its shareholder and the board of directors."),
        ("technical-review", "Architecture review of the ingest service",
         "The system design has a performance bottleneck; latency and throughput need a benchmark."),
        ("security-assessment", "Security advisory: remote code execution in the parser",
         "The vulnerability CVE-2026-1234 has an exploit; CVSS 9.8; a patch is available."),
        ("documentation-review", "README has outdated instructions",
         "The user guide and tutorial have a broken link; in the documentation the installation instructions fail."),
    ],
)  # fmt: skip
def test_typical_issue_is_recognised_with_enough_confidence_to_assign(slug: str, title: str, body: str) -> None:
    best = RulesClassifier().assess(IssueText(1, title, body, ()), shipped()).candidates[0]
    assert best.workflow == slug
    assert best.confidence >= WORKFLOWS[slug].assign_at, best
