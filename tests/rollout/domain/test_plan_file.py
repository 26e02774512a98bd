"""Reading a plan with the place of every problem, and writing it back."""

from __future__ import annotations

import pytest
from hypothesis import given

from rollout.domain.plan import Plan
from rollout.domain.plan_file import PlanFileError, dump_plan, load_plan
from rollout.services.plans import shipped_text
from tests.rollout.domain.plan_samples import consistent, plans, shipped

TEXT = dump_plan(consistent())


def problems_of(text: str, **options: object) -> list[tuple[int, str]]:
    with pytest.raises(PlanFileError) as caught:
        load_plan(text, name="plan.yaml", **options)  # type: ignore[arg-type]
    return [(problem.line, problem.sentence) for problem in caught.value.problems]


def swapped(old: str, new: str, text: str = TEXT) -> tuple[str, int]:
    """The text with the first `old` replaced, and the line on which that stands."""
    assert old in text
    return text.replace(old, new, 1), text[: text.index(old)].count("\n") + 1


@given(plans())
def test_any_plan_written_and_read_is_the_same(plan: Plan) -> None:
    assert load_plan(dump_plan(plan)) == plan


@given(plans())
def test_writing_twice_gives_the_same_text(plan: Plan) -> None:
    text = dump_plan(plan)

    assert dump_plan(load_plan(text)) == text


def test_the_shipped_plan_survives_a_round_trip() -> None:
    assert load_plan(dump_plan(shipped())) == shipped()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("owner: Lead", "ovner: Lead", "did you mean 'owner'?"),
        ("metric: run_duration", "metric: run_duratoin", "There is no metric 'run_duratoin'; did you mean 'run_dur"),
        ("operation: monitor", "operation: monitr", "There is no operation 'monitr'; did you mean 'monitor'?"),
        ("cron: 0 * * * *", "cron: 0 * * *", "has 4 fields; write five"),
        ("cron: 0 * * * *", "cron: 0 * 1 * 1", "sets both day of month and day of week"),
        ("source: automatic", "source: magic", "source cannot be 'magic'; choose one of automatic, manual, both."),
        ("mode: live", "mode: lively", "There is no mode 'lively'; did you mean 'live'?"),
        ("weight: 0.5", "weight: 0.4", "The weights of the rubric sum to 90%, not 100 % (40% + 50%)."),
        ("weight: 0.5", "weight: 1.5", "weight must be from 0 to 1, not 1.5."),
        ("limit: 10", "limit: many", "limit must be a number from 0 to 1000, and is text ('many')."),
        ("threshold: 0.2", "threshold: 20", "A share is from 0 to 1, and this is 20; write 0.8 for 80 %."),
        ("first_day: 8", "first_day: 6", "begins on day 6, but 'week-1' lasts until day 7"),
        ("first_day: 8", "first_day: 0", "There is no day 0"),
        ("last_day: 14", "last_day: 7", "ends before it begins (day 8 to day 7)"),
        ("slug: quota\n", "slug: failing\n", "The slug 'failing' stands twice among the criteria and triggers"),
        ("opens: week-2", "opens: week-9", "opens 'week-9'; after its phase comes 'week-2'."),
        ("at: 07:40", "at: '25:40'", "'25:40' is not a time of day; write for example '06:30' (UTC)."),
        ("action: roll_back", "action: explode", "action cannot be 'explode'"),
        (
            "unit: seconds",
            "unit: share",
            "The metric 'run_duration' has the unit seconds, not share; correct the unit.",
        ),
    ],
)
def test_a_wrong_plan_is_refused_in_one_sentence(old: str, new: str, said: str) -> None:
    text, _ = swapped(old, new, TEXT.replace("'07:40'", "07:40"))

    assert any(said in sentence for _, sentence in problems_of(text))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("owner: Lead", "ovner: Lead"),
        ("metric: run_duration", "metric: run_duratoin"),
        ("first_day: 8", "first_day: 6"),
        ("opens: week-2", "opens: week-9"),
        ("cron: 0 * * * *", "cron: 0 * * *"),
    ],
)
def test_a_problem_names_the_line_on_which_it_stands(old: str, new: str) -> None:
    text, line = swapped(old, new)

    assert line in [found for found, _ in problems_of(text)]


def test_every_problem_is_reported_not_only_the_first() -> None:
    text = TEXT.replace("mode: live", "mode: lively", 1).replace("\n      day: 7\n", "\n      day: 70\n")
    text = text.replace("owner: Lead", "owner: Lead\nbogus: 1")

    sentences = " ".join(sentence for _, sentence in problems_of(text))

    for said in ("'bogus' is not a field of a plan", "no mode 'lively'", "is on day 70, outside of its phase"):
        assert said in sentences


def test_a_field_that_could_not_be_read_is_reported_once() -> None:
    text, line = swapped("threshold: 0.2", "threshold: high")

    assert [found for found, _ in problems_of(text)] == [line]


def test_a_missing_gate_is_named_at_its_phase() -> None:
    text = shipped_text().replace("    gate:\n      slug: day-14", "    gates:\n      slug: day-14")

    assert any("'gates' is not a field of a phase; did you mean 'gate'?" in said for _, said in problems_of(text))


def test_a_file_of_another_kind_is_refused_with_one_problem() -> None:
    assert problems_of("name: a workflow\ntriggers: {}\n") == [
        (1, "'phases' is missing; a plan holds its phases with their steps and gates.")
    ]


@pytest.mark.parametrize(
    "text", ["", "[]", "a: *b", "a: &b 1\nphases: *b", "phases: !!python/object:os.system x", "\t-"]
)
def test_text_that_is_no_plan_at_all_is_refused(text: str) -> None:
    assert len(problems_of(text)) == 1


def test_a_ramp_whose_days_leave_a_gap_is_refused() -> None:
    text, line = swapped("first_day: 4\n", "first_day: 5\n")

    found = problems_of(text)

    assert (line, "This ramp step begins on day 5; the one before ends on day 3, so it must begin on day 4.") in found


def test_a_ramp_that_outlasts_its_phase_is_refused() -> None:
    text = TEXT.replace("last_day: 7\n                limit: 12", "last_day: 9\n                limit: 12")

    assert any("lasts until day 9, but the phase has 7 days" in said for _, said in problems_of(text))


def test_a_trigger_of_a_step_carries_the_number_of_its_step() -> None:
    plan = load_plan(TEXT)

    assert {trigger.step for trigger in plan.phases[0].steps[0].triggers} == {"1.1"}
    assert {trigger.step for trigger in plan.triggers} == {""}


def test_a_trigger_that_names_another_step_than_its_own_is_refused() -> None:
    text = TEXT.replace("slug: failing\n", "slug: failing\n            step: '9.9'\n", 1)

    assert any("stands in step 1.1 and names step 9.9" in said for _, said in problems_of(text))


def test_operations_may_be_those_of_a_repository() -> None:
    text = TEXT.replace("operation: monitor", "operation: watch-harbours", 1)

    assert load_plan(text, operations=("watch-harbours", "assign", "process", "daily"))
    assert any("no operation 'watch-harbours'" in said for _, said in problems_of(text))


def test_words_that_went_out_of_use_still_read_when_they_are_not_checked() -> None:
    text = TEXT.replace("metric: run_duration", "metric: long_gone")

    assert load_plan(text, metrics=None, operations=None).slug == "consistent"


def test_a_byte_order_mark_is_taken_off() -> None:
    assert load_plan("\ufeff" + TEXT) == load_plan(TEXT.encode("utf-8-sig")) == consistent()
