"""Results, agreement and improvements over HTTP: who may, who is kept blind, what the pages and files say."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.test import Client

from pipeline.models import AuditEntry, Repository
from rollout.models import Improvement, Rubric, Score
from tests.factories import MOMENT, make_repository
from tests.recorded import recorded
from tests.rollout import factories as make
from tests.rollout.admin.addresses import page
from tests.rollout.reviewed import GOOD, PERFECT, POOR_INPUTS, make_submitted, make_week, week

pytestmark = pytest.mark.django_db
AsRole = Callable[[str], Client]
RESULTS, AGREEMENT = "score_changelist", "score_agreement"


@recorded
def roles() -> None:
    call_command("roles", verbosity=0)


@pytest.fixture
def signed_in(db: None) -> AsRole:
    """A client signed in as somebody of that role."""
    roles()

    def client(role: str) -> Client:
        person, made = User.objects.get_or_create(username=role.replace(" ", "-"), defaults={"is_staff": True})
        if made:
            person.groups.add(Group.objects.get(name=role))
        found = Client()
        found.force_login(person)
        return found

    return client


@pytest.fixture
def repository(signed_in: AsRole) -> Repository:  # the roles first: their rows are put back into an empty database
    return make_repository(full_name="acme/harbour")


def text(client: Client, name: str, **query: object) -> str:
    answer = client.get(f"{page(name)}?{urlencode(query)}")
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def fill(repository: Repository, weeks_ago: int = 1, count: int = 3, **values: object) -> None:
    batch = make_week(repository, weeks_ago)
    for _ in range(count):
        make_submitted(batch, POOR_INPUTS, tags=["template"], **values)  # type: ignore[arg-type]  # by keyword


def test_week_stands_beside_four_weeks_with_interval_and_verdict(repository: Repository, signed_in: AsRole) -> None:
    fill(repository, 2, 6)
    fill(repository, 1, 6)
    found = text(signed_in("stakeholder"), RESULTS)
    assert "6 of 6 issues of this week count." in found
    assert "<strong>25 %</strong>" in found
    assert "n = 12" in found
    assert "below target" in found
    assert "not enough data" in found
    assert 'role="img" aria-label="Input completeness by week: 2026-09-07 nothing' in found


def test_older_week_is_shown_when_it_is_chosen(repository: Repository, signed_in: AsRole) -> None:
    fill(repository, 2)
    fill(repository, 1)
    assert "Week of 2026-10-19, acme/harbour" in text(signed_in("stakeholder"), RESULTS, week="2026-10-19")


@pytest.mark.parametrize(
    "query",
    [
        "week=yesterday",
        "week=2026-10-20",
        "week=0001-01-01",
        "repository=x",
        "repository=99",
        "repository=" + "9" * 5000,
    ],
)
def test_week_or_repository_that_does_not_exist_is_not_found(
    repository: Repository, signed_in: AsRole, query: str
) -> None:
    fill(repository)
    assert signed_in("stakeholder").get(f"{page(RESULTS)}?{query}").status_code == 404


def test_what_does_not_count_is_told_with_its_reason(repository: Repository, signed_in: AsRole) -> None:
    batch = make_week(repository)
    make_submitted(batch, PERFECT, POOR_INPUTS)
    make_submitted(batch, PERFECT)
    found = text(signed_in("stakeholder"), RESULTS)
    assert "1 of 2 issues of this week count, 1 pending." in found
    assert "an adjudicator has to decide" in found


def test_week_without_a_sample_says_why(repository: Repository, signed_in: AsRole) -> None:
    fill(repository, 2)
    make_week(repository, 1, state="empty", note="No issue was processed in that week.")
    found = text(signed_in("stakeholder"), RESULTS)
    assert "Of this week&#x27;s sample: No issue was processed in that week." in found
    assert "Nothing of this week is shown." in found


def test_change_of_the_rubric_is_told(repository: Repository, signed_in: AsRole) -> None:
    fill(repository, 2)
    Rubric.objects.update(status="retired")
    newer = make.make_rubric(
        slug=Rubric.objects.get().slug, version=2, published_at=MOMENT, criteria=(("inputs", "Inputs", 100, 0.8),)
    )
    make_submitted(make_week(repository, 1, rubric=newer), (3,))
    found = text(signed_in("stakeholder"), RESULTS)
    assert "Within the four weeks the rubric changed from Specialist guidance v1 to Specialist guidance v2" in found
    assert "inputs: the target went from 90 % to 80 %." in found


def test_figures_of_reviewers_are_for_the_lead(repository: Repository, signed_in: AsRole) -> None:
    batch = make_week(repository, 1, is_calibration=True)
    make_submitted(batch, PERFECT, GOOD, reviewers=[make.make_person("rosa"), make.make_person("remy")])
    make_submitted(make_week(repository), PERFECT, reviewers=[make.make_person("ruth")])
    for name, person, told in ((RESULTS, "ruth", "By reviewer"), (AGREEMENT, "rosa", "How far each member")):
        for role, sees in (("rollout lead", True), ("operator", False), ("reviewer", False)):
            found = text(signed_in(role), name)
            assert (person in found, told in found) == (sees, sees), (name, role)


def test_open_batch_is_left_out_for_who_still_scores_in_it(repository: Repository, signed_in: AsRole) -> None:
    reviewer = signed_in("reviewer")
    batch = make_week(repository)
    make_submitted(batch, GOOD)
    make.make_review(sample=make.make_sample(batch=batch), reviewer=User.objects.get(username="reviewer"))
    for client, sees in ((reviewer, False), (signed_in("rollout lead"), True)):
        found = text(client, RESULTS)
        assert ("95 %" in found, "is left out of every figure" in found) == (sees, not sees)
        rows = list(csv.DictReader(io.StringIO(client.get(page("score_export", "csv")).content.decode(), newline="")))
        assert bool(rows) is sees
    assert "An open sample is left out" in text(reviewer, AGREEMENT)


def test_score_s_own_page_shows_the_results_of_its_week(repository: Repository, signed_in: AsRole) -> None:
    fill(repository, 3)
    fill(repository, 1)
    sample = repository.review_batches.get(week=week(3)).samples.all()[0]
    score = sample.reviews.get().scores.all()[0]
    answer = signed_in("stakeholder").get(page("score_change", score.pk))
    assert b"Week of 2026-10-12, acme/harbour" in answer.content


def test_history_of_a_score_is_no_page_that_tells_its_mark(repository: Repository, signed_in: AsRole) -> None:
    fill(repository, count=1)
    score = Score.objects.first()

    assert score is not None
    assert signed_in("reviewer").get(page("score_history", score.pk)).status_code == 404


def test_number_of_weeks_that_is_longer_than_any_is_eight(repository: Repository, signed_in: AsRole) -> None:
    fill(repository)

    assert signed_in("reviewer").get(f"{page('score_export', 'csv')}?weeks={'9' * 5000}").status_code == 200


def test_agreement_says_when_there_is_not_enough(repository: Repository, signed_in: AsRole) -> None:
    batch = make_week(repository)
    make_submitted(batch, PERFECT, GOOD)
    assert "1 pair, it takes 10" in text(signed_in("stakeholder"), AGREEMENT)
    for _ in range(10):
        make_submitted(batch, PERFECT, GOOD)
    found = text(signed_in("stakeholder"), AGREEMENT)
    assert "everybody always gave the same one" in found
    assert "not reliable" in found


@pytest.mark.parametrize(("kind", "begins"), [("csv", "week,batch,rubric"), ("json", '{ "repository": "acme/harbour"')])
def test_results_are_files(repository: Repository, signed_in: AsRole, kind: str, begins: str) -> None:
    fill(repository)
    answer = signed_in("stakeholder").get(page("score_export", kind) + "?weeks=52")
    assert " ".join(answer.content.decode().split()).startswith(begins)
    assert answer["Content-Disposition"] == f'attachment; filename="guidance-review-2026-10-26.{kind}"'
    assert "reviewers" not in answer.content.decode()


def test_file_of_another_kind_or_of_nothing_is_not_found(repository: Repository, signed_in: AsRole) -> None:
    client = signed_in("stakeholder")
    assert client.get(page("score_export", "csv")).status_code == 404
    fill(repository)
    assert client.get(page("score_export", "xlsx")).status_code == 404
    assert client.get(page("score_export", "csv") + "?weeks=many").status_code == 200


def test_pages_and_files_need_the_permission_to_view(repository: Repository) -> None:
    fill(repository)
    nobody = Client()
    nobody.force_login(User.objects.create_user("nobody", is_staff=True))
    for address in (page(RESULTS), page(AGREEMENT), page("score_export", "csv")):
        assert nobody.get(address).status_code == 403, address


def test_suggestion_becomes_a_task_in_one_form(repository: Repository, signed_in: AsRole) -> None:
    fill(repository)
    client = signed_in("reviewer")
    found = text(client, RESULTS)
    address = found.split('class="cp-button" href="')[1].split('"')[0].replace("&amp;", "&")
    form = client.get(address).context["form"]
    given = {name: form[name].value() for name in ("repository", "criterion", "tag", "workflow", "text", "owner")}
    assert (given["criterion"], given["tag"], given["owner"]) == ("inputs", "template", "reviewer")

    assert client.post(address, {**given, "reason": "Three of three."}).status_code == 302

    task = Improvement.objects.get()
    assert (task.repository, task.workflow, task.state) == (repository, "osint-report", "open")
    assert AuditEntry.objects.get(action="improvement.opened").actor == "reviewer"
    assert "Open a task" not in text(client, RESULTS)
    assert "owner reviewer" in text(client, RESULTS)


def test_task_is_changed_and_closed_on_its_page(repository: Repository, signed_in: AsRole) -> None:
    fill(repository)
    task = make.make_improvement(repository=repository)
    client = signed_in("reviewer")
    refused = client.post(page("improvement_changed", task.pk), {"link": "http://x.example", "reason": "Done."})
    assert b"begins with https://" in refused.content
    client.post(page("improvement_changed", task.pk), {"link": "https://x.example/1", "reason": "Done."})
    shown = client.get(page("improvement_change", task.pk)).content.decode()
    assert 'href="https://x.example/1"' in shown
    assert "before and 0 after the change" in shown
    client.post(page("improvement_close", task.pk), {"reason": "It helped."})
    task.refresh_from_db()
    assert (task.state, task.note) == ("closed", "It helped.")
    assert b"It helped." in client.get(page("improvement_change", task.pk)).content


@pytest.mark.parametrize(("role", "may"), [("stakeholder", False), ("reviewer", True), ("rollout lead", True)])
def test_only_reviewers_and_above_open_and_settle_tasks(
    repository: Repository, signed_in: AsRole, role: str, may: bool
) -> None:
    task = make.make_improvement(repository=repository, opened_at=MOMENT - timedelta(days=1))
    client = signed_in(role)
    addresses = [page(f"improvement_{name}", task.pk) for name in ("owner", "changed", "close")]
    for address in (page("improvement_add"), *addresses):
        assert client.get(address).status_code == (200 if may else 403), address
        assert client.post(address, {}).status_code == (200 if may else 403), address
    assert client.get(page("improvement_change", task.pk)).status_code == 200
    task.refresh_from_db()
    assert task.state == "open"
