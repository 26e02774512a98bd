"""The completion page: figures with words beside colours, filters, files without formulas; levels that people edit."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from pipeline import clock
from pipeline.models import AuditEntry, Handover, Repository
from rollout.domain.measures import Scope, Window
from rollout.metrics.registry import metric
from rollout.models import ServiceLevel
from rollout.services.completion import service_levels
from rollout.services.completion.report import begins
from tests.factories import MOMENT, make_repository
from tests.rollout.services.completion.rows import HOSTILE, make_level, nine_days


@pytest.fixture
def repository(db: None) -> Iterator[Repository]:
    """MOMENT is now."""
    call_command("roles", verbosity=0)
    with clock.using(clock.VirtualClock(MOMENT)):
        yield nine_days()


@pytest.fixture
def as_role(repository: Repository) -> Callable[[str], Client]:
    def client(role: str) -> Client:
        person = User.objects.create_user(role.replace(" ", "-"), is_staff=True)
        person.groups.add(Group.objects.get(name=role))
        signed_in = Client()
        signed_in.force_login(person)
        return signed_in

    return client


@pytest.fixture
def lead(as_role: Callable[[str], Client]) -> Client:
    return as_role("rollout lead")


def page(repository: Repository, **query: Any) -> str:
    found = reverse("admin:rollout_completion_of", args=[repository.pk])
    return f"{found}?{'&'.join(f'{name}={value}' for name, value in query.items())}"


def text(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


def test_page_shows_level_figures_curve_cohorts_blockers_and_remarks(repository: Repository, lead: Client) -> None:
    html = text(lead, page(repository))
    shown = words(html)
    assert "75 % of 8 cases; asked for: at least 80 %. 1 case not old enough to be judged." in shown
    assert "missed" in shown
    assert 'role="img" aria-labelledby="co-title co-text"' in html
    assert "Kaplan–Meier curve of 9 hand-overs, 7 of them completed" in shown
    assert "awaiting approval" in shown
    assert "Unclear requirements" in shown
    assert "2026-W43" in shown
    assert "style=" not in html.partition("<main")[2].partition("<form")[2].partition("</main>")[0]


def test_same_numbers_stand_in_drawing_and_table(repository: Repository, lead: Client) -> None:
    html = text(lead, page(repository))
    told = re.search(r'<desc id="co-text">(.*?)</desc>', html)
    assert told
    for age, share in re.findall(r"by (\d+ [hd]) (\d+ %)", told[1]):
        assert re.search(rf">{age}</td><td>\d+<span[^>]*> at risk</span></td><td>{share}<", html), age


def test_strangers_words_are_escaped(repository: Repository, lead: Client) -> None:
    assert HOSTILE not in text(lead, page(repository))
    assert HOSTILE not in text(lead, page(repository, workflow=HOSTILE))


def test_filters_narrow_and_nonsense_is_put_right(repository: Repository, lead: Client) -> None:
    assert "9 cases" in text(lead, page(repository))
    assert "7 cases" in text(lead, page(repository, workflow="osint"))
    assert "<span>1 case</span>" in text(lead, page(repository, weeks=1))
    for nonsense in ({"workflow": "no-such"}, {"weeks": "-3"}, {"weeks": "9999999999"}, {"weeks": "x"}):
        assert text(lead, page(repository, **nonsense))


def test_page_without_hand_overs_says_why(repository: Repository, lead: Client) -> None:
    Handover.objects.all().delete()
    shown = words(text(lead, page(repository)))
    assert "Nothing was handed over to Copilot since" in shown
    assert "No case can be judged yet" in shown


def test_only_young_hand_overs_are_no_failures(repository: Repository, lead: Client) -> None:
    Handover.objects.exclude(outcome="pending").delete()
    shown = words(text(lead, page(repository)))
    assert "not enough data" in shown
    assert "missed" not in shown


def test_first_page_leads_to_a_repository_and_without_one_says_what_to_do(repository: Repository, lead: Client) -> None:
    make_repository(full_name="aaa/demo", is_demonstration=True)
    address = reverse("admin:rollout_completion")
    assert lead.get(address)["Location"] == page(repository).rstrip("?")
    Handover.objects.all().delete()
    repository.issues.all().delete()
    Repository.objects.all().delete()
    assert "No repository is governed yet" in text(lead, address)


def test_cases_come_as_csv_that_no_spreadsheet_runs(repository: Repository, lead: Client) -> None:
    address = reverse("admin:rollout_completion_cases", args=[repository.pk, "csv"])
    answer = lead.get(address)
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert answer["Content-Disposition"] == 'attachment; filename="completion-acme-watch-2026-11-02.csv"'
    assert len(rows) == 9
    assert {row["title"][:2] for row in rows if row["completed_at"]} == {"'="}
    assert sum(row["censored"] == "no" for row in rows) == 7


def test_cases_come_as_json_with_the_same_filters(repository: Repository, lead: Client) -> None:
    address = reverse("admin:rollout_completion_cases", args=[repository.pk, "json"])
    found = json.loads(lead.get(f"{address}?workflow=osint").content)
    assert (found["count"], found["workflow"], found["repository"]) == (7, "osint", "acme/watch")


def test_what_is_not_there_is_404(repository: Repository, lead: Client) -> None:
    assert lead.get(reverse("admin:rollout_completion_of", args=[9999])).status_code == 404
    assert lead.get(reverse("admin:rollout_completion_cases", args=[repository.pk, "exe"])).status_code == 404


def test_page_is_for_those_who_may_see_hand_overs(repository: Repository, as_role: Callable[[str], Client]) -> None:
    nobody = Client()
    nobody.force_login(User.objects.create_user("nobody", is_staff=True))
    file = reverse("admin:rollout_completion_cases", args=[repository.pk, "csv"])
    for address in (page(repository), file, reverse("admin:rollout_completion")):
        assert nobody.get(address).status_code == 403
        assert Client().get(address).status_code == 302
    assert as_role("stakeholder").get(page(repository)).status_code == 200


def test_navigation_and_lists_lead_to_the_page(repository: Repository, lead: Client) -> None:
    address = reverse("admin:rollout_completion")
    assert f'href="{address}"' in text(lead, reverse("admin:index"))
    assert f'href="{address}">Completion</a></p>' in text(lead, reverse("admin:pipeline_handover_changelist"))


def test_page_of_a_hand_over_shows_what_copilot_said(repository: Repository, lead: Client) -> None:
    row = Handover.objects.get(outcome="waiting")
    html = text(lead, reverse("admin:pipeline_handover_change", args=[row.pk]))
    assert "Unclear requirements" in html
    assert "The criteria are ambiguous." in html
    assert HOSTILE not in html


# --- service levels ---


def answer(**values: Any) -> dict[str, Any]:
    return {
        "slug": "completion-48h",
        "text": "90% completion within 48 hours",
        "workflow": "osint",
        "metric": "copilot_completion_48h",
        "comparator": ">=",
        "threshold": "0.9",
        "minimum_sample": "5",
        "active": "on",
        "reason": "OSINT is quicker.",
        **values,
    }


def test_lead_adds_a_level_for_a_workflow_with_a_reason(repository: Repository, lead: Client) -> None:
    lead.post(reverse("admin:rollout_servicelevel_add"), answer())
    row = ServiceLevel.objects.get(workflow="osint")
    entry = AuditEntry.objects.get(action="servicelevel.added")
    assert (row.threshold, entry.reason, entry.actor) == (0.9, "OSINT is quicker.", "rollout-lead")
    assert row.history.get().history_change_reason == "OSINT is quicker."
    assert [line.threshold for line in service_levels.in_force(repository.pk, "osint")] == [0.9]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"metric": "happiness"}, "There is no metric &#x27;happiness&#x27;"),
        ({"metric": "run_duration"}, "run_duration is no share"),
        ({"within": "72:00:00"}, "choose copilot_completion_72h"),
        ({"workflow": "no-such"}, "There is no workflow &#x27;no-such&#x27;"),
        ({"threshold": "80"}, "80.0 is no share; write 80 % as 0.8"),
        ({"reason": ""}, "This field is required"),
        ({"workflow": ""}, "There is a level &#x27;completion-48h&#x27; for this place already"),
    ],
)
def test_level_that_makes_no_sense_is_refused(
    repository: Repository, lead: Client, wrong: dict[str, str], says: str
) -> None:
    shown = lead.post(reverse("admin:rollout_servicelevel_add"), answer(**wrong)).content.decode()
    assert says in shown
    assert not ServiceLevel.objects.filter(workflow="osint").exists()


def test_what_a_person_changed_here_is_not_shipped_over(repository: Repository, lead: Client) -> None:
    row = ServiceLevel.objects.get()
    lead.post(reverse("admin:rollout_servicelevel_change", args=[row.pk]), answer(workflow="", threshold="0.7"))
    service_levels.ship()
    row.refresh_from_db()
    assert row.threshold == 0.7
    assert AuditEntry.objects.get(action="servicelevel.changed").before == {
        "text": "80% completion within 48 hours",
        "threshold": 0.8,
        "minimum_sample": 2,
    }


@pytest.mark.parametrize(("role", "status"), [("stakeholder", 403), ("operator", 403), ("rollout lead", 200)])
def test_only_leads_edit_levels(
    repository: Repository, as_role: Callable[[str], Client], role: str, status: int
) -> None:
    client = as_role(role)
    assert client.get(reverse("admin:rollout_servicelevel_add")).status_code == status
    assert client.get(reverse("admin:rollout_servicelevel_changelist")).status_code == 200


def test_list_says_where_and_what_is_asked_for(repository: Repository, lead: Client) -> None:
    make_level(repository=repository, workflow="osint", threshold=0.9, active=False)
    shown = words(text(lead, reverse("admin:rollout_servicelevel_changelist")))
    assert "acme/watch, osint" in shown
    assert "at least 90 %" in shown
    assert "switched off" in shown


def test_figures_on_the_page_are_what_the_registry_says(repository: Repository, lead: Client) -> None:
    found = metric("copilot_completion_48h").read(Scope(repository.pk), Window(), begins(8, MOMENT), MOMENT)
    assert (found.value, found.n) == (0.75, 8)
    assert "Copilot completion within 48 hours 75 % 41–93 % 8 cases 1 not old enough" in words(
        text(lead, page(repository))
    )
