"""The effective limit: the smallest term, named."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from rollout.domain import limits
from rollout.domain.limits import Quota, Term

TERMS = st.lists(
    st.builds(
        Term,
        name=st.sampled_from(["plan", "override", "quota", "work in progress", "downstream", "backlog"]),
        value=st.none() | st.integers(0, 2000),
        text=st.just(""),
    ),
    max_size=6,
    unique_by=lambda term: term.name,
)


@given(TERMS)
def test_the_value_is_that_of_the_binding_term_and_no_term_is_smaller(terms: list[Term]) -> None:
    found = limits.effective(terms)
    known = [term.value for term in terms if term.value is not None]
    if not known:
        assert (found.value, found.binding) == (None, "")
        return
    bound = found.term(found.binding)
    assert bound is not None
    assert bound.value == min(known)
    assert found.value == min(*known, limits.MOST)


@given(TERMS, st.integers(0, 2000))
def test_another_term_never_raises_the_limit(terms: list[Term], value: int) -> None:
    before = limits.effective(terms).value
    after = limits.effective([*terms, Term("more", value, "")]).value
    assert after is not None
    assert before is None or after <= before


@given(TERMS)
def test_the_ceiling_is_never_above_the_plan_and_ignores_the_backlog(terms: list[Term]) -> None:
    found = limits.effective(terms)
    planned = found.term("plan")
    if planned is None or planned.value is None:
        assert found.ceiling is None
    else:
        assert found.ceiling is not None
        assert found.ceiling <= planned.value
        assert found.ceiling_binding != "backlog"


def test_of_equal_terms_the_first_binds() -> None:
    assert limits.effective([Term("plan", 5, ""), Term("quota", 5, "")]).binding == "plan"


def test_quota_leaves_the_reserve_to_people_and_takes_the_smaller_pool() -> None:
    term = limits.quota([Quota("REST", 5000, 1500), Quota("GraphQL", 5000, 4000)], reserve_share=0.2, calls_per_item=10)
    assert term.value == 50
    assert "500 REST requests left after 20% for people" in term.text


def test_quota_below_the_reserve_allows_nothing() -> None:
    assert limits.quota([Quota("REST", 5000, 900)], reserve_share=0.2, calls_per_item=10).value == 0


def test_quota_that_nobody_told_does_not_bind_and_a_block_stops_everything() -> None:
    unknown = limits.quota([Quota("REST", None, None)], reserve_share=0.2, calls_per_item=10)
    assert unknown.value is None
    assert limits.quota([], reserve_share=0.2, calls_per_item=10, blocked="Wait.").value == 0


def test_hand_overs_over_the_cap_leave_no_room() -> None:
    assert limits.work_in_progress(60, 61).value == 0
    assert limits.work_in_progress(60, 58).value == 2
    assert limits.work_in_progress(None, 58).value is None


def test_no_more_may_wait_than_the_next_stage_takes_on_in_a_week() -> None:
    assert limits.downstream(30, 200, days=7, stage="process").value == 10
    assert limits.downstream(30, 900, days=7, stage="process").value == 0
    assert limits.downstream(None, 900, days=7).value is None


def test_an_override_names_its_owner_and_end() -> None:
    term = limits.override(3, "olga", datetime(2026, 11, 9, 12, tzinfo=UTC))
    assert term == Term("override", 3, "olga set 3 until 2026-11-09 12:00 UTC.")
    assert limits.override(None).value is None
    assert limits.backlog(None).value is None
    assert limits.backlog(4) == Term("backlog", 4, "4 issues wait for it.")
