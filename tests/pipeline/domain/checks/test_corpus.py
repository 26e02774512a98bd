"""A corpus of 2,000 issues with 400 planted faults: all are found, exactly those, and nothing else."""

from __future__ import annotations

from collections import Counter

from pipeline.domain import checks
from tests.pipeline.domain.checks.corpus import FAULTS, ISSUES, KINDS, corpus


def test_every_planted_fault_is_found_and_there_is_no_false_alarm() -> None:
    cases = corpus()
    assert (len(cases), sum(bool(case.expected) for case in cases)) == (ISSUES, FAULTS)
    wrong = [
        (case.subject.issue.number, sorted(case.expected), sorted(found))
        for case in cases
        if (found := checks.look(case.subject)[0].keys()) != case.expected
    ]
    assert wrong == []


def test_faults_of_every_check_of_an_issue_are_among_them() -> None:
    planted = Counter(check for kind in KINDS for check in kind.expected)
    # A linked issue that is gone is tested beside its kind: a healthy section of ours links none.
    assert planted.keys() == {check.id for check in checks.ISSUE_CHECKS} - {"reference.issue"}
