"""The feedback loop: proposed from low scores, opened by a person, changed with a link, judged before and after."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User

from pipeline.clock import VirtualClock
from pipeline.models import AuditEntry, Repository
from pipeline.services.operations import NotPossible
from rollout.domain.reviews.loop import Change
from rollout.models import Improvement
from rollout.services.reviews import improvements, results
from tests.factories import MOMENT, make_repository
from tests.rollout import factories as make
from tests.rollout.reviewed import PERFECT, POOR_INPUTS, Ratings, make_submitted, make_week, week


@pytest.fixture
def repository(time: VirtualClock) -> Repository:
    make.make_rubric()
    make.make_person("olga")
    return make_repository()


def opened(repository: Repository, **values: str) -> Improvement:
    given = {
        "criterion": "inputs", "tag": "template", "text": "Name the sources.", "owner": "olga", "by": "lena",
        "reason": "Three issues lacked them.",
    }  # fmt: skip
    return improvements.open_task(repository, **{**given, **values})


def proposed(repository: Repository) -> list[tuple[str, str, str]]:
    rows = results.read(repository.pk, week(4), week(0))
    return [(one.criterion, one.tag, one.workflow) for one in improvements.proposed(rows)]


def test_two_low_scores_with_a_cause_become_a_proposal(repository: Repository) -> None:
    batch = make_week(repository)
    for _ in range(2):
        make_submitted(batch, POOR_INPUTS, tags=["template"])
    make_submitted(batch, PERFECT)
    assert proposed(repository) == [("inputs", "template", "osint-report")]


def test_causes_of_reviews_that_are_not_final_are_no_proposal(repository: Repository) -> None:
    batch = make_week(repository)
    for _ in range(3):
        make.make_review(sample=make_submitted(batch, POOR_INPUTS, tags=["template"]))
    assert proposed(repository) == []


def test_task_is_opened_with_an_owner_and_on_the_log(repository: Repository) -> None:
    batch = make_week(repository)
    row = opened(repository, workflow="osint-report")
    assert (row.owner, row.batch, row.state, row.opened_at) == ("olga", batch, "open", MOMENT)
    entry = AuditEntry.objects.get(action="improvement.opened")
    assert (entry.actor, entry.reason) == ("lena", "Three issues lacked them.")


def test_cause_keeps_its_task_until_that_is_closed(repository: Repository) -> None:
    row = opened(repository)
    improvements.set_change(row, "https://github.com/acme/watch/pull/7", by="olga", reason="Merged.")
    assert improvements.task_for(repository, "inputs", "template", "") == row
    assert improvements.task_for(repository, "inputs", "template", "osint-report") is None
    improvements.close(row, "It helped.", by="lena")
    assert improvements.task_for(repository, "inputs", "template", "") is None


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"owner": "nobody-known"}, "There is nobody called nobody-known"),
        ({"tag": "weather"}, "no cause 'weather'"),
        ({"criterion": "poetry"}, "No rubric has a criterion 'poetry'"),
        ({"text": "  "}, "what has to be improved"),
        ({"reason": " "}, "needs a reason"),
        ({"by": "rule:loop"}, "for a person to do"),
    ],
)
def test_task_without_what_it_needs_is_refused(repository: Repository, values: dict[str, str], said: str) -> None:
    with pytest.raises(NotPossible, match=said):
        opened(repository, **values)
    assert not Improvement.objects.exists()
    assert not AuditEntry.objects.exists()


def test_cause_has_one_open_task(repository: Repository) -> None:
    row = opened(repository)
    with pytest.raises(NotPossible, match="already"):
        opened(repository)
    opened(repository, tag="data")
    improvements.close(row, "It was a typo.", by="lena")
    assert opened(repository).state == "open"


def test_owner_is_handed_on(repository: Repository) -> None:
    row = opened(repository)
    make.make_person("omar")
    improvements.set_owner(row, "omar", by="lena", reason="Olga is away.")
    assert Improvement.objects.get().owner == "omar"
    assert AuditEntry.objects.get(action="improvement.owner").before == {"owner": "olga"}
    User.objects.filter(username="omar").update(is_active=False)
    with pytest.raises(NotPossible, match="nobody called omar"):
        improvements.set_owner(row, "omar", by="lena", reason="Again.")


def test_change_is_noted_with_its_link_and_time(repository: Repository, time: VirtualClock) -> None:
    row = opened(repository)
    time.advance(timedelta(days=1))
    improvements.set_change(row, "https://github.com/acme/watch/pull/7", by="olga", reason="Merged.")
    row.refresh_from_db()
    assert (row.state, row.link, row.changed_at) == ("changed", "https://github.com/acme/watch/pull/7", time.now())
    with pytest.raises(NotPossible, match="not open any more"):
        improvements.set_change(row, "https://github.com/acme/watch/pull/8", by="olga", reason="Again.")


@pytest.mark.parametrize(
    "link",
    [
        "http://github.com/x", "javascript:alert(1)", "https://", "github.com/x", "https://a@b.example/x", "",
        "https://[", "https://x.example/\u202e", "https://x.example/" + "a" * 500,
    ],
)  # fmt: skip
def test_link_that_is_not_plain_https_is_refused(repository: Repository, link: str) -> None:
    row = opened(repository)
    with pytest.raises(NotPossible, match="begins with https"):
        improvements.set_change(row, link, by="olga", reason="Merged.")
    assert Improvement.objects.get().state == "open"


def test_closed_task_stays_closed(repository: Repository) -> None:
    row = opened(repository)
    improvements.close(row, "Not worth it.\nReally.", by="lena")
    assert (row.state, row.note, row.closed_at) == ("closed", "Not worth it. Really.", MOMENT)
    with pytest.raises(NotPossible, match="closed already"):
        improvements.close(row, "Again.", by="lena")
    with pytest.raises(NotPossible, match="is closed"):
        improvements.set_owner(row, "olga", by="lena", reason="Again.")
    with pytest.raises(NotPossible, match="reason"):
        improvements.close(row, " ", by="lena")


@pytest.mark.parametrize(
    ("moment", "before", "after"),
    [
        ("2026-11-11T15:00:00+00:00", ("2026-10-12", "2026-11-02"), "2026-11-16"),  # a Wednesday
        ("2026-11-09T00:00:00+00:00", ("2026-10-12", "2026-11-02"), "2026-11-09"),  # as the week begins
        ("2026-11-15T23:59:59+00:00", ("2026-10-12", "2026-11-02"), "2026-11-16"),  # as it ends
    ],
)
def test_week_of_the_change_is_on_neither_side(moment: str, before: tuple[str, str], after: str) -> None:
    at = datetime.fromisoformat(moment)
    assert improvements.weeks_before(at) == tuple(date.fromisoformat(day) for day in before)
    assert improvements.weeks_after(at)[0] == date.fromisoformat(after)


def changed_two_weeks_ago(repository: Repository, **values: str) -> Improvement:
    row = opened(repository, **values)
    row.state, row.changed_at = Improvement.State.CHANGED, MOMENT - timedelta(days=12)  # a Wednesday
    row.save(update_fields=["state", "changed_at"])
    return row


def fill(repository: Repository, weeks_ago: int, count: int, ratings: Ratings, **values: Any) -> None:
    batch = make_week(repository, weeks_ago)
    for _ in range(count):
        make_submitted(batch, ratings, **values)


def test_effect_compares_the_weeks_before_with_those_after(repository: Repository) -> None:
    row = changed_two_weeks_ago(repository)
    fill(repository, 7, 5, PERFECT)  # too old
    fill(repository, 4, 8, POOR_INPUTS)
    fill(repository, 3, 8, POOR_INPUTS)
    fill(repository, 2, 8, POOR_INPUTS)  # the week of the change
    fill(repository, 1, 20, PERFECT)
    found = improvements.effect(row)
    assert found is not None
    assert (found.before.value, found.before.n, found.after.value, found.after.n) == (0.25, 16, 1.0, 20)
    assert found.change is Change.BETTER


def test_effect_of_a_task_of_one_workflow_counts_that_workflow_only(repository: Repository) -> None:
    row = changed_two_weeks_ago(repository, workflow="brief")
    fill(repository, 3, 3, POOR_INPUTS, workflow="brief")
    fill(repository, 1, 4, PERFECT)
    found = improvements.effect(row)
    assert found is not None
    assert (found.before.n, found.after.n, found.change) == (3, 0, Change.TOO_FEW)


def test_effect_leaves_out_what_is_hidden_and_is_none_before_a_change(repository: Repository) -> None:
    assert improvements.effect(opened(repository, tag="data")) is None
    row = changed_two_weeks_ago(repository)
    fill(repository, 1, 2, PERFECT)
    (batch,) = repository.review_batches.all()
    found = improvements.effect(row, hidden=[batch.pk])
    assert found is not None
    assert found.after.n == 0
