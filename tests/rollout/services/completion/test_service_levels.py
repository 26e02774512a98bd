"""Service levels: shipped as the plan says, a person's change stays, a rollout's own plan holds on its repository."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.contrib.auth.models import User

from pipeline.models import AuditEntry, Repository
from rollout.domain.plan import Sla
from rollout.domain.plan_file import load_plan
from rollout.models import ServiceLevel
from rollout.services import plans, rollouts
from rollout.services.completion import service_levels
from tests.factories import make_repository
from tests.rollout import world
from tests.rollout.hand_plan import make_plan

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("virtual_clock")]


def as_sla(row: ServiceLevel) -> Sla:
    return Sla(row.slug, row.text, row.metric, row.comparator, row.threshold, row.within)


def rows_of(repository: Repository | None) -> list[Sla]:
    rows = ServiceLevel.objects.filter(repository=repository, workflow="")
    return sorted((as_sla(row) for row in rows), key=lambda sla: sla.slug)


def shipped() -> tuple[Sla, ...]:
    return load_plan(plans.shipped_text()).slas


def make_level(**values: object) -> ServiceLevel:
    defaults: dict[str, object] = {
        "slug": "completion-48h",
        "text": "80% completion within 48 hours",
        "metric": "copilot_completion_48h",
        "comparator": ">=",
        "threshold": 0.8,
    }
    return ServiceLevel.objects.create(**{**defaults, **values})


def edited_by_a_person(row: ServiceLevel, **values: object) -> ServiceLevel:
    for name, value in values.items():
        setattr(row, name, value)
    row._history_user = User.objects.create(username="lea")  # type: ignore[attr-defined]  # as the admin sets it
    row.save()
    return row


def test_shipped_rows_are_the_shipped_plans_levels() -> None:
    assert service_levels.ship() == 3
    assert rows_of(None) == sorted(shipped(), key=lambda sla: sla.slug)
    assert AuditEntry.objects.filter(action="servicelevel.added", actor="rule:shipped").count() == 3


def test_shipping_again_changes_nothing() -> None:
    service_levels.ship()
    assert service_levels.ship() == 0
    assert AuditEntry.objects.filter(action__startswith="servicelevel").count() == 3


def test_row_of_an_earlier_release_follows_the_plan() -> None:
    make_level(threshold=0.7)
    assert service_levels.ship() == 3
    assert ServiceLevel.objects.get(slug="completion-48h").threshold == 0.8
    entry = AuditEntry.objects.get(action="servicelevel.changed")
    assert (entry.before["threshold"], entry.after["threshold"]) == (0.7, 0.8)


def test_what_a_person_changed_stays() -> None:
    service_levels.ship()
    edited_by_a_person(ServiceLevel.objects.get(slug="blocked"), threshold=0.1)
    assert service_levels.ship() == 0
    assert ServiceLevel.objects.get(slug="blocked").threshold == 0.1


def test_starting_a_rollout_takes_over_what_its_plan_asks_otherwise() -> None:
    first, *rest = shipped()
    plan = make_plan(slas=(replace(first, threshold=0.9), *rest))
    rollout = world.make_rollout(plan)
    rollouts.start(rollout, actor="olga", reason="Begin.", starts_on=world.DAY_1)
    assert rows_of(rollout.repository) == [replace(first, threshold=0.9)]
    assert rows_of(None) == sorted(shipped(), key=lambda sla: sla.slug)
    assert AuditEntry.objects.filter(action="servicelevel.added", actor="olga").count() == 1


def test_starting_a_rollout_of_the_shipped_levels_makes_no_row_of_its_own() -> None:
    repository = make_repository()
    assert service_levels.adopt(repository, make_plan(slas=shipped()), actor="olga") == 0
    assert rows_of(repository) == []


def test_later_plan_corrects_what_an_earlier_one_set_but_not_what_a_person_did() -> None:
    repository, (first, *_) = make_repository(), shipped()
    service_levels.adopt(repository, make_plan(slas=(replace(first, threshold=0.9),)), actor="olga")
    service_levels.adopt(repository, make_plan(slas=(first,)), actor="olga")
    row = ServiceLevel.objects.get(repository=repository)
    assert row.threshold == first.threshold
    edited_by_a_person(row, threshold=0.95)
    assert service_levels.adopt(repository, make_plan(slas=(first,)), actor="olga") == 0


def test_closest_active_level_is_in_force() -> None:
    repository = make_repository()
    make_level(slug="a", threshold=0.1)
    make_level(slug="a", threshold=0.2, repository=repository)
    make_level(slug="a", threshold=0.3, workflow="osint")
    make_level(slug="b", threshold=0.4)
    make_level(slug="b", threshold=0.5, repository=repository, active=False)
    assert [row.threshold for row in service_levels.in_force(repository.pk, "osint")] == [0.3]
    assert [row.threshold for row in service_levels.in_force(repository.pk)] == [0.2]
    assert [row.threshold for row in service_levels.in_force(make_repository().pk)] == [0.1, 0.4]
    assert service_levels.overrides(repository.pk) == ["osint"]


@pytest.mark.parametrize(
    ("metric", "within", "says"),
    [
        ("happiness", None, "There is no metric 'happiness'"),
        ("run_duration", None, "run_duration is no share"),
        ("copilot_completion_48h", timedelta(hours=72), "choose copilot_completion_72h, or leave"),
        ("copilot_completion_48h", timedelta(hours=5), "choose one of copilot_completion_24h"),
        ("copilot_completion_48h", timedelta(hours=48), ""),
        ("copilot_completion_48h", None, ""),
        ("blocked_share", None, ""),
    ],
)
def test_level_that_cannot_be_measured_is_refused_in_one_sentence(
    metric: str, within: timedelta | None, says: str
) -> None:
    found = service_levels.refusal(metric, within)
    assert says in found
    assert bool(found) == bool(says)


def test_every_shipped_level_can_be_measured() -> None:
    assert [service_levels.refusal(sla.metric, sla.within) for sla in shipped()] == ["", "", ""]
