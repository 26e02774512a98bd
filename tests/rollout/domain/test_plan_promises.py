"""Plans that can be read and would fail people later are refused with the line at fault."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from rollout.domain import plan_promises
from rollout.domain.measures import Unit
from rollout.domain.plan import Escalation, Message, Plan, Sla
from rollout.domain.plan_file import dump_plan, load_plan
from tests.rollout.domain.plan_samples import consistent, criterion, with_step
from tests.rollout.domain.test_plan_file import problems_of

LEVEL = consistent().slas[0]
SCORED = criterion("survey", "survey_score", ">", 40, unit=Unit.SCORE)
SLOW = criterion("slow", "run_duration", "<", -900, unit=Unit.SECONDS)
LAUNCH = Message("week-1-launch", "Launch", "Since {rehersal_date}.")


def signed_twice() -> Plan:
    first, second = consistent().phases
    return replace(consistent(), phases=(replace(first, gate=replace(first.gate, signers=("lead", "lead"))), second))


def levels(**values: object) -> Plan:
    return replace(consistent(), slas=(replace(LEVEL, **values),))  # type: ignore[arg-type]


def escalated(*escalations: Escalation) -> Plan:
    return replace(consistent(), escalations=escalations)


def sampled(**values: object) -> Plan:
    return replace(consistent(), sampling={**consistent().sampling, **values})


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        (signed_twice(), "'lead' stands 2 times among the signers of 'day-7' and signs once"),
        (levels(threshold=80.0), "A share is from 0 to 1, and this is 80; write 0.8 for 80 %."),
        (levels(comparator="=="), "A service level is a bound"),
        (levels(metric="backlog_growth"), "A service level is a share, and 'backlog_growth' has the unit count"),
        (levels(within=timedelta(hours=24)), "measures within 48 hours, not within 24"),
        (escalated(Escalation(3, "", "remind"), Escalation(5, "", "remind")), "'remind' stands on day 3 and on day 5"),
        (escalated(Escalation(3, "", "notify")), "notifies nobody; name a role"),
        (sampled(issues_per_week="ten"), "a whole number from 1 to 100, not 'ten'"),
        (sampled(issues_per_week=0), "a whole number from 1 to 100, not 0"),
        (sampled(step="9.9"), "There is no step '9.9'"),
        (sampled(metric="happiness"), "There is no metric 'happiness'"),
        (sampled(reviewers=["laed"]), "There is no role 'laed'; did you mean 'lead'?"),
        (replace(consistent(), stated={"stale_after_day": 7.0}), "did you mean 'stale_after_days'?"),
        (replace(consistent(), stated={"issues_per_day.asign.week-1": 9.0}), "did you mean 'assign'?"),
        (replace(consistent(), stated={"issues_per_day.assign.week-9": 9.0}), "There is no phase 'week-9'"),
        (replace(consistent(), messages=(LAUNCH,)), "There is no placeholder 'rehersal_date'; did you mean"),
        (with_step(consistent(), "1.1", criteria=(SCORED,)), "A score is from 1 to 5, and this is 40"),
        (with_step(consistent(), "1.1", criteria=(SLOW,)), "A time is not below 0, and this is -900 s"),
    ],
)
def test_what_would_fail_people_later_is_refused(plan: Plan, said: str) -> None:
    assert any(said in sentence for _, sentence in problems_of(dump_plan(plan)))


def test_the_line_is_that_of_the_entry() -> None:
    text = dump_plan(sampled(issues_per_week="ten"))
    line = next(number for number, read in enumerate(text.split("\n"), 1) if "issues_per_week" in read)

    assert [found for found, _ in problems_of(text)] == [line]


def test_a_plan_that_was_stored_before_a_rule_came_still_reads() -> None:
    assert load_plan(dump_plan(signed_twice()), metrics=None, operations=None).slug == "consistent"


@pytest.mark.parametrize("within", [None, timedelta(hours=48)])
def test_a_level_may_leave_its_hours_to_the_metric(within: timedelta | None) -> None:
    assert list(plan_promises.faults(levels(within=within))) == []


def test_messages_under_other_names_are_peoples_own() -> None:
    own = Message("thanks", "Thanks, {whoever}", "{whatever}")

    assert list(plan_promises.faults(replace(consistent(), messages=(own,)))) == []


def test_a_level_without_a_time_of_its_own_may_have_any() -> None:
    level = Sla("blocked", "Few blocked", "blocked_share", "<", 0.05, timedelta(days=3))

    assert list(plan_promises.faults(replace(consistent(), slas=(level,)))) == []
