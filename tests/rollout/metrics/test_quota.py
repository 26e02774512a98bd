"""Limits and quotas: what was refused, and the busiest hour and day."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from pipeline.models import Repository
from tests.factories import make_ai_call, make_api_call, make_token_budget
from tests.rollout.evidence_rows import HOUR, START
from tests.rollout.metrics.conftest import Ask


def calls(repository: Repository, count: int, **values: Any) -> None:
    for number in range(count):
        make_api_call(repository=repository, **{"at": START + HOUR + timedelta(minutes=number), **values})


def test_violations_are_refused_calls_among_all(repository: Repository, ask: Ask) -> None:
    calls(repository, 8)
    calls(repository, 1, limited="secondary", status=403)
    calls(repository, 1, limited="primary", status=403)
    found = ask("rate_limit_violations")
    assert (found.value, found.n, len(found.rows)) == (2.0, 10, 2)


def test_only_the_primary_limit_is_exhaustion_and_it_is_named(repository: Repository, ask: Ask) -> None:
    calls(repository, 1, limited="secondary", status=403)
    assert ask("quota_exhausted").value == 0.0
    calls(repository, 1, limited="primary", status=403)
    found = ask("quota_exhausted")
    assert found.value == 1.0
    assert "primary limit on GET" in found.parts["named"]


def test_violations_before_the_floor_do_not_count(repository: Repository, ask: Ask) -> None:
    calls(repository, 1, limited="primary")
    assert ask("rate_limit_violations", floor=START + 2 * HOUR).value == 0.0


def test_github_quota_is_that_of_the_busiest_hour(repository: Repository, ask: Ask) -> None:
    budget = make_token_budget(limit=100)
    calls(repository, 5, token_key=budget.token_key)
    calls(repository, 20, token_key=budget.token_key, at=START + 5 * HOUR)
    found = ask("github_quota_used")
    assert (found.value, found.n) == (0.2, 2)
    assert found.parts["named"] == "busiest: 2026-11-02 05:00"


def test_ai_quota_is_that_of_the_busiest_day(repository: Repository, ask: Ask, settings: Any) -> None:
    settings.CONTROLPLANE = replace(settings.CONTROLPLANE, ai=replace(settings.CONTROLPLANE.ai, daily_quota=40))
    make_ai_call(repository=repository, at=START + HOUR, calls=10)
    make_ai_call(repository=repository, at=START + 2 * HOUR, calls=10)
    make_ai_call(repository=repository, at=START + 25 * HOUR, calls=5)
    assert ask("ai_quota_used").value == 0.5


def test_ai_quota_of_a_day_counts_all_of_it_though_the_window_begins_at_noon(
    repository: Repository, ask: Ask, settings: Any
) -> None:
    settings.CONTROLPLANE = replace(settings.CONTROLPLANE, ai=replace(settings.CONTROLPLANE.ai, daily_quota=100))
    make_ai_call(repository=repository, at=START + 26 * HOUR, calls=40)
    make_ai_call(repository=repository, at=START + 40 * HOUR, calls=40)
    assert ask("ai_quota_used", hours=24, now=START + 60 * HOUR).value == 0.8
    assert ask("ai_quota_used", hours=24, now=START + 60 * HOUR, floor=START + 30 * HOUR).value == 0.4


def test_rules_use_no_quota_but_are_evidence(repository: Repository, ask: Ask) -> None:
    make_ai_call(repository=repository, at=START + HOUR)
    found = ask("ai_quota_used")
    assert (found.value, found.n) == (0.0, 1)


def test_calls_without_a_daily_quota_cannot_be_judged(repository: Repository, ask: Ask, settings: Any) -> None:
    settings.CONTROLPLANE = replace(settings.CONTROLPLANE, ai=replace(settings.CONTROLPLANE.ai, daily_quota=0))
    make_ai_call(repository=repository, at=START + HOUR, calls=1)
    assert "set AI_DAILY_QUOTA" in ask("ai_quota_used").error
