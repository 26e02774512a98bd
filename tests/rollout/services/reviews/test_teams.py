"""Teams: shipped empty, in turn, with whoever is there and below their cap."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.contrib.auth.models import Group, Permission

from rollout.domain.reviews import rotation
from rollout.models import ReviewTeam
from rollout.services.reviews import teams
from tests.factories import MOMENT, make_repository
from tests.rollout import factories as make

pytestmark = pytest.mark.django_db
NEXT_WEEK = MOMENT + timedelta(days=7)


def test_three_teams_are_shipped_without_members_once() -> None:
    assert (teams.ship(), teams.ship()) == (3, 0)

    rows = ReviewTeam.objects.all()
    assert [row.name for row in rows] == ["Workflow Assignment", "Site Monitoring", "Copilot Ops"]
    assert not any(row.members.exists() for row in rows)


def test_duty_passes_by_teams_that_are_empty_or_inactive() -> None:
    teams.ship()
    make.make_team(members=2, active=False)
    turn = teams.duty(MOMENT)
    assert turn.team is None
    assert turn.reason.startswith("Nobody is available in ")

    monitoring = ReviewTeam.objects.get(slug="site-monitoring")
    make.make_member(team=monitoring)
    assert teams.duty(MOMENT).team == monitoring


def test_teams_change_with_the_week() -> None:
    teams.ship()
    for team in ReviewTeam.objects.all():
        make.make_member(team=team)

    turns = [teams.duty(MOMENT + week * timedelta(days=7)) for week in range(4)]

    assert len({turn.team.slug for turn in turns[:3] if turn.team}) == 3
    assert turns[3].team == turns[0].team
    assert [turn.following for turn in turns[:2]] == [turn.team.name for turn in turns[1:3] if turn.team]


@pytest.mark.parametrize(
    ("first", "last", "there"),
    [
        (date(2026, 11, 2), date(2026, 11, 9), False),
        (date(2026, 11, 2), date(2026, 11, 6), False),  # Monday the 9th alone is not enough
        (date(2026, 11, 2), date(2026, 11, 5), True),
        (date(2026, 11, 7), date(2026, 11, 8), True),  # a weekend
        (date(2026, 10, 26), date(2026, 11, 1), True),
    ],
)
def test_member_is_available_with_two_working_days_until_the_due_time(first: date, last: date, there: bool) -> None:
    member = make.make_member()
    make.make_absence(user=member.user, first_day=first, last_day=last)

    assert (member in teams.available(member.team, MOMENT, NEXT_WEEK)) is there


def test_inactive_members_and_closed_accounts_are_not_available() -> None:
    team = make.make_team()
    make.make_member(team=team, active=False)
    make.make_member(team=team, user=make.make_person(is_active=False))

    assert teams.available(team, MOMENT, NEXT_WEEK) == []


def test_member_without_the_permission_to_score_is_not_available() -> None:
    team = make.make_team()
    make.make_member(team=team, may_score=False)
    assert teams.available(team, MOMENT, NEXT_WEEK) == []

    root = make.make_member(team=team, user=make.make_person(is_superuser=True), may_score=False)
    grouped = make.make_member(team=team, user=make.make_person("ana"), may_score=False)
    reviewers = Group.objects.create(name="scorers")
    reviewers.permissions.add(Permission.objects.get(codename="score_sample"))
    grouped.user.groups.add(reviewers)
    assert teams.available(team, MOMENT, NEXT_WEEK) == [grouped, root]


def test_load_counts_this_weeks_reviews_in_every_team_but_no_calibration() -> None:
    member = make.make_member(load_cap=4)
    for calibration in (False, True):
        batch = make.make_batch(drawn_at=MOMENT, is_calibration=calibration)
        make.make_review(sample=make.make_sample(batch=batch), reviewer=member.user)
    gone = make.make_sample(batch=make.make_batch(), replaced_at=MOMENT)
    make.make_review(sample=gone, reviewer=member.user)

    assert teams.people_of([member], MOMENT) == [rotation.Person(member.user.username, 4, load=1)]


def test_load_counts_what_is_still_open_from_before_and_not_what_was_done_before() -> None:
    member = make.make_member(load_cap=4)
    old = make.make_batch(drawn_at=MOMENT - timedelta(days=20), week=date(2026, 10, 5))
    make.make_review(sample=make.make_sample(batch=old), reviewer=member.user)
    before = MOMENT - timedelta(days=15)
    make.make_review(sample=make.make_sample(batch=old), reviewer=member.user, state="submitted", submitted_at=before)
    assert [person.load for person in teams.people_of([member], MOMENT)] == [1]


def test_lead_of_the_team_comes_before_leads_of_others() -> None:
    own, other = make.make_member(is_lead=True), make.make_member(is_lead=True)

    assert teams.leads(make.make_batch(team=own.team)) == [own.user]
    assert teams.leads(make.make_batch(team=None)) == sorted([own.user, other.user], key=lambda user: user.username)


def test_without_a_lead_the_rollout_lead_is_told() -> None:
    rollout = make.make_rollout(repository=make_repository())
    lena = make.make_person("lena")
    rollout.role_holders.create(role="rollout-lead", user=lena)

    assert teams.leads(make.make_batch(repository=rollout.repository)) == [lena]
    assert teams.leads(make.make_batch()) == []
