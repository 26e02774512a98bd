"""A corpus of 2,000 issues with 400 planted faults: all are found, exactly those, and nothing else."""

from __future__ import annotations

from pipeline.domain import checks
from pipeline.domain.checks.values import Seen, Whole
from tests.pipeline.domain.checks.corpus import FAULTS, ISSUES, KINDS, NOW, corpus


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
    assert {check for kind in KINDS for check in kind.expected} == {check.id for check in checks.ISSUE_CHECKS}


def test_planted_doubles_among_as_many_issues_are_all_found() -> None:
    """Every fiftieth issue repeats the marker of the one before, every other fiftieth its address."""
    seen = [
        Seen(
            number,
            number,
            is_open=True,
            ours=True,
            keys=(f"key-{number - (number % 50 == 0)}",),
            url=f"news.example/{number - (number % 50 == 25)}",
        )
        for number in range(1, ISSUES + 1)
    ]
    found = checks.look_at_whole(Whole(now=NOW, seen=seen))[0]
    planted = {"duplicate.issue": range(50, ISSUES + 1, 50), "duplicate.discovery": range(25, ISSUES + 1, 50)}
    assert {check: [fault.issue_id for fault in faults] for check, faults in found.items()} == {
        check: list(numbers) for check, numbers in planted.items()
    }
