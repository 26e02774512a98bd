"""manage.py rollout import|export|check|lint|diff: what scripts get back."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from rollout.domain.plan_file import dump_plan
from rollout.models import PlanVersion
from rollout.services import plans
from tests.factories import make_operation, make_repository
from tests.rollout.domain.plan_samples import consistent

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("virtual_clock")]
TEXT = dump_plan(consistent())


def run(*words: Any) -> tuple[int, str, str]:
    """Exit code, standard output, standard error."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("rollout", *map(str, words), stdout=out, stderr=err)
    except SystemExit as end:
        return int(end.code or 0), out.getvalue(), err.getvalue()
    return 0, out.getvalue(), err.getvalue()


def facts(*words: Any) -> tuple[int, Any]:
    code, out, _ = run(*words, "--json")
    return code, json.loads(out)


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    path = tmp_path / "plan.yaml"
    path.write_text(TEXT, encoding="utf-8")
    return path


def test_the_shipped_plan_is_imported_without_naming_it() -> None:
    code, out, _ = run("import")

    assert (code, PlanVersion.objects.get().slug) == (0, "unified-pipeline")
    assert out.startswith("unified-pipeline@1 (draft), sha256 ")
    assert "12 contradictions and 5 risks" in out


def test_an_import_answers_in_facts(plan: Path) -> None:
    code, found = facts("import", plan)

    assert code == 0
    assert found == {
        "plan": "consistent@1",
        "status": "draft",
        "sha256": plans.digest(TEXT),
        "contradictions": 0,
        "risks": 0,
    }


def test_a_wrong_plan_is_refused_with_every_line_and_nothing_is_stored(plan: Path) -> None:
    plan.write_text(TEXT.replace("mode: live", "mode: lively"), encoding="utf-8")

    code, out, err = run("import", plan)

    assert (code, out) == (2, "")
    assert err.count("\n") >= 6
    assert err.startswith("plan.yaml, line ")
    assert not PlanVersion.objects.exists()


def test_a_refusal_in_facts_names_the_problems(plan: Path) -> None:
    plan.write_text("phases: 1\n", encoding="utf-8")

    code, found = facts("lint", plan)

    assert code == 2
    assert found["problems"][0] == "plan.yaml, line 1, column 1: 'owner' is missing in a plan; add it."


def test_checking_a_plan_counts_what_it_holds() -> None:
    code, found = facts("check")

    assert code == 0
    assert (found["usable"], found["phases"], found["triggers"], found["findings"]) == (True, 6, 13, 17)


def test_checking_a_wrong_plan_ends_with_2(plan: Path) -> None:
    plan.write_text(TEXT.replace("owner:", "ovner:"), encoding="utf-8")

    code, out, _ = run("check", plan)

    assert code == 2
    assert "did you mean 'owner'?" in out


def test_linting_the_shipped_plan_ends_with_1_and_says_that_nothing_changed() -> None:
    code, out, _ = run("lint")

    assert code == 1
    assert "1. contradiction, 2.1, 2.3: Phase 2: Capacity Scaling states 240 issues a day for assign" in out
    assert "     assign: 6 runs × 20 = 120 issues a day\n" in out
    assert out.endswith("12 contradictions, 5 risks. Nothing was changed.\n")


def test_linting_in_facts_carries_the_figures() -> None:
    _, found = facts("lint")

    first = found["findings"][0]
    assert (first["rule"], first["severity"], first["where"]) == ("capacity", "contradiction", ["2.1", "2.3"])
    assert first["figures"]["possible"] == 120


def test_linting_a_plan_that_adds_up_ends_with_0(plan: Path) -> None:
    assert run("lint", plan) == (0, "plan.yaml: no contradictions found.\n", "")


def test_linting_for_a_repository_reckons_with_its_concurrency_groups() -> None:
    repository = make_repository(full_name="acme/harbour")
    for name in ("assign", "process"):
        make_operation(repository=repository, name=name, concurrency_group="writers")

    _, out, _ = run("lint", "--repository", "acme/harbour")

    assert "process at 00:05 follows assign at 00:00 by 5 min" in out
    assert "both are in the group 'writers', so the later one would be skipped" in out
    assert run("lint", "--repository", "acme/nowhere")[0] == 2


def test_risks_count_only_when_asked_for(plan: Path) -> None:
    plan.write_text(TEXT.replace("mode: live", "mode: dry_run", 1), encoding="utf-8")  # nothing monitors live

    assert run("lint", plan)[0] == 0
    assert run("lint", plan, "--strict")[0] == 1


def test_a_stored_plan_is_exported_byte_for_byte(plan: Path, tmp_path: Path) -> None:
    run("import", plan)
    target = tmp_path / "out.yaml"

    code, out, _ = run("export", "consistent", "--to", target)

    assert (code, out) == (0, f"consistent@1 written to {target}.\n")
    assert target.read_bytes() == plan.read_bytes()
    assert run("export", "consistent@1")[1] == TEXT


def test_an_export_does_not_replace_a_file_unasked(plan: Path) -> None:
    run("import", plan)

    code, _, err = run("export", "consistent", "--to", plan)

    assert code == 2
    assert "is there already; add --overwrite to replace it." in err
    assert run("export", "consistent", "--to", plan, "--overwrite")[0] == 0


def test_a_difference_ends_with_1_and_names_fields_and_lines(plan: Path) -> None:
    run("import", plan)
    plan.write_text(TEXT.replace("limit: 10", "limit: 11", 1), encoding="utf-8")

    code, out, _ = run("diff", "consistent@1", plan)

    assert code == 1
    assert out.startswith(
        "phase week-1 › step 1.1 › setting assign › limit: 10 → 11\n\n--- consistent@1\n+++ plan.yaml\n"
    )
    assert "@@" not in run("diff", "consistent@1", plan, "--fields")[1]


def test_no_difference_ends_with_0(plan: Path) -> None:
    run("import", plan)

    assert run("diff", plan, "consistent") == (0, "plan.yaml and consistent@1 say the same.\n", "")


@pytest.mark.parametrize("source", ["nowhere/plan.yaml", "nothing@3"])
def test_a_source_that_is_not_there_ends_with_2(source: str) -> None:
    code, _, err = run("lint", source)

    assert code == 2
    assert err.startswith("There is no ")


def test_a_file_that_is_not_utf8_ends_with_2_and_its_byte(plan: Path) -> None:
    plan.write_bytes(b"slug: a\nowner: \xff\n")

    code, _, err = run("check", plan)

    assert code == 2
    assert "line 2, column 8: The byte 0xff is not UTF-8" in err


def test_a_subcommand_that_is_not_there_is_refused() -> None:
    with pytest.raises(CommandError, match="invalid choice"):
        run("explode")
