"""Plan versions: stored once, counted, frozen for good."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError

from pipeline.models import AuditEntry, Operation
from pipeline.services import audit
from pipeline.services.operations import NotPossible
from rollout.domain.plan_file import PlanFileError, dump_plan
from rollout.models import PlanVersion
from rollout.services import plans
from tests.factories import make_operation
from tests.rollout.domain.plan_samples import consistent

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("virtual_clock")]
TEXT = dump_plan(consistent())
CHANGED = TEXT.replace("limit: 10", "limit: 11", 1)


def stored(text: str = TEXT) -> PlanVersion:
    return plans.import_plan(text, actor="lena")


def test_an_imported_plan_is_a_draft_with_the_hash_of_its_text() -> None:
    version = stored()

    assert (version.slug, version.version, version.status) == ("consistent", 1, "draft")
    assert version.sha256 == plans.digest(TEXT)
    assert plans.plan_of(version) == consistent()


def test_the_shipped_plan_can_be_imported() -> None:
    version = stored(plans.shipped_text())

    assert version.title == "Production Rollout Plan — Unified Workflow Pipeline"


def test_the_same_text_again_is_the_same_version() -> None:
    assert stored().pk == stored().pk
    assert PlanVersion.objects.count() == 1
    assert AuditEntry.objects.count() == 1


def test_another_text_is_the_next_version() -> None:
    assert [stored().version, stored(CHANGED).version, stored().version] == [1, 2, 3]


def test_a_plan_that_cannot_be_read_stores_nothing() -> None:
    with pytest.raises(PlanFileError, match="line"):
        stored(TEXT.replace("metric: run_duration", "metric: nothing"))

    assert not PlanVersion.objects.exists()
    assert not AuditEntry.objects.exists()


def test_an_operation_that_somebody_added_may_stand_in_a_plan() -> None:
    text = TEXT.replace("operation: monitor", "operation: watch-harbours", 1)
    with pytest.raises(PlanFileError, match="no operation 'watch-harbours'"):
        stored(text)

    make_operation(name="watch-harbours")

    assert stored(text).version == 1


def test_a_number_that_somebody_took_first_costs_another_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    create = PlanVersion.objects.create
    tried: list[int] = []

    def raced(**values: Any) -> PlanVersion:
        tried.append(values["version"])
        if len(tried) == 1:
            raise IntegrityError("plan_version_once")
        return create(**values)

    monkeypatch.setattr(PlanVersion.objects, "create", raced)

    assert plans.next_version(plans.read(TEXT), TEXT, actor="lena").version == 1
    assert len(tried) == 2


def test_numbers_that_are_always_taken_end_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def taken(**values: Any) -> PlanVersion:
        raise IntegrityError("plan_version_once")

    monkeypatch.setattr(PlanVersion.objects, "create", taken)

    with pytest.raises(NotPossible, match="Several people import 'consistent' at this moment; try again"):
        stored()


def test_a_draft_can_be_edited_and_says_who_did_it_why() -> None:
    version = plans.edit(stored(), CHANGED, actor="otto", reason="One more issue.")

    assert (version.text, version.sha256) == (CHANGED, plans.digest(CHANGED))
    entry = AuditEntry.objects.get(action="plan.edited")
    assert (entry.actor, entry.reason, entry.before["sha256"]) == ("otto", "One more issue.", plans.digest(TEXT))


def test_an_edit_that_changes_nothing_is_not_logged() -> None:
    plans.edit(stored(), TEXT, actor="otto", reason="Nothing.")

    assert not AuditEntry.objects.filter(action="plan.edited").exists()


def test_an_edit_over_somebody_elses_edit_is_refused() -> None:
    mine = stored()
    plans.edit(PlanVersion.objects.get(), CHANGED, actor="otto", reason="First.")

    with pytest.raises(NotPossible, match="changed by somebody else meanwhile"):
        plans.edit(mine, TEXT.replace("owner: Lead", "owner: Me"), actor="lena", reason="Second.")

    assert PlanVersion.objects.get().text == CHANGED


def test_a_frozen_plan_cannot_be_edited() -> None:
    version = plans.freeze(stored(), actor="lena")

    with pytest.raises(NotPossible, match="consistent@1 is frozen; a started plan changes only by a change request"):
        plans.edit(version, CHANGED, actor="lena", reason="Quickly.")

    assert PlanVersion.objects.get().text == TEXT


def test_a_draft_that_was_frozen_since_it_was_read_cannot_be_edited() -> None:
    mine = stored()
    plans.freeze(PlanVersion.objects.get(), actor="otto")

    with pytest.raises(NotPossible, match="changed by somebody else"):
        plans.edit(mine, CHANGED, actor="lena", reason="Quickly.")


def test_an_edit_cannot_turn_one_plan_into_another() -> None:
    with pytest.raises(NotPossible, match="import it as a plan of its own"):
        plans.edit(stored(), TEXT.replace("slug: consistent", "slug: other"), actor="lena", reason="Rename.")


def test_freezing_twice_is_once() -> None:
    version = stored()

    first, second = plans.freeze(version, actor="lena"), plans.freeze(version, actor="lena")

    assert first.frozen_at == second.frozen_at is not None
    assert AuditEntry.objects.filter(action="plan.frozen").count() == 1


def test_a_text_that_does_not_fit_its_hash_is_not_frozen() -> None:
    version = stored()
    PlanVersion.objects.filter(pk=version.pk).update(text=CHANGED)
    version.refresh_from_db()

    with pytest.raises(NotPossible, match="does not fit its hash"):
        plans.freeze(version, actor="lena")


def test_a_draft_that_rules_of_today_refuse_is_not_frozen() -> None:
    make_operation(name="watch-harbours")
    version = stored(TEXT.replace("operation: monitor", "operation: watch-harbours", 1))
    Operation.objects.all().delete()

    with pytest.raises(NotPossible, match=r"consistent@1 cannot be carried out as it is: .*line \d+.*Edit the draft"):
        plans.freeze(version, actor="lena")

    assert PlanVersion.objects.get().status == "draft"


def test_what_was_imported_is_exported_byte_for_byte() -> None:
    text = "# why: it is so\n" + TEXT

    assert plans.export(stored(text)) == text


def test_checking_tells_problems_and_findings_and_stores_nothing() -> None:
    wrong, right = plans.check("phases: 1"), plans.check(plans.shipped_text())

    assert wrong.plan is None
    assert wrong.problems[0].startswith("plan.yaml, line 1, column 1: ")
    assert right.plan is not None
    assert len(right.findings) >= 7
    assert not PlanVersion.objects.exists()


def test_two_versions_differ_by_field_and_by_line() -> None:
    found = plans.diff(stored(), stored(CHANGED))

    assert [change.sentence for change in found.changes] == [
        "phase week-1 › step 1.1 › setting assign › limit: 10 → 11"
    ]
    assert found.text.startswith("--- consistent@1\n+++ consistent@2\n")
    assert found.readable().startswith("phase week-1 › step 1.1")


def test_a_change_tells_what_does_not_add_up_any_more_and_nothing_that_was_so_before() -> None:
    text = plans.shipped_text()
    worse = text.replace("{first_day: 3, last_day: 5, limit: 18}", "{first_day: 3, last_day: 5, limit: 12}")

    assert [found.rule for found in plans.new_findings(text, worse)] == ["ramp_falls"]
    assert plans.new_findings(worse, worse) == ()


@pytest.mark.parametrize(("name", "version"), [("consistent", 2), ("consistent@1", 1)])
def test_a_version_is_found_by_its_name(name: str, version: int) -> None:
    stored(), stored(CHANGED)

    assert plans.version_named(name).version == version


@pytest.mark.parametrize("name", ["nothing", "consistent@9", "consistent@new"])
def test_a_name_that_is_not_there_is_refused(name: str) -> None:
    stored()

    with pytest.raises(NotPossible, match="consistent@1"):
        plans.version_named(name)


def test_the_log_of_all_of_it_verifies() -> None:
    version = plans.edit(stored(), CHANGED, actor="otto", reason="One more.")
    plans.freeze(version, actor="lena")

    assert (audit.verify().entries, audit.verify().fault) == (3, "")
