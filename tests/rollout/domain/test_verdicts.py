"""Many verdicts fold into one by a written order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.verdicts import ORDER, Verdict, fold, grows

VERDICTS = st.sampled_from(Verdict)


def test_order_names_every_verdict_once() -> None:
    assert sorted(ORDER) == sorted(Verdict)


def test_nothing_folds_to_inconclusive() -> None:
    assert fold([]) is Verdict.INCONCLUSIVE


@given(st.lists(VERDICTS, min_size=1))
def test_fold_is_the_worst_of_them(verdicts: list[Verdict]) -> None:
    assert fold(verdicts) is min(verdicts, key=ORDER.index)


@given(st.lists(VERDICTS, min_size=1), st.randoms(use_true_random=False))
def test_fold_does_not_depend_on_order_or_repetition(verdicts: list[Verdict], random: object) -> None:
    shuffled = [*verdicts, *verdicts]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert fold(shuffled) is fold(verdicts)


@given(st.lists(VERDICTS, min_size=1), st.lists(VERDICTS, min_size=1))
def test_fold_of_folds_is_the_fold_of_all(one: list[Verdict], other: list[Verdict]) -> None:
    assert fold([fold(one), fold(other)]) is fold([*one, *other])


@given(st.lists(VERDICTS, min_size=1))
def test_only_a_clean_sweep_grows(verdicts: list[Verdict]) -> None:
    assert grows(fold(verdicts)) == all(verdict is Verdict.PASS for verdict in verdicts)


@pytest.mark.parametrize("verdict", [verdict for verdict in Verdict if verdict is not Verdict.PASS])
def test_nothing_but_pass_grows(verdict: Verdict) -> None:
    assert not grows(verdict)
